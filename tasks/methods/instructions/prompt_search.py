r"""Search for a prompt that does better on labelled examples: instructions that a model proposes, tried by a bandit.

Paper: Large Language Models Are Human-Level Prompt Engineers (Zhou et al., arXiv 2211.01910). A model is shown a few
examples and asked which instructions made somebody answer like that. Each proposal is an arm; its reward is the share
of examples that it answers right; upper confidence bounds say which arms are tried next (section 3.2 and the paper's
code: five rounds of fifty arms and fifty examples, c = 1). Ours differs: the prompt that is there is an arm, too; a
part of the examples is kept out of the search, and both prompts are held against that part at the end.

What is searched for is the prompt's own part: the paragraphs of the user part between its fields and the form of the
answer, or the system part where there are none. Fields and form stay as they are.

    own_part("", "$text\n\nOf which kind is it?\n\n{\"kind\": \"<kind>\"}") -> ("user", "Of which kind is it?")
"""

import math
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from wellspring.tasks.contracts.errors import Rejection, UsageError
from wellspring.tasks.contracts.prompting import json_object
from wellspring.tasks.contracts.records import content_id

SYSTEM = "APE"
PAPER = "Large Language Models Are Human-Level Prompt Engineers, arXiv 2211.01910"
VERSION = 1
NEAR = 1e-6  # of numbers, as a share
MOST_WORDS = 400  # of a proposal
LEAST_WORDS = 6  # of a sentence that nobody writes twice by chance

_FIELD = re.compile(r"\$(?:\{?[A-Za-z_]\w*\}?)")
_FORM = re.compile(r"^\s*[{\[]", re.MULTILINE)


class Example(NamedTuple):
    """What a prompt's fields hold, and what is to be answered: an object, or a text."""

    fields: Mapping[str, Any]
    wanted: Mapping[str, Any] | str

    @property
    def id(self) -> str:
        """Its id, by all that it says."""
        return content_id("example", dict(self.fields), self.wanted)


class Arm(NamedTuple):
    """How a prompt did so far: how many examples it was tried on, and the sum of its rewards."""

    tried: int = 0
    reward: float = 0.0

    @property
    def mean(self) -> float:
        """The mean of its rewards; 0 before it was tried."""
        return self.reward / self.tried if self.tried else 0.0


def own_part(system: str, user: str) -> tuple[str, str]:
    """Return where a prompt's own part stands, `user` or `system`, and its text.

    Raises:
        UsageError: The prompt holds nothing but fields and the form of its answer.
    """
    paragraphs = re.split(r"\n[ \t]*\n", user)
    form = next((at for at, said in enumerate(paragraphs) if _FORM.match(said)), len(paragraphs))
    begins = form - 1 if form < len(paragraphs) and not _FIELD.search(paragraphs[form - 1]) else form
    runs, run = [list[str]()], list[str]()
    for said in paragraphs[: max(begins, 0)]:
        if _FIELD.search(said):
            run = []
            runs.append(run)
        else:
            runs[-1].append(said)
    longest = max(("\n\n".join(one) for one in runs), key=len)
    if longest.strip():
        return "user", longest.strip()
    if system.strip() and not _FIELD.search(system):
        return "system", system.strip()
    raise UsageError(
        "this prompt has no words of its own that could be changed", hint="it is only fields and a form; write some"
    )


def halves(examples: Sequence[Example]) -> tuple[list[Example], list[Example]]:
    """Return the examples to search with, and a third that is kept out of the search; by their ids, so always the same.

    Raises:
        UsageError: There are too few, or two are the same with different answers.
    """
    fields = dict[str, Example]()
    for one in examples:
        known = fields.setdefault(content_id("fields", dict(one.fields)), one)
        if known.wanted != one.wanted:
            raise UsageError(
                f"two examples have the same fields and other answers: {str(one.fields)[:120]}",
                hint="a prompt cannot answer both; take one out",
            )
    alone = sorted(fields.values(), key=lambda one: one.id)
    kept_out = len(alone) // 3
    if kept_out < 2:  # noqa: PLR2004 - one example says nothing
        raise UsageError(f"{len(alone)} different examples are too few", hint="give six or more; twenty say more")
    return alone[kept_out:], alone[:kept_out]


