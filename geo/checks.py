"""What a claim says of distances and directions, held against what can be measured.

The rules, which the page on method repeats:

* **Distance.** A stated distance is read as "about": it is met by anything within 25 % of it.
* **Direction.** A wind of the eight-point rose (N, NE, E, …) is met within 22.5° of it, one of
  the sixteen-point rose (NNE, ENE, …) within 11.25°. Up to twice that the next wind of the rose
  is meant loosely, which the explanation says.
* **Transit.** A voyage fits its dates when even the slowest ship, at 10 knots, makes it within
  them; it does not when even the fastest, at 18, cannot. Both days count whole.
* **Uncertainty.** Each end of a line lies somewhere within its radius, so that a length is
  uncertain by the sum of both radii, and a bearing by the angle whose sine is that sum over the
  length. A claim is *consistent* when the whole interval meets it, *inconsistent* when none of
  it does, and *cannot be judged* when the interval straddles the limit.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

import pandas as pd
from shapely.geometry import LineString

from geo import basemap, geodesy, searoute, texts
from geo.dataset import Dataset, parse_approach

ABOUT = 0.25
SLOWEST_KN, FASTEST_KN = 10, 18
KM_PER_NMI = 1.852
EIGHT_WINDS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")

CONSISTENT = "consistent"
INCONSISTENT = "inconsistent"
CANNOT_BE_JUDGED = "cannot be judged"


@dataclass(frozen=True)
class Check:
    """One stated number or direction beside the measured one.

    ``claimed``, ``measured``, ``low``, ``high`` are in ``unit``: km for a distance, degrees
    clockwise from north for a direction (``low`` and ``high`` may lie outside 0–360 there, so
    that low <= measured <= high holds across north), hours for a transit (claimed: the time that
    the dates leave; measured: at the middle of the speeds; low, high: fastest and slowest).
    """

    claim: str
    feature: str
    kind: str
    claimed: float
    measured: float
    low: float
    high: float
    unit: str
    verdict: str
    explanation: str


@dataclass(frozen=True)
class Span:
    """The geodesic between two uncertain places: its length, bearing and their intervals."""

    length_km: float
    low_km: float
    high_km: float
    bearing_deg: float
    bearing_margin_deg: float


def span(place, to_place) -> Span:
    """Measure from one row of ``places`` to another on WGS 84, with what the radii imply."""
    measured = geodesy.inverse(place["lon"], place["lat"], to_place["lon"], to_place["lat"])
    reach_km = (place["uncertainty_m"] + to_place["uncertainty_m"]) / 1000
    length_km = measured.length_km
    margin = 180.0
    if reach_km < length_km:
        margin = math.degrees(math.asin(reach_km / length_km))
    return Span(
        length_km=length_km,
        low_km=max(length_km - reach_km, 0.0),
        high_km=length_km + reach_km,
        bearing_deg=measured.bearing_deg,
        bearing_margin_deg=margin,
    )


def voyage(place, to_place) -> searoute.SeaRoute | None:
    """The shortest way over water from one row of ``places`` to another; None if there is none."""
    approaches = [parse_approach(p["approach"]) or () for p in (place, to_place)]
    try:
        return searoute.route(
            (place["lon"], place["lat"]),
            (to_place["lon"], to_place["lat"]),
            start_approach=approaches[0],
            end_approach=approaches[1],
        )
    except searoute.SeaRouteError:
        return None


@dataclass(frozen=True)
class Measured:
    """What lies between two points: lines in degrees (lon, lat), and all of it in words.

    ``asked``: the two points as they were given.

    The words hold numbers and our own phrases only, never a text of the data.
    """

    asked: tuple[tuple[float, float], tuple[float, float]]
    length_km: float
    bearing_deg: float
    sea_km: float | None
    line: LineString
    sea_line: LineString | None
    text: str


def are_points(value: object) -> bool:
    """Whether a value from outside is two (lon, lat) that ``measure`` takes."""
    return (
        isinstance(value, list | tuple)
        and len(value) == 2
        and all(isinstance(p, list | tuple) and len(p) == 2 for p in value)
        and all(isinstance(c, int | float) and math.isfinite(c) for p in value for c in p)
        and all(abs(lat) <= 90 and abs(lon) <= 1000 for lon, lat in value)
    )


@lru_cache(maxsize=64)
def measure(
    start: tuple[float, float], end: tuple[float, float], lang: str = texts.DEFAULT_LANG
) -> Measured:
    """Geodesic length and initial bearing between two (lon, lat), and the way by sea.

    The way by sea is worked out where both points lie on water, not on land and not on a lake.
    Results are kept. Longitudes may be any; latitudes within ±90 (ValueError beyond).
    """
    _ = texts.translator(lang)
    asked = (start, end)
    start, end = ((((lon + 180) % 360) - 180, lat) for lon, lat in (start, end))
    found = geodesy.inverse(*start, *end)
    words = [
        _("{km} km ({nmi} nautical miles)").format(
            km=texts.number(found.length_km, lang, 1),
            nmi=texts.number(found.length_km / KM_PER_NMI, lang, 1),
        ),
        _("bearing {bearing}° ({wind})").format(
            bearing=texts.number(found.bearing_deg, lang, 1),
            wind=texts.terms(lang)["wind"][geodesy.wind(found.bearing_deg)],
        ),
    ]
    sea = None
    if not all(map(_on_water, (start, end))):
        words.append(_("No way by sea: not both points lie on the sea."))
    else:
        try:
            sea = searoute.route(start, end)
            km = texts.number(sea.length_km, lang, 1)
            words.append(_("{km} km by sea, worked out").format(km=km))
        except searoute.SeaRouteError:
            words.append(_("No way by sea was found."))
    return Measured(
        asked=asked,
        length_km=found.length_km,
        bearing_deg=found.bearing_deg,
        sea_km=None if sea is None else sea.length_km,
        line=geodesy.line(*start, *end),
        sea_line=None if sea is None else LineString(sea.coordinates),
        text="\n".join(words),
    )


def _on_water(point: tuple[float, float]) -> bool:
    lon, lat = point
    # A box that holds the point alone: land and lakes that it cuts hold the point or pass close by.
    bounds = (lon - 1e-4, lat - 1e-4, lon + 1e-4, lat + 1e-4)
    return basemap.land("10m", bounds).empty and basemap.lakes(bounds).empty


def run(
    dataset: Dataset, lang: str = texts.DEFAULT_LANG, claims: Collection[str] | None = None
) -> list[Check]:
    """Every check that the dataset's features call for, in the order of the table (kept).

    ``claims``: of these claims alone.
    """
    if claims is None:
        return list(_run(dataset, lang))
    features = dataset.features
    return _held(dataset, features[features["claim"].isin(list(claims))], lang)


def of_kept(whole: Dataset, kept: Dataset, lang: str = texts.DEFAULT_LANG) -> list[Check]:
    """``run(kept)`` without a new look, for what a selection keeps of a dataset: a filter takes
    claims away, and changes none."""
    found = _run(whole, lang)
    left = kept.claims.index.get_indexer([check.claim for check in found]) >= 0
    return [check for check, here in zip(found, left, strict=True) if here]


@lru_cache(maxsize=8)
def _run(dataset: Dataset, lang: str) -> tuple[Check, ...]:
    return tuple(_held(dataset, dataset.features, lang))


def _held(dataset: Dataset, features: pd.DataFrame, lang: str) -> list[Check]:
    """The checks of some rows of the dataset's features."""
    features = features[features["kind"] != "place"]
    if features.empty:
        return []
    # Rows as plain dictionaries: to take one row of a frame costs more than a check does.
    used = dataset.places.index.isin([*features["place"], *features["to_place"]])
    places = pd.DataFrame(dataset.places[used].drop(columns="geometry")).to_dict("index")
    dates = dataset.claims[["event_start", "event_end", "date_precision"]]
    claims = dates[dates.index.isin(features["claim"])].to_dict("index")
    found = []
    for feature_id, feature in features.to_dict("index").items():
        place, to_place = places[feature["place"]], places[feature["to_place"]]
        if feature["kind"] == "route":
            claim = claims[feature["claim"]]
            found += _transit(feature_id, feature, claim, place, to_place, lang)
            continue
        if feature["claimed_km"] == feature["claimed_km"]:
            found.append(_distance(feature_id, feature, place, to_place, lang))
        if feature["claimed_direction"]:
            found.append(_direction(feature_id, feature, place, to_place, lang))
    return found


