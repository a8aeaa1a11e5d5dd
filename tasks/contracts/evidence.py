"""What of a long text may bear on a claim: the parts that share the most words with it.

For judges that hold an answer to its page. A page may be longer than a prompt, and a call for each part is dear.
"""

import re

from wellspring.tasks.contracts.pieces import pieces, sentences

PART_TOKENS = 500  # about 350 English words
_WORD = re.compile(r"[\u3040-\u9fff]|[^\W\u3040-\u9fff]{4,}|\d+")


def claims(answer: str) -> list[str]:
    """Return the sentences of an answer that say something, each once, in their order."""
    found = (sentence.strip() for sentence in sentences(answer.strip(), PART_TOKENS))
    return list(dict.fromkeys(one for one in found if any(map(str.isalnum, one))))


def parts_near(text: str, claim: str, most: int, tokens: int = PART_TOKENS) -> list[str]:
    """Cut a text into parts, and return those that share the most words with a claim.

    Args:
        text: Of a page.
        claim: What is held to it.
        most: So many parts at most; of those that share as many words the first.
        tokens: Of a part, about.

    Returns:
        The parts in the order of the text; none of a text that says nothing.
    """
    parts, wanted = pieces(text, tokens), words(claim)
    shared = [len(wanted & words(part)) for part in parts]
    best = sorted(range(len(parts)), key=lambda one: (-shared[one], one))[:most]
    return [parts[one] for one in sorted(best)]


def words(text: str) -> set[str]:
    """Return the words of a text that tell what it is about: long ones, numbers, and signs of other scripts."""
    return {*_WORD.findall(text.casefold())}
