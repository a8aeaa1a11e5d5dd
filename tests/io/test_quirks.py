"""Quirk servers: each quirk does what its sentence says, is counted, can be combined, and can be typed."""

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx2
import orjson
import pytest
from typer.testing import CliRunner

from wellspring.flows import cli
from wellspring.tasks.contracts.errors import UsageError
from wellspring.tasks.io.standin import offline, quirks
from wellspring.tasks.io.standin.oddities import DRAFT, PROSE, QUIRKS, THOUGHT
from wellspring.tasks.io.standin.quirks import QuirkServer, running

PAGE = "The reservoir of the valley was built in 1905. It feeds two mills and floods the lower meadows every spring. "
SCHEMA = {"type": "object", "properties": {"query": {"type": "string", "maxLength": 200}}, "required": ["query"]}
SCHEMA_FORM = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
TOOL = {"type": "function", "function": {"name": "answer", "parameters": SCHEMA}}
SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": PAGE}
REQUEST = {"model": "m", "messages": [SYSTEM, USER], "max_tokens": 2048, "temperature": 0.7, "top_p": 0.9, "seed": 0}
WORDED = {**USER, "content": PAGE + "\nAnswer with one JSON object that fits this JSON schema:\n"}


def send(server: QuirkServer, path: str = "/chat/completions", **parts: Any) -> httpx2.Response:
    with httpx2.Client(base_url=server.base_url, trust_env=False, timeout=10) as client:
        return client.request("POST" if "json" in parts else "GET", path, **parts)


def asked(server: QuirkServer, *without: str, headers: Any = None, params: Any = None, **more: Any) -> httpx2.Response:
    body = {name: value for name, value in (REQUEST | more).items() if name not in without}
    return send(server, json=body, headers=headers or {}, params=params or {})


def choice(server: QuirkServer, *without: str, **more: Any) -> dict[str, Any]:
    answer = asked(server, *without, **more).json()["choices"][0]
    return answer | answer.pop("message")


def acted(server: QuirkServer, name: str) -> int:
    return send(server, server.base_url.removesuffix("/v1") + "/stats").json()["quirks"][name]


def plain(**more: Any) -> str:
    said = offline.chat(REQUEST | more)["choices"][0]["message"]["content"]
    assert isinstance(said, str)
    return said


# --- all of them -----------------------------------------------------------------------------------------------------


def test_every_quirk_has_a_sentence_and_every_sentence_its_quirk() -> None:
    told = {name: said for group in quirks.sentences().values() for name, said in group.items()}

    assert told.keys() == QUIRKS.keys()
    assert {name for name in QUIRKS if quirks.chosen(name).value not in {None, "think"}} == {
        name for name, said in told.items() if f"={str(quirks.chosen(name).value).removesuffix('.0')}" in said
    }


def test_help_lists_every_quirk_with_its_sentence() -> None:
    said = CliRunner().invoke(cli.app, ["offline-model", "--help"], env={"COLUMNS": "300"}).output

    assert all(name in said for name in QUIRKS)
    assert "[1, 1024]" not in said
    assert "[seed] extra fields not permitted" in said


