"""The window of a page on the globe: projection, scale, and what lies in it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import shapely
from pyproj import Transformer
from shapely.geometry.base import BaseGeometry

Bounds = tuple[float, float, float, float]
Box = tuple[float, float, float, float]  # left, bottom, right, top, in points


@dataclass(frozen=True)
class Window:
    """A part of the globe on the page: projection, scale (points a metre) and frame.

    ``bounds`` is what the frame shows, on continuous longitudes round ``lon_0``.
    """

    crs: str
    kind: str
    lon_0: float
    scale: float
    x_m: float
    y_m: float
    frame: Box
    bounds: Bounds

    def page(self, lonlat: np.ndarray) -> np.ndarray:
        x, y = _transformer(self.crs).transform(lonlat[:, 0], lonlat[:, 1])
        xy = np.column_stack([x, y])
        return (xy - (self.x_m, self.y_m)) * self.scale + self.frame[:2]

    def globe(self, page: np.ndarray) -> np.ndarray:
        return _inverse(self.crs, self.kind, self.lon_0, self._metres(page))

    def _metres(self, page: np.ndarray) -> np.ndarray:
        return (np.asarray(page) - self.frame[:2]) / self.scale + (self.x_m, self.y_m)

    @property
    def holds_pole(self) -> bool:
        """Whether a pole is a point inside the frame."""
        return self.kind != "comill" and (self.bounds[1] == -90 or self.bounds[3] == 90)

    @property
    def centre(self) -> tuple[float, float]:
        left, bottom, right, top = self.frame
        lon, lat = self.globe(np.array([[(left + right) / 2, (bottom + top) / 2]]))[0]
        return float(lon), float(lat)


@lru_cache(maxsize=32)
def _transformer(crs: str) -> Transformer:
    return Transformer.from_crs("EPSG:4326", crs, always_xy=True)


def _inverse(crs: str, kind: str, lon_0: float, metres: np.ndarray) -> np.ndarray:
    lon, lat = _transformer(crs).transform(metres[:, 0], metres[:, 1], direction="INVERSE")
    if kind != "comill":  # the others give -180..180
        with np.errstate(invalid="ignore"):  # a corner of the page may lie beside the globe
            lon = (lon - lon_0 + 180) % 360 - 180 + lon_0
    return np.column_stack([lon, lat])


def _projection(bounds: Bounds) -> tuple[str, str, float]:
    """PROJ string, kind and central longitude that suit an extent (Snyder 1987, ch. 5 and 15).

    A small one azimuthal equidistant, a middle one in middle latitudes conformal conic, other
    middle ones azimuthal equal-area, and the wide ones compact Miller (Jenny et al. 2015).
    """
    west, south, east, north = bounds
    lon_0, lat_0 = (west + east) / 2, (south + north) / 2
    tail = "+datum=WGS84 +units=m"
    wide, tall = east - west, north - south
    if wide > 200 and (south >= 40 or north <= -40):
        # Round a pole, seen from above it, so that no place is torn from its neighbours.
        return (
            f"+proj=laea +lat_0={math.copysign(90, lat_0):g} +lon_0={lon_0:.6f} {tail}",
            "laea",
            lon_0,
        )
    if wide > 110 or tall > 100:
        return f"+proj=comill +lon_0=0 +over {tail}", "comill", lon_0
    centre = f"+lat_0={lat_0:.6f} +lon_0={lon_0:.6f}"
    if max(tall, wide * math.cos(math.radians(lat_0))) < 4:
        return f"+proj=aeqd {centre} {tail}", "aeqd", lon_0
    if wide <= 60 and tall <= 40 and 12 < abs(lat_0) < 72 and south * north > 0:
        sixth = tall / 6
        parallels = f"+lat_1={south + sixth:.6f} +lat_2={north - sixth:.6f}"
        return f"+proj=lcc {parallels} {centre} {tail}", "lcc", lon_0
    return f"+proj=laea {centre} {tail}", "laea", lon_0


def projected(bounds: Bounds) -> tuple[str, str, float, Box]:
    """The projection of an extent, and the box of the extent in it, in metres."""
    crs, kind, lon_0 = _projection(bounds)
    west, south, east, north = bounds
    t = np.linspace(0, 1, 60)
    lon = np.concatenate([west + t * (east - west)] * 2 + [np.full(60, west), np.full(60, east)])
    up = south + t * (north - south)
    lat = np.concatenate([np.full(60, south), np.full(60, north), up, up])
    x, y = _transformer(crs).transform(lon, lat)
    return crs, kind, lon_0, (x.min(), y.min(), x.max(), y.max())


def window(bounds: Bounds, frame: Box) -> Window:
    """The window that shows all of ``bounds`` in ``frame``; a world's frame ends at the poles."""
    crs, kind, lon_0, (x0, y0, x1, y1) = projected(bounds)
    left, bottom, right, top = frame
    scale = min((right - left) / (x1 - x0), (top - bottom) / (y1 - y0))
    width, height = (right - left) / scale, (top - bottom) / scale
    x_m, y_m = (x0 + x1 - width) / 2, (y0 + y1 - height) / 2
    if kind == "comill":
        turn = 2 * _transformer(crs).transform(180, 0)[0]
        pole = _transformer(crs).transform(0, 89.9)[1]
        if width > turn:
            left += (width - turn) / 2 * scale
            right = left + turn * scale
            x_m, width = (x0 + x1 - turn) / 2, turn
        if height > 2 * pole:
            bottom = top - 2 * pole * scale
            height = 2 * pole
        y_m = min(max(y_m, -pole), pole - height)
    frame = (left, bottom, right, top)

    steps = np.linspace(0, 1, 41)
    grid = np.stack(np.meshgrid(x_m + steps * width, y_m + steps * height), -1).reshape(-1, 2)
    lonlat = _inverse(crs, kind, lon_0, grid)
    lonlat = lonlat[np.isfinite(lonlat).all(axis=1)]
    (west, south), (east, north) = lonlat.min(axis=0), lonlat.max(axis=0)
    pad = 0.02 * (north - south)
    south, north = max(south - pad, -90), min(north + pad, 90)
    if kind == "comill":
        pad = min(1.0, (360 - (east - west)) / 2)
        west, east = west - pad, min(east + pad, west - pad + 360)
    else:
        for lat in (90.0, -90.0):
            x, y = _transformer(crs).transform(lon_0, lat)
            if x_m <= x <= x_m + width and y_m <= y <= y_m + height:
                west, east = lon_0 - 180, lon_0 + 180
                south, north = (south, 90.0) if lat > 0 else (-90.0, north)
        pad = 0.02 * (east - west)
        west, east = max(west - pad, lon_0 - 180), min(east + pad, lon_0 + 180)
    shown = (float(west), float(south), float(east), float(north))
    return Window(crs, kind, lon_0, scale, x_m, y_m, frame, shown)


