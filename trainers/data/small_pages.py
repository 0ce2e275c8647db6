"""Small front-end requests, thousands of them, each with checks and a page that answers it more or less well.

A model from scratch can learn to write such pages in minutes: they have some hundred tokens, and a few shapes. They are
of mixed quality on purpose. What imitates them writes good and bad ones; which are which is for the reward to say.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

PLACES = (
    "Bakery",
    "Garden",
    "Library",
    "Harbour",
    "Museum",
    "Studio",
    "Market",
    "Cinema",
    "Orchard",
    "Station",
    "Theatre",
)
LABELS = ("Save", "Send", "Start", "Open", "Order", "Book", "Join", "Print", "Share", "Check", "Vote", "Call")
MESSAGES = (
    "All done",
    "Thank you",
    "On its way",
    "See you soon",
    "Good choice",
    "Back at noon",
    "Seats are free",
    "Doors are open",
    "Nothing to pay",
    "Ask at the desk",
    "Bring a friend",
    "Mind the step",
)
NOTES = ("Gift wrap", "Late entry", "Window seat", "Extra bread", "Guided tour", "Quiet room", "Warm coat")

DESIGNS = (
    "body{font:18px/1.6 Inter;max-width:600px;margin:48px auto;padding:0 24px;color:#123;background:#f7f9fb}"
    "h1{font-size:36px}button,input{font:inherit;padding:8px 16px;border-radius:8px}button{color:#fff;background:#15c}",
    "body{font:16px/1.5 Inter;margin:32px;color:#333}h1{font-size:28px}",
    "h1{font-size:20px}",
    "body{font:10px/1 serif;color:#aaa;background:#ccc}",
)
"""From good to bad."""
SHARES = (2, 1, 2, 1)
"""How often each is shown."""


@dataclass(frozen=True)
class Request:
    """What is asked for, how that is checked, and the body and script of a page; ``broken`` scripts do not answer."""

    prompt: str
    body: str
    script: str
    broken: tuple[str, ...]
    steps: list[list[dict[str, Any]]]
    """Steps of each check."""


def small_pages(size: int, seed: int, faulty: float = 0.4, best: bool = False) -> Iterator[dict[str, Any]]:
    """``size`` requests with ``prompt``, ``checks`` (JSON) and ``response``, a page in a fenced block; no two alike.

    ``faulty`` is the part of the pages that look as if they worked and do not; ``best`` makes right pages in the best
    design only.
    """
    source = random.Random(f"small pages {seed}")
    seen: set[str] = set()
    for kind in itertools.islice(itertools.cycle(KINDS), 20 * size):
        place = source.choice(PLACES)
        request = kind(source, place)
        if request.prompt in seen:
            continue
        seen.add(request.prompt)
        design = DESIGNS[0] if best else source.choices(DESIGNS, SHARES)[0]
        wrong = not best and source.random() < faulty
        script = source.choice(request.broken) if wrong else request.script
        yield {
            "prompt": request.prompt,
            "checks": checks_text(request),
            "response": page(place, design, request.body, script),
        }
        if len(seen) == size:
            return


def checks_text(request: Request) -> str:
    """The column ``checks`` of the front-end reward."""
    checks = [{"name": f"check {number}", "steps": steps} for number, steps in enumerate(request.steps, 1)]
    return json.dumps({"checks": checks})


def page(title: str, design: str, body: str, script: str) -> str:
    """A whole document as a model gives it."""
    return (
        f'```html\n<!doctype html><html lang="en"><title>{title}</title>\n<style>{design}</style>\n'
        f"<h1>{title}</h1>\n{body}\n<script>{script}</script>\n```"
    )


def _button(source: random.Random, place: str) -> Request:
    label, message = source.choice(LABELS), source.choice(MESSAGES)
    return Request(
        f'{place}: a button "{label}" that shows "{message}" when it is pressed.',
        f'<p>Welcome to our {place.lower()}.</p><button id="go">{label}</button><p id="out"></p>',
        f'go.onclick=()=>out.textContent="{message}"',
        (f'go.onclick=()=>out.title="{message}"', f'go.ondblclick=()=>out.textContent="{message}"', ""),
        [[{"text": {"not_contains": message}}, {"click": _named(label)}, {"text": {"contains": message}}]],
    )


def _counter(source: random.Random, place: str) -> Request:
    label, start, step = source.choice(LABELS), source.randint(1, 40), source.randint(2, 9)
    return Request(
        f'{place}: a number, {start} at first, and a button "{label}" that adds {step} to it.',
        f'<p>Visitors today: <b id="out">{start}</b></p><button id="go">{label}</button>',
        f"go.onclick=()=>out.textContent=+out.textContent+{step}",
        (f"go.onclick=()=>out.textContent+={step}", f"go.onclick=()=>out.textContent={step}", ""),
        [
            [
                {"text": {"contains": str(start)}},
                {"click": {"on": _named(label), "times": times}},
                {"text": {"contains": str(start + times * step)}},
            ]
            for times in (1, 3)
        ],
    )


def _note(source: random.Random, place: str) -> Request:
    label, message = source.choice(NOTES), source.choice(MESSAGES)
    box = {"label": label}
    return Request(
        f'{place}: a box "{label}" that shows "{message}" only while it is ticked.',
        f'<p>Plan your visit.</p><label><input type="checkbox" id="go"> {label}</label><p id="out"></p>',
        f'go.onchange=()=>out.textContent=go.checked?"{message}":""',
        (f'go.onchange=()=>out.textContent="{message}"', f'out.textContent="{message}"', ""),
        [
            [{"text": {"not_contains": message}}, {"click": box}, {"text": {"contains": message}}],
            [{"click": box}, {"text": {"contains": message}}, {"click": box}, {"text": {"not_contains": message}}],
        ],
    )


def _echo(source: random.Random, place: str) -> Request:
    label, field = source.choice(LABELS), source.choice(("Name", "City", "Colour", "Dish", "Song", "Book"))
    word = source.choice(("Hello", "Noted", "Found", "Thanks"))
    return Request(
        f'{place}: a field "{field}" and a button "{label}" that shows "{word}" and what was typed.',
        f'<label>{field} <input id="field"></label> <button id="go">{label}</button><p id="out"></p>',
        f'go.onclick=()=>out.textContent="{word} "+field.value',
        (
            f'go.onclick=()=>out.textContent="{word} "+field.name',
            f'go.onclick=()=>out.textContent="{word} {field}"',
            "",
        ),
        [
            [
                {"type": {"into": {"label": field}, "text": "{{word as w}}"}},
                {"click": _named(label)},
                {"text": {"contains": f"{word} {{{{w}}}}"}},
            ]
        ],
    )


def _list(source: random.Random, place: str) -> Request:
    label, first = source.choice(LABELS), source.choice(NOTES)
    return Request(
        f'{place}: a list with "{first}", a field "Entry" and a button "{label}" that adds what was typed to the list.',
        f'<ul id="out"><li>{first}</li></ul><label>Entry <input id="field"></label> <button id="go">{label}</button>',
        'go.onclick=()=>{let e=document.createElement("li");e.textContent=field.value;out.append(e)}',
        (
            'go.onclick=()=>{let e=document.createElement("li");e.textContent=field.value}',
            "go.onclick=()=>{out.firstChild.textContent=field.value}",
            "",
        ),
        [
            [
                {"type": {"into": {"label": "Entry"}, "text": "{{word as w}}"}},
                {"click": _named(label)},
                {"count": {"of": "li", "change": 1}},
                {"text": {"of": "ul", "contains": "{{w}}"}},
                {"text": {"of": "ul", "contains": first}},
            ]
        ],
    )


def _two(source: random.Random, place: str) -> Request:
    (one, other), (this, that) = source.sample(LABELS, 2), source.sample(MESSAGES, 2)
    return Request(
        f'{place}: buttons "{one}" and "{other}"; the first shows "{this}", the second "{that}" in its place.',
        f'<button id="go">{one}</button> <button id="to">{other}</button><p id="out"></p>',
        f'go.onclick=()=>out.textContent="{this}";to.onclick=()=>out.textContent="{that}"',
        (
            f'go.onclick=()=>out.textContent="{this}";to.onclick=()=>out.textContent="{this}"',
            f'go.onclick=()=>out.textContent+="{this}";to.onclick=()=>out.textContent+="{that}"',
            "",
        ),
        [
            [{"click": _named(one)}, {"text": {"contains": this}}, {"text": {"not_contains": that}}],
            [
                {"click": _named(one)},
                {"click": _named(other)},
                {"text": {"contains": that}},
                {"text": {"not_contains": this}},
            ],
        ],
    )


def _named(label: str) -> dict[str, str]:
    return {"role": "button", "name": label}


KINDS: tuple[Callable[[random.Random, str], Request], ...] = (_button, _counter, _note, _echo, _list, _two)
