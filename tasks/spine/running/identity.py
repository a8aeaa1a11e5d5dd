"""What a fingerprint says of the code: the VERSION of all that shapes the rows of a stage.

A stage names the computed methods that its rows rest on, under the settings of the run, and the parts of the spine
that decide what its rows hold. A VERSION of 1 is left out, so a method that joins the list makes nothing due. That no
name is missing, and that no code has changed under its VERSION, is held by `tests/test_methods_lock.py`.

A name is a room and a file. The sub-room is no part of it: a file that moves keeps its name, and all rows their
fingerprints.
"""

import importlib
import pkgutil
from functools import cache

_FIRST_NAMES = {"spine.knn_pool": "spine.pool"}  # stands in fingerprints since its VERSION was raised


def raised(*methods: str, own: int = 1) -> dict[str, int]:
    """Return name -> VERSION of those that are above 1, as a part of a fingerprint.

    Args:
        methods: Files of `tasks/methods`, such as `quality`; of another room with its name, such as `spine.knn_pool`.
        own: The VERSION of the stage itself, where its fingerprint does not hold it otherwise.
    """
    whole = {name: name if "." in name else f"methods.{name}" for name in methods}
    versions = {_FIRST_NAMES.get(name, name): _version(whole[name]) for name in whole}
    return {name: version for name, version in ({"own": own} | dict(sorted(versions.items()))).items() if version > 1}


def _version(name: str) -> int:
    return importlib.import_module(place(name)).VERSION


def place(name: str) -> str:
    """Return where a module lies, by its room and its file: `methods.quality` is in a sub-room of `methods`.

    Raises:
        KeyError: There is no such file.
    """
    room, _, file = name.rpartition(".")
    return _places(room)[file]


@cache
def _places(room: str) -> dict[str, str]:
    package = importlib.import_module(f"wellspring.tasks.{room}")
    inside = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    return {one.name.rpartition(".")[2]: one.name for one in inside if not one.ispkg}
