"""What a sweep will run, and with which recipes."""

from __future__ import annotations

from pathlib import Path

import pytest

from lpo.recipe import load_recipe
from trainers.comparison.plan import (
    Child,
    Plan,
    SweepError,
    child_recipe,
    parse_seeds,
    parse_variants,
    warm_up_recipe,
    whole_recipe,
)


def test_names_variants_and_settings():
    lpo, token, narrow = parse_variants("lpo, grpo_token_mean,gspo:eps_low=0.001:eps_high=2e-3")
    assert (lpo.label, lpo.objective.name) == ("lpo", "lpo")
    assert token.objective.model_dump()["aggregation"] == "token_mean"
    assert (narrow.family, narrow.objective.model_dump()["eps_high"]) == ("gspo", 0.002)


def test_every_algorithm_is_scaled_from_its_own_eps():
    labels = {
        v.label: (v.family, v.objective.model_dump().get("eps_high")) for v in parse_variants("lpo,cispo", [0.5, 2])
    }
    assert labels == {"lpo eps x0.5": ("lpo", 0.015), "lpo eps x2": ("lpo", 0.06), "cispo": ("cispo", None)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lpo,grp", "did you mean 'grpo'"),
        ("lpo:eps_low", "'eps_low' is not field=value"),
        ("lpo:eps_low=-1", "eps_low is -1"),
        ("lpo:epslow=1", "epslow"),
        ("lpo,lpo", "'lpo' stands twice"),
    ],
)
def test_what_is_no_algorithm_is_refused(text: str, message: str):
    with pytest.raises(SweepError, match=message):
        parse_variants(text)


def test_a_factor_that_leaves_no_valid_eps_is_refused():
    with pytest.raises(SweepError, match=r"--eps-scales 50 for lpo: .*eps_low is 1\.5"):
        parse_variants("lpo", [50])


def test_seeds_by_number_or_one_by_one():
    assert parse_seeds("3") == [0, 1, 2]
    assert parse_seeds("0,4,7") == [0, 4, 7]
    for wrong in ("0", "-1", "two", "1,1", ""):
        with pytest.raises(SweepError, match="--seeds"):
            parse_seeds(wrong)


def test_the_warm_up_and_the_children_make_up_the_recipe(tmp_path: Path):
    resolved = load_recipe("quickstart").resolved
    warm = warm_up_recipe(resolved, 0, tmp_path / "warm-up", "study")
    assert warm is not None
    assert [stage.kind for stage in warm.stages] == ["dft"]
    assert warm.stages[0].rewards  # its evaluations were judged by those of the rl stage
    (variant,) = parse_variants("gspo")
    child = child_recipe(resolved, Child(variant, 4), tmp_path / "model", tmp_path / "gspo-seed4", "study")
    assert [stage.kind for stage in child.stages] == ["rl"]
    assert (child.model.kind, child.seed, child.tracking.experiment) == ("local", 4, "study")
    assert child.stages[0].algorithm.name == "gspo"
    whole = whole_recipe(resolved, Child(variant, 4), tmp_path / "x", "study")
    assert [stage.kind for stage in whole.stages] == ["dft", "rl"]
    assert whole.data == child.data
    assert child_recipe(resolved, Child(variant, 4), None, tmp_path / "x", "study") == whole


def test_a_recipe_that_begins_with_rl_needs_no_warm_up(tmp_path: Path):
    resolved = load_recipe("smollm2_arithmetic").resolved
    assert warm_up_recipe(resolved, 0, tmp_path, "study") is None


def test_the_best_of_each_algorithm_goes_on_with_the_seeds_that_did_not_tune():
    plan = Plan(parse_variants("lpo,cispo", [0.5, 2]), [0, 4, 7], tuning=1)
    assert [child.name for child in plan.first()] == ["lpo-eps-x0.5-seed0", "lpo-eps-x2-seed0", "cispo-seed0"]
    further = plan.then(["lpo eps x2", "cispo"])
    assert [child.name for child in further] == ["lpo-eps-x2-seed4", "cispo-seed4", "lpo-eps-x2-seed7", "cispo-seed7"]
    assert Plan(parse_variants("lpo"), [0, 1], tuning=2).then(["lpo"]) == []
    with pytest.raises(SweepError, match="--tune-seeds 3: there are 2 seeds"):
        Plan(parse_variants("lpo"), [0, 1], tuning=3)
