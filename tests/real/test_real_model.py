"""The main job with a real language model, real pages and real seeds: killed, resumed, replayed, exported.

What a model of 135M parameters writes is not judged. What must hold with any model is: how a run ends, that what goes
in comes out or is refused, that nothing is paid twice, that a replay makes the same bytes and asks nobody.
"""

import json
import re
import shutil
import sqlite3
import time
import tomllib
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.exported import exported
from tests.real import smollm2
from tests.real.smollm2 import Server
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.watching import summaries

pytestmark = [pytest.mark.real, pytest.mark.slow, pytest.mark.timeout(720)]

ANSWERS_UNTIL_KILL = 6
AT_ONCE_AT_MOST = 64
MARKS = re.compile(
    r"<\|[a-z_]+\|>|</?(?:s|eos|bos|think|thinking|thought|reasoning)>|\[/?(?:INST|THINK)\]|<(?:start|end)_of_turn>"
    r"|<\uff5c[^\uff5c]+\uff5c>",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Built:
    """A store that was killed in the middle of a build and then built to its end."""

    store: Path
    inputs: tuple[Path, Path]
    server: Server
    code: int  # of the run that resumed
    kept: dict[str, str]  # answers that were on disk at the kill
    facts: dict[str, Any]  # of the run that resumed


def query(store: Path, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{store / 'completions.sqlite'}?mode=ro", uri=True)) as connection:
        return connection.execute(sql).fetchall()


def is_asking(store: Path) -> bool:
    """Whether enough was answered, and a call is out now: the moment to kill."""
    if len(answers(store)) < ANSWERS_UNTIL_KILL:
        return False
    return query(store, "SELECT count(*) FROM attempts WHERE outcome IS NULL") > [(0,)]


def answers(store: Path) -> dict[str, str]:
    """Return every answer on disk; none while the journal is being made."""
    try:
        return dict(query(store, "SELECT completion_id, text FROM completions WHERE state = 'done'"))
    except sqlite3.OperationalError:
        return {}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    if why := smollm2.missing():
        pytest.skip(why)
    folder = tmp_path_factory.mktemp("real")
    store, inputs = folder / "ws", smollm2.write_inputs(folder)
    with smollm2.serving(folder / "server.log", *smollm2.CALM) as server:
        arguments = smollm2.build_arguments(inputs, server.url)
        with smollm2.running(store, *arguments) as process:
            while process.poll() is None and not is_asking(store):
                time.sleep(0.05)
            assert process.poll() is None, f"it ended before it was killed:\n{smollm2.said(store)}"
        kept = answers(store)
        code = smollm2.run(store, *arguments)
        with Store.read(store) as opened:
            facts = summaries.of_run(opened)
        yield Built(store, inputs, server, code, kept, facts)


def test_the_extra_has_the_versions_that_are_installed_for_tests() -> None:
    extra = tomllib.loads((smollm2.ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    constraints = (smollm2.ROOT / "deployments" / "constraints.txt").read_text("utf-8").splitlines()

    wanted = {requirement.partition(";")[0].strip() for requirement in extra["real-models"]}

    assert len(wanted) == 2
    assert wanted <= set(constraints)


def test_a_killed_run_is_resumed_and_ends_well_with_rows_exported(built: Built) -> None:
    assert built.code == 0, smollm2.said(built.store)
    assert smollm2.rows(built.store), smollm2.said(built.store)


def test_what_goes_in_comes_out_or_is_refused_with_a_reason(built: Built) -> None:
    stages = {row["stage"]: row for row in built.facts["stages"]}

    for row in stages.values():
        assert row["rows_rejected"] == sum(row["reasons"].values()), row
    for name in ("documents", "seeds", "groundings", "instructions", "responses"):
        row = stages[name]
        assert row["rows_in"] == row["rows_out"] + row["rows_rejected"], row


def test_no_answer_is_lost_by_the_kill_and_none_is_paid_twice(built: Built) -> None:
    attempts = query(built.store, "SELECT completion_id, outcome FROM attempts")
    answered = Counter(completion for completion, outcome in attempts if outcome == "done")
    out_at_kill = sum(outcome == "unknown" for _, outcome in attempts)

    assert built.kept.items() <= answers(built.store).items()
    assert answered.keys() >= built.kept.keys()
    assert set(answered.values()) == {1}
    assert 1 <= out_at_kill <= AT_ONCE_AT_MOST


def test_no_row_is_refused_because_the_server_was_asked_too_much(built: Built) -> None:
    with Store.read(built.store) as opened:
        refused = Counter(opened.query("rejections/all")["reason"].to_list())

    assert not refused.keys() & {"timeout", "connection", "rate_limited", "server_error", "malformed_answer"}, refused


def test_a_second_run_finds_nothing_to_do_and_asks_nothing(built: Built) -> None:
    before, files = built.server.work(), exported(built.store)

    code = smollm2.run(built.store, *smollm2.build_arguments(built.inputs, built.server.url))

    assert code == built.code
    assert built.server.work() == before
    assert exported(built.store) == files


def test_a_replay_makes_the_same_bytes_and_asks_nothing(built: Built, tmp_path: Path) -> None:
    replayed, before = tmp_path / "replayed", built.server.work()
    replayed.mkdir()
    shutil.copy(built.store / "completions.sqlite", replayed)

    code = smollm2.run(replayed, *smollm2.build_arguments(built.inputs, built.server.url), "--replay")

    assert code == built.code, smollm2.said(replayed)
    assert built.server.work() == before
    assert exported(replayed) == exported(built.store) != {}


def test_other_forms_are_written_from_what_is_there(built: Built, tmp_path: Path) -> None:
    store, before = tmp_path / "forms", built.server.work()
    shutil.copytree(built.store, store)

    code = smollm2.run(store, "export", "--format", "sharegpt", "--format", "alpaca")

    assert code == 0, smollm2.said(store)
    assert built.server.work() == before
    assert len(smollm2.rows(store, "sharegpt")) == len(smollm2.rows(store, "alpaca")) == len(smollm2.rows(built.store))


def test_an_exported_row_holds_no_mark_of_a_template_and_names_its_model(built: Built) -> None:
    rows = smollm2.rows(built.store)

    assert rows
    assert [row for row in rows if MARKS.search(json.dumps(row, ensure_ascii=False))] == []
    assert {str(row.get("model")) for row in rows} == {smollm2.MODEL}
    assert not any(row.get("synthetic") is False for row in rows)
