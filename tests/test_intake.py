"""Bring your own claims: from a stranger's table or map file to a dataset."""

import difflib
import json
import time
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import builders
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import dataset as datasets
from geo import exports, gazetteer, geodesy, intake, marks, selection, texts
from geo.dataset import Dataset, DatasetError
from geo.intake import Built, Matching, Raw
from geo.selection import Selection


def table(text: str, name: str = "mine.csv") -> Raw:
    return intake.read(text.encode(), name)


def built(text: str, **more) -> Built:
    raw = table(text)
    matching = replace(intake.propose(raw), **more.pop("matching", {}))
    choices = intake.sure_places(intake.places(raw, matching)) | more.pop("choices", {})
    made = intake.build(raw, matching, choices, **more)
    for lang in texts.languages():
        assert all(texts.remark(r, lang) for r in made.remarks)
        for problem in made.problems:
            assert texts.problem(problem, lang)
            assert isinstance(texts.mend(problem, lang), str)
    return made


def faults(text: str, **more) -> list[tuple]:
    return [(p.row, p.field, p.found, p.code) for p in built(text, **more).problems]


def whole(text: str, **more) -> Dataset:
    made = built(text, **more)
    assert not made.problems and made.dataset is not None
    return made.dataset


def shapes(*geometries: dict, **properties: str) -> Raw:
    features = [{"type": "Feature", "geometry": g, "properties": {"name": f"n{n}", **properties}}
                for n, g in enumerate(geometries)]  # fmt: skip
    content = json.dumps({"type": "FeatureCollection", "features": features})
    return intake.read(content.encode(), "shapes.geojson")


HEAD = "claim,source,stance,date,lon,lat\n"

ENGLISH = """Claim,Source,Stance,Date,Place,Longitude,Latitude,To place,Confidence,Link
Ships sailed,NIS,claims,2024-10-18,Chongjin,129.7758,41.7956,Vladivostok,high,a
Ships sailed,Kremlin,rejects,2024-10-21,,,,,,b
Flag shown,Photo,no comment,2024-10-22,Tsukuryne,,,,medium,c
"""
FRENCH = """Affirmation;Source;Position;Date;Lieu;Longitude;Latitude;Destination;Confiance;Lien
Ships sailed;NIS;affirme;18/10/2024;Chongjin;129,7758;41,7956;Vladivostok;élevée;a
Ships sailed;Kremlin;dément;21/10/2024;;;;;;b
Flag shown;Photo;sans commentaire;22/10/2024;Tsukuryne;;;;moyenne;c
"""


# Matching


def test_every_field_has_words_and_a_place_in_the_package():
    for lang in texts.languages():
        words = intake.field_words(lang)
        assert list(words) == [f.name for f in intake.FIELDS]
        assert all(title and description for title, description in words.values())
        titles = [title for title, _description in words.values()]
        assert len(set(titles)) == len(titles)
        for field in intake.FIELDS:
            assert set(intake.value_words(field.name, lang)) == set(field.values)


@pytest.mark.parametrize("lang", texts.languages())
def test_our_own_titles_and_names_are_known_as_headers(lang):
    for headers in (
        [title for title, _description in intake.field_words(lang).values()],
        [f.name for f in intake.FIELDS],
    ):
        cells = ("" if f.kind in ("pair", "shape") else "x" for f in intake.FIELDS)
        raw = table(",".join(headers) + "\n" + ",".join(cells) + ",")
        matching = intake.propose(raw)
        assert matching.columns == dict(zip([f.name for f in intake.FIELDS], headers, strict=True))
        assert min(intake.sureness(raw, matching).values()) > 0.98


def test_english_and_french_headers_give_the_same_dataset():
    english, french = whole(ENGLISH), whole(FRENCH)
    for name in datasets.TABLES:
        assert getattr(english, name).equals(getattr(french, name))
    assert english.statements["stance"].tolist() == ["asserts", "denies", "declines"]
    assert english.claims["confidence"].tolist() == ["high", "moderate"]
    assert english.features["kind"].tolist() == ["route", "place"]


def test_a_header_with_a_slip_is_found_but_less_sure():
    raw = table("Allegations,Sourse,Longitde,Latitude,zzz\na,b,1,2,c\n")
    matching = intake.propose(raw)
    assert matching.columns["lon"] == "Longitde" and matching.columns["source"] == "Sourse"
    assert intake.sureness(raw, matching)["lon"] < 0.95
    assert intake.unused(raw, matching) == ("zzz",)


def test_a_column_is_for_one_field_and_a_field_for_one_column():
    raw = table("title,claim,what,source\n1,2,3,4\n")
    matching = intake.propose(raw)
    assert matching.columns == {"claim": "claim", "source": "source"}


