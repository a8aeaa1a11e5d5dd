"""Kinds of plug-ins, looked up by name: in their room, then in the profile's folders, then in installed packages.

A kind is a room of ours and a group of entry points. A plug-in is a file `x.py`, of a prompted kind with its prompts
`x.md` beside it; no list names it. What a file of a kind must hold, its kind says.
"""

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from importlib import metadata, resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.records import content_id

Function = TypeVar("Function", bound=Callable[..., Any])


class Ours(dict[str, Function]):
    """Functions of ours by name, for a kind without prompts; each enters itself (`resting_on`).

    Attributes:
        uses: Name -> the methods that it rests on, also of those that no function of the file decides.
    """

    def __init__(self, elsewhere: Mapping[str, tuple[str, ...]] | None = None) -> None:
        """Begin with none; `elsewhere` names what another file decides, and the methods that it rests on."""
        super().__init__()
        self.uses = dict(elsewhere or {})

    def resting_on(self, *methods: str) -> Callable[[Function], Function]:
        """Return what enters a function under its own name; `methods` are those that decide what it says."""

        def enter(function: Function) -> Function:
            name = function.__name__.removeprefix("_")
            self[name], self.uses[name] = function, methods
            return function

        return enter

    def methods(self, names: Iterable[str]) -> set[str]:
        """Return the methods that those of ours among `names` rest on."""
        return {method for name in names for method in self.uses.get(name, ())}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of plug-in.

    Attributes:
        word: What one is called.
        room: The package of ours; of most kinds without prompts the module whose `OURS` holds them.
        group: Of entry points.
        mark: What stands in each file of this kind, and in no other file of the room.
        function: Of a kind without prompts, what a plug-in holds beside its `VERSION`. It takes two things;
            of a form one (`methods/datasets/own_forms.py`).
    """

    word: str
    room: str
    group: str
    mark: str
    function: str = ""

    def names(self, folders: Sequence[str] = ()) -> dict[str, str]:
        """Return each that can be named, and where it is from: `ours`, a file, or what an installed package names."""
        found = dict.fromkeys(self._ours(), "ours")
        for folder in folders:
            found = {name: str(path) for name, path in self._in_folder(folder).items()} | found
        return {one.name: one.value for one in self._installed()} | found

    def find(self, name: str, folders: Sequence[str] = ()) -> tuple[ModuleType, Traversable | Path] | None:
        """Return the module of this name, and the folder that its other files are in; None where there is none.

        Raises:
            UsageError: A folder is not there, or a file cannot be loaded.
        """
        if name in self._ours():
            return importlib.import_module(f"{self.room}.{name}"), resources.files(self.room)
        return self._plugin(name, folders)

    def with_all(
        self, name: str, wanted: Sequence[str], folders: Sequence[str] = ()
    ) -> tuple[ModuleType, Traversable | Path] | None:
        """Return what `find` does, of a prompted kind, once it holds all of `wanted`.

        Raises:
            UsageError: It does not, a folder is not there, or a file cannot be loaded.
        """
        found = self.find(name, folders)
        if found and (lacking := [one for one in wanted if not hasattr(found[0], one)]):
            raise UsageError(
                f"the {self.word} `{name}` is not whole: it has no {', '.join(f'`{one}`' for one in lacking)}",
                hint=f"{self._page} shows what such a file holds",
            )
        return found

    def theirs(self, name: str, folders: Sequence[str] = (), also: Sequence[str] = ()) -> ModuleType:
        """Return a plug-in of a kind without prompts.

        Args:
            name: Of the plug-in; none of ours.
            folders: Where it may be.
            also: Other names that may stand where this one does.

        Raises:
            UsageError: There is none, a folder is not there, or its file is not whole.
        """
        return self._whole(name, self._plugin(name, folders), [*self.names(folders), *also])

    def whole(self, name: str, folders: Sequence[str] = ()) -> ModuleType:
        """Return one of a kind without prompts that has a file for each: ours, or a plug-in.

        Raises:
            UsageError: There is none, a folder is not there, or its file is not whole.
        """
        found = self.find(name, folders)
        return self._whole(name, found, [] if found else [*self.names(folders)])

    def _whole(self, name: str, found: tuple[ModuleType, Any] | None, known: Sequence[str]) -> ModuleType:
        if found is None:
            raise self.unknown(name, known, f"there are: {', '.join(known)}")
        if lacking := self._lacking(found[0]):
            raise UsageError(
                f"{found[0].__file__} is no whole {self.word}: {lacking}",
                hint=f"{self._page} shows what such a file holds",
            )
        return found[0]

    @property
    def _page(self) -> str:
        return f"{'/'.join(self.room.split('.')[1:3])}/README.md"

    def _lacking(self, module: ModuleType) -> str:
        """Return what is wrong with a plug-in of a kind without prompts."""
        if not isinstance(getattr(module, "VERSION", None), int):
            return "it has no `VERSION` that is a whole number"
        function = getattr(module, self.function, None)
        if not callable(function):
            return f"it has no function `{self.function}`"
        try:
            inspect.signature(function).bind(None, None)
        except TypeError:
            return f"`{self.function}` does not take two things"
        return ""

    def _ours(self) -> Iterable[str]:
        ours = getattr(importlib.import_module(self.room), "OURS", None) if self.function else None
        if ours is not None:
            return getattr(ours, "uses", ours)
        return [name for name, text in texts(self.room).items() if self.mark in text]

    def _plugin(self, name: str, folders: Sequence[str]) -> tuple[ModuleType, Path] | None:
        for folder in folders:
            if path := self._in_folder(folder).get(name):
                return _from_file(path), path.parent
        for point in self._installed():
            if point.name == name:
                module = _from_package(self.word, point)
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
        files = [one for one in sorted(Path(folder).glob("*.py")) if self.function or one.with_suffix(".md").is_file()]
        return {path.stem: path for path in files if self.mark in f"\n{path.read_text(encoding='utf-8')}"}

    def _installed(self) -> Iterator[metadata.EntryPoint]:
        folders = [Path(place) for place in sys.path]
        places = tuple((str(folder), folder.stat().st_mtime_ns) for folder in folders if folder.is_dir())
        yield from _of_group(places, self.group)


RECIPES = Kind("recipe", "wellspring.tasks.recipes", "wellspring.recipes", "def program(")
JUDGES = Kind("judge", "wellspring.tasks.judges", "wellspring.judges", "\nCRITERIA")
JUDGING = Kind("judge", "wellspring.tasks.judges", "wellspring.judges", "def program(")  # judges that are programs
CHECKS = Kind("check", "wellspring.tasks.methods.answers.checks", "wellspring.checks", "\ndef check(", "check")
WAYS = Kind("way to select", "wellspring.tasks.methods.vectors.choices", "wellspring.ways", "\ndef choose(", "choose")
ANSWERS = Kind("way to answer", "wellspring.tasks.recipes", "wellspring.answers", '\nANSWERS = "instructions"')
PAIRINGS = Kind("way to pair", "wellspring.tasks.methods.answers.pairs", "wellspring.pairings", "\ndef pair(", "pair")
FORMATS = Kind("format of files", "wellspring.tasks.io.formats", "wellspring.formats", "\ndef records(", "records")
SETS = Kind("method over sets", "wellspring.tasks.methods.sets", "wellspring.sets", "\ndef scores(", "scores")
FORMS = Kind("form", "wellspring.tasks.methods.datasets.formats", "wellspring.forms", "\nOF = ", "lines")


@lru_cache(maxsize=1)
def _entry_points(_places: tuple[tuple[str, int], ...]) -> Any:  # what it is changes with the version of Python
    """Read what all packages name, once for these places as they stand: one that comes or goes touches its place."""
    return metadata.entry_points()


@lru_cache(maxsize=16)
def _of_group(places: tuple[tuple[str, int], ...], group: str) -> tuple[metadata.EntryPoint, ...]:
    return tuple(_entry_points(places).select(group=group))


@cache
def texts(room: str) -> dict[str, str]:
    """Return the text of each file of a room, by name."""
    files = (one for one in resources.files(room).iterdir() if one.name.endswith(".py"))
    return {one.name[:-3]: one.read_text(encoding="utf-8") for one in sorted(files, key=lambda one: one.name)}


def _from_package(word: str, point: metadata.EntryPoint) -> ModuleType:
    """Load the module that an installed package names.

    Raises:
        UsageError: It cannot be loaded.
    """
    try:
        return importlib.import_module(point.module)
    except Exception as error:
        package = point.dist.name if point.dist else point.module.partition(".")[0]
        raise UsageError(
            f"the {word} `{point.name}` of the package {package} cannot be loaded: {type(error).__name__}: {error}",
            hint=f"mend or reinstall {package}, or uninstall it",
        ) from error


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
