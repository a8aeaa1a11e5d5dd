"""Instructions: what the recipes write (SynthQuestions, step C; KNN-Instruct, its rounds).

A recipe is a program file of its own (`contracts/program.py`), or a method that says by `INPUTS` what it is given:
`documents`, each with demonstrations drawn from the groundings, or the `pool` of seeds and earlier rounds, each with
its neighbours. They write in the order of the profile, and a program sees what those above it made.

Every instruction passes the checks of `tasks/methods/instructions/acceptance.py` or is refused with the reason; then
each recipe's new rows are looked at together, and what repeats a seed, an earlier instruction or one of their own is
refused, too.
Those stay as rows, named in `rejections` by their own id, and `valid_instructions` leaves them out.

What an input is shown is decided by its id and by what was there when it was written, never by the order of answers.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wellspring.tasks.contracts import prompting, records
from wellspring.tasks.contracts.calls import Answer
from wellspring.tasks.contracts.conversation import said
from wellspring.tasks.contracts.errors import Rejection, UsageError
from wellspring.tasks.contracts.prompting import Prompt, PromptedMethod, Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io import sandbox
from wellspring.tasks.methods.instructions import parts as parts_
from wellspring.tasks.methods.instructions.acceptance import Shown, accept, trust
from wellspring.tasks.methods.instructions.injections import orders
from wellspring.tasks.methods.instructions.novelty import repeats
from wellspring.tasks.methods.instructions.subjects import is_code, is_mathematics
from wellspring.tasks.spine.running import recipes
from wellspring.tasks.spine.running.identity import raised
from wellspring.tasks.spine.running.recipes import Recipe
from wellspring.tasks.spine.running.runs import Counts, Run, stage
from wellspring.tasks.spine.vectors import ceilings, contamination, embedders, reads
from wellspring.tasks.spine.writing.asks import Asks, Work
from wellspring.tasks.spine.writing.demonstrations import Demonstrations, excerpt, limits
from wellspring.tasks.spine.writing.knn_pool import Pool
from wellspring.tasks.spine.writing.lookups import Reader
from wellspring.tasks.spine.writing.programs import Ask, Body, How, Program
from wellspring.tasks.spine.writing.runner import conduct, due

VERSION = 2
_CHECKS = ("languages", "min_tokens", "max_tokens", "max_copy_rouge_l", "max_document_share",
           "min_own_words", "max_pool_cosine")  # fmt: skip
_ACCEPTED_BY = ("acceptance", "asking", "carrying", "copies", "demonstrations", "injections", "languages", "loops",
                "packing", "parts", "refusals", "self_containment", "thought_marks", "tokens")  # fmt: skip
_OF_DOCUMENTS = ("grounded", "demonstrations", "demonstration_count", "prompt_tokens", "document_tokens",
                 "demonstration_document_tokens", "criteria_told", "math_and_code")  # fmt: skip
_OF_POOL = (
    "k",
    "neighbours",
    "neighbour_order",
    "with_responses",
    "response_tokens",
    "max_neighbour_cosine",
    "prompt_tokens",
)


@dataclass(frozen=True, slots=True)
class Writer:
    """A recipe at work: its name in the profile, its method, what it is given, its identity, and its round."""

    recipe: str
    method: PromptedMethod | Recipe
    inputs: str
    fingerprint: str
    round: int = 0

    @property
    def may_resemble(self) -> bool:
        """Whether its rows may be like what they were made from."""
        return isinstance(self.method, Recipe) and "resemble" in self.method.may


@stage("instructions")
def synthesize(run: Run) -> Counts:
    """Have every recipe of the profile write what it has not written.

    Raises:
        UsageError: The profile names a recipe that is not there.
        BrokenError: The pool is too small for K neighbours.
    """
    writers = _writers(run.settings)
    active = {writer.fingerprint: writer.recipe for writer in writers}
    run.activate("instructions", active, run.settings.instructions.model_dump())
    counts, earlier, done = Counts(), list[str](), list[str]()
    for writer in writers:
        if isinstance(writer.method, Recipe):
            counts += _from_program(run, writer, writer.method, done)
        elif writer.inputs == "documents":
            counts += _from_documents(run, writer, writer.method)
        else:
            counts += _from_pool(run, writer, writer.method, earlier)
            earlier.append(writer.fingerprint)
        counts += _compare(run, writer, done)
        done.append(writer.fingerprint)
    return counts


def _writers(settings: Settings) -> list[Writer]:
    """Return the recipes in the order in which they write; each round of a pool's recipe is one."""
    writers: list[Writer] = []
    for recipe in settings.instructions.recipes:
        if program := recipes.find(recipe, settings):
            writers.append(Writer(recipe, program, program.takes, _program_fingerprint(settings, program)))
            continue
        name = "ungrounded" if recipe == "attributed_grounding" and not settings.instructions.grounded else recipe
        method = prompting.load("wellspring.tasks.recipes", name)
        inputs = _inputs(name)
        rounds = [0] if inputs == "documents" else range(1, settings.instructions.rounds + 1)
        writers += [Writer(recipe, method, inputs, _fingerprint(settings, method, inputs, n), n) for n in rounds]
    return writers