def rules(lang: str = texts.DEFAULT_LANG) -> list[str]:
    """The rules at the head of this module in words of a language, with Markdown emphasis."""
    _ = texts.translator(lang)
    return [
        _(
            "**Distance.** A stated distance means “about”: anything within {share} % of it fits."
        ).format(share=texts.number(100 * ABOUT, lang)),
        _(
            "**Direction.** One of the eight main directions fits within 22.5° of it, one of the "
            "sixteen within 11.25°; up to twice that it fits loosely, and the verdict says so."
        ),
        _(
            "**Time at sea.** A voyage fits its dates when a ship at {slow} knots makes it, and "
            "does not when one at {fast} knots cannot."
        ).format(slow=SLOWEST_KN, fast=FASTEST_KN),
        _(
            "**Uncertainty.** Each end lies somewhere within its radius. A verdict needs the "
            "whole interval on one side; otherwise it cannot be judged."
        ),
        _(
            "Lengths and bearings are geodesics on WGS 84. Sea routes are the shortest way over "
            "water that we work out, at least 10 km offshore where the water allows; nobody "
            "reported them."
        ),
    ]


def _verdict(low: float, high: float, least: float, most: float) -> str:
    if least <= low and high <= most:
        return CONSISTENT
    if high < least or most < low:
        return INCONSISTENT
    return CANNOT_BE_JUDGED


