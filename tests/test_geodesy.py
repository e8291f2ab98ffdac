"""Geodesy against published values, an independent implementation, and laws."""

import math

import numpy as np
import pytest
from geographiclib.geodesic import Geodesic as Independent
from hypothesis import assume, given
from hypothesis import strategies as st
from shapely.geometry import LineString, Point

from geo import geodesy

DMS = lambda d, m, s: math.copysign(abs(d) + m / 60 + s / 3600, d)  # noqa: E731

# lon1, lat1, lon2, lat2, length in metres, initial bearing (None: not published).
PUBLISHED_INVERSE = {
    # GeographicLib, C++ examples: JFK to LHR; 5.55176e+06 printed.
    "JFK-LHR": (-73.8, 40.6, -0.5, 51.6, 5.55176e6, None, 5.0),
    # GeographicLib for Python, documentation, Examples: Wellington to near Salamanca.
    "Wellington-Salamanca": (174.81, -41.32, -5.50, 40.96, 19959679.267, None, 1e-3),
    # Karney 2013, table 5: nearly antipodal.
    "Karney table 5": (0, -30, 179.8, 29.9, 19989832.82761, 161.89052473633, 1e-5),
    # Karney 2013, table 3: five metres.
    "Karney table 3": (0, -30.12345, 0.00005, -30.12344, 4.944208, 77.0435335, 1e-6),
    # Geocentric Datum of Australia Technical Manual: Flinders Peak to Buninyong; on WGS 84 and
    # GRS 80 alike to the millimetre; 306 52 05.37.
    "Flinders Peak-Buninyong": (
        DMS(144, 25, 29.5244), DMS(-37, 57, 3.7203),
        DMS(143, 55, 35.3839), DMS(-37, 39, 10.1561),
        54972.271, DMS(306, 52, 5.37), 1e-3,
    ),
    # Karney's GeodTest.dat (zenodo.32156), first line.
    "GeodTest 1": (
        0, 36.530042355041, 5.762344694676510456, -48.164270779097768864,
        9398502.0434687, 176.125875162171, 1e-6,
    ),
}  # fmt: skip

# lon, lat, bearing, metres, lon2, lat2
PUBLISHED_DIRECT = {
    # Karney 2013, table 2.
    "Karney table 2": (0, 40, 30, 1e7, 137.84490004377, 41.79331020506, 1e-10),
    # GeographicLib for Python, documentation, Examples: 20,000 km south-west from Perth.
    "Perth": (115.74, -32.06, 225, 2e7, -63.95925278, 32.11195529, 1e-7),
    "GeodTest 1": (
        0, 36.530042355041, 176.125875162171, 9398502.0434687,
        5.762344694676510456, -48.164270779097768864, 1e-11,
    ),
}  # fmt: skip

LON = st.floats(-180, 180, allow_nan=False)
LAT = st.floats(-90, 90, allow_nan=False)
BEARING = st.floats(0, 359.99)
POINT = st.tuples(LON, LAT)


def turn(a: float, b: float) -> float:
    return abs((a - b + 180) % 360 - 180)


@pytest.mark.parametrize("name", PUBLISHED_INVERSE)
def test_inverse_gives_published_values(name):
    lon1, lat1, lon2, lat2, metres, bearing, tolerance_m = PUBLISHED_INVERSE[name]
    found = geodesy.inverse(lon1, lat1, lon2, lat2)
    assert found.length_km * 1000 == pytest.approx(metres, abs=tolerance_m)
    if bearing is not None:
        assert turn(found.bearing_deg, bearing) < 2e-6
    independent = Independent.WGS84.Inverse(lat1, lon1, lat2, lon2)
    assert independent["s12"] == pytest.approx(metres, abs=tolerance_m)


@pytest.mark.parametrize("name", PUBLISHED_DIRECT)
def test_destination_gives_published_values(name):
    lon1, lat1, bearing, metres, lon2, lat2, tolerance = PUBLISHED_DIRECT[name]
    lon, lat = geodesy.destination(lon1, lat1, bearing, metres / 1000)
    assert (lon, lat) == pytest.approx((lon2, lat2), abs=tolerance)
    independent = Independent.WGS84.Direct(lat1, lon1, bearing, metres)
    assert (independent["lon2"], independent["lat2"]) == pytest.approx((lon2, lat2), abs=tolerance)


