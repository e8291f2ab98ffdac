"""Distances, bearings and figures on the WGS 84 ellipsoid; the only user of ``pyproj.Geod``.

Longitude comes before latitude, both in degrees (EPSG:4326); lengths are kilometres and bearings
degrees clockwise from true north. Geodesics are Karney's (Algorithms for geodesics, Journal of
Geodesy 87, 2013, 43-55), as PROJ implements them.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from pyproj import Geod
from shapely.geometry import LineString, Polygon

_WGS84 = Geod(ellps="WGS84")

WINDS = (
    "N", "NNE", "NE", "ENE", "E", "ESE", "SE", "SSE",
    "S", "SSW", "SW", "WSW", "W", "WNW", "NW", "NNW",
)  # fmt: skip

# Above a quarter of a meridian a circle can hold both poles, and is no simple ring on a map.
MAX_RADIUS_KM = 10_000.0


@dataclass(frozen=True)
class Geodesic:
    """Shortest line between two points: its length, and its bearing where it starts, in [0, 360).

    Both are floats, or NumPy arrays of one shape where `inverse` was given arrays.
    """

    length_km: float | np.ndarray
    bearing_deg: float | np.ndarray


def _checked(lon: ArrayLike, lat: ArrayLike) -> None:
    if not (np.all(np.isfinite(lon)) and np.all(np.isfinite(lat))):
        raise ValueError(f"a coordinate is not a finite number: {lon!r}, {lat!r}")
    if np.any(np.abs(lat) > 90):
        raise ValueError(f"a latitude is outside -90..90: {lat!r}")


def _plain(values: np.ndarray) -> float | np.ndarray:
    return float(values) if values.ndim == 0 else values


def inverse(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> Geodesic:
    """Length and initial bearing of the geodesic from point 1 to point 2.

    Degrees, scalars or arrays that broadcast together; any finite longitude is accepted. The
    bearing of a point to itself is 0. Raises ValueError for a latitude beyond a pole or a value
    that is not finite.
    """
    _checked(lon1, lat1)
    _checked(lon2, lat2)
    arrays = np.broadcast_arrays(*(np.asarray(a, float) for a in (lon1, lat1, lon2, lat2)))
    shape = arrays[0].shape
    bearing, _, metres = _WGS84.inv(*(a.ravel() for a in arrays))
    length_km = np.reshape(metres, shape) / 1000.0
    bearing_deg = np.where(length_km > 0, np.reshape(bearing, shape) % 360.0, 0.0)
    # A tiny negative angle rounds up to 360 itself in floating point.
    bearing_deg = np.where(bearing_deg >= 360.0, 0.0, bearing_deg)
    return Geodesic(_plain(length_km), _plain(bearing_deg))


def destination(
    lon: ArrayLike, lat: ArrayLike, bearing_deg: ArrayLike, distance_km: ArrayLike
) -> tuple[float | np.ndarray, float | np.ndarray]:
    """Longitude in [-180, 180] and latitude reached from a point by a bearing and a distance.

    Scalars or arrays that broadcast together; a negative distance goes backwards. At a pole the
    bearing is read against the meridian of the given longitude. Raises ValueError as `inverse`.
    """
    _checked(lon, lat)
    if not (np.all(np.isfinite(bearing_deg)) and np.all(np.isfinite(distance_km))):
        raise ValueError(f"bearing or distance is not finite: {bearing_deg!r}, {distance_km!r}")
    arrays = np.broadcast_arrays(
        *(np.asarray(a, float) for a in (lon, lat, bearing_deg, distance_km))
    )
    shape = arrays[0].shape
    lons, lats, bearings, lengths = (a.ravel() for a in arrays)
    lon2, lat2, _ = _WGS84.fwd(lons, lats, bearings, lengths * 1000.0)
    return _plain(np.reshape(lon2, shape)), _plain(np.reshape(lat2, shape))


def _unwrapped(lons: np.ndarray) -> np.ndarray:
    return np.unwrap(lons, period=360.0)


def line(
    lon1: float, lat1: float, lon2: float, lat2: float, max_step_km: float = 25.0
) -> LineString:
    """Geodesic as a LineString with vertices at equal steps of at most `max_step_km`.

    It starts at `lon1` as given and its longitudes are continuous: across the antimeridian they
    pass +-180 instead of jumping, so the last one may differ from `lon2` by 360. Raises ValueError
    as `inverse`, or if the step is not positive.
    """
    _checked((lon1, lon2), (lat1, lat2))
    if not max_step_km > 0:
        raise ValueError(f"max_step_km must be positive, not {max_step_km!r}")
    forward, _, metres = _WGS84.inv(lon1, lat1, lon2, lat2)
    steps = max(1, math.ceil(metres / 1000.0 / max_step_km))
    along = np.arange(1, steps) * (metres / steps)
    inner_lons, inner_lats, _ = _WGS84.fwd(
        np.full(steps - 1, lon1), np.full(steps - 1, lat1), np.full(steps - 1, forward), along
    )
    lons = _unwrapped(np.concatenate([[lon1], inner_lons, [lon2]]))
    lats = np.concatenate([[lat1], inner_lats, [lat2]])
    return LineString(np.column_stack([lons, lats]))


def _polygon(lons: np.ndarray, lats: np.ndarray) -> Polygon:
    """Polygon of an open ring; one that goes round a pole is led along the map's edge over it."""
    closed = _unwrapped(np.append(lons, lons[0]))
    points = np.column_stack([closed[:-1], lats])
    if abs(closed[-1] - closed[0]) > 180:
        pole = math.copysign(90.0, float(np.mean(lats)))
        points = np.vstack([points, [closed[-1], lats[0]], [closed[-1], pole], [closed[0], pole]])
    return Polygon(points)


