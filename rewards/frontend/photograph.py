"""Takes the capture of a loaded page: still, scrolled through once, at each width."""

from __future__ import annotations

from rewards.frontend.capture import HEIGHTS, PICTURE_HEIGHT, WIDTHS, Capture, View, collector
from rewards.frontend.page import Page

STILL = """() => {
  dom.finish((animation) => { animation.pause(); animation.currentTime = 0; });
  for (const each of dom.page.querySelectorAll("video,audio")) each.pause();
  const active = dom.page.activeElement;
  if (active && active !== dom.page.body) active.blur();
}"""
"""Movement that ends is brought to its end, movement that does not to its beginning."""

STEP = """(height) => {
  const most = Math.min(dom.page.documentElement.scrollHeight, height) - innerHeight;
  if (scrollY >= most - 1) { window.scrollTo({ top: 0, behavior: "instant" }); return false; }
  window.scrollTo({ top: Math.min(scrollY + innerHeight * 0.9, most), behavior: "instant" });
  return true;
}"""
"""One step of scrolling down, so that what appears when it is reached has appeared."""

HAS_BODY = "() => Boolean(dom.page.body) && dom.page.contentType === 'text/html'"


def photograph(page: Page) -> Capture:
    """The page at both widths; it is left at the narrow one. A page without a body gives an empty capture."""
    views = []
    for width in WIDTHS:
        if page.width != width:
            page.resize(width, HEIGHTS[width])
            page.run(200)
        if not page.evaluate(HAS_BODY):
            return Capture(())
        if width == WIDTHS[0]:
            for _ in range(6):
                if not page.evaluate(STEP, PICTURE_HEIGHT):
                    break
                page.run(80)
            page.run(400)
        page.evaluate(STILL)
        page.run(50)
        page.evaluate(STILL)
        answer = page.evaluate(collector())
        height = max(1, min(float(answer["pageHeight"]), PICTURE_HEIGHT))
        views.append(
            View.from_page({**answer, "width": width}, page.picture(height, leftwards=bool(answer["leftwards"])))
        )
    return Capture(tuple(views))
