"""Taking something out of a store, and drawing its pages without it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wellspring.tasks.io.storage.store import Store, refuse_none
from wellspring.tasks.site import ending, pages
from wellspring.tasks.site.attempts import Unwritten
from wellspring.tasks.spine.provenance import forgetting


def forget(store: Path, what: Mapping[str, Any], choices: Mapping[str, Any]) -> dict[str, Any]:
    """Take a page, site or corpus out with everything made from it.

    Args:
        store: Its directory.
        what: `url`, `domain` or `source`.
        choices: `policy`, `near_copies`, `reason`.

    Returns:
        The receipt, and `unwritten`: a warning for each page that could not be drawn.
    """
    unwritten = list[Unwritten]()
    refuse_none(store)
    with Store.open(store, owner="forget") as opened:
        receipt = forgetting.forget(
            opened,
            **choices,
            **what,
            draw=lambda seen: unwritten.extend(pages.write_site(seen)),
        ).as_dict()
        return receipt | {"unwritten": [ending.warning(opened, one) for one in unwritten]}
