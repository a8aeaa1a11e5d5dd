"""Batch jobs: a stage's calls as files at half the price, submitted in one run and collected in a later one.

The states of a job, and what each means for its calls and their money, are the table in `jobs.py`; how calls become
jobs is in `submissions.py`, what a server says in `bulk.py`, what results say of each call in `results.py`. Here a job
that is out is brought from one state to the next. Two rules hold everywhere:

- Each submission has a nonce of its own, on disk before anything is sent. A run that dies, or hears no answer, between
  asking for a job and knowing its id leaves an `intent`: the next run looks for that nonce in the server's list before
  anything is sent again. The same rows, submitted again, are another submission.
- What is the whole job's fault, or the server's, is no row's: such calls are due again, uncounted, and the run parks
  with the server's words. If the words are about size, the next job is smaller instead.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable, Coroutine, Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from wellspring.tasks.contracts.calls import Answer, Call, Refused
from wellspring.tasks.contracts.errors import BrokenError, TransientError, WellspringError
from wellspring.tasks.contracts.settings import Role
from wellspring.tasks.io import waits
from wellspring.tasks.io.models.bulk import Bulk, Said, count_of, id_of, storable
from wellspring.tasks.io.models.delivery import ActiveRole, Sender
from wellspring.tasks.io.models.jobs import (
    DROPPED,
    FAILED,
    GONE,
    INTENT,
    LOST,
    MERGED,
    SUBMITTED,
    Job,
    Jobs,
    Note,
    settle,
)
from wellspring.tasks.io.models.results import Results
from wellspring.tasks.io.models.submissions import RUN_AGAIN, Keyed, Outbox, Submitter, Troubles
from wellspring.tasks.io.protocol.complaints import remedy
from wellspring.tasks.io.protocol.prices import Prices
from wellspring.tasks.io.protocol.servers import Server

ENDED = {"completed", "failed", "expired", "cancelled"}
LISTED_SECONDS = 2.0  # a job that was just made may not be in the list at once

Recorded = Callable[[Role, list[Call]], Generator[Answer | Refused, None, Keyed]]


class Batches:
    """Submits, adopts, polls, merges and cancels the batch jobs of a store."""

    def __init__(
        self,
        sender: Sender,
        prices: Prices,
        run: Callable[[Coroutine[Any, Any, Any]], Any],
        door_of: Callable[[str], ActiveRole],
    ) -> None:
        self.jobs, self.scrub = Jobs(sender.journal, sender.run_id), sender.scrub
        self.prices, self.run, self.door_of = prices, run, door_of
        self.troubles = Troubles()
        self.submitter = Submitter(sender, self.jobs, self.troubles)
        self.fresh: set[str] = set()  # merged by this process: paid in this run, whoever recorded them first
        self.missed: set[int] = set()  # jobs whose results this run could not read
        self.collecting = threading.Lock()
        self.collected_at = -math.inf  # monotonic seconds

    def is_fresh(self, key: str) -> bool:
        """Whether a job's answer to this call was collected just now; it says so once."""
        if key not in self.fresh:
            return False
        self.fresh.remove(key)
        return True

    def post(self, active: ActiveRole) -> "Post":
        """Collect what jobs have answered, and return where a role's new calls become jobs."""
        self.collect()
        return Post(self, Outbox(active))

    def live(
        self, active: ActiveRole, pairs: Keyed, recorded: Recorded
    ) -> Generator[Answer | Refused, None, tuple[Keyed, Keyed]]:
        """Part calls that a live role would send now: into those that it may send, and those that a job is out for.

        If there are any of these, jobs are collected first, and what that answers is yielded.
        """
        out = self.jobs.out([key for key, _ in pairs])
        if out and time.monotonic() - self.collected_at > active.role.batch_poll_seconds:
            self.collect()
            pairs = yield from recorded(active.role, [call for _, call in pairs])
            out = self.jobs.out([key for key, _ in pairs])
        return [pair for pair in pairs if pair[0] not in out], [pair for pair in pairs if pair[0] in out]

    def rest(self, active: ActiveRole, tick: waits.Tick | None = None) -> None:
        """Wait for jobs that are out for calls of a live role.

        Raises:
            WellspringError: No job has ended, or what has to be told of one.
        """
        if (trouble := self.troubles.pop(active.name)) is not None:
            raise trouble
        self.wait(active, tick=tick)

    def wait(self, active: ActiveRole, box: Outbox | None = None, tick: waits.Tick | None = None) -> None:
        """Wait until a job has ended, as long as the role says; a job that is out is always asked for once.

        Raises:
            TransientError: None has, or the budget is used up and there is none to wait for.
        """
        until = time.monotonic() + active.role.batch_wait_seconds
        before = {job.batch for job in self.jobs.open()}
        while before:
            self.collect()
            running = [job for job in self.jobs.open() if job.batch in before]
            if len(running) < len(before) or active.name in self.troubles:
                return
            if time.monotonic() >= until:
                raise _parked(active, running, box)
            waits.sleep(min(active.role.batch_poll_seconds, until - time.monotonic()), tick)
        if box is not None and box.parked is not None:
            raise _parked(active, [], box)

    def collect(self) -> None:
        """Bring every job that is out on as far as it goes; what a person has to know of one is kept for its role."""
        with self.collecting:
            self.collected_at = time.monotonic()
            for job in self.jobs.open():
                try:
                    active, server = self._where(job)
                    self.run(self._advance(active, server, job))
                except WellspringError as error:
                    self.troubles.found.setdefault(job.role, error)

    def _where(self, job: Job) -> tuple[ActiveRole, Server]:
        """Return the role and the server of a job.

        Raises:
            BrokenError: Its role does not name that server any more.
        """
        active = self.door_of(job.role)
        for server in active.servers:
            if server.name == job.endpoint:
                return active, server
        raise BrokenError(
            f"batch job {job.name} runs at {job.endpoint}, which `{job.role}` no longer names",
            hint=f"put the endpoint back to collect it, or free its calls: wellspring batches --cancel {job.name}",
        )

    async def _advance(self, active: ActiveRole, server: Server, job: Job, *, is_last: bool = False) -> None:
        """Bring a job on as far as it goes. `is_last`: what is not there now is not waited for."""
        if job.state == INTENT and (job := await self._adopted(active, server, job)).state != SUBMITTED:
            return
        seen = await Bulk(server, self.scrub).retrieve(job.job_id or "")
        if seen.is_ok:
            counts = seen.body.get("request_counts")
            counts = counts if isinstance(counts, dict) else {}
            done, failed = count_of(counts.get("completed")), count_of(counts.get("failed"))
            job = replace(job, status=storable(str(seen.body.get("status")), 40), done=done, failed=failed)
            await self.jobs.seen(job, job.said if job.misses else "")
            if job.status in ENDED:
                await self._ended(active, server, job, seen.body, is_last=is_last)
        elif seen.is_key:
            self.troubles.refuse_key(active.name, server, seen.words)
        elif not seen.is_gone:
            await self.jobs.seen(job, seen.words)
        elif is_last or job.status == GONE:
            await self._lose(active, job, f"the server no longer knows it: {seen.words}")
        else:
            await self.jobs.seen(replace(job, status=GONE), seen.words)
            self.troubles.tell(
                active.name,
                f"{server.name} no longer knows batch job {job.name}: {seen.words}",
                f"if base_url or the account has changed, put it back; otherwise {RUN_AGAIN}: its {job.calls} calls are"
                " due again, and what they may have cost counts as spent",
            )

    async def _adopted(self, active: ActiveRole, server: Server, job: Job) -> Job:
        """Look for a job of which nobody knows whether it was made; it is submitted then, or closed, or still open."""
        bulk = Bulk(server, self.scrub)
        found = await bulk.find(job.nonce, job.file_id)
        if found is None and 0 <= (age := time.time() - job.since) < LISTED_SECONDS:
            await asyncio.sleep(LISTED_SECONDS - age)
            found = await bulk.find(job.nonce, job.file_id)
        if isinstance(found, str):
            return await self.submitter.submitted(job, found)
        if found is None:
            await self.submitter.free(job, DROPPED, f"it never reached the server ({job.said})".replace(" ()", ""))
            return replace(job, state=DROPPED)
        if found.is_gone:
            await self._lose(active, job, f"nobody knows whether it was made: its server lists no jobs ({found.words})")
            return replace(job, state=LOST)
        if found.is_key:
            self.troubles.refuse_key(active.name, server, found.words)
        await self.jobs.seen(job, found.words)
        return replace(job, said=found.words)

    async def _ended(self, active: ActiveRole, server: Server, job: Job, body: Any, *, is_last: bool) -> None:
        """Read the results of a job that has ended, each line on its own, and close it."""
        bulk = Bulk(server, self.scrub)
        results = Results(self._books(active, job), server, job, self.jobs, self.scrub)
        troubles = list[Said]()
        for file_id in dict.fromkeys((id_of(body.get("output_file_id")), id_of(body.get("error_file_id")))):
            if (
                file_id
                and (trouble := await bulk.read(file_id, results.take, active.role.max_answer_bytes)) is not None
            ):
                troubles.append(trouble)
                results.unread.append(f"{file_id} cannot be read: {trouble.words}")
        self.fresh.update(results.ended)
        if not troubles or is_last or await self._is_given_up(active, server, job, troubles):
            await self._close(active, server, job, body, results)

    async def _is_given_up(self, active: ActiveRole, server: Server, job: Job, troubles: Sequence[Said]) -> bool:
        """Whether results that cannot be read are waited for no longer; at least one run waits, and says so."""
        said = next((one for one in troubles if not one.is_gone), troubles[0])
        words = f"the results of batch job {job.name} cannot be read: {said.words}"
        if said.is_key:
            self.troubles.refuse_key(active.name, server, words)
            return False
        if job.batch in self.missed:
            return False
        self.missed.add(job.batch)
        if job.misses + 1 >= (2 if said.is_gone else max(2, active.role.attempts)):
            return True
        await self.jobs.missed(job, said.words)
        if said.is_gone:
            hint = f"{RUN_AGAIN}: its calls without a result are due again, and what they may have cost is spent"
            self.troubles.tell(active.name, f"{server.name}: {words}", hint)
        return False

    async def _close(self, active: ActiveRole, server: Server, job: Job, body: Any, results: Results) -> None:
        """Settle every call that a job has not answered: an attempt that failed, a refusal, or no fault of the call."""
        left, faults = results.decided(body)
        results.remember()
        settled = settle(left, self.jobs.failures(job.batch), active.role.attempts, job)
        has_failed = job.status == "failed" or bool(faults.of_all and not self.jobs.has_answered(job.batch))
        said = faults.of_job or faults.of_all or faults.of_server or "; ".join(results.unread)
        await self.jobs.close(job, FAILED if has_failed else MERGED, said, settled)
        self.fresh.update(one.key for one in settled if one.entry is not None)
        if job.status == "failed":
            words = f"failed batch job {job.name} of {job.calls} calls: {said or 'it gave no reason'}"
            await self.submitter.is_smaller(active, server, job, faults.kind, words)
        elif faults.of_server:
            words = f"{server.name} stopped batch job {job.name}: {faults.of_server}"
            self.troubles.tell(active.name, words, remedy(faults.of_server, active.name))
        elif faults.of_all:
            live = f"models.{active.name}.mode=live finds out whether it is only rows"
            hint = f"{remedy(faults.of_all, active.name)}; {live}"
            words = f"{server.name} refused calls of batch job {job.name} alike: {faults.of_all}"
            self.troubles.tell(active.name, words, hint)

    async def _lose(self, active: ActiveRole, job: Job, words: str) -> None:
        """Close a job whose end nobody will know: what it may have cost counts as spent."""
        left = [one._replace(note=Note("again", "unknown", words, one.reserve)) for one in self.jobs.left(job.batch)]
        settled = settle(left, self.jobs.failures(job.batch), active.role.attempts, job)
        await self.jobs.close(job, LOST, words, settled)
        self.fresh.update(one.key for one in settled if one.entry is not None)

    def _books(self, active: ActiveRole, job: Job) -> ActiveRole:
        """Return the role by whose model and price a job was made, whatever the role is now."""
        model = job.model or active.role.model
        role = active.role.model_copy(update={"model": model})
        return ActiveRole(active.name, role, self.prices.of(model, is_batch=True), active.servers, active.shares)

    def cancel(self, role: str, job_id: str = "all") -> int:
        """Ask servers to stop a role's jobs, or one of them; what has stopped is merged, and its calls are free.

        Returns:
            How many are asked to stop, or have.

        Raises:
            WellspringError: A server could not be asked.
        """
        failed: WellspringError | None = None
        with self.collecting:
            jobs = [job for job in self.jobs.open() if job.role == role and job_id in {"all", job.job_id, job.nonce}]
            for job in jobs:
                try:
                    active, server = self._where(job)
                except BrokenError as error:
                    self.run(self._lose(self.door_of(role), job, f"cancelled: {error.message}"))
                else:
                    failed = self.run(self._stop(active, server, job)) or failed
        self.troubles.pop(role)
        if failed is not None:
            raise failed
        return len(jobs)

    async def _stop(self, active: ActiveRole, server: Server, job: Job) -> WellspringError | None:
        """Stop a job; returns what was in the way."""
        if job.state == INTENT and (job := await self._adopted(active, server, job)).state != SUBMITTED:
            words = f"{server.name} does not say whether it has batch job {job.name}: {job.said}"
            is_open = job.state == INTENT
            return (
                self.troubles.pop(active.name) or TransientError(words, hint=f"{RUN_AGAIN} later") if is_open else None
            )
        said = await Bulk(server, self.scrub).cancel(job.job_id or "")
        if said.is_key:
            self.troubles.refuse_key(active.name, server, said.words)
            return self.troubles.pop(active.name)
        if said.is_open or not said.was_sent:
            words = f"{server.name} does not say whether batch job {job.name} is stopped: {said.words}"
            return TransientError(words, hint=f"{RUN_AGAIN} later")
        await self._advance(active, server, job, is_last=True)
        return None


