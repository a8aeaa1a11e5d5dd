"""Rules of the house that no linter knows."""

import ast
import importlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from wellspring.tasks.contracts import records
from wellspring.tasks.contracts.plugins import JUDGING
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.contracts.stages import STAGES
from wellspring.tasks.spine.running import recipes

ROOT = Path(__file__).parents[1]
NOUNS = sorted(p.stem for p in (ROOT / "tasks").glob("*.py") if p.stem != "__init__")
QUERIES = sorted((ROOT / "sql").rglob("*.sql"))
UPGRADES = sorted((ROOT / "sql" / "upgrades").glob("*/*.sql"))  # one commit each, of as many statements as it takes
METHODS = sorted(
    p for room in ("recipes", "judges") for p in (ROOT / "tasks" / room).glob("*.py") if p.stem != "__init__"
)
MODULES = sorted(p for room in ("flows", "tasks", "expectations") for p in (ROOT / room).rglob("*.py"))
FORBIDDEN_NAMES = {"utils", "helpers", "common", "base", "core", "misc"}
DOORS = {
    "duckdb": (
        "storage/store.py",
        "storage/page_tables.py",
        "database_files.py",
    ),  # the second opens nothing but tables of a page, the third reads a table that a corpus names
    "sqlite3": ("storage/journal_file.py",),
    "faiss": ("vectors/index.py",),
    "bm25s": ("vectors/keywords.py",),
    "great_expectations": ("suites.py",),
    "fastwarc": ("corpora/streams.py",),
}


def tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return listed.stdout.splitlines()


def test_the_top_level_holds_what_the_card_allows_and_nothing_else() -> None:
    allowed = {"pyproject.toml", "README.md", "flows", "tasks", "sql", "expectations", "tests", "deployments"}

    top = {path.split("/")[0] for path in tracked()}

    assert {name for name in top if not name.startswith(".")} <= allowed


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_has_its_rooms(noun: str) -> None:
    assert noun in STAGES
    assert (ROOT / "sql" / noun / "table.sql").is_file()
    assert (ROOT / "tests" / f"test_{noun}.py").is_file()
    assert (ROOT / "expectations" / f"{noun}.py").is_file()


@pytest.mark.parametrize("table", sorted(records.TABLES))
def test_a_table_has_the_columns_of_its_record_in_their_order(table: str) -> None:
    text = (ROOT / "sql" / table / "table.sql").read_text(encoding="utf-8")

    columns = re.findall(r"(?m)^    ([a-z_0-9]+) [A-Z]", text)

    assert columns == records.schema(table).names


