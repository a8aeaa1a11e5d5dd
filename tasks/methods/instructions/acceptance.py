"""What an instruction must be to be kept: a list of checks, each refusing with its own reason.

Neither SynthQuestions nor KNN-Instruct checks what it wrote (PAPERS, SURPRISES 5 and 7); all of this is ours.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import OUR_FENCE
from wellspring.tasks.methods.instructions.asking import states_only
from wellspring.tasks.methods.instructions.carrying import Parts, own_words, parted, passages, retold, sets_task
from wellspring.tasks.methods.instructions.copies import rouge_l, words
from wellspring.tasks.methods.instructions.debris import debris
from wellspring.tasks.methods.instructions.injections import obeyed
from wellspring.tasks.methods.instructions.refusals import refusal
from wellspring.tasks.methods.instructions.self_containment import dangling
from wellspring.tasks.methods.instructions.thought_marks import mark
from wellspring.tasks.methods.pages.languages import UNDETERMINED, identify
from wellspring.tasks.methods.pages.tokens import count_tokens

VERSION = 6
SHORTEST_IDENTIFIED_CHARS = 40  # a language told from less is a guess
ENGLISH_SHARE = 0.2
SHORTEST_CHARS, LONGEST_CHARS = 8, 40_000  # shorter is a fragment, longer a copy of the page, whatever a profile allows
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_WORD = re.compile(r"[^\W\d_]{2,}|[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff]")
_CALCULATES = re.compile(r"[?\uff1f\u061f\u037e=+*^<>\u00d7\u00f7\u2200-\u22ff]")
_OF_TIME = re.compile(
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?|(?:sun|mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?)(?:day)?"
    r"|[ap]m|gmt|utc|[ecp][sd]t|ces?t|bst|th|st|nd|rd",
    re.IGNORECASE,
)
_PREAMBLE = re.compile(
    r"(?:(?:sure|certainly|of course|okay|ok)\b\W{0,3})?(?:here is|here's|here\u2019s|below is)\b[^\n:.?!]{0,60}"
    r"\b(?:query|question|instruction|prompt|message)\b[^\n:.?!]{0,40}:",
    re.IGNORECASE,
)
_ENGLISH = re.compile(
    r"(?:the|of|and|to|is|that|its?|with|for|my|what|how|which|this|you|are|from|should|would|could|does|when|than|not|can"
    r"|they|them|their|where|have|has|been|about|between)"
)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on an instruction: its length, its language, and how much of it may be somebody else's."""

    min_tokens: int
    max_tokens: int
    max_rouge_l: float
    max_coverage: float
    min_own_words: int
    languages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """What the writer of an instruction was shown: untrusted texts, by what they are, and our own words around them."""

    demonstrations: Sequence[str] = ()
    document: str = ""
    prompt: str = ""


def accept(text: str, limits: Limits, shown: Shown, *, is_alone: bool = True) -> None:
    """Return when the instruction may be kept.

    Args:
        text: The instruction.
        limits: What it must keep to.
        shown: What its writer was shown.
        is_alone: It begins its conversation; else it may point at what was said before, and need not ask anything.

    Raises:
        Rejection: `too_short`, `too_long`; `no_substance`, it has no words; `other_language`; `not_self_contained`,
            it points at what it does not carry; `preamble`, it begins with words to whoever asked for it; `declined`,
            its writer would not; `copy_of_demonstration`; `copy_of_document`, `retells_document`, it has a passage
            and too few words of its own, or none that ask for anything, or it says the page in other words;
            what `trust` raises; `asks_nothing`, it only states, sells or greets.
    """
    _check_length(text, limits)
    _check_words(text)
    _check_writer(text)
    in_language(text, limits.languages)
    parts = parted(text, shown.document)
    carried = passages(text, parts)
    if is_alone and (pointer := dangling(text, carries=bool(carried))):
        raise Rejection("not_self_contained", f"`{pointer}` in: {text[:200]}")
    _check_copies(text, parts, limits, shown)
    trust(text, shown, carried)
    if is_alone and not carried and states_only(text):
        raise Rejection("asks_nothing", f"no question, wish, order or trouble in: {text[:200]}")


def trust(text: str, shown: Shown, carried: Sequence[tuple[int, int]] = ()) -> None:
    """Return when a text, also one that goes with an instruction, is plain and shows no sign of having obeyed a page.

    Args:
        text: The text.
        shown: What its writer was shown.
        carried: Ranges of the text that are passages of its page: what is quoted inside one was not dictated.

    Raises:
        Rejection: What `plain` raises; `repeats_prompt`, `obeys_source`, `talks_to_model`, `address_from_nowhere`: what
            `tasks/methods/instructions/injections.py` flags.
    """
    plain(text)
    pages = (shown.document,) if shown.document else ()
    if flagged := obeyed(text, pages, shown.prompt, shown.demonstrations, carried):
        raise Rejection(flagged[0], flagged[1][:300])


