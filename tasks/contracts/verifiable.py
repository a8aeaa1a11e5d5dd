"""Tasks that can be verified: what a recipe notes of one, and what makes its verifier.

A task is an instruction, its reference (an answer of use `answer`) and a note of the kind `task`. The judge
`certificate` reads these and says in a verdict, `certified`, whether the task can be trusted. Nothing else is exported.

    {"kind": "amount", "question": "How long is the bridge?", "passage": "... 5 km ...", "known": "5 km",
     "verifier": "...def evaluate(response): ...", "cited": [120, 164], "follows": "asked", ...}
"""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict

from wellspring.tasks.contracts import code_answers, comparers, rubric_answers, variants
from wellspring.tasks.contracts.answers import Answered, Text
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, Made, Turn

NOTE, CERTIFICATE, CHECK = "task", "certificate", "certified"
ASKED, COMPUTED, FREE = (
    "asked",
    "computed",
    "free",
)  # how it is known that the reference follows from the page, if it has to
SANDBOX = {  # what a verifier asks for wherever it runs; `tasks/io/verify.py`, which goes out with it, gives it that
    "language": "python",
    "engine": "pydantic-monty==1.4.0",
    "entry": "evaluate(response: str) -> bool, or {source, calls} or {prompt}, then judge(what came of it) -> bool",
    "seconds": 2.0,
    "memory_bytes": 256 * 2**20,
    "recursion": 200,
    "files": False,
    "network": False,
    "processes": False,
    "environment": False,
}
FORMS = {
    "text": "End with a line of its own that holds the answer alone, as in: Answer: Lake Geneva",
    "amount": "End with a line of its own that holds the number with its unit alone, as in: Answer: 12.5 kg",
    "set": "End with a line of its own that holds all members, with semicolons between, as in: Answer: tin; lead",
    "date": "End with a line of its own that holds the date alone, as in: Answer: 4 June 1987",
}


class Elsewhere(TypedDict):
    """Ranges of bytes of a page beside the one that a task was made of."""

    document_id: str
    cited: Sequence[Sequence[int]]


class More(TypedDict, total=False):
    """What the note of a task holds beside the rest, where its kind has it.

    Keys:
        claim: What must follow from what is cited, in place of the known answer.
        excerpt: The part of the passage that an examiner needs, in place of all of it.
        elsewhere: What it rests on beside its page.
        facts: What was found when it was made, as its kind says.
    """

    claim: str
    excerpt: str
    elsewhere: Sequence[Elsewhere]
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Task:
    """What is noted of a task.

    Attributes:
        kind: Of its recipe, as people count them.
        question: What is asked, with its form, without the passage.
        passage: What it is asked of; '' where nothing is shown.
        known: The answer alone.
        reference: The whole answer that the verifier accepts.
        verifier: Python source with `evaluate(response) -> bool`. Where something must be done first, it returns that
            (`{"source": ..., "calls": [...]}` is a program to run, and calls; `{"prompt": ...}` is what a model is
            asked), and `judge` says the verdict, given what came of it.
        author: Who wrote the verifier: `rule`, or a role.
        cited: Ranges of bytes of the page that the reference rests on.
        follows: `asked`: a role is asked whether the reference follows; `computed`: it was worked out of the page;
            `free`: the task rests on no page.
        right: Answers that are right by rule, beside the reference.
        wrong: Mutants by rule: kind, text.
        is_line: Whether the last line is the answer; else all of it is.
        more: What only some kinds have.
    """

    kind: str
    question: str
    passage: str
    known: str
    reference: str
    verifier: str
    author: str
    cited: Sequence[Sequence[int]]
    follows: str = ASKED
    right: Sequence[str] = field(default=())
    wrong: Sequence[Sequence[str]] = field(default=())
    is_line: bool = True
    more: More = field(default_factory=More)

    @property
    def text(self) -> str:
        """The instruction: what solvers are asked."""
        return asked(self.question, self.passage)


def asked(question: str, passage: str) -> str:
    """Return what is asked, with the passage that it is asked of."""
    return f"{question}\n\n{passage}" if passage else question


def range_of(page: str, quote: str) -> tuple[int, int] | None:
    """Return where a quote stands in a page, in bytes of UTF-8; None where it does not, or stands nowhere."""
    if not quote.strip() or (at := page.find(quote)) < 0:
        return None
    start = len(page[:at].encode())
    return start, start + len(quote.encode())


def quoted(page: str, cited: Sequence[Sequence[int]]) -> list[str] | None:
    """Return what stands at ranges of bytes of a page; None where one is no range of it."""
    data, found = page.encode(), list[str]()
    for start, end in cited:
        if not 0 <= start < end <= len(data):
            return None
        found.append(data[start:end].decode(errors="replace"))
    return found


