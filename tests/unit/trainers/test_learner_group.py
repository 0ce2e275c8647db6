"""The learner as one object, without actors."""

import math

import pytest

from lpo.recipe.runtime import Learner
from trainers.learner_batch import LossSettings, StepStatistics
from trainers.learner_group import DivergedError, LearnerGroup


@pytest.mark.parametrize(("loss", "norm"), [(math.nan, 1.0), (0.5, math.inf), (0.5, math.nan)])
def test_a_step_whose_numbers_are_none_stops_the_run(monkeypatch: pytest.MonkeyPatch, loss: float, norm: float):
    group = object.__new__(LearnerGroup)
    group.settings = Learner()
    monkeypatch.setattr(group, "_each", lambda *_: [StepStatistics(loss=loss, grad_norm=norm)])
    with pytest.raises(DivergedError, match=r"learning rate 0\.1 .* lower optimizer\.learning_rate"):
        group.step([], LossSettings(None), 0.1)


def test_a_step_with_finite_numbers_is_returned(monkeypatch: pytest.MonkeyPatch):
    group = object.__new__(LearnerGroup)
    group.settings = Learner()
    monkeypatch.setattr(group, "_each", lambda *_: [StepStatistics(loss=0.5, grad_norm=2.0, tokens=3.0)])
    assert group.step([], LossSettings(None), 0.1).tokens == 3.0
