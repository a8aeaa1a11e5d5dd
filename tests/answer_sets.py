"""Answers labelled by hand, and those built from them: for each check what it must refuse and what it must not.

Half of each set, by a hash of its text, is for tuning; the other is for the report. See tests/data/answer_checks.toml.
"""

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

DATA = tomllib.loads((Path(__file__).parent / "data" / "answer_checks.toml").read_text(encoding="utf-8"))
POOL: dict[str, list[str]] = DATA["pool"]
CHECKS = ("has_substance", "not_refused", "not_looping", "same_language", "no_pointer", "no_echo", "no_debris",
          "not_truncated", "no_marks", "numbers", "knowledge_precision", "code_parses")  # fmt: skip
HALVES = ("tuning", "report")
_PAGE_WORDS = 9
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
    document: str | None = None
    finish_reason: str = "stop"
    part: str = ""  # the half, where it is given

    @property
    def half(self) -> str:
        """Tuning or report."""
        return self.part or HALVES[hashlib.sha256(f"{self.instruction}\n{self.response}".encode()).digest()[0] % 2]

    @property
    def row(self) -> dict[str, Any]:
        """As a check gets it."""
        named = ("instruction", "response", "document", "finish_reason")
        return {name: getattr(self, name) for name in named}


def cases(check: str) -> list[Case]:
    """Return the labelled answers of a check."""
    if check in _WHOLE:
        return _WHOLE[check]()
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


def _torn() -> list[tuple[str, str]]:
    """Return answers with the ends of JSON in them, half a fence, or letters decoded twice."""
    ends = ("])} \n```\n\n", '"}]}\n\n', "}\n]\n```\n", '"] }\n', ")]}\n", '"}, "next": ["b"]}}\n')
    found = []
    for number, (question, answer) in enumerate(POOL.values()):
        first, _, rest = answer.partition(" ")
        end = ends[number % len(ends)]
        found += [
            (question, f"{end}{answer}"),
            (question, f"{first} {end}{rest or answer}"),
            (question, f"{answer}\n{end.rstrip()}"),
            (question, f"```\n{answer}"),
        ]
        for charset in ("latin-1", "cp1252"):
            twice = f"{answer} \u2013 \u00e9".encode().decode(charset, "ignore")
            found += [(question, twice)] if twice.isascii() is False and answer.isascii() is False else []
    return found


_BUILT = {"no_debris": _torn, "same_language": _foreign, "not_looping": _looping, "no_echo": _echoed}


# Sets that are wholly built


def _cut_off() -> list[Case]:
    found = []
    for question, answer in POOL.values():
        text = f"{answer}\n\n{answer} {answer}"
        found += [Case(question, text[:-9], is_bad=True, finish_reason="unknown")]
        found += [Case(question, answer, is_bad=True, finish_reason="length")]
        found += [Case(question, f"{answer}\n\n```\n{answer}", is_bad=True)]
        found += [Case(question, text, is_bad=False, finish_reason="unknown")]
        found += [Case(question, f"{answer}\n\n- {answer[:40].rstrip()}", is_bad=False, finish_reason="unknown")]
        found += [Case(question, f"```\n{answer[:30]}\n```", is_bad=False)]
    return found


def _marked() -> list[Case]:
    texts = tomllib.loads((Path(__file__).parent / "data" / "thought_marks.toml").read_text(encoding="utf-8"))
    parts = {"tuned": "tuning", "aside": "report"}
    return [
        Case(_ASKS[0], text, is_bad=kind == "holds", part=parts[name])
        for name, kinds in texts.items()
        for kind, of in kinds.items()
        for text in of
    ]


def _counted() -> list[Case]:
    found = []
    for n in range(13, 48):
        document = f"Pump {n} lifts {n * 37:,} litres in {n + 0.5} minutes and costs {n * 11} euros."
        asked = f"What does pump {n} do?"
        said = (f"It lifts {n * 37} litres in {n + 0.5} minutes.", f"You pay {n * 11} euros, so two cost {n * 22}.")
        sums = f"In two runs it is 2 * {n * 37} = {n * 74} litres."
        found += [Case(asked, text, is_bad=False, document=document) for text in (said[0], sums, f"1. {said[0]}")]
        wrong = (said[0].replace(str(n * 37), str(n * 37 + 1)), said[1], sums.replace(str(n * 74), str(n * 74 + 3)))
        found += [Case(asked, text, is_bad=True, document=document) for text in wrong]
    return found


def _grounded() -> list[Case]:
    texts = [text for check in ("not_refused", "no_pointer", "same_language") for _, text in DATA[check]["good"]]
    pages = [text for text in dict.fromkeys(texts) if text.isascii() and len(text.split()) >= _PAGE_WORDS]
    found = []
    for place, page in enumerate(pages):
        first = re.split(r"(?<=[.!?])\s", page)[0]
        said = (page, f"Briefly: {first}")
        others = (pages[(place + step) % len(pages)] for step in (1, 3, 5))
        found += [Case(_ASKS[1], text, is_bad=False, document=page) for text in said]
        found += [Case(_ASKS[1], text, is_bad=True, document=page) for text in others]
    return found


def _coded() -> list[Case]:
    found = []
    for language, codes in DATA["code"].items():
        for code in codes:
            torn = {code.replace(mark, "", 1) for mark in '(]}"=' if code.count(mark)}
            torn |= {code.rstrip(")]}\n")} - {code}
            found += [Case(_ASKS[1], f"```{language}\n{one}\n```", is_bad=True) for one in sorted(torn)]
            found += [Case(_ASKS[1], f"```{name}\n{code}\n```", is_bad=False) for name in (language, "text", "pseudo")]
    return found


_WHOLE = {
    "not_truncated": _cut_off,
    "no_marks": _marked,
    "numbers": _counted,
    "knowledge_precision": _grounded,
    "code_parses": _coded,
}
