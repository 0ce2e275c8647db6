"""Tool calls: how they are written, and which are right."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rewards.contract import RewardResult
from rewards.testing import assert_well_behaved
from rewards.verifiers.call_syntax import BrokenCallError, Call, find_calls
from rewards.verifiers.tool_calls import tool_calls

WEATHER = {
    "name": "get_weather",
    "parameters": {
        "type": "dict",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer", "default": 1},
            "wind": {"type": "float"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "place": {"type": "dict", "properties": {"lat": {"type": "float"}, "zone": {"type": "string"}}},
            "metric": {"type": "boolean"},
        },
        "required": ["city"],
    },
}
SEARCH = {
    "type": "function",
    "function": {
        "name": "web.search",
        "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
    },
}
TOOLS = [WEATHER, SEARCH]
PARIS = Call("get_weather", {"city": "Paris", "days": 2})


@pytest.mark.parametrize(
    "response",
    [
        '[get_weather(city="Paris", days=2)]',
        "get_weather(city='Paris', days=2)",
        '```python\nget_weather(city="Paris", days=2)\n```',
        'I look it up.\n\n```\n[get_weather(city="Paris", days=2)]\n```',
        'I look it up:\nget_weather(\n    city="Paris",\n    days=2,\n)\nDone.',
        '{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}',
        '[{"name": "get_weather", "parameters": {"city": "Paris", "days": 2}}]',
        '<tool_call>\n{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}\n</tool_call>',
        'Let me see. <tool_call>{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}</tool_call>',
        '{"tool_calls": [{"type": "function", "function": {"name": "get_weather",'
        ' "arguments": "{\\"city\\": \\"Paris\\", \\"days\\": 2}"}}]}',
        '```json\n{"name": "get_weather", "arguments": {"city": "Paris", "days": 2}}\n```',
        'Sure: {"name": "get_weather", "arguments": {"city": "Paris", "days": 2}} is what I call.',
        '[{"get_weather": {"city": "Paris", "days": 2}}]',
        '<think>web.search(query="x")</think>[get_weather(city="Paris", days=2)]',
    ],
)
def test_a_call_is_read_in_every_form(response: str):
    assert find_calls(response) == [PARIS]


@pytest.mark.parametrize(
    "response",
    [
        "",
        "I cannot help with that.",
        "<think>perhaps [get_weather(city='Paris', days=2)]",
        "[]",
        "The tool get_weather(city) could be used.",
        "3 + 4",
        "{}",
        '{"name": "Ada"}',
    ],
)
def test_what_is_no_call(response: str):
    assert find_calls(response) == []


@pytest.mark.parametrize(
    "response", ["<tool_call>{oops</tool_call>", "<tool_call>", "x" * 60_000, '<tool_call>{"name": 3}</tool_call>']
)
def test_what_cannot_be_read(response: str):
    with pytest.raises(BrokenCallError):
        find_calls(response)


def test_several_calls_in_order():
    both = [Call("f", {"a": 1}), Call("g.h", {"b": [1, -2.5, None, True], "c": {"d": "e"}})]
    assert find_calls('[f(a=1), g.h(b=[1, -2.5, None, true], c={"d": "e"})]') == both
    assert find_calls('f(a=1)\ng.h(b=[1, -2.5, None, True], c={"d": "e"})') == both
    tagged = "".join(
        f"<tool_call>{json.dumps(vars(call) | {'arguments': call.arguments})}</tool_call>" for call in both
    )
    assert find_calls(tagged) == both


def test_nothing_is_evaluated():
    (call,) = find_calls("f(a=__import__('os').getcwd(), b=x + 1)")
    assert call.arguments == {"a": "__import__('os').getcwd()", "b": "x + 1"}


@pytest.mark.parametrize(
    ("response", "truth", "expected"),
    [
        # names and required arguments
        ("[get_weather(city='Paris')]", [{"get_weather": {"city": ["Paris"]}}], 1),
        ("[get_weather(days=1)]", [{"get_weather": {"city": ["Paris"], "days": [1]}}], 0),
        ("[getWeather(city='Paris')]", [{"get_weather": {"city": ["Paris"]}}], 0),
        ("[web.search(query='rain')]", [{"web.search": {"query": ["rain", "will it rain"]}}], 1),
        ("[get_weather('Paris')]", [{"get_weather": {"city": ["Paris"]}}], 0),
        # arguments that may or must not be there
        ("[get_weather(city='Paris')]", [{"get_weather": {"city": ["Paris"], "days": [2]}}], 0),
        ("[get_weather(city='Paris')]", [{"get_weather": {"city": ["Paris"], "days": [2, ""]}}], 1),
        ("[get_weather(city='Paris', days=2)]", [{"get_weather": {"city": ["Paris"], "days": [2, ""]}}], 1),
        ("[get_weather(city='Paris', days=2)]", [{"get_weather": {"city": ["Paris"]}}], 0),
        ("[get_weather(city='Paris', nights=2)]", [{"get_weather": {"city": ["Paris"], "nights": [2]}}], 0),
        # types
        ("[get_weather(city='Paris', wind=5)]", [{"get_weather": {"city": ["Paris"], "wind": [5.0]}}], 1),
        ("[get_weather(city='Paris', days=2.0)]", [{"get_weather": {"city": ["Paris"], "days": [2]}}], 0),
        ("[get_weather(city='Paris', days='2')]", [{"get_weather": {"city": ["Paris"], "days": [2]}}], 0),
        ("[get_weather(city='Paris', days=True)]", [{"get_weather": {"city": ["Paris"], "days": [1]}}], 0),
        ("[get_weather(city='Paris', metric=true)]", [{"get_weather": {"city": ["Paris"], "metric": [True]}}], 1),
        ("[get_weather(city='Paris', metric=1)]", [{"get_weather": {"city": ["Paris"], "metric": [True]}}], 0),
        ("[get_weather(city='Paris', tags=['a', 1])]", [{"get_weather": {"city": ["Paris"], "tags": [["a", 1]]}}], 0),
        ("[get_weather(city=1)]", [{"get_weather": {"city": ["1"]}}], 0),
        # values
        ("[get_weather(city='PARIS')]", [{"get_weather": {"city": ["Paris"]}}], 1),
        ("[get_weather(city='new-york')]", [{"get_weather": {"city": ["New York"]}}], 1),
        ("[get_weather(city='Rome')]", [{"get_weather": {"city": ["Paris", "Lutetia"]}}], 0),
        ("[get_weather(city='')]", [{"get_weather": {"city": ["Paris", ""]}}], 0),
        (
            "[get_weather(city='P', tags=['A', 'b'])]",
            [{"get_weather": {"city": ["P"], "tags": [["a", "b"], ["c"]]}}],
            1,
        ),
        ("[get_weather(city='P', tags=['b', 'a'])]", [{"get_weather": {"city": ["P"], "tags": [["a", "b"]]}}], 0),
        ("[get_weather(city='P', place={'lat': 1})]", [{"get_weather": {"city": ["P"], "place": [{"lat": [1.0]}]}}], 1),
        (
            "[get_weather(city='P', place={'lat': 1, 'zone': 'x'})]",
            [{"get_weather": {"city": ["P"], "place": [{"lat": [1.0], "zone": ["y", ""]}]}}],
            0,
        ),
        (
            "[get_weather(city='P', place={'lat': 1})]",
            [{"get_weather": {"city": ["P"], "place": [{"lat": [1.0], "zone": ["y", ""]}]}}],
            1,
        ),
        # several calls, in any order, each met once
        (
            "[get_weather(city='B'), get_weather(city='A')]",
            [{"get_weather": {"city": ["A"]}}, {"get_weather": {"city": ["B"]}}],
            1,
        ),
        (
            "[get_weather(city='A'), get_weather(city='A')]",
            [{"get_weather": {"city": ["A"]}}, {"get_weather": {"city": ["B"]}}],
            0,
        ),
        (
            "[get_weather(city='A'), get_weather(city='B')]",
            [{"get_weather": {"city": ["A", "B"]}}, {"get_weather": {"city": ["A"]}}],
            1,
        ),
        ("[get_weather(city='A'), get_weather(city='A')]", [{"get_weather": {"city": ["A"]}}], 0),
        ("[get_weather(city='A')]", [{"get_weather": {"city": ["A"]}}, {"web.search": {"query": ["A"]}}], 0),
        # no tool fits
        ("I cannot help with that.", [], 1),
        ("[]", [], 1),
        ("[get_weather(city='Paris')]", [], 0),
        ("<tool_call>{broken</tool_call>", [], 0),
        ("I cannot help with that.", [{"get_weather": {"city": ["Paris"]}}], 0),
        ("<tool_call>{broken</tool_call>", [{"get_weather": {"city": ["Paris"]}}], 0),
    ],
)
def test_calls_are_scored_as_the_leaderboard_does(response: str, truth: list, expected: float):
    assert judged(response, ground_truth=[truth]).total == expected
    assert judged(response, ground_truth=[json.dumps(truth)]).total == expected


def test_a_plain_expectation_may_leave_defaults_out():
    plain = [{"name": "get_weather", "arguments": {"city": "Paris"}}]
    for response, expected in (
        ("[get_weather(city='Paris')]", 1),
        ("[get_weather(city='Paris', days=1)]", 1),
        ("[get_weather(city='Paris', days=2)]", 0),
    ):
        assert judged(response, expected_calls=[plain]).total == expected
    assert judged("No tool fits.", expected_calls=[[]]).total == 1


def test_a_part_of_the_calls_is_paid_where_that_is_wanted():
    truth = [{"get_weather": {"city": ["A"]}}, {"get_weather": {"city": ["B"]}}]
    assert judged("[get_weather(city='A')]", ground_truth=[truth], partial=True).total == 0.5
    three = "[get_weather(city='A'), get_weather(city='B'), get_weather(city='C')]"
    assert judged(three, ground_truth=[truth], partial=True).total == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("response", "truth", "expected"),
    [
        # A nested value is one of those listed for it, and not all of them.
        ("[f(x={'a': 2})]", [{"f": {"x": [{"a": [1, 2, 3]}]}}], 1),
        ("[f(x={'a': [1, 2, 3]})]", [{"f": {"x": [{"a": [1, 2, 3]}]}}], 0),
        ("[f(x={'a': [1, 2, 3]})]", [{"f": {"x": [{"a": [[1, 2, 3]]}]}}], 1),
        ("[f(x={})]", [{"f": {"x": [{"a": [1, ""]}]}}], 1),
    ],
)
def test_nested_values_are_possible_ones(response: str, truth: list, expected: float):
    tools = [[{"name": "f", "parameters": {"type": "dict", "properties": {"x": {"type": "dict"}}}}]]
    (result,) = tool_calls([response], tools=tools, ground_truth=[truth])
    assert result.total == expected


@pytest.mark.parametrize(
    ("response", "expected"),
    [("[f(x='', y={'a': [1, 2]})]", 1), ("[f(y={'a': [1, 2]})]", 0), ("[f(x='', y={'a': 1})]", 0)],
)
def test_a_plain_expectation_means_what_it_says(response: str, expected: float):
    tools = [[{"name": "f", "parameters": {"properties": {"x": {"type": "string"}, "y": {"type": "object"}}}}]]
    calls = [{"name": "f", "arguments": {"x": "", "y": {"a": [1, 2]}}}]
    (result,) = tool_calls([response], tools=tools, expected_calls=[calls])
    assert result.total == expected


@pytest.mark.parametrize(
    "columns",
    [
        {"tools": ["{"], "ground_truth": [[]]},
        {"tools": [[{"description": "no name"}]], "ground_truth": [[]]},
        {"tools": [TOOLS], "ground_truth": [[{"unknown": {}}]]},
        {"tools": [TOOLS], "ground_truth": [[{"a": {}, "b": {}}]]},
    ],
)
def test_data_that_cannot_be_read_makes_the_sample_invalid(columns: dict[str, Any]):
    (result,) = tool_calls(["x"], **columns)
    assert isinstance(result, RewardResult)
    assert result.invalid == "the data's calls cannot be read"


def test_hostile_responses_end_soon_and_are_wrong():
    truth = [{"get_weather": {"city": ["A"]}}]
    for response in ("[" * 40_000, "f(" * 20_000, "f(a=" * 10_000, "(" * 49_000, "f(a=1)\n" * 7_000, '{"a":' * 9_000):
        assert judged(response, ground_truth=[truth]).total == 0.0


def test_any_response_has_a_value():
    rows = [{"prompt": "?", "responses": ["[get_weather(city='A')]", "no"], "tools": TOOLS, "ground_truth": []}]
    assert_well_behaved("tool_calls", rows)


def judged(response: str, **columns: Any) -> RewardResult:
    partial = columns.pop("partial", False)
    (result,) = tool_calls([response], [TOOLS], partial=partial, **columns)
    assert isinstance(result, RewardResult)
    assert result.invalid is None, result
    return result