def test_pokrovsk_to_tsukuryne():
    found = geodesy.inverse(37.17706, 48.28014, 37.30982, 48.08376)
    assert found.length_km == pytest.approx(23.96, abs=0.005)
    assert found.bearing_deg == pytest.approx(155.6, abs=0.05)
    assert geodesy.wind(found.bearing_deg) == "SSE"
    assert geodesy.wind(found.bearing_deg, 8) == "SE"
    assert geodesy.inverse(37.17706, 48.28014, 37.80224, 48.023).length_km == pytest.approx(
        54.6, abs=0.05
    )


@given(POINT, POINT)
def test_inverse_agrees_with_an_independent_implementation(a, b):
    found = geodesy.inverse(*a, *b)
    expected = Independent.WGS84.Inverse(a[1], a[0], b[1], b[0])
    assert found.length_km * 1000 == pytest.approx(expected["s12"], abs=1e-5)
    assert 0 <= found.bearing_deg < 360


@given(POINT, POINT)
def test_length_is_the_same_both_ways(a, b):
    there, back = geodesy.inverse(*a, *b), geodesy.inverse(*b, *a)
    assert there.length_km == pytest.approx(back.length_km, abs=1e-8)


@given(POINT, POINT, POINT)
def test_triangle_inequality(a, b, c):
    direct = geodesy.inverse(*a, *c).length_km
    via = geodesy.inverse(*a, *b).length_km + geodesy.inverse(*b, *c).length_km
    assert direct <= via + 1e-7


@given(POINT, BEARING, st.floats(0.001, 19_000))
def test_destination_then_inverse_comes_back(start, bearing, distance_km):
    end = geodesy.destination(*start, bearing, distance_km)
    found = geodesy.inverse(*start, *end)
    assert found.length_km == pytest.approx(distance_km, abs=1e-7)
    # Near a pole the bearing turns with the meridian, so the round trip is judged by where it ends.
    again = geodesy.destination(*start, found.bearing_deg, found.length_km)
    assert geodesy.inverse(*again, *end).length_km == pytest.approx(0, abs=1e-6)


@given(POINT, st.floats(0.1, 9_900))
def test_ring_points_are_all_at_the_radius(centre, radius_km):
    polygon = geodesy.ring(*centre, radius_km)
    vertices = np.asarray(polygon.exterior.coords)
    at_pole = np.abs(vertices[:, 1]) == 90
    assert at_pole.sum() in (0, 2)
    lengths = geodesy.inverse(*centre, *vertices[~at_pole].T).length_km
    assert lengths == pytest.approx(np.full(len(lengths), radius_km), abs=1e-6)
    # Continuous: no jump from one vertex to the next but along the map's edge at a pole.
    if not at_pole.any():
        assert np.abs(np.diff(vertices[:, 0])).max() <= 180


@given(POINT, BEARING, st.floats(1, 179), st.floats(1, 5_000))
def test_sector_holds_its_middle_and_nothing_beyond(centre, bearing, half_width, radius_km):
    assume(abs(centre[1]) + radius_km / 110 < 85)
    polygon = geodesy.sector(*centre, bearing, half_width, radius_km)
    inside = Point(geodesy.destination(*centre, bearing, radius_km / 2))
    behind = Point(geodesy.destination(*centre, bearing + 180, radius_km / 2))
    beyond = Point(geodesy.destination(*centre, bearing, radius_km * 1.1))

    def holds(point):
        return any(polygon.contains(Point(point.x + turn, point.y)) for turn in (-360, 0, 360))

    assert polygon.is_valid
    assert holds(inside)
    assert not holds(behind) and not holds(beyond)
    lengths = geodesy.inverse(*centre, *np.asarray(polygon.exterior.coords).T).length_km
    assert lengths.max() <= radius_km + 1e-6


def test_whole_sector_is_the_ring():
    assert geodesy.sector(10, 20, 45, 180, 100).equals(geodesy.ring(10, 20, 100))


def test_antimeridian_is_crossed_without_a_jump():
    line = geodesy.line(170, 50, -170, 52)
    lons = np.asarray(line.coords)[:, 0]
    assert lons[0] == 170 and lons[-1] == pytest.approx(190)
    assert np.abs(np.diff(lons)).max() < 1
    back = np.asarray(geodesy.line(-170, 52, 170, 50).coords)[:, 0]
    assert back[-1] == pytest.approx(-190)
    ring = geodesy.ring(179.9, 0, 100)
    assert ring.is_valid and ring.bounds[2] - ring.bounds[0] < 2
    assert ring.contains(Point(179.9, 0))
    assert geodesy.length_km(line) == pytest.approx(
        geodesy.inverse(170, 50, -170, 52).length_km, abs=1e-6
    )


