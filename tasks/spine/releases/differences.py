"""What differs between two releases, and why.

Rows are matched by their keys (`holdings.py`): by the input that each was made from and its place there, not by its
id. So a row that was made anew from the same page is changed, not one removed and one added. Rows of one key that are
alike are matched first, then the others in their order.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from wellspring.tasks.spine.releases import holdings, releases

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
WORDS = {  # a reason of the selection, as a diff says it
    "below_threshold": "threshold",
    "over_quota": "quota",
    "excluded": "excluded",
    "no_answer": "no answer",
}
Row = Mapping[str, Any]


@dataclass(slots=True)
class Side:
    """One of the two: what it is called, its rows by key, and what explains them.

    Attributes:
        name: Of the release, or `now`.
        said: Its manifest.
        rows: By form and key.
        pages: The digests of the texts of each page, by its address.
        left_out: Why an instruction is not in it, by its id and by its key.
        methods: The settings of each method in force, by stage, name and fingerprint.
        forgotten: Ids of rows that were taken out of it since, as what they rest on was forgotten.
    """

    name: str
    said: Mapping[str, Any]
    rows: dict[str, dict[str, list[Row]]] = field(default_factory=dict[str, dict[str, list[Row]]])
    pages: dict[str, set[str]] = field(default_factory=dict[str, set[str]])
    left_out: dict[str, str] = field(default_factory=dict[str, str])
    methods: dict[tuple[str, str, str], str] = field(default_factory=dict[tuple[str, str, str], str])
    forgotten: set[str] = field(default_factory=set[str])

    def why_not(self, row: Row) -> str:
        """Return why a row of the other side was left out here, or nothing."""
        return self.left_out.get(row["made_id"]) or self.left_out.get(row["key"], "")

    def fingerprints(self, name: str) -> set[str]:
        """Return the fingerprints of the methods of a name."""
        return {print_ for _, own, print_ in self.methods if own == name}


@dataclass(frozen=True, slots=True)
class Change:
    """One row that differs: what happened, why, and the ids and lines on either side (empty where it is not)."""

    what: str
    why: str
    key: str
    maker: str
    url: str
    id_a: str
    id_b: str
    line_a: str
    line_b: str


def side(folder: Path, name: str, said: Mapping[str, Any]) -> Side:
    """Read one side.

    Args:
        folder: Of a release, or of an export with its snapshot.
        name: What it is called.
        said: Its manifest.
    """
    found = Side(name, said)
    for row in holdings.read(folder, "rows").iter_rows(named=True):
        found.rows.setdefault(row["file"].rpartition("/")[0], {}).setdefault(row["key"], []).append(row)
    for row in holdings.read(folder, "pages").iter_rows(named=True):
        found.pages.setdefault(row["url"], set()).add(row["text_digest"])
    for row in holdings.read(folder, "left_out").iter_rows(named=True):
        why = WORDS.get(row["reason"], row["reason"].removeprefix("failed_").replace("_", " "))
        found.left_out |= {row["id"]: why, row["key"]: why}
    for stage, own, print_, settings in holdings.read(folder, "methods").iter_rows():
        found.methods[stage, own, print_] = settings
    return found


def with_forgotten(found: Side, taken_out: pl.DataFrame) -> Side:
    """Give a side back the rows that were forgotten: it was issued again without them."""
    for row in taken_out.iter_rows(named=True):
        found.rows.setdefault(row["file"].rpartition("/")[0], {}).setdefault(row["key"], []).append(row)
        found.forgotten.add(row["row_id"])
    return found


def between(a: Side, b: Side) -> dict[str, Any]:
    """Say what differs.

    Returns:
        `a` and `b` (name, digest, rows of each), `rows` (how many keys were added, removed, changed, or are the same),
        `why` (how many for which reason, for each of the three), `forms` (a dict each), `settings` and `measures` (what
        differs, side by side), `is_same`, and `changes`, a dict for each row that differs.
    """
    shared = [form for form in a.rows if form in b.rows] or [*dict.fromkeys((*a.rows, *b.rows))]
    seen, changes, same = set[str](), list[Change](), 0
    for form in shared:
        keys = [key for key in _keys(a, b, form) if key not in seen]
        for key in keys:
            found = [*_of_key(a, b, form, key)]
            changes += found
            same += max(len(rows) for rows in _sides(a, b, form, key)) - len(found)
        seen.update(keys)
    counts = {what: sum(one.what == what for one in changes) for what in (ADDED, REMOVED, CHANGED)}
    forms = dict.fromkeys((*a.rows, *b.rows))
    return {
        "a": _named(a),
        "b": _named(b),
        "is_same": not changes and [*a.rows] == [*b.rows],
        "rows": counts | {"same": same},
        "why": {what: dict(Counter(one.why for one in changes if one.what == what).most_common()) for what in counts},
        "forms": [{"form": form, "rows_a": _count(a, form), "rows_b": _count(b, form)} for form in forms],
        "settings": _settings(a.said.get("settings", {}), b.said.get("settings", {})),
        "measures": _measures(a.said.get("measures", []), b.said.get("measures", [])),
        "changes": [asdict(one) for one in changes],
    }


def new_lines(a: Side, b: Side) -> dict[str, list[int]]:
    """Return the lines of side b that side a does not have, or has otherwise, by file; of a form that is new, all."""
    found = dict[str, list[int]]()
    for form in b.rows:
        for key in _keys(a, b, form):
            for change in _of_key(a, b, form, key):
                if change.line_b:
                    file, _, line = change.line_b.rpartition(":")
                    found.setdefault(file, []).append(int(line))
    return {file: sorted(lines) for file, lines in sorted(found.items())}


def _keys(a: Side, b: Side, form: str) -> list[str]:
    return [*dict.fromkeys((*a.rows.get(form, ()), *b.rows.get(form, ())))]


def _sides(a: Side, b: Side, form: str, key: str) -> tuple[Sequence[Row], Sequence[Row]]:
    return a.rows.get(form, {}).get(key, ()), b.rows.get(form, {}).get(key, ())


def _named(one: Side) -> dict[str, Any]:
    return {"name": one.name, "digest": one.said.get("digest", ""), "rows": one.said.get("rows", 0)}


def _count(one: Side, form: str) -> int:
    return sum(row["row_id"] not in one.forgotten for rows in one.rows.get(form, {}).values() for row in rows)


def _of_key(a: Side, b: Side, form: str, key: str) -> Iterator[Change]:
    """Yield what differs among the rows of one key."""
    mine, theirs = _sides(a, b, form, key)
    left_a = _beyond(mine, Counter(row["digest"] for row in theirs))
    left_b = _beyond(theirs, Counter(row["digest"] for row in mine))
    for old, new in zip(left_a, left_b, strict=False):
        yield _change(CHANGED, _why_changed(a, b, old, new), old, new)
    for old in left_a[len(left_b) :]:
        yield _change(REMOVED, _why_removed(a, b, old), old, None)
    for new in left_b[len(left_a) :]:
        yield _change(ADDED, _why_added(a, b, new), None, new)


def _beyond(rows: Sequence[Row], others: Counter[str]) -> list[Row]:
    """Return the rows that have no equal on the other side, one for one."""
    left, found = Counter(others), list[Row]()
    for row in rows:
        if left[row["digest"]]:
            left[row["digest"]] -= 1
        else:
            found.append(row)
    return found


def _change(what: str, why: str, old: Row | None, new: Row | None) -> Change:
    either: Row = new or old or {}
    (id_a, line_a), (id_b, line_b) = (
        ("", "") if one is None else (one["row_id"], f"{one['file']}:{one['line']}") for one in (old, new)
    )
    return Change(what, why, either["key"], either["maker"], either["url"], id_a, id_b, line_a, line_b)


def _why_added(a: Side, b: Side, row: Row) -> str:
    if why := a.why_not(row):
        return f"no longer: {why}"
    if row["url"] and row["url"] not in a.pages:
        return "new page"
    if row["method"] not in a.fingerprints(row["maker"]):
        return _why_method(a, b, "", row["method"], row["maker"]) if a.fingerprints(row["maker"]) else "new method"
    return "new from the same page" if row["url"] else "new input"


def _why_removed(a: Side, b: Side, row: Row) -> str:
    if row["row_id"] in a.forgotten:
        return "forgotten"
    if why := b.why_not(row):
        return why
    if row["method"] and row["method"] not in b.fingerprints(row["maker"]):
        there = b.fingerprints(row["maker"])
        return _why_method(a, b, row["method"], "", row["maker"]) if there else "method no longer in force"
    if row["url"] and _texts(b, row) and _texts(a, row) != _texts(b, row):
        return "new text of the page"
    return "its input is no longer in force"


def _why_changed(a: Side, b: Side, old: Row, new: Row) -> str:
    if old["method"] != new["method"]:
        return _why_method(a, b, old["method"], new["method"])
    if old["made_id"] != new["made_id"]:
        return "new text of the page" if old["document_id"] != new["document_id"] else "written anew"
    if old["answer_method"] != new["answer_method"]:
        return _why_method(a, b, old["answer_method"], new["answer_method"], stage="responses")
    if old["model"] != new["model"]:
        return "another model answered"
    return "another answer" if old["row_id"] != new["row_id"] else "what is said of it"


def _texts(one: Side, row: Row) -> set[str]:
    return one.pages.get(row["url"], set())


def _why_method(a: Side, b: Side, old: str, new: str, name: str = "", stage: str = "instructions") -> str:
    """Say what differs between two methods: settings, or else the prompt, the version or the model.

    A side on which the row is not has no fingerprint: then it is the method of that name there.
    """

    def settings(one: Side, print_: str) -> dict[str, Any]:
        of_name = [said for (of, own, _), said in sorted(one.methods.items()) if of == stage and own == name]
        found = [said for (of, _, own), said in one.methods.items() if of == stage and own == print_] or of_name
        return json.loads(found[-1]) if found else {}

    mine, theirs = settings(a, old), settings(b, new)
    differ = [row["setting"] for row in _settings(mine, theirs)] if mine and theirs else []
    return f"settings: {', '.join(differ[:3])}" if differ else "prompt, version or model of the method"


def _settings(a: Mapping[str, Any], b: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the settings that differ, side by side."""
    mine, theirs = dict(_flat(a)), dict(_flat(b))
    return [
        {"setting": key, "a": mine.get(key), "b": theirs.get(key)}
        for key in sorted({*mine, *theirs})
        if mine.get(key) != theirs.get(key)
    ]


