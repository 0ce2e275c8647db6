"""Modules and handlers before the browser's own compiler, and new CSS before its CSS.supports."""

import pytest

from rewards.frontend.syntax import SUPPORTS, check

MODULES = [
    'import {\n a,\n b\n} from "x"\na(b)',
    'import x, {y as z} from "x"; import * as n from "y"; import "z"; n.import(x, z)',
    "import d from './d.json' with { type: 'json' }",
    "export default function () {}\nlet a",
    "export default async function* g() {}",
    "export default class extends (mixin(A)) {}",
    "export default async () => { await 1 }",
    "export default {import: 1, export: 2}",
    "const a = 1, c = 2; export { a as b, c as 'd e' }; export * from 'x'; export * as ns from 'y'",
    "const u = new URL('x', import.meta.url), m = await import('./x.js'); for await (const q of m) {}",
    "const s = `import ${ {a: `x`}.a } export`, t = /[/\"`]/g; if (s) /'/.test(s)\nimport z from 'z'",
    "let i = 0; i++ / 2; const q = 'a/b'; export { i }",
    "const { x } = await import('y')\nexport { x }",
]
BROKEN = [
    'import {a b} from "x"',
    "import a from x",
    'import a from "x" import b from "y"',
    'import {a} from "x"; let a',
    "export { if }",
    "export 5",
    "export default const a = 1",
    "export default 1; export default 2",
    "let a = ;",
    "return 1",
    'if (1) { import a from "x" }',
    "} {",
    "}} {{",
    "function a() {} function a() {}",
    "let await = 1",
    "type A = string; export type B = A",
    "const a = `",
]
CSS = """
@layer a, b; @layer a { p { color: red } }
@view-transition { navigation: auto }
@font-palette-values --p { font-family: x; base-palette: 1 }
@position-try --t { top: anchor(bottom); position-area: top }
@scope (.a) to (.b) { :scope { color: red } img { color: blue } }
@container c (min-width: 400px) { p { color: red } }
@starting-style { .a { opacity: 0 } }
@supports (display: grid) and (not (display: x)) { p { display: grid } }
@property --x { syntax: '<length>'; inherits: false; initial-value: 0px }
@counter-style c { system: cyclic; symbols: '*'; suffix: ' ' }
@font-face { font-family: x; src: url(x); font-display: swap; size-adjust: 90% }
.a { color: red; &:hover { color: blue } .b & { top: 0 } span:hover { top: 1px } @media (width > 3px) { color: red } }
p { text-wrap: balance; color: light-dark(red, oklch(70% 0.1 200)); height: 100dvh; view-transition-name: a }
"""


@pytest.fixture(scope="module")
def judged(browser):
    with browser.page({"": b"<p>x</p>"}, 800, 600) as page:
        page.load()

        def checked(head):
            document = f"<!DOCTYPE html><html><head><title>t</title>{head}</head><body><p>x</p></body></html>"
            return check({"": document.encode()}, page.compiles, lambda pairs: page.evaluate(SUPPORTS, pairs))

        yield checked


@pytest.mark.parametrize("source", MODULES)
def test_a_module_compiles(judged, source):
    assert judged(f"<script type=module>{source}</script>").errors == []


@pytest.mark.parametrize("source", BROKEN)
def test_a_broken_module_does_not(judged, source):
    assert judged(f"<script type=module>{source}</script>").counts["script"] == 1


def test_a_script_is_no_module(judged):
    assert judged('<script>import a from "x"</script>').counts["script"] == 1
    assert judged("<script>await 1</script>").counts["script"] == 1


def test_new_css_is_known(judged):
    assert judged(f"<style>{CSS}</style>").errors == []
