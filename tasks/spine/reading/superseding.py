"""Of several texts of one page the newest is in force: what was fetched before it stays a row, refused as `superseded`.

The newest is the one that was fetched last, by the date of its record; of one date the one of the later archive, by
name. Rows of one file that have its URL and no date are no versions of each other, since nobody knows which is newer:
where these are the newest, all of them stand. A page that came again with a text that it had before was fetched again,
so that text may be the newest once more. This depends on the documents that are there and on nothing else: neither on
the order nor on the runs they came in. So it is asked of all of them whenever a run has read, and what was said before
and holds no longer is taken back.
"""

from typing import Any

from wellspring.tasks.contracts.records import RejectionRow
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.running.runs import Counts, Run


def mark(run: Run, fingerprint: str) -> Counts:
    """Refuse the documents of this method whose page has a newer text, and count them as taken back.

    Of copies of a text on several pages the kept one may be superseded; then another of them is kept. What was made
    from a superseded text is not in force. It is due again, or left out for good: `documents.superseded` says which.
    """
    store = run.store
    older = store.query("documents/superseded", fingerprint=fingerprint).to_dicts()
    found = {row["document_id"]: _said(row) for row in older}
    known = dict(store.query("documents/overtaken", fingerprint=fingerprint).rows())
    stale = [document_id for document_id, said in known.items() if found.get(document_id) != said]
    rows = [
        RejectionRow("documents", document_id, fingerprint, "superseded", said, run.run_id)
        for document_id, said in found.items()
        if known.get(document_id) != said
    ]
    with store.transaction():
        back = store.execute("documents/restore", fingerprint=fingerprint, document_ids=stale)
        refused = store.append("rejections", rows)
        store.execute("documents/elect", fingerprint=fingerprint)
        _leave_out(store, older if run.settings.documents.superseded == "leave_out" else [], run.run_id)
    return Counts(rows_out=back - refused, rows_rejected=refused - back)


def _said(row: dict[str, Any]) -> str:
    dates = [row[name] or "no date" for name in ("fetched_at", "newest_at")]
    return f"{row['url'][:500]}: of {dates[0]}, superseded by document {row['newest_id']} of {dates[1]}"


def _leave_out(store: Store, older: list[dict[str, Any]], run_id: str) -> None:
    """Refuse what would be asked again in place of what was made from older texts; take back what does not hold."""
    texts = {f"{end}_ids": [row[f"{end}_id"] for row in older] for end in ("document", "newest")}
    due = store.query("documents/left_out", **texts).to_dicts() if older else []
    found = {(row["stage"], row["input_id"], row["fingerprint"]): _made_from(row) for row in due}
    known = {tuple(key): said for *key, said in store.query("documents/said_left_out").rows()}
    for stage, input_id, fingerprint in known.keys() - found.keys():
        store.execute("documents/ask_again", stage=stage, input_id=input_id, fingerprint=fingerprint)
    new = sorted(found.keys() - known.keys())
    store.append("rejections", [RejectionRow(*key, "superseded", found[key], run_id) for key in new])


def _made_from(row: dict[str, Any]) -> str:
    return f"it was made from document {row['document_id']}, which is superseded"
