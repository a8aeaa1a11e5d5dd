"""Preferences: of several answers to one instruction, a better and a worse one.

The reward is a judge's total, of an LLM or of a reward model that is served behind the same protocol; every draw and
every score stays in its table. A pair passes a margin guard and a length guard (tasks/methods/pairs.py) and, if the
profile asks for it, a judgement in both orders. An instruction without such a pair is a rejection that says which
guard it was.
"""

import itertools
from dataclasses import replace
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from wellspring.tasks.contracts import prompting, records
from wellspring.tasks.contracts.calls import Answer, Call, Refused
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.prompting import PromptedMethod, Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.judges.pairwise import Winner, consistent
from wellspring.tasks.methods.pairs import Draw, Pair, widest_pair
from wellspring.tasks.methods.tokens import count_tokens
from wellspring.tasks.spine.generation import is_priced, load_completions
from wellspring.tasks.spine.identity import raised
from wellspring.tasks.spine.runs import Counts, Run, stage

VERSION = 1
BATCH_PAIRS = 200


class Proposed(NamedTuple):
    """A pair that passed its guards, with the row it is of."""

    row: Row
    pair: Pair


@stage("preferences")
def pair(run: Run) -> Counts:
    """Pair the answers of every instruction whose draws have been judged."""
    if not run.settings.preferences.draws:
        run.activate("preferences", {})
        return Counts()
    fingerprint = _fingerprint(run)
    chosen = run.settings.preferences
    run.activate("preferences", {fingerprint: "widest_pair"}, chosen.model_dump())
    counts = Counts()
    due = _due(run, fingerprint)
    while batch := list(itertools.islice(due, BATCH_PAIRS)):
        counts += _settled(run, fingerprint, batch)
    return counts


def _fingerprint(run: Run) -> str:
    of_others = [sorted(run.store.query("methods/active", stage=s)["fingerprint"]) for s in ("responses", "scores")]
    both = _pairwise(run)[1] if run.settings.preferences.both_orders else ""
    versions = raised("pairs", "tokens").items()
    return content_id("preferences", VERSION, run.settings.preferences.model_dump(), both, of_others, *versions)


def _pairwise(run: Run) -> tuple[PromptedMethod, str]:
    method = prompting.load("wellspring.tasks.judges", "pairwise")
    return method, method.fingerprint(**run.settings.models.judge.asked)


def _due(run: Run, fingerprint: str) -> Iterator[Row]:
    frames = run.store.stream("preferences/pending", fingerprint=fingerprint, judge=run.settings.preferences.judge)
    return (row for frame in frames for row in frame.iter_rows(named=True))


def _settled(run: Run, fingerprint: str, batch: list[Row]) -> Counts:
    """Propose a pair for each row, have it confirmed where that is wanted, and write pairs and refusals together."""
    proposed, refused = _proposed(run, batch)
    counts = Counts()
    if run.settings.preferences.both_orders:
        proposed, turned, counts = _confirmed(run, proposed)
        refused |= turned
    made = [
        records.Preference(
            one.row["input_id"],
            fingerprint,
            one.pair.chosen.response_id,
            one.pair.rejected.response_id,
            one.pair.margin,
            run.run_id,
        )
        for one in proposed
    ]
    rejections = [
        records.RejectionRow("preferences", input_id, fingerprint, why.reason, why.detail, run.run_id)
        for input_id, why in sorted(refused.items())
    ]
    with run.store.transaction():
        run.store.append("preferences", made)
        run.store.append("rejections", rejections)
        if counts.calls or counts.cached_calls:
            load_completions(run)
    return counts + Counts(rows_in=len(batch), rows_out=len(made), rows_rejected=len(rejections))


def _proposed(run: Run, batch: Iterable[Row]) -> tuple[list[Proposed], dict[str, Rejection]]:
    chosen = run.settings.preferences
    proposed: list[Proposed] = []
    refused: dict[str, Rejection] = {}
    for row in batch:
        draws = [
            Draw(draw["response_id"], draw["reward"], count_tokens(draw["text"]))
            for draw in row["draws"]
            if draw["reward"] is not None
        ]
        try:
            proposed.append(Proposed(row, widest_pair(draws, chosen.min_margin, chosen.max_length_ratio)))
        except Rejection as refusal:
            refused[row["input_id"]] = refusal
    return proposed, refused


def _confirmed(run: Run, proposed: list[Proposed]) -> tuple[list[Proposed], dict[str, Rejection], Counts]:
    """Ask which is better in both orders; keep a pair only if both name the chosen one."""
    method, _ = _pairwise(run)
    calls = [call for one in proposed for call in _both_orders(method, one)]
    winners: dict[str, Winner | None] = {}
    counts = Counts()
    for outcome in run.models.answers(replace(call, role="judge") for call in calls):
        winners[outcome.call.input_id] = _winner(method, outcome)
        counts += _counted(outcome, is_priced=is_priced(run, "judge"))
    kept: list[Proposed] = []
    refused: dict[str, Rejection] = {}
    for one in proposed:
        chosen_first = winners[f"{one.row['input_id']}/first"]
        chosen_second = winners[f"{one.row['input_id']}/second"]
        winner = consistent(chosen_first, chosen_second)
        if winner == "first":
            kept.append(one)
        else:
            reason = {None: "judge_failed", "tie": "inconsistent_pair", "second": "judged_worse"}[winner]
            refused[one.row["input_id"]] = Rejection(reason, f"chosen first: {chosen_first}; second: {chosen_second}")
    return kept, refused, counts


def _both_orders(method: PromptedMethod, one: Proposed) -> Iterator[Call]:
    texts = {draw["response_id"]: draw["text"] for draw in one.row["draws"]}
    chosen, rejected = texts[one.pair.chosen.response_id], texts[one.pair.rejected.response_id]
    for order, first, second in (("first", chosen, rejected), ("second", rejected, chosen)):
        shown: dict[str, Any] = {"instruction": one.row["instruction"], "first": first, "second": second}
        yield Call(f"{one.row['input_id']}/{order}", method.prompt(shown, None))


def _winner(method: PromptedMethod, outcome: Answer | Refused) -> Winner | None:
    if isinstance(outcome, Refused):
        return None
    try:
        return method.parse({}, outcome.text)["winner"]
    except Rejection:
        return None


def _counted(outcome: Answer | Refused, *, is_priced: bool) -> Counts:
    if isinstance(outcome, Refused):
        return Counts(calls=1, unpriced_calls=not is_priced)
    if outcome.is_cached:
        return Counts(cached_calls=1)
    return Counts(
        calls=1,
        prompt_tokens=outcome.prompt_tokens,
        completion_tokens=outcome.completion_tokens,
        cost_usd=outcome.cost_usd,
        unpriced_calls=not is_priced,
    )
