"""Claims turned into rows that can be drawn: the same for the web map, print and exports."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from geo import checks, figures, geodesy, symbols, texts
from geo.dataset import CRS, STATUSES, Dataset, standing_in
from geo.figures import Figure

# A place of these kinds, or one that is only approximate, is an area and never a pin.
AREA_KINDS = ("region", "coast")
# Drawn for an area whose radius the dataset leaves at 0: there is nothing else to draw.
_LEAST_AREA_KM = 1.0
EITHER = "either"


class _Mark(NamedTuple):
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
    figure: Figure


COLUMNS = (*_Mark._fields[:-1], "geometry")
# Those of ``plan`` that hold few different texts, and are kept as codes.
_CODED = ("feature", "claim", "layer", "when", "symbol", "part", "basis")
# What the marks follow from, of all that the tables hold.
_READ = frozenset(
    (
        *("name", "kind", "lon", "lat", "uncertainty_m", "located_by", "approach"),
        *("title", "theme", "claim", "place", "to_place", "mode", "basis", "quantity", "unit"),
        *("claimed_km", "claimed_direction", "stance", "source", "date", "date_precision"),
    )
)


def draw(dataset: Dataset, lang: str = texts.DEFAULT_LANG) -> gpd.GeoDataFrame:
    """Every mark that any selection of the dataset could show, in drawing order (EPSG:4326).

    Columns: ``id`` (unique); ``feature`` (id of the feature, or of the statement for a place
    where something was said); ``claim``; ``layer`` (sourced, denied, either); ``when`` (the state
    of the claim in which it shows: standing, withdrawn, direct, implied, said); ``symbol`` (a key
    of ``symbols.table``); ``part`` (what it is of its feature); ``basis`` (observed, reported,
    inferred, measured); ``label``; ``lines`` (tuple of plain texts for a tooltip);
    ``uncertainty_m``; ``geometry``. Which of them a selection shows, ``visible`` tells.
    """
    rows = list(_rows(dataset, lang))
    frame = pd.DataFrame([row[:-1] for row in rows], columns=COLUMNS[:-1])
    geometry = figures.shapes(row.figure for row in rows)
    return _in_drawing_order(gpd.GeoDataFrame(frame, geometry=geometry, crs=CRS))


@lru_cache(maxsize=4)
def drawn(dataset: Dataset, lang: str) -> gpd.GeoDataFrame:
    """``draw`` for the whole dataset, kept; do not change what it returns."""
    return draw(dataset, lang)


def plan(dataset: Dataset, lang: str = texts.DEFAULT_LANG) -> pd.DataFrame:
    """The rows of ``draw`` in its order, neither drawn out nor told: light enough for any number.

    Columns: ``feature`` and ``claim`` (categories: the dataset's features and then its statements;
    its claims), ``layer``, ``when``, ``symbol``, ``part``, ``basis`` (categories), ``label``,
    ``uncertainty_m`` and ``figure`` (a ``figures.Figure``).
    """
    wanted = (*_CODED, "label", "uncertainty_m", "figure")
    known = {
        "feature": dataset.features.index.append(dataset.statements.index),
        "claim": dataset.claims.index,
        "symbol": pd.Index(symbols.table()),
    }
    columns: dict[str, list] = {name: [] for name in wanted}
    for row in _rows(dataset, lang):
        for name in wanted:
            columns[name].append(getattr(row, name))
    frame = pd.DataFrame(
        {name: pd.Categorical(columns[name], categories=known.get(name)) for name in _CODED}
    )
    frame["label"] = np.array(columns["label"], dtype=object)
    frame["uncertainty_m"] = np.array(columns["uncertainty_m"], dtype=float)
    frame["figure"] = pd.Series(columns["figure"], dtype=object)
    return _in_drawing_order(frame)


def _in_drawing_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows from the lowest to the highest by their symbols, those of one height as they were."""
    heights = {name: symbol.order for name, symbol in symbols.table().items()}
    order = np.argsort(frame["symbol"].map(heights).to_numpy(np.int64), kind="stable")
    return frame.iloc[order].reset_index(drop=True)


@lru_cache(maxsize=8)
def planned(dataset: Dataset, lang: str) -> pd.DataFrame:
    """``plan`` for the whole dataset, kept; do not change what it returns."""
    return plan(dataset, lang)


