"""Whether an instruction stands alone: it points at no passage that its reader does not have.

Instructions written from pages slip into "according to the article" or "the table below" with no table. A pointer is
allowed where the instruction carries what it points at: enough words after "the following:" or below, a quotation or
a code block for "this passage". What is found is returned, so that the refusal can show it.

Rule-based, English. On 2,029 human prompts (which stand alone by their origin, save for some that lost their text) it
refuses the share that tests/methods/test_self_containment.py states; the words were found by reading what models write.
"""

import re
from collections.abc import Callable

VERSION = 1
_SOURCE = (
    r"(?:passage|article|document|excerpt|web\ ?page|page|blog\ post|post|source|transcript|paragraph|section|chapter"
    r"|report|snippet)"
)
_TEXT = (
    rf"(?:{_SOURCE}|text|context|information|content|material|description|data|table|list|figure|chart|graph|image"
    r"|code|example|story|email)"
)
_CARRIED_WORDS = 12  # a passage of fewer words is a heading, not what is pointed at
_QUOTED = re.compile(
    r"```.+?```|\"[^\"]{40,}\"|“[^”]{40,}”|'''.+?'''|<[a-z_]+>.{40,}?</|(?m:^>.+$)|(?m:^\s*\|.+\|\s*$)", re.DOTALL
)
_LINE_BREAK = re.compile(r"\n\s*\S")


def _carries_anything(text: str, match: re.Match[str]) -> bool:
    """Whether the instruction holds what can be meant: a quotation, code, a table, several lines, or a thing it named.

    "Write an article ... the article should" points at nothing outside.
    """
    if _QUOTED.search(text) or _introduces(text[: match.start()], match.group()):
        return True
    lines = [line for line in text.splitlines() if line.strip()]
    return len(lines) > 1 and max(len(line.split()) for line in lines) >= _CARRIED_WORDS


def _introduces(before: str, pointer: str) -> bool:
    noun = re.search(_TEXT, pointer, re.IGNORECASE | re.VERBOSE)
    if noun is None:
        return False
    determiner = (
        r"(?:an?|my|our|your|their|his|her|two|three|each|every|another|any|new|latest|first|second|third|write|draft)"
    )
    named = rf"\b{determiner} (?:[\w'-]+ ){{0,5}}{re.escape(noun.group().rstrip('s'))}"
    return bool(re.search(named, before, re.IGNORECASE))


def _carries_after(text: str, match: re.Match[str]) -> bool:
    rest = text[match.end() :]
    after = rest.split(":", 1)[1] if ":" in rest else (rest if _LINE_BREAK.search(rest) else "")
    return len(after.split()) >= 3 or bool(_QUOTED.search(rest))  # noqa: PLR2004 - "2, 4, 7" is data enough


def _carries_before(text: str, match: re.Match[str]) -> bool:
    return len(text[: match.start()].split()) >= _CARRIED_WORDS


def _never(text: str, match: re.Match[str]) -> bool:  # noqa: ARG001 - all rules have this form
    return False


_Rule = tuple[re.Pattern[str], Callable[[str, re.Match[str]], bool]]


def _rule(pattern: str, carried: Callable[[str, re.Match[str]], bool]) -> _Rule:
    return re.compile(pattern, re.IGNORECASE | re.VERBOSE), carried


_QUALIFIED = r"(?!\ (?:of|to|for|that|which|about|where|we|i|you|on|with|from|at|in|is\ to|should|must|will|titled)\b)"
_CITED = r"(?:stated|described|mentioned|discussed|explained|shown|noted|presented|provided|outlined)"
_SAYS = (
    r"(?:says?|said|states?|mentions?|describes?|discusses|explains?|argues?|suggests?|claims?|lists?|gives|provides"
    r"|covers|implies|refers)"
)
_RULES: tuple[_Rule, ...] = (
    _rule(rf"\b(?:the|this|that)\ {_TEXT}\ (?:provided\ |given\ )?above\b", _carries_before),
    _rule(rf"\b(?:the\ )?above(?:-mentioned)?\ {_TEXT}\b", _carries_before),
    _rule(rf"\b(?:following|below)\ (?:\w+\ )?{_TEXT}\b(?!\ (?:for|of|about|on|that))", _carries_after),
    _rule(rf"\b{_TEXT}\ (?:below|that\ follows)\b", _carries_after),
    _rule(
        rf"""\b(?:according\ to|based\ on|refer(?:ring)?\ to|from|in|(?:as\ )?{_CITED}\ (?:in|by))
        \ (?:the|this|that)\ (?:(?:given|provided|original|source|attached|linked)\ )?(?:{_SOURCE}|text)\b
        {_QUALIFIED}""",
        _carries_anything,
    ),
    _rule(rf"\bthe\ (?:given|provided|supplied|attached|linked)\ {_TEXT}\b", _carries_anything),
    _rule(
        rf"\b(?:the|this)\ (?:article|passage|document|excerpt|web\ ?page|page|text|author)(?:'s)?\ {_SAYS}\b",
        _carries_anything,
    ),
    _rule(rf"\b(?:this|the)\ (?:article|passage|excerpt)\b{_QUALIFIED}", _carries_anything),
    _rule(rf"\b(?:as\ )?{_CITED}\ (?:above|earlier|previously|before)\b", _carries_before),
    _rule(r"\b(?:see|read|open|in|use)\ (?:the\ |my\ |this\ )?(?:attached|attachment|enclosed)\b", _carries_anything),
    _rule(r"\battached\ (?:file|document|image|pdf|screenshot|picture|photo)\b", _carries_anything),
    _rule(r"\b(?:your|the)\ previous\ (?:answer|response|reply|message)\b", _never),
    _rule(r"\bas\ (?:you|we)\ (?:said|discussed|talked\ about)\ (?:before|earlier|previously)\b", _never),
)


def dangling(text: str, *, carries: bool = False) -> str | None:
    """Return the first words of an instruction that point at something it does not carry; None when it stands alone.

    `carries` says that it is known to hold a whole passage, however that is set off; then only what cannot be in any
    message dangles, such as an earlier answer.
    """
    for pattern, is_carried in _RULES:
        for match in pattern.finditer(text):
            if not (carries and is_carried is not _never) and not is_carried(text, match):
                return match.group()
    return None
