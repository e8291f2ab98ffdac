"""Stated distances and directions against what is measured: verdicts, limits, sentences."""

import math
from dataclasses import replace
from types import SimpleNamespace

import builders
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import checks, geodesy, selection, texts
from geo import dataset as datasets
from geo.checks import CANNOT_BE_JUDGED, CONSISTENT, INCONSISTENT, Span

VERDICTS = (CONSISTENT, INCONSISTENT, CANNOT_BE_JUDGED)
WHOLE = datasets.load()
TOWN = (37.0, 48.0)
NONE = math.nan


def judged(lang: str = "en", radius_m: float = 0.0, at=(37.2, 47.9), **feature: object):
    """The checks of one distance from the town to a place; both get the radius."""
    whole = builders.small()
    for key in ("town", "village"):
        whole = builders.changed(whole, "places", key, uncertainty_m=radius_m)
    whole = builders.changed(whole, "places", "village", lon=at[0], lat=at[1])
    whole = builders.changed(whole, "features", "f-distance", **feature)
    one = replace(whole, features=whole.features.loc[["f-distance"]])
    return checks.run(one, lang)


def spanning(monkeypatch, length_km=50.0, bearing_deg=0.0, reach_km=0.0, margin_deg=0.0):
    """Let every place be measured as this."""
    low, high = max(length_km - reach_km, 0.0), length_km + reach_km
    found = Span(length_km, low, high, bearing_deg, margin_deg)
    monkeypatch.setattr(checks, "span", lambda place, to_place: found)


def test_the_articles_case():
    whole = datasets.load()
    distance, direction = [c for c in checks.run(whole) if c.kind in ("distance", "direction")]
    assert (distance.claim, distance.kind) == ("tsukuryne-distance", "distance")
    assert distance.unit == "km"
    assert (distance.claimed, distance.verdict) == (60, INCONSISTENT)
    assert distance.measured == pytest.approx(23.96, abs=0.05)
    assert distance.low < distance.measured < distance.high < 45
    assert "60 km" in distance.explanation and "24 km" in distance.explanation
    assert "2.5 times" in distance.explanation
    assert (direction.kind, direction.unit, direction.claimed) == ("direction", "degrees", 135)
    assert direction.verdict == CONSISTENT
    assert direction.measured == pytest.approx(155.6, abs=0.5)
    assert "loose sense that SSE is next to SE" in direction.explanation
    assert direction.low < direction.measured < direction.high


def test_only_distances_with_something_stated_are_checked():
    assert judged(claimed_km=NONE, claimed_direction="") == []
    (only,) = judged(claimed_km=NONE)
    assert only.kind == "direction"
    (only,) = judged(claimed_direction="")
    assert only.kind == "distance"
    assert judged(kind="route") == judged(kind="place") == []


@pytest.mark.parametrize("lang", texts.languages())
def test_running_changes_nothing_and_gives_the_same_again(lang):
    whole = datasets.load()
    before = whole.features.copy(), whole.places.copy()
    first = checks.run(whole, lang)
    assert checks.run(whole, lang) == first
    pd.testing.assert_frame_equal(whole.features, before[0])
    pd.testing.assert_frame_equal(whole.places, before[1])


# Distances


@pytest.mark.parametrize(
    ("length_km", "reach_km", "verdict"),
    [
        (60, 0, CONSISTENT),
        (45, 0, CONSISTENT),
        (75, 0, CONSISTENT),
        (44.999, 0, INCONSISTENT),
        (75.001, 0, INCONSISTENT),
        (60, 15, CONSISTENT),
        (60, 15.001, CANNOT_BE_JUDGED),
        (45, 1, CANNOT_BE_JUDGED),
        (40, 5, CANNOT_BE_JUDGED),
        (40, 4.999, INCONSISTENT),
        (80, 5, CANNOT_BE_JUDGED),
        (80, 4.999, INCONSISTENT),
        (10, 500, CANNOT_BE_JUDGED),
    ],
)
def test_a_distance_is_met_within_a_quarter(monkeypatch, length_km, reach_km, verdict):
    spanning(monkeypatch, length_km=length_km, reach_km=reach_km)
    (found,) = judged(claimed_km=60.0, claimed_direction="")
    assert found.verdict == verdict
    assert found.low <= found.measured <= found.high


def test_uncertainty_of_both_ends_adds_up():
    (found,) = judged(radius_m=2500.0, claimed_direction="")
    assert found.high - found.measured == pytest.approx(5)
    assert found.measured - found.low == pytest.approx(5)
    (found,) = judged(radius_m=20_000.0, claimed_direction="")
    assert found.low == 0


@pytest.mark.parametrize("lang", texts.languages())
@pytest.mark.parametrize("radius_m", [0.0, 10.0])
def test_a_place_measured_to_itself(lang, radius_m):
    distance, direction = judged(lang, radius_m, to_place="town")
    assert (distance.measured, distance.low, distance.verdict) == (0, 0, INCONSISTENT)
    assert direction.verdict == CANNOT_BE_JUDGED
    assert distance.explanation and direction.explanation


