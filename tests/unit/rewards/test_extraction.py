"""Where the final answer of a response is found."""

import pytest

from rewards.extraction import extract_answer, is_number, last_boxed, last_number


@pytest.mark.parametrize(
    ("text", "mode", "numeric", "answer"),
    [
        ("First, 4 + 3 = 7. The answer is 5.", "auto", True, "5"),
        ("The answer is 4. No, the answer is 5.", "answer_is", False, "5"),
        ("The answer is -5", "answer_is", True, "-5"),
        ("The answer is \N{MINUS SIGN}5.", "auto", True, "-5"),
        ("The answer is 4 + 3 = 7.", "auto", True, "7"),
        ("The answer is 4 + 3 = 7.", "auto", False, "4 + 3 = 7"),
        ("**Answer:** 7", "auto", False, "7"),
        ("The answer is $1,234.50.", "auto", True, "1,234.50"),
        ("The answer is Paris. It is a city.", "auto", False, "Paris"),
        ("The answer is:\n 7", "answer_is", False, "7"),
        ("It is 7 apples, not 8", "auto", True, "8"),
        ("so \\boxed{\\frac{1}{2}} it is", "auto", False, "\\frac{1}{2}"),
        ("\\boxed{1} and \\boxed{2", "boxed", False, "1"),
        ("<answer>a</answer> <answer> b\nc </answer>", "auto", False, "b\nc"),
        ("<answer>7</answer> The answer is 8.", "auto", False, "7"),
        ("no number here", "auto", True, None),
        ("  plain text ", "auto", False, "plain text"),
        ("", "auto", False, None),
        ("no box", "boxed", False, None),
        ("The answer is 5.", "whole", False, "The answer is 5."),
    ],
)
def test_the_answer_is_found(text, mode, numeric, answer):
    assert extract_answer(text, mode, numeric=numeric) == answer


def test_a_pattern_gives_its_last_match_and_first_group():
    assert extract_answer("x=1 x=2", "regex", pattern=r"x=(\d)") == "2"
    assert extract_answer("x=1 x=2", "regex", pattern=r"x=\d") == "x=2"
    assert extract_answer("y", "regex", pattern=r"x=\d") is None
    with pytest.raises(ValueError, match="needs a pattern"):
        extract_answer("x", "regex")
    with pytest.raises(ValueError, match="mode 'bocksed' is unknown; known: auto, regex, tag"):
        extract_answer("x", "bocksed")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("7 - 2 = 5", "5"),
        ("7-2", "2"),
        ("3 - -4", "-4"),
        ("it is 1,000, and", "1,000"),
        ("3.50.", "3.50"),
        ("2.5e-3", "2.5e-3"),
        ("x2", None),
        ("none", None),
    ],
)
def test_a_minus_between_two_terms_is_no_sign(text, number):
    assert last_number(text) == number


def test_a_number_is_only_a_number():
    assert all(map(is_number, ["7", "-7", "+1,000.5", ".5", " 7 ", "1e9"]))
    assert not any(map(is_number, ["", "7 apples", "1/2", "-", "seven"]))


def test_braces_inside_a_box_are_balanced():
    assert last_boxed("\\boxed{\\frac{1}{\\sqrt{2}}} and \\fbox{3}") == "\\frac{1}{\\sqrt{2}}"


def test_a_long_degenerate_response_is_read_in_linear_time():
    # A quadratic search takes minutes here and runs into the tests' time limit.
    for piece in ("the answer is ", "<answer>", "\\boxed{", "1,", "-", " \n"):
        extract_answer(piece * (200_000 // len(piece)), numeric=True)
