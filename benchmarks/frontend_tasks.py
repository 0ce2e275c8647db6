"""What the front-end reward says about the shipped tasks: every reference, its mock-up, and every flawed page.

    python -m benchmarks.frontend_tasks [--browsers 2] [--kind KIND] [--task NAME] [--reasons]

A mock-up is the reference as it looks after loading, without its scripts: right to look at, and dead.
"""

from __future__ import annotations

import argparse
import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from rewards.contract import RewardResult
from rewards.frontend.browser import Browser
from rewards.frontend.extract import find_page
from rewards.frontend.farm import Farm
from rewards.frontend.tasks import Flaw, Task, read_tasks
from rewards.frontend.worker import Job

COMPONENTS = ("syntax", "function", "aesthetics")
LEAST = {"syntax": 0.05, "function": 0.1, "aesthetics": 0.05}
"""By how much the component that a flaw names must fall."""

MOCKUP_AT_MOST = 0.25
"""Of function, for a page that does nothing."""


@dataclass(frozen=True)
class Judged:
    """A task with the results of its pages; ``flaws`` in the order of the task's."""

    task: Task
    reference: RewardResult
    mockup: RewardResult | None
    flaws: tuple[RewardResult, ...]

    def fall(self, flaw: RewardResult, component: str) -> float:
        return self.reference.components[component] - flaw.components[component]

    def complaints(self) -> list[str]:
        """What is not as it should be."""
        said = []
        results = [self.reference, *self.flaws, *([self.mockup] if self.mockup else [])]
        if wrong := [each.invalid for each in results if each.invalid is not None]:
            return [f"invalid: {wrong[0]}"]
        if (self.reference.total or 0) <= 0.8:
            said.append(f"the reference is worth {self.reference.total:.2f}, not above 0.8")
        if self.reference.components["function"] < 1:
            said.append(f"the reference fails: {self.reference.info['reasons']['function']}")
        for flaw, result in zip(self.task.flaws, self.flaws, strict=True):
            fall = self.fall(result, flaw.component)
            if fall < LEAST[flaw.component] or (result.total or 0) >= (self.reference.total or 0):
                said.append(f"{flaw.component} falls by {fall:.2f} only: {flaw.why}")
        if self.mockup is not None and self.mockup.components["function"] > MOCKUP_AT_MOST:
            said.append(f"the mock-up's function is {self.mockup.components['function']:.2f}")
        return said


def mockup(browser: Browser, task: Task) -> str:
    """The reference as a picture of itself: its document after loading, without scripts."""
    files = find_page(task.reference).files
    assert files is not None
    with browser.page(files, 1280, 800) as page:
        page.load()
        document = str(page.evaluate("() => document.documentElement.outerHTML"))
    document = re.sub(r"<script\b.*?</script>", "", document, flags=re.DOTALL)
    return "<!DOCTYPE html>\n" + re.sub(r"\son\w+=(\"[^\"]*\"|'[^']*')", "", document)


def judge(tasks: Sequence[Task], browsers: int = 2, *, mockups: bool = True, seed: int | str = 0) -> list[Judged]:
    """Every page of every task, in one farm."""
    dead: list[str] = []
    if mockups:
        with Browser() as browser:
            dead = [mockup(browser, task) for task in tasks]
    jobs: list[Job] = []
    for place, task in enumerate(tasks):
        pages = [task.reference, *dead[place : place + 1], *[task.flawed(flaw) for flaw in task.flaws]]
        jobs += [Job(page, task.loaded_checks(), seed) for page in pages]
    farm = Farm(browsers)
    try:
        results = iter(farm.judge(jobs))
    finally:
        farm.close()
    return [
        Judged(task, next(results), next(results) if mockups else None, tuple(next(results) for _ in task.flaws))
        for task in tasks
    ]


def _shown(result: RewardResult) -> str:
    if result.invalid is not None:
        return f"invalid: {result.invalid}"
    return f"{result.total:.2f}  " + " ".join(f"{result.components[name]:.2f}" for name in COMPONENTS)


def _flaw(each: Judged, flaw: Flaw, result: RewardResult) -> str:
    if result.invalid is not None:
        return _shown(result)
    return f"{_shown(result)}  {flaw.component} -{each.fall(result, flaw.component):.2f}  {flaw.why}"


def table(judged: Sequence[Judged], *, reasons: bool = False) -> None:
    """Total, then syntax, function and aesthetics, of every page."""
    for each in judged:
        print(f"{each.task.name} ({each.task.kind})\n  reference {_shown(each.reference)}")
        if each.mockup is not None:
            print(f"  mock-up   {_shown(each.mockup)}")
        for flaw, result in zip(each.task.flaws, each.flaws, strict=True):
            print(f"  flaw      {_flaw(each, flaw, result)}")
        for complaint in each.complaints():
            print(f"  WRONG     {complaint}")
        if reasons:
            for name, lines in each.reference.info.get("reasons", {}).items():
                for line in lines[:6]:
                    print(f"            {name}: {line}")


def summary(judged: Sequence[Judged]) -> None:
    """A row for each kind, as docs/frontend.md has it."""
    print("\n| kind | tasks | checks | reference: total | aesthetics | mock-up: function | flaws | least fall |")
    print("|---|---|---|---|---|---|---|---|")
    kinds = {each.task.kind: None for each in judged}
    for kind in [*kinds, None]:
        chosen = [each for each in judged if kind in (None, each.task.kind) and each.reference.invalid is None]
        totals = [each.reference.total or 0.0 for each in chosen]
        looks = [each.reference.components["aesthetics"] for each in chosen]
        dead = [each.mockup.components["function"] for each in chosen if each.mockup and not each.mockup.invalid]
        flaws = [
            each.fall(result, flaw.component)
            for each in chosen
            for flaw, result in zip(each.task.flaws, each.flaws, strict=True)
            if result.invalid is None
        ]
        print(
            f"| {kind or '**all**'} | {len(chosen)} | {sum(len(each.task.loaded_checks().raw) for each in chosen)} "
            f"| {min(totals):.2f} to {max(totals):.2f} | {statistics.mean(looks):.2f} "
            f"| {f'at most {max(dead):.2f}' if dead else ''} | {len(flaws)} | {min(flaws, default=0):.2f} |"
        )
    wrong = [each.task.name for each in judged if each.complaints()]
    print(f"\n{len(judged)} tasks, {len(wrong)} not as they should be{': ' if wrong else ''}{', '.join(wrong)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--browsers", type=int, default=2)
    parser.add_argument("--kind")
    parser.add_argument("--task", action="append")
    parser.add_argument("--reasons", action="store_true")
    parser.add_argument("--seed", default="0")
    given = parser.parse_args()
    tasks = [
        task for task in read_tasks() if given.kind in (None, task.kind) and (not given.task or task.name in given.task)
    ]
    judged = judge(tasks, given.browsers, seed=given.seed)
    table(judged, reasons=given.reasons)
    summary(judged)


if __name__ == "__main__":
    main()