def _inputs(name: str) -> str:
    """Return what a recipe is given.

    Raises:
        UsageError: It is on the way to an instruction, but writes none.
    """
    inputs = getattr(importlib.import_module(f"wellspring.tasks.recipes.{name}"), "INPUTS", None)
    if inputs is None:
        raise UsageError(
            f"`{name}` writes no instructions",
            hint="instructions.recipes takes those with INPUTS, such as attributed_grounding and knn_instruct",
        )
    return inputs


def _fingerprint(settings: Settings, method: PromptedMethod, inputs: str, number: int) -> str:
    """Identity of a recipe in a round: what is asked of whom, what it is shown, and what is kept of it.

    How many rounds there are does not count, so that one more leaves those before it as they are.
    """
    asked = settings.models.generator.asked
    shown = settings.instructions.model_dump(include={*(_OF_DOCUMENTS if inputs == "documents" else _OF_POOL)})
    checks = settings.instructions.model_dump(include={*_CHECKS, "draws"})
    checks["max_pool_cosine"] = _ceiling(settings)
    if inputs != "documents":
        shown["max_neighbour_cosine"] = ceilings.neighbours(settings)
    checks["benchmarks"] = contamination.fingerprint(settings)
    near = embedders.described(settings.embeddings, *_compared(inputs))
    identity = {"asked": asked, "shown": shown, "checks": checks, "near": near, "chance": settings.seed}
    return method.fingerprint(**identity, round=number, **raised(*_rules(settings, inputs), own=VERSION))


def _program_fingerprint(settings: Settings, program: Recipe) -> str:
    """Identity of a program: its own, and what is kept of what it makes."""
    wanted = settings.instructions
    checks = wanted.model_dump(include={*_CHECKS, *(("document_tokens",) if program.takes == "documents" else ())})
    checks |= {"max_pool_cosine": _ceiling(settings), "benchmarks": contamination.fingerprint(settings)}
    near = embedders.described(settings.embeddings, *_compared(program.takes))
    versions = raised(*_rules(settings, "program"), "spine.asks", "spine.lookups", own=VERSION)
    return content_id(
        *("program", program.identity(settings), checks, near, settings.seed),
        *(sandbox.identity(settings.verdicts), sorted(versions.items())),
    )


def _ceiling(settings: Settings) -> float:
    return ceilings.cosine(settings, "instructions", settings.instructions.max_pool_cosine)


def _compared(inputs: str) -> tuple[str, ...]:
    """Return the nouns whose vectors decide: instructions, and where pages are shown beside pages, these."""
    return ("instructions", "passages") if inputs == "documents" else ("instructions",)


def _rules(settings: Settings, inputs: str) -> list[str]:
    """Name the methods by which an input is shown and an answer is kept, under these settings."""
    wanted = settings.instructions
    of_documents, of_pool = inputs == "documents", inputs == "pool"
    return [
        *(*_ACCEPTED_BY, *embedders.methods_of(settings.embeddings, *_compared(inputs))),
        "spine.demonstrations",
        *(("excerpts", "words") if of_documents else ("spine.knn_pool",) if of_pool else ()),
        *(("subjects",) if of_documents and not wanted.math_and_code else ()),
        *(("novelty",) if _ceiling(settings) <= 1 else ()),
    ]


