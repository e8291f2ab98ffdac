/* Answers at once to clicks in the page around the map's frame, while the server still works on them.
 *
 * A click on a claim in the table emphasizes it; one on a filter draws what that leads to.
 * The filters are Streamlit's, in the page around the map's frame: pills and boxes under their
 * keys. Their state is read there; the server's answer, a moment later, has the last word. Where
 * they are not found, as in a page that is built in another way, the map waits for the server.
 */
(() => {
  "use strict";

  const frame = window.frameElement;
  // Where the page's own scripts listen; after them the filters show a click.
  const spot = frame && frame.ownerDocument.querySelector("#root");
  if (!spot) return;
  const { FACETS } = window.claimSelection;
  const LAYERS = ["sourced", "denied"];

  /** The choice as the filters stand; what cannot be read there stays as the server has it. */
  function read(choice, sidebar) {
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
    if (event.target.closest(".claims")) {
      const link = window.claimPlace.followed(event);
      if (link) window.claimMap.pick(link.dataset.claim);
      return;
    }
    const sidebar = event.target.closest('[data-testid="stSidebar"]');
    if (!sidebar || !event.target.closest("button[aria-pressed], .stCheckbox")) return;
    follow(sidebar); // map and filter change in one frame
    setTimeout(follow, 0, sidebar); // in case that was too early
  }

  function follow(sidebar) {
    const { choice } = window.claimMap;
    if (choice) window.claimMap.choose(read(choice, sidebar));
  }

  const leave = () => spot.removeEventListener("click", onClick);
  spot.addEventListener("click", onClick);
  window.addEventListener("pagehide", leave);
})();
