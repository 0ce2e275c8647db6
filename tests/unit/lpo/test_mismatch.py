from __future__ import annotations

import math

import pytest
import torch

from lpo.mismatch import MismatchStatistics, check_correction, correction_weights, mismatch_statistics

# k = 0.25, 1.5, 4, 8 in the first response; 1, 1.2 and padding in the second.
K = torch.tensor([[0.25, 1.5, 4.0, 8.0], [1.0, 1.2, 1.0, 1.0]], dtype=torch.float64)
MASK = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
ENGINE = torch.full((2, 4), -2.0, dtype=torch.float64)
OLD = ENGINE + K.log()


def weights(kind: str, **bounds: float) -> list[list[float]]:
    return correction_weights(kind, OLD, ENGINE, MASK, **bounds).tolist()  # type: ignore[arg-type]


def test_by_hand() -> None:
    assert weights("off") == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert weights("tis")[0] == pytest.approx([0.25, 1.5, 2, 2])
    assert weights("tis", cap=5.0)[0] == pytest.approx([0.25, 1.5, 4, 5])
    assert weights("icepop")[0] == pytest.approx([0, 1.5, 4, 0])
    assert weights("icepop")[1] == pytest.approx([1, 1.2, 0, 0])
    # Geometric means: (0.25 * 1.5 * 4 * 8) ** (1/4) = 12 ** 0.25 = 1.86 and sqrt(1.2) = 1.095.
    assert weights("sequence_mask") == [[1, 1, 1, 1], [1, 1, 0, 0]]
    assert weights("sequence_mask", high=1.5) == [[0, 0, 0, 0], [1, 1, 0, 0]]


def test_statistics_by_hand_and_added() -> None:
    icepop = correction_weights("icepop", OLD, ENGINE, MASK)
    whole = mismatch_statistics(OLD, ENGINE, MASK, icepop)
    total = sum(abs(math.log(k)) for k in (0.25, 1.5, 4, 8, 1, 1.2))
    assert whole.mean_abs == pytest.approx(total / 6)
    assert whole.abs_max == pytest.approx(math.log(8))
    assert whole.dropped_fraction == pytest.approx(2 / 6)
    parts = [mismatch_statistics(OLD[i : i + 1], ENGINE[i : i + 1], MASK[i : i + 1], icepop[i : i + 1]) for i in (0, 1)]
    merged = MismatchStatistics.merge(parts)
    assert merged.mean_abs == pytest.approx(whole.mean_abs)
    assert (merged.tokens, merged.dropped, merged.abs_max) == (whole.tokens, whole.dropped, whole.abs_max)
    assert MismatchStatistics().mean_abs == 0


def test_weights_carry_no_gradient_and_ignore_padding() -> None:
    old = OLD.clone()
    old[1, 3] = float("nan")
    old.requires_grad_()
    result = correction_weights("tis", old, ENGINE, MASK)
    assert not result.requires_grad
    assert torch.isfinite(result).all()


def test_bad_input() -> None:
    bad = ENGINE.clone()
    bad[0, 2] = -float("inf")
    with pytest.raises(ValueError, match="response 0, token 2: learner log-prob"):
        correction_weights("tis", OLD, bad, MASK)
    with pytest.raises(ValueError, match="engine_logp has shape"):
        correction_weights("tis", OLD, ENGINE[:1], MASK)
    with pytest.raises(ValueError, match="'ice' is unknown"):
        weights("ice")
    with pytest.raises(ValueError, match="0 < low < high"):
        weights("icepop", low=5.0, high=0.5)
    with pytest.raises(ValueError, match="cap is 0"):
        weights("tis", cap=0.0)


def test_a_correction_that_corrects_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="they are the same"):
        check_correction("tis", "engine")
    check_correction("off", "engine")
    check_correction("tis", "learner")
