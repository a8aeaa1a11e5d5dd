"""From which cosine on two texts are taken for the same: what the settings say, else what was measured of the embedder.

Measured by `python -m tests.bench.calibration` on pairs that mean the same (copies, paraphrases) and on as many of one
form that set another task. Such pairs are rare among real instructions, so the precision there is higher. An encoder's
cosine is no lexical one's: at .85 `hashing` takes most texts of one form for the same, whatever their task; at what it
needs instead it finds copies only, hardly a paraphrase. No embedder tells a text from the same one with another number
or with an opposite in it: of such pairs most are called the same.
"""

from typing import NamedTuple

from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.vectors import embedders

VERSION = 1


WIDEST = 0.95  # of what is compared with benchmarks


class Measured(NamedTuple):
    """A cosine, the share of the pairs at it or above that mean the same, and how many of all such pairs those are."""

    cosine: float
    precision: float
    recall: float


# Read off one half of 201 pairs, where .95 of those at or above them meant the same; then measured on 654 pairs that
# mean the same and 300 of one form and another task, written by hand afterwards to be hard, weighted as if there were
# as many of these. There .95 needs .966 (recall .33) and .998 (.27), at which most paraphrases pass as new.
MEASURED = {
    "hashing": Measured(0.988, 0.789, 0.375),
    "encoder": Measured(0.886, 0.862, 0.540),
}


def measured(settings: Settings, noun: str) -> Measured:
    """Return what is known of the embedder of a noun's texts; of a model of one's own nothing: the encoder's stands."""
    return MEASURED.get(embedders.kind(settings.embeddings, noun), MEASURED["encoder"])


def cosine(settings: Settings, noun: str, said: float | None) -> float:
    """Return from which cosine on two texts of a noun are the same: what the profile says, else what was measured."""
    return measured(settings, noun).cosine if said is None else said


def benchmarks(settings: Settings, noun: str) -> float:
    """Return from which cosine on a text is a benchmark's: a false alarm costs a row, a miss costs the benchmark."""
    said = settings.benchmarks.cosine
    return min(WIDEST, measured(settings, noun).cosine) if said is None else said


def in_force(settings: Settings) -> list[dict[str, str]]:
    """Return a row for each noun: who embeds its texts, and from which cosine on two are the same."""
    named = embedders.named(settings.embeddings, settings.models.embedder.model)
    return [
        {"texts": noun, "embedder": name, "unset cosines": described(settings, noun)} for noun, name in named.items()
    ]


def described(settings: Settings, noun: str) -> str:
    """Say what the cosines that the profile leaves open come to for a noun's texts."""
    found = measured(settings, noun)
    is_own = embedders.kind(settings.embeddings, noun) not in MEASURED
    said = f"the same from cosine {found.cosine} (precision {found.precision}, recall {found.recall})"
    return f"{said}, measured of the encoder and not of this model" if is_own else said