@dataclass(frozen=True, slots=True)
class Post:
    """A role's new calls on their way into jobs: take them, send what is left, then wait if the role says so."""

    batches: Batches
    box: Outbox

    def take(self, calls: list[Call], recorded: Recorded, leave: Callable[[Call], None]) -> Iterator[Answer | Refused]:
        """Answer what is recorded, and put the rest into jobs.

        Args:
            calls: What to ask.
            recorded: Yields what is recorded of a chunk and returns the rest.
            leave: Told of each call that is not answered yet; it is to be asked for again.
        """
        pairs = yield from recorded(self.box.active.role, calls)
        for _, call in pairs:
            leave(call)
        self.box.left += len(pairs)
        self.batches.run(self.batches.submitter.take(self.box, pairs))

    def send(self) -> None:
        """Send the last job, which may be small."""
        self.batches.run(self.batches.submitter.send(self.box))

    def drop(self) -> None:
        """Leave no draft behind, where something went wrong before it was sent."""
        if self.box.draft is not None:
            self.batches.run(self.batches.submitter.drop(self.box))

    def has_waited(self, tick: waits.Tick | None = None) -> bool:
        """Wait for a job to end, where calls are left and the role says so; whether there was one to wait for.

        Raises:
            TransientError: Jobs are running, the budget is used up, or a server does not take or do a job; what is
                answered came out first.
            BrokenError: A server refuses the key.
        """
        if (trouble := self.batches.troubles.pop(self.box.active.name)) is not None:
            raise trouble
        if not self.box.left or self.box.is_smaller:
            return False
        self.batches.wait(self.box.active, self.box, tick)
        return True


def _parked(active: ActiveRole, running: Sequence[Job], box: Outbox | None) -> TransientError:
    """Return what a run says that leaves calls behind: which jobs run, what servers said, what the budget holds."""
    said, hint = list[str](), ""
    if own := [job for job in running if job.role == active.name] or running:
        waited = f"waited {active.role.batch_wait_seconds:.0f} s"
        said.append(f"{len(own)} batch jobs of `{own[0].role}` are running ({waited})")
        said += [f"{job.name}: {job.said}" for job in own if job.said]
        hint = f"{RUN_AGAIN} later: it collects what is done and pays for nothing twice"
        hint += "; `wellspring batches --cancel ID` frees the calls of a job"
    if box is not None and box.parked is not None:
        said.append(f"{box.parked.reached}; {box.unsent} calls of `{active.name}` are left and not sent")
        hint = box.parked.error.hint
    elif box is not None and box.is_queued:
        said.append(f"{box.unsent} calls wait until the server takes more tokens at once")
    return TransientError("; ".join(said), hint=hint)
