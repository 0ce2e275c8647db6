"""The shipped front-end tasks have the form that they should, and a folder that has not is refused by name."""

import re
from collections import Counter
from typing import get_args

import pytest

from benchmarks.frontend_tasks import dump
from lpo.recipe import load_recipe
from rewards.frontend.steps import Action, Assertion
from rewards.frontend.tasks import Kind, Task, TaskError, read_task, read_tasks, shipped_task

FEWEST_TASKS, FEWEST_OF_A_KIND = 60, 5


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return read_tasks()


def test_there_are_enough_of_every_kind(tasks):
    kinds = Counter(task.kind for task in tasks)
    assert len(tasks) >= FEWEST_TASKS
    assert set(kinds) == set(get_args(Kind))
    assert min(kinds.values()) >= FEWEST_OF_A_KIND


def test_prompts_and_references_are_all_different(tasks):
    assert len({task.prompt for task in tasks}) == len(tasks)
    assert len({task.reference for task in tasks}) == len(tasks)


def test_each_has_two_flaws_and_one_of_them_is_that_it_does_not_work(tasks):
    for task in tasks:
        assert len(task.flaws) >= 2, task.name
        assert any(flaw.component == "function" for flaw in task.flaws), task.name
        assert len({task.flawed(flaw) for flaw in task.flaws} | {task.reference}) == len(task.flaws) + 1, task.name


def test_checks_act_before_they_conclude(tasks):
    for task in tasks:
        checks = task.loaded_checks().draw(0)
        assert len(checks) >= 3, task.name
        assert all(check.name not in [each.name for each in checks if each is not check] for check in checks), task.name
        for check in checks:
            steps = list(check.steps)
            assert any(isinstance(step, Action) for step in steps), f"{task.name}: {check.name}"
            assert isinstance(steps[-1], Assertion), f"{task.name}: {check.name}"


def test_ids_that_checks_use_are_in_the_prompt(tasks):
    """What a prompt does not say cannot be asked for."""
    for task in tasks:
        for name in set(re.findall(r"#([A-Za-z][\w-]*)", task.checks_text())):
            assert name in task.prompt, f"{task.name}: the checks use #{name}, the prompt does not name it"


def test_every_task_draws_inputs_at_random_in_most_of_its_checks(tasks):
    """A page that has the answers to one draw by heart is wrong at the next."""
    for task in tasks:
        checks = task.loaded_checks()
        draws = [checks.draw(seed) for seed in range(12)]
        fixed = [check.name for check in draws[0] if all(check in draw for draw in draws)]
        assert len(fixed) <= len(draws[0]) // 3, f"{task.name}: nothing is drawn in: {', '.join(fixed)}"


def test_a_dump_has_what_the_checks_ask_for_everywhere_at_once(tasks):
    for task in tasks:
        page = dump(task)
        assert "<script" not in page, task.name
        for name in set(re.findall(r"css='#([\w-]+)", str(task.loaded_checks().draw(0)))):
            assert f'id="{name}"' in page, f"{task.name}: {name}"
    items = dump(shipped_task("shopping-list")).split("<li")[1:]
    assert items
    assert all("1 left" in item and "2 left" in item for item in items)


def test_the_recipe_for_gpus_trains_on_them_and_a_page_fits_its_responses(tasks):
    recipe = load_recipe("frontend_7b").recipe
    assert recipe.data.source.model_dump() == {"kind": "frontend_tasks", "path": None, "response_field": "reference"}
    assert recipe.stages[0].evaluation.items <= recipe.data.held_out <= len(tasks) // 2
    # A token of HTML has about three characters.
    assert max(len(task.reference) for task in tasks) / 3 < recipe.stages[0].max_response_tokens


PAGE = "<!DOCTYPE html><p>one</p><p>two</p>"
GOOD = """
kind: forms
prompt: Make a page.
checks: [{name: one, steps: [click: p, visible: p]}]
flaws:
  - {component: function, why: wrong, replace: [{old: one, new: two}]}
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "reference.html").write_text(PAGE)
    (tmp_path / "task.yaml").write_text(GOOD)
    return tmp_path


def test_a_task_is_read_and_spoiled(folder):
    task = read_task(folder)
    assert task.name == folder.name
    assert task.flawed(task.flaws[0]) == "<!DOCTYPE html><p>two</p><p>two</p>"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("old: one", "old: p", "occurs 4 times"),
        ("old: one", "old: three", "occurs 0 times"),
        ("kind: forms", "kind: form", "kind"),
        ("click: p", "clack: p", "unknown step 'clack'"),
        ("prompt: Make a page.", "", "prompt"),
        ("checks: [", "checks: ]", "line 4"),
        ("why: wrong", "whi: wrong", "flaws.0.why"),
    ],
)
def test_a_wrong_task_is_refused_with_file_and_field(folder, old, new, message):
    assert old in GOOD
    (folder / "task.yaml").write_text(GOOD.replace(old, new))
    with pytest.raises(TaskError, match=r"task\.yaml") as raised:
        read_task(folder)
    assert message in str(raised.value)


def test_a_folder_without_tasks_is_refused(tmp_path):
    with pytest.raises(TaskError, match="holds no tasks"):
        read_tasks(tmp_path)


def test_a_shipped_task_is_found_by_name():
    assert shipped_task("shopping-list").kind == "lists"
    with pytest.raises(TaskError, match="did you mean 'shopping-list'"):
        shipped_task("shoping-list")


def test_a_task_without_a_reference_is_refused(folder):
    (folder / "reference.html").unlink()
    with pytest.raises(TaskError, match=r"reference\.html"):
        read_task(folder)
