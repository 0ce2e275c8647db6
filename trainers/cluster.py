"""The Ray cluster of a run: a local one of its own or an existing one, and a place for every process on it."""

from __future__ import annotations

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

from lpo.errors import RunError
from lpo.recipe.schema import Recipe
from trainers.placement import Bundle, ClusterError, check_fits, check_memory, describe, layout, no_room

CONNECT_TIMEOUT_S = 5.0


def cluster_address(recipe: Recipe) -> str | None:
    """Where the run's cluster is: the recipe's word, else ``RAY_ADDRESS`` (which a Ray job has). None: a local Ray."""
    return recipe.cluster.address or os.environ.get("RAY_ADDRESS") or None


def auth_token() -> str:
    """Ray's token, from where Ray's own commands take it. Empty where there is none or tokens are switched off."""
    if os.environ.get("RAY_AUTH_MODE", "token").lower() != "token":
        return ""
    file = Path(os.environ.get("RAY_AUTH_TOKEN_PATH") or Path.home() / ".ray" / "auth_token")
    return (os.environ.get("RAY_AUTH_TOKEN") or (file.read_text() if file.is_file() else "")).strip()


@contextmanager
def connected(recipe: Recipe) -> Iterator[None]:
    """Ray, for as long as the block runs. A local Ray is stopped at the end, a cluster is left as it was.

    Raises:
        ClusterError: no cluster answers at the recipe's address.
        RunError: a Ray of the run's own does not start.
    """
    import ray

    if ray.is_initialized():
        yield
        return
    address = cluster_address(recipe)
    logging.getLogger("ray").setLevel(logging.ERROR)  # it would tell of its token
    stop_handler = signal.getsignal(signal.SIGTERM)
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error", "configure_logging": False}
    if address:
        _join(address, quiet)
    else:
        # Ray runs its workers at niceness 15, below everything else on a laptop; here they are what the user waits for.
        os.environ.setdefault("RAY_worker_niceness", "0")
        _start(recipe, quiet)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop_handler)  # Ray has put its own there, which ends the process at once
    try:
        yield
    finally:
        ray.shutdown()


def _start(recipe: Recipe, quiet: dict[str, Any]) -> None:
    """A Ray of the run's own; on a machine so busy that it is not up in the half minute that Ray gives it, at the
    second try."""
    import ray

    for last in (False, True):
        try:
            # "local": without an address Ray would join whatever cluster was last started on this machine.
            ray.init(
                address="local",
                num_cpus=os.cpu_count(),
                include_dashboard=False,
                object_store_memory=int(recipe.cluster.object_store_gib * 2**30),
                **quiet,
            )
            return
        except Exception as error:
            # Ray raises many types here, a bare Exception among them where it took too long.
            ray.shutdown()
            reason = str(error).strip().partition("\n")[0]
            if last or "timed out" not in reason:
                raise RunError(
                    f"Ray did not start on this machine ({reason}); it may be busy, or short of memory or of room in "
                    "/tmp and /dev/shm: see to that and try again"
                ) from error


def check_capacity(recipe: Recipe) -> None:
    """Refuses a run that its cluster, or this machine, could never hold. Starts nothing; a cluster is asked.

    Raises:
        ClusterError: as ``check_fits`` and ``connected``.
    """
    running = "ray" in sys.modules and sys.modules["ray"].is_initialized()
    if cluster_address(recipe) is None and not running:
        check_fits(recipe, [local_resources(recipe.device)])
        check_memory(recipe, psutil.virtual_memory().total)
    else:
        with connected(recipe):
            check_fits(recipe, cluster_nodes())


def describe_layout(recipe: Recipe) -> str:
    """What the run reserves, in words."""
    place = cluster_address(recipe)
    return f"{describe(layout(recipe))}, on {f'the cluster at {place}' if place else 'this machine'}"


@contextmanager
def placed(recipe: Recipe) -> Iterator[Any]:
    """A placement group that holds every process of the run; released at the end, whatever the end is.

    Raises:
        ClusterError: the cluster is too small, or did not free the resources within ``cluster.placement_timeout_s``.
    """
    import ray
    from ray.util.placement_group import placement_group, remove_placement_group

    check_fits(recipe, cluster_nodes())
    group = placement_group(layout(recipe).bundles, strategy="PACK", name=f"lpo {recipe.name}")
    try:
        if not group.wait(recipe.cluster.placement_timeout_s):
            raise ClusterError(no_room(recipe, ray.cluster_resources(), ray.available_resources()))
        yield group
    finally:
        remove_placement_group(group)


def cluster_nodes() -> list[Bundle]:
    """The resources of every living node of the cluster that this process has joined."""
    import ray

    return [
        {kind: node["Resources"].get(kind, 0.0) for kind in ("CPU", "GPU")} for node in ray.nodes() if node["Alive"]
    ]


def local_resources(device: str) -> Bundle:
    """What a local Ray would offer. GPUs are counted for a recipe that uses them only: it takes an import of torch."""
    gpus = 0.0
    if device == "cuda":
        import torch

        gpus = float(torch.cuda.device_count())
    return {"CPU": float(os.cpu_count() or 1), "GPU": gpus}


def _join(address: str, quiet: dict[str, Any]) -> None:
    import ray

    remedy = "start one with `ray start --head`, or leave cluster.address out to run on this machine alone"
    named = "cluster.address" if address != os.environ.get("RAY_ADDRESS") else "RAY_ADDRESS"
    host, colon, port = address.rpartition(":")
    if "://" in address:
        raise ClusterError(
            f"{named} {address}: a run joins a cluster as one of its machines, by `auto` or host:port (6379 by "
            "default); from outside, give the dashboard's address to `lpo submit`"
        )
    if address != "auto" and not (colon and port.isdigit()):
        raise ClusterError(f"{named} {address} is neither `auto` nor host:port, for example 10.0.0.1:6379")
    if address != "auto":
        # Ray itself would try for a minute, and log while it does.
        _knock(host.strip("[]"), int(port), f"{named} {address}: no Ray cluster answers there", remedy)
    if auth_token() and "RAY_AUTH_MODE" not in os.environ:
        # `ray start --head` asks for the token wherever its user has one; `ray.init` sends it when told to.
        from ray._raylet import Config  # type: ignore[attr-defined]

        os.environ["RAY_AUTH_MODE"] = "token"
        Config.initialize("")
    try:
        ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        ray.shutdown()
        reason = str(error).strip().partition("\n")[0]
        raise ClusterError(f"{named} {address}: no Ray cluster answers there ({reason}); {remedy}") from None


def _knock(host: str, port: int, refusal: str, remedy: str) -> None:
    try:
        socket.create_connection((host, port), timeout=CONNECT_TIMEOUT_S).close()
    except OSError as error:
        raise ClusterError(f"{refusal} ({error}); {remedy}") from None
