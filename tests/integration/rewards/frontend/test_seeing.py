# ruff: noqa: E501
"""What checks find and see of a page: what is in front of it, what is in shadows, and what a page's names cannot hide."""

import pytest

from rewards.frontend.checks import Checks
from rewards.frontend.function import perform
from rewards.frontend.judgement import assess
from tests.integration.rewards.frontend.pages import CHECKS, TASKS
from tests.integration.rewards.frontend.test_actions import outcome

ANSWER = "<div style='background:#fff'><button id=b>Go</button><p id=q>It is <span id=p {}></span></p></div><script>b.onclick=()=>{{p.textContent='forty two'}}</script>"
SEEN = [{"click": "#b"}, {"visible": "#p"}]
READ = [{"click": "#b"}, {"text": {"of": "#q", "contains": "forty two"}}]


@pytest.mark.parametrize("steps", [SEEN, READ])
@pytest.mark.parametrize(
    "attributes",
    [
        "",
        "style='color:#777'",
        "style='color:#fff;background:#036'",
        "style='color:transparent;background:linear-gradient(red,blue) text'",
    ],
)
def test_an_answer_that_can_be_read_counts(browser, attributes, steps):
    assert outcome(browser, ANSWER.format(attributes), *steps) == (1, "")


@pytest.mark.parametrize("steps", [SEEN, READ])
@pytest.mark.parametrize(
    "attributes",
    [
        "style='color:#fff'",
        "style='color:transparent'",
        "style='font-size:1px'",
        "style='filter:opacity(0)'",
        "style='display:inline-block;clip-path:inset(100%)'",
        "style='position:absolute;left:-900px'",
        "hidden",
    ],
)
def test_an_answer_that_nobody_can_read_does_not(browser, attributes, steps):
    assert outcome(browser, ANSWER.format(attributes), *steps)[0] == 0


COVER = "<div style='position:fixed;inset:0;background:{};pointer-events:none'></div>"


def test_what_the_mouse_goes_through_can_still_cover(browser):
    assert outcome(browser, ANSWER.format("") + COVER.format("#fed"), *SEEN) == (
        0,
        "step 1, click: #b is covered by <div>",
    )
    assert outcome(browser, ANSWER.format("") + COVER.format("#fed3"), *SEEN) == (1, "")


def test_what_is_further_down_is_seen_where_it_is(browser):
    body = "<button id=b>Go</button><div style='height:3000px'></div>{}<p id=p></p>{}<script>b.onclick=()=>{{p.textContent='forty two'}}</script>"
    steps = [*SEEN, {"text": {"of": "#p", "equals": "forty two"}}]
    assert outcome(browser, body.format("", ""), *steps) == (1, "")
    front = "<div style='position:relative;top:-99px;height:120px;background:#fed'></div>"
    assert outcome(browser, body.format("", front), *SEEN)[0] == 0


def test_a_select_is_waited_for_and_not_used_where_it_is_covered_or_disabled(browser):
    field = "<div style='position:relative'><select id=s disabled><option>a<option>b</select>{}</div>"
    steps = [{"select": {"of": "#s", "option": "b"}}, {"value": {"of": "#s", "equals": "b"}}]
    assert outcome(browser, field.format("<script>setTimeout(()=>{s.disabled=false},1200)</script>"), *steps) == (1, "")
    assert "is disabled" in outcome(browser, field.format(""), *steps)[1]
    covered = field.replace("disabled", "").format("<div style='position:absolute;inset:0;background:#fff'></div>")
    assert "is covered" in outcome(browser, covered, *steps)[1]


@pytest.mark.parametrize("mode", ["open", "closed"])
def test_what_is_in_a_shadow_is_found_used_and_read(browser, mode):
    body = f"""<x-y><b slot=head>Greeter</b></x-y><script>customElements.define('x-y', class extends HTMLElement {{
      constructor() {{ super(); const root = this.attachShadow({{mode: '{mode}'}});
        root.innerHTML = '<slot name=head></slot><label>Name <input></label><button>Greet</button><p>Nobody yet</p>';
        root.querySelector('button').onclick = () => {{ root.querySelector('p').textContent = 'Hello ' + root.querySelector('input').value }} }} }})</script>"""
    steps = [
        {"type": {"into": {"label": "Name"}, "text": "Ada"}},
        {"click": {"role": "button", "name": "Greet"}},
        {"visible": {"text": "Hello Ada"}},
        {"text": {"of": "x-y", "contains": "Hello Ada"}},
        {"visible": {"css": "b", "contains": "Greeter"}},
        {"hidden": {"contains": "Nobody"}},
    ]
    assert outcome(browser, body, *steps) == (1, "")


NAMES = "matches childNodes children nodeType nodeName localName parentNode parentElement getBoundingClientRect getClientRects textContent innerText shadowRoot className querySelectorAll getAttribute checkVisibility isConnected type value labels"


def test_fields_may_be_called_like_what_elements_have(browser):
    fields = "".join(f"<input type=hidden name={name}>" for name in NAMES.split())
    plain, named = (
        assess(browser, page, Checks.load(CHECKS))
        for page in (TASKS, TASKS.replace('<form id="f">', '<form id="f">' + fields))
    )
    assert named.components["function"] == 1
    assert named.components["aesthetics"] == pytest.approx(plain.components["aesthetics"], abs=1e-6)
    pictures = "".join(
        f"<img name={name} alt='' hidden>"
        for name in ("body", "querySelectorAll", "documentElement", "title", "activeElement")
    )
    assert (
        perform(browser, {"": TASKS.replace("<main>", pictures + "<main>").encode()}, Checks.load(CHECKS), 0).score == 1
    )


def test_time_and_chance_are_the_same_on_every_day(browser):
    body = """<p id=p></p><button id=b>Go</button><script>b.onclick=()=>{const w=new Worker(URL.createObjectURL(new Blob(['postMessage([new Date().getFullYear(),Math.random()])'])));
    w.onmessage=e=>{p.textContent=[Intl.DateTimeFormat('en').format(),new Intl.DateTimeFormat('en').formatToParts()[2].value,performance.timeOrigin,document.lastModified,new Date(new File([],'x').lastModified).getMonth(),...e.data].join(' ')}}</script>"""
    said = "6/1/2025 1 1748779200000 06/01/2025 12:00:00 5 2025 0.08538983040489256"
    assert outcome(browser, body, {"click": "#b"}, {"text": {"of": "#p", "equals": said}}) == (1, "")


def test_a_page_has_a_clipboard(browser):
    body = "<button id=b>Copy</button><p id=p></p><script>b.onclick=async()=>{await navigator.clipboard.writeText('it');p.textContent=await navigator.clipboard.readText()}</script>"
    assert outcome(browser, body, {"click": "#b"}, {"text": {"of": "#p", "equals": "it"}}) == (1, "")
