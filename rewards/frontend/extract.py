"""Finds the page in a model's response: a fenced block, a bare document, or several files that belong together."""

from __future__ import annotations

import re
from dataclasses import dataclass

LARGEST = 512 * 1024
"""Bytes of all files together. More is no page that a model wrote by hand, and takes the browser too long."""

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*([^\n`]*)$", re.MULTILINE)
_FILE_NAME = re.compile(r"[\w./-]+\.(?:html?|css|m?js|svg|json)\b", re.IGNORECASE)
_HTML = re.compile(r"<!doctype\s+html|<html[\s>]|<body[\s>]|<head[\s>]", re.IGNORECASE)
_TAG = re.compile(
    r"<(div|main|section|header|form|button|p|h1|h2|ul|table|svg|canvas|style|script|input|nav|article)\b", re.I
)
_KINDS = {
    "html": "html", "htm": "html", "xhtml": "html", "css": "css", "js": "js", "javascript": "js", "mjs": "js",
    "svg": "svg", "json": "json",
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """The files of a page by path; "" is the document. None with a ``reason`` where there is no page."""

    files: dict[str, bytes] | None
    reason: str = ""
    truncated: bool = False
    """The last fence was not closed and there was no closed one."""


@dataclass(frozen=True)
class _Block:
    kind: str
    name: str
    text: str
    complete: bool


def find_page(response: str) -> Found:
    """The page of a response. Reasoning before ``</think>`` is left out."""
    text = response.rpartition("</think>")[2] if "</think>" in response else response
    if "<think>" in text:
        return Found(None, "the reasoning was not closed, so there is no answer")
    blocks = _blocks(text)
    complete = [block for block in blocks if block.complete]
    chosen = complete if any(block.kind == "html" for block in complete) else blocks
    pages = [block for block in chosen if block.kind == "html"]
    if pages:
        named = [page for page in pages if page.name.lower().endswith("index.html")]
        page = named[-1] if named and len(pages) > 1 and all(each.name for each in pages) else pages[-1]
        return _bounded(_combined(page, chosen), not page.complete)
    if blocks:
        kinds = ", ".join(sorted({block.kind or "text" for block in blocks}))
        return Found(None, f"no HTML among the fenced blocks ({kinds})")
    bare = _bare(text)
    if bare is None:
        return Found(
            None, "no HTML document and no fenced block in the response" if text.strip() else "an empty response"
        )
    return _bounded({"": bare}, "</html>" not in bare.lower() and "<html" in bare.lower())


def _blocks(text: str) -> list[_Block]:
    found: list[_Block] = []
    position = 0
    while opened := _FENCE.search(text, position):
        mark, info = opened.group(1), opened.group(2).strip()
        closing = re.compile(rf"^ {{0,3}}{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$", re.MULTILINE)
        closed = closing.search(text, opened.end())
        content = text[opened.end() + 1 : closed.start() if closed else len(text)]
        above = text[position : opened.start()].rstrip().rpartition("\n")[2]
        found.append(_block(info, above, content, closed is not None))
        if closed is None:
            break
        position = closed.end()
    return found


def _block(info: str, above: str, content: str, complete: bool) -> _Block:
    first = content.lstrip().partition("\n")[0]
    comment = first if re.match(r"<!--|/\*|//", first) else ""
    name = next((each.group() for line in (info, comment, above) if (each := _FILE_NAME.search(line))), "")
    kind = _KINDS.get(re.split(r"[\s,:{]", info.lower() + " ")[0], "") or _KINDS.get(
        name.rpartition(".")[2].lower(), ""
    )
    looks_like_html = bool(_HTML.search(content) or (_TAG.search(content) and content.lstrip().startswith("<")))
    if kind == "html" or (kind in ("", "svg") and looks_like_html):
        kind = "html" if looks_like_html or content.strip().startswith("<") else ""
    return _Block(kind, name.lstrip("./"), content, complete)


def _combined(page: _Block, blocks: list[_Block]) -> dict[str, bytes]:
    """The document with the style sheets and scripts of the same answer: under the names by which it asks for them, or
    put in where it asks for none."""
    files = {"": page.text}
    for kind, pattern, start, end, mark in (
        ("css", r"<link\b[^>]*\bhref\s*=\s*[\"']?([^\"'\s>]+\.css)", "<style>", "</style>", "</head>"),
        ("js", r"<script\b[^>]*\bsrc\s*=\s*[\"']?([^\"'\s>]+\.m?js)", "<script>", "</script>", "</body>"),
    ):
        others = [block for block in blocks if block.kind == kind]
        asked = [name for name in re.findall(pattern, page.text, re.IGNORECASE) if "//" not in name]
        named = {block.name.rpartition("/")[2]: block for block in others if block.name}
        unnamed = [block for block in others if not block.name]
        for name in asked:
            block = named.pop(name.rpartition("/")[2].partition("?")[0], None) or (unnamed.pop(0) if unnamed else None)
            if block is not None:
                files[name.lstrip("./").partition("?")[0]] = block.text
        if others and not asked and start[:-1] not in page.text.lower():
            added = f"{start}\n" + "\n".join(block.text for block in others) + f"\n{end}"
            at = files[""].lower().rfind(mark)
            files[""] = files[""][:at] + added + files[""][at:] if at >= 0 else files[""] + added
    files |= {block.name: block.text for block in blocks if block.kind in ("json", "svg") and block.name}
    return {name: text.encode("utf-8", "replace") for name, text in files.items()}


def _bare(text: str) -> str | None:
    opened = re.search(r"<!doctype\s+html|<html[\s>]", text, re.IGNORECASE)
    if opened is None:
        stripped = text.strip()
        return stripped if stripped.startswith("<") and _TAG.search(stripped) else None
    end = text.lower().rfind("</html>")
    return text[opened.start() : end + len("</html>") if end > opened.start() else len(text)]


def _bounded(files: dict[str, str] | dict[str, bytes], truncated: bool) -> Found:
    encoded = {
        name: text if isinstance(text, bytes) else text.encode("utf-8", "replace") for name, text in files.items()
    }
    size = sum(len(content) for content in encoded.values())
    if size > LARGEST:
        return Found(None, f"the page has {size // 1024} KB; the limit is {LARGEST // 1024}")
    return Found(encoded, truncated=truncated)
