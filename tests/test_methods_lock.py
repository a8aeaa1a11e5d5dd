"""Identity is checked, not remembered: code that shapes rows cannot change under a VERSION that stores know."""

import ast
import copy
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import methods_lock
from tests.methods_lock import LOCK, Line

NOW = methods_lock.current()
COMPUTED = sorted(
    f"methods.{path.stem}" for path in (methods_lock.TASKS / "methods").rglob("*.py") if path.stem != "__init__"
)
MADE_OF_RUNS = {"sources", "embeddings"}  # what the one registers is named by its bytes, what the other by its embedder


def text(name: str) -> str:
    return methods_lock.path_of(name).read_text(encoding="utf-8")


def digest_of(name: str, code: str) -> str:
    return methods_lock.digest(methods_lock.read(name, code))


def numbers(tree: ast.Module) -> list[ast.Constant]:
    """Every number of a module but its VERSION."""
    said = [node for node in tree.body if ast.unparse(node).startswith("VERSION = ")]
    left_out = {id(node) for one in said for node in ast.walk(one)}
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in left_out]
    return [node for node in found if isinstance(node.value, int | float)]


def mutants(tree: ast.Module) -> Iterator[ast.Module]:
    """Trees that differ from this one in one number; of a module that has none, in one comparison."""
    count = len(numbers(tree))
    for place in range(0, count, max(1, count // 4)):
        changed = copy.deepcopy(tree)
        number = numbers(changed)[place]
        number.value = number.value + 1  # pyright: ignore[reportOperatorIssue] - `numbers` are numbers
        yield changed
    if not count:
        changed = copy.deepcopy(tree)
        next(node for node in ast.walk(changed) if isinstance(node, ast.Compare)).ops = [ast.Lt()]
        yield changed


@pytest.mark.parametrize("name", sorted(NOW))
def test_no_code_changed_under_its_version(name: str) -> None:
    said = methods_lock.problems(methods_lock.locked(), NOW).get(name)

    assert said is None, f"\n{said}"


def test_the_lock_says_what_the_code_is() -> None:
    stale = {name for name, line in methods_lock.locked().items() if NOW.get(name, line)[:2] != line[:2]}
    stale |= NOW.keys() ^ methods_lock.locked().keys()

    assert not stale, (
        f"the lock does not hold {', '.join(sorted(stale))} as they are: run `python -m tests.methods_lock`"
    )


def test_every_method_recipe_judge_and_stage_has_a_version() -> None:
    with_prompts = {
        f"{room}.{path.stem}"
        for room in ("recipes", "judges")
        for path in (methods_lock.TASKS / room).glob("[a-z]*.md")
    }
    nouns = {path.stem for path in methods_lock.TASKS.glob("[a-z]*.py")} - MADE_OF_RUNS

    assert {*COMPUTED, *with_prompts, *nouns} <= NOW.keys()


@pytest.mark.parametrize("name", COMPUTED)
def test_a_changed_number_changes_the_digest(name: str) -> None:
    digests = [methods_lock.digest(methods_lock.source(name, changed)) for changed in mutants(ast.parse(text(name)))]

    assert digests
    assert NOW[name].digest not in digests


@pytest.mark.parametrize("name", ["methods.quality", "methods.main_text", "judges.seven_criteria", "groundings"])
def test_comments_docstrings_layout_and_the_version_itself_change_no_digest(name: str) -> None:
    bare = ast.unparse(ast.parse(text(name)))  # without comments, in another layout
    said = re.sub(r"(?m)^VERSION = \d+$", "VERSION = 77", f'"""Another page of words."""\n{bare}\n# and a last one\n')

    assert "VERSION = 77" in said
    assert digest_of(name, said) == NOW[name].digest


def test_a_default_that_changes_changes_the_digest() -> None:
    code = "VERSION = 1\n\n\ndef kept(text: str, *, most: int = {most}) -> bool:\n    return len(text) <= most\n"

    assert digest_of("methods.none", code.format(most=5)) != digest_of("methods.none", code.format(most=50))


def test_a_file_that_a_method_reads_is_part_of_it_but_for_the_comments_of_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(methods_lock, "TASKS", tmp_path)
    (tmp_path / "methods").mkdir()
    words, bounds = tmp_path / "methods" / "stop_words.txt", tmp_path / "methods" / "rule.toml"

    def digest(of_words: str, of_bounds: str) -> str:
        words.write_text(of_words)
        bounds.write_text(of_bounds)
        return digest_of("methods.rule", 'WORDS = "stop_words.txt"\n')

    first = digest("the\n", "most = 5\n")

    assert digest("the\n", "# at most\nmost   =   5\n") == first
    assert digest("the\na\n", "most = 5\n") != first
    assert digest("the\n", "most = 50\n") != first


def test_a_file_that_moves_into_a_sub_room_changes_no_digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods_lock, "TASKS", tmp_path)
    for folder in ("methods/pages", "judges"):
        (tmp_path / folder).mkdir(parents=True)

    def digest(folder: str) -> str:
        (tmp_path / folder / "words.py").write_text("VERSION = 1\n")
        dotted = folder.replace("/", ".")
        one, two = (f"from wellspring.tasks.{dotted} import words", f"from wellspring.tasks.{dotted}.words import cut")
        found = digest_of("judges.mine", f"{one}\n{two}\n\nparse = words.cut, cut\n")
        (tmp_path / folder / "words.py").unlink()
        return found

    assert digest("methods") == digest("methods/pages") != digest("judges")


def test_what_a_judge_takes_from_other_modules_is_part_of_it_and_what_it_does_not_take_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(methods_lock, "TASKS", tmp_path)
    monkeypatch.setattr(methods_lock, "_read", methods_lock.read)
    for room in ("contracts", "judges"):
        (tmp_path / room).mkdir()
    contract, grading = tmp_path / "contracts" / "prompting.py", tmp_path / "judges" / "grading.py"

    def digest(least: int, other: int, chars: int) -> str:
        contract.write_text(f"CHARS = {chars}\n\n\ndef cut(text):\n    return text[:CHARS]\n")
        body = f"from wellspring.tasks.contracts.prompting import cut\n\nLEAST = {least}\nOTHER = {other}\n\n\n"
        grading.write_text(f"{body}def graded(text):\n    return max(LEAST, len(cut(text)))\n")
        return digest_of("judges.mine", "from wellspring.tasks.judges import grading\n\nparse = grading.graded\n")

    first = digest(1, 1, 9)

    assert digest(1, 2, 9) == first
    assert digest(2, 1, 9) != first
    assert digest(1, 1, 10) != first


def test_what_the_fields_of_a_class_are_read_by_is_part_of_a_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(methods_lock, "TASKS", tmp_path)
    monkeypatch.setattr(methods_lock, "_read", methods_lock.read)
    (tmp_path / "judges").mkdir()
    body = "from wellspring.tasks.judges.grading import argued\n\n\nclass Verdict(Base):\n    evidence: argued('x')\n"

    def digest(chars: int) -> str:
        (tmp_path / "judges" / "grading.py").write_text(f"def argued(of):\n    return of[:{chars}]\n")
        return digest_of("judges.mine", body)

    assert digest(9) != digest(10)


def test_a_change_under_the_same_version_is_told_with_what_to_do_and_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = tmp_path / "methods.lock"
    lock.write_bytes(LOCK.read_bytes())
    changed = NOW | {"methods.quality": NOW["methods.quality"]._replace(digest="0" * 20)}
    monkeypatch.setattr(methods_lock, "current", lambda: changed)

    refused = methods_lock.main([], lock)
    said = capsys.readouterr().err
    left = lock.read_bytes()
    noted = methods_lock.main(["--same-rows", "methods.quality"], lock)

    assert (refused, noted) == (1, 0)
    assert left == LOCK.read_bytes()
    assert "tasks/methods/pages/quality.py" in said
    assert f"set VERSION = {NOW['methods.quality'].version + 1} in it" in said
    assert "python -m tests.methods_lock --same-rows methods.quality" in said
    assert methods_lock.locked(lock)["methods.quality"].note == "same-rows"
    assert not methods_lock.problems(methods_lock.locked(lock), changed)


def test_a_raised_version_is_written_and_clears_the_note_and_a_lowered_one_is_refused() -> None:
    was = {
        "methods.a": Line(2, "old", "same-rows"),
        "methods.b": Line(1, "b", "same-rows"),
        "methods.gone": Line(1, "x"),
    }
    raised = {"methods.a": Line(3, "new"), "methods.b": Line(1, "b"), "methods.new": Line(1, "n")}

    assert methods_lock.renewed(was, raised, ()) == raised | {"methods.b": was["methods.b"]}
    with pytest.raises(ValueError, match="its VERSION was 2 and is 1 now"):
        methods_lock.renewed(was, {"methods.a": Line(1, "old")}, ["methods.a"])
    with pytest.raises(ValueError, match=r"methods\.b has not changed under its VERSION"):
        methods_lock.renewed(was, raised, ["methods.b"])


def test_the_command_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert methods_lock.main(["--same-row", "methods.quality"]) == 2
    assert "usage: python -m tests.methods_lock [--same-rows NAME ...]" in capsys.readouterr().err
