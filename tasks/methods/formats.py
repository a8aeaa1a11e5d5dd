"""The forms in which trainers read a dataset: one function a form, from a row or a pair to the lines it becomes.

| form | read by | line |
|---|---|---|
| `messages` | TRL `SFTTrainer`, OpenAI fine-tuning, Axolotl (chat_template) | `messages`: role and content of each
turn | | `sharegpt` | LLaMA-Factory (sharegpt), FastChat | `conversations`: from and value; `system` | | `alpaca` |
LLaMA-Factory (alpaca), Stanford Alpaca | `instruction`, `input`, `output`, `system` | | `dpo` | TRL `DPOTrainer`,
`RewardTrainer` (conversational) | `prompt`, `chosen`, `rejected` as turns | | `kto` | TRL `KTOTrainer`, `BCOTrainer` |
`prompt`, `completion` as turns; `label` | | `reward_conditioned` | as `dpo` | each pair twice, its prompt asking for
one of the two rewards | | `raw` | people | every answer with every score and verdict |

Reward-conditioned rows are those of reward-augmented data (PAPERS E): the answer whose reward is asked for is the
chosen one. Every line begins with `id`, of the row it came from, so that a copied line can still be traced.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

Row = Mapping[str, Any]

_TURNS = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
_FACTS: list[tuple[str, pa.DataType]] = [
    ("recipe", pa.string()),
    ("url", pa.string()),
    ("license", pa.string()),
    ("score", pa.float64()),
]
_ID: list[tuple[str, pa.DataType]] = [("id", pa.string())]
_PAIR: list[tuple[str, pa.DataType]] = [
    ("prompt", _TURNS),
    ("chosen", _TURNS),
    ("rejected", _TURNS),
    ("score_chosen", pa.float64()),
    ("score_rejected", pa.float64()),
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
    "kto": pa.schema([*_ID, ("prompt", _TURNS), ("completion", _TURNS), ("label", pa.bool_())]),
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
            ("model", pa.string()),
            ("finish_reason", pa.string()),
            ("scores", pa.list_(_MARK)),
            ("verdicts", pa.list_(_CHECK)),
        ]
    ),
}
OF_ROWS = frozenset({"messages", "sharegpt", "alpaca"})
OF_PAIRS = frozenset({"dpo", "kto", "reward_conditioned"})


def lines(form: str, row: Row) -> list[tuple[str, dict[str, Any]]]:
    """Return the lines that a row (or a pair, or a raw answer) becomes in a form, each with the id of its row.

    Args:
        form: A key of `SCHEMAS`.
        row: For `OF_ROWS`: response_id, text, response, system, recipe, url, license, score. For `OF_PAIRS`:
            chosen_id, rejected_id, text, chosen, rejected, system, score_chosen, score_rejected. For `raw`: its
            columns.

    Raises:
        KeyError: The form is unknown, or the row lacks a column.
    """
    return _FORMS[form](row)


def _facts(row: Row) -> dict[str, Any]:
    return {name: row[name] for name, _ in _FACTS}


def _turn(role: str, content: str) -> list[dict[str, str]]:
    return [{"role": role, "content": content}] if content else []


def _prompt(row: Row, system: str = "") -> list[dict[str, str]]:
    return _turn("system", system or row["system"]) + _turn("user", row["text"])


def _messages(row: Row) -> list[tuple[str, dict[str, Any]]]:
    turns = _prompt(row) + _turn("assistant", row["response"])
    return [(row["response_id"], {"id": row["response_id"], "messages": turns, **_facts(row)})]


def _sharegpt(row: Row) -> list[tuple[str, dict[str, Any]]]:
    said = [{"from": "human", "value": row["text"]}, {"from": "gpt", "value": row["response"]}]
    line = {"id": row["response_id"], "conversations": said, "system": row["system"], **_facts(row)}
    return [(row["response_id"], line)]


def _alpaca(row: Row) -> list[tuple[str, dict[str, Any]]]:
    line = {
        "id": row["response_id"],
        "instruction": row["text"],
        "input": "",
        "output": row["response"],
        "system": row["system"],
        **_facts(row),
    }
    return [(row["response_id"], line)]


def _pair(row: Row, better: str, worse: str, system: str = "") -> tuple[str, dict[str, Any]]:
    line = {
        "id": row[f"{better}_id"],
        "prompt": _prompt(row, system),
        "chosen": _turn("assistant", row[better]),
        "rejected": _turn("assistant", row[worse]),
        "score_chosen": row[f"score_{better}"],
        "score_rejected": row[f"score_{worse}"],
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
                "completion": _turn("assistant", row[side]),
                "label": side == "chosen",
            },
        )
        for side in ("chosen", "rejected")
    ]


def _raw(row: Row) -> list[tuple[str, dict[str, Any]]]:
    return [(row["id"], {name: row[name] for name in SCHEMAS["raw"].names})]


_FORMS = {
    "messages": _messages,
    "sharegpt": _sharegpt,
    "alpaca": _alpaca,
    "dpo": _dpo,
    "kto": _kto,
    "reward_conditioned": _reward_conditioned,
    "raw": _raw,
}
