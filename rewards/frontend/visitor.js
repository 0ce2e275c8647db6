// Tries a page as a visitor would who was told nothing: which controls there are, and whether anything that can be seen follows from
// using one. Evaluated after dom.js and targets.js in a world of its own. (request) => answer; request.do names the function.
(request) => {
  const { clean, plain, page, holds, meets, everything, visible, hit } = dom;
  const CONTROLS = "button,a[href],input:not([type=hidden]):not([type=file]),select,textarea,summary,[role=button],[role=tab],[role=switch],[onclick]";
  const MOST_WATCHED = 600;
  const OWN = ["color", "backgroundColor", "backgroundImage", "fontWeight", "textDecorationLine", "fill", "stroke", "opacity"];
  const LOOK = [...OWN, "transform", "borderTopColor", "borderTopWidth", "boxShadow", "filter", "strokeDasharray", "strokeDashoffset", "strokeWidth"];

  // What can be seen of an element itself, without what is in it. Of the control in use not what browsers draw round it.
  const glance = (element, used) => {
    const it = plain(element), style = getComputedStyle(element), rect = it.getBoundingClientRect();
    if (style.display === "none" || style.visibility !== "visible") return "";
    const own = [...it.childNodes].map((each) => (dom.kind(each) === 3 ? clean(each.data) : "")).join(" ");
    const parts = [own, /^(input|textarea|select)$/.test(element.localName) ? [element.value, element.checked] : "", element.localName === "details" ? it.open : ""];
    if (element.localName === "canvas") { try { parts.push(element.toDataURL()); } catch { parts.push("?"); } }
    parts.push(...(used ? OWN : LOOK).map((key) => style[key]));
    parts.push(Math.round(rect.x + (style.position === "fixed" ? 0 : scrollX)), Math.round(rect.y + (style.position === "fixed" ? 0 : scrollY)), Math.round(rect.width), Math.round(rect.height));
    return parts.join("|");
  };
  const watched = () => (page.body ? [page.body, ...everything(page.body, "*")] : []).filter((each) => !/^(script|style|template|link|meta)$/.test(each.localName)).slice(0, MOST_WATCHED);
  const view = () => {
    // What moves to an end is taken there.
    dom.finish(() => {});
    const control = globalThis.tried?.[request.index];
    return new Map(watched().map((each) => [each, glance(each, Boolean(control) && (each === control || holds(each, control)))]));
  };
  // The elements that are not what they were, come and gone ones among them.
  const changed = (then, now) => {
    const found = [];
    for (const [each, look] of now) if ((then.get(each) ?? "") !== look) found.push(each);
    for (const [each, look] of then) if (!now.has(each) && look) found.push(each);
    return found;
  };
  globalThis.restless ||= new Set();

  const actions = {
    controls: () => {
      const found = everything(document, CONTROLS).filter((each) => visible(each) && !each.matches(":disabled"));
      const most = request.most, step = Math.max(1, found.length / most);
      globalThis.tried = [];
      for (let place = 0; place < found.length && globalThis.tried.length < most; place += step) tried.push(found[Math.floor(place)]);
      return tried.map((each) => {
        const rect = each.getBoundingClientRect();
        return { what: `<${each.localName}> ${clean(targets.name(each)).slice(0, 40)}`, box: [rect.x + scrollX, rect.y + scrollY, rect.width, rect.height] };
      });
    },
    // Brings a control into view and gives it the focus, as a mouse would.
    reach: () => {
      if (!globalThis.tried) return { left: true, gone: true };
      const element = tried[request.index];
      if (!element || !element.isConnected || !visible(element)) return { gone: true };
      element.scrollIntoView({ block: "center", behavior: "instant" });
      const rect = [...element.getClientRects()].find((each) => each.width >= 1 && each.height >= 1) || element.getBoundingClientRect();
      const x = rect.left + rect.width / 2, y = rect.top + rect.height / 2, reached = hit(x, y);
      if (!meets(element, reached)) return { covered: true };
      element.focus({ preventScroll: true, focusVisible: false });
      const link = element.closest("a[href]"), href = link ? link.getAttribute("href") : "";
      const place = href.startsWith("#") && href.length > 1 ? page.getElementById(decodeURIComponent(href.slice(1))) : null;
      // A key that chooses another value; a menu of the browser's own is not on the page.
      let key = "";
      if (element.localName === "select") key = element.selectedIndex >= element.options.length - 1 ? "ArrowUp" : "ArrowDown";
      if (element.localName === "input" && element.type === "range") key = Number(element.value) <= Number(element.min || 0) ? "ArrowRight" : "ArrowLeft";
      return {
        key, x, y, role: targets.role(element), type: element.localName === "input" ? element.type : "",
        leads: Boolean(place) || /^(mailto|tel|sms):/.test(href) || Boolean(link && link.target === "_blank" && /^https?:/.test(link.href)),
      };
    },
    // Notes how everything looks, and returns how far the page is scrolled; what has changed since the last note does so on its own.
    idle: () => {
      const now = view();
      if (globalThis.noted && request.compare) for (const each of changed(noted, now)) restless.add(each);
      globalThis.noted = now;
      return Math.round(scrollY);
    },
    // How many elements have changed since the last note, but for those that always do; and whether those stand still.
    reaction: () => {
      if (!globalThis.noted) return { changed: 1 };
      const now = view(), found = changed(noted, now), calm = found.filter((each) => !restless.has(each)).length;
      const stands = restless.size > 0 && ![...restless].some((each) => each.isConnected && found.includes(each));
      globalThis.noted = calm ? now : noted;
      const field = page.activeElement, asked = Boolean(field && field.form !== undefined && field.matches(":invalid") && field !== globalThis.tried?.[request.index]);
      return { changed: calm, asked, stands, scroll: Math.round(scrollY) };
    },
  };
  return actions[request.do]();
}
