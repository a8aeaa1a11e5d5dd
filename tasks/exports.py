"""Exports: the files that trainers read, their card, and a row for each line, so that any line can be traced.

An export is a function of what it holds, and named by it: the same rows, settings and methods give the same bytes and
the same fingerprint, and then nothing is due, unless a file of it is missing or damaged. Rows of one document (or of
one anchor) are all in `train` or all in `validation`; `exports.evaluation_share` keeps whole sites for an evaluation
set of tasks (`spine/provenance/held_out.py`). What a real model wrote and what the stand-in wrote or judged are
never in one export.
"""

import hashlib
import inspect
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import polars as pl

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.casting import WRITERS, is_stand_in, without_directories
from wellspring.tasks.contracts.conversation import content, opened
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import datasets, sandbox, signatures, verify
from wellspring.tasks.io.datasets import Dataset
from wellspring.tasks.methods.datasets import (
    formats,
    holdout,
    licence_terms,
    only_if,
    own_forms,
    sequences,
    teachers,
    tool_calls,
    trainers,
)
from wellspring.tasks.methods.datasets.card import Facts, card
from wellspring.tasks.methods.datasets.formats import Form, Lines
from wellspring.tasks.methods.datasets.teachers import Teacher
from wellspring.tasks.methods.pages.tokens import count_tokens
from wellspring.tasks.spine.provenance import declared, held_out
from wellspring.tasks.spine.provenance.held_out import HeldOut
from wellspring.tasks.spine.releases import papers
from wellspring.tasks.spine.releases.papers import Papers
from wellspring.tasks.spine.running import judging
from wellspring.tasks.spine.running.identity import raised
from wellspring.tasks.spine.running.runs import Counts, Run, aside, stage
from wellspring.tasks.spine.vectors import ceilings, contamination, dataset_measures, reads
from wellspring.tasks.spine.watching import people
from wellspring.tasks.spine.watching.saved_measures import DatasetMeasures

VERSION = 4
BEST = "best_per_topic"
ADDED = "forms added"  # as reads are called
TASKS = "tasks"  # the form whose verifiers run elsewhere
STREAM_ROWS = 1_000
TOPICS_ON_CARD = 40
OVER_SHOWN = 5  # sources that allow less than the licence promises
_WRITTEN_BY = (
    "card",
    "coverage",
    "croissant",
    "facets",
    "formats",
    "licence_terms",
    "licences",
    "measures",
    "only_if",
    "own_forms",
    "partition",
    "projection",
    "spine.declared",
    "spine.papers",
    "teachers",
    "tool_calls",
    "topics",
    "trainers",
    "training_summary",
    "words",
)
EVALUATION = f"{TASKS}/{holdout.EVALUATION}"
Part = tuple[str, Form, str]  # folder, form, policy
_THOUGHTS = ("thought", "chosen_thought", "rejected_thought")
_ON_CARD = ("instruction_id", "recipe", "text", "topic", "domain")
_USUAL = {
    "use": None,
    "weight": 1.0,
    "tools": "",
    "rejected_instruction_id": None,
    "task": None,
    "certificate": None,
    "trace": None,
}  # what most rows have, and no row says


@dataclass(slots=True)
class _Written:
    """What was written.

    Attributes:
        rows_in: Rows that are lines of a form now.
        lines: Path, id of the row, and number of each.
        made: Instructions of pairs, and rewrites, that are in it.
        left_out: By form, of how many rows it has no line, and why.
        pages: What they were made from, where some sites are for evaluation.
        tasks: What the card of the evaluation set says of each of its tasks.
    """

    rows_in: int = 0
    lines: list[tuple[str, str, int]] = field(default_factory=list[tuple[str, str, int]])
    made: set[str] = field(default_factory=set[str])
    left_out: Counter[tuple[str, str]] = field(default_factory=Counter[tuple[str, str]])
    pages: set[str] = field(default_factory=set[str])
    tasks: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


