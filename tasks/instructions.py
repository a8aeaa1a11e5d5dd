"""Instructions: what the recipes write (SynthQuestions, step C; KNN-Instruct; every other program file of the profile).

A recipe is a program file (`contracts/program.py`). They write in the order of the profile, and each sees what was read
from outside and what those above it made. One with rounds runs once for each, and a round also sees what the program
made in those before it.

Every instruction passes the checks of `tasks/methods/instructions/acceptance.py` or is refused with the reason; then
each recipe's new rows are looked at together, and what repeats a seed, an earlier instruction or one of their own is
refused, too.
Those stay as rows, named in `rejections` by their own id, and `valid_instructions` leaves them out.

What an input is shown is decided by its id and by what was there when it was written, never by the order of answers.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wellspring.tasks.contracts.conversation import recalled
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.settings import InstructionsSettings, PoolSettings, Settings
from wellspring.tasks.methods.instructions.injections import orders
from wellspring.tasks.methods.instructions.novelty import repeats
from wellspring.tasks.methods.instructions.subjects import is_code, is_mathematics
from wellspring.tasks.methods.pages.languages import identify
from wellspring.tasks.spine.running import recipes
from wellspring.tasks.spine.running.identity import raised
from wellspring.tasks.spine.running.recipes import Recipe
from wellspring.tasks.spine.running.runs import Counts, Run, stage
from wellspring.tasks.spine.vectors import ceilings, contamination, embedders, reads
from wellspring.tasks.spine.writing.asks import Asks, Work
from wellspring.tasks.spine.writing.demonstrations import excerpt
from wellspring.tasks.spine.writing.lookups import Reader
from wellspring.tasks.spine.writing.programs import Ask, Program
from wellspring.tasks.spine.writing.runner import conduct

VERSION = 2
_CHECKS = ("languages", "min_tokens", "max_tokens", "max_copy_rouge_l", "max_document_share",
           "min_own_words", "max_pool_cosine")  # fmt: skip
_RULES = ("acceptance", "asking", "carrying", "copies", "debris", "demonstrations", "injections", "languages", "loops",
          "packing", "parts", "refusals", "self_containment", "thought_marks", "tokens",
          "spine.asks", "spine.demonstrations", "spine.lookups")  # fmt: skip
_RULES_OF = {"documents": ("excerpts", "words"), "pool": ("spine.knn_pool",)}  # by what is taken


@dataclass(frozen=True, slots=True)
class Writer:
    """A program at work, in one of its rounds."""

    program: Recipe
    fingerprint: str
    round: int


@stage("instructions")
def synthesize(run: Run) -> Counts:
    """Have every recipe of the profile write what it has not written.

    Raises:
        UsageError: The profile names a recipe that is not there.
        BrokenError: The pool is too small for K neighbours.
    """
    writers = _writers(run.settings)
    active = {writer.fingerprint: writer.program.name for writer in writers}
    run.activate("instructions", active, run.settings.instructions.model_dump())
    counts = Counts()
    for number, writer in enumerate(writers):
        counts += _written(run, writer, writers[:number])
        counts += _compare(run, writer, [one.fingerprint for one in writers[:number]])
    return counts


def _writers(settings: Settings) -> list[Writer]:
    """Return the programs in the order in which they write; each round is one.

    Raises:
        UsageError: One is not there.
    """
    writers: list[Writer] = []
    for recipe in settings.instructions.recipes:
        name = "ungrounded" if recipe == "attributed_grounding" and not settings.instructions.grounded else recipe
        if (program := recipes.find(name, settings)) is None:
            raise recipes.unknown(name, list(recipes.names(settings)))
        writers += [Writer(program, _fingerprint(settings, program, number), number) for number in program.rounds]
    return writers


def _fingerprint(settings: Settings, program: Recipe, number: int) -> str:
    """Identity of a program in a round: its own, and what is kept of what it makes.

    How many rounds there are does not count, so that one more leaves those before it as they are.
    """
    wanted, takes, knobs = settings.instructions, program.takes, program.knobs
    checks = wanted.model_dump(include={*_CHECKS, *(("document_tokens",) if takes == "documents" else ())})
    checks |= {"max_pool_cosine": _ceiling(settings), "benchmarks": contamination.fingerprint(settings)}
    if takes == "documents" and not wanted.math_and_code:
        checks["math_and_code"] = False
    if "repeat" in program.may:
        checks["repeats"] = "what another program has repeated, too"
    if isinstance(knobs, PoolSettings):
        checks["max_neighbour_cosine"] = ceilings.cosine(settings, "seeds", knobs.max_neighbour_cosine)
    near = embedders.described(settings.embeddings, *_compared(takes))
    versions = raised(*_rules(settings, takes), own=VERSION)
    return program.fingerprint(settings, (checks, near), versions, *([number] if number else []))


def _ceiling(settings: Settings) -> float:
    return ceilings.cosine(settings, "instructions", settings.instructions.max_pool_cosine)


def _compared(takes: str) -> tuple[str, ...]:
    """Return the nouns whose vectors decide: instructions, and where pages are shown beside pages, these."""
    return ("instructions", "passages") if takes == "documents" else ("instructions",)


def _rules(settings: Settings, takes: str) -> list[str]:
    """Name the methods by which an input is shown and an answer is kept, under these settings."""
    return [
        *(*_RULES, *_RULES_OF.get(takes, ()), *embedders.methods_of(settings.embeddings, *_compared(takes))),
        *(("subjects",) if takes == "documents" and not settings.instructions.math_and_code else ()),
        *(("novelty",) if _ceiling(settings) <= 1 else ()),
    ]


def _written(run: Run, writer: Writer, before: Sequence[Writer]) -> Counts:
    """Run a program for its inputs: rows read from outside, what those before it made, or its pool."""
    program, above = writer.program, [one.fingerprint for one in before]
    rounds = [one.fingerprint for one in before if one.program.name == program.name]
    _say_if_changed(run, writer)
    with Reader(run, program, writer.fingerprint, above, rounds) as reader:
        work = Work(run, program, writer.fingerprint, reader, writer.round)

        async def body(row: Row, ask: Ask) -> None:
            shown = _shown(row, program, run.settings.instructions)
            asks = Asks(work, shown, ask)
            try:
                await program.module.program(shown, asks)
            except Exception:
                asks.made.hand_refusals(ask, first=1)
                raise
            asks.made.hand_over(ask)

        of = ("instructions", program.name, program.takes, writer.fingerprint, program.roles)
        made = Program(*of, program.most_calls, body, samples=None, makes=program.module.MAKES[0])
        return conduct(run, made, **_inputs(run, program, reader, above))


def _inputs(run: Run, program: Recipe, reader: Reader, above: Sequence[str]) -> dict[str, Any]:
    """Return which rows of its view a program is given, as `conduct` takes it."""
    if program.takes == "pool":
        return {"among": reader.pool.ids}
    if program.module.TAKES == "instructions":
        return {"among": run.store.query("instructions/of_writers", fingerprints=above)["instruction_id"].to_list()}
    return {"most": run.settings.limit}


def _shown(row: Row, program: Recipe, wanted: InstructionsSettings) -> Row:
    """Return a row as its program is given it: a page is cut to its budget, and one of a pool has a language.

    Raises:
        Rejection: `document_talks_to_models`; `math_or_code`, where the profile wants none.
    """
    if program.takes == "pool":
        return {**row, "language": row["language"] or identify(row["text"])}
    if program.takes != "documents":
        return row
    page = excerpt(row, wanted)
    if program.is_of_page and (found := orders(f"{page['title'] or ''}\n{page['text']}")):
        raise Rejection("document_talks_to_models", found[0][:300])
    if not wanted.math_and_code and (is_code(row["text"]) or is_mathematics(row["text"])):
        raise Rejection("math_or_code", "instructions.math_and_code is off")
    return page


def _say_if_changed(run: Run, writer: Writer) -> None:
    """Say that a file of a user's has changed since it wrote under this VERSION: what it wrote then stands."""
    program = writer.program
    before = reads.kept(run, "written", writer.fingerprint, [program.name]).get(program.name)
    if before is None and program.written:
        reads.keep(run, "written", writer.fingerprint, {program.name: program.written})
    elif before is not None and before != program.written:
        run.progress.note(f"{program.name}.py has changed, and its VERSION is {program.module.VERSION} as before: what "
                          "it made stays as it is; raise VERSION to have it made anew")  # fmt: skip