@pytest.mark.parametrize(
    ("typed", "says", "hint"),
    [
        ("no_sed", "no quirk `no_sed`", "did you mean `no_seed`"),
        ("xyzzy", "no quirk `xyzzy`", "--help"),
        ("slots=many", "cannot be `many`", "like 1"),
        ("slots=1,minutes=2", "takes no `minutes=2`|cannot be", "it"),
        ("no_seed=5", "takes no `5`", "every"),
        ("parts=chinese", "cannot be `chinese`", "mistral or anthropic or text"),
        ("context=4096,words=greek", "cannot be `greek`", "openai"),
        ("think_block,every=0", "every=0", "each call"),
    ],
)
def test_a_quirk_that_is_not_there_or_not_so_is_named_with_what_is(typed: str, says: str, hint: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        quirks.chosen(typed)

    assert hint in caught.value.hint


def test_a_quirk_is_read_with_its_value_and_options() -> None:
    slots, words = quirks.chosen("slots=2,seconds=0.1,hangup_frees"), quirks.chosen("refuses_all=402,words=Pay, please")

    assert (slots.value, slots.options) == (2, {"every": 1, "seconds": 0.1, "hangup_frees": True})
    assert (words.value, words.options["words"]) == (402, "Pay, please")
    assert quirks.chosen("ends_with=<|a,b|>").value == "<|a,b|>"
    assert quirks.chosen("finish=,every=2").value == ""


def test_the_order_in_which_quirks_are_named_changes_nothing() -> None:
    names = ["think_block", "ends_with=<|eot_id|>", "trailing_prose"]
    said = []
    for order in itertools.permutations(names):
        with running(*order) as server:
            said.append(choice(server, response_format=SCHEMA_FORM)["content"])

    assert len(set(said)) == 1


def test_a_quirk_acts_on_each_nth_call_and_is_counted() -> None:
    with running("think_block,every=3", "no_seed") as server:
        thought = ["<think>" in choice(server, "seed")["content"] for _ in range(6)]
        asked(server)

        assert thought == [False, False, True] * 2
        assert (acted(server, "think_block"), acted(server, "no_seed")) == (2, 1)


def test_quirks_stand_beside_faults() -> None:
    with running("think_block", profile="http_500=0.4,seed=1") as server:
        answers = [asked(server, seed=number) for number in range(20)]

    assert {answer.status_code for answer in answers} == {200, 500}
    assert all("<think>" in answer.text for answer in answers if answer.status_code == 200)


def test_lines_of_a_batch_job_meet_quirks_too() -> None:
    stand_in = quirks.Quirky(["think_block", "no_seed", "wants_header=X:y"])
    lines = [{"custom_id": str(n), "method": "POST", "url": "/v1/chat/completions", "body": REQUEST} for n in range(2)]
    del lines[0]["body"]
    lines[0]["body"] = {name: value for name, value in REQUEST.items() if name != "seed"}
    stand_in.files["f"] = b"\n".join(map(orjson.dumps, lines))
    job = {"input_file_id": "f", "endpoint": "/v1/chat/completions"}

    made = orjson.loads(stand_in.respond("POST", "/v1/batches", "", orjson.dumps(job)).body)
    done = orjson.loads(stand_in.respond("GET", f"/v1/batches/{made['id']}", "", b"").body)

    answers = {
        line["custom_id"]: line["response"]
        for line in map(orjson.loads, stand_in.files[done["output_file_id"]].splitlines())
    }
    assert answers["0"]["body"]["choices"][0]["message"]["content"].startswith("<think>")
    assert answers["1"]["status_code"] == 400


@pytest.mark.parametrize("name", ["gpt-4.1-mini", "", "offline-judge"])
def test_the_stand_in_answers_under_its_own_name_whoever_is_asked_for(name: str) -> None:
    with running("no_usage") as server:
        said = asked(server, model=name).json()["model"]
        embedded = send(server, "/embeddings", json={"model": name, "input": ["a river"]}).json()["model"]

    assert said.startswith("offline-")
    assert embedded.startswith("offline-")
    assert said == "offline-judge" or name != "offline-judge"


# --- thoughts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quirk", "before", "after"),
    [
        ("think_block", "<think>\nHmm", "</think>\n\n"),
        ("think_block=seed:think", "<seed:think>\nHmm", "</seed:think>\n\n"),
        ("think_half", "Hmm", "</think>\n\n"),
        ("think_open_only_when_cut=100", "<think>\nHmm", "</think>\n\n"),
        ("harmony", "<|channel|>analysis<|message|>Hmm", "<|channel|>final<|message|>"),
        ("harmony=stripped", "analysisHmm", "assistantfinal"),
    ],
)
def test_a_thought_stands_in_the_content(quirk: str, before: str, after: str) -> None:
    with running(quirk) as server:
        said = choice(server)["content"].removesuffix("<|return|>")

    assert said.startswith(before)
    assert said.endswith(after + plain())
    assert ("<think>" in said) == quirk.startswith(("think_block", "think_open")) or "seed" in quirk


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_a_thought_stands_beside_the_content_and_is_counted(field: str) -> None:
    with running(field) as server:
        answer = asked(server).json()

    assert answer["choices"][0]["message"][field].startswith(THOUGHT)
    assert answer["choices"][0]["message"]["content"] == plain()
    assert answer["usage"]["completion_tokens_details"]["reasoning_tokens"] > 30