@dataclass(frozen=True, slots=True)
class _Looked:
    """What rows are exported.

    Attributes:
        digest: Of the rows.
        made: Instructions and rewrites in them.
        answers: Answers in them.
        beside: What some of them have beside.
    """

    digest: str
    made: list[str]
    answers: list[str]
    beside: set[str]


@stage("exports")
def export(run: Run) -> Counts:
    """Write the dataset anew if anything in it, or how it is written, has changed; it waits for its audit then.

    Raises:
        BrokenError: It would hold rows of the stand-in beside those of a real model, or real rows that it judged; or
            its licence would promise more than a source of it allows.
        UsageError: Rows are to be kept for an evaluation set, and none is written.
    """
    chosen = _chosen(run)
    _refuse_no_evaluation(run, chosen)
    held = held_out.look(run)
    looked = _looked_through(run, chosen, held)
    evidence = papers.evidence(run.store, looked.made, looked.answers)
    fingerprint = _fingerprint(run, chosen, looked.digest, papers.digest(evidence), held)
    _refuse_mixture(run, looked.made)
    _refuse_teachers(run, looked.made)
    named = _license(run, looked.made)
    run.activate("exports", {fingerprint: run.settings.exports.name}, chosen)
    datasets.discard(run.store.exports / run.settings.exports.name)
    if _is_there(run, fingerprint):
        if not (run.is_rehearsal or dataset_measures.is_kept(run.store)):
            _keep(run)
        return Counts()
    with datasets.staging(run.store.exports / run.settings.exports.name) as dataset:
        written = _tables(run, dataset, _parts(run.settings, chosen), looked.beside, held)
        rows = _records(run, dataset, fingerprint, written)
        dataset.close_tables()
        if any(file.path.startswith(f"{TASKS}/") for file in dataset.files):
            dataset.text(f"{TASKS}/verify.py", inspect.getsource(verify))
        if any(file.path.startswith(EVALUATION) for file in dataset.files):
            dataset.text(f"{EVALUATION}.md", _evaluation_card(run.settings, named, written))
        drawn = dataset_measures.draw(run, judging.of_instructions(run.settings))
        dataset.text("README.md", card(_facts(run, dataset, drawn, named, written, held)))
        dataset.text("measures.json", _measures(drawn))
        if run.settings.exports.packed_tokens:
            dataset.text("packing.json", _packing(run, held))
        for name, text in trainers.manifests(run.settings.exports.name, dataset.files).items():
            dataset.text(name, text)
        papers.write(dataset, _papers(run, dataset, evidence, named, fingerprint, looked.made))
        manifest = dataset.text("manifest.json", _manifest(run.settings, named, fingerprint, dataset))
    _keep(run, drawn)
    held_out.keep(run, held, written.pages)
    run.store.append("exports", rows)
    run.store.execute("exports/seal", fingerprint=fingerprint, manifest=manifest)
    return Counts(rows_in=written.rows_in, rows_out=len(rows))


def _keep(run: Run, drawn: DatasetMeasures | None = None) -> None:
    """Keep the portrait for the page of the dataset, drawn anew if need be; a page stops no export."""
    with aside(run, "the portrait of the dataset could not be kept for its page; the next export tries again"):
        dataset_measures.save(run.store, drawn or dataset_measures.draw(run, judging.of_instructions(run.settings)))


def put_in_place(run: Run) -> None:
    """Let the dataset that passed its audit take the place of the one before, if one waits for that."""
    folder = run.store.exports / run.settings.exports.name
    if datasets.staged(folder).is_dir():
        datasets.put_in_place(folder)


def _chosen(run: Run) -> dict[str, Any]:
    """Return what is written, and how: `also` has the forms that were added to this dataset before, too."""
    wanted = run.settings.exports
    on_record = reads.kept(run, ADDED, "", [wanted.name]).get(wanted.name)
    if on_record is None:  # a store of before forms were kept with the journal, which outlives the database
        on_record = run.store.query("exports/also", dataset=wanted.name)["form"].to_list()
    also = sorted({*wanted.also, *(on_record if wanted.added == "keep" else ())} - {*wanted.formats})
    if also != on_record:
        reads.keep(run, ADDED, "", {wanted.name: also})
    unused = {"added"} | (set() if wanted.packed_tokens else {"packed_tokens", "packed_by"})
    unused |= set() if wanted.evaluation_share else {"evaluation_share"}
    return wanted.model_dump(exclude=unused) | {"also": also}


