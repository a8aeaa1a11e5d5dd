"""The stand-in: deterministic, different for different material, in any form asked for, and honest about what it is."""

import contextlib
import gc
import json
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import jsonschema
import numpy as np
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wellspring.tasks.contracts import prompting
from wellspring.tasks.contracts.errors import BrokenError, UsageError
from wellspring.tasks.contracts.prompting import Prompt, fenced
from wellspring.tasks.io.standin import extractive, faults, offline

PAGES = [
    f"The {name} of the {place} valley was built in {year}. It holds {year % 97} cubic metres of water, feeds two"
    f" mills and floods the lower meadows every spring. Engineers measure its pressure daily, because the {name} leaks."
    for year, (name, place) in enumerate(
        [("reservoir", "Aller"), ("cistern", "Weser"), ("aqueduct", "Leine"), ("barrage", "Oker")] * 8, start=1850
    )
]


def body(prompt: Prompt, **more: Any) -> dict[str, Any]:
    messages = [{"role": message.role, "content": message.content} for message in prompt.messages]
    shape = {"type": "json_schema", "json_schema": {"name": "x", "schema": prompt.schema}}
    return (
        {"model": "m", "seed": 0, "messages": messages} | ({"response_format": shape} if prompt.schema else {}) | more
    )


def judged(name: str, text: str) -> dict[str, Any]:
    method = prompting.load("wellspring.tasks.judges", name)
    return method.parse({}, offline.chat(body(method.prompt({"text": text}, None)))["choices"][0]["message"]["content"])


def test_the_same_request_has_the_same_answer_in_another_process() -> None:
    request = body(prompting.load("wellspring.tasks.recipes", "keywords").prompt({"text": PAGES[0]}, None))
    code = "import json,sys; from wellspring.tasks.io.standin import offline; "
    code += "print(json.dumps(offline.chat(json.load(sys.stdin))))"

    done = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(request), capture_output=True, text=True, check=True
    )

    assert json.loads(done.stdout) == offline.chat(request)


def test_different_pages_and_draws_have_different_instructions() -> None:
    method = prompting.load("wellspring.tasks.recipes", "scene")
    requests = [body(method.prompt({"text": "How do I mend it?", "document_text": page}, None)) for page in PAGES]

    answers = {extractive.complete(request | {"seed": seed}) for request in requests for seed in range(3)}

    assert len(answers) > 0.9 * 3 * len(PAGES)


def test_an_instruction_is_about_its_page_and_does_not_mention_it() -> None:
    reading = extractive.reading_of(PAGES[0])

    written = [extractive.instruction(reading, mark) for mark in range(600)]

    assert all(any(phrase in text for phrase in reading.phrases) for text in written)
    assert len(set(written)) > 500
    assert not any(word in text for text in written for word in ("passage", "document", "article"))


def test_marks_differ_between_subjects_and_better_texts_have_more() -> None:
    poor = [f"tell me {word}" for word in ("why", "that", "more", "it", "now", "how")]
    totals = {text: sum(judged("seven_criteria", text)["values"].values()) for text in PAGES + poor}

    assert len({totals[text] for text in PAGES}) > 1
    assert np.mean([totals[text] for text in PAGES]) > np.mean([totals[text] for text in poor]) + 1


def test_fences_that_only_show_how_are_not_what_it_is_about() -> None:
    shown = fenced("example_page", "Zebras graze in Botswana. " * 50)
    about = extractive.material([{"role": "user", "content": f"{shown}\n\n{fenced('document', PAGES[1])}"}])

    assert about.subject == PAGES[1]


_LEAF = st.sampled_from(
    [
        {"type": "string"}, {"type": "string", "maxLength": 20}, {"type": "integer", "minimum": 1, "maximum": 10},
        {"type": "number", "minimum": 0, "maximum": 1}, {"type": "boolean"}, {"enum": ["a", "b"]}, {"type": "null"},
        {"type": ["string", "null"]}, {"const": 3}, {"anyOf": [{"type": "null"}, {"type": "integer"}]},
        {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 5},
        {"type": "array", "items": {"enum": ["x", "y"]}},
    ]
)  # fmt: skip
_NAMES = st.sampled_from(["query", "keywords", "scene", "reason", "mark", "questions", "best_index", "title", "other"])
_SCHEMAS = st.recursive(
    _LEAF,
    lambda inner: st.one_of(
        st.dictionaries(_NAMES, inner, min_size=1, max_size=4).map(
            lambda properties: {"type": "object", "properties": properties, "required": list(properties)}
        ),
        inner.map(lambda items: {"type": "array", "items": items, "minItems": 1, "maxItems": 4}),
    ),
    max_leaves=6,
)


@given(_SCHEMAS, st.text(max_size=300))
def test_any_schema_is_filled_so_that_it_holds(schema: Any, text: str) -> None:
    about = extractive.material([{"role": "user", "content": fenced("document", text)}])

    jsonschema.validate(extractive.fill(schema, about), schema)


def test_a_schema_by_reference_is_filled() -> None:
    schema = {"$defs": {"t": {"type": "integer", "minimum": 2, "maximum": 2}}, "type": "object",
              "properties": {"x": {"$ref": "#/$defs/t"}}}  # fmt: skip

    assert extractive.fill(schema, extractive.material([{"content": "hello"}])) == {"x": 2}


def test_an_object_shown_in_a_prompt_is_answered_in_kind() -> None:
    said = (
        f'{fenced("document", PAGES[0])}\nAnswer with one JSON object:\n{{"query": "...", "mark": 0, "tags": ["..."]}}'
    )

    found = json.loads(extractive.complete({"messages": [{"role": "user", "content": said}]}))

    assert {name: type(value) for name, value in found.items()} == {"query": str, "mark": int, "tags": list}


