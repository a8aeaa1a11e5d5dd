"""Traces of tools: kept where the record ends as it must, else refused: no call, wrong calls, another state."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests import instruction_store
from tests.program_cases import Start, reasons
from tests.program_runs import Made, answering, of_program, run_program
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import tool_traces

pytestmark = pytest.mark.usefixtures("unaudited")

TABLE = "| River | Length |\n| --- | --- |\n| Aare | 288 km |\n| Reuss | 164 km |\n| Linth | 140 km |"
PAGE = f"Rivers \u00e4 of the country, by their length.\n\n{TABLE}\n\nThat is all of them."
LONGEST = "SELECT river FROM page_table ORDER BY length DESC LIMIT 1"
SUM = "SELECT sum(length) FROM page_table"
GOAL = [{"name": "longest", "sql": LONGEST, "unit": None}, {"name": "total", "sql": SUM, "unit": "km"}]
TASK = "Find the list of rivers of the country: which river is the longest, and how long are all of them together?"
SEARCH, QUERY = ("search", {"query": "rivers of the country"}), ("query", {"sql": LONGEST})
OPEN = ("open", {"page": "PAGE"})
RECORDS = [("record", {"name": "longest", "value": "the Aare"}), ("record", {"name": "total", "value": "592,000 m"})]
FINISH = ("finish", {"text": "The Aare is the longest; together they are 592 km long."})
WHOLE = [SEARCH, OPEN, QUERY, *RECORDS, FINISH]
BESIDE = Path(tool_traces.__file__)
OWN = [json.loads(line) for line in BESIDE.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines()]
Acts = list[tuple[str, Any]]


@pytest.fixture(autouse=True)
def _with_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(instruction_store.SUBJECTS, "bees", PAGE)


def run(
    start: Start, settings: Callable[..., Settings], acts: Acts, *knobs: str, goal: list[dict[str, Any]] = GOAL
) -> Made:
    """Play these acts, one a turn; `PAGE` is the first page that the search gave."""

    def say(heading: str, body: dict[str, Any]) -> str:
        asked = body["messages"][-1]["content"]
        if heading == "write":
            return json.dumps({"task": TASK, "entries": goal})
        assert "Linth" not in asked or '"text"' in asked  # the page is seen when it is opened, and not before
        turn = asked.count("<step ")
        tool, given = acts[min(turn, len(acts) - 1)]
        text = given if isinstance(given, str) else json.dumps(given)
        if "PAGE" in text:
            text = text.replace("PAGE", asked.split('"page": "')[1].split('"')[0])
        return json.dumps({"thought": f"turn {turn}", "tool": tool, "arguments": text})

    with answering("tool_traces", say) as model:
        roles = {role: model.role("m") for role in tool_traces.ROLES}
        chosen = [f"recipes.tool_traces.{one}" for one in ("tasks=1", "attempts=1", *knobs)]
        return run_program("tool_traces", start, settings(*of_program("tool_traces", *chosen), models=roles))


def test_a_trace_that_ends_in_the_right_state_is_kept_with_its_turns_and_tools(
    start: Start, settings: Callable[..., Settings]
) -> None:
    made = run(start, settings, WHOLE)

    [instruction], [response], [note] = made["instructions"], made["responses"], made["notes"]
    data = json.loads(note["data"])
    assert (note["kind"], data["response_id"]) == ("trace", response["response_id"])
    assert response["text"] == FINISH[1]["text"]
    assert json.loads(instruction["tools"]) == OWN
    assert "longest, total" in instruction["text"]
    called = [turn["tool_calls"][0]["function"]["name"] for turn in data["turns"][::2]]
    assert called == ["search", "open", "query", "record", "record"]
    for call, said in zip(data["turns"][::2], data["turns"][1::2], strict=True):
        assert call["tool_calls"][0]["id"] == said["tool_call_id"]
    assert json.loads(data["turns"][5]["content"]) == {"rows": [["Aare"]]}
    assert note["parent_ids"]  # pages that the search showed: forgetting one takes the trace along


@pytest.mark.parametrize(
    ("reason", "acts"),
    [
        ("no_call", [FINISH]),
        ("state_not_reached", [SEARCH, RECORDS[0], FINISH]),
        ("too_many_turns", [SEARCH]),
        ("wrong_arguments", [*RECORDS, ("finish", {"said": "It is the Aare."})]),
        ("wrong_arguments", [("query", "SELECT river, no object"), *WHOLE]),
        ("wrong_arguments", [SEARCH, OPEN, ("query", {"sql": "SELECT * FROM read_text('/etc/passwd')"})]),
    ],
)
def test_what_is_no_trace_says_why(reason: str, acts: Acts, start: Start, settings: Callable[..., Settings]) -> None:
    assert run_refused(start, settings, acts) == {reason, "not_reached"}


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("query", "{"),
        ("query", "[]"),
        ("query", "[" * 5_000),
        ("query", '{"sql": NaN}'),
        ("query", '{"sql": ""}'),
        ("query", '{"sql": ["SELECT 1"]}'),
        ("query", '{"sql": {"$ref": "#"}}'),
        ("query", '{"sql": "SELECT 1", "limit": "3"}'),
        ("query", '{"SQL": "SELECT 1"}'),
        ("search", json.dumps({"query": "x" * 301})),
        ("record", '{"name": "longest"}'),
        ("record", '{"name": "longest", "value": null}'),
    ],
)
def test_arguments_that_the_schema_does_not_allow_are_wrong(tool: str, arguments: str) -> None:
    schema = {one["name"]: one["parameters"] for one in OWN}[tool]

    with pytest.raises(Rejection) as refused:
        tool_traces._held(schema, tool_traces._object(tool_traces.Act(thought="", tool=tool, arguments=arguments)))
    assert refused.value.reason == "wrong_arguments"


@pytest.mark.parametrize(
    ("record", "is_reached"),
    [
        ({"longest": "the Aare", "total": "592,000 m"}, True),
        ({"longest": "Aare", "total": "592"}, False),
        ({"longest": "Aare", "total": "593 km"}, False),
        ({"longest": "Aare", "total": "592 km", "more": "x"}, False),
        ({"longest": "x\nAnswer: Aare", "total": "592 km"}, False),
        ({"total": "592 km"}, False),
        ({}, False),
    ],
)
def test_the_state_is_reached_where_the_record_holds_what_it_must_and_nothing_else(
    record: dict[str, str],
    is_reached: bool,  # noqa: FBT001 - a case
) -> None:
    known = {"longest": ("text", "Aare"), "total": ("amount", "592 km")}

    assert tool_traces._is_reached(record, known) is is_reached


def test_a_wrong_call_is_answered_with_an_error_and_can_be_mended(
    start: Start, settings: Callable[..., Settings]
) -> None:
    wrong = [("query", {"sql": "SELECT 1"}), ("query", {"sql": "x", "limit": "3"})]

    made = run(start, settings, [*wrong, *WHOLE])

    turns = json.loads(made["notes"][0]["data"])["turns"]
    assert ["error" in json.loads(turn["content"]) for turn in turns[1::2]] == [True, True, *[False] * 5]
    assert run_refused(start, settings, [*wrong, *WHOLE], "most_faults=1") == {"wrong_arguments", "not_reached"}


def run_refused(start: Start, settings: Callable[..., Settings], acts: Acts, *knobs: str) -> set[str]:
    return {one for one in reasons(run(start, settings, acts, *knobs)) if one != "no_table"}


@pytest.mark.parametrize(("turns", "is_kept"), [(6, True), (5, False)])
def test_the_most_turns_count_the_last_message(
    turns: int,
    is_kept: bool,  # noqa: FBT001 - a case
    start: Start,
    settings: Callable[..., Settings],
) -> None:
    made = run(start, settings, WHOLE, f"turns={turns}")

    assert bool(made["notes"]) is is_kept
    assert made.calls == 1 + turns


@pytest.mark.parametrize(
    ("reason", "sql"),
    [
        ("sql_fails", "DROP TABLE page_table"),
        ("no_short_answer", "SELECT river FROM page_table"),
        ("no_short_answer", "SELECT max(length) FROM page_table WHERE length > 5000"),
        ("not_of_table", "SELECT 1 + 1"),
    ],
)
def test_a_task_without_a_state_to_reach_is_refused_before_it_is_attempted(
    reason: str, sql: str, start: Start, settings: Callable[..., Settings]
) -> None:
    made = run(start, settings, WHOLE, goal=[{"name": "x", "sql": sql, "unit": None}])

    assert [one for one in reasons(made) if one != "no_table"] == [reason]
    assert made.calls == 1


def test_the_prompt_names_each_tool_and_argument_of_the_schemas() -> None:
    said = BESIDE.with_suffix(".md").read_text(encoding="utf-8")

    for tool in OWN:
        assert f"- {tool['name']}, with" in said
        assert all(f"`{name}`" in said for name in tool["parameters"]["properties"])
    assert tool_traces.most_calls(tool_traces.Knobs()) == 34
