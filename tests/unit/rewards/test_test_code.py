"""Test code that calls a program: what it can do with it, whose fault failures are, what programs gain by cheating."""

from __future__ import annotations

import pytest

from rewards.code import UnitTests
from rewards.sandbox import Limits
from rewards.sandbox.suites import CallTest, CodeTest, StdinTest, SuiteError, Verdict, run_suite

LIMITS = Limits(timeout_s=120.0, memory_mib=256)
TWO = "def f(x=0): return 2"
FORGED = "wrote to the channel of its sandbox"


def verdict(program: str, tests: str, entry_point: str | None = None) -> Verdict:
    return run_suite(program, [CodeTest(tests, entry_point)], LIMITS)


@pytest.mark.parametrize(
    ("tests", "entry_point"),
    [
        ("def check(candidate):\n    assert candidate(1) == 2", None),
        ("def check(candidate): pass", "f"),
        ("x = 1", "f"),
        ("assert True", None),
        ("def test_nothing(): pass", None),
        ("def helper(): assert f() == 2", None),
        ("import pytest\n@pytest.mark.skip\ndef test_f(): assert f() == 2", None),
        ("def test_f(fixture): assert f() == fixture", None),
        ("import nosuch\nassert f() == 2", None),
        ("assert f() == [][0]", None),
        ("print(late)\nlate = 1\nassert f() == 2", None),
        ("f(open)", None),
        ("class A(f): pass", None),
        ("raise ValueError\nf()", None),
    ],
)
@pytest.mark.parametrize("program", [TWO, "def f(x=0): return None"])
def test_tests_that_check_nothing_or_are_broken_judge_nobody(program, tests, entry_point):
    with pytest.raises(SuiteError):
        verdict(program, tests, entry_point)


@pytest.mark.parametrize("after", ["assert 1 / 0", "open('missing')", "import sys\nsys.exit()"])
def test_what_raises_without_the_program_is_the_fault_of_the_tests(after):
    with pytest.raises(SuiteError, match="test code raised"):
        verdict(TWO, f"assert f() == 2\n{after}")
    assert verdict("def f(): return 3", f"assert f() == 2\n{after}").cause == "wrong result"


def test_tests_that_never_come_to_the_program_are_at_fault_for_their_time():
    with pytest.raises(SuiteError, match="took longer"):
        run_suite(TWO, [CodeTest("while True: pass\nassert f() == 2")], Limits(timeout_s=3.0))


@pytest.mark.parametrize(
    ("returned", "tests"),
    [
        ("None", "assert f()[0] == 1"),
        ("None", "a, b = f()"),
        ("None", "r = f()\nassert r.x == 1"),
        ("None", "for x in f(): pass"),
        ("None", "xs = []\nxs.append(f())\nassert xs[0].x == 1"),
        ("None", "if f() is None:\n    {}['x']"),
        ("None", "if f() != 2:\n    raise Exception('bad')"),
        ("None", "import sys\nif f() != 2:\n    sys.exit(1)"),
        ("None", "def near(a, b): return abs(a - b) < 1\nassert near(f(), 2)"),
        ("1 / 0", "r = None\ntry:\n    r = f()\nexcept Exception:\n    pass\nassert r[0] == 1"),
        ("1 / 0", "try:\n    r = f()\nexcept Exception:\n    pass\nassert r == 1"),
        ("[]", "count = 0\nfor x in f(): count += 1\nassert 10 / count == 2"),
        ("'{'", "import json\nassert json.loads(f()) == {}"),
        ("exit()", "assert f() == 2"),
        ("2", "assert g() == 2"),
    ],
)
def test_what_raises_because_of_the_program_is_its_fault(returned, tests):
    assert verdict(f"def f(): return {returned}", tests).passed == 0


PYTEST = "import pytest\n@pytest.mark.parametrize('x, y', [(1, 2), (2, 3)])\ndef test_f(x, y): assert f(x) == y"
UNITTEST = "import unittest\nclass T(unittest.TestCase):\n    def test_f(self): self.assertEqual(f(1), 2)"


@pytest.mark.parametrize(
    "tests",
    [
        "def test_f(): assert f(1) == 2 and f(2) == 3",
        "class TestF:\n    def test_f(self): assert f(2) == 3 and f(1) == 2",
        "async def test_f(): assert f(1) == 2 and f(2) == 3",
        "def check(g): assert g(1) == 2 and g(2) == 3\ncheck(f)",
        PYTEST,
        UNITTEST,
    ],
)
def test_functions_that_pytest_would_call_are_called(tests):
    assert verdict("def f(x): return x + 1", tests) == Verdict(1, 1)
    assert verdict("def f(x): return 5", tests).passed == 0


