/* The basemap: read from its file, drawn on a canvas, and the names that stand on it. */
window.claimBasemap = (() => {
  "use strict";

  const { worldX, worldY } = window.claimMarks;
  const { paths, worlds, inside, traceAll } = window.claimPaths;
  const [SEA, LAND, LAND_EDGE, WATER] = ["#dbe6ee", "#f6f3ec", "#9fb0bd", "#c3d6e4"];
  const [BORDER, REGION_EDGE] = ["#8d84a3", "#c9c3b6"];
  const DETAIL_ZOOM = 4.5; // below it the 1:50m coast is finer than a pixel

  /** Turns the fetched basemap (feature collections by layer) into paths, towns and names. */
  function read(json) {
    const kinds = {};
    const spots = (layer) => (json[layer] ? json[layer].features : []).map((feature) => {
      const [lon, lat] = feature.geometry.coordinates;
      return { ...feature.properties, x: worldX(lon), y: worldY(lat) };
    });
    for (const kind of ["land", "countries", "coast", "lakes", "rivers", "admin1", "borders", "extent"]) {
      if (json[kind]) kinds[kind] = json[kind].features.flatMap((feature) => paths(feature.geometry));
    }
    return { kinds, boxes: kinds.extent || [], towns: spots("towns"), names: spots("names") };
  }

  /** Draws sea and land: the world, and nearer by the detail in its boxes; each may be null as yet. */
  function paint(ctx, v, { world, detail }) {
    ctx.fillStyle = SEA;
    ctx.fillRect(0, 0, v.width, v.height);
    for (const w of worlds(v)) {
      if (world) paintLand(ctx, world, w);
      if (detail && w.zoom >= DETAIL_ZOOM) paintDetail(ctx, detail, w);
    }
  }

  function paintDetail(ctx, detail, v) {
    for (const box of detail.boxes) {
      if (!inside(box, v)) continue;
      ctx.save();
      ctx.beginPath();
      ctx.rect(box.west * v.scale - v.ox, box.north * v.scale - v.oy,
        (box.east - box.west) * v.scale, (box.south - box.north) * v.scale);
      ctx.clip();
      ctx.fillStyle = SEA;
      ctx.fillRect(0, 0, v.width, v.height);
      paintLand(ctx, detail, v);
      ctx.restore();
    }
  }

  function paintLand(ctx, base, window_) {
    const close = window_.zoom >= DETAIL_ZOOM;
    const v = { ...window_, step: close ? 1 : 1.6, least: close ? 0.8 : 1.5 };
    const stroke = (kind, colour, width, dash = []) => {
      if (!base.kinds[kind]) return;
      traceAll(ctx, base.kinds[kind], v);
      ctx.strokeStyle = colour; ctx.lineWidth = width; ctx.setLineDash(dash);
      ctx.stroke();
    };
    const fill = (kind, colour) => {
      if (!base.kinds[kind]) return;
      traceAll(ctx, base.kinds[kind], v);
      ctx.fillStyle = colour;
      ctx.fill("evenodd");
    };
    ctx.lineJoin = "round";
    const coast = base.kinds.coast ? "coast" : "countries";
    // Wide and dashed lines are dear to draw: far out, where they would blur, they are plain.
    if (close) stroke(coast, "#eef3f6", 4);
    fill("land", LAND); // islets that belong to no country
    fill("countries", LAND);
    stroke(coast, LAND_EDGE, 0.8);
    fill("lakes", WATER);
    if (close) {
      stroke("rivers", WATER, 1);
      stroke("admin1", REGION_EDGE, 0.8, [3, 3]);
      stroke("borders", "#fbfaf7", 3.2);
      stroke("borders", BORDER, 1.2, [7, 3, 1.5, 3]);
    } else {
      stroke("borders", BORDER, 0.7);
    }
    ctx.setLineDash([]);
  }

  /** The names of lands, waters and towns that a zoom has, as labels (see labels.js). */
  function labels(v, { world, detail }, lang) {
    const found = [];
    const inLanguage = (row) => row["name_" + lang] || row.name;
    for (const base of [world, detail].filter(Boolean)) {
      for (const name of base.names) {
        if (v.zoom < name.min_zoom || v.zoom > name.max_zoom) continue;
        const water = ["ocean", "sea", "bay", "strait"].includes(name.kind);
        const big = name.kind === "country" || name.kind === "ocean";
        found.push({
          text: inLanguage(name), x: name.x * v.scale - v.ox, y: name.y * v.scale - v.oy, kind: "centre",
          italic: water, weight: 400, size: name.kind === "country" ? 14 : name.kind === "ocean" ? 15 : 12,
          spaced: big ? 3 : name.kind === "sea" ? 2 : name.kind === "region" ? 1.5 : 0,
          upper: name.kind === "country" || name.kind === "region",
          colour: water ? "#3f6987" : name.kind === "country" ? "#6f695e" : "#7b7568",
          rank: name.kind === "country" ? 40 : water ? 35 : 20,
        });
      }
      for (const town of base.towns) {
        if (v.zoom < town.min_zoom) continue;
        const x = town.x * v.scale - v.ox, y = town.y * v.scale - v.oy;
        if (x < 0 || y < 0 || x > v.width || y > v.height) continue;
        const large = town.population >= 300000;
        found.push({
          text: town.name, x, y, gap: 5, kind: "town", weight: large ? 600 : 400, size: large ? 12.5 : 11.5,
          colour: "#55524b", rank: 10 + Math.log10((town.prominence || town.population) + 1), dot: large ? 3 : 2.1,
        });
      }
    }
    return found;
  }

  return { read, paint, labels };
})();
