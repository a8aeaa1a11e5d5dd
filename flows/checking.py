"""`check-plugin`: a program file is run on a small store with the stand-in, and what a program owes is looked at.

The runner, the store and the journal are the real ones, in a temporary folder. Each run has a journal of its own and,
where the file is not one of ours, a module of its own, as another process would have; the store is cleared between.
"""

import json
import os
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Literal

from wellspring.tasks import instructions, scores
from wellspring.tasks.contracts import settings as settings_
from wellspring.tasks.contracts.errors import BrokenError, TransientError, UsageError, WellspringError
from wellspring.tasks.contracts.plugins import JUDGING, RECIPES, Kind
from wellspring.tasks.contracts.program import NOUNS
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.io.models import trials
from wellspring.tasks.io.models.trials import Killed, Rows, TrialModels
from wellspring.tasks.spine.operations import reviewing, trial_inputs
from wellspring.tasks.spine.provenance import forgetting
from wellspring.tasks.spine.running import recipes, runs
from wellspring.tasks.spine.running.blame import METHOD_ERROR
from wellspring.tasks.spine.running.recipes import Recipe
from wellspring.tasks.spine.watching.counts import Counts

TIMES_ASKED = 10  # `most_calls` may be so many times what was asked
MEMORY = Path("/dev/shm")  # noqa: S108 - a trial need not outlive a power cut
_OFTEN = "it asks more than"  # what the runner says where an input asks more than `most_calls`

State = Literal["green", "red", "warning", "not run"]
Said = tuple[State, str]
GREEN: Said = ("green", "")
NOT_RUN: Said = ("not run", "")
OWN = "own"  # the store's own journal
_OF_AN_ID = ("notes", "rewrites", "instructions", "responses")  # nothing rests on a pair, a verdict or a score
LAST = ("replay", "forget")  # the store's rows and its own journal are one when the first input is forgotten


@dataclass(frozen=True, slots=True)
class Check:
    """What one check says: green, red, a warning, or not run since another one is red."""

    number: int
    name: str
    state: State
    said: str


@dataclass(slots=True)
class Calm:
    """What the program made when nothing was in its way, and of how many calls."""

    rows: Rows = field(default_factory=Rows)
    calls: int = 0
    asked: int = 0  # calls, and those that had the answer of another
    waves: int = 0


