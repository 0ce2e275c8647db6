"""Where a response states its answer, and how it is written in one notation."""

import pytest

from rewards.maths.answer import Stated, stated_answer
from rewards.maths.notation import latex_of, parts_of, words_of
from rewards.maths.units import canonical, split_unit


@pytest.mark.parametrize(
    ("response", "stated"),
    [
        ("\\boxed{3}. So \\boxed{7}", Stated("7", True)),
        ("\\boxed{7}, \\boxed{8}", Stated("7, 8", True)),
        ("\\boxed{7} or \\boxed{8} or \\boxed{7}", Stated("8, 7", True)),
        ("\\boxed{x = \\boxed{7}}", Stated("7", True)),
        ("\\boxed{\\{1, \\frac{1}{2}\\}}", Stated("\\{1, \\frac{1}{2}\\}", True)),
        ("\\boxed 7 \\boxed{8", Stated("7", True)),
        ("\\boxed{8} <answer>7</answer>", Stated("7", True)),
        ("<answer>It is \\boxed{7}</answer>", Stated("7", True)),
        ("so 5\n#### 7", Stated("7", True)),
        ("The answer is 8. No, the answer is 7.", Stated("7", False)),
        ("The answer is:\n\n\\[\n7\n\\]\nBye", Stated("7", False)),
        ("**Answer:** 7, because 3 + 4 = 7", Stated("7", False)),
        ("The answer to the question is 3.5 (three and a half).", Stated("3.5", False)),
        ("The answer is not 6 but 7.", Stated("7", False)),
        ("The answer is 7? 8?", Stated("7? 8?", False)),
        ("x = 7", Stated("x = 7", False)),
        ("I have no idea at all", None),
        ("", None),
        ("\\boxed{" * 5000 + "}" * 4999, Stated("", True)),
    ],
)
def test_the_last_statement_is_the_answer(response, stated):
    assert stated_answer(response) == stated


@pytest.mark.parametrize(
    ("answer", "latex"),
    [
        ("$\\dfrac{1}{2}$.", "\\frac{1}{2}"),
        ("\\(7\\)", "7"),
        ("1{,}234", "1234"),
        ("12\\,345", "12345"),
        ("12 345", "12345"),
        ("1\\,23", "1 23"),
        ("1 1/2", "(1+\\frac{1}{2})"),
        ("11/2", "11/2"),
        ("3.5e-6", "3.5 \\times 10^{-6}"),
        ("\N{MINUS SIGN}3", "-3"),
        ("2√3", "2\\sqrt{3}"),
        ("45°", "45^{\\circ}"),
        ("\\sin 30^\\circ", "\\sin(\\frac{30 \\pi}{180})"),
        ("1, 2, and 3", "1, 2, 3"),
        ("3 \\text{ or } 4", "3, 4"),
        ("= 7", "7"),
        ("x**2", "x^2"),
        ("**7**", "7"),
        ("$5", "$5"),
        ("$3 or $4", "$3, $4"),
        ("\\left[0, 1\\right)", "[0, 1)"),
        ("\\textbf{(C)}\\ 7", "7"),
    ],
)
def test_ways_to_write_an_answer_become_one(answer, latex):
    assert latex_of(answer) == latex


def test_parts_are_between_commas_outside_brackets():
    assert parts_of("(1,2), \\{3,4\\}; 5") == ["(1,2)", "\\{3,4\\}", "5"]
    assert parts_of("1,000") == ["1,000"]


@pytest.mark.parametrize(
    ("latex", "words"),
    [
        ("\\text{Monday}", "monday"),
        ("The river", "river"),
        ("\\text{(B)}", "b"),
        ("yes", "yes"),
        ("xy", None),
        ("abc", None),
        ("sqrt", None),
        ("5 \\text{cm}", None),
    ],
)
def test_words_are_no_expressions(latex, words):
    assert words_of(latex) == words


@pytest.mark.parametrize(
    ("latex", "value", "unit"),
    [
        ("5\\text{ cm}", "5", "cm"),
        ("5 centimetres", "5", "cm"),
        ("5 \\mathrm{m}/\\mathrm{s}^2", "5", "m/s2"),
        ("5 m/s^2", "5", "m/s2"),
        ("12 \\text{ square meters}", "12", "m2"),
        ("60 kilometers per hour", "60", "kmh"),
        ("60 \\frac{km}{h}", "60", "kmh"),
        ("\\$10", "10", "dollar"),
        ("10 dollars", "10", "dollar"),
        ("25\\%", "25", "percent"),
        ("45^\\circ", "45", "degree"),
        ("20^{\\circ}C", "20", "degreec"),
        ("7 apples", "7", "apple"),
        ("5x", "5x", None),
        ("5m", "5m", None),
        ("2\\pi", "2\\pi", None),
        ("\\sin x", "\\sin x", None),
        ("\\text{red}", "\\text{red}", None),
        ("7 \\text{, 8}", "7 \\text{, 8}", None),
    ],
)
def test_a_unit_is_told_from_its_value(latex, value, unit):
    assert split_unit(latex) == (value, unit)


def test_units_have_one_name():
    assert canonical("Square Feet") == canonical("ft^2") == canonical("ft2")
    assert canonical("miles per hour") == canonical("mph")
