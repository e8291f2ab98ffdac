"""Shapes on the ellipsoid as the few numbers that make them, for marks by the hundred thousand.

A figure is drawn out where it is needed: here for print and files, in the browser for what is in
sight there (``web/figures.js``, which follows the same rules; a test holds the two together).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import shapely
from shapely.geometry import LineString, Point
from shapely.geometry.base import BaseGeometry

from geo import geodesy

KINDS = ("point", "circle", "rim", "geodesic", "sector", "path")


class Figure(NamedTuple):
    """A shape by its kind and its numbers: degrees (longitude first), kilometres.

    ``point``: lon, lat. ``circle`` and ``rim`` (its edge, as a line): lon, lat, radius, count of
    corners. ``geodesic``: lon, lat, lon, lat. ``sector``: lon, lat, bearing, half width, radius.
    ``path``: lon, lat, lon, lat, … of a line with any number of corners.
    """

    kind: str
    numbers: tuple[float, ...]


def point(lon: float, lat: float) -> Figure:
    return Figure("point", (lon, lat))


def circle(lon: float, lat: float, radius_km: float) -> Figure:
    """A geodesic circle, filled; one as wide as a country has more corners, or they would show."""
    return Figure("circle", (lon, lat, radius_km, 72 if radius_km < 300 else 180))


def rim(lon: float, lat: float, radius_km: float) -> Figure:
    """The edge of a geodesic circle."""
    return Figure("rim", (lon, lat, radius_km, 180))


def geodesic(lon1: float, lat1: float, lon2: float, lat2: float) -> Figure:
    """The shortest line between two points."""
    return Figure("geodesic", (lon1, lat1, lon2, lat2))


def sector(lon: float, lat: float, bearing: float, half_width: float, radius_km: float) -> Figure:
    """A slice of a circle: all within half a width, in degrees, of a bearing."""
    return Figure("sector", (lon, lat, bearing, half_width, radius_km))


def path(coordinates: Iterable[tuple[float, float]]) -> Figure:
    """A line through given points (lon, lat)."""
    return Figure("path", tuple(float(number) for pair in coordinates for number in pair))


def shape(figure: Figure) -> BaseGeometry:
    """The figure drawn out, as ``geodesy`` does it (EPSG:4326, longitudes may pass ±180)."""
    kind, numbers = figure
    if kind == "point":
        return Point(numbers)
    if kind in ("circle", "rim"):
        lon, lat, radius_km, corners = numbers
        filled = geodesy.ring(lon, lat, radius_km, points=int(corners))
        return filled if kind == "circle" else LineString(filled.exterior.coords)
    if kind == "geodesic":
        return geodesy.line(*numbers)
    if kind == "sector":
        return geodesy.sector(*numbers)
    return LineString(np.reshape(numbers, (-1, 2)))


def shapes(figures: Iterable[Figure]) -> np.ndarray:
    """The figures drawn out, each different one once: an array of geometries (EPSG:4326)."""
    made: dict[Figure, BaseGeometry] = {}
    found = [made.get(f) or made.setdefault(f, shape(f)) for f in figures]
    result = np.empty(len(found), dtype=object)
    result[:] = found
    return result


def bounds(figures: Iterable[Figure]) -> tuple[float, float, float, float]:
    """West, south, east and north of all of them; raises ValueError where there is none."""
    different = dict.fromkeys(figures)
    if not different:
        raise ValueError("nothing has no bounds")
    west, south, east, north = shapely.total_bounds(shapes(different))
    return float(west), float(south), float(east), float(north)
