"""The running pass rate, by hand."""

import json

import pytest

from lpo.curriculum import PassRates


def test_a_prompt_never_seen_is_as_hard_as_the_prior_says():
    rates = PassRates(decay=0.5, prior_weight=4)
    assert rates.rate("new") == 0.5
    rates.accuracy = 0.8
    assert rates.rate("new") == 0.8
    assert PassRates(decay=0.5, prior_weight=4, prior=0.3).rate("new") == 0.3


def test_a_visit_is_shrunk_to_the_prior():
    rates = PassRates(decay=0.5, prior_weight=4, prior=0.5)
    rates.add("a", right=8, total=8)
    assert rates.rate("a") == pytest.approx((8 + 4 * 0.5) / (8 + 4))
    rates.add("b", right=0, total=8)
    assert rates.rate("b") == pytest.approx((0 + 2) / 12)


def test_earlier_visits_decay():
    # 8 of 8, then 0 of 8 at decay 1/2: 4 of 12, and 2 of 4 by the prior
    rates = PassRates(decay=0.5, prior_weight=4, prior=0.5)
    rates.add("a", 8, 8)
    rates.add("a", 0, 8)
    assert rates.rate("a") == pytest.approx((4 + 2) / (12 + 4))


def test_without_a_prior_weight_the_prior_counts_until_the_first_visit():
    rates = PassRates(decay=0.5, prior_weight=0, prior=0.5)
    assert rates.rate("a") == 0.5
    rates.add("a", 0, 8)
    assert rates.rate("a") == 0


def test_visits_without_a_mistake_are_counted_in_a_row():
    rates = PassRates(decay=0.5, prior_weight=4)
    rows = [rates.add("a", right, 8).solved_in_a_row for right in (8, 8, 7, 8)]
    assert rows == [1, 2, 0, 1]


def test_the_state_survives_json_in_its_order():
    rates = PassRates(decay=0.3, prior_weight=4)
    for prompt, right in (("b", 3), ("a", 8), ("c", 1), ("b", 7)):
        rates.add(prompt, right, 8)
    again = PassRates(decay=0.3, prior_weight=4)
    again.load_state_dict(json.loads(json.dumps(rates.state_dict())))
    assert list(again) == list(rates)
    assert again.rate("b") == rates.rate("b")
