/* Labels on the map: placed one after the other where nothing stands yet. */
window.claimLabels = (() => {
  "use strict";

  const { within, overlap } = window.claimPaths;
  const { FONT, letterSize, paintPoint, pixelRatio } = window.claimSigns;

  const HALO_PX = 4; // round the letters, and for what reaches out of their lines
  const [MOST_LETTERED, MOST_LETTERS] = [300, 4000];
  const letterings = new Map(); // by look
  const letterWidths = new Map(); // by style and letter, in sizes

  const fontOf = ({ italic, weight }, size) => `${italic ? "italic " : ""}${weight} ${size}px ${FONT}`;
  const linesOf = ({ text, upper }, lang) => (upper ? text.toLocaleUpperCase(lang) : text).split(" / ");

  /** The least that a label takes, in pixels: its letters one by one, each measured only once. */
  function leastWidth(ctx, label, lines, size) {
    const style = (label.italic ? "i" : "") + label.weight;
    const widthOf = (letter) => {
      const key = style + letter;
      if (!letterWidths.has(key)) {
        if (letterWidths.size >= MOST_LETTERS) letterWidths.clear();
        ctx.font = fontOf(label, 100);
        letterWidths.set(key, ctx.measureText(letter).width / 100);
      }
      return letterWidths.get(key);
    };
    // Pairs of letters may stand closer than each by itself.
    const widths = lines.map((line) => [...line].reduce((sum, letter) => sum + widthOf(letter), 0));
    return 0.85 * size * Math.max(...widths);
  }

  /** A label's text as a picture, drawn once: letters with a rim take longest of all to draw. */
  function lettered(label, lines, size) {
    const { spaced = 0, colour } = label, ratio = pixelRatio(), centred = label.kind === "centre";
    const look = [fontOf(label, size), spaced, colour, ratio, centred, ...lines].join("|");
    if (letterings.has(look)) return letterings.get(look);
    if (letterings.size >= MOST_LETTERED) letterings.clear();
    const picture = document.createElement("canvas"), ctx = picture.getContext("2d");
    const prepare = () => { ctx.font = fontOf(label, size); ctx.letterSpacing = spaced + "px"; };
    prepare();
    const widths = lines.map((line) => ctx.measureText(line).width);
    const width = Math.max(...widths), height = lines.length * size * 1.2;
    picture.width = Math.ceil((width + 2 * HALO_PX) * ratio);
    picture.height = Math.ceil((height + 2 * HALO_PX) * ratio);
    prepare(); // a canvas of another size has forgotten it
    ctx.scale(ratio, ratio);
    ctx.textBaseline = "middle"; ctx.lineJoin = "round";
    ctx.strokeStyle = "rgba(255,255,255,.88)"; ctx.lineWidth = 3.2; ctx.fillStyle = colour;
    lines.forEach((line, i) => {
      const x = HALO_PX + (centred ? (width - widths[i]) / 2 : 0), y = HALO_PX + (i + 0.5) * size * 1.2;
      ctx.strokeText(line, x, y);
      ctx.fillText(line, x, y);
    });
    letterings.set(look, { picture, width });
    return letterings.get(look);
  }

  /** Where a label of that size finds room: how far from its place, and its box; else undefined. */
  function roomFor(label, w, h, v, free) {
    const gap = label.gap || 0;
    // The name of an area at the window's edge slides into the window.
    const slide = Math.max(4, Math.min(label.x - w / 2, v.width - w - 4)) - label.x;
    const places = {
      centre: [[-w / 2, 0]],
      area: [...[-gap - h / 2, gap + h / 2, 0].map((dy) => [slide, dy]), [gap + 4, 0], [-gap - 4 - w, 0]],
      line: [[gap, 0], [-gap - w, 0], [gap, -10], [gap, 12], [-gap - w, -10], [-gap - w, 12], [-w / 2, -gap - h / 2], [-w / 2, gap + h / 2]],
      point: [[gap, 0], [-gap - w, 0], [-w / 2, 16 + h / 2], [-w / 2, -22 - h / 2], [gap, -12], [gap, 14], [-gap - w, 14]],
      town: [[gap, 0], [-gap - w, 0], [-w / 2, -gap - h / 2], [-w / 2, gap + h / 2]],
    }[label.kind];
    return places.map(([dx, dy]) => (
      { dx, dy, box: [label.x + dx - 2, label.y + dy - h / 2 - 1, label.x + dx + w + 2, label.y + dy + h / 2 + 1] }
    )).find(({ box }) => free(box) && within(box, v));
  }

  /** Draws the labels that find room in the window, by rank, clear of the boxes that are blocked.
   *
   * A label is { text, x, y, kind (one of the places that `roomFor` knows), rank, size, weight,
   * colour } and, if it is to be, gap, italic, spaced, upper, a dot's radius or a sign before it.
   */
  function paint(ctx, v, labels, blocked, lang) {
    const boxes = blocked.slice();
    const free = (box) => !boxes.some((other) => overlap(box, other));
    const all = labels.sort((a, b) => b.rank - a.rank);
    const placed = new Set(), ratio = pixelRatio();
    const whole = (value) => Math.round(value * ratio) / ratio; // between two pixels it would blur
    for (const label of all) {
      const key = label.text + "@" + Math.round(label.x / 40) + ":" + Math.round(label.y / 40);
      if (placed.has(key)) continue;
      if (label.x < -200 || label.y < -200 || label.x > v.width + 200 || label.y > v.height + 200) continue;
      const dot = label.dot && [label.x - 4, label.y - 4, label.x + 4, label.y + 4];
      if (dot && !free(dot)) continue;
      const lines = linesOf(label, lang), size = label.size * letterSize(), h = lines.length * size * 1.2;
      // Most of very many find none, and a text takes long to measure.
      if (!roomFor(label, leastWidth(ctx, label, lines, size), h, v, free)) continue;
      const { picture, width } = lettered(label, lines, size);
      const room = roomFor(label, width, h, v, free);
      if (!room) continue;
      placed.add(key);
      boxes.push(room.box);
      if (label.dot) {
        boxes.push(dot);
        ctx.beginPath(); ctx.arc(label.x, label.y, label.dot, 0, 2 * Math.PI);
        ctx.fillStyle = "#fff"; ctx.fill();
        ctx.strokeStyle = "#55524b"; ctx.lineWidth = 1.1; ctx.setLineDash([]); ctx.stroke();
      }
      if (label.sign) paintPoint(ctx, label.sign, room.box[0] - 15, label.y);
      ctx.drawImage(picture, whole(label.x + room.dx - HALO_PX), whole(label.y + room.dy - h / 2 - HALO_PX),
        picture.width / ratio, picture.height / ratio);
    }
  }

  /** Forgets every picture of a label. */
  const clear = () => letterings.clear();

  return { paint, clear };
})();
