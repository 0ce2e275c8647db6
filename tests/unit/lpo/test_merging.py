"""Coefficients of a merge by hand, and the decay that they stand for."""

import math

import pytest

from lpo.merging import merge_weights


def test_linear_is_the_plain_mean():
    assert merge_weights("linear", 3) == pytest.approx([0.25] * 4)


def test_one_minus_square_root():
    # k = 3: w = 1 - sqrt(1/4), 1 - sqrt(1/2), 1 - sqrt(3/4) = 0.5, 0.29289, 0.13397
    assert merge_weights("1-sqrt", 3) == pytest.approx([0.5, 0.20711, 0.15892, 0.13397], abs=1e-5)


def test_cosine():
    # k = 1: w_1 = (1 + cos(pi / 2)) / 2 = 0.5
    assert merge_weights("cosine", 1) == pytest.approx([0.5, 0.5])


@pytest.mark.parametrize("decay", ["linear", "1-sqrt", "cosine"])
@pytest.mark.parametrize("k", [0, 1, 7, 31])
def test_tails_are_the_decay(decay: str, k: int):
    shape = {
        "linear": lambda u: 1 - u,
        "1-sqrt": lambda u: 1 - u**0.5,
        "cosine": lambda u: 0.5 + 0.5 * math.cos(math.pi * u),
    }
    c = merge_weights(decay, k)
    assert len(c) == k + 1
    assert sum(c) == pytest.approx(1)
    for i in range(1, k + 1):
        assert sum(c[i:]) == pytest.approx(shape[decay](i / (k + 1)))


def test_moving_average_by_its_recursion():
    theta, average = [1.0, 2.0, 4.0], 1.0
    for value in theta[1:]:
        average = 0.8 * average + 0.2 * value
    c = merge_weights("ema", 2, rate=0.8)
    assert sum(a * b for a, b in zip(c, theta, strict=True)) == pytest.approx(average)


def test_custom_weights_are_normalised():
    assert merge_weights("custom", 2, weights=[1, 1, 2]) == [0.25, 0.25, 0.5]


@pytest.mark.parametrize(
    ("decay", "k", "shape", "said"),
    [
        ("liner", 3, {}, "did you mean 'linear'"),
        ("linear", -1, {}, "k is -1"),
        ("linear", 1, {"rate": 0.5}, "does not take rate"),
        ("ema", 1, {}, "needs rate"),
        ("ema", 1, {"rate": 1.0}, "rate is 1.0"),
        ("custom", 2, {"weights": [1, 2]}, "3 numbers"),
        ("custom", 1, {"weights": [0, 0]}, "not all 0"),
    ],
)
def test_bad_input(decay: str, k: int, shape: dict, said: str):
    with pytest.raises(ValueError, match=said):
        merge_weights(decay, k, **shape)