def _distance(feature_id: str, feature, place, to_place, lang: str) -> Check:
    _ = texts.translator(lang)
    claimed = float(feature["claimed_km"])
    measured = span(place, to_place)
    verdict = _verdict(
        measured.low_km, measured.high_km, claimed * (1 - ABOUT), claimed * (1 + ABOUT)
    )
    sentence = {
        CONSISTENT: _(
            "The claim puts {to} about {claimed} km from {start}; measured: {length} km "
            "({low}–{high} km with the uncertainty of both ends). This fits."
        ),
        INCONSISTENT: _(
            "The claim puts {to} about {claimed} km from {start}; measured: {length} km "
            "({low}–{high} km with the uncertainty of both ends). This does not fit: "
            "the stated distance is {ratio} times the measured one."
        ),
        CANNOT_BE_JUDGED: _(
            "The claim puts {to} about {claimed} km from {start}; measured: {length} km, but "
            "anything from {low} to {high} km is possible, too wide a span to judge."
        ),
    }[verdict]
    ratio = claimed / measured.length_km if measured.length_km else math.inf
    explanation = sentence.format(
        to=texts.in_language(to_place, "name", lang),
        start=texts.in_language(place, "name", lang),
        claimed=texts.number(claimed, lang),
        length=texts.number(measured.length_km, lang),
        low=texts.number(measured.low_km, lang),
        high=texts.number(measured.high_km, lang),
        ratio=texts.number(ratio, lang, 1),
    )
    return Check(
        claim=feature["claim"],
        feature=feature_id,
        kind="distance",
        claimed=claimed,
        measured=measured.length_km,
        low=measured.low_km,
        high=measured.high_km,
        unit="km",
        verdict=verdict,
        explanation=explanation,
    )


def half_width_deg(direction: str) -> float:
    """How far either side of its name a direction reaches: 22.5° or 11.25°."""
    return 22.5 if direction in EIGHT_WINDS else 11.25


def _direction(feature_id: str, feature, place, to_place, lang: str) -> Check:
    _ = texts.translator(lang)
    names = texts.terms(lang)["wind_name"]
    direction = feature["claimed_direction"]
    claimed = geodesy.wind_bearing(direction)
    half = half_width_deg(direction)
    measured = span(place, to_place)
    # Signed angle from the stated direction, so that nothing depends on where 0° lies.
    off = (measured.bearing_deg - claimed + 180) % 360 - 180
    margin = measured.bearing_margin_deg
    strictly = _verdict(off - margin, off + margin, -half, half)
    loosely = _verdict(off - margin, off + margin, -2 * half, 2 * half)
    verdict = loosely if margin < 90 else CANNOT_BE_JUDGED
    wind = geodesy.wind(measured.bearing_deg)
    if verdict == CONSISTENT and strictly == CONSISTENT:
        sentence = _("Stated: {claimed}; measured: {bearing}° ± {margin}° ({wind}). This fits.")
    elif verdict == CONSISTENT and wind != direction:
        sentence = _(
            "Stated: {claimed}; measured: {bearing}° ± {margin}° ({wind}). This fits only in "
            "the loose sense that {wind} is next to {claimed_short}."
        )
    elif verdict == CONSISTENT:
        sentence = _(
            "Stated: {claimed}; measured: {bearing}° ± {margin}° ({wind}). This fits, though the "
            "uncertainty of both ends reaches into the next direction."
        )
    elif verdict == INCONSISTENT:
        sentence = _(
            "Stated: {claimed}; measured: {bearing}° ± {margin}° ({wind}). This does not fit."
        )
    else:
        sentence = _(
            "Stated: {claimed}; measured: {bearing}° ± {margin}° ({wind}), too wide a "
            "span to judge."
        )
    explanation = sentence.format(
        claimed=names[direction],
        claimed_short=texts.terms(lang)["wind"][direction],
        bearing=texts.number(measured.bearing_deg, lang),
        wind=texts.terms(lang)["wind"][wind],
        margin=texts.number(margin, lang),
    )
    return Check(
        claim=feature["claim"],
        feature=feature_id,
        kind="direction",
        claimed=claimed,
        measured=measured.bearing_deg,
        low=measured.bearing_deg - margin,
        high=measured.bearing_deg + margin,
        unit="degrees",
        verdict=verdict,
        explanation=explanation,
    )


