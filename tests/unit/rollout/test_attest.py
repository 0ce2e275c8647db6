"""What a push must look like in log-probs to be committed."""

from __future__ import annotations

import math

import pytest

from rollout.attest import WeightPushError, attest

FLOOR = 2e-6


def test_a_push_that_arrived():
    # changed = (0.5 + 0.3) / 2 = 0.4, residual = (1e-6 + 3e-6) / 2 = 2e-6, moved = (0.499999 + 0.300003) / 2 =
    # 0.400001, bound = min(0.1 * 0.4, 0.02 * 0.4 + 2e-6) = 0.008002
    verdict = attest([[-1.0, -2.0]], [[-1.499999, -1.699997]], [[-1.5, -1.7]], noise_floor=FLOOR)
    assert verdict.accepted
    assert verdict.changed == pytest.approx(0.4)
    assert verdict.residual == pytest.approx(2e-6)
    assert verdict.moved == pytest.approx(0.400001)
    assert verdict.bound == pytest.approx(0.008002)
    assert verdict.tokens == 2


def test_a_push_that_did_nothing():
    verdict = attest([[-1.0], [-2.0]], [[-1.0], [-2.0]], [[-1.5], [-1.7]], noise_floor=FLOOR)
    assert not verdict.accepted
    assert "nothing arrived" in verdict.explain()


def test_a_push_that_arrived_in_part():
    # Nine tenths of the change of 0.4 arrived: the residual of 0.04 is above 0.008.
    verdict = attest([[-1.0, -2.0]], [[-1.45, -1.73]], [[-1.5, -1.7]], noise_floor=FLOOR)
    assert verdict.residual == pytest.approx(0.04)
    assert not verdict.accepted
    assert "in part" in verdict.explain()


def test_weights_that_are_not_finite():
    verdict = attest([[-1.0]], [[math.nan]], [[-1.5]], noise_floor=FLOOR)
    assert not verdict.accepted
    assert "in part, or damaged: the engine's log-probs are not finite" in verdict.explain()


def test_a_push_to_an_engine_that_lost_its_weights_must_agree_to_within_noise():
    # Tensors that a push in part left uninitialised can give NaN; what comes next has no change to be measured by.
    assert attest([[math.nan]], [[-1.5 + 1e-6]], [[-1.5]], noise_floor=FLOOR).accepted
    verdict = attest([[math.nan]], [[-1.4]], [[-1.5]], noise_floor=FLOOR)
    assert not verdict.accepted
    assert "in part" in verdict.explain()


@pytest.mark.parametrize("changed", [2e-5, 3e-5, 1e-4, 1e-3, 1.0])
def test_the_bound_is_never_looser_than_a_tenth_of_a_change_that_can_be_seen(changed: float):
    verdict = attest([[0.0]], [[0.0]], [[-changed]], noise_floor=FLOOR)
    assert verdict.bound <= 0.1 * changed * (1 + 1e-9)
    assert not verdict.accepted


@pytest.mark.parametrize(
    ("changed", "accepted"), [(0.0, True), (1e-6, True), (2e-6, True), (3e-6, False), (1.9e-5, False)]
)
def test_a_change_below_the_noise_is_left_to_the_checksums(changed: float, accepted: bool):
    # An engine that stayed where it was: its arrears are noise up to 2e-6 and are noticed above.
    assert attest([[0.0]], [[0.0]], [[-changed]], noise_floor=FLOOR).accepted is accepted


@pytest.mark.parametrize("changed", [0.0, 1e-7, 1e-6, 1e-5, 1e-4, 1e-2, 10.0])
def test_float_noise_never_stops_a_run(changed: float):
    assert attest([[0.0]], [[-changed + 1.5e-6]], [[-changed]], noise_floor=FLOOR).accepted


def test_the_probe_must_match():
    with pytest.raises(ValueError, match="lengths"):
        attest([[0.0]], [[0.0, 1.0]], [[0.0]], noise_floor=FLOOR)
    with pytest.raises(ValueError, match="no response tokens"):
        attest([[]], [[]], [[]], noise_floor=FLOOR)
    with pytest.raises(WeightPushError, match="training diverged"):
        attest([[0.0]], [[0.0]], [[math.inf]], noise_floor=FLOOR)
