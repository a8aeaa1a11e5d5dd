"""OVERMISS: a translation above the same with a sentence too many and with one too few."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests import instruction_store
from tests.program_cases import Start, fenced, pairs, reasons, uses
from tests.program_runs import answering, of_program, run_program
from wellspring.tasks.contracts.settings import Settings
from wellspring.tasks.recipes import overmiss

pytestmark = pytest.mark.usefixtures("unaudited")

CASES = {  # subjects of the store: its page, and what the model gives for its three sentences
    "pumps": ("whole", ["Sie hebt 12 Meter.", "Sie braucht ein Ventil.", "Sand nutzt sie in 2 Jahren ab."]),
    "bread": ("uneven", ["Eins, 12.", "Zwei und 2."]),
    "tides": ("alike", ["Eins, 12.", "Eins, 12.", "Drei, 2."]),
    "bees": ("copied", ["Eins, 12.", "IT needs  a check valve, and bees know.", "Drei, 2."]),
    "roofs": ("fewer", ["Eins, 13.", "Zwei.", "Drei, 2."]),
    "trains": ("faulty", ["Falsch, 12.", "Zwei.", "Drei, 2."]),
}
PAGE = "Of {0}: it lifts water by 12 metres. It needs a check valve, and {0} know. Sand wears {0} out in 2 years."


def test_a_translation_is_kept_where_each_sentence_has_its_own_and_the_judge_finds_it_whole(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    for subject in CASES:
        monkeypatch.setitem(instruction_store.SUBJECTS, subject, PAGE.format(subject))

    def say(heading: str, body: dict[str, Any]) -> str:
        if heading == "look":
            is_faulty = "Falsch" in fenced(body, "translation")[0]
            return json.dumps({"fault": "so", "whole": "no" if is_faulty else "yes"})
        said = " ".join(fenced(body, "sentence"))
        return json.dumps({"translations": next((of for name, (_, of) in CASES.items() if f"Of {name}:" in said), [])})

    with answering("overmiss", say) as model:
        roles = {role: model.role(role) for role in overmiss.ROLES}
        chosen = settings(*of_program("overmiss", 'recipes.overmiss.languages=["en", "de"]'), models=roles)
        made = run_program("overmiss", start, chosen)

    wanted = [body["messages"][-1]["content"] for body in model.asked if body["model"] == "responder"]
    assert all("these 3 sentences into German." in text for text in wanted)
    [instruction] = made["instructions"]
    wish, _, source = instruction["text"].partition("\n\n")
    assert "German" in wish
    assert source == "Of pumps: it lifts water by 12 metres. It needs a check valve, and pumps know."
    said = overmiss.Translated(translations=CASES["pumps"][1])
    right, over, missed = (getattr(said, side) for side in ("right", "over", "missed"))
    assert pairs(made).keys() == {(right, over), (right, missed)}
    assert uses(made) == {right: "answer", over: "rejected", missed: "rejected"}
    assert {row["kind"] for row in made["preferences"]} == {"rule"}
    assert reasons(made) == ["copy_of_document", "duplicate", "loses_numbers", "not_aligned", "unfaithful"]


def test_with_the_stand_in_long_pages_become_translation_tasks_and_others_are_refused(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    for subject in ("pumps", "bees", "roofs", "trains"):
        monkeypatch.setitem(instruction_store.SUBJECTS, subject, PAGE.format(subject))

    made = run_program("overmiss", start, settings(*of_program("overmiss")))

    assert len(made["responses"]) == 3 * len(made["instructions"]) > 0
    assert len(made["preferences"]) == 2 * len(made["instructions"])
    assert {"too_short"} < {reason for _, reason in made.refused}
    assert made.calls <= made.settled * overmiss.most_calls(overmiss.Knobs())


def test_a_page_is_not_translated_into_its_own_language(
    start: Start, settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(instruction_store.SUBJECTS, "pumps", PAGE.format("pumps"))

    made = run_program("overmiss", start, settings(*of_program("overmiss", 'recipes.overmiss.languages=["en"]')))

    assert reasons(made) == ["other_language", *["too_short"] * 5]
    assert made.calls == 0


def test_the_sides_of_a_pair_come_of_one_answer_by_rule() -> None:
    said = overmiss.Translated(translations=["Eins ist da.", "Zwei ist dort.", "Drei ist fort."])

    assert said.right == "Eins ist da. Zwei ist dort."
    assert len(said.right) == 27
    assert said.over == "Drei ist fort. Eins ist da. Zwei ist dort."
    assert said.missed == "Eins ist da."
    chinese = overmiss.Translated(translations=["一在这里。", "二在那里。", "三走了。"])
    assert (chinese.right, chinese.missed) == ("一在这里。二在那里。", "二在那里。")
    assert chinese.over == "一在这里。三走了。二在那里。"


def test_sources_are_runs_of_whole_sentences_of_a_paragraph_that_share_none() -> None:
    pump = ["The pump lifts 1.5 metres.", "It needs a valve of brass!", "Sand wears it out?", "Why so soon, then."]
    text = f"{' '.join(pump)} And no end\nEin Satz steht allein."

    assert overmiss.sources(text, "00000000", 4, 1) == [pump[:2], pump[2:]]
    assert overmiss.sources(text, "00000001", 1, 1) == [pump[2:]]
    assert overmiss.sources(text, "00000000", 4, 2) == [pump[:3]]
    assert overmiss.sources("So ist es, und so bleibt es. Ja. Ja. Und das ist alles.", "00000000", 4, 2) == []
    assert overmiss.sources("Ein Satz steht allein. Ein Satz steht allein.", "00000000", 4, 1) == []
    assert overmiss.sources(
        "水泵把水提到十二米的高处、来自井里。它需要一个止回阀、装在出口上方。", "00000000", 4, 1
    ) == [["水泵把水提到十二米的高处、来自井里。", "它需要一个止回阀、装在出口上方。"]]
    assert overmiss.sources("", "00000003", 4, 2) == []
