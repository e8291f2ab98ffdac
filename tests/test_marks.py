"""Claims as marks: what is drawn for each, how surely, and what a selection shows of it."""

from dataclasses import replace

import builders
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point

from geo import dataset as datasets
from geo import geodesy, marks, selection, symbols, texts
from geo.dataset import Dataset
from geo.selection import LAYERS, Selection

WHOLE = datasets.load()
DRAWN = marks.draw(WHOLE)
VAGUE = WHOLE.places["kind"].isin(["region", "coast"]) | (
    WHOLE.places["located_by"] == "approximate"
)
KINDS = {"point": {"Point"}, "line": {"LineString", "MultiLineString"}, "area": {"Polygon"}}


def of(drawn, feature: str):
    """The marks of one feature as its claim is told, by part."""
    plain = drawn[drawn["when"].isin(["standing", "said"]) & (drawn["feature"] == feature)]
    return plain.set_index("part")


def shown(whole: Dataset, chosen: Selection):
    """The marks that a selection shows."""
    drawn = marks.draw(whole)
    return drawn[marks.visible(drawn, selection.apply(whole, chosen), chosen.layer)]


def said(key: str, claim: str, source: str, stance: str, day: int, **more: str) -> dict[str, str]:
    return {
        "id": key, "claim": claim, "source": source, "stance": stance, "date": f"2024-11-{day:02}",
        "date_precision": "day", "credibility": "3", "reference": "¶ 9", **more,
    }  # fmt: skip


# What is drawn at all


def test_every_feature_is_drawn_and_every_id_is_its_own():
    assert set(WHOLE.features.index) <= set(DRAWN["feature"])
    assert DRAWN["id"].is_unique
    assert DRAWN.crs == "EPSG:4326" and tuple(DRAWN.columns) == marks.COLUMNS
    assert set(DRAWN["claim"]) <= set(WHOLE.claims.index)
    assert DRAWN.geometry.is_valid.all() and not DRAWN.geometry.is_empty.any()


@pytest.mark.parametrize("lang", texts.languages())
def test_every_mark_has_a_symbol_of_its_kind_and_every_symbol_a_legend(lang):
    drawn = marks.draw(WHOLE, lang)
    table = symbols.table()
    assert set(drawn["symbol"]) <= table.keys()
    for symbol, shape in zip(drawn["symbol"], drawn.geometry, strict=True):
        assert shape.geom_type in KINDS[table[symbol].kind], symbol
    orders = [table[symbol].order for symbol in drawn["symbol"]]
    assert orders == sorted(orders)
    entries = {key for key, _, _ in symbols.legend(lang)}
    assert {key for symbol in table.values() for key in symbol.legend} <= entries
    assert {symbol for _, symbol, _ in symbols.legend(lang)} <= table.keys()
    assert all(isinstance(line, str) and line for lines in drawn["lines"] for line in lines)
    assert drawn["id"].tolist() == DRAWN["id"].tolist()


def test_the_basis_of_a_mark_is_that_of_its_feature():
    plain = DRAWN[(DRAWN["part"] != "spoken") & ~DRAWN["part"].isin(["from-area", "to-area"])]
    basis = WHOLE.features["basis"].reindex(plain["feature"]).to_numpy()
    measured = plain["symbol"].isin(["measured", "measured-end"]).to_numpy()
    assert (plain["basis"].to_numpy()[~measured] == basis[~measured]).all()
    assert (plain["basis"].to_numpy()[measured] == "measured").all()
    for symbol, of_mark in zip(plain["symbol"], plain["basis"], strict=True):
        if symbol.startswith(("place-", "area-", "route-o", "route-r", "route-i")):
            assert symbol.removesuffix("-withdrawn").endswith(of_mark) or symbol == "route-end"
    areas = DRAWN[DRAWN["part"].isin(["from-area", "to-area"])]
    told = areas[areas["symbol"].str.startswith("area-")]
    assert (told["basis"] == "reported").all() and (told["symbol"] == "area-reported").all()


def test_a_vague_place_is_never_a_pin():
    features = WHOLE.features.reindex(DRAWN["feature"])
    vague_start = features["place"].map(VAGUE).fillna(False).to_numpy(dtype=bool)
    pins = DRAWN["symbol"].str.startswith("place-").to_numpy()
    assert vague_start.any() and pins.any()
    assert not (pins & vague_start).any()
    ends = DRAWN[DRAWN["symbol"] == "route-end"]
    for feature, part in zip(ends["feature"], ends["part"], strict=True):
        end = "place" if part == "from-area" else "to_place"
        assert not VAGUE[WHOLE.features.loc[feature, end]]