def test_nothing_stated_as_no_distance_at_all():
    distance, _ = judged(claimed_km=0.0)
    assert (distance.claimed, distance.verdict) == (0, INCONSISTENT)
    distance, _ = judged(claimed_km=0.0, to_place="town")
    assert distance.verdict == CONSISTENT


# Directions


@pytest.mark.parametrize(
    ("direction", "bearing", "verdict", "words"),
    [
        ("N", 355, CONSISTENT, "This fits."),
        ("N", 5, CONSISTENT, "This fits."),
        ("N", 337.5, CONSISTENT, "This fits."),
        ("N", 22.5, CONSISTENT, "This fits."),
        ("N", 23, CONSISTENT, "NNE is next to N."),
        ("N", 337, CONSISTENT, "NNW is next to N."),
        ("N", 45, CONSISTENT, "NE is next to N."),
        ("N", 45.01, INCONSISTENT, "This does not fit."),
        ("N", 180, INCONSISTENT, "This does not fit."),
        ("NNW", 359, CONSISTENT, "N is next to NNW."),
        ("NNW", 348.75, CONSISTENT, "This fits."),
        ("NNE", 45, CONSISTENT, "NE is next to NNE."),
        ("NNE", 45.01, INCONSISTENT, "This does not fit."),
        ("SE", 157.6, CONSISTENT, "SSE is next to SE."),
        ("SE", 180.5, INCONSISTENT, "This does not fit."),
    ],
)
def test_a_direction_is_met_around_its_name(
    monkeypatch, direction, bearing, verdict, words
):
    spanning(monkeypatch, bearing_deg=bearing)
    (found,) = judged(claimed_km=NONE, claimed_direction=direction)
    assert found.verdict == verdict
    assert found.explanation.endswith(words)


@pytest.mark.parametrize(
    ("bearing", "margin", "verdict", "words"),
    [
        (355, 10, CONSISTENT, "This fits."),
        (350, 20, CONSISTENT, "reaches into the next direction"),
        (40, 10, CANNOT_BE_JUDGED, "too wide a span"),
        (60, 20, CANNOT_BE_JUDGED, "too wide a span"),
        (60, 10, INCONSISTENT, "This does not fit."),
        (180, 89, INCONSISTENT, "This does not fit."),
        (180, 90, CANNOT_BE_JUDGED, "too wide a span"),
        (0, 180, CANNOT_BE_JUDGED, "too wide a span"),
    ],
)
def test_an_uncertain_direction(monkeypatch, bearing, margin, verdict, words):
    spanning(monkeypatch, bearing_deg=bearing, margin_deg=margin)
    (found,) = judged(claimed_km=NONE, claimed_direction="N")
    assert found.verdict == verdict
    assert words in found.explanation
    assert found.low <= found.measured <= found.high


def test_north_across_zero_is_measured_so():
    at = geodesy.destination(*TOWN, 355, 30)
    (found,) = judged(at=at, claimed_km=NONE, claimed_direction="N")
    assert found.measured == pytest.approx(355, abs=0.01)
    assert found.verdict == CONSISTENT and found.explanation.endswith("This fits.")


@pytest.mark.parametrize(
    ("part_of_half", "verdict", "words"),
    [
        (0.0, CONSISTENT, "This fits."),
        (0.95, CONSISTENT, "This fits."),
        (-0.95, CONSISTENT, "This fits."),
        (1.05, CONSISTENT, "is next to"),
        (-1.95, CONSISTENT, "is next to"),
        (2.05, INCONSISTENT, "does not fit"),
        (-2.05, INCONSISTENT, "does not fit"),
    ],
)
@pytest.mark.parametrize("name", geodesy.WINDS)
def test_every_wind_is_judged_alike(name, part_of_half, verdict, words):
    bearing = geodesy.wind_bearing(name) + part_of_half * checks.half_width_deg(name)
    place = {"name": "A", "lon": 0.0, "lat": 0.0, "uncertainty_m": 0.0}
    lon, lat = geodesy.destination(0, 0, bearing, 1)
    feature = {"claim": "c", "claimed_direction": name}
    found = checks._direction("f", feature, place, {**place, "lon": lon, "lat": lat}, "en")
    assert found.verdict == verdict
    assert words in found.explanation


def test_half_widths():
    eight = {w: checks.half_width_deg(w) for w in geodesy.WINDS}
    assert sorted(set(eight.values())) == [11.25, 22.5]
    assert {w for w, half in eight.items() if half == 22.5} == set(checks.EIGHT_WINDS)


