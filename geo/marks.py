"""Claims turned into rows that can be drawn: the same for the web map, print and exports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import geopandas as gpd
import numpy as np
import pandas as pd
from shapely.geometry import LineString, Point
from shapely.geometry.base import BaseGeometry

from geo import checks, geodesy, texts
from geo.dataset import CRS, Dataset, standing_in

# A place of these kinds, or one that is only approximate, is an area and never a pin.
AREA_KINDS = ("region", "coast")
# Drawn for an area whose radius the dataset leaves at 0: there is nothing else to draw.
_LEAST_AREA_KM = 1.0
EITHER = "either"


@dataclass(frozen=True)
class _Mark:
    """One drawable row; see ``draw`` for the columns."""

    id: str
    feature: str
    claim: str
    layer: str
    when: str
    symbol: str
    part: str
    basis: str
    label: str
    lines: tuple[str, ...]
    uncertainty_m: float
    geometry: BaseGeometry


COLUMNS = tuple(_Mark.__dataclass_fields__)


def draw(dataset: Dataset, lang: str = texts.DEFAULT_LANG) -> gpd.GeoDataFrame:
    """Every mark that any selection of the dataset could show, in drawing order (EPSG:4326).

    Columns: ``id`` (unique); ``feature`` (id of the feature, or of the statement for a place
    where something was said); ``claim``; ``layer`` (sourced, denied, either); ``when`` (the state
    of the claim in which it shows: standing, withdrawn, direct, implied, said); ``symbol`` (a key
    of ``symbols.table``); ``part`` (what it is of its feature); ``basis`` (observed, reported,
    inferred, measured); ``label``; ``lines`` (tuple of plain texts for a tooltip);
    ``uncertainty_m``; ``geometry``. Which of them a selection shows, ``visible`` tells.
    """
    from geo import symbols

    denials = dataset.statements[dataset.statements["stance"] == "denies"]
    direct = set(denials.loc[denials["scope"] == "direct", "claim"])
    implied = set(denials["claim"])
    retracted = set(dataset.statements.loc[dataset.statements["stance"] == "retracts", "claim"])
    rows: list[_Mark] = []
    for feature_id, feature in dataset.features.iterrows():
        claim = dataset.claims.loc[feature["claim"]]
        parts = list(_parts(dataset, feature_id, feature, claim, lang))
        # A direction stated without a distance has no ring to cross out.
        ring = "ring" if any(mark.part == "ring" for mark in parts) else "sector"
        for mark in parts:
            rows.append(mark)
            if mark.layer != "sourced":
                continue
            if mark.claim in retracted and f"{mark.symbol}-withdrawn" in symbols.table():
                rows.append(_variant(mark, "withdrawn", f"{mark.symbol}-withdrawn", "sourced"))
            if mark.part in ("main", "from-area", ring):
                # "denies" without a scope is no more than an implied one.
                for scope, ids in (("direct", direct), ("implied", implied)):
                    if mark.claim in ids:
                        kind = symbols.table()[mark.symbol].kind
                        rows.append(_variant(mark, scope, f"denied-{scope}-{kind}", "denied"))
    rows += _spoken(dataset, lang)

    table = symbols.table()
    rows.sort(key=lambda mark: table[mark.symbol].order)
    frame = pd.DataFrame([[getattr(r, c) for c in COLUMNS] for r in rows], columns=COLUMNS)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=CRS)


@lru_cache(maxsize=16)
def drawn(dataset: Dataset, lang: str) -> gpd.GeoDataFrame:
    """``draw`` for the whole dataset, kept; do not change what it returns."""
    return draw(dataset, lang)


def _variant(mark: _Mark, when: str, symbol: str, layer: str) -> _Mark:
    changed = {c: getattr(mark, c) for c in COLUMNS}
    changed |= {"id": f"{mark.id}/{when}", "when": when, "symbol": symbol, "layer": layer}
    return _Mark(**changed)


def _parts(dataset: Dataset, feature_id: str, feature, claim, lang: str) -> Iterator[_Mark]:
    """The marks of one feature as those who assert its claim tell it."""
    place = dataset.places.loc[feature["place"]]
    tell = _Teller(feature_id, feature, claim, lang)
    if feature["kind"] == "place":
        yield from _place(place, tell)
    elif feature["kind"] == "route":
        yield from _route(place, dataset.places.loc[feature["to_place"]], tell)
    else:
        yield from _distance(place, dataset.places.loc[feature["to_place"]], tell)


class _Teller:
    """Makes the marks of one feature, with what they all say about themselves."""

    def __init__(self, feature_id: str, feature, claim, lang: str):
        self.feature_id = feature_id
        self.feature = feature
        self.theme = claim["theme"]
        self.title = texts.in_language(claim, "title", lang)
        self.lang = lang
        self._ = texts.translator(lang)
        self.basis = feature["basis"]

    def mark(
        self,
        part: str,
        symbol: str,
        geometry: BaseGeometry,
        label: str = "",
        lines: tuple[str, ...] = (),
        layer: str = "sourced",
        basis: str = "",
        uncertainty_m: float = 0.0,
    ) -> _Mark:
        return _Mark(
            id=f"{self.feature_id}/{part}",
            feature=self.feature_id,
            claim=self.feature["claim"],
            layer=layer,
            when="standing" if layer == "sourced" else "said",
            symbol=symbol,
            part=part,
            basis=basis or self.basis,
            label=label,
            lines=(self.title, *(line for line in lines if line)),
            uncertainty_m=float(uncertainty_m),
            geometry=geometry,
        )

    def where(self, place) -> str:
        name = texts.in_language(place, "name", self.lang)
        radius_m = place["uncertainty_m"]
        if radius_m == 0:
            return name
        return self._("{name}, within {radius}").format(
            name=name, radius=texts.radius(radius_m, self.lang)
        )

    def how_known(self) -> str:
        return {
            "observed": self._("Place seen in imagery"),
            "reported": self._("Place as told"),
            "inferred": self._("Place as we read it"),
        }[self.basis]


def is_area(place) -> bool:
    """Whether a place is too vague for a pin: a region, a stretch of coast, or approximate."""
    return place["kind"] in AREA_KINDS or place["located_by"] == "approximate"


def _circle(place) -> BaseGeometry:
    radius_km = min(place["uncertainty_m"] / 1000 or _LEAST_AREA_KM, geodesy.MAX_RADIUS_KM)
    # A circle as wide as a country shows its corners.
    points = 72 if radius_km < 300 else 180
    return geodesy.ring(place["lon"], place["lat"], radius_km, points=points)


def _place(place, tell: _Teller) -> Iterator[_Mark]:
    name = texts.in_language(place, "name", tell.lang)
    lines = (tell.where(place), texts.quantity(tell.feature, tell.lang), tell.how_known())
    radius_m = place["uncertainty_m"]
    if is_area(place):
        symbol = f"area-{tell.basis}"
        yield tell.mark("main", symbol, _circle(place), name, lines, uncertainty_m=radius_m)
        return
    symbol = f"place-{tell.theme}-{tell.basis}"
    point = Point(place["lon"], place["lat"])
    yield tell.mark("main", symbol, point, name, lines, uncertainty_m=radius_m)
    if radius_m > 0:
        yield tell.mark("radius", "uncertainty", _circle(place), uncertainty_m=radius_m)


def _route(place, to_place, tell: _Teller) -> Iterator[_Mark]:
    _ = tell._
    lang = tell.lang
    voyage = checks.voyage(place, to_place) if tell.feature["mode"] == "sea" else None
    if voyage is None:
        track = geodesy.line(place["lon"], place["lat"], to_place["lon"], to_place["lat"])
        how = _("Straight line, not a track: nobody reported the course")
    else:
        track = LineString(voyage.coordinates)
        how = _("Shortest way over water, worked out by us: nobody reported the track")
    length_km = geodesy.length_km(track)
    reach_km = (place["uncertainty_m"] + to_place["uncertainty_m"]) / 1000
    label = _("{km} km").format(km=texts.number(length_km, lang))
    lines = (
        _("{start} to {end}").format(
            start=texts.in_language(place, "name", lang),
            end=texts.in_language(to_place, "name", lang),
        ),
        _(
            "{km} km ({nmi} nautical miles); {low}–{high} km with the uncertainty of both ends"
        ).format(
            km=texts.number(length_km, lang),
            nmi=texts.number(length_km / checks.KM_PER_NMI, lang),
            low=texts.number(max(length_km - reach_km, 0), lang),
            high=texts.number(length_km + reach_km, lang),
        ),
        texts.quantity(tell.feature, tell.lang),
        how if tell.basis == "inferred" else "",
    )
    yield tell.mark("main", f"route-{tell.basis}", track, label, lines)
    for part, end in (("from-area", place), ("to-area", to_place)):
        if is_area(end):
            radius_m = end["uncertainty_m"]
            name = texts.in_language(end, "name", tell.lang)
            # The end is as vague as it was told, whatever the line between is.
            yield tell.mark(
                part,
                "area-reported",
                _circle(end),
                name,
                (tell.where(end),),
                basis="reported",
                uncertainty_m=radius_m,
            )
        else:
            name = texts.in_language(end, "name", tell.lang)
            point = Point(end["lon"], end["lat"])
            yield tell.mark(part, "route-end", point, name, (tell.where(end),))


def _distance(place, to_place, tell: _Teller) -> Iterator[_Mark]:
    _ = tell._
    lang = tell.lang
    wind = texts.terms(lang)["wind"]
    lon, lat = place["lon"], place["lat"]
    name = texts.in_language(place, "name", lang)
    to_name = texts.in_language(to_place, "name", lang)
    claimed_km = tell.feature["claimed_km"]
    direction = tell.feature["claimed_direction"]
    has_distance = claimed_km == claimed_km and claimed_km > 0

    if has_distance and claimed_km <= geodesy.MAX_RADIUS_KM:
        circle = geodesy.ring(lon, lat, claimed_km, points=180)
        label = _("{km} km, as stated").format(km=texts.number(claimed_km, lang))
        line = _("{km} km from {place}, as stated").format(
            km=texts.number(claimed_km, lang), place=name
        )
        ring = LineString(circle.exterior.coords)
        yield tell.mark("ring", "stated-distance", ring, label, (line,))
    if direction:
        bearing = geodesy.wind_bearing(direction)
        reach_km = claimed_km if has_distance else 1.5 * _length(place, to_place)
        reach_km = min(reach_km or _LEAST_AREA_KM, geodesy.MAX_RADIUS_KM)
        half = checks.half_width_deg(direction)
        area = geodesy.sector(lon, lat, bearing, half, reach_km)
        stated = texts.terms(lang)["wind_name"][direction]
        line = _("{direction} of {place}, as stated").format(direction=stated, place=name)
        yield tell.mark("sector", "stated-direction", area, lines=(line,))
        if has_distance:
            point = Point(geodesy.destination(lon, lat, bearing, claimed_km))
            label = _("{place}, as stated: {km} km {wind}").format(
                place=to_name, km=texts.number(claimed_km, lang), wind=wind[direction]
            )
            line = _("Where the stated distance and direction lead; not where {place} is").format(
                place=to_name
            )
            yield tell.mark("stated-point", "stated-point", point, label, (line,))

    measured = checks.span(place, to_place)
    track = geodesy.line(lon, lat, to_place["lon"], to_place["lat"])
    label = _("measured: {km} km, {bearing}° ({wind})").format(
        km=texts.number(measured.length_km, lang),
        bearing=texts.number(measured.bearing_deg, lang),
        wind=wind[geodesy.wind(measured.bearing_deg)],
    )
    span = _("{low}–{high} km, bearing ± {margin}°, with the uncertainty of both ends").format(
        low=texts.number(measured.low_km, lang),
        high=texts.number(measured.high_km, lang),
        margin=texts.number(measured.bearing_margin_deg, lang),
    )
    # What is measured stands whoever is believed, so no layer takes it away while the claim shows.
    yield tell.mark("main", "measured", track, label, (label, span), EITHER, "measured")
    for part, end in (("from", place), ("to", to_place)):
        point = Point(end["lon"], end["lat"])
        end_name = texts.in_language(end, "name", lang)
        yield tell.mark(
            part, "measured-end", point, end_name, (tell.where(end),), EITHER, "measured"
        )


def _length(place, to_place) -> float:
    return geodesy.inverse(place["lon"], place["lat"], to_place["lon"], to_place["lat"]).length_km


def _spoken(dataset: Dataset, lang: str) -> Iterator[_Mark]:
    """A mark for each statement with a place, unless the claim itself is drawn at that place."""
    _ = texts.translator(lang)
    words = texts.terms(lang)
    layers = {"asserts": "sourced", "denies": "denied"}
    drawn = set(zip(dataset.features["claim"], dataset.features["place"], strict=True))
    spoken = dataset.statements[dataset.statements["place"] != ""]
    for statement_id, statement in spoken.iterrows():
        stance = statement["stance"]
        if stance == "retracts":
            continue
        if stance == "asserts" and (statement["claim"], statement["place"]) in drawn:
            continue
        place = dataset.places.loc[statement["place"]]
        claim = dataset.claims.loc[statement["claim"]]
        speaker = texts.in_language(dataset.sources.loc[statement["source"]], "name", lang)
        name = texts.in_language(place, "name", lang)
        said = texts.day(statement["date"], lang, statement["date_precision"])
        yield _Mark(
            id=f"{statement_id}/spoken",
            feature=statement_id,
            claim=statement["claim"],
            layer=layers.get(stance, EITHER),
            when="said",
            symbol=f"spoken-{stance}",
            part="spoken",
            basis="reported",
            label=name,
            lines=(
                _("{head}: {text}").format(head=speaker, text=words["stance"][stance]),
                texts.in_language(claim, "title", lang),
                f"{name}, {said}",
            ),
            uncertainty_m=float(place["uncertainty_m"]),
            geometry=Point(place["lon"], place["lat"]),
        )


def visible(marks: gpd.GeoDataFrame, kept: Dataset, layers: tuple[str, ...]) -> np.ndarray:
    """Which marks (of ``draw`` on the whole dataset) a selection shows, as booleans.

    ``kept`` is what ``selection.apply`` left; ``layers`` the layers that are on. *Sourced* shows
    what is asserted, *denied* what is contested and from where; what is in neither (a measured
    line, a declined comment) shows with its claim, in whichever layer that is drawn. A statement
    that its speaker took back is neither drawn where it was said nor makes a denial a direct one.
    """
    status = kept.claims["status"].reindex(marks["claim"]).to_numpy(dtype=object)
    stand = kept.statements[standing_in(kept.statements)]
    denials = stand[stand["stance"] == "denies"]
    direct = marks["claim"].isin(denials.loc[denials["scope"] == "direct", "claim"]).to_numpy()
    said = marks["feature"].isin(stand.index).to_numpy()
    when = marks["when"].to_numpy(dtype=object)
    layer = marks["layer"].to_numpy(dtype=object)
    spoken = (marks["part"] == "spoken").to_numpy()

    stands = np.isin(status, ["sourced", "contested"])
    denied = np.isin(status, ["denied", "contested"])
    declined = status == "declined"
    on = {name: name in layers for name in ("sourced", "denied")}
    either_on = (on["sourced"] & (stands | (status == "withdrawn") | declined)) | (
        on["denied"] & (denied | declined)
    )
    in_state = np.select(
        [when == "standing", when == "withdrawn", when == "direct", when == "implied"],
        [stands, status == "withdrawn", denied & direct, denied & ~direct],
        default=np.where(spoken, said, True),
    ).astype(bool)
    layer_on = np.select(
        [layer == "sourced", layer == "denied"], [on["sourced"], on["denied"]], default=either_on
    )
    return in_state & layer_on.astype(bool) & pd.notna(status)
