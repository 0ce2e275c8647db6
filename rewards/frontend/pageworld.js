// Run before any script of the page, in the page's own world: time and chance that are the same every time, and a silent console.
(() => {
  const EPOCH = 1748779200000; // 2025-06-01, 12:00 UTC, a Sunday
  const elapsed = performance.now.bind(performance), floor = Math.floor;
  const now = () => EPOCH + floor(elapsed());
  const RealDate = Date;
  const FixedDate = new Proxy(RealDate, {
    construct: (target, given, newTarget) => Reflect.construct(target, given.length ? given : [now()], newTarget === FixedDate ? target : newTarget),
    apply: () => new RealDate(now()).toString(),
    get: (target, name) => (name === "now" ? now : Reflect.get(target, name)),
  });
  RealDate.prototype.constructor = FixedDate;
  Object.defineProperty(globalThis, "Date", { value: FixedDate, writable: true, configurable: true, enumerable: false });

  // Frames follow this clock, too; the browser's own follow the machine's, of which hardly any fall into a second of the page.
  const later = setTimeout.bind(globalThis), never = clearTimeout.bind(globalThis), frames = new Map();
  let frame = 0;
  globalThis.requestAnimationFrame = (callback) => {
    const number = ++frame;
    frames.set(number, later(() => { frames.delete(number); callback(elapsed()); }, 16));
    return number;
  };
  globalThis.cancelAnimationFrame = (number) => { never(frames.get(number)); frames.delete(number); };

  let state = 0x2f6e2b1;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
  Math.random = random;
  if (globalThis.crypto) {
    const fill = (array) => {
      const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
      for (let place = 0; place < bytes.length; place++) bytes[place] = floor(random() * 256);
      return array;
    };
    Crypto.prototype.getRandomValues = fill;
    Crypto.prototype.randomUUID = () => "10000000-1000-4000-8000-100000000000".replace(/[018]/g, (digit) =>
      (digit ^ (floor(random() * 256) & (15 >> (digit / 4)))).toString(16));
  }
  for (const name of Object.keys(console)) if (typeof console[name] === "function") console[name] = () => {};
  if (globalThis.speechSynthesis) globalThis.speechSynthesis.speak = () => {};
  globalThis.print = () => {};
})();
