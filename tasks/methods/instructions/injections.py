"""Pages that talk to the model, and answers that obeyed them.

A page cannot be kept from saying "ignore your instructions". What we hold instead: its text stands behind fences it
cannot forge, what a person would not see is taken out, pages that plainly address a model are not used at all, and what
comes back is looked at again. An answer is flagged when it carries what the page dictated, when it repeats our prompt,
when it talks to a model itself, or when it names an address that its source does not.

Patterns were written from published descriptions of injections on the web and in mail; the share found among pages
poisoned on purpose, and the share of clean pages flagged, stand in tests/methods/test_injections.py. No list is
complete: this is a net under the fences, not a promise of immunity.
"""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from wellspring.tasks.methods.instructions.copies import coverage, gaps, words

VERSION = 1


# One pattern a paragraph, spaces escaped. GAP is a stretch of one sentence, MODEL a word for what reads pages. Before
# it what a text needs to be worth searching: one word of each group (`/` between groups, `+` for a space).
_SHAPES = r"""
    NEEDS ignor disregard forget overrid bypass discard drop skip abandon aside / instruction prompt rule direction
    guideline order command constraint directive request task programming training
    ;
    \b(?:ignor(?:e|ing)|disregard(?:ing)?|forget|override|bypass|discard|drop|skip|abandon|set\ aside)\bGAP{0,50}
    \b(?:previous|prior|above|earlier|preceding|foregoing|all|any|your|other|existing|current|former|original|system
      |initial|everything|whatever)\bGAP{0,40}
    \b(?:instruction|prompt|rule|direction|guideline|order|command|constraint|directive|request|task|programming
      |training)s?\b

    NEEDS ignore disregard forget / above before previous told said far know were have
    ;
    \b(?:ignore|disregard|forget)\ (?:everything|all|anything|whatever)\bGAP{0,40}
    \b(?:above|before|previous|told|said|so\ far|you\ (?:know|were|have))\b

    NEEDS reveal repeat print output show leak disclose expose recite share tell send paste quote dump include /
    prompt message instruction
    ;
    \b(?:reveal|repeat|print|output|show|leak|disclose|expose|recite|share|tell\ me|send|paste|quote|dump|include)\b
    GAP{0,50}\b(?:system|initial|hidden|developer|original|secret|own)\ (?:prompt|message|instruction)s?

    NEEDS attention note notice message dear hello hey instruction warning / ai a.i language+model chatbot chat+bot
    gpt assistant agent llm summari crawler automated generator
    ;
    \b(?:attention|note|notice|message|dear|hello|hey|instructions?|warning)\bGAP{0,25}
    \b(?:to|for|all|any)?\ ?(?:the\ |all\ |any\ |an?\ )?MODEL\bGAP{0,30}[:,!]

    NEEDS if+you if+this read+by processed+by / ai a.i language+model chatbot chat+bot gpt assistant agent llm
    summari crawler automated generator
    ;
    \bif\ (?:you\ are|you're|this\ is\ (?:being\ )?read\ by|read\ by|processed\ by)\ (?:an?\ |the\ |any\ )?MODEL

    NEEDS any all every / reading processing summari parsing that
    ;
    \b(?:any|all|every)\ MODEL\ (?:reading|processing|summari[sz]ing|parsing|that\ (?:reads?|process\w*))\b

    NEEDS must shall required instructed ordered told / ai a.i language+model chatbot chat+bot gpt assistant agent
    llm summari crawler automated generator
    ;
    \bMODEL\ (?:must|shall|are\ (?:required|instructed|ordered|told)\ to)\b

    NEEDS you+are+now
    ;
    \byou\ are\ now\ (?:in\ |an?\ |the\ )?(?:[\w-]+\ ){0,4}
    (?:mode|DAN|assistant|AI|bot|model|unrestricted|unfiltered|jailbroken|free\ from)\b

    NEEDS new updated revised real actual true / instruction task objective directive prompt order
    ;
    \b(?:new|updated|revised|real|actual|true)\ (?:system\ )?(?:instruction|task|objective|directive|prompt|orders?)s?\b
    GAP{0,30}(?::|\bis\b|\bare\b|\bfollow)

    NEEDS <| inst sys>
    ;
    <\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)\|?>|\[/?INST\]|<</?SYS>>

    NEEDS ##
    ;
    \#{2,3}\ ?(?:system|instruction|new\ instruction)s?\ ?:

    NEEDS system admin
    ;
    (?:^|\n|[.!?]\ )\[?(?:system|admin)\]?\ ?:\s

    NEEDS system admin / query answer output response instruction prompt
    ;
    \n[-*>|\ ]+\[?(?:system|admin)\]?\ ?:\s[^\n]{0,60}\b(?:query|answer|output|response|instruction|prompt)

    NEEDS anything+now developer+mode jailbreak injection system+override
    ;
    \b(?:do\ anything\ now|developer\ mode\ (?:enabled|on)|jailbreak|prompt\ injection\ test|system\ override)\b

    NEEDS your the / answer response output reply summary query message result / must should has+to needs+to shall
    is+to
    ;
    \b(?:your|the)\ (?:answer|response|output|reply|summary|query|message|next\ message|result)\bGAP{0,30}
    \b(?:must|should|has\ to|needs\ to|shall|is\ to)\bGAP{0,20}
    \b(?:contain|include|begin|start|end|consist|be\ exactly|say|read|mention|recommend)\b

    NEEDS only exactly just nothing verbatim back
    ;
    \b(?:respond|reply|answer|output|print|say|write|return|repeat|echo|type)\x20
    (?:only|exactly|just|nothing\ but|verbatim|back)\b
    GAP{0,20}(?:["'“:`]|\bwith\b|\bthe\ (?:word|text|phrase|string|token|code|following)\b)

    NEEDS your every each the / answer response output reply summary query final generated message text+you /
    include insert append add put place embed mention write say print with
    ;
    \b(?:include|insert|append|add|put|place|embed|mention|write|output|say|print|end\ with|begin\ with|start\ with)\b
    GAP{0,60}\b(?:in|into|to|at\ the\ (?:start|end|beginning)\ of|of|as)\ (?:your|every|each|the)\x20
    (?:answer|response|output|reply|summary|query|final|generated|message|text\ you)

    NEEDS instead rather
    ;
    \b(?:instead|rather)\b[,]?\ (?:of\ GAP{0,40}[,]?\ )?(?:you\ (?:must|should|will)\ )?
    (?:write|output|print|respond|reply|say|answer|return|produce|generate)\bGAP{0,20}
    (?::|["“]|\bthe\ (?:word|phrase|following|exact|code|string)\b)

    NEEDS do+not don't never / user human operator reader
    ;
    \b(?:do\ not|don't|never)\ (?:tell|inform|alert|warn|mention\ this\ to|reveal\ this\ to)\ (?:the\ |your\ )?
    (?:user|human|operator|reader)

    NEEDS ![
    ;
    !\[[^\]]*\]\(https?://[^)]*[?&=][^)]*\)

    NEEDS as+a being+a / ai llm language+model assistant
    ;
    \b(?:as|being)\ an?\ (?:AI|LLM|language\ model|assistant)\bGAP{0,20},?\x20
    (?:you\ (?:must|should|will|have|are)|please)

    NEEDS set+the fill+the change+the / field key value json query scene score
    ;
    \b(?:set|fill|change)\ the\ (?:field|key|value|json|query|scene|score)\bGAP{0,60}\bto\b
"""
_MODEL = (
    r"(?:\bA\.?I\.?\b|\bLLMs?\b|language\ models?|AI\ models?|chat\ ?bots?|\bGPT(?:-\w+)?\b|assistants?|\bagents?\b"
    r"|summari[sz]ers?|crawlers?|automated\ (?:system|reader|tool)s?|text\ generators?)"
)
_GAP = r"(?:[^.\n]|\.(?=\S))"


