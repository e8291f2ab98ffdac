/* The file that stands alone: filters, table and evidence round the map, with no server behind.
 *
 * Everything it needs is in the page: blocks of JSON, and the evidence of each claim as HTML that
 * was escaped when it was written. What a choice leaves is worked out by selection.js.
 */
(() => {
  "use strict";

  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const marks = read("marks"), data = window.claimMarks.read(marks);
  const world = read("world"), detail = read("detail"), context = read("context"), { map, view, layer, words } = read("setup");
  const { options } = data.ledger;
  const KEYS = [...window.claimSelection.FACETS, "layer"];
  const filters = document.getElementById("filters");
  const rows = [...document.querySelectorAll("#claims tbody tr")];
  const articles = [...document.querySelectorAll("#evidence > div")];
  const start = { source: [], confidence: [], status: [], theme: [], layer, as_of: null };
  let open = -1;

  const boxes = (key) => [...filters.querySelectorAll(`input[name=${key}]`)];
  const codes = (key) => boxes(key).filter((box) => box.checked).map((box) => Number(box.value));
  const dayNumber = (text) => text ? Math.round(Date.parse(text + "T00:00:00Z") / 86_400_000) : null;
  const choice = () => ({
    ...Object.fromEntries(KEYS.map((key) => [key, codes(key)])),
    as_of: dayNumber(filters.elements.as_of.value),
  });

  const fill = (template, values) => template.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  function show() {
    const chosen = choice();
    const found = window.claimSelection.apply(data.ledger, chosen);
    window.claimMap.choose(chosen);
    const shown = found.status.filter((code) => code >= 0).length;
    rows.forEach((row, n) => {
      row.hidden = found.status[n] < 0;
      setStatus(row.querySelector(".chip"), found.status[n]);
    });
    showArticles(found);
    document.getElementById("empty").hidden = shown > 0;
    document.getElementById("claims").hidden = shown === 0;
    document.getElementById("count").textContent = fill(words.shown, { shown, total: rows.length });
    filters.elements.reset.disabled = JSON.stringify(chosen) === JSON.stringify(start);
    count(chosen);
  }

  function setStatus(chip, code) {
    if (code < 0) return;
    chip.className = "chip " + options.status[code];
    chip.textContent = words.status[code];
  }

  function showArticles({ status, kept }) {
    const numbers = new Map(words.statements.map((id, n) => [id, n]));
    articles.forEach((article, n) => {
      article.hidden = n !== open || status[n] < 0;
      if (article.hidden) return;
      setStatus(article.querySelector(".chip"), status[n]);
      article.querySelector(".meaning").textContent = words.meaning[status[n]];
      let left = 0;
      for (const said of article.querySelectorAll("[data-statement]")) {
        said.hidden = !kept[numbers.get(said.dataset.statement)];
        left += said.hidden ? 1 : 0;
      }
      const note = article.querySelector(".left-out");
      note.hidden = !left;
      note.textContent = fill(words.leftOut, { n: left });
    });
    const hidden = open >= 0 && status[open] < 0;
    document.getElementById("pick").hidden = open >= 0 && !hidden;
    document.getElementById("pick").textContent = hidden ? words.openHidden : words.pick;
    rows.forEach((row, n) => row.querySelector("button").setAttribute("aria-pressed", String(n === open)));
  }

  /** How many claims each value of a filter would leave by itself, as in the app. */
  function count(chosen) {
    if (rows.length * options.source.length > 200_000) return; // it would take longer than a click
    for (const key of window.claimSelection.FACETS) {
      for (const box of boxes(key)) {
        const { status } = window.claimSelection.apply(data.ledger, { ...chosen, [key]: [Number(box.value)] });
        box.nextElementSibling.nextElementSibling.textContent = `(${status.filter((code) => code >= 0).length})`;
      }
    }
  }

  function pick(n, onMap) {
    open = n;
    show();
    if (!onMap) {
      window.claimMap.select(n);
      window.claimMap.show(n);
    }
    articles[n].scrollIntoView({ block: "nearest" });
  }

  /** Leaflet's own names for what webdata.MAP_OPTIONS says. */
  const made = L.map("map", { ...map, zoomAnimation: !window.matchMedia("(prefers-reduced-motion: reduce)").matches });
  made.setView(map.center, map.zoom);
  window.claimMap.attach(made);
  window.claimMap.update({
    marks, world, detail, choice: start, selected: -1,
    view: { bounds: view, token: "start" }, show: 0, interactive: false, measure: null, step: null, context,
  });
  window.addEventListener("claimmap:select", (event) => {
    const n = data.claimIds().indexOf(event.detail.claim);
    if (n !== open) pick(n, true);
  });
  filters.addEventListener("change", show);
  filters.addEventListener("submit", (event) => event.preventDefault());
  filters.addEventListener("reset", () => setTimeout(show));
  rows.forEach((row, n) => row.querySelector("button").addEventListener("click", () => pick(n, false)));
  for (const button of document.querySelectorAll("[data-view]")) {
    button.addEventListener("click", () => window.claimMap.look(words.views[Number(button.dataset.view)]));
  }
  show();
})();
