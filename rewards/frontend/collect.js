// What is laid out on this page: boxes with their computed styles, and lines of text. Evaluated in a world of its own, where
// the page cannot have replaced the functions used. The rows keep the order of the fields of Box and TextLine in capture.py.
(() => {
  const MOST_BOXES = 2500, MOST_LINES = 2500;
  const boxes = [], lines = [], blocks = [], fixedness = [];
  let hiddenChars = 0;
  const sx = window.scrollX, sy = window.scrollY;
  const px = (value) => parseFloat(value) || 0;
  const round = (value) => Math.round(value * 100) / 100;

  const colours = new Map();
  let ink = null;
  const colour = (text) => {
    let known = colours.get(text);
    if (known) return known;
    const parts = /^rgba?\(([\d.]+),\s*([\d.]+),\s*([\d.]+)(?:,\s*([\d.]+))?\)$/.exec(text);
    if (parts) {
      known = [+parts[1], +parts[2], +parts[3], parts[4] === undefined ? 1 : +parts[4]];
    } else {
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
    const words = node.data.replace(/\s+/g, " ").trim();
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

  const SKIPPED = new Set(["SCRIPT", "STYLE", "TEMPLATE", "NOSCRIPT", "LINK", "META", "TITLE"]);
  const EVERYWHERE = [-1e7, -1e7, 2e7, 2e7];

  const walk = (element, parent, block, clip, opacity, fixed, idle) => {
    if (SKIPPED.has(element.nodeName) || boxes.length >= MOST_BOXES) return;
    const style = getComputedStyle(element);
    if (style.display === "none") { hiddenChars += (element.textContent || "").replace(/\s+/g, " ").length; return; }
    const rect = element.getBoundingClientRect();
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
    const tag = element.localName;
    let names = typeof element.className === "string" ? element.className.trim().split(/\s+/).sort().join(".") : "";
    // What is chosen may look different, whether a class says so or an attribute.
    if (element.matches("[aria-selected=true],[aria-pressed=true],[aria-checked=true],[aria-current]:not([aria-current=false])")) names += (names ? "." : "") + "chosen";
    let label = element.getAttribute("aria-label") || element.getAttribute("placeholder") || element.getAttribute("alt") || "";
    if (!label && (tag === "input" || tag === "textarea")) label = String(element.value || "");
    const control = element.matches(CONTROLS);
    const inactive = idle || element.matches(":disabled,[aria-disabled=true]");
    let inside = frame;
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
      [element.scrollWidth, element.clientWidth, element.scrollHeight, element.clientHeight],
      stays, control, label.slice(0, 120), inactive,
    ]);
    if (clips && element !== document.body && element !== document.documentElement) {
      const cut = clipped(own, frame);
      inside = [
        style.overflowX === "visible" ? frame[0] : cut[0], style.overflowY === "visible" ? frame[1] : cut[1],
        style.overflowX === "visible" ? frame[2] : cut[2], style.overflowY === "visible" ? frame[3] : cut[3],
      ];
    }
    if (style.clipPath !== "none" || (style.clip !== "auto" && style.position === "absolute")) {
      // The usual way to keep text for screen readers only: clipped to nothing.
      if (/^rect\((0px|1px)|inset\(50%|inset\(100%/.test(style.clipPath + style.clip) || own[2] <= 1) inside = [own[0], own[1], 0, 0];
    }
    if (tag === "svg") return;
    const root = element.shadowRoot || element;
    for (const child of root.childNodes) {
      if (child.nodeType === 3) text(child, index, here, inside);
      else if (child.nodeType === 1) walk(child, index, here, inside, alpha, stays, inactive);
    }
  };

  walk(document.body, -1, -1, EVERYWHERE, 1, false, false);
  const clear = (value) => value[3] === 0;
  let canvas = colour(getComputedStyle(document.documentElement).backgroundColor);
  if (clear(canvas)) canvas = colour(getComputedStyle(document.body).backgroundColor);
  const root = document.documentElement;
  return {
    width: window.innerWidth, height: window.innerHeight,
    pageWidth: Math.max(root.scrollWidth, document.body.scrollWidth),
    pageHeight: Math.max(root.scrollHeight, document.body.scrollHeight),
    boxes, lines, hiddenChars, canvas: clear(canvas) ? [255, 255, 255, 1] : canvas,
  };
})
