"""Questions of many clients, answered a few at a time in another thread, while the event loop goes on.

    await QuestionQueue.ask(question, client) -> answer; refused at once when too many wait

No waiting for a batch to fill: whatever has come while the last one was answered is answered together.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

Q = TypeVar("Q")
A = TypeVar("A")
_MOST_RETRY_S = 10


class BusyError(Exception):
    """Too many questions wait.

    Attributes:
        of_client: whether they are this client's own.
        retry_after_s: when it is worth asking again.
    """

    def __init__(self, of_client: bool, retry_after_s: int) -> None:
        super().__init__("too many questions wait")
        self.of_client, self.retry_after_s = of_client, retry_after_s


class ClosedError(Exception):
    """The service stops and takes no further question."""


@dataclass(frozen=True, eq=False)
class _Waiting(Generic[Q, A]):
    question: Q
    client: str
    answer: asyncio.Future[A]


class QuestionQueue(Generic[Q, A]):
    """Micro-batches over a function that answers several questions at once.

    Args:
        answer: called in a thread of its own, one call at a time; an answer that is an exception is raised to
            whoever asked.
        max_batch: questions a call.
        max_waiting: questions that may wait.
        max_waiting_a_client: of these from one client.
    """

    def __init__(
        self,
        answer: Callable[[Sequence[Q]], Sequence[A | Exception]],
        max_batch: int = 16,
        max_waiting: int = 256,
        max_waiting_a_client: int = 64,
    ) -> None:
        self._answer, self.max_batch = answer, max_batch
        self._max_waiting, self._max_waiting_a_client = max_waiting, max_waiting_a_client
        self._waiting: deque[_Waiting[Q, A]] = deque()
        self._of_client: Counter[str] = Counter()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="answers")
        self._runner: asyncio.Task[None] | None = None
        self._closed = False
        self._seconds_a_question = 0.05

    def __len__(self) -> int:
        return len(self._waiting)

    async def ask(self, question: Q, client: str = "") -> A:
        """The answer to a question.

        Raises:
            BusyError: too many wait.
            ClosedError: `close` was called.
        """
        if self._closed:
            raise ClosedError
        of_client = self._of_client[client] >= self._max_waiting_a_client
        if of_client or len(self._waiting) >= self._max_waiting:
            seconds = 1 + int(len(self._waiting) * self._seconds_a_question)
            raise BusyError(of_client, min(seconds, _MOST_RETRY_S))
        waiting = _Waiting[Q, A](question, client, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._of_client[client] += 1
        if self._runner is None or self._runner.done():
            self._runner = asyncio.create_task(self._run())
        try:
            return await waiting.answer
        finally:
            self._of_client[client] -= 1
            if not self._of_client[client]:
                del self._of_client[client]

    async def close(self) -> None:
        """Answer what was accepted, take nothing more."""
        self._closed = True
        if self._runner is not None:
            await self._runner
        self._pool.shutdown(wait=True)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = [self._waiting.popleft() for _ in range(min(self.max_batch, len(self._waiting)))]
            batch = [each for each in batch if not each.answer.done()]  # whoever asked has gone
            if not batch:
                continue
            began = loop.time()
            try:
                answers = await loop.run_in_executor(self._pool, self._answer, [each.question for each in batch])
            except Exception as error:  # noqa: BLE001 - it belongs to those who asked
                answers = [error] * len(batch)
            self._seconds_a_question += 0.2 * ((loop.time() - began) / len(batch) - self._seconds_a_question)
            for each, answer in zip(batch, answers, strict=True):
                if each.answer.done():
                    continue
                if isinstance(answer, Exception):
                    each.answer.set_exception(answer)
                else:
                    each.answer.set_result(answer)
