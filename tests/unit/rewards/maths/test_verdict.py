"""Whose fault it is that an answer cannot be compared, and what needs no comparison."""

import pytest

from rewards.maths.verdict import judged


class Told:
    """A verifier that says what it was told to, and keeps what it was asked."""

    def __init__(self, **verdicts):
        self.verdicts, self.asked = verdicts, []

    def verify(self, reference, response, timeout_s):
        self.asked.append((reference, response))
        return self.verdicts["itself" if reference == response else "other"]


def value(reference, response, verifier, units="ignored"):
    return judged(reference, response, verifier, timeout_s=1.0, units=units)


@pytest.mark.parametrize("failure", ["math-verify took longer than 1 s", "math-verify ended with code -11"])
def test_failing_on_the_response_alone_is_worth_nothing(failure):
    result = value("7", "\\boxed{x!}", Told(itself=True, other=failure))
    assert (result.total, result.invalid, result.info["fault"]) == (0.0, None, failure)


def test_failing_on_the_reference_as_well_is_no_verdict():
    result = value("7", "\\boxed{x!}", Told(itself="cannot read", other="cannot read"))
    assert (result.total, result.invalid) == (None, "cannot read")


@pytest.mark.parametrize(
    ("reference", "response", "total"),
    [
        ("\\text{Monday}", "The answer is monday.", 1.0),
        ("Monday", "\\boxed{Tuesday}", 0.0),
        ("\\frac12", "\\boxed{\\frac12}", 1.0),
        ("7", "\\boxed{" + "(" * 51 + "7" + ")" * 51 + "}", 0.0),
        ("7", "\\boxed{" + "1+" * 500 + "7}", 0.0),
        ("7", "\\boxed{\\ge 7}", 0.0),
        ("7", "\\boxed{}", 0.0),
        ("7", "<think>\\boxed{7}", 0.0),
        ("#### 7", "<think>8</think>\\boxed{7}", 1.0),
    ],
)
def test_some_answers_need_no_comparison(reference, response, total):
    verifier = Told(itself=True, other=False)
    assert value(reference, response, verifier).total == total
    assert verifier.asked == []


def test_a_percentage_is_a_number_or_a_hundredth_of_it_unless_units_are_required():
    for units, asked in [
        ("ignored", [("$25$", "$0.25$"), (r"$\frac{25}{100}$", "$0.25$")]),
        ("required", [(r"$\frac{25}{100}$", "$0.25$")]),
    ]:
        verifier = Told(itself=True, other=False)
        assert value("25%", "\\boxed{0.25}", verifier, units).total == 0.0
        assert verifier.asked == asked


def test_a_wrong_unit_is_wrong_where_units_are_required():
    verifier = Told(itself=True, other=True)
    result = value("5 cm", "5 m", verifier, units="required")
    assert (result.total, result.info["fault"], verifier.asked) == (0.0, "unit", [])
    assert value("5 cm", "5.0 centimeters", verifier, units="required").total == 1.0
