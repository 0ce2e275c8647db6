# ruff: noqa: E501
"""Pages without checks: which controls react, and what only looks like it."""

import pytest

from rewards.frontend.judgement import assess

STYLE = """<style>body{margin:0;font:18px/1.5 sans-serif;background:#f4f6fb}main{max-width:720px;margin:32px auto}
button,a{padding:12px;border:0;background:#1e3a8a;color:#fff}button:hover{background:#000}button:focus{background:#161}button:focus-visible{box-shadow:0 0 9px red}button:active{background:#fff}</style>"""
PAGE = (
    "<!DOCTYPE html><html lang=en><head><meta charset=utf-8><title>t</title>"
    + STYLE
    + "</head><body><main><h1>Tasks of today</h1><p>Write down what has to be done and tick it off.</p>{}</main></body></html>"
)
BUTTONS = "<button>One</button> <button>Two</button>"


def judged(browser, body):
    found = assess(browser, PAGE.replace("{}", body))
    return found.components["function"], found.reasons["function"]


@pytest.mark.parametrize(
    "body",
    [
        BUTTONS,
        BUTTONS + "<p id=c>0</p><script>let n=0;setInterval(()=>{c.textContent=++n},1000)</script>",
        BUTTONS + "<p id=c>0</p><script>let n=0;setInterval(()=>{c.textContent=++n},40)</script>",
        BUTTONS + "<p style='animation:x 1s infinite'>0</p><style>@keyframes x{to{opacity:.3}}</style>",
        BUTTONS + "<script>onclick=()=>{document.body.dataset.n=Math.random();localStorage.n=Math.random()}</script>",
        "<a href='#nowhere'>One</a> <a href='#'>Two</a>",
    ],
)
def test_what_shows_nothing_does_nothing(browser, body):
    share, reasons = judged(browser, body)
    assert share == 0
    assert all(each.endswith("does nothing") for each in reasons)


@pytest.mark.parametrize(
    "body",
    [
        "<button id=b>Go</button><p id=p>none</p><script>b.onclick=()=>setTimeout(()=>{p.textContent='got'},900)</script>",
        "<p id=p>0.0</p><button id=s>Stop</button> <button id=a>Start</button><script>let t=0,i;a.onclick=()=>{clearInterval(i);i=setInterval(()=>{p.textContent=(t+=.1).toFixed(1)},100)};s.onclick=()=>clearInterval(i)</script>",
        "<form><label>Name <input required></label><button>Send</button></form>",
        "<label>Kind <select><option>a<option>b</select></label><label>Size <input type=range></label><label>Day <input type=date></label>",
        "<a href='tel:123'>Call</a> <a target=_blank href='https://site.example'>Site</a> <a href='#x'>Down</a><p id=x style='margin-top:900px'>x</p>",
        "<button id=o>Open</button> <button id=p>Other</button> <p id=q>n</p><div id=d hidden style='position:fixed;inset:0;background:#000a'><button id=k>Close</button></div><script>o.onclick=()=>{d.hidden=false};k.onclick=()=>{d.hidden=true};p.onclick=()=>{q.textContent+='x'}</script>",
        "<button id=o>Bold</button><script>o.onclick=()=>{o.style.background='#838'}</script>",
        "<label><input type=checkbox> A</label><details><summary>More</summary><p>text</p></details>",
        "<div id=s style='position:fixed;inset:0;background:#fff'>Loading</div><button id=b>Go</button><p id=p>none</p><script>setTimeout(()=>s.remove(),1500);b.onclick=()=>{p.textContent='got'}</script>",
        "<canvas id=c width=300 height=200></canvas><button id=b>New</button><script>b.onclick=()=>c.getContext('2d').fillRect(9,9,30,30)</script>",
    ],
)  # fmt: skip
def test_what_a_visitor_sees_happen_counts(browser, body):
    assert judged(browser, body) == (1, [])


def test_a_dialog_alone_is_half_an_answer(browser):
    body = BUTTONS + "<script>for(const b of document.querySelectorAll('button'))b.onclick=()=>alert('hi')</script>"
    share, reasons = judged(browser, body)
    assert share == pytest.approx(0.5**0.5)
    assert "only opens a dialog" in reasons[0]


def test_what_comes_after_a_splash_is_what_is_judged(browser):
    splash = "<div id=s style='position:fixed;inset:0;background:#fff'></div><script>setTimeout(()=>s.remove(),1500)</script>"
    plain, later = (assess(browser, PAGE.replace("{}", body)) for body in ("", splash))
    assert later.components["aesthetics"] == pytest.approx(plain.components["aesthetics"], abs=0.01)
