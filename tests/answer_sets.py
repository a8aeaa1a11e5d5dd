"""Answers labelled by hand, and those built from them: for each check what it must refuse and what it must not.

Half of each set, by a hash of its text, is for tuning; the other is for the report. See tests/data/answer_checks.toml.
"""

import hashlib
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

DATA = tomllib.loads((Path(__file__).parent / "data" / "answer_checks.toml").read_text(encoding="utf-8"))
POOL: dict[str, list[str]] = DATA["pool"]
CHECKS = ("has_substance", "not_refused", "not_looping", "same_language", "no_pointer", "no_echo")
HALVES = ("tuning", "report")
_ASKS = (
    "How do I choose a pump for my garden?",
    "Explain in a few sentences why bread rises.",
    "What should I know about bees?",
)


class Case(NamedTuple):
    """An answer with its instruction, and whether the check must refuse it."""

    instruction: str
    response: str
    is_bad: bool

    @property
    def half(self) -> str:
        """Tuning or report."""
        return HALVES[hashlib.sha256(f"{self.instruction}\n{self.response}".encode()).digest()[0] % 2]

    @property
    def row(self) -> dict[str, Any]:
        """As a check gets it."""
        return {"instruction": self.instruction, "response": self.response, "document": None, "finish_reason": "stop"}


def cases(check: str) -> list[Case]:
    """Return the labelled answers of a check."""
    written = [(_ASKS[i % len(_ASKS)], text) for i, text in enumerate(DATA[check]["bad"])]
    bad = [Case(*one, is_bad=True) for one in written + _BUILT.get(check, list)()]
    good = [Case(*one, is_bad=False) for one in [*DATA[check]["good"], *POOL.values(), *_crossed_good()]]
    return bad + good


def _crossed_good() -> list[tuple[str, str]]:
    """Return the answers of the pool in other clothes: a list, a quotation, the question said again."""
    found = []
    for question, answer in POOL.values():
        parts = [part for part in answer.replace("。", ".").split(".") if part.strip()]
        found += [(question, "\n".join(f"- {part.strip()}" for part in parts)), (question, f"{question}\n\n{answer}")]
    return found


def _foreign() -> list[tuple[str, str]]:
    languages = list(POOL)
    relatives = {("ru", "uk"), ("uk", "ru")}
    return [
        (POOL[asked][0], POOL[said][1])
        for i, asked in enumerate(languages)
        for step in (1, 5, 9, 13)
        if (said := languages[(i + step) % len(languages)]) != asked and (asked, said) not in relatives
    ]


def _looping() -> list[tuple[str, str]]:
    found = []
    for question, answer in list(POOL.values())[:20]:
        sentence = answer.replace("。", ". ").split(". ")[0].strip(" .")
        found += [
            (question, f"{sentence}. " * 150),
            (question, "\n".join(f"{n}. {sentence}." for n in range(1, 12))),
            (question, f"{answer}\n\n" * 4),
            (question, f"{answer} " + f"{sentence}, " * 20 + sentence[:10]),
        ]
    items = ["pump", "check the valve", "be patient"]
    found += [(_ASKS[0], "\n".join(f"- {item}" for _ in range(14))) for item in items]
    found += [(_ASKS[1], text) for text in ("ha" * 90, "very " * 60, "It is hot and cold and " * 12, "好的" * 60)]
    found += [(_ASKS[2], " ".join(f"I will look after hive {n} tomorrow morning." for n in range(1, 30)))]
    return found


def _echoed() -> list[tuple[str, str]]:
    found = []
    for question, _ in POOL.values():
        found += [
            (question, question),
            (question, f"Question: {question}"),
            (question, f"\u201c{question.upper()}\u201d"),
        ]
    long = (
        "Explain to a newcomer what matters about pumps and name three mistakes to avoid, with figures for each of them"
    )
    found += [
        (long, f"Sure! {long}"),
        (long, f"{long} {long}"[: len(long) + 1]),
        (long, long.removesuffix(" of them")),
    ]
    found += [
        (long, "### Instruction:\nExplain pumps.\n\n### Response:"),
        (long, "You are a helpful assistant. Answer the user."),
        (long, "<document 0123456789ab>\nPumps lift water.\n</document 0123456789ab>"),
        (long, f"User: {long}\nAssistant:"),
    ]
    return found


_BUILT = {"same_language": _foreign, "not_looping": _looping, "no_echo": _echoed}