def _flat(said: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in said.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _measures(a: Sequence[Row], b: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the measures of the whole dataset, side by side; none where a side has none, as what was issued again."""
    mine, theirs = ({k: v for row in rows if row.get("part") == "all" for k, v in row.items()} for rows in (a, b))
    names = [name for name in dict.fromkeys((*mine, *theirs)) if name != "part"] if mine and theirs else []
    return [{"measure": name, "a": mine.get(name), "b": theirs.get(name)} for name in names]


def of_release(store: Path, name: str) -> Side:
    """Return a release as a side; one that was issued again since is the new one and what was forgotten.

    Raises:
        UsageError: There is no such release.
    """
    folder = folder_of(store, name)
    found = side(folder, name, releases.manifest(folder))
    stem, number = releases.parted(name)
    if releases.parted(folder.name)[0] != stem or folder.name == name:
        return found
    gone = holdings.read(folder, holdings.TAKEN_OUT)
    since = [releases.parted(one)[1] >= number for one in gone["release"]]
    return with_forgotten(found, gone.filter(pl.Series(since, dtype=pl.Boolean)))


def folder_of(store: Path, name: str) -> Path:
    """Return the folder of a release, or of the one that stands for it since something was forgotten.

    Raises:
        UsageError: There is no such release.
    """
    is_there = name in releases.names(store)
    return releases.find(store, name if is_there else releases.successor(store, name) or name)