class Trial:
    """A program in its small store."""

    def __init__(self, run: runs.Run, name: str, file: Path | None, kind: Kind) -> None:
        """Take a run that holds the small store; `file` is the program's, unless it is ours or installed."""
        self.run, self.name, self.file, self.kind = run, name, file, kind
        self.settings, self.fingerprint, self.calm = run.settings, "", Calm()
        self.often = ""  # what was said of an input that asks more than `most_calls`
        self._copies = count()

    def go(self, journal: str, *, anew: bool = True, pick: Any = None, dies_after: int = 0, **changed: Any) -> Counts:
        """Run the program for all that is due.

        Args:
            journal: The name of its journal; the same is gone on with.
            anew: Take out first all that the program has written.
            pick: As `TrialModels` takes it.
            dies_after: As `TrialModels` takes it.
            changed: Settings.
        """
        if anew:
            trials.clear(self.run.store, self.fingerprint)
        run = self.run
        run.settings = self.settings.model_copy(update={"plugins": self.folders(), **changed})
        most = self.calm.asked * (self.calm.waves + 2)  # batch jobs have each call asked for again in each wave
        how: dict[str, Any] = {"pick": pick, "dies_after": dies_after, "most": most}
        models = TrialModels(run.settings, self.journal(journal), run.run_id, **how)
        run._models = models  # noqa: SLF001 - the one door that is swapped
        try:
            return (scores.judge if self.is_judge else instructions.synthesize)(run).counts
        finally:
            models.close()
            run._models = None  # noqa: SLF001 - as above

    @property
    def is_judge(self) -> bool:
        """Whether it judges what others made."""
        return self.kind is JUDGING

    def folders(self) -> tuple[str, ...]:
        """Return the plug-in folders of a run: what stands above, and a copy of the file that nobody has loaded."""
        above = self.run.store.path.parent / "above"
        if self.file is None:
            return (str(above), *self.settings.plugins)
        copy = self.run.store.path.parent / f"copy-{next(self._copies)}"
        copy.mkdir()
        for suffix in (".py", ".md", ".jsonl"):
            if (file := self.file.with_suffix(suffix)).is_file():
                shutil.copy(file, copy)
        return (str(above), str(copy))

    def loaded(self) -> Recipe:
        """Load the file.

        Raises:
            UsageError: It is not whole.
        """
        found = recipes.find(self.name, self.settings.model_copy(update={"plugins": self.folders()}), self.kind)
        if found is None:
            raise UsageError(f"`{self.name}` is no program file", hint="it has no `async def program`")
        return found

    def journal(self, name: str) -> Path:
        """Return the folder of a journal."""
        return self.run.store.path if name == OWN else self.run.store.path.parent / f"journal-{name}"

    def active(self) -> list[tuple[str, str]]:
        """Return fingerprint and name of what is in force."""
        return [
            (row[0], row[1])
            for row in self.run.store.query(
                "methods/active", stage="scores" if self.is_judge else "instructions"
            ).rows()
        ]

    def made(self) -> Rows:
        """Return what the program has written."""
        return trials.made(self.run.store, self.fingerprint)

    def same(self, what: str = "") -> Said:
        """Hold what is there against what was made when nothing was in the way."""
        found = _difference(self.calm.rows, self.made())
        return ("red", f"{what}{found}") if found else GREEN


def check(plugin: str, profile: str | None = None, overrides: list[str] | None = None) -> dict[str, Any]:
    """Check a program file.

    Args:
        plugin: The file, or its name.
        profile: Whose plug-in folders and knobs count; nothing else of it does.
        overrides: Settings as `key=value`, such as knobs of the program.

    Returns:
        `name`, `file`, `checks` (each with number, name, state and what is said), `is_sound`, `calls`, `seconds`.

    Raises:
        UsageError: There is no such file or program.
    """
    began = time.monotonic()
    given = settings_.load(profile, overrides or [])
    name, file = _found(plugin, given)
    wanted = [f'instructions.recipes=["{trial_inputs.ABOVE}"]', "pages.show_values=false"]
    chosen = settings_.load(None, wanted, environment={}, extra={"embeddings": {"embedder": "hashing"}})
    place = str(MEMORY) if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="wellspring-check-", dir=place) as folder:
        store = Path(folder) / "ws"
        trial_inputs.put_above(Path(folder) / "above")
        chosen = chosen.model_copy(update={"plugins": (str(Path(folder) / "above"),), "recipes": given.recipes})
        with runs.start("check-plugin", chosen, store, quiet=True, has_readers=False) as run:
            is_judge = recipes.room_of(name, _beside(given, file)) is JUDGING
            trial_inputs.fill(run)
            instructions.synthesize(run)
            trial_inputs.give(run)
            if is_judge:
                trial_inputs.give_answers(run)
            run.close()
            order = chosen.instructions.model_copy(update={"recipes": (trial_inputs.ABOVE, *([name] * (not is_judge)))})
            judges = chosen.scores.model_copy(update={"judges": (name,) * is_judge})
            run.settings = chosen.model_copy(update={"instructions": order, "scores": judges, "plugins": given.plugins})
            trial = Trial(run, name, file, JUDGING if is_judge else RECIPES)
            checks = _checked(trial, Path(folder))
    facts: dict[str, Any] = {"name": name, "file": str(file or name), "checks": [asdict(one) for one in checks]}
    facts |= {"is_sound": all(one.state in {"green", "warning"} for one in checks), "calls": trial.calm.calls}
    return facts | {"seconds": round(time.monotonic() - began, 2)}


