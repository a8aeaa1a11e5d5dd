"""Seven judged collections, unlike each other, made from `../shared/data` when they are asked for; none is kept.

`cranfield` and `vaswani_npl` are as they come: short questions, abstracts, several graded documents each. Of the others
the judgements follow from where a text was taken:

- `pages`: the title of a page finds the passages of its main text (at most four of 120 words; lines that hold the
  title are left out).
- `questions`: a reader's question finds the paragraph it was written for; many paragraphs are on the same subjects, and
  some have several questions.
- `answers`: an instruction finds what was answered to it: all answers of two or more models where there are several,
  one where a pool has one.
- `manuals`: title and heading find that section of a program's documentation, in each of up to four releases whose
  texts differ.
- `products`: a product's name in one shop finds its name and description in another.
"""

import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

PAGES, PAGE_PASSAGES, PASSAGE_WORDS = 250, 4, 120
POOL_ANSWERS, ANSWER_WORDS = 500, 20
MANUAL_PAGES, SECTION_WORDS = 80, 20
_ASKED = (
    re.compile(r'Given the following passage\n\n"(?P<text>.*)",\n\nanswer .*\n\nQuestion: (?P<asked>.*)', re.DOTALL),
    re.compile(r'Question: "(?P<asked>.*)"\n\nContext: "(?P<text>.*)"\n\nAnswer:', re.DOTALL),
    re.compile(r"Extract .* context\.\nQuestion: (?P<asked>.*?)\nContext: (?P<text>.*)", re.DOTALL),
)


class Collection(NamedTuple):
    """Texts, what is asked of them, and for each question which rows answer it (row -> grade above 0)."""

    texts: list[str]
    asked: list[str]
    grades: list[dict[int, int]]


def read(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a compressed JSONL file."""
    return [json.loads(line) for line in gzip.open(path, "rt", encoding="utf-8")]


def made(shared: Path) -> dict[str, Callable[[], Collection]]:
    """Return name -> how the collection is made."""
    return {
        "cranfield": lambda: beir(shared / "retrieval" / "cranfield"),
        "vaswani_npl": lambda: beir(shared / "retrieval" / "vaswani_npl"),
        "pages": lambda: _of_pairs(_pages(shared)),
        "questions": lambda: _of_pairs(_questions(shared)),
        "answers": lambda: _of_pairs(_answers(shared)),
        "manuals": lambda: _of_pairs(_manuals(shared)),
        "products": lambda: _of_pairs(_products(shared)),
    }


def beir(folder: Path) -> Collection:
    """Read a collection of corpus, queries and judgements; queries that nothing answers are left out."""
    documents = read(folder / "corpus.jsonl.gz")
    rows = {row["_id"]: place for place, row in enumerate(documents)}
    grades: dict[str, dict[int, int]] = {}
    for line in (folder / "qrels.tsv").read_text().splitlines()[1:]:
        query, document, grade = line.split("\t")
        if int(grade) > 0:
            grades.setdefault(query, {})[rows[document]] = int(grade)
    queries = [row for row in read(folder / "queries.jsonl.gz") if row["_id"] in grades]
    texts = [
        row["text"] if row["text"].startswith(row["title"]) else f"{row['title']} {row['text']}" for row in documents
    ]
    return Collection(texts, [row["text"] for row in queries], [grades[row["_id"]] for row in queries])


def _of_pairs(pairs: Iterable[tuple[str, str]]) -> Collection:
    """Make a collection of (question, a text that answers it); equal texts are one, as are equal questions."""
    texts: dict[str, int] = {}
    grades: dict[str, dict[int, int]] = {}
    for asked, text in pairs:
        grades.setdefault(asked.strip(), {})[texts.setdefault(text.strip(), len(texts))] = 1
    return Collection(list(texts), list(grades), list(grades.values()))


def _pages(shared: Path) -> Iterable[tuple[str, str]]:
    pages = read(shared / "web" / "wcxb_dev_a.gold.jsonl.gz")
    for row in sorted(pages, key=lambda row: _hash(row["id"]))[:PAGES]:
        title = (row["title"] or "").strip()
        lines = [line for line in (row["main_content"] or "").split("\n") if title.lower() not in line.lower()]
        words = " ".join(lines).split()
        starts = range(0, len(words) - PASSAGE_WORDS // 2, PASSAGE_WORDS)
        for start in starts[:PAGE_PASSAGES] if title else ():
            yield title, " ".join(words[start : start + PASSAGE_WORDS])


def _questions(shared: Path) -> Iterable[tuple[str, str]]:
    for row in read(shared / "instructions" / "pool_t0_a.jsonl.gz"):
        if row["template"].startswith("adversarial_qa"):
            for form in _ASKED:
                if found := form.match(row["prompt"]):
                    yield found["asked"], found["text"].strip().strip('"')
                    break


def _answers(shared: Path) -> Iterable[tuple[str, str]]:
    for name in ("llmbar_natural", "mt_bench_pairs"):
        for row in read(shared / "judge" / f"{name}.jsonl.gz"):
            yield from ((row["input"], row[key]) for key in ("output_1", "output_2"))
    for row in read(shared / "judge" / "faireval_human.jsonl.gz"):
        yield from ((row["question"], row[key]) for key in ("answer_chatgpt", "answer_vicuna13b"))
    pool = [row for row in read(shared / "instructions" / "pool_alpaca_a.jsonl.gz") if not row["input"]]
    pool = [row for row in pool if len(row["output"].split()) >= ANSWER_WORDS]
    for row in sorted(pool, key=lambda row: _hash(row["id"]))[:POOL_ANSWERS]:
        yield row["instruction"], row["output"]


def _manuals(shared: Path) -> Iterable[tuple[str, str]]:
    rows = read(shared / "dedup" / "docs_nemo_curator.jsonl.gz")
    pages = sorted({row["group"] for row in rows}, key=_hash)[:MANUAL_PAGES]
    for row in rows:
        if row["group"] in pages:
            title = Path(row["group"].removesuffix("/index.mdx")).stem
            for heading, text in re.findall(r"^#{2,3} (.+)\n((?:(?!#{2,3} ).*\n)+)", row["text"], re.MULTILINE):
                if len(text.split()) >= SECTION_WORDS:
                    yield f"{title}: {heading}", text


def _products(shared: Path) -> Iterable[tuple[str, str]]:
    for row in read(shared / "dedup" / "pairs_abt_buy.jsonl.gz"):
        if int(row["label"]):
            yield row["left"]["name"], f"{row['right']['name']} {row['right']['description']}"


def is_for_tuning(asked: str) -> bool:
    """Say in which half a question is, by a hash of it."""
    return _hash(asked) % 2 == 0


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def halves(asked: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the places of the questions for tuning, and of those that are kept aside."""
    return [i for i, q in enumerate(asked) if is_for_tuning(q)], [
        i for i, q in enumerate(asked) if not is_for_tuning(q)
    ]
