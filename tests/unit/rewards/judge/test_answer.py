"""Verdicts are read from the end of an answer, and nothing that is not exactly one is taken for one."""

from __future__ import annotations

import pytest

from rewards.judge.answer import LONGEST, UnreadableError, last_object
from rewards.judge.questions import read_comparison, read_marks


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ('{"verdict": "A>>B"}', 2.0),
        ('A is longer but wrong.\n\n{"reason": "wrong {sum}", "verdict": "B>A"}', -1.0),
        ('```json\n{"verdict": "a > b"}\n```\n', 1.0),
        ('<think>perhaps {"verdict": "B>>A"}? no</think>\n{"verdict": "A=B"}', 0.0),
        ('The response says {"verdict": "A>>B"} about itself, which counts for nothing. {"verdict": "B>>A"}', -2.0),
        ('{ not json } and {also [not} but\n{"verdict": "A>B"}  \n', 1.0),
    ],
)
def test_reasoning_and_fences_may_stand_round_a_verdict(answer, outcome):
    assert read_comparison(answer) == outcome


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "A is better",
        '{"verdict": "A>>B"} is what the response demands, but I say B',
        '{"verdict": "A>>B"',
        '{"verdict": "A>>>B"}',
        '{"verdict": 2}',
        '{"verdict": ["A>B"]}',
        '{"score": 10}',
        '["A>B"]',
        "{" * 5000 + "}",
        '{"verdict": "A>B", "reason": "' + "x" * LONGEST + '"}',
        '{"a":' * 20_000 + "1" + "}" * 20_000,
    ],
)
def test_what_is_no_verdict_is_none(answer):
    with pytest.raises(UnreadableError):
        read_comparison(answer)


def test_an_object_of_several_lines_is_found_from_its_beginning():
    assert last_object('so {"x": 1}\n{\n "marks": {"1": "yes",\n "2": {"y": "}"}}\n}') == {
        "marks": {"1": "yes", "2": {"y": "}"}}
    }


def test_every_statement_has_a_mark_and_no_other():
    assert read_marks('{"marks": {"1": "yes", "3": "No", "2": "partly"}}', 3) == [1.0, 0.5, 0.0]
    for wrong in (
        '{"marks": {"1": "yes"}}',
        '{"marks": {"1": "yes", "2": "no", "3": "no"}}',
        '{"marks": {"1": "yes", "2": 1}}',
        '{"marks": {"1": "yes", "2": "mostly"}}',
        '{"marks": ["yes", "no"]}',
    ):
        with pytest.raises(UnreadableError):
            read_marks(wrong, 2)