def _conducted(run: Run, writer: Writer, body: Body, **inputs: Any) -> Counts:
    wanted = run.settings.instructions
    roles, most_calls = ("generator",), wanted.draws
    if writer.inputs == "pool" and wanted.with_responses:
        roles, most_calls = ("generator", "responder"), wanted.draws + wanted.k + 1
    of = ("instructions", writer.recipe, writer.inputs, writer.fingerprint)
    return conduct(run, Program(*of, roles, most_calls, body, wanted.draws), **inputs)


def _instruction(
    run: Run, writer: Writer, row: Row, parsed: dict[str, Any], answer: Answer, parents: Sequence[str]
) -> records.Instruction:
    draw = answer.call.draw
    is_grounded = writer.inputs == "documents" and writer.method.name != "ungrounded"
    return records.Instruction(
        instruction_id=content_id("instruction", writer.fingerprint, row["input_id"], draw),
        fingerprint=writer.fingerprint,
        input_id=row["input_id"],
        recipe=writer.recipe,
        draw=draw,
        round=writer.round,
        text=parsed["text"],
        document_id=row["input_id"] if is_grounded else None,
        parent_ids=list(parents),
        scene=parsed.get("scene"),
        ability=parsed.get("ability"),
        knowledge=parsed.get("knowledge"),
        output=parsed.get("output"),
        extra_information=parsed.get("extra_information") or None,
        completion_id=answer.completion_id,
        run_id=run.run_id,
    )


def _check_around(run: Run, parsed: dict[str, Any], shown: Shown) -> None:
    """Look at what goes with an accepted instruction, and for the instruction in the benchmarks.

    Raises:
        Rejection: A scene or a composition carries what a page dictated, or the text is in a benchmark.
    """
    trust("\n".join(value for key, value in sorted(parsed.items()) if key != "text"), shown)
    contamination.check(run.settings.benchmarks, parsed["text"])


# From documents


def _system(prompt: Prompt) -> str:
    return "\n".join(message.content for message in prompt.messages if message.role == "system")


def _from_documents(run: Run, writer: Writer, method: PromptedMethod) -> Counts:
    wanted, most = run.settings.instructions, run.settings.limit
    if not due(run, "instructions", "documents", writer.fingerprint, most):
        return Counts()
    demonstrations = Demonstrations(run, method, writer.fingerprint)
    is_grounded = method.name != "ungrounded"

    async def body(row: Row, ask: Ask) -> None:
        page = excerpt(row, wanted)
        text = f"{page['title'] or ''}\n{page['text']}"
        if is_grounded:
            _refuse_orders(text)
        if not wanted.math_and_code and (is_code(row["text"]) or is_mathematics(row["text"])):
            raise Rejection("math_or_code", "instructions.math_and_code is off")
        shown = await ask.look(demonstrations.look, row)

        def read(parsed: dict[str, Any], answer: Answer) -> list[records.Instruction]:
            untrusted = Shown(
                demonstrations=[demonstration["text"] for demonstration in shown],
                document=text if is_grounded else "",
                prompt=_system(answer.call.prompt),
            )
            accept(parsed["text"], limits(wanted, row["language"] if is_grounded else None), untrusted)
            parts_.check(parsed)
            parts_.check_copies(parsed, shown)
            _check_around(run, parsed, untrusted)
            return [_instruction(run, writer, row, parsed, answer, [d["grounding_id"] for d in shown])]

        asked = {**page, "demonstrations": shown}
        how: How = {"role": "generator", "settings": wanted, "read": read}
        await ask.write("instructions", wanted.draws, method, asked, **how)

    return _conducted(run, writer, body, most=most)


def _refuse_orders(page: str) -> None:
    """Return when a page gives no orders to models.

    Raises:
        Rejection: `document_talks_to_models`.
    """
    if found := orders(page):
        raise Rejection("document_talks_to_models", found[0][:300])


# From the pool