@pytest.mark.parametrize("query", QUERIES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_a_query_opens_with_a_sentence_then_owner_grain_and_params(query: Path) -> None:
    lines = query.read_text(encoding="utf-8").splitlines()

    header = [line for line in lines if line.startswith("--")]
    declared = set(re.findall(r"\$([a-z_]+)", next((h for h in header if h.startswith("-- params:")), "")))
    used = set(re.findall(r"\$([a-z_]+)", "\n".join(line for line in lines if not line.startswith("--"))))
    owner = next((h.removeprefix("-- owner:").strip() for h in header if h.startswith("-- owner:")), "")

    assert lines[0].startswith("-- ")
    assert (ROOT / owner).is_file(), f"{owner} is no file"
    assert any(h.startswith("-- grain:") for h in header)
    assert declared == used


@pytest.mark.parametrize("query", sorted(set(QUERIES) - set(UPGRADES)), ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_a_query_file_is_one_statement_that_ends_once(query: Path) -> None:
    body = "\n".join(line.split("--")[0] for line in query.read_text(encoding="utf-8").splitlines())

    assert body.count(";") == 1
    assert body.rstrip().endswith(";")


@pytest.mark.parametrize("what", ["store", "journal"])
def test_upgrades_are_numbered_without_a_gap_and_each_is_one_file(what: str) -> None:
    names = [path.name for path in UPGRADES if path.parent.name == what]

    numbers = [int(re.fullmatch(r"([0-9]{4})_[a-z_]+\.sql", name)[1]) for name in names]  # pyright: ignore[reportOptionalSubscript]

    assert numbers == list(range(1, len(names) + 1))


@pytest.mark.parametrize("method", METHODS, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_a_recipe_or_judge_has_its_prompt_its_test_and_its_paper(method: Path) -> None:
    tree = ast.parse(method.read_text(encoding="utf-8"))
    if not any(
        isinstance(n, ast.Assign) and any(getattr(t, "id", "") == "PAPER" for t in n.targets) for n in tree.body
    ):
        pytest.skip("a part of the room that is no prompted method")
    module = importlib.import_module(f"wellspring.tasks.{method.parent.name}.{method.stem}")

    assert method.with_suffix(".md").is_file()
    assert (ROOT / "tests" / method.parent.name / f"test_{method.stem}.py").is_file()
    assert module.PAPER
    assert isinstance(module.VERSION, int)
    if hasattr(module, "program"):
        found = recipes.find(method.stem, Settings(), JUDGING if method.parent.name == "judges" else recipes.RECIPES)
        assert found is not None
        assert found.most_calls > 0
    else:
        assert callable(module.prompt)
        assert callable(module.parse)


def test_words_that_a_program_calls_its_own_are_no_text_of_its_row_nor_of_an_answer() -> None:
    """They stand in a prompt without fences, and can give orders; what a model is to follow is `bare`."""
    said = {path.stem: sorted(filter(None, map(_not_ours, _handed_over(path)))) for path in METHODS}

    assert {name: texts for name, texts in said.items() if texts} == {}


@pytest.mark.parametrize("text", ["row['text'][:9]", "f'- {made.text}'", "'\\n'.join(one['a'] + said for one in own)"])
def test_a_text_of_others_is_told_from_words_of_our_own(text: str) -> None:
    of_others, in_fences = (ast.parse(one, mode="eval").body for one in (text, f"'## ' + fenced('a', {text})"))

    assert _not_ours(of_others)
    assert not _not_ours(in_fences)


def _handed_over(path: Path) -> Iterator[ast.expr]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ours":
            yield from node.args


def _not_ours(said: ast.expr) -> str:
    """Return what is said, if it reads a row, an answer or what was made; what is fenced may come from there."""
    fenced = {id(node) for call in ast.walk(said) if _is_fenced(call) for node in ast.walk(call)}
    of_others = {"row", "said", "made", "answer", "message", "item"}
    for node in ast.walk(said):
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if id(node) not in fenced and name in of_others | {"text", "content", "response"}:
            return ast.unparse(said)
    return ""


def _is_fenced(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "fenced"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_library_is_imported_behind_its_one_door(path: Path) -> None:
    imported = {
        name.split(".")[0]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in (
            [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and not node.level
            else []
        )
    }

    wrong = {
        lib for lib in imported & DOORS.keys() if path not in {ROOT / "tasks" / "io" / door for door in DOORS[lib]}
    }

    assert not wrong


def test_our_modules_are_imported_by_the_name_under_which_they_are_installed() -> None:
    """From the project's folder `import tasks` works, too, and makes a second copy of everything."""
    bare = re.compile(r"(?m)^\s*(?:from|import) (?:flows|tasks|expectations)\b")

    found = [p for p in (*MODULES, *(ROOT / "tests").rglob("*.py")) if bare.search(p.read_text(encoding="utf-8"))]

    assert found == []


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_is_named_for_nothing(path: Path) -> None:
    assert path.stem not in FORBIDDEN_NAMES
    assert path.parent.name not in FORBIDDEN_NAMES


@pytest.mark.parametrize("suite", sorted((ROOT / "expectations").glob("[a-z]*.py")), ids=lambda p: p.stem)
def test_an_expectation_says_why_it_is_there(suite: Path) -> None:
    tree = ast.parse(suite.read_text(encoding="utf-8"))

    calls = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.Call) and (getattr(n.func, "attr", "") or getattr(n.func, "id", "")).startswith("Expect")
    ]

    assert all(any(k.arg == "notes" for k in call.keywords) for call in calls)


@pytest.mark.parametrize("room", ["site", "spine", "io", "methods", "recipes", "judges", "contracts"])
def test_every_room_has_a_page_that_says_its_rule_and_what_it_may_import(room: str) -> None:
    _, rule, *_ = (ROOT / "tasks" / room / "README.md").read_text(encoding="utf-8").split("\n\n")

    assert rule.startswith("**Rule.** ")
    assert re.search(r"\b(?:may import|imports nothing)\b", " ".join(rule.split()))


@pytest.mark.parametrize("room", ["site", "spine", "io", "methods", "recipes", "judges", "contracts"])
def test_the_page_of_a_room_names_each_of_its_files(room: str) -> None:
    page = (ROOT / "tasks" / room / "README.md").read_text(encoding="utf-8")
    files = [path.name for path in (ROOT / "tasks" / room).rglob("[a-z]*.py")]

    assert [name for name in files if f"`{name}`" not in page and f"`{name.removesuffix('.py')}`" not in page] == []


@pytest.mark.parametrize("room", ["site", "spine", "io", "methods", "recipes", "judges", "contracts"])
def test_a_file_has_its_name_alone_in_its_room(room: str) -> None:
    """Fingerprints and the lock name a file by its room, whatever sub-room it lies in."""
    names = [path.stem for path in (ROOT / "tasks" / room).rglob("[a-z]*.py")]

    assert sorted(names) == sorted(set(names))


def test_ci_calls_the_test_command_that_readme_gives() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    ci = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

    commands = re.findall(r"(?m)^python3 -m venv .*$", readme)

    assert len(commands) == 2
    assert commands[1] in ci


def test_no_commit_names_a_download_host() -> None:
    hosts = re.compile(r"https?://[^/\s\"']*(?:pypi|pythonhosted|npmjs|deb\.debian|registry)[^\s\"']*")

    named = [
        path
        for path in tracked()
        if (ROOT / path).is_file()
        and (ROOT / path).stat().st_size < 2**20
        and hosts.search((ROOT / path).read_text(encoding="utf-8", errors="ignore"))
    ]

    assert named == []