def trust_carrying(text: str, shown: Shown) -> None:
    """Return when `trust` does for a text that may carry passages of its page.

    Raises:
        Rejection: What `trust` raises.
    """
    trust(text, shown, passages(text, parted(text, shown.document)))


def clean(text: str) -> None:
    """Return when a text that a model wrote can be stored and shown: what a table's audit would fail for all its rows.

    Raises:
        Rejection: `control_characters`, which a reader cannot see; `repeats_prompt`, it has a fence of our prompt.
    """
    if hidden := _CONTROL.search(text):
        raise Rejection("control_characters", f"{hidden.group()!r} at {hidden.start()}: {text[:200]!r}")
    if fence := OUR_FENCE.search(text):
        raise Rejection("repeats_prompt", fence.group())


def plain(text: str) -> None:
    """Return when a text that a model wrote is clean and whole, and no thought and no chat template stands in it.

    Raises:
        Rejection: What `clean` raises; `holds_debris`, ends of JSON, an odd fence or letters decoded twice;
            `holds_marks`.
    """
    clean(text)
    if left := debris(text):
        raise Rejection("holds_debris", left[:300])
    if found := mark(text):
        raise Rejection("holds_marks", found[:300])


def _check_writer(text: str) -> None:
    if found := _PREAMBLE.match(text):
        raise Rejection("preamble", f"`{found.group().strip()}` in: {text[:200]}")
    if words_ := refusal(text):
        raise Rejection("declined", f"`{words_}` in: {text[:200]}")


def _check_length(text: str, limits: Limits) -> None:
    if not SHORTEST_CHARS <= len(text) <= LONGEST_CHARS:
        reason = "too_short" if len(text) < SHORTEST_CHARS else "too_long"
        raise Rejection(reason, f"{len(text)} characters, {SHORTEST_CHARS} to {LONGEST_CHARS}: {text[:200]}")
    tokens = count_tokens(text)
    if tokens < limits.min_tokens:
        raise Rejection("too_short", f"{tokens} tokens, at least {limits.min_tokens}: {text[:200]}")
    if tokens > limits.max_tokens:
        raise Rejection("too_long", f"{tokens} tokens, at most {limits.max_tokens}")


def _check_words(text: str) -> None:
    """Refuse numbers, dates and marks alone; a sum or a formula asks for its result."""
    if not _CALCULATES.search(text) and all(map(_OF_TIME.fullmatch, _WORD.findall(text))):
        raise Rejection("no_substance", f"numbers, times and marks alone: {text[:200]}")


def in_language(text: str, languages: Sequence[str]) -> None:
    """Return when a text is in one of these languages, or too short to tell; in any, where none is named.

    Raises:
        Rejection: `other_language`.
    """
    if not {*languages} - {UNDETERMINED} or len(text) < SHORTEST_IDENTIFIED_CHARS:
        return
    if "en" in languages and _reads_as_english(text):
        return
    language = identify(text)
    if language not in {*languages, UNDETERMINED}:
        raise Rejection("other_language", f"{language}, not {' or '.join(languages)}: {text[:200]}")


def _reads_as_english(text: str) -> bool:
    """Whether a fifth of the words are English function words: then nobody else has to be asked."""
    said = words(text)
    return sum(_ENGLISH.fullmatch(word) is not None for word in said) >= ENGLISH_SHARE * len(said)


def _check_copies(text: str, parts: Parts, limits: Limits, shown: Shown) -> None:
    for demonstration in shown.demonstrations:
        if (score := rouge_l(text, demonstration)) > limits.max_rouge_l:
            raise Rejection("copy_of_demonstration", f"ROUGE-L {score:.2f} with: {demonstration[:200]}")
    if parts.share > limits.max_coverage:
        _check_own(text, parts, limits)
    elif retold(text, shown.document) and not sets_task(parts):
        raise Rejection("retells_document", f"it says the document in other words and asks for nothing: {text[:200]}")


def _check_own(text: str, parts: Parts, limits: Limits) -> None:
    """Look at what a message that carries much of its page says itself: a passage may be carried for a task."""
    own, most = own_words(parts), f"{parts.share:.0%} of it stands in the document"
    if own < limits.min_own_words:
        raise Rejection("copy_of_document", f"{most}, {own} words are its own of {limits.min_own_words}: {text[:200]}")
    if not sets_task(parts):
        raise Rejection(
            "retells_document",
            f"{most}, and its own words ask for nothing: {' / '.join(filter(None, parts.own))[:200]}",
        )
