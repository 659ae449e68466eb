"""Micro-batches: order, bounds, errors, an orderly end."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from signtalk.service.queue import BusyError, ClosedError, QuestionQueue


class Slow:
    """Answers with the double, once it is let go; remembers what was answered together."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.go = threading.Event()

    def __call__(self, questions: Sequence[int]) -> list[int | Exception]:
        assert self.go.wait(10)
        self.batches.append(list(questions))
        return [ValueError("odd") if question % 2 else 2 * question for question in questions]


async def started(queue: QuestionQueue[int, int], questions: list[int], client: str = "") -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(queue.ask(question, client)) for question in questions]
    await asyncio.sleep(0.05)
    return tasks


def test_what_waits_is_answered_together_and_in_order() -> None:
    async def run() -> None:
        slow = Slow()
        queue = QuestionQueue[int, int](slow, max_batch=4)
        tasks = await started(queue, list(range(0, 20, 2)))
        slow.go.set()
        assert await asyncio.gather(*tasks) == list(range(0, 40, 4))
        assert [len(batch) for batch in slow.batches] == [4, 4, 2]
        assert [question for batch in slow.batches for question in batch] == list(range(0, 20, 2))
        await queue.close()

    asyncio.run(run())


def test_an_error_is_that_of_its_question_alone() -> None:
    async def run() -> None:
        slow = Slow()
        slow.go.set()
        queue = QuestionQueue[int, int](slow)
        tasks = [asyncio.create_task(queue.ask(question)) for question in (2, 3, 4)]
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert [results[0], str(results[1]), results[2]] == [4, "odd", 8]
        await queue.close()

    asyncio.run(run())


def test_a_failing_function_fails_those_who_asked_and_no_one_later() -> None:
    async def run() -> None:
        def broken(questions: Sequence[int]) -> list[int | Exception]:
            if 0 in questions:
                raise RuntimeError("broken")
            return list(questions)

        queue = QuestionQueue[int, int](broken)
        with pytest.raises(RuntimeError, match="broken"):
            await queue.ask(0)
        assert await queue.ask(1) == 1
        await queue.close()

    asyncio.run(run())


def test_too_many_are_refused_and_all_others_answered() -> None:
    async def run() -> None:
        slow = Slow()
        queue = QuestionQueue[int, int](slow, max_batch=1, max_waiting=3, max_waiting_a_client=2)
        first = await started(queue, [2], "a")  # in the hands of the thread: waits no more, but is asked
        second = await started(queue, [4], "a")
        with pytest.raises(BusyError) as own:
            await queue.ask(6, "a")
        assert own.value.of_client
        others = await started(queue, [8, 10], "b")
        with pytest.raises(BusyError) as all_:
            await queue.ask(6, "c")
        assert not all_.value.of_client
        assert 1 <= all_.value.retry_after_s <= 10
        slow.go.set()
        assert await asyncio.gather(*first, *second, *others) == [4, 8, 16, 20]
        assert await queue.ask(6, "a") == 12  # recovers
        await queue.close()

    asyncio.run(run())


def test_who_has_gone_is_not_answered() -> None:
    async def run() -> None:
        slow = Slow()
        queue = QuestionQueue[int, int](slow, max_batch=1)
        tasks = await started(queue, [2, 4, 6])
        tasks[1].cancel()
        await asyncio.sleep(0)
        slow.go.set()
        assert [await tasks[0], await tasks[2]] == [4, 12]
        assert slow.batches == [[2], [6]]
        await queue.close()

    asyncio.run(run())


def test_closing_answers_what_was_accepted_and_takes_nothing_more() -> None:
    async def run() -> None:
        slow = Slow()
        queue = QuestionQueue[int, int](slow, max_batch=2)
        tasks = await started(queue, [2, 4, 6])
        closing = asyncio.create_task(queue.close())
        await asyncio.sleep(0.02)
        with pytest.raises(ClosedError):
            await queue.ask(8)
        slow.go.set()
        await closing
        assert await asyncio.gather(*tasks) == [4, 8, 12]

    asyncio.run(run())
