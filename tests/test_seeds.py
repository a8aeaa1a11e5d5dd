"""Seeds are read once, every line is a seed or a refusal with its reason, and a second run does nothing."""

import gzip
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests import page_store
from tests.scripted_model import scripted_model
from wellspring.tasks import scores, seeds
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.judges.seven_criteria import CRITERIA
from wellspring.tasks.spine.provenance import lineage
from wellspring.tasks.spine.running import runs, validation
from wellspring.tasks.spine.running.runs import Run

Start = Callable[[Settings], AbstractContextManager[Run]]
Make = Callable[..., Settings]


def _set(path: Path, *records: Any) -> str:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return str(path)


def _rejected(run: Run) -> dict[str, str]:
    return {row["input_id"]: row["reason"] for row in run.store.query("rejections/all").to_dicts()}


@pytest.fixture
def mixed(tmp_path: Path) -> str:
    """Eight lines: three seeds and five refusals."""
    path = _set(
        tmp_path / "mixed.jsonl",
        {"prompt": "How do I keep a sourdough starter alive over a two week holiday?"},
        {
            "messages": [
                {"role": "user", "content": "Why is the sky blue at noon?"},
                {"role": "assistant", "content": "Rays."},
            ]
        },
        {"prompt": "Wie backe ich am Wochenende ein gutes Brot mit Sauerteig und Roggenmehl?"},
        {"prompt": "How do I keep a sourdough starter alive over a two week holiday?"},
        {"prompt": "Summarize the following text:"},
        {"prompt": "hi"},
        {"body": "nothing of use"},
    )
    with Path(path).open("a", encoding="utf-8") as file:
        file.write('{"prompt": "cut of\n')
    return path


@pytest.mark.slow
def test_every_line_is_a_seed_or_a_refusal_with_its_reason(mixed: str, settings: Make, start: Start) -> None:
    with start(settings("runner=thread", seeds={"paths": [mixed], "languages": ["en"]})) as run:
        counts = seeds.ingest(run).counts
        rejected = _rejected(run)
        kept = run.store.query("seeds/kept")

    assert (counts.rows_in, counts.rows_out, counts.rows_rejected) == (8, 2, 6)
    assert sorted(rejected.values()) == sorted(
        ["other_language", "duplicate", "input_missing", "too_short", "no_usable_field", "damaged_line"]
    )
    assert {name.split(":")[1] for name in rejected} == {"3", "4", "5", "6", "7", "8"}
    assert dict(zip(kept["text"], kept["response"], strict=True)) == {
        "How do I keep a sourdough starter alive over a two week holiday?": None,
        "Why is the sky blue at noon?": "Rays.",
    }


TOOLS = [{"name": "tide", "parameters": {"type": "object"}}]
LATER: list[dict[str, Any]] = [
    {"role": "assistant", "content": "", "tool_calls": [{"id": "c1", "function": {"name": "tide", "arguments": "{}"}}]},
    {"role": "tool", "content": "4.5", "tool_call_id": "c1"},
    {"role": "assistant", "content": "4.5 metres, caf\u00e9 side."},
]


