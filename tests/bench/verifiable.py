"""How well comparers and mutants hold on answers of real pages that nobody tuned them on.

    python -m tests.bench.verifiable

Of each page of WCXB's gold text whose id falls into the half that is kept aside, amounts with units, dates and names
are taken by patterns of this file alone, which know nothing of the comparers. Each is a known answer. Right answers by
rule must be accepted, mutants by rule rejected, in the sandbox. Printed: both shares by kind, and checks a second.
"""

import argparse
import gzip
import hashlib
import json
import re
import time
from collections import Counter
from pathlib import Path

from wellspring.tasks.contracts import verifiable
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.io.containment import Call, Limits
from wellspring.tasks.io.sandbox import Sandbox

GOLD = Path(__file__).parents[3] / "shared" / "data" / "web" / "wcxb_dev_a.gold.jsonl.gz"
MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
UNITS = "km|m|kg|g|miles|feet|inches|pounds|hours|minutes|days|weeks|months|years|percent|dollars|people|members"
PATTERNS = {
    "amount": r"(?:[$\u00a3\u20ac]\d[\d,]*(?:\.\d+)?(?: (?:million|billion))?"
    rf"|\b\d[\d,]*(?:\.\d+)? ?(?:%|(?:{UNITS})\b))",
    "date": rf"\b(?:{MONTH} \d{{1,2}}, \d{{4}}|\d{{1,2}} {MONTH} \d{{4}}|\d{{4}}-\d{{2}}-\d{{2}}|{MONTH} \d{{4}})\b",
    "text": r"\b[A-Z][a-z]+(?: [A-Z][a-z]+){1,3}\b",
    "set": r"\b[a-z]{4,}(?:, [a-z]{4,}){1,4},? and [a-z]{4,}\b",
}
OF_PAGE = 2  # answers of a kind


def kept_aside(name: str) -> bool:
    """Whether a page is of the half that nothing was tuned on."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 1


def answers(kind: str, text: str) -> list[str]:
    """Return answers of a kind that stand in a page."""
    found = list(dict.fromkeys(re.findall(PATTERNS[kind], text)))[:OF_PAGE]
    return ["; ".join(re.split(r", and |, | and ", one)) for one in found] if kind == "set" else found


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--gold", type=Path, default=GOLD)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--after", type=int, default=0, help="pages of the half that are passed over")
    parser.add_argument("--half", choices=("aside", "seen"), default="aside")
    chosen = parser.parse_args()
    counts, shown, seconds, checks = Counter[tuple[str, str]](), list[str](), 0.0, 0
    with gzip.open(chosen.gold, "rt", encoding="utf-8") as lines, Sandbox(Limits(10.0)) as sandbox:
        rows = (json.loads(line) for line in lines)
        pages = [row for row in rows if kept_aside(str(row["id"])) is (chosen.half == "aside")]
        pages = pages[chosen.after : chosen.after + chosen.pages]
        for row in pages:
            text = row["main_content"]
            for kind, known in ((of, one) for of in PATTERNS for one in answers(of, text)):
                at = max(text.find(known.split(";")[0]) - 300, 0)
                try:
                    task = verifiable.short_answer(kind, "What does it say?", text[at : at + 800], known, [(0, 1)])
                except Rejection:
                    counts[kind, "not_of_kind"] += 1
                    shown.append(f"not of kind {kind}: {known}")
                    continue
                tried = [("right", one) for one in task.right] + [(of, one) for of, one in task.wrong]
                began = time.process_time(), time.perf_counter()
                ran = sandbox.run_program(task.verifier, [Call("evaluate", (one,)) for _, one in tried])
                seconds, checks = seconds + time.perf_counter() - began[1], checks + len(tried)
                counts[kind, "tasks"] += 1
                for (of, one), said in zip(tried, ran.values, strict=True):
                    name = "right" if of == "right" else "mutants"
                    counts[kind, name] += 1
                    counts[kind, f"{name} as they should"] += said is (of == "right")
                    if said is not (of == "right"):
                        shown.append(f"{kind} {known!r}: {of} {one[-90:]!r}")
    for key, number in sorted(counts.items()):
        print(*key, number)
    print(f"{len(pages)} pages, {checks} checks, {checks / seconds:.0f} a second")
    print("\n".join(shown[:40]))


if __name__ == "__main__":
    main()
