"""The forms in which trainers read a dataset: one function a form, from a row or a pair to the lines it becomes.

`OURS` has them by name. A form of a user's own is a file of a plug-in folder (`own_forms.py`).

| form | read by | line |
|---|---|---|
| `messages` | TRL `SFTTrainer`, OpenAI fine-tuning, Axolotl (chat_template) | `messages`: role, content of each turn |
| `sharegpt` | LLaMA-Factory (sharegpt), FastChat | `conversations`: from and value; `system` |
| `alpaca` | LLaMA-Factory (alpaca), Stanford Alpaca | `instruction`, `input`, `output`, `system`; `history` |
| `dpo` | TRL `DPOTrainer`, `RewardTrainer` (conversational) | `prompt`, `chosen`, `rejected` as turns |
| `joint` | TRL `RewardTrainer`; joint preferences (DOVE) | `chosen`, `rejected`: all turns |
| `kto` | TRL `KTOTrainer`, `BCOTrainer` | `prompt`, `completion` as turns; `label` |
| `reward_conditioned` | as `dpo` | each pair twice, its prompt asking for one of the two rewards |
| `responses_only` | TRL `SFTTrainer` on the answer alone | `messages`: the answer, asked for by nobody |
| `rewarded` | reward models of outcomes | `prompt`, `completion` as turns; `reward` |
| `stepwise` | TRL `PRMTrainer`, Axolotl (stepwise_supervised) | `prompt`, `completions`, `labels`; `rewards` |
| `judged` | CUT (Reasons to Reject) | `prompt`, `completion` as turns; `judge`, `judgement`, `score` |
| `raw` | people | every answer with every score and verdict |
| `rewrites` | pre-training, people | `text` of a page said again, its `style` and the page |
| `tasks` | TRL `GRPOTrainer`, reinforcement learning elsewhere | `prompt`, `verifier`, `sandbox`, `certificate` |

Reward-conditioned rows are those of reward-augmented data (PAPERS E): the answer whose reward is asked for is the
chosen one; a pair whose answers no judge marked is not among them. Every line begins with `id`, of the row it came
from, so that a copied line can still be traced, and says who made it: `model` answered (of a pair: its chosen answer;
of a rewrite: its text), and `instruction_model` wrote the instruction. What a seed had itself is `given`; `synthetic`
is true unless all of it is.

`responses_only` is response tuning (Instruction Following without Instruction Tuning, arXiv 2409.14254), to train a
control beside the dataset: only answers are learned. `rewarded` has each answer that `preferences.judge` marked.
`stepwise` has each answer with marks `step_1`, `step_2` and so on of one judge or file of scores, as process rewards
are: one for each part of the answer between empty lines, and right above 0. `judged` has a line for each reason that a
judge gives with a total of an answer; who trains with it finds the tokens that it is about (CUT, arXiv 2312.14591).

A pair may lack a side (D2O), or its sides may answer instructions of their own (DOVE). `dpo` and `reward_conditioned`
have no line for such a pair: they have one prompt and two answers. `kto` writes each side that is there with its own
prompt, `joint` both conversations. Why they are not in `dpo` without a `prompt`: `DPOTrainer` then takes the turns that
both sides begin with for the prompt, and its chat template needs one that ends with a question or an answer.

`tasks` has tasks that can be verified, and of these what has a certificate. `verify.py` lies beside its files: it runs
a verifier as `sandbox` says, and is a reward function of TRL, which hands it the column `verifier`. A verifier that
needs a model to mark by a rubric says what it is to be asked.

Forms of rows have `weight` where any row of the dataset weighs other than 1.

Turns before the instruction come first in `messages`, `conversations` and `prompt`. `alpaca` has them as LLaMA-Factory
reads them: `history`, a list of pairs of what was asked and answered. Rows without such turns have no `history`.

Turns between the instruction and its answer, in which who answered called tools, stand there in `messages` and
`sharegpt`. Calls of tools stand in the form of OpenAI's chat: `tool_calls` of who called, `tool_call_id` of what the
tool said. `tools`, what is offered, is a column beside: JSON text, since no table can hold a list of schemas that
differ. TRL reads it as it is; for OpenAI fine-tuning make it a list (`json.loads`). `sharegpt` has LLaMA-Factory's
turns: `function_call` (JSON of name and arguments) and `observation`; what several tools said at once is one of these.
It has no line for a row whose turn both says something and calls. `alpaca` has no place for calls at all.

A thought (`exports.thoughts`) stands where trainers look for it. A turn has it as `reasoning_content`: TRL hands turns
to the chat template as they are, and the templates of Qwen3, GLM, Nemotron and others, as TRL ships them in
`trl/chat_templates`, write that field between their own marks (gpt-oss reads `thinking`: rename it). Forms without
fields have it inline, as LLaMA-Factory's `ReasoningTemplate` expects it: `<think>`, a line break, the thought, a line
break, `</think>`, an empty line (its default `thought_words`, `src/llamafactory/data/template.py`), then the answer.
"""

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from wellspring.tasks.contracts import verifiable
from wellspring.tasks.contracts.casting import without_directories
from wellspring.tasks.contracts.prompting import Row
from wellspring.tasks.methods.datasets import tool_calls

