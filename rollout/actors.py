"""Ray actors of the fleet: how they are placed, waited for, asked and ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from lpo.errors import RunError
from lpo.recipe.runtime import Engine
from rollout.process import Process

END_TIMEOUT_S = 15.0


class EngineStartError(RunError):
    """A rollout worker did not get its engine to run; the message carries the first reason."""


class ActorDeath(Exception):  # noqa: N818 - an event that the fleet handles
    """The process of an actor is gone."""


def launcher(
    model_path: str | Path,
    settings: Engine,
    device: str,
    *,
    max_model_len: int,
    trust_remote_code: bool,
    version: int,
    colocated: bool,
    gpu_share: float,
    placement_group: Any,
    bundles: Sequence[int] | None,
    worker_class: type | None,
) -> Callable[[int], Any]:
    """A function that starts the actor of a worker by its index, without waiting. Arguments as ``Fleet.start``."""
    import ray
    from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

    from rollout.worker import RolloutWorker

    options = actor_resources(settings, device, colocated=colocated, gpu_share=gpu_share)
    places = list(range(settings.workers)) if bundles is None else list(bundles)
    if len(places) != settings.workers:
        raise ValueError(f"bundles has {len(places)} entries for {settings.workers} workers; it needs one for each")
    actor_class = ray.remote(worker_class or RolloutWorker)

    def launch(index: int) -> Any:
        if placement_group is not None:
            options["scheduling_strategy"] = PlacementGroupSchedulingStrategy(
                placement_group, placement_group_bundle_index=places[index]
            )
        return actor_class.options(**options).remote(
            str(model_path),
            settings,
            device,
            max_model_len=max_model_len,
            trust_remote_code=trust_remote_code,
            version=version,
        )

    return launch


def actor_resources(settings: Engine, device: str, *, colocated: bool, gpu_share: float = 1.0) -> dict[str, Any]:
    """Ray's resource options of one worker.

    Raises:
        ValueError: a share of several GPUs, which Ray cannot reserve.
    """
    if device == "cpu":
        return {"num_cpus": 0 if colocated else settings.threads, "max_restarts": 0}
    if gpu_share != 1.0 and settings.tensor_parallel > 1:
        raise ValueError(
            f"gpu_share is {gpu_share} with engine.tensor_parallel {settings.tensor_parallel}; "
            "Ray shares single GPUs only"
        )
    gpus = settings.tensor_parallel if settings.tensor_parallel > 1 else gpu_share
    return {"num_cpus": 0 if colocated else 1, "num_gpus": gpus, "max_restarts": 0}


def wait_until_ready(actors: Sequence[Any], timeout_s: float) -> list[Process]:
    """Block until every engine is warm; where they run.

    Raises:
        EngineStartError: an engine could not be built (the first error), or not all were ready in time.
    """
    import ray

    calls = [actor.ready.remote() for actor in actors]
    waiting = list(calls)
    deadline = time.monotonic() + timeout_s
    while waiting:
        ready, waiting = ray.wait(waiting, num_returns=1, timeout=max(0.0, deadline - time.monotonic()))
        if not ready:
            raise EngineStartError(
                f"{len(waiting)} of {len(calls)} rollout workers were not ready in engine.start_timeout_s "
                f"{timeout_s:g} s; raise it, or look at what else runs there (free: {ray.available_resources()})"
            )
        try:
            ray.get(ready[0])
        except ray.exceptions.RayError as error:
            worker = calls.index(ready[0])
            raise EngineStartError(f"rollout worker {worker} could not start its engine: {error}") from error
    return [ray.get(call) for call in calls]


def finish(call: Any, worker: int) -> Any:
    """The result of a call to a worker.

    Raises:
        ActorDeath: the worker died.
        Exception: what the worker raised, naming it, with the worker's traceback as cause.
    """
    import ray

    try:
        return ray.get(call)
    except ray.exceptions.RayActorError as error:
        raise ActorDeath(str(error).strip().splitlines()[0]) from error
    except ray.exceptions.RayTaskError as error:
        if type(error.cause).__module__ in {"builtins", "rollout.attest"}:
            raise type(error.cause)(f"rollout worker {worker}: {error.cause}") from error
        raise


def end(actors: Sequence[Any], processes: Sequence[Process]) -> None:
    """Shut engines down, kill what does not answer, and wait for processes of this machine to be gone."""
    import ray

    if not ray.is_initialized():
        return
    calls = [actor.shutdown.remote() for actor in actors]
    if calls:
        ray.wait(calls, num_returns=len(calls), timeout=END_TIMEOUT_S)
    for actor in actors:
        ray.kill(actor, no_restart=True)
    here = ray.get_runtime_context().get_node_id()
    deadline = time.monotonic() + END_TIMEOUT_S
    while any(node == here and Path(f"/proc/{pid}").exists() for node, pid in processes):
        if time.monotonic() > deadline:
            raise TimeoutError(
                f"rollout workers are still running {END_TIMEOUT_S:.0f} s after they were killed: {processes}"
            )
        time.sleep(0.05)
