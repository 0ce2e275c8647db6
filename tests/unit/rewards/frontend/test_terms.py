import pytest

from lpo.errors import InputError
from rewards.frontend.judgement import Terms, total

PARTS = {"syntax": 1.0, "function": 1.0, "aesthetics": 1.0, "content": 1.0}


def worth(**parts):
    return total({**PARTS, **parts}, Terms())


def test_a_page_with_everything_is_worth_one():
    assert worth() == pytest.approx(1)


def test_a_beautiful_page_that_does_nothing_is_worth_nothing():
    assert worth(function=0.0) == 0


def test_aesthetics_counts_as_far_as_function_holds():
    # 0.2 x 1 + 0.4 x 0.5 + 0.4 x 0.5 x 1: at the gate syntax counts in full
    assert worth(function=0.5) == pytest.approx(0.6)
    # half of the gate: (0.2 x 0.5) + 0.4 x 0.25 + 0.4 x 0.25 x 0.5
    assert worth(function=0.25) == pytest.approx(0.25)


def test_below_the_content_gate_everything_shrinks():
    assert worth(content=0.25) == pytest.approx(0.5)
    assert worth(content=0.0) == 0


def test_weights_need_not_add_up_to_one():
    assert total({**PARTS, "aesthetics": 0.0}, Terms(0.0, 1.0, 1.0)) == pytest.approx(0.5)


@pytest.mark.parametrize(
    "given", [{"sintax": 1.0}, {"syntax": 2}, {"syntax": True}, {"syntax": 0, "function": 0, "aesthetics": 0}]
)
def test_wrong_terms_are_refused(given):
    with pytest.raises(InputError, match="frontend"):
        Terms.of(given)
