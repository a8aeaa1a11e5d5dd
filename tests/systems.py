"""The systems of the papers: which files are one, and README's count of them: `python -m tests.systems` writes it."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
SYSTEMS = (ROOT / "tests" / "data" / "systems.txt").read_text(encoding="utf-8").splitlines()
_COUNT = re.compile(r"\d+ of \d+ systems of the papers")


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


def counted(readme: str) -> str:
    """Return README with the count as it is."""
    return _COUNT.sub(f"{len({*built().values()})} of {len(SYSTEMS)} systems of the papers", readme)


if __name__ == "__main__":
    README.write_text(counted(README.read_text(encoding="utf-8")), encoding="utf-8")