SYSTEM = (
    "KTO",
    "BCO",
    "Reward-augmented data",
    "Instruction Following without Instruction Tuning",
    "Reasons to Reject",
)
VERSION = 3
Lines = list[tuple[str, dict[str, Any]]]
Columns = Sequence[tuple[str, pa.DataType]]
Of = Literal["rows", "pairs", "raw", "rewrites"]

GIVEN = "given"  # in place of a model: nobody who was asked, but the seed
THOUGHT = "reasoning_content"
THOUGHT_WORDS = ("<think>\n", "\n</think>\n\n")

_TURN: Columns = [("role", pa.string()), ("content", pa.string())]
_TURNS = pa.list_(pa.struct(_TURN))
_FUNCTION = pa.struct([("name", pa.string()), ("arguments", pa.string())])
_CALLS = pa.list_(pa.struct([("id", pa.string()), ("type", pa.string()), ("function", _FUNCTION)]))
_IN_TURNS: Mapping[str, Columns] = {  # what a turn has where any row of the dataset has it
    "thought": [(THOUGHT, pa.string())],
    "calls": [("tool_calls", _CALLS), ("tool_call_id", pa.string())],
}
_WHO: Columns = [
    ("model", pa.string()),
    ("instruction_model", pa.string()),
    ("synthetic", pa.bool_()),
]
_FACTS: Columns = [
    ("recipe", pa.string()),
    ("url", pa.string()),
    ("license", pa.string()),
    ("score", pa.float64()),
    *_WHO,
]
_SAID = pa.list_(pa.struct([("from", pa.string()), ("value", pa.string())]))
_SIDES: Columns = [("chosen", _TURNS), ("rejected", _TURNS)]
_SCORES: Columns = [("score_chosen", pa.float64()), ("score_rejected", pa.float64())]
_PAIR: Columns = [("prompt", _TURNS), *_SIDES, *_SCORES, *_WHO]
_MARK = pa.struct([("name", pa.string()), ("value", pa.float64())])
_CHECK = pa.struct([("name", pa.string()), ("passed", pa.bool_())])
_RAW: Columns = [
    ("id", pa.string()),
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
_OF_ANSWER: Columns = [("prompt", _TURNS), ("completion", _TURNS)]
_STEP = re.compile(r"(.+)\.step_(\d+)")
_REWRITE: Columns = [
    *((name, pa.string()) for name in ("style", "text", "recipe", "url", "license", "document_id", "model")),
    ("synthetic", pa.bool_()),
]
_WEIGHT = ("weight", "weight", pa.float64())  # what some rows have: the column of the row, that of the line, and type
_HISTORY = ("earlier", "history", pa.list_(pa.list_(pa.string())))
_TOOLS = ("tools", "tools", pa.string())
_TASK: Columns = [
    ("prompt", _TURNS),
    *((name, pa.string()) for name in ("kind", "reference", "known", "verifier", "sandbox", "certificate")),
    *_FACTS,
]
_OF_ONE = "a side is missing, or each side answers an instruction of its own"
BESIDE: Mapping[str, Any] = {
    "earlier": None,
    "calls": None,
    "tools": None,
    "use": None,
    "weight": 1.0,
}  # and what the others get, where any has it
_FROM = {"system": "system", "user": "human", "assistant": "gpt", "tool": "observation"}


@dataclass(frozen=True, slots=True)
class Form:
    """A form of a dataset.

    Attributes:
        name: What it is called.
        of: What a line is made of: the query of this name in `sql/exports/`.
        schema: Its columns; the first is `id`.
        lines: Returns the lines that a row (or a pair, or a raw answer) becomes, each with the id of its row; none
            where the form has no place for it. A row has, of all: instruction_model. Of `rows`: response_id, text,
            response, system, recipe, url, license, score, model. Of `pairs`: chosen_id, rejected_id, text, chosen,
            rejected, system, score_chosen, score_rejected, chosen_model, rejected_model; of a missing side an empty id
            and None, and `rejected_prompt` (text, system, earlier) where that side answers another instruction. Of
            `raw`: its columns, `system`, `answer_judge` and `judgements` (name, value, reason). Of `rewrites`, which
            have no instruction_model: rewrite_id and its columns. A thought that is there: `thought`, of a pair
            `chosen_thought` and `rejected_thought`. `earlier` is a list of turns before the instruction (role,
            content, thought; tool_calls, tool_call_id), `between` of those between it and the answer, in which tools
            were called, `calls` whether any of them has calls, `tools` a list of what
            is offered, `use` what a raw answer is for.
        more: Columns that it has where any row of the dataset has something for them.
        leaves_out: Of what it has no line.
        version: Of a user's file; ours have that of this file.
    """

    name: str
    of: Of
    schema: pa.Schema
    lines: Callable[[Row], Lines]
    more: Sequence[tuple[str, str, pa.DataType]] = ()
    leaves_out: str = ""
    version: int = 0

    def columns(self, beside: Collection[str] = ()) -> pa.Schema:
        """Return its columns in a dataset.

        Args:
            beside: What some rows of the dataset have: `thought`, then turns and raw answers have a place for one;
                `earlier`, turns before an instruction; `calls`, of tools in them; `tools` that are offered; `use`, of
                raw answers that a program made; `weight`.
        """
        fields = [*self.schema, *(pa.field(name, kind) for key, name, kind in self.more if key in beside)]
        if more := [one for name, columns in _IN_TURNS.items() if name in beside for one in columns]:
            turns = pa.list_(pa.struct([*_TURN, *more]))
            fields = [pa.field(f.name, turns) if f.type == _TURNS and not self.version else f for f in fields]
        return pa.schema(fields)


OURS: dict[str, Form] = {}


def _form(
    of: Of, columns: Columns, *more: tuple[str, str, pa.DataType], leaves_out: str = ""
) -> Callable[[Callable[[Row], Lines]], Callable[[Row], Lines]]:
    """Have a function be the form of its name."""

    def add(lines: Callable[[Row], Lines]) -> Callable[[Row], Lines]:
        name = lines.__name__.removeprefix("_")
        schema = pa.schema([("id", pa.string()), *(column for column in columns if column[0] != "id")])
        OURS[name] = Form(name, of, schema, lines, more, leaves_out)
        return lines

    return add


def _facts(row: Row) -> dict[str, Any]:
    return {name: row[name] for name, _ in _FACTS[: -len(_WHO)]} | _who(row, "model")


def _who(row: Row, *answered: str) -> dict[str, Any]:
    """Return who answered (of several the first), who wrote the instruction, and whether any of it is a model's."""
    who = [without_directories(row[name]) for name in (*answered, "instruction_model")]
    return {"model": who[0], "instruction_model": who[-1], "synthetic": {*who} != {GIVEN}}


def _weight(row: Row) -> dict[str, float]:
    return {"weight": row["weight"]} if "weight" in row else {}


def _offered(row: Row) -> dict[str, str]:
    return {"tools": json.dumps(row["tools"], ensure_ascii=False)} if row.get("tools") else {}


def _turn(role: str, content: str, thought: str | None = None, **calls: Any) -> dict[str, Any]:
    return {"role": role, "content": content} | ({THOUGHT: thought} if thought else {}) | calls


def _called(turn: Row) -> dict[str, Any]:
    return {name: turn[name] for name, _ in _IN_TURNS["calls"] if turn.get(name)}


def _before(row: Row, system: str = "") -> list[dict[str, Any]]:
    """Return the turns before the instruction, the system prompt first."""
    system = system or row["system"]
    earlier = _as_turns(row.get("earlier", ()))
    return [_turn("system", system), *earlier] if system else earlier


def _as_turns(turns: Sequence[Row]) -> list[dict[str, Any]]:
    return [_turn(turn["role"], turn["content"], turn.get("thought"), **_called(turn)) for turn in turns]


def _prompt(row: Row, system: str = "") -> list[dict[str, Any]]:
    return [*_before(row, system), _turn("user", row["text"])]


def _inline(text: str, thought: str | None) -> str:
    return thought.join(THOUGHT_WORDS) + text if thought else text


def _inlined(row: Row) -> list[tuple[str, str]]:
    """Return role and text of each turn before the instruction, but for the system prompt."""
    return [(turn["role"], _inline(turn["content"], turn.get("thought"))) for turn in row.get("earlier", ())]


@_form("rows", [("messages", _TURNS), *_FACTS], _TOOLS, _WEIGHT)
def _messages(row: Row) -> Lines:
    between = _as_turns(row.get("between", ()))
    turns = [*_prompt(row), *between, _turn("assistant", row["response"], row.get("thought"))]
    line = {"id": row["response_id"], "messages": turns, **_facts(row)}
    return [(row["response_id"], line | _offered(row) | _weight(row))]


@_form("rows", _TASK, _WEIGHT, leaves_out="it is no task with a certificate")
def _tasks(row: Row) -> Lines:
    if not row.get("task") or not row.get("certificate"):
        return []
    task, said = json.loads(row["task"]), json.loads(row["certificate"])
    if not said["certified"]:
        return []
    certificate = {name: value for name, value in said.items() if name not in {"answers", "certified", "reason"}}
    line = {"id": row["response_id"], "prompt": _prompt(row)}
    line |= {name: task[name] for name in ("kind", "reference", "known", "verifier")}
    line["sandbox"] = json.dumps(verifiable.SANDBOX)
    line |= {"certificate": json.dumps(certificate, ensure_ascii=False), **_facts(row)}
    return [(row["response_id"], line | _weight(row))]


@_form(
    "rows",
    [("conversations", _SAID), ("system", pa.string()), *_FACTS],
    _TOOLS,
    _WEIGHT,
    leaves_out="a turn both says something and calls a tool",
)
def _sharegpt(row: Row) -> Lines:
    earlier, between = row.get("earlier") or (), row.get("between") or ()
    if any(turn["content"] and turn.get("tool_calls") for turn in (*earlier, *between)):
        return []
    said = [*_observed(earlier), {"from": "human", "value": row["text"]}, *_observed(between)]
    said += [{"from": "gpt", "value": _inline(row["response"], row.get("thought"))}]
    line = {"id": row["response_id"], "conversations": said, "system": row["system"], **_facts(row)}
    bare = [one["function"] for one in row.get("tools") or ()]
    return [(row["response_id"], line | _offered({"tools": bare}) | _weight(row))]


def _observed(earlier: Sequence[Row]) -> list[dict[str, str]]:
    """Return turns in LLaMA-Factory's roles; what tools say one after the other is one turn."""
    found: list[dict[str, str]] = []
    for turn in earlier:
        role, text = _FROM[turn["role"]], turn["content"]
        if turn.get("tool_calls"):
            role, text = "function_call", tool_calls.said(turn["tool_calls"])
        if found and role == found[-1]["from"] == "observation":
            found[-1]["value"] += f"\n{text}"
        else:
            found.append({"from": role, "value": _inline(text, turn.get("thought"))})
    return found


@_form(
    "rows",
    [*((name, pa.string()) for name in ("instruction", "input", "output", "system")), *_FACTS],
    _HISTORY,
    _WEIGHT,
    leaves_out="tools are offered or called",
)
def _alpaca(row: Row) -> Lines:
    if row.get("calls") or row.get("tools"):
        return []
    line = {
        "id": row["response_id"],
        "instruction": row["text"],
        "input": "",
        "output": _inline(row["response"], row.get("thought")),
        "system": row["system"],
        **_facts(row),
    }
    history = {"history": _exchanges(_inlined(row))} if "earlier" in row else {}
    return [(row["response_id"], line | history | _weight(row))]


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
        "chosen": [_side(row, better)],
        "rejected": [_side(row, worse)],
        "score_chosen": row[f"score_{better}"],
        "score_rejected": row[f"score_{worse}"],
        **_who(row, f"{better}_model", *(f"{side}_model" for side in (worse,) if row.get(f"{side}_id"))),
    }
    return row[f"{better}_id"], line | _offered(row)


