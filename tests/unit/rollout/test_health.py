"""The life of a worker."""

from __future__ import annotations

import pytest

from rollout.health import FleetHealth, State, WorkerLostError


def serving(workers: int = 2, restarts: int = 1) -> FleetHealth:
    health = FleetHealth(workers, restarts)
    for worker in range(workers):
        health.started(worker)
        health.fitted(worker)
    return health


def test_a_started_fleet_serves():
    health = FleetHealth(2, 1)
    with pytest.raises(RuntimeError, match="worker 0 is starting, worker 1 is starting"):
        health.require_serving()
    serving().require_serving()


def test_nobody_serves_while_weights_are_pushed():
    health = serving()
    health.pushing()
    assert health.states == [State.BEHIND, State.BEHIND]
    health.fitted(0)
    with pytest.raises(RuntimeError, match="worker 1 is behind"):
        health.require_serving()
    health.fitted(1)
    health.require_serving()


def test_a_revived_worker_must_be_refitted_before_it_serves():
    health = serving()
    health.died(1, "killed")
    with pytest.raises(RuntimeError, match="cannot go from dead to serving"):
        health.fitted(1)
    health.restarting(1)
    with pytest.raises(RuntimeError, match="cannot go from starting to serving"):
        health.fitted(1)
    health.started(1)
    with pytest.raises(RuntimeError, match="worker 1 is behind"):
        health.require_serving()
    health.fitted(1)
    health.require_serving()


def test_restarts_have_a_limit():
    health = serving(restarts=1)
    health.died(0, "out of memory")
    health.restarting(0)
    health.started(0)
    health.fitted(0)
    with pytest.raises(
        WorkerLostError, match=r"worker 1 died \(killed\) and the limit of 1 restarts .*worker 0: out of memory"
    ):
        health.died(1, "killed")
    assert health.states[1] is State.LOST
    with pytest.raises(RuntimeError, match="cannot go from lost"):
        health.restarting(1)


def test_a_worker_can_die_in_the_middle_of_a_push():
    health = serving()
    health.pushing()
    health.died(0, "killed")
    health.restarting(0)
    health.started(0)
    health.fitted(0)
    health.fitted(1)
    health.require_serving()