def short_answer(
    kind: str,
    question: str,
    passage: str,
    known: str,
    cited: Sequence[Sequence[int]],
    *,
    family: str = "",
    follows: str = ASKED,
) -> Task:
    """Return a task whose answer is one line, compared by rule.

    Args:
        kind: One of `comparers.KINDS`.
        question: What is asked, without the form of the answer.
        passage: What it is asked of.
        known: The answer alone; members of a set are parted by semicolons.
        cited: Ranges of bytes of the page that it rests on.
        family: What people count it under, before its kind.
        follows: `ASKED` or `COMPUTED`.

    Raises:
        Rejection: `not_of_kind`, what is known is no amount, set or date.
    """
    reference = variants.final(known)
    if not comparers.is_right(reference, kind, known):
        raise Rejection("not_of_kind", f"no {kind}: {known[:200]}")
    whole = f"{question}\n{FORMS[kind]}"
    return Task(
        kind=f"{family} {kind}".strip(),
        question=whole,
        passage=passage,
        known=known,
        reference=reference,
        verifier=f"{inspect.getsource(comparers)}\n\ndef evaluate(response):\n"
        f"    return is_right(response, {kind!r}, {known!r})\n",
        author="rule",
        cited=cited,
        follows=follows,
        right=variants.right(kind, known),
        wrong=variants.wrong(kind, known, whole, passage),
    )


def by_vote(functions: Sequence[str], query: str) -> str:
    """Return a verifier that accepts what more than half of some functions do, if it has to do with the query.

    Args:
        functions: Each a source with `evaluate(response)`; one that fails has no vote.
        query: What is asked for. An answer that repeats it, or shares no word with it, is none: the functions may see
            the form alone, and a refusal has a form, too.
    """
    return f"""import re

FUNCTIONS = {list(functions)!r}
QUERY = {" ".join(query.lower().split())!r}
WORD = re.compile(r"[^\\W\\d_]{{5,}}")


def is_answer(response):
    said, wanted = set(WORD.findall(response.lower())), set(WORD.findall(QUERY))
    return QUERY not in " ".join(response.lower().split()) and len(said & wanted) >= min(2, len(wanted))


def vote(function, response):
    names = {{}}
    try:
        exec(function, names)
        return names["evaluate"](response) is True
    except Exception:
        return None


def evaluate(response):
    votes = [vote(one, response) for one in FUNCTIONS]
    known = [one for one in votes if one is not None]
    return bool(known) and 2 * sum(known) > len(known) and is_answer(response)
"""


def by_tests(calls: Sequence[Mapping[str, Any]], expected: Sequence[Any]) -> str:
    """Return a verifier that has calls made of the one block of Python of an answer, and compares what they give.

    Args:
        calls: Each with `function` and `arguments`. They run where nothing is known of what they should give.
        expected: What each should give, as JSON has it.
    """
    return f"""{inspect.getsource(code_answers)}

CALLS = {list(calls)!r}
EXPECTED = {list(expected)!r}


def evaluate(response):
    code = code_of(response)
    return {{"source": code, "calls": CALLS}} if code.strip() else False


def judge(values):
    return is_same(values, EXPECTED)
"""


def by_rubric(question: str, items: Sequence[tuple[str, float]], least: float) -> str:
    """Return a verifier that has a model mark an answer by a rubric, and holds what the met items weigh to a bound.

    Args:
        question: What the answer is to.
        items: Each with its weight.
        least: Least share of the weights.
    """
    return f"""{inspect.getsource(rubric_answers)}

QUESTION = {question!r}
ITEMS = {[list(one) for one in items]!r}


def evaluate(response):
    return {{"prompt": asked_of_marker(QUESTION, ITEMS, response)}} if response.strip() else False


def judge(said):
    found = share(said, ITEMS)
    return None if found is None else found >= {least!r}


def worth(said):
    return share(said, ITEMS)
"""


def make(ask: Ask, source: Answered | Text, task: Task, history: Sequence[Turn] = ()) -> Made:
    """Make the instruction of a task, its reference and its note.

    Args:
        ask: What the program asks with; it makes instructions, responses and notes.
        source: The answer that the task was read from.
        task: The task.
        history: The turns before it.

    Raises:
        Rejection: A check refuses the instruction; `no_reference`, its reference cannot be kept.
    """
    made = ask.made.instruction(source, text=task.text, scene=task.kind, history=history)
    if ask.made.answer(source, made, text=task.reference) is None:
        raise Rejection("no_reference", task.reference[:200])
    ask.made.note(NOTE, noted(task, made.id), source)
    return made


def noted(task: Task, instruction_id: str) -> dict[str, Any]:
    """Return what the note of a task holds."""
    held = asdict(task)
    return held | held.pop("more") | {"instruction_id": instruction_id}