def _transit(feature_id: str, feature, claim, place, to_place, lang: str) -> list[Check]:
    """The time a voyage takes against the dates of its claim; nothing where either is missing."""
    start, end = claim["event_start"], claim["event_end"]
    dated = start == start and end == end and claim["date_precision"] == "day"
    way = voyage(place, to_place) if feature["mode"] == "sea" and dated else None
    if way is None:
        return []
    _ = texts.translator(lang)
    reach_km = (place["uncertainty_m"] + to_place["uncertainty_m"]) / 1000
    window_h = ((end - start).days + 1) * 24.0

    def hours(length_km: float, speed_kn: float) -> float:
        return length_km / KM_PER_NMI / speed_kn

    low = hours(max(way.length_km - reach_km, 0), FASTEST_KN)
    high = hours(way.length_km + reach_km, SLOWEST_KN)
    verdict = _verdict(low, high, 0, window_h)
    sentence = {
        CONSISTENT: _(
            "{start} to {end} is about {km} km by sea: {low}–{high} hours at {slow} to {fast} "
            "knots. The dates leave {window} hours. This fits."
        ),
        INCONSISTENT: _(
            "{start} to {end} is about {km} km by sea: {low}–{high} hours at {slow} to {fast} "
            "knots. The dates leave only {window} hours. This does not fit."
        ),
        CANNOT_BE_JUDGED: _(
            "{start} to {end} is about {km} km by sea: {low}–{high} hours at {slow} to {fast} "
            "knots. The dates leave {window} hours, enough for some ships and not for others."
        ),
    }[verdict]
    explanation = sentence.format(
        start=texts.in_language(place, "name", lang),
        end=texts.in_language(to_place, "name", lang),
        km=texts.number(way.length_km, lang),
        low=texts.number(low, lang),
        high=texts.number(high, lang),
        slow=SLOWEST_KN,
        fast=FASTEST_KN,
        window=texts.number(window_h, lang),
    )
    return [
        Check(
            claim=feature["claim"],
            feature=feature_id,
            kind="transit",
            claimed=window_h,
            measured=hours(way.length_km, (SLOWEST_KN + FASTEST_KN) / 2),
            low=low,
            high=high,
            unit="hours",
            verdict=verdict,
            explanation=explanation,
        )
    ]


def would_fit(dataset: Dataset, check: Check, lang: str = texts.DEFAULT_LANG) -> str:
    """What would make an inconsistent distance true: the towns that do lie where it leads.

    Empty for any other check, or where no town of the bundled gazetteer lies there. A town counts
    in a box that reaches a third of the stated distance round the spot; the two largest are
    named.
    """
    if check.kind != "distance" or check.verdict != INCONSISTENT:
        return ""
    _ = texts.translator(lang)
    feature = dataset.features.loc[check.feature]
    place = dataset.places.loc[feature["place"]]
    name = texts.in_language(place, "name", lang)
    km = texts.number(check.claimed, lang)
    if not feature["claimed_direction"]:
        return _("It would be true of a place {km} km from {start}.").format(km=km, start=name)
    bearing = geodesy.wind_bearing(feature["claimed_direction"])
    lon, lat = geodesy.destination(place["lon"], place["lat"], bearing, check.claimed)
    west, south, east, north = geodesy.ring(lon, lat, max(check.claimed / 3, 5)).bounds
    towns = basemap.towns((west, south, east, north))
    direction = texts.terms(lang)["wind_name"][feature["claimed_direction"]]
    named = ", ".join(towns.nlargest(2, "prominence")["name"])
    if not named:
        return _("No town of the gazetteer lies {km} km {direction} of {start}.").format(
            km=km, direction=direction, start=name
        )
    return _(
        "What does lie about {km} km {direction} of {start}: the surroundings of {towns}."
    ).format(km=km, direction=direction, start=name, towns=named)
