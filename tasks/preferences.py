"""Preferences: of several answers to one instruction, a better and a worse one.

The reward is a judge's total, of an LLM or of a reward model that is served behind the same protocol; every draw and
every score stays in its table. `preferences.way` chooses the pair: ours passes a margin guard and a length guard
(tasks/methods/answers/pairs.py), and one of a user's is looked up by name. It passes, if the profile asks for it, a
judgement in both orders. An instruction without such a pair is a rejection that says which guard it was.
"""

from pathlib import Path

from wellspring.tasks.contracts import prompting, records
from wellspring.tasks.contracts.conversation import in_turns
from wellspring.tasks.contracts.errors import Rejection
from wellspring.tasks.contracts.plugins import PAIRINGS
from wellspring.tasks.contracts.prompting import PromptedMethod, Row
from wellspring.tasks.contracts.records import content_id
from wellspring.tasks.judges.pairwise import Winner, consistent
from wellspring.tasks.methods.answers.pairs import Draw, Pair, way
from wellspring.tasks.methods.pages.tokens import count_tokens
from wellspring.tasks.spine.running import blame
from wellspring.tasks.spine.running.identity import raised
from wellspring.tasks.spine.running.runs import Counts, Run, stage
from wellspring.tasks.spine.writing.programs import Ask, Body, Program
from wellspring.tasks.spine.writing.runner import conduct

VERSION = 1


@stage("preferences")
def pair(run: Run) -> Counts:
    """Pair the answers of every instruction whose draws have been judged."""
    if not run.settings.preferences.draws:
        run.activate("preferences", {})
        return Counts()
    fingerprint = _fingerprint(run)
    chosen = run.settings.preferences
    run.activate("preferences", {fingerprint: chosen.way}, chosen.model_dump())
    roles = ("judge",) if chosen.both_orders else ()
    program = Program(
        "preferences", chosen.way, "pairs", fingerprint, roles, 2 * chosen.both_orders, _pairing(run, fingerprint)
    )
    return conduct(run, program)


def _fingerprint(run: Run) -> str:
    of_others = [sorted(run.store.query("methods/active", stage=s)["fingerprint"]) for s in ("responses", "scores")]
    both = _pairwise().fingerprint(**run.settings.models.judge.asked) if run.settings.preferences.both_orders else ""
    wanted, (_, theirs) = run.settings.preferences, way(run.settings.preferences.way, run.settings.plugins)
    versions = [*raised("pairs", "tokens").items(), *([(wanted.way, theirs)] if theirs else [])]
    return content_id("preferences", VERSION, wanted.model_dump(exclude={"way"}), both, of_others, *versions)


def _pairwise() -> PromptedMethod:
    return prompting.load("wellspring.tasks.judges", "pairwise")


def _pairing(run: Run, fingerprint: str) -> Body:
    """Return what is done for each instruction: propose a pair, have it confirmed where that is wanted, write it."""
    chosen, method = run.settings.preferences, _pairwise()
    choose, theirs = way(chosen.way, run.settings.plugins)
    if theirs:
        blame.programs.add(str(Path(str(PAIRINGS.theirs(chosen.way, run.settings.plugins).__file__)).absolute()))

    async def paired(row: Row, ask: Ask) -> None:
        judged = [draw for draw in row["draws"] if draw["reward"] is not None]
        draws = [Draw(draw["response_id"], draw["reward"], count_tokens(draw["text"])) for draw in judged]
        pair = choose(draws, chosen)
        if chosen.both_orders:
            await _confirm(method, row, ask, pair)
        ids = (pair.chosen.response_id, pair.rejected.response_id)
        ask.make("preferences", [records.Preference(row["input_id"], fingerprint, *ids, pair.margin, run.run_id)])

    return paired


async def _confirm(method: PromptedMethod, row: Row, ask: Ask, pair: Pair) -> None:
    """Ask which is better in both orders, and return if both name the chosen one.

    Raises:
        Rejection: `judge_failed`, one order has no answer of use; `inconsistent_pair`; `judged_worse`.
    """
    texts = {draw["response_id"]: draw["text"] for draw in row["draws"]}
    chosen, rejected = texts[pair.chosen.response_id], texts[pair.rejected.response_id]

    async def winner(first: str, second: str) -> Winner:
        shown = in_turns(row, "instruction") | {"first": first, "second": second}
        return (await ask(method, shown, role="judge"))["winner"]

    said = await ask.tried([winner(chosen, rejected), winner(rejected, chosen)])
    first, second = (None if isinstance(one, Rejection) else one for one in said)
    found = consistent(first, second)
    if found != "first":
        reason = {None: "judge_failed", "tie": "inconsistent_pair", "second": "judged_worse"}[found]
        raise Rejection(reason, f"chosen first: {first}; second: {second}")
