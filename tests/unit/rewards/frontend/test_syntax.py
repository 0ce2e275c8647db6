import pytest

from rewards.frontend.syntax import HALVES_AT, check

HEAD = "<!DOCTYPE html><html><head><title>t</title></head><body>"


def checked(body, compiles=lambda source: None, supports=lambda pairs: [True] * len(pairs), **files):
    document = f"{HEAD}{body}</body></html>"
    return check({"": document.encode(), **{name: text.encode() for name, text in files.items()}}, compiles, supports)


def test_a_clean_page_has_all_points():
    found = checked("<style>p { color: red }</style><p style='margin: 0'>x</p><script>let a</script>")
    assert found.score == 1
    assert found.errors == []


def test_errors_are_counted_per_kilobyte():
    wrong = "<p>x</b></p>"
    short = checked(wrong)
    long = checked(wrong + "<p>word</p>" * 1000)
    assert short.counts == long.counts == {"html": 1, "css": 0, "script": 0}
    assert short.per_kb == 1  # less than a kilobyte counts as one
    assert short.score == pytest.approx(2 ** (-1 / HALVES_AT))
    assert long.score > 0.95


@pytest.mark.parametrize(
    "fine", ["<p>a &amp b</p>", "<template><tr><td>x</td></tr></template>", "<select><option>a<hr></select>"]
)
def test_what_the_standard_allows_is_no_error(fine):
    assert [each for each in checked(fine).errors if "select" in fine or "template" in fine] == []


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        ("p { color: red", "1 brace not closed"),
        ("p { color: red } }", "1 brace too many"),
        ("p { color: red } /* note", "a comment is not closed"),
        ("p { color red }", ""),
        ("{ color: red }", "a rule without a selector"),
    ],
)
def test_what_browsers_mend_in_css_is_still_wrong(sheet, said):
    found = checked(f"<style>{sheet}</style>")
    assert found.counts["css"] >= 1
    assert any(said in each for _, each in found.errors)


def test_braces_in_texts_and_comments_do_not_count():
    assert checked("<style>p::before { content: '}' } /* } */ a { background: url(x/*y) }</style>").counts["css"] == 0


def test_declarations_are_asked_of_the_browser_and_only_those_it_can_know():
    asked = []

    def supports(pairs):
        asked.extend(pairs)
        return [name != "colour" for name, _ in pairs]

    sheet = (
        "p { colour: red; margin: 1px; --x: y; width: var(--x); -moz-appearance: none } @media print { b { top: 0 } }"
    )
    found = checked(f"<style>{sheet} @font-face {{ src: url(x) }}</style>", supports=supports)
    assert asked == [("colour", "red"), ("margin", "1px"), ("top", "0")]
    assert found.errors == [("css", "unknown declaration colour: red")]


def test_scripts_handlers_and_data_are_compiled_and_not_templates():
    seen = []

    def compiles(source):
        seen.append(source)
        return "SyntaxError" if "oops(" in source else None

    body = """<button onclick="oops(">x</button><script>one</script>
    <script type="module">import a from "b"; two</script>
    <script type="text/template">{{ three }}</script><script type="application/json">{"a": }</script>"""
    found = checked(body, compiles, **{"app.js": "four"})
    assert found.counts["script"] == 2
    assert any("onclick: SyntaxError" in said for _, said in found.errors)
    assert not any("three" in source or "import" in source for source in seen)
    assert any("four" in source for source in seen)
