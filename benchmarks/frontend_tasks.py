"""What the front-end reward says about the shipped tasks: every reference, its mock-up, and every flawed page.

    python -m benchmarks.frontend_tasks [--browsers 2] [--kind KIND] [--task NAME] [--reasons]

A mock-up is the reference as it looks after loading, without its scripts: right to look at, and dead. A dump is a page
without scripts that has everything the checks ask for, with every answer to them, everywhere at once.
"""

from __future__ import annotations

import argparse
import re
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from rewards.contract import RewardResult
from rewards.frontend.browser import Browser
from rewards.frontend.extract import find_page
from rewards.frontend.farm import Farm
from rewards.frontend.steps import Attribute, Click, Count, Expectation, Select, Step, Style, Target
from rewards.frontend.tasks import Flaw, Task, read_tasks
from rewards.frontend.worker import Job

COMPONENTS = ("syntax", "function", "aesthetics")
LEAST = {"syntax": 0.05, "function": 0.1, "aesthetics": 0.05}
"""By how much the component that a flaw names must fall."""

DEAD_AT_MOST = 0.25
"""Of function, for a page that does nothing: a mock-up or a dump."""


@dataclass(frozen=True)
class Judged:
    """A task with the results of its pages; ``dead`` by name (mock-up, dump), ``flaws`` in the order of the task's."""

    task: Task
    reference: RewardResult
    dead: Mapping[str, RewardResult]
    flaws: tuple[RewardResult, ...]

    def fall(self, flaw: RewardResult, component: str) -> float:
        return self.reference.components[component] - flaw.components[component]

    def complaints(self) -> list[str]:
        """What is not as it should be."""
        said = []
        results = [self.reference, *self.flaws, *self.dead.values()]
        if wrong := [each.invalid for each in results if each.invalid is not None]:
            return [f"invalid: {wrong[0]}"]
        if (self.reference.total or 0) <= 0.8:
            said.append(f"the reference is worth {self.reference.total:.2f}, not above 0.8")
        if self.reference.components["function"] < 1:
            said.append(f"the reference fails: {self.reference.info['reasons']['function']}")
        for flaw, result in zip(self.task.flaws, self.flaws, strict=True):
            fall = self.fall(result, flaw.component)
            if fall < LEAST[flaw.component] or (result.total or 0) >= (self.reference.total or 0):
                said.append(f"{flaw.component} falls by {fall:.2f} only: {flaw.why}")
        for name, result in self.dead.items():
            if result.components["function"] > DEAD_AT_MOST:
                said.append(f"the {name}'s function is {result.components['function']:.2f}")
        return said


def mockup(browser: Browser, task: Task) -> str:
    """The reference as a picture of itself: its document after loading, without scripts."""
    files = find_page(task.reference).files
    assert files is not None
    with browser.page(files, 1280, 800) as page:
        page.load()
        document = str(page.evaluate("() => document.documentElement.outerHTML"))
    document = re.sub(r"<script\b.*?</script>", "", document, flags=re.DOTALL)
    return "<!DOCTYPE html>\n" + re.sub(r"\son\w+=(\"[^\"]*\"|'[^']*')", "", document)


@dataclass
class _Element:
    """What a dump has where a target is looked for: an element for a part of a selector, and what is inside of it."""

    tag: str = "div"
    label: str = ""
    name: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    styles: dict[str, str] = field(default_factory=dict)
    copies: int = 1
    options: list[str] = field(default_factory=list)
    inside: dict[str, _Element] = field(default_factory=dict)

    def html(self, everything: str) -> str:
        within = "".join(each.html(everything) for each in self.inside.values())
        given = {**self.attributes, "style": "; ".join(f"{name}: {value}" for name, value in self.styles.items())}
        opened = self.tag + "".join(f' {name}="{escape(value)}"' for name, value in given.items() if value)
        if self.label:
            options = "".join(f"<option>{escape(each)}</option>" for each in self.options)
            return f"<label>{escape(self.label)} <{opened}>{f'{options}</select>' if options else ''}</label>"
        if self.tag == "button":
            return f"<{opened}>{escape(self.name)}{within}</button>" * self.copies
        if self.tag == "svg":
            return f'<svg width="300" height="200">{within}</svg>'
        text = " ".join(filter(None, (self.name, everything)))
        element = f"<{opened}>{'<td>' if self.tag == 'tr' else ''}{escape(text)}{within}</{self.tag}>" * self.copies
        around = {"tr": "table", "th": "table", "li": "ul", "option": "select", **dict.fromkeys(_SHAPES, "svg")}
        wrapper = around.get(self.tag, "")
        return f"<{wrapper}>{element}</{wrapper}>" if wrapper else element


