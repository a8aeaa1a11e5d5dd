"""Kinds of plug-ins, looked up by name: in their room, then in the profile's folders, then in installed packages.

A kind is a room of ours and a group of entry points. A plug-in is a file `x.py` with its prompts `x.md` beside it; no
list names it. What a file of a kind must hold, its kind says.
"""

import importlib
import importlib.util
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import ModuleType

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.records import content_id


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of plug-in.

    Attributes:
        word: What one is called.
        room: The package of ours.
        group: Of entry points.
        mark: What stands in each file of this kind, and in no other file of the room.
    """

    word: str
    room: str
    group: str
    mark: str

    def names(self, folders: Sequence[str] = ()) -> dict[str, str]:
        """Return each that can be named, and where it is from: `ours`, a file, or what an installed package names."""
        found = dict.fromkeys((name for name, text in texts(self.room).items() if self.mark in text), "ours")
        for folder in folders:
            found = {name: str(path) for name, path in self._in_folder(folder).items()} | found
        return {one.name: one.value for one in self._installed()} | found

    def find(self, name: str, folders: Sequence[str] = ()) -> tuple[ModuleType, Traversable | Path] | None:
        """Return the module of this name, and the folder that its other files are in; None where there is none.

        Raises:
            UsageError: A folder is not there, or a file cannot be loaded.
        """
        if self.mark in texts(self.room).get(name, ""):
            return importlib.import_module(f"{self.room}.{name}"), resources.files(self.room)
        for folder in folders:
            if path := self._in_folder(folder).get(name):
                return _from_file(path), path.parent
        for point in self._installed():
            if point.name == name:
                module = importlib.import_module(point.module)
                return module, Path(str(module.__file__)).parent
        return None

    def unknown(self, name: str, known: Sequence[str], hint: str) -> UsageError:
        """Return what is said of one that nobody has; `hint` names the way to those that there are."""
        near = get_close_matches(name, known, n=2, cutoff=0.5)
        guess = f"did you mean {' or '.join(near)}? " if near else ""
        return UsageError(
            f"there is no {self.word} `{name}`",
            hint=f"{guess}{hint}; a file of your own is found where `plugins` names its folder",
        )

    def _in_folder(self, folder: str) -> dict[str, Path]:
        if not Path(folder).is_dir():
            raise UsageError(f"the plug-in folder {folder} is not there", hint="mend `plugins` in the profile")
        files = (path for path in sorted(Path(folder).glob("*.py")) if path.with_suffix(".md").is_file())
        return {path.stem: path for path in files if self.mark in f"\n{path.read_text(encoding='utf-8')}"}

    def _installed(self) -> Iterator[metadata.EntryPoint]:
        yield from metadata.entry_points(group=self.group)


RECIPES = Kind("recipe", "wellspring.tasks.recipes", "wellspring.recipes", "def program(")
JUDGES = Kind("judge", "wellspring.tasks.judges", "wellspring.judges", "\nCRITERIA")


@cache
def texts(room: str) -> dict[str, str]:
    """Return the text of each file of a room, by name."""
    files = (one for one in resources.files(room).iterdir() if one.name.endswith(".py"))
    return {one.name[:-3]: one.read_text(encoding="utf-8") for one in sorted(files, key=lambda one: one.name)}


def _from_file(path: Path) -> ModuleType:
    """Load a file of a plug-in folder as a module of its own.

    Raises:
        UsageError: It cannot be loaded.
    """
    name = f"wellspring_plugin_{content_id(str(path.absolute()))}_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} cannot be loaded", hint="a plug-in is a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        where = f" in line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise UsageError(
            f"{path} cannot be loaded: {type(error).__name__}{where}: {error}", hint="mend the file, and start again"
        ) from error
    return module
