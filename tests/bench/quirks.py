"""What becomes of a build behind each kind of server: one line a quirk, and one for each of N combinations of three.

    python -m tests.bench.quirks [NAME ...] [--three N --seed S]

Each build is a small one with both recipes, answers and the judge, in this process, on a store of its own: four pages
and four seeds, of which the stand-in without quirks makes eight rows. A server that is odd in the same way for every
call may cost calls, or park the run in its own words; it may not cost a row, and no thought, draft, half answer or mark
of its template may reach a file. Where any of that happens, the line says so.
"""

import argparse
import contextlib
import itertools
import json
import random
import re
import shutil
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.page_store import ASKED, PAGES
from wellspring.flows.corpus import corpus
from wellspring.flows.curation import curation
from wellspring.flows.grounding import grounding
from wellspring.flows.synthesis import synthesis
from wellspring.tasks.contracts import settings
from wellspring.tasks.contracts.errors import WellspringError
from wellspring.tasks.io.standin import quirks
from wellspring.tasks.io.standin.oddities import DRAFT, PROSE
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.running import runs
from wellspring.tasks.spine.watching import summaries

ROWS = 4  # pages, and seeds
PROFILE = "defaults"
PLAIN = (
    "threads=1",
    "runner=thread",
    "groundings.min_fit=0",
    "selections.min_score=0",
    "embeddings.dimensions=64",
    "models.key_env=''",
    "verdicts.required=['not_refused', 'not_truncated']",
)
CHATS = ("generator", "responder", "judge")
SERVERS_REASONS = {  # what a row is never refused for where it is true of all of them
    "bad_request",
    "server_error",
    "timeout",
    "too_long",
    "malformed_answer",
    "connection",
    "rate_limited",
}
A_PERSONS = (401, 403, 404)  # a key or a name: the run may end as broken, if it quotes the server
MARKS = {
    "thought": "weigh this in my head",
    "think mark": r"</?(?:\w+:)?think\b",
    "special token": r"<\|\w+\|>|</s>|assistantfinal",
    "draft": re.escape(DRAFT),
    "prose of no form": re.escape(PROSE),
    "path of a model": r"/srv/models",
}
WHOLE = "are what to look at first."  # how the stand-in ends each of its answers

# As they are asked for here: with values that matter to a build as small as this one.
TYPED: dict[str, tuple[str, ...]] = {
    "think_block": ("think_block", "think_block=seed:think"),
    "parts": ("parts", "parts=anthropic", "parts=text"),
    "harmony": ("harmony", "harmony=stripped"),
    "thought_eats_budget": ("thought_eats_budget", "thought_eats_budget,content=empty"),
    "draft_first": ("draft_first", "draft_first=thought", "draft_first=reasoning"),
    "extra_forbidden": ("extra_forbidden", "extra_forbidden,words=flat", "extra_forbidden=top_p"),
    "max_tokens_range": ("max_tokens_range", "max_tokens_range,words=valid"),
    "no_system_role": ("no_system_role", "no_system_role=500"),
    "no_json_schema": ("no_json_schema", "no_json_schema,words=unavailable"),
    "no_tools": ("no_tools no_response_format_at_all",),
    "schema_ignored": ("schema_ignored", "schema_ignored=keys"),
    "tool_arguments_object": ("tool_arguments_object no_response_format_at_all",),
    "context": tuple(f"context=2560,words={words}" for words in ("openai", "vllm", "llama_cpp", "tgi", "openrouter")),
    "cuts_prompts": ("cuts_prompts=400",),
    "finish": (
        *(f"finish={word}" for word in ("error", "sensitive", "content_filter", "abort", "eos_token", "end_turn")),
        *(f"finish={word}" for word in ("empty", "null", "missing", "insufficient_system_resource")),
        "finish=error,half_answer",
        "finish=error,half_answer,every=4",
        "finish=model_context_window_exceeded,half_answer,every=4",
    ),
    "ends_with": ("ends_with", "ends_with=<|eot_id|>", "ends_with=</s>"),
    "slots": ("slots=1,seconds=0.15", "slots=1,seconds=0.15,hangup_frees"),
    "queue_full": ("queue_full=1 slots=1,seconds=0.1", "queue_full=1,status=429 slots=1,seconds=0.1"),
    "first_slow": ("first_slow=1", "first_slow=1,words=loading"),
    "slow_all": ("slow_all=0.3",),
    "refuses_all": tuple(f"refuses_all={status}" for status in (400, 402, 403, 404, 422, 429, 500, 503)),
    "refuses_after": ("refuses_after=10",),
    "wrong_usage": ("wrong_usage", "wrong_usage=negative"),
    "embed_batch": ("embed_batch=2",),
    "embed_too_long": ("embed_too_long=900",),
    "llama_cpp": ("llama_cpp slots=1,seconds=0.05 context=2560,words=llama_cpp",),
    "ollama": ("ollama cuts_prompts=400",),
}
IMPATIENT = tuple(f"models.{role}.total_seconds=0.6" for role in CHATS)  # 16 calls at once take longer in one slot
OWN_SETTINGS = {"slots": IMPATIENT, "embed": ("embeddings.embedder=endpoint",)}
ALONE = ("azure", "api_key_header", "model_not_found", "refuses_all", "refuses_after", "embed")  # not in threes
MANY = "parameters"  # several of this group may be true of one server; of the others, one


