/* Lines and rings on a canvas: which of them a view touches, how they are traced, what lies near.
 *
 * A part is { xy: flat coordinates in the square world of side 1, closed, and its box }. A view is
 * { scale: pixels to the world's side, ox, oy: where the canvas begins, width, height, zoom }.
 */
window.claimPaths = (() => {
  "use strict";

  const { path } = window.claimMarks;

  /** All rings and lines of a GeoJSON geometry. */
  function paths(geometry) {
    const c = geometry.coordinates;
    switch (geometry.type) {
      case "Point": return [path([c], false)];
      case "LineString": return [path(c, false)];
      case "MultiLineString": return c.map((line) => path(line, false));
      case "Polygon": return c.map((ring) => path(ring, true));
      case "MultiPolygon": return c.flat().map((ring) => path(ring, true));
      default: throw new Error("geometry type " + geometry.type);
    }
  }

  const boxOf = (parts) => ({
    west: Math.min(...parts.map((p) => p.west)), east: Math.max(...parts.map((p) => p.east)),
    north: Math.min(...parts.map((p) => p.north)), south: Math.max(...parts.map((p) => p.south)),
  });

  /** The view of each copy of the world that the window shows, from west to east. */
  const worlds = (v) => [-1, 0, 1]
    .map((turn) => ({ ...v, ox: v.ox - turn * v.scale }))
    .filter((w) => 1.25 * w.scale - w.ox >= 0 && -0.25 * w.scale - w.ox <= w.width); // a feature may pass ±180

  /** Whether a box of the world touches one of the canvas (left, top, right, bottom). */
  const touches = (box, v, [left, top, right, bottom]) =>
    box.east * v.scale - v.ox >= left && box.west * v.scale - v.ox <= right &&
    box.south * v.scale - v.oy >= top && box.north * v.scale - v.oy <= bottom;

  const inside = (box, v) => touches(box, v, [-20, -20, v.width + 20, v.height + 20]);

  /** Adds a ring or line to the context's path, leaving out steps too small to see. */
  function trace(ctx, part, v) {
    const xy = part.xy, n = xy.length;
    let px = xy[0] * v.scale - v.ox, py = xy[1] * v.scale - v.oy;
    ctx.moveTo(px, py);
    for (let i = 2; i < n; i += 2) {
      const x = xy[i] * v.scale - v.ox, y = xy[i + 1] * v.scale - v.oy;
      if (Math.abs(x - px) + Math.abs(y - py) < (v.step || 0.7) && i < n - 2) continue;
      ctx.lineTo(x, y);
      px = x; py = y;
    }
    if (part.closed) ctx.closePath();
  }

  function traceAll(ctx, parts, v) {
    ctx.beginPath();
    for (const part of parts) {
      // An islet smaller than a pixel costs as much as a large one and shows nothing.
      const seen = Math.max(part.east - part.west, part.south - part.north) * v.scale > (v.least || 0);
      if (seen && inside(part, v)) trace(ctx, part, v);
    }
  }

  /** Points at even steps along the visible paths: [x, y, angle]. */
  function along(part, v, step, first = step / 2) {
    const found = [];
    const xy = part.xy;
    let next = first, walked = 0;
    for (let i = 2; i < xy.length; i += 2) {
      const x0 = xy[i - 2] * v.scale - v.ox, y0 = xy[i - 1] * v.scale - v.oy;
      const x1 = xy[i] * v.scale - v.ox, y1 = xy[i + 1] * v.scale - v.oy;
      const length = Math.hypot(x1 - x0, y1 - y0);
      if (Math.max(x0, x1) < -50 || Math.min(x0, x1) > v.width + 50 ||
          Math.max(y0, y1) < -50 || Math.min(y0, y1) > v.height + 50) {
        walked += length; next = Math.max(next, walked); continue;
      }
      while (next <= walked + length && length > 0) {
        const t = (next - walked) / length;
        found.push([x0 + t * (x1 - x0), y0 + t * (y1 - y0), Math.atan2(y1 - y0, x1 - x0)]);
        next += step;
        if (found.length > 400) return found;
      }
      walked += length;
    }
    return found;
  }

  function pixelLength(part, v) {
    let sum = 0;
    for (let i = 2; i < part.xy.length; i += 2) {
      sum += Math.hypot(part.xy[i] - part.xy[i - 2], part.xy[i + 1] - part.xy[i - 1]);
    }
    return sum * v.scale;
  }

  const overlap = (a, b) => a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1];

  /** Whether a box lies in the window, all of it. */
  const within = (box, v) => box[0] >= 0 && box[1] >= 0 && box[2] <= v.width && box[3] <= v.height;

  function distanceToLine(part, v, x, y) {
    let best = Infinity;
    const xy = part.xy;
    for (let i = 2; i < xy.length; i += 2) {
      const ax = xy[i - 2] * v.scale - v.ox, ay = xy[i - 1] * v.scale - v.oy;
      const bx = xy[i] * v.scale - v.ox, by = xy[i + 1] * v.scale - v.oy;
      const l = (bx - ax) ** 2 + (by - ay) ** 2;
      const t = l ? Math.max(0, Math.min(1, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / l)) : 0;
      best = Math.min(best, Math.hypot(ax + t * (bx - ax) - x, ay + t * (by - ay) - y));
    }
    return best;
  }

  function holds(part, v, x, y) {
    let odd = false;
    const xy = part.xy;
    for (let i = 0, j = xy.length - 2; i < xy.length; j = i, i += 2) {
      const ax = xy[i] * v.scale - v.ox, ay = xy[i + 1] * v.scale - v.oy;
      const bx = xy[j] * v.scale - v.ox, by = xy[j + 1] * v.scale - v.oy;
      if ((ay > y) !== (by > y) && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
    }
    return odd;
  }

  /** Whether a point lies in an area: in its rings, and not in a hole of it. */
  const covers = (mark, v, x, y) => mark.parts.reduce((odd, part) => odd !== holds(part, v, x, y), false);

  return { paths, boxOf, worlds, touches, inside, within, overlap, traceAll, along, pixelLength, distanceToLine, covers };
})();
