/* A handle on one place: dragged, or set with a click on the map, it tells the page the new spot.
 *
 * The page sends where the place stands (claimMap.handle: lon, lat). The answer is its value:
 * moved ([lon, lat] in degrees) and a sequence that makes each answer another one.
 */
(() => {
  "use strict";

  let marker = null, shown = "";

  const rounded = (degrees) => Math.round(degrees * 1e5) / 1e5;

  function tell({ lng, lat }) {
    const lon = lng - 360 * Math.floor((lng + 180) / 360); // the map goes round the world
    marker.setLatLng([lat, lng]);
    window.Streamlit.setComponentValue({ moved: [rounded(lon), rounded(lat)], sequence: Date.now() });
  }

  function make(map) {
    const icon = L.divIcon({ className: "cm-handle", iconSize: [30, 30], iconAnchor: [15, 15] });
    marker = L.marker([0, 0], { icon, draggable: true, autoPan: true, keyboard: false, zIndexOffset: 1000 });
    marker.on("dragend", () => tell(marker.getLatLng()));
    map.on("click", (event) => { if (marker._map) tell(event.latlng); });
  }

  window.addEventListener("claimmap:painted", () => {
    const { map, handle } = window.claimMap;
    if (!marker) make(map);
    if (!handle) { marker.remove(); shown = ""; return; }
    // Only when the page says otherwise than before: an answer under way must not jump back.
    const stands = JSON.stringify(handle);
    if (stands !== shown) marker.setLatLng([handle.lat, handle.lon]);
    shown = stands;
    marker.addTo(map);
  });
})();