def _side(row: Row, side: str) -> dict[str, str]:
    return _turn("assistant", row[side], row.get(f"{side}_thought"))


def _prompt_of(row: Row, side: str) -> list[dict[str, str]]:
    return _prompt(row.get(f"{side}_prompt", row))


def _has_both(row: Row) -> bool:
    return bool(row["chosen_id"] and row["rejected_id"])


@_form("pairs", _PAIR, _TOOLS, leaves_out=_OF_ONE)
def _dpo(row: Row) -> Lines:
    return [_pair(row, "chosen", "rejected")] if _has_both(row) and "rejected_prompt" not in row else []


@_form("pairs", [*_SIDES, *_SCORES, *_WHO], _TOOLS, leaves_out="a side is missing")
def _joint(row: Row) -> Lines:
    if not _has_both(row):
        return []
    row_id, line = _pair(row, "chosen", "rejected")
    whole = {side: [*_prompt_of(row, side), _side(row, side)] for side in ("chosen", "rejected")}
    return [(row_id, {name: whole.get(name, value) for name, value in line.items() if name != "prompt"})]


@_form("pairs", _PAIR, _TOOLS, leaves_out=f"{_OF_ONE}, or no judge marked one")
def _reward_conditioned(row: Row) -> Lines:
    if "rejected_prompt" in row or None in (row["score_chosen"], row["score_rejected"]):
        return []
    of = f" of {row['best_score']:g}" if row["best_score"] is not None else ""
    asked = f"Answer in such a way that a judge would give your answer {{reward:g}}{of} points."
    both = (("chosen", "rejected"), ("rejected", "chosen"))
    return [_pair(row, a, b, _joined(row["system"], asked.format(reward=row[f"score_{a}"]))) for a, b in both]


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part)