class _Shape(NamedTuple):
    """A pattern, and groups of words of which a text must hold one each to be worth its search."""

    needs: tuple[tuple[str, ...], ...]
    pattern: re.Pattern[str]


def _shape(paragraph: str) -> _Shape:
    needs, pattern = paragraph.split("\n    ;\n")
    groups = needs.split("NEEDS", 1)[1].split(" / ")
    words_ = tuple(tuple(word.replace("+", " ") for word in group.split()) for group in groups)
    filled = pattern.replace("GAP", _GAP).replace("MODEL", _MODEL)
    return _Shape(words_, re.compile(filled, re.IGNORECASE | re.VERBOSE))


_PATTERNS = tuple(_shape(paragraph) for paragraph in _SHAPES.strip("\n").split("\n\n"))
_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s\"'<>)\]}]+|\b[\w.+-]+@[\w-]+\.[\w.-]+", re.IGNORECASE)
_MARK = re.compile(r"\b(?=\w*\d)(?=\w*[^\W\d_])[\w-]{6,}\b|\b[A-Z][A-Z0-9_-]{5,}\b|\b\w+(?:[-_]\w+){2,}\b")
_CODE = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[^\W\d_])[\w-]{6,}\b|\b[A-Z][A-Z0-9]+(?:[-_][A-Z0-9]+)+\b|\b[A-Z]{6,}\b")
_QUOTE = re.compile(r"(?<!\w)[\"“'`]([^\"“”'`\n]{4,200})[\"”'`]")
_FENCE = re.compile(r"</?[a-z_]+ [0-9a-f]{12}>")
_SAY = re.compile(
    r"\b(?:writ|say|said|includ|output|print|mention|respond|repl(?:y|ies)|answer|add(?:ing|s)?\b|insert|append|repeat"
    r"|begin|return|tell|recommend|contain|put\b|use\ the\ (?:word|phrase|code|string))",
    re.IGNORECASE,
)
_SAID = re.compile(
    r"\b(?:answers?|responses?|outputs?|repl(?:y|ies)|summar(?:y|ies)|quer(?:y|ies)|questions?|instructions?|messages?"
    r"|prompts?|users?|readers?|customers?|assistants?|models?|AI|whatever\ you|everything\ you"
    r"|what\ you\ (?:write|say))\b",
    re.IGNORECASE,
)
AROUND_CHARS = 120
FOLLOWING_CHARS = 300  # an order is often given in one sentence and its words in the next
LEAKED_WORDS = 10
DICTATED_SHARE = 0.6


