"""Programs judged by unit tests: forms that tests have, what counts as the same answer, what programs are worth."""

from __future__ import annotations

import json
import math
from collections import Counter, OrderedDict, namedtuple

import numpy as np
import pytest

from lpo.recipe.runtime import RewardSpec
from rewards import RewardError, resolve, score_groups
from rewards.code import UnitTests, find_program
from rewards.sandbox import Limits
from rewards.sandbox.compare import same_text, same_value
from rewards.sandbox.suites import CallTest, CodeTest, StdinTest, SuiteError, Verdict, read_suite, run_suite
from rewards.sandbox.values import NotPlainError, decode, encode
from tests.unit.rewards.scoring import group, values

LIMITS = Limits(timeout_s=120.0, memory_mib=256)
Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("response", "program"),
    [
        ("x = 1", "x = 1"),
        ("Thus:\n```python\nx = 1\n```\nDone.", "x = 1\n"),
        ("```py\nx = 1\n```\nor better\n```\nx = 2\n```", "x = 2\n"),
        ("```python\nx = 1\n```\nrun it:\n```bash\npython x.py\n```", "x = 1\n"),
        ("```python\nx = '''\n  ``` inside\n'''\n", "x = '''\n  ``` inside\n'''\n"),
        ("1. so\n   ```python\n   x = 1\n     # in\n   ```", "x = 1\n  # in\n"),
        ("cut off\n```python\nx = 1", "x = 1"),
        ("<think>\n```python\nx = 1\n```\n</think>I do not know.", "I do not know."),
        ("<think>\n```python\nx = 1\n```\nor else", ""),
        ("<think>\n```\nx = 1\n```\n</think>\n```\nx = 2\n```", "x = 2\n"),
    ],
)
def test_the_program_of_a_response(response, program):
    assert find_program(response) == program


@pytest.mark.parametrize(
    "value",
    [1, -(10**30), True, None, "text", 1.5, math.inf, 2j, b"\x00", [1, [2]], (1, (2,)), {1, 2}, frozenset({"a"}),
     {"a": [1], 2: (3,), (4, 5): None}, [], {}, ()],
)  # fmt: skip
def test_plain_values_cross_the_border_with_their_types(value):
    back = decode(json.loads(json.dumps(encode(value))))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.int64(3), 3),
        (np.array([[1.5, 2.0]]), [[1.5, 2.0]]),
        (Counter("aab"), {"a": 2, "b": 1}),
        (OrderedDict(a=1), {"a": 1}),
        (Point(1, 2), (1, 2)),
        (range(3), [0, 1, 2]),
        ((each for each in "ab"), ["a", "b"]),
        ({"a": 1}.keys(), ["a"]),
    ],
)
def test_what_is_nearly_plain_arrives_as_plain(value, plain):
    assert decode(encode(value)) == plain


def test_what_is_not_plain_does_not_cross():
    endless: list = []
    endless.append(endless)
    for value in (object(), len, endless):
        with pytest.raises(NotPlainError):
            encode(value)
    for coded in ({"unknown": 1}, {"a": 1, "b": 2}, [1], {"float": "x"}):
        with pytest.raises(ValueError, match=r"no value|unknown type|could not convert"):
            decode(coded)


@pytest.mark.parametrize(
    ("given", "expected", "same"),
    [
        ("1\n2\n", "1\n2", True),
        ("1 \r\n2  \n\n", "1\n2", True),
        ("1\n\n2", "1\n2", False),
        ("1  2", "1 2", True),
        ("12", "1 2", False),
        ("0.3333333", "0.33333333333", True),
        ("0.334", "0.333", False),
        ("3", "4", False),
        ("1000000", "1000001", False),
        ("yes", "Yes", False),
        ("nan", "0.5", False),
        ("", "", True),
        ("", "1", False),
    ],
)
def test_outputs_are_compared_by_lines_then_by_words(given, expected, same):
    assert same_text(given, expected, 1e-6) is same