@pytest.mark.parametrize("kind", ["mistral", "anthropic", "text"])
def test_a_thought_is_one_of_the_parts_of_the_content(kind: str) -> None:
    with running(f"parts={kind}") as server:
        thought, said = choice(server)["content"]

    assert thought["type"] == "thinking"
    assert THOUGHT in str(thought)
    assert said == {"type": "text", "text": plain()}


@pytest.mark.parametrize(
    ("quirk", "content", "beside"),
    [
        ("thought_eats_budget=3000", None, True),
        ("thought_eats_budget=3000,content=empty", "", True),
        ("hidden_thought=3000", "", False),
        ("think_open_only_when_cut=3000", "<think>\nHmm", False),
    ],
)
@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_thought_eats_the_budget_until_that_is_raised(
    quirk: str,
    content: str | None,
    beside: bool,  # noqa: FBT001 - a case's value
    name: str,
) -> None:
    with running(quirk) as server:
        poor, rich = (asked(server, *({"max_tokens"} - {name}), **{name: most}).json() for most in (2048, 3000))

    message, usage = poor["choices"][0]["message"], poor["usage"]
    assert poor["choices"][0]["finish_reason"] == "length"
    assert (message["content"] or "").startswith(content or "")
    assert (message["content"] is None) == (content is None)
    assert "</think>" not in str(message)
    assert ("reasoning_content" in message) == beside
    assert usage["completion_tokens"] == 2048
    assert "hidden" not in quirk or usage["completion_tokens_details"]["reasoning_tokens"] == 2048
    assert rich["choices"][0]["finish_reason"] == "stop"
    assert rich["choices"][0]["message"]["content"].endswith(plain())


def test_each_third_answer_is_all_thought() -> None:
    with running("thinking_only_stop") as server:
        answers = [choice(server) for _ in range(3)]

    assert [answer["content"] for answer in answers] == [plain(), plain(), ""]
    assert plain() in answers[2]["reasoning_content"]
    assert answers[2]["finish_reason"] == "stop"


def test_a_thought_stands_beside_a_tool_call() -> None:
    with running("think_block") as server:
        answer = choice(server, tools=[TOOL])

    assert answer["content"].startswith("<think>")
    assert "query" in answer["tool_calls"][0]["function"]["arguments"]


# --- drafts and what stands around an object -------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["prose", "thought", "reasoning"])
def test_a_longer_draft_stands_before_the_object_that_is_meant(where: str) -> None:
    with running(f"draft_first={where}") as server:
        answer = choice(server, response_format=SCHEMA_FORM)
        free = choice(server)["content"]

    said, meant = answer["content"], plain(response_format=SCHEMA_FORM)
    before = answer["reasoning_content"] if where == "reasoning" else said.removesuffix(meant)
    draft = orjson.loads(before[before.index("{") : before.rindex("}") + 1])
    assert said.endswith(meant)
    assert said != meant or where == "reasoning"
    assert DRAFT in draft["query"]
    assert len(orjson.dumps(draft)) > len(meant)
    assert ("<think>" in said) == (where == "thought")
    assert free == plain()


@pytest.mark.parametrize(
    ("quirk", "before", "after"),
    [
        ("fenced_json", "```json\n", "\n```"),
        ("trailing_prose", "", "\n\nI hope this helps! Let me know what else you need."),
    ],
)
def test_something_stands_around_an_object_and_around_nothing_else(quirk: str, before: str, after: str) -> None:
    with running(quirk) as server:
        said, free = choice(server, response_format=SCHEMA_FORM)["content"], choice(server)["content"]

    assert said == before + plain(response_format=SCHEMA_FORM) + after
    assert free == plain()


# --- what is refused -------------------------------------------------------------------------------------------------

Passes = dict[str, Any] | tuple[str, ...]