@given(
    st.floats(-180, 180), st.floats(-85, 85), st.floats(0, 360), st.floats(1, 5000),
    st.floats(0, 2e6), st.floats(0, 2e6),
)  # fmt: skip
def test_a_span_holds_every_pair_of_spots_within_the_radii(lon, lat, bearing, km, from_m, to_m):
    to_lon, to_lat = geodesy.destination(lon, lat, bearing, km)
    place = {"lon": lon, "lat": lat, "uncertainty_m": from_m}
    found = checks.span(place, {"lon": to_lon, "lat": to_lat, "uncertainty_m": to_m})
    assert found.length_km == pytest.approx(km, rel=1e-9)
    assert 0 <= found.low_km <= found.length_km <= found.high_km
    assert 0 <= found.bearing_margin_deg <= 180
    for turn in (0, 90, 180, 270):
        one = geodesy.destination(lon, lat, bearing + turn, from_m / 1000)
        other = geodesy.destination(to_lon, to_lat, bearing - turn, to_m / 1000)
        length_km = geodesy.inverse(*one, *other).length_km
        assert found.low_km - 1e-6 <= length_km <= found.high_km + 1e-6


@given(st.floats(0, 5000), st.floats(0, 500), st.floats(0, 5000, exclude_min=True))
def test_verdicts_are_exclusive_and_complete(length, reach, claimed):
    low, high = max(length - reach, 0), length + reach
    least, most = claimed * 0.75, claimed * 1.25
    verdict = checks._verdict(low, high, least, most)
    assert verdict in VERDICTS
    inside = least <= low and high <= most
    outside = high < least or low > most
    assert (verdict == CONSISTENT) == inside
    assert (verdict == INCONSISTENT) == outside


# Transits


def sailed(monkeypatch, length_km: float, cells: dict, feature: dict | None = None):
    """The checks of the route when its way over water has that length; no uncertainty."""
    way = None if math.isnan(length_km) else SimpleNamespace(length_km=length_km)
    monkeypatch.setattr(checks, "voyage", lambda place, to_place: way)
    whole = builders.changed(builders.small(), "claims", "shipped", **cells)
    whole = builders.changed(whole, "features", "f-route", **(feature or {}))
    for key in ("coast", "port"):
        whole = builders.changed(whole, "places", key, uncertainty_m=0.0)
    return checks.run(replace(whole, features=whole.features.loc[["f-route"]]))


ONE_DAY = {"event_end": pd.Timestamp("2024-10-08")}


@pytest.mark.parametrize(
    ("length_km", "verdict"),
    [
        (10 * 24 * 1.852, CONSISTENT),  # the slowest ship just makes it in the day
        (10 * 24 * 1.852 + 0.1, CANNOT_BE_JUDGED),
        (18 * 24 * 1.852 - 0.1, CANNOT_BE_JUDGED),
        (18 * 24 * 1.852 + 0.1, INCONSISTENT),
    ],
)
def test_a_voyage_fits_its_dates_or_does_not(monkeypatch, length_km, verdict):
    (found,) = sailed(monkeypatch, length_km, ONE_DAY)
    assert (found.kind, found.unit, found.claimed) == ("transit", "hours", 24)
    assert found.verdict == verdict
    assert found.low < found.measured < found.high
    assert found.explanation.endswith(".") and "{" not in found.explanation
    (longer,) = sailed(monkeypatch, length_km, {})
    assert (longer.claimed, longer.verdict) == (144, CONSISTENT)


@pytest.mark.parametrize(
    ("cells", "feature", "length_km"),
    [
        ({"event_start": pd.NaT}, {}, 200.0),
        ({"event_end": pd.NaT}, {}, 200.0),
        ({"date_precision": "week"}, {}, 200.0),
        ({}, {"mode": "land"}, 200.0),
        ({}, {"mode": ""}, 200.0),
        ({}, {}, math.nan),
    ],
)
def test_a_voyage_without_days_or_water_is_not_judged(monkeypatch, cells, feature, length_km):
    assert sailed(monkeypatch, length_km, cells, feature) == []


def test_places_without_water_between_them_have_no_voyage():
    places = builders.small().places
    assert checks.voyage(places.loc["town"], places.loc["village"]) is None


@pytest.mark.parametrize("lang", texts.languages())
@pytest.mark.parametrize("length_km", [60, 24, 46])
@pytest.mark.parametrize("bearing_deg", [135, 155, 250, 178])
def test_every_verdict_has_its_sentence(monkeypatch, lang, length_km, bearing_deg):
    spanning(monkeypatch, length_km, bearing_deg, reach_km=2, margin_deg=5)
    found = judged(lang)
    assert len(found) == 2
    for check in found:
        assert check.verdict in VERDICTS
        assert check.explanation.endswith(".") and "{" not in check.explanation
    assert texts.number(length_km, lang) in found[0].explanation


@given(builders.selections(WHOLE))
@settings(max_examples=30)
def test_what_a_selection_keeps_is_checked_as_the_whole_was(chosen):
    kept = selection.apply(WHOLE, chosen)
    found = checks.of_kept(WHOLE, kept, chosen.lang)
    assert found == checks.run(kept, chosen.lang)
    for claim in {check.claim for check in found}:
        mine = [check for check in found if check.claim == claim]
        assert checks.run(kept, chosen.lang, [claim]) == mine
