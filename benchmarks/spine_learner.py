"""Tokens per second of a learner of one rank against a plain PyTorch loop on the same packed tokens and mask.

Both compute the GRPO loss of an on-policy batch, clip the gradient's norm and step fused AdamW. The plain loop finds
its micro-batches packed, measures nothing and knows no processes. Loss and gradient norm of both must agree.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.spine_recipes import rl_recipe, threads
from benchmarks.spine_turns import Contender, Turns, setup_of_this_process
from lpo.recipe.algorithm import algorithm_by_name
from trainers.learner_group import thread_environment
from trainers.packing import MicroBatch, TrainSample, pack

RATE = 1e-7
MAX_NORM = 1.0


def measure_learner(model: str, runs: int, prompts: int, response_tokens: int, budgets: list[int]) -> dict[str, Any]:
    """Medians over ``runs`` turns after one that warms up, for every micro-batch budget; the plain loop uses the
    same.
    """
    from trainers.prepare import prepare

    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(rl_recipe(model, Path(folder), steps=1, prompts=prompts, response_tokens=response_tokens))
    setup = {
        "model": str(prepared.model_path),
        "prompts": [prompt.token_ids for prompt in prepared.dataset.train[:prompts]],
        "response_tokens": response_tokens,
        "vocabulary": len(prepared.tokenizer),
    }
    turns: dict[int, list[dict[str, float]]] = {budget: [] for budget in budgets}
    ours_environment, plain_environment = thread_environment(threads()), {"OMP_NUM_THREADS": str(threads())}
    with (
        Contender("the learner", "benchmarks.spine_learner", {**setup, "side": "ours"}, ours_environment) as ours,
        Contender("the plain loop", "benchmarks.spine_learner", {**setup, "side": "plain"}, plain_environment) as plain,
    ):
        for run in range(runs + 1):
            for budget in budgets:
                mine, theirs = ours.turn(budget=budget), plain.turn(budget=budget)
                for figure in ("loss", "grad_norm"):
                    if abs(mine[figure] - theirs[figure]) > 1e-3 * abs(theirs[figure]) + 1e-6:
                        raise AssertionError(f"{figure}: learner {mine[figure]}, plain loop {theirs[figure]}")
                if run:
                    tokens = theirs["tokens"]
                    rates = {"learner": tokens / mine["seconds"], "inside_rank": tokens / mine["inside"]}
                    cpu = {"learner_cpu": tokens / mine["cpu_seconds"], "plain_cpu": tokens / theirs["cpu_seconds"]}
                    turns[budget].append({**rates, "plain": tokens / theirs["seconds"], **cpu})
    return {
        "model": model,
        "budgets": {
            budget: {
                **{f"{name}_tokens_per_s": median(turn[name] for turn in each) for name in each[0]},
                "learner_to_plain": median(turn["learner"] / turn["plain"] for turn in each),
                "learner_to_plain_by_cpu_time": median(turn["learner_cpu"] / turn["plain_cpu"] for turn in each),
                "inside_rank_to_plain": median(turn["inside_rank"] / turn["plain"] for turn in each),
            }
            for budget, each in turns.items()
        },
        "grad_norm": theirs["grad_norm"],
        "turns": turns,
    }


def samples(setup: dict[str, Any]) -> list[TrainSample]:
    """Groups of 8 responses between a quarter of the limit and the limit, advantages of both signs, weights of GRPO."""
    from lpo.objectives import response_weights

    draw = random.Random(0)
    made = []
    for group, prompt in enumerate(setup["prompts"]):
        for member in range(8):
            length = draw.randint(setup["response_tokens"] // 4, setup["response_tokens"])
            response = [draw.randrange(setup["vocabulary"]) for _ in range(length)]
            made.append(
                TrainSample(group, prompt, response, member, advantage=draw.gauss(0, 1), segment_ids=[0] * length)
            )
    lengths = [len(sample.response_ids) for sample in made]
    weights = response_weights(
        algorithm_by_name("grpo"), lengths, [sample.group for sample in made], setup["response_tokens"]
    )
    for sample, weight in zip(made, weights.tolist(), strict=True):
        sample.weight, sample.engine_logprobs = weight, [-1.0] * len(sample.response_ids)
    return made


def _ours(setup: dict[str, Any]) -> None:
    import ray

    from lpo.recipe.runtime import Learner, Optimizer
    from trainers.learner_batch import LossSettings
    from trainers.learner_group import LearnerGroup

    ray.init(num_cpus=threads(), include_dashboard=False, object_store_memory=2**27, log_to_driver=False)
    batch, loss = samples(setup), LossSettings(algorithm_by_name("grpo"))
    groups: dict[int, LearnerGroup] = {}

    def group_of(budget: int) -> LearnerGroup:
        """One actor; its budget is changed between turns, because a second learner would not fit every machine."""
        if not groups:
            groups[0] = LearnerGroup(Learner(micro_batch_tokens=budget), "cpu")
            groups[0].join()
            groups[0].load(setup["model"], Optimizer(learning_rate=RATE, max_grad_norm=MAX_NORM), 0)
        ray.get(groups[0]._ranks[0].__ray_call__.remote(_set_budget, budget))
        return groups[0]

    def work(budget: int) -> dict[str, Any]:
        learner = group_of(budget)
        started = time.perf_counter()
        statistics = learner.step(batch, loss, RATE)
        seconds = time.perf_counter() - started
        figures = {"loss": float(statistics.loss), "grad_norm": statistics.grad_norm}
        return {"seconds": seconds, "inside": statistics.seconds, **figures}

    Turns().serve(work)
    ray.shutdown()


def _set_budget(rank: Any, budget: int) -> None:
    rank.settings = rank.settings.model_copy(update={"micro_batch_tokens": budget})


def _plain(setup: dict[str, Any]) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    from trainers.packing import visible

    torch.set_num_threads(threads())
    model = AutoModelForCausalLM.from_pretrained(setup["model"], dtype=torch.float32, attn_implementation="sdpa")
    model.train()
    optimiser = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.0, fused=True)
    batch = samples(setup)

    def loss_of(packed: MicroBatch, mask: torch.Tensor) -> torch.Tensor:
        hidden = model.model(
            input_ids=packed.input_ids,
            position_ids=packed.position_ids,
            attention_mask=mask[:, None],
            use_cache=False,
        ).last_hidden_state.flatten(0, 1)
        logits = model.lm_head(hidden[packed.predict_from])
        logp = -torch.nn.functional.cross_entropy(logits, packed.targets, reduction="none")
        advantage = torch.tensor([sample.advantage for sample in packed.samples])[packed.row]
        weight = torch.tensor([sample.weight for sample in packed.samples])[packed.row]
        ratio = torch.exp(logp - logp.detach())
        clipped = ratio.clamp(0.8, 1.2)
        return -(weight * torch.minimum(ratio * advantage, clipped * advantage)).sum()

    def work(budget: int) -> dict[str, Any]:
        micro_batches = [(packed, visible(packed.document, packed.branch)) for packed in pack(batch, budget)]
        total = 0.0
        started = time.perf_counter()
        for packed, mask in micro_batches:
            loss = loss_of(packed, mask)
            loss.backward()
            total += loss.item()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        seconds = time.perf_counter() - started
        tokens = sum(packed.input_ids.numel() for packed, _ in micro_batches)
        return {"seconds": seconds, "tokens": tokens, "loss": total, "grad_norm": float(norm)}

    Turns().serve(work)


if __name__ == "__main__":
    given = setup_of_this_process(sys.argv)
    (_ours if given["side"] == "ours" else _plain)(given)