def _from_pool(run: Run, writer: Writer, method: PromptedMethod, earlier: Sequence[str]) -> Counts:
    wanted, pool = run.settings.instructions, Pool(run, earlier, writer.fingerprint)

    async def body(row: Row, ask: Ask) -> None:
        shown = await pool.dialogs(ask)
        if len(shown) == 1:
            raise Rejection("no_neighbours", "all others are too much like it, or too long")
        language = pool.language(row["input_id"])

        def read(parsed: dict[str, Any], answer: Answer) -> list[records.Instruction]:
            untrusted = Shown(demonstrations=[dialog["text"] for dialog in shown], prompt=_system(answer.call.prompt))
            accept(parsed["text"], limits(wanted, language), untrusted)
            _check_around(run, parsed, untrusted)
            return [_instruction(run, writer, row, parsed, answer, [dialog["item_id"] for dialog in shown])]

        asked = {**row, "dialogs": shown, "language": language}
        how: How = {"role": "generator", "settings": wanted, "read": read}
        await ask.write("instructions", wanted.draws, method, asked, **how)

    return _conducted(run, writer, body, among=pool.ids)


# By a program


def _from_program(run: Run, writer: Writer, program: Recipe, above: Sequence[str]) -> Counts:
    """Run a program file for its inputs: rows read from outside, or what the programs above it made."""
    wanted, is_page = run.settings.instructions, program.takes == "documents"
    _say_if_changed(run, writer, program)
    among = run.store.query("instructions/of_writers", fingerprints=list(above))["instruction_id"].to_list()
    inputs: dict[str, Any] = (
        {"among": among} if program.module.TAKES == "instructions" else {"most": run.settings.limit}
    )
    with Reader(run, writer.fingerprint, above) as reader:
        work = Work(run, program, writer.fingerprint, reader)

        async def body(row: Row, ask: Ask) -> None:
            shown = excerpt(row, wanted) if is_page else row
            if is_page:
                _refuse_orders(f"{shown['title'] or ''}\n{shown['text']}")
            asks = Asks(work, shown, ask)
            await program.module.program(shown, asks)
            asks.made.hand_over(ask)

        of = ("instructions", writer.recipe, program.takes, writer.fingerprint, program.roles)
        made = Program(*of, program.most_calls, body, samples=None, makes=program.module.MAKES[0])
        return conduct(run, made, **inputs)


def _say_if_changed(run: Run, writer: Writer, program: Recipe) -> None:
    """Say that a file of a user's has changed since it wrote under this VERSION: what it wrote then stands."""
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
    texts = {name: said(history, text) for name, text, history in fresh.rows()}
    writers = [*before, writer.fingerprint]
    find = lambda new: _repeated(run, new, writers, may_resemble=writer.may_resemble)  # noqa: E731
    return reads.compared(run, "instructions", writer.fingerprint, texts, find)


def _repeated(
    run: Run, texts: Mapping[str, str], writers: Sequence[str], *, may_resemble: bool
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
        others = [said(history, text) for _, text, history in known.rows()]
        names = [*known["item_id"].to_list(), *(ids[row] for row in left)]
        may = _relatives(run, [ids[row] for row in left], names) if may_resemble else None
        for row, (other, cosine) in repeats(new[left], embed(others).vectors, ceiling, may).items():
            refused[left[row]] = Rejection("too_near_the_pool", f"cosine {cosine:.3f} with {names[other]}")
    return refused


def _relatives(run: Run, ids: Sequence[str], names: Sequence[str]) -> Callable[[int, int], bool]:
    """Return what tells whether a new row may be like another: it was made from it, or from the same, and differs."""
    rows = run.store.query("instructions/relatives", ids=list({*ids, *names}))
    parents = {name: {*of} for name, of in rows.select("instruction_id", "parents").rows()}
    texts = {name: said(history, text) for name, history, text in rows["instruction_id", "history", "text"].rows()}

    def may(row: int, other: int) -> bool:
        one, another = ids[row], names[other]
        is_kin = another in parents[one] or not parents[one].isdisjoint(parents.get(another, ()))
        return is_kin and texts[one] != texts.get(another)

    return may
