"""What a program is given to ask with: the form that its file can rely on, whoever runs it.

A program is a file of the room `recipes` or `judges`, or of a plug-in folder: `x.py` with its prompts in `x.md`, and
`x.jsonl` where the paper brings a list. The module holds

    SYSTEM    the system of the paper that it is
    PAPER     where that stands, and where ours differs
    VERSION   an int, raised when what is asked or kept changes
    TAKES     what it is given: `instructions` of the programs above it, `documents`, `seeds`, or the `pool`: seeds, and
              what it made itself in earlier rounds; of a judge see below
    MAKES     the nouns that it writes; rows of the first are what is counted as made
    ROLES     whom it asks; the first is asked where no role is named. Beside generator, responder and judge it may
              name others, such as `verifier`: a profile sets them under [models.roles.verifier]
    ROLE_OF   who plays a role that the profile does not set, such as {"verifier": "judge"}; else the generator
    APART     pairs of roles that the paper gives to two models; where one model plays both, people are told
    MAY       what its rows may do that others may not (see `MAY`)
    Knobs     a `Section`: what a profile can set under `[recipes.x]`; one of those that `[instructions]` is made of
              (`DemonstratedSettings`, `PoolSettings`) is as it is set there
    ROUNDS    the knob, if there is one, that says how often the program runs: each round sees what it made before
    most_calls(knobs) -> int             the most calls of one input; the runner holds it to that
    async def program(row, ask) -> None

A row has `input_id`, and by what is taken

    documents       title, text, language, url
    instructions    text, history, scene, document_id
    seeds           text, language, response (None where there was none), system, turns, tools
    pool            text, language, response

`history`, `turns` (after the text) and `tools` are JSON lists, or ''; `system` is a text, or ''.

A judge stands in `scores.judges` and runs when there are answers. It makes scores, verdicts, notes and pairs of what
it is given (`JUDGEMENTS`). Its row has `input_id`, `history`, `reference`, and

    instructions    text, scene, document_id, domain
    responses       response, instruction (its text), instruction_id, use, model, document (None where it was not shown)
    references      the same, where there is a reference
    rubrics         the same, where its task has a rubric: question, and rubric (JSON, a list of [item, weight])
    answered        text, instruction_id, answers: all of use answer and draw, a JSON list of
                    {response_id, text, model, use}
    tasks           text, document_id, task (the note, JSON: `contracts/verifiable.py`), page (its text, or None),
                    others (texts of other pages that it cites, by id, JSON; or None)

`reference` is the answer of the seed that the instruction was written for, or None where that seed had none.
The total of a judge decides (`selections`, `preferences`): where it makes none, it is the mean of its other scores. A
judge that ends in a `Rejection` has NULL as its total, and a row in `rejections`. `BEST` is the highest total that it
can give; without it any number is a total. Of what is `answered` another answer makes another input: what was said of
the answers before leaves.

Between its asks a program has no clock, no chance and no files: it is started again after a kill, and must come the
same way. `ask` gives it all that is not in its row, and records what it gave.
"""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol, TypedDict, TypeVar

from wellspring.tasks.contracts.answers import Answered, Text
from wellspring.tasks.contracts.prompting import Row

MAY = {
    "resemble": "be like what it was made from, and like others made from the same; an unchanged copy may not",
    "repeat": "be the very text of its input, beside `resemble`: a seed that gets answers",
    "switch_language": "be in another language than what it was made from",
    "need_history": "point at earlier turns of its conversation",
    "halve_page": "be a half of its page as it stands, which asks for nothing",
    "leave_page": "be made without a look at the page that it was given, and claim none",
}
NOUNS = ("instructions", "responses", "preferences", "verdicts", "scores", "notes", "rewrites")
TAKEN = ("documents", "instructions", "seeds", "pool")
JUDGEMENTS = ("scores", "verdicts", "notes", "preferences")  # what a judge may make
JUDGED = ("instructions", "responses", "answered", "references", "rubrics", "tasks")  # what a judge may take
TOTAL = "total"  # the criterion by which others choose
HOW = frozenset(  # names of arguments that are no fields of a prompt
    {"role", "temperature", "history", "max_tokens", "stop", "keep", "logprobs", "needs_logprobs"}
)
Use = Literal["answer", "draw", "rejected", "probe"]
KINDS = ("verified", "refined", "rule", "negative")  # of pairs: why the one side is the better
A = TypeVar("A", bound=Answered | Text)
T = TypeVar("T")
Fields = Callable[[Row, Sequence[Row], Any], Mapping[str, Any]]  # of a prompt: row, demonstrations, knobs


