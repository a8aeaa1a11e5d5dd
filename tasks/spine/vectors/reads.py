"""What a prompt rested on, kept with the journal: found once for an input, and read again by every later run.

The nearest pages of a seed, the demonstrations of a page, the neighbours of a message and what a new row was compared
with depend on all that was there that night. A night later there is more. So a database that is made anew from the
journal would find others, ask other questions, and have no answer to them. What is read here is what was found first,
as long as all that it names is still there; what is gone (a page was forgotten) is found anew.
"""

import json
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.io.storage import journal_file, outliving
from wellspring.tasks.io.storage.store import JOURNAL
from wellspring.tasks.spine.running.runs import Counts, Run


def recorded(
    run: Run,
    kind: str,
    fingerprint: str,
    input_ids: Sequence[str],
    find: Callable[[list[str]], Mapping[str, Any]],
    is_there: Callable[[Mapping[str, Any]], Collection[str]] = lambda kept: kept,
    former: str = "",
) -> dict[str, Any]:
    """Return what was found for each input: as it is recorded, else as it is found now, and recorded from then on.

    Args:
        run: Whose journal it is.
        kind: Of read; a name.
        fingerprint: Of the method that reads.
        input_ids: For which something is wanted.
        find: What finds it for some inputs, as plain JSON values; those that it leaves out are not recorded.
        is_there: Tells of which inputs all that is recorded can still be read; all, where nothing is said.
        former: The kind by which older versions of Wellspring kept it, under names of another make.
    """
    before = kept(run, kind, fingerprint, input_ids)
    taken_over = _former(run, former, fingerprint, [one for one in input_ids if one not in before]) if former else {}
    before |= taken_over
    whole = set(is_there(before)) if before else set[str]()
    missing = [input_id for input_id in input_ids if input_id not in whole]
    found = dict(find(missing)) if missing else {}
    keep(run, kind, fingerprint, {one: taken_over[one] for one in taken_over if one in whole} | found)
    return {input_id: before[input_id] for input_id in whole} | found


def _former(run: Run, kind: str, fingerprint: str, input_ids: Sequence[str]) -> dict[str, Any]:
    """Return what an older version of Wellspring recorded of these inputs, so that nothing is asked and paid again.

    The first method that looks takes over what was recorded under the name that most of the inputs have, of equals the
    latest. One with other settings, later, takes over nothing.
    """
    rows = _selected(run, "SELECT fingerprint, value FROM reads WHERE kind = 'taken over' AND input_id = ?", (kind,))
    if rows:
        return kept(run, kind, json.loads(rows[0][1]), input_ids) if rows[0][0] == fingerprint else {}
    query = (
        "SELECT fingerprint FROM reads WHERE kind = ? AND input_id IN (SELECT value FROM json_each(?))"
        " GROUP BY fingerprint ORDER BY count(*) DESC, max(rowid) DESC LIMIT 1"
    )
    if not (names := _selected(run, query, (kind, json.dumps(list(input_ids))))):
        return {}
    keep(run, "taken over", fingerprint, {kind: names[0][0]})
    return kept(run, kind, names[0][0], input_ids)


def keep(run: Run, kind: str, fingerprint: str, found: Mapping[str, Any]) -> None:
    """Record what was found for some inputs, and return when it is durable: rows that follow from it may be refused.

    An estimate records nothing.
    """
    if found and not run.is_rehearsal:
        said = {input_id: json.dumps(value) for input_id, value in found.items()}
        rows = [(kind, fingerprint, input_id, value, zlib.crc32(value.encode())) for input_id, value in said.items()]
        if not run.has_models:  # a run that asks nothing needs no door
            outliving.written(run.store.path / JOURNAL, "INSERT OR REPLACE INTO", {"reads": rows})
            return
        run.models.journal.writer.apply(
            lambda connection: connection.executemany("INSERT OR REPLACE INTO reads VALUES (?, ?, ?, ?, ?)", rows)
        )


def kept(run: Run, kind: str, fingerprint: str, input_ids: Sequence[str]) -> dict[str, Any]:
    """Return what is recorded of these inputs."""
    query = (
        "SELECT input_id, value, checksum FROM reads"
        " WHERE kind = ? AND fingerprint = ? AND input_id IN (SELECT value FROM json_each(?))"
    )
    rows = _selected(run, query, (kind, fingerprint, json.dumps(list(input_ids))))
    return {name: json.loads(value) for name, value, sum_ in rows if zlib.crc32(value.encode()) == sum_}


def _selected(run: Run, query: str, values: Sequence[str]) -> Sequence[tuple[Any, ...]]:
    if run.has_models:
        return run.models.journal.select(query, values)
    path = run.store.path / JOURNAL
    if journal_file.version(path) is None:
        return []
    with journal_file.reading(path) as connection:
        return connection.execute(query, values).fetchall()


def compared(
    run: Run,
    stage: str,
    fingerprint: str,
    texts: Mapping[str, str],
    find: Callable[[Mapping[str, str]], Mapping[int, Rejection]],
) -> Counts:
    """Refuse those of a stage's new rows that repeat something; what a comparison said once, it says for good.

    Args:
        run: Whose store and journal are used.
        stage: The noun that the rows are of.
        fingerprint: Of the method that wrote them.
        texts: Of the new rows, by id.
        find: Compares some of them, and returns the refused ones by their place, each with its reason.
    """
    before = kept(run, "compared", fingerprint, list(texts))
    counts = _refuse(run, stage, fingerprint, before)  # first: what is refused is nothing that others repeat
    new = {name: text for name, text in texts.items() if name not in before}
    refused = find(new) if new else {}
    found = {name: [refused[i].reason, refused[i].detail] if i in refused else [] for i, name in enumerate(new)}
    keep(run, "compared", fingerprint, found)
    return counts + _refuse(run, stage, fingerprint, found)


def _refuse(run: Run, stage: str, fingerprint: str, found: Mapping[str, Sequence[str]]) -> Counts:
    """Refuse what a comparison found to repeat something: by id its reason and detail, or nothing."""
    rows = [
        records.RejectionRow(stage, name, fingerprint, why[0], why[1], run.run_id)
        for name, why in sorted(found.items())
        if why
    ]
    run.store.append("rejections", rows)
    return Counts(rows_out=-len(rows), rows_rejected=len(rows))


def drop(run: Run, input_ids: Sequence[str]) -> None:
    """Let what was found for these inputs be found anew: a person asked for another try."""

    def write(connection: Any) -> None:
        connection.executemany("DELETE FROM reads WHERE input_id = ?", [(input_id,) for input_id in input_ids])

    run.models.journal.writer.apply(write)
