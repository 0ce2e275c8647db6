import pytest

from rewards.frontend.keyboard import press, write
from rewards.frontend.keys import parse


class Page:
    """Remembers what is sent to it."""

    def __init__(self):
        self.events = []

    def key(self, kind, **event):
        self.events.append((kind, event["key"], event["modifiers"], event.get("text")))

    def insert(self, text):
        self.events.append(("insert", text))


def sent(do, text):
    page = Page()
    do(page, text)
    return page.events


@pytest.mark.parametrize(
    ("name", "held", "key", "code", "number"),
    [
        ("a", (), "a", "KeyA", 65),
        ("A", ("Shift",), "A", "KeyA", 65),
        ("enter", (), "Enter", "Enter", 13),
        ("Esc", (), "Escape", "Escape", 27),
        ("F12", (), "F12", "F12", 123),
        ("/", (), "/", "Slash", 191),
        ("?", ("Shift",), "?", "Slash", 191),
        ("+", ("Shift",), "+", "Equal", 187),
        (" ", (), " ", "Space", 32),
        ("Shift+5", ("Shift",), "%", "Digit5", 53),
        ("Ctrl+Z", ("Control",), "z", "KeyZ", 90),
        ("Control+Shift+z", ("Control", "Shift"), "Z", "KeyZ", 90),
        ("Control++", ("Control", "Shift"), "+", "Equal", 187),
        ("é", (), "é", "", 0),
    ],
)
def test_a_name_leads_to_a_key_and_the_modifiers_held(name, held, key, code, number):
    found, meant = parse(name)
    assert (found, meant.name, meant.code, meant.number) == (held, key, code, number)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Entr", "unknown key 'Entr'; did you mean 'Enter'"),
        ("Ctl+z", "unknown key 'Ctl'; did you mean 'Ctrl'"),
        ("a+b", "'a' is no modifier"),
        ("Control+", "no key"),
        ("", "no key"),
        ("hello", "unknown key 'hello'"),
    ],
)
def test_what_is_on_no_keyboard_is_refused(name, message):
    with pytest.raises(ValueError, match=message):
        parse(name)


def test_modifiers_are_pressed_before_and_let_go_after():
    assert sent(press, "Control+z") == [
        ("rawKeyDown", "Control", 2, None),
        ("rawKeyDown", "z", 2, None),
        ("keyUp", "z", 2, None),
        ("keyUp", "Control", 0, None),
    ]
    assert sent(press, "Shift") == [("rawKeyDown", "Shift", 8, None), ("keyUp", "Shift", 0, None)]


def test_characters_are_written_and_a_long_rest_is_inserted():
    events = sent(write, "a\r\n" + "b" * 300)
    assert events[0] == ("keyDown", "a", 0, "a")
    assert events[2] == ("keyDown", "Enter", 0, "\r")
    assert events[-1] == ("insert", "b" * 102)
