"""What a program file is given to ask with and to make with: `contracts/program.py`, at work.

Ids of what it makes come from the input, its fingerprint and the place of the ask that said the text, and rows are
handed over in the order of places: so the order in which answers come changes nothing.
"""

import json
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from typing import Any, NamedTuple, cast, get_args

from wellspring.tasks.contracts import likelihoods, prompting, records
from wellspring.tasks.contracts.answers import Answered, Text
from wellspring.tasks.contracts.calls import Answer
from wellspring.tasks.contracts.conversation import opened
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.headings import Heading
from wellspring.tasks.contracts.program import (
    KINDS,
    TOTAL,
    A,
    Bare,
    Executed,
    Fields,
    Made,
    Queried,
    Said,
    T,
    Turn,
    Use,
)
from wellspring.tasks.contracts.prompting import Message, Prompt, PromptedMethod, Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.methods.instructions import acceptance
from wellspring.tasks.methods.instructions import parts as parts_
from wellspring.tasks.methods.instructions.acceptance import Shown, accept, in_language, trust, trust_carrying
from wellspring.tasks.methods.pages.languages import identify
from wellspring.tasks.spine.running.blame import MisuseError
from wellspring.tasks.spine.running.recipes import Recipe
from wellspring.tasks.spine.running.runs import Run
from wellspring.tasks.spine.vectors import contamination
from wellspring.tasks.spine.writing.demonstrations import limits
from wellspring.tasks.spine.writing.lookups import Reader
from wellspring.tasks.spine.writing.programs import Ask, How
from wellspring.tasks.spine.writing.repairs import ASKED_AGAIN

VERSION = 2
_Read = tuple[object, Answer, Heading]  # an answer as it was read, as it came, and the prompt that it was given to
_KEYS = {"preferences": 4, "verdicts": 3, "scores": 4}  # by how many columns a row is told from others
_COMPOSED = dict.fromkeys(("ability", "knowledge", "output", "extra_information"))  # of what has no such parts
_ROLES = frozenset({"system", "user", "assistant"})
_STOPS = 4  # of a request; OpenAI's server takes no more


@dataclass(frozen=True, slots=True)
class Work:
    """A recipe at work in a run: what all its inputs share."""

    run: Run
    recipe: Recipe
    fingerprint: str
    reader: Reader
    round: int = 0


