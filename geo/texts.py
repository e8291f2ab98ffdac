"""Words of the interface, English and French: gettext catalogues, numbers, dates, geographic words.

English is the language of the source strings; every other language is one catalogue,
``geo/locale/<lang>/LC_MESSAGES/messages.po``, read as it stands (no compile step).
"""

from __future__ import annotations

import gettext
import io
import math
import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path

LOCALE_DIR = Path(__file__).parent / "locale"
DEFAULT_LANG = "en"

Translate = Callable[[str], str]
_MOST_WRITTEN_OUT = 1e15  # beyond it a number is written with its exponent

# What steers how its surroundings are read, or is not seen at all: controls, marks and overrides
# of direction, zero-width signs, tags, halves of characters. Joiners stay where they join.
_UNSEEN = (
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e"
    "\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufeff\uffa0"
    "\ufff0-\ufffb\ufffe\uffff\U000e0000-\U000e0fff"
)
_MARKS = (
    "\u0300-\u034e\u0350-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0e31-\u0e3a"
    "\u0e47-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f"
)
_MOST_MARKS = 6  # on one letter; no language needs more, and a pile covers the lines above
_SPACES = "\t\x0b\x0c\x85\u2028\u2029"
_STRAY_JOINERS = "(?<!\\S)[\u200c\u200d]+|[\u200c\u200d]{2,}|[\u200c\u200d]+(?!\\S)"
_ILLEGIBLE = re.compile(
    f"[{_UNSEEN}{_SPACES}\r]|{_STRAY_JOINERS}|[{_MARKS}]{{{_MOST_MARKS + 1},}}"
)
_UNSEEN_SIGNS, _STRAYS = re.compile(f"[{_UNSEEN}]"), re.compile(_STRAY_JOINERS)
_BREAKS, _BLANKS = re.compile("\r\n?"), re.compile(f"[{_SPACES}]")
_PLAIN = bytes([*range(32, 127), 10])
_PILES = re.compile(f"([{_MARKS}]{{{_MOST_MARKS}}})[{_MARKS}]+")


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


@cache
def own_name(lang: str) -> str:
    """What a language calls itself, with a capital: Français."""
    from babel import Locale

    name = Locale.parse(lang).get_display_name(lang)
    return name[:1].upper() + name[1:]


def legible(text: str) -> str:
    """A text of the data that shows all it holds and leaves its surroundings alone.

    Without controls, signs that turn the direction, or signs of no width; of marks heaped on one
    letter the first few; line breaks as \\n and other odd blanks as a space. Every text of a
    dataset or an overlay comes through here as it is read, so nothing behind need think of it.
    """
    if not _ILLEGIBLE.search(text):
        return text
    text = _BLANKS.sub(" ", _BREAKS.sub("\n", text))
    # A joiner may be left alone by what stood beside it.
    return _PILES.sub(r"\1", _STRAYS.sub("", _UNSEEN_SIGNS.sub("", text)))


def all_legible(cells: Sequence[str]) -> Sequence[str]:
    """``legible`` of each; the same object where there is nothing to do, which is told fast."""
    joined = "\n".join(cells)
    # Most texts are plain ASCII, which takes no search to tell.
    strange = joined.encode("utf-8", "surrogatepass").translate(None, _PLAIN)
    if not strange or not _ILLEGIBLE.search(joined):
        return cells
    return [legible(cell) for cell in cells]


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
    if _MOST_WRITTEN_OUT <= abs(value) < math.inf:
        return f"{value:.3g}"
    if math.isfinite(value):
        # Rounded as Babel rounds, so that what is written alike is worked out once.
        value = Decimal(str(value)).quantize(Decimal(1).scaleb(-decimals))
    return _number(value, lang, decimals)


@lru_cache(maxsize=65536)
def _number(value: float | Decimal, lang: str, decimals: int) -> str:
    from babel.numbers import format_decimal

    pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
    return format_decimal(value, format=pattern, locale=lang)