@dataclass(slots=True)
class Outcome:
    """What became of a build."""

    typed: tuple[str, ...]
    code: int = 0
    error: str = "done"
    said: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    marks: Counter[str] = field(default_factory=Counter)
    words: tuple[str, ...] = ()
    statuses: frozenset[int] = frozenset()
    acted: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0

    def broken(self, plain: "Outcome") -> list[str]:
        """Return what this build did that no build may do for its server's sake."""
        found = [f"{n} rows refused: {reason}" for reason, n in self.refused.items() if reason in SERVERS_REASONS]
        found += [f"{mark} in {rows} exported rows" for mark, rows in self.marks.items()]
        if self.code == 0:
            for stage in ("instructions", "responses"):
                had, got = plain.rows.get(stage, 0), self.rows.get(stage, 0)
                found += [f"{got} {stage} of {had}"] if got != had else []
            if self.acted.get("cuts_prompts"):
                found.append("rows of cut prompts are exported")
        elif self.code == 3 or (self.code == 1 and self.statuses & set(A_PERSONS)):
            is_ours = "the thought used up max_tokens" in self.said  # of an answer; no server says so
            if self.words and not is_ours and not any(words in self.said for words in self.words):
                found.append("the server is not quoted")
        else:
            found.append(f"exit {self.code}")
        return found

    def line(self, plain: "Outcome") -> str:
        """Return the outcome as a line of the table."""
        rows = " ".join(str(self.rows.get(stage, "-")) for stage in STAGES)
        refused = ", ".join(f"{reason} {n}" for reason, n in self.refused.items()) or "-"
        marks = ", ".join(f"{mark} {n}" for mark, n in self.marks.items()) or "-"
        acted = ",".join(map(str, self.acted.values()))
        said = " ".join(self.said.split("\n")[0].split())[:150]
        broken = "; ".join(self.broken(plain)) or "kept"
        head = f"{' '.join(self.typed):<44} {self.code} {self.error:<15} {rows:<13} {self.calls:>5} {acted:>7}"
        return f"{head} {self.seconds:>5.1f}s | {refused} | {marks} | {broken} | {said}"


STAGES = ("groundings", "instructions", "responses", "scores", "exports")
HEAD = (
    f"{'quirks':<44} exit            {'rows: ' + ' '.join(stage[0] for stage in STAGES):<13} calls   acted"
    "   time | refused | marks in exported rows | promise | said"
)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with contextlib.redirect_stderr(None), contextlib.redirect_stdout(None):
        yield


def inputs(folder: Path) -> list[str]:
    """Write pages and seeds; returns the settings that name them."""
    pages, seeds = folder / "pages.jsonl", folder / "seeds.jsonl"
    some = list(PAGES.items())[:ROWS]
    texts = [text * (3 + (number == 0)) for number, (_, text) in enumerate(some)]  # one of them is long
    lines = [{"url": f"https://pages.example/{n}", "text": text} for n, text in enumerate(texts)]
    pages.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    seeds.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in ASKED[:ROWS]), encoding="utf-8")
    return [f"sources.corpora=[{{path = '{pages}'}}]", f"seeds.paths=['{seeds}']", *PLAIN]


def exported_texts(store: Path) -> list[str]:
    """Return every exported row as text."""
    return [
        line
        for path in sorted((store / "exports").rglob("*.jsonl"))
        for line in path.read_text("utf-8").split("\n")
        if line
    ]


def marks_of(rows: Sequence[str]) -> Counter[str]:
    """Count the exported rows that hold what no row may hold."""
    found = Counter(mark for row in rows for mark, wanted in MARKS.items() if re.search(wanted, row))
    halves = sum(WHOLE not in row for row in rows)
    return found + Counter({"half answer": halves})


def _words(body: bytes) -> str:
    """Return the middle of a refusal's words, as far as no server's or JSON's quoting changes them."""
    text = body.decode()
    said = re.search(r'"(?:message|msg|error)":\s*"((?:[^"\\]|\\.)*)"', text)
    return json.loads(f'"{said[1]}"').split("\n")[0][:60] if said else text[:60]


class StuckError(Exception):
    """A build took longer than anybody waits."""


@contextlib.contextmanager
def _within(seconds: float) -> Iterator[None]:
    """End what takes longer; 0 lets it take its time."""

    def end(*_: object) -> None:
        raise StuckError(f"not done in {seconds:.0f} s")

    if not seconds:  # pytest has an alarm of its own
        yield
        return
    before = signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


