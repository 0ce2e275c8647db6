"""Files that the params of a reward name: found beside the recipe, and taken along when it moves."""

from __future__ import annotations

from pathlib import Path

from lpo.recipe import load_recipe, relocate_files

RECIPE = """
name: judged
model: {kind: local, path: weights}
data: {source: {kind: jsonl, path: rows.jsonl}}
stages:
  - kind: rl
    steps: 1
    algorithm: lpo
    optimizer: {learning_rate: 1.0e-3}
    rewards:
      - reward: rubric
        params:
          checklist: lists/help.yaml
          judge: {function: "mine.py:judge", extra: {note: "gone.yaml", pattern: "x.py:y", lines: ["a\\nb.yaml"]}}
"""


def test_files_in_params_are_absolute_and_the_rest_stays_as_it_is(tmp_path: Path):
    for name in ("rows.jsonl", "mine.py", "lists/help.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "weights").mkdir()
    (tmp_path / "r.yaml").write_text(RECIPE)
    loaded = load_recipe(tmp_path / "r.yaml")
    params = loaded.recipe.stages[0].rewards[0].params
    assert params["checklist"] == str(tmp_path / "lists/help.yaml")
    assert params["judge"]["function"] == f"{tmp_path}/mine.py:judge"
    # what is no file is no file's name
    assert params["judge"]["extra"] == {"note": "gone.yaml", "pattern": "x.py:y", "lines": ["a\nb.yaml"]}
    moved = relocate_files(loaded.resolved, lambda path: f"files/{path.name}")["stages"][0]["rewards"][0]["params"]
    assert moved["checklist"] == "files/help.yaml"
    assert moved["judge"]["function"] == "files/mine.py:judge"
