"""A run folder with saved rollouts of three kinds: with ratios, without a gradient, of an older run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from trainers.run_folder import RunFolder

RECIPE = """
name: demo
stages:
- {kind: dft, name: dft}
- {kind: rl, name: rl, algorithm: {name: lpo, eps_low: 0.03, eps_high: 0.03, entropy_clip: 0.0, dual_clip: null}}
- {kind: rl, name: tokens, algorithm: {name: grpo, eps_low: 0.2, eps_high: 0.2, dual_clip: 3.0}}
"""
HOSTILE = "<script>alert(1)</script> \x1b[31mred\u202e. Then & so."


def row(number: int, **fields) -> dict:
    text = "One. Two three."
    return {
        "step": 1, "prompt_id": "p", "question": "1+1?", "number": number, "response": text, "reward": 1.0,
        "components": {"right": 1.0}, "notes": {}, "advantage": 0.5, "tokens": 4, "segment_ids": [0, 1, 1, 1],
        "token_ids": [1, 2, 3, 4], "finish_reason": "stop", "weight_version": 3, "offsets": [0, 5, 9, 9],
    } | fields  # fmt: skip


def save(folder: Path, stage: str, step: int, rows: list[dict]) -> None:
    text = "".join(json.dumps({**each, "step": step}) + "\n" for each in rows)
    (folder / "rollouts" / f"{stage}-{step:06d}.jsonl").write_text(text, encoding="utf-8")


@pytest.fixture
def run(tmp_path) -> RunFolder:
    folder = tmp_path / "demo-run"
    (folder / "rollouts").mkdir(parents=True)
    (folder / "recipe.yaml").write_text(RECIPE)
    known = {"grain": "segment", "ratios": [1.05, 0.99], "clips": ["high", ""]}
    save(folder, "rl", 1, [row(0, **known), row(1, advantage=0.0)])
    wrong = {"components": {"right": 0.0}, "reward": 0.0, "advantage": -1.2}
    save(
        folder,
        "rl",
        2,
        [
            row(0, **known | {"ratios": [0.7, 1.0], "clips": ["low", ""]}, **wrong, notes={"extracted": "<b>7</b>"}),
            row(1, **known | {"ratios": [1.0, 1.0], "clips": ["", ""]}, advantage=1.2),
            row(0, question="2+2?", reward=None, advantage=0.0, components={"right": None}),
        ],
    )
    tokens = {"grain": "token", "ratios": [1.0, 1.3, 0.9, 1.0], "clips": ["", "high", "", ""]}
    save(folder, "tokens", 3, [row(0, **tokens)])
    older = row(0, response=HOSTILE, segment_ids=[0, 0, 1])
    del older["offsets"], older["notes"], older["weight_version"]
    save(folder, "rl", 4, [older])
    return RunFolder.open(folder)
