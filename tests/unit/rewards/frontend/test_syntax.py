import random
import re

import pytest

from rewards.frontend.javascript import as_script_body
from rewards.frontend.syntax import HALVES_AT, LONGEST_KB, MOST_PARSED, check

HEAD = "<!DOCTYPE html><html><head><title>t</title></head><body>"


def checked(body, compiles=lambda source: None, supports=lambda pairs: [True] * len(pairs), **files):
    document = f"{HEAD}{body}</body></html>"
    return check({"": document.encode(), **{name: text.encode() for name, text in files.items()}}, compiles, supports)


def test_a_clean_page_has_all_points():
    found = checked("<style>p { color: red }</style><p style='margin: 0'>x</p><script>let a</script>")
    assert found.score == 1
    assert found.errors == []


def words(count, seed=1):
    """Text that cannot be compressed much, in paragraphs."""
    draw = random.Random(seed)
    said = ["".join(draw.choices("etaoinshrdlucm", k=draw.randint(2, 9))) for _ in range(count)]
    return "".join(f"<p>{' '.join(said[at : at + 12])}</p>" for at in range(0, count, 12))


WRONG = "<p>x</b></p>"


def test_errors_are_counted_per_kilobyte():
    short, long = checked(WRONG), checked(WRONG + words(1000))
    assert short.counts == long.counts == {"html": 1, "css": 0, "script": 0}
    assert short.per_kb == 1  # less than a kilobyte counts as one
    assert short.score == pytest.approx(2 ** (-1 / HALVES_AT))
    assert long.per_kb == pytest.approx(1024 / len(HEAD + WRONG + words(1000)), rel=0.02)


@pytest.mark.parametrize(
    "filler",
    [
        f"<!-- {words(20_000)[:100_000]} -->",
        f"<style>/* {words(20_000)} */</style>",
        f"<script>// {words(20_000)}\n/* {words(10_000)} */</script>",
        " \n" * 50_000,
        f"<img alt='' src='data:image/png;base64,{re.sub('[^a-z]', '', words(20_000))}'>",
        f"<p data-x='{words(10_000)}'></p>",
        f"<p>{re.sub('</?p>', '', words(10_000))}</p>",
        "<p>the same again</p>" * 5_000,
        f"<style>{'.a { color: red }' * 5_000}</style>",
    ],
    ids=["comment", "css", "js", "space", "data", "attribute", "text", "paragraphs", "rules"],
)
def test_what_is_no_code_or_the_same_again_makes_no_error_cheaper(filler):
    plain = checked(WRONG * 3)
    assert plain.per_kb == 3
    for padded in (checked(WRONG * 3 + filler), checked(filler + WRONG * 3)):
        assert padded.counts == plain.counts
        assert padded.per_kb > 1.4


def test_an_error_costs_something_however_long_the_page():
    long = checked(WRONG + words(12_000))
    assert long.counts["html"] == 1
    assert long.per_kb == 1 / LONGEST_KB


def test_what_is_too_much_to_be_parsed_counts_as_wrong():
    front = words(25_000)
    assert len(front) > MOST_PARSED
    hidden = checked(front + WRONG * 1000)
    assert hidden.score < 0.5
    assert "too much to be read" in hidden.errors[0][1]
    deep = checked("<div>" * 3000)
    assert deep.score < 0.5
    sheet = " ".join(f".a{number} {{ color: red }}" for number in range(8000))
    assert checked(f"<style>{sheet} b {{ c }}</style>").score < 0.5
    # All handlers but the first few hundred, and brackets that no parser can follow.
    assert checked("".join(f"<p on{'click'}='{'x' * n}'></p>" for n in range(1, 400))).counts["script"] == 99
    assert checked(f"<style>p {{ color: {'(' * 20_000} }}</style>").counts["css"] >= 1


def test_lines_are_told_as_they_are_in_the_source():
    found = checked("\n<!-- a\n\nb -->\n<template>\n<p>\n</i></p></template>\n</b>")
    assert [said.rpartition("(")[2] for _, said in found.errors] == ["line 8)", "line 7)"]


