"""The same loss and gradient as TRL 1.16's GRPOTrainer; ``python -m benchmarks.objectives --trl`` brings TRL."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from lpo.objectives import policy_loss
from lpo.recipe.algorithm import CISPO, GRPO, GSPO, DrGRPO, Objective

trl = pytest.importorskip("trl", reason="TRL is a peer, not a dependency: python -m benchmarks.objectives --trl")
pytestmark = pytest.mark.trl

ROWS, WIDTH = 6, 10


def trl_loss(logp: Tensor, inputs: dict[str, Tensor], level: str, loss_type: str, low: float, high: float) -> Tensor:
    """GRPOTrainer._compute_loss itself, with log-probs given instead of computed by a model."""
    from trl.trainer.grpo_trainer import GRPOTrainer

    class Trainer(GRPOTrainer):
        def __init__(self) -> None:
            pass

        def _get_per_token_logps_and_entropies(self, *_: Any, **__: Any) -> tuple[Tensor, Tensor, None]:
            return logp, torch.zeros_like(logp), None

    trainer: Any = Trainer()
    trainer.accelerator = SimpleNamespace(
        num_processes=1,
        sync_gradients=True,
        gather=lambda x: x,
        gather_for_metrics=lambda x: x,
        reduce=lambda x, reduction: x,
    )
    trainer.model = SimpleNamespace(training=True)
    trainer.args = SimpleNamespace(delta=None, use_bias_correction_kl=False, steps_per_generation=1)
    trainer._metrics = {"train": defaultdict(list)}
    settings = {
        "aux_loss_enabled": False,
        "top_entropy_quantile": 1.0,
        "off_policy_mask_threshold": None,
        "importance_sampling_level": level,
        "beta": 0.0,
        "loss_type": loss_type,
        "epsilon_low": low,
        "epsilon_high": high,
        "use_vllm": False,
        "vllm_importance_sampling_correction": False,
        "current_gradient_accumulation_steps": 1,
        "max_completion_length": WIDTH,
        "_entropy_bonus_enabled": False,
    }
    for name, value in settings.items():
        setattr(trainer, name, value)
    return trainer._compute_loss(None, inputs)


@pytest.mark.parametrize(
    ("objective", "level", "loss_type"),
    [
        (GRPO(eps_low=0.1, eps_high=0.15), "token", "grpo"),
        (GRPO(eps_low=0.1, eps_high=0.15, aggregation="token_mean"), "token", "bnpo"),
        (GRPO(eps_low=0.1, eps_high=0.15, aggregation="token_mean"), "token", "dapo"),
        (DrGRPO(eps_low=0.1, eps_high=0.15), "token", "dr_grpo"),
        (GSPO(eps_low=0.01, eps_high=0.02), "sequence", "grpo"),
        (CISPO(upper_bound=1.1), "token", "cispo"),
    ],
    ids=["grpo", "grpo-token-mean-bnpo", "grpo-token-mean-dapo", "dr_grpo", "gspo", "cispo"],
)
@pytest.mark.parametrize("seed", range(3))
def test_value_and_gradient_equal(objective: Objective, level: str, loss_type: str, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    old = -torch.rand(ROWS, WIDTH, generator=generator, dtype=torch.float64) * 3
    start = old + (torch.rand(ROWS, WIDTH, generator=generator, dtype=torch.float64) - 0.5) * 0.6
    advantages = torch.randn(ROWS, generator=generator, dtype=torch.float64)
    lengths = torch.randint(1, WIDTH + 1, (ROWS,), generator=generator)
    mask = (torch.arange(WIDTH) < lengths.unsqueeze(1)).long()

    theirs = start.clone().requires_grad_()
    inputs = {
        "prompt_ids": torch.zeros(ROWS, 1, dtype=torch.long),
        "prompt_mask": torch.ones(ROWS, 1, dtype=torch.long),
        "completion_ids": torch.zeros(ROWS, WIDTH, dtype=torch.long),
        "completion_mask": mask,
        "advantages": advantages,
        "old_per_token_logps": old,
        "num_items_in_batch": mask.sum(),
    }
    bounds = (0.0, objective.upper_bound) if isinstance(objective, CISPO) else (objective.eps_low, objective.eps_high)  # type: ignore[attr-defined]
    their_loss = trl_loss(theirs, inputs, level, loss_type, *bounds)
    their_loss.backward()

    ours = start.clone().requires_grad_()
    result = policy_loss(objective, ours, old, advantages, mask, max_length=WIDTH)
    result.loss.backward()
    assert result.clip_fraction > 0
    torch.testing.assert_close(result.loss, their_loss, rtol=0, atol=1e-12)
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=0, atol=1e-12)
