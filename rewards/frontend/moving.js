// Lets what CSS moves keep step with the page's clock; its own time is that of frames, of which hardly any are drawn. Evaluated after
// dom.js in a world of its own. (ms since the last call) => how many movements that end are under way.
(ms) => {
  const begun = (globalThis.begun ||= new WeakMap()), now = performance.now();
  let running = 0;
  for (const animation of dom.page.getAnimations()) {
    try {
      const end = Number(animation.effect.getComputedTiming().endTime);
      if (animation.playState !== "running" || !Number.isFinite(end)) continue;
      if (!begun.has(animation)) begun.set(animation, now - ms);
      const time = now - begun.get(animation);
      if (time >= end) animation.finish();
      else { animation.currentTime = time; running++; }
    } catch { animation.cancel(); }
  }
  return running;
}
