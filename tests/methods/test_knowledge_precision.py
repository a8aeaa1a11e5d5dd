"""Knowledge precision: the share of an answer's words that its document holds."""

import gzip
import json
from pathlib import Path
from statistics import mean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.methods.answers.knowledge_precision import knowledge_precision

DOCUMENT = "A submersible pump lifts water twelve metres from the well and needs a check valve above its outlet."


def test_an_answer_in_the_documents_words_has_one() -> None:
    found = knowledge_precision("The pump lifts the water twelve metres and needs a check valve.", DOCUMENT)

    assert found.share == 1.0
    assert found.unsupported == ()


def test_words_that_the_document_lacks_lower_it_and_are_named() -> None:
    found = knowledge_precision("The pump lifts petrol thirty metres and needs a silver valve.", DOCUMENT)

    assert found.share == pytest.approx(1 - 3 / found.words)
    assert set(found.unsupported) == {"petrol", "thirty", "silver"}


def test_words_of_the_instruction_count_as_supported_and_forms_of_a_word_as_one() -> None:
    found = knowledge_precision("Lifting petrol needs pumps, valves and wells.", DOCUMENT, "May I lift petrol?")

    assert found.share == 1.0


def test_a_few_words_are_too_few_to_say() -> None:
    assert knowledge_precision("Yes, of course it does.", DOCUMENT).share is None


@given(st.text(max_size=300), st.text(max_size=300))
def test_it_is_a_share_and_grows_with_the_document(answer: str, document: str) -> None:
    without = knowledge_precision(answer, "")
    some = knowledge_precision(answer, document)
    whole = knowledge_precision(answer, f"{document} {answer}")

    if without.share is None:
        assert some.share is whole.share is None
    else:
        assert some.share is not None
        assert 0.0 == without.share <= some.share <= whole.share == 1.0  # type: ignore[operator]


@pytest.mark.shared
def test_a_pages_own_gold_text_is_told_from_another_pages(shared: Path) -> None:
    with gzip.open(shared / "web" / "aeb.gold.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["articleBody"] for line in lines]
    texts = [text for text in texts if len(text) > 1500][:40]
    starts = [text[:700] for text in texts]

    own = [knowledge_precision(start, text).share or 0.0 for start, text in zip(starts, texts, strict=True)]
    other = [
        knowledge_precision(start, text).share or 0.0 for start, text in zip(starts, texts[1:] + texts[:1], strict=True)
    ]

    assert min(own) > 0.97
    assert mean(other) < 0.4
    assert max(other) < min(own)