CHECK_ABS = "def check(candidate):\n    assert abs(candidate(3.5) - 0.5) < 1e-6"
CHECK_SUM = "def check(candidate):\n    assert candidate([1, 2]) == sum([1, 2])"


@pytest.mark.parametrize(
    ("program", "tests", "entry_point", "passed"),
    [
        ("def f(x): return 9\ndef abs(x): return 0.0", CHECK_ABS, "f", 0),
        ("def f(x): return x % 1\ndef abs(x): return 0.0", CHECK_ABS, "f", 1),
        ("def f(x): return False\ndef all(x): return True", "assert all(f(x) for x in [1])", None, 0),
        ("def f(x): return [1]\ndef sorted(x, key=None): return [3]", "assert sorted(f(1), key=abs) == [3]", None, 0),
        ("def sum(a, b): return a + b", "assert sum(1, 2) == 3", None, 1),
        ("def sum(a, b): return 7", "assert sum(1, 2) == 3", None, 0),
        ("def add(a, b): return 7", "assert sum([1, 2]) == 3", None, 0),
        ("def sum(x): return 1", CHECK_SUM, "sum", 0),
        ("def f(x): return 3\nclass math: isclose = max", "assert math.isclose(f(1), 2)", None, 0),
        ("def f(x): return 2", "assert math.isclose(f(1), 2)", None, 1),
        ("def f(x): return 2\ndef right(x): return 2", "def right(x): return 1\nassert f(1) == right(1)", None, 0),
        ("def f(x): return 1", "def f(x): return 5\ndef check(candidate): assert candidate(1) == 5", "f", 0),
        ("class Solution:\n    def f(self, x): return x", "def check(f): assert f(1) == 1", "Solution.f", 1),
    ],
)
def test_names_of_the_tests_keep_their_meaning(program, tests, entry_point, passed):
    assert verdict(program, tests, entry_point).passed == passed


def caught(error: str, right: str) -> str:
    return f"try:\n    f()\nexcept {error} as e:\n    assert {right}\nelse:\n    assert False\n"


STACK = "class Stack(list):\n    def push(self, x): self.append(x)\n    def top(self): return self[-1]"
ERROR = "class E(Exception):\n    def __init__(self, text):\n        super().__init__(text)\n        self.code = 3\n"
POINT = "from typing import NamedTuple\nclass Point(NamedTuple):\n    x: int\n    y: int\ndef f(): return Point(1, 2)"
VECTOR = (
    "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass V:\n    a: int\n"
    "    def __add__(self, other): return V(self.a + other.a)\n    def __str__(self): return f'<{self.a}>'"
)
COUNT = "import itertools\ndef f(): return itertools.count()"
WRAPS = "import functools\ndef f(g):\n    @functools.wraps(g)\n    def h(x): return g(x)\n    return h"
TRIE = (
    "class Trie:\n    def put(self, x): self.x = x\n    def __contains__(self, x): return x == self.x\n"
    "    def __mul__(self, n): return self.x * n"
)
NODE = "class Node:\n    def __init__(self, x, n=None): self.x, self.n = x, n\nassert total(Node(1, Node(2))) == 3"