def _checked_radius(radius_km: float) -> None:
    if not 0 < radius_km <= MAX_RADIUS_KM:
        raise ValueError(f"radius_km must be in 0..{MAX_RADIUS_KM:.0f}, not {radius_km!r}")


def ring(lon: float, lat: float, radius_km: float, points: int = 90) -> Polygon:
    """Geodesic circle: a polygon of `points` vertices, each exactly `radius_km` from the centre.

    Longitudes are continuous around `lon` and may pass +-180. A circle that holds a pole gets two
    more vertices, at the pole, so that it covers what it holds on a plate carree map. Raises
    ValueError as `inverse`, for a radius outside 0..10,000 km or fewer than 8 points.
    """
    _checked_radius(radius_km)
    if points < 8:
        raise ValueError(f"a ring needs at least 8 points, not {points!r}")
    lons, lats = destination(lon, lat, np.arange(points) * (-360.0 / points), radius_km)
    near = lon + (lons[0] - lon + 180.0) % 360.0 - 180.0
    lons[0] = near
    return _polygon(lons, lats)


def sector(
    lon: float, lat: float, bearing_deg: float, half_width_deg: float, radius_km: float
) -> Polygon:
    """Slice of a geodesic circle: all within `half_width_deg` of a bearing and `radius_km`.

    Sides are geodesics from the centre, the arc has a vertex every 4 degrees or less. Longitudes
    are continuous, as in `ring`; with a half width of 180 it is the whole ring. Raises ValueError
    as `ring`, or for a half width outside 0..180.
    """
    _checked_radius(radius_km)
    if not 0 < half_width_deg <= 180:
        raise ValueError(f"half_width_deg must be in 0..180, not {half_width_deg!r}")
    if half_width_deg == 180:
        return ring(lon, lat, radius_km)
    arc = np.linspace(
        bearing_deg + half_width_deg,
        bearing_deg - half_width_deg,
        max(2, math.ceil(half_width_deg / 2.0) + 1),
    )
    # Sides need vertices of their own, or a long one would be straight on the map, not on Earth.
    side = np.linspace(0.0, radius_km, max(2, math.ceil(radius_km / 50.0) + 1))
    bearings = np.concatenate(
        [np.full(len(side) - 1, arc[0]), arc, np.full(len(side) - 2, arc[-1])]
    )
    distances = np.concatenate([side[:-1], np.full(len(arc), radius_km), side[-2:0:-1]])
    lons, lats = destination(lon, lat, bearings, distances)
    lons[0], lats[0] = lon, lat
    return _polygon(lons, lats)


def length_km(line: LineString) -> float:
    """Length of a lon/lat LineString in kilometres, each pair of vertices joined by a geodesic."""
    lons, lats = np.asarray(line.coords)[:, :2].T
    _checked(lons, lats)
    return _WGS84.line_length(lons, lats) / 1000.0


def wind(bearing_deg: float, winds: int = 16) -> str:
    """Name of the compass point nearest to a bearing, of 16 (N, NNE, ...) or of 8 (N, NE, ...).

    Raises ValueError for a bearing that is not finite or another number of winds.
    """
    if winds not in (8, 16):
        raise ValueError(f"winds must be 8 or 16, not {winds!r}")
    if not math.isfinite(bearing_deg):
        raise ValueError(f"the bearing is not finite: {bearing_deg!r}")
    return WINDS[math.floor(bearing_deg * winds / 360.0 + 0.5) % winds * (16 // winds)]


def wind_bearing(name: str) -> float:
    """Bearing of a compass point in degrees: wind_bearing("SSE") is 157.5; any case.

    Raises ValueError for a name that is not one of `WINDS`.
    """
    try:
        return WINDS.index(name.strip().upper()) * 22.5
    except ValueError:
        raise ValueError(f"not a compass point: {name!r}") from None
