"""Shortest path over water between two ports, kept offshore where the water allows it.

Within a region it is found by A* over the visibility graph of the land, grown by the distance to
keep, in an azimuthal equidistant projection about the middle of the two ports (Lozano-Perez and
Wesley, Communications of the ACM 22, 1979, 560-570). Edges are tested against the land only as
the search comes to them, so the graph is never built. The distance to keep is let down where the
water is narrow: round each port, in a zone that grows only until the port has reached open water,
and in the straits without which there is no way or only a far longer one.

Beyond a region, or through a canal, the middle of the path comes from the network of shipping
lanes of the package `searoute`, straightened and mended against the same land, with legs of our
own at both ends. A path is a guess at what a ship would do, never a record of what one did.
"""

import heapq
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely
from pyproj import Proj
from shapely import STRtree
from shapely.geometry import LineString, MultiPolygon, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from geo import basemap, geodesy

LonLat = tuple[float, float]

MAX_REGIONAL_KM = 2_600.0  # beyond it one flat projection strays from the geodesic too far
MAX_TO_WATER_KM = 30.0  # a river port may lie this far from the water the coastline knows
WARN_TO_WATER_KM = 2.0
STEP_KM = 25.0  # vertices this close keep straight segments of any map on the path checked here
_MAX_RADIUS_KM = 1_950.0
_SHARES = (1 / 2, 1 / 4, 1 / 8, 1 / 20, 0.0)  # of the clearance, tried in straits one must pass
# The same of straits that only save a detour: the first that leaves few enough corners to search.
_SHORT_CUTS = (1 / 20, 1 / 4)
_MAX_CORNERS = 8_000
_ROUGH_BEYOND_M = 700_000.0  # charts this wide draw the land more roughly
_PIECE_KM = 600.0  # of lanes near land, found anew at a time
_DETOUR = 1.15  # a path this many times longer than through a strait goes through the strait
# Steps of a zone round a port, as shares of its radius: beyond each the same share of the
# clearance is asked for, and none up to the first.
_RAMP = (1 / 32, 1 / 16, 1 / 8, 0.2, 0.4, 0.6, 0.8, 1.0)
# Zones tried round a port: the radius, and the clearance that the steps lead to, in clearances.
_ZONES = (
    *((radius, 1.0) for radius in (2.5, 4.0, 6.5, 10.0)),
    *((radius, 0.3) for radius in (4.0, 6.5, 10.0, 16.0)),
    *((radius, 0.0) for radius in (2.5, 4.0, 6.5, 10.0, 16.0, 25.0)),
)
_LOOKS, _MOST_LOOKS = 8, 64  # candidates tested at a time: at first, and at most
_NUDGE_M = 20.0  # nodes stand this far off the obstacles, so that their own edges do not touch

# Lines across well-known passages: a route that crosses one goes through it.
_PASSAGES: dict[str, tuple[LonLat, LonLat]] = {
    "bab-el-mandeb": ((43.05, 12.62), (43.60, 12.62)),
    "bering": ((-169.9, 66.05), (-167.9, 65.6)),
    "bosporus": ((28.85, 41.12), (29.25, 41.12)),
    "dardanelles": ((26.10, 40.25), (26.65, 40.10)),
    "dover": ((1.30, 51.15), (1.70, 50.87)),
    "gibraltar": ((-5.60, 36.05), (-5.50, 35.83)),
    "great-belt": ((10.70, 55.35), (11.25, 55.35)),
    "hormuz": ((56.45, 26.25), (56.35, 27.05)),
    "kerch": ((36.40, 45.30), (36.80, 45.30)),
    "korea": ((128.95, 35.10), (130.90, 33.90)),
    "la-perouse": ((141.95, 45.50), (142.05, 45.92)),
    "magellan": ((-70.95, -53.60), (-70.20, -53.60)),
    "malacca": ((101.30, 2.95), (101.60, 2.00)),
    "messina": ((15.50, 38.10), (15.68, 38.10)),
    "oresund": ((12.45, 55.85), (12.85, 55.85)),
    "panama": ((-79.95, 8.95), (-79.45, 9.25)),
    "singapore": ((103.85, 1.30), (103.85, 1.00)),
    "suez": ((32.00, 30.60), (32.70, 30.60)),
    "sunda": ((105.70, -5.90), (105.85, -6.05)),
    "tsugaru": ((140.20, 41.25), (140.25, 41.55)),
}

