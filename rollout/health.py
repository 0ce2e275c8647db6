"""The life of a rollout worker as a state machine, so that fault handling can be tested without engines.

STARTING -> BEHIND -> SERVING    only with the committed weights; a revived engine is behind until it was refitted
any -> DEAD -> STARTING          at most ``restarts`` times in the life of the fleet, then DEAD -> LOST
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from lpo.errors import RunError


class State(Enum):
    STARTING = "starting"
    BEHIND = "behind"
    SERVING = "serving"
    DEAD = "dead"
    LOST = "lost"


ALLOWED = {
    State.STARTING: {State.BEHIND, State.DEAD},
    State.BEHIND: {State.SERVING, State.DEAD},
    State.SERVING: {State.BEHIND, State.DEAD},
    State.DEAD: {State.STARTING, State.LOST},
    State.LOST: set(),
}


class WorkerLostError(RunError):
    """A rollout worker died and will not be started again."""


@dataclass
class FleetHealth:
    """The state of every worker, and the restarts that are left for the fleet.

    Invariant: a worker in SERVING holds the version that was committed last.
    """

    workers: int
    restarts: int
    states: list[State] = field(init=False)
    deaths: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self.states = [State.STARTING] * self.workers

    def started(self, worker: int) -> None:
        """The actor answers; its weights are those of the model folder."""
        self._move(worker, State.BEHIND)

    def pushing(self) -> None:
        """New weights are on their way to everyone: nobody serves until they are committed."""
        for worker, state in enumerate(self.states):
            if state is State.SERVING:
                self._move(worker, State.BEHIND)

    def fitted(self, worker: int) -> None:
        """The worker holds the committed weights."""
        self._move(worker, State.SERVING)

    def died(self, worker: int, cause: str) -> None:
        """Note a death.

        Raises:
            WorkerLostError: the fleet has no restart left.
        """
        self._move(worker, State.DEAD)
        self.deaths.append(f"worker {worker}: {cause}")
        if len(self.deaths) > self.restarts:
            self._move(worker, State.LOST)
            raise WorkerLostError(
                f"rollout worker {worker} died ({cause}) and the limit of {self.restarts} restarts is used up; "
                f"deaths so far: {'; '.join(self.deaths)}"
            )

    def restarting(self, worker: int) -> None:
        """A new actor was asked for in place of a dead one."""
        self._move(worker, State.STARTING)

    def require_serving(self) -> None:
        """Raises:
        RuntimeError: some worker does not serve, so requests may not be sent.
        """
        idle = [
            f"worker {worker} is {state.value}"
            for worker, state in enumerate(self.states)
            if state is not State.SERVING
        ]
        if idle:
            raise RuntimeError(f"the fleet cannot serve: {', '.join(idle)}; a push that failed ends the run")

    def _move(self, worker: int, state: State) -> None:
        if state not in ALLOWED[self.states[worker]]:
            raise RuntimeError(f"worker {worker} cannot go from {self.states[worker].value} to {state.value}")
        self.states[worker] = state
