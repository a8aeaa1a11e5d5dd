"""Cases of a program that takes instructions: a scripted model for which each that comes is the next case."""

import re
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from types import ModuleType
from typing import Any

from tests.program_runs import Made, answering, of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]


def fenced(body: dict[str, Any], name: str) -> list[str]:
    """Return the texts that stand in a request between fences of a name."""
    said = "\n".join(message["content"] for message in body["messages"])
    return [text for _, text in re.findall(rf"<{name} (\w+)>\n(.*?)\n</{name} \1>", said, re.DOTALL)]


def draw(body: dict[str, Any]) -> int:
    """Return which draw a request is."""
    return body["seed"] % 7919


class Cases:
    """A model that says for each case what a function of case, heading and request says.

    A heading is empty where plain text is asked for. Instructions beyond the cases are of the last one.
    """

    def __init__(self, cases: Sequence[str], say: Callable[[str, str, dict[str, Any]], str | None]) -> None:
        self._cases, self._say, self._lock = cases, say, threading.Lock()
        self._of, self.asked = dict[str, str](), Counter[tuple[str, str]]()

    def __call__(self, heading: str, body: dict[str, Any]) -> str | None:
        """Say what a request is answered with."""
        instruction = (fenced(body, "instruction") or [body["messages"][-1]["content"]])[0]
        with self._lock:
            place = min(len(self._of), len(self._cases) - 1)
            case = self._of.setdefault(instruction, self._cases[place])
            self.asked[case, heading] += 1
        return self._say(case, heading, body)

    def run(self, recipe: ModuleType, start: Start, settings: Callable[..., Settings], *knobs: str) -> Made:
        """Run a program on its six inputs with knobs such as `answers=2`; returns what it made."""
        name = recipe.__name__.rpartition(".")[2]
        with answering(name, self) as model:
            roles = {role: model.role(role) for role in recipe.ROLES}
            chosen = settings(*of_program(name, *(f"recipes.{name}.{one}" for one in knobs)), models=roles)
            return run_program(name, start, chosen)


def uses(made: Made) -> dict[str, str]:
    """Return what each response is for, by its text."""
    return {row["text"]: row["use"] for row in made["responses"]}


def pairs(made: Made) -> dict[tuple[str, str], float]:
    """Return the margin of each pair, by the texts of its sides; a side that is not there is an empty text."""
    texts = {"": ""} | {row["response_id"]: row["text"] for row in made["responses"]}
    return {(texts[row["chosen_id"]], texts[row["rejected_id"]]): row["margin"] for row in made["preferences"]}


def reasons(made: Made) -> list[str]:
    """Return the reasons of all refusals, in order."""
    return sorted(reason for _, reason in made.refused)
