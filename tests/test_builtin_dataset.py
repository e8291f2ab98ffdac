"""The built-in dataset: valid, complete, and no surer than its documents."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from frictionless import Package

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "data" / "troop-shipments"
SCHEMAS = ROOT / "geo" / "schemas"
TABLES = ["sources", "places", "claims", "statements", "features", "briefing"]
# Speakers whom the article itself does not carry.
CONTEXT_SOURCES = {
    "putin", "kbs", "kyiv-post", "geoconfirmed", "nyt", "ua-stratcom", "ru-mod", "cnn-cns",
}  # fmt: skip
RATIONALES = {
    "sources": "reliability_rationale",
    "places": "note",
    "claims": "confidence_rationale",
    "statements": "rationale",
}
ALWAYS_BOTH_LANGUAGES = {
    "sources": ["name", "reliability_rationale"],
    "places": ["name", "note"],
    "claims": ["title", "summary", "confidence_rationale"],
    "statements": ["rationale"],
    "features": ["note"],
    "briefing": ["title", "text"],
}


def table(name: str) -> pd.DataFrame:
    """One CSV table as text; an empty cell is an empty string."""
    return pd.read_csv(DATA / f"{name}.csv", dtype=str, keep_default_na=False)


def descriptor() -> dict:
    return json.loads((DATA / "datapackage.json").read_text(encoding="utf-8"))


def paragraphs(reference: str) -> set[int]:
    """Paragraph numbers in a reference such as `article ¶ 11–12`; empty for other documents."""
    match = re.fullmatch(r"article ¶ (\d+)(?:–(\d+))?", reference)
    if not match:
        return set()
    first, last = int(match[1]), int(match[2] or match[1])
    return set(range(first, last + 1))


def test_package_is_valid():
    report = Package(str(DATA / "datapackage.json")).validate()
    assert report.valid, report.flatten(["type", "rowNumber", "fieldName", "note"])
    assert [task.name for task in report.tasks] == TABLES


@pytest.mark.parametrize("name", TABLES)
def test_inline_schema_is_the_canonical_one_plus_extra_columns(name):
    canonical = json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))
    inline = next(r for r in descriptor()["resources"] if r["name"] == name)["schema"]
    known = len(canonical["fields"])
    extra = inline["fields"][known:]
    assert {**inline, "fields": inline["fields"][:known]} == canonical
    assert all(field["name"].endswith("_fr") for field in extra)


def test_every_paragraph_is_referenced():
    cited = set().union(*table("statements")["reference"].map(paragraphs))
    assert cited == set(range(1, 19))


def test_context_is_never_passed_off_as_the_article():
    statements = table("statements")
    of_article = statements["reference"].str.startswith("article")
    assert statements.loc[of_article, "reference"].map(paragraphs).map(bool).all()
    assert not set(statements.loc[of_article, "source"]) & CONTEXT_SOURCES
    assert not set(statements.loc[~of_article, "source"]) & {"article"}
    later = statements["date"] > "2024-10-22"
    assert later.any() and not (later & of_article).any()


@pytest.mark.parametrize(("name", "column"), RATIONALES.items())
def test_every_judgement_has_its_rationale(name, column):
    rows = table(name)
    assert rows.loc[rows[column].str.len() < 20, "id"].tolist() == []


@pytest.mark.parametrize("name", TABLES)
def test_french_stands_wherever_english_does(name):
    rows = table(name)
    pairs = [column for column in rows if column.endswith("_fr")]
    assert {f"{column}_fr" for column in ALWAYS_BOTH_LANGUAGES[name]} <= set(pairs)
    for column in pairs:
        english = column.removesuffix("_fr")
        assert ((rows[english] == "") == (rows[column] == "")).all(), column
    for column in ALWAYS_BOTH_LANGUAGES[name]:
        assert (rows[f"{column}_fr"] != "").all(), column


def test_package_and_views_have_both_languages():
    package = descriptor()
    assert package["title_fr"] and package["description_fr"]
    assert all(view["title"] and view["title_fr"] for view in package["views"])


def test_titles_are_short():
    claims = table("claims")
    for column in ("title", "title_fr"):
        assert claims.loc[claims[column].str.len() > 60, column].tolist() == []


def test_quotations_are_a_few_words():
    statements = table("statements")
    for column in ("quote", "quote_fr"):
        words = statements[column].str.split().str.len()
        assert statements.loc[words > 8, "id"].tolist() == []
        assert (words > 0).any()


@pytest.mark.parametrize(
    ("place", "lon", "lat"),
    [
        ("pokrovsk", 37, 48),
        ("tsukuryne", 37, 48),
        ("vladivostok", 131, 43),
        ("sergeevka", 131, 44),
        ("seoul", 126, 37),
        ("un-hq", -74, 40),
    ],
)
def test_longitude_and_latitude_are_not_swapped(place, lon, lat):
    row = table("places").set_index("id").loc[place]
    assert lon <= float(row["lon"]) < lon + 1
    assert lat <= float(row["lat"]) < lat + 1


def test_approach_starts_at_the_quay():
    port = table("places").set_index("id").loc["vladivostok"]
    first = port["approach"].split(";")[0].split()
    assert [float(first[0]), float(first[1])] == [float(port["lon"]), float(port["lat"])]


def test_only_denials_have_a_scope_and_each_a_place():
    statements = table("statements")
    denial = statements["stance"] == "denies"
    assert (denial == (statements["scope"] != "")).all()
    assert set(statements.loc[denial, "place"]) == {"pyongyang", "moscow", "un-hq"}


def test_denials_reach_no_further_than_they_were_said():
    statements = table("statements").query("stance == 'denies'")
    direct = statements.query("scope == 'direct'")
    assert set(direct["claim"]) == {"troops-in-ukraine"}
    assert set(direct["source"]) == {"north-korea", "kremlin"}
    of_kremlin = statements.query("source == 'kremlin'")
    assert set(of_kremlin["claim"]) == {"troops-in-ukraine", "flag-tsukuryne"}


def test_outlets_that_repeat_the_nis_name_it_as_origin():
    repeated = table("statements").query("source in ['kbs', 'kyiv-post']")
    assert len(repeated) > 1
    assert set(repeated["origin"]) == {"nis"}


def test_every_claim_source_and_place_is_used():
    claims, statements, features = table("claims"), table("statements"), table("features")
    assert set(claims["id"]) == set(statements["claim"]) == set(features["claim"])
    assert set(table("sources")["id"]) == set(statements["source"]) | set(statements["origin"]) - {
        ""
    }
    drawn = set(features["place"]) | set(features["to_place"]) | set(statements["place"])
    assert set(table("places")["id"]) == drawn - {""}


def test_the_1500_are_counted_once_and_no_track_is_called_observed():
    shipped = table("features").query("claim == 'shipped-1500'")
    routes = shipped.query("kind == 'route'")
    assert set(routes["place"]) == {"chongjin-area", "hungnam-area", "musudan-area"}
    assert set(routes["to_place"]) == {"vladivostok"}
    assert set(routes["basis"]) == {"inferred"} and set(routes["mode"]) == {"sea"}
    assert shipped.loc[shipped["quantity"] != "", "quantity"].tolist() == ["1500"]


def test_the_stated_distance_is_kept_as_printed():
    distance = table("features").query("kind == 'distance'").iloc[0]
    assert (distance["place"], distance["to_place"]) == ("pokrovsk", "tsukuryne")
    assert (distance["claimed_km"], distance["claimed_direction"]) == ("60", "SE")


def test_briefing_tells_of_claims_that_exist_inside_real_bounds():
    briefing = table("briefing")
    known = set(table("claims")["id"])
    assert briefing["step"].tolist() == [str(n) for n in range(1, len(briefing) + 1)]
    told = set(" ".join(briefing["claims"]).split())
    assert told == known
    assert (briefing["west"].astype(float) < briefing["east"].astype(float)).all()
    assert (briefing["south"].astype(float) < briefing["north"].astype(float)).all()


def test_views_hold_what_they_are_named_for():
    views = {view["name"]: view for view in descriptor()["views"]}
    assert list(views) == ["theatre", "routes", "base", "pokrovsk"]
    places = table("places").set_index("id")[["lon", "lat"]].astype(float)
    inside = {
        "theatre": list(places.index),
        "routes": ["chongjin-area", "hungnam-area", "musudan-area", "vladivostok", "sergeevka"],
        "base": ["sergeevka", "ussuriysk", "vladivostok", "dunai"],
        "pokrovsk": ["pokrovsk", "tsukuryne"],
    }
    for name, ids in inside.items():
        view, points = views[name], places.loc[ids]
        assert points["lon"].between(view["west"], view["east"]).all(), name
        assert points["lat"].between(view["south"], view["north"]).all(), name