def told(dataset: Dataset, lang: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """What a tooltip says of each part of each feature: feature (or statement), part, lines.

    In the order of the tables of features and statements; a part is told once, however it is
    drawn.
    """
    for mark in _rows(dataset, lang):
        if mark.when in ("standing", "said"):
            yield mark.feature, mark.part, mark.lines


def bounds(rows: pd.DataFrame) -> tuple[float, float, float, float]:
    """West, south, east, north of some rows of ``plan``, in degrees; ValueError for none."""
    return figures.bounds(rows["figure"])


def _records(table: pd.DataFrame, lang: str) -> dict[str, dict]:
    """The rows of a table by id: a hundred times quicker to read from than the table itself."""
    names = [name for name in table.columns if name.removesuffix(f"_{lang}") in _READ]
    columns = [np.asarray(table[name], dtype=object) for name in names]
    rows = zip(table.index, *columns, strict=True)
    return {key: dict(zip(names, row, strict=True)) for key, *row in rows}


def _lengths(features: dict[str, dict], places: dict[str, dict]) -> dict[str, float]:
    """The geodesic from end to end of each feature that has two, in kilometres, all at once."""
    spanned = {key: row for key, row in features.items() if row["to_place"]}
    ends = [
        (start["lon"], start["lat"], end["lon"], end["lat"])
        for start, end in ((places[r["place"]], places[r["to_place"]]) for r in spanned.values())
    ]
    columns = np.array(ends, dtype=float).reshape(-1, 4).T
    return dict(zip(spanned, geodesy.inverse(*columns).length_km, strict=True))


def _rows(dataset: Dataset, lang: str) -> Iterator[_Mark]:
    """Every mark, in the order of the tables of features and statements."""
    table = symbols.table()
    stances = dataset.statements["stance"]
    denials = dataset.statements[stances == "denies"]
    direct = set(denials.loc[denials["scope"] == "direct", "claim"])
    implied = set(denials["claim"])
    retracted = set(dataset.statements.loc[stances == "retracts", "claim"])
    places, claims = _records(dataset.places, lang), _records(dataset.claims, lang)
    said = _Words(lang)
    features = _records(dataset.features, lang)
    lengths = _lengths(features, places)
    for feature_id, feature in features.items():
        length_km = lengths.get(feature_id, 0.0)
        tell = _Teller(feature_id, feature, claims[feature["claim"]], length_km, said)
        parts = list(_parts(places, feature, tell))
        # A direction stated without a distance has no ring to cross out.
        ring = "ring" if any(mark.part == "ring" for mark in parts) else "sector"
        for mark in parts:
            yield mark
            if mark.layer != "sourced":
                continue
            if mark.claim in retracted and f"{mark.symbol}-withdrawn" in table:
                yield _variant(mark, "withdrawn", f"{mark.symbol}-withdrawn", "sourced")
            if mark.part in ("main", "from-area", ring):
                # "denies" without a scope is no more than an implied one.
                for scope, ids in (("direct", direct), ("implied", implied)):
                    if mark.claim in ids:
                        kind = table[mark.symbol].kind
                        yield _variant(mark, scope, f"denied-{scope}-{kind}", "denied")
    yield from _spoken(dataset, places, claims, said)


def _variant(mark: _Mark, when: str, symbol: str, layer: str) -> _Mark:
    return mark._replace(id=f"{mark.id}/{when}", when=when, symbol=symbol, layer=layer)


def _parts(places: dict[str, dict], feature: dict, tell: _Teller) -> Iterator[_Mark]:
    """The marks of one feature as those who assert its claim tell it."""
    place = places[feature["place"]]
    if feature["kind"] == "place":
        yield from _place(place, tell)
    elif feature["kind"] == "route":
        yield from _route(place, places[feature["to_place"]], tell)
    else:
        yield from _distance(place, places[feature["to_place"]], tell)


class _Words:
    """The phrases of a language that every mark needs, looked up once."""

    def __init__(self, lang: str):
        self.lang = lang
        self.translate = _ = texts.translator(lang)
        self.terms = texts.terms(lang)
        self.within = _("{name}, within {radius}")
        self.how_known = {
            "observed": _("Place seen in imagery"),
            "reported": _("Place as told"),
            "inferred": _("Place as we read it"),
        }


class _Teller:
    """Makes the marks of one feature, with what they all say about themselves."""

    def __init__(
        self, feature_id: str, feature: dict, claim: dict, length_km: float, words: _Words
    ):
        self.feature_id = feature_id
        self.feature = feature
        self.length_km = length_km  # of the geodesic from end to end
        self.theme = claim["theme"]
        self.title = texts.in_language(claim, "title", words.lang)
        self.words = words
        self.lang = words.lang
        self._ = words.translate
        self.basis = feature["basis"]

    def mark(
        self,
        part: str,
        symbol: str,
        figure: Figure,
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
            figure=figure,
        )

    def where(self, place: dict) -> str:
        name = texts.in_language(place, "name", self.lang)
        radius_m = place["uncertainty_m"]
        if radius_m == 0:
            return name
        return self.words.within.format(name=name, radius=texts.radius(radius_m, self.lang))

    def how_known(self) -> str:
        return self.words.how_known[self.basis]


def is_area(place: dict) -> bool:
    """Whether a place is too vague for a pin: a region, a stretch of coast, or approximate."""
    return place["kind"] in AREA_KINDS or place["located_by"] == "approximate"


def _circle(place: dict) -> Figure:
    radius_km = min(place["uncertainty_m"] / 1000 or _LEAST_AREA_KM, geodesy.MAX_RADIUS_KM)
    return figures.circle(place["lon"], place["lat"], radius_km)


def _place(place: dict, tell: _Teller) -> Iterator[_Mark]:
    name = texts.in_language(place, "name", tell.lang)
    lines = (tell.where(place), texts.quantity(tell.feature, tell.lang), tell.how_known())
    radius_m = place["uncertainty_m"]
    if is_area(place):
        symbol = f"area-{tell.basis}"
        yield tell.mark("main", symbol, _circle(place), name, lines, uncertainty_m=radius_m)
        return
    symbol = f"place-{tell.theme}-{tell.basis}"
    point = figures.point(place["lon"], place["lat"])
    yield tell.mark("main", symbol, point, name, lines, uncertainty_m=radius_m)
    if radius_m > 0:
        yield tell.mark("radius", "uncertainty", _circle(place), uncertainty_m=radius_m)


def _route(place: dict, to_place: dict, tell: _Teller) -> Iterator[_Mark]:
    _ = tell._
    lang = tell.lang
    voyage = checks.voyage(place, to_place) if tell.feature["mode"] == "sea" else None
    if voyage is None:
        track = figures.geodesic(place["lon"], place["lat"], to_place["lon"], to_place["lat"])
        length_km = tell.length_km
        how = _("Straight line, not a track: nobody reported the course")
    else:
        track = figures.path(voyage.coordinates)
        length_km = voyage.length_km
        how = _("Shortest way over water, worked out by us: nobody reported the track")
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
            point = figures.point(end["lon"], end["lat"])
            yield tell.mark(part, "route-end", point, name, (tell.where(end),))


def _distance(place: dict, to_place: dict, tell: _Teller) -> Iterator[_Mark]:
    _ = tell._
    lang = tell.lang
    wind = tell.words.terms["wind"]
    lon, lat = place["lon"], place["lat"]
    name = texts.in_language(place, "name", lang)
    to_name = texts.in_language(to_place, "name", lang)
    claimed_km = tell.feature["claimed_km"]
    direction = tell.feature["claimed_direction"]
    has_distance = claimed_km == claimed_km and claimed_km > 0

    if has_distance and claimed_km <= geodesy.MAX_RADIUS_KM:
        ring = figures.rim(lon, lat, claimed_km)
        label = _("{km} km, as stated").format(km=texts.number(claimed_km, lang))
        line = _("{km} km from {place}, as stated").format(
            km=texts.number(claimed_km, lang), place=name
        )
        yield tell.mark("ring", "stated-distance", ring, label, (line,))
    if direction:
        bearing = geodesy.wind_bearing(direction)
        reach_km = claimed_km if has_distance else 1.5 * tell.length_km
        reach_km = min(reach_km or _LEAST_AREA_KM, geodesy.MAX_RADIUS_KM)
        half = checks.half_width_deg(direction)
        area = figures.sector(lon, lat, bearing, half, reach_km)
        stated = tell.words.terms["wind_name"][direction]
        line = _("{direction} of {place}, as stated").format(direction=stated, place=name)
        yield tell.mark("sector", "stated-direction", area, lines=(line,))
        if has_distance:
            point = figures.point(*geodesy.destination(lon, lat, bearing, claimed_km))
            label = _("{place}, as stated: {km} km {wind}").format(
                place=to_name, km=texts.number(claimed_km, lang), wind=wind[direction]
            )
            line = _("Where the stated distance and direction lead; not where {place} is").format(
                place=to_name
            )
            yield tell.mark("stated-point", "stated-point", point, label, (line,))

    measured = checks.span(place, to_place)
    track = figures.geodesic(lon, lat, to_place["lon"], to_place["lat"])
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
        point = figures.point(end["lon"], end["lat"])
        end_name = texts.in_language(end, "name", lang)
        yield tell.mark(
            part, "measured-end", point, end_name, (tell.where(end),), EITHER, "measured"
        )


def _spoken(
    dataset: Dataset, places: dict[str, dict], claims: dict[str, dict], said: _Words
) -> Iterator[_Mark]:
    """A mark for each statement with a place, unless the claim itself is drawn at that place."""
    _, lang = said.translate, said.lang
    layers = {"asserts": "sourced", "denies": "denied"}
    told = _("{head}: {text}")
    drawn = set(zip(dataset.features["claim"], dataset.features["place"], strict=True))
    spoken = dataset.statements[dataset.statements["place"] != ""]
    speakers = {
        key: texts.in_language(source, "name", lang)
        for key, source in _records(dataset.sources, lang).items()
    }
    for statement_id, statement in _records(spoken, lang).items():
        stance = statement["stance"]
        if stance == "retracts":
            continue
        if stance == "asserts" and (statement["claim"], statement["place"]) in drawn:
            continue
        place = places[statement["place"]]
        name = texts.in_language(place, "name", lang)
        day = texts.day(statement["date"], lang, statement["date_precision"])
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
                told.format(head=speakers[statement["source"]], text=said.terms["stance"][stance]),
                texts.in_language(claims[statement["claim"]], "title", lang),
                f"{name}, {day}",
            ),
            uncertainty_m=float(place["uncertainty_m"]),
            figure=figures.point(place["lon"], place["lat"]),
        )


