"""What an objective costs: ``python -m benchmarks.objectives``.

Prints ratios of medians from interleaved runs, so that a busy machine slows both sides alike:
  - policy_loss alone, forward and backward, LPO against GRPO (at most 1.5);
  - the whole loss from hidden states, 16,384 tokens x 32,000 words, in time and peak memory (at most 1.02);
  - log-probs of one chunk against torch's cross-entropy on whole logits.

``python -m benchmarks.objectives --trl`` instead compares gradients with TRL's GRPOTrainer, in an environment of its
own.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lpo.logprobs import token_logprobs
from lpo.objectives import policy_loss, response_weights
from lpo.recipe.algorithm import algorithm_by_name

ROOT = Path(__file__).resolve().parent.parent
TRL = "trl==1.16.0"
TOKENS, WORDS, HIDDEN = 16_384, 32_000, 64


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="interleaved runs of the whole loss")
    parser.add_argument("--trl", action="store_true", help="compare with TRL's GRPOTrainer loss")
    parser.add_argument("--environment", type=Path, default=ROOT / ".trl", help="where TRL's environment is made")
    parser.add_argument("--peak-memory-of", metavar="ALGORITHM", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peak_memory_of:
        print(json.dumps(peak_memory(options.peak_memory_of)))
    elif options.trl:
        sys.exit(compare_with_trl(options.environment))
    else:
        print(f"torch {torch.__version__}, {torch.get_num_threads()} threads (policy_loss: one, CPU time)")
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # Runs this short measure the scheduler on a busy machine: one thread, its own time.
        for rows, width in ((64, 256), (16, 1024), (4, 8192)):
            report_policy_loss(rows, width)
        torch.set_num_threads(threads)
        report_whole_loss(options.runs)
        report_cross_entropy(options.runs)


def interleaved(
    contenders: dict[str, Callable[[], object]], runs: int, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Median seconds of each, run in turns after one warm-up each."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for run in range(runs + 1):
        for name, contender in contenders.items():
            start = clock()
            contender()
            if run:
                seconds[name].append(clock() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def report_policy_loss(rows: int, width: int) -> None:
    batch = loss_inputs(rows, width)

    def step(algorithm: str) -> None:
        logp = batch["old_logp"].clone().requires_grad_()
        policy_loss(algorithm, logp, **batch).loss.backward()

    times = interleaved({name: partial(step, name) for name in ("grpo", "lpo", "gspo")}, 101, time.process_time)
    print(
        f"policy_loss {rows} x {width}: grpo {times['grpo'] * 1e3:.2f} ms, "
        f"lpo / grpo {times['lpo'] / times['grpo']:.2f}, "
        f"gspo / grpo {times['gspo'] / times['grpo']:.2f}"
    )


def report_whole_loss(runs: int) -> None:
    step = whole_loss()
    times = interleaved({name: partial(step, name) for name in ("grpo", "lpo")}, runs)
    memory = {name: _in_a_process(name) for name in ("grpo", "lpo")}
    print(
        f"whole loss {TOKENS} tokens x {WORDS} words: grpo {times['grpo']:.2f} s and {memory['grpo'] / 1e6:.0f} MB, "
        f"lpo / grpo {times['lpo'] / times['grpo']:.3f} in time and {memory['lpo'] / memory['grpo']:.3f} in memory "
        f"(all logits in float32 would be {TOKENS * WORDS * 4 / 1e6:.0f} MB)"
    )


def report_cross_entropy(runs: int) -> None:
    tokens = 1024
    hidden, head, targets = _language_model(tokens)

    def ours() -> None:
        token_logprobs(hidden, head, targets)[0].sum().backward()

    def torchs() -> None:
        torch.nn.functional.cross_entropy(head(hidden), targets, reduction="sum").backward()

    times = interleaved({"ours": ours, "torch": torchs}, runs)
    print(f"log-probs of {tokens} tokens: {times['ours'] / times['torch']:.2f} of torch's cross-entropy")


def loss_inputs(rows: int, width: int) -> dict[str, Any]:
    """A batch of responses of unequal lengths, in sentences of 20 tokens."""
    generator = torch.Generator().manual_seed(0)
    lengths = torch.randint(width // 2, width + 1, (rows,), generator=generator)
    positions = torch.arange(width)
    mask = positions < lengths.unsqueeze(1)
    return {
        "old_logp": -torch.rand(rows, width, generator=generator),
        "advantages": torch.randn(rows, generator=generator),
        "mask": mask,
        "segment_ids": (positions // 20).expand(rows, width).masked_fill(~mask, -1),
        # As in a learner, which computes the weights of a step once for all its micro-batches.
        "weights": response_weights(algorithm_by_name("lpo"), lengths, torch.arange(rows) // 4),
    }


def whole_loss() -> Callable[[str], None]:
    rows = 16
    batch = loss_inputs(rows, TOKENS // rows)
    batch["mask"] = torch.ones_like(batch["mask"])
    batch["segment_ids"] = (torch.arange(TOKENS // rows) // 20).expand(rows, -1)
    hidden, head, targets = _language_model(TOKENS)

    def step(algorithm: str) -> None:
        logp, _ = token_logprobs(hidden, head, targets)
        logp = logp.view(rows, -1)
        policy_loss(algorithm, logp, **{**batch, "old_logp": logp.detach()}).loss.backward()
        hidden.grad = head.weight.grad = None

    return step


def _language_model(tokens: int) -> tuple[Tensor, torch.nn.Linear, Tensor]:
    torch.manual_seed(0)
    head = torch.nn.Linear(HIDDEN, WORDS, bias=False)
    return torch.randn(tokens, HIDDEN, requires_grad=True), head, torch.randint(0, WORDS, (tokens,))


def peak_memory(algorithm: str) -> int:
    """Bytes that the whole loss adds to what the process holds before."""
    step = whole_loss()
    before = _most_resident()
    step(algorithm)
    return _most_resident() - before


def _most_resident() -> int:
    # Not getrusage: its maximum is inherited from the parent process.
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024


def _in_a_process(algorithm: str) -> int:
    command = [sys.executable, "-m", "benchmarks.objectives", "--peak-memory-of", algorithm]
    return int(json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout))


def compare_with_trl(environment: Path) -> int:
    """Makes an environment with TRL where there is none, and runs the tests marked ``trl`` in it."""
    python = environment / "bin" / "python"
    if not python.exists():
        uv = shutil.which("uv")
        if uv:
            subprocess.run([uv, "venv", "-q", "-p", sys.executable, str(environment)], check=True)
            install = [uv, "pip", "install", "-q", "-p", str(python)]
        else:
            subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
            install = [str(python), "-m", "pip", "install", "-q"]
        subprocess.run([*install, TRL, "pytest", "pytest-timeout"], check=True)
    test = "tests/unit/lpo/test_objectives_trl.py"
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [str(python), "-m", "pytest", "-q", "-m", "trl", test], cwd=ROOT, env=environ, check=False
    ).returncode


if __name__ == "__main__":
    main()