class Turn(TypedDict):
    """A turn of a conversation; its role is system, user or assistant."""

    role: str
    content: str


class Bare(str):
    """A text that stands in a prompt as it is, without fences."""

    __slots__ = ()


def bare(text: str) -> Bare:
    """Have a text of others stand in a prompt as it is: what a model is to follow.

    Text of pages, people and models stands between fences otherwise.
    """
    return Bare(text)


def ours(text: str) -> Bare:
    """Have words of our own stand in a prompt as they are: a line of our list, or texts that have fences already."""
    return Bare(text)


@dataclass(frozen=True, slots=True)
class Made:
    """A thing that a program has made: its id, by which others name it, and its text."""

    id: str
    text: str


class Said(list[list[bool | None]]):
    """For each function what it said of each text; None where it said nothing of use. `engines` ran them."""

    def __init__(self, said: Sequence[list[bool | None]], engines: Sequence[str]) -> None:
        super().__init__(said)
        self.engines = tuple(engines)


class Executed(NamedTuple):
    """What a program of a model gave, a value a call, if `outcome` is `ok`; else what happened. `engine` ran it."""

    outcome: str
    values: list[Any]
    detail: str
    engine: str


class Queried(NamedTuple):
    """The rows that a query gave, if `outcome` is `ok`; else what happened."""

    outcome: str
    rows: list[list[Any]]
    detail: str


class Makes(Protocol):
    """What a program makes with. Ids come from the input and from the place of the ask that said the text."""

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
        """Make an instruction of a field of an answer. Its checks look at once, before an answer to it is paid.

        Args:
            answer: As `ask` gave it.
            field: Whose text it is; a property of the class will do.
            text: In place of a field's, where the program puts several texts together.
            parents: Ids of what it was made from, beside the input and what was drawn or near.
            history: The turns before it, as a list, or in JSON as a row has them; the last is the assistant's, unless
                a system prompt stands alone. Under one that the input has not, its text may stay as it is.
            scene: Who would send it.
            composed: What it is made of, beside its scene: `ability`, `knowledge`, `output`, `extra_information`.
            weight: How much a trainer is to make of it; from 0 on.
            tools: What whoever answers may call: functions with `name`, `description` and `parameters`, a JSON schema.
                The turns in which they were called are a note of the kind `trace`, `{"response_id", "turns"}`: they
                stand between the instruction and that answer.

        Raises:
            Rejection: A check refuses it. It ends the program, unless it was made in a branch of `ask.tried`.
        """
        ...

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
        """Make a response to an instruction; None where it cannot be kept, and the refusal is recorded.

        Args:
            answer: As `ask` gave it.
            of: The instruction; of a given one its id.
            field: Whose text it is.
            text: In place of a field's: a part of it, or several put together.
            model: Who said it, where nobody that was asked here did, such as `given` for a seed's own answer.
            use: `answer` is checked and exported; `draw` and `rejected` only stand in pairs; a `probe` tests who judges
                it, and is in no pair and no file.
        """
        ...

    def pair(self, chosen: str | Made | None, rejected: str | Made | None, kind: str, margin: float = 1.0) -> None:
        """Make a pair of two responses, the better first. They may answer instructions of their own.

        Args:
            chosen: A response that was made, or the id of a given one; None where the pair has only a worse one.
            rejected: Another one; None where the pair has only a better one.
            kind: One of `KINDS`: verified (a check passed one), refined (one was made of the other), rule, negative
                (one was made worse).
            margin: By how much they differ, where something measured that; from 0 on.
        """
        ...

    def verdict(
        self, subject: str | Made, check: str, *, passed: bool | None, detail: str = "", answer: Any = None
    ) -> None:
        """Say whether a thing passes a check; None where that cannot be told."""
        ...

    def score(self, subject: str | Made, criterion: str, value: float, reason: str = "", answer: Any = None) -> None:
        """Give a thing a mark; of a given one its id."""
        ...

    def note(self, kind: str, data: Any, answer: Answered | Text) -> Made:
        """Keep an intermediate thing that others name as a parent: a constraint, a rubric, a verifier."""
        ...

    def rewrite(self, answer: Answered | Text, field: str = "text", *, style: str) -> Made | None:
        """Make a text that says the input's page in another style; None where it is refused, and that is recorded."""
        ...

    def refused(self, reason: str, detail: str = "") -> None:
        """Record that something was not made, and why, where others of the input stand."""
        ...