def _parts(settings: Settings, chosen: Mapping[str, Any]) -> list[Part]:
    """Return what is written of what `_chosen` says."""
    wanted = dict.fromkeys((*chosen["formats"], *chosen["also"]))
    parts: list[Part] = [(name, own_forms.find(name, settings.plugins), BEST) for name in wanted]
    if settings.exports.with_controls:
        policies = [f"random_{i}" for i in range(settings.selections.controls)] + list(settings.selections.beside)
        parts += [(f"controls/{policy}", formats.OURS["messages"], policy) for policy in policies]
    return parts


def _rows(run: Run, of: str, policy: str) -> Iterator[dict[str, Any]]:
    """Stream what forms are made of, in its order, with the system prompt under which it was answered."""
    params = {
        "policy": policy,
        "judge": judging.of_instructions(run.settings),
        "answer_judge": run.settings.preferences.judge,
        "required": list(run.settings.verdicts.required),
        "owed": contamination.owed(run.settings),
        "weights": run.settings.exports.weights,
        "places": run.settings.exports.order,
    }
    best = judging.best(run.settings.preferences.judge, run.settings)
    told = {"best_score": best, "answer_judge": run.settings.preferences.judge}
    left_out = {} if run.settings.exports.thoughts else dict.fromkeys(_THOUGHTS)
    for frame in run.store.stream(f"exports/{of}", rows=STREAM_ROWS, **params):
        for row in frame.iter_rows(named=True):
            yield _told(run.settings, row) | told | left_out


def _lines(
    run: Run, part: Part, held: HeldOut, usual: Mapping[str, Any] | None = None
) -> Iterator[tuple[dict[str, Any], Lines, str]]:
    """Stream the rows of a part, each with the lines that it becomes, and their table or why there are none.

    Args:
        run: Whose store it is.
        part: Which rows, and in which form.
        held: Where rows belong.
        usual: What a row has that does not say.
    """
    _, form, policy = part
    for row in _rows(run, form.of, policy):
        table, why = held.place(row, run.settings.exports.validation_share, is_task=form.name == TASKS)
        lines = form.lines({**(usual or {}), **row}) if table else []
        yield row, lines, table if lines else why or form.leaves_out


