"""`wellspring tune-prompt`: search for a prompt that does better on labelled examples (methods/prompt_search.py).

Every answer goes through the store's journal: a search that was cut goes on where it was, and the same search again
asks nothing.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from wellspring.tasks.contracts import outside
from wellspring.tasks.contracts.answers import Text
from wellspring.tasks.contracts.calls import Answer, Call, Refused
from wellspring.tasks.contracts.errors import Rejection, UsageError
from wellspring.tasks.contracts.headings import Heading
from wellspring.tasks.contracts.prompting import Prompt, beside, fenced
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.models.llm import Models
from wellspring.tasks.methods.instructions import prompt_search
from wellspring.tasks.methods.instructions.prompt_search import Arm, Example
from wellspring.tasks.spine.running import recipes
from wellspring.tasks.spine.running.recipes import JUDGING, Recipe
from wellspring.tasks.spine.writing.asks import shown


class Search(NamedTuple):
    """How long is searched; the paper has 5 groups of 5 examples, 50 proposals each, and 5 rounds of 50 by 50."""

    groups: int = 4
    examples: int = 5
    proposals: int = 3
    rounds: int = 5
    arms: int = 4
    samples: int = 5
    curiosity: float = 1.0

    @property
    def most_calls(self) -> int:
        """The most calls of a search, without those of the part that is kept out."""
        return self.groups * self.proposals + self.rounds * self.arms * self.samples


@dataclass(frozen=True)
class Tried:
    """A prompt and how it did; `kept_out` on examples that the search did not see (None where it was not held to)."""

    text: str
    tried: int
    mean: float
    kept_out: float | None = None


@dataclass
class Tuned:
    """What a search found. The first of `prompts` is the one that is there; `best` is the place of the winner."""

    program: str
    heading: str
    part: str
    prompts: list[Tried]
    best: int
    searched: int
    kept_out: int
    refused: dict[str, int] = field(default_factory=dict[str, int])
    calls: int = 0
    recorded_calls: int = 0
    written: str = ""

    @property
    def is_better(self) -> bool:
        """Whether the winner does better than the prompt that is there on what neither was chosen by."""
        new, now = self.prompts[self.best].kept_out, self.prompts[0].kept_out
        return new is not None and now is not None and new > now

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return asdict(self) | {"is_better": self.is_better}


def prompt_of(name: str, heading: str, settings: Settings) -> tuple[Recipe, Heading]:
    """Return a program and one of its prompts.

    Raises:
        UsageError: There is no such program or heading.
    """
    for kind in (recipes.RECIPES, JUDGING):
        if found := recipes.find(name, settings, kind):
            return found, found.headings[heading]
    raise recipes.unknown(name, [*recipes.names(settings), *JUDGING.names(settings.plugins)])


def examples_of(file: Path, heading: Heading) -> list[Example]:
    """Read labelled examples: a JSON object a line with `fields` and `wanted`.

    Raises:
        UsageError: The file is not there; or a line is not as it should be, which the message names.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}", hint="give a JSON Lines file") from None
    return [_example(f"{file}:{at}", line, heading) for at, line in enumerate(lines, start=1) if line.strip()]


def _example(where: str, line: str, heading: Heading) -> Example:
    try:
        said = outside.loads(line)
    except ValueError as error:
        raise UsageError(f"{where} is no JSON: {error}", hint='{"fields": {...}, "wanted": ...}') from None
    fields, wanted = (said.get("fields"), said.get("wanted")) if isinstance(said, dict) else (None, None)
    if not isinstance(fields, dict) or not isinstance(wanted, dict | str) or not wanted:
        needed = json.dumps({"fields": dict.fromkeys(sorted(heading.fields), "..."), "wanted": "..."})
        raise UsageError(f"{where} needs `fields`, an object, and `wanted`, a text or an object", hint=needed)
    if wrong := sorted(fields.keys() ^ heading.fields):
        is_there = wrong[0] in fields
        problem = f"gives `{wrong[0]}`, which the prompt does not name" if is_there else f"lacks the field `{wrong[0]}`"
        raise UsageError(f"{where} {problem}", hint=f"fields: {', '.join(sorted(heading.fields))}")
    return Example(fields, wanted)


def tune(
    models: Models,
    recipe: Recipe,
    heading: Heading,
    examples: Sequence[Example],
    search: Search,
    role: str = "",
    say: Callable[[str], None] = lambda _: None,
) -> Tuned:
    """Search for a prompt that does better.

    Args:
        models: Whom to ask, and in whose journal answers are recorded.
        recipe: The program.
        heading: Its prompt.
        examples: Labelled; a third of them is kept out of the search.
        search: How long.
        role: Who answers; without it whom the program asks first. The generator proposes.
        say: Is told how far it is.

    Raises:
        UsageError: As `prompt_search.own_part` and `halves` say; or there is no such role.
        TransientError: The budget is used up, or a server does not answer: the same command goes on later.
    """
    part, own = prompt_search.own_part(heading.system, heading.user)
    known, kept_out = prompt_search.halves(examples)
    tuning = _Tuning(models, heading, part, own, role or recipe.players[recipe.module.ROLES[0]], say)
    if not models.role(tuning.role).asks_a_server:
        say("the offline stand-in answers: this shows how a search goes, and tells nothing of a prompt")
    models.meet(dict.fromkeys(("generator", tuning.role)), say=say)
    texts = [own, *tuning.proposals(known, search)]
    say(f"{len(texts) - 1} proposals beside the prompt that is there")
    arms = tuning.tried(texts, known, search)
    best = prompt_search.best(arms)
    held = {at: tuning.mean(texts[at], kept_out) for at in sorted({0, best})}
    pairs = enumerate(zip(texts, arms, strict=True))
    prompts = [Tried(text, arm.tried, round(arm.mean, 4), held.get(at)) for at, (text, arm) in pairs]
    found = Tuned(recipe.name, heading.name, part, prompts, best, len(known), len(kept_out), tuning.refused)
    found.calls, found.recorded_calls = tuning.calls
    return found


