"""The KML of a selection, for Google Earth and other globes."""

from __future__ import annotations

import html
import json
import re
from datetime import date, timedelta
from xml.etree import ElementTree as ET

import shapely
from shapely.geometry.base import BaseGeometry

from geo import extract, symbols, texts
from geo.dataset import Dataset
from geo.extract import Extract
from geo.selection import Selection
from geo.symbols import THEMES, Symbol

NAMESPACE = "http://www.opengis.net/kml/2.2"

# What XML 1.0 cannot hold, not even as a reference.
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OF_MARK = ("id", "feature", "claim", "layer", "symbol", "part", "basis", "label", "uncertainty_m")
# KML knows no hatching: a wash of the colour stands for it, the denser the more direct.
_HATCH_OPACITY = {"": 0.0, "diagonal": 0.12, "cross": 0.25}
_PIN_PX = 32  # the pin that a globe draws where a style names no picture


def write(dataset: Dataset, chosen: Selection) -> bytes:
    """What a selection of ``dataset`` shows, as KML 2.2 in UTF-8; WGS 84, longitude first.

    Folders by layer, then theme; one placemark a mark, with all its properties (``statements`` as
    JSON) and the time of the event, or of the statement for a place where something was said, no
    more exact than it is known. Claims without a mark are placemarks without geometry in a folder
    of their own. The document's description and properties say what was selected and hidden. Texts
    of the data are escaped as HTML where a globe would read them as such, and name no field of
    their own; characters that XML cannot hold become U+FFFD. No picture and no address is fetched,
    so that points are the globe's own pin in the colour of the symbol; dashes, hatching and shapes,
    which KML lacks, are told in the name or the text of the mark. The same selection gives the same
    bytes.
    """
    found = extract.gather(dataset, chosen)
    lang = chosen.lang
    _ = texts.translator(lang)
    root = ET.Element("kml", xmlns=NAMESPACE)
    document = _add(root, "Document")
    _add(document, "name", found.caveats["title"])
    _add(document, "open", "1")
    _add(document, "description", _html_lines(extract.caveat_lines(found)))
    _add(document, "styleUrl", "#text")
    _add_text_style(document)
    for key in dict.fromkeys(found.shown["symbol"]):
        _add_style(document, key, symbols.table()[key])
    _add_properties(document, found.caveats)
    writer = _Placemarks(found)
    for title, themes in _sorted(found).items():
        folder = _add_folder(document, title)
        for theme, marks in themes.items():
            # Readers that know no nesting list the inner folders alone.
            inner = _add_folder(folder, f"{title} · {theme}")
            for mark in marks:
                writer.add(inner, mark)
    if found.unlocated:
        folder = _add_folder(document, _("Without a place on the map"))
        for claim, reason in found.unlocated.items():
            writer.add_unlocated(folder, claim, reason)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def _sorted(found: Extract) -> dict[str, dict[str, list[dict]]]:
    """The marks by the title of their folder and the words of their theme, in drawing order."""
    lang = found.chosen.lang
    _ = texts.translator(lang)
    words = texts.terms(lang)
    titles = {
        "sourced": words["layer"]["sourced"],
        "denied": words["layer"]["denied"],
        "measured": _("Measured on WGS 84"),
        "declined": words["status"]["declined"],
    }
    folders = {title: {words["theme"][theme]: [] for theme in THEMES} for title in titles.values()}
    for mark in found.shown.to_dict("records"):
        layer = mark["layer"]
        if layer not in titles:
            layer = "measured" if mark["basis"] == "measured" else "declined"
        theme = found.about[mark["claim"]]["theme"]
        folders[titles[layer]][words["theme"][theme]].append(mark)
    filled = {
        title: {theme: marks for theme, marks in themes.items() if marks}
        for title, themes in folders.items()
    }
    return {title: themes for title, themes in filled.items() if themes}