@pytest.mark.parametrize(
    "cells",
    [
        {"kind": "region"},
        {"kind": "coast", "uncertainty_m": 0.0},
        {"located_by": "approximate"},
        {"located_by": "approximate", "uncertainty_m": 0.0},
    ],
)
def test_what_makes_a_place_vague_even_without_a_radius(cells):
    whole = builders.changed(builders.small(), "places", "village", **cells)
    (mark,) = of(marks.draw(whole), "f-place").itertuples()
    assert (mark.symbol, mark.geometry.geom_type) == ("area-observed", "Polygon")
    assert mark.uncertainty_m == whole.places.loc["village", "uncertainty_m"]


def test_a_sharp_place_is_a_pin_and_has_its_circle():
    found = of(marks.draw(builders.small()), "f-place")
    assert found["symbol"].to_dict() == {
        "main": "place-presence-observed",
        "radius": "uncertainty",
    }
    assert found.loc["main", "geometry"].equals(Point(37.2, 47.9))
    whole = builders.changed(builders.small(), "places", "village", uncertainty_m=0.0)
    assert of(marks.draw(whole), "f-place").index.tolist() == ["main"]


def test_a_circle_has_its_radius_on_the_ground():
    circles = DRAWN[DRAWN["symbol"].isin(["uncertainty", "area-reported", "area-inferred"])]
    checked = 0
    for mark in circles.itertuples():
        feature = WHOLE.features.loc[mark.feature]
        end = "to_place" if mark.part == "to-area" else "place"
        place = WHOLE.places.loc[feature[end]]
        assert mark.uncertainty_m == place["uncertainty_m"] > 0
        lons, lats = np.asarray(mark.geometry.exterior.coords).T
        reach = geodesy.inverse(place["lon"], place["lat"], lons, lats).length_km * 1000
        np.testing.assert_allclose(reach, mark.uncertainty_m, rtol=1e-6)
        checked += 1
    assert checked >= 5


def test_a_route_leads_from_its_start_to_its_end():
    found = of(marks.draw(builders.small()), "f-route")
    assert found.loc["main", "symbol"] == "route-inferred"
    assert found.loc["from-area", "symbol"] == "area-reported"
    assert found.loc["to-area", "symbol"] == "route-end"
    assert found.loc["to-area", "geometry"].equals(Point(131.9, 43.1))
    assert found.loc["main", "geometry"].distance(Point(131.9, 43.1)) < 1e-6
    assert any("1,500 soldiers" in line for line in found.loc["main", "lines"])


# A stated distance


def test_the_articles_distance_is_drawn_as_stated_and_as_measured():
    (feature,) = WHOLE.features.index[WHOLE.features["kind"] == "distance"]
    found = of(DRAWN, feature)
    assert found["symbol"].to_dict() == {
        "ring": "stated-distance",
        "sector": "stated-direction",
        "stated-point": "stated-point",
        "main": "measured",
        "from": "measured-end",
        "to": "measured-end",
    }
    pokrovsk, tsukuryne = WHOLE.places.loc["pokrovsk"], WHOLE.places.loc["tsukuryne"]
    lon, lat = pokrovsk["lon"], pokrovsk["lat"]
    lons, lats = np.asarray(found.loc["ring", "geometry"].coords).T
    np.testing.assert_allclose(geodesy.inverse(lon, lat, lons, lats).length_km, 60, rtol=1e-6)
    halfway = (lons[1:] + lons[:-1]) / 2, (lats[1:] + lats[:-1]) / 2
    np.testing.assert_allclose(geodesy.inverse(lon, lat, *halfway).length_km, 60, rtol=1e-3)

    stated = found.loc["stated-point", "geometry"]
    there = geodesy.inverse(lon, lat, stated.x, stated.y)
    assert (there.length_km, there.bearing_deg) == pytest.approx((60, 135), rel=1e-6)

    sector = found.loc["sector", "geometry"]
    for bearing, inside in ((135, True), (113, True), (157, True), (112, False), (158, False)):
        assert sector.covers(Point(geodesy.destination(lon, lat, bearing, 59))) == inside
    assert not sector.covers(Point(geodesy.destination(lon, lat, 135, 61)))

    line = found.loc["main", "geometry"]
    ends = [*line.coords[0], *line.coords[-1]]
    assert ends == pytest.approx([lon, lat, tsukuryne["lon"], tsukuryne["lat"]], abs=1e-9)
    assert geodesy.length_km(line) == pytest.approx(23.96, abs=0.05)
    measured = geodesy.inverse(*ends)
    assert measured.bearing_deg == pytest.approx(155.6, abs=0.5)
    assert found.loc["main", "label"] == "measured: 24 km, 156° (SSE)"
    assert set(found.loc[["main", "from", "to"], "layer"]) == {"either"}


