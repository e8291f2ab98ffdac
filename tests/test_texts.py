"""Numbers, days and places as each language writes them, and what stays English."""

import re
import string
from datetime import date

import hostile
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo import texts
from geo.dataset import schema

french = pytest.mark.skipif(
    "fr" not in texts.languages(), reason="no French catalogue in this checkout"
)


def test_english_is_always_on_offer_and_first():
    assert texts.languages()[0] == "en"
    assert len(set(texts.languages())) == len(texts.languages())


@pytest.mark.parametrize(
    ("value", "decimals", "english", "in_french"),
    [
        (1500, 0, "1,500", "1\u202f500"),
        (23.96, 0, "24", "24"),
        (23.96, 1, "24.0", "24,0"),
        (-0.5, 1, "-0.5", "-0,5"),
        (0, 0, "0", "0"),
        (1234567.891, 2, "1,234,567.89", "1\u202f234\u202f567,89"),
    ],
)
def test_numbers(value, decimals, english, in_french):
    assert texts.number(value, "en", decimals) == english
    assert texts.number(value, "fr", decimals).replace("\u2212", "-") == in_french


@pytest.mark.parametrize(
    ("precision", "english"),
    [
        ("day", "14 Oct 2024"),
        ("week", "week of 14 Oct 2024"),
        ("month", "October 2024"),
        ("unknown", "about 14 Oct 2024"),
    ],
)
def test_days_are_no_more_exact_than_known(precision, english):
    for value in (date(2024, 10, 14), pd.Timestamp("2024-10-14")):
        assert texts.day(value, "en", precision) == english


def test_days_in_french():
    assert texts.day(date(2024, 10, 14), "fr") == "14 oct. 2024"
    assert texts.day(date(2024, 10, 14), "fr", "month") == "octobre 2024"


@pytest.mark.parametrize("value", [None, pd.NaT])
def test_a_day_that_is_not_known(value):
    assert texts.day(value, "en", "week") == "date not known"


@pytest.mark.parametrize(
    ("lon", "lat", "english"),
    [
        (131.8865, 43.1115, "43.112° N, 131.886° E"),
        (-73.968, 40.75, "40.750° N, 73.968° W"),
        (-0.0004, -33.9, "33.900° S, 0.000° W"),
        (0, 0, "0.000° N, 0.000° E"),
    ],
)
def test_positions(lon, lat, english):
    assert texts.position(lon, lat, "en") == english


@french
def test_words_in_french():
    assert texts.position(-73.968, 40.75, "fr") == "40,750° N, 73,968° O"
    monday = date(2024, 10, 14)
    assert texts.day(monday, "fr", "week") != texts.day(monday, "en", "week")
    assert texts.grade("B", 2, "fr").startswith("B2")
    assert texts.grade("B", 2, "fr") != texts.grade("B", 2, "en")


@pytest.mark.parametrize(
    ("radius_m", "said"),
    [
        (0, "0 m"),
        (50, "50 m"),
        (999.4, "999 m"),
        (999.6, "1.0 km"),
        (1000, "1.0 km"),
        (1500, "1.5 km"),
        (9999, "10 km"),
        (20_000, "20 km"),
        (1_500_000, "1,500 km"),
    ],
)
def test_radii(radius_m, said):
    assert texts.radius(radius_m, "en") == said


@pytest.mark.parametrize(
    ("letter", "digit", "said"),
    [
        ("B", 2, "B2: usually reliable; probably true"),
        ("A", "1", "A1: completely reliable; confirmed by other sources"),
        ("F", 6, "F6: reliability cannot be judged; truth cannot be judged"),
    ],
)
def test_grades(letter, digit, said):
    assert texts.grade(letter, digit, "en") == said


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 claims"), (1, "1 claim"), (1200, "1,200 claims")]
)
def test_plurals(count, said):
    assert texts.plural("en", "{n} claim", "{n} claims", count) == said


def test_text_of_the_data_falls_back_to_english():
    row = {"name": "Kyiv", "name_fr": "Kiev"}
    assert texts.in_language(row, "name", "fr") == "Kiev"
    assert texts.in_language(row, "name", "en") == "Kyiv"
    assert texts.in_language({**row, "name_fr": ""}, "name", "fr") == "Kyiv"
    assert texts.in_language(pd.Series({"name": "Kyiv"}), "name", "fr") == "Kyiv"
    assert texts.in_language({"name": float("nan"), "name_fr": float("nan")}, "name", "fr") == ""
    assert texts.in_language({}, "name", "en") == ""


def test_an_unknown_language_or_sentence_stays_english():
    assert texts.translator("xx")("Legend") == "Legend"
    assert texts.translator("fr")("no such sentence") == "no such sentence"
    # An empty message is gettext's header, which nobody should read.
    assert all(texts.translator(lang)("") == "" for lang in texts.languages())


@pytest.mark.parametrize("lang", texts.languages())
def test_every_value_of_every_enumeration_has_a_word(lang):
    words = texts.terms(lang)
    keys = {"claimed_direction": ("wind", "wind_name")}
    for table in ("sources", "places", "claims", "statements", "features"):
        for field in schema(table)["fields"]:
            values = field.get("constraints", {}).get("enum", [])
            spoken = field["name"] not in ("date_precision", "mode")
            if field["name"] == "kind" and table != "sources":
                continue  # kinds of places and features are never spelled out
            for key in keys.get(field["name"], (field["name"],)) if spoken else ():
                assert not set(values) - words.get(key, {}).keys(), (table, field["name"])
    for key, each in words.items():
        assert all(each.values()), key
        assert key in ("wind", "wind_name") or len(set(each.values())) == len(each), key


@french
def test_translations_keep_the_blanks_of_the_english():
    def blanks(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    from babel.messages.pofile import read_po

    with (texts.LOCALE_DIR / "fr" / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale="fr")
    for message in catalogue:
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        wanted = set().union(*map(blanks, ids))
        for translated in filter(None, strings):
            assert blanks(translated) <= wanted, message.id
            assert len(ids) > 1 or blanks(translated) == wanted, message.id


# What may be shown


@given(st.text() | st.text(st.sampled_from("a \n\t\r\u202e\u2066\u200b\u200d\u0301\ufe0f\xad😀ש")))
def test_a_legible_text_steers_nothing_and_stays_as_it_is(text):
    shown = texts.legible(text)
    assert not hostile.STEERS.search(shown)
    assert texts.legible(shown) == shown
    shown.encode("utf-8")
    assert not re.search("[\u0300-\u034e]{7}", shown)
    # Nothing that can be seen is lost.
    seen = [c for c in text if c.isalnum() and c not in "\u115f\u1160\u3164\uffa0"]
    assert [c for c in shown if c.isalnum()] == seen


@pytest.mark.parametrize(
    "text",
    ["L’été à Kyïv\nétait — long", "می‌خواهم", "क्‍ष", "שָׁלוֹם", "👩‍👩‍👧 ❤️", "Việt Nam", "١٢٣", ""],
)
def test_the_writing_of_every_language_stays(text):
    assert texts.legible(text) == text
    assert texts.all_legible([text, "a"]) == [text, "a"]


def test_a_list_with_nothing_to_change_is_the_same_list():
    cells = ["a", "b\nc", "é"]
    assert texts.all_legible(cells) is cells
    assert texts.all_legible([*cells, "x\u202ey"]) == [*cells, "xy"]
