"""Multiple choice, by a table of responses labelled by hand."""

from __future__ import annotations

import pytest

from rewards.contract import RewardResult
from rewards.testing import assert_well_behaved
from rewards.verifiers.choice import choice

CITIES = ["London", "Paris", "Rome", "Madrid"]

RIGHT = [  # the answer is B, Paris
    "B",
    "b",
    "(B)",
    "(b)",
    "B.",
    "B)",
    "**B**",
    "`B`",
    "B) Paris",
    "B. Paris",
    "B: Paris",
    "Paris",
    "paris.",
    "Answer: B",
    "answer: (b)",
    "Answer: **B**",
    "The answer is B",
    "The answer is B.",
    "The answer is (B).",
    "The answer is B) Paris.",
    "The answer is Paris.",
    "The correct answer is **B. Paris**",
    "The correct option is B, because A is in England.",
    "Final answer: \\boxed{B}",
    "\\boxed{\\text{B}}",
    "\\boxed{\\text{(B)}}",
    "$\\boxed{B}$",
    "\\boxed{Paris}",
    "<answer>B</answer>",
    "<answer> (B) Paris </answer>",
    "I would choose option B.",
    "I'd go with B.",
    "London is in England. Rome is in Italy. So it must be B.",
    "Let us see.\nA is London, which is in England.\nC is Rome.\nTherefore, B is correct.",
    "Option A says London, option C says Rome.\n\nThe answer is B.",
    "The answer is A. Wait, that is in England. The answer is B.",
    "At first I thought the answer is C.\n\nBut the capital of France is Paris, so the answer is B.",
    "<think>The answer is A? No. Is it C?</think>B",
    "<think>hmm, A or C...</think>\nThe answer is B: Paris",
    "It is not A, so the answer is B.",
    "The answer should be B.",
    "Option B",
    "The capital of France is Paris.",
    "Answer:\nB",
    "The answer is: B",
    "The answer is option (B).",
    "The answer is Paris, not London.",
    "It is not London. The answer is not Rome but Paris.",
    "I would pick B over D.",
]
WRONG = [
    "A",
    "The answer is C.",
    "A, B, C, D",
    "A or B",
    "B or C",
    "B and C",
    "The answer is B or C.",
    "\\boxed{A} \\boxed{B} \\boxed{C} \\boxed{D}",
    "\\boxed{B} or \\boxed{C}",
    "<answer>A</answer><answer>B</answer>",
    "The answer is A. The answer is B.",
    "London, Paris, Rome or Madrid",
    "The answer is London or Paris.",
    "The answer is not B.",
    "The answer is not Paris.",
    "I would pick D over B.",
    "It isn't B.",
    "B) London",
    "The answer is B) Rome",
    "A city in France.",
    "I do not know.",
    "",
    "BBBB",
    "The answer is B\n\nThe answer is C",
    "a b c d",
    "Between A and D, A.\nThe answer is unclear.",
    "B is in the alphabet.\n\nThe answer is D.",
    "(A)(B)(C)(D)",
    "Basically a good question",
]


@pytest.mark.parametrize("response", RIGHT)
def test_a_response_that_settles_on_the_answer_is_right(response: str):
    assert value(response, "B", CITIES) == 1.0


@pytest.mark.parametrize("response", WRONG)
def test_others_are_wrong(response: str):
    assert value(response, "B", CITIES) == 0.0


@pytest.mark.parametrize(
    ("response", "answer", "choices", "expected"),
    [
        ("A cat sat on the mat. The answer is C.", "C", None, 1),
        ("I think that the answer is D.", "D", None, 1),
        ("I think so.", "I", None, 0),
        ("A good idea.", "A", None, 0),
        ("A", "A", None, 1),
        ("The answer is A", "A", None, 1),
        ("The answer is A and nothing else", "A", None, 1),
        ("2", "2", {"1": "ice", "2": "steam"}, 1),
        ("-1", "A", ["-1", "1"], 1),
        ("The answer is $-5$.", "B", ["$5$", "$-5$"], 1),
        ("The answer is 5.", "B", ["$5$", "$-5$"], 0),
        ("The answer is 3-5.", "A", ["3-5", "5-3"], 1),
        ("The answer is 2.", "2", {"1": "ice", "2": "steam"}, 1),
        ("B", 1, CITIES, 1),
        ("B", "Paris", CITIES, 1),
        ("B", "b", CITIES, 1),
        ("C", "C", {"label": ["A", "B", "C"], "text": ["x", "y", "z"]}, 1),
        ("A and C", ["A", "C"], CITIES, 1),
        ("The answers are A, C.", "A, C", CITIES, 1),
        ("A", ["A", "C"], CITIES, 0),
        ("A, B, C", ["A", "C"], CITIES, 0),
        ("12 apples", "B", ["2 apples", "12 apples"], 1),
        ("The answer is New York.", "A", ["New York", "York"], 1),
        ("True", "A", ["True", "False"], 1),
        ("The answer is: all of the above", "D", ["x", "y", "z", "all of the above"], 1),
    ],
)
def test_answers_and_options_in_every_form(response: str, answer, choices, expected: float):
    assert value(response, answer, choices) == expected


def test_a_part_of_several_right_options_is_paid_where_that_is_wanted():
    (result,) = choice(["A, B"], [["A", "C"]], [CITIES], partial=True)
    assert isinstance(result, RewardResult)
    assert result.total == pytest.approx(1 / 3)  # A is shared; A, B and C are right or chosen


@pytest.mark.parametrize(
    ("answer", "choices"),
    [
        *[(answer, CITIES) for answer in ("E", "Berlin", 4, None, "", [])],
        ("A", {"long": "x"}),
        ("A", 3),
    ],
)
def test_data_that_is_no_question_makes_the_sample_invalid(answer, choices):
    (result,) = choice(["B"], [answer], [choices])
    assert isinstance(result, RewardResult)
    assert result.invalid


def test_long_responses_are_read_in_time_that_grows_with_them():
    for part in ("the answer is ", "<answer>", "\\boxed{", "A or ", "\\boxed{B} ", "<answer>B</answer>"):
        value(part * 20_000, "B", CITIES)


def test_any_response_has_a_value():
    rows = [{"prompt": "?", "responses": ["B", "A or B", ""], "answer": "B", "choices": CITIES}]
    assert_well_behaved("choice", rows)


def value(response: str, answer, choices) -> float | None:
    (result,) = choice([response], [answer], [choices])
    assert isinstance(result, RewardResult)
    assert result.invalid is None, result
    return result.total
