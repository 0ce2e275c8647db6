// Run before any script of the page, in the page's own world: time and chance that are the same every time, a silent console, and
// word of what the page keeps to itself.
(() => {
  const tell = globalThis.lpoTell;
  delete globalThis.lpoTell;

  // Time and chance; also for workers, in which it is evaluated from its source.
  const settle = () => {
    const EPOCH = 1748779200000; // 2025-06-01, 12:00 UTC, a Sunday
    const elapsed = performance.now.bind(performance), floor = Math.floor;
    const now = () => EPOCH + floor(elapsed());
    const put = (place, name, value) => { try { Object.defineProperty(place, name, { value, writable: true, configurable: true, enumerable: false }); } catch {} };
    const read = (place, name, get) => { try { Object.defineProperty(place, name, { get, configurable: true, enumerable: true }); } catch {} };
    const RealDate = Date;
    const FixedDate = new Proxy(RealDate, {
      construct: (target, given, newTarget) => Reflect.construct(target, given.length ? given : [now()], newTarget === FixedDate ? target : newTarget),
      apply: () => new RealDate(now()).toString(),
      get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
    });
    RealDate.prototype.constructor = FixedDate;
    put(globalThis, "Date", FixedDate);
    read(Performance.prototype, "timeOrigin", () => EPOCH);

    // Without a date they take the machine's.
    const format = Object.getOwnPropertyDescriptor(Intl.DateTimeFormat.prototype, "format").get, bound = new WeakMap();
    const { formatToParts } = Intl.DateTimeFormat.prototype;
    read(Intl.DateTimeFormat.prototype, "format", function () {
      if (!bound.has(this)) { const real = format.call(this); bound.set(this, (date) => real(date === undefined ? now() : date)); }
      return bound.get(this);
    });
    put(Intl.DateTimeFormat.prototype, "formatToParts", function (date) { return formatToParts.call(this, date === undefined ? now() : date); });
    const times = globalThis.Temporal;
    if (times) {
      const at = (zone) => times.Instant.fromEpochMilliseconds(now()).toZonedDateTimeISO(zone ?? times.Now.timeZoneId());
      put(times.Now, "instant", () => times.Instant.fromEpochMilliseconds(now()));
      put(times.Now, "zonedDateTimeISO", at);
      for (const [name, part] of [["plainDateTimeISO", "toPlainDateTime"], ["plainDateISO", "toPlainDate"], ["plainTimeISO", "toPlainTime"]]) put(times.Now, name, (zone) => at(zone)[part]());
    }
    const RealFile = globalThis.File;
    if (RealFile) put(globalThis, "File", new Proxy(RealFile, { construct: (target, [parts, name, options], newTarget) => Reflect.construct(target, [parts, name, { lastModified: now(), ...options }], newTarget) }));

    let state = 0x2f6e2b1;
    const random = () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
    Math.random = random;
    if (globalThis.crypto) {
      Crypto.prototype.getRandomValues = (array) => {
        const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
        for (let place = 0; place < bytes.length; place++) bytes[place] = floor(random() * 256);
        return array;
      };
      Crypto.prototype.randomUUID = () => "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
        (digit ^ (floor(random() * 256) & (15 >> (digit / 4)))).toString(16));
    }
    for (const name of Object.keys(console)) if (typeof console[name] === "function") console[name] = () => {};
    return { elapsed, read };
  };
  const { elapsed, read } = settle();
  read(Document.prototype, "lastModified", () => "06/01/2025 12:00:00");

  // A worker made from text begins with the same.
  if (globalThis.Worker) {
    const source = `(${settle})();`, RealBlob = Blob, link = URL.createObjectURL;
    globalThis.Worker = new Proxy(Worker, {
      construct: (target, [url, options], newTarget) => {
        const address = String(url);
        if (!/^(blob|data):/.test(address)) return Reflect.construct(target, [url, options], newTarget);
        const load = options?.type === "module" ? `import(${JSON.stringify(address)});` : `importScripts(${JSON.stringify(address)});`;
        return Reflect.construct(target, [link(new RealBlob([source, load], { type: "text/javascript" })), options], newTarget);
      },
    });
  }

  // Frames follow this clock, too; the browser's own follow the machine's, of which hardly any fall into a second of the page.
  const later = setTimeout.bind(globalThis), never = clearTimeout.bind(globalThis), frames = new Map();
  let frame = 0;
  globalThis.requestAnimationFrame = (callback) => {
    const number = ++frame;
    frames.set(number, later(() => { frames.delete(number); callback(elapsed()); }, 16));
    return number;
  };
  globalThis.cancelAnimationFrame = (number) => { never(frames.get(number)); frames.delete(number); };

  if (tell) {
    // Errors that a handler keeps from being reported.
    const prevented = Object.getOwnPropertyDescriptor(Event.prototype, "defaultPrevented").get;
    const watch = (kind, said) => addEventListener(kind, (event) => {
      const text = said(event);
      later(() => { if (prevented.call(event)) tell(`error ${text}`); }, 0);
    }, true);
    watch("error", (event) => (typeof event.message === "string" ? event.message : "an error"));
    watch("unhandledrejection", (event) => { try { return `Uncaught (in promise) ${event.reason}`; } catch { return "Uncaught (in promise)"; } });
    // What is still to come soon after loading: a page that begins with a skeleton or a splash.
    const SOON = 3000;
    let due = 0;
    globalThis.setTimeout = function (callback, delay, ...given) {
      const at = elapsed() + Number(delay);
      if (at > due && at <= SOON && delay >= 100) { due = at; tell(`due ${Math.ceil(at)}`); }
      return later(callback, delay, ...given);
    };
  }

  // Shadows are looked into.
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (options) { return attach.call(this, { ...options, mode: "open" }); };

  // A clipboard of the page's own; the browser's asks for leave.
  if (globalThis.Clipboard) {
    let held = "";
    Object.assign(Clipboard.prototype, {
      writeText: async (text) => { held = String(text); }, readText: async () => held,
      write: async (items) => { for (const item of items) if (item.types.includes("text/plain")) held = await (await item.getType("text/plain")).text(); },
    });
  }
  if (globalThis.speechSynthesis) globalThis.speechSynthesis.speak = () => {};
  globalThis.print = () => {};
  globalThis.stop = () => {}; // would keep the page from ever having loaded
})();