def _beside(given: Settings, file: Path | None) -> Settings:
    """Return the settings with the folder of a file among those of plug-ins."""
    folders = (*given.plugins, *([] if file is None else [str(file.parent)]))
    return given.model_copy(update={"plugins": folders})


def _found(plugin: str, given: Settings) -> tuple[str, Path | None]:
    """Return the name of a program, and its file where it is neither ours nor installed.

    Raises:
        UsageError: There is none.
    """
    known = recipes.names(given) | JUDGING.names(given.plugins)
    if not plugin.endswith(".py"):
        if plugin not in known:
            raise recipes.unknown(plugin, list(known))
        file = Path(known[plugin])
        return plugin, file if file.is_file() else None
    file = Path(plugin).absolute()
    if not file.is_file():
        raise UsageError(f"{plugin} is not there", hint="give the path of a program file, or the name of one")
    if known.get(file.stem) != "ours":
        return file.stem, file
    rooms = [Path(instructions.__file__).parent / room / file.name for room in ("recipes", "judges")]
    if file.resolve() not in [one.resolve() for one in rooms]:
        raise UsageError(f"there is a program `{file.stem}` of ours already", hint="give the file another name")
    return file.stem, None


def _checked(trial: Trial, folder: Path) -> list[Check]:
    found = dict.fromkeys(CHECKS, NOT_RUN)
    for name in (*(name for name in CHECKS if name not in LAST), *LAST):
        if any(found[one][0] in {"red", "not run"} for one in _needed(name)):
            continue
        try:
            found[name] = CHECKS[name](trial)
        except WellspringError as error:
            found[name] = ("red", error.message)
    return [Check(n, name, state, _as_named(said, folder)) for n, (name, (state, said)) in enumerate(found.items(), 1)]


def _needed(name: str) -> tuple[str, ...]:
    """Return the checks without which another says nothing."""
    if name in {"whole", "runs", "determinism"}:
        return ("whole",) * (name != "whole")
    first = ("whole", "runs", "most_calls", "twice")
    return first[: first.index(name)] if name in first else first


def _as_named(said: str, folder: Path) -> str:
    """Say paths of the copies as the file's own."""
    for copy in sorted(folder.glob("copy-*")):
        said = said.replace(f"{copy}/", "")
    return " ".join(said.split())[:500]


# The checks, in the order in which they are told


def _whole(trial: Trial) -> Said:
    return _first(reviewing.unread_examples(trial.loaded()))


def _runs(trial: Trial) -> Said:
    try:
        counts = trial.go(OWN)
    except BrokenError as error:
        if _OFTEN not in error.message:
            raise
        trial.often = error.message
        return GREEN  # the next check is red
    [trial.fingerprint] = [print_ for print_, name in trial.active() if name == trial.name]
    rows, recipe = trial.made(), trial.loaded()
    trial.calm = Calm(rows, counts.calls, counts.calls + counts.cached_calls, trial.run.conducted[-1].waves)
    for row in rows["rejections"]:
        if _OFTEN in row["detail"]:
            trial.often = row["detail"]
        elif row["reason"] == METHOD_ERROR:
            return "red", f"an input ends in an exception: {row['detail']}"
        elif not row["reason"]:
            return "red", f"{row['input_id']} is refused without a reason"
    inputs = trial_inputs.inputs(trial.run, recipe.takes, trial.fingerprint)
    if left := inputs - {row["input_id"] for row in rows["settled"]}:
        return "red", f"{len(left)} of {len(inputs)} inputs are not settled"
    missing = [noun for noun in recipe.module.MAKES if not rows[noun]]
    if missing and not trial.often:
        return "red", f"MAKES names {', '.join(missing)}, and none was made: {_reasons(rows)}"
    return GREEN


def _reasons(rows: Rows) -> str:
    reasons = sorted({row["reason"] for row in rows["rejections"]})
    return f"refused for {', '.join(reasons)}" if reasons else "nothing was refused"


