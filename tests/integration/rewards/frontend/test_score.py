# ruff: noqa: E501
import contextlib
import io
import json
import os
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from lpo.errors import InputError
from rewards.contract import RewardResult
from rewards.frontend import browser as browser_module
from rewards.frontend import launch, score
from rewards.frontend.browser import Browser
from rewards.frontend.checks import Checks
from rewards.frontend.devtools import BrowserGoneError
from rewards.frontend.farm import Farm
from rewards.frontend.judgement import assess
from rewards.frontend.patience import BrowserError
from rewards.frontend.worker import Job
from tests.integration.rewards.frontend.pages import CHECKS, TASKS


def test_an_honest_page_is_worth_much_and_everything_has_reasons(browser):
    judged = assess(browser, f"Here you are:\n```html\n{TASKS}\n```", Checks.load(CHECKS))
    assert judged.reasons["function"] == []
    assert judged.components["function"] == 1
    assert judged.components["syntax"] == 1
    assert judged.total > 0.8
    assert judged.reasons["aesthetics"]
    assert [(view.width, len(view.png) > 1000) for view in judged.capture.views] == [(1280, True), (390, True)]


def test_each_part_says_what_is_wrong_with_it(browser):
    broken = TASKS.replace("items.push(", "items.psh(").replace("margin-bottom:24px}", "margin-bottom:24px")
    judged = assess(browser, broken, Checks.load(CHECKS))
    assert judged.components["function"] < 0.3
    assert any("brace" in each for each in judged.reasons["syntax"])
    assert judged.reasons["function"][0].startswith("adds what was typed")


def test_without_checks_controls_must_react(browser):
    dead = (
        TASKS.replace("addEventListener('submit'", "addEventListener('nothing'")
        .replace("<form", "<div")
        .replace("</form", "</div")
    )
    assert assess(browser, TASKS).components["function"] == 1
    judged = assess(browser, dead)
    assert judged.components["function"] < 0.9
    assert any("does nothing" in each for each in judged.reasons["function"])


def test_what_does_not_render_is_worth_nothing(browser):
    for response in ("", "no page", "<html><body></body></html>", "<body><script>document.body.remove()</script>"):
        judged = assess(browser, response)
        assert judged.total == 0
        assert judged.reasons["page"]


def test_a_page_is_worth_the_same_on_another_browser():
    totals = []
    for _ in range(2):
        with Browser() as fresh:
            totals.append(assess(fresh, TASKS, Checks.load(CHECKS), seed=3).total)
    assert totals[0] == pytest.approx(totals[1], abs=0.005)


def test_the_public_function_and_its_farm_remember():
    first = score(TASKS, CHECKS, seed=5)
    assert isinstance(first, RewardResult)
    assert first.total > 0.8
    farm = Farm.shared()
    assert farm.judge([Job(TASKS, Checks.load(CHECKS), 5)])[0] is first


def test_a_browser_that_is_killed_is_replaced():
    with Browser() as mine:
        assess(mine, TASKS)
        for pid in mine.process.pids() if mine.process else []:
            with contextlib.suppress(ProcessLookupError):  # some end with the one before
                os.kill(pid, 9)
        assert assess(mine, TASKS).total > 0.8
        assert mine.started >= 2


def test_a_browser_that_fails_twice_makes_the_result_invalid(monkeypatch):
    def gone(*_):
        raise BrowserGoneError("no browser answers today")

    monkeypatch.setattr(browser_module, "start", gone)
    with Browser() as mine, pytest.raises(BrowserError, match="today"):
        assess(mine, TASKS)


def test_a_worker_that_is_killed_costs_one_result():
    farm = Farm()
    try:
        assert farm.judge([Job(TASKS)])[0].total > 0.8
        farm._workers[0]._process.kill()
        lost, found = farm.judge([Job(TASKS + " ")])[0], farm.judge([Job(TASKS + "  ")])[0]
        assert lost.total is None or lost.total > 0.8
        assert found.total > 0.8
    finally:
        farm.close()


def test_nothing_is_left_of_a_browser():
    with Browser() as mine, mine.page({"": TASKS.encode()}, 1280, 800) as page:
        page.load()
        pids, folder = mine.process.pids(), mine.process.folder
        assert len(pids) > 3
    assert not folder.exists()
    assert not [pid for pid in pids if launch._alive(pid)]


