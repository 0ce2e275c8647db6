"""The reward ``math`` on a table of answers labelled by hand, and on answers that no comparison survives."""

from pathlib import Path

import pytest
import yaml

from rewards.correctness import math
from rewards.testing import assert_well_behaved, judge

TABLE = yaml.safe_load((Path(__file__).parent / "maths_answers.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("entry", TABLE, ids=lambda entry: entry["answer"][:40])
def test_answers_are_told_apart_as_the_table_says(entry):
    right, wrong = entry.get("right", []), entry.get("wrong", [])
    responses = [*right, *wrong]
    results = math(responses, answer=[entry["answer"]] * len(responses), units=entry.get("units", "ignored"))
    assert {text: result.total for text, result in zip(responses, results, strict=True)} == {
        **dict.fromkeys(right, 1.0),
        **dict.fromkeys(wrong, 0.0),
    }


@pytest.mark.parametrize("answer", ["9^{9^{9^{9}}}", "100000!!", r"\sum_{n=1}^{10^{12}} \frac{1}{n^3}"])
def test_an_answer_that_cannot_be_compared_in_time_is_wrong_and_the_next_one_is_compared(answer):
    hostile, fair = math([f"\\boxed{{{answer}}}", "\\boxed{7.0}"], answer=["7", "7"], timeout_s=1.0)
    assert (hostile.total, fair.total) == (0.0, 1.0)


def test_any_response_has_a_value():
    assert_well_behaved("math", [{"responses": ["\\boxed{0.5}", "7", "no idea"], "answer": "1/2"}])
    assert judge("math", [{"response": "5 m", "answer": "5 cm"}], params={"units": "required"}).values == [0.0]
