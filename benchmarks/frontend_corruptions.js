// Spoils the page it runs in, in a known way and strength: (kind, strength 0..2, seed). The proof of the aesthetics metrics
// is that the score falls (benchmarks/frontend_looks.py). What is not picked by chance is stated beside each kind.
((kind, strength, seed) => {
  let state = (seed * 2654435761 + 12345) >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const between = (low, high) => low + (high - low) * random();
  const oneOf = (values) => values[Math.floor(random() * values.length)];
  const at = (values) => values[strength];
  const sign = () => (random() < 0.5 ? -1 : 1);

  const seen = (element) => {
    const rect = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    return rect.width > 4 && rect.height > 4 && rect.top < 2200 && rect.bottom > 0 && rect.left < 1280 && rect.right > 0 &&
      style.visibility === "visible" && +style.opacity > 0.1;
  };
  const all = [...document.body.querySelectorAll("*")].filter((element) =>
    !element.closest("svg,script,style") && seen(element));
  const texts = all.filter((element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim()));
  const blocks = all.filter((element) => !/^inline$|^contents$|^table-/.test(getComputedStyle(element).display) &&
    element.getBoundingClientRect().width < 1270 && element.textContent.trim());
  const surfaces = all.filter((element) => {
    const style = getComputedStyle(element);
    return element.matches("button,input,img,select,textarea,.btn,.card") || parseFloat(style.borderTopWidth) > 0 ||
      style.boxShadow !== "none" || (style.backgroundColor !== "rgba(0, 0, 0, 0)" && element.getBoundingClientRect().width < 1200);
  });
  const some = (elements, share) => {
    const picked = elements.filter(() => random() < share);
    return picked.length ? picked : elements.length ? [oneOf(elements)] : [];
  };
  const set = (element, property, value) => element.style.setProperty(property, value, "important");
  const numbers = (colour) => (colour.match(/[\d.]+/g) || [0, 0, 0]).map(Number);
  const behind = (element) => {
    for (let node = element; node; node = node.parentElement) {
      const style = getComputedStyle(node);
      if (style.backgroundImage !== "none") return null;
      const colour = numbers(style.backgroundColor);
      if (colour.length < 4 || colour[3] > 0.9) return colour;
    }
    return [255, 255, 255];
  };
  const hue = () => `hsl(${Math.floor(random() * 360)} ${Math.floor(between(55, 100))}% ${Math.floor(between(30, 75))}%)`;

  const kinds = {
    // The text's colour moves towards what is behind it.
    contrast() {
      for (const element of some(texts, at([0.4, 0.7, 1]))) {
        const colour = numbers(getComputedStyle(element).color), ground = behind(element), share = at([0.35, 0.55, 0.75]);
        if (ground) set(element, "color", `rgb(${[0, 1, 2].map((i) => Math.round(colour[i] + share * (ground[i] - colour[i]))).join(",")})`);
        else set(element, "color", `rgba(${colour.slice(0, 3).join(",")},${1 - share})`);
      }
    },
    // Sizes that no scale explains.
    font_size() {
      const spread = at([0.2, 0.4, 0.7]);
      const changes = some(texts, at([0.3, 0.5, 0.8])).map((element) =>
        [element, parseFloat(getComputedStyle(element).fontSize) * Math.exp(sign() * between(0.5 * spread, spread))]);
      for (const [element, size] of changes) set(element, "font-size", size + "px");
    },
    // All text smaller.
    tiny_text() {
      const changes = texts.map((element) => [element, parseFloat(getComputedStyle(element).fontSize) * at([0.8, 0.65, 0.5])]);
      for (const [element, size] of changes) set(element, "font-size", size + "px");
    },
    font_mix() {
      const families = ["Georgia, serif", "'Courier New', monospace", "'Comic Sans MS', cursive", "Impact, sans-serif",
        "'Times New Roman', serif", "Verdana, sans-serif", "'Brush Script MT', cursive", "Papyrus, fantasy"];
      for (const element of some(texts, at([0.15, 0.35, 0.7]))) set(element, "font-family", oneOf(families));
    },
    colour_noise() {
      for (const element of some([...texts, ...surfaces], at([0.1, 0.25, 0.5]))) {
        if (random() < 0.5) set(element, "color", hue());
        else set(element, "background-color", hue());
      }
    },
    spacing() {
      const most = at([16, 32, 56]);
      for (const element of some(blocks, at([0.15, 0.3, 0.6]))) {
        const property = oneOf(["margin-top", "margin-bottom", "padding-top", "padding-bottom", "padding-left", "margin-left"]);
        set(element, property, Math.round(between(0, most)) + "px");
      }
    },
    misalignment() {
      const most = at([8, 20, 44]);
      for (const element of some(blocks, at([0.15, 0.3, 0.6]))) {
        const x = sign() * between(most / 2, most), y = sign() * between(0, most / 3);
        if (random() < 0.5) set(element, "transform", `translate(${x}px, ${y}px)`);
        else { if (getComputedStyle(element).position === "static") set(element, "position", "relative"); set(element, "left", x + "px"); }
      }
    },
    // Elements pulled over what stands before them.
    overlap() {
      for (const element of some(blocks, at([0.06, 0.15, 0.35]))) {
        const height = Math.min(element.getBoundingClientRect().height, 80), by = between(0.6, 1) * at([0.5, 0.8, 1.1]) * height;
        if (random() < 0.5) set(element, "margin-top", -by + "px");
        else { if (getComputedStyle(element).position === "static") set(element, "position", "relative"); set(element, "top", -by + "px"); }
      }
    },
    overflow() {
      for (const element of some(blocks, at([0.05, 0.12, 0.3]))) {
        const rect = element.getBoundingClientRect(), way = Math.floor(random() * 3);
        if (way === 0) { set(element, "width", at([115, 140, 190]) + "%"); set(element, "max-width", "none"); set(element, "flex-shrink", "0"); }
        else if (way === 1) { set(element, "white-space", "nowrap"); set(element, "width", rect.width * at([0.8, 0.6, 0.4]) + "px"); }
        else { set(element, "height", rect.height * at([0.75, 0.5, 0.3]) + "px"); set(element, "overflow", random() < 0.5 ? "hidden" : "visible"); }
      }
    },
    // Badges, lines and frames that say nothing.
    clutter() {
      const count = at([8, 20, 50]);
      for (let i = 0; i < count; i++) {
        const piece = document.createElement("div");
        piece.textContent = random() < 0.6 ? oneOf(["NEW!", "Sale", "★★★", "Click here", "Hot", "»»", "50%", "Free"]) : "";
        const css = { "background": random() < 0.6 ? hue() : "transparent", "border": Math.ceil(between(0, 3)) + "px solid " + hue(),
          "padding": "2px 6px", "font-size": Math.round(between(10, 18)) + "px", "min-width": "20px", "min-height": "8px", "z-index": "5" };
        for (const name in css) set(piece, name, css[name]);
        if (random() < 0.5 || !blocks.length) {
          set(piece, "position", "absolute");
          set(piece, "left", Math.round(between(0, 92)) + "%");
          set(piece, "top", Math.round(between(0, Math.min(2000, document.documentElement.scrollHeight - 40))) + "px");
          document.body.append(piece);
        } else {
          set(piece, "display", "inline-block");
          const place = oneOf(blocks);
          place.insertBefore(piece, oneOf([place.firstChild, null]));
        }
      }
      for (const element of some(blocks, at([0.03, 0.1, 0.25]))) set(element, "outline", "1px dashed " + hue());
    },
    radius_shadow() {
      const most = at([14, 28, 48]);
      for (const element of some(surfaces.length > 3 ? surfaces : blocks, at([0.2, 0.4, 0.75]))) {
        if (random() < 0.7) set(element, "border-radius", Math.round(between(0, most)) + "px");
        if (random() < 0.7) set(element, "box-shadow", `${Math.round(between(-most, most) / 3)}px ${Math.round(between(-most, most) / 3)}px ${Math.round(between(0, most))}px rgba(0,0,0,${between(0.2, 0.7).toFixed(2)})`);
      }
    },
    // Columns, rows and the width of the page are gone; colours and type stay.
    removed_layout() {
      const laid = all.filter((element) => {
        const style = getComputedStyle(element);
        return /flex|grid/.test(style.display) || style.float !== "none" || style.columnCount !== "auto" ||
          (style.maxWidth !== "none" && element.children.length > 0) || /absolute|fixed|sticky/.test(style.position);
      });
      const changes = some(laid, at([0.35, 0.7, 1]));
      const children = changes.flatMap((element) => /flex|grid/.test(getComputedStyle(element).display) ? [...element.children] : []);
      for (const element of changes) {
        if (/flex|grid/.test(getComputedStyle(element).display)) set(element, "display", "block");
        set(element, "float", "none");
        set(element, "max-width", "none");
        set(element, "columns", "auto");
        set(element, "position", "static");
      }
      for (const element of children) { set(element, "width", "auto"); set(element, "max-width", "none"); }
    },
    // Rules that apply to something are taken away: a third, two thirds, all (inline styles too).
    stripped_css() {
      const share = at([1 / 3, 2 / 3, 1]);
      const used = (rule) => { try { return document.querySelector(rule.selectorText.replace(/::?(before|after|hover|focus|active)/g, "")); } catch { return true; } };
      const thin = (list) => {
        for (let i = list.cssRules.length - 1; i >= 0; i--) {
          const rule = list.cssRules[i];
          if (rule.selectorText !== undefined) { if ((share === 1 || used(rule)) && random() < share) list.deleteRule(i); }
          else if (rule.cssRules) thin(rule);
        }
      };
      for (const sheet of document.styleSheets) {
        if (sheet.ownerNode && sheet.ownerNode.id === "still") continue;
        try { thin(sheet); } catch { /* another origin's sheet: it was never loaded */ }
      }
      if (share === 1) for (const element of document.querySelectorAll("[style]")) element.removeAttribute("style");
    },
  };
  kinds[kind]();
})