def _most_calls(trial: Trial) -> Said:
    if trial.often:
        return "red", trial.often
    most = trial.loaded().most_calls
    asked = max(row["calls"] for row in trial.calm.rows["settled"])
    if most > TIMES_ASKED * max(asked, 1):
        return "warning", f"`most_calls` says {most}, and no input asked more than {asked}"
    return GREEN


def _twice(trial: Trial) -> Said:
    counts = trial.go(OWN, anew=False)
    if trial.fingerprint not in {print_ for print_, _ in trial.active()}:
        return "red", "its identity is another one each time that it is loaded: VERSION, knobs, prompts or answers"
    if asked := counts.calls + counts.cached_calls:
        return "red", f"a second run asks {asked} calls"
    return trial.same("a second run writes: ")


def _shuffled(trial: Trial) -> Said:
    if (said := _first(reviewing.unordered(trial.loaded()))) != GREEN:
        return said
    orders: dict[str, Callable[[int], int]] = {
        "the last first": lambda waiting: waiting - 1,
        "a mixed order": random.Random(1).randrange,  # noqa: S311 - the same each time
    }
    for name, pick in orders.items():
        trial.go(f"shuffled {name}", pick=pick)
        if (said := trial.same(f"answers in another order ({name}): ")) != GREEN:
            return said
    return GREEN


