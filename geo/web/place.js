/* Keeps the place of who works by keyboard: a link that was followed has the focus again when the
 * page has made it anew. For the map's frame, and for the pages that follow links by themselves.
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

  return { followed };
})();
