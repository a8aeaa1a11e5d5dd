"""Write, audit, publish, with the real Great Expectations: what breaks is named and stays unpublished."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.spine.test_generation import fill, instruction
from wellspring.tasks.contracts.errors import BrokenError
from wellspring.tasks.contracts.records import Completion, RejectionRow, Score, Seed, Source, Tombstone, content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.spine.running import validation
from wellspring.tasks.spine.running.runs import Counts, Run, now, stage

Start = Callable[[Settings], AbstractContextManager[Run]]
Make = Callable[..., Settings]
FINGERPRINT = content_id("method")
JUDGES = Path(__file__).parents[2] / "tasks" / "judges"


@stage("seeds")
def write(run: Run, *, rows: list[Seed]) -> Counts:
    run.activate("seeds", {FINGERPRINT: "test"})
    run.store.append("sources", [Source(SOURCE, "s", "s.jsonl", "jsonl", None, "0" * 64, 1, run.run_id)])
    run.store.append("seeds", [replace(row, run_id=run.run_id) for row in rows])
    return Counts(rows_in=len(rows), rows_out=len(rows))


SOURCE = content_id("source")


def seed(text: str, line: int) -> Seed:
    return Seed(content_id("seed", text), FINGERPRINT, SOURCE, line, text, None, "en", 5, "")


GOOD = [seed(f"Explain in {n} steps how a bicycle pump works.", n) for n in range(2, 8)]
BAD = seed("", 9)


def test_what_passes_is_published_and_a_second_audit_looks_at_nothing(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        write(run, rows=GOOD)
        before = run.store.query("seeds/audience")["rows_valid"][0]

        validation.audit(run, "seeds")
        validation.audit(run, "seeds")

        rows = run.store.query("validations/all")
        assert before == 0
        assert run.store.query("seeds/audience")["rows_valid"][0] == len(GOOD)
    assert rows.height > 3
    assert rows.filter(rows["severity"] == "fail")["success"].all()
    assert (rows["notes"].str.len_chars() > 20).all()


@pytest.mark.slow
def test_what_breaks_names_the_column_and_the_rows_and_stays_unpublished(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        write(run, rows=[*GOOD, BAD])

        with pytest.raises(BrokenError, match=r"`seeds` breaks \d+ of its expectations") as caught:
            validation.audit(run, "seeds")

        assert "text: expect_column" in caught.value.message
        assert "expectations/seeds.py" in caught.value.hint
        assert run.store.query("seeds/audience")["rows_valid"][0] == 0

    with start(settings()) as later, pytest.raises(BrokenError, match="breaks"):
        validation.audit(later, "seeds")  # a run that wrote nothing does not pass what another left


@pytest.mark.slow
def test_rows_of_one_program_that_break_an_audit_do_not_hold_up_those_of_another(start: Start, settings: Make) -> None:
    rows = [replace(instruction(number), instruction_id=content_id("i", number)) for number in range(4)]
    call = Completion("c" * 20, 1, "judge", "m", "{}", "1", "stop", 1, 1, 0, 0.0, 1, 0.1, "run")

    def marks(fingerprint: str, value: float) -> list[Score]:
        of = ("total", value, "why", call.completion_id, "run")
        return [Score(row.instruction_id, fingerprint, fingerprint, *of) for row in rows]

    def night() -> None:
        with start(settings()) as run:
            fill(run, rows)
            run.activate("scores", {"good": "good", "bad": "bad"})
            run.store.append("completions", [call])
            run.store.append("scores", [*marks("good", 1.0), *marks("bad", 11.0)])
            validation.audit(run, "scores")
            published = run.store.query("publications/all").to_dicts()
            seen.append([row["fingerprint"] for row in published if row["noun"] == "scores"])
            seen.append(run.store.query("scores/audience")["rows_valid"][0])

    seen = list[Any]()
    with pytest.raises(BrokenError, match="`scores` breaks 1 of its") as caught:
        night()
    with start(settings()) as again, pytest.raises(BrokenError, match="`scores` breaks"):
        validation.audit(again, "scores")  # what is left is of one program

    assert seen == [["good"], 4]
    assert "rows of bad break it" in caught.value.hint


def test_values_of_rows_are_not_shown_where_the_profile_forbids_it(start: Start, settings: Make) -> None:
    secret = seed("A canary sings.", 8)
    with start(settings("pages.show_values=false")) as run:
        write(run, rows=[*GOOD, replace(secret, tokens=-1, seed_id="canary")])

        with pytest.raises(BrokenError) as caught:
            validation.audit(run, "seeds")

        stored = run.store.query("validations/all")["observed"].to_list()
    assert "canary" not in caught.value.message
    assert not any("canary" in observed for observed in stored)


def test_an_empty_table_fails_and_says_what_was_refused(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        write(run, rows=[])
        run.store.append("rejections", [RejectionRow("seeds", "x", FINGERPRINT, "too_short", "", run.run_id)])

        with pytest.raises(BrokenError, match="`seeds` is empty: 1 too_short"):
            validation.audit(run, "seeds")
        validation.audit(run, "seeds", may_be_empty=True)


def test_documents_that_are_empty_because_all_was_forgotten_say_so(start: Start, settings: Make) -> None:
    with start(settings()) as run:
        run.store.append("tombstones", [Tombstone("source", "s1", "asked", now())])

        with pytest.raises(BrokenError, match=r"`documents` is empty: nothing came in; 1 pages, .* were forgotten"):
            validation.audit(run, "documents")


@pytest.mark.parametrize(("makes", "may"), [('"verdicts", "notes"', True), ('"verdicts", "scores"', False)])
def test_scores_may_be_empty_where_no_judge_gives_marks(
    settings: Callable[..., Settings], start: Start, tmp_path: Path, makes: str, *, may: bool
) -> None:
    for kind in ("py", "md"):
        text = (JUDGES / f"proctag.{kind}").read_text(encoding="utf-8").replace('"notes", "scores"', makes)
        (tmp_path / f"own_judge.{kind}").write_text(text, encoding="utf-8")

    with start(settings('scores.judges=["own_judge"]', f'plugins=["{tmp_path}"]')) as run:
        assert validation.may_lack_rows(run, "scores") is may
