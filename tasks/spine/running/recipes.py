"""Recipes and judges that are programs, by name (`contracts/plugins.py`): their prompts, their list and their knobs.

What a program file must hold is in `contracts/program.py`; here it is held to that before anything runs.
"""

import ast
import inspect
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources.abc import Traversable
from pathlib import Path
from types import ModuleType
from typing import Any

from pydantic import ValidationError

from wellspring.tasks.contracts import headings, parsing
from wellspring.tasks.contracts.answers import Answered
from wellspring.tasks.contracts.errors import UsageError, WellspringError
from wellspring.tasks.contracts.headings import Headings
from wellspring.tasks.contracts.plugins import JUDGING, RECIPES, Kind, texts
from wellspring.tasks.contracts.program import HOW, JUDGED, JUDGEMENTS, MAY, NOUNS, TAKEN
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import (
    InstructionsSettings,
    ModelsSettings,
    PoolSettings,
    Role,
    Section,
    Settings,
)
from wellspring.tasks.io import sandbox
from wellspring.tasks.io.storage.statements import statement
from wellspring.tasks.spine.running import blame

VIEWS = {"instructions": "made"}  # the view of what a program takes, where it is not called the same
_JUDGED = {  # likewise, of a judge
    "answered": "responses_by_instruction",
    "references": "responses_with_reference",
    "rubrics": "responses_with_rubric",
}
_ROLE = re.compile(r"[a-z][a-z0-9_]*")
_WANTED = ("SYSTEM", "PAPER", "VERSION", "TAKES", "MAKES", "ROLES", "most_calls", "program")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A program as a file holds it, with its knobs as the profile sets them."""

    name: str
    module: ModuleType
    headings: Headings
    knobs: Section
    own: Sequence[Mapping[str, Any]] = field(default=())
    kind: Kind = RECIPES
    players: Mapping[str, str] = field(default_factory=dict)  # role of the program -> the profile's role that plays it

    @property
    def roles(self) -> tuple[str, ...]:
        """Whom of the profile's roles it asks, the one that it asks most first."""
        return tuple(dict.fromkeys(self.players.values()))

    @property
    def is_judge(self) -> bool:
        """Whether it judges what others made."""
        return self.kind is JUDGING

    @property
    def takes(self) -> str:
        """The view that its inputs are rows of."""
        takes = str(self.module.TAKES)
        return (_JUDGED if self.is_judge else VIEWS).get(takes, takes)

    @property
    def may(self) -> frozenset[str]:
        """What its rows may do that others may not."""
        return frozenset(getattr(self.module, "MAY", ()))

    @property
    def is_of_page(self) -> bool:
        """Whether what it makes is made from the page that it is given."""
        return self.module.TAKES == "documents" and "leave_page" not in self.may

    @property
    def rounds(self) -> Sequence[int]:
        """The numbers of its rounds; 0 alone where no knob says how many there are."""
        knob = self._knob_of_rounds
        return range(1, getattr(self.knobs, knob) + 1) if knob else (0,)

    @property
    def _knob_of_rounds(self) -> str:
        return str(getattr(self.module, "ROUNDS", ""))

    @property
    def most_calls(self) -> int:
        """The most calls of one input."""
        return int(self.module.most_calls(self.knobs))

    @property
    def source(self) -> str:
        """The file's code."""
        return inspect.getsource(self.module)

    @property
    def written(self) -> str:
        """A digest of the file's code, where it is not ours: a lock holds ours to their VERSION."""
        is_ours = self.module.__name__.startswith(self.kind.room)
        return "" if is_ours else content_id("written", self.source)

    def fingerprint(self, settings: Settings, looks: Sequence[Any], versions: Mapping[str, int], *more: Any) -> str:
        """Return the identity of the rows that it makes.

        Args:
            settings: Of the run.
            looks: What else is decisive: how an input is shown, and what is looked at in what it makes.
            versions: Of the methods that do that, by name.
            more: Such as the number of a round.
        """
        kind, engines = "judge" if self.is_judge else "program", sandbox.identity(settings.verdicts)
        of = (self.identity(settings), *looks, settings.seed, engines, sorted(versions.items()))
        return content_id(kind, *of, *more)

    def identity(self, settings: Settings) -> dict[str, Any]:
        """Return what its rows depend on, but for the checks that look at them."""
        changed = self.knobs.model_dump(mode="json", exclude_defaults=True, exclude={self._knob_of_rounds})
        return {
            "name": self.name,
            "version": self.module.VERSION,
            "prompts": {heading.name: heading.digest for heading in self.headings.values()},
            "answers": {one.__name__: one.identity() for one in answers(self.module)},
            "knobs": changed,
            "asked": {role: settings.models.by_name[player].asked for role, player in self.players.items()},
            "view": content_id("view", statement(f"inputs/{self.takes}")[0]),
            "may": sorted(self.may),
            "own": content_id("own", list(self.own)) if self.own else "",
        }


