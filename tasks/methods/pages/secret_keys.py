"""Keys, tokens and passwords in a text, by the forms that their makers give them.

A form begins with letters of its own (`ghp_`, `AKIA`), so looking for these costs little where none is. What has no
form is found where it is named (`api_key = ...`, `https://user:word@host`), if it looks drawn by chance: letters and
digits mixed, and no word of a manual such as `YOUR_KEY`. Forms are those that GitHub, GitLab, AWS, Google, OpenAI,
Anthropic, Slack, Stripe and others document.
"""

import base64
import binascii
import json
import math
import re
from collections import Counter
from collections.abc import Callable
from functools import partial

VERSION = 1
LEAST_BITS = 3.2  # of chance in a character of a key without a form
_LEAST_LOGIN_CHARS = 6
_EXAMPLE = re.compile(
    r"(?i)your|example|sample|dummy|placeholder|changeme|password|passwd|xxxx|\*\*|<|\{|\$|\.\.\.|1234"
)
_PEM = r"-----(?:BEGIN|END) (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----"

_VALUE = re.compile(r"[:=]>?\s{0,3}['\"]?(?P<key>[A-Za-z0-9+/_=-]{20,200})(?![A-Za-z0-9+/_=.(-])")
_NAMED = re.compile(
    r"(?i)(?:api|secret|access|auth|private|client|account)[_ -]?(?:access[_ -]?)?(?:key|token|secret)['\"]?\s{0,3}:?$"
)
_NAME_CHARS = 40


def _is_any(_: str) -> bool:
    return True


def _is_token(found: str) -> bool:
    """Tell a JSON web token by its header, which is JSON that names an algorithm."""
    header = found.partition(".")[0]
    try:
        told = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))
    except (binascii.Error, ValueError):
        return False
    return isinstance(told, dict) and "alg" in told


def _is_drawn(found: str) -> bool:
    """Tell a key that was drawn by chance from a word or a name."""
    counts = Counter(found).values()
    bits = -sum(count / len(found) * math.log2(count / len(found)) for count in counts)
    is_mixed = any(map(str.isdigit, found)) and any(map(str.isalpha, found))
    return is_mixed and bits >= LEAST_BITS and not _EXAMPLE.search(found)


def _is_login(found: str) -> bool:
    return len(found) >= _LEAST_LOGIN_CHARS and not _EXAMPLE.search(found)


# What has to stand in the text, the form, and its proof. A group that is named `key` is what is replaced.
_FORMS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = tuple(
    (needs, re.compile(form), proof)
    for needs, form, proof in (
        ("PRIVATE KEY", rf"{_PEM}(?:[^-]{{0,20000}}{_PEM})?", _is_any),
        ("AKIA", r"\bAKIA[A-Z0-9]{16}\b", _is_any),
        ("ASIA", r"\bASIA[A-Z0-9]{16}\b", _is_any),
        *((f"gh{kind}_", rf"\bgh{kind}_[A-Za-z0-9]{{36,255}}\b", _is_any) for kind in "opusr"),
        ("github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{50,255}\b", _is_any),
        *(
            (f"gl{kind}-", rf"\bgl{kind}-[\w-]{{20,50}}(?![\w-])", _is_any)
            for kind in ("pat", "dt", "rt", "soat", "ft", "cbt", "ptt", "imt", "agent", "oas", "ffct")
        ),
        ("sk-", r"\bsk-(?:[a-z]+-)?[\w-]{16,80}T3BlbkFJ[\w-]{16,80}", _is_any),
        ("sk-", r"\bsk-(?:ant-[a-z]+\d\d|or-v1)-[\w-]{40,}", _is_any),
        ("sk-", r"\bsk-[A-Za-z0-9]{32,64}\b", _is_drawn),
        ("AIza", r"\bAIza[\w-]{35}(?![\w-])", _is_any),
        ("GOCSPX-", r"\bGOCSPX-[\w-]{28}(?![\w-])", _is_any),
        ("ya29.", r"\bya29\.[\w-]{30,}", _is_any),
        ("xox", r"(?i)\bxox[abeoprs]-(?:\d+-)+[a-z0-9]{10,}\b", _is_any),
        ("xapp-", r"\bxapp-\d-[A-Z0-9]+-\d+-[a-z0-9]{30,}\b", _is_any),
        ("hooks.slack.com", r"https://hooks\.slack\.com/services/T\w{8,}/B\w{8,}/\w{20,}", _is_any),
        ("k_live_", r"\b[sr]k_live_[A-Za-z0-9]{16,}\b", _is_any),
        ("k_test_", r"\b[sr]k_test_[A-Za-z0-9]{16,}\b", _is_any),
        ("npm_", r"\bnpm_[A-Za-z0-9]{36}\b", _is_any),
        ("pypi-", r"\bpypi-AgE[\w-]{50,}", _is_any),
        ("SG.", r"\bSG\.[\w-]{16,32}\.[\w-]{16,64}(?![\w-])", _is_any),
        ("hf_", r"\bhf_[A-Za-z]{34}\b", _is_any),
        (":AA", r"\b\d{8,10}:AA[\w-]{33}(?![\w-])", _is_any),
        ("AC", r"\bAC[0-9a-f]{32}\b", _is_any),
        ("SK", r"\bSK[0-9a-f]{32}\b", _is_any),
        ("-us", r"\b[0-9a-f]{32}-us\d{1,2}\b", _is_any),
        ("sq0", r"\bsq0[a-z]{3}-[\w-]{22,43}(?![\w-])", _is_any),
        ("shp", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b", _is_any),
        ("_v1_", r"\bdo[opr]_v1_[0-9a-f]{64}\b", _is_any),
        ("hvs.", r"\bhvs\.[\w-]{24,}", _is_any),
        ("eyJ", r"\beyJ[\w-]{8,}\.eyJ[\w-]{4,}(?:\.[\w-]{8,})?", _is_token),
        ("://", r"://[^\s:/@]{1,64}:(?P<key>[^\s:/@]{3,64})@[\w.-]", _is_login),
    )
)


def replace(text: str) -> tuple[str, int]:
    """Replace keys by `[SECRET]`.

    Returns:
        The text, and how many were replaced.
    """
    found: list[str] = []
    for needs, form, proof in _FORMS:
        if needs in text:
            text = form.sub(partial(_put, proof, found), text)
    text = _VALUE.sub(partial(_put_named, found), text)
    return text, len(found)


def _put_named(found: list[str], match: re.Match[str]) -> str:
    """Replace a key without a form, where what stands before it calls it one."""
    is_named = _NAMED.search(match.string[max(0, match.start() - _NAME_CHARS) : match.start()])
    return _put(_is_drawn, found, match) if is_named else match[0]


def _put(proof: Callable[[str], bool], found: list[str], match: re.Match[str]) -> str:
    name = "key" if "key" in match.re.groupindex else 0
    if not proof(match[name]):
        return match[0]
    found.append(match[name])
    start, end = (place - match.start() for place in match.span(name))
    return f"{match[0][:start]}[SECRET]{match[0][end:]}"
