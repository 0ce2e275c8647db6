"""Intervals and tests against values worked by hand."""

from __future__ import annotations

import math

import pytest

from trainers.comparison.statistics import interval, paired_tests, sign_flip_p


def test_the_interval_of_three_values():
    # mean 2, standard deviation 1, t(0.975, 2) = 4.302653
    found = interval([1.0, 2.0, 3.0])
    assert (found.mean, found.n) == (2.0, 3)
    assert found.half_width == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert str(found) == "2.000 ± 2.484"


def test_one_value_has_no_interval():
    assert str(interval([0.25])) == "0.250"


def test_sign_flips_are_counted():
    assert sign_flip_p([1.0, 2.0, 3.0]) == 2 / 8  # only all plus and all minus are as far out
    assert sign_flip_p([1.0, -1.0]) == 1.0
    assert sign_flip_p([3.0, -1.0]) == 1.0  # |2| or more: all of 2, 4, -4, -2
    with pytest.raises(ValueError, match="at most 20"):
        sign_flip_p([1.0] * 21)


def test_a_paired_t_test_by_hand():
    # differences 1, 2, 3: mean 2, standard error 1/sqrt(3), t = 3.4641 with 2 degrees of freedom, p = 0.07418
    (test,) = paired_tests({"a": {0: 1.0, 1: 2.0, 2: 3.0, 9: 5.0}, "b": {0: 0.0, 1: 0.0, 2: 0.0}})
    assert (test.seeds, test.difference) == (3, 2.0)
    assert test.p_t == pytest.approx(0.0741799, rel=1e-5)
    assert test.p_permutation == 0.25
    assert test.p_holm == test.p_t


def test_holm_multiplies_the_smallest_most_and_never_falls():
    values = {
        "a": {0: 0.00, 1: 0.01, 2: 0.02},
        "b": {0: 0.50, 1: 0.52, 2: 0.51},
        "c": {0: 0.03, 1: 0.01, 2: 0.06},
    }
    tests = sorted(paired_tests(values), key=lambda test: test.p_t)
    assert [test.p_holm for test in tests] == [
        pytest.approx(min(1.0, 3 * tests[0].p_t)),
        pytest.approx(max(3 * tests[0].p_t, 2 * tests[1].p_t)),
        pytest.approx(max(3 * tests[0].p_t, 2 * tests[1].p_t, tests[2].p_t)),
    ]


def test_differences_that_are_all_alike_have_no_t_test():
    (test,) = paired_tests({"a": {0: 1.0, 1: 1.0}, "b": {0: 0.5, 1: 0.5}})
    assert math.isnan(test.p_t)
    assert test.p_permutation == 0.5  # 2 of 4 sign patterns
    assert test.difference == 0.5
