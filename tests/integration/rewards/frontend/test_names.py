"""What checks are refused for is what the browser does not understand."""

import pytest

from rewards.frontend.known import CSS_PROPERTIES, PSEUDO_CLASSES
from rewards.frontend.selectors import selector_fault

UNDERSTOOD = "(all) => all.map((css) => { try { document.querySelectorAll(css); return true } catch { return false } })"
SELECTORS = """
a>b~c+d|*|#a#b.c[d]|[x='a' i]|[x=a i]|[x~=a]|li:nth-child(-n + 3 of .a)|:not(a b)|:has(> a, + b):is(a, :foo)
a >|> a|a,,b|a..b|#1|.1a|a]|[x=1]|[x!=a]|[x=a b]|a:hovr|:not()|:has(:has(a))|:nth-child(foo)|:nth-of-type(2 of a)
li:nth-child(1|[x='a|a /* c */ b|a/**/b|&.a|&a|a&|a*|*.a|.sm\\:x|.sm:x|.w-1/2|text=Go|//a|a >>> b|é|.😀
:hover()|:is|a:eq(0)
"""


@pytest.fixture(scope="module")
def page(browser):
    with browser.page({"": b"<!DOCTYPE html><p>x</p>"}, 1280, 800) as opened:
        opened.load()
        yield opened


def test_selectors_are_refused_that_throw(page):
    selectors = [each for line in SELECTORS.split("\n") for each in line.split("|") if each]
    understood = page.evaluate(UNDERSTOOD, selectors)
    assert [
        each for each, fine in zip(selectors, understood, strict=True) if fine != (selector_fault(each) is None)
    ] == []


def test_the_browsers_names_are_known(page):
    """A newer browser may know more: add what is missing to names.yaml."""
    properties = page.evaluate("() => [...getComputedStyle(document.documentElement)]")
    assert set(properties) - CSS_PROPERTIES == set()
    classes = sorted(PSEUDO_CLASSES)
    understood = page.evaluate(UNDERSTOOD, [f":{each}" for each in classes])
    assert [each for each, fine in zip(classes, understood, strict=True) if not fine] == []