class NoKnobs(Section):
    """The knobs of a program that has none."""


def answers(module: ModuleType) -> list[type[Answered]]:
    """Return the classes of answers that a program file defines, by name."""
    found = inspect.getmembers(module, lambda one: inspect.isclass(one) and issubclass(one, Answered))
    return [one for _, one in found if one.__module__ == module.__name__]


def names(settings: Settings | None = None) -> dict[str, str]:
    """Return every program that can be named, and where it is from: `ours`, a file, or an installed package."""
    return RECIPES.names(settings.plugins if settings else ())


def find(name: str, settings: Settings, kind: Kind = RECIPES) -> Recipe | None:
    """Return the program of this name with its knobs; None where there is none.

    Args:
        name: Of the program.
        settings: Whose plug-in folders and knobs count.
        kind: `RECIPES` or `JUDGING`.

    Raises:
        UsageError: Its file lacks something, or a knob is not as it should be.
    """
    if (loaded := _loaded(name, tuple(settings.plugins), kind)) is None:
        return None
    module, read, own = loaded
    set_to = knobs(f"recipes.{name}", module, settings)
    return Recipe(name, module, read, set_to, own, kind, _players(module, settings))


def _players(module: ModuleType, settings: Settings) -> dict[str, str]:
    """Return who plays each role: itself where the profile has it, else whom ROLE_OF names, else the generator."""
    known, instead = settings.models.by_name, getattr(module, "ROLE_OF", {})
    return {role: role if role in known else instead.get(role, "generator") for role in module.ROLES}


def _loadable(settings: Settings) -> Iterator[Recipe]:
    """Yield the programs of a profile; one that cannot be loaded is left out."""
    named = [(name, RECIPES) for name in settings.instructions.recipes]
    for name, kind in [*named, *((name, JUDGING) for name in settings.judges_of_marks)]:
        with suppress(UsageError):
            if program := find(name, settings, kind):
                yield program


def played(settings: Settings) -> list[str]:
    """Return which roles of programs are played by others, as people are told."""
    return [
        f"{role} of {one.name}: {player}"
        for one in _loadable(settings)
        for role, player in one.players.items()
        if role != player
    ]


def alike(settings: Settings) -> list[str]:
    """Return which programs have one model in two roles that their paper gives to two (`APART`), as people are told."""
    models = {name: role.model for name, role in settings.models.by_name.items()}
    return [
        f"{one.name} asks `{models[one.players[first]]}` as {first} and as {second}, and its paper two models: "
        f"set models.roles.{second}"
        for one in _loadable(settings)
        for first, second in getattr(one.module, "APART", ())
        if models[one.players[first]] == models[one.players[second]]
    ]


