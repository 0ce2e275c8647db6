"""Two groups of tests that can run side by side (pytest-xdist, `--dist loadgroup`).

Those with engines look at shared memory before and after, and need most of the machine's memory: one after the other.
Those of rewards wait for browsers and time limits.
"""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            part = item.path.relative_to(HERE).parts[0]
            item.add_marker(pytest.mark.xdist_group("rewards" if part == "rewards" else "engines"))