@pytest.mark.parametrize(
    ("program", "tests"),
    [
        (STACK, "s = Stack()\ns.push(1)\ns.push(2)\nassert s.pop() == 2 and s.top() == 1 and len(s) == 1 and s == [1]"),
        (VECTOR, "assert V(1) + V(2) == V(3) != V(4) and isinstance(V(1), V) and str(V(1)) == '<1>'"),
        (TRIE, "t = Trie()\nt.put('abc')\nassert 'abc' in t and 'ab' not in t and t * 2 == 'abcabc'"),
        (VECTOR, "assert len({V(1), V(1)}) == 1 and V(5).a == 5"),
        ("def f(x): x.sort()", "x = [3, 1]\nf(x)\nassert x == [1, 3]"),
        ("def f(x): x[0].append(2)", "x = [[1]]\ninner = x[0]\nf(x)\nassert inner == [1, 2]"),
        ("def f(x): x['a'] = {1}", "x = {}\nf(x=x)\nassert x == {'a': {1}}"),
        ("def f(a): return lambda b: a + b", "assert f(1)(2) == 3"),
        ("def f(): yield 1", "assert next(f()) == 1 and list(f()) == [1]"),
        (COUNT, "import itertools\nassert list(itertools.islice(f(), 2)) == [0, 1]"),
        ("import decimal\ndef f(): return decimal.Decimal('1.5')", "assert f() == decimal.Decimal(3) / 2"),
        ("import datetime\ndef f(): return datetime.date(2020, 1, 2)", "assert f() == datetime.date(2020, 1, 2)"),
        ("import fractions\ndef f(): return fractions.Fraction(1, 3)", "assert 3 * f() == 1"),
        ("import numpy as np\ndef f(): return np.ones(2)", "assert f().shape == (2,) and np.allclose(f(), [1, 1])"),
        ("import collections\ndef f(): return collections.Counter('aab')", "assert f().most_common(1) == [('a', 2)]"),
        ("import collections\ndef f(): return collections.defaultdict(int, a=1)", "assert f() == {'a': 1}"),
        (POINT, "p = f()\nassert p == (1, 2) and p.x == 1 and isinstance(p, tuple) and p[1] == 2 and p < (2, 0)"),
        ("from enum import *\nclass C(Enum): A = 1\ndef f(): return C.A", "assert f() is C.A and f().name == 'A'"),
        ("LIMIT = 3", "assert LIMIT == 3"),
        ("f = len", "assert f('abc') == 3"),
        ("def f(): return 10 ** 5000", "assert f() == 10 ** 5000"),
        (ERROR + "def f(): raise E('no')", caught("E", "(e.code, str(e)) == (3, 'no')")),
        ("def f(): return {}['a']", caught("KeyError", "e.args == ('a',)")),
        ("class E(ValueError): pass\ndef f(): raise E", caught("E", "True") + caught("ValueError", "True")),
        ("class E(ValueError): pass\ndef f(): raise E", "import pytest\nwith pytest.raises(E): f()"),
        ("async def f(x): return x + 1", "import asyncio\nassert asyncio.run(f(1)) == 2"),
        ("def f(g, x): return g(x)", "assert f(lambda v: v + 1, 3) == 4 and f(len, 'ab') == 2"),
        (WRAPS, "assert f(lambda v: -v)(3) == -3"),
        ("def total(n): return n.x + (total(n.n) if n.n else 0)", NODE),
    ],
)  # fmt: skip
def test_right_programs_pass_whatever_they_return(program, tests):
    assert verdict(program, tests) == Verdict(1, 1)


@pytest.mark.parametrize(
    ("program", "tests"),
    [
        (STACK.replace("[-1]", "[0]"), "s = Stack()\ns.push(1)\ns.push(2)\nassert s.top() == 2"),
        ("def f(x): sorted(x)", "x = [3, 1]\nf(x)\nassert x == [1, 3]"),
        ("def f(a): return lambda b: a - b", "assert f(1)(2) == 3"),
        (ERROR + "def f(): raise ValueError('no')", "try:\n    f()\nexcept E:\n    pass"),
        (TWO, "import pytest\nwith pytest.raises(ValueError): f()"),
        ("from decimal import Decimal\ndef f(): return Decimal('sNaN')", "assert f() == 2"),
    ],
)
def test_wrong_programs_fail_whatever_they_return(program, tests):
    assert verdict(program, tests).passed == 0


ALWAYS = "".join(
    f"    def __{name}__(self, *_): return {value}\n"
    for names, value in [
        ("eq lt gt le ge contains", True),
        ("ne", False),
        ("sub rsub abs", 0),
        ("radd", 4),
        ("hash", "hash(3)"),
        ("len", 3),
        ("iter", "iter([])"),
    ]
    for name in names.split()
)


@pytest.mark.parametrize("base", ["", "(int)", "(list)", "(str)"])
@pytest.mark.parametrize(
    "tests",
    [
        "assert f() == 3",
        "assert 3 == f()",
        "assert not f() != 3",
        "assert [f()] == [3]",
        "assert f() in [3]",
        "assert f() in {3}",
        "assert {3: 4}[f()] == 4",
        "assert f() > 3",
        "assert 3 < f()",
        "assert 3 in f()",
        "assert abs(f() - 3) < 1e-6",
        "assert abs(3 - f()) < 1e-6",
        "assert not f() - 3",
        "x = 1\nx += f()\nassert x == 4",
        "import pytest\nassert f() == pytest.approx(3)",
        "import numpy as np\nassert np.array_equal(f(), 3)",
        "import unittest\nunittest.TestCase().assertEqual(f(), 3)",
    ],
)
def test_no_object_of_the_program_decides_a_comparison_with_plain_data(base, tests):
    assert verdict(f"class A{base}:\n{ALWAYS}def f(): return A()", tests).passed == 0


SAYS = "import os\ndef say(line): os.write(3, line.encode() + bytes([10]))\n"
PATCH = "import sys; sys.modules['tests'].f = lambda: 2"