def test_without_a_namespace_it_refuses_to_start(monkeypatch):
    monkeypatch.setattr(launch, "cage", lambda: None)
    with pytest.raises(InputError, match="best_effort"):
        launch.start()


def test_without_a_browser_the_remedy_is_told(monkeypatch):
    monkeypatch.setenv("LPO_BROWSER", "/nowhere/chromium")
    with pytest.raises(InputError, match="make browser"):
        launch.program()


def test_it_works_in_a_process_that_rewards_run_in(tmp_path: Path):
    from lpo.recipe.runtime import RewardSpec, RewardWorkers
    from rewards.call import score_groups
    from rewards.isolation import RewardPool
    from rewards.testing import groups_of

    groups = groups_of([{"prompt": "a list", "responses": [TASKS, "none"], "checks": CHECKS}])
    with RewardPool(RewardWorkers(workers=1), tmp_path) as pool:
        report = score_groups(groups, [pool.resolve(RewardSpec(reward="frontend"), ["checks"])])
    assert report.invalid == {}
    assert [round(response.reward) for response in groups[0].responses] == [1, 0]


def test_the_browser_is_no_root():
    with Browser() as mine, mine.page({"": TASKS.encode()}, 1280, 800) as page:
        page.load()
        pids = ",".join(map(str, mine.process.pids()))
        users = subprocess.run(
            ["ps", "-o", "user=,args=", "-p", pids], capture_output=True, text=True, check=True
        ).stdout
    renderers = [line for line in users.splitlines() if "--type=renderer" in line]
    assert renderers
    assert not [line for line in renderers if line.startswith("root") or "--no-sandbox" in line]


def test_whatever_a_page_throws_can_be_written_down(browser):
    thrown = TASKS.replace("let items", "setTimeout(()=>{throw new Error('half a pair: \\ud800')});let items")
    judged = assess(browser, thrown, Checks.load(CHECKS))
    assert any("half a pair: ?" in each for each in judged.reasons["function"])
    assert json.dumps(judged.reasons, ensure_ascii=False).encode("utf-8")


def test_a_page_with_more_errors_than_are_kept_is_judged_like_others(browser):
    many = TASKS.replace("let items", "for(let i=0;i<200;i++)setTimeout(()=>{throw new Error(i)});let items")
    assert 0.5 < assess(browser, many, Checks.load(CHECKS)).components["function"] < 1


def test_errors_that_a_handler_keeps_back_are_errors(browser):
    hushed = TASKS.replace("let items", "onerror=()=>true;setTimeout(()=>{not.here()});let items")
    assert any("not is not defined" in each for each in assess(browser, hushed).reasons["function"])


def test_a_page_that_is_written_from_right_to_left_is_photographed_where_it_is(browser):
    page = "<!DOCTYPE html><html lang=ar dir=rtl><meta charset=utf-8><title>t</title><body style='margin:0'><div style='width:200px;height:100px;background:#f00'></div><p>مرحبا بالعالم</p>"
    view = assess(browser, page).capture.views[0]
    with Image.open(io.BytesIO(view.png)) as picture:
        assert [picture.convert("RGB").getpixel((x, 50)) for x in (1079, 1081, 1279)] == [
            (255, 255, 255),
            (255, 0, 0),
            (255, 0, 0),
        ]


def test_texts_in_drawings_and_frames_are_seen(browser):
    drawing = (
        "<svg width=900 height=300>"
        + "".join(f"<text x=20 y={30 + 40 * n} font-size=24>A line of a drawing, number {n}</text>" for n in range(6))
        + "</svg>"
    )
    frame = "<iframe width=700 height=200 srcdoc=\"<p style='font-size:20px'>Some words in a frame of the page's own, to be read</p>\"></iframe>"
    for body in (drawing, frame):
        assert assess(browser, f"<!DOCTYPE html><html lang=en><title>t</title><body>{body}").components["content"] > 0.5


def test_what_there_are_too_many_boxes_for_is_no_content(browser):
    filler = "<i style='display:inline-block;width:3px;height:3px'></i>" * 3000
    assert assess(browser, TASKS.replace("<header>", filler + "<header>")).components["content"] < 0.3


def test_a_page_that_stops_its_own_loading_is_judged(browser):
    assert assess(browser, TASKS.replace("let items", "window.stop();let items")).total > 0.8
