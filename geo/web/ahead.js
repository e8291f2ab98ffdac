/* Draws what a click on a filter leads to at once, while the server still works on it.
 *
 * The filters are Streamlit's, in the page around the map's frame: pills and boxes under their
 * keys. Their state is read there; the server's answer, a moment later, has the last word. Where
 * they are not found, as in a page that is built in another way, the map waits for the server.
 */
(() => {
  "use strict";

  const frame = window.frameElement;
  const sidebar = frame && frame.ownerDocument.querySelector('[data-testid="stSidebar"]');
  if (!sidebar) return;
  const { FACETS } = window.claimSelection;
  const LAYERS = ["sourced", "denied"];

  /** The choice as the filters stand; what cannot be read there stays as the server has it. */
  function read(choice) {
    const found = { ...choice };
    for (const key of FACETS) {
      const pills = [...sidebar.querySelectorAll(`.st-key-${key} button[aria-pressed]`)];
      if (pills.length === window.claimMap.options[key].length) {
        found[key] = [...pills.keys()].filter((i) => pills[i].getAttribute("aria-pressed") === "true");
      }
    }
    const boxes = LAYERS.map((layer) => sidebar.querySelector(`.st-key-layer-${layer} input[type=checkbox]`));
    if (boxes.every(Boolean)) found.layer = [...boxes.keys()].filter((i) => boxes[i].checked);
    return found;
  }

  // Only what the viewer does counts: the page's own changes may pass through states of no choice.
  function onClick(event) {
    if (!frame.isConnected) { leave(); return; }
    if (!sidebar.contains(event.target) || !event.target.closest("button[aria-pressed], .stCheckbox")) return;
    follow(); // map and filter change in one frame
    setTimeout(follow); // in case that was too early
  }

  function follow() {
    const { choice } = window.claimMap;
    if (choice) window.claimMap.choose(read(choice));
  }

  // Where the page's own scripts listen, and after them: by then the filters show the click.
  const spot = sidebar.closest("#root") || sidebar;
  const leave = () => spot.removeEventListener("click", onClick);
  spot.addEventListener("click", onClick);
  window.addEventListener("pagehide", leave);
})();
