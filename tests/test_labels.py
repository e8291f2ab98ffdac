"""Placing labels: none meets another, an obstacle or the frame, and each takes its best place."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geo.labels import (
    Label,
    Spot,
    along,
    along_line,
    around,
    beside,
    in_area,
    length_of,
    nearest,
    place_labels,
    strings,
)

_edges = st.floats(0, 100, allow_nan=False)
_box = st.tuples(_edges, _edges, st.floats(0.1, 30), st.floats(0.1, 30)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
_position = st.lists(_box, min_size=1, max_size=3)
_line = st.lists(st.tuples(_edges, _edges), min_size=2, max_size=8, unique=True).map(np.array)


def meet(a, b) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@given(st.lists(st.lists(_position, max_size=4), max_size=12), st.lists(_box, max_size=8))
def test_no_label_meets_another_or_an_obstacle_or_leaves_the_frame(wanted, obstacles):
    frame = (5.0, 5.0, 110.0, 100.0)
    placed = place_labels(wanted, obstacles, frame)
    assert len(placed) == len(wanted)
    taken = list(obstacles)
    for positions, number in zip(wanted, placed, strict=True):

        def free(boxes, taken=tuple(taken)):
            inside = all(b[0] >= 5 and b[1] >= 5 and b[2] <= 110 and b[3] <= 100 for b in boxes)
            return inside and not any(meet(b, other) for b in boxes for other in taken)

        first = next((i for i, boxes in enumerate(positions) if free(boxes)), None)
        assert number == first  # the best that is free, and none only where none is
        if number is not None:
            taken += positions[number]


def test_boxes_that_only_touch_do_not_meet():
    frame = (0, 0, 20, 10)
    side_by_side = [[[(0, 0, 10, 10)]], [[(10, 0, 20, 10)]], [[(9, 0, 11, 10)]]]
    assert place_labels(side_by_side, [], frame) == [0, 0, None]


def test_many_labels_outgrow_the_first_store_of_boxes():
    wanted = [[[(10.0 * i, 0, 10.0 * i + 9, 9)]] for i in range(300)]
    assert place_labels(wanted * 2, [], (0, 0, 3000, 10)) == [0] * 300 + [None] * 300


@given(st.floats(-179, 179), st.floats(20, 200), st.integers(1, 3))
def test_the_boxes_of_a_turned_label_cover_it_and_little_else(angle, width, lines):
    label = Label(("x",) * lines, 8.0, "regular", "#000000", width)
    boxes = label.boxes(Spot(50, 60, angle or 0.01), margin=0.0)
    text = shapely.affinity.rotate(
        shapely.box(50 - width / 2, 60 - label.extent[1] / 2, 50 + width / 2,
                    60 + label.extent[1] / 2), angle or 0.01
    )  # fmt: skip
    cover = shapely.union_all([shapely.box(*box) for box in boxes])
    assert text.difference(cover.buffer(1e-6)).area < 1e-6 * text.area
    assert cover.area < 2.6 * text.area + 4 * label.extent[1] ** 2


@given(st.floats(3, 30), st.floats(3, 30), st.floats(10, 150))
def test_a_label_round_a_sign_never_covers_it(half_w, half_h, width):
    extent = (width, 8.0)
    sign = (-half_w, -half_h, half_w, half_h)
    spots = list(around(0, 0, (half_w, half_h), extent, (0.0, 4.0, 20.0)))
    assert len(spots) > 30
    for spot in spots:
        half = (width / 2, 4.0)
        box = (spot.x - half[0], spot.y - half[1], spot.x + half[0], spot.y + half[1])
        assert not meet(box, sign)
    assert spots[0].y == 0 and spots[0].x > 0, "to the right of the sign first"
    # What stands far off is tied to its sign by a line that starts outside the sign.
    for spot in (s for s in spots if s.leader):
        assert not meet((*spot.leader, *spot.leader), sign)


def test_a_leader_belongs_to_what_a_label_covers():
    label = Label(("far",), 8.0, "regular", "#000000", 20.0)
    (box, *way) = label.boxes(Spot(50, 0, 0.0, leader=(0.0, 0.0)))
    assert box[0] == pytest.approx(39) and len(way) > 5
    assert any(meet(step, (19, -1, 21, 1)) for step in way)


@given(_line)
def test_lengths_along_a_line_are_walked_on_it(line):
    length = length_of(line)
    assert length == pytest.approx(shapely.LineString(line).length)
    spots = along(line, np.linspace(0, length, 7))
    assert spots[0, :2] == pytest.approx(line[0])
    assert spots[-1, :2] == pytest.approx(line[-1], abs=1e-6)
    path = shapely.LineString(line)
    for x, y, angle in spots:
        assert path.distance(shapely.Point(x, y)) < 1e-6
        assert -math.pi <= angle <= math.pi


def test_the_strings_of_shapes_are_their_lines_and_outlines():
    hole = shapely.Polygon([(0, 0), (9, 0), (9, 9)], [[(5, 1), (6, 1), (6, 2)]])
    assert len(strings(hole)) == 2
    assert len(strings(shapely.MultiLineString([[(0, 0), (1, 1)], [(2, 2), (3, 3)]]))) == 2
    assert strings(shapely.Point(1, 1)) == []


@given(_box, st.tuples(_edges, _edges))
def test_the_nearest_point_of_a_box_is_nearest(box, point):
    x, y = nearest(box, point)
    far = shapely.box(*box).distance(shapely.Point(point))
    assert math.hypot(x - point[0], y - point[1]) == pytest.approx(far, abs=1e-9)


def test_a_row_that_would_cover_another_moves_a_little_or_stays():
    frame = (0.0, 0.0, 100.0, 100.0)
    rows = [(40.0, 40.0, 60.0, 60.0)]
    assert beside(rows, (50, 80, 10, 10), 15, frame) == 80, "it covers nothing"
    assert beside(rows, (55, 62, 10, 10), 15, frame) == 70, "just above"
    assert beside(rows, (55, 38, 10, 10), 15, frame) == 30, "just below"
    assert beside(rows, (50, 50, 10, 10), 15, frame) == 50, "too far to go"
    crowded = [*rows, (40.0, 61.0, 60.0, 90.0)]
    assert beside(crowded, (55, 62, 10, 10), 15, frame) == 62, "no room there either"
    assert beside([(0, 80, 100, 92)], (50, 90, 10, 5), 15, (0, 0, 100, 96)) == 75, "in the frame"


@given(_line, st.floats(4, 30))
def test_a_label_along_a_line_lies_by_it_and_not_on_it(line, width):
    path = shapely.LineString(line)
    for spot in along_line(path, (0, 0, 100, 100), (width, 8.0), 1.0):
        assert path.distance(shapely.Point(spot.x, spot.y)) < 20 + width
        if spot.angle_deg:
            assert -90 <= spot.angle_deg <= 90, "never upside down"


def test_a_large_area_has_its_label_inside_and_a_small_one_beside():
    large = shapely.box(0, 0, 400, 300)
    spots = list(in_area(large, (0, 0, 400, 300), (60.0, 8.0), 1.0))
    assert (spots[0].x, spots[0].y) == (200, 150)
    assert all(large.contains(shapely.Point(s.x, s.y).buffer(30)) for s in spots)
    small = shapely.Point(50, 50).buffer(10)
    assert not any(
        small.contains(shapely.Point(s.x, s.y))
        for s in in_area(small, (0, 0, 99, 99), (30.0, 8.0), 1.0)
    )
