"""Answers equal to a reference, or matched by an expression."""

from __future__ import annotations

from typing import Any

import pytest

from rewards.contract import RewardResult
from rewards.testing import assert_well_behaved
from rewards.verifiers.match import match


def value(response: str, answer: Any, **params: Any) -> float | None:
    (result,) = match([response], answer=[answer], **params)
    assert isinstance(result, RewardResult)
    assert result.invalid is None, result
    return result.total


@pytest.mark.parametrize(
    ("response", "answer", "params", "expected"),
    [
        ("The answer is Paris.", "paris", {}, 1),
        ("<answer>New  York</answer>", "new york", {}, 1),
        ("\\boxed{Paris}", "Paris", {}, 1),
        ("Paris, of course", "Paris", {}, 0),
        ("Paris", ["Lutetia", "Paris"], {}, 1),
        ("Rome", ["Lutetia", "Paris"], {}, 0),
        ("Paris", "paris", {"ignore": []}, 0),
        ("new york", "New York", {"ignore": ["case"]}, 1),
        ("The Beatles!", "beatles", {"ignore": ["case", "articles", "punctuation", "space"]}, 1),
        ("state-of-the-art", "state of the art", {"ignore": ["punctuation"]}, 1),
        ("U.S.", "US", {"ignore": ["punctuation"]}, 1),
        ("café", "cafe\u0301", {}, 1),
        ("cafe", "café", {}, 0),
        ("cafe", "café", {"ignore": ["accents"]}, 1),
        ("Ｐａｒｉｓ", "Paris", {"ignore": ["width"]}, 1),
        ("3.50", r"3\.50?", {"by": "regex"}, 1),
        ("about 3.50 euros", r"3\.50?", {"by": "regex"}, 0),
        ("about 3.50 euros", r"3\.50?", {"by": "search"}, 1),
        ("PARIS", r"(?i)paris", {"by": "regex"}, 1),
        ("Result -> 42;", "42", {"extract": "regex", "pattern": r"-> (\d+)"}, 1),
        ("nothing of the kind", "42", {"extract": "regex", "pattern": r"-> (\d+)"}, 0),
        ("<think>hm</think>Paris", "Paris", {}, 1),
        ("<think>it is 42</think>I do not know", "42", {"by": "search"}, 0),
        ("<think>so the answer is 42", "42", {}, 0),
        ("a" * 60 + "!", "a", {"extract": "regex", "pattern": r"^(a|aa)+$"}, 0),
    ],
)
def test_what_is_right(response: str, answer: Any, params: dict[str, Any], expected: float):
    assert value(response, answer, **params) == expected


def test_an_expression_without_end_is_no_match_and_is_counted():
    logged: dict[str, float] = {}
    results = match(["a" * 40 + "!", "aaa"], logged.__setitem__, answer=["(a|aa)+$", "(a|aa)+$"], by="regex")
    assert [result.total for result in results if isinstance(result, RewardResult)] == [0.0, 1.0]
    assert logged == {"timed_out": 0.5}


@pytest.mark.parametrize("answer", [None, []])
def test_a_row_without_reference_is_invalid(answer: Any):
    (result,) = match(["x"], answer=[answer])
    assert isinstance(result, RewardResult)
    assert result.invalid == "no reference answer"


def test_an_expression_that_does_not_compile_is_the_datas_fault():
    (result,) = match(["x"], answer=["(x"], by="regex")
    assert isinstance(result, RewardResult)
    assert result.invalid == "the expression does not compile"


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"extract": "regex"}, "pattern is missing"),
        ({"pattern": "x"}, "set extract to 'regex'"),
        ({"extract": "regex", "pattern": "(x"}, "no regular expression"),
    ],
)
def test_params_that_do_not_go_together_are_refused_without_a_response(params: dict[str, Any], said: str):
    with pytest.raises(ValueError, match=said):
        match([], **params)


def test_any_response_has_a_value():
    assert_well_behaved("match", [{"prompt": "?", "responses": ["Paris", "Rome", ""], "answer": "Paris"}])