def day(value: date | None, lang: str, precision: str = "day") -> str:
    """A date as the language writes it, no more exact than its ``precision``.

    ``precision`` is one of the dataset's: day, week, month, unknown.
    """
    if value is None or value != value:  # NaT differs from itself
        return translator(lang)("date not known")
    return _day(value.date() if hasattr(value, "date") else value, lang, precision)


@lru_cache(maxsize=8192)
def _day(value: date, lang: str, precision: str) -> str:
    from babel.dates import format_date

    _ = translator(lang)
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


@cache
def terms(lang: str) -> dict[str, dict[str, str]]:
    """The words for each value of each enumerated field, by field and value (kept: read only)."""
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
        "feature_kind": {
            "place": _("a place"),
            "route": _("a route"),
            "distance": _("a stated distance or direction"),
        },
        "mode": {
            "sea": _("by sea"),
            "land": _("by land"),
            "air": _("by air"),
            "unknown": _("not known"),
        },
        "date_precision": {
            "day": _("to the day"),
            "week": _("to the week"),
            "month": _("to the month"),
            "unknown": _("about, or not known"),
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
        "disk": _("a disk that can be read and written to, and has room"),
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
        "overlay-format": _("a GeoJSON, GeoPackage, KML or zipped shapefile"),
        "overlay-empty": _("at least one feature with a place"),
        "overlay-unreadable": _("a file that is whole and of the kind its name says"),
        "overlay-zip": _("an archive that can be unpacked ({detail})"),
        "overlay-no-shp": _("a shapefile (.shp, .shx, .dbf, .prj) in the archive"),
        "overlay-member": _("the file {detail} beside the .shp"),
        "overlay-layer": _("one of its layers: {detail}"),
        "overlay-field": _("one of its fields: {detail}"),
        "overlay-crs": _("degrees, or the name of a coordinate system that is known (.prj)"),
        "overlay-encoding": _("text in an encoding that is known ({detail})"),
        "overlay-xml": _("well-formed XML ({detail})"),
        "overlay-entities": _("XML without a document type, entities or endless nesting"),
        "overlay-points": _("at most {detail} points"),
        "overlay-room": _("no more than {detail} layers"),
        "overlay-heavy": _("less than {detail} once simplified: fewer features, or a smaller area"),
        "database-url": _("an address such as {detail}"),
        "database-away": _("a database that answers at {detail}"),
        "database-login": _("a user and a password that {detail} lets in"),
        "database-empty": _("the tables that `python -m geo database create` makes"),
        "database-postgis": _("PostGIS, which an administrator adds by CREATE EXTENSION postgis"),
        "database-rights": _("a user with the right to do this"),
        "database-rule": _("values that keep the rule {detail}"),
        "database-busy": _("a moment when nobody else is saving: try again"),
        "database-unknown": _("the name of one of its datasets: {detail}"),
        "database-no-dataset": _("a dataset, which `python -m geo database import` takes in"),
        "database-exists": _("a name that no dataset there bears yet, or --replace"),
        "database-stale": _("the newest version; changed since yours: {detail}"),
        "zip-bomb": _("an archive that unpacks to less than {detail} of its size"),
        "name-clash": _("files whose names differ in more than capital letters"),
        "password": _("an archive without a password"),
        "special-file": _("an ordinary file or a folder"),
        "too-many-columns": _("at most {detail} columns"),
        "too-many-rows": _("at most {detail} rows"),
        "empty-file": _("a table with a header row and at least one row below it"),
        "no-rows": _("at least one row below the header, or one feature"),
        "old-office": _("an .xlsx without a password, not the older .xls"),
        "other-kind": _("a table (CSV, XLSX) or a map file (GeoJSON, GeoPackage, KML)"),
        "binary": _("text; this byte stands in no text"),
        "open-quote": _("a quotation mark that closes again before the end of the file"),
        "long-cell": _("cells of less than {detail}"),
        "bad-xlsx": _("a workbook that can be read"),
        "xml-entities": _("XML that declares no entities and no document type"),
        "bad-xml": _("XML that is well formed ({detail})"),
        "formula-empty": _("the result of the formula, which the file does not hold"),
        "cell-error": _("a value, not the error of a formula"),
        "not-geojson": _("GeoJSON: a FeatureCollection, a Feature or a geometry"),
        "geometry": _("a point, line or polygon with numbers for coordinates"),
        "unknown-crs": _("a coordinate system that is known, best WGS 84"),
        "bad-geopackage": _("a GeoPackage with a layer of features that can be read"),
        "no-column": _("a column for this field"),
        "date-format": _("a day, best written as 2024-10-22"),
        "date-impossible": _("a day that exists in the calendar"),
        "date-unclear": _("a day written as 2024-10-22: here day and month could be either"),
        "degrees": _("degrees such as 43.11 or 43°06′36″ N"),
        "hemisphere": _("N or S for a latitude, E or W for a longitude"),
        "half-position": _("longitude and latitude, or neither"),
        "pair": _("both coordinates, such as 48.28, 37.17 or 48°16′48″ N 37°10′37″ E"),
        "pair-order": _(
            "letters, as in 48.28 N 37.17 E: here latitude or longitude could be the first"
        ),
        "wkt": _("well-known text of a point, line or polygon, such as POINT (37.17 48.28)"),
        "zero-place": _("a position; 0, 0 lies in the Gulf of Guinea and mostly means “not known”"),
        "projected": _("degrees; so great a number looks like metres of a projected grid"),
        "swapped": _("longitude before latitude; exchanged they would be possible: {detail}"),
        "swapped-shape": _(
            "longitude before latitude, −180 to 180 and −90 to 90; these look exchanged"
        ),
        "number": _("a number such as 1500 or 12.5, not below zero"),
        "number-unclear": _("a number without a mark for thousands: this could be either"),
        "same-id": _("one claim for each identifier; this one stands for “{detail}”"),
        "from-place": _("the place it goes from"),
        "place-unknown": _("a place with longitude and latitude; no town of that name is known"),
        "place-ambiguous": _("a choice among the towns of that or a similar name ({detail})"),
        "place-choice": _("the GeoNames number of a town, or longitude and latitude"),
        "other": "{detail}",
    }
    return phrases[found.code].format(detail=detail)


