"""Words of the interface, English and French: gettext catalogues, numbers, dates, geographic words.

English is the language of the source strings; every other language is one catalogue,
``geo/locale/<lang>/LC_MESSAGES/messages.po``, read as it stands (no compile step).
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

LOCALE_DIR = Path(__file__).parent / "locale"
DEFAULT_LANG = "en"

Translate = Callable[[str], str]


@cache
def languages() -> tuple[str, ...]:
    """The languages on offer: English and one for each catalogue, as ISO 639-1 codes."""
    found = sorted(p.parts[-3] for p in LOCALE_DIR.glob("*/LC_MESSAGES/messages.po"))
    return (DEFAULT_LANG, *found)


@cache
def _translations(lang: str) -> gettext.NullTranslations:
    catalogue = LOCALE_DIR / lang / "LC_MESSAGES" / "messages.po"
    if not catalogue.exists():
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with catalogue.open("rb") as file:
        write_mo(compiled, read_po(file, locale=lang))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def translator(lang: str) -> Translate:
    """The function that turns an English string of the interface into ``lang``.

    A string without translation, or a language without catalogue, stays English.
    """
    translations = _translations(lang)
    return lambda message: translations.gettext(message) if message else ""


def plural(lang: str, one: str, many: str, count: int) -> str:
    """``one`` or ``many`` as the language's grammar asks for ``count``, with ``{n}`` filled in."""
    return _translations(lang).ngettext(one, many, count).format(n=number(count, lang))


def number(value: float, lang: str, decimals: int = 0) -> str:
    """A number as the language writes it, with a fixed count of decimals."""
    from babel.numbers import format_decimal

    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return format_decimal(value, format=pattern, locale=lang)


def day(value: date | None, lang: str, precision: str = "day") -> str:
    """A date as the language writes it, no more exact than its ``precision``.

    ``precision`` is one of the dataset's: day, week, month, unknown.
    """
    from babel.dates import format_date

    _ = translator(lang)
    if value is None or value != value:  # NaT differs from itself
        return _("date not known")
    value = value.date() if hasattr(value, "date") else value
    if precision == "month":
        return format_date(value, "LLLL y", locale=lang)
    # French counts the first of a month as such (1er), which the locale data leave to the writer.
    pattern = "'1er' MMM y" if lang == "fr" and value.day == 1 else "d MMM y"
    text = format_date(value, pattern, locale=lang)
    if precision == "week":
        return _("week of {day}").format(day=text)
    if precision == "unknown":
        return _("about {day}").format(day=text)
    return text


def in_language(row, field: str, lang: str) -> str:
    """The text of ``field`` in ``lang``; English where that is empty or missing.

    ``row`` is anything with ``.get`` (a Series, a dict).
    """
    if lang != DEFAULT_LANG:
        own = row.get(f"{field}_{lang}")
        if isinstance(own, str) and own:
            return own
    text = row.get(field)
    return text if isinstance(text, str) else ""


def quantity(feature, lang: str) -> str:
    """How much or how many a row of ``features`` speaks of, with its unit; "" for none."""
    amount = feature["quantity"]
    if amount != amount:  # an empty number is NaN, which differs from itself
        return ""
    return f"{number(amount, lang)} {in_language(feature, 'unit', lang)}".strip()


def position(lon: float, lat: float, lang: str) -> str:
    """A point in degrees with hemisphere letters, such as ``43.11° N, 131.89° E``."""
    _ = translator(lang)
    north = _("N") if lat >= 0 else _("S")
    east = _("E") if lon >= 0 else _("W")
    return f"{number(abs(lat), lang, 3)}° {north}, {number(abs(lon), lang, 3)}° {east}"


def radius(radius_m: float, lang: str) -> str:
    """A radius of uncertainty in the unit a reader expects: metres below 1 km, else km."""
    if round(radius_m) < 1000:
        return f"{number(radius_m, lang)} m"
    return f"{number(radius_m / 1000, lang, 1 if radius_m < 9950 else 0)} km"