@pytest.mark.parametrize(
    "fine",
    [
        "<p>a &amp; b</p><!-- a -- b -->",
        "<a href='?a=1&copy=2&lang=en&lt=3'>x</a>",
        "<template><tr><td>x</td></tr></template>",
        "<table><template><tr><td>x</td></tr></template><tbody><tr><td>x</td></tr></tbody></table>",
        "<x-y><template shadowrootmode=open><style>p{}</style><template><li>x</li></template></template></x-y>",
        "<select><option>a</option><hr></select>",
        "<select><button><selectedcontent></selectedcontent></button><option><span>x</span></option></select>",
        "<search><p>x</search><p>a<search>b</search><button popovertarget=p>x</button><div popover id=p>x</div>",
        "<dialog open><form method=dialog><button><p>x</p></button></form></dialog>",
        "<svg><defs><clipPath id=c><rect/></clipPath></defs><path d=M0 /><foreignObject><p>x</p></foreignObject></svg>",
        "<math><mfrac><mn>1</mn><mi>x</mi></mfrac></math><x-card><h2 slot=a>x</h2></x-card>",
        "<textarea><script>if (</script></b></textarea>",
    ],
)
def test_what_the_standard_allows_is_no_error(fine):
    assert checked(fine, compiles=lambda source: "SyntaxError").errors == []


@pytest.mark.parametrize(
    "wrong",
    [
        "<p><div>x</div></p>",
        "<select><option>a",
        "<p>&copy 2024</p>",
        "<x-y><template shadowrootmode=open><p></b></p></template></x-y>",
        "<div/>x",
    ],
)
def test_what_the_standard_forbids_is_an_error(wrong):
    assert checked(wrong).counts["html"] >= 1


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
    sheet = "p::before { content: '}' } /* } */ a { background: url(x/*y); content: '/*' }"
    assert checked(f"<style>{sheet}</style>").counts["css"] == 0


def test_declarations_are_asked_of_the_browser_and_only_those_it_can_know():
    asked = []

    def supports(pairs):
        asked.extend(pairs)
        return [name != "colour" for name, _ in pairs]

    sheet = "p { colour: red; margin: 1px; line-clamp: 2; --x: y; width: var(--x); -moz-appearance: none }"
    sheet += " @media print { b { top: 0 } }"
    new = "@view-transition { navigation: auto } @font-palette-values --a { base-palette: 1 } @layer a, b;"
    found = checked(f"<style>{sheet} @font-face {{ src: url(x) }} {new}</style>", supports=supports)
    assert asked == [("colour", "red"), ("margin", "1px"), ("top", "0")]
    assert found.errors == [("css", "unknown declaration colour: red")]


def test_scripts_handlers_and_data_are_compiled_and_not_templates():
    seen = []

    def compiles(source):
        seen.append(source)
        return "SyntaxError" if "oops(" in source else None

    body = """<button onclick="oops(">x</button><script>one</script>
    <script type="module">import a from "b"; two</script>
    <script type="text/template">{{ three }}</script><script type="application/json">{"a": }</script>
    <script type="application/json"></script>"""
    found = checked(body, compiles, **{"app.js": "four"})
    assert found.counts["script"] == 2
    assert any("onclick: SyntaxError" in said for _, said in found.errors)
    assert not any("three" in source or "import" in source for source in seen)
    assert any("four" in source for source in seen)


def test_only_events_have_handlers():
    seen = []
    checked(
        "<x-y once='a b' one-way='c d' online='e' on-click='f g' onward='h i' onpointerdown='ok()'>x</x-y>", seen.append
    )
    assert [source for source in seen if "ok()" in source] == seen != []


def test_a_file_is_a_module_unless_the_document_loads_it_as_a_script():
    seen = []
    files = {"js/main.js": "await one", "store.js": "await two", "old.js": "three"}
    checked("<script type=module src=js/main.js></script><script src=./old.js?v=1></script>", seen.append, **files)
    assert seen[2] == "three"
    assert all("static" in source or "async" in source for source in seen[:2])


@pytest.mark.parametrize(
    ("module", "script"),
    [
        ('import {\n a,\n b as c,\n} from "x"; f()', "const a = 0, c = 0;\n\n\n; f()"),
        ("import x, * as y from 'z' // import q from 'q'", "const x = 0, y = 0; // import q from 'q'"),
        ("import d from './d.json' with { type: 'json' }", "const d = 0;"),
        ("import 'x'\nawait import('y')", "void 0;\nawait import('y')"),
        ("export default function () {}", "function  default$ () {}"),
        ("export default async function f() {}", "async function f() {}"),
        ("export default class extends A {}", "class default$ extends A {}"),
        ("export default a => `export ${import.meta.url}`", "const default$ =  a => `export ${import$meta.url}`"),
        ("export { a as b, c }; export * from 'x'", "void [a, c];; void 0;"),
        ("export const a = /import'/, b = {import: 1}", "const a = /import'/, b = {import: 1}"),
        ("if (a) { import b from 'c' }", "if (a) { import b from 'c' }"),
        ("import a b from 'c'", "import a b from 'c'"),
        ("import a from 'b' import c from 'd'", "import a from 'b' const c = 0;"),
        ("export 5", "export 5"),
    ],
)
def test_modules_are_told_to_the_compiler_as_scripts(module, script):
    assert as_script_body(module) == script
