r"""Backslashes of models in JSON: LaTeX, paths and patterns that were not doubled keep theirs.

A model that writes `{"answer": "\frac{1}{2}"}` with one backslash has written valid JSON, and a form feed: `\b`, `\f`,
`\n`, `\r` and `\t` are escapes and the beginnings of commands. Others (`\alpha`, `\(`, `\d`) are no JSON at all. Here
each is doubled where it cannot be meant as an escape:

- what JSON does not know, and `\u` without four hexadecimal digits;
- `\b` and `\f`, always: no text has a backspace or a form feed in it;
- a command whose rest is no word (`\theta`, `\neq`, `\right`): always;
- a command whose rest may be a word (`\nu`, `\to`): where the same text has another backslash that was not doubled;
- all of a path that begins with a drive and has another such backslash (`C:\Users\new`).
"""

import re

_TEXT = re.compile(r'\\.|"(?:[^"\\]|\\.)*+(?:"|\Z)', re.DOTALL)  # what is escaped outside of a text begins none
_UNLIKELY = re.compile(r"\\(?![\"\\/nrtu]|u[0-9a-fA-F]{4})|\\[nrtu]")  # nothing to mend where there is none of these
_PATH = re.compile(r"(?<![A-Za-z\\])[A-Za-z]:\\(?!\\)[^\s\"\\:*?<>|]*(?:\\(?![\\\"])[^\s\"\\:*?<>|]*)*")
_PIECE = re.compile(r"\\u[0-9a-fA-F]{4}|\\([a-zA-Z]+)|\\(.)", re.DOTALL)
_SURE = re.compile(
    r"""nabla|neqq?|nleq|ngeq|nless|ngtr|nmid|nparallel|nprec|nsim|ncong|nsubseteq|nsupseteq|nexists|notin|nolimits|natural
    |n(?:left|right|Left|Right)arrow|n[ew]arrow|newcommand|renewcommand
    |theta|times|text(?:bf|it|rm|sf|tt|up|style)?|tfrac|tbinom|tilde|tanh|therefore|thinspace|twoheadrightarrow
    |triangle(?:q|left|right)?
    |rho|r(?:ight|angle|floor|ceil|brace|brack|vert|Vert|times|moustache)|restriction
    |right(?:arrow|harpoonup|leftarrows|leftharpoons)""",
    re.VERBOSE,
)
_MAYBE = re.compile("ne|neg|ni|not|nu|nonumber|newline|noindent|tan|tau|tag|to|top|rm|ref|root|rule|rank")


def mended(text: str) -> str:
    r"""Return JSON with every backslash doubled that no escape can be meant by; the same text where there is none.

    >>> print(mended(r'{"a": "\frac{1}{2} of \nu, and\nthen \\pi"}'))
    {"a": "\\frac{1}{2} of \\nu, and\nthen \\pi"}
    """
    if _UNLIKELY.search(text) is None:
        return text
    return _TEXT.sub(lambda found: _mended(found[0]), text)


def _mended(quoted: str) -> str:
    if quoted[0] == "\\" or "\\" not in quoted:
        return quoted
    quoted = _PATH.sub(lambda found: found[0].replace("\\", "\\\\") if _holds_bare(found[0]) else found[0], quoted)
    is_bare = _holds_bare(quoted)
    return _PIECE.sub(lambda found: _doubled(found, is_bare=is_bare), quoted)


def _holds_bare(text: str) -> bool:
    return any(_is_bare(found) for found in _PIECE.finditer(text))


def _is_bare(found: re.Match[str]) -> bool:
    """Whether a backslash begins what no JSON writer would mean as an escape."""
    word, sign = found[1], found[2]
    if word is None:
        return sign is not None and sign not in '"\\/'
    return word[0] not in "nrt" or _SURE.fullmatch(word) is not None


def _doubled(found: re.Match[str], *, is_bare: bool) -> str:
    if found[2] == "'":
        return "'"  # what JavaScript would write
    return "\\" + found[0] if _is_bare(found) or (is_bare and found[1] and _MAYBE.fullmatch(found[1])) else found[0]
