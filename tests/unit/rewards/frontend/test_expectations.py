import pytest

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
        ({"equals": 4, "contains": "5"}, "4", False),
    ],
)
def test_all_that_is_expected_must_hold(wanted, found, good):
    assert (fault(Expectation(**wanted), found) is None) == good


def test_a_change_is_measured_from_before_the_action():
    wanted = Expectation(change=-1)
    assert fault(wanted, "4 open", before=5) is None
    assert "from 5 to 5" in str(fault(wanted, "5 open", before=5))
    assert "no number" in str(fault(wanted, "none", before=5))