@pytest.mark.parametrize(
    ("quirk", "refused", "status", "says", "passes"),
    [
        ("no_seed", {}, 400, "'seed'", ("seed",)),
        ("no_top_p", {}, 400, "'top_p'", ("top_p",)),
        ("no_temperature", {}, 400, "Only the default (1) value is supported", ("temperature",)),
        ("no_temperature", {}, 400, "does not support 0.7", {"temperature": 1}),
        ("unquoted_top_p", {}, 400, "top_p is not supported with this model", ("top_p",)),
        ("extra_forbidden", {}, 422, '"loc":["body","seed"],"msg":"Extra inputs are not permitted"', ("seed",)),
        ("extra_forbidden=top_p,words=flat", {}, 400, "[top_p] extra fields not permitted", ("top_p",)),
        ("two_at_once", {}, 400, "cannot both be specified", ("top_p",)),
        ("two_at_once", {}, 400, "cannot both be specified", ("temperature",)),
        ("wants_max_completion_tokens", {}, 400, "Use 'max_completion_tokens' instead", ("max_tokens",)),
        ("max_tokens_range=1024", {}, 400, "Range of max_tokens should be [1, 1024]", {"max_tokens": 1024}),
        ("max_tokens_range=64,words=valid", {}, 400, "the valid range of max_tokens is [1, 64]", {"max_tokens": 64}),
        ("no_system_role", {}, 400, "System role not supported", {"messages": [USER]}),
        ("no_system_role=500", {}, 500, "System role not supported", {"messages": [USER]}),
        ("no_developer", {}, 400, "Developer instruction is not enabled for models/m", {"messages": [USER]}),
        ("roles_alternate", {"messages": [USER, USER]}, 400, "roles must alternate", {}),
        ("wants_enable_thinking_false", {}, 400, "must be set to false", {"enable_thinking": False}),
        ("wants_enable_thinking_false", {}, 400, "false", {"chat_template_kwargs": {"enable_thinking": False}}),
        ("wants_reasoning_effort", {}, 400, "reasoning_effort is required", {"reasoning_effort": "low"}),
        ("wants_header", {}, 400, "X-Tenant: header is required", {"headers": {"x-tenant": "wells"}}),
        ("wants_header=A:b", {"headers": {"A": "c"}}, 400, "A: header", {"headers": {"A": "b"}}),
        ("wants_query", {}, 400, "query parameter: api-version", {"params": {"api-version": "2024-10-21"}}),
        ("api_key_header", {"headers": {"Authorization": "Bearer k"}}, 401, "key", {"headers": {"api-key": "k"}}),
        ("no_json_schema", {"response_format": SCHEMA_FORM}, 400, "json_schema is not supported", {"tools": [TOOL]}),
        ("no_json_schema,words=unavailable", {"response_format": SCHEMA_FORM}, 400, "unavailable now", {}),
        ("grammar_500", {"response_format": SCHEMA_FORM}, 500, "Failed to parse grammar", {}),
        ("grammar_500", {"tools": [TOOL]}, 500, "grammar", {"response_format": {"type": "json_object"}}),
        ("schema_400", {"response_format": SCHEMA_FORM}, 400, "JSON schema conversion failed", {}),
        ("no_response_format_at_all", {"response_format": {"type": "json_object"}}, 400, "not supported", {}),
        (
            "no_maxlength",
            {"response_format": SCHEMA_FORM},
            400,
            "maxLength",
            {"response_format": {"type": "json_object"}},
        ),
        ("no_tools", {"tools": [TOOL]}, 400, "tools is not supported", {}),
        ("context=1024", {}, 400, "maximum context length is 1024 tokens", {"max_tokens": 900}),
        ("model_not_found=small", {}, 404, "The model `m` does not exist", {"model": "small"}),
    ],
)
def test_what_a_server_does_not_take_is_refused_in_its_words_and_all_else_is_answered(
    quirk: str, refused: dict[str, Any], status: int, says: str, passes: Passes
) -> None:
    with running(quirk) as server:
        no = asked(server, **refused)
        yes = asked(server, **passes) if isinstance(passes, dict) else asked(server, *passes)

        assert (no.status_code, yes.status_code) == (status, 200), yes.text
        assert says in no.text
        assert acted(server, quirks.chosen(quirk).name) == 1


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        ("openai", 400, "you requested 1131 tokens (31 in the messages, 1100 in the completion)"),
        ("vllm", 400, "(1100 > 1024 - 31)"),
        ("tgi", 422, "Given: 31 `inputs` tokens and 1100 `max_new_tokens`"),
        ("openrouter", 400, "about 1131 tokens (31 of text input, 1100 in the output)"),
    ],
)
def test_prompt_and_answer_share_the_context_and_each_server_says_so_in_its_own_words(
    words: str, status: int, says: str
) -> None:
    with running(f"context=1024,words={words}") as server:
        no, yes = asked(server, max_tokens=1100), asked(server, max_tokens=900)

    assert (no.status_code, yes.status_code) == (status, 200)
    assert says in no.json()["error"] if words == "tgi" else says in no.json()["error"]["message"]