@pytest.mark.parametrize(
    ("cells", "parts"),
    [
        ({"claimed_km": np.nan}, {"sector", "main", "from", "to"}),
        ({"claimed_direction": ""}, {"ring", "main", "from", "to"}),
        ({"claimed_km": np.nan, "claimed_direction": ""}, {"main", "from", "to"}),
        ({"claimed_km": 0.0}, {"sector", "main", "from", "to"}),
        # Beyond a quarter of a meridian a circle is no ring on a map.
        ({"claimed_km": 15_000.0}, {"sector", "stated-point", "main", "from", "to"}),
        ({"to_place": "town", "claimed_km": np.nan}, {"sector", "main", "from", "to"}),
    ],
)
def test_only_what_is_stated_is_drawn_as_stated(cells, parts):
    whole = builders.changed(builders.small(), "features", "f-distance", **cells)
    assert set(of(marks.draw(whole), "f-distance").index) == parts


@pytest.mark.parametrize(
    ("table", "key", "cells"),
    [
        ("places", "coast", {"uncertainty_m": 1e12}),
        ("places", "village", {"uncertainty_m": 1e12}),
        ("places", "village", {"lon": -143.0, "lat": -48.0}),
        ("places", "coast", {"lon": 180.0}),
        ("places", "coast", {"lat": 90.0}),
        ("features", "f-route", {"to_place": "coast"}),
        ("features", "f-route", {"place": "town", "to_place": "town"}),
    ],
)
def test_extreme_places_are_drawn_too(table, key, cells):
    whole = builders.changed(builders.small(), table, key, **cells)
    whole = builders.changed(whole, "features", "f-distance", claimed_km=np.nan)
    drawn = marks.draw(whole)
    assert set(whole.features.index) <= set(drawn["feature"])
    assert np.isfinite(drawn.geometry.bounds.to_numpy()).all()


def test_a_dataset_without_features_draws_what_was_said(tmp_path):
    rows = builders.tables()
    rows["features"] = []
    drawn = marks.draw(builders.load(tmp_path / "a", rows))
    assert drawn["id"].tolist() == ["s3/spoken"]
    rows["statements"] = []
    whole = builders.load(tmp_path / "b", rows)
    drawn = marks.draw(whole)
    assert drawn.empty and tuple(drawn.columns) == marks.COLUMNS
    assert marks.visible(drawn, selection.apply(whole, Selection()), LAYERS).shape == (0,)


def test_labels_and_units_follow_the_language(tmp_path):
    rows = builders.tables()
    builders.row(rows, "features", "f-route")["unit_fr"] = "soldats"
    whole = builders.load(tmp_path, rows)
    english, french = marks.draw(whole, "en"), marks.draw(whole, "fr")
    main = {
        lang: drawn.set_index("id").loc["f-route/main", "lines"]
        for lang, drawn in (("en", english), ("fr", french))
    }
    assert main["en"][0] == "Shipped" and main["fr"][0] == "Acheminés"
    assert any(line.endswith(" soldiers") for line in main["en"])
    assert any(line.endswith(" soldats") for line in main["fr"])


# What a selection shows


@given(builders.selections(WHOLE))
@settings(max_examples=60)
def test_what_is_visible_follows_from_what_is_kept(chosen):
    kept = selection.apply(WHOLE, chosen)
    before = DRAWN.copy()
    on = marks.visible(DRAWN, kept, chosen.layer)
    assert on.shape == (len(DRAWN),) and on.dtype == bool
    pd.testing.assert_frame_equal(before, DRAWN)
    shown = DRAWN[on]
    assert set(shown["claim"]) <= set(kept.claims.index)
    for layer in LAYERS:
        assert layer in chosen.layer or layer not in set(shown["layer"])
    spoken = shown[shown["part"] == "spoken"]
    assert set(spoken["feature"]) <= set(kept.statements.index)

    status = kept.claims["status"]
    stands = status[status.isin(["sourced", "contested"])].index
    standing = shown[(shown["when"] == "standing")]
    assert set(standing["claim"]) <= set(stands)
    if "sourced" in chosen.layer:
        every = DRAWN[(DRAWN["when"] == "standing") & DRAWN["claim"].isin(stands)]
        assert set(every["id"]) == set(standing["id"])

    denials = kept.statements[kept.statements["stance"] == "denies"]
    direct = set(denials.loc[denials["scope"] == "direct", "claim"])
    overlaid = shown[shown["when"].isin(["direct", "implied"])]
    assert set(overlaid["claim"]) <= set(denials["claim"])
    for claim, when in zip(overlaid["claim"], overlaid["when"], strict=True):
        assert when == ("direct" if claim in direct else "implied")
    if "denied" in chosen.layer:
        drawable = set(DRAWN.loc[DRAWN["when"].isin(["direct", "implied"]), "claim"])
        assert set(overlaid["claim"]) == drawable & set(denials["claim"])


