"""Messages that carry a passage of their page, and messages that only retell it: how many are kept, how many refused.

    python -m tests.bench.carrying [--show] [--fit]

Messages are made by program from real pages (../shared/data). `frames`: 200 of each, from `tests/data/carrying.toml`.
`ways` and `sets`: from `carrying_ways.toml` and `carrying_sets.toml`, a way of saying it a line, around passages of
pages of its language. The check of what a message says itself (`asking.py`) is learned from all but two:
`aside`, half of the frames with pages of their own, and the set `report`, with the pages of the half that is kept
aside. `--fit` learns it anew: first it prints how a model
that learned from the others does on each set (what is to be expected of a wording that nobody has seen), then it writes
the weights. `--show` prints what went wrong but in what is aside. Each message goes through all checks of an
instruction.
"""

import argparse
import collections
import hashlib
import itertools
import random
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.linear_model import LogisticRegression

from tests.bench.corpus import SHARED, lines
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.settings import InstructionsSettings
from wellspring.tasks.methods.instructions import asking
from wellspring.tasks.methods.instructions.acceptance import Limits, Shown, accept
from wellspring.tasks.methods.instructions.carrying import parted
from wellspring.tasks.methods.instructions.copies import coverage
from wellspring.tasks.methods.pages.languages import identify

SETS = Path(__file__).parents[1] / "data" / "carrying_sets.toml"
WEIGHTS = Path(asking.__file__).with_suffix(".npy")
FILLED = 3  # times that a way of a set is filled from a page to learn from it
TWICE = 2  # likewise, for the report
WAYS = Path(__file__).parents[1] / "data" / "carrying_ways.toml"
FRAMES = Path(__file__).parents[1] / "data" / "carrying.toml"
PAGES = (
    ("web/wcxb_dev_a.gold.jsonl.gz", "main_content"),
    ("web/zh_gbk.gold.jsonl.gz", "content"),
    ("web/aeb.gold.jsonl.gz", "articleBody"),
)
EACH = 200
LEAST_SENTENCES = 6
OTHERS = 60  # of each 200 in other languages than English, as the pages allow
SWAPPED = {
    "also": "as well",
    "many": "numerous",
    "but": "yet",
    "important": "crucial",
    "big": "large",
    "help": "assist",
}
SWAPPED |= {"often": "frequently", "because": "since", "people": "persons", "new": "recent", "make": "create"}
SWAPPED |= {"get": "obtain", "good": "fine", "says": "states", "said": "stated", "use": "employ"}
_SENTENCE = re.compile(r"[^.!?\u3002\uff01\uff1f\n]{12,}[.!?\u3002\uff01\uff1f]+")

Frames = Mapping[str, Sequence[str]]
Maker = Callable[[random.Random, "Page", Frames], str]


class Page(NamedTuple):
    """A real page: its text, its sentences, its language, and the half it belongs to."""

    text: str
    sentences: tuple[str, ...]
    language: str
    is_aside: bool


def half(text: str) -> bool:
    """Whether a text belongs to the half that was kept aside."""
    return hashlib.sha256(text.encode()).digest()[0] % 2 == 1


@lru_cache(maxsize=1)
def pages() -> tuple[Page, ...]:
    """Return the real pages that have sentences enough, in the order of their digests."""
    import polars as pl

    texts = [row[key] for name, key in PAGES for row in lines(name)]
    texts += pl.read_parquet(SHARED / "web" / "fundus_news.parquet")["body_text"].to_list()
    texts = sorted({*filter(None, texts)}, key=lambda text: hashlib.sha256(text.encode()).hexdigest())
    known = ((text, tuple(found.strip() for found in _SENTENCE.findall(text[:30_000]))) for text in texts)
    return tuple(
        Page(text[:30_000], sentences, identify(text[:2000]), half(text))
        for text, sentences in known
        if len(sentences) >= LEAST_SENTENCES
    )