@pytest.mark.parametrize(
    ("given", "expected", "same"),
    [
        ((1, 2), [1, 2], True),
        ([1, 2], [2, 1], False),
        ([1], [1, 1], False),
        (0.1 + 0.2, 0.3, True),
        (1, 1.0, True),
        (1.0, 1, True),
        (1.5, 1, False),
        (10**400, 0.5, False),
        (1, True, False),
        (True, 1, False),
        ("1", 1, False),
        ({1: [0.5]}, {"1": [0.5]}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({1, 2}, {2, 1}, True),
        ([1], {"0": 1}, False),
        (None, None, True),
        (math.inf, math.inf, True),
    ],
)
def test_values_are_compared_as_data(given, expected, same):
    assert same_value(given, expected, 1e-6) is same


def test_tests_are_read_in_the_forms_of_data_sets():
    assert read_suite([{"input": "1\n", "output": "2"}]) == [StdinTest("1\n", "2")]
    assert read_suite('[{"input": ["1", "2"], "output": ["3"]}]') == [StdinTest("1\n2", "3")]
    call = {"args": [1], "expected": 2}
    assert read_suite([call], "f") == [CallTest("f", [1], 2)]
    assert read_suite([{**call, "function": "Solution.g", "kwargs": {"k": 1}}], "f") == [
        CallTest("Solution.g", [1], 2, {"k": 1})
    ]
    assert read_suite({"inputs": [[1]], "outputs": [2], "fn_name": "f"}) == [CallTest("f", [1], 2)]
    assert read_suite('{"inputs": ["1"], "outputs": ["2"]}') == [StdinTest("1", "2")]
    assert read_suite("def check(f): ...", "f") == [CodeTest("def check(f): ...", "f")]
    assert read_suite(["assert f(1) == 2"]) == [CodeTest("assert f(1) == 2")]


@pytest.mark.parametrize("tests", [[], None, 3, [3], [{"input": "1"}], {"inputs": ["1"], "outputs": []}, "[]"])
def test_what_is_no_test_is_refused(tests):
    with pytest.raises(SuiteError):
        read_suite(tests)


ADD = "def add(a, b):\n    return a + b\n"


@pytest.mark.parametrize(
    ("program", "tests", "verdict"),
    [
        ("print(int(input()) * 2)", [StdinTest("2\n", "4"), StdinTest("5\n", "10")], Verdict(2, 2)),
        ("import sys\nfor line in sys.stdin: print(line, end='')", [StdinTest("a\nb", "a\nb\n")], Verdict(1, 1)),
        ("if __name__ == '__main__':\n    print(1)", [StdinTest("", "1")], Verdict(1, 1)),
        ("print(1)\nexit()", [StdinTest("", "1")], Verdict(1, 1)),
        ("print(1)", [StdinTest("", "2")], Verdict(0, 1, "wrong output", "printed '1\\n'")),
        (ADD, [CallTest("add", [1, 2], 3), CallTest("add", ["a"], "ab", {"b": "b"})], Verdict(2, 2)),
        (ADD + "if __name__ == '__main__':\n    input()", [CallTest("add", [1, 2], 3)], Verdict(1, 1)),
        (ADD, [CallTest("add", [1, 2], 4)], Verdict(0, 1, "wrong result", "returned 3")),
        (ADD, [CallTest("sub", [1, 2], 4)], Verdict(0, 1, "has no such function", "sub")),
        (ADD, [CallTest(None, [1, 2], 3)], Verdict(1, 1)),
        ("class A:\n    def add(self, a, b): return a + b", [CallTest("A.add", [1, 2], 3)], Verdict(1, 1)),
        ("def f(): return object()", [CallTest("f", [], 1)], Verdict(0, 1, "wrong result", "returned a object")),
        (ADD, [CodeTest("assert add(1, 2) == 3\nassert add([1], [2]) == [1, 2]")], Verdict(1, 1)),
        (ADD, [CodeTest("assert add(1, 2) == 4, 'sums'")], Verdict(0, 1, "wrong result", "sums")),
        (ADD, [CodeTest("def check(f):\n    assert f(1, 2) == 3", "add")], Verdict(1, 1)),
        (ADD, [CodeTest("def check(f):\n    assert f(1, 2) == 4", "add")], Verdict(0, 1, "wrong result")),
        (
            "def f(x):\n    raise ValueError('no')",
            [CodeTest("try:\n    f(1)\nexcept ValueError as e:\n    assert str(e) == 'no'\nelse:\n    assert False")],
            Verdict(1, 1),
        ),
        ("def f(x): return (x, {x: [x]})", [CodeTest("assert f(1) == (1, {1: [1]})")], Verdict(1, 1)),
        ("class Equal:\n    def __eq__(self, o): return True\ndef f(): return Equal()", [CallTest("f", [], 3)],
         Verdict(0, 1, "wrong result", "returned a Equal")),
        ("class Equal(int):\n    def __eq__(self, o): return True\ndef f(): return Equal(1)",
         [CodeTest("assert f() == 2")], Verdict(0, 1, "wrong result")),
    ],
)  # fmt: skip
def test_programs_run_against_their_tests(program, tests, verdict):
    assert run_suite(program, tests, LIMITS) == verdict


def test_all_tests_are_run_where_a_part_of_them_counts():
    tests = [StdinTest(str(number), str(number % 2)) for number in range(4)]
    assert run_suite("input()\nprint(0)", tests, LIMITS, stop_early=False).passed == 2
    calls = [CallTest("f", [number], number % 2) for number in range(4)]
    assert run_suite("def f(n): return 0", calls, LIMITS, stop_early=False).passed == 2


def test_broken_test_code_is_no_fault_of_the_program():
    with pytest.raises(SuiteError, match="SyntaxError"):
        run_suite(ADD, [CodeTest("assert add(")], LIMITS)
    with pytest.raises(SuiteError, match="NotPlainError"):
        run_suite(ADD, [CodeTest("import os\nassert add(os, 2)")], LIMITS)


def test_the_reward_pays_programs_that_pass_and_counts_why_others_do_not():
    reward = UnitTests(timeout_s=60.0)
    logged = {}
    responses = ["```python\n" + ADD + "```", "def add(a, b): return a - b", "import socket\nsocket.socket()", ADD]
    tests = [[{"args": [1, 2], "expected": 3}]] * 3 + [[{"nonsense": 1}]]
    results = reward(responses, log_metric=logged.__setitem__, tests=tests)
    assert [result.total for result in results] == [1.0, 0.0, 0.0, None]
    assert [result.invalid for result in results] == [None, None, None, "tests cannot be run"]
    assert results[1].info == {"cause": "wrong result", "detail": "returned -1"}
    assert logged == {"code/wrong result": 0.25, "code/opened a socket": 0.25}


def test_the_reward_reads_the_columns_of_humaneval():
    reward = resolve(RewardSpec(reward="code", params={"prepend": "prompt_code", "partial": True}))
    check = "def check(candidate):\n    assert candidate(2) == 4\n"
    groups = [group("a", "    return x * 2", "    return x", test=check, entry_point="f", prompt_code="def f(x):")]
    assert score_groups(groups, [reward]).means == {"code": 0.5}
    assert values(groups) == [1.0, 0.0]


def test_the_reward_refuses_params_and_data_that_it_cannot_use():
    for params, message in [
        ({"nonsense": 1}, "unknown parameter 'nonsense'"),
        ({"timeout_s": "long"}, "params.timeout_s is 'long'"),
        ({"timeout_s": 0.0}, "params.timeout_s is 0.0; it must be at least 0.1"),
        ({"isolation": "none"}, "params.isolation is 'none'"),
    ]:
        with pytest.raises(RewardError, match=message):
            resolve(RewardSpec(reward="code", params=params))
    with pytest.raises(RewardError, match="needs a column 'tests'"):
        resolve("code", columns=["answer"])
    with pytest.raises(RewardError, match="'test' and 'entry_point'"):
        resolve("code", columns=["test"])
    assert resolve("code", columns=["test", "entry_point"]).name == "code"
    assert resolve("code", columns=["tests"]).call_seconds == 20.0
