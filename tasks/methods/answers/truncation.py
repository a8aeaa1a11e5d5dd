"""Does an answer stop before its end: the server says so, a code block is open, a sentence breaks off."""

import unicodedata

from wellspring.tasks.methods.instructions.debris import unclosed

VERSION = 2
LONG_CHARS = 200
_UNFINISHED = ",(\uff0c\u3001\uff08"
_COMPLETE_LAST_LINES = ("#", "-", "*", "|", ">", "+")  # a heading, a list or a table need no full stop


def truncation(text: str, finish_reason: str) -> str | None:
    """Return why an answer counts as truncated, or None.

    Args:
        text: The answer.
        finish_reason: As the server gave it; `stop` is believed, but for a code block that is left open.
    """
    if finish_reason == "length":
        return "the server stopped it at its length"
    if unclosed(text):
        return "a code block is left open"
    if finish_reason == "stop" or len(text) < LONG_CHARS:
        return None
    last_line = text.rstrip().rsplit("\n", 1)[-1].strip()
    if last_line.startswith(_COMPLETE_LAST_LINES) or last_line[:1].isdigit():
        return None
    is_word = unicodedata.category(last_line[-1])[0] in "LN" or last_line[-1] in _UNFINISHED
    return f"it ends in `{last_line[-30:]}`" if is_word else None
