# ruff: noqa: E501
"""A page about a page: both pictures with boxes where points were lost, the parts of the score, the reasons."""

from __future__ import annotations

import base64
from html import escape

from rewards.frontend.capture import PICTURE_HEIGHT, View
from rewards.frontend.judgement import Judgement, Terms

MOST_BOXES = 24
SMALLEST_COST = 0.002
"""Boxes of reasons that cost less are left out of the pictures."""


def report(judged: Judgement, title: str, terms: Terms | None = None) -> str:
    """The whole report as one HTML document, which asks for nothing else."""
    body = [_summary(judged, title, terms or Terms())]
    if judged.function is not None and judged.function.outcomes:
        body.append(_checks(judged))
    body.append(_reasons(judged))
    if judged.capture is not None:
        body += [_picture(judged, view) for view in judged.capture.views]
    return (
        f"<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>{escape(title)}</title>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<style>{_STYLE}</style></head><body><main>{''.join(body)}</main></body></html>"
    )


def _summary(judged: Judgement, title: str, terms: Terms) -> str:
    notes = {
        "syntax": f"weight {terms.syntax:g}, in proportion to function below {terms.function_gate:g}",
        "function": f"weight {terms.function:g}",
        "aesthetics": f"weight {terms.aesthetics:g}, times function",
        "content": f"multiplies everything below {terms.content_gate:g}",
    }
    rows = "".join(
        f"<tr><th scope='row'>{name}</th><td class='n'>{value:.3f}</td><td>{_bar(value)}</td><td>{notes.get(name, '')}</td></tr>"
        for name, value in judged.components.items()
    )
    return (
        f"<header><h1>{escape(title)}</h1><p class='total'>{judged.total:.3f}</p></header>"
        f"<section><h2>Parts</h2><table><tbody>{rows}</tbody></table></section>"
    )


def _checks(judged: Judgement) -> str:
    assert judged.function is not None
    rows = "".join(
        f"<tr><td class='n'>{each.weight:g}</td><td class='n {'good' if each.credit == 1 else 'bad'}'>{each.credit:.2f}</td>"
        f"<td>{escape(each.name)}</td><td>{escape(each.reason)}</td></tr>"
        for each in judged.function.outcomes
    )
    return (
        "<section><h2>Checks</h2><table><thead><tr><th>Weight</th><th>Credit</th><th>Check</th><th>What failed</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></section>"
    )


def _reasons(judged: Judgement) -> str:
    sections = []
    for part, reasons in judged.reasons.items():
        if part == "aesthetics" and judged.looks is not None:
            items = "".join(
                f"<tr><td class='n'>{each.cost:.3f}</td><td class='n'>{each.viewport or ''}</td><td>{escape(each.text)}</td></tr>"
                for each in judged.looks.reasons[:40]
            )
            parts = "".join(
                f"<tr><th scope='row'>{escape(name)}</th><td class='n'>{value:.2f}</td><td>{_bar(value)}</td></tr>"
                for name, value in judged.looks.parts.items()
            )
            sections.append(
                f"<section><h2>Lost in aesthetics</h2><table><thead><tr><th>Cost</th><th>Width</th><th>Why</th></tr></thead>"
                f"<tbody>{items}</tbody></table><details><summary>All metrics</summary><table><tbody>{parts}</tbody></table>"
                "</details></section>"
            )
        elif reasons and not (part == "function" and judged.function is not None and judged.function.outcomes):
            listed = "".join(f"<li>{escape(each)}</li>" for each in reasons)
            sections.append(f"<section><h2>Lost in {escape(part)}</h2><ul>{listed}</ul></section>")
    return "".join(sections)


def _picture(judged: Judgement, view: View) -> str:
    height = max(1.0, min(view.page_height, PICTURE_HEIGHT))
    marks: list[tuple[str, tuple[float, ...], str]] = []
    if judged.looks is not None:
        marks += [
            (f"{reason.text} ({reason.cost:.3f})", tuple(reason.box), "looks")
            for reason in judged.looks.reasons
            if reason.viewport == view.width and reason.box is not None and reason.cost >= SMALLEST_COST
        ]
    if view.width == 1280:
        marks += [(text, box, "works") for text, box in judged.control_boxes]
    drawn = []
    for number, (text, (x, y, w, h), kind) in enumerate(marks[:MOST_BOXES], start=1):
        if y > height or w <= 0 or h <= 0:
            continue
        drawn.append(
            f"<g class='{kind}'><title>{escape(text)}</title><rect x='{x:.0f}' y='{y:.0f}' width='{w:.0f}' height='{h:.0f}'/>"
            f"<text x='{max(x, 2) + 3:.0f}' y='{max(y, 0) + 15:.0f}'>{number}</text></g>"
        )
    data = base64.b64encode(view.png).decode()
    listed = "".join(f"<li>{escape(text)}</li>" for text, _, _ in marks[:MOST_BOXES])
    return (
        f"<section><h2>At {view.width} pixels</h2><div class='shot'><svg viewBox='0 0 {view.width} {height:.0f}' "
        f"style='max-width:{view.width}px' role='img' aria-label='The page at {view.width} pixels'>"
        f"<image href='data:image/png;base64,{data}' width='{view.width}' height='{height:.0f}'/>{''.join(drawn)}</svg></div>"
        + (f"<ol class='legend'>{listed}</ol>" if listed else "")
        + "</section>"
    )


def _bar(value: float) -> str:
    width = 160 * max(0.0, min(1.0, value))
    return f"<svg class='bar' width='160' height='10' aria-hidden='true'><rect class='all' width='160' height='10' rx='5'/><rect class='part' width='{width:.0f}' height='10' rx='5'/></svg>"


_STYLE = """
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--paper:#fff;--card:#f6f8fa;--mark:#c2255c;--good:#1a7f37;--bad:#c62828;--works:#0b66d0}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4af;--line:#30363d;--paper:#0d1117;--card:#161b22;--mark:#ff6b9d;--good:#3fb950;--bad:#ff7b72;--works:#58a6ff}}
*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:1360px;margin:0 auto;padding:32px 24px}header{display:flex;justify-content:space-between;align-items:baseline;gap:24px;flex-wrap:wrap}
h1{font-size:26px;margin:0;overflow-wrap:anywhere}.total{font-size:40px;font-weight:700;margin:0}h2{font-size:19px;margin:0 0 12px}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:20px;margin-top:20px;overflow-x:auto}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:6px 12px 6px 0;border-top:1px solid var(--line);vertical-align:top;font-size:15px}
tr:first-child>*{border-top:0}thead th{color:var(--soft);font-weight:600}tbody th{font-weight:600;white-space:nowrap}
.n{font-variant-numeric:tabular-nums;white-space:nowrap}.good{color:var(--good)}.bad{color:var(--bad)}
.bar{vertical-align:middle}.bar .all{fill:var(--line)}.bar .part{fill:var(--works)}ul,ol{margin:0;padding-left:24px}
.shot svg{width:100%;height:auto;border:1px solid var(--line);display:block;background:#fff}
.shot rect{fill:none;stroke:var(--mark);stroke-width:2}.shot .works rect{stroke:var(--works)}
.shot text{font:bold 13px system-ui,sans-serif;fill:var(--mark);paint-order:stroke;stroke:#fff;stroke-width:4px}.shot .works text{fill:var(--works)}
.legend{margin-top:12px;color:var(--soft);columns:2 320px;font-size:14px}details{margin-top:12px}summary{cursor:pointer}
"""