def visible(marks: pd.DataFrame, kept: Dataset, layers: tuple[str, ...]) -> np.ndarray:
    """Which marks (of ``plan`` or ``draw`` on the whole dataset) a selection shows, as booleans.

    ``kept`` is what ``selection.apply`` left; ``layers`` the layers that are on. *Sourced* shows
    what is asserted, *denied* what is contested and from where; what is in neither (a measured
    line, a declined comment) shows with its claim, in whichever layer that is drawn. A statement
    that its speaker took back is neither drawn where it was said nor makes a denial a direct one.
    """
    claim, feature = pd.Categorical(marks["claim"]), pd.Categorical(marks["feature"])
    said = kept.statements
    stands = standing_in(said)
    names_it = stands & ((said["stance"] == "denies") & (said["scope"] == "direct")).to_numpy()

    # By claim and by feature first, which are fewer than the marks.
    codes = pd.Index(STATUSES).get_indexer(kept.claims["status"])
    status = _spread(kept.claims.index, claim.categories, codes, -1)[claim.codes]
    direct = _spread(said["claim"][names_it], claim.categories, True, False)[claim.codes]
    stated = _spread(said.index[stands], feature.categories, True, False)[feature.codes]

    def among(*names: str) -> np.ndarray:
        return np.isin(status, [STATUSES.index(name) for name in names])

    asserted, denied = among("sourced", "contested"), among("denied", "contested")
    withdrawn, declined = among("withdrawn"), among("declined")
    on = {name: name in layers for name in ("sourced", "denied")}
    either_on = (on["sourced"] & (asserted | withdrawn | declined)) | (
        on["denied"] & (denied | declined)
    )
    when, spoken = _is(marks["when"]), _is(marks["part"])("spoken")
    in_state = np.select(
        [when("standing"), when("withdrawn"), when("direct"), when("implied"), spoken],
        [asserted, withdrawn, denied & direct, denied & ~direct, stated],
        default=True,
    ).astype(bool)
    layer = _is(marks["layer"])
    layer_on = np.select(
        [layer("sourced"), layer("denied")], [on["sourced"], on["denied"]], default=either_on
    )
    return in_state & layer_on.astype(bool) & (status >= 0)


def _is(column: pd.Series) -> Callable[[str], np.ndarray]:
    """Tells where a column has a value; quick where it is of categories."""
    found = pd.Categorical(column)
    return lambda value: found.codes == found.categories.get_indexer([value])[0]


def _spread(ids: pd.Index | pd.Series, onto: pd.Index, values, default) -> np.ndarray:
    """Values by id as an array over the ids of ``onto``, and the default at its end for none."""
    found = np.full(len(onto) + 1, default)
    places = onto.get_indexer(ids)
    there = places >= 0
    found[places[there]] = values[there] if isinstance(values, np.ndarray) else values
    return found
