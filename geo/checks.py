"""What a claim says of distances and directions, held against what can be measured.

The rules, which the page on method repeats:

* **Distance.** A stated distance is read as "about": it is met by anything within 25 % of it.
* **Direction.** A wind of the eight-point rose (N, NE, E, …) is met within 22.5° of it, one of
  the sixteen-point rose (NNE, ENE, …) within 11.25°. Up to twice that the next wind of the rose
  is meant loosely, which the explanation says.
* **Uncertainty.** Each end of a line lies somewhere within its radius, so that a length is
  uncertain by the sum of both radii, and a bearing by the angle whose sine is that sum over the
  length. A claim is *consistent* when the whole interval meets it, *inconsistent* when none of
  it does, and *cannot be judged* when the interval straddles the limit.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from geo import geodesy, texts
from geo.dataset import Dataset

ABOUT = 0.25
EIGHT_WINDS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")

CONSISTENT = "consistent"
INCONSISTENT = "inconsistent"
CANNOT_BE_JUDGED = "cannot be judged"


@dataclass(frozen=True)
class Check:
    """One stated number or direction beside the measured one.

    ``claimed``, ``measured``, ``low``, ``high`` are in ``unit``: km for a distance, degrees
    clockwise from north for a direction (``low`` and ``high`` may lie outside 0–360 there, so
    that low <= measured <= high holds across north).
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


def run(dataset: Dataset, lang: str = texts.DEFAULT_LANG) -> list[Check]:
    """Every check that the dataset's features call for, in the order of the table."""
    found = []
    for feature_id, feature in dataset.features.iterrows():
        if feature["kind"] != "distance":
            continue
        place = dataset.places.loc[feature["place"]]
        to_place = dataset.places.loc[feature["to_place"]]
        if feature["claimed_km"] == feature["claimed_km"]:
            found.append(_distance(feature_id, feature, place, to_place, lang))
        if feature["claimed_direction"]:
            found.append(_direction(feature_id, feature, place, to_place, lang))
    return found


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
        sentence = _("Stated: {claimed}; measured: {bearing}° ({wind}). This fits.")
    elif verdict == CONSISTENT and wind != direction:
        sentence = _(
            "Stated: {claimed}; measured: {bearing}° ({wind}). This fits only in the loose sense "
            "that {wind} is next to {claimed_short}."
        )
    elif verdict == CONSISTENT:
        sentence = _(
            "Stated: {claimed}; measured: {bearing}° ({wind}). This fits, though the uncertainty "
            "of both ends reaches into the next direction."
        )
    elif verdict == INCONSISTENT:
        sentence = _("Stated: {claimed}; measured: {bearing}° ({wind}). This does not fit.")
    else:
        sentence = _(
            "Stated: {claimed}; measured: {bearing}° ({wind}), give or take {margin}°, too wide "
            "a span to judge."
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
