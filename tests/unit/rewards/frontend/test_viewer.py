"""A judge that sees pages: what it is shown, what its marks are worth, and what becomes of pages that show nothing."""

from __future__ import annotations

import asyncio
import base64
import json

import pytest

from lpo.errors import InputError
from rewards.contract import RewardResult
from rewards.frontend.judgement import Terms
from rewards.frontend.plugin import blended
from rewards.frontend.viewer import CHECKLIST, Viewer, ViewSettings
from rewards.judge.faults import JudgeFault
from rewards.judge.material import Pictures
from tests.unit.rewards.judge.server import Raw, serving, shown

PAGES = [
    Pictures(((1280, name), (390, name + b" narrow"))) for name in (b"\x89PNG good", b"\x89PNG fair", b"\x89PNG poor")
]
FAST = {"model": "m", "cache": False, "retries": 0}


def result(**parts: float) -> RewardResult:
    return RewardResult(
        0.5,
        {"syntax": 1.0, "function": 0.5, "aesthetics": 0.5, "content": 1.0, **parts},
        {"reasons": {}, "pictures": {1280: b""}},
    )


def test_aesthetics_are_blended_and_filtered_as_before():
    # A = 0.7 x 0.5 + 0.3 x 1 = 0.65; function 0.5 is at its gate: 0.2 x 1 + 0.4 x 0.5 + 0.4 x 0.65 x 0.5 = 0.53
    found = blended(result(), 1.0, ViewSettings(), Terms())
    assert found.total == pytest.approx(0.53)
    expected = {"syntax": 1.0, "function": 0.5, "aesthetics": 0.65, "content": 1.0, "looks": 0.5, "judge": 1.0}
    assert found.components == pytest.approx(expected)
    assert found.info == {"reasons": {}}
    # A page without function or content gets nothing by its looks.
    assert blended(result(function=0.0), 1.0, ViewSettings(weight=1.0), Terms()).total == 0
    assert blended(result(content=0.0), 1.0, ViewSettings(weight=1.0), Terms()).total == 0
    assert blended(result(), None, ViewSettings(), Terms()) == RewardResult(0.5, result().components, {"reasons": {}})


def test_without_a_mark_a_page_is_invalid_or_worth_what_was_computed():
    fault = JudgeFault("judge_down", "HTTP 503")
    found = blended(result(), fault, ViewSettings(), Terms())
    assert (found.total, found.invalid, found.info["error"]) == (None, "judge_down", "HTTP 503")
    found = blended(result(), fault, ViewSettings(on_failure="aesthetics"), Terms())
    assert (found.total, found.invalid, found.components) == (0.5, None, result().components)


def marks(viewer, pages):
    async def ask():
        return await viewer.marks(viewer.session(), ["a list"] * len(pages), pages)

    return asyncio.run(ask())


def shares(viewer, pages):
    async def ask():
        return await viewer.shares(viewer.session(), "a list", pages)

    return asyncio.run(ask())


def test_a_checklist_is_asked_about_the_pictures_at_both_widths():
    def answer(messages):
        poor = base64.b64encode(PAGES[2].pngs[0][1]).decode() in json.dumps(messages)
        good = {str(number): "no" if item[1] == "negative" else "yes" for number, item in enumerate(CHECKLIST, start=1)}
        return json.dumps({"marks": dict.fromkeys(good, "no") if poor else good})

    with serving(answer) as server:
        assert marks(Viewer({"endpoint": server.url, **FAST}), [PAGES[0], None, PAGES[2]]) == [1.0, None, 0.0]
    assert len(server.asked) == 2
    parts = server.asked[0]["messages"][1]["content"]
    assert [part["type"] for part in parts] == ["text", "text", "image_url", "text", "image_url", "text"]
    assert shown(server.asked[0]["messages"]) == {"prompt": "a list"}
    assert [part["text"] for part in parts if part["type"] == "text"][1:] == [
        "Response in a window 1280 pixels wide:",
        "Response in a window 390 pixels wide:",
        "Which statements are true of it?",
    ]


