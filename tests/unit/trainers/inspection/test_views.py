"""Terminal and page show the same numbers, and nothing that a response holds gets its way."""

from __future__ import annotations

import html5lib
from rich.console import Console
from typer.testing import CliRunner

from tests.unit.trainers.inspection.conftest import HOSTILE
from trainers.cli import app
from trainers.inspection.page import render_page
from trainers.inspection.saved import load
from trainers.inspection.terminal import Pager, page_through, show
from trainers.inspection.visible import visible


def printed(renderable, **options) -> str:
    console = Console(width=100, record=True, file=open("/dev/null", "w"), **options)  # noqa: SIM115
    console.print(renderable)
    return console.export_text(styles=bool(options))


def test_hidden_characters_become_signs():
    assert visible("a\x1b[2Jb\x7f\u202ec\u2028\ud800\x9b") == "a⟨U+001B⟩[2Jb⟨U+007F⟩⟨U+202E⟩c⟨U+2028⟩⟨U+D800⟩⟨U+009B⟩"
    for harmless in ("line\n\ttab", "می\u200cروم", "é 漢 👩\u200d🔬"):
        assert visible(harmless) == harmless


def test_the_terminal_shows_ratio_clip_advantage_and_what_rewards_noted(run):
    text = printed(show(load(run, step=2)[0]))
    for part in (
        "One.▼[0.700] │Two three.[1.000]",
        "Two three.[1.000]",
        "-1.200",
        "1 of 2 clipped",
        "extracted",
        "<b>7</b>",
        "weights 3",
    ):
        assert part in text, part


def test_colours_point_the_right_way(run):
    styled = printed(show(load(run, step=2)[0]), force_terminal=True, color_system="truecolor")
    assert "48;2;80;160;255" in styled  # 0.7 is far below 0.97: full blue
    warm = printed(show(load(run, step=1)[0]), force_terminal=True, color_system="truecolor")
    red, _, blue = (int(part) for part in warm.partition("48;2;")[2].partition("m")[0].split(";"))
    assert red > blue


def test_nothing_of_a_response_reaches_the_terminal_as_a_command(run):
    text = printed(show(load(run, step=4)[0]))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "⟨U+001B⟩[31mred⟨U+202E⟩" in text


def test_the_pager_moves_filters_and_sorts(run):
    pager = Pager(load(run))

    def at(*keys: str) -> tuple[int, int, int]:
        for key in keys:
            pager.press(key)
        assert pager.current is not None
        return pager.current.step, pager.current.group, pager.current.row["number"]

    assert at() == (1, 0, 0)
    assert at("p") == (1, 0, 0)
    assert at("n", "n") == (2, 0, 0)
    assert at("N") == (2, 1, 0)
    assert at("}") == (3, 0, 0)
    assert at("{") == (2, 0, 0)
    assert at("N", "P") == (2, 0, 0)
    assert at("c") == (2, 0, 0)
    assert len(pager.shown) == 3
    assert at("s", "s") == (2, 0, 0)  # by ratio: 0.7 is farthest from 1
    assert at("w", "n") == (2, 0, 0)
    assert len(pager.shown) == 1
    assert not pager.done
    pager.press("q")
    assert pager.done


def test_the_pager_draws_every_screen_and_survives_an_empty_choice(run):
    keys = iter(["c", "w", "n", "}", "}", "j", "k", "q"])
    console = Console(width=60, height=12, force_terminal=True, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    page_through(Pager(load(run, step=1)), console, lambda: next(keys))
    text = console.export_text()
    assert "1 of 2" in text
    assert "No response matches" in text


def test_the_page_is_whole_by_itself_and_shows_text_as_text(run):
    page = render_page("demo", load(run))
    document = html5lib.HTMLParser(strict=False, namespaceHTMLElements=False).parse(page)
    assert [each.text for each in document.iter("script")] == [next(document.iter("script")).text]  # ours alone
    assert not [each for each in document.iter() if each.get("src") or each.get("href")]
    assert not list(document.find("body").iter("b")) or all("<" not in (b.text or "") for b in document.iter("b"))
    whole = "".join(document.find("body").itertext())
    assert visible(HOSTILE.partition(". ")[0]) in whole
    assert "extracted: <b>7</b>" in whole
    assert "\x1b" not in page
    assert "\u202e" not in page
    pieces = [each for each in document.iter("span") if "piece" in each.get("class", "").split()]
    assert pieces[0].get("title") == (
        "sentence 1 · ratio 1.0500 · clipped at the upper bound · advantage +0.500 · 1 token"
    )
    assert pieces[0].get("style") == "--more:0.80"  # log 1.05 / (2 log 1/0.97)
    cards = list(document.iter("article"))
    assert [card.get("data-clipped") for card in cards] == ["1", "0", "1", "0", "0", "1", "0"]
    assert "ratios not recorded" in whole


def test_the_command_prints_filters_and_writes_the_page(run, tmp_path):
    runner = CliRunner()
    out = runner.invoke(app, ["inspect", str(run.path), "--only-clipped", "--sort", "ratio"])
    assert out.exit_code == 0, out.output
    assert out.output.index("[0.700]") < out.output.index("[1.300]") < out.output.index("[1.050]")
    file = tmp_path / "look.html"
    assert runner.invoke(app, ["inspect", str(run.path), "--html", str(file), "--last", "1"]).exit_code == 0
    assert "1 of the run&#39;s 4 saved steps" in file.read_text()
    missing = runner.invoke(app, ["inspect", str(run.path), "--html", str(tmp_path / "no" / "look.html")])
    assert missing.exit_code == 2
