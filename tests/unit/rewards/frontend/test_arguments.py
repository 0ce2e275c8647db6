"""What the reward, `score` and the command say of arguments that they cannot use; no browser is started."""

import pytest

from lpo.errors import InputError
from rewards.frontend import check_page, score
from rewards.frontend.plugin import Frontend


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"terms": [1]}, "terms is .1.; it must be a mapping"),
        ({"terms": {"aestetics": 1}}, "did you mean 'aesthetics'"),
        ({"browsers": "two"}, "browsers is 'two'; it must be a whole number from 1"),
        ({"browsers": 0}, "whole number from 1"),
        ({"browsers": True}, "whole number from 1"),
        ({"isolation": ["none"]}, "known: namespace, best_effort"),
        ({"seed": "x"}, "seed is 'x'"),
        ({"judge": 5}, "judge is 5; it must be a mapping"),
        ({"judge": "nosuch"}, "judge.function is 'nosuch'; name a function as file.py:function"),
        ({"judge": {"function": "nosuch"}}, "judge.function is 'nosuch'"),
    ],
)
def test_arguments_of_the_reward_are_checked(arguments, message):
    with pytest.raises(InputError, match=message):
        Frontend(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"html": None}, "html is of type NoneType; it must be a text"),
        ({"html": b"<p>x"}, "html is bytes; decode them first"),
        ({"html": ["<p>x"]}, "html is of type list"),
        ({"html": "<p>x", "seed": None}, "seed is None"),
        ({"html": "<p>x", "terms": [1]}, "terms is .1."),
        ({"html": "<p>x", "isolation": "none"}, "known: namespace"),
    ],
)
def test_score_judges_texts(arguments, message):
    with pytest.raises(InputError, match=message):
        score(**arguments)


def test_a_report_that_cannot_be_written_is_refused_before_the_page_is_judged(tmp_path, monkeypatch):
    def browser(*_):
        raise AssertionError("a browser was started")

    monkeypatch.setattr(check_page, "Browser", browser)
    page = tmp_path / "page.html"
    page.write_text("<p>x")
    for report, message in (
        (tmp_path / "gone" / "out.html", "No such file"),
        (tmp_path, "Is a directory"),
        (page, "would overwrite"),
    ):
        with pytest.raises(InputError, match=message):
            check_page.main([str(page), "--report", str(report)])
    with pytest.raises(AssertionError, match="started"):
        check_page.main([str(page), "--report", str(tmp_path / "out.html")])
    assert [each.name for each in tmp_path.iterdir()] == ["page.html"]


def test_whatever_a_page_says_can_be_printed(capsys):
    check_page._say("é \ud800 \x1b[2J")
    assert capsys.readouterr().out == "é \\ud800 \\x1b[2J\n"
