# ruff: noqa: E501
"""What a page sees of the keys that are pressed, and what the browser itself does with them."""

import pytest

from rewards.frontend.keyboard import press, write

BODY = b"""<!DOCTYPE html><meta charset=utf-8><textarea id=t></textarea><button id=b>b</button><script>let seen = [];
for (const kind of ['keydown', 'keypress', 'keyup']) addEventListener(kind, e => seen.push([kind.slice(3), e.key, e.code, e.keyCode,
  (e.ctrlKey ? 'c' : '') + (e.shiftKey ? 's' : '') + (e.altKey ? 'a' : '') + (e.metaKey ? 'm' : '')].join(' ')));
t.oninput = () => seen.push('input ' + t.value); b.onclick = () => seen.push('click'); t.focus();
setInterval(() => { b.dataset.seen = JSON.stringify(seen) }, 10)</script>"""


@pytest.fixture
def page(browser):
    with browser.page({"": BODY}, 1280, 800) as opened:
        opened.load()
        yield opened


def seen(page):
    page.run(50)
    page.run(50)  # input may arrive after the clock has run
    return page.evaluate("() => JSON.parse(document.querySelector('button').dataset.seen)")


def value(page):
    page.run(20)
    return page.evaluate("() => document.querySelector('textarea').value")


def keydowns(page):
    return [each.removeprefix("down ") for each in seen(page) if each.startswith("down ")]


def test_a_shortcut_has_the_events_of_its_modifier(page):
    press(page, "Control+Shift+k")
    assert seen(page) == [
        "down Control ControlLeft 17 c",
        "down Shift ShiftLeft 16 cs",
        "down K KeyK 75 cs",
        "up K KeyK 75 cs",
        "up Shift ShiftLeft 16 c",
        "up Control ControlLeft 17 ",
    ]


def test_a_capital_is_typed_with_shift(page):
    write(page, "A")
    assert seen(page) == [
        "down Shift ShiftLeft 16 s",
        "down A KeyA 65 s",
        "press A KeyA 65 s",
        "input A",
        "up A KeyA 65 s",
        "up Shift ShiftLeft 16 ",
    ]


@pytest.mark.parametrize(
    ("key", "down"),
    [
        ("/", "/ Slash 191 "),
        ("F2", "F2 F2 113 "),
        ("5", "5 Digit5 53 "),
        ("Enter", "Enter Enter 13 "),
        ("esc", "Escape Escape 27 "),
        ("ArrowLeft", "ArrowLeft ArrowLeft 37 "),
        ("Insert", "Insert Insert 45 "),
        (".", ". Period 190 "),
        ("-", "- Minus 189 "),
        ("Space", "  Space 32 "),
        ("\u00e9", "\u00e9  0 "),
    ],
)
def test_keys_have_their_numbers(page, key, down):
    press(page, key)
    assert keydowns(page) == [down]


@pytest.mark.parametrize(
    ("key", "down"),
    [
        ("?", "? Slash 191 s"),
        ("Shift+1", "! Digit1 49 s"),
        ("!", "! Digit1 49 s"),
        ("Control+z", "z KeyZ 90 c"),
        ("Ctrl+Z", "z KeyZ 90 c"),
        ("Meta+s", "s KeyS 83 m"),
        ("Alt+ArrowUp", "ArrowUp ArrowUp 38 a"),
        ("Control++", "+ Equal 187 cs"),
        ("Shift+Tab", "Tab Tab 9 s"),
    ],
)
def test_combinations_have_their_numbers(page, key, down):
    press(page, key)
    assert keydowns(page)[-1] == down


def test_every_printable_character_is_written(page):
    text = "".join(map(chr, range(32, 127))) + "\n\u00e9\U0001f600"
    write(page, text)
    assert value(page) == text


def test_the_browsers_own_shortcuts_work(page):
    write(page, "ab c")
    press(page, "Shift+ArrowLeft")
    press(page, "Delete")
    assert value(page) == "ab "
    press(page, "Control+z")
    assert value(page) == "ab c"
    press(page, "Control+a")
    press(page, "Backspace")
    assert value(page) == ""
    press(page, "Control+z")
    press(page, "Control+a")
    write(page, "x")
    assert value(page) == "x"


def test_shift_and_tab_go_back_and_space_presses_a_button(page):
    press(page, "Tab")
    press(page, " ")
    assert "click" in seen(page)
    press(page, "Shift+Tab")
    write(page, "x")
    assert value(page) == "x"
