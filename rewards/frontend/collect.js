// What is laid out on this page: boxes with their computed styles, and lines of text. Evaluated after dom.js in a world of its own,
// where the page cannot have replaced the functions used. The rows keep the order of the fields of Box and TextLine in capture.py.
(() => {
  const { clean, plain, page, kind, inside, rgba } = dom;
  const MOST_BOXES = 2500, MOST_LINES = 2500, DEEPEST = 2400;
  const boxes = [], lines = [], blocks = [], fixedness = [];
  let hiddenChars = 0, left = 0;
  // Where the origin of client coordinates lies on the page; in a frame that of its document.
  let sx = window.scrollX, sy = window.scrollY;
  const px = (value) => parseFloat(value) || 0;
  const round = (value) => Math.round(value * 100) / 100;

  const colours = new Map();
  let ink = null;
  const colour = (text) => {
    let known = colours.get(text);
    if (known) return known;
    known = rgba(text);
    if (!known) {
      // Other colour spaces are asked of a canvas, which knows them all.
      if (!ink) {
        const canvas = document.createElement("canvas");
        canvas.width = canvas.height = 1;
        ink = canvas.getContext("2d", { willReadFrequently: true });
      }
      ink.clearRect(0, 0, 1, 1);
      ink.fillStyle = "#000";
      ink.fillStyle = text;
      ink.fillRect(0, 0, 1, 1);
      const data = ink.getImageData(0, 0, 1, 1).data;
      known = [data[0], data[1], data[2], data[3] / 255];
    }
    colours.set(text, known);
    return known;
  };

  const clipped = (rect, clip) => {
    const x0 = Math.max(rect[0], clip[0]), y0 = Math.max(rect[1], clip[1]);
    const x1 = Math.min(rect[0] + rect[2], clip[0] + clip[2]), y1 = Math.min(rect[1] + rect[3], clip[1] + clip[3]);
    return x1 > x0 && y1 > y0 ? [round(x0), round(y0), round(x1 - x0), round(y1 - y0)] : [round(x0), round(y0), 0, 0];
  };
  const INLINE = /^(inline|contents|ruby)$/;
  const CONTROLS = "a[href],button,input:not([type=hidden]),select,textarea,summary,[role=button],[role=tab],[onclick]";
  const range = document.createRange();

  const text = (node, index, block, clip) => {
    const words = clean(node.data);
    if (!words) return;
    range.selectNodeContents(node);
    const rects = [...range.getClientRects()].filter((rect) => rect.width > 0 && rect.height > 0);
    const total = rects.reduce((sum, rect) => sum + rect.width, 0);
    if (!total) { hiddenChars += words.length; return; }
    for (const rect of rects) {
      if (lines.length >= MOST_LINES) return;
      const seen = clipped([rect.left + sx, rect.top + sy, rect.width, rect.height], clip);
      lines.push([index, block, round(rect.left + sx), round(rect.top + sy), round(rect.width), round(rect.height),
        round(words.length * rect.width / total), round(seen[2] * seen[3] / (rect.width * rect.height)), words.slice(0, 120)]);
    }
  };

  const SKIPPED = new Set(["script", "style", "template", "noscript", "link", "meta", "title"]);
  const EVERYWHERE = [-1e7, -1e7, 2e7, 2e7];

  const walk = (element, parent, block, clip, opacity, fixed, idle) => {
    const it = plain(element), tag = it.localName;
    if (SKIPPED.has(tag)) return;
    const style = getComputedStyle(element);
    if (style.display === "none") { hiddenChars += (it.textContent || "").replace(/\s+/g, " ").length; return; }
    const rect = it.getBoundingClientRect();
    if (boxes.length >= MOST_BOXES) { if (rect.top + sy < DEEPEST) left += 1 + (it.textContent || "").replace(/\s+/g, " ").length; return; }
    // What is empty and of no size is not drawn.
    if (rect.width * rect.height < 2 && !inside(element).length) return;
    const own = [rect.left + sx, rect.top + sy, rect.width, rect.height];
    const stays = fixed || style.position === "fixed" || style.position === "sticky";
    // A fixed box escapes its clipping ancestors (an absolute one may, which is rare enough to leave).
    const frame = style.position === "fixed" ? EVERYWHERE : clip;
    const alpha = opacity * px(style.opacity);
    const hidden = style.visibility !== "visible" || alpha < 0.05;
    const index = boxes.length;
    const here = INLINE.test(style.display) && block >= 0 ? block : index;
    const image = style.backgroundImage;
    const sides = ["Top", "Right", "Bottom", "Left"];
    let border = 0, side = "Top";
    for (const name of sides) {
      const width = style["border" + name + "Style"] === "none" ? 0 : px(style["border" + name + "Width"]);
      if (width > border) { border = width; side = name; }
    }
    let names = typeof it.className === "string" ? it.className.trim().split(/\s+/).sort().join(".") : "";
    // What is chosen may look different, whether a class says so or an attribute.
    if (it.matches("[aria-selected=true],[aria-pressed=true],[aria-checked=true],[aria-current]:not([aria-current=false])")) names += (names ? "." : "") + "chosen";
    let label = it.getAttribute("aria-label") || it.getAttribute("placeholder") || it.getAttribute("alt") || "";
    if (!label && (tag === "input" || tag === "textarea")) label = String(it.value || "");
    const control = it.matches(CONTROLS);
    const inactive = idle || it.matches(":disabled,[aria-disabled=true]");
    let within = frame;
    const clips = style.overflowX !== "visible" || style.overflowY !== "visible" || /paint|strict|content/.test(style.contain);
    boxes.push([
      parent, tag, names ? tag + "." + names : tag, round(own[0]), round(own[1]), round(own[2]), round(own[3]),
      hidden ? [round(own[0]), round(own[1]), 0, 0] : clipped(own, frame),
      style.display, style.position, style.overflowX === style.overflowY ? style.overflowX : style.overflowX + " " + style.overflowY,
      round(alpha), colour(style.webkitTextFillColor || style.color), colour(style.backgroundColor),
      image === "none" ? "" : image.includes("url(") ? "url" : "gradient",
      border, colour(style["border" + side + "Color"]), style["border" + side + "Style"],
      px(style.borderTopLeftRadius), style.boxShadow === "none" ? "" : style.boxShadow,
      style.fontFamily, px(style.fontSize), px(style.fontWeight) || 400,
      style.lineHeight === "normal" ? 0 : px(style.lineHeight), style.textAlign, style.textDecorationLine,
      px(style.letterSpacing), sides.map((name) => px(style["margin" + name])), sides.map((name) => px(style["padding" + name])),
      [px(style.rowGap), px(style.columnGap)],
      [it.scrollWidth, it.clientWidth, it.scrollHeight, it.clientHeight],
      stays, control, label.slice(0, 120), inactive,
    ]);
    if (clips && tag !== "body" && tag !== "html") {
      const cut = clipped(own, frame);
      within = [
        style.overflowX === "visible" ? frame[0] : cut[0], style.overflowY === "visible" ? frame[1] : cut[1],
        style.overflowX === "visible" ? frame[2] : cut[2], style.overflowY === "visible" ? frame[3] : cut[3],
      ];
    }
    if (style.clipPath !== "none" || (style.clip !== "auto" && style.position === "absolute")) {
      // The usual way to keep text for screen readers only: clipped to nothing.
      if (/^rect\((0px|1px)|inset\(50%|inset\(100%/.test(style.clipPath + style.clip) || own[2] <= 1) within = [own[0], own[1], 0, 0];
    }
    if (tag === "svg") { for (const each of element.children) drawing(each, index, within, alpha, stays); return; }
    if (tag === "iframe") { frameOf(element, index, here, within, alpha, stays); return; }
    for (const child of inside(element)) {
      if (kind(child) === 3) text(child, index, here, within);
      else if (kind(child) === 1) walk(child, index, here, within, alpha, stays, inactive);
    }
  };

  // The texts of a picture in SVG are texts like others; the shapes are for the picture to show.
  const drawing = (element, parent, clip, opacity, fixed) => {
    const style = getComputedStyle(element), tag = element.localName;
    if (style.display === "none" || boxes.length >= MOST_BOXES) return;
    if (tag === "foreignObject") { for (const each of element.children) walk(each, parent, parent, clip, opacity, fixed, false); return; }
    const alpha = opacity * px(style.opacity);
    if (tag !== "text") { if (/^(g|a|svg|switch)$/.test(tag)) for (const each of element.children) drawing(each, parent, clip, alpha, fixed); return; }
    const rect = element.getBoundingClientRect(), matrix = element.getScreenCTM();
    const own = [rect.left + sx, rect.top + sy, rect.width, rect.height], size = px(style.fontSize) * (matrix ? Math.hypot(matrix.a, matrix.b) : 1);
    const shown = style.visibility === "visible" && alpha >= 0.05, ink = colour(style.fill);
    boxes.push([
      parent, tag, tag, ...own.map(round), shown ? clipped(own, clip) : [round(own[0]), round(own[1]), 0, 0],
      "inline", "static", "visible", round(alpha), [...ink.slice(0, 3), ink[3] * px(style.fillOpacity)], [0, 0, 0, 0], "", 0, [0, 0, 0, 0], "none", 0, "",
      style.fontFamily, round(size), px(style.fontWeight) || 400, 0, "start", style.textDecorationLine, px(style.letterSpacing),
      [0, 0, 0, 0], [0, 0, 0, 0], [0, 0], [0, 0, 0, 0], fixed, false, "", false,
    ]);
    const index = boxes.length - 1, visit = (node) => { for (const each of node.childNodes) if (each.nodeType === 3) text(each, index, parent, clip); else visit(each); };
    visit(element);
  };

  // A document of the page's own in a frame. Another's cannot be seen into.
  const frameOf = (element, index, block, clip, opacity, fixed) => {
    let content = null;
    try { content = element.contentDocument && plain(element.contentDocument).body; } catch { return; }
    if (!content) return;
    const rect = element.getBoundingClientRect(), before = [sx, sy], area = [rect.left + sx + element.clientLeft, rect.top + sy + element.clientTop, element.clientWidth, element.clientHeight];
    [sx, sy] = area;
    walk(content, index, block, clipped(area, clip), opacity, fixed, false);
    [sx, sy] = before;
  };

  walk(page.body, -1, -1, EVERYWHERE, 1, false, false);
  const clear = (value) => value[3] === 0;
  let canvas = colour(getComputedStyle(page.documentElement).backgroundColor);
  if (clear(canvas)) canvas = colour(getComputedStyle(page.body).backgroundColor);
  const root = page.documentElement;
  return {
    width: window.innerWidth, height: window.innerHeight,
    pageWidth: Math.max(root.scrollWidth, page.body.scrollWidth),
    pageHeight: Math.max(root.scrollHeight, page.body.scrollHeight),
    leftwards: [root, page.body].some((each) => getComputedStyle(each).direction === "rtl"),
    boxes, lines, left, hiddenChars, canvas: clear(canvas) ? [255, 255, 255, 1] : canvas,
  };
})
