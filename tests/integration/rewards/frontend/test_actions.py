# ruff: noqa: E501
"""Every action and assertion on pages made for it: the honest page passes, the one that only looks like it does not."""

import pytest

from rewards.frontend.checks import Checks
from rewards.frontend.function import perform

BODY = "<!DOCTYPE html><html><head><meta charset=utf-8><title>t</title></head><body>{}</body></html>"


def outcome(browser, body, *steps, **check):
    checks = Checks.load([{"name": "n", "steps": list(steps), **check}])
    done = perform(browser, {"": BODY.format(body).encode()}, checks, seed=1)
    return done.score, done.outcomes[0].reason


BUTTON = "<button id=b {}>Go</button><p id=p>0</p><script>let n=0;b.onclick=()=>{{p.textContent=++n}}</script>"


def test_a_click_reaches_a_button_that_is_there(browser):
    steps = [{"click": {"on": "#b", "times": 3}}, {"text": {"of": "#p", "number": 3}}, {"changed": "#p"}]
    assert outcome(browser, BUTTON.format(""), *steps) == (1, "")


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ("style='display:none'", "not visible"),
        ("style='visibility:hidden'", "not visible"),
        ("style='opacity:0.01'", "transparent"),
        ("style='width:1px;height:1px;padding:0;border:0;overflow:hidden'", "too small"),
        ("disabled", "disabled"),
        ("style='position:absolute;left:-500px'", "not visible"),
        ("style='pointer-events:none'", "covered"),
    ],
)
def test_a_button_that_no_visitor_could_press_is_not_pressed(browser, attributes, said):
    score, reason = outcome(browser, BUTTON.format(attributes), {"click": "#b"}, {"text": {"of": "#p", "number": 1}})
    assert score == 0
    assert said in reason


def test_a_covered_button_is_not_pressed(browser):
    cover = "<div id=cover style='position:fixed;inset:0;background:#fffc'></div>"
    score, reason = outcome(browser, BUTTON.format("") + cover, {"click": "#b"}, {"text": {"of": "#p", "number": 1}})
    assert (score, "covered by <div id=cover>" in reason) == (0, True)


def test_typing_fires_key_events_and_replaces_what_was_there(browser):
    body = "<label>Name <input id=i value=old></label><p id=p>0</p><script>let n=0;i.onkeydown=()=>{p.textContent=++n}</script>"
    steps = [
        {"type": {"into": {"label": "name"}, "text": "ab 1"}},
        {"value": {"of": "#i", "equals": "ab 1", "exact": True}},
        {"text": {"of": "#p", "at_least": 4}},
        {"focused": "#i"},
    ]
    assert outcome(browser, body, *steps) == (1, "")


def test_fields_without_text_are_set_with_their_events(browser):
    body = "<input id=r type=range max=100><input id=d type=date><p id=p></p><script>oninput=()=>{p.textContent=r.value+' '+d.value}</script>"
    steps = [
        {"type": {"into": "#r", "text": 70}},
        {"type": {"into": "#d", "text": "2024-05-17"}},
        {"text": {"of": "#p", "equals": "70 2024-05-17"}},
    ]
    assert outcome(browser, body, *steps) == (1, "")


def test_select_press_hover_and_wait(browser):
    body = """<select id=s><option value=a>Alpha</option><option value=b>Beta</option></select><p id=p>x</p><b id=h>h</b>
    <script>s.onchange=()=>setTimeout(()=>{p.textContent=s.value},5000);document.onkeydown=e=>{p.title=e.key+e.ctrlKey};
    h.onmouseenter=()=>{h.className='over'}</script>"""
    steps = [
        {"select": {"of": "#s", "option": "beta"}},
        {"value": {"of": "#s", "equals": "Beta"}},
        {"text": {"of": "#p", "equals": "x"}},
        {"wait": 5200},
        {"text": {"of": "#p", "equals": "b"}},
        {"press": "Control+k"},
        {"attribute": {"of": "#p", "attribute": "title", "equals": "ktrue"}},
        {"hover": "#h"},
        {"attribute": {"of": "#h", "attribute": "class", "equals": "over"}},
    ]
    assert outcome(browser, body, *steps) == (1, "")


