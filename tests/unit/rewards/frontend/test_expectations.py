import pytest
from pydantic import ValidationError

from rewards.frontend.expectations import Expectation, fault, first_number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Total: $1,234.50", 1234.5),
        ("-3 °C", -3),
        ("− 7", -7),
        ("3 of 8", 3),
        ("12345", 12345),
        ("1,2 and 3", 1),
        ("none", None),
        ("v.5", 5),
        (".5", 0.5),
        ("-.5 and 3", -0.5),
        ("$.99", 0.99),
        ("COVID-19", 19),
        ("2024-05-17", 2024),
        ("5-3", 5),
        ("x2", 2),
        ("H2O: 18", 2),
        ("Mon\u2013Fri, 9\u201317", 9),
        ("\u22123", -3),
        ("\u20133", -3),
        ("from \u20133 to 4", -3),
        ("f(x)=-2", -2),
        ("- 7", -7),
        ("Coffee - 7", 7),
        ("-$5", -5),
        ("$-5", -5),
        ("- $5", -5),
        ("-US$1,200", -1200),
        ("\u00a51,200", 1200),
        ("-\u20b9 7", -7),
        ("(3)", 3),
        ("1e21", 1e21),
        ("1e+21", 1e21),
        ("1.5e-7", 1.5e-7),
        ("2e3rd", 2),
        ("9" * 400, None),
        ("1,234,567.8", 1234567.8),
        ("1,2", 1),
        ("1.234,50", 1.234),
        ("1 234,5", 1),
        ("1\u202f234,5", 1),
        ("12:30", 12),
    ],
)
def test_the_first_number(text, number):
    assert first_number(text) == number


@pytest.mark.parametrize(
    ("wanted", "found", "good"),
    [
        ({"equals": "a  B"}, " A b ", True),
        ({"equals": "a B", "exact": True}, "A b", False),
        ({"not_equals": "x"}, "X", False),
        ({"contains": "ell"}, "HELLO", True),
        ({"not_contains": "ell"}, "HELLO", False),
        ({"matches": r"^\d+ items?$"}, "3 Items", True),
        ({"matches": r"items", "exact": True}, "3 Items", False),
        ({"one_of": ["a", "b"]}, "B", True),
        ({"number": 5}, "5.004", True),
        ({"number": 5}, "5.01", False),
        ({"number": 5, "give_or_take": 0.1}, "5.01", True),
        ({"at_least": 3, "at_most": 5}, "4 left", True),
        ({"at_least": 3}, "2", False),
        ({"contains": "4", "number": 5}, "4", False),
    ],
)
def test_all_that_is_expected_must_hold(wanted, found, good):
    assert (fault(Expectation(**wanted), found) is None) == good


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({"contains": " "}, "is empty"),
        ({"not_contains": ""}, "is empty"),
        ({"matches": ""}, "found in any text"),
        ({"matches": r"\d*"}, "found in any text"),
        ({"at_least": 3, "at_most": 2}, "at_least 3 is more than at_most 2"),
        ({"number": 5, "at_least": 6}, "number 5 is less than at_least 6"),
        ({"number": 5, "at_most": 4}, "number 5 is more than at_most 4"),
        ({"equals": 4, "contains": "5"}, "nothing can be so: '4' does not contain '5'"),
        ({"equals": "c", "one_of": ["a", "b"]}, "'c' is none of"),
        ({"one_of": ["a", "b"], "at_least": 3}, "nothing can be so"),
        ({"equals": "a", "not_equals": "A"}, "is still"),
        ({"contains": "abc", "not_contains": "B"}, "contradict each other"),
        ({"equals": 5, "give_or_take": 1}, "for number and change"),
        ({"number": 5, "give_or_take": -1}, "greater than or equal to 0"),
    ],
)
def test_what_cannot_hold_or_cannot_fail_is_refused(wanted, message):
    with pytest.raises(ValidationError, match=message):
        Expectation(**wanted)


def test_what_differs_by_its_tolerance_is_no_contradiction():
    assert Expectation(number=5, give_or_take=1, at_least=5.5).number == 5
    assert Expectation(one_of=["a", "7"], at_least=3).one_of == ("a", "7")
    assert Expectation(equals="", matches="^$").equals == ""


def test_a_change_is_measured_from_before_the_action():
    wanted = Expectation(change=-1)
    assert fault(wanted, "4 open", before=5) is None
    assert "from 5 to 5" in str(fault(wanted, "5 open", before=5))
    assert "no number" in str(fault(wanted, "none", before=5))
