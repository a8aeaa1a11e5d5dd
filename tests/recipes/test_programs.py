"""The program files of the room, each held to all that a program owes."""

import pytest

import wellspring
from wellspring.tasks.spine.running import recipes

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", [name for name, place in recipes.names().items() if place == "ours"])
def test_a_program_of_ours_is_sound(name: str) -> None:
    found = wellspring.check_plugin(name)

    assert {one["name"]: one["said"] for one in found["checks"] if one["state"] != "green"} == {}
