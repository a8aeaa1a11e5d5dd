"""The forms in which trainers read a dataset: one function a form, from a row or a pair to the lines it becomes.

| form | read by | line |
|---|---|---|
| `messages` | TRL `SFTTrainer`, OpenAI fine-tuning, Axolotl (chat_template) | `messages`: role, content of each turn |
| `sharegpt` | LLaMA-Factory (sharegpt), FastChat | `conversations`: from and value; `system` |
| `alpaca` | LLaMA-Factory (alpaca), Stanford Alpaca | `instruction`, `input`, `output`, `system`; `history` |
| `dpo` | TRL `DPOTrainer`, `RewardTrainer` (conversational) | `prompt`, `chosen`, `rejected` as turns |
| `kto` | TRL `KTOTrainer`, `BCOTrainer` | `prompt`, `completion` as turns; `label` |
| `reward_conditioned` | as `dpo` | each pair twice, its prompt asking for one of the two rewards |
| `raw` | people | every answer with every score and verdict |
| `rewrites` | pre-training, people | `text` of a page said again, its `style` and the page |

Reward-conditioned rows are those of reward-augmented data (PAPERS E): the answer whose reward is asked for is the
chosen one; a pair whose answers no judge marked is not among them. Every line begins with `id`, of the row it came
from, so that a copied line can still be traced, and says who made it: `model` answered (of a pair: its chosen answer;
of a rewrite: its text), `instruction_model` wrote the instruction, and `synthetic` is true.

Turns before the instruction come first in `messages`, `conversations` and `prompt`. `alpaca` has them as LLaMA-Factory
reads them: `history`, a list of pairs of what was asked and answered. Rows without such turns have no `history`.

A thought (`exports.thoughts`) stands where trainers look for it. A turn has it as `reasoning_content`: TRL hands turns
to the chat template as they are, and the templates of Qwen3, GLM, Nemotron and others, as TRL ships them in
`trl/chat_templates`, write that field between their own marks (gpt-oss reads `thinking`: rename it). Forms without
fields have it inline, as LLaMA-Factory's `ReasoningTemplate` expects it: `<think>`, a line break, the thought, a line
break, `</think>`, an empty line (its default `thought_words`, `src/llamafactory/data/template.py`), then the answer.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pyarrow as pa

from wellspring.tasks.contracts.casting import without_directories

VERSION = 1
Row = Mapping[str, Any]

THOUGHT = "reasoning_content"
THOUGHT_WORDS = ("<think>\n", "\n</think>\n\n")

_TURN: list[tuple[str, pa.DataType]] = [("role", pa.string()), ("content", pa.string())]
_TURNS = pa.list_(pa.struct(_TURN))
_THINKING_TURNS = pa.list_(pa.struct([*_TURN, (THOUGHT, pa.string())]))
_WHO: list[tuple[str, pa.DataType]] = [
    ("model", pa.string()),
    ("instruction_model", pa.string()),
    ("synthetic", pa.bool_()),
]
_FACTS: list[tuple[str, pa.DataType]] = [
    ("recipe", pa.string()),
    ("url", pa.string()),
    ("license", pa.string()),
    ("score", pa.float64()),
    *_WHO,
]
_ID: list[tuple[str, pa.DataType]] = [("id", pa.string())]
_PAIR: list[tuple[str, pa.DataType]] = [
    ("prompt", _TURNS),
    ("chosen", _TURNS),
    ("rejected", _TURNS),
    ("score_chosen", pa.float64()),
    ("score_rejected", pa.float64()),
    *_WHO,
]
_MARK = pa.struct([("name", pa.string()), ("value", pa.float64())])
_CHECK = pa.struct([("name", pa.string()), ("passed", pa.bool_())])

SCHEMAS: dict[str, pa.Schema] = {
    "messages": pa.schema([*_ID, ("messages", _TURNS), *_FACTS]),
    "sharegpt": pa.schema(
        [
            *_ID,
            ("conversations", pa.list_(pa.struct([("from", pa.string()), ("value", pa.string())]))),
            ("system", pa.string()),
            *_FACTS,
        ]
    ),
    "alpaca": pa.schema(
        [*_ID, *((name, pa.string()) for name in ("instruction", "input", "output", "system")), *_FACTS]
    ),
    "dpo": pa.schema([*_ID, *_PAIR]),
    "kto": pa.schema([*_ID, ("prompt", _TURNS), ("completion", _TURNS), ("label", pa.bool_()), *_WHO]),
    "reward_conditioned": pa.schema([*_ID, *_PAIR]),
    "raw": pa.schema(
        [
            *_ID,
            ("instruction_id", pa.string()),
            ("recipe", pa.string()),
            ("instruction", pa.string()),
            ("response", pa.string()),
            ("way", pa.string()),
            ("draw", pa.int64()),
            *_WHO,
            ("finish_reason", pa.string()),
            ("scores", pa.list_(_MARK)),
            ("verdicts", pa.list_(_CHECK)),
        ]
    ),
    "rewrites": pa.schema(
        [
            *_ID,
            *((name, pa.string()) for name in ("style", "text", "recipe", "url", "license", "document_id", "model")),
            ("synthetic", pa.bool_()),
        ]
    ),
}
_MORE: dict[str, list[tuple[str, str, pa.DataType]]] = {  # what some rows have: its column, and type
    "alpaca": [("earlier", "history", pa.list_(pa.list_(pa.string())))],
    "raw": [("earlier", "history", _TURNS), ("use", "use", pa.string()), ("thought", "thought", pa.string())],
}
BESIDE = frozenset({"earlier", "use"})
_FROM = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}
OF_ROWS = frozenset({"messages", "sharegpt", "alpaca"})
OF_PAIRS = frozenset({"dpo", "kto", "reward_conditioned"})


def schema(form: str, beside: Collection[str] = ()) -> pa.Schema:
    """Return the columns of a form.

    Args:
        form: A key of `SCHEMAS`.
        beside: What some rows of the dataset have: `thought`, then turns and raw answers have a place for one;
            `earlier`, turns before an instruction; `use`, of raw answers that a program made.
    """
    fields = [*SCHEMAS[form], *(pa.field(name, kind) for key, name, kind in _MORE.get(form, ()) if key in beside)]
    if "thought" in beside:
        fields = [pa.field(f.name, _THINKING_TURNS) if f.type == _TURNS else f for f in fields]
    return pa.schema(fields)


def lines(form: str, row: Row) -> list[tuple[str, dict[str, Any]]]:
    """Return the lines that a row (or a pair, or a raw answer) becomes in a form, each with the id of its row.

    Args:
        form: A key of `SCHEMAS`.
        row: Of all: instruction_model. For `OF_ROWS`: response_id, text, response, system, recipe, url, license,
            score, model. For `OF_PAIRS`: chosen_id, rejected_id, text, chosen, rejected, system, score_chosen,
            score_rejected, chosen_model, rejected_model. For `raw`: its columns, and `system`. For `rewrites`, which
            have no instruction_model: rewrite_id and its columns. A thought that is there is written: `thought`, of a
            pair `chosen_thought` and `rejected_thought`. `earlier` is a list of turns before the instruction (role,
            content, thought), `use` what a raw answer is for.

    Raises:
        KeyError: The form is unknown, or the row lacks a column.
    """
    return _FORMS[form](row)


def _facts(row: Row) -> dict[str, Any]:
    return {name: row[name] for name, _ in _FACTS[: -len(_WHO)]} | _who(row, "model")


def _who(row: Row, answered: str) -> dict[str, Any]:
    return {
        "model": without_directories(row[answered]),
        "instruction_model": without_directories(row["instruction_model"]),
        "synthetic": True,
    }


def _turn(role: str, content: str, thought: str | None = None) -> dict[str, str]:
    return {"role": role, "content": content} | ({THOUGHT: thought} if thought else {})


def _before(row: Row, system: str = "") -> list[dict[str, str]]:
    """Return the turns before the instruction, the system prompt first."""
    system = system or row["system"]
    earlier = [_turn(turn["role"], turn["content"], turn.get("thought")) for turn in row.get("earlier", ())]
    return [_turn("system", system), *earlier] if system else earlier


def _prompt(row: Row, system: str = "") -> list[dict[str, str]]:
    return [*_before(row, system), _turn("user", row["text"])]


def _inline(text: str, thought: str | None) -> str:
    return thought.join(THOUGHT_WORDS) + text if thought else text


def _inlined(row: Row) -> list[tuple[str, str]]:
    """Return role and text of each turn before the instruction, but for the system prompt."""
    return [(turn["role"], _inline(turn["content"], turn.get("thought"))) for turn in row.get("earlier", ())]


def _messages(row: Row) -> list[tuple[str, dict[str, Any]]]:
    turns = [*_prompt(row), _turn("assistant", row["response"], row.get("thought"))]
    return [(row["response_id"], {"id": row["response_id"], "messages": turns, **_facts(row)})]


def _sharegpt(row: Row) -> list[tuple[str, dict[str, Any]]]:
    turns = [*_inlined(row), ("user", row["text"]), ("assistant", _inline(row["response"], row.get("thought")))]
    said = [{"from": _FROM[role], "value": text} for role, text in turns]
    line = {"id": row["response_id"], "conversations": said, "system": row["system"], **_facts(row)}
    return [(row["response_id"], line)]


def _alpaca(row: Row) -> list[tuple[str, dict[str, Any]]]:
    line = {
        "id": row["response_id"],
        "instruction": row["text"],
        "input": "",
        "output": _inline(row["response"], row.get("thought")),
        "system": row["system"],
        **_facts(row),
    }
    return [(row["response_id"], line | ({"history": _exchanges(_inlined(row))} if "earlier" in row else {}))]


def _exchanges(turns: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Return what was asked and answered in pairs; a side that nobody said is empty."""
    pairs: list[list[str]] = []
    for role, text in turns:
        if role == "assistant" and pairs and len(pairs[-1]) == 1:
            pairs[-1].append(text)
        else:
            pairs.append(["", text] if role == "assistant" else [text])
    return [[*pair, ""][:2] for pair in pairs]


