"""Accuracy's interval and what counts as right."""

import pytest

from lpo.samples import Group, Prompt, Response
from trainers.evaluation import correct, interval, metrics_of


def test_wilson_interval_by_hand():
    # n = 10, p = 0.5, z = 1.96: centre 0.5, half width z / (1 + z^2/n) * sqrt(p q / n + z^2 / (4 n^2))
    #   = 1.96 / 1.38416 * sqrt(0.025 + 0.0096) = 1.41602 * 0.18602 = 0.26341
    low, high = interval([1.0] * 5 + [0.0] * 5, samples=1)
    assert (low, high) == (pytest.approx(0.23659, abs=1e-4), pytest.approx(0.76341, abs=1e-4))


def test_all_right_still_has_a_width():
    low, high = interval([1.0] * 20, samples=1)
    assert 0.8 < low < 0.9
    assert high == 1.0


def test_several_samples_use_the_spread_between_prompts():
    # shares 1, 0, 1, 0: mean 0.5, variance 1/3, standard error sqrt(1/12) = 0.28868
    low, high = interval([1.0, 0.0, 1.0, 0.0], samples=8)
    assert (low, high) == (0.0, 1.0)
    low, high = interval([0.5, 0.5, 0.5, 0.5], samples=8)
    assert (low, high) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("components", "verdict"),
    [({"math": 1.0, "short": 0.0}, True), ({"math": 0.0, "short": 1.0}, False), ({"math": None}, False), ({}, False)],
)
def test_the_first_reward_decides(components: dict, verdict: bool):
    assert correct(components) is verdict


def test_mean_reward_and_how_many_responses_differ():
    def group(name: str, text: str, reward: float | None) -> Group:
        response = Response([1, 2], [-1.0, -1.0], text, "stop", 0, reward=reward, components={"judge": reward})
        return Group(Prompt(id=name, question=name, content=name, token_ids=[1], columns={}), [response])

    found = metrics_of([group("a", "one", 0.8), group("b", "one", None), group("c", "two", 0.4)], [])
    assert found["eval/reward"] == pytest.approx(0.6)
    assert found["eval/distinct"] == pytest.approx(2 / 3)
    assert "eval/reward" not in metrics_of([group("a", "one", None)], [])
