"""The estimate of tokens beside a real vocabulary: the ratio for each text.

    python -m tests.bench.tokens VOCABULARY [FILE ...]

`VOCABULARY` is a file of ranks as tiktoken reads them (a piece in base64 and its rank, a line each). The texts are the
files, or those of tests/methods/test_tokens.py. Needs tiktoken, which is no dependency of ours.
"""

import argparse
import base64
from pathlib import Path

from tests.methods.test_tokens import COUNTED
from wellspring.tasks.methods.pages.tokens import count_tokens

PIECES = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]"
    r"|\s+(?!\S)|\s"
)


def main() -> None:
    """Print a line a text: its beginning, tokens by the vocabulary, by the estimate, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("vocabulary", type=Path)
    parser.add_argument("files", type=Path, nargs="*")
    chosen = parser.parse_args()
    import tiktoken

    lines = (line.split() for line in chosen.vocabulary.read_bytes().splitlines() if line.strip())
    ranks = {base64.b64decode(piece): int(rank) for piece, rank in lines}
    vocabulary = tiktoken.Encoding("given", pat_str=PIECES, mergeable_ranks=ranks, special_tokens={})
    texts = [file.read_text(encoding="utf-8") for file in chosen.files] or [text for text, _ in COUNTED]
    for text in texts:
        real, ours = len(vocabulary.encode_ordinary(text)), count_tokens(text)
        print(f"{ours / real:5.2f}  {ours:7} of {real:7}  {' '.join(text[:50].split())}")


if __name__ == "__main__":
    main()
