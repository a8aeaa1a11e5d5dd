"""The systems of the papers: which of them a file is, and how many README says there are."""

from tests.systems import README, SYSTEMS, built, counted


def test_each_file_names_a_system_as_the_list_has_it() -> None:
    assert len({*SYSTEMS}) == len(SYSTEMS) == 99
    assert ("judges/varco_arena", "Varco Arena") in built()
    assert {place: name for place, name in built().items() if name not in SYSTEMS} == {}


def test_readme_says_how_many_there_are() -> None:
    said = README.read_text(encoding="utf-8")

    assert said == counted(said), "python -m tests.systems writes the count"
    assert counted("7 of 9 systems of the papers") == f"{len({*built().values()})} of 99 systems of the papers"
