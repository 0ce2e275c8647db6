"""The worked examples of docs/rewards.md, run as their reader would run them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FILE = re.compile(r"^```python\n# (\w+\.py)[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def test_the_examples_pass_their_own_tests(tmp_path):
    files = dict(FILE.findall((ROOT / "docs" / "rewards.md").read_text(encoding="utf-8")))
    tests = sorted(name for name in files if name.startswith("test_"))
    assert tests == ["test_brevity.py", "test_consensus.py", "test_politeness.py"]
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{tmp_path}"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    assert "5 passed" in run.stdout