def test_plain_text_is_answered_from_the_text() -> None:
    said = extractive.complete({"messages": [{"role": "user", "content": PAGES[0]}]})

    assert PAGES[0].split(". ")[0] in said


@given(st.text(max_size=400))
def test_any_text_is_read_without_an_error(text: str) -> None:
    reading = extractive.reading_of(text)

    assert reading.phrases
    assert 0 <= extractive.quality(reading) <= 1


def test_vectors_have_unit_length_and_kin_lies_close() -> None:
    rain, same, other = offline.vector("rain in the valley"), offline.vector("valley rain"), offline.vector("tax law")

    assert float(np.linalg.norm(rain)) == pytest.approx(1)
    assert float(np.linalg.norm(offline.vector(""))) == pytest.approx(1)
    assert float(rain @ same) > 0.9
    assert float(rain @ other) < 0.3


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The stand-in as `wellspring offline-model --port 0` serves it."""
    code = "from wellspring.tasks.io.standin import faults; faults.serve(0)"
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    url = server.stdout.readline().strip()
    client = openai.OpenAI(api_key="none", base_url=url, max_retries=8)
    client.models.list()
    client.close()
    yield url
    server.terminate()
    server.wait()
    server.stdout.close()


def test_any_client_of_the_protocol_is_served(served: str) -> None:
    with openai.OpenAI(api_key="none", base_url=served) as client:
        names = [model.id for model in client.models.list()]
        said = client.chat.completions.create(model="gpt-x", messages=[{"role": "user", "content": PAGES[0]}])
        vectors = client.embeddings.create(model="offline-embedding", input=["a river", "a road"])

    assert names == list(offline.MODELS)
    assert said.model == "offline-extractive"
    assert said.usage
    assert said.usage.total_tokens > 0
    assert len(vectors.data) == 2


def test_it_says_that_it_is_no_language_model(served: str) -> None:
    with urllib.request.urlopen(f"{served}/models") as answer:
        models = json.loads(answer.read())["data"]

    assert all("Not a language model" in model["description"] for model in models)


def test_a_request_that_is_none_is_refused(served: str) -> None:
    request = urllib.request.Request(f"{served}/chat/completions", data=b"{", method="POST")

    with pytest.raises(urllib.error.HTTPError, match="400") as caught:
        urllib.request.urlopen(request)
    caught.value.close()


def test_a_port_that_is_taken_is_named(served: str) -> None:
    port = int(served.split(":")[2].split("/", maxsplit=1)[0])

    with pytest.raises(BrokenError, match=f"port {port} cannot be opened"):
        faults.serve(port)


def test_fault_profiles_are_read_in_each_form() -> None:
    assert faults.profile("mixed").rates["http_500"] == 0.02
    assert faults.profile('http_500=0.5,seed=3,structured="text"') == faults.Profile(
        {"http_500": 0.5}, seed=3, structured="text"
    )
    assert 0.29 < sum(faults.profile("mixed").rates.values()) < 0.31
    with pytest.raises(UsageError, match="no fault profile `nope`"):
        faults.profile("nope")
    with pytest.raises(UsageError, match="no fault `http_999`"):
        faults.profile("http_999=0.1")


def test_faults_are_the_same_for_the_same_seed_whatever_the_order() -> None:
    def drawn(seed: int, numbers: list[int]) -> dict[int, str]:
        server = faults.FaultServer(faults.Profile({"http_500": 0.3}, seed=seed))
        return {number: server._fault(b"%d" % number) for number in numbers}

    numbers = list(range(200))
    assert drawn(1, numbers) == drawn(1, numbers[::-1])
    assert drawn(1, numbers) != drawn(2, numbers)
    assert 30 < sum(bool(fault) for fault in drawn(1, numbers).values()) < 90


@pytest.mark.slow
def test_a_fault_server_that_stops_leaves_no_connection_open() -> None:
    def knock(port: int, taken: list[socket.socket]) -> None:
        with contextlib.suppress(OSError):
            taken.append(socket.create_connection(("127.0.0.1", port)))

    for _ in range(20):
        taken: list[socket.socket] = []
        with faults.running() as server:
            knocking = [threading.Thread(target=knock, args=(server.port, taken)) for _ in range(8)]
            for thread in knocking:
                thread.start()
        for thread in knocking:
            thread.join()
        for client in taken:
            client.settimeout(5)

            with contextlib.suppress(ConnectionError):
                assert client.recv(1) == b"", "the server has hung up"
            client.close()
    gc.collect()  # a server's socket that was never closed warns here, and a warning is an error


def test_it_gives_log_probabilities_where_they_are_asked_for_and_the_same_for_the_same_request() -> None:
    asked = {"messages": [{"role": "user", "content": "Write one digit."}], "logprobs": True, "top_logprobs": 5}
    places = offline.likely(asked, "7 yes")["content"]  # pyright: ignore[reportOptionalSubscript]
    digits = {one["token"] for one in places[0]["top_logprobs"]}

    assert [place["token"] for place in places] == ["7", " ", "yes"]
    assert len(digits) == 5
    assert digits <= {*"0123456789"}
    assert sum(np.exp(one["logprob"]) for one in places[0]["top_logprobs"]) <= 1
    assert offline.chat(asked) == offline.chat(asked)
    assert offline.chat(asked | {"logprobs": False})["choices"][0]["logprobs"] is None
