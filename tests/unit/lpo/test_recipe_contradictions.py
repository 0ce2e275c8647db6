"""Fields that are right alone and wrong together."""

import pytest

from lpo.recipe import RecipeError, load_recipe


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["engine.dtype=bfloat16"], "engine.dtype bfloat16 and learner.dtype float32 differ"),
        (["engine.dtype=bfloat16", "learner.dtype=bfloat16"], "set learner.zero_stage to 1 or more"),
        (["learner.offload_optimizer=true"], "learner.offload_optimizer needs learner.zero_stage 1 or more"),
        (["device=cuda", "engine.transfer=cpu"], "engines on GPUs take their weights by NCCL"),
        (["device=cuda", "cluster.colocate=true"], "cluster.colocate true"),
        (["engine.tensor_parallel=2"], "needs GPUs"),
        (
            ["model.hidden_size=1024000", "model.heads=32000", "model.kv_heads=32000"],
            "make 1.7e\\+13 parameters; a model from scratch has at most",
        ),
        (["stages.rl.group_size=1"], "at least 2 responses"),
        (["stages.rl.minibatches=5"], "not a multiple of minibatches 5"),
        (["stages.rl.old_logprobs=engine", "stages.rl.mismatch.kind=tis"], "corrects nothing"),
        (["stages.rl.kl.coefficient=0.1", "stages.rl.kl.estimator=k1"], "zero expected gradient"),
    ],
)
def test_a_contradiction_is_named(overrides: list[str], said: str):
    with pytest.raises(RecipeError, match=said):
        load_recipe("quickstart", overrides)