@pytest.mark.slow
def test_a_seed_keeps_its_system_its_later_turns_and_its_tools_for_programs_and_for_trace(
    tmp_path: Path, settings: Make, start: Start
) -> None:
    asked = [{"role": "user", "content": "How high is the tide at Brest this evening?"}]
    system = {"role": "system", "content": "You read tables of tides."}
    plain = {"prompt": "Why is the sea salty and the river not?", "response": "Rivers run off."}
    again = {"messages": [*asked, *LATER]}
    path = _set(tmp_path / "t.jsonl", {"messages": [system, *asked, *LATER], "tools": TOOLS}, plain, again)
    with start(settings("runner=thread", seeds={"paths": [path]})) as run:
        seeds.ingest(run)
        validation.audit(run, "seeds")
        given = {row["text"]: row for row in run.store.query("settled/view", view="inputs_seeds").to_dicts()}
        refused = _rejected(run)
        seed_id = content_id("seed", asked[0]["content"], None, json.dumps(LATER, ensure_ascii=False))
        facts = lineage.trace(run.store, seed_id).facts

    trace, other = given[asked[0]["content"]], given[plain["prompt"]]
    assert (trace["system"], json.loads(trace["turns"]), json.loads(trace["tools"])) == (
        system["content"],
        LATER,
        TOOLS,
    )
    assert (trace["response"], trace["input_id"]) == (None, seed_id)
    assert (other["system"], other["tools"], other["response"]) == ("", "", "Rivers run off.")
    assert json.loads(other["turns"]) == [{"role": "assistant", "content": "Rivers run off."}]
    assert list(refused.values()) == ["duplicate"]
    assert (facts["system"], facts["turns"], facts["tools"]) == (trace["system"], trace["turns"], trace["tools"])


def test_seeds_that_differ_in_later_turns_only_are_two_and_one_without_keeps_its_id(
    tmp_path: Path, settings: Make, start: Start
) -> None:
    asked = {"role": "user", "content": "How do I keep a sourdough starter alive over a two week holiday?"}
    answer = {"role": "assistant", "content": "Dry it on paper."}
    ends = ["Which flour wakes it when I am back home?", "Is a freezer of use, and what does cold do to yeast?"]
    talks = [[asked, answer, {"role": "user", "content": end}] for end in (*ends, ends[0] + "!")]
    path = _set(tmp_path / "t.jsonl", *({"messages": talk} for talk in ([asked, answer], *talks, talks[0])))
    with start(settings("runner=thread", seeds={"paths": [path]})) as run:
        seeds.ingest(run)
        validation.audit(run, "seeds")
        kept = run.store.query("settled/view", view="inputs_seeds").to_dicts()
        refused = _rejected(run)

    single = content_id("seed", asked["content"], answer["content"])
    assert sorted(len(json.loads(row["turns"])) for row in kept) == [1, 2, 2]
    assert [row["input_id"] for row in kept if len(json.loads(row["turns"])) == 1] == [single]
    assert sorted(refused.values()) == ["duplicate", "near_duplicate"]


def test_a_first_turn_that_means_what_a_benchmark_asks_is_refused_whatever_follows(
    tmp_path: Path, settings: Make, start: Start
) -> None:
    asked = "Compose an engaging travel blog post about a recent trip to Hawaii, highlighting cultural experiences."
    near = "Write a lively blog about my recent trip to Hawaii, with cultural experiences: a post for travel lovers."
    bench = _set(tmp_path / "bench.jsonl", {"id": "q81", "prompt": asked})
    later = [
        {"role": "assistant", "content": "Aloha from the islands! " + "Sand, surf and slow music. " * 9},
        {"role": "user", "content": "Now list which shoes, hats and creams belong in a small bag, with a reason each."},
    ]
    talk = {"messages": [{"role": "user", "content": near}, *later]}
    path = _set(tmp_path / "t.jsonl", talk, {"prompt": "Why is the sea salty and the river not?"})
    benchmarks = {"paths": {"mt": bench}, "cosine": 0.2}
    with start(settings("runner=thread", seeds={"paths": [path]}, benchmarks=benchmarks)) as run:
        counts = seeds.ingest(run).counts
        details = [row["detail"] for row in run.store.query("rejections/all").to_dicts()]

    assert counts.rows_out == 1
    assert len(details) == 1
    assert "mt:q81" in details[0]
    assert details[0].startswith("embedding")


