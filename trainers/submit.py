"""A recipe as a job of a Ray cluster: everything it names travels along, its logs come back, its exit code too."""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lpo.recipe import LoadedRecipe, dump_recipe, relocate_files
from trainers.cluster import CONNECT_TIMEOUT_S, auth_token
from trainers.placement import ClusterError

PACKAGES = ("lpo", "rewards", "rollout", "trainers", "recipes")
STOP_WAIT_S = 120
"""Ray kills a stopped job after three seconds by default; a run needs as long as a step and a checkpoint take."""


def submit(
    loaded: LoadedRecipe,
    address: str,
    *,
    environment: Mapping[str, str] | None = None,
    packages: Sequence[str] | None = None,
    show: Callable[[str], None] = print,
    follow: bool = True,
    confirm: Callable[[str], bool] | None = None,
) -> int:
    """Starts the recipe as a job at ``address`` (``http://host:8265``) and follows it.

    Returns the job's exit code, 0 if it is not followed.

    The job's working directory holds the recipe and the local files that it names (plug-ins, data, a local model), and
    this copy of lpo itself, so the cluster needs the dependencies only. ``packages`` are installed for the job with
    pip. Run folders are made in the job's working directory unless ``run_dir`` names a place that outlives it.

    On Ctrl-C, ``confirm`` is asked whether to stop the job; without it, or if the answer is no, the job goes on and
    130 is returned.

    Raises:
        ClusterError: no cluster answers at ``address``, it refuses the job, or it went away.
    """
    url = address if "://" in address else f"http://{address}"
    client = _client(url)
    with tempfile.TemporaryDirectory(prefix="lpo-job-") as folder:
        working_dir = Path(folder)
        pack_job(loaded, working_dir)
        try:
            job = client.submit_job(
                # exec: a shell between would die of the signal that stops a job, and Ray would then kill the run.
                entrypoint="exec python -m trainers train recipe.yaml --plain",
                runtime_env=runtime_environment(working_dir, environment or {}, packages or ()),
                metadata={"recipe": loaded.recipe.name},
            )
        except (RuntimeError, ValueError) as error:
            raise ClusterError(f"the cluster at {url} refuses the job: {_first_line(error)}") from error
    show(f"job {job} submitted to {url}")
    if loaded.recipe.run_dir is None:
        show("run_dir is not set: the run's folder goes when the job's working directory does; name a shared folder")
    goes_on = f"ray job logs --address {url} --follow {job}; stop it with: ray job stop --address {url} {job}"
    if not follow:
        show(f"follow it with: {goes_on}")
        return 0
    try:
        asyncio.run(_follow(client, job, show))
    except KeyboardInterrupt:
        if confirm is None or not confirm(f"Stop job {job} as well?"):
            show(f"job {job} goes on; follow it with: {goes_on}")
            return 130
        client.stop_job(job)
        show(f"stopping job {job}: the run saves what it has, which takes up to {STOP_WAIT_S} s")
    except (RuntimeError, OSError) as error:
        raise ClusterError(
            f"the cluster at {url} stopped sending the job's output ({_first_line(error)}); the job may go on, "
            f"follow it with: {goes_on}"
        ) from error
    return _result(client, job, show)


def runtime_environment(working_dir: Path, environment: Mapping[str, str], packages: Sequence[str]) -> dict[str, Any]:
    """Ray's runtime environment of the job: every process of the run, on every node, has it."""
    runtime: dict[str, Any] = {
        "working_dir": str(working_dir),
        "env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_WAIT_S), **environment},
    }
    return runtime | ({"pip": list(packages)} if packages else {})


def pack_job(loaded: LoadedRecipe, working_dir: Path) -> None:
    """Writes the recipe, the files it names and the source of lpo into an empty folder that may be moved anywhere.

    ``cluster.address`` is left out: a job runs on the cluster that it was submitted to.
    """
    taken: dict[Path, str] = {}

    def bring(source: Path) -> str:
        if source not in taken:
            taken[source] = f"files/{len(taken)}/{source.name}"
            target = working_dir / taken[source]
            target.parent.mkdir(parents=True)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copy(source, target)
        return taken[source]

    moved = relocate_files(loaded.resolved, bring)
    moved["cluster"] = {**moved["cluster"], "address": None}
    recipe = type(loaded.recipe).model_validate(moved)
    (working_dir / "recipe.yaml").write_text(dump_recipe(recipe), encoding="utf-8")
    root = Path(__file__).resolve().parent.parent
    for package in PACKAGES:
        shutil.copytree(root / package, working_dir / package, ignore=shutil.ignore_patterns("__pycache__"))


def authorization() -> dict[str, str]:
    """The header with Ray's token, empty where there is none."""
    token = auth_token()
    return {"Authorization": f"Bearer {token}"} if token else {}


def _client(url: str) -> Any:
    from ray.job_submission import JobSubmissionClient

    logging.getLogger("ray").setLevel(logging.WARNING)  # it would tell of uploads
    try:
        parts = urlsplit(url)
        # Ray itself would wait long for a host that does not answer.
        port = parts.port or (443 if parts.scheme == "https" else 80)
        socket.create_connection((parts.hostname or "", port), timeout=CONNECT_TIMEOUT_S).close()
        return JobSubmissionClient(url, headers=authorization())
    except (OSError, RuntimeError, ValueError) as error:
        reason = _first_line(error)
        if "401" in reason or "403" in reason:
            raise ClusterError(
                f"--address {url}: the cluster asks for another token than this machine has; put the cluster's into "
                "~/.ray/auth_token or RAY_AUTH_TOKEN"
            ) from None
        raise ClusterError(
            f"--address {url}: no Ray job server answers there ({reason}); give the dashboard's address, for example "
            "http://127.0.0.1:8265"
        ) from None


async def _follow(client: Any, job: str, show: Callable[[str], None]) -> None:
    rest = ""
    async for text in client.tail_job_logs(job):
        *lines, rest = (rest + text).split("\n")
        for line in lines:
            show(line)
    if rest:
        show(rest)


def _result(client: Any, job: str, show: Callable[[str], None]) -> int:
    info = client.get_job_info(job)
    while not info.status.is_terminal():
        time.sleep(0.5)
        info = client.get_job_info(job)
    # Ray's message repeats the end of the logs, unless the job never came to run.
    never_ran = info.driver_exit_code is None and info.message
    show(f"job {job}: {info.status.value.lower()}{f': {info.message}' if never_ran else ''}")
    if info.driver_exit_code is not None:
        return int(info.driver_exit_code)
    return 0 if info.status == "SUCCEEDED" else 1


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