class _Placemarks:
    """Makes the placemarks of an extract; what all marks of a claim say is made once."""

    def __init__(self, found: Extract):
        self.found = found
        self.lang = found.chosen.lang
        self._ = texts.translator(self.lang)
        self.words = texts.terms(self.lang)
        self.symbol_words = extract.symbol_words(self.lang)
        self.said = {s["id"]: s for about in found.about.values() for s in about["statements"]}
        self.claims = {claim: self._of_claim(claim) for claim in found.about}

    def add(self, folder: ET.Element, mark: dict) -> None:
        about = self.found.about[mark["claim"]]
        name = mark["label"] or about["claim_title"]
        if mark["layer"] == "denied":
            # Where colour is all that a globe can show, words say that this is a denial.
            name = self._line(self.symbol_words[mark["symbol"]], name)
        drawn_as = self.symbol_words[mark["symbol"]]
        if mark["part"] == "spoken":
            said = self.said[mark["feature"]]
            when = _span(said["date"], said["date"], said["date_precision"])
        else:
            when = _span(about["event_start"], about["event_end"], about["date_precision"])
        own = {key: mark[key] for key in _OF_MARK} | {"located": "true"}
        own |= {
            "uncertainty_m": extract.number(mark["uncertainty_m"]),
            "text": "\n".join(mark["lines"]),
        }
        lines = [*mark["lines"], drawn_as]
        placemark = self._placemark(folder, name, mark["claim"], lines, when, mark["symbol"], own)
        placemark.append(_geometry(mark["geometry"]))

    def add_unlocated(self, folder: ET.Element, claim: str, reason: str) -> None:
        _ = self._
        about = self.found.about[claim]
        why = {
            "no-place": _("This claim names no place."),
            "no-stance": _("This claim is not drawn: nobody here asserts or denies it."),
            "layer-off": _("This claim is not drawn: its layer is off."),
        }[reason]
        when = _span(about["event_start"], about["event_end"], about["date_precision"])
        own = {"id": f"{claim}/unlocated", "claim": claim, "located": "false", "reason": reason}
        lines = [about["claim_title"], why]
        self._placemark(folder, about["claim_title"], claim, lines, when, "text", own)

    def _placemark(
        self, folder: ET.Element, name: str, claim: str, lines, when: tuple, style: str, own: dict
    ) -> ET.Element:
        told, shared = self.claims[claim]
        placemark = _add(folder, "Placemark")
        _add(placemark, "name", name)
        _add(placemark, "Snippet", maxLines="0")
        _add(placemark, "description", _html_lines([*lines, *told]))
        _add_time(placemark, when)
        _add(placemark, "styleUrl", f"#{style}")
        _add_properties(placemark, own).extend(shared)
        return placemark

    def _of_claim(self, claim: str) -> tuple[list[str], list[ET.Element]]:
        """The lines on a claim that end each of its balloons, and its properties."""
        _, words, about = self._, self.words, self.found.about[claim]
        lines = [
            self._line(_("Status"), words["status"][about["status"]]),
            self._line(_("Confidence"), words["confidence"][about["confidence"]]),
        ]
        for head, values in (
            (_("Asserted by"), about["asserted_by"]),
            (_("Denied by"), about["denied_by"]),
            (_("Grades"), about["grades"]),
            (_("References"), about["references"]),
        ):
            if values:
                lines.append(self._line(head, _("; ").join(values)))
        day = self.found.caveats["as_of"]
        if day:
            day = texts.day(date.fromisoformat(day), self.lang)
            lines.append(_("As of {day}").format(day=day))
        holder = ET.Element("ExtendedData")
        _add_data(holder, about)
        return lines, list(holder)

    def _line(self, head: str, text: str) -> str:
        return self._("{head}: {text}").format(head=head, text=text)


# Parts of a document


def _add(parent: ET.Element, tag: str, text: str | None = None, **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, tag, attributes)
    if text is not None:
        element.text = _NOT_XML.sub("\ufffd", text)
    return element


def _add_folder(parent: ET.Element, name: str) -> ET.Element:
    folder = _add(parent, "Folder")
    _add(folder, "name", name)
    return folder


def _add_properties(parent: ET.Element, properties: dict) -> ET.Element:
    holder = _add(parent, "ExtendedData")
    _add_data(holder, properties)
    return holder