def test_llama_cpp_minds_the_prompt_alone() -> None:
    with running("context=1024,words=llama_cpp") as server:
        wide = asked(server, max_tokens=8000)
        long = asked(server, messages=[{**USER, "content": PAGE * 50}]).json()["error"]

    assert wide.status_code == 200
    assert (long["type"], long["n_ctx"]) == ("exceed_context_size_error", 1024)
    assert long["n_prompt_tokens"] > 1024


def test_googles_error_is_in_a_list() -> None:
    with running("no_developer") as server:
        (said,) = asked(server).json()

    assert said["error"]["status"] == "INVALID_ARGUMENT"


def test_azure_serves_its_own_paths_with_its_own_key() -> None:
    path = server_path = "/openai/deployments/m/chat/completions"
    version = {"api-version": "2024-10-21"}
    with running("azure") as server:
        root = server.base_url.removesuffix("/v1")
        plain_path = asked(server, headers={"api-key": "k"}, params=version)
        no_version = send(server, root + path, json=REQUEST, headers={"api-key": "k"})
        no_key = send(server, root + path, json=REQUEST, params=version)
        right = send(server, root + server_path, json=REQUEST, params=version, headers={"api-key": "k"})

    assert [reply.status_code for reply in (plain_path, no_version, no_key, right)] == [404, 404, 401, 200]


def test_a_door_is_shut_for_pages_too() -> None:
    with running("api_key_header") as server:
        assert send(server, "/models").status_code == 401
        assert send(server, "/models", headers={"api-key": "k"}).status_code == 200


# --- structure and context -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["prose", "keys"])
@pytest.mark.parametrize("form", [{"response_format": SCHEMA_FORM}, {"tools": [TOOL]}])
def test_a_schema_is_ignored_unless_it_stands_in_the_prompt(kind: str, form: dict[str, Any]) -> None:
    shown = {"messages": [{**WORDED, "content": WORDED["content"] + orjson.dumps(SCHEMA).decode()}]}
    with running(f"schema_ignored={kind}") as server:
        ignored = choice(server, **form)
        followed = choice(server, **shown, response_format={"type": "json_object"})

    assert "tool_calls" not in ignored
    assert ignored["content"] == PROSE if kind == "prose" else orjson.loads(ignored["content"])["result"] == PROSE
    assert orjson.loads(followed["content"]).keys() == {"query"}


def test_arguments_of_a_tool_call_are_an_object() -> None:
    with running("tool_arguments_object") as server:
        call = choice(server, tools=[TOOL])["tool_calls"][0]

    assert call["function"]["arguments"].keys() == {"query"}


def test_only_the_end_of_a_long_prompt_is_seen_and_the_usage_tells() -> None:
    long = [SYSTEM, {**USER, "content": "Pumps and valves. " * 900 + PAGE}]
    with running("cuts_prompts=100") as server:
        short, cut = asked(server).json(), asked(server, messages=long).json()

        assert acted(server, "cuts_prompts") == 1
    assert cut["usage"]["prompt_tokens"] == 100 > short["usage"]["prompt_tokens"]
    assert cut["choices"][0]["finish_reason"] == "stop"
    assert "reservoir" in cut["choices"][0]["message"]["content"]


# --- ends, names, usage ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["error", "sensitive", "eos_token", "end_turn", "", "empty", "null"])
def test_an_answer_ends_for_any_reason(word: str) -> None:
    with running(f"finish={word},every=2") as server:
        first, second = choice(server), choice(server)

    assert first["finish_reason"] == "stop"
    assert second["finish_reason"] == {"null": None, "empty": ""}.get(word, word)
    assert second["content"] == plain()


