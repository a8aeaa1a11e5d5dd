"""Whether a text is about mathematics or is mostly code: the documents of an ablation.

SynthQuestions (arXiv 2506.03968) adds mathematics and code from collections of their own, and finds them worth eight
points of GSM8K and nothing elsewhere. Our documents come from one crawl, so what is left out when
`instructions.math_and_code = false` has to be found by its form: lines that are code, words and signs of mathematics.
"""

import re

VERSION = 1
CODE_LINES_SHARE = 0.08
FEWEST_CODE_LINES = 5
MATHS_PER_1000_WORDS = 12
FEWEST_MATHS = 5

_CODE_LINE = re.compile(
    r"^\s*(?:"
    r"(?:def|class|import|from|fn|func|function|public|private|static|const|let|var|return|elif|else|#include|package"
    r"|using|SELECT|INSERT|CREATE|UPDATE)\b.*[;:{(=)*]"
    r"|[A-Za-z_][\w.\[\]\"']*\s*(?:[-+*/]?=|:=|<-)\s*[^=\s].*"
    r"|.*(?:\)\s*\{|\w;|\{|=>|\);)\s*$"
    r"|[}\])]+[;,]?\s*$"
    r"|[$#]\s[a-z][\w-]*(?:\s+[-\w./]+)+\s*$"
    r"|</?[a-z][\w-]*(?:\s[^>]*)?>\s*$"
    r")"
)
_PROSE_END = re.compile(r"[A-Za-z]{2,}[.!?]\s*$")
_MATHS = re.compile(
    r"\\(?:frac|sum|int|sqrt|begin|mathbb|left|cdot|alpha|beta|theta|partial|infty)\b|[∑∫√∂∞≤≠≈∈∀∃∇∏]"
    r"|\$[^$\n]{0,60}[\\^_=][^$\n]{0,60}\$"
    r"|\b[a-z]\s?\^\s?[\d({n]|\b[xyzn][²³]|\b(?:theorem|lemma|corollary|proof|equation|polynomial|derivative"
    r"|integral|matrix|matrices"
    r"|eigenvalue|quadratic|logarithm|algebra(?:ic)?|geometry|trigonometr\w+|calculus|vector space|prime number"
    r"|denominator"
    r"|numerator|probability distribution)s?\b",
    re.IGNORECASE,
)


def is_code(text: str) -> bool:
    """Return whether a text holds a good share of lines of code."""
    lines = [line for line in text.splitlines() if line.strip()]
    code = sum(bool(_CODE_LINE.match(line)) and not _PROSE_END.search(line) for line in lines)
    return code >= FEWEST_CODE_LINES and code >= CODE_LINES_SHARE * len(lines)


def is_mathematics(text: str) -> bool:
    """Return whether words and signs of mathematics are frequent in a text."""
    found = sum(1 for _ in _MATHS.finditer(text))
    return found >= FEWEST_MATHS and found * 1000 >= MATHS_PER_1000_WORDS * len(text.split())