def passage(chance: random.Random, page: Page) -> str:
    """Return a contiguous passage of 50 to 400 words that ends with a sentence."""
    wanted, characters = chance.randint(50, 400), page.language in {"zh", "ja"}
    at = page.text.find(page.sentences[chance.randrange(len(page.sentences) // 2 + 1)])
    rest = page.text[at : at + wanted * (2 if characters else 6)]
    ends = [found.end() for found in re.finditer(r"[.!?\u3002\uff01\uff1f](?=\s|$|[\u3400-\u9fff])", rest)]
    return rest[: ends[-1]] if ends else rest


# Messages that carry a passage


def _frame(chance: random.Random, frames: Frames) -> tuple[str, str]:
    return chance.choice(frames["situations"]), chance.choice(frames["tasks"])


def before(chance: random.Random, page: Page, frames: Frames) -> str:
    """Situation and task, then the passage, set off by a blank line."""
    situation, task = _frame(chance, frames)
    return f"{situation} {task}\n\n{passage(chance, page)}".strip()


def after(chance: random.Random, page: Page, frames: Frames) -> str:
    """The passage, then situation and task."""
    situation, task = _frame(chance, frames)
    return f"{passage(chance, page)}\n\n{situation} {task}"


def around(chance: random.Random, page: Page, frames: Frames) -> str:
    """The passage between situation and task."""
    situation, task = _frame(chance, frames)
    return f"{situation}\n\n{passage(chance, page)}\n\n{task}".strip()


def quoted(chance: random.Random, page: Page, frames: Frames) -> str:
    """The passage in quotation marks, in the same paragraph."""
    opened, closed = chance.choice(['""', "“”", "«»"])
    flat = " ".join(passage(chance, page).split()).replace('"', "'")
    situation, task = _frame(chance, frames)
    return f"{situation} {task} {opened}{flat}{closed}".strip()


def set_off(chance: random.Random, page: Page, frames: Frames) -> str:
    """The passage as a block: between fences or as a quotation of lines."""
    lines = [line for line in passage(chance, page).splitlines() if line.strip()]
    block = "\n".join(f"> {line}" for line in lines) if chance.random() < 0.5 else "```\n" + "\n".join(lines) + "\n```"
    situation, task = _frame(chance, frames)
    return f"{situation} {task}\n\n{block}".strip()


def tabled(chance: random.Random, page: Page, frames: Frames) -> str:
    """Sentences of the page as rows of a table."""
    rows = chance.sample(page.sentences, min(len(page.sentences), 8))
    table = "\n".join(f"| {number} | {row} |" for number, row in enumerate(rows, start=1))
    situation, task = _frame(chance, frames)
    return f"{situation} {task}\n\n| no | text |\n|---|---|\n{table}".strip()


def mistyped(chance: random.Random, page: Page, frames: Frames) -> str:
    """A passage with some words spoilt, for somebody to mend."""
    said = [word[1:] + word[:1] if chance.random() < 0.06 else word for word in passage(chance, page).split(" ")]
    situation, task = _frame(chance, frames)
    return f"{situation} {task}\n\n{' '.join(said)}".strip()


def two(chance: random.Random, page: Page, frames: Frames) -> str:
    """Two passages, a task before them and another after."""
    first, second = passage(chance, page)[:900], passage(chance, page)[-900:]
    (situation, task), (_, other) = _frame(chance, frames), _frame(chance, frames)
    return f"{situation} {task}\n\nA: {first}\n\nB: {second}\n\n{other}".strip()


# Messages that only retell the page


def joined(chance: random.Random, page: Page, frames: Frames) -> str:
    """Sentences of the page one after the other, from wherever they stand."""
    picked = chance.sample(page.sentences, min(len(page.sentences), chance.randint(3, 12)))
    return " ".join([*picked, chance.choice(frames["closing"])])


def connected(chance: random.Random, page: Page, frames: Frames) -> str:
    """Sentences of the page with a word or two between them, as a retelling has."""
    picked = chance.sample(page.sentences, min(len(page.sentences), chance.randint(4, 10)))
    said = [
        one if chance.random() < 0.5 else f"{chance.choice(frames['joining'])} {one[:1].lower()}{one[1:]}"
        for one in picked
    ]
    return " ".join([chance.choice(frames["telling"]), *said])


def questioned(chance: random.Random, page: Page, frames: Frames) -> str:
    """A copied paragraph with a question mark."""
    return passage(chance, page).rstrip(".!。") + "? " + chance.choice(frames["closing"])


def told(chance: random.Random, page: Page, frames: Frames) -> str:
    """A copied passage behind words that say only that it is there."""
    return "{} {} {}".format(chance.choice(frames["telling"]), passage(chance, page), chance.choice(frames["closing"]))


def headed(chance: random.Random, page: Page, frames: Frames) -> str:
    """A heading of the page and a paragraph."""
    title = page.text.strip().splitlines()[0][:80]
    return f"{title}\n\n{passage(chance, page)}\n\n{chance.choice(frames['closing'])}".strip()


def reworded(chance: random.Random, page: Page, frames: Frames) -> str:
    """A passage lightly changed: words swapped or left out, sentences in another order."""
    picked = chance.sample(page.sentences, min(len(page.sentences), chance.randint(4, 10)))
    said = [SWAPPED.get(word, word) for one in picked for word in one.split(" ") if chance.random() > 0.05]
    return "{} {}".format(chance.choice(frames["telling"]), " ".join(said))


def asked(chance: random.Random, page: Page, frames: Frames) -> str:
    """Each of some sentences put as a question, in the page's words."""
    picked = chance.sample(page.sentences, min(len(page.sentences), chance.randint(2, 6)))
    return " ".join([*(f"{chance.choice(frames['telling'])} {one.rstrip('.!?。')}?" for one in picked)])


CARRYING: tuple[Maker, ...] = (before, after, around, quoted, set_off, tabled, mistyped, two)
RETELLING: tuple[Maker, ...] = (joined, connected, questioned, told, headed, reworded, asked)


class Message(NamedTuple):
    """A message made of a page: how, in which half, and whether it should be kept."""

    text: str
    page: Page
    kind: str
    carries: bool


class Slots(dict[str, str]):
    """What `{p}` and the like stand for in a way of saying it, drawn from a page; `{s2}` is another draw of `{s}`."""

    def __init__(self, chance: random.Random, page: Page) -> None:
        """Draw from this page."""
        super().__init__()
        self.chance, self.page = chance, page

    def __missing__(self, key: str) -> str:
        """Make what the name stands for, less its number."""
        some = self.chance.sample(self.page.sentences, min(len(self.page.sentences), 8))
        name, text = key.rstrip("0123456789"), passage(self.chance, self.page)
        flat = " ".join(text.split()).replace('"', "'")
        made: dict[str, Callable[[], str]] = {
            "p": lambda: text,
            "flat": lambda: flat,
            "q": lambda: flat[:600],
            "r": lambda: flat[-500:],
            "quote": lambda: "\n".join(f"> {line}" for line in text.splitlines() if line.strip()),
            "list": lambda: "\n".join(f"- {one}" for one in some),
            "num": lambda: "\n".join(f"{number}. {one}" for number, one in enumerate(some, start=1)),
            "table": lambda: "| no | text |\n|---|---|\n" + "\n".join(f"| {i} | {one} |" for i, one in enumerate(some)),
            "log": lambda: "\n".join(f"2024-03-0{i} 0{i}:1{i} INFO {one}" for i, one in enumerate(some)),
            "s": lambda: some[0],
            "lc": lambda: some[0][:1].lower() + some[0][1:],
            "shuffled": lambda: " ".join(some),
            "swapped": lambda: " ".join(SWAPPED.get(word, word) for one in some for word in one.split(" ")),
            "title": lambda: self.page.text.strip().splitlines()[0][:80],
            "asked": lambda: " ".join(one.rstrip(".!?。") + "?" for one in some),
        }
        return made.get(name, made["shuffled"])()


def said(part: str, *, carries: bool) -> list[Message]:
    """Return 200 messages of one part of the ways, 120 of them in English."""
    file = tomllib.loads(WAYS.read_text(encoding="utf-8"))
    ways = file[part]["carrying" if carries else "retelling"]
    known = [page for page in pages() if page.is_aside == (part == "report")]
    for own in file["pages"]:
        sentences = tuple(found.strip() for found in _SENTENCE.findall(own["text"].replace("\u0964", ".")))
        known.append(Page(own["text"], sentences, own["language"], is_aside=False))
    foreign = [(code, way) for code in ways if code != "en" for way in ways[code]]
    english = [("en", way) for way in ways["en"]]
    drawn = [english[i % len(english)] for i in range(EACH - 80)] + [foreign[i % len(foreign)] for i in range(80)]
    found: list[Message] = []
    for number, (code, way) in enumerate(drawn):
        chance = random.Random(f"{part} {carries} {number}")
        page = chance.choice([page for page in known if page.language == code])
        found.append(Message(way.format_map(Slots(chance, page)), page, way[:40], carries))
    return found


def messages(*, carries: bool, is_aside: bool) -> list[Message]:
    """Return half of the 200 messages: those of the pages, situations and tasks of one half."""
    frames = tomllib.loads(FRAMES.read_text(encoding="utf-8"))
    frames = frames["aside"] if is_aside else frames
    known = [page for page in pages() if page.is_aside == is_aside and page.language in frames]
    others = [page for page in known if page.language != "en"][: OTHERS // 2]
    english = [page for page in known if page.language == "en"]
    chosen = [*others, *english][: EACH // 2]
    makers = CARRYING if carries else RETELLING
    found: list[Message] = []
    for number, page in enumerate(chosen):
        chance, maker = random.Random(f"{carries} {page.text[:200]}"), makers[number % len(makers)]
        found.append(Message(maker(chance, page, frames[page.language]), page, maker.__name__, carries))
    return found


def sets(name: str, times: int = 1) -> list[Message]:
    """Return the messages of a set, each way filled so many times from pages of its language (else English)."""
    known: dict[tuple[str, bool], list[Page]] = collections.defaultdict(list)
    for page in pages():
        known[page.language, page.is_aside].append(page)
    is_aside, found = name == "report", []
    for kind, ways in tomllib.loads(SETS.read_text(encoding="utf-8"))[name].items():
        for way, number in itertools.product(ways, range(times)):
            chance = random.Random(f"{number} {way}")
            code = identify(re.sub(r"\{\w+\}", "", way))
            page = chance.choice(known.get((code, is_aside)) or known["en", is_aside])
            found.append(Message(way.format_map(Slots(chance, page)), page, way[:40], kind == "carrying"))
    return found


def _learnt(rows: list[Message]) -> tuple[Any, NDArray[np.bool_]]:
    """Return features (n, 2**BITS) and which messages ask."""
    own = [asking.PASSAGE.join(parted(row.text, row.page.text).own) for row in rows]
    rows_of = [asking.features(said) for said in own]
    places = [place for row in rows_of for place in row]
    values = [value for row in rows_of for value in row.values()]
    ends = np.cumsum([0, *map(len, rows_of)])
    matrix = csr_matrix((values, places, ends), shape=(len(rows), 1 << asking.BITS))
    return matrix, np.array([row.carries for row in rows])


def fit() -> None:
    """Learn what asks; print how it goes on each set when that one is left out, then write the weights."""
    names = [name for name in tomllib.loads(SETS.read_text(encoding="utf-8")) if name != "report"]
    learnt = {name: _learnt(sets(name, FILLED)) for name in names}
    ways = [said(part, carries=carries) for part in ("tuning", "report") for carries in (True, False)]
    frames = [messages(carries=carries, is_aside=False) for carries in (True, False)]
    learnt["ways"] = _learnt(list(itertools.chain(*ways, *frames)))

    def model(left_out: str = "") -> LogisticRegression:
        used = [pair for name, pair in learnt.items() if name != left_out]
        labels = np.concatenate([y for _, y in used])
        return LogisticRegression(C=10, max_iter=3000).fit(vstack([x for x, _ in used]).tocsr(), labels)

    for name in names:
        features, asks = learnt[name]
        right = model(name).predict(features) == asks
        print(f"left out {name}: asking {right[asks].mean():.2f}, asking nothing {right[~asks].mean():.2f} right")
    found = model()
    np.save(WEIGHTS, np.concatenate([found.coef_[0], found.intercept_]).astype(np.float16))


def outcome(message: Message) -> str:
    """Return why a message is refused; empty when it is kept."""
    wanted = InstructionsSettings()
    limits = Limits(5, 2000, 0.7, wanted.max_document_share, wanted.min_own_words, (message.page.language,))
    try:
        accept(message.text, limits, Shown(document=message.page.text))
    except Rejection as refused:
        return f"{refused.reason}: {refused.detail}"
    return ""


def report(made: list[Message], name: str, *, show: bool) -> str:
    """Return one line: how many of a set are kept or refused, and how many by the share of copied words alone."""
    carries = made[0].carries
    outcomes = [outcome(message) for message in made]
    wrong = [(message, why) for message, why in zip(made, outcomes, strict=True) if bool(why) == carries]
    by_share = sum(coverage(message.text, message.page.text) > 0.8 for message in made)
    for message, why in wrong if show else ():
        print(f"  {message.kind} {message.page.language} {why[:200]!r}\n    {message.text[:300]!r}")
    right, share = len(made) - len(wrong), len(made) - by_share if carries else by_share
    kinds = dict(collections.Counter(message.kind for message, _ in wrong))
    part = f"{name:12} {'carrying, kept' if carries else 'retelling, refused':18}"
    return f"{part} {right} of {len(made)} (by the share of copied words alone {share}); wrong: {kinds}"


def main() -> None:
    """Print both halves of both sets."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--fit", action="store_true")
    chosen: Any = parser.parse_args()
    if chosen.fit:
        fit()
    for carries in (True, False):
        for name, is_aside in (("aside", True), ("frames", False)):
            made = messages(carries=carries, is_aside=is_aside)
            print(report(made, name, show=chosen.show and not is_aside))
        for part in ("tuning", "report"):
            print(report(said(part, carries=carries), f"ways, {part}", show=chosen.show))
        made = [message for message in sets("report", TWICE) if message.carries == carries]
        print(report(made, "sets, report", show=False))


if __name__ == "__main__":
    main()