def _crash(trial: Trial) -> Said:
    """Kill it at its first call, go on, kill it in the middle, go on, kill it at the last but one, and go on."""
    calls, before = trial.calm.calls, 0
    for number in sorted({1, (calls + 1) // 2, calls - 1} & {*range(1, calls + 1)}):
        try:
            trial.go("crash", dies_after=number - before)
        except Killed:
            before = number
        else:
            return "red", f"it was to be killed at call {number} of {calls}, and asks less"
    where = f"killed up to call {before} of {calls}, and gone on with: "
    sent = before + trial.go("crash").calls
    if (said := trial.same(where)) != GREEN:
        return said
    return ("red", f"{where}{sent} calls are sent, not {calls}") if sent != calls else GREEN


def _replay(trial: Trial) -> Said:
    counts = trial.go(OWN, replay=True)
    if counts.calls:
        return "red", f"made anew from its journal: {counts.calls} calls are sent"
    return trial.same("made anew from its journal: ")


def _batch(trial: Trial) -> Said:
    roles = trial.loaded().roles
    models = trial.settings.models
    how = {"mode": "batch", "batch_poll_seconds": 0.01, "batch_wait_seconds": 5.0}
    update = {role: models.by_name[role].model_copy(update=how) for role in roles}
    trial.go("batch", models=models.model_copy(update=update))
    if (said := trial.same("by batch jobs: ")) != GREEN:
        return said
    jobs, waves = trials.jobs(trial.journal("batch")), trial.calm.waves
    if jobs > waves * len({*roles}):
        return "red", f"{jobs} batch jobs for {waves} waves of calls"
    return GREEN


def _budget(trial: Trial) -> Said:
    half = trial.calm.calls // 2
    if not half:
        return GREEN
    budget = trial.settings.budget.model_copy(update={"max_calls": half})
    try:
        trial.go("budget", budget=budget)
    except TransientError:
        trial.go("budget", anew=False)
        return trial.same(f"stopped after {half} calls, and gone on with: ")
    return "red", f"a budget of {half} calls does not stop it"


def _answers(trial: Trial) -> Said:
    uses = {row["response_id"]: row["use"] for row in trial.calm.rows["responses"]}
    for row in trial.calm.rows["preferences"]:
        if uses.get(row["rejected_id"]) == "answer":
            said = f"{row['rejected_id']} is the rejected side of a pair ({row['kind']}), and of use `answer`"
            return "red", f'{said}: make it with use="rejected"'
    return GREEN


def _audits(trial: Trial) -> Said:
    """Hold what it made against the suites of its tables, as a build does before it goes on."""
    from wellspring.tasks.io import suites

    store = trial.run.store
    makes: tuple[str, ...] = trial.loaded().module.MAKES
    for noun in sorted({*makes, *["notes"] * trial.is_judge}):  # a group of answers is a note
        if not store.count(f"{noun}/unpublished"):
            continue
        rows = store.query(f"{noun}/unpublished")
        for one in suites.check(noun, iter([rows]), store, trial.run.run_id, trial.fingerprint):
            if not one.success and one.severity == "fail":
                return (
                    "red",
                    f"{noun}: {one.column_name or 'table'}, {one.unexpected} of {one.evaluated} rows: {one.notes}",
                )
    return GREEN


def _forget(trial: Trial) -> Said:
    recipe, rows = trial.loaded(), trial.calm.rows
    fruitful = [row["input_id"] for row in rows["settled"] if row["made"]]
    first = min(fruitful or [row["input_id"] for row in rows["settled"]])
    by, gone, beginning = trial_inputs.forgotten_by(trial.run, recipe.module.TAKES, recipe.takes, first)
    forgetting.forget(trial.run.store, **by)  # pyright: ignore[reportArgumentType] - one of three texts
    lost, after, said = _resting_on(rows, gone | {first}), trial.made(), "the first input is forgotten, and "
    for table in (*NOUNS, "settled", "steps"):
        for row in after[table]:
            if lost & {*_ids(row)}:
                return "red", f"{said}a row of {table} that rests on it stays: {_told(row)}"
            words = (beginning, json.dumps(beginning, ensure_ascii=False)[1:-1])  # the latter in a note
            if any(one in str(value) for one in words for value in row.values()):
                return "red", f"{said}a row of {table} that does not name it has its words: {_told(row)}"
    for table in NOUNS:
        for row in rows[table]:
            if not lost & {*_ids(row)} and row not in after[table]:
                return "red", f"{said}another's row of {table} is gone: {_told(row)}"
    return GREEN


def _resting_on(rows: Rows, gone: set[str]) -> set[str]:
    """Return the ids of all that rests on some, directly or not."""
    named = [(str(next(iter(row.values()))), {*_ids(row)}) for noun in _OF_AN_ID for row in rows[noun]]
    size = -1
    while size != len(gone):
        size = len(gone)
        gone = gone | {own for own, of in named if gone & of}
    return gone


def _ids(row: Mapping[str, Any]) -> list[str]:
    found = list[str]()
    for name, value in row.items():
        if name.endswith("_id") and name != "completion_id":
            found.append(str(value))
        elif name.endswith("_ids"):
            found += map(str, value or ())
    return found


def _determinism(trial: Trial) -> Said:
    return _first(reviewing.undetermined(trial.loaded()))


def _first(findings: Any) -> Said:
    found = next(iter(findings), "")
    return ("red", found) if found else GREEN


def _difference(one: Rows, other: Rows) -> str:
    """Return the first difference of two sets of rows, or nothing."""
    for table in trials.KEPT:
        if len(one[table]) != len(other[table]):
            return f"{len(other[table])} rows of {table}, not {len(one[table])}"
        for row, another in zip(one[table], other[table], strict=True):
            for name, value in row.items():
                if value != another[name]:
                    return f"`{name}` of a row of {table} is {_short(another[name])}, not {_short(value)}"
    return ""


def _short(value: Any) -> str:
    return repr(value)[:80]


def _told(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {str(value)[:40]}" for name, value in list(row.items())[:3])


CHECKS: dict[str, Callable[[Trial], Said]] = {
    "whole": _whole,
    "runs": _runs,
    "most_calls": _most_calls,
    "twice": _twice,
    "shuffled": _shuffled,
    "crash": _crash,
    "replay": _replay,
    "batch": _batch,
    "budget": _budget,
    "forget": _forget,
    "determinism": _determinism,
    "answers": _answers,
    "audits": _audits,
}