LOOKS = """
ORDER = [b"poor", b"fair", b"good"]

def better(first, second, criteria):
    assert list(first) == [1280, 390] and "narrow" in criteria
    places = [next(n for n, name in enumerate(ORDER) if name in page[1280]) for page in (first, second)]
    return places[0] - places[1]

def broken(first, second):
    raise RuntimeError("no eyes")

def meets(response, item):
    return item["name"] == "a" and b"good" in response[1280]
"""


def test_pages_of_a_group_meet_and_what_shows_nothing_has_lost(tmp_path):
    (tmp_path / "m.py").write_text(LOOKS)
    viewer = Viewer({"function": "m.py:better", "mode": "pairwise"}, tmp_path)
    # good: 0.75 against fair, 1 against poor; fair: 0.25 and 0.75.
    found, standing = shares(viewer, PAGES)
    assert found == [0.875, 0.5, 0.125]
    assert standing.questions == 6
    # Two that show nothing are beaten clearly by each of the others, and ask for nothing.
    found, standing = shares(viewer, [PAGES[0], None, PAGES[1], None, PAGES[2]])
    assert found == [(1.75 + 2) / 4, None, (1 + 2) / 4, None, (0.25 + 2) / 4]
    assert standing.questions == 6
    assert shares(viewer, [None, PAGES[2]])[0] == [None, 1.0]
    assert shares(viewer, [PAGES[2]])[0] == [None]
    assert shares(viewer, [])[0] == []
    # The same page twice ties.
    assert shares(viewer, [PAGES[0], PAGES[0], PAGES[2]])[0] == [0.75, 0.75, 0.0]


def test_a_judge_that_fails_gives_no_marks(tmp_path):
    (tmp_path / "m.py").write_text(LOOKS)
    found, _ = shares(Viewer({"function": "m.py:broken", "mode": "pairwise"}, tmp_path), [*PAGES, None])
    assert [getattr(each, "cause", each) for each in found] == ["judge_failed"] * 3 + [None]
    with serving(lambda _: Raw(500)) as server:
        (found,) = marks(Viewer({"endpoint": server.url, **FAST}), PAGES[:1])
    assert found.cause == "judge_down"


def test_a_checklist_of_ones_own(tmp_path):
    (tmp_path / "m.py").write_text(LOOKS)
    (tmp_path / "l.yaml").write_text("[{name: a, weight: 3, description: x}, {name: b, description: x}]")
    assert marks(Viewer({"function": "m.py:meets", "checklist": "l.yaml"}, tmp_path), PAGES[:2]) == [0.75, 0.0]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"function": "m.py:meets", "weight": 1.5}, "judge.weight is 1.5"),
        ({"function": "m.py:meets", "mode": "both"}, "judge.mode is 'both'"),
        ({"function": "m.py:meets", "wieght": 0.5}, "judge: unknown field 'wieght'; did you mean 'weight'?"),
        ({"function": "m.py:meets", "criteria": "x"}, "judge.criteria is not used in mode checklist"),
        ({"function": "m.py:better", "mode": "pairwise", "checklist": "l.yaml"}, "judge.checklist is not used"),
        ({"function": "m.py:better", "mode": "pairwise", "rounds": 2}, "judge.rounds is 2, but all meet all"),
        ({"function": "m.py:better"}, "takes no argument 'response'"),
        ({"function": "m.py:meets", "checklist": [{"name": "a"}]}, "judge.checklist[0].description is missing"),
        ({"api_key": "sk-secret", "weight": 0.5}, "judge.api_key: keys do not belong in a recipe"),
    ],
)
def test_settings_that_lead_to_no_viewer_are_refused(given, message, tmp_path):
    (tmp_path / "m.py").write_text(LOOKS)
    with pytest.raises(InputError) as refused:
        Viewer(given, tmp_path)
    assert message in str(refused.value)
