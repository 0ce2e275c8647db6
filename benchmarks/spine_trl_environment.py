"""An environment of its own for TRL, which wants other packages than the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from trainers.models import cache_root

PACKAGES = ("trl==1.16.0", "torch==2.13.0", "transformers==5.19.0", "datasets", "accelerate")
_TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def trl_python() -> str:
    """The interpreter of TRL's environment, which is made first where there is none: with uv, else with venv and pip.

    torch comes from the folder in ``PIP_FIND_LINKS`` where that is set, else from PyTorch's own index of CPU wheels.
    """
    environment = cache_root() / "benchmarks" / "trl"
    python = environment / "bin" / "python"
    if _works(python):
        return str(python)
    uv = shutil.which("uv")
    links = os.environ.get("PIP_FIND_LINKS")
    if uv:
        subprocess.run([uv, "venv", "--clear", "-q", "-p", sys.executable, str(environment)], check=True)
        install = [uv, "pip", "install", "-q", "-p", str(python)]
        strategy = ["--index-strategy", "unsafe-best-match"]
    else:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(environment)], check=True)
        install, strategy = [str(python), "-m", "pip", "install", "-q"], []
    source = ["--find-links", links] if links else ["--extra-index-url", _TORCH_CPU_INDEX, *strategy]
    packages = [f"{name}+cpu" if name.startswith("torch==") else name for name in PACKAGES]
    subprocess.run([*install, *source, *packages], check=True)
    return str(python)


def _works(python: Path) -> bool:
    check = "import importlib.metadata as m; print(m.version('trl'))"
    if not python.exists():
        return False
    found = subprocess.run([str(python), "-c", check], capture_output=True, text=True, check=False)
    return found.stdout.strip() == PACKAGES[0].partition("==")[2]
