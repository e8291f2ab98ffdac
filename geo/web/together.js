/* Maps side by side that are one view: what one does, the others on its page do at the same time.
 *
 * Each map is in a frame of its own. They find each other through the page that holds them, anew
 * each time, so nothing is left behind when a frame goes, and another tab's maps are out of reach.
 * A map that was moved, by whatever means, tells the others where to stand; one that moves because
 * it was told is silent. So nothing echoes, and at rest all stand where the one that moved stands,
 * to the last digit.
 *
 * window.claimTogether: follow(center, zoom), glide(…), rest(…), and what else the others call.
 */
(() => {
  "use strict";

  const LEGEND_PX = 560; // of a frame that has room for a legend beside a map of half the window
  const HAND = ["pointerdown", "wheel", "touchstart", "keydown"]; // somebody takes hold of this map
  let map = null, bounds = null, cross = null, side = null, naming = null;
  let told = false; // what happens at this moment was told by another map
  let glides = false; // so was the zoom that is under way

  /** Those of the page's other maps that are ready, as their windows' claimTogether. */
  function others() {
    const found = [];
    for (let i = 0; i < window.parent.length; i++) {
      try {
        const each = window.parent[i];
        if (each !== window && each.claimTogether && each.claimTogether.joined) found.push(each.claimTogether);
      } catch {
        // a frame of somebody else's
      }
    }
    return found;
  }

  /** Runs what moves this map by order of another, which is not to be passed on. */
  function obey(move) {
    told = true;
    try { move(); } finally { told = false; }
  }

  /** Stops whatever this map is doing by itself, so that it can be put where another one stands. */
  function halt() {
    // Kept in its bounds by the map that leads: were both to correct, they would pull apart.
    if (map.options.maxBounds) map.setMaxBounds(null);
    map._stop();
    map._onZoomTransitionEnd(); // does nothing when no zoom is under way
  }

  /** In the midst of a move: as near as whole pixels go, so that what is drawn need only shift. */
  function follow({ lat, lng }, zoom) {
    const center = L.latLng(lat, lng);
    obey(() => {
      halt();
      if (zoom !== map.getZoom()) { map._move(center, zoom); return; }
      const offset = map.project(center, zoom).subtract(map.project(map.getCenter(), zoom))._round();
      if (!offset.x && !offset.y) return;
      map._rawPanBy(offset);
      map.fire("move");
    });
  }

  /** A zoom that is drawn as one movement: begun at the same time, it ends at the same time. */
  function glide({ lat, lng }, zoom, noUpdate) {
    const center = L.latLng(lat, lng);
    // On its way there already: the page has sent all of them to the same view.
    if (map._animatingZoom && map._animateToZoom === zoom && map._animateToCenter.equals(center)) return;
    obey(() => {
      halt();
      glides = true;
      map._moveStart(true, false);
      map._animateZoom(center, zoom, true, noUpdate);
    });
  }

  /** Where the move ended, exactly. */
  function rest({ lat, lng }, zoom) {
    const center = L.latLng(lat, lng);
    obey(() => {
      halt();
      const zoomed = map.getZoom() !== zoom;
      if (!zoomed && map.getCenter().equals(center, 0)) { map._moveEnd(false); return; }
      L.DomUtil.setPosition(map._mapPane, L.point(0, 0));
      map._move(center, zoom)._moveEnd(zoomed);
      map.fire("viewreset");
    });
  }

  /** This map is the one that moves: it keeps in bounds, and passes on what it does. */
  function lead() {
    if (map.options.maxBounds || !bounds) return;
    map.setMaxBounds(bounds);
  }

  /** Whether what this map just did was its own doing. */
  const mine = () => !told && !glides;

  function tell(what, ...more) {
    others().forEach((other) => other[what](...more));
  }

  function listen() {
    map.on("zoomanim", ({ center, zoom, noUpdate }) => {
      if (mine()) { lead(); tell("glide", center, zoom, noUpdate); }
    });
    map.on("move", () => { if (mine()) { lead(); tell("follow", map.getCenter(), map.getZoom()); } });
    map.on("moveend", () => {
      if (mine()) tell("rest", map.getCenter(), map.getZoom());
      glides = false;
    });
    map.on("mousemove", ({ latlng }) => tell("point", latlng));
    map.on("mouseout", () => tell("point", null));
    for (const kind of HAND) {
      window.addEventListener(kind, () => {
        window.claimTogether.held = true;
        tell("yield");
        lead();
      }, { capture: true, passive: true });
    }
  }

  /** Another map was taken hold of: this one leaves what it was about, and the page's own view. */
  function yield_() {
    window.claimMap.free();
    window.claimTogether.held = true;
    obey(halt);
  }

  /** Shows where the pointer is on the other map. */
  function point(latlng) {
    if (!cross) {
      cross = document.createElement("div");
      cross.className = "cm-cross";
      cross.setAttribute("aria-hidden", "true");
      map.getContainer().append(cross);
    }
    cross.hidden = !latlng;
    if (!latlng) return;
    const { x, y } = map.latLngToContainerPoint(latlng);
    cross.style.transform = `translate(${x}px, ${y}px)`;
  }

  /** One legend opened or closed opens or closes all: the maps stay of one size. */
  function legend(open) {
    const head = document.querySelector(".cm-legend-head");
    if (head && (head.getAttribute("aria-expanded") === "true") !== open) head.click();
  }

  /** The frame is called as the page calls its side, for those who hear it. */
  function name() {
    const title = side && side.querySelector("h2");
    if (title) window.frameElement.title = `${title.textContent.trim()}. ${document.title}`;
  }

  /** Once this map has drawn: stands where the others stand, and moves with them from then on. */
  function join() {
    map = window.claimMap.map;
    bounds = map.options.maxBounds;
    document.documentElement.classList.add("cm-together");
    const [first] = others();
    window.claimTogether.joined = true;
    listen();
    if (first) {
      if (first.held) yield_();
      rest(...first.stands());
    }
    const size = () => legend(window.innerHeight >= LEGEND_PX);
    window.addEventListener("resize", size); // after the map's own rule, which is for one map alone
    size();
    document.querySelector(".cm-legend-head").addEventListener("click", (event) => {
      if (!event.isTrusted) return; // this script's own
      window.removeEventListener("resize", size);
      tell("legend", event.currentTarget.getAttribute("aria-expanded") === "true");
    });
    side = window.frameElement && window.frameElement.closest("[class*=st-key-compare-side]");
    if (side) {
      naming = new MutationObserver(name);
      naming.observe(side, { subtree: true, childList: true, characterData: true });
    }
  }

  function leave() {
    window.claimTogether.joined = false;
    if (naming) naming.disconnect();
    if (map) tell("point", null);
  }

  window.claimTogether = {
    joined: false, // whether it moves with the others yet
    held: false, // whether a viewer has taken hold of one of them
    stands: () => [map.getCenter(), map.getZoom()],
    follow, glide, rest, point, legend, yield: yield_,
  };
  window.addEventListener("claimmap:painted", () => {
    if (!window.claimTogether.joined) join();
    name();
  });
  window.addEventListener("pagehide", leave);
})();
