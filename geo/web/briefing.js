/* A briefing on a projector: keys move the steps, from the page and from the map's frame alike,
 * and the frame is drawn larger the higher the window is.
 *
 * The page sends where the briefing stands (claimMap.step); a key answers with where it is to
 * stand. That is said as a place and never as a move, so that keys pressed faster than the page
 * runs are not lost: each starts from what the last one asked for.
 */
(() => {
  "use strict";

  const frame = window.frameElement;
  if (!frame) return;
  const page = frame.ownerDocument;
  const HEIGHT_PX = 620; // of a window in which nothing needs to be larger than on a desk
  const LETTERS = 1.42; // so that the smallest name on the map is a fortieth of the window high
  const MOVES = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1, Home: -Infinity, End: Infinity };
  const PANELS = { o: "overview", e: "evidence" };
  const OWN_KEYS = "textarea, select, [contenteditable]:not([contenteditable=false]), [role=textbox], [role=combobox]," +
    " [role=listbox], [role=menu], [role=slider], [role=spinbutton], [role=grid], [role=dialog], [data-baseweb=calendar]";
  let asked = null;

  function grow() {
    const picture = Math.max(1, page.defaultView.innerHeight / HEIGHT_PX);
    frame.style.setProperty("--grown", picture);
    window.claimMap.present(picture, LETTERS);
  }

  /** Whether a key belongs to what has the focus: text to write, a list to choose from, a button. */
  function isTaken(event) {
    const target = event.composedPath()[0];
    if (!target.closest) return false;
    if (target.closest(OWN_KEYS)) return true;
    if (target.matches("input:not([type=checkbox]):not([type=button])")) return true;
    if (event.key === " " && target.closest("button, a, summary, input, [role=button]")) return true;
    const text = target.closest("article[tabindex]");
    return /^Arrow(Up|Down)$/.test(event.key) && Boolean(text) && text.scrollHeight > text.clientHeight; // it scrolls
  }

  function next(event, stood) {
    const { at, count, panel, bars } = stood;
    const key = event.key.length > 1 ? event.key : event.key.toLowerCase();
    if (key in MOVES) return { at: Math.max(0, Math.min(count - 1, at + MOVES[key])), panel, bars };
    if (key in PANELS) return { at, panel: panel === PANELS[key] ? "" : PANELS[key], bars };
    if (key === "Escape") return panel ? { at, panel: "", bars } : { at, panel, bars: !bars };
    return null;
  }

  function onKey(event) {
    if (!frame.isConnected) { leave(); return; }
    const stood = asked || window.claimMap.step;
    if (!stood || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.isComposing) return;
    if (isTaken(event)) return;
    const card = document.querySelector(".cm-choice:not([hidden])");
    if (event.key === "Escape" && card && !stood.panel) return; // it closes that
    if (event.key.toLowerCase() === "f") {
      if (!event.repeat) window.claimMap.toggleFullScreen();
    } else {
      const wanted = next(event, stood);
      if (!wanted) return;
      const { at, panel, bars } = stood;
      // A key held down must not run through the story.
      if (!event.repeat && (wanted.at !== at || wanted.panel !== panel || wanted.bars !== bars)) ask({ ...stood, ...wanted });
    }
    event.preventDefault(); // the page must not scroll
    event.stopPropagation(); // nor the map pan
  }

  function ask(wanted) {
    asked = { ...wanted, sequence: Math.max(Date.now(), asked ? asked.sequence + 1 : 0) };
    const { at, panel, bars, sequence } = asked;
    window.Streamlit.setComponentValue({ at, panel, bars, sequence });
  }

  function leave() {
    page.removeEventListener("keydown", onKey, true);
    page.defaultView.removeEventListener("resize", grow);
  }

  window.addEventListener("claimmap:painted", () => {
    const { step } = window.claimMap;
    if (asked && step && step.answered >= asked.sequence) asked = null;
  });
  window.addEventListener("keydown", onKey, true);
  page.addEventListener("keydown", onKey, true);
  page.defaultView.addEventListener("resize", grow);
  window.addEventListener("pagehide", leave);
  grow();
})();