def terms(lang: str) -> dict[str, dict[str, str]]:
    """The words for each value of each enumerated field, by field and value."""
    _ = translator(lang)
    return {
        "status": {
            "sourced": _("Asserted"),
            "contested": _("Contested"),
            "denied": _("Only denied"),
            "withdrawn": _("Withdrawn"),
            "declined": _("Comment declined"),
        },
        "status_help": {
            "sourced": _("someone asserts it, nobody denies it"),
            "contested": _("asserted by some, denied by others"),
            "denied": _("denied; nobody here asserts it"),
            "withdrawn": _("everyone who asserted it has taken it back"),
            "declined": _("those asked neither confirm nor deny it"),
        },
        "confidence": {
            "high": _("High"),
            "moderate": _("Moderate"),
            "low": _("Low"),
            "unassessed": _("Not assessed"),
        },
        "theme": {
            "transport": _("Transport"),
            "training": _("Training"),
            "presence": _("Presence"),
            "plan": _("Plan"),
            "front": _("Front"),
            "diplomacy": _("Diplomacy"),
        },
        "layer": {"sourced": _("Sourced"), "denied": _("Denied")},
        "stance": {
            "asserts": _("asserts"),
            "denies": _("denies"),
            "declines": _("neither confirms nor denies"),
            "retracts": _("takes back"),
        },
        "scope": {
            "direct": _("names this claim"),
            "implied": _("only by implication"),
        },
        "basis": {
            "observed": _("observed"),
            "reported": _("reported"),
            "inferred": _("inferred"),
        },
        "kind": {
            "intelligence": _("intelligence service"),
            "government": _("government"),
            "official": _("official"),
            "news": _("news medium"),
            "social-media": _("social media"),
            "analyst": _("analyst"),
        },
        "located_by": {
            "gazetteer": _("taken from a gazetteer"),
            "geolocation": _("matched with imagery"),
            "approximate": _("approximate"),
        },
        "reliability": {
            "A": _("completely reliable"),
            "B": _("usually reliable"),
            "C": _("fairly reliable"),
            "D": _("not usually reliable"),
            "E": _("unreliable"),
            "F": _("reliability cannot be judged"),
        },
        "credibility": {
            "1": _("confirmed by other sources"),
            "2": _("probably true"),
            "3": _("possibly true"),
            "4": _("doubtful"),
            "5": _("improbable"),
            "6": _("truth cannot be judged"),
        },
        "wind": {
            "N": _("N"),
            "NNE": _("NNE"),
            "NE": _("NE"),
            "ENE": _("ENE"),
            "E": _("E"),
            "ESE": _("ESE"),
            "SE": _("SE"),
            "SSE": _("SSE"),
            "S": _("S"),
            "SSW": _("SSW"),
            "SW": _("SW"),
            "WSW": _("WSW"),
            "W": _("W"),
            "WNW": _("WNW"),
            "NW": _("NW"),
            "NNW": _("NNW"),
        },
        "wind_name": {
            "N": _("north"),
            "NNE": _("north-north-east"),
            "NE": _("north-east"),
            "ENE": _("east-north-east"),
            "E": _("east"),
            "ESE": _("east-south-east"),
            "SE": _("south-east"),
            "SSE": _("south-south-east"),
            "S": _("south"),
            "SSW": _("south-south-west"),
            "SW": _("south-west"),
            "WSW": _("west-south-west"),
            "W": _("west"),
            "WNW": _("west-north-west"),
            "NW": _("north-west"),
            "NNW": _("north-north-west"),
        },
    }


def grade(letter: str, digit: str | int, lang: str) -> str:
    """An Admiralty grade spelled out, such as ``B2: usually reliable; probably true``."""
    _, words = translator(lang), terms(lang)
    return _("{grade}: {reliability}; {credibility}").format(
        grade=f"{letter}{digit}",
        reliability=words["reliability"][letter],
        credibility=words["credibility"][str(digit)],
    )


def problem(found, lang: str = DEFAULT_LANG) -> str:
    """One problem of a dataset in words: where, what was found, what is expected.

    ``found`` is a ``dataset.Problem``; this is the only place that words one.
    """
    _ = translator(lang)
    where = [found.table]
    if found.row is not None:
        where.append(_("row {row}").format(row=found.row))
    if found.field:
        where.append(_("field {field}").format(field=found.field))
    place, wanted = ", ".join(where), expected(found, lang)
    if found.found is None:
        return _("{place}: expected {expected}").format(place=place, expected=wanted)
    return _("{place}: found {found!r}, expected {expected}").format(
        place=place, found=found.found, expected=wanted
    )


def expected(found, lang: str = DEFAULT_LANG) -> str:
    """What a ``dataset.Problem`` wanted to find, in words."""
    _ = translator(lang)
    detail = found.detail
    phrases = {
        "file-missing": _("a file that can be read at {detail}"),
        "not-a-package": _("a folder or .zip that holds a datapackage.json"),
        "bad-json": _("JSON text ({detail})"),
        "table-missing": _("this table in datapackage.json"),
        "encoding": _("text in UTF-8"),
        "empty": _("a header row with the names of the columns"),
        "unreadable": _("a CSV table ({detail})"),
        "missing-column": _("this column in the header row"),
        "duplicate-column": _("each column once"),
        "row-too-short": _("as many cells as the header row has"),
        "row-too-long": _("as many cells as the header row has"),
        "blank-row": _("no empty row"),
        "required": _("a value"),
        "type": _("a value of type {detail}"),
        "enum": _("one of: {detail}"),
        "minimum": _("a number of at least {detail}"),
        "maximum": _("a number of at most {detail}"),
        "pattern": _("text to the pattern {detail}"),
        "unique": _("a value that no other row has ({detail})"),
        "foreign-key": _("an id that stands in the table {detail}"),
        "date-order": _("a day not before {detail}"),
        "to-place": _("the place it goes to, or is measured to"),
        "approach": _("pairs of longitude and latitude, as in 131.89 43.11; 131.88 43.10"),
        "unsafe-path": _("a plain path inside the package"),
        "too-large": _("less than {detail}"),
        "view": _("a view with a name and west < east, south < north, in degrees"),
        "other": "{detail}",
    }
    return phrases[found.code].format(detail=detail)
