"""The curriculum section of a recipe."""

import pytest

from lpo.recipe.curriculum import EvoCot, NoCurriculum
from lpo.recipe.stages import RlStage


def stage(**fields) -> RlStage:
    given = {"kind": "rl", "steps": 5, "algorithm": "lpo", "rewards": [{"reward": "math"}]}
    return RlStage.model_validate({**given, "optimizer": {"learning_rate": 1e-4}, **fields})


def refusal(**fields) -> str:
    with pytest.raises(ValueError, match=r".") as raised:
        stage(**fields)
    return str(raised.value)


def test_there_is_none_by_default():
    assert stage().curriculum == stage(curriculum="none").curriculum == NoCurriculum()


def test_one_word_is_enough():
    assert stage(curriculum="evo_cot").curriculum == EvoCot(kind="evo_cot")


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({}, "group_norm"),
        ({"algorithm": "dr_grpo"}, "group_mean"),
        ({"curriculum": "evo_cot"}, "group_mean"),
        ({"curriculum": "evo_cot", "advantage": "group_norm"}, "group_norm"),
        ({"advantage": "leave_one_out"}, "leave_one_out"),
    ],
)
def test_evo_cot_keeps_alpha_in_its_advantages(fields: dict, kind: str):
    assert stage(**fields).advantage_kind == kind


@pytest.mark.parametrize(
    ("curriculum", "said"),
    [
        ("evo-cot", "unknown curriculum 'evo-cot'; did you mean 'evo_cot'?"),
        ({"phases": [{"easy_alpha": 1.0}]}, "phases.0.easy_alpha"),
        ({"phases": [{"easy_alpha": 0.2, "hard_alpha": 0.3}]}, "hard_alpha 0.3 is above easy_alpha 0.2"),
        ({"phases": [{"easy_alpha": 0.2}, {"easy_alpha": 0.4}]}, "phases[0] has no advance_at"),
        ({"phases": [{"easy_alpha": 0.2, "advance_at": 0.5}]}, "the last phase has none after it"),
        ({"length_limit": {"easy": 9.0, "hard": 8.0}}, "easy 9.0 is above hard 8.0"),
        ({"hard_share": 1.0}, "hard_share"),
    ],
)
def test_what_cannot_work_is_refused(curriculum, said: str):
    value = {"kind": "evo_cot", **curriculum} if isinstance(curriculum, dict) else curriculum
    assert said in refusal(curriculum=value)


def test_a_right_answer_is_worth_one():
    assert "rewards[0].weight 2.0" in refusal(curriculum="evo_cot", rewards=[{"reward": "math", "weight": 2.0}])
    assert stage(rewards=[{"reward": "math", "weight": 2.0}]).rewards[0].weight == 2
