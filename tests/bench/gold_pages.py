"""Questions whose pages are known, in French and Chinese: does the search of groundings find them?

    python -m tests.bench.gold_pages

Alloprof has questions of pupils with the pages that answer them: a gold test of grounding. T2Ranking has Chinese
queries with passages in four grades. Neither can be carried here, so `french` are 24 questions of pupils to 12 pages of
a school's site, written by us, and `chinese` are 30 news pages (`../shared/data/web/zh_gbk.gold.jsonl.gz`): a sentence
that is taken out of a page asks for the place it stood in (3), the passages beside it (2) and the others of its page
(1). A passage counts as found from grade 2 on, as in T2Ranking. Both are searched with words and `hashing`, as
groundings are.
"""

import json
import re
from pathlib import Path

from tests.bench import retrieval_quality
from tests.bench.judged_collections import Collection, read
from tests.bench.retrieval_quality import SHARED, Found, gains
from wellspring.tasks.methods.vectors import hashing_embedder
from wellspring.tasks.spine.vectors.retrieval import VECTORS_SHARES

SYSTEM = ("Alloprof", "T2Ranking")
FRENCH = Path(__file__).parents[1] / "data" / "french_pages.jsonl"
PASSAGE_CHARS = 200
FOUND_FROM = 2  # of T2Ranking's grades 0 to 3
_SENTENCE = re.compile("[^\u3002\uff01\uff1f\n]{18,60}[\u3002\uff01\uff1f]")


def french() -> Collection:
    """Return the questions of pupils and the pages that answer them."""
    rows = [json.loads(line) for line in FRENCH.read_text(encoding="utf-8").splitlines()]
    asked = [(question, at) for at, row in enumerate(rows) for question in row["questions"]]
    return Collection([row["page"] for row in rows], [one for one, _ in asked], [{at: FOUND_FROM} for _, at in asked])


def chinese(shared: Path) -> Collection:
    """Return sentences of news pages, and the passages that they were taken out of and stand by."""
    texts, asked, grades = list[str](), list[str](), list[dict[int, int]]()
    for row in read(shared / "web" / "zh_gbk.gold.jsonl.gz"):
        content = re.sub(r"[ \u3000\t]+", "", row["content"])
        sentences = list(_SENTENCE.finditer(content, len(content) // 5))
        if not sentences:
            continue
        taken = sentences[len(sentences) // 2]
        content = content[: taken.start()] + content[taken.end() :]
        starts = range(0, len(content), PASSAGE_CHARS)
        own = taken.start() // PASSAGE_CHARS
        asked.append(taken[0])
        grades.append({len(texts) + at: max(1, 3 - abs(at - own)) for at in range(len(starts))})
        texts += [content[start : start + PASSAGE_CHARS] for start in starts]
    return Collection(texts, asked, grades)


def searched(collection: Collection) -> Found:
    """Search a collection as groundings do: words and vectors of `hashing`, fused."""
    fit = hashing_embedder.fit(collection.texts, 256, 2**16, 0)
    by_words = retrieval_quality.by_keywords(collection, *retrieval_quality.BM25[0])
    near = retrieval_quality.by_vectors(collection, lambda texts: fit.embed(texts).vectors)
    return retrieval_quality.fused(by_words, near, "scores", VECTORS_SHARES["hashing"])


def reciprocal_rank(found: Found, collection: Collection) -> float:
    """Return MRR@10: the mean of 1 / the place of the first that counts as found, 0 where none of ten does."""
    places = [
        next((at for at, (row, _) in enumerate(one[:10], start=1) if grades.get(row, 0) >= FOUND_FROM), 0)
        for one, grades in zip(found, collection.grades, strict=True)
    ]
    return sum(1 / at for at in places if at) / len(places)


def main() -> None:
    """Print how well each is searched."""
    print("| collection | texts, questions | nDCG@10 | MRR@10 |\n|---|---|---|---|")
    for name, one in {"french": french(), "chinese": chinese(SHARED)}.items():
        found = searched(one)
        size = f"{len(one.texts)}, {len(one.asked)}"
        print(f"| {name} | {size} | {gains(found, one).mean():.3f} | {reciprocal_rank(found, one):.3f} |")


if __name__ == "__main__":
    main()
