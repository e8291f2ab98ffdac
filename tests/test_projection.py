"""The window of a page: all that is asked for lies in it, and page and ground agree."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo import geodesy, projection

FRAME = (30.0, 40.0, 730.0, 440.0)
# One of each kind of extent: an oblast, a region, the tropics, a hemisphere, both polar caps.
KINDS = {
    (36.0, 47.5, 38.5, 48.6): "aeqd",
    (126.0, 39.0, 135.5, 44.6): "lcc",
    (-80.0, -10.0, -40.0, 12.0): "laea",
    (-80.0, 20.0, 150.0, 70.0): "comill",
    (-180.0, 60.0, 180.0, 85.0): "laea",
    (-180.0, -85.0, 180.0, -65.0): "laea",
}


@st.composite
def boxes(draw):
    west, south = draw(st.floats(-200, 180)), draw(st.floats(-88, 80))
    wide, tall = draw(st.floats(0.2, 359)), draw(st.floats(0.2, 150))
    bounds = (west, south, west + wide, min(south + tall, 89.0))
    turn = 360 * np.floor(((bounds[0] + bounds[2]) / 2 + 180) / 360)
    return (bounds[0] - turn, bounds[1], bounds[2] - turn, bounds[3])


def grid(bounds, steps=9):
    west, south, east, north = bounds
    t = np.linspace(0, 1, steps)
    lon, lat = np.meshgrid(west + t * (east - west), south + t * (north - south))
    return np.column_stack([lon.ravel(), lat.ravel()])


@given(boxes(), st.sampled_from([FRAME, (0, 0, 300, 700), (0, 0, 500, 500)]))
def test_a_window_shows_all_of_its_bounds(bounds, frame):
    window = projection.window(bounds, frame)
    page = window.page(grid(bounds))
    assert projection.inside(page, window.frame, -1.0).all()
    left, bottom, right, top = window.frame
    assert frame[0] - 0.01 <= left < right <= frame[2] + 0.01
    assert frame[1] - 0.01 <= bottom < top <= frame[3] + 0.01


@given(boxes())
def test_the_ground_under_a_point_of_the_page_is_found_again(bounds):
    window = projection.window(bounds, FRAME)
    there = grid(bounds, 6)
    back = window.globe(window.page(there))
    reach_m = [geodesy.inverse(*a, *b).length_km * 1000 for a, b in zip(there, back, strict=True)]
    assert max(reach_m) < 1.0


@pytest.mark.parametrize(("bounds", "kind"), KINDS.items(), ids=str)
def test_an_extent_has_the_projection_that_suits_it(bounds, kind):
    window = projection.window(bounds, FRAME)
    assert window.kind == kind
    assert window.holds_pole == (bounds[2] - bounds[0] == 360)


@pytest.mark.parametrize("bounds", KINDS, ids=str)
def test_the_scale_is_true_in_the_middle(bounds):
    """Points on the page against metres on the ellipsoid (compact Miller stretches: not tried)."""
    window = projection.window(bounds, FRAME)
    if window.kind == "comill":
        assert window.scale > 0
        return
    lon, lat = window.centre
    there = np.array([geodesy.destination(lon, lat, bearing, 1.0) for bearing in (0, 90, 200)])
    away = np.hypot(*(window.page(there) - window.page(np.array([[lon, lat]]))).T)
    assert away == pytest.approx(1000 * window.scale, rel=0.04)


def test_a_polar_map_tears_nothing_apart():
    window = projection.window((-180, 70, 180, 85), FRAME)
    east, west = window.page(np.array([[179.9, 80], [-179.9, 80]]))
    assert np.hypot(*(east - west)) < 3


def test_a_geometry_is_copied_to_where_the_map_is():
    point = shapely.Point(-170, 60)
    (copy,) = projection.turned(point, (170, 50, 200, 70))
    assert (copy.x, copy.y) == (190, 60)
    assert list(projection.turned(point, (100, 50, 150, 70))) == []
    assert len(list(projection.turned(point, (-180, 50, 540, 70)))) == 2


@given(st.floats(-180, 180), st.floats(-360, 300))
def test_copies_are_whole_turns_apart_and_in_the_bounds(lon, west):
    bounds = (west, -10.0, west + 360, 10.0)
    copies = list(projection.turned(shapely.Point(lon, 0), bounds))
    assert copies
    for copy in copies:
        assert west - 1e-9 <= copy.x <= west + 360 + 1e-9
        assert abs((copy.x - lon) / 360 - round((copy.x - lon) / 360)) < 1e-9


def test_an_area_is_cut_to_the_map():
    area = shapely.box(160, 50, 200, 60)
    (piece,) = projection.turned(area, (-190, 40, -170, 70))
    assert piece.bounds == (-190, 50, -170, 60)
