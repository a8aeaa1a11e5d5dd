"""What files of sites (robots.txt, ai.txt, tdmrep.json) ask of those who train models, applied to all their pages.

Rules are collected from wherever they lie: before or after a site's pages, in another archive, in a later crawl. So
they are not asked while pages are read but once a run has read all it will, and each pair of a page and a rule is
looked at once. A page that any rule of its host reserves is refused from then on: its row stays, nothing reads it, and
the refusal says whose rule it was. A later robots.txt that allows what an earlier one reserved does not bring it back,
since the page was taken under the earlier one.
"""

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.methods.pages import opt_outs
from wellspring.tasks.spine.running import sharding
from wellspring.tasks.spine.running.runs import Counts, Run

VERSION = 2
BATCH_ROWS = 10_000


def withhold(run: Run, fingerprint: str) -> Counts:
    """Refuse the documents of this method that a rule of their site reserves, and count them as taken back."""
    method = content_id("site_rules", VERSION, fingerprint)
    scope = {"fingerprint": fingerprint, "settled_runs": sharding.done(run, "site_rules", method)}
    fresh = run.store.query("site_rules/unsettled_runs", **scope)["run_id"].to_list()
    if not fresh:
        return Counts()
    reserved: dict[str, str] = {}
    for batch in run.store.stream("site_rules/due", BATCH_ROWS, **scope):
        for document_id, url, host, name, rules in batch.iter_rows():
            if document_id not in reserved and (rule := opt_outs.reserving(rules, url)):
                reserved[document_id] = f"{url[:500]}: {name} of {host} says {rule[:200]}"
    with run.store.transaction():
        again = run.store.execute("documents/restore", fingerprint=fingerprint, document_ids=sorted(reserved))
        rows = [
            records.RejectionRow("documents", document_id, fingerprint, "opt_out", detail, run.run_id)
            for document_id, detail in sorted(reserved.items())
        ]
        refused = run.store.append("rejections", rows)
        sharding.note_done(run, "site_rules", method, fresh)
    return Counts(rows_out=again - refused, rows_rejected=refused - again)
