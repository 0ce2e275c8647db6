"""The pages of the recipe frontend_smoke: the right ones work, the others do not, and design is worth something."""

from __future__ import annotations

import random

import pytest

from rewards.frontend.farm import Farm
from rewards.frontend.plugin import load_checks
from rewards.frontend.worker import Job
from trainers.data.small_pages import DESIGNS, KINDS, checks_text, page


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.strip("_"))
def test_what_is_right_works_and_what_is_broken_does_not(kind):
    request = kind(random.Random(5), "Bakery")
    checks = load_checks(checks_text(request))
    pages = [page("Bakery", design, request.body, request.script) for design in (DESIGNS[0], DESIGNS[2])]
    pages += [page("Bakery", DESIGNS[0], request.body, script) for script in request.broken]
    good, plain, *broken = Farm.shared(2, "namespace").judge([Job(each, checks, "0", {}) for each in pages])
    assert (good.components["function"], plain.components["function"]) == (1, 1)
    assert good.total > plain.total + 0.05
    for result in broken:
        assert result.components["function"] <= 0.5
        assert result.total < plain.total - 0.1
