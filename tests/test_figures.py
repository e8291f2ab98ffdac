"""Figures: few numbers that are drawn out alike by the library and by the browser."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo import figures, geodesy, webdata

LONS, LATS = st.floats(-180, 180), st.floats(-89, 89)
DRAW = """([scripts, asked]) => {
  const frame = document.createElement("iframe");
  document.body.append(frame);
  for (const text of scripts) frame.contentWindow.eval(text);
  const { KINDS, box } = frame.contentWindow.claimFigures;
  return asked.map(([kind, numbers]) => [KINDS[kind].draw(numbers), box(kind, numbers)]);
}"""


def some() -> list[figures.Figure]:
    """Figures of every kind, at home, over the antimeridian, over the poles, large and small."""
    spots = [(131.88, 43.1), (179.9, -17.5), (-179.5, 66.0), (0.0, 0.0), (12.0, 89.5), (30.0, -88)]
    made = [figures.point(lon, lat) for lon, lat in spots]
    for lon, lat in spots:
        made += [figures.circle(lon, lat, km) for km in (0.2, 25.0, 299.0, 2400.0, 9900.0)]
        made += [figures.rim(lon, lat, km) for km in (60.0, 3000.0)]
        made += [
            figures.sector(lon, lat, bearing, half, km)
            for bearing, half, km in ((135.0, 22.5, 60.0), (350.0, 11.25, 1500.0))
        ]
        made += [figures.geodesic(lon, lat, *end) for end in ((37.6, 55.75), (-74.0, 40.7))]
        made.append(figures.geodesic(lon, lat, lon + 0.01, lat + 0.01))
    made.append(figures.path([(129.8, 41.7), (130.5, 41.9), (131.9, 43.0)]))
    return made


def told_to_the_browser(figure: figures.Figure) -> tuple[float, ...]:
    if figure.kind != "geodesic":
        return figure.numbers
    measured = geodesy.inverse(*figure.numbers)
    return (*figure.numbers[:2], measured.bearing_deg, measured.length_km)


def test_the_browser_draws_figures_as_the_library_does(browser):
    made = some()
    page = browser.new_page()
    script = webdata.asset("figures.js").read_text("utf-8")
    drawn = page.evaluate(DRAW, [[script], [[f.kind, told_to_the_browser(f)] for f in made]])
    page.close()
    for figure, (corners, (west, south, east, north)) in zip(made, drawn, strict=True):
        shape = figures.shape(figure)
        wanted = shapely.get_coordinates(shape)
        found = np.reshape(corners, (-1, 2))
        assert found.shape == wanted.shape, figure
        # All of it may lie a turn further east or west; a centimetre is 1e-7 degrees.
        turn = 360 * np.round((wanted[:, 0] - found[:, 0]).mean() / 360)
        assert found[:, 1] == pytest.approx(wanted[:, 1], abs=1e-7), figure
        off = (found[:, 0] + turn - wanted[:, 0]) * np.cos(np.radians(wanted[:, 1]))
        assert np.abs(off).max() < 1e-6, figure
        if figure.kind == "sector":
            continue  # the box is that of the circle it is cut from
        wide = max(found[:, 0].max() - found[:, 0].min(), found[:, 1].max() - found[:, 1].min())
        slack = 0.03 * wide + 1e-9
        assert abs(south - found[:, 1].min()) < slack and abs(north - found[:, 1].max()) < slack
        if max(abs(south), abs(north)) < 89.9:  # a circle over a pole has every longitude
            assert abs(west - found[:, 0].min()) < slack, figure
            assert abs(east - found[:, 0].max()) < slack, figure


@given(LONS, LATS, st.floats(0.1, 5000))
def test_a_rim_is_the_edge_of_its_circle(lon, lat, radius_km):
    rim = figures.shape(figures.rim(lon, lat, radius_km))
    circle = geodesy.ring(lon, lat, radius_km, points=180)
    assert list(rim.coords) == list(circle.exterior.coords)


@given(st.lists(st.tuples(LONS, LATS), min_size=1, max_size=5))
def test_equal_figures_are_drawn_once_and_bounds_hold_all(spots):
    made = [figures.circle(lon, lat, 20.0) for lon, lat in spots] * 2
    shapes = figures.shapes(made)
    assert all(a is b for a, b in zip(shapes[: len(spots)], shapes[len(spots) :], strict=True))
    west, south, east, north = figures.bounds(made)
    assert all(shapely.box(west, south, east, north).covers(shape) for shape in shapes)


def test_nothing_has_no_bounds():
    with pytest.raises(ValueError, match="no bounds"):
        figures.bounds([])
