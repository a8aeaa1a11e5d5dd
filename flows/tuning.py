"""`wellspring tune-prompt`: a better prompt for one's own examples, and where it goes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from wellspring.tasks.contracts import settings
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.io import files
from wellspring.tasks.io.models.llm import Models
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.operations import tuning

OWNER = "tune-prompt"


def tune(
    program: str,
    heading: str,
    examples: Path,
    store: Path,
    profile: str | None,
    overrides: list[str],
    *,
    role: str,
    out: Path | None,
    search: Mapping[str, int],
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Search, write the prompt file where the winner is better, and return what was found.

    The store's next run copies the calls into its table `completions`.

    Raises:
        UsageError: Something that was given is wrong; `out` is there already.
        TransientError: The search was cut; the same again goes on.
    """
    chosen = settings.load(profile, overrides)
    recipe, asked = tuning.prompt_of(program, heading, chosen)
    labelled, how = tuning.examples_of(examples, asked), tuning.Search(**search)
    if out is not None and out.exists():
        raise UsageError(f"{out} is there already", hint="name another file, or move it away")
    say(f"{len(labelled)} examples; the search asks at most {how.most_calls} calls")
    with Store.open(store, wait=chosen.wait, owner=OWNER), Models(chosen, store, OWNER) as models:
        found = tuning.tune(models, recipe, asked, labelled, how, role, say)
    if out is not None and found.is_better:
        texts = [found.prompts[at].text for at in (0, found.best)]
        said = tuning.written(recipe.headings.file, asked, found.part, *texts)
        files.write_whole(out, said.encode())
        found.written = str(out)
    return found.as_dict()
