"""The systems of the papers: which of them a file is, and how many README says there are."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
SYSTEMS = (ROOT / "tests" / "data" / "systems.txt").read_text(encoding="utf-8").splitlines()


def built() -> dict[str, str]:
    """Return the system that each file of a room says it is, by the file's place; what is beside the papers is none."""
    found: dict[str, str] = {}
    for room in ("recipes", "judges", "methods"):
        for path in sorted((ROOT / "tasks" / room).rglob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SYSTEM":
                    found[f"{room}/{path.stem}"] = ast.literal_eval(node.value)
    return {place: name for place, name in found.items() if name}


def test_each_file_names_a_system_as_the_list_has_it() -> None:
    assert len({*SYSTEMS}) == len(SYSTEMS) == 99
    assert built()["judges/varco_arena"] == "Varco Arena"
    assert {place: name for place, name in built().items() if name not in SYSTEMS} == {}


def test_readme_says_how_many_there_are() -> None:
    said = re.findall(r"(\d+) of (\d+) systems of the papers", (ROOT / "README.md").read_text(encoding="utf-8"))

    assert said == [(str(len({*built().values()})), str(len(SYSTEMS)))]