@lru_cache(maxsize=2048)  # a page is looked at before it is used, and again when its answer is there
def orders(text: str) -> tuple[str, ...]:
    """Return the parts of a text that talk to a model, each with what follows it; none where it talks to people."""
    lowered = text.lower()
    spans: list[tuple[int, int]] = []
    for needs, pattern in _PATTERNS:
        if not all(any(word in lowered for word in group) for group in needs):
            continue
        for match in pattern.finditer(text):
            start = max(text.rfind("\n", 0, match.start()), text.rfind(". ", 0, match.start())) + 1
            spans.append((start, min(len(text), match.end() + FOLLOWING_CHARS)))
    return tuple(text[start:end].strip() for start, end in _joined(sorted(spans)))


def _joined(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in spans:
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def obeyed(
    answer: str,
    sources: Sequence[str],
    prompt: str = "",
    others: Sequence[str] = (),
    carried: Sequence[tuple[int, int]] = (),
) -> tuple[str, str] | None:
    """Return why an answer seems to have obeyed its sources, or to give our prompt away; None when it does not.

    Args:
        answer: What the model wrote for people to read.
        sources: The pages it was shown, as they were shown: texts that have no business talking to a model.
        prompt: Our own words around them.
        others: What else it was shown: messages of people, who do talk to models, and whose addresses it may repeat.
        carried: Ranges of the answer that are whole passages of a source: a quotation in one is the passage's.

    Returns:
        (reason, what shows it). Reasons: `repeats_prompt`, ten words in a row are ours, or a fence; `obeys_source`, it
        carries words, marks or quotations that a source dictated; `talks_to_model`; `address_from_nowhere`, an address
        that no source holds.
    """
    if run := _shared_run(answer, prompt):
        return "repeats_prompt", run
    if fence := _FENCE.search(answer):
        return "repeats_prompt", fence.group()
    for source in sources:
        if found := _taken_orders(answer, source, carried):
            return "obeys_source", found
    if sources and (spoken := orders(answer)):
        return "talks_to_model", spoken[0][:200]
    known = " ".join((*sources, *others)).lower()
    for address in _ADDRESS.findall(answer):
        if address.rstrip(".,;:!?").lower() not in known:
            return "address_from_nowhere", address
    return None


def _shared_run(answer: str, prompt: str) -> str:
    runs, said = _runs(prompt), words(answer)
    for i in range(len(said) - LEAKED_WORDS + 1):
        if tuple(said[i : i + LEAKED_WORDS]) in runs:
            return " ".join(said[i : i + LEAKED_WORDS])
    return ""


@lru_cache(maxsize=16)
def _runs(prompt: str) -> frozenset[tuple[str, ...]]:
    ours = words(prompt)
    return frozenset(tuple(ours[i : i + LEAKED_WORDS]) for i in range(len(ours) - LEAKED_WORDS + 1))


def _taken_orders(answer: str, source: str, carried: Sequence[tuple[int, int]]) -> str:
    for order in orders(source):
        if found := _dictated(answer, order):
            return found
    # An order in words that no pattern knows still has to say what is to be said: an address, a mark or a quotation
    # of the answer that stands in the source beside a word of saying and a word for what is said.
    beside = "\n".join(answer[start:end] for start, end in gaps(answer, carried))
    for part in _odd_parts(beside):
        places = list(re.finditer(rf"(?<!\w){re.escape(part)}(?!\w)", source, re.IGNORECASE))
        for match in places if len(places) == 1 or not part.isalpha() else ():
            around = source[max(0, match.start() - AROUND_CHARS) : match.end() + AROUND_CHARS]
            if _SAY.search(around) and _SAID.search(around):
                return part
    return ""


def _odd_parts(text: str) -> list[str]:
    """Return what nobody writes by chance: addresses, quotations, codes, and words all in capitals."""
    found = (*_ADDRESS.findall(text), *_CODE.findall(text), *_QUOTE.findall(text))
    return list(dict.fromkeys(part for one in found if (part := one.strip().rstrip(".,;:!?").lower())))


def _parts(text: str) -> list[str]:
    found = (*_ADDRESS.findall(text), *_MARK.findall(text), *_QUOTE.findall(text))
    return list(dict.fromkeys(part for one in found if (part := one.strip().rstrip(".,;:!?").lower())))


def _dictated(answer: str, order: str) -> str:
    """Return what the answer has of an order: an address, a mark like ZX-81-BETA, a quotation, or most of its words."""
    lowered = answer.lower()
    for part in _parts(order):
        if re.search(rf"(?<!\w){re.escape(part)}(?!\w)", lowered):
            return part
    if len(words(answer)) > 2 and coverage(answer, order, run_words=4) >= DICTATED_SHARE:  # noqa: PLR2004 - "yes, please"
        return answer[:200]
    return ""