# The canals, from open water to open water: the bundled land knows none.
_CANALS: dict[str, tuple[LonLat, ...]] = {
    "suez": (
        (32.37, 31.45), (32.31, 31.25), (32.32, 30.80), (32.31, 30.58), (32.36, 30.38),
        (32.53, 30.25), (32.57, 30.10), (32.58, 29.95), (32.56, 29.82), (32.60, 29.65),
    ),
    "panama": (
        (-79.92, 9.48), (-79.92, 9.33), (-79.92, 9.24), (-79.83, 9.18), (-79.70, 9.11),
        (-79.60, 9.01), (-79.54, 8.90), (-79.50, 8.78),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class RouteWarning:
    """Something a reader of the route should know, as data and in words (English).

    `kind` is far_from_water | through_land | below_clearance | network; `point` is where, and
    `value_km` how far, when that has a meaning.
    """

    kind: str
    text: str
    point: LonLat | None = None
    value_km: float | None = None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class SeaRoute:
    """A path over water.

    coordinates: (lon, lat) degrees from port to port, at most 25 km apart, longitudes continuous
    (they may pass +-180). length_km: geodesic length of that line. method: "visibility" where the
    path is the shortest one found, "network" where its middle follows shipping lanes or a canal.
    passages: straits and canals passed, in order. warnings: what to know of it.
    """

    coordinates: tuple[LonLat, ...]
    length_km: float
    method: str
    passages: tuple[str, ...]
    warnings: tuple[RouteWarning, ...]


class SeaRouteError(ValueError):
    """No route, and why; `point` is the (lon, lat) at fault."""

    def __init__(self, message: str, point: LonLat):
        super().__init__(message)
        self.point = point


class OutOfRangeError(SeaRouteError):
    """A coordinate is not a longitude or latitude in degrees, or a distance makes no sense."""


class EqualPointsError(SeaRouteError):
    """Start and end are one point."""


class InlandError(SeaRouteError):
    """A point lies too far from any sea."""


class LakeError(InlandError):
    """A point lies on a lake."""


class NoWaterPathError(SeaRouteError):
    """Both points are by water, but no water of the bundled coastline joins them."""


def route(
    start: LonLat,
    end: LonLat,
    *,
    offshore_km: float = 10.0,
    start_approach: Sequence[LonLat] = (),
    end_approach: Sequence[LonLat] = (),
) -> SeaRoute:
    """Shortest path over water from one (lon, lat) to another, WGS 84 degrees.

    offshore_km: distance to keep from land where the water allows, 0.5 to 50; up to a
    third more may be kept, as the land is simplified on its safe side. An approach is the
    points from the berth out to open water (the same order at both ends), for harbours narrower
    than the coastline shows; it is taken as given. A port on land is joined by a straight line to
    the nearest sea, up to 30 km away. The path back is the same path. Results are kept.

    Raises a SeaRouteError that names the point: OutOfRangeError, EqualPointsError, InlandError,
    LakeError or NoWaterPathError.
    """
    ends = []
    for point, approach in ((start, start_approach), (end, end_approach)):
        berth = _checked_point(point)
        points = [_checked_point(p) for p in approach]
        ends.append((berth, *(points[1:] if points[:1] == [berth] else points)))
    if not (isinstance(offshore_km, int | float) and 0.5 <= offshore_km <= 50):
        raise OutOfRangeError(
            f"the distance to keep offshore must be 0.5 to 50 km, not {offshore_km!r}",
            ends[0][0],
        )
    if geodesy.inverse(*ends[0][0], *ends[1][0]).length_km < 0.001:
        raise EqualPointsError(f"start and end are the same point, {_said(ends[0][0])}", ends[0][0])
    # One order for both ways, so that the path back is the same path.
    turned = ends[1] < ends[0]
    found = _route(*(ends[::-1] if turned else ends), round(float(offshore_km), 3))
    if not turned:
        return found
    shift = 360.0 * round((ends[0][0][0] - found.coordinates[-1][0]) / 360.0)
    return SeaRoute(
        tuple((lon + shift, lat) for lon, lat in reversed(found.coordinates)),
        found.length_km,
        found.method,
        found.passages[::-1],
        found.warnings,
    )


def _checked_point(point: LonLat) -> LonLat:
    try:
        lon, lat = (float(value) for value in point)
    except (TypeError, ValueError):
        raise OutOfRangeError(f"not a pair of longitude, latitude: {point!r}", point) from None
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        hint = " (longitude comes first)" if -180 <= lat <= 180 and -90 <= lon <= 90 else ""
        raise OutOfRangeError(f"{_said((lon, lat))} is not a longitude, latitude{hint}", (lon, lat))
    return round(lon, 6), round(lat, 6)


def _said(point: LonLat) -> str:
    return f"{point[0]:g}, {point[1]:g}"


# --- Land ----------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def _land() -> tuple[np.ndarray, STRtree]:
    """All land polygons of the bundled coastline in degrees, and an index of them."""
    parts = np.asarray(basemap.land("10m").geometry.values)
    parts = shapely.get_parts(parts)
    return parts, STRtree(parts)


@lru_cache(maxsize=1)
def _enclosed_seas() -> tuple[Polygon, ...]:
    """Water that land wholly surrounds: the Caspian Sea."""
    rings = shapely.get_rings(_land()[0][shapely.get_num_interior_rings(_land()[0]) > 0])
    return tuple(Polygon(ring) for ring in rings if not ring.is_ccw)


@lru_cache(maxsize=1)
def _lakes() -> STRtree:
    return STRtree(shapely.get_parts(np.asarray(basemap.lakes().geometry.values)))


@lru_cache(maxsize=1)
def _tiles() -> STRtree:
    """The land cut into pieces of few vertices, for tests all over the world."""
    done, todo = [], list(_land()[0])
    while todo:
        part = todo.pop()
        if shapely.get_num_coordinates(part) <= 400:
            done.append(part)
            continue
        west, south, east, north = part.bounds
        if east - west > north - south:
            middle = (west + east) / 2
            halves = ((west, south, middle, north), (middle, south, east, north))
        else:
            middle = (south + north) / 2
            halves = ((west, south, east, middle), (west, middle, east, north))
        for half in halves:
            cut = shapely.get_parts(shapely.clip_by_rect(part, *half))
            todo.extend(cut[shapely.get_type_id(cut) == 3])
    return STRtree(done)


class _Chart:
    """Land round a centre on a flat, equidistant chart in metres, out to `radius_m`."""

    def __init__(self, lon: float, lat: float, radius_m: float):
        self.radius_m = radius_m
        self._proj = Proj(proj="aeqd", lat_0=lat, lon_0=lon, ellps="WGS84")
        self._lon = lon
        reach = radius_m / 111_000 + 0.5
        south, north = max(-90.0, lat - reach), min(90.0, lat + reach)
        if south == -90 or north == 90:
            half = 180.0
        else:
            sine = math.sin(math.radians(reach)) / math.cos(math.radians(lat))
            half = 180.0 if sine >= 1 else math.degrees(math.asin(sine)) + 0.5
        parts, tree = _land()
        pieces = []
        for shift in (-360.0, 0.0, 360.0):
            window = (lon - half - shift, south, lon + half - shift, north)
            if window[2] < -180 or window[0] > 180:
                continue
            found = parts[tree.query(box(*window))]
            large = shapely.get_num_coordinates(found) > 200
            cut = shapely.get_parts(shapely.clip_by_rect(found[large], *window))
            cut = cut[shapely.get_type_id(cut) == 3]
            # The cuts run along parallels and meridians, which are curves on the chart.
            pieces += [found[~large], shapely.segmentize(cut, 0.5)]
        pieces = np.concatenate(pieces) if pieces else np.empty(0, object)
        flat = shapely.transform(pieces, self._forward)
        near = shapely.distance(flat, Point(0, 0)) <= radius_m + 60_000
        flat = flat[near & ~shapely.is_empty(flat)]
        broken = ~shapely.is_valid(flat)
        if broken.any():
            flat[broken] = shapely.make_valid(flat[broken])
        self._grown: dict[float, BaseGeometry] = {}
        self.land = flat
        self.tree = STRtree(flat)

    def _forward(self, coords: np.ndarray) -> np.ndarray:
        return np.column_stack(self._proj(coords[:, 0], coords[:, 1]))

    def xy(self, point: LonLat) -> tuple[float, float]:
        return self._proj(*point)

    def lonlat(self, coords: np.ndarray) -> np.ndarray:
        """Degrees, with longitudes continuous."""
        lons, lats = self._proj(coords[:, 0], coords[:, 1], inverse=True)
        return np.column_stack([np.unwrap(lons, period=360.0), lats])

    def frame(self) -> Polygon:
        return Point(0, 0).buffer(self.radius_m, quad_segs=32)

    def grown(self, clearance_m: float) -> BaseGeometry:
        """Land with all the water nearer to it than `clearance_m`."""
        if clearance_m not in self._grown:
            rough = 0.02 if self.radius_m <= _ROUGH_BEYOND_M else 0.04
            self._grown[clearance_m] = _grown(self.land, clearance_m, rough)
        return self._grown[clearance_m]

    def grown_near(self, clearance_m: float, zone: BaseGeometry) -> BaseGeometry:
        """As `grown`, of the land that matters inside the zone."""
        window = box(*zone.bounds).buffer(clearance_m * 1.2 + 1000, join_style="mitre")
        near = shapely.clip_by_rect(self.land[self.tree.query(window)], *window.bounds)
        return _grown(near[~shapely.is_empty(near)], clearance_m)

    def is_water(self, point: Point) -> bool:
        return len(self.tree.query(point, predicate="intersects")) == 0


@lru_cache(maxsize=8)
def _chart(lon: float, lat: float, radius_m: float) -> _Chart:
    return _Chart(lon, lat, radius_m)


def _grown(land: np.ndarray, clearance_m: float, rough: float = 0.02) -> BaseGeometry:
    """Land with all the water within `clearance_m`, and up to a third of that more.

    rough: share of a large clearance that may be simplified away.
    """
    if len(land) == 0:
        return MultiPolygon()
    if clearance_m <= 0:
        return shapely.disjoint_subset_union_all(land)
    # Simplified before and after for speed; the extra growth pays for what both may take away.
    slack = (rough if clearance_m >= 5_000 else 0.08) * clearance_m
    plain = shapely.simplify(land, slack)
    wide = shapely.union_all(shapely.buffer(plain, clearance_m * 1.01 + 2 * slack, quad_segs=6))
    return shapely.simplify(wide, slack)


# --- Clearance let down where water is narrow -----------------------------------------------------


def _parts(geometry: BaseGeometry) -> np.ndarray:
    parts = shapely.get_parts(geometry)
    return parts[shapely.get_type_id(parts) == 3]


def _part_with(geometry: BaseGeometry, point: Point) -> BaseGeometry | None:
    parts = _parts(geometry)
    found = np.flatnonzero(shapely.intersects(parts, point))
    return parts[found[0]] if len(found) else None


def _harbour(chart: _Chart, port: Point, other: Point, basins: np.ndarray, clearance_m: float):
    """Water a ship may use round a port: a zone just wide enough to reach a basin of open water.

    The clearance asked for rises in steps from nothing at the port. None if the port is in open
    water already; empty if no zone reaches any.
    """
    if shapely.intersects(basins, port).any():
        return None
    for radius, share in _ZONES:
        rings = []
        for inner, outer in itertools.pairwise((0.0, *_RAMP) if share else (0.0, 1.0)):
            zone = port.buffer(radius * clearance_m * outer, quad_segs=16)
            rings.append(zone - chart.grown_near(share * clearance_m * inner, zone))
        # Water that hangs together by a thread of a few metres only is no way out.
        wide = shapely.union_all(rings).buffer(-2 * _NUDGE_M, quad_segs=1)
        water = _part_with(wide | (rings[0] & port.buffer(10 * _NUDGE_M)), port)
        if water is not None and (
            shapely.intersects(basins, water).any() or water.intersects(other)
        ):
            return water
    return Polygon()


def _grown_back(within: BaseGeometry, open_water: np.ndarray, land: BaseGeometry, by_m: float):
    """Each piece of open water grown back towards the land it was kept from."""
    return shapely.difference(shapely.buffer(open_water, by_m * 1.1, quad_segs=4) & within, land)


def _straits(
    chart: _Chart, obstacles: BaseGeometry, ends: tuple[Point, Point], clear_m: float
) -> BaseGeometry:
    """Where the straits are that lead from one end to the other and are too narrow for `clear_m`,
    and their surroundings, land among it; empty if there are none.

    A strait is what open water does not cover when it is grown back towards the land (a
    morphological opening) and two pieces of open water touch, or where two such pieces meet.
    """
    land, frame = chart.grown(0.0), chart.frame()
    pieces = _parts(frame - obstacles)
    is_end = np.array([shapely.intersects(pieces, end) for end in ends]).any(axis=0)
    pieces = pieces[is_end | (shapely.area(pieces) > math.pi * clear_m**2)]
    reached = _grown_back(frame, pieces, land, clear_m)
    tree = STRtree(reached)
    narrow = _parts(frame - land - shapely.union_all(reached))
    narrow = narrow[shapely.area(narrow) > 1e4]
    strait, piece = tree.query(shapely.buffer(narrow, 5.0, quad_segs=1), predicate="intersects")
    one, two = tree.query(reached, predicate="intersects")
    one, two = one[one < two], two[one < two]
    straits = np.concatenate([narrow, reached[one] & reached[two]])
    meeting = len(narrow) + np.arange(len(one))
    joins = np.column_stack(
        [np.concatenate([strait, meeting, meeting]), np.concatenate([piece, one, two])]
    )
    # Dead ends are taken off until only what lies between the two ends is left.
    goals = [int(np.flatnonzero(shapely.intersects(pieces, end))[0]) for end in ends]
    while len(joins):
        of_strait = np.bincount(joins[:, 0], minlength=len(straits))
        of_piece = np.bincount(joins[:, 1], minlength=len(reached))
        of_piece[goals] += 1
        keep = (of_strait[joins[:, 0]] > 1) & (of_piece[joins[:, 1]] > 1)
        if keep.all():
            break
        joins = joins[keep]
    if not set(goals) <= set(joins[:, 1].tolist()):
        return Polygon()
    through = straits[np.unique(joins[:, 0])]
    return shapely.union_all(shapely.buffer(through, 1.2 * clear_m, quad_segs=4))


def _short_cuts(
    chart: _Chart, within: Polygon, obstacles: BaseGeometry, clear_m: float, low_m: float
) -> BaseGeometry:
    """As `_straits`, of the narrow water that open water touches in two places or more."""
    land = chart.grown_near(low_m, within)
    pieces = _parts(within - obstacles)
    reached = shapely.union_all(_grown_back(within, pieces, land, clear_m - low_m))
    narrow = _parts(within - land - reached)
    narrow = narrow[shapely.area(narrow) > 1e4]
    doors = shapely.intersection(shapely.buffer(narrow, 5.0, quad_segs=1), reached)
    through = narrow[shapely.get_num_geometries(doors) > 1]
    return shapely.union_all(shapely.buffer(through, 1.2 * clear_m, quad_segs=4))


# --- The search -----------------------------------------------------------------------------------


_ACROSS = np.array([[0.0, -1.0], [1.0, 0.0]])  # v @ _ACROSS @ w: how far w lies right of v


def _side(along: np.ndarray, towards: np.ndarray) -> np.ndarray:
    return along[:, 0] * towards[..., 1] - along[:, 1] * towards[..., 0]


def _corners(obstacles: BaseGeometry) -> np.ndarray:
    """Corners that stick out of the obstacles: n x 3 x 2, each a little off them, and the two
    vertices beside it on the ring."""
    found = []
    for ring in shapely.get_rings(shapely.orient_polygons(_parts(obstacles))):
        coords = shapely.get_coordinates(ring)[:-1]
        if len(coords) < 3:
            continue
        before, after = np.roll(coords, 1, axis=0), np.roll(coords, -1, axis=0)
        came, goes = coords - before, after - coords
        came /= np.maximum(np.hypot(*came.T), 1e-9)[:, None]
        goes /= np.maximum(np.hypot(*goes.T), 1e-9)[:, None]
        out = _side(came, goes) > 1e-9
        normal = np.column_stack([came[:, 1] + goes[:, 1], -came[:, 0] - goes[:, 0]])
        # A sharp corner would be moved far out: no more than ten times.
        stretch = np.maximum(1 + (came * goes).sum(axis=1), 0.1)
        moved = coords + normal * (_NUDGE_M / stretch)[:, None]
        found.append(np.stack([moved, before, after], axis=1)[out])
    return np.concatenate(found) if found else np.empty((0, 3, 2))


def _shortest(
    obstacles: BaseGeometry, start: LonLat, goal: LonLat, radius_m: float, limit_m: float = math.inf
) -> np.ndarray | None:
    """Vertices (n x 2, metres) of the shortest path from start to goal past the obstacles.

    None if there is none that stays within `radius_m` of the origin and is shorter than `limit_m`.

    A*, whose edges are tested only as far as they promise enough: each node keeps its candidates
    in the order of the total they promise, with only the best of them in the queue. The first clear
    edge to come out into a node is the best way there, since the straight distance to the goal is
    a consistent bound.
    """
    corners = _corners(obstacles)
    around = np.hypot(*(corners[:, 0] - start).T) + np.hypot(*(corners[:, 0] - goal).T)
    corners = corners[(np.hypot(*corners[:, 0].T) <= radius_m) & (around < limit_m)]
    nodes = np.concatenate([np.broadcast_to(np.array([start, goal])[:, None], (2, 3, 2)), corners])
    points, beside = np.ascontiguousarray(nodes[:, 0]), nodes[:, 1:] - nodes[:, :1]
    to_goal = np.hypot(*(points - points[1]).T)
    edge_of, core = shapely.boundary(obstacles), None
    shapely.prepare(edge_of)
    if len(points) > 1000:
        # Most lines that are blocked cross the inside of the land: far fewer edges to test.
        core = obstacles.buffer(-3000.0, quad_segs=1).simplify(1500.0)
        shapely.prepare(core)
    closed = np.zeros(len(points), bool)
    parent = np.full(len(points), -1)
    waiting: dict[int, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
    queue: list[tuple[float, int, int, int, tuple[int, ...]]] = []

    def push(node: int, rank: int, looks: int, seen: tuple[int, ...] = ()) -> None:
        """Queue what the node has next: the ranks it is known to see, then the candidates from
        `rank` on, to be looked at so many at a time."""
        totals = waiting[node][1]
        following = seen[0] if seen else rank
        if following < len(totals) and totals[following] < limit_m:
            heapq.heappush(queue, (totals[following], node, rank, looks, seen))

    def look(node: int, rank: int, looks: int) -> None:
        """Find which of the next candidates the node sees: few at first, so that none is tested
        long before it could matter."""
        targets = waiting[node][0]
        ranks = rank + np.flatnonzero(~closed[targets[rank : rank + looks]])
        ends = points[targets[ranks]]
        edges = np.empty((len(ends), 2, 2))
        edges[:, 0], edges[:, 1] = points[node], ends
        lines = shapely.linestrings(edges)
        if core is not None:
            past = ~shapely.intersects(core, lines)
            ranks, lines = ranks[past], lines[past]
        clear = ranks[~shapely.intersects(edge_of, lines)]
        push(node, rank + looks, min(2 * looks, _MOST_LOOKS), tuple(clear.tolist()))

    def close(node: int, length: float) -> None:
        closed[node] = True
        # Every test is which side of a line a target lies: one product for all.
        tests = _ACROSS @ beside[node].T
        if parent[node] >= 0:
            # A shortest path bends round the corner it touches, or goes straight on: it never
            # turns away from it. (Nodes stand off their corners: hence as much play.)
            came = points[node] - points[parent[node]]
            sides = came @ tests
            land = np.sign(sides[np.argmax(np.abs(sides))])
            came_m = max(np.hypot(*came), 1e-9)
            play = 2 * _NUDGE_M / came_m
            ahead = land * (came @ _ACROSS) + play * came
            tests = np.column_stack([land * tests, ahead])
            here = points[node] @ tests
            here[2] -= play * came_m**2
            targets = np.flatnonzero((points @ tests >= here).all(axis=1) & ~closed)
        else:
            left, right = (points @ tests - points[node] @ tests).T
            targets = np.flatnonzero((left * right >= 0) & ~closed)
        along = points[targets] - points[node]
        # Only a line that touches a corner, and does not cut into it, can be part of the path.
        near = beside[targets]
        touches = _side(along, near[:, 0]) * _side(along, near[:, 1]) >= 0
        targets, along = targets[touches], along[touches]
        lengths = length + np.hypot(*along.T)
        totals = lengths + to_goal[targets]
        order = np.argsort(totals, kind="stable")
        waiting[node] = targets[order], totals[order], lengths[order]
        push(node, 0, _LOOKS)

    close(0, 0.0)
    while queue:
        _, node, rank, looks, seen = heapq.heappop(queue)
        if not seen:
            look(node, rank, looks)
            continue
        target, length = int(waiting[node][0][seen[0]]), float(waiting[node][2][seen[0]])
        if not closed[target]:
            parent[target] = node
            if target == 1:
                path = [1]
                while path[-1] != 0:
                    path.append(int(parent[path[-1]]))
                return points[path[::-1]]
            close(target, length)
        push(node, rank, looks, seen[1:])
    return None


def _length(path: np.ndarray) -> float:
    return float(np.hypot(*np.diff(path, axis=0).T).sum())


def _path_on(
    chart: _Chart,
    start: LonLat,
    goal: LonLat,
    clearance_m: float,
    limit_m: float,
    shares: Sequence[float],
) -> tuple[np.ndarray, float] | None:
    """Shortest path on a chart, in metres, and the clearance it had to go down to in straits.

    None if there is none, or none shorter than `limit_m`. `shares` of the clearance are tried in
    turn in straits one must pass.
    """
    frame = chart.frame()
    ends = Point(start), Point(goal)

    def joined(obstacles: BaseGeometry) -> bool:
        water = _part_with(frame - obstacles, ends[0])
        return water is not None and water.intersects(ends[1])

    if not joined(chart.grown(0.0)):
        return None
    base = chart.grown(clearance_m)
    basins = _parts(frame - base)
    basins = basins[shapely.area(basins) > 4 * math.pi * clearance_m**2]
    harbours = [
        _harbour(chart, end, other, basins, clearance_m) for end, other in (ends, ends[::-1])
    ]
    if any(harbour is not None and harbour.is_empty for harbour in harbours):
        return None
    harbours = [harbour for harbour in harbours if harbour is not None]
    full = base - shapely.union_all(harbours) if harbours else base

    path, low_m = None, clearance_m
    if joined(full):
        path = _shortest(full, start, goal, chart.radius_m, limit_m)
    else:
        straits = _straits(chart, full, ends, clearance_m)
        for share in shares:
            near = [chart.grown_near(clearance_m * share, part) for part in _parts(straits)]
            opened = full - (straits - shapely.union_all(near))
            if joined(opened):
                path = _shortest(opened, start, goal, chart.radius_m, limit_m)
                full, low_m = opened, clearance_m * share
                break
    if path is None:
        return None
    short_m = _length(path) / _DETOUR
    if math.dist(start, goal) >= short_m or _least_m(chart, start, goal, short_m) >= short_m:
        return path, low_m
    within = _ellipse(start, goal, short_m)
    straits = _short_cuts(chart, within, full, clearance_m, clearance_m * _SHORT_CUTS[0])
    for share in _SHORT_CUTS:
        opened = full - (straits - chart.grown_near(clearance_m * share, within))
        if shapely.get_num_coordinates(opened & within) <= _MAX_CORNERS:
            shorter = _shortest(opened, start, goal, chart.radius_m, short_m)
            if shorter is not None:
                return shorter, min(low_m, clearance_m * share)
            break
    return path, low_m


def _least_m(chart: _Chart, start: LonLat, goal: LonLat, limit_m: float) -> float:
    """Length that no path can be shorter than: of the shortest past the cores of the land.

    Infinite if that is `limit_m` or more.
    """
    cores = shapely.buffer(shapely.simplify(chart.land, 4_000), -4_500, quad_segs=1)
    obstacles = shapely.union_all(cores)
    path = _shortest(obstacles, start, goal, 2 * chart.radius_m, limit_m)
    return math.inf if path is None else _length(path)


def _ellipse(one: LonLat, two: LonLat, total_m: float) -> Polygon:
    """All whose distances from two points add up to less than `total_m`."""
    around = np.linspace(0, 2 * math.pi, 96, endpoint=False)
    between = np.subtract(two, one)
    along = between / max(np.hypot(*between), 1e-9)
    minor_m = math.sqrt(max(total_m**2 - between @ between, 1.0))
    across = np.array([-along[1], along[0]])
    return Polygon(
        np.add(one, two) / 2
        + np.outer(np.cos(around) * total_m / 2, along)
        + np.outer(np.sin(around) * minor_m / 2, across)
    )


def _region(start: LonLat, goal: LonLat, offshore_km: float) -> tuple[np.ndarray, float] | None:
    """Shortest path between two points on water near each other: n x 2 degrees, and the clearance
    in km it had to go down to in straits. None where no chart up to the largest shows a way."""
    direct = geodesy.inverse(*start, *goal)
    middle = geodesy.destination(*start, direct.bearing_deg, direct.length_km / 2)
    radius_km = 0.6 * direct.length_km + 100
    best, length_km, shares = None, math.inf, _SHARES
    while radius_km <= _MAX_RADIUS_KM:
        chart = _chart(round(middle[0], 3), round(middle[1], 3), radius_km * 1000)
        found = _path_on(
            chart,
            chart.xy(start),
            chart.xy(goal),
            offshore_km * 1000,
            length_km * 1000,
            shares,
        )
        if found is not None:
            path, low_m = found
            length_km = _length(path) / 1000
            lines = shapely.segmentize(LineString(path), STEP_KM * 1000)
            best = chart.lonlat(shapely.get_coordinates(lines)), low_m / 1000
            shares = (low_m / 1000 / offshore_km,)
        # No shorter path leaves the ellipse about the ports. A chart that holds most of it will do:
        # of some eight paths tried on a wider one, none came out 0.3 % shorter, at twice the time.
        if length_km / 2 <= 1.55 * radius_km or (best is not None and found is None):
            break
        radius_km = 2 * radius_km if best is None else length_km / 2 * 1.01
    return best


# --- Long hauls -----------------------------------------------------------------------------------


def _lanes(start: LonLat, goal: LonLat) -> np.ndarray:
    """Shipping lanes between the nodes of the network nearest to two points: n x 2 degrees."""
    # Imported here: it takes a second, and only long hauls need it.
    from searoute import searoute
    from searoute.classes.ports import Ports

    # Without its table of ports, which is not used and takes most of its time to load.
    found = searoute(list(start), list(goal), P=Ports())
    found = np.asarray(found.geometry["coordinates"], float)
    found = found.reshape(-1, 2)
    found[:, 0] = np.unwrap(found[:, 0], period=360.0)
    return found


def _turned(coords: Sequence[LonLat] | np.ndarray, degrees: float) -> np.ndarray:
    return np.asarray(coords) + np.array([degrees, 0.0])


def _near_land(line: np.ndarray, distance_km: float) -> bool:
    """Whether a line (n x 2 degrees, continuous) comes that close to the bundled land."""
    pairs = np.stack([line[:-1], line[1:]], axis=1)
    west, east = pairs[:, :, 0].min(axis=1), pairs[:, :, 0].max(axis=1)
    # A degree of longitude shrinks with latitude: measured where it is shortest.
    shortest = np.maximum(np.cos(np.radians(np.abs(pairs[:, :, 1]).max(axis=1))), 0.05)
    for turn in (-360.0, 0.0, 360.0):
        here = (east + turn >= -181) & (west + turn <= 181)
        steps = shapely.linestrings(_turned(pairs[here], turn))
        reach = distance_km / (111.0 * shortest[here])
        if _tiles().query(steps, predicate="dwithin", distance=reach).size:
            return True
    return False


def _geodesic(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return shapely.get_coordinates(geodesy.line(*a, *b, max_step_km=STEP_KM))


def _dense(path: np.ndarray) -> np.ndarray:
    steps = [_geodesic(*pair)[1:] for pair in itertools.pairwise(path)]
    return np.concatenate([path[:1], *steps])


def _pulled(points: np.ndarray, offshore_km: float) -> np.ndarray:
    """The same path without the detours where a geodesic in open water is shorter."""

    def clear(one: int, two: int) -> bool:
        return not _near_land(_geodesic(points[one], points[two]), offshore_km)

    kept, last = [0], len(points) - 1
    while kept[-1] < last:
        here = there = kept[-1]
        there, leap = here + 1, 2
        # Ever longer leaps while they are clear, then ever shorter ones.
        while here + leap <= last and clear(here, here + leap):
            there, leap = here + leap, leap * 2
        while leap > 1:
            leap //= 2
            if there + leap <= last and clear(here, there + leap):
                there += leap
        kept.append(there)
    return points[kept]


def _open_water(points: np.ndarray, offshore_km: float) -> tuple[np.ndarray, float, list[LonLat]]:
    """Path over water by rough points between two true ends: n x 2 degrees.

    Also the lowest clearance in km it had to go down to, and where it could not be kept off land.
    """
    aground = [_near_land(np.stack([point, point]), offshore_km) for point in points]
    aground[0] = aground[-1] = False
    points = _pulled(points[~np.array(aground)], offshore_km)
    straight = [_geodesic(*pair) for pair in itertools.pairwise(points)]
    near = [_near_land(leg, offshore_km) for leg in straight]
    lengths_km = geodesy.inverse(*points[:-1].T, *points[1:].T).length_km
    legs, low_km, over_land = [points[:1]], offshore_km, []
    one = 0
    while one < len(straight):
        two = one + 1
        if not near[one]:
            legs.append(straight[one][1:])
            one = two
            continue
        # As many legs near land as one small chart holds are found anew in one piece: that is
        # faster, and leaves out the bays and canals that the lanes turn into.
        while two < len(straight) and near[two] and lengths_km[one : two + 1].sum() <= _PIECE_KM:
            two += 1
        found = _region(tuple(points[one]), tuple(points[two]), offshore_km)
        if found is None and two > one + 1:
            two = one + 1
            found = _region(tuple(points[one]), tuple(points[two]), offshore_km)
        leg = straight[one] if found is None else found[0]
        if found is not None:
            low_km = min(low_km, found[1])
        elif _near_land(leg, 0.0):
            over_land.append((float(points[one, 0]), float(points[one, 1])))
        legs.append(leg[1:])
        one = two
    path = np.concatenate(legs)
    path[:, 0] = np.unwrap(path[:, 0], period=360.0)
    path = _pulled(path, offshore_km)
    return _dense(path), low_km, over_land


def _canals_on(lanes: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """Canals the lanes pass: how far along the lanes (degrees), and their course in that order."""
    line, found = LineString(lanes), []
    for name, course in _CANALS.items():
        for turn in (-360.0, 0.0, 360.0):
            gate = LineString(_turned(_PASSAGES[name], turn))
            if line.intersects(gate):
                at = line.project(line.intersection(gate).centroid)
                ours = _turned(course, turn)
                before = line.interpolate(max(at - 1.0, 0.0))
                nearer = shapely.distance(shapely.points(ours[[0, -1]]), before)
                found.append((at, ours if nearer[0] <= nearer[1] else ours[::-1]))
    return sorted(found, key=lambda canal: canal[0])


def _haul(
    start: LonLat, goal: LonLat, offshore_km: float
) -> tuple[np.ndarray, float, list[LonLat]]:
    """Path along shipping lanes and through canals; returns as `_open_water`."""
    lanes = _lanes(start, goal)
    canals = _canals_on(lanes) if len(lanes) > 1 else []
    # Lanes are drawn too roughly near the ports and canals: there the way is found anew.
    rough = [*np.atleast_2d([start, goal]), *(point for _, ours in canals for point in ours)]
    lengths = geodesy.inverse(lanes[:, :1], lanes[:, 1:], *np.transpose(rough)).length_km
    keep = (lengths > 80).all(axis=1)
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(lanes, axis=0).T))])
    path, low_km, over_land, since = [], offshore_km, [], -1.0
    come_from = np.array([start], float)
    for at, ours in [*canals, (math.inf, np.array([goal], float))]:
        found, land = None, []
        # With canals at hand, the rest may be short enough to need no lanes.
        if canals and geodesy.inverse(*come_from[0], *ours[0]).length_km <= MAX_REGIONAL_KM:
            found = _region(tuple(come_from[0]), tuple(ours[0]), offshore_km)
        if found is not None:
            water, low = found
        else:
            on_lanes = lanes[keep & (along > since) & (along < at)]
            rough = np.concatenate([come_from, on_lanes, ours[:1]])
            rough[:, 0] = np.unwrap(rough[:, 0], period=360.0)
            water, low, land = _open_water(rough, offshore_km)
        path += [water, _dense(ours)]
        low_km, since, come_from = min(low_km, low), at, ours[-1:]
        over_land += land
    return np.concatenate(path), low_km, over_land


# --- From port to port ----------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _to_water(point: LonLat) -> tuple[LonLat, float]:
    """Nearest sea to a point, and how far it is in km. Raises InlandError or LakeError."""
    chart = _chart(*point, 60_000.0)
    origin = Point(0, 0)
    ashore = chart.land[chart.tree.query(origin, predicate="intersects")]
    if len(ashore) == 0:
        return point, 0.0
    if len(_lakes().query(Point(point), predicate="intersects")):
        raise LakeError(f"{_said(point)} lies on a lake, with no way to the sea", point)
    coast = shapely.get_coordinates(
        shapely.shortest_line(origin, shapely.boundary(shapely.union_all(ashore)))
    )[-1]
    distance_km = math.hypot(*coast) / 1000
    if distance_km > MAX_TO_WATER_KM:
        raise InlandError(
            f"{_said(point)} lies inland, more than {MAX_TO_WATER_KM:.0f} km from the sea", point
        )
    onward = math.atan2(coast[1], coast[0])
    for step_m in (30, 100, 300, 1000):
        for turn in (0, 1, -1, 2, -2, 3, -3, 4):
            angle = onward + turn * math.pi / 4
            afloat = coast + step_m * np.array([math.cos(angle), math.sin(angle)])
            if chart.is_water(Point(afloat)):
                lon, lat = chart.lonlat(afloat[None])[0]
                return (float(lon), float(lat)), distance_km
    raise InlandError(f"{_said(point)} lies by no water wide enough for a ship", point)


def _enclosed_in(point: LonLat) -> int | None:
    inside = [i for i, sea in enumerate(_enclosed_seas()) if sea.contains(Point(point))]
    return inside[0] if inside else None


@lru_cache(maxsize=512)
def _route(start: tuple[LonLat, ...], end: tuple[LonLat, ...], offshore_km: float) -> SeaRoute:
    """`route` between two ends, each a berth and the points of its approach out to open water."""
    warnings = []
    water = []
    for points in (start, end):
        afloat, distance_km = _to_water(points[-1])
        water.append(afloat)
        if distance_km > WARN_TO_WATER_KM:
            warnings.append(
                RouteWarning(
                    "far_from_water",
                    f"{_said(points[-1])} lies {distance_km:.1f} km from the nearest sea of the "
                    "bundled coastline, and is joined to it by a straight line",
                    points[-1],
                    round(distance_km, 1),
                )
            )
    seas = [_enclosed_in(point) for point in water]
    if seas[0] != seas[1]:
        point = start[0] if seas[0] is not None else end[0]
        raise NoWaterPathError(
            f"{_said(point)} lies on an enclosed sea, which no water joins to the other point",
            point,
        )
    method, over_land, found = "visibility", [], None
    if geodesy.inverse(*water[0], *water[1]).length_km <= MAX_REGIONAL_KM:
        found = _region(*water, offshore_km)
    if found is not None:
        path, low_km = found
    elif seas[0] is not None:
        raise NoWaterPathError(f"no water path leads from {_said(start[0])}", start[0])
    else:
        method = "network"
        path, low_km, over_land = _haul(*water, offshore_km)
    coords = np.concatenate([start, path, end[::-1]])
    coords[:, 0] = np.unwrap(coords[:, 0], period=360.0)
    new = np.ones(len(coords), bool)
    new[1:] = np.abs(np.diff(coords, axis=0)).max(axis=1) > 1e-9
    line = LineString(np.round(coords[new], 6))
    if method == "network":
        warnings.append(
            RouteWarning(
                "network",
                "the middle of this route follows a canal or a network of shipping lanes, "
                "straightened where the sea is open: it may not be the shortest",
            )
        )
    for point in over_land:
        warnings.append(
            RouteWarning(
                "through_land",
                f"near {_said(point)} the route crosses land of the bundled coastline",
                point,
            )
        )
    if low_km < offshore_km:
        warnings.append(
            RouteWarning(
                "below_clearance",
                f"some water on the way is too narrow to stay {offshore_km:g} km offshore: there "
                + (f"the route keeps {low_km:g} km" if low_km else "it only keeps off the land"),
                value_km=low_km,
            )
        )
    return SeaRoute(
        tuple((float(lon), float(lat)) for lon, lat in line.coords),
        geodesy.length_km(line),
        method,
        _passages(line),
        tuple(warnings),
    )


def _passages(line: LineString) -> tuple[str, ...]:
    """Names of the passages a line goes through, in its order."""
    found = []
    for name, gate in _PASSAGES.items():
        for turn in (-360.0, 0.0, 360.0):
            across = line.intersection(LineString(_turned(gate, turn)))
            if not across.is_empty:
                found.append((line.project(across.centroid), name))
    return tuple(name for _, name in sorted(found))
