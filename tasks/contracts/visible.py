"""Text as a person sees it. This module imports little: the command line needs it before anything else."""

import re
import unicodedata

# Joiners shape words of Arabic, Indic, Burmese, Khmer and Mongolian, and build emoji: after such a character one stays.
_JOINED = (
    "\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc"
    "\u2600-\u27bf\ufe0f\U0001f000-\U0001faff"
)
_HIDDEN = re.compile(
    f"(?<![{_JOINED}])[\u200c\u200d]"
    "|[\u00ad\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\U000e0000-\U000e007f]"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def visible(text: str) -> str:
    """Take out what a person would not see (zero-width, bidi, tag characters, controls), so a model does not either.

    Joiners stay where the script needs them: without them Persian and Indic words break.
    """
    whole = text if text.isascii() else _HIDDEN.sub("", unicodedata.normalize("NFC", text))
    return _CONTROL.sub("", whole)
