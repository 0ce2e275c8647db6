"""Right and wrong answers, by reasoning-gym's verifiers and by math-verify."""

import threading

import pytest

from lpo.recipe.data import ReasoningGymSource
from lpo.samples import Group, Prompt, Response
from rewards import resolve, score_groups
from rewards.correctness import math, reasoning_gym
from rewards.math_process import MathVerifier
from trainers.data.sources import load_rows


def columns_of(task, tmp_path, **params):
    row = load_rows(ReasoningGymSource(kind="reasoning_gym", task=task, size=1, params=params), tmp_path)[0]
    return {name: [value] for name, value in row.columns.items()}


def judge(response, columns, **params):
    return reasoning_gym([response], **columns, **params)[0]


@pytest.fixture
def total():
    """A chain_sum whose answer is 7."""
    return {"question": ["4 + 3 ="], "answer": ["7"], "metadata": [{"source_dataset": "chain_sum"}]}


@pytest.mark.parametrize(
    ("response", "value"),
    [("First, 4 + 3 = 7. The answer is 7.", 1.0), ("7", 1.0), ("The answer is 17.", 0.0), ("no idea", 0.0), ("", 0.0)],
)
def test_a_sum_is_right_or_wrong(response, value, total):
    assert judge(response, total).total == value


def test_thoughts_are_no_answer(total):
    assert judge("<think>7</think>no idea", total).total == 0.0
    assert judge("<think>8</think>7", total).total == 1.0


def test_a_row_without_an_answer_makes_the_sample_invalid(total):
    assert judge("7", {**total, "answer": [None]}).invalid == "no reference answer"
    for missing in (None, " "):
        (result,) = math(["5"], answer=[missing])
        assert result.invalid == "no reference answer"


def test_a_nearly_right_answer_is_paid_only_without_a_threshold(total):
    # chain_sum pays the length of the right answer over that of an answer which contains it: 1 of 2 characters in "17".
    assert judge("17", total).total == 0.0
    assert judge("17", total, threshold=None).total == 0.5
    assert judge("17", total, threshold=0.5).total == 1.0


def test_where_the_answer_is_looked_for_can_be_chosen(total):
    response = "\\boxed{8} The answer is 7."
    assert judge(response, total, extract="boxed").total == 0.0
    assert judge(response, total, extract="answer_is").total == 1.0
    assert judge(response, total, extract="regex", pattern=r"is (\d)").total == 1.0


@pytest.mark.parametrize(
    "task", ["chain_sum", "gsm_symbolic", "simple_equations", "leg_counting", "word_sorting", "countdown"]
)
def test_the_stored_answer_of_a_task_is_right(task, tmp_path):
    columns = columns_of(task, tmp_path)
    assert judge(f"<answer>{columns['answer'][0]}</answer>", columns).total == 1.0


def test_a_verifier_that_raises_on_text_makes_the_answer_wrong_and_not_the_sample_invalid(tmp_path):
    columns = columns_of("prime_factorization", tmp_path)
    result = judge("<answer>banana</answer>", columns)
    assert (result.total, result.invalid) == (0.0, None)


def test_a_verifier_that_fails_on_its_own_answer_makes_the_sample_invalid(tmp_path):
    columns = columns_of("prime_factorization", tmp_path) | {"answer": ["banana"]}
    result = judge("<answer>2 x 3</answer>", columns)
    assert result.total is None
    assert result.invalid.startswith("prime_factorization's verifier raised")


def test_params_of_the_task_are_those_of_its_verifier(tmp_path):
    # decimal_arithmetic compares to its configured number of decimals.
    columns = columns_of("decimal_arithmetic", tmp_path, min_num_decimal_places=6, max_num_decimal_places=6)
    right = columns["answer"][0]
    assert judge(f"<answer>{right}</answer>", columns).total == 1.0
    assert judge(f"<answer>{float(right) + 0.0001}</answer>", columns).total == 0.0


def test_a_mixture_is_judged_by_the_task_of_each_row(tmp_path):
    columns = columns_of("composite", tmp_path, datasets=[{"name": "chain_sum"}])
    assert judge(columns["answer"][0], columns).total == 1.0


# math-verify


@pytest.mark.parametrize(
    ("answer", "response", "value"),
    [
        ("\\frac{1}{2}", "so \\boxed{0.5}", 1.0),
        ("1/2", "The answer is $\\frac{2}{4}$.", 1.0),
        ("\\{1,2\\}", "$\\{2,1\\}$", 1.0),
        ("\\{1,2\\}", "$\\{2,3\\}$", 0.0),
        ("7", "the answer is 8.", 0.0),
        ("$x^2+2x+1$", "\\boxed{(x+1)^2}", 1.0),
        ("7", "no idea", 0.0),
    ],
)
def test_equal_expressions_are_right(answer, response, value):
    assert math([response], answer=[answer])[0].total == value


def test_maths_is_verified_off_the_main_thread():
    group = Group(Prompt("a", [1], "q", "q", {"solution": "7"}), [Response([1], [0.0], "it is $7$", "stop", 0)])
    seen = []
    thread = threading.Thread(
        target=lambda: seen.append(score_groups([group], [resolve("rewards.correctness:math")]).invalid)
    )
    thread.start()
    thread.join()
    # Without answer_field the column "answer" is looked for, and its absence is told.
    assert seen == [{("math", "KeyError"): 1}]
    assert math(["it is $7$"], answer_field="solution", solution=["7"])[0].total == 1.0


def test_a_reference_that_cannot_be_read_makes_the_sample_invalid():
    result = math(["$7$"], answer=["$ $"])[0]
    assert result.total is None
    assert result.invalid == "math-verify cannot read the reference answer"


def test_a_comparison_that_never_ends_is_killed_and_the_next_one_works():
    verifier = MathVerifier()
    try:
        # sympy computes this power in C, where no signal reaches it.
        verdict = verifier.verify("7", "$\\boxed{9^{9^{9^{9}}}}$", timeout_s=1.0)
        assert verdict is False or "longer than 1 s" in str(verdict)
        assert verifier.verify("7", "$7$", timeout_s=5.0) is True
    finally:
        verifier.close()


def test_a_killed_process_is_replaced():
    verifier = MathVerifier()
    try:
        assert verifier.verify("7", "$7$", 5.0) is True
        verifier._process.kill()
        verifier._process.wait()
        assert verifier.verify("7", "$8$", 5.0) is False
    finally:
        verifier.close()