def test_the_matching_can_be_changed_and_columns_that_are_missing_are_told():
    raw = table("alpha,beta,lon,lat\nShips,NIS,1,2\n")
    made = intake.build(raw, intake.propose(raw))
    assert [(p.field, p.code) for p in made.problems] == [
        ("claim", "no-column"), ("source", "no-column"),
    ]  # fmt: skip
    matching = Matching({"claim": "alpha", "source": "beta", "lon": "lon", "lat": "lat"})
    assert intake.build(raw, matching).dataset.claims["title"].tolist() == ["Ships"]
    wrong = Matching({"claim": "alpha", "source": "gamma"})
    assert [p.field for p in intake.build(raw, wrong).problems] == ["source"]


def test_a_fixed_value_stands_for_a_column():
    made = built("claim,lon,lat\nShips,1,2\n", matching={"fixed": {"source": "Me"}})
    assert made.dataset.sources["name"].tolist() == ["Me"]


def test_the_preview_shows_how_rows_will_be_read():
    raw = table(HEAD + 'a,s,says,18/10/2024,"129,5",41.5\nb,s,perhaps,2024-02-30,1,2\n')
    seen = intake.preview(raw, intake.propose(raw))
    assert seen.loc[2].to_dict() == {
        "claim": "a", "source": "s", "stance": "asserts", "date": "2024-10-18",
        "lon": "129.5", "lat": "41.5",
    }  # fmt: skip
    assert seen.loc[3, ["stance", "date"]].tolist() == ["⚠ perhaps", "⚠ 2024-02-30"]
    assert len(intake.preview(raw, intake.propose(raw), 1)) == 1


# Values


def test_synonyms_are_read_and_told():
    made = built(HEAD + "a,s,Reported,2024-01-02,1,2\nb,s,Dément,2024-01-02,1,2\n")
    assert made.dataset.statements["stance"].tolist() == ["asserts", "denies"]
    told = [(r.code, r.found, r.read_as, r.rows) for r in made.remarks if r.field == "stance"]
    assert told == [("value", "Reported", "asserts", (2,))]


@pytest.mark.parametrize("text", ["", "?", "unknown", "80 %", "inconnue", "n/a", "sehr hoch"])
def test_an_unknown_confidence_is_never_taken_for_medium(text):
    claims = whole(f"claim,source,confidence\na,s,{text}\n").claims
    assert claims["confidence"].tolist() == ["unassessed"]


def test_an_unknown_stance_is_a_problem_until_the_user_says_what_it_means():
    text = "claim,source,stance\na,s,perhaps\nb,s,\nc,s,says\n"
    assert faults(text) == [(2, "stance", "perhaps", "enum"), (3, "stance", "", "enum")]
    raw = table(text)
    assert intake.unknown_values(raw, intake.propose(raw)) == {"stance": ("perhaps",)}
    chosen = {("stance", "perhaps"): "declines", ("stance", ""): "asserts"}
    stances = whole(text, matching={"values": chosen}).statements["stance"]
    assert stances.tolist() == ["declines", "asserts", "asserts"]


def test_without_columns_defaults_are_told():
    made = built("claim,source\na,s\n")
    codes = {r.code for r in made.remarks}
    assert {"no-stance", "no-confidence", "no-theme", "no-source-kind", "no-date"} <= codes
    row = made.dataset.statements.iloc[0]
    assert (row["stance"], row["date"].date(), row["date_precision"]) == (
        "asserts", date.today(), "unknown",
    )  # fmt: skip
    assert (row["credibility"], made.dataset.sources["reliability"].iloc[0]) == (6, "F")


@pytest.mark.parametrize(
    ("text", "day", "precision"),
    [
        ("2024-10-18", "2024-10-18", "day"), ("2024/10/18", "2024-10-18", "day"),
        ("18.10.2024", "2024-10-18", "day"), ("18/10/2024", "2024-10-18", "day"),
        ("10/18/2024", "2024-10-18", "day"), ("2024-10-18 14:05", "2024-10-18", "day"),
        ("2024-10-18T14:05:00Z", "2024-10-18", "day"), ("18 Oct 2024", "2024-10-18", "day"),
        ("October 18, 2024", "2024-10-18", "day"), ("18th of October 2024", "2024-10-18", "day"),
        ("1er août 2024", "2024-08-01", "day"), ("le 3 févr. 2024", "2024-02-03", "day"),
        ("2024-10", "2024-10-01", "month"), ("octobre 2024", "2024-10-01", "month"),
        ("2024", "2024-12-31", "unknown"),
    ],
)  # fmt: skip
def test_days_are_read_as_people_write_them(text, day, precision):
    row = whole(f'claim,source,date\na,s,"{text}"\n').statements.iloc[0]
    assert (row["date"].date().isoformat(), row["date_precision"]) == (day, precision)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2024-02-30", "date-impossible"), ("31/04/2024", "date-impossible"),
        ("2024-13-01", "date-impossible"), ("30 février 2024", "date-impossible"),
        ("1066-10-14", "date-impossible"), ("yesterday", "date-format"), ("45587", "date-format"),
        ("18/10/24", "date-format"), ("03/04/2024", "date-unclear"),
    ],
)  # fmt: skip
def test_days_that_cannot_be_are_told(text, code):
    assert faults(f"claim,source,date\na,s,{text}\n") == [(2, "date", text, code)]


