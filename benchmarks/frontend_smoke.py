"""Does a model learn from the front-end reward? The recipe frontend_smoke, before and after its RL stage.

    python -m benchmarks.frontend_smoke --folder runs/frontend-smoke

The run is made, or continued, if it is not in the folder. Rewards of the same held-out prompts, sampled with the same
seeds before the first and after the last RL step, are compared in pairs; the interval is a bootstrap over prompts.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quickstart import run

DRAWS = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("runs/frontend-smoke"))
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="fields of the recipe to change")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    print(report(run(["frontend_smoke", *arguments.set], folder), folder))


def report(records: list[dict[str, Any]], folder: Path) -> str:
    """Markdown: what the held-out prompts' pages were worth before and after, and what could have been faked."""
    rl = [each for each in records if each["stage"] == "rl"]
    judged = [each for each in rl if "eval/reward" in each]
    first, last = judged[0], judged[-1]
    before, after = (_rewards(folder, each["step"]) for each in (first, last))
    shared = sorted(before.keys() & after.keys())
    differences = np.array([after[prompt] - before[prompt] for prompt in shared])
    draws = np.random.default_rng(0).choice(differences, (DRAWS, len(differences))).mean(axis=1)
    low, high = np.quantile(draws, [0.025, 0.975])
    steps = [each for each in rl if "reward/mean" in each]
    invalid = max(each.get("reward/invalid", 0.0) for each in steps)
    minutes = sum(each["time/step"] for each in records) / 60
    lines = [
        "| | before RL | after |",
        "|---|---|---|",
        f"| held-out reward, {len(shared)} prompts | {first['eval/reward']:.3f} | {last['eval/reward']:.3f} |",
        f"| pages worth more than one half | {first['eval/accuracy']:.3f} | {last['eval/accuracy']:.3f} |",
        f"| different pages, of all | {first['eval/distinct']:.3f} | {last['eval/distinct']:.3f} |",
        f"| tokens a page | {first['eval/mean_tokens']:.0f} | {last['eval/mean_tokens']:.0f} |",
        "",
        f"Gain {differences.mean():+.3f}, 95% interval {low:+.3f} to {high:+.3f} ({DRAWS:,} bootstrap draws of "
        f"prompts). {len(steps)} steps, at most {invalid:.1%} of a step's pages invalid; {minutes:.1f} minutes of "
        "steps in all.",
    ]
    return "\n".join(lines)


def _rewards(folder: Path, step: int) -> dict[str, float]:
    """Mean reward by prompt of the RL stage's evaluation at a step; prompts without a valid reward are left out."""
    lines = (folder / "evaluations" / f"rl-{step:06d}.jsonl").read_text().splitlines()
    found = {}
    for each in map(json.loads, lines):
        if values := [value for value in each["rewards"] if value is not None]:
            found[each["prompt_id"]] = sum(values) / len(values)
    return found


if __name__ == "__main__":
    main()
