// Elements as their classes have them, through shadow roots, and what a visitor sees of them. Evaluated once in each world of ours;
// the other scripts there use `dom`.
globalThis.dom = (() => {
  const MOST = 5000;
  const clean = (text) => (text || "").replace(/\s+/g, " ").trim();

  // Fields and pictures in a form or document can hide its own properties: <input name=matches>. A class keeps them.
  const plain = (node) => node[Symbol.toStringTag] !== "HTMLFormElement" && node[Symbol.toStringTag] !== "HTMLDocument" ? node
    : new Proxy(node, {
      get: (it, name) => {
        const value = Reflect.get(Object.getPrototypeOf(it), name, it);
        return typeof value === "function" ? value.bind(it) : value;
      },
      set: (it, name, value) => Reflect.set(Object.getPrototypeOf(it), name, value, it),
    });
  const page = plain(document);
  const styleOf = (element) => getComputedStyle(element);

  // The tree as it is drawn: a host has what is in its shadow, a slot what is assigned to it.
  const kind = (node) => plain(node).nodeType;
  const up = (node) => { const it = plain(node); return it.assignedSlot || it.parentNode || it.host || null; };
  const parent = (element) => { let each = up(element); while (each && kind(each) === 11) each = up(each); return each && kind(each) === 1 ? each : null; };
  const inside = (element) => {
    const it = plain(element);
    if (it.localName === "slot" && it.assignedNodes) { const given = it.assignedNodes(); if (given.length) return given; }
    return (it.shadowRoot || it).childNodes;
  };
  const holds = (element, node) => { for (let each = node; each; each = up(each)) if (each === element) return true; return false; };
  const everything = (root, css) => {
    const found = [];
    const visit = (node, wanted) => {
      for (const each of plain(node).querySelectorAll(wanted)) if (found.length < MOST) found.push(each);
      for (const each of [...plain(node).querySelectorAll("*"), node]) {
        const shadow = plain(each).shadowRoot;
        if (shadow && found.length < MOST) visit(shadow, wanted === "body *" ? "*" : wanted);
      }
    };
    visit(root, css);
    return found;
  };
  const shadowed = (root) => [root, ...plain(root).querySelectorAll("*")].some((each) => plain(each).shadowRoot);
  // Whether what was hit is the element, in it, or its label.
  const meets = (element, reached) => Boolean(reached) && [element, ...(plain(element).labels || [])].some((each) => holds(each, reached));

  // Whether something of a box is left inside of what cuts it off: an accordion's answer of no height, a slide beside its frame, a
  // drawer beyond the window. What can be scrolled to is not cut off.
  const CUTS = /hidden|clip/;
  const remains = (element, rect) => {
    let left = rect.left, top = rect.top, right = rect.right, bottom = rect.bottom, place = styleOf(element).position;
    for (let each = parent(element); place !== "fixed" && each && each !== page.body; each = parent(each)) {
      const style = styleOf(each);
      // An absolute box is cut off by the boxes that contain it only.
      if (place === "absolute" && style.position === "static" && style.transform === "none") continue;
      const frame = plain(each).getBoundingClientRect();
      if (CUTS.test(style.overflowX)) { left = Math.max(left, frame.left); right = Math.min(right, frame.right); }
      if (CUTS.test(style.overflowY)) { top = Math.max(top, frame.top); bottom = Math.min(bottom, frame.bottom); }
      place = style.position;
    }
    const cut = [page.documentElement, page.body].some((each) => styleOf(each).overflowX === "hidden");
    if (place === "fixed" || cut) { left = Math.max(left, 0); right = Math.min(right, innerWidth); }
    if (place === "fixed") { top = Math.max(top, 0); bottom = Math.min(bottom, innerHeight); }
    return right - left >= 1 && bottom - top >= 1;
  };
  const reachable = (rect) => rect.width >= 1 && rect.height >= 1 && rect.right + scrollX > 0 && rect.bottom + scrollY > 0;

  // Laid out, not hidden by a style, and not cut off.
  const visible = (element) => {
    const it = plain(element);
    if (!it.isConnected || !it.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true })) return false;
    for (const rect of it.getClientRects()) if (reachable(rect) && remains(element, rect)) return true;
    // A box without a size may hold some that overflow it.
    return it.childElementCount > 0 && styleOf(element).overflow === "visible" && [...it.children].some(visible);
  };

  // Takes what moves to an end there; `endless` is called with each movement that has none.
  const finish = (endless) => {
    for (const each of page.getAnimations()) {
      try { if (Number.isFinite(Number(each.effect.getComputedTiming().endTime))) each.finish(); else endless(each); } catch { each.cancel(); }
    }
  };

  // What lies at a point, uppermost first: also what the mouse goes through.
  const SOLID = new CSSStyleSheet();
  SOLID.replaceSync("*, *::before, *::after { pointer-events: auto !important }");
  const painted = (look) => {
    const sheets = [...page.adoptedStyleSheets];
    page.adoptedStyleSheets = [...sheets, SOLID];
    try { return look(); } finally { page.adoptedStyleSheets = sheets; }
  };
  const stack = (x, y) => {
    const found = [];
    const visit = (root) => {
      for (const each of plain(root).elementsFromPoint(x, y)) {
        const shadow = plain(each).shadowRoot;
        if (shadow && shadow !== root && !found.includes(each)) visit(shadow);
        if (!found.includes(each)) found.push(each);
      }
    };
    visit(document);
    return found;
  };
  const hit = (x, y) => {
    let found = page.elementFromPoint(x, y);
    for (let root = found && plain(found).shadowRoot; root; root = plain(found).shadowRoot) {
      const inner = root.elementFromPoint(x, y);
      if (!inner || inner === found) break;
      found = inner;
    }
    return found;
  };
  const rgba = (text) => {
    const parts = /^rgba?\(([\d.]+), ([\d.]+), ([\d.]+)(?:, ([\d.]+))?\)$/.exec(text);
    return parts && [+parts[1], +parts[2], +parts[3], parts[4] === undefined ? 1 : +parts[4]];
  };
  const opacity = (element) => {
    let product = 1;
    for (let each = element; each; each = parent(each)) {
      const style = styleOf(each), filtered = /opacity\(([\d.]+)\)/.exec(style.filter);
      product *= parseFloat(style.opacity) * (filtered ? parseFloat(filtered[1]) : 1);
    }
    return product;
  };
  const PICTURES = /^(img|canvas|video|iframe|object|embed)$/;
  // The colour with which it hides what is behind it; "?" if it hides that with a picture; null if it does not.
  const ground = (element) => {
    const style = styleOf(element), colour = rgba(style.backgroundColor), image = style.backgroundImage;
    if (PICTURES.test(plain(element).localName)) return "?";
    if (image !== "none" && !/rgba\(|transparent/.test(image)) return "?";
    if (style.backgroundClip === "text") return null;
    if (!colour) return "?";
    return colour[3] >= 0.9 ? colour : null;
  };
  const covers = (element) => ground(element) !== null && opacity(element) >= 0.9 && styleOf(element).mixBlendMode === "normal";
  const layerOf = (element, layers) => layers.findIndex((each) => holds(element, each));
  // The element that hides this one at a point, if any. What cannot be hit there is not known to be hidden.
  const coverAt = (element, layers) => layers.slice(0, Math.max(0, layerOf(element, layers))).find(covers) || null;

  const luminance = (colour) => [0.2126, 0.7152, 0.0722].reduce((sum, share, place) => {
    const value = colour[place] / 255;
    return sum + share * (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  }, 0);
  const contrast = (one, other) => { const a = luminance(one), b = luminance(other); return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05); };

  const LEAST_HEIGHT = 6, LEAST_CONTRAST = 1.1, LEAST_OPACITY = 0.1;
  const clipped = (element) => {
    for (let each = element; each; each = parent(each)) { const style = styleOf(each); if (style.clipPath !== "none" || style.clip !== "auto" || style.maskImage !== "none") return true; }
    return false;
  };
  const inWindow = (rect) => rect.right > 0 && rect.bottom > 0 && rect.left < innerWidth && rect.top < innerHeight;
  const ACROSS = [0.5, 0.2, 0.8];
  // Whether a text can be read as it stands: its size, its colour on its ground, what is in front of it.
  const legible = (element, rect) => {
    const style = styleOf(element), svg = element.namespaceURI === "http://www.w3.org/2000/svg";
    if (rect.height < LEAST_HEIGHT || !reachable(rect) || !remains(element, rect)) return false;
    const ink = rgba(svg ? style.fill : style.webkitTextFillColor);
    const clips = (each) => styleOf(each).backgroundClip === "text";
    const shaped = style.textShadow !== "none" || parseFloat(style.webkitTextStrokeWidth) > 0 || clips(element) || (parent(element) && clips(parent(element)));
    if (ink && ink[3] < LEAST_OPACITY && !shaped) return false;
    if (!inWindow(rect)) return true;
    let tried = 0;
    for (const across of ACROSS) {
      const x = rect.left + rect.width * across, y = rect.top + rect.height / 2;
      if (x < 0 || y < 0 || x >= innerWidth || y >= innerHeight) continue;
      tried++;
      const layers = stack(x, y), at = layerOf(element, layers);
      if (at < 0) { if (clipped(element)) continue; return true; }
      if (coverAt(element, layers)) continue;
      if (!ink || shaped) return true;
      const behind = layers.slice(at).map(ground).find((each) => each !== null) ?? [255, 255, 255, 1];
      if (behind === "?" || contrast(ink, behind) >= LEAST_CONTRAST) return true;
    }
    return tried === 0;
  };
  const MOST_TEXTS = 120;
  const range = document.createRange();
  // The texts that are drawn in it: [text, element around it, rects].
  const texts = (element) => {
    const found = [];
    const visit = (node) => {
      for (const each of inside(node)) {
        if (found.length > MOST_TEXTS) return;
        if (kind(each) === 1) { if (!/^(script|style|template|noscript|option)$/.test(plain(each).localName)) visit(each); continue; }
        if (kind(each) !== 3 || !clean(each.data)) continue;
        range.selectNodeContents(each);
        const rects = [...range.getClientRects()].filter((rect) => rect.width > 0 && rect.height > 0);
        if (rects.length && plain(node).checkVisibility({ opacityProperty: true, visibilityProperty: true })) found.push([each.data, node, rects]);
      }
    };
    visit(element);
    return found;
  };
  const readable = ([, around, rects]) => opacity(around) >= LEAST_OPACITY && rects.some((rect) => legible(around, rect));
  // With the element in the window, where it is not; the page is then where it was. Between the two none of its scripts runs.
  const inView = (element, look) => {
    const rect = plain(element).getBoundingClientRect(), x = scrollX, y = scrollY;
    if (!rect.height || (rect.top >= 0 && rect.bottom <= innerHeight) || styleOf(element).position === "fixed") return look();
    scrollTo({ top: y + rect.top - Math.max(0, (innerHeight - rect.height) / 2), behavior: "instant" });
    try { return look(); } finally { scrollTo({ left: x, top: y, behavior: "instant" }); }
  };
  const REPLACED = "input,select,textarea,img,svg,canvas,video,iframe,progress,meter";
  // Whether a visitor sees something of it.
  const shows = (element) => visible(element) && opacity(element) >= LEAST_OPACITY && inView(element, () => painted(() => {
    const said = element.localName === "select" ? [] : texts(element);
    if (said.length) {
      if (said.length > MOST_TEXTS || said.some(readable)) return true;
      if (!plain(element).querySelector(REPLACED)) return false;
    }
    const rects = [...plain(element).getClientRects()].filter((rect) => reachable(rect) && inWindow(rect));
    if (!rects.length) return true;
    for (const rect of rects.slice(0, 3)) {
      for (const [across, down] of [[0.5, 0.5], [0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]]) {
        const layers = stack(rect.left + rect.width * across, rect.top + rect.height * down);
        if (!coverAt(element, layers)) return true;
      }
    }
    return false;
  }));
  // Its visible text. Where some of it cannot be read, only what can.
  const words = (element) => {
    if (/^(input|textarea|select)$/.test(plain(element).localName)) return element.value;
    const it = plain(element), slotted = it.localName === "slot" || it.querySelector("slot");
    const whole = () => (typeof it.innerText === "string" && !slotted && !shadowed(element) ? it.innerText : texts(element).map(([text]) => text).join(" "));
    return inView(element, () => painted(() => {
      const said = texts(element);
      if (said.length > MOST_TEXTS) return whole();
      const read = said.filter(readable);
      return read.length === said.length ? whole() : read.map(([text]) => text).join(" ");
    }));
  };
  return { clean, plain, page, kind, inside, holds, meets, everything, shadowed, visible, shows, words, stack, hit, painted, coverAt, opacity, rgba, finish };
})();