def test_the_order_of_day_and_month_is_taken_from_other_rows_or_asked_for():
    text = "claim,source,date\na,s,03/04/2024\n"
    raw = table(text)
    assert intake.unclear_dates(raw, intake.propose(raw)) == ("03/04/2024",)
    for first, day in [(True, "2024-04-03"), (False, "2024-03-04")]:
        found = whole(text, matching={"day_first": first}).statements["date"].iloc[0]
        assert found.date().isoformat() == day
    made = built(text + "b,s,25/04/2024\n")
    assert made.dataset.statements["date"].iloc[0].date() == date(2024, 4, 3)
    assert "day-order" in [r.code for r in made.remarks]
    contradictory = text + "b,s,25/04/2024\nc,s,04/25/2024\n"
    assert faults(contradictory) == [(2, "date", "03/04/2024", "date-unclear")]


@pytest.mark.parametrize(
    ("text", "value"),
    [("1500", 1500), ("1 500", 1500), ("12,5", 12.5), ("1,234,567", 1234567), ("1.5e3", 1500),
     ("1.234.567,5", 1234567.5), ("12'000", 12000), ("0,125", 0.125)],
)  # fmt: skip
def test_numbers_are_read_as_people_write_them(text, value):
    row = whole(f'claim,source,lon,lat,quantity\na,s,1,2,"{text}"\n').features.iloc[0]
    assert row["quantity"] == value


@pytest.mark.parametrize(
    ("text", "code"),
    [("1,500", "number-unclear"), ("1.500", "number-unclear"), ("many", "number"),
     ("-3", "number"), ("nan", "number"), ("1e999", "number"), ("1_500", "number")],
)  # fmt: skip
def test_numbers_that_could_be_two_or_none_are_told(text, code):
    found = faults(f'claim,source,lon,lat,quantity\na,s,1,2,"{text}"\n')
    assert found == [(2, "quantity", text, code)]


# Positions


@pytest.mark.parametrize(
    ("lon", "lat", "expected"),
    [
        ("131.9", "43.1", (131.9, 43.1)), ("131,9", "43,1", (131.9, 43.1)),
        ("131.9 E", "43.1° N", (131.9, 43.1)), ("5°30' O", "10°15′36″ S", (-5.5, -10.26)),
        ("−5.5", "-10.26", (-5.5, -10.26)),
    ],
)  # fmt: skip
def test_degrees_are_read_as_people_write_them(lon, lat, expected):
    place = whole(HEAD + f'a,s,says,2024-01-02,"{lon}","{lat}"\n').places.iloc[0]
    assert (place["lon"], place["lat"]) == pytest.approx(expected)
    assert place["located_by"] == "approximate"


def test_the_decimals_of_a_position_tell_how_exact_it_can_be():
    text = HEAD + "a,s,says,2024-01-02,131.9,43.1\nb,s,says,2024-01-02,131.87353,43.10562\n"
    radii = whole(text).places["uncertainty_m"].tolist()
    assert radii == pytest.approx([5566, 100])


@pytest.mark.parametrize(
    ("lon", "lat", "found"),
    [
        ("43.1", "131.9", ("lat", "43.1, 131.9", "swapped")),
        ("432156", "5312345", ("lon", "432156, 5312345", "projected")),
        ("0", "0.0", ("lon", "0, 0.0", "zero-place")),
        ("200", "10", ("lon", "200", "maximum")),
        ("10 N", "20", ("lon", "10 N", "hemisphere")),
        ("east", "20", ("lon", "east", "degrees")),
        ("10°75'", "20", ("lon", "10°75'", "degrees")),
        ("", "20", ("lon", None, "half-position")),
    ],
)
def test_positions_that_cannot_be_are_told_with_the_likely_cause(lon, lat, found):
    field, text, code = found
    assert (2, field, text, code) in faults(HEAD + f"a,s,says,2024-01-02,{lon},{lat}\n")


PAIR = "claim;source;{head}\nFlag shown;Photo;{text}\n"