class Builds:
    """Builds of the same pages and seeds, each in its own store behind its own server.

    Args:
        folder: Where they are.
        limit_seconds: How long one may take; 0 is as long as it likes.
    """

    def __init__(self, folder: Path, limit_seconds: float = 0.0) -> None:
        self.folder = folder
        self.limit_seconds = limit_seconds
        self.settings = inputs(folder)
        self.numbers = itertools.count(1)
        self.template = folder / "template"
        with _quiet():  # pages ask no model: they are read once
            self._run(self.template, self.settings, (corpus,))
        self.plain = self.build()

    def _run(self, store: Path, overrides: Sequence[str], parts: Sequence[Any], *more: str) -> None:
        chosen = [*overrides, *more]
        with runs.start("dataset", settings.load(PROFILE, chosen), store, quiet=True):
            for part in parts:
                part.fn(profile=PROFILE, store=str(store), overrides=chosen)

    def build(self, *typed: str) -> Outcome:
        """Build behind a server of these quirks, and return what became of it."""
        own = [more for name, more in OWN_SETTINGS.items() if any(quirk.startswith(name) for quirk in typed)]
        overrides = [*self.settings, *itertools.chain.from_iterable(own)]
        store, began = self.folder / f"store-{next(self.numbers)}", time.monotonic()
        is_embedding = any(quirk.startswith("embed") for quirk in typed)
        if not is_embedding:
            shutil.copytree(self.template, store)
        parts = (corpus,) * is_embedding + (grounding, synthesis, curation)
        outcome = Outcome(typed)
        with quirks.running(*typed) as server:
            try:
                with _quiet(), _within(self.limit_seconds):
                    self._run(store, overrides, parts, f"models.base_url={server.base_url}")
            except WellspringError as error:
                outcome.code, outcome.error, outcome.said = error.exit_code, type(error).__name__, str(error)
            except Exception as error:  # noqa: BLE001 - an error that nobody meant is a finding of its own
                outcome.code, outcome.error, outcome.said = 70, type(error).__name__, str(error)
            outcome.seconds = time.monotonic() - began
            self._look(outcome, store, server.stats(), server.quirky.chosen)
        shutil.rmtree(store, ignore_errors=True)
        return outcome

    def _look(
        self, outcome: Outcome, store: Path, stats: Mapping[str, Any], chosen: Mapping[str, quirks.Chosen]
    ) -> None:
        with Store.read(store) as opened:
            outcome.rows = {row["stage"]: row["rows_out"] for row in summaries.of_run(opened)["stages"]}
            outcome.refused = Counter(opened.query("rejections/all")["reason"].to_list())
        outcome.calls, outcome.acted = stats.get("requests", 0), dict(stats["quirks"])
        rows = exported_texts(store)
        outcome.marks = marks_of(rows) if outcome.code == 0 else Counter()
        outcome.words = tuple(_words(one.said) for one in chosen.values() if one.said)
        outcome.statuses = frozenset(one.value for name, one in chosen.items() if name == "refuses_all") | (
            {401, 404} if chosen.keys() & {"azure", "api_key_header", "model_not_found"} else frozenset()
        )


def one_by_one(names: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """Return each quirk as it is built here, with its values; all of them, or those that are named."""
    return [tuple(typed.split()) for name in names or quirks.QUIRKS for typed in TYPED.get(name, (name,))]


def in_threes(count: int, seed: int) -> list[tuple[str, ...]]:
    """Draw combinations of three quirks that can be true of one server."""
    draw = random.Random(seed)
    groups = {group: [n for n in told if not n.startswith(ALONE)] for group, told in quirks.sentences().items()}
    group_of = {name: group for group, names in groups.items() for name in names}
    drawn: list[tuple[str, ...]] = []
    while len(drawn) < count:
        names = draw.sample(sorted(group_of), 3)
        kinds = Counter(group_of[name] for name in names)
        if any(n > 1 for kind, n in kinds.items() if kind != MANY):
            continue
        typed = [draw.choice(TYPED.get(name, (name,))).split() for name in names]
        flat = tuple(itertools.chain.from_iterable(typed))
        if len({quirks.chosen(quirk).name for quirk in flat}) == len(flat):
            drawn.append(flat)
    return drawn


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="quirks; all of them, if none is named and no --three is given")
    parser.add_argument("--three", type=int, default=0, help="how many combinations of three")
    parser.add_argument("--seed", type=int, default=0, help="of the combinations")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds that a build may take")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="quirks-") as folder:
        builds = Builds(Path(folder), asked.limit)
        alone = one_by_one(asked.names) if asked.names or not asked.three else []
        threes = in_threes(asked.three, asked.seed)
        print(HEAD)
        print(builds.plain.line(builds.plain))
        kept = 0
        for typed in alone + threes:
            outcome = builds.build(*typed)
            kept += not outcome.broken(builds.plain)
            print(outcome.line(builds.plain), flush=True)
        drawn = f"; threes drawn with seed {asked.seed}" if threes else ""
        print(f"{kept} of {len(alone + threes)} servers cost no row and left no mark{drawn}")


if __name__ == "__main__":
    main()
