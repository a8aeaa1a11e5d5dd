"""What a run did, as facts: what `wellspring build` prints and `--json` gives."""

from typing import Any

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.io import sandbox
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.watching.counts import known

UNREAD: dict[str, Any] = {
    "run_id": "",
    "flow": "",
    "status": "done",
    "is_idle": False,
    "stand_in": False,
    "sandbox": "",
    "page": "",
    "example_id": "",
    "stages": [],
    "writers": [],
    "files": [],
    "unwritten": [],
}


def of_run(store: Store, run_id: str = "") -> dict[str, Any]:
    """Return the facts of a run, by its id or the beginning of one; of the run that began last, if none is given.

    Returns:
        `run_id`, `flow`, `status`, `is_idle` (nothing was due), `stages` (a dict per stage, with `reasons`: reason ->
        rows refused; `cost_usd` is None where nobody knows it), `stand_in` (whether it made rows of the store),
        `sandbox` (which engines run code here, where a check of code looked at answers; else ""),
        `writers` (instructions in force, by commit of the code), `files` (path, rows), `page` (path or ""),
        `unwritten` (page, error: those that could not be written), `example_id` (of a row to trace, or "").

    Raises:
        UsageError: No run, or more than one, has such an id.
    """
    run = _run(store, run_id)
    reasons: dict[str, dict[str, int]] = {}
    for row in store.query("rejections/by_reason", run_id=run["run_id"]).to_dicts():
        reasons.setdefault(row["stage"], {})[row["reason"]] = row["rows_rejected"]
    stages = [
        row | {"reasons": reasons.get(row["stage"], {}), "cost_usd": known(row["cost_usd"])}
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
        "stand_in": bool(store.query("completions/stand_ins")["is_any"][0]),
        "sandbox": sandbox.said() if store.query("verdicts/of_code")["answers"][0] else "",
        "writers": store.query("runs/writers").to_dicts(),
        "files": [{"path": str(store.path / file["path"]), "rows": file["rows_in_file"]} for file in files],
        "page": str(page) if page.is_file() else "",
        "unwritten": store.query("failures/pages", run_id=run["run_id"]).to_dicts(),
        "example_id": _example(store, files),
    }


def _run(store: Store, run_id: str) -> dict[str, Any]:
    if not run_id:
        return store.query("runs/latest").to_dicts()[0]
    found = [run for run in store.query("runs/all").to_dicts() if run["run_id"].startswith(run_id)]
    if len(found) != 1:
        raise UsageError(
            f"{len(found)} runs begin with `{run_id}`", hint=f"the runs: wellspring status --store {store.path}"
        )
    return found[0]


def _example(store: Store, files: list[dict[str, Any]]) -> str:
    """Return the id of something to trace: a row of the export, else a document, else nothing."""
    if files:
        return files[0]["example_id"]
    documents = store.query("documents/some")
    return documents["document_id"][0] if len(documents) else ""
