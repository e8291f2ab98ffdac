"""Place names looked up among the bundled towns."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo import basemap, gazetteer, texts
from geo.gazetteer import fold, propose, town


@pytest.mark.parametrize("name", ["Łódź", "LODZ", "łódź", " Lodz "])
def test_case_accents_and_blanks_do_not_matter(name):
    best = propose(name)[0]
    assert (best.name, best.country, best.score) == ("Łódź", "PL", 1.0)


def test_namesakes_all_come_and_the_most_prominent_first():
    found = propose("Paris")
    assert len(found) == 8 and {f.score for f in found} == {1.0}
    assert (found[0].country, found[1].country) == ("FR", "US")
    assert len(propose("Paris", n=50)) == len({f.geonames_id for f in propose("Paris", n=50)})


@pytest.mark.parametrize(
    ("name", "country", "admin1"),
    [
        ("Paris, FR", "FR", None),
        ("Paris, France", "FR", None),
        ("Moscow, Russia", "RU", None),
        ("Moscou, Russie", "RU", None),
        ("Paris, TX", "US", "TX"),
        ("Washington, D.C.", "US", "DC"),
    ],
)
def test_a_country_or_region_after_a_comma_keeps_to_it(name, country, admin1):
    found = propose(name)
    assert found and all(f.country == country for f in found if f.score == 1)
    assert found[0].score == 1
    assert admin1 is None or found[0].admin1 == admin1


@pytest.mark.parametrize(
    ("slip", "meant"),
    [("Vladivostk", "Vladivostok"), ("Pokrowsk", "Pokrovsk"), ("Reykjavick", "Reykjavík")],
)
def test_a_slip_finds_the_town_but_never_as_the_same_name(slip, meant):
    found = propose(slip)
    assert meant in [f.name for f in found]
    assert all(f.score < 1 for f in found)


def test_french_and_older_names_of_great_cities():
    for name, meant in [("Londres", "London"), ("Pékin", "Beijing"), ("Kiev", "Kyiv")]:
        assert meant in [f.name for f in propose(name) if f.score == 1]
    known = set(gazetteer._by_name())
    for other, name in gazetteer._OTHER_NAMES.items():
        assert fold(other) == other and name in known and other != name


@pytest.mark.parametrize(
    "name", ["", "  ", ",", "!?", "Владивосток", "x" * 10_000, "\0", "a,b,c,d"]
)
def test_what_is_no_name_here_finds_nothing_or_something_alike(name):
    assert all(f.score < 1 for f in propose(name))


def test_a_town_by_its_number():
    found = propose("Vladivostok")[0]
    assert town(found.geonames_id) == found
    assert town(-1) is None
    row = basemap.towns().set_index("geonames_id").loc[found.geonames_id]
    assert (found.lon, found.lat) == (row.geometry.x, row.geometry.y)
    assert found.population == row["population"]


def test_a_town_in_words_of_each_language():
    found = propose("Vladivostok")[0]
    assert "Russia" in found.words("en") and "604,901 inhabitants" in found.words("en")
    assert "Russie" in found.words("fr") and "habitants" in found.words("fr")


@given(st.text(max_size=60))
def test_any_text_gives_at_most_n_towns_best_first(name):
    found = propose(name, n=5)
    assert len(found) <= 5
    scores = [f.score for f in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0.75 <= score <= 1 for score in scores)
    assert len({f.geonames_id for f in found}) == len(found)


@given(st.integers(0, 195_000))
def test_every_bundled_town_is_found_by_its_own_name(position):
    table = gazetteer._towns()
    row = table.iloc[position % len(table)]
    if row["folded"]:
        found = propose(row["name"].replace(",", " "), n=2000)
        assert row["geonames_id"] in [f.geonames_id for f in found]


def test_it_is_fast_once_the_table_is_there():
    propose("Vladivostk")
    start = time.perf_counter()
    for slip in ("Vladivostokk", "Chongjinn", "Khabarovskk", "Marselle", "Stutgart"):
        propose(slip)
    assert (time.perf_counter() - start) / 5 < 0.5


def test_words_for_every_language():
    assert {propose("Oslo")[0].words(lang) for lang in texts.languages()}
