"""Reward workers on the other nodes of a cluster: an actor for each, with the plug-ins' folder if a node lacks it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lpo.plugins import plugin_file
from lpo.recipe import Recipe
from lpo.recipe.runtime import RewardWorkers
from rewards.batch import Batch
from rewards.isolation.plugin_folder import PluginFolder
from rewards.isolation.pool import MOST_WORKERS, RewardPool, Start
from rewards.isolation.process import START_TIMEOUT_S, RewardWorkerError, WorkerLostError, WorkerProcess
from rewards.isolation.settings import WorkerLimits

_log = logging.getLogger(__name__)

_END_TIMEOUT_S = 15.0
_ALIVE_TIMEOUT_S = 30.0
_ON_THE_WAY_S = 60.0
"""What a call may take longer than its own limit before the node is given up."""


@dataclass(frozen=True)
class Said:
    """What a host answers: a value, or why its worker is lost. Exceptions of ours would not keep their fields."""

    value: Any = None
    lost: str | None = None
    printed: str = ""


class RewardHost:
    """Actor: one worker of a node, started with the first call."""

    def __init__(self, limits: WorkerLimits, folders: Sequence[PluginFolder]) -> None:
        self._limits, self._folders = limits, folders
        self._scratch = TemporaryDirectory(prefix="lpo-plugins-")
        self._places: dict[str, str] = {}
        self._worker: WorkerProcess | None = None

    def start(self) -> Said:
        """Fetches the plug-ins and starts the worker."""
        self._places = {folder.path: folder.here(self._scratch.name) for folder in self._folders}
        try:
            self._worker = WorkerProcess(self._limits)
        except RewardWorkerError as error:
            return Said(lost=str(error))
        return Said()

    def load(self, spec: dict[str, Any], base_dir: str, columns: Sequence[str] | None) -> Said:
        return self._said("load", self._placed(spec), self._place(base_dir), columns)

    def judge(self, spec: dict[str, Any], base_dir: str, parts: Sequence[Batch], timeout_s: float) -> Said:
        return self._said("judge", self._placed(spec), self._place(base_dir), parts, timeout_s)

    def alive(self) -> bool:
        return self._worker is not None and self._worker.alive()

    def end(self) -> None:
        """No process and no file of it is left."""
        if self._worker is not None:
            self._worker.close()
            self._worker = None
        self._scratch.cleanup()

    def _said(self, method: str, *arguments: Any) -> Said:
        try:
            return Said(getattr(self._worker, method)(*arguments))
        except WorkerLostError as lost:
            return Said(lost=str(lost), printed=lost.printed)

    def _place(self, folder: str) -> str:
        return self._places.get(str(Path(folder).resolve()), folder)

    def _placed(self, spec: dict[str, Any]) -> dict[str, Any]:
        """The spec with its file, and files of these folders that its params name, where they are here."""
        spec = spec | {"params": self._moved(spec["params"])}
        file = plugin_file(spec["reward"])
        if file is None or not file.is_absolute():
            return spec
        function = spec["reward"].rpartition(":")[2]
        return spec | {"reward": f"{self._place(str(file.parent.resolve()))}/{file.name}:{function}"}

    def _moved(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self._moved(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._moved(each) for each in value]
        for path, place in self._places.items() if isinstance(value, str) else ():
            if value.startswith(f"{path}/"):
                return place + value.removeprefix(path)
        return value


class RemoteWorker:
    """A worker of another node, as a pool wants it; see `rewards.isolation.pool.Worker`."""

    def __init__(self, node_id: str, limits: WorkerLimits, folders: Any) -> None:
        """``folders`` is Ray's reference to them. Raises RewardWorkerError: no node can start a worker."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._known: dict[str, dict[str, Any]] = {}
        # Soft: the worker of a node that is lost goes to another one.
        where = NodeAffinitySchedulingStrategy(node_id, soft=True)
        self._actor = ray.remote(RewardHost).options(num_cpus=0, scheduling_strategy=where).remote(limits, folders)
        try:
            self._asked("start", 2 * START_TIMEOUT_S)
        except WorkerLostError as lost:
            self.close()
            raise RewardWorkerError(f"node {node_id[:8]}: {lost}") from None

    def load(self, spec: dict[str, Any], base_dir: str, columns: Sequence[str] | None = None) -> dict[str, Any]:
        key = repr((spec, base_dir, columns))
        if key not in self._known:
            self._known[key] = self._asked("load", START_TIMEOUT_S + _ON_THE_WAY_S, spec, base_dir, columns)
        return self._known[key]

    def judge(
        self, spec: dict[str, Any], base_dir: str, parts: Sequence[Batch], timeout_s: float
    ) -> tuple[dict[str, Any], str]:
        return self._asked("judge", timeout_s + _ON_THE_WAY_S, spec, base_dir, parts, timeout_s)

    def alive(self) -> bool:
        import ray

        try:
            return bool(ray.get(self._actor.alive.remote(), timeout=_ALIVE_TIMEOUT_S))
        except ray.exceptions.RayError:
            return False

    def close(self) -> None:
        import ray

        with suppress(ray.exceptions.RayError):
            ray.get(self._actor.end.remote(), timeout=_END_TIMEOUT_S)
        ray.kill(self._actor)  # the worker's guard notices, and takes along whatever is left

    def _asked(self, method: str, timeout_s: float, *arguments: Any) -> Any:
        import ray

        try:
            said: Said = ray.get(getattr(self._actor, method).remote(*arguments), timeout=timeout_s)
        except ray.exceptions.GetTimeoutError:
            raise WorkerLostError("was not heard of again: its node does not answer") from None
        except ray.exceptions.RayError as error:
            raise WorkerLostError(f"was lost with its node: {str(error).splitlines()[0]}") from error
        if said.lost is not None:
            raise WorkerLostError(said.lost, said.printed)
        return said.value


