// What checks ask of a page: which element is meant, where to press it, what it says, what state it is in. Evaluated in a world
// of its own. (request) => answer; request.do names the function.
(request) => {
  const MOST = 5000;
  const clean = (text) => (text || "").replace(/\s+/g, " ").trim();
  const low = (text) => clean(text).toLowerCase();
  const everything = (root, css) => {
    const found = [];
    const visit = (node) => {
      for (const each of node.querySelectorAll(css)) if (found.length < MOST) found.push(each);
      for (const each of node.querySelectorAll("*")) if (each.shadowRoot && found.length < MOST) visit(each.shadowRoot);
    };
    visit(root);
    return found;
  };
  const FIELDS = "input:not([type=hidden]),textarea,select,[contenteditable=''],[contenteditable=true],[role=textbox],[role=slider],[role=switch],[role=checkbox],[role=combobox],[role=spinbutton],meter,progress";
  const INPUT_ROLES = { button: "button", submit: "button", reset: "button", image: "button", checkbox: "checkbox", radio: "radio", range: "slider", number: "spinbutton", search: "searchbox" };
  const TAG_ROLES = { a: "link", button: "button", textarea: "textbox", select: "combobox", option: "option", nav: "navigation", main: "main", header: "banner", footer: "contentinfo", aside: "complementary", form: "form", table: "table", tr: "row", td: "cell", th: "columnheader", ul: "list", ol: "list", li: "listitem", img: "img", svg: "img", dialog: "dialog", progress: "progressbar", meter: "meter", h1: "heading", h2: "heading", h3: "heading", h4: "heading", h5: "heading", h6: "heading", summary: "button", article: "article", output: "status", details: "group", fieldset: "group" };
  const role = (element) => {
    const given = element.getAttribute("role");
    if (given) return given.trim().split(/\s+/)[0];
    const tag = element.localName;
    if (tag === "input") return INPUT_ROLES[element.type] || "textbox";
    if (tag === "a" && !element.hasAttribute("href")) return "generic";
    if (tag === "select" && (element.multiple || element.size > 1)) return "listbox";
    return TAG_ROLES[tag] || "generic";
  };
  const roleFits = (element, wanted) => {
    const is = role(element);
    return is === wanted || (wanted === "textbox" && is === "searchbox") || (wanted === "button" && is === "tab" && element.localName === "button");
  };
  const labelled = (element) => {
    const ids = (element.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean);
    return ids.map((id) => element.getRootNode().getElementById?.(id)?.textContent || "").join(" ");
  };
  const labels = (element) => [...(element.labels || [])].map((label) => label.textContent).join(" ");
  const name = (element) => clean([
    labelled(element), element.getAttribute("aria-label"), labels(element),
    /^(button|submit|reset)$/.test(element.type || "") && element.localName === "input" ? element.value : "",
    element.getAttribute("alt"), /^(input|textarea|select)$/.test(element.localName) ? "" : element.textContent,
    element.getAttribute("title"), element.getAttribute("placeholder"),
  ].filter(Boolean).join(" "));
  const label = (element) => clean([
    labelled(element), element.getAttribute("aria-label"), labels(element), element.getAttribute("placeholder"),
    element.getAttribute("title"), element.getAttribute("name"),
  ].filter(Boolean).join(" "));
  // Whether something of it is left inside of what cuts it off: an accordion's answer of no height, a slide beside its frame, a
  // drawer beyond the window. What can be scrolled to is not cut off.
  const remains = (element, rect) => {
    let left = rect.left, top = rect.top, right = rect.right, bottom = rect.bottom, place = getComputedStyle(element).position;
    for (let each = element.parentElement; place !== "fixed" && each && each !== document.body; each = each.parentElement) {
      const style = getComputedStyle(each);
      // An absolute box is cut off by the boxes that contain it only.
      if (place === "absolute" && style.position === "static" && style.transform === "none") continue;
      const frame = each.getBoundingClientRect(), CUTS = /hidden|clip/;
      if (CUTS.test(style.overflowX)) { left = Math.max(left, frame.left); right = Math.min(right, frame.right); }
      if (CUTS.test(style.overflowY)) { top = Math.max(top, frame.top); bottom = Math.min(bottom, frame.bottom); }
      place = style.position;
    }
    const cut = [document.documentElement, document.body].some((each) => getComputedStyle(each).overflowX === "hidden");
    if (place === "fixed" || cut) { left = Math.max(left, 0); right = Math.min(right, innerWidth); }
    if (place === "fixed") { top = Math.max(top, 0); bottom = Math.min(bottom, innerHeight); }
    return right - left >= 1 && bottom - top >= 1;
  };
  const visible = (element) => {
    if (!element.isConnected || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true })) return false;
    for (const rect of element.getClientRects()) {
      if (rect.width >= 1 && rect.height >= 1 && rect.right + scrollX > 0 && rect.bottom + scrollY > 0 && remains(element, rect)) return true;
    }
    // A box without a size may hold some that overflow it.
    return element.childElementCount > 0 && getComputedStyle(element).overflow === "visible" && [...element.children].some(visible);
  };
  const innermost = (found) => found.filter((each) => !found.some((other) => other !== each && each.contains(other)));
  const fitting = (target) => {
    if (target.any && target.any.length) {
      for (const each of target.any) { const found = fitting(each); if (found.some(visible)) return found; }
      return [];
    }
    let root = document;
    if (target.within) { root = pick(target.within); if (!root) return []; }
    let found = everything(root, target.css || (target.label ? FIELDS : "body *"));
    if (target.role) found = found.filter((each) => roleFits(each, target.role));
    if (target.label) {
      const wanted = low(target.label);
      const exact = found.filter((each) => low(labels(each)) === wanted);
      found = exact.length ? exact : found.filter((each) => low(label(each)).includes(wanted));
    }
    if (target.name) {
      const wanted = low(target.name);
      const exact = found.filter((each) => low(name(each)) === wanted);
      found = exact.length ? exact : found.filter((each) => low(name(each)).includes(wanted));
    }
    if (target.text) {
      const wanted = low(target.text);
      found = found.filter((each) => !/^(script|style|template)$/.test(each.localName) && (low(each.textContent) === wanted || (each.localName === "input" && low(each.value) === wanted)));
      found = innermost(found);
    }
    if (target.contains) {
      const wanted = low(target.contains);
      found = innermost(found.filter((each) => !/^(script|style|template)$/.test(each.localName) && low(each.textContent).includes(wanted)));
    }
    return found;
  };
  const choose = (found, nth) => {
    const seen = found.filter(visible);
    const from = seen.length ? seen : found;
    return from[nth < 0 ? from.length + nth : nth] || null;
  };
  const pick = (target) => choose(fitting(target), target.nth || 0);
  const deepest = (x, y) => {
    let hit = document.elementFromPoint(x, y);
    while (hit && hit.shadowRoot) { const inner = hit.shadowRoot.elementFromPoint(x, y); if (!inner || inner === hit) break; hit = inner; }
    return hit;
  };
  const holds = (element, hit) => { for (let each = hit; each; each = each.parentNode || each.host) if (each === element) return true; return false; };
  const words = (element) => {
    if (/^(input|textarea|select)$/.test(element.localName)) return element.value;
    return typeof element.innerText === "string" ? element.innerText : element.textContent;
  };
  const hash = (text) => { let value = 0x811c9dc5; for (let place = 0; place < text.length; place++) value = Math.imul(value ^ text.charCodeAt(place), 0x01000193); return (value >>> 0).toString(36) + text.length; };
  const LOOK = ["display", "visibility", "opacity", "color", "backgroundColor", "backgroundImage", "transform", "fontWeight", "fontSize", "textDecorationLine", "borderTopColor", "borderTopWidth", "boxShadow", "filter", "left", "top", "fill", "stroke", "strokeDasharray", "strokeDashoffset", "strokeWidth"];
  const look = (element) => {
    const parts = [];
    for (const each of [element, ...element.querySelectorAll("*")].slice(0, 400)) {
      const style = getComputedStyle(each), rect = each.getBoundingClientRect();
      parts.push(LOOK.map((key) => style[key]).join(), Math.round(rect.x + scrollX), Math.round(rect.y + scrollY), Math.round(rect.width), Math.round(rect.height));
    }
    return hash(parts.join("|"));
  };
  const values = (element) => [element, ...element.querySelectorAll("input,textarea,select,details,dialog")].map((each) =>
    [each.value, each.checked, each.open].join()).join("|");
  const pictures = (element) => [element, ...element.querySelectorAll("canvas")].filter((each) => each.localName === "canvas").slice(0, 4).map((each) => {
    try { return hash(each.toDataURL()); } catch { return "?"; }
  }).join();
  const state = (element) => element ? {
    text: hash(clean(words(element))), markup: hash(element.outerHTML + values(element)), look: look(element) + pictures(element),
  } : { text: "none", markup: "none", look: "none" };

  const actions = {
    // Where to press: a point of the element that nothing covers.
    point: () => {
      let element = pick(request.target);
      if (!element) return { fault: "is not there" };
      // A field that is hidden for the sake of a prettier one is pressed by its label.
      const tiny = (each) => Math.min(each.getBoundingClientRect().width, each.getBoundingClientRect().height) < 4;
      if ((!visible(element) || tiny(element)) && element.labels) element = [...element.labels].find(visible) || element;
      // Some things appear only when they are reached.
      element.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
      if (!visible(element)) return { fault: "is not visible" };
      if (element.matches(":disabled") || element.closest("[aria-disabled=true]")) return { fault: "is disabled" };
      const rect = [...element.getClientRects()].find((each) => each.width >= 1 && each.height >= 1) || element.getBoundingClientRect();
      if (rect.width < 4 || rect.height < 4) return { fault: `is too small to hit (${Math.round(rect.width)} x ${Math.round(rect.height)} pixels)` };
      for (let each = element, opacity = 1; each; each = each.parentElement) {
        opacity *= parseFloat(getComputedStyle(each).opacity);
        if (opacity < 0.1) return { fault: "is transparent" };
      }
      let cover = null;
      for (const [across, down] of [[0.5, 0.5], [0.25, 0.5], [0.75, 0.5], [0.5, 0.25], [0.5, 0.75], [0.1, 0.5], [0.9, 0.5]]) {
        const x = rect.left + rect.width * across, y = rect.top + rect.height * down;
        const hit = deepest(x, y);
        if (hit && (holds(element, hit) || (element.labels && [...element.labels].some((each) => holds(each, hit))))) {
          return { x, y, tag: element.localName, type: element.type || "", editable: element.isContentEditable };
        }
        cover = cover || hit;
      }
      return { fault: cover ? `is covered by <${cover.localName}${cover.id ? " id=" + cover.id : ""}>` : "is out of reach" };
    },
    focus: () => {
      const element = pick(request.target);
      if (!element || !visible(element)) return { fault: element ? "is not visible" : "is not there" };
      element.focus();
      return {};
    },
    empty: () => {
      const element = document.activeElement;
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
      if (!element || !visible(element)) return { fault: element ? "is not visible" : "is not there" };
      if (element.localName !== "select") return { fault: "is not a <select>" };
      if (element.matches(":disabled")) return { fault: "is disabled" };
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
      element.scrollIntoView({ block: "center", behavior: "instant" });
      return {};
    },
    visible: () => fitting(request.target).some(visible),
    count: () => { const found = fitting(request.target); return String(request.all ? found.length : found.filter(visible).length); },
    text: () => { const element = pick(request.target); return element && visible(element) ? clean(words(element)) : null; },
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
      return element.getAttribute(request.name) ?? "";
    },
    style: () => {
      const element = pick(request.target);
      return element ? getComputedStyle(element).getPropertyValue(request.name) : null;
    },
    focused: () => { const element = pick(request.target); return Boolean(element) && holds(element, document.activeElement?.shadowRoot?.activeElement || document.activeElement); },
    title: () => clean(document.title),
    url: () => location.pathname + location.search + location.hash,
    storage: () => {
      const area = request.area === "session" ? sessionStorage : localStorage;
      return request.key ? area.getItem(request.key) ?? "" : JSON.stringify({ ...area });
    },
    state: () => request.targets.map((target) => state(pick(target))),
    // The controls that a visitor would try, spread over the page.
    controls: () => {
      const found = everything(document, "button,a[href],input:not([type=hidden]):not([type=file]),select,textarea,summary,[role=button],[role=tab],[role=switch],[onclick]")
        .filter((each) => visible(each) && !each.matches(":disabled"));
      const most = request.most, step = Math.max(1, found.length / most);
      globalThis.tried = [];
      for (let place = 0; place < found.length && globalThis.tried.length < most; place += step) globalThis.tried.push(found[Math.floor(place)]);
      return { total: found.length, tried: globalThis.tried.map((each) => {
        const rect = each.getBoundingClientRect();
        return { what: `<${each.localName}> ${clean(name(each)).slice(0, 40)}`, role: role(each), box: [rect.x + scrollX, rect.y + scrollY, rect.width, rect.height], link: each.getAttribute("href") || "" };
      }) };
    },
    control: () => {
      const element = globalThis.tried?.[request.index];
      if (!element || !element.isConnected || !visible(element)) return { gone: true };
      element.scrollIntoView({ block: "center", behavior: "instant" });
      const rect = element.getBoundingClientRect();
      const x = rect.left + rect.width / 2, y = rect.top + rect.height / 2, hit = deepest(x, y);
      if (!hit || !holds(element, hit)) return { covered: true };
      return { x, y, field: /^(textbox|searchbox|spinbutton)$/.test(role(element)), scroll: [scrollX, scrollY] };
    },
    page: () => {
      const whole = state(document.body);
      return [whole.text, whole.markup, whole.look, location.href, hash(JSON.stringify({ ...localStorage }) + JSON.stringify({ ...sessionStorage })), Math.round(scrollY), document.activeElement?.localName === "body" ? "" : "focus"];
    },
  };
  return actions[request.do]();
}