def room_of(name: str, settings: Settings) -> Kind:
    """Return the room that a program is of; one of a plug-in folder judges if it makes nothing else.

    Raises:
        UsageError: Its file cannot be loaded.
    """
    places = {kind: kind.names(settings.plugins).get(name) for kind in (JUDGING, RECIPES)}
    ours = [kind for kind, place in places.items() if place == "ours"]
    if ours or None in places.values():
        return ours[0] if ours else RECIPES if places[RECIPES] else JUDGING
    found = RECIPES.find(name, settings.plugins)
    makes = {*getattr(found[0], "MAKES", ())} if found else set[str]()
    return JUDGING if makes and makes <= {*JUDGEMENTS} else RECIPES


def plugged_in(settings: Settings) -> list[Recipe]:
    """Return the programs of a profile's folders and of packages; the stand-in knows their examples from now on.

    Raises:
        UsageError: A file lacks something, or a knob is not as it should be.
    """
    found = (find(name, settings) for name, where in names(settings).items() if where != "ours")
    return [one for one in found if one is not None]


def makes(settings: Settings, noun: str) -> bool:
    """Whether any recipe of a profile makes rows of a noun."""
    programs = [find(name, settings) for name in settings.instructions.recipes]
    return any(one is not None and noun in one.module.MAKES for one in programs)


def roles(settings: Settings) -> set[str]:
    """Return whom the programs of a profile ask; one that cannot be loaded asks nobody."""
    return {role for one in _loadable(settings) for role in one.roles}


def unknown(name: str, known: Sequence[str]) -> UsageError:
    """Return what is said of a recipe that nobody has."""
    said = RECIPES.unknown(name, known, "`wellspring recipes` lists those there are")
    is_other = name in texts(RECIPES.room)
    return UsageError(f"`{name}` writes no instructions", hint=said.hint) if is_other else said


@lru_cache(maxsize=256)
def _loaded(
    name: str, folders: tuple[str, ...], kind: Kind
) -> tuple[ModuleType, Headings, tuple[Mapping[str, Any], ...]] | None:
    found = kind.find(name, folders)
    is_method = found is not None and kind is JUDGING and hasattr(found[0], "CRITERIA")
    return None if found is None or is_method else _checked(name, *found, kind)


def _checked(
    name: str, module: ModuleType, folder: Traversable | Path, kind: Kind
) -> tuple[ModuleType, Headings, tuple[Mapping[str, Any], ...]]:
    """Return a program file with its prompts and its list, once it holds all that a program must.

    Raises:
        UsageError: It does not; the message names all that is missing or wrong.
    """
    faults = [f"it has no `{wanted}`" for wanted in _WANTED if not hasattr(module, wanted)]
    taken, nouns = (JUDGED, JUDGEMENTS) if kind is JUDGING else (TAKEN, NOUNS)
    if not faults:
        faults = [
            *(f"TAKES is `{module.TAKES}`, not {' or '.join(taken)}" for _ in [0] if module.TAKES not in taken),
            *(f"MAKES holds `{noun}`, which is none of {', '.join(nouns)}" for noun in {*module.MAKES} - {*nouns}),
            *(
                f"MAY holds `{one}`, which is none of {', '.join(MAY)}"
                for one in {*getattr(module, "MAY", ())} - {*MAY}
            ),
            *(["it takes the pool, and Knobs is no `PoolSettings`"] if _lacks_pool(module) else []),
            *(["MAKES is empty"] if not module.MAKES else []),
            *(["ROLES is empty"] if not module.ROLES else []),
            *_miscast(module),
            *(["`program` is no `async def`"] if not inspect.iscoroutinefunction(module.program) else []),
        ]
    if faults:
        raise UsageError(
            f"the {kind.word} `{name}` is not whole: {'; '.join(faults)}",
            hint="tasks/recipes/README.md shows what a program file holds",
        )
    read = headings.read(folder / f"{name}.md", name)
    if faults := list(_asked_wrongly(module, read)):
        raise UsageError(f"{name}.py does not fit {name}.md: {'; '.join(faults)}", hint="mend either of them")
    headings.register(name, read)
    blame.programs.add(str(Path(str(module.__file__)).absolute()))
    return module, read, tuple(_rows(folder / f"{name}.jsonl"))