@given(builders.selections(WHOLE))
@settings(max_examples=30)
def test_both_layers_show_what_each_of_them_shows(chosen):
    kept = selection.apply(WHOLE, chosen)
    sourced, denied, both, none = (
        marks.visible(DRAWN, kept, layers) for layers in (("sourced",), ("denied",), LAYERS, ())
    )
    assert (both == (sourced | denied)).all()
    assert not none.any()


def test_layers_of_a_contested_claim(tmp_path):
    whole = builders.small()
    both = shown(whole, Selection())
    contested = both[both["claim"] == "shipped"]
    assert set(contested["symbol"]) == {
        *("route-inferred", "area-reported", "route-end", "spoken-denies"),
        *("denied-implied-line", "denied-implied-area"),
    }
    sourced = shown(whole, Selection(layer=("sourced",)))
    assert set(sourced.loc[sourced["claim"] == "shipped", "symbol"]) == {
        *("route-inferred", "area-reported", "route-end"),
    }
    denied = shown(whole, Selection(layer=("denied",)))
    assert set(denied["claim"]) == {"shipped"}
    assert set(denied["symbol"]) == {
        *("spoken-denies", "denied-implied-line", "denied-implied-area"),
    }
    assert shown(whole, Selection(layer=())).empty


def test_a_claim_that_is_only_denied_is_drawn_as_a_denial():
    found = shown(builders.small(), Selection(source=("kremlin",)))
    assert set(found["symbol"]) == {
        *("spoken-denies", "denied-implied-line", "denied-implied-area"),
    }
    assert shown(builders.small(), Selection(source=("kremlin",), layer=("sourced",))).empty


def test_what_is_measured_shows_with_its_claim_in_either_layer(tmp_path):
    rows = builders.tables()
    rows["statements"].append(said("no", "far", "kremlin", "denies", 1, scope="direct"))
    whole = builders.load(tmp_path, rows)
    for layer in LAYERS:
        found = shown(whole, Selection(layer=(layer,)))
        assert "f-distance/main" in set(found["id"])
        assert ("f-distance/ring" in set(found["id"])) == (layer == "sourced")
        assert ("f-distance/ring/direct" in set(found["id"])) == (layer == "denied")
    assert "f-distance/main" not in set(shown(whole, Selection(theme=("plan",)))["id"])


def test_a_direction_without_a_distance_can_be_denied_too(tmp_path):
    rows = builders.tables()
    rows["statements"].append(said("no", "far", "kremlin", "denies", 1))
    builders.row(rows, "features", "f-distance")["claimed_km"] = ""
    found = shown(builders.load(tmp_path, rows), Selection(layer=("denied",)))
    assert "f-distance/sector/implied" in set(found["id"])


def test_a_direct_denial_outweighs_an_implied_one(tmp_path):
    rows = builders.tables()
    rows["statements"].append(said("no", "shipped", "kbs", "denies", 1, scope="direct"))
    whole = builders.load(tmp_path, rows)
    whens = set(shown(whole, Selection(layer=("denied",)))["when"])
    assert "direct" in whens and "implied" not in whens
    whens = set(shown(whole, Selection(layer=("denied",), source=("kremlin",)))["when"])
    assert "implied" in whens and "direct" not in whens


def test_a_denial_that_was_taken_back_is_drawn_no_more(tmp_path):
    rows = builders.tables()
    rows["statements"] += [
        said("no", "shipped", "kbs", "denies", 1, scope="direct", place="village"),
        said("back", "shipped", "kbs", "retracts", 2),
        said("no-2", "shipped", "kremlin", "retracts", 2),
    ]
    whole = builders.load(tmp_path, rows)
    found = shown(whole, Selection())
    assert not (found["layer"] == "denied").any()
    rows["statements"].pop()
    found = shown(builders.load(tmp_path, rows), Selection())
    denied = found[found["layer"] == "denied"]
    # What stands is the Kremlin's denial by implication, spoken in the town.
    assert set(denied["when"]) == {"implied", "said"}
    assert denied.loc[denied["part"] == "spoken", "feature"].tolist() == ["s3"]


