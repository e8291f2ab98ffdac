/* Keeps the place of who works by keyboard: a link that was followed has the focus again when the
 * page has made it anew. For the map's frame, and for the pages that follow links by themselves.
 * The map's frame also shows the row of the claim that is open, within the list's own box.
 */
window.claimPlace = (() => {
  "use strict";

  const PATIENCE_MS = 5000;

  /** For a click on a link: where it came from a key, watches for the link that takes its place. */
  function keep(event, link) {
    if (event.detail !== 0) return; // a mouse
    const page = link.ownerDocument;
    const like = Object.entries(link.dataset).map(([key, value]) => `[data-${key}="${CSS.escape(value)}"]`).join("");
    const watch = new MutationObserver(() => {
      const again = link.isConnected ? null : page.querySelector(`a.go${like}`);
      if (!again) return;
      watch.disconnect();
      if (page.activeElement === page.body) again.focus({ preventScroll: true });
    });
    watch.observe(page.body, { childList: true, subtree: true });
    setTimeout(() => watch.disconnect(), PATIENCE_MS);
  }

  /** The link of a page's own HTML that a click is to follow in place, if it is to. */
  function followed(event) {
    const link = event.target.closest && event.target.closest("a.go");
    const plain = link && !event.button && !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (!plain) return null;
    event.preventDefault();
    keep(event, link);
    return link;
  }

  /** Scrolls the box of the list, and nothing else, so far that all of a row can be seen in it. */
  function reveal(row, box) {
    const { top, bottom } = row.getBoundingClientRect();
    const first = box.getBoundingClientRect().top + box.clientTop;
    const over = top - first - row.closest("table").tHead.offsetHeight; // the head stays on top of it
    const under = bottom - first - box.clientHeight;
    if (over < 0) box.scrollTop += over;
    else if (under > 0) box.scrollTop += Math.min(under, over);
  }

  const frame = window.frameElement;
  if (frame) {
    const page = frame.ownerDocument;
    let shown = "";
    const look = () => {
      const row = page.querySelector(".st-key-claimlist .claims tr.open");
      // Once for each claim and place: who then scrolls elsewhere is left there.
      const now = row ? `${row.rowIndex} ${row.querySelector("a.go").dataset.claim}` : "";
      if (now && now !== shown) reveal(row, row.closest(".st-key-claimlist"));
      shown = now;
    };
    const watch = new MutationObserver(look);
    watch.observe(page.body, { childList: true, subtree: true });
    window.addEventListener("pagehide", () => watch.disconnect());
    look();
  }

  return { followed };
})();