@pytest.mark.parametrize(
    ("text", "head"),
    [
        ("48.28014 N 37.17706 E", "Coordinates"),
        ("37.17706E, 48.28014N", "gps"),
        ("N48.28014 E37.17706", "Coordinates"),
        ("48°16′48.5″ N, 37°10′37.4″ E", "Coordonnées"),
        ("37° 10' 37.4\" e 48º 16' 48.5'' n", "where it was"),
        ("48.28014, 37.17706", "Lat, Lon"),
        ("(37.17706 48.28014)", "lng/lat"),
        ("48,28014 37,17706", "latitude longitude"),
        ("48,28014, 37,17706", "latlon"),
        ("48.28014|37.17706", "Position (lat, long)"),
    ],
)
def test_both_coordinates_may_stand_in_one_column(text, head):
    text = f'"{text.replace(chr(34), chr(34) * 2)}"'
    place = whole(PAIR.format(head=head, text=text)).places.iloc[0]
    assert (place["lon"], place["lat"]) == pytest.approx((37.17706, 48.28014), abs=1e-4)


def test_the_order_of_two_numbers_is_asked_for_and_never_guessed_in_silence():
    text = PAIR.format(head="coordinates", text="48.28, 37.17")
    assert faults(text) == [(2, "coordinates", "48.28, 37.17", "pair-order")]
    raw = table(text)
    assert intake.unclear_pairs(raw, intake.propose(raw)) == ("48.28, 37.17",)
    for lat_first, lon in ((True, 37.17), (False, 48.28)):
        made = built(text, matching={"lat_first": lat_first})
        assert not made.problems and made.dataset.places["lon"].tolist() == [lon]
        assert "pair-order" not in [r.code for r in made.remarks]
    # One that can only be read one way, or the header, tells the order, and that is told.
    told = built(text + "Ship seen;Photo;41.79, 129.77\n")
    assert told.dataset.places["lon"].tolist() == [37.17, 129.77]
    (remark,) = [r for r in told.remarks if r.code == "pair-order"]
    assert (remark.found, remark.read_as, remark.rows) == ("48.28, 37.17", "lat", (2,))
    # Where they contradict each other, nothing is known.
    both = text + "Ship seen;Photo;41.79, 129.77\nShip left;Photo;129.77, 41.79\n"
    assert faults(both) == [(2, "coordinates", "48.28, 37.17", "pair-order")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("48,28", "pair"),
        ("48.28", "pair"),
        ("48.28, 37.17, 120", "pair"),
        ("hill 203", "pair"),
        ("5347000, 520000", "pair"),
        ("1" * 5000, "pair"),
        ("48.28 N 37.17 S", "hemisphere"),
        ("48°75′ N 37° E", "degrees"),
        ("0.0 N 0.0 E", "zero-place"),
        ("98.5 N 37.17 E", "swapped"),
    ],
)
def test_what_is_no_position_in_one_column_is_told(text, code):
    raw = table(PAIR.format(head="seen there", text=text))
    matching = Matching({"claim": "claim", "source": "source", "position": "seen there"})
    problems = intake.build(raw, matching).problems
    assert {(p.row, p.field) for p in problems} == {(2, "seen there")}
    assert code in [p.code for p in problems]
    for lang in texts.languages():
        assert all(texts.problem(p, lang) for p in problems)
    assert intake.preview(raw, matching)["position"].tolist() == [f"⚠ {text}"]


def test_a_column_of_positions_is_known_by_what_it_holds():
    raw = table(
        "claim,source,Place,to,geom,Position,Score\n"
        'Ships sailed,NIS,41.8 N 129.8 E,43.1 N 131.9 E,,hill 203,"1, 2"\n'
    )
    found = intake.propose(raw).columns
    assert (found["position"], found["to_position"]) == ("Place", "to")
    assert {"place", "to_place"}.isdisjoint(found)
    assert found["geometry"] == "geom" and found["stance"] == "Position"  # as it is in French
    assert "Score" not in found.values()
    route = whole("claim,source,from,to\nSailed,NIS,41.8 N 129.8 E,43.1 N 131.9 E\n")
    assert route.features["kind"].tolist() == ["route"]
    assert sorted(route.places["lon"]) == [129.8, 131.9]
    # Columns of their own go before the one that has both.
    own = whole("claim,source,lat,lon,gps\nFlag,Photo,48.3,37.2,10.5 N 20.5 E\n")
    assert own.places[["lon", "lat"]].to_numpy().tolist() == [[37.2, 48.3]]


def test_the_preview_shows_a_position_so_that_its_halves_cannot_be_exchanged():
    raw = table(PAIR.format(head="lat lon", text="48.28, -37.17"))
    assert intake.preview(raw, intake.propose(raw))["position"].tolist() == ["48.28 N, 37.17 W"]


WKT = "claim;source;wkt\n{rows}\n"


