"""One estimate of tokens for the whole project: four bytes of UTF-8 are a token.

Real vocabularies are downloads and differ by model; what we need is a length that is the same everywhere, costs
nothing, and adds up. Byte-pair vocabularies of 50,000-200,000 entries spend about four bytes on a token of English
prose, fewer on code, and about one token on a Chinese character (three bytes). Budgets that must hold exactly come
from the server's `usage`, which the journal records.
"""

VERSION = 1
BYTES_PER_TOKEN = 4


def count_tokens(text: str) -> int:
    """Estimate the tokens of a text: its UTF-8 bytes divided by four, rounded up; 0 for the empty text.

    Never decreasing when text is appended, and `count(a + b) <= count(a) + count(b)`.
    """
    size_bytes = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return -(-size_bytes // BYTES_PER_TOKEN)


def cut_tokens(text: str, max_tokens: int) -> str:
    """Return the longest start of the text that is at most `max_tokens`, ended between words where there are words.

    Raises:
        ValueError: `max_tokens` is negative.
    """
    if max_tokens < 0:
        raise ValueError(f"max_tokens is {max_tokens}")
    if count_tokens(text) <= max_tokens:
        return text
    # A cut inside a character leaves a partial sequence at the end, which `ignore` takes off. Text that came from us
    # holds no surrogates; a lone one is dropped with it.
    start = text.encode("utf-8", "surrogatepass")[: max_tokens * BYTES_PER_TOKEN].decode("utf-8", "ignore")
    words = start.rsplit(None, 1)
    return words[0] if len(words) == 2 and len(words[0]) > len(start) // 2 else start  # noqa: PLR2004 - a start and a last word
