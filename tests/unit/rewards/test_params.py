"""The params of shipped rewards are known, have types, and are tried before a run."""

import pytest

from lpo.recipe.runtime import RewardSpec
from rewards import RewardError, resolve
from rewards.resolver import SHIPPED


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("reasoning_gym", {"nonsense": 1}, "reward 'reasoning_gym': params: unknown parameter 'nonsense'"),
        ("reasoning_gym", {"treshold": 1.0}, "did you mean 'threshold'?"),
        ("reasoning_gym", {"threshold": "high"}, "params.threshold is 'high': input should be a valid number"),
        ("reasoning_gym", {"extract": "box"}, "params.extract is 'box': input should be 'auto', 'tag', 'boxed'"),
        ("reasoning_gym", {"question": ["q"]}, "unknown parameter 'question'"),
        ("math", {"timeout_s": True}, "params.timeout_s is True: input should be a valid number"),
        ("math", {"answer_field": 3}, "params.answer_field is 3: input should be a valid string"),
        ("soft_overlong", {"max_tokens": 8}, "params.buffer is missing; it has no default"),
        (
            "soft_overlong",
            {"max_tokens": 8, "buffer": 9},
            "params: buffer is 9; it must be between 1 and max_tokens, 8",
        ),
        (
            "soft_overlong",
            {"max_tokens": 8.5, "buffer": 2},
            "params.max_tokens is 8.5: input should be a valid integer",
        ),
    ],
)
def test_a_param_that_a_shipped_reward_cannot_use_is_refused_by_name(name, params, message):
    with pytest.raises(RewardError) as refusal:
        resolve(RewardSpec(reward=name, params=params))
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("reasoning_gym", {"extract": "boxed", "threshold": None}),
        ("math", {"answer_field": "solution", "timeout_s": 2, "units": "required"}),
        ("soft_overlong", {"max_tokens": 8, "buffer": 2}),
        ("code", {"timeout_s": 5, "partial": True}),
    ],
)
def test_params_of_the_right_kind_are_taken(name, params):
    assert name in SHIPPED
    assert resolve(RewardSpec(reward=name, params=params)).name == name


def test_a_wrong_scope_of_a_plugin_is_refused(tmp_path):
    (tmp_path / "mine.py").write_text("def f(responses): return [0.0] * len(responses)\nf.scope = 'groups'\n")
    with pytest.raises(RewardError, match="has scope 'groups'; make it one of sample, group, batch"):
        resolve("mine.py:f", base_dir=tmp_path)
