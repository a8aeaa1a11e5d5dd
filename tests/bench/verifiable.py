"""How well verifiers and mutants hold on pages and code that nobody tuned them on.

    python -m tests.bench.verifiable [--of short|fields|code] [--half aside|seen]

Of each page of WCXB's gold text whose id falls into the half, amounts with units, dates and names are taken by patterns
of this file alone, which know nothing of the comparers. Each is a known answer (`short`), and all of a page are an
object (`fields`). Of code, functions in the answers of the Alpaca pool are solutions, called with arguments of this
file. Right answers by rule must be accepted, mutants by rule rejected, by what an export brings along. Printed: both by
kind, and checks a second.
"""

import argparse
import ast
import asyncio
import gzip
import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from wellspring.tasks.contracts import code_answers, code_mutants, field_tasks, verifiable
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.variants import Mutant
from wellspring.tasks.io import verify
from wellspring.tasks.io.containment import Call, Limits
from wellspring.tasks.io.sandbox import Outputs, Sandbox
from wellspring.tasks.recipes import code_with_tests

DATA = Path(__file__).parents[3] / "shared" / "data"
GOLD, POOL = Path("web", "wcxb_dev_a.gold.jsonl.gz"), Path("instructions", "pool_alpaca_a.jsonl.gz")
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
LEAST_FIELDS = 3
ARGUMENTS = (  # of one argument, by families
    *([[one] for one in (0, 1, 2, 3, 7, 10, -4)], [[one] for one in ("abc", "", "racecar", "two words")]),
    *([[one] for one in ([3, 1, 2], [], [5, 5], [-1, 4])], [[one, 3] for one in (0, 2, 3, 9, -5)]),
    [[one, 2] for one in ([3, 1, 2], [2], [], [2, 2, 5])],
    [["abcab", one] for one in ("a", "z", "abcab", "")],
    [[[3, 1, 2], one] for one in ([1], [], [3, 1, 2])],
)


class Tried(NamedTuple):
    """A task: its label, its verifier, and answers that are right and wrong."""

    label: str
    verifier: str
    right: Sequence[str]
    wrong: Sequence[Mutant]


def kept_aside(name: str) -> bool:
    """Whether a page is of the half that nothing was tuned on."""
    return hashlib.sha256(name.encode()).digest()[0] % 2 == 1


def rows(path: Path, name: str, half: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of a half."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if kept_aside(str(row[name])) is (half == "aside"):
                yield row


def answers(kind: str, text: str) -> list[str]:
    """Return answers of a kind that stand in a page."""
    found = list(dict.fromkeys(re.findall(PATTERNS[kind], text)))[:OF_PAGE]
    return ["; ".join(re.split(r", and |, | and ", one)) for one in found] if kind == "set" else found


def around(text: str, known: str) -> str:
    """Return the part of a page that an answer stands in."""
    at = max(text.find(known.partition(";")[0]) - 300, 0)
    return text[at : at + 800]


def short(text: str) -> Iterator[Tried]:
    """Yield a task for each answer of a page."""
    for kind, known in ((of, one) for of in PATTERNS for one in answers(of, text)):
        try:
            task = verifiable.short_answer(kind, "What does it say?", around(text, known), known, [(0, 1)])
        except Rejection:
            print(f"not of kind {kind}: {known}")
            continue
        yield Tried(kind, task.verifier, task.right, [Mutant(*one) for one in task.wrong])


def fields(text: str) -> Iterator[Tried]:
    """Yield one task for all answers of a page."""
    found = [(f"{of}_{at}", of, one) for of in PATTERNS for at, one in enumerate(answers(of, text))]
    if len(found) >= LEAST_FIELDS:
        known = field_tasks.answer(found)
        wrong = field_tasks.wrong(found, "What does it say?", around(text, found[0][2]))
        yield Tried("fields", field_tasks.verifier(found), [known, *field_tasks.right(found)], wrong)


class Asks:
    """What `code_with_tests` asks of a sandbox."""

    knobs = code_with_tests.Knobs()

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def execute(self, source: str, calls: Sequence[Mapping[str, Any]]) -> Outputs:
        """Run a program."""
        return self._sandbox.run_program(source, [Call(**call) for call in calls])

    async def each(self, coroutines: Sequence[Coroutine[Any, Any, Any]]) -> list[Any]:
        """Go on one after the other."""
        return [await one for one in coroutines]


def code(text: str, sandbox: Sandbox) -> Iterator[Tried]:
    """Yield a task for the first function of an answer that gives different things for the arguments of a family."""
    source = code_answers.code_of(text) or text
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return
    function = next((one.name for one in tree.body if isinstance(one, ast.FunctionDef)), "")
    kept: list[ast.stmt] = [one for one in tree.body if isinstance(one, ast.FunctionDef | ast.Import | ast.ImportFrom)]
    plain = ast.unparse(ast.Module(kept, []))
    for family in ARGUMENTS if function else ():
        calls = [{"function": function, "arguments": one} for one in family]
        ran = sandbox.run_program(plain, [Call(**one) for one in calls])
        if ran.outcome == "ok" and ran.engine.startswith("monty") and len({*map(repr, ran.values)}) >= LEAST_FIELDS:
            ask: Any = Asks(sandbox)
            wrong = asyncio.run(code_with_tests._wrong(ask, "Write it.", plain, calls))
            right = [f"```python\n{one}\n```" for one in (plain, *code_mutants.same(plain, function))]
            yield Tried("code", verifiable.by_tests(calls, ran.values), right, wrong)
            return


def tried(data: Path, of: str, half: str, most: int, after: int) -> Iterator[Tried]:
    """Yield the tasks of the half, of so many pages."""
    if of == "code":
        with Sandbox(Limits(1.0)) as sandbox:
            for row in rows(data / POOL, "id", half):
                yield from code(row["output"], sandbox) if "def " in row["output"] else ()
        return
    for number, row in enumerate(rows(data / GOLD, "id", half)):
        if after <= number < after + most:
            yield from (short if of == "short" else fields)(row["main_content"])


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--of", choices=("short", "fields", "code"), default="short")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--pages", type=int, default=100)
    parser.add_argument("--after", type=int, default=0, help="pages of the half that are passed over")
    parser.add_argument("--half", choices=("aside", "seen"), default="aside")
    chosen = parser.parse_args()
    counts, shown, seconds, tasks = Counter[tuple[str, str, bool]](), list[str](), 0.0, 0
    for task in tried(chosen.data, chosen.of, chosen.half, chosen.pages, chosen.after):
        tasks += 1
        began = time.perf_counter()
        for kind, text in [*(Mutant("right", one) for one in task.right), *task.wrong]:
            is_well = verify.verify(task.verifier, text) is (kind == "right")
            counts[task.label, kind, is_well] += 1
            if not is_well:
                shown.append(f"{task.label} {kind}: {text[-400:]!r}")
        seconds += time.perf_counter() - began
    for label, kind in sorted({key[:2] for key in counts}):
        well, all_of = counts[label, kind, True], counts[label, kind, True] + counts[label, kind, False]
        print(f"{label} {kind}: {well} of {all_of}")
    wrong = {key: number for key, number in counts.items() if key[1] != "right"}
    rejected = sum(number for (*_, is_well), number in wrong.items() if is_well)
    print(f"{tasks} tasks; mutants rejected: {rejected} of {sum(wrong.values())}")
    print(f"{counts.total() / max(seconds, 1e-9):.0f} checks a second")
    print("\n".join(shown[:40]))


if __name__ == "__main__":
    main()