def written(file: Any, heading: Heading, part: str, own: str, new: str) -> str:
    """Return a prompt file with another text in the place of a prompt's own part.

    Raises:
        UsageError: The part cannot be found in the file as it was read.
    """
    text = file.read_text(encoding="utf-8")
    line = heading.lines[part == "user"]
    begin = sum(map(len, text.splitlines(keepends=True)[: line - 1]))
    at = text.find(own, begin)
    if at < 0:
        raise UsageError(f"{file}:{line} has white space in its empty lines", hint="take it out, and try again")
    return f"{text[:at]}{new}{text[at + len(own) :]}"


class _Tuning:
    """A search that is going on: whom it asks, and what was refused."""

    def __init__(
        self, models: Models, heading: Heading, part: str, own: str, role: str, say: Callable[[str], None]
    ) -> None:
        self.models, self.heading, self.part, self.own, self.role, self.say = models, heading, part, own, role, say
        self.refused: dict[str, int] = {}
        self._calls: dict[str, bool] = {}  # by completion: whether it was recorded before

    @property
    def calls(self) -> tuple[int, int]:
        """How many calls were sent, and how many had their answer from the record."""
        recorded = sum(self._calls.values())
        return len(self._calls) - recorded, recorded

    def proposals(self, known: Sequence[Example], search: Search) -> list[str]:
        """Have instructions proposed; each text once, none of them the one that is there."""
        form = beside(prompt_search.__file__)
        calls = list[Call]()
        for group in range(search.groups):
            some = prompt_search.drawn(known, search.examples, self.heading.digest, group)
            prompt = Prompt(form.render(shown="\n\n".join(map(_told, some))))
            calls += [Call(str(group), prompt, draw, 0.9, role="generator") for draw in range(search.proposals)]
        found = dict.fromkeys(one for said in self._asked(calls) if (one := self._proposal(said)) and one != self.own)
        return list(found)

    def _proposal(self, said: Answer | Refused) -> str:
        asked = "\n".join(message.content for message in said.call.prompt.messages)
        try:
            if isinstance(said, Answer):
                return prompt_search.proposal(Text.read(said.text).text, asked)
            reason = said.reason
        except Rejection as error:
            reason = error.reason
        self.refused[reason] = self.refused.get(reason, 0) + 1
        return ""

    def tried(self, texts: Sequence[str], known: Sequence[Example], search: Search) -> list[Arm]:
        """Try prompts on examples, those that promise most the most often; each on an example once."""
        arms = [Arm() for _ in texts]
        orders = [prompt_search.drawn(known, len(known), self.heading.digest, text) for text in texts]
        for number in range(search.rounds):
            open_ = [at for at, arm in enumerate(arms) if arm.tried < len(known)]
            places = prompt_search.next_arms([arms[at] for at in open_], search.arms, curiosity=search.curiosity)
            some = {
                open_[place]: orders[open_[place]][arms[open_[place]].tried :][: search.samples] for place in places
            }
            rewards = self._rewards((at, texts[at], example) for at, those in some.items() for example in those)
            for at, those in some.items():
                arms[at] = Arm(arms[at].tried + len(those), arms[at].reward + rewards.get(at, 0.0))
            leads = prompt_search.best(arms)
            self.say(
                f"round {number + 1} of {search.rounds}: the best so far answers {arms[leads].mean:.2f}"
                f" ({arms[leads].tried} tried), the prompt that is there {arms[0].mean:.2f} ({arms[0].tried} tried)"
            )
        return arms

    def mean(self, text: str, examples: Sequence[Example]) -> float:
        """Return the mean reward of a prompt on examples."""
        return round(self._rewards((0, text, one) for one in examples).get(0, 0.0) / len(examples), 4)

    def _rewards(self, wanted: Iterable[tuple[int, str, Example]]) -> dict[int, float]:
        """Ask, and return the sum of the rewards of each arm; an answer that was refused earns nothing."""
        asked = {f"{at} {example.id}": (at, text, example) for at, text, example in wanted}
        found = dict[int, float]()
        calls = (Call(key, self._filled(text, one), role=self.role) for key, (_, text, one) in asked.items())
        for said in self._asked(calls):
            at, _, example = asked[said.call.input_id]
            gained = prompt_search.reward(said.text, example.wanted) if isinstance(said, Answer) else 0.0
            found[at] = found.get(at, 0.0) + gained
        return found

    def _filled(self, text: str, example: Example) -> Prompt:
        before = getattr(self.heading, self.part)
        new = replace(self.heading, **{self.part: before.replace(self.own, text, 1)})
        return Prompt(new.render(**{name: shown(name, value) for name, value in example.fields.items()}))

    def _asked(self, calls: Iterable[Call]) -> Iterator[Answer | Refused]:
        """Ask, and give answers in the order of the calls: what comes of them depends on no server's haste."""
        listed = list(calls)
        by = {(said.call.input_id, said.call.draw): said for said in self.models.answers(listed)}
        for call in listed:
            said = by[call.input_id, call.draw]
            self._calls[said.completion_id] = self._calls.get(said.completion_id, True) and said.is_cached
            yield said


def _told(example: Example) -> str:
    """Return an example as the proposer sees it."""
    given = "\n\n".join(f"{name}: {value}" for name, value in example.fields.items())
    wanted = example.wanted if isinstance(example.wanted, str) else json.dumps(dict(example.wanted), ensure_ascii=False)
    return f"{fenced('given', given)}\n{fenced('answered', wanted)}"
