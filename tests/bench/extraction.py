"""How well main texts, titles, authors and dates are found: ours beside trafilatura and Resiliparse.

Run as `python -m tests.bench.extraction`; it needs ../shared/data. A third of the sites, by a hash of their names, is
untouched: nobody looked at their pages to change a rule. F1 is of words; of characters where the text is Chinese; of
the segments that must and must not be there in trafilatura's own set.
"""

import collections
import gzip
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.bench import corpus

LOSS = 0.25  # of F1, by which one is clearly worse than the other
_SECOND_LEVEL = frozenset(("co", "com", "org", "net", "gov", "ac", "edu", "or", "ne"))
_FIELDS = ("title", "author", "date")


@dataclass(frozen=True)
class Page:
    """A page with what it should give: its text, or segments, and what is known of it."""

    url: str
    html: str
    gold: Any
    told: dict[str, str]


def site_of(url: str) -> str:
    """Return the site of an address; of a page without one, its name without a number."""
    host = urlsplit(url).hostname
    if not host or host.endswith(".invalid"):
        return re.sub(r"-?\d+$", "", url)
    parts = host.split(".")
    return ".".join(parts[-3:] if len(parts) > 2 and parts[-2] in _SECOND_LEVEL else parts[-2:])


def is_untouched(url: str) -> bool:
    """Tell a page of a site that was kept out of all tuning."""
    return hashlib.sha256(site_of(url).encode()).digest()[0] % 3 == 0


def leaves(value: Any) -> Iterator[str]:
    """Yield the texts of a nested value (fundus keeps bodies as JSON)."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from leaves(part)


def fundus() -> Iterator[Page]:
    """Yield the pages of fundus's publishers."""
    import pyarrow.parquet as pq

    for row in pq.read_table(corpus.SHARED / "web/fundus_news.parquet").to_pylist():
        body = row["body_text"]
        text = "\n".join(leaves(json.loads(body))) if body.startswith(("{", "[")) else body
        told = {"title": row["title"], "author": ", ".join(row["authors"] or [])}
        yield Page(row["url"], row["html"], text, told | {"date": row["publishing_date"]})


def readability() -> Iterator[Page]:
    """Yield Readability's own test pages."""
    from selectolax.lexbor import LexborHTMLParser

    for row in corpus.lines("web/readability_pages.jsonl.gz"):
        body, told = LexborHTMLParser(row["expected_html"]).body, row["expected_metadata"]
        text = body.text(deep=True, separator=" ") if body else ""
        known = {"title": told.get("title"), "author": told.get("byline"), "date": told.get("publishedTime")}
        yield Page(row["id"], row["html"], text, known)


def archived(name: str, gold: Callable[[Any], Any], date: str) -> list[Page]:
    """Read the pages of an archive that have golds."""
    rows = {row["url"]: row for row in corpus.lines(f"web/{name}.gold.jsonl.gz")}
    found: list[Page] = []
    for url, html in corpus.archived(f"web/{name}.warc.gz"):
        if row := rows.get(url):
            told = {"title": row.get("title"), "author": row.get("author"), "date": row.get(date)}
            found.append(Page(url, html, gold(row), told))
    return found


def pages() -> dict[str, list[Page]]:
    """Read every set of pages with golds."""
    files = {path.name.split(".")[0]: path for path in (corpus.SHARED / "web/aeb_html").glob("*.html.gz")}
    aeb = corpus.lines("web/aeb.gold.jsonl.gz")
    return {
        "WCXB": archived("wcxb_dev_a", lambda row: row["main_content"] or "", "publish_date"),
        "AEB": [
            Page(
                row["url"],
                gzip.decompress(files[row["id"]].read_bytes()).decode("utf-8", "replace"),
                row["articleBody"],
                {},
            )
            for row in aeb
        ],
        "fundus": list(fundus()),
        "zh": archived("zh_gbk", lambda row: row["content"], "date"),
        "Readability": list(readability()),
        "trafilatura": archived("trafilatura_eval", lambda row: (row["with"] or [], row["without"] or []), "date"),
    }


def f1(name: str, text: str, gold: Any) -> tuple[float, tuple[int, int, int]]:
    """Return F1 of a text, and how much of it is right, how much is too much, and how much is missing."""
    if isinstance(gold, tuple):
        line = " ".join(text.split())
        wanted, unwanted = ([segment for segment in part if segment] for part in gold)
        right = sum(segment in line for segment in wanted)
        counts = right, sum(segment in line for segment in unwanted), len(wanted) - right
    else:
        found, told = bag(name, text), bag(name, gold)
        right = sum((found & told).values())
        counts = right, sum(found.values()) - right, sum(told.values()) - right
    whole = 2 * counts[0] + counts[1] + counts[2]
    return (2 * counts[0] / whole if whole else 1.0), counts