class Asks:
    """What a program asks with; one for each input."""

    def __init__(self, work: Work, row: Row, ask: Ask) -> None:
        self._work, self._row, self._ask = work, row, ask
        self._said: dict[int, _Read] = {}  # the answers that it has, each with what it was read from
        self._made = Making(work, row, self._said, lambda: ask.at)

    @property
    def knobs(self) -> Any:
        """As `Ask.knobs` says."""
        return self._work.recipe.knobs

    @property
    def own(self) -> Sequence[Mapping[str, Any]]:
        """As `Ask.own` says."""
        return self._work.recipe.own

    @property
    def made(self) -> "Making":
        """As `Ask.made` says."""
        return self._made

    async def __call__(self, heading: str, form: type[A], /, **how: Any) -> A:
        """As `Ask.__call__` says."""
        method, given = self._asked(heading, form, how)
        return self._keep(await self._ask(method, self._row, **given))

    async def draws(self, number: int, heading: str, form: type[A], /, **how: Any) -> list[A]:
        """As `Ask.draws` says."""
        method, given = self._asked(heading, form, how)
        found = await self._ask.draws(range(number), method, self._row, **given)
        return [self._keep(one) for one in self._those_that_came(found) if one is not None]

    async def each(self, coroutines: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
        """As `Ask.each` says."""
        return await self._ask.each(coroutines)

    async def tried(self, coroutines: Sequence[Coroutine[Any, Any, T]]) -> list[T | None]:
        """As `Ask.tried` says."""
        return self._those_that_came(await self._ask.tried([self._undoable(one) for one in coroutines]))

    async def _undoable(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Go on in a branch; where it is refused, take back what it made."""
        branch = self._ask.at
        try:
            return await coroutine
        except Rejection:
            self._made.undo(branch)
            raise

    def is_cut(self, answer: Answered | Text) -> bool:
        """As `Ask.is_cut` says."""
        return self._made.source(answer)[0].finish_reason == "length"

    async def run(self, functions: Sequence[str], texts: Sequence[str]) -> Said:
        """As `Ask.run` says."""
        found = await self._ask.look(self._work.reader.run, (list(functions), list(texts)), is_placed=True)
        return Said(found["said"], found["engines"])

    async def execute(self, source: str, calls: Sequence[Mapping[str, Any]]) -> Executed:
        """As `Ask.execute` says."""
        found = await self._ask.look(self._work.reader.execute, (source, [dict(one) for one in calls]), is_placed=True)
        return Executed(*found)

    async def query(self, sql: str, tables: Mapping[str, Mapping[str, Any]]) -> Queried:
        """As `Ask.query` says."""
        return Queried(*await self._ask.look(self._work.reader.query, (sql, dict(tables)), is_placed=True))

    async def drawn(self, view: str, number: int, key: str = "") -> list[Row]:
        """As `Ask.drawn` says."""
        return self._shown(await self._ask.look(self._work.reader.of(view).drawn, (number, key), is_placed=True))

    async def near(self, text: str, view: str, number: int) -> list[Row]:
        """As `Ask.near` says."""
        return self._shown(await self._ask.look(self._work.reader.of(view).near, (text, number), is_placed=True))

    async def demonstrations(self, heading: str, fields: Fields) -> list[Row]:
        """As `Ask.demonstrations` says."""
        of = self._work.recipe.headings[heading]
        prompt = lambda row, shown: _messages(of, fields(row, shown, self.knobs))  # noqa: E731
        return self._shown(await self._ask.look(self._work.reader.demonstrations(heading, prompt).look, self._row))

    async def dialogs(self) -> list[Row]:
        """As `Ask.dialogs` says."""
        return self._shown(await self._work.reader.pool.dialogs(self._ask))

    def _shown(self, rows: Sequence[Row]) -> list[Row]:
        self._made.read.update((row["input_id"], row) for row in rows)
        return list(rows)

    def _those_that_came(self, found: Sequence[Any]) -> list[Any]:
        for one in found:
            if isinstance(one, Rejection):
                self._made.refused(one.reason, one.detail)
        return [None if isinstance(one, Rejection) else one for one in found]

    def _keep(self, read: "_Read") -> Any:
        self._said[id(read[0])] = read
        return read[0]

    def _asked(
        self, heading: str, form: type[Answered] | type[Text], how: dict[str, Any]
    ) -> tuple[PromptedMethod, How]:
        """Return what is asked as a prompted method, and how."""
        recipe, keep = self._work.recipe, how.pop("keep", None)
        logprobs, is_needed = how.pop("logprobs", 0), how.pop("needs_logprobs", True)

        def read(parsed: dict[str, Any], answer: Answer) -> _Read:
            it = _likened(parsed["it"], answer, is_needed=is_needed) if logprobs else parsed["it"]
            found = (it, answer, recipe.headings[heading])
            if keep is not None:
                keep(self._keep(found))
            return found

        given: How = {"role": how.pop("role", "") or recipe.module.ROLES[0], "read": read, "logprobs": logprobs}
        if given["role"] not in recipe.players:
            raise MisuseError(f"`{heading}` asks the {given['role']}, whom ROLES does not name")
        given["role"] = recipe.players[given["role"]]
        for name in ("temperature", "max_tokens"):
            if (value := how.pop(name, None)) is not None:
                given[name] = value
        given["stop"] = _stops(how.pop("stop", ()))
        history = [Message(turn["role"], turn["content"]) for turn in _turns(how.pop("history", ()))]
        return _method(recipe, recipe.headings[heading], form, history, how), given


def _stops(stop: object) -> tuple[str, ...]:
    """Return the texts at which an answer ends, as many as servers take."""
    texts = tuple(cast("Sequence[object]", stop)) if isinstance(stop, list | tuple) else (None,)
    if len(texts) > _STOPS or not all(isinstance(one, str) and one for one in texts):
        raise MisuseError(f"stop is {str(stop)[:200]!r}: give a list of up to {_STOPS} texts")
    return cast("tuple[str, ...]", texts)


def _likened(it: Any, answer: Answer, *, is_needed: bool) -> Any:
    """Return an answer with its log-probabilities.

    Raises:
        Rejection: `no_logprobs`, the server gave none.
    """
    found = likelihoods.places(answer.logprobs)
    if is_needed and not found:
        raise Rejection("no_logprobs", f"`{answer.model}` gave no log-probabilities: its server may not have them")
    return it.likened(found)


def _method(
    recipe: Recipe,
    heading: Heading,
    form: type[Answered] | type[Text],
    history: Sequence[Message],
    fields: Mapping[str, object],
) -> PromptedMethod:
    """Return a heading, filled in, as a prompted method that the runner can ask."""
    first, *rest = _messages(heading, fields)
    messages = (first, *history, *rest) if first.role == "system" else (*history, first, *rest)
    schema = form.identity() if issubclass(form, Answered) else None
    wire = form.wire() if issubclass(form, Answered) and form.wire() != schema else None
    prompt = Prompt(messages, schema, f"{recipe.name}-{heading.name}"[:64], wire)

    def parse(_: Row, text: str) -> dict[str, Any]:
        read = form.read(text, cast("Any", heading)) if issubclass(form, Answered) else Text.read(text)
        said = read.model_dump_json() if isinstance(read, Answered) else read.text
        if left := heading.left_in(said):
            raise Rejection("placeholder", f"{left} is left in: {said[:200]}")
        return {"it": read}

    return PromptedMethod(
        heading.name, recipe.module.PAPER, recipe.module.VERSION, cast("Any", heading), schema, lambda *_: prompt, parse
    )


def _messages(heading: Heading, fields: Mapping[str, object]) -> tuple[Message, ...]:
    return heading.render(**{name: shown(name, value) for name, value in fields.items()})


def shown(name: str, value: object) -> str:
    """Return a field as it stands in a prompt: texts that are not ours between fences."""
    if isinstance(value, Bare):
        return str(value)
    if isinstance(value, str):
        return prompting.fenced(name, value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, list | tuple):
        texts = cast("Sequence[object]", value)
        if odd := next((one for one in texts if not isinstance(one, str)), None):
            raise MisuseError(f"the field `{name}` holds a {type(odd).__name__}: give a list of texts")
        return "\n\n".join(shown(name.removesuffix("s"), one) for one in texts)
    raise MisuseError(f"the field `{name}` is a {type(value).__name__}: give a text, a number or a list of texts")


def _turns(history: object) -> list[Turn]:
    """Return the turns of a history: a list of them, or the JSON text that a row has."""
    said: object = json.loads(history) if isinstance(history, str) and history else history or ()
    if not isinstance(said, list | tuple):
        raise MisuseError(f"history is a {type(said).__name__}: give a list of turns, such as Turn(role=, content=)")
    return [_turn(turn) for turn in cast("Sequence[object]", said)]


def _turn(turn: object) -> Turn:
    found = cast("dict[str, object]", turn) if isinstance(turn, dict) else {}
    role, content = found.get("role"), found.get("content")
    if role not in _ROLES or not isinstance(content, str):
        raise MisuseError(f"a turn has a role ({', '.join(sorted(_ROLES))}) and a text as content: {str(turn)[:200]}")
    return Turn(role=str(role), content=content)


def _order(place: str) -> list[int]:
    """Return a place as numbers; what has none comes last."""
    return [int(part) for part in place.split(".") if part] or [2**31]


class _Row(NamedTuple):
    """A row that was made: at which place its answer was asked for, and in which branch it was made."""

    place: str
    branch: str
    table: str
    row: Any


@dataclass(slots=True)
class Making:
    """What a program makes of one input. `hand_over` has it written."""

    work: Work
    row: Row
    said: "Mapping[int, _Read]"
    at: Callable[[], str]  # the branch of the program that is going on
    rows: dict[tuple[Any, ...], "_Row"] = field(default_factory=dict[tuple[Any, ...], "_Row"])
    refusals: list[Rejection] = field(default_factory=list[Rejection])
    read: dict[str, Row] = field(default_factory=dict[str, Row])  # what the program was shown so far, by id

    def instruction(
        self,
        answer: Answered | Text,
        field: str = "text",
        *,
        text: str = "",
        parents: Sequence[str | Made] = (),
        history: Sequence[Turn] | str = (),
        scene: str | None = None,
        composed: Answered | None = None,
        weight: float = 1.0,
        tools: Sequence[Mapping[str, Any]] = (),
    ) -> Made:
        """As `Makes.instruction` says."""
        source, place = self.source(answer)
        said = text.strip() or _text(answer, field)
        turns = _turns(history)
        if turns and turns[-1]["role"] != "assistant" and [turn["role"] for turn in turns] != ["system"]:
            raise MisuseError(
                f"its history ends with a turn of the {turns[-1]['role']}: the assistant's comes before it"
            )
        for turn in turns:
            acceptance.plain(turn["content"])
        before = json.dumps(turns, ensure_ascii=False) if turns else ""
        parts = _COMPOSED | (composed.model_dump() if composed is not None else {})
        self._check(said, {"scene": scene, **parts}, self._words(answer), before)
        made = Made(self._id("instruction", place, field, *filter(None, [text])), said)
        given = dict.fromkeys([one.id if isinstance(one, Made) else one for one in (*parents, *self.read)])
        row = records.Instruction(
            instruction_id=made.id,
            fingerprint=self.work.fingerprint,
            input_id=self.row["input_id"],
            recipe=self.work.recipe.name,
            draw=source.call.draw,
            round=self.work.round,
            text=said,
            document_id=self._page(),
            parent_ids=list(given),
            scene=scene,
            ability=parts["ability"],
            knowledge=parts["knowledge"],
            output=parts["output"],
            extra_information=parts["extra_information"] or None,
            completion_id=source.completion_id,
            run_id=self.work.run.run_id,
            history=before,
            weight=_amount("weight", weight),
            tools=json.dumps([dict(one) for one in tools], ensure_ascii=False) if tools else "",
        )
        self._add(place, "instructions", row)
        return made

    def answer(
        self,
        answer: Answered | Text,
        of: str | Made,
        field: str = "text",
        *,
        text: str = "",
        model: str = "",
        use: Use = "answer",
    ) -> Made | None:
        """As `Makes.answer` says."""
        said, (source, place) = text.strip() or _text(answer, field), self.source(answer)
        if use not in get_args(Use):
            raise MisuseError(f"an answer's use is `{use}`, not {' or '.join(get_args(Use))}")
        try:
            acceptance.clean(said)
        except Rejection as refusal:
            self.refused(refusal.reason, refusal.detail)
            return None
        instruction_id = of.id if isinstance(of, Made) else of
        made = Made(self._id("response", place, field, instruction_id, *filter(None, [text])), said)
        row = records.Response(
            response_id=made.id,
            fingerprint=self.work.fingerprint,
            instruction_id=instruction_id,
            model=model or source.model,
            draw=source.call.draw,
            text=said,
            finish_reason="stop" if model else source.finish_reason,
            completion_id=source.completion_id,
            run_id=self.work.run.run_id,
            thought=None if model else source.thought or None,
            use=use,
        )
        self._add(place, "responses", row)
        return made

    def pair(self, chosen: str | Made | None, rejected: str | Made | None, kind: str, margin: float = 1.0) -> None:
        """As `Makes.pair` says."""
        if kind not in KINDS:
            raise MisuseError(f"a pair's kind is `{kind}`, not {' or '.join(KINDS)}")
        ids = [side.id if isinstance(side, Made) else side or "" for side in (chosen, rejected)]
        said = [self._answered(side) for side in ids if side]
        if not said:
            raise MisuseError("a pair has neither side")
        if any(self._is_probe(side) for side in ids):
            return
        if len({*said}) < len(said):
            self.refused("same_text", "both sides of a pair say the same")
            return
        row = records.Preference(
            instruction_id=said[0][0],
            fingerprint=self.work.fingerprint,
            chosen_id=ids[0],
            rejected_id=ids[1],
            margin=_amount("margin", margin),
            run_id=self.work.run.run_id,
            kind=kind,
        )
        self._add("", "preferences", row)

    def _is_probe(self, side: str) -> bool:
        """Whether a response only tests who judges it: no pair has it."""
        if (row := self.rows.get(("responses", side))) is not None:
            return row.row.use == "probe"
        return any(
            one["response_id"] == side and one["use"] == "probe" for one in json.loads(self.row.get("answers", "[]"))
        )

    def _answered(self, side: str) -> tuple[str, str]:
        """Return the id of the instruction that a response answers, and what it says."""
        if (row := self.rows.get(("responses", side))) is not None:
            return row.row.instruction_id, row.row.text
        if (text := given_answers(self.row).get(side)) is not None:
            return self.row["instruction_id"], text
        raise MisuseError("a side of a pair is no response that was made here, nor one that was given")

    def verdict(
        self, subject: str | Made, check: str, *, passed: bool | None, detail: str = "", answer: Any = None
    ) -> None:
        """As `Makes.verdict` says."""
        of = (self._subject(subject), self.work.fingerprint, check)
        self._add("", "verdicts", records.Verdict(*of, passed, detail, self._completion(answer), self.work.run.run_id))

    def score(self, subject: str | Made, criterion: str, value: float, reason: str = "", answer: Any = None) -> None:
        """As `Makes.score` says."""
        of = (self._subject(subject), self.work.fingerprint)
        marked = (self.work.recipe.name, criterion, value, reason, self._completion(answer), self.work.run.run_id)
        self._add("", "scores", records.Score(*of, *marked))

    def _subject(self, subject: str | Made) -> str:
        """Return the id of what something is said of; of a judge it is what it was given."""
        name = subject.id if isinstance(subject, Made) else subject
        if self.work.recipe.is_judge and name not in (known := subjects(self.row)):
            raise MisuseError(f"it says something of {name}, and is given {', '.join(known)}")
        return name

    def note(self, kind: str, data: Any, answer: Answered | Text) -> Made:
        """As `Makes.note` says."""
        source, place = self.source(answer)
        said = json.dumps(data, ensure_ascii=False, sort_keys=True)
        made = Made(self._id("note", place, kind, said), said)
        of = (made.id, self.work.fingerprint, self.row["input_id"], kind, said, source.completion_id)
        self._add(place, "notes", records.Note(*of, self.work.run.run_id, list(self.read)))
        return made

    def rewrite(self, answer: Answered | Text, field: str = "text", *, style: str) -> Made | None:
        """As `Makes.rewrite` says."""
        text, (source, place) = _text(answer, field), self.source(answer)
        try:
            self._check_rewrite(text, self._words(answer))
        except Rejection as refusal:
            self.refused(refusal.reason, refusal.detail)
            return None
        made = Made(self._id("rewrite", place, field), text)
        of = (made.id, self.work.fingerprint, str(self._page()), style, text, source.completion_id)
        self._add(place, "rewrites", records.Rewrite(*of, self.work.run.run_id))
        return made

    def refused(self, reason: str, detail: str = "") -> None:
        """As `Makes.refused` says."""
        self.refusals.append(Rejection(reason, detail))

    def hand_over(self, ask: Ask) -> None:
        """Have all of it written, in the order of places; refusals in an order of their own.

        Of what a judge gives marks, but no total, the mean of them is its total.
        """
        if self.work.recipe.is_judge:
            self._add_totals()
        for one in sorted(self.rows.values(), key=lambda one: _order(one.place)):
            ask.make(one.table, [one.row])
        self.hand_refusals(ask)

    def hand_refusals(self, ask: Ask, first: int = 0) -> None:
        """Have written what was refused so far, in an order of its own; the end of its input stands before `first`."""
        said = sorted(self.refusals, key=lambda one: (one.reason, one.detail))
        for number, refusal in enumerate(said, start=first):
            ask.refuse(number, refusal)

    def _add_totals(self) -> None:
        marks: dict[str, dict[str, float]] = {}
        for one in self.rows.values():
            if one.table == "scores":
                marks.setdefault(one.row.subject_id, {})[one.row.criterion] = one.row.value
        for subject, given in marks.items():
            if TOTAL not in given:
                self.score(subject, TOTAL, sum(given.values()) / len(given), "mean")

    def _check(self, text: str, around: Mapping[str, str | None], ours: str, history: str) -> None:
        """Look at an instruction as it is made, and at what goes with it.

        Raises:
            Rejection: It may not be kept.
        """
        run, may, given = self.work.run, self.work.recipe.may, str(self.row.get("text") or "")
        is_page = self.work.recipe.module.TAKES == "documents"
        if not is_page and "repeat" not in may and _same(text) == _same(given) and not self._has_new_system(history):
            raise Rejection("copy_of_demonstration", f"it is what it was made from: {text[:200]}")
        outside = [] if is_page or not given else [given]
        outside += [one["text"] for name, one in self.read.items() if name != self.row["input_id"]]
        is_half = "halve_page" in may
        page = f"{self.row['title'] or ''}\n{given}" if self.work.recipe.is_of_page and not is_half else ""
        shown = Shown(demonstrations=[] if "resemble" in may else outside, document=page, prompt=ours)
        is_free = "switch_language" in may or (is_page and not page and not is_half)
        language = None if is_free else self.row.get("language") or identify(given)
        points = any(turn["role"] != "system" for turn in _turns(history)) or is_half or "need_history" in may
        accept(text, limits(run.settings.instructions, language), shown, is_alone=not points)
        said = {name: value for name, value in sorted(around.items()) if value is not None}
        if "ability" in said:
            parts_.check(said)
            parts_.check_copies(said, [one for one in self.read.values() if one.get("ability")])
        if said:
            trust("\n".join(said.values()), shown)
        contamination.check(run.settings.benchmarks, text)

    def _has_new_system(self, history: str) -> bool:
        """Whether a system prompt stands before a text that the input has not: then an equal text is no copy."""
        system = opened(history, "")[0]
        return system not in {"", opened(self.row.get("history") or "", self.row.get("system") or "")[0]}

    def _check_rewrite(self, text: str, ours: str) -> None:
        """Look at a page that was said again: what it quotes of its page was not dictated by it.

        Raises:
            Rejection: It may not be kept.
        """
        trust_carrying(text, Shown(document=self.row["text"], prompt=ours))
        if "switch_language" not in self.work.recipe.may:
            in_language(text, (self.row["language"],))

    def _page(self) -> str | None:
        return self.row["input_id"] if self.work.recipe.is_of_page else self.row.get("document_id")

    def _add(self, place: str, table: str, row: Any) -> None:
        if table not in self.work.recipe.module.MAKES:
            raise MisuseError(f"it makes {table}, which MAKES does not name")
        key = (table, *astuple(row)[: _KEYS.get(table, 1)])
        if key in self.rows:
            raise MisuseError(f"it makes the same of {table} twice: {key[1:]}")
        self.rows[key] = _Row(place, self.at(), table, row)

    def undo(self, branch: str) -> None:
        """Take back what was made in a branch, and in those within it."""
        self.rows = {key: one for key, one in self.rows.items() if not one.branch.startswith(branch)}

    def source(self, answer: object) -> tuple[Answer, str]:
        """Return what an answer was read from, and its place."""
        if id(answer) not in self.said:
            raise MisuseError("this is no answer that `ask` gave: hand over the whole answer, and name its field")
        source = self.said[id(answer)][1]
        return source, source.call.place.partition("/")[2]

    def _words(self, answer: object) -> str:
        """Return our own words of the prompt that an answer was given to."""
        return _ours(self.said[id(answer)][2])

    def _completion(self, answer: object) -> str | None:
        return None if answer is None else self.source(answer)[0].completion_id

    def _id(self, noun: str, *parts: str) -> str:
        return content_id(noun, self.work.fingerprint, self.row["input_id"], *parts)


def given_answers(row: Row) -> dict[str, str]:
    """Return the answers that a judge is given, by their ids: one, or all of an instruction."""
    if "answers" in row:
        return {one["response_id"]: one["text"] for one in json.loads(row["answers"])}
    return {row["input_id"]: row["response"]} if "instruction_id" in row else {}


def subjects(row: Row) -> tuple[str, ...]:
    """Return the ids of what a judge can say something of: its input, or an instruction and all its answers."""
    return (row["instruction_id"], *given_answers(row)) if "answers" in row else (row["input_id"],)


def _text(answer: object, field: str) -> str:
    value: object = getattr(answer, field)
    if not isinstance(value, str):
        raise MisuseError(f"`{field}` of {type(answer).__name__} is no text")
    return value.strip()


def _amount(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
        raise MisuseError(f"{name} is {value!r}, not a number from 0 on")
    return float(value)


def _ours(heading: Heading) -> str:
    """Return our own words of a prompt, without what stands in its fields, and what a second try is told."""
    return f"{heading.system}\n{heading.user}\n{ASKED_AGAIN}"


def _same(text: str) -> str:
    return " ".join(text.casefold().split())
