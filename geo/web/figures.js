/* Draws figures out on the ellipsoid, as geo/figures.py and geo/geodesy.py do; a test holds them together.
 *
 * Longitude before latitude, degrees, kilometres. What passes ±180° goes on beyond it.
 * Direct geodesics by Vincenty's formula (Survey Review 23, 1975, 88–93), on WGS 84.
 */
window.claimFigures = (() => {
  "use strict";

  const A_KM = 6378.137, F = 1 / 298.257223563, B_KM = A_KM * (1 - F);
  const E2 = F * (2 - F);
  const RAD = Math.PI / 180;
  const STEP_KM = 25;

  /** Where a bearing and a distance lead from a point: longitude (not wrapped) and latitude. */
  function direct(lon, lat, bearing, km) {
    const a1 = bearing * RAD, sinA1 = Math.sin(a1), cosA1 = Math.cos(a1);
    const tanU = (1 - F) * Math.tan(lat * RAD), cosU = 1 / Math.hypot(1, tanU), sinU = tanU * cosU;
    const sigma1 = Math.atan2(tanU, cosA1), sinA = cosU * sinA1, cos2A = 1 - sinA * sinA;
    const u2 = cos2A * (A_KM * A_KM - B_KM * B_KM) / (B_KM * B_KM);
    const A = 1 + u2 / 16384 * (4096 + u2 * (-768 + u2 * (320 - 175 * u2)));
    const B = u2 / 1024 * (256 + u2 * (-128 + u2 * (74 - 47 * u2)));
    const start = km / (B_KM * A);
    let sigma = start, sin = 0, cos = 1, cos2M = 0;
    for (let turn = 0; turn < 50; turn++) {
      sin = Math.sin(sigma); cos = Math.cos(sigma); cos2M = Math.cos(2 * sigma1 + sigma);
      const delta = B * sin * (cos2M + B / 4 * (cos * (2 * cos2M * cos2M - 1) -
        B / 6 * cos2M * (4 * sin * sin - 3) * (4 * cos2M * cos2M - 3)));
      const next = start + delta;
      if (Math.abs(next - sigma) < 1e-13) break;
      sigma = next;
    }
    const x = sinU * sin - cosU * cos * cosA1;
    const lat2 = Math.atan2(sinU * cos + cosU * sin * cosA1, (1 - F) * Math.hypot(sinA, x));
    const lambda = Math.atan2(sin * sinA1, cosU * cos - sinU * sin * cosA1);
    const C = F / 16 * cos2A * (4 + F * (4 - 3 * cos2A));
    const L = lambda - (1 - C) * F * sinA * (sigma + C * sin * (cos2M + C * cos * (2 * cos2M * cos2M - 1)));
    return [lon + L / RAD, lat2 / RAD];
  }

  /** Each longitude as near as may be to the one before. */
  function unwrap(points) {
    for (let i = 1; i < points.length; i++) {
      points[i][0] -= 360 * Math.round((points[i][0] - points[i - 1][0]) / 360);
    }
    return points;
  }

  /** A closed ring; one that goes round a pole is led along the map's edge over it. */
  function closed(points) {
    const ring = unwrap([...points, points[0].slice()]);
    const [first, last] = [ring[0], ring[ring.length - 1]];
    if (Math.abs(last[0] - first[0]) <= 180) return ring;
    const mean = points.reduce((sum, [, lat]) => sum + lat, 0) / points.length;
    const pole = mean < 0 ? -90 : 90;
    return [...ring, [last[0], pole], [first[0], pole], first.slice()];
  }

  function ring(lon, lat, km, corners) {
    return closed(Array.from({ length: corners }, (_, i) => direct(lon, lat, -360 * i / corners, km)));
  }

  const even = (from, to, count) => Array.from({ length: count }, (_, i) => from + (to - from) * i / (count - 1));

  function sector(lon, lat, bearing, half, km) {
    if (half === 180) return ring(lon, lat, km, 90);
    const arc = even(bearing + half, bearing - half, Math.max(2, Math.ceil(half / 2) + 1));
    // Sides need corners of their own, or a long one would be straight on the map, not on Earth.
    const side = even(0, km, Math.max(2, Math.ceil(km / 50) + 1));
    const out = side.slice(1, -1).map((far) => direct(lon, lat, arc[0], far));
    const back = side.slice(1, -1).reverse().map((far) => direct(lon, lat, arc[arc.length - 1], far));
    return closed([[lon, lat], ...out, ...arc.map((turn) => direct(lon, lat, turn, km)), ...back]);
  }

  function geodesic(lon, lat, bearing, km) {
    const steps = Math.max(1, Math.ceil(km / STEP_KM));
    const points = [[lon, lat]];
    for (let i = 1; i <= steps; i++) points.push(direct(lon, lat, bearing, km * i / steps));
    return unwrap(points);
  }

  const pairs = (n) => Array.from({ length: n.length / 2 }, (_, i) => [n[2 * i], n[2 * i + 1]]);

  /** How each kind is drawn out; the numbers are those of geo/webdata.py. */
  const KINDS = {
    point: { size: 2, closed: false, draw: (n) => [[n[0], n[1]]] },
    circle: { size: 4, closed: true, draw: (n) => ring(...n) },
    rim: { size: 4, closed: false, draw: (n) => ring(...n) },
    geodesic: { size: 4, closed: false, draw: (n) => geodesic(...n) },
    sector: { size: 5, closed: true, draw: (n) => sector(...n) },
    path: { size: 0, closed: false, draw: pairs }, // as long as it is
  };

  function boxOfCircle(lon, lat, km) {
    const w2 = 1 - E2 * Math.sin(lat * RAD) ** 2;
    const dLat = km / (A_KM * (1 - E2) / w2 ** 1.5) / RAD;
    if (Math.abs(lat) + dLat >= 90) {
      return [lon - 180, lat < 0 ? -90 : lat - dLat, lon + 180, lat < 0 ? lat + dLat : 90];
    }
    const reach = Math.sin(km / (A_KM / Math.sqrt(w2))) / Math.cos(lat * RAD);
    const dLon = reach < 1 ? Math.asin(reach) / RAD : 180;
    return [lon - dLon, lat - dLat, lon + dLon, lat + dLat];
  }

  function boxOfGeodesic(lon, lat, bearing, km) {
    const [lon2, lat2] = direct(lon, lat, bearing, km);
    let [south, north] = [Math.min(lat, lat2), Math.max(lat, lat2)];
    // Where the great circle turns back from a pole, if it does so on the way.
    const highest = Math.acos(Math.min(1, Math.abs(Math.sin(bearing * RAD) * Math.cos(lat * RAD)))) / RAD;
    const turn = Math.atan2(Math.cos(bearing * RAD), Math.tan(lat * RAD));
    const round = (angle) => (angle + 4 * Math.PI) % (2 * Math.PI);
    if (round(turn) < km / A_KM) north = Math.max(north, highest);
    if (round(turn + Math.PI) < km / A_KM) south = Math.min(south, -highest);
    return [Math.min(lon, lon2), south, Math.max(lon, lon2), north];
  }

  /** West, south, east, north of a figure, to within half a percent of its size. */
  function box(kind, n) {
    if (kind === "point") return [n[0], n[1], n[0], n[1]];
    if (kind === "circle" || kind === "rim") return boxOfCircle(n[0], n[1], n[2]);
    if (kind === "sector") return boxOfCircle(n[0], n[1], n[4]);
    if (kind === "geodesic") return boxOfGeodesic(...n);
    const found = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < n.length; i += 2) {
      found[0] = Math.min(found[0], n[i]); found[1] = Math.min(found[1], n[i + 1]);
      found[2] = Math.max(found[2], n[i]); found[3] = Math.max(found[3], n[i + 1]);
    }
    return found;
  }

  return { KINDS, direct, box };
})();
