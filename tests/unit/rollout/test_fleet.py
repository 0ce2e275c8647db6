"""Dispatch, pushes and recovery of a fleet whose workers are plain objects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import rollout.fleet as fleet_module
from lpo.recipe.runtime import Engine
from lpo.samples import Response
from rollout.actors import ActorDeath
from rollout.attest import WeightPushError
from rollout.fleet import Fleet
from rollout.health import WorkerLostError
from rollout.process import Process
from rollout.requests import SampleRequest
from rollout.transfer.nccl import NcclUpdate
from rollout.transfer.update import WeightUpdate

PROBE = [([1], [2])]


class Method:
    """``actor.method.remote(...)``: the call is made when its result is asked for."""

    def __init__(self, function: Any) -> None:
        self.remote = lambda *arguments: lambda: function(*arguments)

    def options(self, num_returns: str) -> Method:
        assert num_returns == "streaming"
        call = self.remote
        streaming = Method(None)
        streaming.remote = lambda *arguments: iter_calls(call(*arguments))
        return streaming


def iter_calls(call: Any) -> Iterator[Any]:
    produced = []
    try:
        produced = list(call())
    except ActorDeath as death:
        produced = [death]
    for value in produced:
        yield lambda value=value: value


class FakeWorker:
    """Holds one number as its weights; its log-prob of any token is minus that number."""

    def __init__(self, index: int) -> None:
        self.index, self.weights, self.committed, self.dies_at = index, 0.0, 0, ""
        self.served: list[tuple[int, int, int]] = []
        for name in ("load", "receive", "commit", "version", "generate", "score"):
            setattr(self, name, Method(getattr(self, f"do_{name}")))

    def step(self, name: str) -> None:
        if self.dies_at == name:
            raise ActorDeath(f"killed in {name}")

    def do_load(self, update: Any, probe: Any) -> Any:
        self.step("load")
        before = self.weights
        self.weights = update.chunks[0]
        return [[-before]], [[-self.weights]]

    do_receive = do_load

    def do_commit(self, version: int) -> None:
        self.committed = version

    def do_version(self) -> int:
        return self.committed

    def do_score(self, part: Any) -> Any:
        self.step("score")
        return [[-self.weights] * len(response) for _, response in part]

    def do_generate(self, requests: list[SampleRequest]) -> Any:
        self.step("generate")
        self.served += [(r.token_ids[0], r.first_index, r.samples) for r in requests]
        yield 1
        yield [
            [
                Response([r.token_ids[0], r.first_index + i], [0, 0], "", "stop", self.committed)
                for i in range(r.samples)
            ]
            for r in requests
        ]


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[FakeWorker]:
    """Every worker that was ever started, in order."""

    def finish(call: Any, worker: int) -> Any:
        value = call()
        if isinstance(value, ActorDeath):
            raise value
        return value

    monkeypatch.setattr(fleet_module, "finish", finish)
    monkeypatch.setattr(
        fleet_module, "wait_until_ready", lambda actors, timeout: [Process("n", a.index) for a in actors]
    )
    monkeypatch.setattr(fleet_module, "end", lambda actors, processes: None)
    # The last worker answers first: results must not depend on it.
    monkeypatch.setattr(fleet_module, "_first_ready", max)
    return []


def make(launched: list[FakeWorker], workers: int = 2, restarts: int = 1) -> Fleet:
    def launch(index: int) -> FakeWorker:
        launched.append(FakeWorker(index))
        return launched[-1]

    return Fleet(launch, Engine(workers=workers), version=0, restarts=restarts)


def push(fleet: Fleet, weights: float, version: int, learner: float | None = None) -> None:
    fleet.push(WeightUpdate((), (weights,)), PROBE, [[-(weights if learner is None else learner)]], version)


def made(groups: list[list[Response]]) -> list[list[list[int]]]:
    return [[response.token_ids for response in group] for group in groups]


REQUESTS = [SampleRequest([row], samples=4) for row in range(3)]
EVERYTHING = [[[row, index] for index in range(4)] for row in range(3)]


def test_results_come_in_request_order_from_equal_shares(launched: list[FakeWorker]):
    seen: list[tuple[int, int]] = []
    assert made(make(launched).generate(REQUESTS, lambda *each: seen.append(each))) == EVERYTHING
    assert launched[0].served == [(0, 0, 4), (1, 0, 2)]
    assert launched[1].served == [(1, 2, 2), (2, 0, 4)]
    assert seen == [(1, 12), (6, 12), (7, 12), (12, 12)]


def test_fewer_responses_than_workers(launched: list[FakeWorker]):
    assert made(make(launched, workers=3).generate([SampleRequest([7])])) == [[[7, 0]]]
    assert make(launched).generate([]) == []


def test_a_push_reaches_everyone_before_it_counts(launched: list[FakeWorker]):
    fleet = make(launched)
    push(fleet, 1.0, 1)
    assert fleet.versions() == [1, 1]
    assert {response.weight_version for group in fleet.generate(REQUESTS) for response in group} == {1}


def test_a_refused_push_is_committed_nowhere_and_stops_the_fleet(launched: list[FakeWorker]):
    fleet = make(launched)
    push(fleet, 1.0, 1)
    with pytest.raises(WeightPushError, match="push of version 2 to rollout worker 0"):
        push(fleet, 2.0, 2, learner=3.0)
    assert fleet.versions() == [1, 1]
    with pytest.raises(RuntimeError, match="cannot serve"):
        fleet.generate(REQUESTS)
    with pytest.raises(RuntimeError, match="cannot serve"):
        fleet.score(PROBE)


@pytest.mark.parametrize("when", ["generate", "score"])
def test_a_dead_worker_is_refitted_and_asked_again(launched: list[FakeWorker], when: str):
    fleet = make(launched)
    push(fleet, 1.5, 4)
    launched[1].dies_at = when
    if when == "generate":
        assert made(fleet.generate(REQUESTS)) == EVERYTHING
        assert launched[2].served == [(1, 2, 2), (2, 0, 4)]
    else:
        assert fleet.score([([1], [2]), ([1], [2, 3])]) == [[-1.5], [-1.5, -1.5]]
    assert (launched[2].weights, launched[2].committed) == (1.5, 4)
    assert fleet.deaths == [f"worker 1: killed in {when}"]


def test_a_worker_that_dies_in_a_push_gets_the_new_weights(launched: list[FakeWorker]):
    fleet = make(launched)
    launched[0].dies_at = "load"
    push(fleet, 2.5, 1)
    assert fleet.versions() == [1, 1]
    assert launched[2].weights == 2.5


def test_a_revived_worker_that_cannot_be_refitted_does_not_serve(launched: list[FakeWorker]):
    fleet = make(launched)
    push(fleet, 1.0, 1)
    fleet._launch = lambda index: DeafWorker(index)
    launched[0].dies_at = "generate"
    with pytest.raises(WeightPushError, match="nothing arrived"):
        fleet.generate(REQUESTS)


class DeafWorker(FakeWorker):
    def do_load(self, update: Any, probe: Any) -> Any:
        return [[-self.weights]], [[-self.weights]]


def test_deaths_have_a_limit(launched: list[FakeWorker]):
    fleet = make(launched, restarts=1)
    launched[0].dies_at = launched[1].dies_at = "generate"
    with pytest.raises(WorkerLostError, match=r"worker 0 died \(killed in generate\) and the limit of 1 restarts"):
        fleet.generate(REQUESTS)


def test_weights_that_came_by_broadcast_cannot_be_sent_again(launched: list[FakeWorker]):
    fleet = make(launched)
    launched[0].dies_at = "load"
    with pytest.raises(WorkerLostError, match="resume the run"):
        fleet.push(NcclUpdate((), (), ()), PROBE, [[0.0]], 1)
