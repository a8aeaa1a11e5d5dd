"""The systems of the papers: which of them a file is, and how many README says there are."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
SYSTEMS = (ROOT / "tests" / "data" / "systems.txt").read_text(encoding="utf-8").splitlines()


def built() -> dict[tuple[str, str], str]:
    """Return the systems that each file of a room says it is, by place and name; what is beside the papers is none."""
    found: dict[tuple[str, str], str] = {}
    for room in ("recipes", "judges", "methods", "io", "bench"):  # some are tests, and are run as such
        for path in sorted((ROOT / ("tests" if room == "bench" else "tasks") / room).rglob("*.py")):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SYSTEM":
                    said = ast.literal_eval(node.value)
                    names = said if isinstance(said, tuple) else (said,)
                    found |= {(f"{room}/{path.stem}", name): name for name in names if name}
    return found


def test_each_file_names_a_system_as_the_list_has_it() -> None:
    assert len({*SYSTEMS}) == len(SYSTEMS) == 99
    assert ("judges/varco_arena", "Varco Arena") in built()
    assert {place: name for place, name in built().items() if name not in SYSTEMS} == {}


def test_readme_says_how_many_there_are() -> None:
    said = re.findall(r"(\d+) of (\d+) systems of the papers", (ROOT / "README.md").read_text(encoding="utf-8"))

    assert said == [(str(len({*built().values()})), str(len(SYSTEMS)))]