@_form("pairs", [("prompt", _TURNS), ("completion", _TURNS), ("label", pa.bool_()), *_WHO], _TOOLS)
def _kto(row: Row) -> Lines:
    return [
        (
            row[f"{side}_id"],
            {
                "id": row[f"{side}_id"],
                "prompt": _prompt_of(row, side),
                "completion": [_side(row, side)],
                "label": side == "chosen",
                **_who(row, f"{side}_model"),
            }
            | _offered(row),
        )
        for side in ("chosen", "rejected")
        if row[f"{side}_id"]
    ]


@_form(
    "raw",
    _RAW,
    ("earlier", "history", _TURNS),
    _TOOLS,
    ("use", "use", pa.string()),
    ("thought", "thought", pa.string()),
)
def _raw(row: Row) -> Lines:
    who = _who(row, "model")
    line = {name: who[name] if name in who else row[name] for name, _ in _RAW}
    line |= {"history": _before(row)} if "earlier" in row else {}
    line |= _offered(row)
    line |= {"use": row["use"]} if "use" in row else {}
    return [(row["id"], line | ({"thought": row["thought"]} if row.get("thought") else {}))]


@_form("rows", [("messages", _TURNS), *_FACTS], _WEIGHT)
def _responses_only(row: Row) -> Lines:
    turns = [_turn("assistant", row["response"], row.get("thought"))]
    return [(row["response_id"], {"id": row["response_id"], "messages": turns, **_facts(row)} | _weight(row))]