_SHAPES = ("rect", "circle", "line", "polyline", "path")
_TAGS = {"button": "button", "link": "a", "tab": "button", "heading": "h2", "row": "tr", "columnheader": "th"}


def dump(task: Task, seed: int | str = 0) -> str:
    """A page without scripts: each element that the checks of ``task`` name, once or as often as they count, and in
    each of them every text of the prompt and of the checks, with the answers to what ``seed`` draws."""
    texts = dict.fromkeys(re.findall(r'"([^"]+)"', task.prompt))
    root = _Element()
    for check in task.loaded_checks().draw(seed):
        for step in check.steps:
            if isinstance(step, Expectation) and not isinstance(step, Count | Attribute | Style):
                number = None if step.number is None else f"{step.number:g}"
                wanted = (step.equals, step.contains, number, *step.one_of)
                texts.update(dict.fromkeys(each for each in wanted if each))
            for target in _targets(step):
                texts.update(dict.fromkeys(each for each in (target.text, target.contains) if each))
                _place(root, target, step)
    body = "".join(each.html(" ".join(texts)) for each in root.inside.values())
    return f'<!DOCTYPE html><html lang="en"><title>{escape(" ".join(texts))}</title><body>{body}'


def _targets(step: Step) -> Iterator[Target]:
    for value in (getattr(step, name) for name in type(step).model_fields):
        if isinstance(value, Target) and value.css not in ("body", "html"):
            yield value


def _place(root: _Element, target: Target, step: Step) -> _Element:
    """Puts an element for ``target`` on the page, where there is none yet, and gives it what ``step`` expects."""
    element = _place(root, target.within, step) if target.within else root
    parts = (target.css or "").replace(">", " ").split()
    for place, part in enumerate(parts or [""]):
        last = place + 1 >= len(parts)
        fields = (target.role, target.label, target.name) if last else (None, None, None)
        key = " ".join(filter(None, (re.sub(r":[\w-]+(\(.*\))?", "", part), *fields)))
        element = element.inside.setdefault(key or target.text or target.contains or "", _Element())
        tag = re.match(r"[a-z]\w*", part.replace("[type=", "input[type=") if part.startswith("[") else part)
        element.tag = tag[0] if tag else element.tag if element.tag != "div" else _TAGS.get(fields[0] or "", "div")
        element.name, element.label = fields[2] or "", fields[1] or ""
        for mark, name in re.findall(r"([.#])([\w-]+)", part.partition(":")[0]):
            element.attributes["id" if mark == "#" else "class"] = name
        element.attributes.update(re.findall(r"\[([\w-]+)=\"?([^\]\"]*)", part))
        if fields[0] and fields[0] not in ("button", "row", "heading"):
            element.attributes.setdefault(
                "href" if fields[0] == "link" else "role", "#" if fields[0] == "link" else fields[0]
            )
        if element.label and element.tag in ("div", "input", "select"):
            element.tag = "select" if isinstance(step, Select) or element.options else "input"
            if isinstance(step, Click):
                element.attributes["type"] = "checkbox"
    element.copies = max(element.copies, target.nth + 1, -target.nth)
    if isinstance(step, Select):
        element.options.append(step.option)
    if isinstance(step, Count) and re.fullmatch(r"\d+", step.equals or ""):
        element.copies = max(element.copies, min(40, int(step.equals or 0)))
    if isinstance(step, Attribute | Style) and (value := step.equals or step.contains):
        name = step.attribute if isinstance(step, Attribute) else step.property
        held = element.attributes if isinstance(step, Attribute) else element.styles
        held[name] = f"{held.get(name, '')} {value}".strip() if name == "class" else value
    return element


