from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch

from lpo.kl import Estimator, check_kl_in_loss, kl_estimate


def test_by_hand() -> None:
    # d = log 0.5 - log 0.25 = log 2: k1 = log 2, k2 = (log 2)^2 / 2, k3 = 1/2 - 1 + log 2
    logp, ref = torch.tensor([0.5], dtype=torch.float64).log(), torch.tensor([0.25], dtype=torch.float64).log()
    two = math.log(2)
    for estimator, expected in (("k1", two), ("k2", two**2 / 2), ("k3", two - 0.5)):
        assert kl_estimate(estimator, logp, ref).item() == pytest.approx(expected, abs=1e-12)


def policy_and_reference() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([0.3, -0.2, 0.9], dtype=torch.float64), torch.tensor([0.0, 0.5, 0.1], dtype=torch.float64)


def expected_under_policy(estimator: Estimator) -> tuple[float, torch.Tensor]:
    """Exact expectation over a vocabulary of three, of the estimate and of its gradient with the samples held fixed."""
    logits, ref_logits = policy_and_reference()
    logits.requires_grad_()
    logp = logits.log_softmax(0)
    value = (logp.detach().exp() * kl_estimate(estimator, logp, ref_logits.log_softmax(0))).sum()
    (gradient,) = torch.autograd.grad(value, logits)
    return value.item(), gradient


def exact_kl() -> tuple[float, torch.Tensor]:
    logits, ref_logits = policy_and_reference()
    logits.requires_grad_()
    logp = logits.log_softmax(0)
    kl = (logp.exp() * (logp - ref_logits.log_softmax(0))).sum()
    (gradient,) = torch.autograd.grad(kl, logits)
    return kl.item(), gradient


def test_k1_and_k3_are_unbiased_as_values() -> None:
    assert expected_under_policy("k1")[0] == pytest.approx(exact_kl()[0], abs=1e-12)
    assert expected_under_policy("k3")[0] == pytest.approx(exact_kl()[0], abs=1e-12)


def test_only_k2_has_the_gradient_of_the_kl() -> None:
    _, exact = exact_kl()
    torch.testing.assert_close(expected_under_policy("k2")[1], exact, rtol=0, atol=1e-12)
    assert (expected_under_policy("k3")[1] - exact).abs().max() > 1e-2


def test_k1_in_the_loss_does_nothing_on_average_and_is_refused() -> None:
    assert expected_under_policy("k1")[1].abs().max() < 1e-12
    with pytest.raises(ValueError, match="k1 in the loss has zero expected gradient"):
        check_kl_in_loss("k1")
    check_kl_in_loss("k2")
    check_kl_in_loss("k3")


def test_the_reference_has_no_gradient_and_k3_stays_finite() -> None:
    logp = torch.tensor([-500.0, -1.0], requires_grad=True)
    ref = torch.tensor([-1.0, -1.0], requires_grad=True)
    kl_estimate("k3", logp, ref).sum().backward()
    assert ref.grad is None
    assert logp.grad is not None
    assert torch.isfinite(logp.grad).all()


def test_k3_pulls_back_a_token_that_the_policy_gave_up_however_far() -> None:
    # Slope 1 - exp(20) below d = -20, and a value that goes on from there.
    for difference in (-20.0, -20.5, -30.0):
        logp = torch.tensor([difference], dtype=torch.float64, requires_grad=True)
        value = kl_estimate("k3", logp, torch.zeros(1, dtype=torch.float64))
        value.sum().backward()
        assert logp.grad is not None
        assert logp.grad.item() == pytest.approx(1 - math.exp(20))
        assert value.item() == pytest.approx(math.exp(20) - 21 + (1 - math.exp(20)) * (difference + 20))


def test_bad_input() -> None:
    with pytest.raises(ValueError, match="'k4' is unknown"):
        kl_estimate("k4", torch.zeros(1), torch.zeros(1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not finite"):
        kl_estimate("k2", torch.zeros(2), torch.tensor([0.0, float("nan")]))
    with pytest.raises(ValueError, match="ref_logp has shape"):
        kl_estimate("k1", torch.zeros(2, 1), torch.zeros(2))


def test_recipes_can_validate_without_torch() -> None:
    code = "import sys, lpo.kl, lpo.mismatch, lpo.recipe.algorithm; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
