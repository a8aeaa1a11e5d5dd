"""The program files of both rooms, each held to all that a program owes."""

import pytest

import wellspring
from wellspring.tasks.contracts.plugins import JUDGING, RECIPES

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", [*RECIPES.names(), *JUDGING.names()])
def test_a_program_of_ours_is_sound(name: str) -> None:
    found = wellspring.check_plugin(name)

    assert {one["name"]: one["said"] for one in found["checks"] if one["state"] != "green"} == {}
