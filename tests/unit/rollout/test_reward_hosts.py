"""Where a reward's files are on another node."""

from __future__ import annotations

from typing import Any

from rollout.reward_hosts import RewardHost


def test_files_of_a_folder_that_was_sent_are_named_where_they_are_also_in_params():
    host: Any = RewardHost(limits=None, folders=[])  # type: ignore[arg-type]
    host._places = {"/home/me/recipe": "/tmp/x/recipe", "/shared": "/shared"}
    spec = {
        "reward": "rubric",
        "params": {
            "checklist": "/home/me/recipe/lists/help.yaml",
            "judge": {"function": "/home/me/recipe/mine.py:judge", "retries": 2},
            "others": ["/shared/a.yaml", "/home/me/recipes/b.yaml", None],
        },
    }
    assert host._placed(spec) == {
        "reward": "rubric",
        "params": {
            "checklist": "/tmp/x/recipe/lists/help.yaml",
            "judge": {"function": "/tmp/x/recipe/mine.py:judge", "retries": 2},
            "others": ["/shared/a.yaml", "/home/me/recipes/b.yaml", None],
        },
    }
    assert host._placed({"reward": "/home/me/recipe/mine.py:f", "params": {}})["reward"] == "/tmp/x/recipe/mine.py:f"
    assert spec["params"]["checklist"] == "/home/me/recipe/lists/help.yaml"