def test_dragging_with_the_mouse_and_by_drag_and_drop(browser):
    body = """<div id=a draggable=true style='width:60px;height:60px;background:red'>a</div><div id=z style='width:90px;height:90px;background:#ccc'>z</div>
    <div id=m style='position:absolute;left:300px;top:9px;width:40px;height:40px;background:blue'></div><script>
    z.ondragover=e=>e.preventDefault();a.ondragstart=e=>e.dataTransfer.setData('text','it');z.ondrop=e=>{z.textContent=e.dataTransfer.getData('text')};
    let on=false;m.onpointerdown=()=>{on=true};onpointerup=()=>{on=false};onpointermove=e=>{if(on)m.style.left=e.clientX-20+'px'}</script>"""
    steps = [
        {"drag": {"from": "#a", "to": "#z"}},
        {"text": {"of": "#z", "equals": "it"}},
        {"drag": {"from": "#m", "by": [100, 0]}},
        {"style": {"of": "#m", "property": "left", "number": 400, "give_or_take": 2}},
    ]
    assert outcome(browser, body, *steps) == (1, "")


def test_dialogs_storage_and_the_address(browser):
    body = """<button id=b>x</button><script>b.onclick=()=>{if(confirm('Sure?')){localStorage.k=prompt('Name');location.hash='done'}}</script>"""
    steps = [
        {"click": "#b"},
        {"dialog": {"equals": "Name"}},
        {"storage": {"key": "k", "equals": "Ada"}},
        {"url": {"equals": "/#done"}},
    ]
    assert outcome(browser, body, *steps, prompt_text="Ada") == (1, "")
    score, reason = outcome(browser, body, *steps, dialogs="dismiss")
    assert score == 0
    assert "dialog" in reason


def test_an_error_that_is_not_caught_is_seen(browser):
    body = "<button id=b>x</button><script>b.onclick=()=>{nothing.here()}</script>"
    score, reason = outcome(browser, body, {"click": "#b"}, "no_error")
    assert score == 0
    assert "ReferenceError" in reason


def test_partial_credit_is_the_share_of_assertions(browser):
    steps = [{"click": "#b"}, {"text": {"of": "#p", "number": 1}}, {"visible": "#none"}, {"hidden": "#none"}]
    assert outcome(browser, BUTTON.format(""), *steps, partial=True)[0] == pytest.approx(2 / 3)
    assert outcome(browser, BUTTON.format(""), *steps)[0] == 0


def test_a_page_that_hangs_fails_the_check_in_which_it_does_and_no_other(browser):
    body = BUTTON.format("") + "<button id=hang onclick='for(;;){}'>hang</button>"
    good = [{"click": "#b"}, {"text": {"of": "#p", "number": 1}}]
    checks = [
        {"name": "a", "steps": good},
        {"name": "h", "steps": [{"click": "#hang"}, "no_error"]},
        {"name": "z", "steps": good},
    ]
    done = perform(browser, {"": BODY.format(body).encode()}, Checks.load(checks), seed=1)
    assert [each.credit for each in done.outcomes] == [1, 0, 1]


def test_going_back_follows_the_history_of_the_page(browser):
    body = "<a id=a href='#one'>One</a> <a id=b href='#two'>Two</a><p id=p>start</p><script>onhashchange=()=>{p.textContent=location.hash}</script>"
    steps = [{"click": "#a"}, {"click": "#b"}, {"text": {"of": "#p", "equals": "#two"}}, "back"]
    assert outcome(browser, body, *steps, {"text": {"of": "#p", "equals": "#one"}}, {"url": {"equals": "/#one"}}) == (
        1,
        "",
    )
    still = body.replace("onhashchange", "ontoggle")
    assert outcome(browser, still, *steps[:2], "back", {"text": {"of": "#p", "equals": "#one"}})[0] == 0


def test_going_back_stays_on_the_page_where_there_is_none_before_it(browser):
    assert outcome(browser, "<p id=p>here</p>", "back", {"text": {"of": "#p", "equals": "here"}}) == (1, "")