def _of_answer(row: Row, **more: Any) -> dict[str, Any]:
    asked = {"prompt": _prompt({**row, "text": row["instruction"]})}
    answer = {"completion": [_turn("assistant", row["response"], row.get("thought"))]}
    return {"id": row["id"], **asked, **answer, **more, **_who(row, "model")} | _offered(row)


@_form("raw", [*_OF_ANSWER, ("reward", pa.float64()), *_WHO], _TOOLS, leaves_out="no judge of answers marked it")
def _rewarded(row: Row) -> Lines:
    wanted = f"{row['answer_judge']}.total"
    found = [mark["value"] for mark in row["scores"] if mark["name"] == wanted and mark["value"] is not None]
    return [(row["id"], _of_answer(row, reward=found[-1]))] if found else []


@_form(
    "raw",
    [
        ("prompt", pa.string()),
        ("completions", pa.list_(pa.string())),
        ("labels", pa.list_(pa.bool_())),
        ("rewards", pa.list_(pa.float64())),
        *_WHO,
    ],
    leaves_out="no judge marked its steps, each once",
)
def _stepwise(row: Row) -> Lines:
    steps = [part.strip() for part in re.split(r"\n\s*\n", row["response"]) if part.strip()]
    marks = [(_STEP.fullmatch(mark["name"]), mark["value"]) for mark in row["scores"]]
    of = {(found[1], int(found[2])): value for found, value in marks if found and value is not None}
    judges = sorted({judge for judge, _ in of if {n for name, n in of if name == judge} == {*range(1, len(steps) + 1)}})
    if not judges:
        return []
    rewards = [of[judges[0], number] for number in range(1, len(steps) + 1)]
    asked = "\n\n".join(turn["content"] for turn in _prompt({**row, "text": row["instruction"]}))
    line = {"prompt": asked, "completions": steps, "labels": [one > 0 for one in rewards], "rewards": rewards}
    return [(row["id"], {"id": row["id"], **line, **_who(row, "model")})]


@_form(
    "raw",
    [*_OF_ANSWER, ("judge", pa.string()), ("judgement", pa.string()), ("score", pa.float64()), *_WHO],
    _TOOLS,
    leaves_out="no judge gave a reason for a total",
)
def _judged(row: Row) -> Lines:
    return [
        (row["id"], _of_answer(row, judge=said["name"], judgement=said["reason"], score=said["value"]))
        for said in row.get("judgements") or ()
    ]


@_form("rewrites", _REWRITE)
def _rewrites(row: Row) -> Lines:
    said = {"model": without_directories(row["model"]), "synthetic": True}
    line = {name: said.get(name, row.get(name)) for name, _ in _REWRITE}
    return [(row["rewrite_id"], {"id": row["rewrite_id"]} | line)]
