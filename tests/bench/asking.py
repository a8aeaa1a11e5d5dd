"""Messages without a sign of asking: how many of real people are refused, and how many of what asks for nothing.

    python -m tests.bench.asking [--show] [--read]

What asks: human seeds and prompts, instruction pools and benchmark prompts of ../shared/data, and messages of our own
in the languages that are judged (`tests/data/asking.toml`). What does not: a sentence, a paragraph and the first line
of real pages, answers that people wrote, and statements of our own. Half of each, by a hash of its text, is for tuning;
the other is for the report. Tasks on a passage (`carrying_sets.toml`, the passage left out) were written by somebody
who had not seen the signs; of them the set `report` is for the report. LLMBar's prompts and the whole news articles are
all for the report. `--show` prints what goes wrong in the half for tuning, `--read` the refused messages of real people
in the report half, to be read by eye at the end.
"""

import argparse
import random
import re
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from tests.bench.carrying import SETS, Page, half, pages
from tests.bench.corpus import SHARED, lines
from wellspring.tasks.methods.instructions.asking import states_only
from wellspring.tasks.methods.pages.languages import identify

OWN = tomllib.loads((Path(__file__).parents[1] / "data" / "asking.toml").read_text(encoding="utf-8"))
FRESH = ("llmbar_natural", "llmbar_gptinst")  # never looked at while the signs were chosen
PEOPLE = ("seeds_knn_instruct_a", "seeds_oasst_en100", "seeds_self_instruct_175", "bench_arena_hard_v01")
PROMPTS = ("bench_alpaca_eval", "bench_ifeval", "bench_mt_bench", "seeds_prompts_chat_a", "pool_alpaca_a", "pool_t0_a")
MOST = 3000  # of a pool
OF_PAGE = 12  # sentences of a page in another language than English
PARAGRAPH_WORDS = 30
PAGE_CHARS = 30_000  # of a page that `pages` reads
MARK = re.compile(r"[?\uff1f\u061f]")


class Said(NamedTuple):
    """A text, the set and language that it is counted under, and whether it asks."""

    text: str
    kind: str
    language: str
    asks: bool
    is_report: bool


def _said(text: str, kind: str, language: str, *, asks: bool) -> Said:
    return Said(text, kind, language, asks, half(text))


def prompts(name: str) -> Iterator[str]:
    """Yield the messages of a file of instructions, each with the input that goes with it."""
    for row in lines(f"instructions/{name}.jsonl.gz"):
        instances: Any = row.get("instances") or [{}]
        said = row.get("prompt") or row.get("instruction") or row["turns"][0]
        yield "\n\n".join(filter(None, (said, row.get("input") or instances[0].get("input"))))


def requests() -> Iterator[Said]:
    """Yield what asks."""
    for name in PEOPLE + PROMPTS:
        for text in islice(dict.fromkeys(prompts(name)), MOST):
            yield _said(text, name, "en", asks=True)
    for name in FRESH:
        for row in lines(f"judge/{name}.jsonl.gz"):
            yield Said(row["input"], name, "en", asks=True, is_report=True)
    for row in _dolly():
        yield _said("\n\n".join(filter(None, (row["instruction"], row["input"]))), "pool_dolly_a", "en", asks=True)
    for code, own in OWN.items():
        yield from (_said(text, "our own", code, asks=True) for text in own["requests"])
    for name, kinds in tomllib.loads(SETS.read_text(encoding="utf-8")).items():
        for way in kinds["carrying"]:
            text = re.sub(r"\{\w+\}", "\u2026", way)
            if (code := identify(text)) in OWN:
                yield Said(text, "tasks on a passage", code, asks=True, is_report=name == "report")


def _dolly() -> list[dict[str, Any]]:
    return pl.read_parquet(SHARED / "instructions" / "pool_dolly_a.parquet").to_dicts()


def statements() -> Iterator[Said]:
    """Yield what asks for nothing."""
    for row in lines("dedup/mccormick_articles.jsonl.gz"):
        yield Said(row["text"], "whole news articles", "en", asks=False, is_report=True)
    yield from (_said(row["output"], "answers of people", "en", asks=False) for row in _dolly())
    for code, own in OWN.items():
        yield from (_said(text, "our own", code, asks=False) for text in own["statements"])
    for page in pages():
        if page.text not in _threads():
            yield from _of_page(page)


@cache
def _threads() -> frozenset[str]:
    """Return the texts of forum pages: people ask there."""
    rows = lines("web/wcxb_dev_a.gold.jsonl.gz")
    texts = (row["main_content"] or "" for row in rows if row["page_type"] == "forum")
    return frozenset(text[:PAGE_CHARS] for text in texts)


def _of_page(page: Page) -> Iterator[Said]:
    """Yield the first line of a page, sentences, and a paragraph; a line or sentence with a question mark does ask."""
    chance, language = random.Random(page.text[:200]), page.language if page.language in OWN else "others"
    told = [sentence for sentence in page.sentences if not MARK.search(sentence)]
    many = min(len(told), 1 if language == "en" else OF_PAGE)
    yield from (_said(text, "sentences", language, asks=False) for text in chance.sample(told, many))
    long = [line for line in page.text.splitlines() if len(line.split()) >= PARAGRAPH_WORDS]
    yield from (_said(text, "paragraphs", language, asks=False) for text in chance.sample(long, min(len(long), 1)))
    first = page.text.strip().splitlines()[0][:200]
    if not MARK.search(first):
        yield _said(first, "first lines", language, asks=False)


def table(rows: Iterable[Said], key: str) -> list[str]:
    """Return a line for each set or language: how many there are, and how many are refused."""
    counted: dict[str, Counter[bool]] = defaultdict(Counter)
    for row in rows:
        counted[getattr(row, key)][states_only(row.text)] += 1
    return [f"{name:24} {c.total():6} {c[True]:6} {c[True] / c.total():7.2%}" for name, c in sorted(counted.items())]


def main() -> None:
    """Print both halves."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--read", action="store_true")
    chosen: Any = parser.parse_args()
    rows = [row for row in {*requests(), *statements()} if row.text.strip()]
    rows.sort()
    for name, is_report in (("tuning", False), ("report", True)):
        part = [row for row in rows if row.is_report == is_report]
        for asks, title in ((True, "what asks"), (False, "what asks for nothing")):
            some = [row for row in part if row.asks == asks]
            known = [row for row in some if row.language != "others"]
            print(f"== {name} half, {title}: number, refused, share", *table(known, "kind"), sep="\n")
            print("-- by language", *table(some, "language"), sep="\n")
        for row in part:
            is_wrong = states_only(row.text) == row.asks
            is_read = chosen.read and is_report and row.asks and row.kind in {*PEOPLE, "pool_dolly_a"}
            if is_wrong and ((chosen.show and not is_report) or is_read):
                print(f"  {row.kind} {row.language} asks={row.asks} {identify(row.text)} {row.text[:160]!r}")


if __name__ == "__main__":
    main()
