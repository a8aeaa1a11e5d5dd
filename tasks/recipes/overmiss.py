"""Translations of a page's sentences, above the same translation with a sentence too many and with one too few.

Paper: OVERMISS (arXiv 2308.12674). Translation data where a right translation is contrasted with one that adds what the
source does not say (over-translation) and with one that leaves something out (miss-translation), so that a model
learns to be faithful.

Ours differs. The paper tells the contrast within the instruction; ours is a pair. As far as we remember, a model writes
its faulty translations; ours come by rule from one answer: sentences are translated one by one, with one more that
stands next to them. The right translation is that of the source, the over-translation has the one more in a place, the
miss-translation lacks one. So all sides are in the same style, and only what is said tells them apart. The right one
is a model's: each sentence must be there, with its digits, and a judge must find the whole of it.

    {"text": "The boat leaves at nine. It takes an hour."} -> "Das Boot fährt um neun ab. Es braucht eine Stunde."
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from wellspring.tasks.contracts.answers import Answered, Aside
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.program import Ask, ours
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.contracts.sameness import folded
from wellspring.tasks.contracts.settings import Section

SYSTEM = "OVERMISS"
PAPER = "OVERMISS, arXiv 2308.12674: over-translation and miss-translation against the right one"
VERSION = 1
TAKES = "documents"
MAKES = ("instructions", "responses", "preferences")
ROLES = ("responder", "judge")
MAY = frozenset({"resemble", "switch_language"})
REAL_MODEL = ""

LANGUAGES = {"de": "German", "en": "English", "es": "Spanish", "fr": "French", "it": "Italian", "zh": "Chinese"}
SHORTEST, LONGEST = 15, 400  # characters of a sentence

_SENTENCE = re.compile(r"\S(?:[^.!?\u3002\uff01\uff1f]|[.!?](?=\S))*(?:[.!?](?=\s|$)|[\u3002\uff01\uff1f])")
_DIGIT = re.compile(r"\d")

Language = Literal["de", "en", "es", "fr", "it", "zh"]


class Knobs(Section):
    """What a profile can set under `[recipes.overmiss]`."""

    sources: int = Field(default=2, ge=1, le=16, description="texts of a page that are translated")
    sentences: int = Field(default=2, ge=2, le=8, description="sentences of each text")
    languages: tuple[Language, ...] = Field(
        default=("de", "fr", "es", "zh"), min_length=1, description="to translate into, never the page's own"
    )


class Translated(Answered):
    """A translation of each sentence; the last one is of a sentence that does not belong to the source."""

    translations: list[str]

    @property
    def right(self) -> str:
        """The translation of the source."""
        return self._joined(self.translations[:-1])

    @property
    def over(self) -> str:
        """It with one sentence too many, in a place that its text says."""
        *right, more = self.translations
        place = len(self.right) % (len(right) + 1)
        return self._joined([*right[:place], more, *right[place:]])

    @property
    def missed(self) -> str:
        """It with one sentence too few."""
        place = len(self.right) % (len(self.translations) - 1)
        return self._joined(self.translations[:place] + self.translations[place + 1 : -1])

    def _joined(self, sentences: Sequence[str]) -> str:
        return (" " if any(" " in one for one in self.translations) else "").join(sentences)


class Whole(Answered):
    """Whether a translation says all of its source, and nothing else."""

    fault: Aside
    whole: Literal["yes", "no"]


def most_calls(knobs: Knobs) -> int:
    """A translation and a look at it for each source."""
    return 2 * knobs.sources


def sources(text: str, input_id: str, number: int, size: int) -> list[list[str]]:
    """Return runs of sentences of a page, each with one more than a source has; none shares a sentence.

    Args:
        text: Of the page.
        input_id: Where the first run begins depends on it.
        number: The most runs.
        size: Sentences of a source.
    """
    found = [_SENTENCE.findall(line) for line in text.split("\n")]
    runs = [line[at : at + size + 1] for line in found for at in range(0, len(line) - size, size + 1)]
    runs = [run for run in runs if len({*run}) == len(run) and all(SHORTEST <= len(one) <= LONGEST for one in run)]
    first = int(input_id[:8], 16) % max(len(runs), 1)
    return [*runs[first:], *runs[:first]][:number]


async def program(row: Row, ask: Ask) -> None:
    """Translate runs of sentences, and pair each translation with one that says too much and one that says too little.

    Raises:
        Rejection: `too_short`: no paragraph has enough sentences.
    """
    runs = sources(row["text"], row["input_id"], ask.knobs.sources, ask.knobs.sentences)
    if not runs:
        raise Rejection("too_short", f"no paragraph has {ask.knobs.sentences + 1} sentences: {row['text'][:200]}")
    into = [LANGUAGES[one] for one in ask.knobs.languages if one != row["language"]]
    if not into:
        raise Rejection("other_language", f"{row['language']} is the only language to translate into")
    first = int(row["input_id"][8:16], 16)
    await ask.tried([_translated(ask, run, into[(first + at) % len(into)], first + at) for at, run in enumerate(runs)])


async def _translated(ask: Ask, run: Sequence[str], language: str, mark: int) -> None:
    """Translate a run of sentences, and make the instruction, the three translations and their pairs."""
    source = (" " if run[0].isascii() or " " in run[0] else "").join(run[:-1])
    said = await ask("translate", Translated, language=ours(language), sentences=list(run), number=len(run))
    _hold(said, run)
    looked = await ask("look", Whole, role="judge", source=source, translation=said.right)
    if looked.whole == "no":
        raise Rejection("unfaithful", f"{looked.fault[:200]}: {said.right[:200]}")
    wish = str(ask.own[mark % len(ask.own)]["say"]).replace("LANGUAGE", language)
    made = ask.made.instruction(said, "right", text=f"{wish}\n\n{source}")
    if chosen := ask.made.answer(said, made, "right"):
        for field in ("over", "missed"):
            if rejected := ask.made.answer(said, made, field, use="rejected"):
                ask.made.pair(chosen, rejected, "rule")


def _hold(said: Translated, run: Sequence[str]) -> None:
    """Return when each sentence has a translation of its own.

    Raises:
        Rejection: `not_aligned`, there are more or fewer; `copy_of_document`, one is not translated; `duplicate`, two
            say the same; `loses_numbers`, a digit of the sentence is not there.
    """
    if len(said.translations) != len(run):
        raise Rejection("not_aligned", f"{len(said.translations)} translations of {len(run)} sentences")
    if len({*said.translations}) < len(run):
        raise Rejection("duplicate", f"two sentences have one translation: {said.right[:200]}")
    for sentence, one in zip(run, said.translations, strict=True):
        if folded(one) == folded(sentence):
            raise Rejection("copy_of_document", f"not translated: {one[:200]}")
        if lost := Counter(_DIGIT.findall(sentence)) - Counter(_DIGIT.findall(one)):
            raise Rejection("loses_numbers", f"{''.join(sorted(lost))} in: {one[:200]}")