@pytest.mark.parametrize(("lat", "inside"), [(90, 89.9), (-90, -89.9), (85, 90), (-86, -90)])
def test_ring_round_a_pole_covers_it(lat, inside):
    ring = geodesy.ring(30, lat, 1000)
    assert ring.is_valid
    west, _, east, _ = ring.bounds
    assert east - west == pytest.approx(360)
    for lon in (-179, -90, 0, 90, 179):
        shifted = west + (lon - west) % 360
        assert ring.covers(Point(shifted, inside))


def test_poles():
    assert geodesy.inverse(0, 90, 123, 90).length_km == 0
    assert geodesy.inverse(0, 90, 0, -90).length_km == pytest.approx(20003.93146, abs=1e-5)
    assert geodesy.inverse(25, 60, 0, 90).bearing_deg == 0
    assert geodesy.inverse(25, -60, 0, -90).bearing_deg == 180
    assert geodesy.destination(0, 90, 180, 100)[1] == pytest.approx(89.1046, abs=1e-4)


@given(POINT, POINT, st.floats(5, 500))
def test_line_steps_and_length(a, b, step_km):
    total_km = geodesy.inverse(*a, *b).length_km
    line = geodesy.line(*a, *b, max_step_km=step_km)
    coords = np.asarray(line.coords)
    steps = geodesy.inverse(*coords[:-1].T, *coords[1:].T).length_km
    assert np.all(steps <= step_km + 1e-6)
    assert steps.sum() == pytest.approx(total_km, abs=1e-5)
    assert geodesy.length_km(line) == pytest.approx(total_km, abs=1e-5)
    assert tuple(coords[0]) == a


def test_arrays_give_arrays_and_broadcast():
    found = geodesy.inverse(0, 0, [1, 2, 3], [[0], [1]])
    assert found.length_km.shape == found.bearing_deg.shape == (2, 3)
    assert found.length_km[1, 2] == geodesy.inverse(0, 0, 3, 1).length_km
    lons, lats = geodesy.destination(0, 0, [0, 90], 111)
    assert lons.shape == lats.shape == (2,)
    assert isinstance(geodesy.inverse(0, 0, 1, 1).length_km, float)
    assert isinstance(geodesy.destination(0, 0, 1, 1)[0], float)


@given(st.floats(-720, 720))
def test_wind_is_the_nearest_of_the_compass_points(bearing):
    for winds in (8, 16):
        name = geodesy.wind(bearing, winds)
        assert turn(geodesy.wind_bearing(name), bearing) <= 180 / winds + 1e-9
    assert len(geodesy.wind(bearing, 8)) <= 2


def test_winds_round_trip():
    assert len(set(geodesy.WINDS)) == 16
    for name in geodesy.WINDS:
        assert geodesy.wind(geodesy.wind_bearing(name)) == name
        assert geodesy.wind_bearing(name.lower()) == geodesy.wind_bearing(name)
    assert geodesy.wind(359.9) == "N"


@pytest.mark.parametrize(
    "call",
    [
        lambda: geodesy.inverse(0, 91, 0, 0),
        lambda: geodesy.inverse(math.nan, 0, 0, 0),
        lambda: geodesy.destination(0, -90.5, 0, 1),
        lambda: geodesy.destination(0, 0, math.inf, 1),
        lambda: geodesy.line(0, 0, 1, 95),
        lambda: geodesy.line(0, 0, 1, 1, max_step_km=0),
        lambda: geodesy.ring(0, 0, 0),
        lambda: geodesy.ring(0, 0, 10_001),
        lambda: geodesy.ring(0, 0, 5, points=3),
        lambda: geodesy.sector(0, 0, 0, 0, 5),
        lambda: geodesy.sector(0, 0, 0, 181, 5),
        lambda: geodesy.sector(0, 0, 0, 10, -5),
        lambda: geodesy.length_km(LineString([(0, 0), (0, 99)])),
        lambda: geodesy.wind(math.nan),
        lambda: geodesy.wind(10, 32),
        lambda: geodesy.wind_bearing("north"),
    ],
)
def test_nonsense_is_refused(call):
    with pytest.raises(ValueError):
        call()
