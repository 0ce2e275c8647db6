"""One gradient, however the batch is split: micro-batches, ranks, ZeRO stages, shared or repeated prompts.

The optimiser is set up so that one step moves every weight by (almost) minus `SCALE` times its gradient: with an
epsilon that
dwarfs the gradient, AdamW's first step is lr * g / (|g| + eps). So what DeepSpeed reduced and applied is what is
compared.
"""

import random
from pathlib import Path

import pytest
import ray
import torch
from safetensors.torch import load_file

from lpo.recipe.algorithm import algorithm_by_name
from lpo.recipe.runtime import Learner, Optimizer
from trainers.learner_batch import LossSettings
from trainers.learner_group import LearnerGroup
from trainers.packing import TrainSample

EPSILON, SCALE = 1e6, 1e2
OPTIMIZER = Optimizer(learning_rate=EPSILON * SCALE, eps=EPSILON, max_grad_norm=None)
LOSS = LossSettings(algorithm_by_name("lpo"), temperature=0.7, entropy_bonus=0.01)


@pytest.fixture(scope="module")
def model_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=300, hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=256, initializer_range=0.1, tie_word_embeddings=True,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("model")
    LlamaForCausalLM(config).save_pretrained(path)
    return path


@pytest.fixture(scope="module", autouse=True)
def local_ray():
    ray.init(num_cpus=4, include_dashboard=False, log_to_driver=False, object_store_memory=100 * 2**20)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def samples() -> list[TrainSample]:
    rng = random.Random(0)
    out = []
    for group in range(6):
        prompt = [rng.randrange(300) for _ in range(rng.randrange(4, 16))]
        for member in range(4):
            length = rng.randrange(1, 24)
            out.append(
                TrainSample(
                    group=group,
                    member=member,
                    prompt_ids=prompt,
                    weight=1 / 200,
                    advantage=rng.uniform(-1, 1),
                    response_ids=[rng.randrange(300) for _ in range(length)],
                    segment_ids=[i // 5 for i in range(length)],
                    old_logprobs=[-5.7 + 0.3 * rng.random() for _ in range(length)],
                    engine_logprobs=[-5.7] * length,
                )
            )
    return out


def gradient_of(settings: Learner, model_path: Path, samples: list[TrainSample], folder: Path) -> torch.Tensor:
    learner = LearnerGroup(settings, "cpu")
    try:
        learner.join()
        learner.load(str(model_path), OPTIMIZER, seed=0)
        statistics = learner.step(samples, LOSS, OPTIMIZER.learning_rate)
        assert float(statistics.tokens) == sum(len(sample.response_ids) for sample in samples)
        learner.export(str(folder))
    finally:
        learner.shutdown()
    before, after = load_file(model_path / "model.safetensors"), load_file(folder / "model.safetensors")
    assert before.keys() == after.keys()
    gradient = torch.cat([((before[name] - after[name]) / SCALE).flatten() for name in sorted(before)])
    assert gradient.norm() > 1e-3
    return gradient


@pytest.fixture(scope="module")
def reference(model_path: Path, samples: list[TrainSample], tmp_path_factory: pytest.TempPathFactory) -> torch.Tensor:
    """One rank, one micro-batch, every response with a prompt of its own."""
    settings = Learner(threads=1, micro_batch_tokens=4096, share_prompts=False)
    return gradient_of(settings, model_path, samples, tmp_path_factory.mktemp("reference"))


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"micro_batch_tokens": 48}, id="many micro-batches, shared prompts"),
        pytest.param({"ranks": 2, "micro_batch_tokens": 64}, id="two ranks"),
        pytest.param({"ranks": 2, "zero_stage": 2, "micro_batch_tokens": 64}, id="two ranks, ZeRO-2"),
        pytest.param({"ranks": 2, "zero_stage": 3, "micro_batch_tokens": 64}, id="two ranks, ZeRO-3"),
        # One rank needs two chunks where the other needs three: each gathers the output layer as often.
        pytest.param(
            {"ranks": 2, "zero_stage": 3, "micro_batch_tokens": 64, "logprob_chunk_tokens": 16},
            id="two ranks, ZeRO-3, chunks",
        ),
        pytest.param({"ranks": 4, "micro_batch_tokens": 64}, id="four ranks"),
        pytest.param(
            {"zero_stage": 1, "gradient_checkpointing": True, "logprob_chunk_tokens": 16}, id="checkpointing, chunks"
        ),
    ],
)
def test_gradient_does_not_depend_on_the_split(
    fields: dict, reference: torch.Tensor, model_path: Path, samples: list[TrainSample], tmp_path: Path
):
    gradient = gradient_of(Learner(threads=1, **fields), model_path, samples, tmp_path)
    assert (gradient - reference).norm() / reference.norm() < 1e-5


def test_log_probs_are_those_of_transformers_at_the_temperature(model_path: Path, samples: list[TrainSample]):
    from transformers import AutoModelForCausalLM

    learner = LearnerGroup(Learner(threads=1, micro_batch_tokens=64), "cpu")
    try:
        learner.join()
        learner.load(str(model_path), OPTIMIZER, seed=0)
        found = learner.logprobs(samples, temperature=0.7)
    finally:
        learner.shutdown()
    model = AutoModelForCausalLM.from_pretrained(model_path)
    for sample, row in zip(samples, found, strict=True):
        ids = torch.tensor([[*sample.prompt_ids, *sample.response_ids]])
        with torch.no_grad():
            logits = model(ids).logits[0, len(sample.prompt_ids) - 1 : -1] / 0.7
        expected = logits.log_softmax(-1).gather(1, ids[0, len(sample.prompt_ids) :, None])[:, 0]
        assert torch.tensor(row) == pytest.approx(expected, abs=2e-5)
