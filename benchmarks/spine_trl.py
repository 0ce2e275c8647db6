"""TRL's side of the whole step: GRPOTrainer in an environment of its own, one optimiser step a turn."""

from __future__ import annotations

import re
import sys
import time
from typing import Any

from benchmarks.spine_turns import Turns, setup_of_this_process


def run(setup: dict[str, Any], turns: Turns) -> None:
    """GRPO on the rows' prompts; answers each turn with the seconds and the mean response length of the step."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    responses = setup["prompts"] * setup["group_size"]
    passes = responses // setup["batch_size"]
    config = GRPOConfig(
        output_dir=setup["folder"],
        use_cpu=True,
        bf16=False,
        per_device_train_batch_size=setup["batch_size"],
        gradient_accumulation_steps=passes,
        steps_per_generation=passes,
        num_generations=setup["group_size"],
        max_completion_length=setup["response_tokens"],
        max_steps=setup["steps"],
        temperature=1.0,
        beta=0.0,
        learning_rate=1e-7,
        lr_scheduler_type="constant",
        optim="adamw_torch_fused",
        gradient_checkpointing=False,
        shuffle_dataset=False,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=0,
    )

    class TakesTurns(TrainerCallback):
        """Waits before every step; the answer is given when the step's figures are logged."""

        def on_step_begin(self, _args: Any, _state: Any, control: Any, **_: Any) -> None:
            if turns.wait() is None:
                sys.exit(0)
            self.started = time.perf_counter()

        def on_step_end(self, _args: Any, _state: Any, control: Any, **_: Any) -> None:
            self.seconds = time.perf_counter() - self.started

        def on_log(self, _args: Any, _state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:
            if "completions/mean_length" in logs:
                figures = {"mean_tokens": logs["completions/mean_length"], "reward": logs["reward"]}
                turns.answer({"seconds": self.seconds, **figures})

    def is_right(completions: list[list[dict[str, str]]], answer: list[str], **_: Any) -> list[float]:
        found = [re.findall(r"-?\d+", completion[-1]["content"]) for completion in completions]
        return [float(bool(numbers) and numbers[-1] == right) for numbers, right in zip(found, answer, strict=True)]

    GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(setup["model"], dtype="float32"),
        processing_class=AutoTokenizer.from_pretrained(setup["model"]),
        reward_funcs=is_right,
        args=config,
        train_dataset=Dataset.from_list(setup["rows"]),
        callbacks=[TakesTurns()],
    ).train()
    while turns.wait() is not None:
        raise RuntimeError("asked for a turn after the last step")


if __name__ == "__main__":
    run(setup_of_this_process(sys.argv), Turns())
