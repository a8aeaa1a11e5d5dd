"""Whether a human message is whole, or was cut off or never filled in.

SynthQuestions (arXiv 2506.03968) drops incomplete prompts without saying how; these rules are ours. They look at how a
message ends (it announces something, or stops at a conjunction or an open bracket) and for blanks of a form that nobody
filled in ("[insert text]", "{{topic}}").
"""

import re

VERSION = 1
_CUT_OFF = re.compile(r"(?:[,(\[]|\b(?:and|or|but|because|the|an|of|with|from|into|between|by|if))$", re.IGNORECASE)
_ANNOUNCED = re.compile(
    r"\b(?:following|below|here (?:is|are)|this|these|given)\b[^\n.?!]{0,60}:$"
    r"|\b(?:following|below)\b[^\n.?!:]{0,25}[.?!]?$",
    re.IGNORECASE,
)
_BLANK = re.compile(
    r"\[(?:insert|your|enter|add|paste|fill in|type)\b[^\]]{0,60}\]"
    r"|<(?:insert|your|enter|paste)\b[^>]{0,60}>"
    r"|\{\{\s*\w[\w .-]{0,40}\s*\}\}"
    r"|\$\{[a-z][a-z _]{0,40}(?::[^}\n]{0,60})?\}"
    r"|\b(?:INSERT|PASTE)[ _](?:TEXT|HERE|YOUR)\b",
    re.IGNORECASE,
)


def incomplete(text: str) -> tuple[str, str] | None:
    """Return why a message is not whole, as (reason, the words that show it); None when it is.

    Reasons: `cut_off`, it ends in its middle; `input_missing`, it ends by announcing something that is not there;
    `blanks_not_filled`, it is a form.
    """
    end = text.rstrip()
    is_code = "```" in text or ";" in text  # where braces and dollars are code
    if (blank := _BLANK.search(text)) and not is_code:
        return "blanks_not_filled", blank.group()
    # Where several lines stand before, "the following" may be one of them.
    if (announced := _ANNOUNCED.search(end)) and "\n" not in end:
        return "input_missing", announced.group()
    if _CUT_OFF.search(end):
        return "cut_off", end[-40:]
    return None