def reward(answer: str, wanted: Mapping[str, Any] | str) -> float:
    """Return how right an answer is, from 0 to 1.

    Args:
        answer: What the model said.
        wanted: A text, which it has to be but for case and white space; or an object: the share of its keys whose
            values are right. Other keys of the answer do not count.
    """
    if isinstance(wanted, str):
        return float(_plain(answer) == _plain(wanted))
    try:
        said = json_object(answer)
    except Rejection:
        return 0.0
    return sum(key in said and _same(said[key], value) for key, value in wanted.items()) / max(len(wanted), 1)


def _same(said: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool) or wanted is None:
        return said is wanted or (isinstance(said, str) and _plain(said) in _SAID[wanted])
    if isinstance(wanted, int | float):
        try:
            return not isinstance(said, bool) and math.isclose(float(said), wanted, rel_tol=NEAR, abs_tol=NEAR)
        except (TypeError, ValueError, OverflowError):
            return False
    if isinstance(wanted, list):
        return isinstance(said, list) and len(said) == len(wanted) and all(map(_same, said, wanted))
    if isinstance(wanted, dict):
        return isinstance(said, dict) and all(key in said and _same(said[key], of) for key, of in wanted.items())
    return isinstance(said, str) and _plain(said) == _plain(str(wanted))


_SAID: dict[bool | None, frozenset[str]] = {
    True: frozenset({"true", "yes"}),
    False: frozenset({"false", "no"}),
    None: frozenset({"null", "none"}),
}


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def proposal(text: str, asked: str) -> str:
    """Return instructions that a model proposed, with their dollar signs written twice, as a prompt file has them.

    Args:
        text: What the model said.
        asked: The prompt that asked for it.

    Raises:
        Rejection: `empty_answer`; `too_long`; `form_left_in`, it brings a form or headings of its own;
            `prompt_repeated`, a sentence of it stands in the prompt that asked for it.
    """
    said, known = text.strip(), _plain(asked)
    if not said:
        raise Rejection("empty_answer", "no instructions")
    if len(said.split()) > MOST_WORDS:
        raise Rejection("too_long", f"{len(said.split())} words, at most {MOST_WORDS}")
    if _FORM.search(said) or re.search(r"^(?:#{1,2} |`{3}|~{3})", said, re.MULTILINE):
        raise Rejection("form_left_in", said[:200])
    for sentence in map(_plain, re.split(r"(?<=[.!?])\s", said)):
        if len(sentence.split()) >= LEAST_WORDS and sentence in known:
            raise Rejection("prompt_repeated", sentence[:200])
    return said.replace("$", "$$")


def next_arms(arms: Sequence[Arm], most: int, *, curiosity: float) -> list[int]:
    """Return which arms are tried next: those with the highest upper confidence bounds, untried ones first.

    Args:
        arms: As they stand.
        most: How many.
        curiosity: c of the paper: mean + c sqrt(ln(all trials) / trials of the arm).
    """
    total = sum(arm.tried for arm in arms)

    def bound(at: int) -> float:
        arm = arms[at]
        return arm.mean + curiosity * math.sqrt(math.log(total) / arm.tried) if arm.tried else math.inf

    return sorted(range(len(arms)), key=lambda at: (-bound(at), at))[:most]


def best(arms: Sequence[Arm]) -> int:
    """Return the arm with the highest mean among those tried most; the first of equals, so the prompt that is there.

    An arm counts as tried most if it was tried at least half as often as any.
    """
    most = max(arm.tried for arm in arms)
    return max((at for at, arm in enumerate(arms) if 2 * arm.tried >= most), key=lambda at: (arms[at].mean, -at))


def drawn(examples: Sequence[Example], count: int, *names: object) -> list[Example]:
    """Draw some examples without repeating one, always the same by these names."""
    chosen = random.Random(content_id("drawn", *names))  # noqa: S311 - no secret
    return chosen.sample(list(examples), min(count, len(examples)))