def _told(settings: Settings, row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its system prompt and the turns before it; what is as usual, or not there, it does not say."""
    text, history = row.pop("rejected_instruction", None), row.pop("rejected_history", "")
    told = {name: value for name, value in row.items() if name not in _USUAL or value != _USUAL[name]}
    told |= {"license": _together(told["license"])} if isinstance(told.get("license"), list) else {}
    told |= {"tools": tool_calls.tools(orjson.loads(told["tools"]))} if "tools" in told else {}
    told |= _before(settings, row, told.pop("history", ""))
    told |= _between(settings, told.pop("trace", ""))
    if text is None:
        return told
    other = {"text": text} | _before(settings, row, history)
    return told | {"rejected_prompt": other} | ({"calls": True} if "calls" in other else {})


def _together(licenses: list[str]) -> str | None:
    """Return the licence of a row: that of its page, or what those of its pages come to; None where it has none."""
    if len(licenses) > 1:
        return licence_terms.combined(licenses)
    return next((one for one in licenses if one != licence_terms.NOT_STATED), None)


def _before(settings: Settings, row: Mapping[str, Any], history: str) -> dict[str, Any]:
    """Return the system prompt, and the turns before an instruction where it has any."""
    chosen, thoughts = settings.responses, settings.exports.thoughts
    system, turns = opened(history, chosen.systems.get(row.get("domain") or "", chosen.system))
    earlier = _turns(turns, thoughts=thoughts)
    calls = {"calls": True} if any(turn.keys() & {"tool_calls", "tool_call_id"} for turn in earlier) else {}
    return {"system": system} | ({"earlier": earlier} if history else {}) | calls


def _between(settings: Settings, trace: str) -> dict[str, Any]:
    """Return the turns between an instruction and its answer: calls of tools, and what these said."""
    turns = orjson.loads(trace)["turns"] if trace else []
    return {"between": _turns(turns, thoughts=settings.exports.thoughts), "calls": True} if turns else {}


def _turns(turns: Iterable[Mapping[str, Any]], *, thoughts: bool) -> list[dict[str, Any]]:
    return [
        {"role": turn["role"], "content": content(dict(turn)), "thought": turn.get("thought") if thoughts else None}
        | _called(turn)
        for turn in turns
    ]


def _called(turn: Mapping[str, Any]) -> dict[str, Any]:
    """Return the calls of a turn in the form of a dataset, and the call that it answers, where there are any."""
    found = {"tool_calls": tool_calls.calls(turn.get("tool_calls") or ()), "tool_call_id": turn.get("tool_call_id")}
    return {name: value for name, value in found.items() if value}


def _refuse_no_evaluation(run: Run, chosen: Mapping[str, Any]) -> None:
    """Return when rows that are kept for evaluation have a set to stand in.

    Raises:
        UsageError: They have none: the form of tasks is not written.
    """
    if run.settings.exports.evaluation_share and TASKS not in {*chosen["formats"], *chosen["also"]}:
        raise UsageError(
            f"exports.evaluation_share keeps sites for `{EVALUATION}.jsonl`, and the form `{TASKS}` is not written",
            hint=f"add `{TASKS}` to exports.also, or set exports.evaluation_share=0",
        )


def _refuse_mixture(run: Run, row_ids: list[str]) -> None:
    """Return when all that is exported was written by real models and judged by none but such, or all by the stand-in.

    Raises:
        BrokenError: It is not so; the message counts both.
    """
    asked = run.store.query("exports/models", row_ids=row_ids).to_dicts()
    rows = {(is_writer, is_ours): 0 for is_writer in (True, False) for is_ours in (True, False)}
    for row in asked:
        rows[row["role"] in WRITERS, is_stand_in(row["model"], row["served"])] += row["rows_made"]
    real, written, judged = rows[True, False], rows[True, True], rows[False, True]
    if not real or not (written or judged):
        return
    names = sorted({row["served"] or row["model"] for row in asked if is_stand_in(row["model"], row["served"])})
    of_it = f"{written} instructions and answers are" if written else f"{judged} scores and verdicts are"
    raise BrokenError(
        f"the export `{run.settings.exports.name}` would mix a real model's rows with the offline stand-in's: {of_it} "
        f"the stand-in's ({', '.join(f'`{name}`' for name in names)}), {real} instructions and answers a real model's",
        hint="build the real rows in a store of their own (--store NEW); or name the model that answers now as its "
        "server names it (--set models.ROLE.model=NAME), so that the stand-in's part is asked for anew",
    )


def _sources(run: Run, row_ids: list[str]) -> list[dict[str, Any]]:
    return run.store.query("exports/sources", row_ids=row_ids).to_dicts()


def _shown(source: Mapping[str, Any]) -> str:
    said = licence_terms.shown(source["license"])
    return f"`{licence_terms.shown(source['name'])}` ({said}, {source['rows_used']} of its {source['used_as']})"


def _license(run: Run, row_ids: list[str]) -> str:
    """Return the licence of the dataset: the one that is named, else what the sources' licences come to.

    Seeds that state none do not count: they have nowhere to state it, and their texts are not in the rows.

    Raises:
        BrokenError: The one that is named promises more than a source allows.
    """
    wanted, sources = run.settings.exports.license, _sources(run, row_ids)
    stated = [row for row in sources if row["used_as"] == "documents" or row["license"] != licence_terms.NOT_STATED]
    together = licence_terms.combined(row["license"] for row in stated)
    if wanted == licence_terms.OTHER:
        return together
    over = [row for row in sources if licence_terms.promises_more(wanted, row["license"])]
    if over:
        shown = [_shown(row) for row in over[:OVER_SHOWN]]
        more = f" and {len(over) - OVER_SHOWN} more" if len(over) > OVER_SHOWN else ""
        raise BrokenError(
            f"exports.license `{wanted}` promises more than is allowed by {', '.join(shown)}{more}",
            hint=f"take what the sources allow together (--set exports.license={together}), or take those out with all "
            "that was made from them (wellspring forget --source NAME, or --domain SITE for pages)",
        )
    terms = licence_terms.terms_of(wanted)
    return terms.name if terms else wanted


def _papers(
    run: Run, dataset: Dataset, evidence: pl.DataFrame, named: str, fingerprint: str, row_ids: list[str]
) -> Papers:
    tables, schemas = papers.described(dataset)
    sources = [row | {"license": licence_terms.shown(row["license"])} for row in _sources(run, row_ids)]
    return Papers(papers.made_of(run.settings, named, sources), evidence, fingerprint, tables, schemas)


def _looked_through(run: Run, chosen: Mapping[str, Any], held: HeldOut) -> _Looked:
    """Look through all rows once, before anything is written."""
    digest, ids, answers, beside = hashlib.sha256(), set[str](), set[str](), set[str]()
    for part in _parts(run.settings, chosen):
        folder, form, _ = part
        digest.update(folder.encode())
        for row, lines, _ in _lines(run, part, held):
            ids |= _made(row) if lines else set()
            answers |= _answers(form, row) if lines else set()
            beside |= row.keys() & formats.BESIDE.keys()
            digest.update(orjson.dumps(row))
    return _Looked(digest.hexdigest(), sorted(ids), sorted(answers), beside)


def _fingerprint(run: Run, chosen: Mapping[str, Any], rows_digest: str, evidence_digest: str, held: HeldOut) -> str:
    """Return the identity of the export."""
    methods = run.store.query("exports/methods").rows()
    wanted = (chosen, run.settings.selections.model_dump())
    looked_for = contamination.fingerprint(run.settings)
    own = [(form.name, form.version, str(form.schema)) for _, form, _ in _parts(run.settings, chosen) if form.version]
    read = (declared.changed(run.settings), declared.steps(run.settings), evidence_digest)  # as card and papers say
    shown = (_funnel(run), _checks(run), run.store.query("exports/marks").rows())
    packing = ("sequences", "tokens") if run.settings.exports.packed_tokens else ()
    said = (wanted, methods, looked_for, *shown, rows_digest, *raised(*_WRITTEN_BY, *packing).items())
    own += [(TASKS, verify.VERSION, "")] if TASKS in chosen["formats"] or TASKS in chosen["also"] else []
    own += [(holdout.EVALUATION, holdout.VERSION, str(held.identity))] if held.identity else []
    excluded = [("excluded", rows)] if (rows := _excluded(run)) else []
    excluded += [("seeded", rows)] if (rows := _seeded(run)) else []
    excluded += [("facets", rows)] if (rows := _facets(run)) else []
    return content_id("exports", VERSION, *said, *read, *own, *excluded)


def _made(row: Mapping[str, Any]) -> set[str]:
    """Return the ids of what was written: of instructions, or of a rewrite, which has none."""
    return {row[name] for name in ("rewrite_id", "instruction_id", "rejected_instruction_id") if name in row}


def _answers(form: Form, row: Mapping[str, Any]) -> set[str]:
    """Return the ids of the answers that stand in a row."""
    named = ("id",) if form.of == "raw" else ("response_id", "chosen_id", "rejected_id")
    return {row[name] for name in named if row.get(name)}


def _tables(run: Run, dataset: Dataset, parts: list[Part], beside: set[str], held: HeldOut) -> _Written:
    """Write every line of every form."""
    written = _Written()
    usual = {name: formats.BESIDE[name] for name in beside if formats.BESIDE[name] is not None}
    beside |= {"thought"} if run.settings.exports.thoughts else set()
    for part in parts:
        folder, form, _ = part
        columns = form.columns(beside)
        for row, lines, place in _lines(run, part, held, usual):
            if not lines:
                written.left_out[form.name, place] += 1
                continue
            written.rows_in += 1
            written.made |= _made(row) if form.of in {"pairs", "rewrites"} else set()
            written.pages.update(held.behind(row))
            written.tasks += [_of_task(row)] if place == holdout.EVALUATION else []
            table = dataset.table(f"{folder}/{place}", columns)
            written.lines += [(table.path, row_id, table.append(line)) for row_id, line in lines]
    return written


def _packing(run: Run, held: HeldOut) -> str:
    """Return which rows stand together in sequences, by their ids, for each part of the dataset."""
    wanted, parts = run.settings.exports, defaultdict[str, list[sequences.Part]](list)
    for row in _rows(run, "rows", BEST):
        side, _ = held.place(row, wanted.validation_share, is_task=False)
        if not side:
            continue
        said = [row["system"], *(turn["content"] for turn in row.get("earlier", ())), row["text"], row["response"]]
        tokens = sum(map(count_tokens, [*said, row.get("thought") or ""]))
        parts[side].append(sequences.Part(row["response_id"], row[wanted.packed_by] or "", tokens))
    found = {side: sequences.packed(of, wanted.packed_tokens) for side, of in sorted(parts.items())}
    groups = sorted({part.group for of in parts.values() for part in of})
    place = {group: number for number, group in enumerate(groups)}
    told = {
        side: [
            {
                "tokens": sum(part.tokens for part in sequence),
                "rows": [{"id": part.id, "group": place[part.group], "tokens": part.tokens} for part in sequence],
            }
            for sequence in of
        ]
        for side, of in found.items()
    }
    said = {"tokens": wanted.packed_tokens, "by": wanted.packed_by, "groups": groups, "sequences": told}
    return orjson.dumps(said, option=orjson.OPT_INDENT_2).decode() + "\n"


def _records(run: Run, dataset: Dataset, fingerprint: str, written: _Written) -> list[records.Export]:
    """Return the record of each line."""
    place = f"exports/{run.settings.exports.name}"
    sha256 = {path: dataset.digest(path) for path in {path for path, _, _ in written.lines}}
    return [
        records.Export(
            export_id=content_id("export", place, path, line, row_id),
            fingerprint=fingerprint,
            path=f"{place}/{path}.jsonl",
            sha256=sha256[path],
            row_id=row_id,
            line=line,
            run_id=run.run_id,
        )
        for path, row_id, line in written.lines
    ]


def _of_task(row: Mapping[str, Any]) -> dict[str, Any]:
    said = orjson.loads(row["certificate"])
    return {"kind": said["kind"], "domain": row["domain"], "solved": said["solved"]}


def _evaluation_card(settings: Settings, named: str, written: _Written) -> str:
    reasons = {why: rows for (form, why), rows in written.left_out.items() if form == TASKS}
    left_out = {why: rows for why, rows in reasons.items() if why in {holdout.NEAR_COPY, holdout.MIXED}}
    chosen = settings.exports
    return holdout.card(chosen.name, named, chosen.evaluation_share, written.tasks, left_out)


def _facts(run: Run, dataset: Dataset, drawn: DatasetMeasures, named: str, written: _Written, held: HeldOut) -> Facts:
    rows = [
        {name: row[name] for name in _ON_CARD}
        for row in _rows(run, "rows", BEST)
        if held.place(row, 0, is_task=False)[0]
    ]
    recipe_of = {row["instruction_id"]: row["recipe"] for row in rows}
    ids = sorted({*recipe_of, *written.made})
    tables = [
        {"path": file.path.removesuffix(".parquet"), **_named(file.path), "rows": file.rows}
        for file in dataset.files
        if file.path.endswith(".parquet")
    ]
    recipes = sorted(Counter(recipe_of.values()).items())
    return Facts(
        name=run.settings.exports.name,
        license=named,
        languages=run.store.query("exports/languages", row_ids=ids)["language"].to_list(),
        tables=tables,
        left_out=[{"form": form, "rows": rows, "why": why or "-"} for (form, why), rows in written.left_out.items()],
        recipes=[{"recipe": name, "rows": count} for name, count in recipes],
        models=[row | _allowed(run.settings, row) for row in _models(run, ids)],
        methods=run.store.query("exports/methods").to_dicts(),
        sources=[row | {"license": licence_terms.shown(row["license"])} for row in _sources(run, ids)],
        choice=run.settings.selections.model_dump(),
        measures=drawn.measures,
        topics=[{"group": t["group"], "topic": t["topic"], "rows": t["rows"]} for t in drawn.topics[:TOPICS_ON_CARD]],
        lengths=_histogram("tokens", [f"{2**i} to {2 ** (i + 1) - 1}" for i in range(12)], drawn.lengths),
        scores=_histogram("score", range(8), drawn.scores) if judging.of_instructions(run.settings) else [],
        embedders=ceilings.in_force(run.settings),
        benchmarks=contamination.looked_for(run.settings.benchmarks),
        seeds=_funnel(run),
        checks=_checks(run),
        excluded=_excluded(run),
        marks=run.store.query("exports/marks").to_dicts(),
        seeded=_seeded(run),
        facets=_facets(run),
        notes=[*_breadth(rows), *_engines(run), *_packs(run.settings)],
        settings=declared.changed(run.settings),
        steps=declared.steps(run.settings),
        people=people.agreements(run.store),
    )


def _breadth(rows: list[dict[str, Any]]) -> list[str]:
    """Say how broad the rows are."""
    texts, topics, domains = ([row[name] for row in rows] for name in ("text", "topic", "domain"))
    return [only_if.said(only_if.breadth(texts, topics, domains))] if rows else []


def _packs(settings: Settings) -> list[str]:
    """Say how rows are packed, where they are."""
    wanted = settings.exports
    said = (
        f"`packing.json` says which rows stand together in sequences of {wanted.packed_tokens} tokens, as we count. "
        f"Each has the mix of all rows by {wanted.packed_by}. Mask attention between the rows of a sequence."
    )
    return [said] if wanted.packed_tokens else []


def _engines(run: Run) -> list[str]:
    """Say what ran the code of answers and verifiers, and of how many answers no engine could say anything."""
    (answers, unsaid) = run.store.query("verdicts/of_code").row(0)
    said = f"Checks ran code for {answers} answers; of {unsaid} no engine could say anything. Engines of this machine: "
    return [f"{said}{sandbox.said()}."] if answers else []


def _models(run: Run, row_ids: list[str]) -> list[dict[str, Any]]:
    """Who wrote, answered and judged; a model that older rows name by its file's path is one with it."""
    made = Counter[tuple[str, str, str]]()
    for row in run.store.query("exports/models", row_ids=row_ids).to_dicts():
        names = (without_directories(row["model"]), without_directories(row["served"]))
        made[row["role"], *names] += row["rows_made"]
    return [{"role": role, "model": model, "served": served, "rows": n} for (role, model, served), n in made.items()]


def _histogram(name: str, labels: Iterable[Any], counts: Mapping[str, list[int]]) -> list[dict[str, Any]]:
    """Put the counts of parts side by side: a row for each range that any part has; of the controls the first."""
    parts = [part for part in counts if not part.startswith("random_") or part == "random_0"]
    rows = [{name: label, **{part: counts[part][i] for part in parts}} for i, label in enumerate(labels)]
    return [row for row in rows if any(row[part] for part in parts)]


def _funnel(run: Run) -> list[dict[str, Any]]:
    """What became of the conversations that seeds were read from; nothing where none were."""
    steps = run.store.query("seeds/funnel").select("label", pl.col("seeds").alias("here"), "paper").to_dicts()
    return steps if steps[0]["here"] else []


def _excluded(run: Run) -> list[dict[str, Any]]:
    """What a person excluded, why, and what rests on it."""
    return run.store.query("exports/excluded").to_dicts()


def _checks(run: Run) -> list[dict[str, Any]]:
    """What the checks said of all answers, and which of them was required."""
    required = list(run.settings.verdicts.required)
    return run.store.query("exports/checks", required=required).to_dicts()


def _seeded(run: Run) -> list[dict[str, Any]]:
    """How often judges find seeded errors."""
    return run.store.query("exports/seeded", required=list(run.settings.verdicts.required)).to_dicts()


def _facets(run: Run) -> list[dict[str, Any]]:
    """What was selected, by facet."""
    return run.store.query("exports/facets", judge=judging.of_instructions(run.settings)).to_dicts()


def _teacher(settings: Settings, row: Mapping[str, Any]) -> Teacher:
    return teachers.teacher((row["model"], row["served"] or ""), settings.exports.teacher_licenses)


def _allowed(settings: Settings, row: Mapping[str, Any]) -> dict[str, str]:
    """Return what a model that wrote rows allows; of one that judged nothing is asked."""
    if row["role"] not in WRITERS:
        return {"licence": "-", "outputs": "-"}
    found = _teacher(settings, row)
    return {"licence": licence_terms.shown(found.licence), "outputs": teachers.OUTPUTS[found.outputs]}


def _refuse_teachers(run: Run, row_ids: list[str]) -> None:
    """Return when every model that wrote rows allows all that a profile asks for.

    Raises:
        BrokenError: The profile asks for open teachers, and one is not known to be open.
    """
    if run.settings.exports.teachers == "any":
        return
    wrote = [row for row in _models(run, row_ids) if row["role"] in WRITERS]
    closed = [row | _allowed(run.settings, row) for row in wrote if not _teacher(run.settings, row).is_open]
    if closed:
        shown = [f"`{row['model']}` ({row['licence']}; {row['outputs']}; {row['rows']} rows)" for row in closed]
        raise BrokenError(
            f"exports.teachers is `open`, and these wrote rows: {', '.join(dict.fromkeys(shown))}",
            hint="build in a store of its own with models that allow it; or say a licence that we do not know: "
            '--set \'exports.teacher_licenses={"NAME" = "apache-2.0"}\'',
        )


def _measures(drawn: DatasetMeasures) -> str:
    """What the card shows, and the histograms behind it, for programs."""
    shown = {"measures": drawn.measures, "topics": drawn.topics, "lengths": drawn.lengths, "scores": drawn.scores}
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode() + "\n"


def _named(path: str) -> dict[str, str]:
    folder, _, file = path.rpartition("/")
    return {"form": folder.replace("/", "_"), "split": file.removesuffix(".parquet")}


def _manifest(settings: Settings, named: str, fingerprint: str, dataset: Dataset) -> str:
    files = [
        {"path": file.path, "bytes": file.bytes, "sha256": file.sha256, "rows": file.rows}
        for file in sorted(dataset.files, key=lambda file: file.path)
    ]
    described = {"name": settings.exports.name, "license": named, "fingerprint": fingerprint}
    return orjson.dumps(described | {"files": files}, option=orjson.OPT_INDENT_2).decode() + "\n"


def _is_there(run: Run, fingerprint: str) -> bool:
    """Whether this dataset lies there: its manifest as the store noted it, and every file as that one says."""
    folder = run.store.exports / run.settings.exports.name
    manifest, known = folder / "manifest.json", run.store.query("exports/sealed", fingerprint=fingerprint)["manifest"]
    if run.is_rehearsal and known[0]:
        return True  # the copy of the store has no files
    if not known[0] or not manifest.is_file() or datasets.digest(manifest) != known[0]:
        return False
    files = {file["path"]: file["sha256"] for file in orjson.loads(manifest.read_bytes())["files"]}
    return datasets.is_whole(folder, files | {"manifest.json": known[0]}, {signatures.SIGNATURE})
