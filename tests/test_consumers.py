"""Exports as their trainers read them: one step of TRL's own trainers, LLaMA-Factory's own converters.

Both are large (torch), so they are no part of the extra `test`; `pip install trl llamafactory` brings them, else these
are skipped. The model is a random one of a few thousand weights, made here: nothing is downloaded.
"""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests import instruction_store as store
from tests import program_rows
from tests.scripted_model import scripted_model
from wellspring.tasks import exports, preferences, responses, scores, selections
from wellspring.tasks.contracts import settings
from wellspring.tasks.spine.running import runs

CHATML = (
    "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>\n{% endif %}"
)

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # warnings of the trainers are theirs


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset in every form."""
    forms = '["messages", "sharegpt", "alpaca", "dpo", "kto", "reward_conditioned"]'
    chosen = settings.load(
        None,
        [
            f"exports.formats={forms}",
            "preferences.draws=3",
            "preferences.min_margin=0.25",
            "preferences.max_length_ratio=10",
            "selections.min_score=3",
            "verdicts.required=[]",
            'responses.system="You are of help."',
        ],
        {},
    )
    folder = tmp_path_factory.mktemp("consumers")
    stages: dict[str, Callable[..., Any]] = {
        "responses": responses.respond,
        "scores": scores.judge,
        "selections": selections.select,
        "preferences": preferences.pair,
        "exports": exports.export,
    }
    with runs.start("test", chosen, folder / "ws", quiet=True) as run:
        store.fill(run, 24)
        for noun, stage in stages.items():
            stage(run)
            store.publish(run, noun)
        exports.put_in_place(run)
    return folder / "ws" / "exports" / "wellspring-dataset"


@pytest.fixture(scope="module")
def small(dataset: Path) -> SimpleNamespace:
    """A tokenizer of the dataset's own words and a random model of two layers for it."""
    pytest.importorskip("trl", reason="needs trl: pip install trl")
    import tokenizers
    from transformers import LlamaConfig, PreTrainedTokenizerFast

    words = tokenizers.Tokenizer(tokenizers.models.WordLevel(unk_token="<|unk|>"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    special = ["<|unk|>", "<|end|>", "<|pad|>", "<|system|>", "<|user|>", "<|assistant|>"]
    texts = (dataset / "messages" / "train.jsonl").read_text(encoding="utf-8").splitlines()
    words.train_from_iterator(texts, tokenizers.trainers.WordLevelTrainer(vocab_size=500, special_tokens=special))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words, unk_token="<|unk|>", eos_token="<|end|>", pad_token="<|pad|>", chat_template=CHATML
    )
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=16,
        intermediate_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    return SimpleNamespace(tokenizer=tokenizer, config=config)


def rows_of(dataset: Path, form: str) -> Any:
    """Load a form with the `datasets` library, from its Parquet file."""
    import datasets

    datasets.disable_progress_bars()
    return datasets.Dataset.from_parquet(str(dataset / form / "train.parquet"), cache_dir=str(dataset.parent / "cache"))


def lines_of(dataset: Path, form: str) -> list[dict[str, Any]]:
    """Load a form from its JSON lines."""
    return [json.loads(line) for line in (dataset / form / "train.jsonl").read_text(encoding="utf-8").splitlines()]


def trained(dataset: Path, small: SimpleNamespace, form: str, trainer: str, config: str) -> tuple[Any, float]:
    """Take one step with a trainer of TRL; returns the trainer and its loss."""
    import torch
    import trl
    from transformers import LlamaForCausalLM

    torch.manual_seed(0)
    arguments = getattr(trl, config)(
        output_dir=str(dataset.parent / "out"),
        max_steps=1,
        per_device_train_batch_size=2,
        report_to=[],
        use_cpu=True,
        bf16=False,
        save_strategy="no",
        disable_tqdm=True,
    )
    beside = {} if trainer == "SFTTrainer" else {"ref_model": LlamaForCausalLM(small.config)}
    made = getattr(trl, trainer)(
        model=LlamaForCausalLM(small.config),
        **beside,
        args=arguments,
        train_dataset=rows_of(dataset, form),
        processing_class=small.tokenizer,
    )
    return made, made.train().training_loss


@pytest.mark.parametrize(
    ("form", "trainer", "config"),
    [
        ("messages", "SFTTrainer", "SFTConfig"),
        ("dpo", "DPOTrainer", "DPOConfig"),
        ("reward_conditioned", "DPOTrainer", "DPOConfig"),
        ("kto", "KTOTrainer", "KTOConfig"),
    ],
)
def test_trl_takes_a_step_on_each_form(
    dataset: Path, small: SimpleNamespace, form: str, trainer: str, config: str
) -> None:
    made, loss = trained(dataset, small, form, trainer, config)

    assert loss > 0
    assert len(made.train_dataset) == len(rows_of(dataset, form))


def test_trl_knows_our_forms_as_conversations(dataset: Path, small: SimpleNamespace) -> None:
    from trl.data_utils import apply_chat_template, is_conversational

    for form in ("messages", "dpo", "kto", "reward_conditioned"):
        row = rows_of(dataset, form)[0]
        told = apply_chat_template(row, small.tokenizer)

        assert is_conversational(row)
        assert "You are of help." in told.get("text", told.get("prompt"))


@pytest.mark.parametrize(
    ("form", "converter", "columns"),
    [
        ("sharegpt", "SharegptDatasetConverter", {"messages": "conversations", "system": "system"}),
        (
            "alpaca",
            "AlpacaDatasetConverter",
            {"prompt": "instruction", "query": "input", "response": "output", "system": "system"},
        ),
    ],
)
def test_llama_factory_reads_each_form_with_its_own_converter(
    dataset: Path, form: str, converter: str, columns: dict[str, str]
) -> None:
    converters = pytest.importorskip("llamafactory.data.converter", reason="needs llamafactory", exc_type=ImportError)
    from llamafactory.data.parser import DatasetAttr

    described = DatasetAttr("file", dataset_name=form, formatting=form)
    for name, column in columns.items():
        setattr(described, name, column)
    convert = getattr(converters, converter)(described, SimpleNamespace(media_dir=""))
    rows, plain = lines_of(dataset, form), lines_of(dataset, "messages")

    read = [convert(row) for row in rows]

    assert [[turn["content"] for turn in (*row["_prompt"], *row["_response"])] for row in read] == [
        [turn["content"] for turn in row["messages"][1:]] for row in plain
    ]
    assert {row["_system"] for row in read} == {"You are of help."}


QWEN3 = (  # the part of Qwen3's template that writes a turn, as TRL ships it
    "{% for message in messages %}{% set thought = '' %}"
    "{% if message.reasoning_content is string %}{% set thought = message.reasoning_content %}{% endif %}"
    "<|im_start|>{{ message.role }}\n"
    "{% if message.role == 'assistant' and thought %}<think>\n{{ thought.strip('\n') }}\n</think>\n\n{% endif %}"
    "{{ message.content.lstrip('\n') }}<|im_end|>\n{% endfor %}"
)
THOUGHT = "The asker wants figures, so figures come first."


@pytest.fixture(scope="module")
def thinking(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset of a thinking model in every form of rows, its thoughts exported."""

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        asked = body["messages"][-1]["content"]
        if len(asked) % 3 == 0:
            return {"content": f"In {len(asked)} steps, the first of which is to measure it."}
        return {"content": f"In {len(asked)} steps, of which one is to wait.", "reasoning_content": THOUGHT}

    folder = tmp_path_factory.mktemp("thinking")
    with scripted_model(answer) as model:
        chosen = settings.load(
            None,
            [
                'exports.formats=["messages", "sharegpt", "alpaca"]',
                "exports.thoughts=true",
                "selections.min_score=0",
                "verdicts.required=[]",
            ],
            {},
            {"models": {"responder": model.role("thinker"), "generator": model.role("w")}, "scores": {"judges": []}},
        )
        with runs.start("test", chosen, folder / "ws", quiet=True, may_mix=True) as run:
            store.fill(run, 12)
            for noun, stage in {"responses": responses.respond, "selections": selections.select}.items():
                stage(run)
                store.publish(run, noun)
            exports.export(run)
            exports.put_in_place(run)
    return folder / "ws" / "exports" / "wellspring-dataset"


def test_the_datasets_library_reads_thoughts_where_chat_templates_and_llama_factory_look_for_them(
    thinking: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    datasets = pytest.importorskip("datasets")
    jinja = pytest.importorskip("jinja2")
    datasets.disable_progress_bars()
    template = jinja.Environment().from_string(QWEN3)
    for form in ("parquet", "json"):
        file = "train.parquet" if form == "parquet" else "train.jsonl"
        read = {
            name: datasets.load_dataset(form, data_files=str(thinking / name / file), cache_dir=str(tmp_path))["train"]
            for name in ("messages", "sharegpt", "alpaca")
        }
        told = [template.render(messages=row["messages"]) for row in read["messages"]]
        turns = [row["conversations"][-1]["value"] for row in read["sharegpt"]]

        assert 0 < sum(THOUGHT in text for text in told) < len(told)
        for text, turn, row in zip(told, turns, read["alpaca"], strict=True):
            assert turn == row["output"]
            assert text.endswith(f"<|im_start|>assistant\n{turn}<|im_end|>\n")
            assert turn.startswith(f"<think>\n{THOUGHT}\n</think>\n\nIn ") == (THOUGHT in text)


FORMS = ("messages", "sharegpt", "alpaca", "dpo", "kto", "raw")
ASKED = [turn["content"] for turn in program_rows.TURNS[1:]]


def told_in(folder: Path, **filled: Any) -> Path:
    """A dataset with a row that has turns before it, and rows that have none."""
    with scripted_model(lambda body: f"In {len(str(body))} steps.") as model:
        chosen = settings.load(
            None,
            [
                f"exports.formats={json.dumps([*FORMS, 'reward_conditioned'])}",
                "verdicts.required=[]",
                "selections.min_score=0",
            ],
            {},
            {"models": {"responder": model.role("m"), "generator": model.role("w")}, "scores": {"judges": []}},
        )
        with runs.start("test", chosen, folder / "ws", quiet=True, may_mix=True) as run:
            store.fill(run, 6)
            responses.respond(run)
            store.publish(run, "responses")
            return program_rows.exported(run, **filled)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return told_in(tmp_path_factory.mktemp("told"))


TOOL = {"type": "function", "function": {"name": "head", "parameters": {"type": "object", "properties": {}}}}
TRACE: list[dict[str, Any]] = [
    {"role": "user", "content": "How high does the pump lift?"},
    {"role": "assistant", "content": "", "tool_calls": [{"id": "c1", "name": "head", "arguments": {"pump": "B"}}]},
    {"role": "tool", "content": "12 metres", "tool_call_id": "c1"},
    {"role": "assistant", "content": "Twelve metres."},
]


@pytest.fixture(scope="module")
def called(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return told_in(tmp_path_factory.mktemp("called"), turns=TRACE, tools=[TOOL["function"]])


@pytest.mark.parametrize("form", ["parquet", "json"])
def test_the_datasets_library_reads_turns_beside_rows_that_have_none(
    told: Path, form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    datasets = pytest.importorskip("datasets")
    datasets.disable_progress_bars()
    file = "train.parquet" if form == "parquet" else "train.jsonl"
    read = {
        name: list(datasets.load_dataset(form, data_files=str(told / name / file), cache_dir=str(tmp_path))["train"])
        for name in FORMS
    }
    mine = {name: next(row for row in rows if row["id"] == program_rows.id_of("good")) for name, rows in read.items()}
    others = [row for row in read["messages"] if row["id"] != program_rows.id_of("good")]
    turns = [(turn["role"], turn["content"]) for turn in program_rows.TURNS]
    asked = ("user", program_rows.TEXT)

    def said(found: list[dict[str, str]]) -> list[tuple[str, str]]:
        return [(turn["role"], turn["content"]) for turn in found]

    assert said(mine["messages"]["messages"])[:-1] == [*turns, asked]
    assert said(mine["dpo"]["prompt"]) == said(mine["kto"]["prompt"]) == [*turns, asked]
    assert said(mine["raw"]["history"]) == turns
    assert mine["sharegpt"]["system"] == mine["alpaca"]["system"] == turns[0][1]
    assert [turn["value"] for turn in mine["sharegpt"]["conversations"]][:2] == ASKED
    assert mine["alpaca"]["history"] == [ASKED]
    assert len(others) == 6
    assert not (told / "reward_conditioned").exists()  # no judge gave the answers of the pair a reward
    assert all([turn["role"] for turn in row["messages"]] == ["user", "assistant"] for row in others)
    assert {json.dumps(row["history"]) for row in read["alpaca"]} == {json.dumps([ASKED]), "null"}


@pytest.mark.parametrize("form", ["sharegpt", "alpaca"])
def test_llama_factory_reads_turns_with_its_own_converters(told: Path, form: str) -> None:
    converters = pytest.importorskip("llamafactory.data.converter", reason="needs llamafactory", exc_type=ImportError)
    from llamafactory.data.parser import DatasetAttr

    columns = {"messages": "conversations"} if form == "sharegpt" else {"prompt": "instruction", "response": "output"}
    described = DatasetAttr("file", dataset_name=form, formatting=form)
    for name, column in (columns | {"system": "system", "history": "history", "query": "input"}).items():
        setattr(described, name, column)
    named = {"sharegpt": "SharegptDatasetConverter", "alpaca": "AlpacaDatasetConverter"}
    convert = getattr(converters, named[form])(described, SimpleNamespace(media_dir=""))

    row = next(convert(row) for row in rows_of(told, form) if row["id"] == program_rows.id_of("good"))

    assert [turn["content"] for turn in row["_prompt"]] == [*ASKED, program_rows.TEXT]
    assert row["_system"] == program_rows.TURNS[0]["content"]


def called_row(dataset: Path, form: str) -> dict[str, Any]:
    """The row of a form that calls a tool."""
    return next(row for row in rows_of(dataset, form) if row["id"] == program_rows.id_of("good"))


def test_a_trace_of_tools_is_written_in_each_form_that_has_a_place_for_it(called: Path) -> None:
    row = next(one for one in lines_of(called, "messages") if one["id"] == program_rows.id_of("good"))
    call = {"id": "c1", "type": "function", "function": {"name": "head", "arguments": '{"pump": "B"}'}}
    others = [one for one in lines_of(called, "messages") if one["id"] != row["id"]]

    assert row["messages"][:4] == [TRACE[0], TRACE[1] | {"tool_calls": [call]}, *TRACE[2:]]
    assert json.loads(row["tools"]) == [TOOL]
    assert len(others) == 6
    assert not any("tools" in one for one in others)
    assert len(lines_of(called, "sharegpt")) == 7
    assert len(lines_of(called, "alpaca")) == 6
    assert "tools are offered or called" in (called / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("form", ["messages", "dpo", "kto"])
def test_trl_writes_calls_and_tools_into_its_own_template(called: Path, small: SimpleNamespace, form: str) -> None:
    import trl
    from trl.data_utils import apply_chat_template
    from trl.trainer.utils import remove_none_values

    template = Path(trl.__file__).parent / "chat_templates" / "qwen3.jinja"
    small.tokenizer.chat_template, before = template.read_text(encoding="utf-8"), small.tokenizer.chat_template
    row = remove_none_values([called_row(called, form)])[0]

    told = apply_chat_template(row, small.tokenizer, tools=json.loads(row["tools"]))
    small.tokenizer.chat_template = before
    text = told.get("text") or told["prompt"]

    assert '<tool_call>\n{"name": "head", "arguments": {"pump": "B"}}\n</tool_call>' in text
    assert "<tool_response>\n12 metres\n</tool_response>" in text
    assert '{"type": "function", "function": {"name": "head"' in text


def test_llama_factory_reads_calls_and_tools_with_its_own_converter(called: Path) -> None:
    converters = pytest.importorskip("llamafactory.data.converter", reason="needs llamafactory", exc_type=ImportError)
    from llamafactory.data.parser import DatasetAttr

    described = DatasetAttr("file", dataset_name="sharegpt", formatting="sharegpt")
    for name, column in {"messages": "conversations", "system": "system", "tools": "tools"}.items():
        setattr(described, name, column)

    row = converters.SharegptDatasetConverter(described, SimpleNamespace(media_dir=""))(called_row(called, "sharegpt"))

    assert [turn["role"] for turn in row["_prompt"]] == ["user", "function", "observation", "assistant", "user"]
    assert json.loads(row["_prompt"][1]["content"]) == {"name": "head", "arguments": {"pump": "B"}}
    assert json.loads(row["_tools"]) == [TOOL["function"]]
    assert len(row["_response"]) == 1