class Ask(Protocol):
    """What a program asks with; everything that it gives is recorded before the program goes on."""

    @property
    def knobs(self) -> Any:
        """The program's knobs, as the profile sets them."""
        ...

    @property
    def own(self) -> Sequence[Mapping[str, Any]]:
        """The rows of the program's `x.jsonl`."""
        ...

    @property
    def made(self) -> Makes:
        """What it makes with."""
        ...

    async def __call__(
        self,
        heading: str,
        form: type[A],
        /,
        *,
        role: str = "",
        temperature: float | None = None,
        history: Sequence[Turn] | str = (),
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        logprobs: int = 0,
        needs_logprobs: bool = True,
        **fields: object,
    ) -> A:
        """Ask for one answer, and once more where its form cannot be read.

        Args:
            heading: Of the program's `.md`.
            form: What the answer is read as: a class of answers, or `Text`.
            role: Whose model; the first of ROLES where none is named.
            temperature: In place of the role's.
            history: Turns between the system part and the user part.
            max_tokens: In place of the role's.
            stop: Up to four texts at which the server ends an answer, beside the role's; they are no part of it.
            logprobs: So many likeliest tokens at each place, as `answer.logprobs` (`contracts/likelihoods.py`).
            needs_logprobs: Whether an answer is refused (`no_logprobs`) whose server gave none; else they are ().
            fields: Of the prompt. A text stands between fences; `bare(...)`, `ours(...)`, a number and a truth as
                they are; of a
                list each text between fences of its own.

        Raises:
            Rejection: There is no answer of use. It ends the program, unless it is asked in a branch of `ask.tried`.
        """
        ...

    async def draws(
        self,
        number: int,
        heading: str,
        form: type[A],
        /,
        *,
        role: str = "",
        temperature: float | None = None,
        history: Sequence[Turn] | str = (),
        max_tokens: int | None = None,
        stop: Sequence[str] = (),
        logprobs: int = 0,
        needs_logprobs: bool = True,
        keep: Callable[[A], object] | None = None,
        **fields: object,
    ) -> list[A]:
        """Ask the same several times, side by side. The draws that came, in their order; refused ones are recorded.

        With `keep` each draw is handed to it at once; where that refuses, the draw is refused, or asked once more where
        its form is at fault.
        """
        ...

    async def each(self, coroutines: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
        """Go on side by side; what each returned, in their order. A refusal of one ends the program."""
        ...

    async def tried(self, coroutines: Sequence[Coroutine[Any, Any, T]]) -> list[T | None]:
        """Go on side by side; None in the place of one that was refused.

        The refusal is recorded, and what was made in that branch is taken back.
        """
        ...

    def is_cut(self, answer: Answered | Text) -> bool:
        """Whether an answer ended because it had no more room."""
        ...

    async def run(self, functions: Sequence[str], texts: Sequence[str]) -> Said:
        """Run functions that a model wrote, `evaluate(response) -> bool`, on texts, in the sandbox.

        Returns:
            For each function what it said of each text; None where it said nothing of use.
        """
        ...

    async def execute(self, source: str, calls: Sequence[Mapping[str, Any]]) -> Executed:
        """Run a program that a model wrote in the sandbox, and make calls. Compare here what they gave.

        Args:
            source: The program.
            calls: Each with `function` and `arguments`, or each with `stdin`, a text that it reads. Calls of another
                form are an `error`: a model may have written them.
        """
        ...

    async def query(self, sql: str, tables: Mapping[str, Mapping[str, Any]]) -> Queried:
        """Ask a query that a model wrote, over tables that are made for it in memory; nothing else can be read.

        Args:
            sql: One SELECT.
            tables: By name; each has `columns`, `kinds` (VARCHAR or DOUBLE) and `rows`.
        """
        ...

    async def drawn(self, view: str, number: int, key: str = "") -> list[Row]:
        """Draw rows of a view of `sql/inputs/`; the same for the same input and key, whatever else is there later.

        Views are `documents`, `seeds`, `instructions`, and `personas`: the people that programs above it thought of.
        Only what was there when the stage began is drawn, and never the input itself.
        """
        ...

    async def near(self, text: str, view: str, number: int) -> list[Row]:
        """Return the rows of a view whose `text` is nearest to a text, nearest first; never the input itself."""
        ...

    async def demonstrations(self, heading: str, fields: Fields) -> list[Row]:
        """Return groundings to show, as many as fit into the prompt of a heading: `text`, `scene`, `document_text`, ...

        The Knobs must be `DemonstratedSettings`.

        Args:
            heading: Of the program's `.md`.
            fields: What its fields hold, for a row, what it is shown, and the knobs; so each grounding's cost is known.
        """
        ...

    async def dialogs(self) -> list[Row]:
        """Return a row of the pool and its neighbours, each with `text` and `response` (None where there is none).

        The Knobs must be `PoolSettings`. Answers that are not there are asked of the responder, as `responses` would.
        """
        ...