def test_an_answer_ends_for_no_reason_at_all() -> None:
    with running("finish=missing") as server:
        assert "finish_reason" not in choice(server)


@pytest.mark.parametrize("form", [{}, {"response_format": SCHEMA_FORM}, {"tools": [TOOL]}])
def test_half_an_answer_ends_as_it_says(form: dict[str, Any]) -> None:
    with running("finish=insufficient_system_resource,half_answer") as server:
        half = choice(server, **form)

    said = half["tool_calls"][0]["function"]["arguments"] if "tools" in form else half["content"]
    assert half["finish_reason"] == "insufficient_system_resource"
    assert plain(**form).startswith(said) if "tools" not in form else said.startswith('{"query"')
    assert not said.endswith("}")


@pytest.mark.parametrize("token", ["<|im_end|>", "<|eot_id|>", "</s>"])
def test_a_special_token_stands_at_the_end(token: str) -> None:
    with running(f"ends_with={token}") as server:
        assert choice(server)["content"] == plain() + token


def test_the_model_is_named_by_a_path_or_is_another() -> None:
    with running("model_by_path") as by_path, running("other_model_answers") as another:
        path, other = asked(by_path).json()["model"], asked(another).json()["model"]

    assert path.startswith("/")
    assert path.endswith(".gguf")
    assert other == "offline-fallback"


def test_usage_is_missing_or_wrong() -> None:
    with running("no_usage") as none, running("wrong_usage") as strings, running("wrong_usage=negative") as negative:
        said = [asked(server).json().get("usage") for server in (none, strings, negative)]

    assert said[0] is None
    assert said[1]["prompt_tokens"] == "12"
    assert said[2]["completion_tokens"] < 0


# --- capacity --------------------------------------------------------------------------------------------------------


def together(count: int, work: Callable[[int], Any], server: Any) -> list[Any]:
    """Do work in threads, each begun when the server has the request before it; returns what came, in order of ends."""
    ended: list[Any] = []

    def one(number: int) -> None:
        given = work(number)
        ended.append((number, given, time.monotonic()))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        had = server.counts["requests"]
        thread.start()
        while server.counts["requests"] == had:
            time.sleep(0.001)
    for thread in threads:
        thread.join()
    return ended


def test_a_slot_works_on_one_call_at_a_time_in_order_of_arrival() -> None:
    with running("slots=1,seconds=0.1") as server:
        start = time.monotonic()
        ended = together(4, lambda _: asked(server).status_code, server)

        assert [number for number, _, _ in ended] == [0, 1, 2, 3]
        assert ended[-1][2] - start >= 4 * 0.1
        assert acted(server, "slots") == 3


def test_a_server_of_two_slots_works_on_two() -> None:
    with running("slots=2,seconds=0.2") as server:
        start = time.monotonic()
        ended = together(4, lambda _: asked(server).status_code, server)

        assert ended[-1][2] - start >= 0.4
        assert acted(server, "slots") == 2


@pytest.mark.parametrize(
    ("quirk", "is_kept"), [("slots=1,seconds=0.25", True), ("slots=1,seconds=0.25,hangup_frees", False)]
)
def test_a_client_that_hangs_up_keeps_its_slot_or_frees_it(quirk: str, is_kept: bool) -> None:  # noqa: FBT001 - a case's value
    with running(quirk) as server:

        def work(number: int) -> Any:
            if number:
                return asked(server).status_code
            with pytest.raises(httpx2.TimeoutException):
                httpx2.post(
                    server.base_url + "/chat/completions",
                    json=REQUEST,
                    timeout=httpx2.Timeout(5, read=0.08),
                    trust_env=False,
                )
            return None

        start = time.monotonic()
        ended = together(2, work, server)

        if is_kept:
            assert ended[-1][2] - start >= 0.5
        assert server.stats()["worked_for_nobody"] == 1


@pytest.mark.parametrize("status", [503, 429])
@pytest.mark.slow
def test_a_queue_that_is_full_refuses_at_once(status: int) -> None:
    with running("slots=1,seconds=0.7", f"queue_full=1,status={status}") as server:
        ended = together(4, lambda _: asked(server).status_code, server)

        assert sorted(given for _, given, _ in ended) == [200, 200, status, status]
        assert acted(server, "queue_full") == 2


