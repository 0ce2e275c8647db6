"""The reward can tell the references of the shipped tasks from pages that are worse."""

import pytest

from benchmarks.frontend_tasks import Judged, dump, judge, mockup
from rewards.contract import RewardResult
from rewards.frontend.judgement import assess
from rewards.frontend.tasks import Task, read_tasks

SAMPLE = ("nested-checklist", "three-step-registration")


def _judge(browser, task: Task) -> Judged:
    def result(page: str) -> RewardResult:
        return assess(browser, page, task.loaded_checks()).result()

    dead = {"mock-up": result(mockup(browser, task)), "dump": result(dump(task))}
    return Judged(task, result(task.reference), dead, tuple(result(task.flawed(flaw)) for flaw in task.flaws))


@pytest.mark.parametrize("name", SAMPLE)
def test_a_sample_is_judged_as_it_should(browser, name):
    [task] = [task for task in read_tasks() if task.name == name]
    assert _judge(browser, task).complaints() == []


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", [0, "another"])
def test_all_are_judged_as_they_should(seed):
    wrong = {each.task.name: each.complaints() for each in judge(read_tasks(), seed=seed)}
    assert {name: said for name, said in wrong.items() if said} == {}