@pytest.mark.parametrize(
    "line",
    [
        '{"raised": 1}',
        '{"raised": {"type": "E"}}',
        '{"raised": {"type": "E", "text": "", "family": ["builtins", "E"], "args": null, "mine": null}}',
        '{"functions": 5}',
        '{"functions": ["f"], "others": 1}',
        '{"self": 1}',
        '{"value": {"yours": 99}}',
        '{"value": {"ndarray": ["<i8", [5], 3]}}',
        '{"value": {"list": 3}}',
        '{"value": {"set": [{"list": []}]}}',
        '{"value": null, "changed": {"7": 1}}',
        '{"value": 1, "changed": {"1": 1}}',
        '{"opaque": "x"}',
        '{"finished": true}',
        '{"ask": "nonsense", "args": [], "kwargs": {}}',
        '{"ask": "call", "args": [{"builtin": "exec"}, "%s"], "kwargs": {}}' % PATCH,  # noqa: UP031
        '{"ask": "call", "args": [{"builtin": "list"}], "kwargs": {}}',
        '{"ask": "named", "args": ["f"], "kwargs": {}}',
        '{"value": ' + '{"list": [' * 300 + "]}" * 300 + "}",
        "[]",
        "{",
    ],
)
def test_a_program_that_writes_to_its_channel_is_worth_nothing(line):
    tests = [CallTest("f", [], 2), CodeTest("assert f() == 2"), StdinTest("", "2")]
    for test in tests:
        assert run_suite(f"{SAYS}def f(): say({line!r}); return 3\nsay({line!r})", [test], LIMITS).passed == 0
        assert run_suite(f"{SAYS}def f(): say({line!r}); return 3", [test], LIMITS).passed == 0


@pytest.mark.parametrize(
    ("program", "tests"),
    [
        ("def f(): return exec\ndef g(): return 'import os; os._exit(0)'", "assert f()(g()) == 2"),
        ("import sys\ndef f(): return sys.exit", "assert f()() == 2"),
        ("def f(g): return g.__globals__['HIDDEN']", "HIDDEN = 7\nassert f(lambda: 7) == 7"),
        ("def f(g): return g.__self__.hidden", "class A:\n    hidden = 7\n    def g(self): pass\nassert f(A().g) == 7"),
        ("def f(x):\n    x.clear()\n    return []", "x = [3, 1]\nassert f(x) == sorted(x)"),
        (
            "class A:\n    def sort(self, key): pass\ndef f(): return A()",
            "f().sort(key=lambda v: v)\nassert f() == [1]",
        ),
        ("def f(x):\n    for _ in range(98): x = [x]\n    return x", "assert f([f(1)]) == 2"),
        ("class E(Exception): pass\nE.__name__ = 'a' * 10**6\ndef f(): raise E", "assert f() == 2"),
        ("def f(): raise UnicodeDecodeError('utf8', b'', 0, 1, '')", "assert f() == 2"),
        ("def f(): raise SystemExit(0)", "assert f() == 2"),
        ("def f(): raise AssertionError", "try:\n    assert f() == 2\nexcept ValueError: pass"),
    ],
)
def test_a_program_gains_nothing_by_what_it_hands_over(program, tests):
    assert verdict(program, tests).passed == 0


@pytest.mark.parametrize(
    "returned", ["10 ** 400", "10 ** 40000", "[0] * 10**5", "__import__('decimal').Decimal('sNaN')"]
)
def test_a_result_that_cannot_be_compared_is_wrong(returned):
    found = run_suite(f"def f(): return {returned}", [CallTest("f", [], 0.5)], LIMITS)
    assert (found.passed, found.cause) == (0, "wrong result")


def test_numbers_are_the_same_by_value_in_both_forms():
    tests = [CallTest("f", [], 4), CodeTest("assert f() == 4")]
    assert run_suite("def f(): return 4.0", tests, LIMITS) == Verdict(2, 2)
    assert run_suite("def f(): return True", [CallTest("f", [], 1)], LIMITS).passed == 0


def test_programs_are_compiled_as_they_stand():
    program = "class P:\n    a: int\ndef f(): return P.__annotations__['a'] is int\n"
    assert verdict(program, "assert f()") == Verdict(1, 1)
    assert run_suite(program + "print(f())", [StdinTest("", "True")], LIMITS) == Verdict(1, 1)


def test_the_reward_tells_faults_of_tests_from_those_of_programs():
    reward = UnitTests(timeout_s=60.0)
    tests = ["import nosuch\nassert f() == 2", "assert f() == 2", "assert f() == 3"]
    results = reward(
        [TWO] * 4, log_metric={}.__setitem__, tests=[*tests, "assert f() == 2"], entry_point=[None] * 3 + [5]
    )
    assert [each.total for each in results] == [None, 1.0, 0.0, None]