def reward_pool(recipe: Recipe, base_dir: Path) -> RewardPool:
    """The reward workers of a run: on this machine and, as the recipe says, on the other nodes of the cluster.

    Raises:
        InputError: as ``reward_hosts``.
    """
    names = [spec.reward for stage in recipe.stages for spec in recipe.rewards_of(stage)]
    return RewardPool(recipe.reward_workers, base_dir, reward_hosts(recipe.reward_workers, base_dir, names))


def reward_hosts(settings: RewardWorkers, base_dir: Path, plugins: Sequence[str]) -> list[Start]:
    """What starts reward workers on the other nodes of the cluster that Ray is connected to, none on a single node.

    ``plugins`` are the rewards' names in the recipe; the folder of the recipe, and those of plug-ins elsewhere, are
    sent along. A node without CPUs, such as a head that only keeps order, gets no workers.

    Raises:
        InputError: a folder has too much to send.
    """
    import ray

    if settings.nodes == "driver":
        return []
    here = ray.get_runtime_context().get_node_id()
    others = [node for node in ray.nodes() if node["Alive"] and node["NodeID"] != here and _cpus(node)]
    if not others:
        return []
    files = [file for name in plugins if (file := plugin_file(name)) is not None and file.is_absolute()]
    paths = dict.fromkeys([base_dir.resolve(), *(file.parent.resolve() for file in files)])
    folders = ray.put([PluginFolder.read(path) for path in paths])
    limits = WorkerLimits.of(settings)
    # Round and round, so that few shares meet all nodes.
    most = max(_workers(settings, node) for node in others)
    turns = [node for turn in range(most) for node in others if turn < _workers(settings, node)]
    _log.info("reward workers on %d other nodes: %d", len(others), len(turns))
    return [_start(node["NodeID"], limits, folders) for node in reversed(turns)]


def _start(node_id: str, limits: WorkerLimits, folders: Any) -> Start:
    return lambda: RemoteWorker(node_id, limits, folders)


def _cpus(node: dict[str, Any]) -> int:
    return int(node["Resources"].get("CPU", 0))


def _workers(settings: RewardWorkers, node: dict[str, Any]) -> int:
    return settings.workers or min(MOST_WORKERS, _cpus(node))
