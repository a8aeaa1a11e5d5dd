"""What a run did, as facts: what `wellspring build` prints and `--json` gives."""

from typing import Any

from tasks.io.store import Store


def of_latest_run(store: Store) -> dict[str, Any]:
    """Return the facts of the run that began last.

    Returns:
        `run_id`, `flow`, `status`, `is_idle` (nothing was due), `stages` (a dict per stage, with `reasons`: reason ->
        rows refused), `files` (path, rows), `page` (path or ""), `example_id` (a row of the export, or "").
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
        "example_id": files[0]["example_id"] if files else "",
    }
