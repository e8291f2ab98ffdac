/* The map of the claims: what it shows and how it answers, on two canvases, no Leaflet object per mark.
 *
 * The map is built once. Marks and basemap are JSON that is fetched once and named by content;
 * afterwards a click on a filter sends a bit mask of what is on, and nothing else. Every text
 * from the data reaches the page as textContent or canvas text, never as markup.
 *
 * window.claimMap: attach(map), update(state), ready (promise: all is drawn, or why not), ids(),
 * marks(), select(claim), and what stands now: paints (how often drawn anew), selected, map.
 */
(() => {
  "use strict";

  const HERE = document.currentScript && document.currentScript.src
    ? new URL(".", document.currentScript.src)
    : null;
  const MEASURE = "#7a1f6b";
  const HIT_PX = 7;
  const PATIENCE_MS = 5000; // how long what was drawn ahead of the page's answer may stand alone
  const HANDED_MS = 20000; // how long the map waits for what the page is to hand it
  const TILE = 256;
  const MOST_TOLD = 8; // files of texts that are kept
  const MOST_LISTED = 40; // claims to choose from
  const [REHEARSALS, REHEARSED_MS] = [16, 500]; // at most
  // In both languages: the words come with the data, which is what may be missing.
  const FAILURE = "Part of this map could not be loaded: reload the page to try again.\n" +
    "Une partie de cette carte n’a pas pu être chargée\u00a0: rechargez la page pour réessayer.";
  const CALM = window.matchMedia("(prefers-reduced-motion: reduce)");

  const state = {
    measure: { on: false, points: [], lines: [], text: "" },
    fit: null, asked: null, map: null, data: null, on: null, selected: -1, viewToken: null, showToken: null,
    chosen: null, ahead: null, answer: null, patience: 0,
    step: null, // of a briefing
    overlays: [], tiles: null, context: null, // the reader's own layers, tiles, and their canvas
    world: null, detail: null, hits: [], layers: [], paints: 0, words: {},
    drawn: [], derived: { made: new Map() }, told: new Map(), clustered: false,
  };
  const files = new Map(); // by name or object: a promise of what was read from it
  let markReady, markFailed;
  const ready = new Promise((resolve, reject) => { markReady = resolve; markFailed = reject; });
  ready.catch(() => {}); // told on the map; whoever awaits it still gets the error

  const { path, worldX, worldY } = window.claimMarks;
  const { boxOf, worlds, touches, within, overlap, traceAll, along, pixelLength, distanceToLine, covers } = window.claimPaths;
  const {
    INK, SELECTED, clusterRadius, drawCluster, halo, overOf, paintArea, paintBadge, paintLine, paintPoint, paintSwatch,
    pixelRatio, swatch,
  } = window.claimSigns;
  const { claimBasemap: basemap, claimContext: contexts, claimLabels: labelling } = window;

  const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  // ---- a canvas that follows the map ------------------------------------------------------

  const CanvasLayer = L.Layer.extend({
    /** `margin`: how far the canvas reaches beyond the window, in windows; `live`: redrawn in a pan. */
    initialize(pane, paint, margin, live) {
      Object.assign(this, { _paneName: pane, _paint: paint, _margin: margin, _live: live });
    },
    onAdd(map) {
      this._canvas = L.DomUtil.create("canvas", "cm-canvas leaflet-zoom-animated", map.getPane(this._paneName));
      this._canvas.setAttribute("aria-hidden", "true");
      this.redraw();
    },
    getEvents() {
      // `zoom` comes while two fingers pinch: what is not redrawn then is at least stretched.
      const events = { zoom: this._stretch, moveend: this.redraw, resize: this.redraw, zoomanim: this._animate };
      return this._live ? { ...events, move: this._follow } : events;
    },
    /** In a pan: what takes long to draw is drawn seldom, and moves along with the map between. */
    _follow() {
      if (this._cost_ms < 12 || performance.now() - this._drawn > 8 * this._cost_ms) this.redraw();
    },
    redraw() {
      const map = this._map;
      if (!map || map._animatingZoom) return;
      const start = performance.now();
      const size = map.getSize();
      const pad = size.multiplyBy(this._margin)._round();
      const ratio = pixelRatio();
      const width = size.x + 2 * pad.x, height = size.y + 2 * pad.y;
      const corner = map.containerPointToLayerPoint(pad.multiplyBy(-1));
      this._zoom = map.getZoom();
      this._corner = map.layerPointToLatLng(corner);
      L.DomUtil.setPosition(this._canvas, corner);
      if (this._canvas.width !== Math.round(width * ratio) || this._canvas.height !== Math.round(height * ratio)) {
        this._canvas.width = Math.round(width * ratio);
        this._canvas.height = Math.round(height * ratio);
        this._canvas.style.width = width + "px";
        this._canvas.style.height = height + "px";
      }
      const ctx = this._canvas.getContext("2d");
      ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
      ctx.clearRect(0, 0, width, height);
      const origin = map.getPixelOrigin().add(corner);
      this.view = {
        scale: TILE * Math.pow(2, this._zoom), ox: origin.x, oy: origin.y, zoom: this._zoom, width, height,
      };
      this._paint(ctx, this.view);
      this._drawn = performance.now();
      this._cost_ms = this._drawn - start;
    },
    _animate({ zoom, center }) {
      const scale = this._map.getZoomScale(zoom, this._zoom);
      L.DomUtil.setTransform(this._canvas, this._map._latLngToNewLayerPoint(this._corner, zoom, center), scale);
    },
    _stretch() {
      // A long flight would soon leave what was drawn at its start behind.
      if (isPresented() && performance.now() - this._drawn > 4 * this._cost_ms) { this.redraw(); return; }
      this._animate({ zoom: this._map.getZoom(), center: this._map.getCenter() });
    },
  });

  // ---- the reader's own layers, between the basemap and the claims --------------------------

  /** The name of what the reader's own layers show under the pointer. */
  function contextUnder(event) {
    if (onControl(event)) return null;
    return contexts.at(state.overlays, state.layers[MARKS].view, event.containerPoint.x, event.containerPoint.y);
  }

  /** Tiles from a host that the reader chose; where none come, the land below them stays in sight. */
  function showTiles(tiles) {
    if (state.tiles && tiles && state.tiles.url === tiles.url) return;
    if (state.tiles) state.tiles.layer.remove();
    state.tiles = null;
    if (!tiles) return;
    const layer = L.tileLayer(tiles.url, {
      pane: "cm-tiles", maxNativeZoom: tiles.max_zoom, maxZoom: state.map.getMaxZoom(),
      ...(tiles.wants_referrer ? { referrerPolicy: "origin" } : {}),
    });
    state.tiles = { ...tiles, layer, arrived: false };
    layer.on("tileload", () => {
      if (state.tiles && state.tiles.layer === layer && !state.tiles.arrived) { state.tiles.arrived = true; redraw(MARKS); }
    });
    layer.addTo(state.map);
  }

  /** Shows the reader's layers as the page names them: see geo/webmap.py for the fields. */
  async function showContext(context, isLatest) {
    const { overlays, tiles } = context || { overlays: [], tiles: "" };
    const signature = JSON.stringify([overlays, tiles]);
    if (signature === state.contextSignature) return;
    const found = await Promise.all(overlays.map(async ({ shapes, look, opacity }) =>
      ({ names: [shapes, look], shapes: await once(shapes, contexts.read), look: await once(look, (each) => each), opacity })));
    const chosen = await once(tiles, (each) => each);
    if (!isLatest()) return;
    state.contextSignature = signature;
    // What was taken off the map need not be kept; put back, it is read again.
    const kept = new Set(found.flatMap(({ names }) => names));
    for (const { names } of state.overlays) for (const name of names) if (!kept.has(name)) files.delete(name);
    state.overlays = found;
    showTiles(chosen);
    showCredit();
    if (!state.context && found.length) {
      state.context = new CanvasLayer("cm-context", (ctx, v) => contexts.paint(ctx, v, state.overlays), 0.3, false);
      state.context.addTo(state.map);
    } else if (state.context) {
      state.context.redraw();
    }
    paintContextLegend();
    redraw(MARKS); // the names of the basemap give way to those of tiles
  }

  function paintContextLegend() {
    state.contextLegend.replaceChildren();
    state.legend.classList.toggle("cm-with-context", state.overlays.length > 0);
    for (const { look, shapes, opacity } of [...state.overlays].reverse()) {
      const head = element("div", "cm-context-head"), list = element("ul");
      head.append(element("span", "cm-strong", look.name), element("span", "cm-context-note", state.words.context));
      const kinds = new Map();
      for (const shape of shapes) {
        const code = look.codes[shape.row];
        if (!kinds.has(code)) kinds.set(code, shape.kind);
      }
      look.classes.forEach((style, code) => {
        if (!kinds.has(code)) return;
        const picture = contexts.picture(style, kinds.get(code), opacity);
        if (!style.text) { head.prepend(picture); return; }
        const item = element("li");
        item.append(picture, element("span", "", style.text));
        list.append(item);
      });
      state.contextLegend.append(head, list);
    }
  }

  function showCredit() {
    const credits = [state.words.attribution, ...state.overlays.map(({ look }) => look.attribution), state.tiles && state.tiles.attribution];
    state.map.attributionControl.getContainer().textContent = credits.filter(Boolean).join(" · ");
  }

  // ---- marks ------------------------------------------------------------------------------

  function decodeMask(text, count) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const on = new Uint8Array(count);
    for (let i = 0; i < count; i++) on[i] = (bytes[i >> 3] >> (7 - (i & 7))) & 1;
    return on;
  }

  /** Adler-32 of the bits of a mask, as zlib has it. */
  function checksum(on) {
    let a = 1, b = 0;
    for (let i = 0; i < on.length; i += 8) {
      let byte = 0;
      for (let bit = 0; bit < 8; bit++) byte |= (on[i + bit] || 0) << (7 - bit);
      a = (a + byte) % 65521; b = (b + a) % 65521;
    }
    return b * 65536 + a;
  }

  /** Which marks are on: as the page says, or as the choice says, which the page may check. */
  function maskOf({ mask, choice, check }, data) {
    if (mask !== undefined) return decodeMask(mask, data.count);
    const on = window.claimSelection.visible(data, choice);
    // Should the two ever differ, the page has the last word, at length.
    if (check !== undefined && checksum(on) !== check) tell({ wants: "mask" });
    return on;
  }

  /** What a tooltip says of claims' marks: at hand, or in a file for each few hundred claims. */
  const chunkOf = (claim, { texts }) => texts.stem ? `${texts.stem}-${Math.floor(claim / texts.claims)}.json.gz` : "";
  const told = (claim, data = state.data) => data.texts.stem ? state.told.get(chunkOf(claim, data)) : data.texts;
  const titleOf = (claim) => {
    const { texts } = state.data, found = told(claim);
    return found ? found.titles[texts.stem ? claim % texts.claims : claim] : "…";
  };
  const linesOf = (mark) => {
    const found = told(mark.claim);
    return found ? found.lines[mark.feature][mark.part] : ["…"];
  };

  /** Has the texts of these claims at hand; false where they came too late to be of use. */
  async function fetchTold(claims) {
    const { data } = state;
    const names = [...new Set(claims.map((claim) => chunkOf(claim, data)))].filter((name) => name && !state.told.has(name));
    const found = await Promise.all(names.map((name) => once(name, (each) => each)));
    names.forEach((name, i) => {
      state.told.set(name, found[i]);
      files.delete(name); // kept here, and not for ever
    });
    while (state.told.size > MOST_TOLD) state.told.delete(state.told.keys().next().value);
    return data === state.data;
  }

  const isPresented = () => Boolean(state.step);

  const centre = (mark, v) => [
    (mark.box.west + mark.box.east) / 2 * v.scale - v.ox,
    (mark.box.north + mark.box.south) / 2 * v.scale - v.oy,
  ];

  const { SIGN_PX } = window.claimStacks;

  /** The sign of an area; where its radius is drawn as well, small enough to leave that in sight. */
  const asPoint = (symbol, widthPx = Infinity) => symbol.hatch
    ? { ...symbol, key: symbol.key + (widthPx < 50 ? " small sign" : " sign"), kind: "point", shape: "ring", size: widthPx < 50 ? 18 : 27, over: overOf(symbol) }
    : { ...symbol, key: symbol.key + " sign", kind: "point", shape: "circle", size: 15, fill: "#ffffff", fill_opacity: 1, dash: [4, 2.5] };

  const isDot = (symbol) => symbol.size < 12;

  /** The looks of a stack: for each claim its symbol with what crosses it out, each look once. */
  function looksOf(stack) {
    const byClaim = new Map();
    for (const { mark, symbol } of stack.points) {
      if (isDot(symbol)) continue;
      const key = mark.part === "spoken" ? mark.claim + "/said" : mark.claim;
      const look = byClaim.get(key) || { base: null, over: null, marks: [] };
      if (symbol.over) look.over = symbol; else look.base = symbol;
      look.marks.push(mark);
      byClaim.set(key, look);
    }
    const looks = new Map();
    for (const look of byClaim.values()) {
      const key = [look.base && look.base.key, look.over && look.over.key].join("|");
      const same = looks.get(key);
      if (same) same.marks.push(...look.marks); else looks.set(key, { ...look });
    }
    return [...looks.values()];
  }

  /** What follows from which marks are on, worked out once for each mask and scale. */
  function derived(key, make) {
    if (state.derived.on !== state.on || state.derived.data !== state.data) state.derived = { on: state.on, data: state.data, made: new Map() };
    const { made } = state.derived;
    if (!made.has(key)) {
      if (made.size > 6) made.clear();
      made.set(key, make());
    }
    return made.get(key);
  }

  const shapesOn = () => derived("shapes", () => {
    const { data, on } = state;
    const found = new Uint32Array(data.count);
    let count = 0;
    for (let n = 0; n < data.count; n++) if (on[n] && data.shape[data.kind[n]]) found[count++] = n;
    return found.subarray(0, count);
  });

  /** Lines and areas that are on and seen in a part of the canvas, those shown as points left out. */
  function shapesIn(v, [left, top, right, bottom] = [-20, -20, v.width + 20, v.height + 20]) {
    const { data } = state, { west, east, north, south } = data.figures;
    const [x0, x1, y0, y1] = [(left + v.ox) / v.scale, (right + v.ox) / v.scale, (top + v.oy) / v.scale, (bottom + v.oy) / v.scale];
    const large = derived("large " + v.scale, () => window.claimStacks.shapes(data, shapesOn(), v.scale));
    return large.filter((n) => {
      const f = data.figure[n];
      return east[f] >= x0 && west[f] <= x1 && south[f] >= y0 && north[f] <= y1;
    });
  }

  /** A part of the shapes, where they are too many to be told apart: whole claims, picked by lot. */
  function thinned(shapes, total) {
    if (total <= MOST_SHAPES) return shapes;
    const { claim } = state.data, share = SOME_SHAPES / total * 2 ** 32;
    return shapes.filter((n) => claim[n] === state.selected || (Math.imul(claim[n] + 1, 2654435761) >>> 0) < share);
  }

  /** Stacks in the window, by number: finer ones, or where they would be a crowd coarser ones. */
  function stacksIn(v, cell) {
    const found = derived(`stacks ${cell} ${v.scale}`, () => window.claimStacks.make(state.data, state.on, v.scale, cell));
    const numbers = [];
    for (let s = 0; s < found.count; s++) {
      const x = found.x[s] * v.scale - v.ox, y = found.y[s] * v.scale - v.oy;
      if (x >= -30 && y >= -30 && x <= v.width + 30 && y <= v.height + 30) numbers.push(s);
    }
    return { found, numbers };
  }

  /** Draws what is on, and returns how many of how many lines and areas that were. */
  function paintMarks(ctx, view) {
    state.hits = []; state.drawn = [];
    if (!state.data || !state.on) return { drawn: 0, total: 0 };
    const labels = [];
    const blocked = controlBoxes();
    const badges = [];
    const named = state.tiles && state.tiles.arrived && state.tiles.has_names;
    state.clustered = false;
    const copies = worlds(view).map((v) => [v, shapesIn(v)]);
    const thin = { drawn: 0, total: copies.reduce((sum, [, shapes]) => sum + shapes.length, 0) };
    for (const [v, shapes] of copies) {
      const some = thinned(shapes, thin.total);
      const marks = Array.from(some, state.data.mark);
      state.drawn.push([v, marks]);
      thin.drawn += some.length;
      v.thin = thin.total > FEW_SHAPES;
      v.told = new Set(marks.filter(({ symbol }) => !symbol.over && !symbol.hatch).map((mark) => mark.feature));
      paintSelected(ctx, marks.filter((mark) => mark.claim === state.selected), v);
      for (const mark of marks) paintShape(ctx, mark, v, labels);
      paintStacks(ctx, v, view, labels, blocked, badges);
      if (!named) labels.push(...basemap.labels(v, state, state.data.lang));
    }
    for (const each of badges) paintBadge(ctx, ...each);
    labelling.paint(ctx, view, labels, blocked, state.data.lang);
    for (const v of worlds(view)) paintMeasured(ctx, v);
    return thin;
  }

  function showThinned({ drawn, total }) {
    const number = (n) => n.toLocaleString(state.data.lang);
    const text = drawn < total ? fill(state.words.thinned, { drawn: number(drawn), total: number(total) }) : "";
    if (state.thinned.textContent === text) return;
    state.thinned.textContent = text;
    state.thinned.hidden = !text;
  }

  /** Draws a mark's line or area. */
  function paintShape(ctx, mark, v, labels) {
    const { symbol, label } = mark;
    if (symbol.kind === "area") paintArea(ctx, mark, v); else paintLine(ctx, mark, v);
    if (label && !v.thin && (symbol.kind === "area" || mark.span * v.scale >= 44)) labels.push(shapeLabel(mark, v));
  }

  /** What stands as a point: marks one beside the other, or where they are too many their number. */
  function paintStacks(ctx, v, view, labels, blocked, badges) {
    // The coarser ones first: where they are many, the finer ones need not be worked out.
    let { found, numbers } = stacksIn(v, WIDE_CELL_PX);
    const crowd = numbers.length >= WIDE_CROWD || stacksIn(v, CELL_PX).numbers.length >= CROWD;
    if (!crowd) ({ found, numbers } = stacksIn(v, CELL_PX));
    const spots = [];
    for (const s of numbers) {
      const spot = { x: found.x[s] * v.scale - v.ox, y: found.y[s] * v.scale - v.oy };
      if (found.marks[s] > MOST_STACKED || (crowd && found.claims[s] > 1)) {
        paintCluster(ctx, spot, found, s, blocked);
      } else {
        spots.push({ ...spot, points: Array.from(found.members(s), (n) => pointOf(state.data.mark(n), v)) });
      }
    }
    if (!crowd) moveApart(ctx, spots);
    for (const spot of spots) paintStack(ctx, spot, view, crowd ? [] : labels, blocked, badges);
  }

  /** The point sign that stands for a mark, or in the middle of it, and the name it brings. */
  function pointOf(mark, v) {
    const { symbol, box } = mark, width = (box.east - box.west) * v.scale;
    if (symbol.kind === "point") return { mark, symbol, name: mark.label };
    if (width < SIGN_PX) return { mark, symbol: asPoint(symbol), name: mark.label };
    return { mark, symbol: asPoint(symbol, width), name: "" };
  }

  /** A number in a ring, of which the part that somebody denies is dashed. */
  function paintCluster(ctx, { x, y }, found, s, blocked) {
    state.clustered = true;
    const claims = found.claims[s], denied = found.denied[s];
    const r = clusterRadius(claims);
    const { selected, data } = state;
    if (selected >= 0 && data.marksOf(selected).some((n) => found.stackOf[n] === s)) halo(ctx, x, y, r + 6);
    drawCluster(ctx, x, y, r, denied / claims, shortNumber(claims));
    state.hits.push({ x, y, r: r + 3, marks: [], cluster: { claims, denied, members: found.members(s) } });
    blocked.push([x - r - 2, y - r - 2, x + r + 2, y + r + 2]);
  }

  const shortNumber = (n) => n < 1000 ? String(n)
    : new Intl.NumberFormat(state.data.lang, { notation: "compact", maximumSignificantDigits: 2 }).format(n);

  /** What Leaflet's controls cover, in the pixels of the window: no label is to be hidden there. */
  function controlBoxes() {
    const container = state.map.getContainer();
    const { left, top } = container.getBoundingClientRect();
    return [...container.querySelectorAll(".leaflet-control:not([hidden])")].map((control) => {
      const box = control.getBoundingClientRect();
      return [box.left - left, box.top - top, box.right - left, box.bottom - top];
    });
  }

  // Above that many stacks, finer or coarser, none finds room, and looking for it takes long.
  const [CROWD, WIDE_CROWD] = [110, 70];
  const [CELL_PX, WIDE_CELL_PX] = [24, 46]; // how near marks are shown as one, and where there is a crowd
  const MOST_STACKED = 40; // marks that are shown one by one
  // Lines and areas: beyond the first they are slender, beyond the second so many of them are picked.
  const [FEW_SHAPES, MOST_SHAPES, SOME_SHAPES] = [100, 300, 150];
  const MOST_LOOKS = 5;

  /** Moves stacks that would overlap up or down, each tied by a line to its true place. */
  function moveApart(ctx, found) {
    const taken = [];
    for (const stack of found) {
      const half = widthOf(looksOf(stack)) / 2;
      // A little overlap is better than a mark that is not at its place.
      const box = (dy) => [stack.x - half + 3, stack.y + dy - 10, stack.x + half - 3, stack.y + dy + 10];
      const dy = [0, 26, -26, 50, -50].find((shift) => !taken.some((other) => overlap(box(shift), other))) || 0;
      taken.push(box(dy));
      if (!dy) continue;
      ctx.beginPath(); ctx.moveTo(stack.x, stack.y); ctx.lineTo(stack.x, stack.y + dy);
      ctx.setLineDash([]); ctx.strokeStyle = INK; ctx.lineWidth = 1; ctx.stroke();
      ctx.beginPath(); ctx.arc(stack.x, stack.y, 2, 0, 2 * Math.PI);
      ctx.fillStyle = INK; ctx.fill();
      stack.y += dy;
    }
  }

  const lookWidth = (look) => look.over ? 30 : 22;
  /** How wide the looks of a stack are side by side, in pixels. */
  const widthOf = (looks) => Math.max(14, looks.slice(0, MOST_LOOKS).reduce((sum, look) => sum + lookWidth(look), 0));

  /** Draws what lies at one spot side by side, and notes where it can be hit and its name. */
  function paintStack(ctx, stack, v, labels, blocked, badges) {
    for (const { mark, symbol } of stack.points) {
      if (!isDot(symbol)) continue;
      paintPoint(ctx, symbol, stack.x, stack.y);
      state.hits.push({ x: stack.x, y: stack.y, r: 9, marks: [mark] });
    }
    const looks = looksOf(stack);
    const drawn = looks.slice(0, MOST_LOOKS);
    const half = widthOf(looks) / 2;
    let left = stack.x - half;
    drawn.forEach((look, i) => {
      const x = left + lookWidth(look) / 2;
      left += lookWidth(look);
      if (look.marks.some((mark) => mark.claim === state.selected)) halo(ctx, x, stack.y, 17);
      if (look.base) paintPoint(ctx, look.base, x, stack.y);
      if (look.over) paintPoint(ctx, look.over, x, stack.y);
      const marks = i === MOST_LOOKS - 1 ? looks.slice(i).flatMap((each) => each.marks) : look.marks;
      const claims = new Set(marks.map((mark) => mark.claim));
      if (claims.size > 1) {
        const [bx, by] = [x + 10, stack.y - 12];
        badges.push([bx, by, String(claims.size)]);
        blocked.push([bx - 9, by - 9, bx + 9, by + 9]);
      }
      state.hits.push({ x, y: stack.y, r: 14, marks });
    });
    blocked.push([stack.x - half, stack.y - 13, stack.x + half, stack.y + 13]);
    const names = new Map();
    for (const { mark, name } of stack.points) {
      if (name) names.set(name, (names.get(name) || 0) + (mark.part === "spoken" ? 0.1 : 1));
    }
    if (!names.size || !within([stack.x, stack.y, stack.x, stack.y], v)) return;
    const [[name]] = [...names].sort((a, b) => b[1] - a[1]);
    labels.push({
      text: names.size > 1 ? `${name} +${names.size - 1}` : name, x: stack.x, y: stack.y,
      gap: half + 4, kind: "point", weight: 600, size: 13, colour: INK, rank: 100 + stack.points.length,
    });
  }

  /** The viewer's own measurement: the points clicked, the geodesic, and the way by sea. */
  function paintMeasured(ctx, v) {
    const { points, lines } = state.measure;
    ctx.lineJoin = "round";
    for (const [part, dash] of lines) {
      for (const [colour, width, gaps] of [["#fff", 5, []], [MEASURE, 2.4, dash]]) {
        traceAll(ctx, [part], v);
        ctx.strokeStyle = colour; ctx.lineWidth = width; ctx.setLineDash(gaps); ctx.stroke();
      }
    }
    ctx.setLineDash([]);
    for (const [lon, lat] of points) {
      ctx.beginPath();
      ctx.arc(worldX(lon) * v.scale - v.ox, worldY(lat) * v.scale - v.oy, 5.5, 0, 2 * Math.PI);
      ctx.fillStyle = MEASURE; ctx.fill();
      ctx.strokeStyle = "#fff"; ctx.lineWidth = 2; ctx.stroke();
    }
  }

  /** Starts, continues or ends measuring; the page works out lengths and sends them back. */
  function measureClick(latlng) {
    const points = state.measure.points.length > 1 ? [] : state.measure.points;
    state.measure = { on: true, points: [...points, [latlng.lng, latlng.lat]], lines: [], text: "" };
    if (state.measure.points.length === 2) tell({ measure: state.measure.points });
    showMeasured();
    redraw(MARKS);
  }

  function switchMeasuring(on) {
    const had = state.measure.points.length > 1;
    state.measure = { on, points: [], lines: [], text: "" };
    state.ruler.setAttribute("aria-pressed", String(on));
    state.map.getContainer().classList.toggle("cm-measuring", on);
    if (on) state.map.getContainer().focus({ preventScroll: true });
    if (!on && had) tell({ measure: [] });
    showMeasured();
    redraw(MARKS);
  }

  function showMeasured() {
    const { on, points, text } = state.measure;
    state.measured.hidden = !on;
    if (on) state.measured.textContent = points.length < 2 ? state.words.measureHow : text || "…";
  }

  function paintSelected(ctx, chosen, v) {
    for (const mark of chosen) {
      if (mark.symbol.kind === "point") continue;
      traceAll(ctx, mark.parts, v);
      ctx.setLineDash([]); ctx.strokeStyle = SELECTED;
      ctx.lineWidth = mark.symbol.kind === "line" ? 11 : 5;
      ctx.globalAlpha = 0.75; ctx.stroke(); ctx.globalAlpha = 1;
    }
  }

  // ---- labels: placed one after the other where nothing stands yet ------------------------

  /** Whether at least three corners of the window lie within an area. */
  const coversWindow = (mark, v) =>
    [[0, 0], [v.width, 0], [0, v.height], [v.width, v.height]].filter(([x, y]) => covers(mark, v, x, y)).length >= 3;

  function shapeLabel(mark, v) {
    const part = mark.parts[0];
    const ring = mark.part === "ring";
    if (mark.symbol.kind === "line") {
      // Routes to one port run together towards their end: name each nearer to its start.
      const length = pixelLength(part, v), step = Math.max(Math.min(length / 12, 150), 1);
      const spots = [...along(part, v, step, ring ? 0.01 : length * 0.35), ...along(part, v, step, 0.01)];
      const [x, y] = spots.find(([px, py]) => within([px - 30, py - 10, px + 30, py + 10], v)) || [-999, -999];
      return { text: mark.label, x, y, gap: ring ? 6 : 12, kind: ring ? "area" : "line", weight: 600, size: 13, colour: mark.symbol.colour, rank: ring ? 90 : 300 };
    }
    if (coversWindow(mark, v)) {
      const text = state.words.within.replace("{area}", mark.label);
      const sign = mark.symbol.hatch ? asPoint(mark.symbol) : null;
      return { text, sign, x: v.width / 2, y: 18, kind: "centre", italic: true, weight: 600, size: 13, colour: mark.symbol.colour, rank: 290 };
    }
    const [x, y] = centre(mark, v);
    const half = (mark.box.south - mark.box.north) / 2 * v.scale;
    return {
      text: mark.label, x, y, gap: Math.min(half, 60) + 3, kind: "area", italic: true, weight: 600, size: 13,
      colour: mark.symbol.colour, rank: 95,
    };
  }

  // ---- what lies under the pointer --------------------------------------------------------

  /** The hits at a canvas point, the nearest first. */
  const hitsAt = (x, y) => state.hits.map((hit) => [Math.hypot(hit.x - x, hit.y - y), hit])
    .filter(([far, hit]) => far <= hit.r).sort((a, b) => a[0] - b[0]).map(([, hit]) => hit);

  /** Marks at a canvas point: points before lines before the smallest area; what is not drawn is not hit. */
  function marksAt(x, y) {
    const stack = hitsAt(x, y).filter((hit) => !hit.cluster);
    if (stack.length) return stack[0].marks.concat(...stack.slice(1).filter((h) => h.r < 10).map((h) => h.marks));
    const near = [x - HIT_PX, y - HIT_PX, x + HIT_PX, y + HIT_PX];
    const copies = state.drawn.map(([v, marks]) => [v, marks.filter((mark) => touches(mark.box, v, near))]);
    const lines = copies.flatMap(([w, marks]) => marks.filter((mark) => mark.symbol.kind === "line" &&
      mark.parts.some((part) => distanceToLine(part, w, x, y) <= HIT_PX)));
    if (lines.length) return lines;
    const areas = copies.flatMap(([w, marks]) => marks.filter((mark) => mark.symbol.kind === "area" &&
      mark.part !== "radius" && covers(mark, w, x, y)));
    if (!areas.length) return [];
    const span = (mark) => mark.box.east - mark.box.west;
    const least = Math.min(...areas.map(span));
    return areas.filter((mark) => span(mark) < least * 1.1);
  }

  /** The same marks, one for each claim, in the order of the table of claims. */
  function claimsAt(marks) {
    const byClaim = new Map();
    for (const mark of marks) {
      const best = byClaim.get(mark.claim);
      if (!best || linesOf(mark).length > linesOf(best).length) byClaim.set(mark.claim, mark);
    }
    return [...byClaim.values()].sort((a, b) => a.claim - b.claim);
  }

  const onControl = (event) => event.originalEvent.target.closest(".leaflet-control"); // above what the map shows

  function under(event) {
    if (!state.data || !state.on || onControl(event)) return [];
    return marksAt(event.containerPoint.x, event.containerPoint.y);
  }

  function clusterUnder(event) {
    if (!state.data || !state.on || onControl(event)) return null;
    const [nearest] = hitsAt(event.containerPoint.x, event.containerPoint.y);
    return nearest && nearest.cluster ? nearest.cluster : null;
  }

  /** Goes nearer to what a number stands for; what lies at one spot is listed instead. */
  function openCluster({ members }) {
    const { data, map } = state, { west, east, north, south } = data.figures;
    const middle = (n) => [(west[data.figure[n]] + east[data.figure[n]]) / 2, (north[data.figure[n]] + south[data.figure[n]]) / 2];
    let box = [Infinity, Infinity, -Infinity, -Infinity];
    for (const n of members) {
      const [x, y] = middle(n);
      box = [Math.min(box[0], x), Math.min(box[1], y), Math.max(box[2], x), Math.max(box[3], y)];
    }
    const nearest = TILE * 2 ** map.getMaxZoom();
    if (Math.max(box[2] - box[0], box[3] - box[1]) * nearest < CELL_PX) { list(claimsAt(Array.from(members, data.mark))); return; }
    state.fit = null;
    map.fitBounds([[latOf(box[3]), lonOf(box[0])], [latOf(box[1]), lonOf(box[2])]], { animate: !CALM.matches, padding: [40, 40], maxZoom: Math.max(map.getZoom() + 1, 12) });
  }

  const lonOf = (x) => x * 360 - 180;
  const latOf = (y) => Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180 / Math.PI;

  /** Lists claims to choose from, once their titles are at hand. */
  async function list(marks) {
    if (!await fetchTold(marks.slice(0, MOST_LISTED).map((mark) => mark.claim))) return;
    showChoice(marks);
  }

  // ---- controls -----------------------------------------------------------------------------

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function control(position, className) {
    const box = element("div", "cm-card " + className);
    const made = L.control({ position });
    made.onAdd = () => { L.DomEvent.disableClickPropagation(box); L.DomEvent.disableScrollPropagation(box); return box; };
    made.addTo(state.map);
    return box;
  }

  function showTip(marks, event, context = null) {
    const tip = state.tip;
    if (!marks.length && !context) { tip.hidden = true; return; }
    tip.replaceChildren();
    if (context) {
      const [label, overlay] = context;
      tip.append(element("div", "", label), element("div", "cm-quiet", `${overlay}: ${state.words.context}`));
    }
    const each = claimsAt(marks), six = each.slice(0, 6);
    const missing = six.some((mark) => !told(mark.claim));
    state.tipped = marks;
    if (missing) fetchTold(six.map((mark) => mark.claim)).then((good) => { if (good && state.tipped === marks && !tip.hidden) showTip(marks, event, context); }, () => {});
    six.forEach((mark) => {
      linesOf(mark).forEach((line, i) => tip.append(element("div", i ? "" : "cm-strong", line)));
    });
    if (each.length > 6) tip.append(element("div", "cm-quiet", fill(state.words.more, { n: each.length - 6 })));
    if (each.length > 1) tip.append(element("div", "cm-quiet", state.words.choose));
    placeTip(event);
  }

  function showClusterTip({ claims, denied }, event) {
    const number = (n) => n.toLocaleString(state.data.lang), { words, tip } = state;
    tip.replaceChildren(
      element("div", "cm-strong", fill(denied ? words.clusterDenied : words.cluster, { n: number(claims), denied: number(denied) })),
      element("div", "cm-quiet", words.clusterHow),
    );
    placeTip(event);
  }

  function placeTip(event) {
    const { tip } = state;
    tip.hidden = false;
    const size = state.map.getSize();
    const { x, y } = event.containerPoint;
    const left = x + 16 + tip.offsetWidth > size.x ? x - tip.offsetWidth - 14 : x + 16;
    const top = Math.max(4, Math.min(y + 14, size.y - tip.offsetHeight - 4));
    tip.style.transform = `translate(${Math.max(4, left)}px, ${top}px)`;
  }

  function showChoice(marks) {
    const box = state.choice;
    box.replaceChildren();
    box.hidden = marks.length === 0;
    if (!marks.length) return;
    const close = element("button", "cm-close", "×");
    close.type = "button";
    close.setAttribute("aria-label", state.words.close);
    close.onclick = closeChoice;
    box.append(close, element("div", "cm-strong", marks.length > 1 ? state.words.here : titleOf(marks[0].claim)));
    if (marks.length === 1) {
      linesOf(marks[0]).slice(1).forEach((line) => box.append(element("div", "", line)));
      return;
    }
    const list = element("ul");
    for (const mark of marks.slice(0, MOST_LISTED)) {
      const item = element("li"), button = element("button", "cm-claim", titleOf(mark.claim));
      button.type = "button";
      button.onclick = () => {
        select(mark.claim);
        closeChoice();
        if (fullScreen() || isPresented()) showChoice([mark]);
      };
      item.append(button);
      list.append(item);
    }
    box.append(list);
    if (marks.length > MOST_LISTED) box.append(element("div", "cm-quiet", fill(state.words.more, { n: marks.length - MOST_LISTED })));
    list.querySelector("button").focus({ preventScroll: true });
  }

  /** Closes the list of claims; the keyboard goes on from the map, where the list was opened. */
  function closeChoice() {
    const held = state.choice.contains(document.activeElement);
    state.choice.hidden = true;
    if (held) state.map.getContainer().focus({ preventScroll: true });
  }

  /** In a briefing the whole page fills the screen, else the map alone. */
  const stage = () => isPresented() ? window.parent.document : document;
  const fullScreen = () => Boolean(stage().fullscreenElement);

  function toggleFullScreen() {
    if (fullScreen()) stage().exitFullscreen();
    else stage().documentElement.requestFullscreen().catch(() => { state.full.disabled = true; });
  }

  /** Opens the evidence of a claim, by its number: marks it here and tells the page. */
  function select(claim) {
    state.selected = claim;
    redraw(MARKS);
    const id = state.data.claimIds()[claim];
    window.dispatchEvent(new CustomEvent("claimmap:select", { detail: { claim: id } }));
    tell({ claim: id });
  }

  /** Emphasizes a claim that was picked beside the map, by its id; the one that is no longer. */
  function pick(id) {
    const claim = state.data.claimIds().indexOf(id);
    state.selected = claim === state.selected ? -1 : claim;
    redraw(MARKS);
    tell({ picked: id });
  }

  /** Tells the page; streamlit-folium leaves its connection on the window for scripts like this. */
  function tell(what) {
    // The time makes each value differ from the last: an equal one would not run the page.
    if (state.interactive) window.Streamlit.setComponentValue({ ...what, sequence: Date.now() });
  }

  function paintLegend() {
    const list = state.legendList;
    if (!state.data) return;
    const kinds = kindsSeen(state.layers[MARKS].view);
    const keys = new Set(kinds.flatMap(({ symbol }) => symbol.legend));
    const wanted = state.data.legend.filter(([key]) => keys.has(key));
    const signature = wanted.map(([key]) => key).join() + state.clustered;
    if (signature === state.legendSignature) return;
    state.legendSignature = signature;
    list.replaceChildren();
    const entry = (picture, text) => {
      const item = element("li");
      item.append(picture, element("span", "", text));
      return item;
    };
    if (state.clustered) {
      list.append(entry(swatch((ctx) => drawCluster(ctx, 18, 11, 8.5, 0.35, "")), state.words.clusterLegend));
    }
    for (const [, symbolKey, text] of wanted) {
      list.append(entry(swatch((ctx) => paintSwatch(ctx, state.data.symbols[symbolKey]), symbolKey), text));
    }
  }

  /** The kinds of marks that are on, and whose place is in the window. */
  function kindsSeen(view) {
    const { data, on } = state, { west, east, north, south } = data.figures;
    const seen = new Uint8Array(data.kinds.length);
    for (const v of worlds(view)) {
      const shown = derived("shown " + v.scale, () => window.claimStacks.drawable(data, on, v.scale));
      const [x0, x1, y0, y1] = [(v.ox - 20) / v.scale, (v.ox + v.width + 20) / v.scale, (v.oy - 20) / v.scale, (v.oy + v.height + 20) / v.scale];
      for (let n = 0; n < data.count; n++) {
        if (!shown[n] || seen[data.kind[n]]) continue;
        const f = data.figure[n];
        if (east[f] >= x0 && west[f] <= x1 && south[f] >= y0 && north[f] <= y1) seen[data.kind[n]] = 1;
      }
    }
    return data.kinds.filter((_, k) => seen[k]);
  }

  function position(latlng) {
    const lon = ((latlng.lng + 180) % 360 + 360) % 360 - 180;
    const format = new Intl.NumberFormat(state.data ? state.data.lang : "en", { minimumFractionDigits: 3, maximumFractionDigits: 3 });
    const w = state.words;
    return `${format.format(Math.abs(latlng.lat))}° ${latlng.lat < 0 ? w.S : w.N}, ${format.format(Math.abs(lon))}° ${lon < 0 ? w.W : w.E}`;
  }

  function addControls() {
    const map = state.map;
    map.attributionControl.setPrefix(false); // Leaflet's own carries a flag, which takes sides here
    state.tip = element("div", "cm-card cm-tip");
    state.tip.hidden = true;
    map.getContainer().append(state.tip);

    state.full = element("button", "cm-full");
    state.full.type = "button";
    state.full.onclick = toggleFullScreen;
    const fullBar = control("topleft", "cm-bar");
    state.ruler = element("button", "cm-ruler");
    state.ruler.type = "button";
    state.ruler.onclick = () => switchMeasuring(!state.measure.on);
    // Lengths are worked out by the page: one that does not, or a file on its own, has no ruler.
    state.ruler.hidden = true;
    fullBar.append(state.full, state.ruler);
    state.measured = control("topright", "cm-measured");
    state.measured.hidden = true;
    state.measured.setAttribute("role", "status");

    state.thinned = control("bottomright", "cm-thinned");
    state.thinned.hidden = true;
    state.thinned.setAttribute("role", "status");

    state.failure = control("topright", "cm-failure");
    state.failure.hidden = true;
    state.failure.setAttribute("role", "alert");

    state.choice = control("topright", "cm-choice");
    state.choice.hidden = true;
    state.choice.setAttribute("aria-live", "polite");

    state.legend = element("section", "cm-legend");
    state.legend.hidden = true; // until it has words
    state.legendButton = element("button", "cm-legend-head");
    state.legendButton.type = "button";
    state.legendList = element("ul");
    const open = (yes) => { state.legendList.hidden = !yes; state.legendButton.setAttribute("aria-expanded", String(yes)); };
    const openIfRoom = () => open(window.innerHeight >= 460);
    state.legendButton.onclick = () => {
      window.removeEventListener("resize", openIfRoom);
      open(state.legendList.hidden);
    };
    window.addEventListener("resize", openIfRoom); // the frame gets its height after this script ran
    openIfRoom();
    state.contextLegend = element("div", "cm-context-legend");
    state.legend.append(state.legendButton, state.legendList, state.contextLegend);
    // Below the map and not upon it: a legend must not hide what it explains.
    const frame = map.getContainer().closest(".cm-frame") || document.body;
    frame.append(state.legend);
    frame.classList.add("cm-frame");
    new ResizeObserver(() => map.invalidateSize({ animate: false })).observe(map.getContainer());
    for (const kind of ["wheel", "mousedown", "touchstart", "keydown"]) {
      map.getContainer().addEventListener(kind, () => { state.fit = null; }, { passive: true });
    }
    map.on("resize", () => { if (state.fit) look(state.fit, false); });

    L.control.scale({ imperial: false, maxWidth: 140 }).addTo(map);
    state.where = control("bottomleft", "cm-where");
    state.where.hidden = true;
    map.on("mousemove", (event) => {
      state.where.hidden = false;
      state.where.textContent = position(event.latlng);
      if (map.dragging.moving()) return; // what passes below is not looked at
      const cluster = state.measure.on ? null : clusterUnder(event);
      const marks = state.measure.on || cluster ? [] : under(event);
      map.getContainer().classList.toggle("cm-over", marks.length > 0 || cluster !== null);
      if (cluster) { showClusterTip(cluster, event); return; }
      showTip(marks, event, marks.length || state.measure.on ? null : contextUnder(event));
    });
    map.on("mouseout movestart zoomstart", () => { state.tip.hidden = true; });
    map.on("click", (event) => {
      state.tip.hidden = true; // a finger never moves away from it
      if (state.measure.on) { measureClick(event.latlng); return; }
      const cluster = clusterUnder(event);
      if (cluster) { closeChoice(); openCluster(cluster); return; }
      const marks = claimsAt(under(event));
      if (marks.length > 1 || (marks.length && (fullScreen() || isPresented()))) list(marks); else showChoice([]);
      if (marks.length === 1) select(marks[0].claim);
    });
    map.on("moveend resize", paintLegend);
    map.on("moveend", keepPlace);
    map.getContainer().addEventListener("keydown", (event) => {
      // Who measures by keyboard moves the map under the cross in its middle.
      if (event.key === "Enter" && state.measure.on && event.target === map.getContainer()) measureClick(map.getCenter());
      if (event.key !== "Escape") return;
      state.tip.hidden = true;
      closeChoice();
      if (state.measure.on) switchMeasuring(false);
    });
  }

  function applyWords() {
    const words = state.words = state.data.words;
    const map = state.map;
    // Not "application": a screen reader would then pass on every key and read none of the controls.
    map.getContainer().setAttribute("role", "region");
    map.getContainer().setAttribute("aria-label", words.map);
    document.documentElement.lang = state.data.lang;
    document.title = words.map;
    if (window.frameElement) window.frameElement.title = words.map;
    state.full.setAttribute("aria-label", words.full);
    state.full.title = words.full;
    state.ruler.setAttribute("aria-label", words.measure);
    state.ruler.setAttribute("aria-pressed", String(state.measure.on));
    state.ruler.title = words.measure;
    state.legend.hidden = false;
    state.legendButton.textContent = words.legend;
    for (const [selector, text] of [[".leaflet-control-zoom-in", words.zoomIn], [".leaflet-control-zoom-out", words.zoomOut]]) {
      const button = map.getContainer().querySelector(selector);
      if (button) { button.title = text; button.setAttribute("aria-label", text); }
    }
    showCredit();
    paintContextLegend();
    state.legendSignature = null;
  }

  // ---- the outside ----------------------------------------------------------------------------

  /** What `read` makes of a JSON file beside this script, or of an object in a page of one file. */
  function once(source, read) {
    if (!source) return Promise.resolve(null);
    if (!files.has(source)) {
      const json = typeof source === "object" ? Promise.resolve(source)
        : source.startsWith("page:") ? handedJson(source) : fetchJson(source);
      // Forgotten when it fails, so that the next run tries again.
      files.set(source, json.then(read).catch((error) => { files.delete(source); throw error; }));
    }
    return files.get(source);
  }

  /** What the page round the frame holds for this viewer alone, of which no file lies anywhere. */
  async function handedJson(name) {
    const page = window.frameElement.ownerDocument;
    let found;
    for (let waited = 0; !found && waited < HANDED_MS; waited += 40) {
      found = page.querySelector(`[data-handed="${name}"]`);
      if (!found) await new Promise((resume) => setTimeout(resume, 40));
    }
    if (!found) throw new Error(`${name}: not in the page`);
    const bytes = Uint8Array.from(atob(found.textContent), (sign) => sign.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).json();
  }

  async function fetchJson(name) {
    const answer = await fetch(new URL(name, HERE));
    if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
    // Packed once by the server for everybody, and not by each answer.
    return new Response(answer.body.pipeThrough(new DecompressionStream("gzip"))).json();
  }

  const [BASE, MARKS] = [0, 1];
  function redraw(...layers) {
    layers.forEach((layer) => state.layers[layer].redraw());
    if (state.context && layers.includes(BASE)) state.context.redraw();
    // The map first: the legend, a score of small pictures, can follow a moment later.
    clearTimeout(state.legendTimer);
    state.legendTimer = setTimeout(paintLegend, 60);
  }

  function attach(map) {
    state.map = map;
    map.createPane("cm-base").style.zIndex = 150;
    map.createPane("cm-tiles").style.zIndex = 160;
    map.createPane("cm-context").style.zIndex = 170;
    map.createPane("cm-marks").style.zIndex = 450;
    state.layers = [new CanvasLayer("cm-base", (ctx, v) => basemap.paint(ctx, v, state), 0.3, false), new CanvasLayer("cm-marks", (ctx, v) => showThinned(paintMarks(ctx, v)), 0, true)];
    addControls();
    state.layers.forEach((layer) => layer.addTo(map));
  }

  function look(bounds, animate) {
    const [west, south, east, north] = bounds;
    state.fit = bounds; // kept in the window, however that is resized, until the viewer moves
    const box = [[south, west], [north, east]], glides = animate && !CALM.matches;
    if (glides && isPresented()) state.map.flyToBounds(box, { duration: 1.5, padding: [20, 20] });
    else state.map.fitBounds(box, { animate: glides, padding: [20, 20] });
  }

  // The page that the map is in; a frame that may not see it is its own.
  const page = (() => { try { return window.parent.document ? window.parent : window; } catch { return window; } })();
  const KEPT = "claimmap.place";

  /** Keeps in this tab where the viewer moved the map to, for a reload of the page. */
  function keepPlace() {
    if (!state.asked || isPresented()) return;
    const { lat, lng } = state.map.getCenter();
    const place = { asked: state.asked, page: page.performance.timeOrigin, at: [lat, lng], zoom: state.map.getZoom() };
    try {
      if (state.fit) page.sessionStorage.removeItem(KEPT);
      else page.sessionStorage.setItem(KEPT, JSON.stringify(place));
    } catch { /* not every browser keeps anything for a file */ }
  }

  /** After a reload, goes where the map stood then, if it was asked to show the same; tells whether. */
  function wentBack() {
    try {
      const place = JSON.parse(page.sessionStorage.getItem(KEPT));
      const [entry] = page.performance.getEntriesByType("navigation");
      if (entry.type !== "reload" || place.asked !== state.asked || place.page === page.performance.timeOrigin) return false;
      state.fit = null;
      state.map.setView(place.at, place.zoom, { animate: false });
      return true;
    } catch {
      return false;
    }
  }

  /** Moves to a claim's marks, unless they are in view and large enough to see. */
  function showClaim(claim) {
    const marks = state.data.marksOf(claim).filter((n) => state.on[n]).map(state.data.mark);
    const places = marks.filter((mark) => mark.part !== "spoken" && mark.part !== "radius");
    if (!marks.length) return;
    const box = boxOf((places.length ? places : marks).map((mark) => mark.box));
    const bounds = L.latLngBounds([[latOf(box.south), lonOf(box.west)], [latOf(box.north), lonOf(box.east)]]);
    if (state.map.getBounds().contains(bounds)) return;
    state.fit = null;
    state.map.fitBounds(bounds, { animate: !CALM.matches, maxZoom: 8, padding: [60, 60] });
  }

  /** For a briefing: the frame is shown magnified `picture` times, and its letters `letters` more. */
  function present(picture, letters) {
    window.claimSigns.grow(picture, letters);
    labelling.clear();
    document.documentElement.classList.add("cm-presented");
    if (state.layers.length) redraw(BASE, MARKS);
  }

  let latest = 0;
  /** Takes what the page sends on every run; see geo/webmap.py for the fields. */
  async function update(next) {
    const turn = ++latest;
    try {
      const wanted = [once(next.marks, window.claimMarks.read), once(next.world, basemap.read)];
      const [data, world] = await Promise.all(wanted);
      if (turn !== latest) return;
      show(next, data, world);
      // The finer coast may come later: the first map need not wait for it.
      const detail = await once(next.detail, basemap.read);
      if (turn !== latest) return;
      if (state.detail !== detail) {
        state.detail = detail;
        redraw(BASE, MARKS);
      }
      await showContext(next.context, () => turn === latest);
      if (turn !== latest) return;
      state.failure.hidden = true;
      if (next.detail !== "") { // else it is still being made
        markReady();
        if (state.rehearsed !== data) rehearse(data);
      }
    } catch (error) {
      if (turn !== latest) return;
      console.error(error);
      state.failure.hidden = false;
      state.failure.textContent = FAILURE;
      markFailed(error);
    }
  }

  const rehearsal = document.createElement("canvas"); // that nobody sees
  /** Does, when there is nothing else to do, what a click will: the first ones are slow else. */
  function rehearse(data, turn = 0, spent_ms = 0) {
    state.rehearsed = data;
    if (!window.requestIdleCallback || turn >= REHEARSALS || spent_ms > REHEARSED_MS) return;
    window.requestIdleCallback(() => {
      if (state.data !== data || !state.chosen) return;
      const { on, derived: known, hits, drawn, clustered } = state, start = performance.now();
      const { view } = state.layers[MARKS], { options } = data.ledger;
      const key = turn % 2 ? "theme" : "confidence", code = (turn >> 1) % Math.max(1, options[key].length);
      try {
        state.on = window.claimSelection.visible(data, { ...state.chosen, [key]: [code] });
        paintMarks(rehearsal.getContext("2d"), view);
      } finally {
        Object.assign(state, { on, derived: known, hits, drawn, clustered });
      }
      rehearse(data, turn + 1, spent_ms + performance.now() - start);
    });
  }

  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

  /** Draws a choice of filters at once; in the app until the page's own answer to it arrives. */
  function choose(choice) {
    const stood = state.ahead ? state.ahead.choice : state.chosen;
    if (!state.data || same(choice, stood)) return;
    const on = window.claimSelection.visible(state.data, choice);
    if (window.Streamlit) {
      const before = state.ahead ? state.ahead.before : [];
      clearTimeout(state.patience);
      state.ahead = { choice, before: [...before, stood] };
      state.patience = setTimeout(giveUp, PATIENCE_MS);
    } else { // a file on its own: nobody is there to answer
      answered({ choice }, on);
    }
    paint(on);
  }

  /** What to show after an answer of the page: its own mask, unless it speaks of an earlier click. */
  function answered({ choice }, mask) {
    state.chosen = choice;
    state.answer = mask;
    if (state.ahead && state.ahead.before.some((each) => same(each, choice))) return state.on;
    state.ahead = null;
    clearTimeout(state.patience);
    return state.on && state.on.length === mask.length && mask.every((bit, i) => bit === state.on[i]) ? state.on : mask;
  }

  /** The page has not answered: its last word stands. */
  function giveUp() {
    state.ahead = null;
    paint(state.answer);
  }

  function paint(on) {
    state.on = on;
    redraw(MARKS);
    painted();
  }

  function painted() {
    state.paints += 1;
    window.dispatchEvent(new CustomEvent("claimmap:painted", { detail: { paints: state.paints } }));
  }

  function show(next, data, world) {
    const fresh = state.data !== data;
    const shown = () => [state.data, state.world, state.on, state.selected, state.measure.text];
    const before = shown();
    state.data = data;
    state.step = next.step;
    state.handle = next.handle;
    state.interactive = next.interactive && Boolean(window.Streamlit);
    state.on = answered(next, maskOf(next, data));
    state.selected = next.selected;
    if (fresh) applyWords();
    state.ruler.hidden = !state.interactive;
    // An answer to points that have been left since is no answer.
    if (next.measure && JSON.stringify(next.measure.asked) === JSON.stringify(state.measure.points)) {
      state.measure.lines = next.measure.lines.map(([line, dash]) => [path(line, false), dash]);
      state.measure.text = next.measure.text;
      showMeasured();
    }
    if (next.view.token !== state.viewToken) {
      const first = state.viewToken === null;
      state.asked = page.location.pathname + next.view.bounds;
      if (!(first && !isPresented() && wentBack())) look(next.view.bounds, !first);
      state.viewToken = next.view.token;
    }
    const newWorld = state.world !== world;
    state.world = world;
    // What a click drew already is not drawn again when the page confirms it.
    if (shown().some((what, i) => what !== before[i])) redraw(...(newWorld ? [BASE, MARKS] : [MARKS]));
    if (next.show && next.show !== state.showToken && next.selected >= 0) showClaim(next.selected);
    state.showToken = next.show;
    painted();
  }

  const numbersOn = () => state.data ? [...state.on.keys()].filter((n) => state.on[n]) : [];

  window.claimMap = {
    attach, update, ready, select, pick, choose, show: showClaim, look: (bounds) => look(bounds, true), present, toggleFullScreen,
    ids: () => [...new Set(numbersOn().map((n) => state.data.feature[n]))].map((feature) => state.data.featureIds()[feature]).sort(),
    marks: () => numbersOn().map(state.data.mark).map(({ id, feature, symbol, part }) => ({ id, feature, symbol: symbol.key, part })),
    get paints() { return state.paints; },
    get selected() { return state.selected < 0 ? null : state.data.claimIds()[state.selected]; },
    get map() { return state.map; },
    get step() { return state.step; },
    /** The numbers that stand for many claims, where they are in the window; for tests. */
    get clusters() {
      return state.hits.filter(({ cluster }) => cluster).map(({ x, y, cluster: { claims, denied } }) => ({ x, y, claims, denied }));
    },
    /** The reader's own layers that are drawn, from below, and the tiles; for tests. */
    get context() {
      return {
        overlays: state.overlays.map(({ shapes, look, opacity }) => ({
          name: look.name, shapes: shapes.length, opacity, classes: look.classes.map((each) => each.text),
        })),
        tiles: state.tiles && { name: state.tiles.name, arrived: state.tiles.arrived },
      };
    },
    get handle() { return state.handle; },
    /** The view is the viewer's from now on: a resized window no longer goes back to the page's. */
    free: () => { state.fit = null; },
    get choice() { return state.ahead ? state.ahead.choice : state.chosen; },
    get options() { return state.data.ledger.options; },
  };
})();