@pytest.mark.slow
def test_twice_is_once(mixed: str, settings: Make, start: Start) -> None:
    chosen = settings("runner=thread", seeds={"paths": [mixed]})
    with start(chosen) as run:
        first = seeds.ingest(run).counts
        validation.audit(run, "seeds")
    with start(chosen) as run:
        second = seeds.ingest(run).counts
        rows = run.store.count("seeds/kept")

    assert first.rows_in == 8
    assert (second.rows_in, second.rows_out, second.rows_rejected, second.calls) == (0, 0, 0, 0)
    assert rows == first.rows_out


@pytest.mark.slow
def test_a_second_set_adds_only_what_is_new(mixed: str, tmp_path: Path, settings: Make, start: Start) -> None:
    other = _set(tmp_path / "more.jsonl", {"prompt": "Why is the sea salty and the river not?"}, {"prompt": "hi"})
    with start(settings("runner=thread", seeds={"paths": [mixed]})) as run:
        seeds.ingest(run)
    with start(settings("runner=thread", seeds={"paths": [mixed, other]})) as run:
        counts = seeds.ingest(run).counts

    assert (counts.rows_in, counts.rows_out, counts.rows_rejected) == (2, 1, 1)


@pytest.mark.slow
def test_the_order_of_the_lines_and_the_number_of_workers_change_no_seed(
    tmp_path: Path, settings: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeds, "SHARD_LINES", 7)
    monkeypatch.setattr(seeds, "PACKED_SEEDS", 3)
    records = [{"prompt": f"Tell me how task number {n} is planned and done."} for n in range(40)]
    found = []
    for name, lines, threads in (("a", records, 1), ("b", records[::-1], 2)):
        path = _set(tmp_path / f"{name}.jsonl", *lines)
        chosen = settings(f"threads={threads}", "runner=thread", seeds={"paths": [path], "deduplicate_cosine": 1.01})
        with runs.start("test", chosen, tmp_path / name, quiet=True) as run:
            seeds.ingest(run)
            found.append(run.store.query("seeds/kept").select("seed_id", "text", "language", "tokens"))

    assert found[0].equals(found[1])
    assert len(found[0]) == 40


@pytest.mark.slow
def test_the_line_that_is_credited_does_not_depend_on_the_order_of_the_paths(tmp_path: Path, settings: Make) -> None:
    asked = [{"prompt": f"Tell me how task number {n} is planned and done."} for n in range(4)]
    paths = [_set(tmp_path / "a.jsonl", *asked[:3]), _set(tmp_path / "b.jsonl", *asked[1:])]
    found = []
    for name, order in (("forth", paths), ("back", paths[::-1])):
        chosen = settings("runner=thread", seeds={"paths": order, "deduplicate_cosine": 1.01})
        with runs.start("test", chosen, tmp_path / name, quiet=True) as run:
            seeds.ingest(run)
            found.append(run.store.query("seeds/kept").select("seed_id", "source_id", "line"))

    assert len(found[0]) == 4
    assert found[0].equals(found[1])


def test_no_seeds_is_wrong_usage(settings: Make, start: Start) -> None:
    with pytest.raises(UsageError, match="no seeds are named"), start(settings()) as run:
        seeds.ingest(run)


def test_a_set_without_a_usable_field_leaves_nothing_behind(tmp_path: Path, settings: Make, start: Start) -> None:
    path = _set(tmp_path / "docs.jsonl", {"url": "x"}, {"url": "y"})

    with (
        pytest.raises(BrokenError, match="its fields: url"),
        start(settings("runner=thread", seeds={"paths": [path]})) as run,
    ):
        seeds.ingest(run)

    with start(settings()) as run:
        assert run.store.count("seeds/kept") == 0
        assert _rejected(run) == {}


