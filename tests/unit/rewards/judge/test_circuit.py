"""A judge that is down is left alone, and tried again by one question."""

from __future__ import annotations

import asyncio

import pytest

from rewards.judge.circuit import Circuit
from rewards.judge.faults import JudgeFault


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_it_opens_after_failures_in_a_row_only():
    circuit = Circuit(10, failures=3, clock=Clock())

    async def story():
        for _ in range(5):
            circuit.failed("a")
            circuit.failed("b")
            circuit.succeeded()
        assert await circuit.admit() is False
        for reason in ("a", "b", "HTTP 503"):
            circuit.failed(reason)
        with pytest.raises(JudgeFault, match="not asked: HTTP 503; it is tried again in 10 s") as refused:
            await circuit.admit()
        assert refused.value.cause == "judge_down"

    asyncio.run(story())


def test_one_question_goes_ahead_and_the_others_wait_for_what_becomes_of_it():
    clock = Clock()
    circuit = Circuit(10, failures=1, clock=clock)

    async def story():
        circuit.failed("down")
        circuit.failed("down")  # of a question that was under way: the rest is not prolonged
        clock.now = 10.5
        assert await circuit.admit() is True
        waiting = [asyncio.create_task(circuit.admit()) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        circuit.failed("still down")
        said = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(each, JudgeFault) and "tried again in 20 s" in str(each) for each in said)
        clock.now = 31
        assert await circuit.admit() is True
        waiting = [asyncio.create_task(circuit.admit()) for _ in range(3)]
        await asyncio.sleep(0)
        circuit.succeeded()
        assert await asyncio.gather(*waiting) == [False] * 3
        circuit.failed("down")
        clock.now += 10  # the shortest rest again
        assert await circuit.admit() is True

    asyncio.run(story())


def test_if_the_one_is_given_up_another_goes_ahead():
    clock = Clock()
    circuit = Circuit(10, failures=1, clock=clock)

    async def story():
        circuit.failed("down")
        clock.now = 11
        assert await circuit.admit() is True
        waiting = [asyncio.create_task(circuit.admit()) for _ in range(2)]
        await asyncio.sleep(0)
        circuit.undecided()
        await asyncio.sleep(0)
        assert [task.done() and task.result() for task in waiting] == [True, False]
        circuit.succeeded()
        assert await waiting[1] is False

    asyncio.run(story())