def test_shapes_may_stand_in_a_column_as_well_known_text():
    texts_ = (
        "POINT (37.17 48.28)",
        "SRID=4326;POINT Z (37.5 48.5 120)",
        "LINESTRING (129.8 41.8, 131.9 43.1)",
        "POLYGON ((37 48, 38 48, 38 49, 37 49, 37 48))",
    )
    made = whole(WKT.format(rows="\n".join(f'c{n};NIS;"{t}"' for n, t in enumerate(texts_))))
    assert made.features["kind"].tolist() == ["place", "place", "route", "place"]
    assert made.places["kind"].tolist()[-1] == "region"
    assert {37.17, 37.5, 129.8, 131.9} <= set(made.places["lon"])


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("POINT (37.17", "wkt"),
        ("POINT EMPTY", "wkt"),
        ("POINT (nan 48)", "geometry"),
        ("POINT (41.8 129.8)", "swapped-shape"),
        ("SRID=32637;POINT (520000 5347000)", "unknown-crs"),
        ("POINT (520000 5347000)", "projected"),
        ("POLYGON ((1 1, 2 2))", "wkt"),
    ],
)
def test_well_known_text_that_cannot_be_is_told(text, code):
    (fault,) = faults(WKT.format(rows=f'c;NIS;"{text}"'))
    assert (fault[0], fault[1], fault[3]) == (2, "wkt", code)


def test_namesakes_are_listed_in_the_language_of_the_reader():
    raw = table("claim,source,place\nFlag shown,Photo,Paris\n")
    for lang, country in (("en", "United States"), ("fr", "États-Unis")):
        (problem,) = intake.build(raw, lang=lang).problems
        assert problem.code == "place-ambiguous"
        assert country in texts.expected(problem, lang)


def test_exchanged_columns_are_suspected_and_can_be_exchanged_back():
    text = "claim,source,place,lon,lat\na,s,Vladivostok,43.1,131.9\nb,s,Kyiv,50.45,30.52\n"
    raw = table(text)
    matching = intake.propose(raw)
    # The first by its range, the second because no Kyiv lies there and one lies at the mirror.
    assert intake.swapped(raw, matching) == 2
    assert "swapped" in [r.code for r in intake.build(raw, matching, leave_out=True).remarks]
    mended = replace(matching, swap_lon_lat=True)
    assert intake.swapped(raw, mended) == 0
    places = intake.build(raw, mended).dataset.places
    assert places["lon"].tolist() == [131.9, 30.52]


# Places by name


def test_a_name_with_namesakes_is_never_chosen_silently():
    text = "claim,source,place\na,s,Paris\nb,s,Vladivostok\nc,s,Xqzwv\n"
    raw = table(text)
    paris, vladivostok, nowhere = intake.places(raw, intake.propose(raw))
    assert (paris.rows, paris.only, vladivostok.only.name) == ((2,), None, "Vladivostok")
    assert len([f for f in paris.found if f.score == 1]) > 3 and nowhere.found == ()
    assert [f[3] for f in faults(text)] == ["place-ambiguous", "place-unknown"]
    listed = built(text).problems[0].detail
    assert all(str(f.geonames_id) in listed for f in paris.found)
    french = next(f for f in paris.found if f.country == "FR")
    choices = {"Paris": french.geonames_id, "Xqzwv": None}
    made = built(text, choices=choices).dataset
    assert made.places["reference"].tolist() == ["GeoNames 2988507", "GeoNames 2013348"]
    assert made.features["claim"].tolist() == ["a", "b"] and list(made.claims.index) == [*"abc"]


def test_a_country_behind_a_name_tells_the_town_and_is_not_its_name():
    place = whole('claim,source,place\na,s,"Paris, France"\n').places.iloc[0]
    assert (place["name"], place["reference"], place["kind"]) == (
        "Paris", "GeoNames 2988507", "city",
    )  # fmt: skip


def test_a_name_can_be_given_a_position():
    text = "claim,source,place\na,s,Xqzwv\n"
    place = whole(text, choices={"Xqzwv": (10.5, 20.5, 2500)}).places.iloc[0]
    assert (place["lon"], place["lat"], place["uncertainty_m"]) == (10.5, 20.5, 2500)
    for wrong in [(1,), (200, 0), "x", -5, (1, 2, -3), (1, 2, 3, 4)]:
        assert [f[3] for f in faults(text, choices={"Xqzwv": wrong})] == ["place-choice"]


def test_a_position_in_one_row_holds_for_the_name_in_others():
    text = "claim,source,place,lon,lat\na,s,Base X,10.25,20.25\nb,s,base x,,\n"
    made = whole(text)
    assert len(made.places) == 1 and made.features["place"].nunique() == 1


