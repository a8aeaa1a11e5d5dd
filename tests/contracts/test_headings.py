"""Prompt files with headings: what they hold, what is said of a wrong one, and what was put in is read back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.headed import TEXT
from wellspring.tasks.contracts import headings
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.headings import Heading, Headings
from wellspring.tasks.contracts.prompting import Message, fenced


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.md"
    path.write_text(TEXT)
    return path


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Headings:
    path = tmp_path_factory.mktemp("headed") / "mine.md"
    path.write_text(TEXT)
    return headings.read(path, "mine")


@pytest.fixture
def registered(read: Headings) -> Iterator[Headings]:
    assert headings.recognised(read["reply"].render(question="Why?")) is None
    headings.register("mine", read)
    yield read
    del headings._registered["mine"]
    headings._recognised.cache_clear()


def test_a_file_holds_its_prompts_in_their_order(read: Headings) -> None:
    clarify = read["clarify"]

    assert list(read) == ["clarify", "reply"]
    assert clarify.system == "You write questions that everybody understands, for $audience."
    assert clarify.user.startswith("The question costs")
    assert clarify.user.endswith("### Its form\n\n```\n# no heading\n```\n\nSay $text otherwise.")
    assert clarify.examples == ('{"question": "In short: $text.1"}', '{"question": "$words, and $text"}')
    assert (read["reply"].system, read["reply"].name) == ("", "reply")


def test_a_prompt_is_rendered_and_its_history_is_none_of_its_own(read: Headings) -> None:
    system, user = read["clarify"].render(audience="all", text="Why?")

    assert system == Message("system", "You write questions that everybody understands, for all.")
    assert user.content.startswith("The question costs $5:\n\nWhy?\n\n")
    assert [message.role for message in read["reply"].render(question="Why?")] == ["user"]


def test_the_digest_is_of_what_is_asked_and_of_no_example(file: Path) -> None:
    before = headings.read(file, "mine")
    file.write_text(TEXT.replace("In short", "Shortly"))
    other_example = headings.read(file, "mine")
    file.write_text(TEXT.replace("Say $text", "Tell $text"))
    other_words = headings.read(file, "mine")

    assert before["clarify"].digest == other_example["clarify"].digest != other_words["clarify"].digest
    assert before["reply"].digest == other_words["reply"].digest
    assert other_example["clarify"].examples[0] == '{"question": "Shortly: $text.1"}'


def test_a_file_is_read_once_while_it_says_the_same(file: Path) -> None:
    assert headings.read(file, "mine") is headings.read(file, "mine")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"audience": "all"}, r"mine\.md:13 names `\$text`"),
        ({"text": "Why?"}, r"mine\.md:7 names `\$audience`"),
        ({"audience": "all", "text": "Why?", "page": "p"}, r"mine\.md:11 does not name `\$page`"),
    ],
)
def test_fields_that_do_not_fit_are_named_with_their_line(read: Headings, fields: dict[str, str], said: str) -> None:
    with pytest.raises(BrokenError, match=said):
        read["clarify"].render(**fields)


def test_a_heading_that_is_not_there_lists_those_that_are_the_nearest_first(read: Headings) -> None:
    with pytest.raises(UsageError, match=r"mine\.md has no heading `# replay`") as caught:
        read["replay"]

    assert caught.value.hint == "there are: reply, clarify"
    assert "replay" not in read


REPLY = TEXT[TEXT.index("# reply") :]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", r"mine\.md:1 has no heading"),
        ("# reply", r"mine\.md:1: `# reply` has no `## user`"),
        (REPLY + REPLY, r"mine\.md:13 has `# reply` a second time"),
        (REPLY.replace("# reply", "# The reply"), r"mine\.md:1: `The reply` is no name"),
        (REPLY.replace("## user", "## asked"), r"mine\.md:2 has `## asked`, which is no part"),
        (REPLY.replace("## user", "## system"), r"mine\.md:1: `# reply` has no `## user`"),
        (REPLY.replace("## examples", "## user"), r"mine\.md:6 has `## user`, a second time"),
        (REPLY[: REPLY.index("## examples")], r"mine\.md:1: `# reply` has no `## examples`"),
        (REPLY.replace("## user", "## system\n\n## user"), r"mine\.md:2: `## system` is empty"),
        (REPLY.replace("## user", "Read this.\n## user"), r"mine\.md:2 belongs to no part of `# reply`"),
        (REPLY.replace("$$1, I think.", " "), r"mine\.md:10: an example is empty"),
        (REPLY.replace("```text\n$$1", "```json\n$$1"), r"mine\.md:10: an example is no JSON object"),
        (REPLY.replace("```text\n$$1", "```python\n$$1"), r"mine\.md:10: an example in a fence of `python`"),
        (REPLY.replace("$$1", "$1"), r"mine\.md:10: an example has a `\$` that names no field"),
        (REPLY.replace("$question.2", "$quest.2"), r"mine\.md:7 names `\$quest\.2`"),
        (REPLY[: REPLY.rindex("```text")], r"mine\.md:7: 1 of 2 examples"),
        (REPLY[: REPLY.rindex("```")], r"mine\.md:10 opens a fence that is not closed"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(file: Path, text: str, said: str) -> None:
    file.write_text(text)

    with pytest.raises(UsageError, match=said):
        headings.read(file, "mine")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.md is not there"):
        headings.read(tmp_path / "none.md", "none")


PLAIN = st.text(st.characters(exclude_characters="\r", exclude_categories=("Cs",)), max_size=60)


@given(audience=PLAIN, text=PLAIN)
def test_what_was_put_in_is_read_back(read: Headings, audience: str, text: str) -> None:
    fields = {"audience": audience, "text": fenced("text", text)}
    system, user = read["clarify"].render(**fields)
    history = [Message("user", "Hello."), Message("assistant", "Yes?")]
    merged = Message("user", f"{system.content}\n\n{user.content}")
    again = [Message("assistant", "{"), Message("user", "That answer could not be used.")]

    assert headings.fields_of(read["clarify"], [system, user]) == fields
    assert headings.fields_of(read["clarify"], [system, *history, user]) == fields
    assert headings.fields_of(read["clarify"], [system, user, *again]) == fields
    assert headings.fields_of(read["clarify"], [merged]) == fields


def test_messages_of_another_prompt_have_no_fields_of_this(read: Headings) -> None:
    system, user = read["clarify"].render(audience="all", text="Why?")
    other = Message("user", user.content.replace("Say Why?", "Say When?"))

    assert headings.fields_of(read["clarify"], [system, other]) is None
    assert headings.fields_of(read["clarify"], [Message("system", "Be brief."), user]) is None
    assert headings.fields_of(read["reply"], [system, user]) is None


@pytest.mark.parametrize(
    ("system", "user"),
    [("Be brief, x.", "Say x or y!"), ("Be brief, y.", "Say x or x!"), ("Be brief, x.", "Say x or x! Now.")],
)
def test_a_field_has_one_value_and_nothing_follows_a_prompt(system: str, user: str) -> None:
    asked = Heading("Be brief, $a.", "Say $a or $a!", "")

    assert headings.fields_of(asked, asked.render(a="x")) == {"a": "x"}
    assert headings.fields_of(asked, [Message("system", system), Message("user", user)]) is None
    assert headings.fields_of(Heading("", asked.user, ""), [Message("user", "Say x or y!")]) is None


def test_a_prompt_without_fields_is_no_beginning_of_another() -> None:
    asked = Heading("", "Be brief.", "")

    assert headings.fields_of(asked, [Message("user", "Be brief.")]) == {}
    assert headings.fields_of(asked, [Message("user", "Be brief. Say why.")]) is None


def test_a_value_that_says_what_its_prompt_says_next_is_read_back_past_its_fences() -> None:
    asked = Heading("", "$texts\n\n$reply\n\nEnd.", "")
    fields = {"texts": f"{fenced('texts', 'A')}\n\n{fenced('texts', 'B.')}", "reply": fenced("reply", "C\n\nEnd.")}

    assert headings.fields_of(asked, asked.render(**fields)) == fields


@pytest.mark.timeout(10)
def test_a_long_text_that_nearly_fits_is_refused_at_once() -> None:
    asked = Heading("", "$a\n\n$b\n\n$c\n\n$d\n\n$e\n\n$a\n\nEnd.", "")

    assert headings.fields_of(asked, [Message("user", "x\n\ny\n\n" * 2000 + "End.")]) is None


def test_a_registered_prompt_is_known_by_schema_and_by_its_words(registered: Headings) -> None:
    system, user = registered["clarify"].render(audience="all", text="Why?")
    reply = registered["reply"].render(question="Why?")

    assert headings.known()["mine"] is registered
    assert headings.named("mine-clarify") is registered["clarify"]
    assert headings.named("mine-other") is headings.named("mine") is headings.named("other-clarify") is None
    assert headings.recognised([system, user]) == (registered["clarify"], {"audience": "all", "text": "Why?"})
    assert headings.recognised(reply) == (registered["reply"], {"question": "Why?"})
    assert headings.recognised([Message("user", "Why?")]) is None


def test_a_plug_in_does_not_take_the_name_of_one_of_ours(
    read: Headings, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(headings, "_in_rooms", lambda: {"mine": headings.read(file, "mine")})

    with pytest.raises(UsageError, match="there is a program `mine` already"):
        headings.register("mine", read)


def test_the_prompts_of_a_room_with_headings_are_known_and_the_others_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "headed_room").mkdir()
    (tmp_path / "headed_room" / "__init__.py").touch()
    (tmp_path / "headed_room" / "mine.md").write_text(TEXT)
    (tmp_path / "headed_room" / "old.md").write_text("# system\n\nBe brief.\n\n# user\n\n$text\n")
    (tmp_path / "headed_room" / "README.md").write_text("# A page\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(headings, "ROOMS", ("headed_room",))
    monkeypatch.setattr(headings, "_registered", {})
    headings._in_rooms.cache_clear()

    found = headings.known()
    headings._in_rooms.cache_clear()

    assert list(found) == ["mine"]