@pytest.mark.slow
def test_all_but_one_of_each_group_of_near_copies_go_and_every_outlier_stays(
    tmp_path: Path, settings: Make, start: Start
) -> None:
    question = "How do I keep a sourdough starter alive over a two week holiday"
    path = _set(
        tmp_path / "near.jsonl",
        *({"prompt": question + end} for end in ("?", "!", " ?", "??")),
        {"prompt": "Why is the sea salty and the river not, although one runs into the other?"},
        {"prompt": "Write a toast for a marine biologist who marries a tuba player."},
    )
    with start(settings("runner=thread", seeds={"paths": [path]})) as run:
        counts = seeds.ingest(run).counts
        reasons = sorted(_rejected(run).values())
        validation.audit(run, "seeds")
        valid = run.store.query("seeds/kept")["text"].to_list()

    assert (counts.rows_in, counts.rows_out, counts.rows_rejected) == (6, 3, 3)
    assert reasons == ["near_duplicate"] * 3
    assert sum(text.startswith(question) for text in valid) == 1


@pytest.mark.slow
def test_a_later_set_gives_way_to_what_was_published(tmp_path: Path, settings: Make, start: Start) -> None:
    question = "How do I keep a sourdough starter alive over a two week holiday"
    first = _set(tmp_path / "first.jsonl", {"prompt": question + "?"})
    later = _set(tmp_path / "later.jsonl", *({"prompt": question + end} for end in ("!", "??", " ...?")))
    with start(settings("runner=thread", seeds={"paths": [first]})) as run:
        seeds.ingest(run)
        validation.audit(run, "seeds")
    with start(settings("runner=thread", seeds={"paths": [first, later]})) as run:
        counts = seeds.ingest(run).counts
        kept = run.store.query("seeds/kept")["text"].to_list()

    assert (counts.rows_in, counts.rows_out, counts.rows_rejected) == (3, 0, 3)
    assert kept == [question + "?"]


def test_a_seed_that_is_in_a_benchmark_is_refused_with_its_name(tmp_path: Path, settings: Make, start: Start) -> None:
    asked = "Compose an engaging travel blog post about a recent trip to Hawaii, highlighting cultural experiences."
    bench = _set(tmp_path / "bench.jsonl", {"id": "q81", "prompt": asked})
    path = _set(
        tmp_path / "seeds.jsonl", {"prompt": asked.upper()}, {"prompt": "Why is the sea salty and the river not?"}
    )
    with start(settings("runner=thread", seeds={"paths": [path]}, benchmarks={"paths": {"mt": bench}})) as run:
        counts = seeds.ingest(run).counts
        rejected = run.store.query("rejections/all").to_dicts()

    assert (counts.rows_out, counts.rows_rejected) == (1, 1)
    assert rejected[0]["reason"] == "contaminated"
    assert "mt:q81" in rejected[0]["detail"]


@pytest.mark.slow
def test_only_seeds_that_meet_the_threshold_are_in_force_and_nobody_is_judged_twice(
    tmp_path: Path, settings: Make, start: Start
) -> None:
    path = _set(tmp_path / "seeds.jsonl", *({"prompt": text} for text in page_store.ASKED))
    poor = page_store.ASKED[4]

    def script(body: dict[str, Any]) -> str:
        mark = 0 if poor in body["messages"][-1]["content"] else 1
        marks = dict.fromkeys(CRITERIA, mark)
        return json.dumps({f"{c}_analysis": "It names a thing." for c in CRITERIA} | marks)

    with scripted_model(script) as model:
        chosen = settings(
            "runner=thread", "seeds.min_score=7", seeds={"paths": [path]}, models={"judge": model.role("j")}
        )
        with start(chosen) as run:
            first = seeds.ingest(run).counts
            validation.audit(run, "seeds")
            valid = run.store.query("seeds/kept")["text"].to_list()
            rejected = run.store.query("rejections/all").to_dicts()
            funnel = dict(run.store.query("seeds/funnel").select("step", "seeds").iter_rows())
            marks = run.store.query("scores/unpublished")
            scores.judge(run)
            validation.audit(run, "scores")
            published = run.store.query("scores/audience")["rows_valid"][0]
            of_poor = lineage.trace(run.store, rejected[0]["input_id"]).facts["judged"]
        with start(chosen) as run:
            again = seeds.ingest(run).counts
        with start(chosen.model_copy(update={"seeds": chosen.seeds.model_copy(update={"min_score": 1})})) as run:
            looser = seeds.ingest(run).counts
        asked = len(model.asked)

    assert (first.calls, asked, again.calls, again.rows_in) == (8, 8, 0, 0)
    assert sorted(valid) == sorted(text for text in page_store.ASKED if text != poor)
    assert [(row["reason"], row["detail"][:6]) for row in rejected] == [("low_score", "0 of 7")]
    assert first.rows_in == first.rows_out + first.rows_rejected
    assert funnel == {1: 8, 2: 8, 3: 8, 4: 8, 5: 7}
    assert published == len(marks) == 8 * 8  # seven criteria and their total
    assert sorted(marks.filter(marks["criterion"] == "total")["value"]) == [0.0] + [7.0] * 7
    assert (of_poor["seven_criteria.total"], of_poor["seven_criteria.specificity"]) == ("0.0", "0.0")
    assert (looser.calls, looser.cached_calls, looser.rows_out) == (0, 8, 7)  # marks are there, and free