# Claims, sources, statements


def test_rows_of_one_claim_go_together_whatever_their_capitals():
    text = "claim,source,stance,confidence,theme\nIt Was So,A,says,high,plan\nit was so,B,no,low,\n"
    made = built(text)
    assert len(made.dataset.claims) == 1 and len(made.dataset.statements) == 2
    # Never surer than the least sure row.
    assert made.dataset.claims["confidence"].tolist() == ["low"]
    assert ("conflict", "confidence") in [(r.code, r.field) for r in made.remarks]
    assert selection.apply(made.dataset, Selection()).claims["status"].tolist() == ["contested"]


def test_an_identifier_holds_a_claim_together_and_may_not_stand_for_two():
    text = "claim_id,claim,source\nc1,One,s\nc1,one!,t\nc1,Another,u\n"
    assert faults(text) == [(4, "claim", "Another", "same-id")]


def test_the_same_identifier_of_two_rows_is_told():
    assert faults("id,claim,source\n7,a,s\n8,b,s\n7,c,s\n") == [(4, "id", "7", "unique")]


def test_an_origin_that_never_speaks_is_a_source_too():
    made = whole("claim,source,origin\na,Radio,Agency\na,Agency,Agency\n")
    assert made.sources["name"].tolist() == ["Radio", "Agency"]
    assert made.statements["origin"].tolist() == ["agency", ""]


def test_a_stated_distance_and_a_route_are_told_apart():
    head = "claim,source,lon,lat,to_lon,to_lat,distance (km),direction,mode\n"
    made = whole(head + "a,s,1,2,3,4,60,SSO,\nb,s,1,2,3,4,,,bateau\nc,s,1,2,3,4,,,\n")
    assert made.features["kind"].tolist() == ["distance", "route", "route"]
    assert made.features["claimed_direction"].tolist() == ["SSW", "", ""]
    assert made.features["mode"].tolist() == ["", "sea", "unknown"]


def test_ends_that_are_missing_are_told():
    head = "claim,source,kind,lon,lat,to_lon,to_lat\n"
    assert [f[3] for f in faults(head + "a,s,route,1,2,,\n")] == ["to-place"]
    assert [f[3] for f in faults(head + "a,s,,,,1,2\n")] == ["from-place"]


def test_an_event_that_ends_before_it_starts_is_told():
    text = "claim,source,event start,event end\na,s,2024-10-08,2024-10-07\n"
    assert [f[3] for f in faults(text)] == ["date-order"]


# Everything that is wrong, and the rest


BAD = (
    HEAD + "fine,s,says,2024-01-02,1,2\n"
    "bad,s,dunno,2024-02-30,43,131\n,s,says,2024-01-02,1,2\nfine,t,denies,2024-01-03,,\n"
)


def test_every_problem_is_told_at_once():
    assert faults(BAD) == [
        (3, "stance", "dunno", "enum"),
        (3, "date", "2024-02-30", "date-impossible"),
        (3, "lat", "43, 131", "swapped"),
        (4, "claim", None, "required"),
    ]
    assert built(BAD).dataset is None


def test_the_sound_rows_can_be_used_and_what_is_left_out_is_told():
    made = built(BAD, leave_out=True)
    assert (made.left_out, made.dataset.left_out, len(made.problems)) == (2, 2, 4)
    assert list(made.dataset.claims.index) == ["fine"] and len(made.dataset.statements) == 2
    assert "2 rows of the file left out" in selection.sentence(made.dataset, Selection())
    french = selection.sentence(made.dataset, Selection(lang="fr"))
    assert french.endswith("\xa0; 2 lignes du fichier écartées.")
    kept = selection.apply(made.dataset, Selection())
    assert kept.left_out == 2


def test_nothing_sound_is_no_dataset():
    made = built(HEAD + "bad,s,dunno,2024-02-30,43,131\n", leave_out=True)
    assert made.dataset is None and made.problems


def test_rows_that_the_format_could_not_read_are_told_as_well():
    made = built("claim,source\na,s\nb,s,more\n", leave_out=True)
    assert (made.left_out, [p.code for p in made.problems]) == (1, ["row-too-long"])


# Shapes


