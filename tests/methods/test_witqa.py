"""WiTQA: entities by their capitals, counts of pages as a loop, and a page where entity or relation is rare."""

import polars as pl
import pytest

from wellspring.tasks.methods.sets.witqa import Knobs, named, scores, texts

PAGES = ["marie curie was born in warsaw"] * 3 + ["marie curie won"] * 4 + ["born to run"] * 5 + ["nora quill"]
ASKED = {
    "a": "Where was Marie Curie born?",
    "b": "What did Marie Curie discover?",
    "c": "Who was Nora Quill?",
    "d": "How do bees sleep?",
}


def count(text: str) -> int:
    return sum({*text.lower().split()} <= {*page.split()} for page in PAGES)


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("Where was Marie Curie born?", "Marie Curie"),
        ("Compare the Rhine with the Upper Danube.", "Upper Danube"),
        ("Explain tides. Then name three causes.", ""),
        ("Ask Bo? Constantinople is far.", "Bo"),
        ("Is it O'Neill, or Ann Lee-Smith?", "Ann Lee-Smith"),
    ],
)
def test_the_entity_is_the_longest_run_of_capitals_that_begins_no_sentence(text: str, entity: str) -> None:
    assert named(text).entity == entity


@pytest.mark.parametrize("bounds", [(8, 2), (7, 3), (7, 2), (2, 1), (0, 0)])
def test_a_page_helps_where_the_entity_or_its_pair_is_rare(bounds: tuple[int, int]) -> None:
    given = {"instructions": pl.DataFrame({"subject_id": [*ASKED], "text": [*ASKED.values()]})}
    asked = sorted(texts(given, Knobs()))
    given["text_counts"] = pl.DataFrame({"text": asked, "pages": [count(text) for text in asked]})
    knobs = Knobs(entity=bounds[0], pair=bounds[1])
    found = {(one, name): value for one, name, value, _ in scores(given, knobs).rows()}

    for one, entity, relation in (("a", "marie curie", "born"), ("b", "marie curie", ""), ("c", "nora quill", "was")):
        others = [word for word in ASKED[one].lower().strip("?").split() if word not in entity and count(word)]
        rarest = min(others, key=lambda word: (count(word), word), default="")
        pair = count(f"{entity} {rarest}") if rarest else 0
        assert rarest == ("was" if one == "a" else relation)
        assert found[one, "entity"] == count(entity)
        assert found[one, "pair"] == pair
        assert found[one, "total"] == (count(entity) < bounds[0] or pair < bounds[1])
    assert found["d", "total"] is None