def mend(found, lang: str = DEFAULT_LANG) -> str:
    """How to mend a ``dataset.Problem``, as a sentence; "" where what is expected says it all."""
    _ = translator(lang)
    save_as_utf8 = _("Save the table as “CSV UTF-8”, or as .xlsx.")
    write_iso = _("Write the day as year-month-day, or the month as 2024-10.")
    phrases = {
        "file-missing": _("Check the path and whether you may read the file."),
        "not-a-package": _("Choose the folder or .zip that holds datapackage.json, or a table."),
        "encoding": save_as_utf8,
        "binary": save_as_utf8,
        "too-large": _("Split the file, or leave out what is not needed."),
        "too-many-rows": _("Split the table into several."),
        "too-many-columns": _("Delete the columns that are not needed; look for stray separators."),
        "zip-bomb": _("Pack the folder anew, or choose the table inside it."),
        "unsafe-path": _("Pack the folder anew, with plain file names and no links."),
        "name-clash": _("Rename one of the two and pack the folder anew."),
        "password": _("Save it without a password."),
        "special-file": _("Copy the data into an ordinary file."),
        "empty-file": _("Write the names of the columns in the first row, then a row a statement."),
        "no-rows": _("Add a row for each statement below the header."),
        "old-office": _("Open it in a spreadsheet and save it as .xlsx, without a password."),
        "other-kind": _("Save or export the data in one of these formats."),
        "open-quote": _("Look for a single quotation mark in this row and double it."),
        "bad-xlsx": _("Open it in a spreadsheet and save it anew, as .xlsx or CSV."),
        "xml-entities": _("Export the file anew, without a document type."),
        "formula-empty": _("Open the file in a spreadsheet, let it calculate, and save it."),
        "cell-error": _("Mend the formula, or write the value itself."),
        "unknown-crs": _("Export the layer in WGS 84 (EPSG 4326)."),
        "no-column": _("Choose which column has it, or add one."),
        "required": _("Fill in the cell, or leave the row out."),
        "enum": _("Choose one of the values, or say which one your word stands for."),
        "date-format": write_iso,
        "date-impossible": write_iso,
        "date-unclear": _("Say whether the day or the month comes first, or write 2024-10-22."),
        "degrees": _("Write decimal degrees, with a minus for west and south."),
        "half-position": _("Fill in both, or empty both and name a town."),
        "pair-order": _("Say whether latitude or longitude comes first, or add the letters."),
        "zero-place": _("Empty both cells and name a town, or give the true position."),
        "projected": _("Convert the coordinates to WGS 84 degrees (EPSG 4326)."),
        "swapped": _("Exchange the two columns, or have them exchanged when they are read."),
        "swapped-shape": _("Export the layer anew with longitude first."),
        "number-unclear": _("Write 1500 or 1.5."),
        "unique": _("Give one of the rows another identifier."),
        "foreign-key": _("Correct the id, or add the row that it refers to."),
        "same-id": _("Give the other claim an identifier of its own."),
        "place-unknown": _("Give longitude and latitude, or a larger town nearby."),
        "place-ambiguous": _("Choose one, or add the country: “Paris, France”."),
        "place-choice": _("Choose a town of the list, a position, or no place."),
    }
    return phrases.get(found.code, "")