def test_points_lines_and_areas_become_places_routes_and_circles():
    ring = [[10, 50], [11, 50], [11, 51], [10, 51], [10, 50]]
    raw = shapes(
        {"type": "Point", "coordinates": [1.5, 2.5]},
        {"type": "LineString", "coordinates": [[0, 50], [5, 55], [10, 50]]},
        {"type": "Polygon", "coordinates": [ring]},
        {"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]},
    )
    made = intake.build(raw)
    whole = made.dataset
    assert not made.problems and whole.sources["name"].tolist() == ["shapes"]
    assert whole.features["kind"].tolist() == ["place", "route", "place", "place", "place"]
    assert {"n0", "n2", "n3"} <= set(whole.places["name"])
    note = whole.features["note"].iloc[1]
    assert "1 more points" in note and "km off" in note
    area = whole.places[whole.places["kind"] == "region"].iloc[0]
    for lon, lat in ring:
        away_km = geodesy.inverse(area["lon"], area["lat"], lon, lat).length_km
        assert away_km <= area["uncertainty_m"] / 1000 + 0.01
    assert {"area-circle", "line-ends", "source-fixed"} <= {r.code for r in made.remarks}
    assert len(marks.draw(whole)) >= 5


def test_an_area_over_the_180th_meridian_has_a_small_circle():
    ring = [[179, -1], [-179, -1], [-179, 1], [179, 1], [179, -1]]
    place = intake.build(shapes({"type": "Polygon", "coordinates": [ring]})).dataset.places.iloc[0]
    assert abs(abs(place["lon"]) - 180) < 0.01
    assert 150_000 < place["uncertainty_m"] < 170_000


@settings(max_examples=30)
@given(
    st.lists(
        st.tuples(st.floats(-179, 179), st.floats(-80, 80)), min_size=3, max_size=8, unique=True
    ),
    st.floats(0.01, 1),
)
def test_the_circle_of_an_area_holds_every_corner(corners, scale):
    points = [[10 + lon * scale / 4, lat * scale] for lon, lat in corners]
    import shapely

    hull = shapely.MultiPoint(points).convex_hull
    if hull.geom_type != "Polygon":
        return
    lon, lat, radius_m = intake._covering_circle(hull)
    for x, y in hull.exterior.coords:
        assert 1000 * geodesy.inverse(lon, lat, x, y).length_km <= radius_m + 1


# Round trips


@cache
def example_rows() -> Dataset:
    return whole(ENGLISH)


def same(one: Dataset, other: Dataset) -> None:
    for name in datasets.TABLES[:5]:
        before, after = getattr(one, name), getattr(other, name)
        assert list(before.index) == list(after.index)
        for column in before.columns:
            assert before[column].equals(after[column]), (name, column)


def test_what_was_built_is_the_same_after_saving_and_loading(tmp_path):
    archive = tmp_path / "saved.zip"
    archive.write_bytes(exports.to_package(example_rows(), Selection()))
    same(example_rows(), intake.load(archive))
    same(example_rows(), intake.build(intake.read(archive.read_bytes(), "x.zip")).dataset)


TEXT = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters='"'), min_size=1, max_size=12
)


@settings(max_examples=8)
@given(
    st.lists(
        st.tuples(TEXT, TEXT, st.sampled_from(["asserts", "denies", "retracts"]),
                  st.dates(date(1900, 1, 1), date(2100, 1, 1)), st.floats(-179, 179),
                  st.floats(-89, 89).filter(bool)),
        min_size=1, max_size=5,
    )
)  # fmt: skip
def test_any_sound_table_survives_the_round_trip(tmp_path_factory, rows):
    lines = [",".join(f'"{cell}"' for cell in (c, s, v, d.isoformat(), f"{x:.5f}", f"{y:.5f}"))
             for c, s, v, d, x, y in rows]  # fmt: skip
    made = built(HEAD + "\n".join(lines))
    if made.problems:  # rounded to 0, 0
        assert {p.code for p in made.problems} == {"zero-place"}
        return
    archive = tmp_path_factory.mktemp("trip") / "saved.zip"
    archive.write_bytes(exports.to_package(made.dataset, Selection()))
    same(made.dataset, datasets.load(archive))
    assert len(made.dataset.statements) == len(rows)


def test_any_file_in_one_go(tmp_path):
    file = tmp_path / "mine.csv"
    file.write_text(ENGLISH, "utf-8")
    assert intake.load(file).title == "mine"
    assert intake.load(datasets.BUILT_IN).name == datasets.load().name
    file.write_text("claim,source,place\na,s,Paris\n")
    with pytest.raises(DatasetError):
        intake.load(file)
    paris = gazetteer.propose("Paris")[0].geonames_id
    assert intake.load(file, {"Paris": paris}).places["lon"].iloc[0] == pytest.approx(2.35, abs=0.1)
    with pytest.raises(DatasetError):
        intake.load(Path("nowhere.csv"))


# Packages with unsound rows