def judge(tasks: Sequence[Task], browsers: int = 2, *, dead: bool = True, seed: int | str = 0) -> list[Judged]:
    """Every page of every task, in one farm; without mock-ups and dumps unless ``dead``."""
    pages: list[dict[str, str]] = [{} for _ in tasks]
    if dead:
        with Browser() as browser:
            pages = [{"mock-up": mockup(browser, task), "dump": dump(task, seed)} for task in tasks]
    jobs = [
        Job(page, task.loaded_checks(), seed)
        for task, still in zip(tasks, pages, strict=True)
        for page in (task.reference, *still.values(), *(task.flawed(flaw) for flaw in task.flaws))
    ]
    farm = Farm(browsers)
    try:
        results = iter(farm.judge(jobs))
    finally:
        farm.close()
    return [
        Judged(task, next(results), {name: next(results) for name in still}, tuple(next(results) for _ in task.flaws))
        for task, still in zip(tasks, pages, strict=True)
    ]


def _shown(result: RewardResult) -> str:
    if result.invalid is not None:
        return f"invalid: {result.invalid}"
    return f"{result.total:.2f}  " + " ".join(f"{result.components[name]:.2f}" for name in COMPONENTS)


def _flaw(each: Judged, flaw: Flaw, result: RewardResult) -> str:
    if result.invalid is not None:
        return _shown(result)
    return f"{_shown(result)}  {flaw.component} -{each.fall(result, flaw.component):.2f}  {flaw.why}"


def table(judged: Sequence[Judged], *, reasons: bool = False) -> None:
    """Total, then syntax, function and aesthetics, of every page."""
    for each in judged:
        print(f"{each.task.name} ({each.task.kind})\n  reference {_shown(each.reference)}")
        for name, result in each.dead.items():
            print(f"  {name:<9} {_shown(result)}")
        for flaw, result in zip(each.task.flaws, each.flaws, strict=True):
            print(f"  flaw      {_flaw(each, flaw, result)}")
        for complaint in each.complaints():
            print(f"  WRONG     {complaint}")
        if reasons:
            for name, lines in each.reference.info.get("reasons", {}).items():
                for line in lines[:6]:
                    print(f"            {name}: {line}")


def summary(judged: Sequence[Judged]) -> None:
    """A row for each kind, as docs/frontend.md has it."""
    print("\n| kind | tasks | checks | reference: total | aesthetics | mock-up, dump: function | flaws | least fall |")
    print("|---|---|---|---|---|---|---|---|")
    kinds = {each.task.kind: None for each in judged}
    for kind in [*kinds, None]:
        chosen = [each for each in judged if kind in (None, each.task.kind) and each.reference.invalid is None]
        totals = [each.reference.total or 0.0 for each in chosen]
        looks = [each.reference.components["aesthetics"] for each in chosen]
        dead = [page.components["function"] for each in chosen for page in each.dead.values() if not page.invalid]
        flaws = [
            each.fall(result, flaw.component)
            for each in chosen
            for flaw, result in zip(each.task.flaws, each.flaws, strict=True)
            if result.invalid is None
        ]
        print(
            f"| {kind or '**all**'} | {len(chosen)} | {sum(len(each.task.loaded_checks().raw) for each in chosen)} "
            f"| {min(totals):.2f} to {max(totals):.2f} | {statistics.mean(looks):.2f} "
            f"| {f'at most {max(dead):.2f}' if dead else ''} | {len(flaws)} | {min(flaws, default=0):.2f} |"
        )
    wrong = [each.task.name for each in judged if each.complaints()]
    print(f"\n{len(judged)} tasks, {len(wrong)} not as they should be{': ' if wrong else ''}{', '.join(wrong)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--browsers", type=int, default=2)
    parser.add_argument("--kind")
    parser.add_argument("--task", action="append")
    parser.add_argument("--reasons", action="store_true")
    parser.add_argument("--seed", default="0")
    given = parser.parse_args()
    tasks = [
        task for task in read_tasks() if given.kind in (None, task.kind) and (not given.task or task.name in given.task)
    ]
    judged = judge(tasks, given.browsers, seed=given.seed)
    table(judged, reasons=given.reasons)
    summary(judged)


if __name__ == "__main__":
    main()
