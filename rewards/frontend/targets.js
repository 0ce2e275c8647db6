// Which element a check means: by selector, text, label, role and name, also inside of shadow roots. Evaluated after dom.js in each
// world of ours.
globalThis.targets = (() => {
  const { clean, plain, kind, holds, everything, shadowed, visible, inside } = dom;
  const low = (text) => clean(text).toLowerCase();
  const FIELDS = "input:not([type=hidden]),textarea,select,[contenteditable=''],[contenteditable=true],[role=textbox],[role=slider],[role=switch],[role=checkbox],[role=combobox],[role=spinbutton],meter,progress";
  const INPUT_ROLES = { button: "button", submit: "button", reset: "button", image: "button", checkbox: "checkbox", radio: "radio", range: "slider", number: "spinbutton", search: "searchbox" };
  const TAG_ROLES = { a: "link", button: "button", textarea: "textbox", select: "combobox", option: "option", nav: "navigation", main: "main", header: "banner", footer: "contentinfo", aside: "complementary", form: "form", table: "table", tr: "row", td: "cell", th: "columnheader", ul: "list", ol: "list", li: "listitem", img: "img", svg: "img", dialog: "dialog", progress: "progressbar", meter: "meter", h1: "heading", h2: "heading", h3: "heading", h4: "heading", h5: "heading", h6: "heading", summary: "button", article: "article", output: "status", details: "group", fieldset: "group" };
  const role = (element) => {
    const it = plain(element), given = it.getAttribute("role"), tag = it.localName;
    if (given) return given.trim().split(/\s+/)[0];
    if (tag === "input") return INPUT_ROLES[it.type] || "textbox";
    if (tag === "a" && !it.hasAttribute("href")) return "generic";
    if (tag === "select" && (it.multiple || it.size > 1)) return "listbox";
    return TAG_ROLES[tag] || "generic";
  };
  const roleFits = (element, wanted) => {
    const is = role(element);
    return is === wanted || (wanted === "textbox" && is === "searchbox") || (wanted === "button" && is === "tab" && element.localName === "button");
  };
  const silent = (element) => /^(script|style|template)$/.test(plain(element).localName);
  // The text of an element, visible or not; where something on the page has a shadow, as it is drawn.
  let shadows = false;
  const drawn = (node) => [...inside(node)].map((each) => (kind(each) === 3 ? each.data : kind(each) !== 1 || silent(each) ? "" : drawn(each))).join("");
  const text = (element) => (shadows ? drawn(element) : plain(element).textContent);
  const labelled = (it) => {
    const ids = (it.getAttribute("aria-labelledby") || "").split(/\s+/).filter(Boolean);
    const root = ids.length ? plain(it.getRootNode()) : null;
    return ids.map((id) => root.getElementById?.(id)?.textContent || "").join(" ");
  };
  const labels = (it) => [...(it.labels || [])].map((label) => label.textContent).join(" ");
  const name = (element) => {
    const it = plain(element), tag = it.localName;
    return clean([
      labelled(it), it.getAttribute("aria-label"), labels(it),
      tag === "input" && /^(button|submit|reset)$/.test(it.type) ? it.value : "",
      it.getAttribute("alt"), /^(input|textarea|select)$/.test(tag) ? "" : text(element),
      it.getAttribute("title"), it.getAttribute("placeholder"),
    ].filter(Boolean).join(" "));
  };
  const label = (element) => {
    const it = plain(element);
    return clean([labelled(it), it.getAttribute("aria-label"), labels(it), it.getAttribute("placeholder"), it.getAttribute("title"), it.getAttribute("name")].filter(Boolean).join(" "));
  };
  const innermost = (found) => found.filter((each) => !found.some((other) => other !== each && holds(each, other)));
  // Those that have exactly this, or else those that have it in what they have.
  const named = (found, wanted, exactly, partly) => {
    const exact = found.filter((each) => low(exactly(each)) === wanted);
    return exact.length ? exact : found.filter((each) => low(partly(each)).includes(wanted));
  };
  const fitting = (target) => {
    if (target.any && target.any.length) {
      for (const each of target.any) { const found = fitting(each); if (found.some(visible)) return found; }
      return [];
    }
    let root = document;
    if (target.within) { root = pick(target.within); if (!root) return []; }
    shadows = shadowed(document);
    let found = everything(root, target.css || (target.label ? FIELDS : "body *"));
    if (target.role) found = found.filter((each) => roleFits(each, target.role));
    if (target.label) found = named(found, low(target.label), (each) => labels(plain(each)), label);
    if (target.name) found = named(found, low(target.name), name, name);
    if (target.text) {
      const wanted = low(target.text);
      found = innermost(found.filter((each) => !silent(each) && (low(text(each)) === wanted || (each.localName === "input" && low(each.value) === wanted))));
    }
    if (target.contains) {
      const wanted = low(target.contains);
      found = innermost(found.filter((each) => !silent(each) && low(text(each)).includes(wanted)));
    }
    return found;
  };
  const pick = (target) => {
    const found = fitting(target), seen = found.filter(visible), from = seen.length ? seen : found, nth = target.nth || 0;
    return from[nth < 0 ? from.length + nth : nth] || null;
  };
  return { low, role, name, fitting, pick };
})();