def test_a_package_is_loaded_without_its_unsound_rows_to_a_fixed_point(tmp_path):
    rows = builders.tables()
    builders.row(rows, "places", "coast")["lon"] = "500000"
    builders.row(rows, "statements", "s5")["stance"] = "dunno"
    rows["sources"].append(dict(rows["sources"][0]))
    folder = builders.write(tmp_path, rows)
    with pytest.raises(DatasetError) as raised:
        datasets.load(folder)
    assert {p.code for p in raised.value.problems} == {"projected", "enum", "unique"}
    whole = datasets.load(folder, leave_out=True)
    # coast → f-route; s5 was all that spoke of "far", and with the claim goes its feature.
    assert "coast" not in whole.places.index
    assert list(whole.features.index) == ["f-place"]
    assert list(whole.claims.index) == ["shipped", "flag"]
    assert list(whole.sources.index) == ["nis", "kbs", "kremlin"]
    assert whole.left_out == 6
    assert "6 rows of the file left out" in selection.sentence(whole, Selection())
    made = intake.build(intake.read(folder), leave_out=True)
    assert made.left_out == 6 and {p.code for p in made.problems} >= {"projected", "enum"}


@pytest.mark.parametrize("spoil", ["header", "encoding", "all"])
def test_a_package_with_nothing_sound_is_refused_all_the_same(tmp_path, spoil):
    rows = builders.tables()
    if spoil == "all":
        rows["claims"] = [row | {"theme": "?"} for row in rows["claims"]]
    folder = builders.write(tmp_path, rows)
    file = folder / "claims.csv"
    if spoil == "header":
        file.write_text(file.read_text("utf-8").replace("theme", "topic"), "utf-8")
    if spoil == "encoding":
        file.write_bytes(file.read_bytes() + b"\xff\xfe")
    with pytest.raises(DatasetError):
        datasets.load(folder, leave_out=True)


def test_unsound_views_are_left_out_too(tmp_path):
    good = {"name": "v", "west": 1, "south": 1, "east": 2, "north": 2}
    folder = builders.write(tmp_path, views=[{"name": "w"}, good])
    whole = datasets.load(folder, leave_out=True)
    assert [v.name for v in whole.views] == ["theatre", "v"] and whole.left_out == 1


@settings(max_examples=6)
@given(st.data())
def test_what_is_left_of_any_package_is_sound(tmp_path_factory, data):
    rows = builders.tables()
    for _ in range(data.draw(st.integers(1, 3))):
        name = data.draw(st.sampled_from(datasets.TABLES[:5]))
        row = data.draw(st.sampled_from(rows[name]))
        row[data.draw(st.sampled_from(sorted(row)))] = data.draw(
            st.sampled_from(["", "?", "0", "nis", "2024-02-30"])
        )
    folder = builders.write(tmp_path_factory.mktemp("spoiled") / "p", rows)
    try:
        whole = datasets.load(folder, leave_out=True)
    except DatasetError:
        return
    total = sum(len(each) for each in rows.values())
    left = sum(len(getattr(whole, name)) for name in datasets.TABLES)
    assert whole.left_out == total - left
    archive = folder.parent / "saved.zip"
    archive.write_bytes(exports.to_package(whole, Selection()))
    assert datasets.load(archive).left_out == 0


def test_zero_and_misplaced_positions_of_a_package_are_told(tmp_path):
    for lon, lat, code in [("0", "0", "zero-place"), ("43.1", "131.9", "swapped"),
                           ("432156", "53", "projected"), ("190", "10", "maximum")]:  # fmt: skip
        rows = builders.tables()
        builder = builders.row(rows, "places", "town")
        builder["lon"], builder["lat"] = lon, lat
        with pytest.raises(DatasetError) as raised:
            builders.load(tmp_path / code, rows)
        assert code in [p.code for p in raised.value.problems]


@pytest.mark.parametrize(
    "header", ["unknown column {n:03}", "(" * 190 + "{n}", "(" * 2000 + "{n}"], ids=len
)
def test_hundreds_of_strange_columns_are_passed_over_at_once(header):
    """They took a quarter of a minute, as each was compared with thousands of words."""
    columns = [header.format(n=n) for n in range(498)]
    columns = [column[:2000] for column in columns] if len(header) < 500 else columns[:60]
    raw = table(",".join(["claim", *columns, "source"]) + "\n" + "x," * (len(columns) + 1) + "y\n")
    began = time.process_time()
    assert intake.propose(raw).columns == {"claim": "claim", "source": "source"}
    assert time.process_time() - began < 5


@given(st.sampled_from(sorted(intake._known_headers(False))), st.text("aeilnrstu ", max_size=4))
def test_what_is_compared_in_haste_is_compared_the_same(name, more):
    known = intake._known_headers(False)[name]
    for header in (known[-1] + more, more + known[0], known[0][1:] + more):
        ratio = max(difflib.SequenceMatcher(None, header, word).ratio() for word in known)
        assert intake._closest(header, known) == (ratio if ratio >= intake._LEAST_LIKENESS else 0.0)