def _pair(row: Row, better: str, worse: str, system: str = "") -> tuple[str, dict[str, Any]]:
    line = {
        "id": row[f"{better}_id"],
        "prompt": _prompt(row, system),
        "chosen": [_turn("assistant", row[better], row.get(f"{better}_thought"))],
        "rejected": [_turn("assistant", row[worse], row.get(f"{worse}_thought"))],
        "score_chosen": row[f"score_{better}"],
        "score_rejected": row[f"score_{worse}"],
        **_who(row, f"{better}_model"),
    }
    return row[f"{better}_id"], line


def _dpo(row: Row) -> list[tuple[str, dict[str, Any]]]:
    return [_pair(row, "chosen", "rejected")]


def _reward_conditioned(row: Row) -> list[tuple[str, dict[str, Any]]]:
    of = f" of {row['best_score']:g}" if row["best_score"] is not None else ""
    asked = f"Answer in such a way that a judge would give your answer {{reward:g}}{of} points."
    both = (("chosen", "rejected"), ("rejected", "chosen"))
    return [_pair(row, a, b, _joined(row["system"], asked.format(reward=row[f"score_{a}"]))) for a, b in both]


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


def _kto(row: Row) -> list[tuple[str, dict[str, Any]]]:
    return [
        (
            row[f"{side}_id"],
            {
                "id": row[f"{side}_id"],
                "prompt": _prompt(row),
                "completion": [_turn("assistant", row[side], row.get(f"{side}_thought"))],
                "label": side == "chosen",
                **_who(row, f"{side}_model"),
            },
        )
        for side in ("chosen", "rejected")
    ]


def _raw(row: Row) -> list[tuple[str, dict[str, Any]]]:
    who = _who(row, "model")
    line = {name: who[name] if name in who else row[name] for name in SCHEMAS["raw"].names}
    line |= {"history": _before(row)} if "earlier" in row else {}
    line |= {"use": row["use"]} if "use" in row else {}
    return [(row["id"], line | ({"thought": row["thought"]} if row.get("thought") else {}))]


def _rewrites(row: Row) -> list[tuple[str, dict[str, Any]]]:
    said = {"id": row["rewrite_id"], "model": without_directories(row["model"]), "synthetic": True}
    return [(row["rewrite_id"], {name: said.get(name, row.get(name)) for name in SCHEMAS["rewrites"].names})]


_FORMS = {
    "messages": _messages,
    "sharegpt": _sharegpt,
    "alpaca": _alpaca,
    "dpo": _dpo,
    "kto": _kto,
    "reward_conditioned": _reward_conditioned,
    "raw": _raw,
    "rewrites": _rewrites,
}
