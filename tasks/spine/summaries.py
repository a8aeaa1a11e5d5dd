"""What a run did, as facts: what `wellspring build` prints and `--json` gives."""

from typing import Any

from tasks.contracts import records
from tasks.io.store import Store, queries


def of_latest_run(store: Store) -> dict[str, Any]:
    """Return the facts of the run that began last.

    Returns:
        `run_id`, `flow`, `status`, `is_idle` (nothing was due), `stages` (a dict per stage, with `reasons`: reason ->
        rows refused), `files` (path, rows), `page` (path or ""), `example_id` (of a row to trace, or "").
    """
    run = store.query("runs/latest").to_dicts()[0]
    reasons: dict[str, dict[str, int]] = {}
    for row in store.query("rejections/by_reason", run_id=run["run_id"]).to_dicts():
        reasons.setdefault(row["stage"], {})[row["reason"]] = row["rows_rejected"]
    stages = [
        row | {"reasons": reasons.get(row["stage"], {})}
        for row in store.query("runs/receipts", run_id=run["run_id"]).to_dicts()
    ]
    files = store.query("exports/files").to_dicts()
    page = store.pages / "runs" / run["run_id"] / "index.html"
    return {
        "run_id": run["run_id"],
        "flow": run["flow"],
        "status": run["status"],
        "is_idle": not any(row["rows_in"] or row["calls"] for row in stages),
        "stages": stages,
        "files": [{"path": str(store.path / file["path"]), "rows": file["rows_in_file"]} for file in files],
        "page": str(page) if page.is_file() else "",
        "example_id": _example(store, files),
    }


def _example(store: Store, files: list[dict[str, Any]]) -> str:
    """Return the id of something to trace: a row of the export, else a document, else nothing."""
    if files:
        return files[0]["example_id"]
    documents = store.query("documents/some")
    return documents["document_id"][0] if len(documents) else ""


def of_store(store: Store, latest_runs: int = 10) -> dict[str, Any]:
    """Return what is done, refused and failed in each stage, and how the latest runs ended.

    Returns:
        `stages`: a dict per noun with rows, rows_valid, rows_rejected, reasons, shards_failed, calls, cost_usd;
        `runs`: the latest, newest first, without their settings.
    """
    costs = {row["stage"]: row for row in store.query("runs/stages").to_dicts()}
    failed = {row["stage"]: row["shards_failed"] for row in store.query("failures/due").to_dicts()}
    reasons: dict[str, dict[str, int]] = {}
    for row in store.query("rejections/in_force").to_dicts():
        reasons.setdefault(row["stage"], {})[row["reason"]] = row["rows_rejected"]
    stages: list[dict[str, Any]] = []
    for noun in audited():
        cost = costs.get(noun, {})
        stages.append(
            {
                "stage": noun,
                "rows": store.query(f"{noun}/size")["rows_all"][0],
                "rows_valid": store.query(f"{noun}/audience")["rows_valid"][0],
                "rows_rejected": sum(reasons.get(noun, {}).values()),
                "reasons": reasons.get(noun, {}),
                "shards_failed": failed.get(noun, 0),
                "calls": cost.get("calls", 0),
                "cost_usd": cost.get("cost_usd", 0.0),
            }
        )
    runs = store.query("runs/all").drop("settings", "versions").to_dicts()[::-1][:latest_runs]
    return {"store": str(store.path), "stages": stages, "runs": runs}


def audited() -> list[str]:
    """Return the nouns that are audited and published, in the order of the pipeline."""
    return [table for table in records.TABLES if f"{table}/audience" in queries(table)]