def remark(found, lang: str = DEFAULT_LANG) -> str:
    """An ``intake.Remark`` in words: what was read otherwise than it stands, and how often."""
    _ = translator(lang)
    field, text, rows = found.column or found.field, found.found, len(found.rows)
    named = {"source_kind": "kind", "kind": "feature_kind", "claimed_direction": "wind"}
    codes = terms(lang).get(named.get(found.field, found.field), {})
    read_as = codes.get(found.read_as, found.read_as)
    text = codes.get(text, text) if found.code == "conflict" else text
    rows = plural(lang, "{n} row", "{n} rows", rows)
    phrases = {
        "encoding": _("The text is not UTF-8; it was read as {read_as}. Check accented letters."),
        "formulas": _("Formulas in {rows}: the result that the file holds was read."),
        "crs": _("Coordinates converted from {found} to {read_as}."),
        "day-order": _(
            "Day and month: {found} read as {read_as}, as other dates of the file show the order."
        ),
        "pair-order": (
            _("{field}: the first number of “{found}” read as the latitude ({rows}).")
            if found.read_as == "lat"
            else _("{field}: the first number of “{found}” read as the longitude ({rows}).")
        ),
        "year-alone": (
            _("{field}: “{found}” is a year alone; read as “by {read_as}” ({rows}).")
            if read_as
            else _("{field}: “{found}” is a year alone; the date was left empty ({rows}).")
        ),
        "no-date": _("No date in {rows}: what they say had been said by {read_as}, today."),
        "value": _("{field}: “{found}” read as “{read_as}” ({rows})."),
        "value-unknown": (
            _("{field}: “{found}” is not known; read as “{read_as}” ({rows}).")
            if read_as
            else _("{field}: “{found}” is not known; left empty ({rows}).")
        ),
        "decimal-comma": _("{field}: the comma of “{found}” read as a decimal point ({rows})."),
        "swapped": _(
            "Longitude and latitude look exchanged in {rows}: the town of that name lies elsewhere."
        ),
        "source-fixed": _("No source in {rows}: “{read_as}”, the file, counts as the source."),
        "no-stance": _("No column tells the stance: every row counts as asserting its claim."),
        "no-confidence": _("No column tells the confidence: every claim is not assessed."),
        "no-theme": _(
            "No column tells the theme: transport for what moves, presence for the rest."
        ),
        "no-source-kind": _("No column tells the kind of source: each counts as a news medium."),
        "unused": _("Columns not used: {found}."),
        "conflict": _(
            "{field}: rows of one claim differ; “{read_as}” kept, not “{found}” ({rows})."
        ),
        "line-ends": _("Lines with bends in {rows}: only their first and last points are kept."),
        "area-circle": _("Areas in {rows}: each is shown as a circle that holds all of it."),
    }
    return phrases[found.code].format(field=field, found=text, read_as=read_as, rows=rows)
