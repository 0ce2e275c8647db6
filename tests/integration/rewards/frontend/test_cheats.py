"""Each cheat is worth less than 0.4, where the honest page is worth more than 0.8."""

import pytest

from rewards.frontend.checks import Checks
from rewards.frontend.judgement import assess
from tests.integration.rewards.frontend.cheats import WITH_CHECKS, WITHOUT_CHECKS
from tests.integration.rewards.frontend.pages import CHECKS, TASKS


@pytest.mark.parametrize("checks", [CHECKS, None])
def test_the_honest_page_is_worth_much(browser, checks):
    assert assess(browser, TASKS, Checks.load(checks) if checks else None).total > 0.8


@pytest.mark.parametrize("name", WITH_CHECKS)
def test_a_cheat_on_a_task_with_checks(browser, name):
    assert assess(browser, WITH_CHECKS[name], Checks.load(CHECKS)).total < 0.4


@pytest.mark.parametrize("name", WITHOUT_CHECKS)
def test_a_cheat_on_a_task_without_checks(browser, name):
    assert assess(browser, WITHOUT_CHECKS[name]).total < 0.4
