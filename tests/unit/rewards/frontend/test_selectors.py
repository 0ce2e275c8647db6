import pytest

from rewards.frontend.selectors import selector_fault


@pytest.mark.parametrize(
    "css",
    [
        "#a > .b ~ c + d, *",
        "input[name='a[]'][data-x=\"1\" i]",
        "[x~=a][y|=b][*|z]",
        "li:nth-child(2n + 1 of .a):not(.x, :first-child)",
        "a:has(> b, + c):is(:hover, :-moz-focusring)",
        ":is(h1, h2) :where(a)",
        ".sm\\:x.w-1\\/2",
        "é#é.😀",
        "&.x, a&",
        "*|a, |b",
        "dialog:open, :popover-open:NOT(:modal)",
        "a /* c */ b",
        "li:nth-child(1",  # closed by the end of the text, as browsers have it
        "[x='a",
    ],
)
def test_what_the_browser_understands_is_no_fault(css):
    assert selector_fault(css) is None


@pytest.mark.parametrize(
    ("css", "said"),
    [
        ("", "it is empty"),
        ("a,,b", "a part of it is"),
        ("> a", "nothing stands before '>'"),
        ("a > > b", "nothing stands before '>'"),
        ("a ~", "nothing stands after '~'"),
        ("a)", "')' cannot stand there"),
        ("a]", "']' cannot stand there"),
        ("#", "'#' cannot stand there"),
        ("a..b", "'.' cannot stand there"),
        (".w-1/2", "'/' cannot stand there; in a name such marks take a backslash"),
        ("#1a", "[id='1a']"),
        ("text=Go", "'=' cannot stand there"),
        ("//div", "'/' cannot stand there"),
        ("[x=1]", "[x] must be in quotes"),
        ("[x=a b]", "[x] must be in quotes"),
        ("[x!='a']", "'!' is none of ="),
        ("[]", "an attribute's name"),
        ("a:hovr", "unknown pseudo-class 'hovr'; did you mean 'hover'?"),
        ("li:first", "the field `nth`"),
        ("a:contains('x')", "the fields `text` and `contains`"),
        (":not()", "':not()' is empty"),
        (":is(:foo)", "unknown pseudo-class 'foo'"),
        (":nth-child(foo)", "takes odd, even"),
        (":nth-child", "is written with brackets"),
        (":hover()", "is written without brackets"),
        (":has(:has(a))", "inside of ':has'"),
        ("p::before", "is no element of the page"),
        ("svg|a", "namespace 'svg'"),
        (":is(" * 400, "nested too deeply"),
    ],
)
def test_what_throws_or_fits_nothing_is_a_fault(css, said):
    assert said in str(selector_fault(css))
