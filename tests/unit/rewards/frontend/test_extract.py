import pytest

from rewards.frontend.extract import LARGEST, find_page

PAGE = "<!DOCTYPE html>\n<html><head><title>t</title></head><body><p>one</p></body></html>"


def test_the_last_complete_fence_is_the_page():
    found = find_page(f"First try:\n```html\n<p>old</p>\n```\nBetter:\n```html\n{PAGE}\n```\nand\n```html\n<p>cut")
    assert found.files == {"": (PAGE + "\n").encode()}
    assert not found.truncated


def test_an_unclosed_fence_counts_where_no_other_is_complete():
    found = find_page(f"```html\n{PAGE[:60]}")
    assert found.files == {"": PAGE[:60].encode()}
    assert found.truncated


def test_a_fence_within_a_longer_fence_is_content():
    found = find_page(f"````html\n{PAGE}\n```\n````")
    assert found.files is not None
    assert b"```" in found.files[""]


def test_a_bare_document_ends_where_it_closes():
    assert find_page(f"Here it is: {PAGE}\nI hope you like it.").files == {"": PAGE.encode()}


def test_a_fragment_that_begins_with_a_tag_is_a_page():
    assert find_page("<div><p>x</p></div>").files == {"": b"<div><p>x</p></div>"}


def test_files_are_served_under_the_names_that_the_document_asks_for():
    response = """**index.html**
```html
<html><head><link rel="stylesheet" href="css/style.css"></head><body><script src="app.js"></script></body></html>
```
`style.css`
```css
p { color: red }
```
```js
let a = 1
```"""
    found = find_page(response).files
    assert found is not None
    assert found["css/style.css"] == b"p { color: red }\n"
    assert found["app.js"] == b"let a = 1\n"


def test_sheets_and_scripts_that_nothing_asks_for_are_put_in():
    found = find_page(
        "```html\n<html><head></head><body><p>x</p></body></html>\n```\n```css\np{}\n```\n```js\nlet a\n```"
    ).files
    assert found is not None
    assert found[""].decode().index("<style>") < found[""].decode().index("</head>")
    assert b"<script>\nlet a\n\n</script></body>" in found[""]


def test_a_document_with_its_own_script_is_left_alone():
    page = "<html><body><style>p{}</style><script>let a</script></body></html>"
    assert find_page(f"```html\n{page}\n```\nlike\n```js\nother()\n```").files == {"": f"{page}\n".encode()}


def test_reasoning_is_not_the_answer():
    found = find_page(f"<think>```html\n<p>draft</p>\n```</think>\n```html\n{PAGE}\n```")
    assert found.files == {"": (PAGE + "\n").encode()}


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ("", "an empty response"),
        ("I cannot do that.", "no HTML document"),
        ("```python\nprint(1)\n```", "no HTML among"),
        (f"<think>so```html\n{PAGE}\n```", "reasoning was not closed"),
        ("<div>" + "x" * LARGEST, "the limit is 512"),
    ],
)
def test_where_there_is_no_page_the_reason_is_told(response, reason):
    found = find_page(response)
    assert found.files is None
    assert reason in found.reason