def _miscast(module: ModuleType) -> Iterator[str]:
    """Yield what is wrong with the roles of a program: who plays them, and who is to be another."""
    plain = {name for name, field in ModelsSettings.model_fields.items() if field.annotation is Role}
    for role in module.ROLES:
        if role in {*ModelsSettings.model_fields} - plain or not _ROLE.fullmatch(role):
            yield f"ROLES holds `{role}`, which is no role of a program"
    for role, player in getattr(module, "ROLE_OF", {}).items():
        if role not in module.ROLES or player not in plain:
            yield f"ROLE_OF lets `{player}` play `{role}`: it is of ROLES, played by {', '.join(sorted(plain))}"
    for pair in getattr(module, "APART", ()):
        if not {*pair} <= {*module.ROLES}:
            yield f"APART holds {pair}, and ROLES does not"


def _lacks_pool(module: ModuleType) -> bool:
    return module.TAKES == "pool" and not issubclass(getattr(module, "Knobs", NoKnobs), PoolSettings)


def _asked_wrongly(module: ModuleType, read: Headings) -> Iterator[str]:
    """Yield where a program asks by a heading that is not there, or hands over fields that its prompt does not name."""
    for call in ast.walk(parsing.module(inspect.getsource(module))):
        heading = _heading(call) if isinstance(call, ast.Call) else None
        if heading is None or not isinstance(call, ast.Call):
            continue
        given = [keyword.arg for keyword in call.keywords if keyword.arg not in HOW]
        try:
            asked = read[heading]
            if None not in given:  # else it hands over what only a row says
                asked.render(**dict.fromkeys(filter(None, given), ""))
        except WellspringError as error:
            yield f"line {call.lineno}: {error.message}"


def _heading(call: ast.Call) -> str | None:
    """Return the heading of a call `ask("x", ...)` or `ask.draws(2, "x", ...)`, if it is written out there."""
    of = call.func
    place = 0 if isinstance(of, ast.Name) and of.id == "ask" else None
    if isinstance(of, ast.Attribute) and of.attr == "draws" and isinstance(of.value, ast.Name) and of.value.id == "ask":
        place = 1
    if place is None or len(call.args) <= place:
        return None
    said = call.args[place]
    return said.value if isinstance(said, ast.Constant) and isinstance(said.value, str) else None


def _rows(file: Traversable | Path) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of a program's list, with the line that each stands in.

    Raises:
        UsageError: A line is no JSON object.
    """
    if not file.is_file():
        return
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            said: Any = json.loads(line)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise UsageError(f"{file.name}:{number} is no JSON object", hint="a program's list has one on each line")
        yield {**said, "line": number}


def knobs(section: str, module: ModuleType, settings: Settings, shared: Section | None = None) -> Section:
    """Return the knobs of a file as the profile sets them.

    Args:
        section: Of the profile, such as `recipes.autoif`.
        module: The file.
        settings: With that section.
        shared: A section that says what knobs of its names are where theirs says nothing. By default that is
            `[instructions]`, for knobs that it is made of.

    Raises:
        UsageError: One is not there, or not as it should be.
    """
    of = getattr(module, "Knobs", NoKnobs)
    room, _, name = section.partition(".")
    try:
        if shared is None:
            shared = settings.instructions if issubclass(InstructionsSettings, of) else NoKnobs()
        told = shared.model_dump(include={*of.model_fields})
        return of(**told | getattr(settings, room).get(name, {}))
    except ValidationError as error:
        said = [f"`{section}.{'.'.join(map(str, one['loc']))}`: {one['msg']}" for one in error.errors()]
        known = ", ".join(of.model_fields) or "none"
        raise UsageError("\n".join(said), hint=f"knobs of {name}: {known}; its file describes them") from None