def test_the_title_and_the_dashes_of_a_ring_are_looked_at(browser):
    body = "<svg width=40 height=40><circle id=r cx=20 cy=20 r=15 stroke=red stroke-dasharray='10 90'/></svg><button id=b>Go</button><script>b.onclick=()=>{document.title='two';ACT}</script>"
    steps = [{"click": "#b"}, {"title": {"equals": "two"}}, {"changed": {"of": "#r", "what": "look"}}]
    assert outcome(browser, body.replace("ACT", "r.setAttribute('stroke-dasharray','20 80')"), *steps) == (1, "")
    score, reason = outcome(browser, body.replace("ACT", "r.dataset.share=20"), *steps)
    assert (score, "did not change" in reason) == (0, True)
    score, reason = outcome(browser, body.replace("document.title='two'", ""), *steps)
    assert (score, reason) == (0, "step 2, title: 't' is not 'two'")


@pytest.mark.parametrize(
    "style",
    [
        "max-height:0;overflow:hidden",
        "overflow:hidden;width:50px;height:30px;position:relative",
        "position:fixed;top:0;right:-300px;width:300px",
    ],
)
def test_what_is_cut_off_is_not_visible(browser, style):
    body = f"<div id=box style='{style}'><p id=p style='margin:0;position:relative;top:0' class=in>the answer</p></div><button id=b>Go</button>"
    if "width:50px" in style:
        body = body.replace("top:0' class", "left:60px' class")
    opened = body + "<script>b.onclick=()=>{box.style='';p.style=''}</script>"
    steps = [{"hidden": "#p"}, {"click": "#b"}, {"visible": {"contains": "answer"}}, {"visible": "#p"}]
    assert outcome(browser, opened, *steps) == (1, "")
    assert outcome(browser, body, *steps)[0] == 0


def test_what_can_be_scrolled_to_is_visible(browser):
    body = "<div style='overflow:auto;height:40px'><p style='height:300px'>far</p><p id=p>down</p></div><p style='height:3000px'></p><p id=q>below</p>"
    assert outcome(browser, body, {"visible": "#p"}, {"visible": "#q"}) == (1, "")


def test_a_checkbox_behind_a_prettier_one_is_pressed_by_its_label(browser):
    hidden = "position:absolute;width:1px;height:1px;overflow:hidden;clip:rect(0 0 0 0);margin:0"
    body = f"<label><input id=i type=checkbox style='{hidden}'><b style='padding:9px;border:2px solid'>Wifi</b></label>"
    steps = [{"click": {"label": "Wifi"}}, {"attribute": {"of": "#i", "attribute": "checked", "equals": "true"}}]
    assert outcome(browser, body, *steps) == (1, "")


FADING = "<div id=d style='transition:transform .3s;transform:translateX(-2000px)'><button id=in>In</button></div><button id=b>Go</button><p id=p>0</p><script>b.onclick=()=>{d.style.transform='none'};d.ontransitionend=()=>{p.textContent='arrived'}</script>"


def test_what_css_moves_keeps_step_with_the_clock_and_is_waited_for(browser):
    steps = [{"hidden": "#in"}, {"click": "#b"}, {"click": "#in"}, {"text": {"of": "#p", "equals": "arrived"}}]
    for _ in range(4):
        assert outcome(browser, FADING, *steps) == (1, "")
    slow = FADING.replace("transform .3s", "transform 5s steps(1)")
    late = [{"click": "#b"}, {"wait": 4000}, {"hidden": "#in"}, {"wait": 1000}, {"visible": "#in"}]
    assert outcome(browser, slow, *late) == (1, "")


def test_frames_follow_the_clock(browser):
    body = "<p id=p>0</p><script>let n=0;const f=(t)=>{p.textContent=++n;if(t<9e3)requestAnimationFrame(f)};requestAnimationFrame(f);cancelAnimationFrame(requestAnimationFrame(()=>{throw 1}))</script>"
    steps = [{"wait": 2000}, {"text": {"of": "#p", "at_least": 100, "at_most": 200}}, "no_error"]
    assert outcome(browser, body, *steps) == (1, "")


def test_what_appears_when_it_is_scrolled_to_can_be_used(browser):
    body = "<p style='height:3000px'></p><button id=b style='opacity:0;transition:opacity .2s'>Go</button><p id=p>0</p><script>new IntersectionObserver((e)=>{if(e[0].isIntersecting)b.style.opacity=1}).observe(b);b.onclick=()=>{p.textContent=1}</script>"
    assert outcome(browser, body, {"click": "#b"}, {"text": {"of": "#p", "equals": "1"}}) == (1, "")
