/* How a mark looks: its point, line or area in the symbol of its kind, and the small pictures of
 * the legend. The symbols come with the data (geo/symbols.py); `v` is a view as in paths.js.
 */
window.claimSigns = (() => {
  "use strict";

  const { traceAll, along, pixelLength } = window.claimPaths;
  const FONT = '"Source Sans 3", "Source Sans Pro", "Source Sans", "Segoe UI", "Noto Sans", Arial, sans-serif';
  const INK = "#1b2733";
  const SELECTED = "#f2b705";
  const [SOURCED, DENIED] = ["#0a4f8f", "#b8410b"]; // as geo/symbols.py has them

  // For a briefing: the frame is shown magnified `picture` times, and its letters `letters` more.
  let grown = { picture: 1, letters: 1 };
  function grow(picture, letters) {
    grown = { picture, letters };
    stamps.clear();
  }
  const letterSize = () => grown.letters;
  /** Pixels of the screen to one of the frame. */
  const pixelRatio = () => (window.devicePixelRatio || 1) * grown.picture;

  const SHAPES = {
    circle: (c, r) => c.arc(0, 0, r, 0, 2 * Math.PI),
    ring: (c, r) => c.arc(0, 0, r, 0, 2 * Math.PI),
    square: (c, r) => c.rect(-r * 0.86, -r * 0.86, r * 1.72, r * 1.72),
    diamond: (c, r) => polygon(c, 4, r * 1.15, 0),
    triangle: (c, r) => polygon(c, 3, r * 1.25, 0, r * 0.15),
    pentagon: (c, r) => polygon(c, 5, r * 1.1, 0),
    flag: (c, r) => {
      c.moveTo(-r * 0.75, r * 1.1); c.lineTo(-r * 0.75, -r); c.lineTo(r, -r * 0.45); c.lineTo(-r * 0.75, r * 0.15);
    },
    saltire: (c, r) => {
      const a = r * 0.42;
      const points = [[-r, -r + a], [-r + a, -r], [0, -a], [r - a, -r], [r, -r + a], [a, 0],
        [r, r - a], [r - a, r], [0, a], [-r + a, r], [-r, r - a], [-a, 0]];
      points.forEach(([x, y], i) => (i ? c.lineTo(x, y) : c.moveTo(x, y)));
      c.closePath();
    },
    bubble: (c, r) => {
      c.moveTo(-r, -r * 0.9); c.lineTo(r, -r * 0.9); c.lineTo(r, r * 0.45); c.lineTo(-r * 0.1, r * 0.45);
      c.lineTo(-r * 0.6, r * 1.1); c.lineTo(-r * 0.6, r * 0.45); c.lineTo(-r, r * 0.45); c.closePath();
    },
  };

  function polygon(c, corners, r, turn, dy = 0) {
    for (let i = 0; i < corners; i++) {
      const a = turn - Math.PI / 2 + i * 2 * Math.PI / corners;
      c.lineTo(r * Math.cos(a), r * Math.sin(a) + dy);
    }
    c.closePath();
  }

  /** Draws a point's symbol round the origin. */
  function drawPoint(ctx, symbol, scale = 1) {
    const r = symbol.size / 2 * scale;
    ctx.beginPath();
    SHAPES[symbol.shape](ctx, r);
    ctx.lineJoin = "round";
    if (symbol.fill || symbol.shape === "ring") {
      ctx.strokeStyle = "rgba(255,255,255,.9)"; ctx.lineWidth = symbol.width + 3; ctx.stroke();
    }
    if (symbol.fill) { ctx.fillStyle = symbol.fill; ctx.globalAlpha = symbol.fill_opacity; ctx.fill(); ctx.globalAlpha = 1; }
    ctx.strokeStyle = symbol.colour; ctx.lineWidth = symbol.width; ctx.setLineDash(symbol.dash);
    ctx.stroke();
    if (symbol.over) paintOver(ctx, symbol, r);
  }

  function paintPoint(ctx, symbol, x, y) {
    stamp(ctx, symbol.key, Math.ceil(symbol.size * 0.75) + 5, x, y, (c) => drawPoint(c, symbol));
  }

  const stamps = new Map();
  /** Puts what `draw` draws round its origin at a point; drawn once, as there may be thousands. */
  function stamp(ctx, name, reach, x, y, draw) {
    const ratio = pixelRatio();
    const key = name + "@" + ratio;
    if (!stamps.has(key)) {
      const image = document.createElement("canvas");
      image.width = image.height = Math.ceil(2 * reach * ratio);
      const own = image.getContext("2d");
      own.scale(ratio, ratio);
      own.translate(reach, reach);
      draw(own);
      stamps.set(key, image);
    }
    const image = stamps.get(key);
    const whole = (value) => Math.round(value * ratio) / ratio; // between two pixels it would blur
    ctx.drawImage(image, whole(x - reach), whole(y - reach), image.width / ratio, image.height / ratio);
  }

  /** A bar (denied by implication) or a cross (denied by name) through the origin. */
  function paintOver(ctx, symbol, r) {
    const reach = r * 0.95;
    const strokes = symbol.over === "cross" ? [[1, 1], [1, -1]] : [[1, -1]];
    for (const [colour, extra] of [["rgba(255,255,255,.9)", 1.6], [symbol.colour, 0]]) {
      ctx.beginPath();
      for (const [dx, dy] of strokes) {
        ctx.moveTo(-reach * dx * 0.72, -reach * dy * 0.72); ctx.lineTo(reach * dx * 0.72, reach * dy * 0.72);
      }
      ctx.setLineDash([]); ctx.strokeStyle = colour; ctx.lineWidth = symbol.width + extra;
      ctx.stroke();
    }
  }

  function outline(ctx, mark, v) {
    traceAll(ctx, mark.parts, v);
    ctx.setLineDash([]); ctx.strokeStyle = mark.symbol.colour; ctx.lineWidth = 1.1; ctx.stroke();
  }

  /** Bars or crosses along a line, each turned with it: a bar must never run along what it bars. */
  function paintBars(ctx, symbol, part, v, step, r) {
    for (const [x, y, angle] of along(part, v, step)) {
      ctx.save(); ctx.translate(x, y); ctx.rotate(angle); paintOver(ctx, symbol, r); ctx.restore();
    }
  }

  function paintLine(ctx, mark, v) {
    const symbol = mark.symbol;
    ctx.lineJoin = "round"; ctx.lineCap = "butt";
    if (v.thin) { paintThin(ctx, mark, v); return; }
    if (symbol.over) {
      // Where the line itself is not drawn, what the bars stand on must still be seen.
      if (!v.told.has(mark.feature)) outline(ctx, mark, v);
      for (const part of mark.parts) paintBars(ctx, symbol, part, v, 46, 9);
      return;
    }
    traceAll(ctx, mark.parts, v);
    ctx.setLineDash([]); ctx.strokeStyle = "rgba(255,255,255,.85)"; ctx.lineWidth = symbol.width + 3; ctx.stroke();
    ctx.setLineDash(symbol.dash); ctx.strokeStyle = symbol.colour; ctx.lineWidth = symbol.width; ctx.stroke();
    ctx.setLineDash([]);
    if (symbol.arrow) {
      for (const part of mark.parts) {
        const length = pixelLength(part, v);
        if (length < 40) continue;
        for (const [x, y, angle] of along(part, v, length, length * 0.6)) arrowhead(ctx, x, y, angle, symbol.colour);
      }
    }
  }

  /** One line of many: slender, and barred once. */
  function paintThin(ctx, mark, v) {
    const { symbol } = mark;
    if (symbol.over) {
      if (!v.told.has(mark.feature)) outline(ctx, mark, v);
      for (const part of mark.parts) paintBars(ctx, symbol, part, v, pixelLength(part, v), 6);
      return;
    }
    traceAll(ctx, mark.parts, v);
    ctx.setLineDash(symbol.dash); ctx.strokeStyle = symbol.colour; ctx.lineWidth = symbol.width / 2; ctx.stroke();
    ctx.setLineDash([]);
  }

  function arrowhead(ctx, x, y, angle, colour) {
    ctx.save();
    ctx.translate(x, y); ctx.rotate(angle);
    ctx.beginPath(); ctx.moveTo(9, 0); ctx.lineTo(-7, 7); ctx.lineTo(-4, 0); ctx.lineTo(-7, -7); ctx.closePath();
    ctx.strokeStyle = "rgba(255,255,255,.9)"; ctx.lineWidth = 2.5; ctx.stroke();
    ctx.fillStyle = colour; ctx.fill();
    ctx.restore();
  }

  function paintArea(ctx, mark, v) {
    const symbol = mark.symbol;
    traceAll(ctx, mark.parts, v);
    if (symbol.fill) {
      // An area larger than the window tints all of it, which tells nothing: make it faint.
      const wide = (mark.box.east - mark.box.west) * v.scale > 1.6 * v.width;
      ctx.fillStyle = symbol.fill; ctx.globalAlpha = symbol.fill_opacity * (wide ? 0.4 : 1);
      ctx.fill("evenodd"); ctx.globalAlpha = 1;
    }
    if (symbol.hatch) { paintHatch(ctx, mark, v); return; }
    ctx.setLineDash(symbol.dash); ctx.strokeStyle = symbol.colour; ctx.lineWidth = symbol.width;
    ctx.stroke(); ctx.setLineDash([]);
  }

  /** A denied area: crosses or bars along its edge; the sign in its middle is among the points. */
  function paintHatch(ctx, mark, v) {
    if (!v.told.has(mark.feature)) outline(ctx, mark, v);
    if ((mark.box.east - mark.box.west) * v.scale < 90) return;
    const symbol = { ...mark.symbol, over: overOf(mark.symbol) };
    for (const part of mark.parts) paintBars(ctx, symbol, part, v, Math.max(26, pixelLength(part, v) / (v.thin ? 8 : 60)), 7);
  }

  const overOf = (symbol) => symbol.hatch === "cross" ? "cross" : "bar";

  const clusterRadius = (claims) => 9 + 3 * Math.log10(claims);

  function drawCluster(ctx, x, y, r, share, text) {
    const top = -Math.PI / 2, turn = top + 2 * Math.PI * share;
    ctx.beginPath(); ctx.arc(x, y, r + 1.5, 0, 2 * Math.PI);
    ctx.fillStyle = "rgba(255,255,255,.94)"; ctx.fill();
    for (const [from, to, colour, width, dash] of [[top, turn, DENIED, 4, [2.5, 2]], [turn, top + 2 * Math.PI, SOURCED, 2.4, []]]) {
      if (to - from < 1e-6) continue;
      ctx.beginPath(); ctx.arc(x, y, r, from, to);
      ctx.strokeStyle = colour; ctx.lineWidth = width; ctx.setLineDash(dash); ctx.stroke();
    }
    ctx.setLineDash([]);
    if (!text) return;
    ctx.font = `650 ${11 * grown.letters}px ${FONT}`;
    ctx.textAlign = "center"; ctx.textBaseline = "middle"; ctx.fillStyle = INK;
    ctx.fillText(text, x, y + 0.5);
    ctx.textAlign = "left";
  }

  function halo(ctx, x, y, r) {
    ctx.beginPath(); ctx.arc(x, y, r, 0, 2 * Math.PI);
    ctx.fillStyle = SELECTED; ctx.globalAlpha = 0.85; ctx.fill(); ctx.globalAlpha = 1;
  }

  function paintBadge(ctx, x, y, text) {
    const { letters } = grown;
    stamp(ctx, `badge ${text} ${letters}`, (10 + 4 * text.length) * letters, x, y, (c) => {
      c.scale(letters, letters);
      c.font = `700 11px ${FONT}`;
      const half = Math.max(8, c.measureText(text).width / 2 + 4);
      c.beginPath();
      c.roundRect(-half, -8, 2 * half, 16, 8);
      c.fillStyle = INK; c.fill();
      c.strokeStyle = "#fff"; c.lineWidth = 1.5; c.stroke();
      c.fillStyle = "#fff"; c.textAlign = "center"; c.textBaseline = "middle";
      c.fillText(text, 0, 0.5);
    });
  }

  const swatches = new Map();
  /** A small picture for the legend, drawn in 36 by 22 pixels; kept under a key.
   *
   * No canvas, which would be a layer of its own: a page of many layers is slow to show anything.
   */
  function swatch(draw, key = "") {
    const image = document.createElement("img");
    image.alt = "";
    if (key && swatches.has(key)) { image.src = swatches.get(key); return image; }
    const canvas = document.createElement("canvas");
    canvas.width = 72; canvas.height = 44;
    const ctx = canvas.getContext("2d");
    ctx.scale(2, 2);
    draw(ctx);
    image.src = canvas.toDataURL();
    if (key) swatches.set(key, image.src);
    return image;
  }

  function paintSwatch(ctx, symbol) {
    const flat = (coordinates, closed) => ({ xy: Float64Array.from(coordinates), closed, west: 0, east: 1, north: 0, south: 1 });
    const v = { scale: 1, ox: 0, oy: 0, width: 36, height: 22, told: new Set() };
    if (symbol.kind === "point") { ctx.translate(18, 11); drawPoint(ctx, symbol, Math.min(1, 18 / symbol.size)); }
    else if (symbol.kind === "line") paintLine(ctx, { symbol, parts: [flat([1, 11, 35, 11], false)] }, v);
    else paintArea(ctx, { symbol, parts: [flat([3, 3, 33, 3, 33, 19, 3, 19], true)], box: { west: 3, east: 33, north: 3, south: 19 } }, v);
  }

  return {
    FONT, INK, SELECTED, grow, letterSize, pixelRatio, paintPoint, paintLine, paintArea, overOf, halo, drawCluster,
    clusterRadius, paintBadge, swatch, paintSwatch,
  };
})();