def test_a_claim_taken_back_is_drawn_as_withdrawn_until_it_is_made_again(tmp_path):
    rows = builders.tables()
    rows["statements"] += [
        said("back", "flag", "kbs", "retracts", 1),
        said("again", "flag", "kbs", "asserts", 3),
    ]
    whole = builders.load(tmp_path, rows)
    for day, symbol in (("2024-10-31", ""), ("2024-11-01", "-withdrawn"), ("2024-11-03", "")):
        chosen = replace(Selection(), as_of=pd.Timestamp(day).date())
        found = shown(whole, chosen)
        assert set(found.loc[found["claim"] == "flag", "symbol"]) == {
            f"place-presence-observed{symbol}",
            f"uncertainty{symbol}",
        }
        nothing = shown(whole, replace(chosen, layer=("denied",)))
        assert "flag" not in set(nothing["claim"])


def test_a_retraction_has_no_mark_and_leaves_what_was_measured(tmp_path):
    rows = builders.tables()
    rows["statements"].append(said("back", "far", "kbs", "retracts", 1, place="coast"))
    found = shown(builders.load(tmp_path, rows), Selection(layer=("sourced",)))
    symbols_of_it = set(found.loc[found["claim"] == "far", "symbol"])
    assert symbols_of_it == {
        *("stated-distance-withdrawn", "stated-direction-withdrawn", "stated-point-withdrawn"),
        *("measured", "measured-end"),
    }


def test_a_declined_comment_shows_in_whichever_layer_is_on(tmp_path):
    rows = builders.tables()
    rows["claims"].append({**rows["claims"][1], "id": "asked"})
    rows["statements"].append(said("hm", "asked", "kremlin", "declines", 1, place="town"))
    whole = builders.load(tmp_path, rows)
    for layers in (("sourced",), ("denied",), LAYERS):
        assert "hm/spoken" in set(shown(whole, Selection(layer=layers))["id"])
    assert shown(whole, Selection(layer=())).empty
    assert "hm/spoken" not in set(shown(whole, Selection(source=("kbs",)))["id"])


def test_an_assertion_spoken_where_its_claim_is_drawn_gets_no_second_mark(tmp_path):
    rows = builders.tables()
    rows["statements"] += [
        said("here", "flag", "kbs", "asserts", 1, place="village"),
        said("there", "flag", "kbs", "asserts", 1, place="town"),
    ]
    found = shown(builders.load(tmp_path, rows), Selection())
    assert set(found.loc[found["part"] == "spoken", "feature"]) == {"there", "s3"}


STANCES = ("asserts", "denies", "declines", "retracts")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["nis", "kbs", "kremlin"]),
            st.sampled_from(STANCES),
            st.sampled_from(["direct", "implied"]),
            st.integers(1, 5),
        ),
        min_size=1,
        max_size=7,
    ),
    st.sampled_from([(), ("sourced",), ("denied",), LAYERS]),
)
@settings(max_examples=40)
def test_any_quarrel_over_one_place_is_drawn_as_it_stands(quarrel, layers):
    """One claim, one pin: what is drawn of it, against the rule written out."""
    small = builders.small()
    template = small.statements.loc["s4"]
    rows = [
        {**template, "source": source, "stance": stance, "place": "",
         "scope": scope if stance == "denies" else "",
         "date": pd.Timestamp(2024, 11, day)}
        for source, stance, scope, day in quarrel
    ]  # fmt: skip
    index = pd.Index([f"q{i}" for i in range(len(rows))], name="id")
    whole = replace(small, statements=pd.DataFrame(rows, index=index))
    found = shown(whole, Selection(layer=layers))

    stands: dict[str, list[tuple[str, str]]] = {}
    for source, stance, scope, _day in sorted(quarrel, key=lambda q: q[3]):
        stands[source] = (
            [] if stance == "retracts" else [*stands.get(source, []), (stance, scope)]
        )
    now = [each for of_one in stands.values() for each in of_one]
    asserted = any(stance == "asserts" for stance, _ in now)
    scopes = {scope for stance, scope in now if stance == "denies"}
    ever = any(stance == "asserts" for _, stance, _, _ in quarrel)
    expected = set()
    if "sourced" in layers and asserted:
        expected |= {"place-presence-observed", "uncertainty"}
    if "sourced" in layers and ever and not asserted:
        expected |= {"place-presence-observed-withdrawn", "uncertainty-withdrawn"}
    withdrawn = ever and not asserted
    if "denied" in layers and scopes and not withdrawn:
        expected.add(f"denied-{'direct' if 'direct' in scopes else 'implied'}-point")
    assert set(found["symbol"]) == expected
