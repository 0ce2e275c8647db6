// What checks ask of a page: where to press an element, what it says, what state it is in. Evaluated after dom.js and targets.js in a
// world of its own. (request) => answer; request.do names the function.
(request) => {
  const { clean, plain, page, holds, meets, everything, visible, shows, words, hit, opacity } = dom;
  const { low, fitting, pick } = targets;
  const hash = (text) => { let value = 0x811c9dc5; for (let place = 0; place < text.length; place++) value = Math.imul(value ^ text.charCodeAt(place), 0x01000193); return (value >>> 0).toString(36) + text.length; };
  const LOOK = ["display", "visibility", "opacity", "color", "backgroundColor", "backgroundImage", "transform", "fontWeight", "fontSize", "textDecorationLine", "borderTopColor", "borderTopWidth", "boxShadow", "filter", "left", "top", "fill", "stroke", "strokeDasharray", "strokeDashoffset", "strokeWidth"];
  const look = (element) => {
    const parts = [];
    for (const each of [element, ...everything(element, "*")].slice(0, 400)) {
      const style = getComputedStyle(each), rect = plain(each).getBoundingClientRect();
      parts.push(LOOK.map((key) => style[key]).join(), Math.round(rect.x + scrollX), Math.round(rect.y + scrollY), Math.round(rect.width), Math.round(rect.height));
    }
    return hash(parts.join("|"));
  };
  const values = (element) => [element, ...everything(element, "input,textarea,select,details,dialog")].map(plain).map((each) =>
    [each.value, each.checked, each.open].join()).join("|");
  const pictures = (element) => [element, ...everything(element, "canvas")].filter((each) => each.localName === "canvas").slice(0, 4).map((each) => {
    try { return hash(each.toDataURL()); } catch { return "?"; }
  }).join();
  const state = (element) => element ? {
    text: hash(clean(words(element))), markup: hash(plain(element).outerHTML + values(element)), look: look(element) + pictures(element),
  } : { text: "none", markup: "none", look: "none" };

  const focused = () => {
    let element = page.activeElement;
    while (element && plain(element).shadowRoot?.activeElement) element = plain(element).shadowRoot.activeElement;
    return element;
  };
  // Of more than these it is taken for granted that what is laid out is seen.
  const MOST_SHOWN = 60;

  const actions = {
    // Where to press: a point of the element that nothing covers.
    point: () => {
      let element = pick(request.target);
      if (!element) return { fault: "is not there" };
      // A field that is hidden for the sake of a prettier one is pressed by its label.
      const tiny = (each) => { const rect = plain(each).getBoundingClientRect(); return Math.min(rect.width, rect.height) < 4; };
      if ((!visible(element) || tiny(element)) && element.labels) element = [...element.labels].find(visible) || element;
      const it = plain(element);
      // Some things appear only when they are reached.
      it.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
      if (!visible(element)) return { fault: "is not visible" };
      if (it.matches(":disabled") || it.closest("[aria-disabled=true]")) return { fault: "is disabled" };
      const rect = [...it.getClientRects()].find((each) => each.width >= 1 && each.height >= 1) || it.getBoundingClientRect();
      if (rect.width < 4 || rect.height < 4) return { fault: `is too small to hit (${Math.round(rect.width)} x ${Math.round(rect.height)} pixels)` };
      if (opacity(element) < 0.1) return { fault: "is transparent" };
      let cover = null;
      for (const [across, down] of [[0.5, 0.5], [0.25, 0.5], [0.75, 0.5], [0.5, 0.25], [0.5, 0.75], [0.1, 0.5], [0.9, 0.5]]) {
        const x = rect.left + rect.width * across, y = rect.top + rect.height * down;
        const reached = hit(x, y);
        if (meets(element, reached)) {
          const above = dom.painted(() => dom.coverAt(element, dom.stack(x, y)));
          if (!above) return { x, y, tag: it.localName, type: it.localName === "input" ? it.type : "", editable: it.isContentEditable };
          cover = cover || above;
        }
        cover = cover || reached;
      }
      return { fault: cover ? `is covered by <${cover.localName}${cover.id ? " id=" + cover.id : ""}>` : "is out of reach" };
    },
    focus: () => { plain(pick(request.target)).focus(); return {}; },
    empty: () => {
      const element = focused();
      if (element && element.select) element.select();
      else if (element && element.isContentEditable) getSelection().selectAllChildren(element);
      return Boolean(element && (element.value || element.textContent));
    },
    set: () => {
      const element = pick(request.target);
      const prototype = Object.getPrototypeOf(element);
      Object.getOwnPropertyDescriptor(prototype, "value").set.call(element, request.value);
      element.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
      element.dispatchEvent(new Event("change", { bubbles: true }));
      return {};
    },
    select: () => {
      const element = pick(request.target);
      if (!element || element.localName !== "select") return { fault: element ? "is not a <select>" : "is not there" };
      const wanted = low(request.option);
      const option = [...element.options].find((each) => !each.disabled && (low(each.label) === wanted || low(each.value) === wanted));
      if (!option) return { fault: `has no option '${request.option}'` };
      element.focus();
      element.value = option.value;
      option.selected = true;
      element.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
      element.dispatchEvent(new Event("change", { bubbles: true }));
      return {};
    },
    scroll: () => {
      if (request.by !== undefined && request.by !== null) { window.scrollBy({ top: request.by, behavior: "instant" }); return {}; }
      const element = pick(request.target);
      if (!element) return { fault: "is not there" };
      plain(element).scrollIntoView({ block: "center", behavior: "instant" });
      return {};
    },
    visible: () => fitting(request.target).filter(visible).some((each, place) => place >= MOST_SHOWN || shows(each)),
    count: () => {
      const found = fitting(request.target), seen = request.all ? found : found.filter(visible);
      return String(request.all || seen.length > MOST_SHOWN ? seen.length : seen.filter(shows).length);
    },
    text: () => { const element = pick(request.target); return element && shows(element) ? clean(words(element)) : null; },
    value: () => {
      const element = pick(request.target);
      if (!element) return null;
      if (element.localName === "select") return [element.value, element.selectedOptions[0]?.label || ""];
      return [String(element.value ?? element.textContent)];
    },
    attribute: () => {
      const element = pick(request.target);
      if (!element) return null;
      if (["checked", "disabled", "selected", "open", "readOnly", "indeterminate"].includes(request.name) && request.name in element) return String(element[request.name]);
      return plain(element).getAttribute(request.name) ?? "";
    },
    style: () => {
      const element = pick(request.target);
      return element ? getComputedStyle(element).getPropertyValue(request.name) : null;
    },
    focused: () => { const element = pick(request.target); return Boolean(element) && holds(element, focused()); },
    title: () => clean(page.title),
    url: () => location.pathname + location.search + location.hash,
    storage: () => {
      const area = request.area === "session" ? sessionStorage : localStorage;
      return request.key ? area.getItem(request.key) ?? "" : JSON.stringify({ ...area });
    },
    state: () => request.targets.map((target) => state(pick(target))),
  };
  return actions[request.do]();
}
