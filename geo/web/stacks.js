/* Which marks lie so close at a scale that they are shown as one: stacks, worked out for the whole world.
 *
 * Worked out once for a scale and a choice, and not for what is in the window, so a stack stays
 * where it is in a pan, and a pan costs nothing.
 */
window.claimStacks = (() => {
  "use strict";

  const SIGN_PX = 24; // below it the radius of an area itself could hardly be read
  const STATED = new Set(["stated-point", "to", "ring", "sector", "radius"]);

  const known = new WeakMap();
  /** By kind of mark: how it may stand as a point (0 never, 1 as a point, 2 as an area), whether it
   * always does, whether it is a denial, and from what width in pixels of its feature on it is shown. */
  function kindsOf(data) {
    if (!known.has(data)) {
      const { kinds } = data;
      known.set(data, {
        role: Uint8Array.from(kinds, ({ symbol, part }) =>
          symbol.kind === "point" ? 1 : symbol.kind === "area" && part !== "sector" ? 2 : 0),
        hatched: Uint8Array.from(kinds, ({ symbol }) => symbol.hatch ? 1 : 0),
        denial: Uint8Array.from(kinds, ({ layer }) => layer === "denied" ? 1 : 0),
        least: Float64Array.from(kinds, ({ part }) => Math.max(STATED.has(part) ? 44 : 0, part === "radius" ? 26 : 0)),
      });
    }
    return known.get(data);
  }

  /** Marks that are on, those too small at this scale left out. */
  function drawable(data, on, scale) {
    const { least } = kindsOf(data), found = new Uint8Array(data.count);
    for (let n = 0; n < data.count; n++) {
      if (on[n] && data.span[data.feature[n]] * scale >= least[data.kind[n]]) found[n] = 1;
    }
    return found;
  }

  /** Of some marks, by number, those drawn as lines or areas: neither too small nor shown as points. */
  function shapes(data, numbers, scale) {
    const { least, role } = kindsOf(data), { west, east } = data.figures;
    return numbers.filter((n) => {
      const kind = data.kind[n], f = data.figure[n];
      if (data.span[data.feature[n]] * scale < least[kind]) return false;
      return role[kind] !== 2 || (east[f] - west[f]) * scale >= SIGN_PX;
    });
  }

  /** Stacks of what stands as a point: a point joins the first one within `cell` pixels.
   *
   * Returns x and y (of the square world) of each stack, how many claims and denied claims it
   * holds, how many marks, and `members(stack)`, their numbers in drawing order.
   */
  function make(data, on, scale, cell) {
    const { role, hatched, least } = kindsOf(data), { west, east, north, south } = data.figures;
    const stackOf = new Int32Array(data.count).fill(-1);
    const xs = [], ys = [], nexts = [];
    const size = 2 ** Math.ceil(Math.log2(data.count + 1024)), heads = new Int32Array(size).fill(-1);
    const slot = (cx, cy) => (Math.imul(cx, 73856093) ^ Math.imul(cy, 19349663)) & (size - 1);
    for (let n = 0; n < data.count; n++) {
      if (!on[n]) continue;
      const kind = data.kind[n];
      if (!role[kind] || data.span[data.feature[n]] * scale < least[kind]) continue;
      const f = data.figure[n];
      if (role[kind] === 2 && !hatched[kind] && (east[f] - west[f]) * scale >= SIGN_PX) continue;
      const x = (west[f] + east[f]) / 2 * scale, y = (north[f] + south[f]) / 2 * scale;
      const cx = Math.floor(x / cell), cy = Math.floor(y / cell);
      let stack = -1;
      for (let dx = -1; dx <= 1 && stack < 0; dx++) {
        for (let dy = -1; dy <= 1 && stack < 0; dy++) {
          for (let each = heads[slot(cx + dx, cy + dy)]; each >= 0; each = nexts[each]) {
            const ex = xs[each] - x, ey = ys[each] - y;
            if (ex * ex + ey * ey < cell * cell) { stack = each; break; }
          }
        }
      }
      if (stack < 0) {
        stack = xs.length;
        const at = slot(cx, cy);
        xs.push(x); ys.push(y); nexts.push(heads[at]);
        heads[at] = stack;
      }
      stackOf[n] = stack;
    }
    return { ...counted(data, stackOf, xs.length), x: xs.map((x) => x / scale), y: ys.map((y) => y / scale), stackOf };
  }

  function counted(data, stackOf, count) {
    const claims = new Uint32Array(count), denied = new Uint32Array(count), marks = new Uint32Array(count);
    const last = new Int32Array(count).fill(-1), lastDenied = new Int32Array(count).fill(-1);
    const { denial } = kindsOf(data);
    for (const n of data.byClaim) { // the marks of one claim after the other
      const stack = stackOf[n], claim = data.claim[n];
      if (stack < 0) continue;
      marks[stack] += 1;
      if (last[stack] !== claim) { last[stack] = claim; claims[stack] += 1; }
      if (denial[data.kind[n]] && lastDenied[stack] !== claim) { lastDenied[stack] = claim; denied[stack] += 1; }
    }
    const starts = new Uint32Array(count + 1);
    for (let s = 0; s < count; s++) starts[s + 1] = starts[s] + marks[s];
    const sorted = new Uint32Array(starts[count]), next = starts.slice();
    for (let n = 0; n < stackOf.length; n++) if (stackOf[n] >= 0) sorted[next[stackOf[n]]++] = n;
    return { count, claims, denied, marks, members: (stack) => sorted.subarray(starts[stack], starts[stack + 1]) };
  }

  return { SIGN_PX, drawable, shapes, make };
})();