def test_the_first_call_waits_for_the_model_and_so_do_those_after_it() -> None:
    with running("first_slow=0.3") as server:
        start = time.monotonic()
        ended = together(2, lambda _: asked(server).status_code, server)
        later = time.monotonic()
        asked(server)

        assert min(at for _, _, at in ended) - start >= 0.3
        assert time.monotonic() - later < 0.3


def test_a_server_that_loads_its_model_says_so() -> None:
    with running("first_slow=0.2,words=loading") as server:
        loading = asked(server)
        time.sleep(0.25)

        assert (loading.status_code, asked(server).status_code) == (503, 200)
        assert "Loading model" in loading.text


def test_a_slow_server_is_slow_each_time() -> None:
    with running("slow_all=0.15") as server:
        start = time.monotonic()
        for _ in range(2):
            asked(server)

    assert time.monotonic() - start >= 0.3


# --- whole servers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 402, 403, 404, 422, 429, 500, 503])
def test_a_server_refuses_every_call_in_the_same_words(status: int) -> None:
    with running(f"refuses_all={status}") as server:
        replies = [asked(server), asked(server, "seed", "top_p", messages=[USER]), asked(server, max_tokens=1)]

    assert {reply.status_code for reply in replies} == {status}
    assert len({reply.text for reply in replies}) == 1


def test_a_servers_words_can_be_chosen() -> None:
    with running("refuses_all=400,words=Out of paper, sorry") as server:
        assert asked(server).json()["error"]["message"] == "Out of paper, sorry"


def test_a_server_answers_some_calls_and_no_more() -> None:
    with running("refuses_after=2") as server:
        assert [asked(server).status_code for _ in range(4)] == [200, 200, 400, 400]


# --- embeddings and pages --------------------------------------------------------------------------------------------


def embedded(server: QuirkServer, *texts: str) -> httpx2.Response:
    return send(server, "/embeddings", json={"model": "m", "input": list(texts)})


def test_texts_are_embedded_in_small_batches_only() -> None:
    with running("embed_batch=2") as server:
        assert embedded(server, "a", "b").status_code == 200
        assert "batch size 3 > maximum allowed batch size 2" in embedded(server, "a", "b", "c").text


def test_one_long_text_refuses_the_whole_request_and_is_not_named() -> None:
    with running("embed_too_long=100") as server:
        refused = embedded(server, "short", "long " * 40)

        assert embedded(server, "short").status_code == 200
        assert refused.status_code == 400
        assert "maximum context length is 25 tokens" in refused.text
        assert "long long" not in refused.text


def test_vectors_come_in_another_order_with_their_right_numbers() -> None:
    with running("embed_wrong_order") as server:
        data = embedded(server, "river", "road", "roof").json()["data"]

    assert [item["index"] for item in data] == [2, 1, 0]
    assert data[0]["embedding"] == pytest.approx(offline.vector("roof").tolist())


def test_quirks_of_chats_leave_embeddings_alone() -> None:
    with running("think_block", "no_seed", "context=10", "finish=error") as server:
        assert embedded(server, "river").json()["data"][0]["embedding"]


def test_llama_cpp_tells_its_slots_its_context_and_its_template() -> None:
    with running("llama_cpp", "slots=3,seconds=0", "context=8192,words=llama_cpp", "no_system_role=500") as server:
        shown = send(server, server.base_url.removesuffix("/v1") + "/props").json()

    assert (shown["total_slots"], shown["default_generation_settings"]["n_ctx"]) == (3, 8192)
    assert "System role not supported" in shown["chat_template"]


def test_ollama_tells_its_parameters_and_abilities() -> None:
    with running("ollama", "cuts_prompts=2048", "think_block") as server:
        shown = send(server, server.base_url.removesuffix("/v1") + "/api/show", json={"model": "m"}).json()

    assert "num_ctx" in shown["parameters"]
    assert "2048" in shown["parameters"]
    assert "thinking" in shown["capabilities"]


def test_other_servers_have_none_of_these_pages() -> None:
    with running("no_usage") as server:
        root = server.base_url.removesuffix("/v1")

        assert send(server, root + "/props").status_code == 404
        assert send(server, root + "/api/show", json={}).status_code == 404
        assert send(server, "/models").status_code == 200
