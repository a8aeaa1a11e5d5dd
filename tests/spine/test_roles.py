"""Roles that a program names: who plays them, where a profile sets one, and where two are to be two models."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests import judge_runs
from tests.scripted_model import scripted_model
from wellspring.tasks.contracts import casting, orders
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.operations import diagnosis
from wellspring.tasks.spine.running import recipes
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
NAME = "twice_read"
JUDGE = """
from wellspring.recipe import Text

SYSTEM, PAPER, VERSION = "none", "none", 1
TAKES, MAKES, ROLES = "responses", ("scores",), ("judge", "verifier", "target")
ROLE_OF = {"verifier": "judge"}
APART = (("judge", "verifier"),)


def most_calls(knobs):
    return 3


async def program(row, ask):
    for role in ROLES:
        said = await ask("length", Text, role=role, answer=row["response"])
        ask.made.score(row["input_id"], role, float(len(said.text)), answer=said)
"""
PROMPTS = """# length

## user

$answer

Write this in fewer words than before, please.

## examples

```text
In short: $words.
```

```text
Shorter.
```
"""

pytestmark = pytest.mark.usefixtures("unaudited")


@pytest.fixture
def mine(tmp_path: Path) -> str:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / f"{NAME}.py").write_text(JUDGE)
    (folder / f"{NAME}.md").write_text(PROMPTS)
    return f'plugins=["{folder}"]'


def test_a_role_is_played_by_its_own_model_or_by_whom_the_program_names(
    mine: str, settings: Callable[..., Settings], start: Start
) -> None:
    with scripted_model(lambda body: body["model"]) as model:
        role = model.role("a-judge")
        models = {
            "judge": role,
            "generator": model.role("a-writer"),
            "responder": model.role("w"),
            "roles": {"target": model.role("a-target")},
        }
        with start(settings(*judge_runs.of_judge(NAME, mine), models=models)) as run:
            judge_runs.fill(run, [["An answer."]])
            found = judge_runs.judged(run, NAME)
            asked = [(row["role"], row["calls"]) for row in _by_role(found["steps"])]
            doctor = [one for one in diagnosis.examine(run.settings, run.store.path) if one.what == "models"]

    marks = {row["criterion"]: row["value"] for row in found["scores"]}
    assert marks == {"judge": 7.0, "verifier": 7.0, "target": 8.0, "total": pytest.approx(22 / 3)}
    assert asked == [("judge", 2), ("target", 1)]
    assert "target: a-target" in doctor[0].found
    assert f"verifier of {NAME}: judge" in doctor[0].found
    assert "models.roles.verifier" in doctor[0].remedy


def _by_role(steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    roles = [row["role"] for row in steps]
    return [{"role": role, "calls": roles.count(role)} for role in sorted({*roles})]


def test_a_role_of_its_own_is_known_wherever_roles_are(mine: str, settings: Callable[..., Settings]) -> None:
    own = {"verifier": {"model": "other", "endpoints": [{"base_url": "http://127.0.0.1:9/v1"}]}}
    chosen = settings(*judge_runs.of_judge(NAME, mine, "scores.allow_same_model=true"), models={"roles": own})

    assert recipes.roles(chosen) == {"judge", "verifier", "generator", "responder"}
    assert casting.cast(chosen, recipes.roles(chosen))["verifier"].model == "other"
    assert recipes.alike(chosen) == []
    assert any(name.startswith("models.roles.verifier") for name in orders.of(chosen))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('"target")', '"prices")', "ROLES holds `prices`"),
        ('{"verifier": "judge"}', '{"verifier": "nobody"}', "ROLE_OF lets `nobody` play `verifier`"),
        ('("judge", "verifier"),)', '("judge", "reviewer"),)', "APART holds"),
        ('"scores",', '"responses",', "MAKES holds `responses`"),
        ('"responses", (', '"documents", (', "TAKES is `documents`, not instructions or responses"),
    ],
)
def test_a_judge_that_is_not_whole_is_refused_and_told_why(
    tmp_path: Path, settings: Callable[..., Settings], before: str, after: str, said: str
) -> None:
    name = f"broken_{abs(hash(after))}"
    (tmp_path / f"{name}.py").write_text(JUDGE.replace(before, after, 1))
    (tmp_path / f"{name}.md").write_text(PROMPTS)

    with pytest.raises(UsageError, match="is not whole") as caught:
        recipes.find(name, settings(f'plugins=["{tmp_path}"]'), recipes.JUDGING)
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("roles", "said"),
    [({"judge": {}}, "models.judge"), ({"A b": {}}, "models.roles"), ({"x": {"modell": "y"}}, "modell")],
)
def test_a_role_that_is_misnamed_or_mistyped_is_refused(
    settings: Callable[..., Settings], roles: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        settings(models={"roles": roles})