def turned(geometry: BaseGeometry, bounds: Bounds) -> Iterator[BaseGeometry]:
    """The copies of a geometry, whole turns apart, that lie in ``bounds``, cut to it."""
    west, south, east, north = bounds
    left, low, right, high = geometry.bounds
    if high < south or low > north:
        return
    for turn in range(math.floor((west - right) / 360), math.ceil((east - left) / 360) + 1):
        if left + 360 * turn > east or right + 360 * turn < west:
            continue
        copy = shapely.transform(geometry, lambda xy, turn=turn: np.add(xy, (360 * turn, 0)))
        if copy.geom_type == "Point":
            yield copy
            continue
        if not (west <= copy.bounds[0] and copy.bounds[2] <= east):
            copy = shapely.make_valid(copy)
            copy = copy.intersection(shapely.box(west, -90, east, 90))
        if not copy.is_empty:
            yield copy


def halves(bounds: Bounds) -> list[Bounds]:
    """A whole turn in two parts that meet where the data have their seam anyway."""
    west, south, east, north = bounds
    seam = 180 + 360 * math.floor((east - 180) / 360)
    if east - west < 359 or not west < seam < east:
        return [bounds]
    return [(west, south, seam, north), (seam, south, east, north)]


def inside(points: np.ndarray, frame: Box, margin: float = 0.0) -> np.ndarray:
    left, bottom, right, top = frame
    x, y = points[:, 0], points[:, 1]
    return (
        (x >= left + margin) & (x <= right - margin) & (y >= bottom + margin) & (y <= top - margin)
    )
