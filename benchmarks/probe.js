/* Runs in every frame before the page's own scripts: notes when the picture on the map changes.
 *
 * The rule is the same for all apps: a change is a drawing on a canvas of the map, or a change of
 * the elements in it; it is on the screen at the first frame after it. Times are milliseconds
 * since 1970, as one clock for all frames. See benchmarks/screen.py for who asks.
 */
(() => {
  "use strict";

  const PICTURE = ".leaflet-map-pane, [data-testid='stDeckGlJsonChart'], .st-key-echo";
  const SCRIPT_FINISHED = 6; // its number among the fields of Streamlit's ForwardMsg
  const TICK_MS = 25;
  const CALM_TICKS = 12; // so many in a row without anything new: it is over
  const isTop = window === window.top;
  const now = () => performance.timeOrigin + performance.now();

  if (isTop) {
    window.bench = {
      clicks: [], changes: 0, shown: [], painted: [], frames: [], finished: [], sent: 0, kept: null,
      pending: false,
    };
    watchSocket();
    window.addEventListener("click", (event) => {
      window.bench.clicks.push(performance.timeOrigin + event.timeStamp);
    }, true);
  }
  let bench;
  try { bench = window.top.bench; } catch { return; } // a frame of another origin
  if (!bench) return;
  performance.setResourceTimingBufferSize(5000);

  // ---- the picture ------------------------------------------------------------------------

  const isPicture = (node) => {
    const element = node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement;
    return Boolean(element && element.isConnected && element.closest(PICTURE));
  };
  const holdsPicture = (node) => Boolean(node.querySelector && node.querySelector(PICTURE));

  let lastCanvas = null, lastIs = false;
  function watch(prototype, names) {
    for (const name of names) {
      const original = prototype[name];
      prototype[name] = function (...given) {
        // Asked once for a canvas: some are drawn on a hundred thousand times in a row.
        if (this.canvas !== lastCanvas || !lastIs) {
          lastCanvas = this.canvas;
          lastIs = lastCanvas instanceof HTMLElement && isPicture(lastCanvas);
        }
        if (lastIs && !bench.pending) bench.changed();
        return original.apply(this, given);
      };
    }
  }
  watch(CanvasRenderingContext2D.prototype, ["clearRect", "drawImage", "putImageData"]);
  watch(WebGL2RenderingContext.prototype, [
    "clear", "drawArrays", "drawElements", "drawArraysInstanced", "drawElementsInstanced",
  ]);

  if (!isTop) return;

  const channel = new MessageChannel();
  channel.port1.onmessage = () => { bench.pending = false; bench.shown.push(now()); };
  bench.changed = () => {
    bench.changes += 1;
    if (bench.pending) return;
    bench.pending = true;
    // The message comes when the frame that the change is in has been handed on.
    requestAnimationFrame(() => channel.port2.postMessage(0));
  };

  const adopted = new WeakSet();
  /** Watches what is in a window. From above: a frame keeps its window when it gets its document. */
  function adopt(view) {
    try {
      if (!adopted.has(view.document)) {
        adopted.add(view.document);
        new view.MutationObserver((records) => {
          const isOne = ({ target, addedNodes }) =>
            isPicture(target) || [...addedNodes].some((node) => isPicture(node) || holdsPicture(node));
          if (records.some(isOne)) bench.changed();
        }).observe(view.document, {
          childList: true, subtree: true, characterData: true, attributeFilter: ["d", "style"],
        });
        // Only the dashboard says it; a drawing that is not seen above, as in a worker, counts by it.
        view.addEventListener("claimmap:painted", () => {
          const isFirst = !bench.painted.length || bench.painted.at(-1) < (bench.clicks.at(-1) || 0);
          bench.painted.push(now());
          if (isFirst) bench.changed();
        });
      }
      for (let i = 0; i < view.frames.length; i++) adopt(view.frames[i]);
    } catch { /* of another origin */ }
  }
  adopt(window);
  setInterval(() => adopt(window), TICK_MS);

  // ---- the server -------------------------------------------------------------------------

  function watchSocket() {
    const Native = window.WebSocket;
    window.WebSocket = class extends Native {
      constructor(...given) {
        super(...given);
        super.addEventListener("message", ({ data }) => {
          const t = now();
          window.bench.frames.push([t, data.byteLength === undefined ? data.size : data.byteLength]);
          if (data instanceof ArrayBuffer) note(new Uint8Array(data), t);
        });
      }
      send(data) { window.bench.sent += 1; super.send(data); }
    };
  }

  /** Looks through the fields of a message, the parts unread, for the end of a run. */
  function note(bytes, t) {
    let at = 0;
    const number = () => {
      let value = 0, factor = 1, byte;
      do { byte = bytes[at++]; value += (byte & 127) * factor; factor *= 128; } while (byte & 128);
      return value;
    };
    while (at < bytes.length) {
      const tag = number(), kind = tag & 7;
      if (kind === 0) {
        const value = number();
        // 2: ended early, for another run that follows
        if (tag >> 3 === SCRIPT_FINISHED && value !== 2) window.bench.finished.push(t);
      } else if (kind === 2) { const length = number(); at += length; }
      else if (kind === 5) at += 4;
      else if (kind === 1) at += 8;
      else return;
    }
  }

  const loaded = () => {
    let bytes = 0;
    const walk = (view) => {
      for (const entry of view.performance.getEntriesByType("resource")) bytes += entry.transferSize;
      for (let i = 0; i < view.frames.length; i++) {
        try { walk(view.frames[i]); } catch { /* of another origin */ }
      }
    };
    walk(window);
    return bytes;
  };
  const isRunning = () => {
    const app = document.querySelector("[data-testid='stApp']");
    return !app || app.dataset.testScriptState !== "notRunning";
  };

  let mark = { clicks: 0, shown: 0, painted: 0, frames: 0, finished: 0, loaded: 0, sent: 0 };
  /** From here on counts what `settled` tells. */
  bench.start = () => {
    mark = {
      clicks: bench.clicks.length, shown: bench.shown.length, painted: bench.painted.length,
      frames: bench.frames.length, finished: bench.finished.length, loaded: loaded(),
      sent: bench.sent,
    };
  };
  const told = (over, why) => ({
    over, why,
    clicked: bench.clicks[mark.clicks],
    shown: bench.shown.slice(mark.shown),
    painted: bench.painted.slice(mark.painted),
    finished: bench.finished.slice(mark.finished),
    socket_bytes: bench.frames.slice(mark.frames).reduce((sum, frame) => sum + frame[1], 0),
    http_bytes: loaded() - mark.loaded,
    frames: bench.frames.length - mark.frames,
    sent: bench.sent - mark.sent,
    origin: performance.timeOrigin,
  });
  /** Waits until a run has ended, the picture has changed, and nothing more happens. */
  bench.settled = (cap_ms) => new Promise((resolve) => {
    const start = now();
    let calm = 0, seen = "";
    const tick = () => {
      const state = [bench.changes, bench.frames.length, bench.finished.length].join();
      const over = bench.finished.length > mark.finished && !isRunning() && !bench.pending;
      calm = over && state === seen ? calm + 1 : 0;
      seen = state;
      if (calm >= CALM_TICKS && bench.shown.length > mark.shown) resolve(told(true, ""));
      else if (calm >= 5 * CALM_TICKS) resolve(told(false, "the picture did not change"));
      else if (now() - start > cap_ms) resolve(told(false, "over the cap"));
      else setTimeout(tick, TICK_MS);
    };
    tick();
  });

  // ---- what stays, and how smoothly it moves ----------------------------------------------

  const frameOf = () => [...document.querySelectorAll("iframe")].find((frame) => {
    try { return Boolean(frame.contentWindow.claimMap); } catch { return false; }
  });
  const standing = () => {
    const frame = frameOf();
    return frame ? [frame, frame.contentWindow, frame.contentWindow.claimMap, frame.contentWindow.claimMap.map] : null;
  };
  bench.keep = () => { bench.kept = standing(); return Boolean(bench.kept); };
  bench.stands = () => {
    const found = standing();
    return Boolean(bench.kept && found) && found.every((each, i) => each === bench.kept[i]);
  };

  let watched = null;
  bench.watchFrames = () => {
    const times = watched = [];
    const step = (t) => { if (watched === times) { times.push(t); requestAnimationFrame(step); } };
    requestAnimationFrame(step);
  };
  bench.frameTimes = () => {
    const times = watched;
    watched = null;
    return times.slice(1).map((t, i) => t - times[i]);
  };
})();