def _add_data(holder: ET.Element, properties: dict) -> None:
    for key, value in properties.items():
        if value is None:
            continue
        if isinstance(value, list):
            plain = all(isinstance(each, str) for each in value)
            value = "; ".join(value) if plain else json.dumps(value, ensure_ascii=False)
        _add(_add(holder, "Data", name=key), "value", str(value))


def _html_lines(lines: list[str]) -> str:
    """Lines of plain text as the HTML that a balloon shows: nothing in them is taken for a tag."""
    # A globe would put a field of the placemark, unescaped, for $[field].
    safe = (html.escape(line).replace("$", "&#36;") for line in lines)
    return "<br>".join("<br>".join(line.splitlines()) for line in safe)


def _span(start: str | None, end: str | None, precision: str) -> tuple[str | None, str | None]:
    """First and last moment as KML writes them, as wide as the precision leaves it open."""
    if precision == "unknown":
        return None, None
    if precision == "month":
        return start and start[:7], end and end[:7]
    if precision == "week":
        first, last = (day and date.fromisoformat(day) for day in (start, end))
        start = first and (first - timedelta(first.weekday())).isoformat()
        end = last and (last + timedelta(6 - last.weekday())).isoformat()
    return start, end


def _add_time(placemark: ET.Element, when: tuple[str | None, str | None]) -> None:
    start, end = when
    if start and start == end:
        _add(_add(placemark, "TimeStamp"), "when", start)
    elif start or end:
        span = _add(placemark, "TimeSpan")
        for tag, moment in (("begin", start), ("end", end)):
            if moment:
                _add(span, tag, moment)


def _add_text_style(document: ET.Element) -> None:
    style = _add(document, "Style", id="text")
    _add(_add(style, "BalloonStyle"), "text", "$[description]")


def _add_style(document: ET.Element, key: str, symbol: Symbol) -> None:
    style = _add(document, "Style", id=key)
    if symbol.kind == "point":
        icon = _add(style, "IconStyle")
        _add(icon, "color", _aabbggrr(symbol.colour))
        _add(icon, "scale", f"{max(symbol.size / _PIN_PX, 0.5):.2f}")
    line = _add(style, "LineStyle")
    _add(line, "color", _aabbggrr(symbol.colour))
    _add(line, "width", f"{symbol.width:g}")
    area = _add(style, "PolyStyle")
    opacity = max(symbol.fill_opacity, _HATCH_OPACITY[symbol.hatch])
    _add(area, "color", _aabbggrr(symbol.fill or symbol.colour, opacity))
    _add(_add(style, "BalloonStyle"), "text", "$[description]")


def _aabbggrr(colour: str, opacity: float = 1.0) -> str:
    """A CSS colour (#rrggbb) as KML writes it: opacity, blue, green, red."""
    red, green, blue = colour[1:3], colour[3:5], colour[5:7]
    return f"{round(255 * opacity):02x}{blue}{green}{red}"


# Geometry


def _geometry(shape: BaseGeometry) -> ET.Element:
    parts = shapely.get_parts(shape)
    if len(parts) == 1:
        return _simple(parts[0])
    holder = ET.Element("MultiGeometry")
    holder.extend(map(_simple, parts))
    return holder


def _simple(shape: BaseGeometry) -> ET.Element:
    element = ET.Element(shape.geom_type)
    if shape.geom_type == "Point":
        _add(element, "coordinates", _coordinates(shape))
        return element
    _add(element, "tessellate", "1")
    if shape.geom_type == "LineString":
        _add(element, "coordinates", _coordinates(shape))
        return element
    for tag, rings in (("outerBoundaryIs", [shape.exterior]), ("innerBoundaryIs", shape.interiors)):
        for ring in rings:
            _add(_add(_add(element, tag), "LinearRing"), "coordinates", _coordinates(ring))
    return element


def _coordinates(shape: BaseGeometry) -> str:
    return " ".join(f"{lon:.6f},{lat:.6f}" for lon, lat in shapely.get_coordinates(shape).tolist())