def test_the_judge_is_asked_for_no_more_seeds_than_the_limit(tmp_path: Path, settings: Make, start: Start) -> None:
    path = _set(tmp_path / "seeds.jsonl", *({"prompt": text} for text in page_store.ASKED))
    with start(settings("runner=thread", "limit=3", "seeds.min_score=1", seeds={"paths": [path]})) as run:
        first = seeds.ingest(run).counts
        second = seeds.ingest(run).counts
        last = run.store.query("seeds/funnel")["label"].to_list()[-1]

    assert (first.calls, second.calls) == (3, 0)
    assert last == "meet the seven criteria, of the 3 judged so far"


@pytest.mark.shared
@pytest.mark.slow
def test_every_real_seed_that_a_benchmark_holds_is_refused(shared: Path, settings: Make, start: Start) -> None:
    folder = shared / "instructions"
    with gzip.open(folder / "contamination_natural.jsonl.gz") as file:
        natural = [json.loads(line) for line in file]
    names = [name for name in sorted({row["file"] for row in natural}) if "seeds" in name]
    paths = [str(folder / name) for name in names]
    benchmarks = {path.name.removesuffix(".jsonl.gz"): str(path) for path in sorted(folder.glob("bench_*"))}
    with start(settings("runner=thread", seeds={"paths": paths}, benchmarks={"paths": benchmarks})) as run:
        seeds.ingest(run)
        refused = {(row["input_id"]): row["reason"] for row in run.store.query("rejections/all").to_dicts()}
        sources = {Path(row["uri"]).name: row["source_id"] for row in run.store.query("seeds/sources").to_dicts()}

    wanted = [f"{sources[row['file']]}:{int(row['row']) + 1}" for row in natural if row["file"] in names]
    assert wanted
    assert {refused.get(name) for name in wanted} == {"contaminated"}


def test_answers_that_seeds_bring_are_held_to_rules_that_the_profile_names(
    tmp_path: Path, settings: Make, start: Start
) -> None:
    said = "先把土豆切成丝,用清水泡十分钟,再用大火炒三分钟就可以了。"
    path = _set(
        tmp_path / "forum.jsonl",
        {"prompt": "怎么炒土豆丝才会又脆又好吃?", "response": said},
        {"prompt": "土豆丝为什么总是粘在锅底呢?", "response": f"{said}想学更多请加我微信。"},
        {"prompt": "加我微信的人为什么这么多呢?"},
    )

    with start(settings(seeds={"paths": [path], "quality": ["cqia"]})) as run:
        counts = seeds.ingest(run).counts
        details = [row["detail"] for row in run.store.query("rejections/all").to_dicts()]

    assert (counts.rows_in, counts.rows_out) == (3, 2)
    assert details == ["cqia.promotion is 1, more than 0"]
