"""What two lists of words have in common in order.

The subsequence is bit-parallel (Crochemore et al., "A fast and practical bit-vector algorithm for the longest common
subsequence problem", IPL 2001): one big-integer step for each word, O(n m / 64).
"""


def lcs(left: list[str], right: list[str]) -> int:
    """Return the length of the longest common subsequence of two lists of words."""
    places: dict[str, int] = {}
    for i, word in enumerate(left):
        places[word] = places.get(word, 0) | (1 << i)
    every = (1 << len(left)) - 1
    row = every
    for word in right:
        match = row & places.get(word, 0)
        row = ((row + match) | (row - match)) & every
    return len(left) - row.bit_count()
