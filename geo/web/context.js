/* The reader's own layers, between the basemap and the claims: read, drawn, and asked for a name. */
window.claimContext = (() => {
  "use strict";

  const { path } = window.claimMarks;
  const { boxOf, worlds, touches, inside, traceAll, distanceToLine, covers } = window.claimPaths;
  const { pixelRatio, swatch } = window.claimSigns;
  const NEAR_PX = 5;

  const KINDS = ["point", "line", "area"];
  /** Steps of longitude and latitude to paths; see geo/overlays.py for the form. */
  function read({ unit, features }) {
    return features.map(([row, kind, lines]) => {
      const parts = lines.map((steps) => {
        let lon = 0, lat = 0;
        const coordinates = [];
        for (let i = 0; i < steps.length; i += 2) {
          lon += steps[i]; lat += steps[i + 1];
          coordinates.push([lon * unit, lat * unit]);
        }
        return path(coordinates, kind === 2);
      });
      return { row, kind: KINDS[kind], parts, box: boxOf(parts) };
    });
  }

  /** Draws layers from below, each { shapes, look, opacity }. */
  function paint(ctx, view, overlays) {
    for (const { shapes, look, opacity } of overlays) {
      ctx.globalAlpha = opacity;
      for (const v of worlds(view)) {
        for (const shape of shapes) if (inside(shape.box, v)) paintShape(ctx, shape, look.classes[look.codes[shape.row]], v);
      }
    }
    ctx.globalAlpha = 1;
    ctx.setLineDash([]);
  }

  function paintShape(ctx, shape, style, v) {
    const alpha = ctx.globalAlpha;
    ctx.lineJoin = "round"; ctx.lineCap = "butt";
    if (shape.kind === "point") {
      const x = shape.box.west * v.scale - v.ox, y = shape.box.north * v.scale - v.oy;
      ctx.beginPath();
      if (style.shape === "square") ctx.rect(x - 3.2, y - 3.2, 6.4, 6.4); else ctx.arc(x, y, 3.6, 0, 2 * Math.PI);
      ctx.fillStyle = style.colour; ctx.fill();
      ctx.strokeStyle = "#fff"; ctx.lineWidth = 1; ctx.setLineDash([]); ctx.stroke();
      return;
    }
    traceAll(ctx, shape.parts, { ...v, least: shape.kind === "area" ? 0.5 : 0 });
    if (shape.kind === "area") {
      ctx.globalAlpha = alpha * 0.45;
      ctx.fillStyle = style.colour; ctx.fill("evenodd");
      if (style.hatch) { ctx.globalAlpha = alpha; ctx.fillStyle = lined(ctx, style.colour, v); ctx.fill("evenodd"); }
      ctx.globalAlpha = alpha;
    }
    ctx.setLineDash(style.dash); ctx.strokeStyle = style.colour; ctx.lineWidth = shape.kind === "area" ? 1.1 : 2;
    ctx.stroke();
  }

  const lines = new Map();
  /** Level lines in a colour; slanting ones would look like the strokes of a denial. */
  function lined(ctx, colour, v) {
    const key = colour + pixelRatio();
    if (!lines.has(key)) {
      const tile = document.createElement("canvas");
      tile.width = 4; tile.height = 6 * pixelRatio();
      const own = tile.getContext("2d");
      own.fillStyle = colour; own.fillRect(0, 0, 4, 1.4 * pixelRatio());
      lines.set(key, ctx.createPattern(tile, "repeat"));
    }
    const pattern = lines.get(key);
    // Fixed to the world, not to the canvas, which starts anew with each pan.
    pattern.setTransform(new DOMMatrix().translate(0, -(v.oy % 6)).scale(1 / pixelRatio()));
    return pattern;
  }

  /** The name of what an overlay shows at a point of the window: the uppermost one that has one. */
  function at(overlays, v, x, y) {
    for (const { shapes, look } of [...overlays].reverse()) {
      for (const w of worlds(v)) {
        const near = [x - NEAR_PX, y - NEAR_PX, x + NEAR_PX, y + NEAR_PX];
        const hit = shapes.filter((shape) => look.labels[look.named[shape.row]] && touches(shape.box, w, near))
          .find((shape) => shape.kind === "area" ? covers(shape, w, x, y)
            : shape.kind === "point" || shape.parts.some((part) => distanceToLine(part, w, x, y) <= NEAR_PX));
        if (hit) return [look.labels[look.named[hit.row]], look.name];
      }
    }
    return null;
  }

  function picture(style, kind, opacity) {
    const ends = { point: [18, 11], line: [1, 11, 35, 11], area: [3, 3, 33, 3, 33, 19, 3, 19] }[kind];
    const part = { xy: Float64Array.from(ends), closed: kind === "area", west: 0, east: 1, north: 0, south: 1 };
    const box = kind === "point" ? { west: 18, east: 18, north: 11, south: 11 } : {};
    return swatch((ctx) => {
      ctx.globalAlpha = Math.max(opacity, 0.4); // what is faint on the map must still be seen here
      paintShape(ctx, { kind, parts: [part], box }, style, { scale: 1, ox: 0, oy: 0, width: 36, height: 22 });
    });
  }

  return { read, paint, at, picture };
})();