def bag(name: str, text: str) -> collections.Counter[str]:
    """Count the words of a text, or the characters of a Chinese one."""
    return collections.Counter(re.sub(r"\s", "", text) if name == "zh" else re.findall(r"\w+", text.lower()))


def mean(scored: list[tuple[float, tuple[int, int, int]]], *, is_whole: bool) -> float:
    """Average F1 over pages; over all segments together where a page has few."""
    if is_whole:
        right, much, missing = (sum(column) for column in zip(*(counts for _, counts in scored), strict=True))
        return 2 * right / (2 * right + much + missing)
    return sum(score for score, _ in scored) / len(scored)


def texts(sets: dict[str, list[Page]]) -> None:
    """Print F1 of main texts, of tuned and untouched sites, and on how many pages one loses much to the other."""
    labels = "".join(f"{label:>13}" for label in corpus.EXTRACTORS)
    print(f"{'main text, F1':26}{'pages':>6}{labels}{'we lose':>10}{'they lose':>10}")
    for name, found in sets.items():
        for part in ("tuned", "untouched"):
            chosen = [page for page in found if is_untouched(page.url) == (part == "untouched")]
            scored = {
                label: [f1(name, extractor(page.html, page.url), page.gold) for page in chosen]
                for label, extractor in corpus.EXTRACTORS.items()
            }
            is_whole = isinstance(chosen[0].gold, tuple)
            means = "".join(f"{mean(scores, is_whole=is_whole):13.4f}" for scores in scored.values())
            both = list(zip(scored["wellspring"], scored["trafilatura"], strict=True))
            losses = sum(b - a > LOSS for (a, _), (b, _) in both), sum(a - b > LOSS for (a, _), (b, _) in both)
            print(f"{name + ', ' + part:26}{len(chosen):6}{means}{losses[0]:10}{losses[1]:10}")


def is_same(field: str, found: str | None, told: str) -> bool:
    """Tell whether a title, an author or a day is the one told."""
    if field == "date":
        return day_of(found) == day_of(told)
    letters = [
        re.findall(r"\w+", re.sub(r"^(?:by|von|par|por)\s", "", (value or "").lower())) for value in (found, told)
    ]
    return letters[0] == letters[1] if field == "title" else set(letters[0]) == set(letters[1])


def day_of(value: str | None) -> str:
    """Return a date written year first as YYYY-MM-DD; empty where it is none."""
    found = re.match(r"(\d{4})-(\d{1,2})-(\d{1,2})", value or "")
    return f"{found[1]}-{int(found[2]):02}-{int(found[3]):02}" if found else ""


def facts(sets: dict[str, list[Page]]) -> None:
    """Print how many titles, authors and dates are right."""
    from selectolax.lexbor import LexborHTMLParser
    from trafilatura.metadata import extract_metadata

    from wellspring.tasks.methods.pages import metadata

    print(f"{'right: ours / trafilatura':26}" + "".join(f"{field:>20}" for field in _FIELDS))
    for name, found in sets.items():
        for part in ("tuned", "untouched"):
            counts: collections.Counter[tuple[str, str]] = collections.Counter()
            for page in found:
                if not any(page.told.values()) or is_untouched(page.url) != (part == "untouched"):
                    continue
                ours = metadata.metadata_of(LexborHTMLParser(page.html), page.url)
                theirs = extract_metadata(page.html, default_url=page.url)
                for field, own in zip(_FIELDS, (ours.title, ours.author, ours.published_at), strict=True):
                    told = page.told.get(field) or ""
                    if not told or told.startswith("UNK") or (field == "date" and not day_of(told)):
                        continue
                    counts[field, "all"] += 1
                    counts[field, "ours"] += is_same(field, own, told)
                    counts[field, "theirs"] += is_same(field, getattr(theirs, field), told)
            cells = [f"{counts[f, 'ours']} / {counts[f, 'theirs']} of {counts[f, 'all']}" for f in _FIELDS]
            print(f"{name + ', ' + part:26}" + "".join(f"{cell:>20}" for cell in cells))


if __name__ == "__main__":
    read = pages()
    texts(read)
    print()
    facts(read)
