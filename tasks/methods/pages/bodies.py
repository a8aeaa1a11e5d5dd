"""The body of an article among the blocks of a page: all of its parts, and not the next article.

The walk goes down from the page into whichever container holds nearly all the prose, and stops where it is spread over
several: the paragraphs of an article, the posts of a thread, the cards of a listing. Pages cut a body into containers
of one kind with an advertisement between them, set its lead apart from it, or keep most of it in a box that opens. So
what stands beside the block that was found, and reads like it, is part of it.
"""

import re

from wellspring.tasks.methods.pages import furniture
from wellspring.tasks.methods.pages.blocks import HEADINGS, LEAVES, PROSE_CHARS, Block, add_up

VERSION = 1

GOES_DOWN = 0.9  # into a container that holds this much of its parent's
ARTICLE_SHARE = 0.4  # of what is around it, for a block that is called the article's text
LEAD_LEVELS, LEAD_CHARS = 4, 900
PARAGRAPH_CHARS = 80  # of a paragraph that stands beside the body
WHOLE_CHARS = 400  # of prose, in a whole article
PART_CHARS = 200  # of prose, in a container beside the body that is of one kind with it
IS_PROSE = 0.25  # of link text, below which a text is prose

_WHOLE = re.compile(r"(?:^|[\s_-])(?:article|story|post|entry|news)(?:[\s_-]|$)", re.IGNORECASE)
_WHOLES = frozenset({"table", "tbody", "ul", "ol", "dl"})
_BETWEEN = frozenset({"ul", "ol", "dl", "table", "pre", "blockquote", "figure", *HEADINGS})


def go_down(blocks: list[Block]) -> int:
    """Return the container in which the prose is spread over several children."""
    fullest: dict[int, int] = {}  # a block -> the container in it that holds most
    for index, block in enumerate(blocks[1:], start=1):
        if not block.is_out and block.tag not in LEAVES:
            best = fullest.setdefault(block.parent, index)
            if block.prose > blocks[best].prose:
                fullest[block.parent] = index
    index = 0
    while (best := fullest.get(index)) is not None:
        if blocks[best].prose < GOES_DOWN * blocks[index].prose or blocks[best].tag in _WHOLES:
            break
        index = best
    return index


def leave_out_next(blocks: list[Block], headline: int) -> None:
    """Mark the articles that come after the one with the page's headline: alike, with a headline of their own."""
    rank = blocks[headline].tag
    tops: dict[int, set[int]] = {}  # a block -> those right below it that hold such a headline
    for index, block in enumerate(blocks):
        part = index
        while block.tag == rank and part > 0 and part not in tops.get(blocks[part].parent, ()):
            tops.setdefault(blocks[part].parent, set()).add(part)
            part = blocks[part].parent
    part = headline
    while part > 0:
        above = blocks[part].parent
        is_named = rank == "h1" and _WHOLE.search(blocks[part].names)
        is_whole = (is_named or blocks[part].tag == "article") and blocks[part].prose >= WHOLE_CHARS
        others = [one for one in tops[above] if is_whole and one > part and _is_alike(blocks[one], blocks[part])]
        for one in others:
            blocks[one].is_out = blocks[one].is_out or blocks[one].prose >= PART_CHARS
        if others:
            break
        part = above
    if part > 0:
        add_up(blocks)


def article_in(blocks: list[Block], root: int) -> int:
    """Return the block in there that is called the article's text, if it holds enough of the prose; else the root."""
    best = root
    for index in below(blocks, root):
        block = blocks[index]
        if block.is_out or block.tag in LEAVES or block.prose < ARTICLE_SHARE * blocks[best].prose:
            continue
        is_called = block.tag in {"article", "main"} or block.is_body or furniture.is_called(block.names, "bodies")
        if is_called and _is_under(blocks, index, best):
            best = index
    return best


def beside(blocks: list[Block], body: int) -> list[int]:
    """Return what stands beside the body, at any level above it, and is part of it."""
    around: dict[int, list[int]] = {}
    above = body
    while above > 0:
        above = blocks[above].parent
        around[above] = []
    for index, block in enumerate(blocks[1:], start=1):
        if block.parent in around:
            around[block.parent].append(index)
    found: list[int] = []
    part = body
    for near in around.values():
        taken = [index for index in near if index != part and _is_part(blocks, index, part, body)]
        if taken:
            first, last = min(part, *taken), max(part, *taken)
            taken += [i for i in near if first < i < last and blocks[i].tag in _BETWEEN and not blocks[i].is_out]
            found += taken
        if blocks[part].tag in {"article", "main"}:
            break
        part = blocks[part].parent
    return found


def _is_part(blocks: list[Block], index: int, part: int, body: int) -> bool:
    """Tell a paragraph of prose, or a container of one kind with the body, or with the part of the page it is in."""
    block = blocks[index]
    is_twin = block.tag == blocks[body].tag and block.names == blocks[body].names != ""
    if block.is_out or block.links > (1 if is_twin else IS_PROSE) * block.plain:
        return False
    if block.tag == "p":
        return block.plain >= PARAGRAPH_CHARS
    return block.prose >= PART_CHARS and (is_twin or _is_alike(block, blocks[part]))


def _is_alike(one: Block, other: Block) -> bool:
    names, others = one.names.split(), other.names.split()
    if one.tag == other.tag == "article":
        return True
    if one.tag != other.tag or not names or not others or names[0] != others[0]:
        return False
    common = len(set(names) & set(others))
    return 2 * common >= len(set(names) | set(others))


def leads(blocks: list[Block], root: int) -> list[int]:
    """Return the blocks shortly before the text that are called its lead."""
    above = root
    for _ in range(LEAD_LEVELS):
        above = max(0, blocks[above].parent)
    found: list[int] = []
    for index in range(above + 1, root):
        block = blocks[index]
        is_lead = not block.is_out and PROSE_CHARS <= block.prose < LEAD_CHARS and block.plain > 2 * block.links
        is_new = not (found and _is_under(blocks, index, found[-1]))
        if is_lead and is_new and block.names and furniture.is_called(block.names, "leads"):
            found.append(index)
    return found


def below(blocks: list[Block], root: int) -> list[int]:
    """Return what is below a block, in order: parents come first, so it ends where a parent lies before the root."""
    found: list[int] = []
    for index in range(root + 1, len(blocks)):
        if blocks[index].parent < root:
            break
        found.append(index)
    return found


def inside(blocks: list[Block], *roots: int) -> list[bool]:
    """Tell for each block whether it is part of the text."""
    found = [False] * len(blocks)
    for index, block in enumerate(blocks):
        found[index] = index in roots or (block.parent >= 0 and found[block.parent] and not block.is_out)
    return found


def _is_under(blocks: list[Block], index: int, above: int) -> bool:
    while index > above:
        index = blocks[index].parent
    return index == above
