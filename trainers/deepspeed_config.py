"""DeepSpeed's configuration, from the recipe's."""

from __future__ import annotations

from typing import Any

from lpo.recipe.runtime import Learner, Optimizer


def deepspeed_config(settings: Learner, optimizer: Optimizer, device: str) -> dict[str, Any]:
    """We decide when a step is due: the number of micro-batches changes from step to step."""
    config: dict[str, Any] = {
        "train_micro_batch_size_per_gpu": 1,
        "managed_gradient_accumulation": False,
        "gradient_clipping": (optimizer.max_grad_norm or 0.0) if deepspeed_clips(settings) else 0.0,
        "zero_allow_untested_optimizer": True,
        "zero_optimization": {"stage": settings.zero_stage, "overlap_comm": False},
        "steps_per_print": 2**31,
    }
    if settings.dtype == "bfloat16":
        config["bf16"] = {"enabled": True}
        # In bfloat16 the sum over many micro-batches would depend on how they were cut.
        config["data_types"] = {"grad_accum_dtype": "fp32"}
    if settings.offload_optimizer:
        config["zero_optimization"]["offload_optimizer"] = {"device": "cpu", "pin_memory": device == "cuda"}
        config["optimizer"] = {"type": "AdamW", "params": adamw_arguments(optimizer)}
    return config


def adamw_arguments(optimizer: Optimizer) -> dict[str, Any]:
    """As torch and DeepSpeed both call them."""
    return {
        "lr": optimizer.learning_rate,
        "betas": (optimizer.betas[0], optimizer.betas[1]),
        "eps": optimizer.eps,
        "weight_decay": optimizer.weight_decay,
    }


def deepspeed_clips(settings: Learner) -> bool:
    """Whether DeepSpeed clips and reports the gradient norm; it does neither well for plain float32 gradients."""
    return settings.zero_stage > 0 or settings.dtype != "float32"


def announce_zero3(settings: Learner, config: dict[str, Any]) -> Any:
    """Tells transformers, for as long as the object lives, to partition weights while it loads them (ZeRO-3)."""
    if settings.zero_stage < 3:
        return None
    from transformers.integrations import HfDeepSpeedConfig

    return HfDeepSpeedConfig(config)
