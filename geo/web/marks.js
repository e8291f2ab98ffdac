/* The marks of a dataset as columns of numbers, and one mark as an object where it is looked at.
 *
 * A hundred thousand claims are three times as many marks: as objects they would fill the memory
 * and take a second to make. See geo/webdata.py for the form of the file.
 */
window.claimMarks = (() => {
  "use strict";

  const { KINDS, box } = window.claimFigures;
  const TYPES = {
    u1: Uint8Array, u2: Uint16Array, u4: Uint32Array, i4: Int32Array, f8: Float64Array,
  };
  const MOST_PATHS = 4000; // drawn-out figures that are kept

  const worldX = (lon) => (lon + 180) / 360;
  const worldY = (lat) => {
    const s = Math.sin(Math.max(-85.05, Math.min(85.05, lat)) * Math.PI / 180);
    return 0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI);
  };

  /** A column as geo/webdata.py packs it: type, colon, base64 of its bytes. */
  function column(text) {
    const Type = TYPES[text.slice(0, 2)], packed = text.slice(3);
    if (Uint8Array.fromBase64) return new Type(Uint8Array.fromBase64(packed).buffer);
    const raw = atob(packed), bytes = new Uint8Array(raw.length);
    for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
    return new Type(bytes.buffer);
  }

  /** Texts that came as one, apart again when they are first asked for. */
  function listed(text) {
    let found = null;
    return () => found || (found = text ? text.split("\n") : []);
  }

  /** The figures: where each lies, as boxes of the square world, and each drawn out on demand. */
  function readFigures(packed) {
    const kinds = Object.keys(KINDS).filter((kind) => packed[kind]);
    const numbers = {}, firsts = [];
    let count = 0;
    const ends = packed.path ? column(packed.path.ends) : [];
    for (const kind of kinds) {
      numbers[kind] = column(kind === "path" ? packed.path.numbers : packed[kind]);
      firsts.push(count);
      count += kind === "path" ? ends.length : numbers[kind].length / KINDS[kind].size;
    }
    const boxes = { west: new Float64Array(count), north: new Float64Array(count), east: new Float64Array(count), south: new Float64Array(count) };
    const kindOf = (figure) => {
      let k = kinds.length - 1;
      while (firsts[k] > figure) k--;
      return k;
    };
    function numbersOf(figure, k) {
      const kind = kinds[k], n = figure - firsts[k], { size } = KINDS[kind];
      return kind === "path" ? numbers.path.subarray(n ? ends[n - 1] : 0, ends[n]) : numbers[kind].subarray(n * size, (n + 1) * size);
    }
    kinds.forEach((kind, k) => {
      const after = k + 1 < kinds.length ? firsts[k + 1] : count;
      for (let figure = firsts[k]; figure < after; figure++) {
        const [west, south, east, north] = box(kind, numbersOf(figure, k));
        boxes.west[figure] = worldX(west); boxes.east[figure] = worldX(east);
        boxes.north[figure] = worldY(north); boxes.south[figure] = worldY(south);
      }
    });
    const drawn = new Map();
    function parts(figure) {
      if (!drawn.has(figure)) {
        if (drawn.size > MOST_PATHS) drawn.clear();
        const k = kindOf(figure), kind = KINDS[kinds[k]];
        drawn.set(figure, [path(kind.draw(numbersOf(figure, k)), kind.closed)]);
      }
      return drawn.get(figure);
    }
    return { ...boxes, parts };
  }

  /** Flat [x, y, x, y, …] of one ring or line, with its box. */
  function path(coordinates, closed) {
    const xy = new Float64Array(coordinates.length * 2);
    let west = Infinity, north = Infinity, east = -Infinity, south = -Infinity;
    coordinates.forEach(([lon, lat], i) => {
      const x = worldX(lon), y = worldY(lat);
      xy[2 * i] = x; xy[2 * i + 1] = y;
      west = Math.min(west, x); east = Math.max(east, x);
      north = Math.min(north, y); south = Math.max(south, y);
    });
    return { xy, closed, west, north, east, south };
  }

  class Mark {
    constructor(data, n) {
      this.data = data;
      this.n = n;
      this.claim = data.claim[n];
      Object.assign(this, data.kinds[data.kind[n]]); // symbol, part, layer, when
      this.figure = data.figure[n];
    }

    get id() {
      const plain = this.when === "standing" || this.when === "said";
      return `${this.feature}/${this.part}${plain ? "" : "/" + this.when}`;
    }

    get feature() { return this.data.featureIds()[this.data.feature[this.n]]; }

    get label() { return this.data.labels()[this.data.label[this.n]]; }

    get span() { return this.data.span[this.data.feature[this.n]]; }

    get parts() { return this.data.figures.parts(this.figure); }

    get box() {
      const { west, north, east, south } = this.data.figures;
      const f = this.figure;
      return { west: west[f], north: north[f], east: east[f], south: south[f] };
    }
  }

  const SHAPE = { point: 0, line: 1, area: 2 };

  const known = new WeakMap();
  /** Reads a marks file, once. */
  function read(json) {
    if (!known.has(json)) known.set(json, made(json));
    return known.get(json);
  }

  function made(json) {
    const { count } = json.marks;
    const data = { ...json, count, figures: readFigures(json.figures), labels: listed(json.labels) };
    for (const name of ["kind", "claim", "feature", "figure", "label"]) data[name] = column(json.marks[name]);
    data.claimIds = listed(json.claims.ids);
    data.featureIds = listed(json.features.ids);
    data.said = column(json.features.said);
    data.kinds = json.kinds.map((kind) => ({ ...kind, symbol: json.symbols[kind.symbol] }));
    const { statements } = json.ledger;
    data.ledger = {
      ...json.ledger, confidence: column(json.ledger.confidence), theme: column(json.ledger.theme),
      statements: Object.fromEntries(Object.entries(statements).map(([name, packed]) => [name, column(packed)])),
    };
    data.shape = Uint8Array.from(data.kinds, ({ symbol }) => SHAPE[symbol.kind]);
    // What a distance is made of runs together when it is drawn small.
    const { west, east } = data.figures;
    data.span = new Float64Array(data.said.length);
    for (let n = 0; n < count; n++) {
      const width = east[data.figure[n]] - west[data.figure[n]], feature = data.feature[n];
      if (width > data.span[feature]) data.span[feature] = width;
    }
    // The marks of each claim stand together in `byClaim`, from `claimStart[claim]` on.
    data.claimStart = new Uint32Array(json.claims.count + 1);
    for (let n = 0; n < count; n++) data.claimStart[data.claim[n] + 1] += 1;
    for (let c = 0; c < json.claims.count; c++) data.claimStart[c + 1] += data.claimStart[c];
    data.byClaim = new Uint32Array(count);
    const next = data.claimStart.slice();
    for (let n = 0; n < count; n++) data.byClaim[next[data.claim[n]]++] = n;
    data.mark = (n) => new Mark(data, n);
    data.marksOf = (claim) => [...data.byClaim.subarray(data.claimStart[claim], data.claimStart[claim + 1])];
    return data;
  }

  return { read, column, path, worldX, worldY };
})();