# All of them together


def _compare(run: Run, writer: Writer, before: Sequence[str]) -> Counts:
    """Look at a writer's new instructions together: refuse what means the same as a benchmark prompt or as another.

    Others are the seeds, the instructions that were published, those of the writers before it, and new ones of its own
    of a lower id. What a later writer had written when an earlier run was cut off is not among them: it is compared
    after its own round, as in a run that is not cut off.
    """
    fresh = run.store.query("instructions/fresh", fingerprint=writer.fingerprint)
    if fresh.is_empty():
        return Counts()
    texts = {name: recalled(history, text) for name, text, history in fresh.rows()}
    writers = [*before, writer.fingerprint]
    find = lambda new: _repeated(run, new, writers, writer.program.may)  # noqa: E731
    return reads.compared(run, "instructions", writer.fingerprint, texts, find)


def _repeated(
    run: Run, texts: Mapping[str, str], writers: Sequence[str], allowed: Collection[str]
) -> dict[int, Rejection]:
    """Return which of some new instructions are refused, by their place, and why."""
    ids = list(texts)
    embed = embedders.embedder(run, "instructions").embed
    new = embed(list(texts.values())).vectors
    prompts = contamination.texts(run.settings.benchmarks)
    refused = (
        dict(contamination.by_meaning(run.settings, "instructions", new, embed(prompts).vectors)) if prompts else {}
    )
    if (ceiling := _ceiling(run.settings)) <= 1:
        known = run.store.query("instructions/known", fresh_ids=ids, earlier=list(writers))
        left = [row for row in range(len(ids)) if row not in refused]
        others = [recalled(history, text) for _, text, history in known.rows()]
        names = [*known["item_id"].to_list(), *(ids[row] for row in left)]
        may = _relatives(run, [ids[row] for row in left], names, allowed) if "resemble" in allowed else None
        for row, (other, cosine) in repeats(new[left], embed(others).vectors, ceiling, may).items():
            refused[left[row]] = Rejection("too_near_the_pool", f"cosine {cosine:.3f} with {names[other]}")
    return refused


def _relatives(
    run: Run, ids: Sequence[str], names: Sequence[str], allowed: Collection[str]
) -> Callable[[int, int], bool]:
    """Return what tells whether a new row may be like another: it was made from it, or from the same, and differs.

    One that may repeat its input may also be as another program's is that has repeated the same.
    """
    rows = run.store.query("instructions/relatives", ids=list({*ids, *names}))
    parents = {name: {*of} for name, of in rows.select("instruction_id", "parents").rows()}
    texts = {name: recalled(history, text) for name, history, text in rows["instruction_id", "history", "text"].rows()}
    writers = dict(rows.select("instruction_id", "fingerprint").rows())

    def may(row: int, other: int) -> bool:
        one, another = ids[row], names[other]
        is_kin = another in parents[one] or not parents[one].isdisjoint(parents.get(another, ()))
        is_others = "repeat" in allowed and writers[one] != writers.get(another)
        return is_kin and (is_others or texts[one] != texts.get(another))

    return may
