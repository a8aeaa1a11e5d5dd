"""What a fingerprint says of the code: the VERSION of all that shapes the rows of a stage.

A stage names the computed methods that its rows rest on, under the settings of the run, and the parts of the spine
that decide what its rows hold. A VERSION of 1 is left out, so a method that joins the list makes nothing due. That no
name is missing, and that no code has changed under its VERSION, is held by `tests/test_methods_lock.py`.
"""

import importlib


def raised(*methods: str, own: int = 1) -> dict[str, int]:
    """Return name -> VERSION of those that are above 1, as a part of a fingerprint.

    Args:
        methods: Files of `tasks/methods`, such as `quality`; of another room with its name, such as `spine.pool`.
        own: The VERSION of the stage itself, where its fingerprint does not hold it otherwise.
    """
    versions = {name: _version(name if "." in name else f"methods.{name}") for name in sorted(set(methods))}
    return {name: version for name, version in ({"own": own} | versions).items() if version > 1}


def _version(name: str) -> int:
    return importlib.import_module(f"wellspring.tasks.{name}").VERSION
