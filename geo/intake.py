"""Bring your own claims: from a stranger's table or map file to a ``Dataset``.

``read`` gives the file as rows of text; ``propose`` guesses which column is which of our ``FIELDS``
and the user corrects it; ``places`` lists the names that need a position, with towns to choose
from; ``build`` makes the dataset. What cannot be read is a ``Problem`` with its row; what is read
otherwise than it stands, or filled in, is a ``Remark``. Nothing is guessed without telling.
"""

from __future__ import annotations

import csv
import difflib
import json
import math
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import shapely
from shapely.geometry.base import BaseGeometry

from geo import dataset as datasets
from geo import gazetteer, geodesy, texts
from geo.dataset import Dataset, DatasetError, Problem
from geo.gazetteer import Found, fold
from geo.reading import Raw, Remark, is_wkt, read, shape_of_wkt

# What is chosen for a place name: GeoNames id; lon, lat; lon, lat, radius in metres; or no place.
Choices = Mapping[str, int | tuple[float, ...] | None]

_KM_PER_DEGREE = 111.32
_LEAST_RADIUS_M = 100.0  # no position in a table is taken for surer than that
_TOWN_RADII_M = {1_000_000: 10_000, 100_000: 5_000, 10_000: 3_000, 0: 1_000}  # by inhabitants
_CITY_INHABITANTS = 50_000
_LONGEST_LABEL = 60
_FAR_KM, _NEAR_KM = 500.0, 100.0  # a namesake that far from a position, that near to its mirror


# Fields


@dataclass(frozen=True)
class Field:
    """One of our fields. ``values`` is its closed list; ``fallback`` is what a value outside the
    list is read as, with a remark (None: it is a problem). ``kind``: text, date, lon, lat, pair (a
    position in one column), shape, number, place or source.
    """

    name: str
    required: bool = False
    values: tuple[str, ...] = ()
    fallback: str | None = None
    kind: str = "text"


def _list(table: str, name: str) -> tuple[str, ...]:
    fields = {f["name"]: f for f in datasets.schema(table)["fields"]}
    return tuple(str(value) for value in fields[name]["constraints"]["enum"])


# The digits of credibility are a closed list too, though the schema has them as a range.
_DIGITS = ("1", "2", "3", "4", "5", "6")

FIELDS: tuple[Field, ...] = (
    Field("claim", required=True),
    Field("source", required=True, kind="source"),
    Field("stance", values=_list("statements", "stance")),
    Field("date", kind="date"),
    Field("place", kind="place"),
    Field("lon", kind="lon"),
    Field("lat", kind="lat"),
    Field("to_place", kind="place"),
    Field("to_lon", kind="lon"),
    Field("to_lat", kind="lat"),
    Field("position", kind="pair"),
    Field("to_position", kind="pair"),
    Field("geometry", kind="shape"),
    Field("confidence", values=_list("claims", "confidence"), fallback="unassessed"),
    Field("reference"),
    Field("theme", values=_list("claims", "theme"), fallback=""),
    Field("quote"),
    Field("summary"),
    Field("origin", kind="source"),
    Field("speaker"),
    Field("said_at", kind="place"),
    Field("scope", values=_list("statements", "scope"), fallback=""),
    Field("date_precision", values=_list("statements", "date_precision"), fallback=""),
    Field("event_start", kind="date"),
    Field("event_end", kind="date"),
    Field("kind", values=_list("features", "kind")),
    Field("mode", values=_list("features", "mode"), fallback="unknown"),
    Field("basis", values=_list("features", "basis"), fallback="reported"),
    Field("uncertainty_km", kind="number"),
    Field("located_by", values=_list("places", "located_by"), fallback="approximate"),
    Field("quantity", kind="number"),
    Field("unit"),
    Field("claimed_km", kind="number"),
    Field("claimed_direction", values=_list("features", "claimed_direction")),
    Field("confidence_rationale"),
    Field("source_kind", values=_list("sources", "kind"), fallback="news"),
    Field("source_country"),
    Field("reliability", values=_list("sources", "reliability"), fallback="F"),
    Field("credibility", values=_DIGITS, fallback="6"),
    Field("rationale"),
    Field("note"),
    Field("id"),
    Field("claim_id"),
    Field("claim_fr"),
    Field("summary_fr"),
    Field("source_fr"),
    Field("place_fr"),
    Field("to_place_fr"),
    Field("quote_fr"),
)
_BY_NAME = {f.name: f for f in FIELDS}
_DATES = tuple(f.name for f in FIELDS if f.kind == "date")


def field_words(lang: str) -> dict[str, tuple[str, str]]:
    """Title and description of each field, by its name."""
    _ = texts.translator(lang)
    french = _("{title} in French")
    words = {
        "claim": (
            _("Claim"),
            _("What is alleged, in one line. Rows with the same claim go together."),
        ),
        "source": (
            _("Source"),
            _("Who says so: an agency, a ministry, a newspaper, an account."),
        ),
        "stance": (
            _("Stance"),
            _(
                "Whether the source asserts the claim, denies it, neither confirms nor denies "
                "it, or takes it back. Without this column every row asserts."
            ),
        ),
        "date": (
            _("Date"),
            _("When it was said, best as 2024-10-22."),
        ),
        "place": (
            _("Place"),
            _(
                "Where it is said to be or to start. A town is enough; others need longitude "
                "and latitude."
            ),
        ),
        "lon": (
            _("Longitude"),
            _("Degrees east of Greenwich, −180 to 180, WGS 84."),
        ),
        "lat": (
            _("Latitude"),
            _("Degrees north of the equator, −90 to 90, WGS 84."),
        ),
        "to_place": (
            _("To place"),
            _("Where a route ends, or the place to which a distance is stated."),
        ),
        "to_lon": (
            _("To longitude"),
            _("Longitude of the place it goes to."),
        ),
        "to_lat": (
            _("To latitude"),
            _("Latitude of the place it goes to."),
        ),
        "position": (
            _("Position in one column"),
            _(
                "Latitude and longitude together, such as 48.28, 37.17 or 48°16′48″ N 37°10′37″ E. "
                "Read where longitude and latitude are empty."
            ),
        ),
        "to_position": (
            _("To position in one column"),
            _("Both coordinates of the place it goes to, together."),
        ),
        "geometry": (
            _("Shape (WKT)"),
            _(
                "A point, line or polygon as well-known text in degrees, longitude first, such as "
                "POINT (37.17 48.28)."
            ),
        ),
        "confidence": (
            _("Confidence"),
            _(
                "How sure the analyst is that the claim is so. Empty or unknown words count as "
                "not assessed."
            ),
        ),
        "reference": (
            _("Reference"),
            _("Where it can be read: publication, date, page or address."),
        ),
        "theme": (
            _("Theme"),
            _("What the claim is about; it decides the symbol."),
        ),
        "quote": (
            _("Quote"),
            _("A few words as they were said."),
        ),
        "summary": (
            _("Summary"),
            _("The claim in a few sentences."),
        ),
        "origin": (
            _("Origin"),
            _(
                "Whose information the source repeats; empty for its own. Ten papers that "
                "repeat one agency are one origin."
            ),
        ),
        "speaker": (
            _("Speaker"),
            _("Who exactly spoke for the source."),
        ),
        "said_at": (
            _("Said at"),
            _("The town where it was said."),
        ),
        "scope": (
            _("Scope of a denial"),
            _("Whether a denial names this claim or only bears on it."),
        ),
        "date_precision": (
            _("Date precision"),
            _("How exact the date is."),
        ),
        "event_start": (
            _("Event start"),
            _("First day on which it is said to have happened."),
        ),
        "event_end": (
            _("Event end"),
            _("Last day, if there were several."),
        ),
        "kind": (
            _("Kind"),
            _(
                "A place, a route, or a stated distance. Left out, it follows from the other "
                "columns."
            ),
        ),
        "mode": (
            _("Mode"),
            _("How a route is said to go."),
        ),
        "basis": (
            _("Basis"),
            _("Whether the place was seen, told, or is your own reading."),
        ),
        "uncertainty_km": (
            _("Uncertainty (km)"),
            _("Radius within which the true spot lies."),
        ),
        "located_by": (
            _("Located by"),
            _("How the position was found."),
        ),
        "quantity": (
            _("Quantity"),
            _("A number that the claim gives."),
        ),
        "unit": (
            _("Unit"),
            _("What the quantity counts."),
        ),
        "claimed_km": (
            _("Claimed distance (km)"),
            _("The distance as it was stated; it is held against the measured one."),
        ),
        "claimed_direction": (
            _("Claimed direction"),
            _("The direction as it was stated, such as SE."),
        ),
        "confidence_rationale": (
            _("Why that confidence"),
            _("Grounds for the confidence."),
        ),
        "source_kind": (
            _("Kind of source"),
            _("What sort of speaker the source is."),
        ),
        "source_country": (
            _("Country of the source"),
            _("Two letters, such as FR."),
        ),
        "reliability": (
            _("Reliability"),
            _("The source’s letter on the Admiralty scale, A to F; F cannot be judged."),
        ),
        "credibility": (
            _("Credibility"),
            _("The statement’s digit on the Admiralty scale, 1 to 6; 6 cannot be judged."),
        ),
        "rationale": (
            _("Why that grade"),
            _("Grounds for the credibility."),
        ),
        "note": (
            _("Note"),
            _("What to know about the place or route."),
        ),
        "id": (
            _("Identifier"),
            _("Your own number or name of the row; no two rows share one."),
        ),
        "claim_id": (
            _("Identifier of the claim"),
            _(
                "Your own number or name of the claim, where rows of one claim are worded "
                "differently."
            ),
        ),
    }
    for name in ("claim", "summary", "source", "place", "to_place", "quote"):
        title = french.format(title=words[name][0])
        words[f"{name}_fr"] = (title, _("Shown to French readers; the other text where empty."))
    return {f.name: words[f.name] for f in FIELDS}


def value_words(field: str, lang: str) -> dict[str, str]:
    """The closed list of a field in words, by code; empty where the field is free."""
    named = {"source_kind": "kind", "kind": "feature_kind", "claimed_direction": "wind_name"}
    words = texts.terms(lang).get(named.get(field, field), {})
    return {value: words[value] for value in _BY_NAME[field].values}


# Headers that mean a field, folded (no case, no accents); English and French.
_HEADERS: dict[str, str] = {
    "claim": "claim, claims, allegation, assertion, affirmation, allegations, fait allegue, title, "
    "titre, headline, event, evenement, intitule, what, quoi, claim title, enonce, incident",
    "source": "source, sources, speaker organisation, outlet, media, medium, publisher, who, qui, "
    "source name, nom de la source, emetteur, locuteur, organisation, organization",
    "stance": "stance, position de la source, attitude, verb, verbe, says, statement type, "
    "prise de position, status, statut, assertion type, affirme ou dement, type of statement",
    "date": "date, day, jour, statement date, date of statement, said on, published, publie le, "
    "date de declaration, publication date, date de publication, dit le, when, quand",
    "place": "place, location, lieu, town, city, ville, place name, nom du lieu, endroit, from, "
    "de, site, locality, localite, where, ou, from place, lieu de depart, origin place, depart, "
    "start",
    "lon": "lon, long, lng, longitude, x, lon deg, from lon, longitude deg, start lon",
    "lat": "lat, latitude, y, lat deg, from lat, latitude deg, start lat",
    "to_place": "to place, to, destination, vers, a, lieu d arrivee, arrivee, end, end place, "
    "destination place, vers lieu, lieu de destination, target",
    "to_lon": "to lon, to longitude, lon to, lon 2, lon2, destination lon, end lon, "
    "destination longitude, longitude d arrivee, to long, to lng, x2",
    "to_lat": "to lat, to latitude, lat to, lat 2, lat2, destination lat, end lat, "
    "destination latitude, latitude d arrivee, y2",
    "position": "position, coordinates, coords, coordinate, coordonnees, gps, gps coordinates, "
    "lat lon, lat long, lat lng, latlon, latlong, latlng, lon lat, lonlat, long lat, lng lat, "
    "lnglat, latitude longitude, longitude latitude, geo, geolocation, coordonnees gps, point",
    "to_position": "to position, to coordinates, to coords, destination coordinates, "
    "end coordinates, coordonnees d arrivee, to lat lon, to latlon",
    "geometry": "geometry, wkt, geom, the geom, wkt geom, wkt geometry, geometrie, shape, forme",
    "confidence": "confidence, confiance, confidence level, niveau de confiance, certainty, "
    "certitude, degre de confiance, analyst confidence",
    "reference": "reference, references, url, link, lien, ref, citation, document, source url, "
    "adresse, article",
    "theme": "theme, topic, category, categorie, sujet, subject, rubrique, tag",
    "quote": "quote, quotation, citation exacte, quoted, verbatim, mots, wording, propos",
    "summary": "summary, description, resume, details, detail, text, texte, abstract",
    "origin": "origin, origine, original source, source d origine, repeats, via, according to, "
    "source premiere, d apres, origin source",
    "speaker": "speaker, spokesperson, porte parole, person, personne, said by, orateur, dit par",
    "said_at": "said at, said in, lieu de declaration, dit a, place of statement, spoken at",
    "scope": "scope, portee, denial scope, portee du dementi, scope of a denial",
    "date_precision": "date precision, precision, precision de la date, date accuracy",
    "event_start": "event start, event date, date de l evenement, start date, date debut, begin, "
    "debut, date of event, happened on, date de debut, debut de l evenement, event begin",
    "event_end": "event end, end date, date fin, date de fin, fin de l evenement, fin",
    "kind": "kind, feature kind, geometry kind, nature, type de lieu, genre, feature type",
    "mode": "mode, mode of transport, transport mode, mode de transport, moyen, means, by",
    "basis": "basis, fondement, base, evidence basis, geometry basis",
    "uncertainty_km": "uncertainty km, uncertainty, incertitude, incertitude km, radius km, "
    "rayon km, accuracy km, precision km, rayon, radius",
    "located_by": "located by, localise par, localisation, how located, mode de localisation",
    "quantity": "quantity, quantite, number, nombre, count, amount, effectif, how many, combien",
    "unit": "unit, unite, units, of what, unites",
    "claimed_km": "claimed km, distance, distance km, claimed distance, distance annoncee, "
    "stated distance, km, distance affirmee, claimed distance km, distance annoncee km",
    "claimed_direction": "claimed direction, direction, direction annoncee, bearing, cap, azimut, "
    "stated direction, direction affirmee",
    "confidence_rationale": "confidence rationale, why that confidence, motif de la confiance, "
    "confidence reason, pourquoi cette confiance",
    "source_kind": "source kind, kind of source, source type, type of source, type de source, "
    "nature de la source, genre de source",
    "source_country": "source country, country of the source, pays de la source, country, pays",
    "reliability": "reliability, fiabilite, source reliability, fiabilite de la source",
    "credibility": "credibility, credibilite, information credibility, vraisemblance",
    "rationale": "rationale, why that grade, motif, justification, motif de la cote",
    "note": "note, notes, remark, remarks, remarque, remarques, comment, comments, commentaire",
    "id": "id, identifier, identifiant, no, nr, number of row, statement id, numero, n",
    "claim_id": "claim id, claim identifier, identifiant de l affirmation, id affirmation, "
    "identifier of the claim, claim no, claim number",
    "claim_fr": "claim fr, title fr, affirmation fr, titre fr, claim in french, titre en francais",
    "summary_fr": "summary fr, resume fr, summary in french, resume en francais, description fr",
    "source_fr": "source fr, source in french, source en francais, nom fr",
    "place_fr": "place fr, lieu fr, place in french, lieu en francais",
    "to_place_fr": "to place fr, destination fr, to place in french",
    "quote_fr": "quote fr, citation fr, quote in french",
}
# Headers of map files, whose features have a name rather than a claim.
_SHAPE_HEADERS = {"claim": "name, nom, label, libelle, id", "summary": "desc", "date": "timestamp"}
_LEAST_LIKENESS = 0.82
_LONGEST_HEADER = 200  # characters: what is longer names no field


@dataclass(frozen=True)
class Matching:
    """Which column is which field, and how to read what can be read in two ways.

    ``columns``: field name → column name. ``fixed``: field name → the value of every row whose own
    column, if there is one, is empty. ``swap_lon_lat``: the two columns are the other way round.
    ``day_first``: whether 03/04/2024 is in April; None for what the column itself shows.
    ``lat_first``: whether 48.28, 37.17 in one column begins with the latitude; None for what the
    column or its header shows.
    ``values``: (field, text as found) → value of the closed list.
    """

    columns: dict[str, str] = field(default_factory=dict)
    swap_lon_lat: bool = False
    day_first: bool | None = None
    lat_first: bool | None = None
    values: dict[tuple[str, str], str] = field(default_factory=dict)
    fixed: dict[str, str] = field(default_factory=dict)


@cache
def _known_headers(shapes: bool) -> dict[str, tuple[str, ...]]:
    known = {}
    titles = [field_words(lang) for lang in texts.languages()]
    for f in FIELDS:
        more = _SHAPE_HEADERS.get(f.name, "") if shapes else ""
        listed = [fold(word) for word in f"{_HEADERS[f.name]},{more}".split(",")]
        own = [fold(f.name), *(fold(words[f.name][0]) for words in titles)]
        known[f.name] = tuple(dict.fromkeys(word for word in (*own, *listed) if word))
    return known


@lru_cache(maxsize=1024)
def _header(column: str) -> tuple[str, str]:
    """A header folded, as a whole and without what stands in brackets, as in "Distance (km)"."""
    if len(column) > _LONGEST_HEADER:
        return "", ""
    return fold(column), fold(re.sub(r"[(\[].*?[)\]]", " ", column))


def _likeness(name: str, column: str, shapes: bool) -> float:
    """How like a header is to the names of a field: 1 for one of them, 0 for none."""
    header, bare = _header(column)
    known = _known_headers(shapes)[name]
    if not header:
        return 0.0
    if header in known:
        return 1.0 - known.index(header) / 1000  # the earlier the more usual
    if bare in known:
        return 0.95 - known.index(bare) / 1000
    # Short headers are like everything.
    return round(0.9 * _closest(header, known), 3) if len(header) > 4 else 0.0


def _closest(header: str, known: tuple[str, ...]) -> float:
    """The greatest likeness to one of the words, or 0 where none is like enough."""
    best = 0.0
    for word in known:
        # Hundreds of columns against thousands of words: first what costs nothing to know.
        if 2 * min(len(header), len(word)) < _LEAST_LIKENESS * (len(header) + len(word)):
            continue
        matcher = difflib.SequenceMatcher(None, header, word)
        if matcher.quick_ratio() >= _LEAST_LIKENESS:
            best = max(best, matcher.ratio())
    return best if best >= _LEAST_LIKENESS else 0.0


_MOST_LOOKED_AT = 200  # rows


def _held(raw: Raw, position: int) -> tuple[str, float]:
    """Whether a column's texts are positions (pair) or shapes, "" for neither, and what share."""
    texts_ = [row[position] for row in raw.rows[:_MOST_LOOKED_AT] if row[position]]
    if not texts_:
        return "", 0.0
    wkt = sum(map(is_wkt, texts_)) / len(texts_)
    if wkt:
        return "shape", wkt
    pairs = [text for text in texts_ if _split(text)]
    # Whole numbers might be a score, or months and days.
    exact = any(re.search(r"\d[.,°º]\d|[a-z]", text, re.I) for text in pairs)
    return ("pair", len(pairs) / len(texts_)) if exact else ("", 1.0)


def _fitness(of: Field, column: str, shapes: bool, held: tuple[str, float]) -> float:
    """How like a column is to what a field wants, by its header and by what it holds."""
    likeness = _likeness(of.name, column, shapes)
    kind, share = held
    if of.kind in ("pair", "shape"):
        if kind != of.kind:
            return 0.0 if share else likeness
        by_content = 0.5 if of.name in ("position", "geometry") else 0.4
        return max(likeness * (share >= 0.5), by_content * (share == 1))
    # What holds positions throughout is no name of a place, whatever it is called.
    return 0.0 if kind and share == 1 else likeness


def propose(raw: Raw) -> Matching:
    """The likeliest matching by the headers: each column for one field, each field once.

    A column that holds positions or shapes throughout is for these, whatever it is called.
    """
    shapes = raw.shapes is not None
    held = [_held(raw, position) for position in range(len(raw.columns))]
    scored = sorted(
        (
            (-_fitness(f, column, shapes, held[position]), number, position)
            for number, f in enumerate(FIELDS)
            for position, column in enumerate(raw.columns)
            if not (shapes and f.kind == "shape")  # the file has them already
        ),
    )
    found: dict[str, str] = {}
    taken: set[int] = set()
    for minus_score, number, position in scored:
        name = FIELDS[number].name
        if minus_score < 0 and name not in found and position not in taken:
            found[name] = raw.columns[position]
            taken.add(position)
    ordered = {f.name: found[f.name] for f in FIELDS if f.name in found}
    fixed = {}
    if shapes:  # a map file mostly tells none
        fixed["source"] = Path(raw.name).stem or raw.name
    return Matching(ordered, fixed=fixed)


def sureness(raw: Raw, matching: Matching) -> dict[str, float]:
    """For each matched field how like its column's header is to what it should be, 0 to 1."""
    shapes = raw.shapes is not None
    return {name: _likeness(name, col, shapes) for name, col in matching.columns.items()}


def unused(raw: Raw, matching: Matching) -> tuple[str, ...]:
    """The columns that no field takes: their content is not shown anywhere."""
    taken = set(matching.columns.values())
    return tuple(column for column in raw.columns if column not in taken)


# Cells

# Words for the values of closed lists, folded; the codes and the words of both languages are added.
_VALUES: dict[str, dict[str, str]] = {
    "stance": {
        "asserts": "claims, claim, says, said, states, stated, asserted, reports, reported, "
        "confirms, confirmed, alleges, alleged, affirms, maintains, announces, yes, true, pro, "
        "assertion, affirme, dit, declare, rapporte, confirme, annonce, soutient, allegue, oui, "
        "vrai, affirmation, pour, assert, report, confirm, assure",
        "denies": "denied, deny, denial, rejects, rejected, refutes, refuted, disputes, disputed, "
        "contests, no, false, against, dement, dementi, nie, rejette, conteste, refute, non, faux, "
        "contre, dementit, recuse, contradicts, contredit, rebuts",
        "declines": "declined, decline, no comment, declines to comment, neither, "
        "neither confirms nor denies, refuse de commenter, sans commentaire, pas de commentaire, "
        "ni confirme ni dement, ne commente pas, ni l un ni l autre, silent, does not comment",
        "retracts": "retracted, retract, retraction, withdraws, withdrawn, takes back, corrected, "
        "retire, retracte, se retracte, revient sur, rectifie, retractation, walks back",
    },
    "confidence": {
        "high": "strong, h, elevee, haute, forte, eleve, fort, very high, tres elevee",
        "moderate": "medium, med, mid, average, m, moyenne, moderee, moyen, modere",
        "low": "weak, l, faible, basse, poor, very low, tres faible",
        "unassessed": "unknown, not assessed, n a, na, none, inconnue, inconnu, non evaluee, "
        "non evalue, tbd, aucune, not known",
    },
    "theme": {
        "transport": "transportation, shipment, shipping, movement, deplacement, envoi, transfert, "
        "convoy, logistics, logistique",
        "training": "exercise, entrainement, exercice, formation, instruction",
        "presence": "deployment, sighting, deploiement, position, observation, stationing",
        "plan": "planning, projet, intention, plans",
        "front": "combat, fighting, battle, attack, frontline, attaque, strike, frappe, bataille",
        "diplomacy": "diplomatic, diplomatie, politics, politique, talks, negociation",
    },
    "kind": {
        "place": "point, lieu, site, location, area, zone",
        "route": "line, path, trajet, itineraire, ligne, movement, track",
        "distance": "ecart, stated distance, direction",
    },
    "mode": {
        "sea": "ship, boat, by ship, maritime, mer, navire, bateau, vessel, water",
        "land": "road, rail, train, truck, terre, route, terrestre, camion, car, ground",
        "air": "plane, flight, aircraft, avion, aerien, vol, by plane",
        "unknown": "inconnu, n a, other, autre, not known",
    },
    "basis": {
        "observed": "seen, imagery, satellite, photo, observe, vu, video",
        "reported": "told, said, rapporte, dit, report",
        "inferred": "assumed, derived, deduced, estimated, deduit, suppose, infere, estime",
    },
    "scope": {
        "direct": "explicit, explicite, directe",
        "implied": "implicit, indirect, implicite, indirecte",
    },
    "date_precision": {
        "day": "exact, jour, d",
        "week": "semaine, w",
        "month": "mois, m",
        "unknown": "approximate, about, circa, inconnue, environ, approx",
    },
    "located_by": {
        "gazetteer": "geonames, map, repertoire, atlas, gazetier, toponymic",
        "geolocation": "geolocated, imagery, geolocalise, geolocalisation, satellite",
        "approximate": "approx, estimated, approximatif, estime, guess, about",
    },
    "source_kind": {
        "intelligence": "intelligence agency, secret service, renseignement, services, spy agency",
        "government": "state, gouvernement, ministry, ministere, etat, military, armee, army",
        "official": "spokesperson, officiel, president, minister, porte parole, responsable",
        "news": "media, newspaper, press, presse, journal, news agency, agence de presse, tv, "
        "radio, medium, media outlet, broadcaster",
        "social-media": "social, twitter, x, telegram, facebook, reseaux sociaux, reseau social, "
        "blog, youtube, account",
        "analyst": "expert, think tank, osint, researcher, ngo, ong, analyste, chercheur, monitor",
    },
    "claimed_direction": {
        "N": "nord", "NNE": "nord nord est", "NE": "nord est, northeast", "ENE": "est nord est",
        "E": "est", "ESE": "est sud est", "SE": "sud est, southeast", "SSE": "sud sud est",
        "S": "sud", "SSW": "sso, sud sud ouest", "SW": "so, sud ouest, southwest",
        "WSW": "oso, ouest sud ouest", "W": "o, ouest", "WNW": "ono, ouest nord ouest",
        "NW": "no, nord ouest, northwest", "NNW": "nno, nord nord ouest",
    },
}  # fmt: skip


@cache
def _values(name: str) -> dict[str, str]:
    """Code by folded word, for a field with a closed list."""
    known: dict[str, str] = {}
    for code, words in _VALUES.get(name, {}).items():
        known |= {fold(word): code for word in words.split(",")}
    for lang in texts.languages():
        known |= {fold(word): code for code, word in value_words(name, lang).items()}
    # Last, so that a code is never taken for another's word.
    return known | {fold(code): code for code in _BY_NAME[name].values}


@cache
def _own_words(name: str) -> frozenset[str]:
    """Folded codes and words of a closed list, as our own templates and exports have them."""
    listed = (value_words(name, lang) for lang in texts.languages())
    return frozenset(fold(word) for words in listed for pair in words.items() for word in pair)


_MONTHS = (
    *("january janvier jan janv", "february fevrier feb fevr fev", "march mars mar"),
    *("april avril apr avr", "may mai", "june juin jun", "july juillet jul juil"),
    *("august aout aug", "september septembre sep sept", "october octobre oct"),
    *("november novembre nov", "december decembre dec"),
)
_MONTH = {word: n for n, words in enumerate(_MONTHS, start=1) for word in words.split()}
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[T ].*)?")
_NUMERIC = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})(?: \d.*)?")
_YEAR_MONTH = re.compile(r"(\d{4})[-/.](\d{1,2})")
_FIRST_DAY, _LAST_DAY = date(1678, 1, 1), date(2261, 12, 31)  # as far as times in ns reach


class _Unreadable(Exception):
    """A cell that cannot be read: code and detail of the problem."""

    def __init__(self, code: str, detail: str = ""):
        super().__init__(code)
        self.code, self.detail = code, detail


def _day(year: int, month: int, day: int) -> str:
    try:
        found = date(year, month, day)
    except ValueError:
        raise _Unreadable("date-impossible") from None
    if not _FIRST_DAY <= found <= _LAST_DAY:
        raise _Unreadable("date-impossible")
    return found.isoformat()


def _read_date(text: str, day_first: bool | None) -> tuple[str, str]:
    """ISO day and its precision (day, month); raises _Unreadable."""
    if found := _ISO.fullmatch(text):
        return _day(*map(int, found.groups())), "day"
    if found := _NUMERIC.fullmatch(text):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        if found[2] == "." or first > 12:  # the dot is a European's
            return _day(year, second, first), "day"
        if second > 12:
            return _day(year, first, second), "day"
        if first != second and day_first is None:
            raise _Unreadable("date-unclear")
        return (_day(year, second, first) if day_first else _day(year, first, second)), "day"
    if found := _YEAR_MONTH.fullmatch(text):
        return _day(int(found[1]), int(found[2]), 1), "month"
    words = [w for w in fold(text).split() if w not in ("le", "of", "the", "de", "du", "about")]
    months = [_MONTH[w] for w in words if w in _MONTH]
    digits = [re.sub(r"(?<=\d)(st|nd|rd|th|er)$", "", w) for w in words if w not in _MONTH]
    if len(months) == 1 and all(w.isdecimal() and len(w) < 5 for w in digits):
        numbers = [int(w) for w in digits]
        years = [n for n, w in zip(numbers, digits, strict=True) if len(w) == 4]
        days = [n for n, w in zip(numbers, digits, strict=True) if len(w) < 3]
        if len(years) == 1 and len(days) <= 1 and len(numbers) <= 2:
            precision = "day" if days else "month"
            return _day(years[0], months[0], days[0] if days else 1), precision
    raise _Unreadable("date-format")


def _numeric_dates(raw: Raw, matching: Matching) -> Iterator[tuple[str, int, int]]:
    """Dates such as 03/04/2024, with their first and second number."""
    at = {column: n for n, column in enumerate(raw.columns)}
    for name in _DATES:
        position = at.get(matching.columns.get(name, ""))
        if position is not None:
            for row in raw.rows:
                found = _NUMERIC.fullmatch(row[position])
                if found and found[2] != ".":
                    yield row[position], int(found[1]), int(found[3])


def _day_order(raw: Raw, matching: Matching) -> bool | None:
    """Whether the day comes first, by the choice or by dates that can only be read one way."""
    if matching.day_first is not None:
        return matching.day_first
    shown = {first > 12 for _t, first, second in _numeric_dates(raw, matching)
             if (first > 12) != (second > 12)}  # fmt: skip
    return shown.pop() if len(shown) == 1 else None


def unclear_dates(raw: Raw, matching: Matching) -> tuple[str, ...]:
    """Dates whose day and month could be either, where no other date of the file tells which."""
    if _day_order(raw, matching) is not None:
        return ()
    found = _numeric_dates(raw, matching)
    both = (text for text, first, second in found if max(first, second) < 13 and first != second)
    return tuple(dict.fromkeys(both))


_SIGNED = {"n": 1, "north": 1, "nord": 1, "e": 1, "east": 1, "est": 1,
           "s": -1, "south": -1, "sud": -1, "w": -1, "west": -1, "o": -1, "ouest": -1}  # fmt: skip
_NORTHERLY = ("n", "north", "nord", "s", "south", "sud")
_DEGREES = re.compile(
    r"([-+−]?)(\d+(?:[.,]\d+)?)\s*°?\s*(?:(\d+(?:[.,]\d+)?)\s*['′’]\s*)?"
    r"(?:(\d+(?:[.,]\d+)?)\s*(?:[\"″”]|'')\s*)?([a-z]*)",
    re.I,
)
_NUMBER = re.compile(r"[-+−]?\d+(?:[.,]\d+)?(?:e[-+]?\d{1,2})?", re.I)


def _read_degrees(text: str, axis: str) -> tuple[float, float]:
    """Degrees and the radius in km that their decimals leave open; raises _Unreadable."""
    found = _DEGREES.fullmatch(re.sub(r"\s+", " ", text.strip()))
    letter = found[5].casefold() if found else ""
    if not found or (letter and letter not in _SIGNED):
        raise _Unreadable("degrees")
    if letter and (letter in _NORTHERLY) != (axis == "lat"):
        raise _Unreadable("hemisphere")
    parts = [each.replace(",", ".") if each else "0" for each in found.group(2, 3, 4)]
    degrees, minutes, seconds = map(float, parts)
    if minutes >= 60 or seconds >= 60:
        raise _Unreadable("degrees")
    value = degrees + minutes / 60 + seconds / 3600
    if found[1] in ("-", "−"):
        value = -value
    if letter:
        value *= _SIGNED[letter]
    step = next(
        10.0 ** -len(part.partition(".")[2]) / unit
        for part, said, unit in zip(parts[::-1], found.group(4, 3, 2), (3600, 60, 1), strict=True)
        if said
    )
    if not math.isfinite(value):
        raise _Unreadable("degrees")
    return value, 0.5 * step * _KM_PER_DEGREE


_LETTER = r"(?:north|nord|south|sud|east|est|west|ouest|[nsewo])"


def _degrees_pattern(point: str) -> str:
    number = rf"\d+(?:{point}\d+)?"
    return (
        rf"[-+−]?{number}(?:\s*°(?:\s*{number}\s*['′’](?!'))?"
        rf"(?:\s*{number}\s*(?:[\"″”]|''))?)?"
    )


# Both with a letter behind, both with one before, both without; by decimal points, then commas.
_PAIRS = tuple(
    re.compile(form.format(n=_degrees_pattern(point), l=_LETTER, gap=gap), re.I)
    for point, gap in ((r"\.", r"(?:\s*[,;/|]\s*|\s+)"), (",", r"(?:\s*[;/|]\s*|,\s+|\s+)"))
    for form in (
        r"(?P<a>{n})\s*(?P<la>{l})(?:{gap}|\s*)(?P<b>{n})\s*(?P<lb>{l})",
        r"(?P<la>{l})\s*(?P<a>{n})(?:{gap}|\s*)(?P<lb>{l})\s*(?P<b>{n})",
        r"(?P<a>{n}){gap}(?P<b>{n})",
    )
)
_LONGEST_PAIR = 100  # characters
_WHOLE_PAIR = re.compile(r"[-+−]?\d+,\d+")


@lru_cache(maxsize=100_000)
def _split(text: str) -> tuple[str, str, bool | None] | None:
    """The two halves of a position in one cell, and whether the latitude comes first.

    None for that where neither letters nor size tell; None for all where it is no pair, or could
    be one number with a decimal comma.
    """
    if len(text) > _LONGEST_PAIR:
        return None
    bare = re.sub(r"\s+", " ", text.strip().strip("()[]{}").replace("º", "°")).strip()
    if _WHOLE_PAIR.fullmatch(bare):
        return None
    found = next((f for f in (p.fullmatch(bare) for p in _PAIRS) if f), None)
    if found is None:
        return None
    halves = found.groupdict()
    letters = [(halves.get(key) or "").casefold() for key in ("la", "lb")]
    first, second = (
        f"{half} {letter}".strip()
        for half, letter in zip((halves["a"], halves["b"]), letters, strict=True)
    )
    if letters[0]:
        return first, second, letters[0] in _NORTHERLY
    sizes = [_whole_degrees(half) for half in (first, second)]
    if max(sizes) > 180:
        return None
    if (sizes[0] > 90) != (sizes[1] > 90):
        return first, second, sizes[0] <= 90
    return first, second, None


def _whole_degrees(text: str) -> float:
    found = re.search(r"\d+(?:[.,]\d+)?", text)
    return float(found[0].replace(",", "."))


_LAT_FIRST = re.compile(r"lat\w*.*(lon|lng)")
_LON_FIRST = re.compile(r"(lon|lng)\w*.*lat")


def _pairs(raw: Raw, matching: Matching, name: str) -> Iterator[tuple[str, bool | None]]:
    """The positions in one column that a field is read from, with the order that each shows."""
    column = matching.columns.get(name)
    if column in raw.columns:
        at = raw.columns.index(column)
        for row in raw.rows:
            if row[at] and (found := _split(row[at])):
                yield row[at], found[2]


def _pair_order(raw: Raw, matching: Matching) -> dict[str, bool | None]:
    """For each field of positions in one column whether the latitude comes first, if that is known.

    By the choice, by the header, or by those in the column that can only be read one way.
    """
    orders: dict[str, bool | None] = {}
    for name in ("position", "to_position"):
        if matching.lat_first is not None:
            orders[name] = matching.lat_first
            continue
        header = fold(matching.columns.get(name, ""))
        shown = {first for _text, first in _pairs(raw, matching, name) if first is not None}
        if _LAT_FIRST.search(header):
            shown.add(True)
        elif _LON_FIRST.search(header):
            shown.add(False)
        orders[name] = shown.pop() if len(shown) == 1 else None
    return orders


def unclear_pairs(raw: Raw, matching: Matching) -> tuple[str, ...]:
    """Positions in one column whose order could be either, where nothing else tells which."""
    orders = _pair_order(raw, matching)
    both = (
        text
        for name, order in orders.items()
        if order is None
        for text, first in _pairs(raw, matching, name)
        if first is None
    )
    return tuple(dict.fromkeys(both))


def _read_number(text: str) -> float:
    """A number of any of the common ways of writing one; raises _Unreadable."""
    bare = re.sub(r"[\s  ’']", "", text)
    if re.fullmatch(r"\d{1,3}[.,]\d{3}", bare) and not bare.startswith("0"):
        raise _Unreadable("number-unclear")
    for mark, other in ((",", "."), (".", ",")):
        groups = rf"[1-9]\d{{0,2}}({re.escape(mark)}\d{{3}})+({re.escape(other)}\d+)?"
        if re.fullmatch(groups, bare):
            bare = bare.replace(mark, "").replace(other, ".")
    if not _NUMBER.fullmatch(bare):
        raise _Unreadable("number")
    value = float(bare.replace(",", ".").replace("−", "-"))
    if not math.isfinite(value) or value < 0:
        raise _Unreadable("number")
    return value


@dataclass
class _Record:
    """One row as read: texts by field, positions in degrees with their radius in metres."""

    row: int
    cells: dict[str, str]
    at: tuple[float, float, float] | None = None
    to: tuple[float, float, float] | None = None
    shape: BaseGeometry | None = None


# Remarks of which one example stands for all: each row has another text.
_TOLD_BY_EXAMPLE = ("decimal-comma", "year-alone", "line-ends", "pair-order")


@dataclass
class _Reading:
    """What came of reading rows: sound records, problems, remarks by what they are about."""

    records: list[_Record]
    problems: list[Problem]
    remarked: dict[tuple[str, str, str, str], list[int]]
    bad: dict[tuple[int, str], str]  # (row, field) → text found
    examples: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def remark(self, row: int, code: str, field: str = "", found: str = "", read_as: str = ""):
        if code in _TOLD_BY_EXAMPLE:
            found, read_as = self.examples.setdefault((code, field), (found, read_as))
        self.remarked.setdefault((code, field, found, read_as), []).append(row)

    def remarks(self, matching: Matching) -> tuple[Remark, ...]:
        return tuple(
            Remark(*key, tuple(dict.fromkeys(rows)), where_of(matching, key[1]))
            for key, rows in self.remarked.items()
        )


def _read_rows(raw: Raw, matching: Matching, n: int | None = None) -> _Reading:
    """The rows by the matching, each cell by the kind of its field."""
    reading = _Reading([], [], {}, {})
    at = {column: position for position, column in enumerate(raw.columns)}
    where = {name: at[col] for name, col in matching.columns.items() if col in at}
    order, pair_orders = _day_order(raw, matching), _pair_order(raw, matching)
    if order is not None and matching.day_first is None:
        unclear = [
            t for t, first, second in _numeric_dates(raw, matching) if max(first, second) < 13
        ]
        if unclear:
            read_as = _read_date(unclear[0], order)[0]
            reading.remarked[("day-order", "date", unclear[0], read_as)] = []
    shapes = raw.shapes or (None,) * len(raw.rows)
    for row, number, shape in list(zip(raw.rows, raw.numbers, shapes, strict=True))[:n]:
        cells = {name: row[position] for name, position in where.items()}
        cells |= {name: text for name, text in matching.fixed.items() if not cells.get(name)}
        if raw.shapes is not None and "source" in matching.fixed:
            said = row[where["source"]] if "source" in where else ""
            if not said:
                reading.remark(number, "source-fixed", "source", "", matching.fixed["source"])
        record = _Record(number, {}, shape=shape)
        before = len(reading.problems)
        for name, text in cells.items():
            try:
                record.cells[name] = _read_cell(
                    reading, number, name, text, matching, order, record
                )
            except _Unreadable as fault:
                reading.bad[number, name] = text
                reading.problems.append(
                    Problem(
                        raw.table, number, where_of(matching, name), text, fault.code, fault.detail
                    )
                )
        _read_positions(reading, raw, matching, record, cells, pair_orders)
        _read_shape(reading, raw, matching, record, cells)
        for name in ("claim", "source"):
            if not cells.get(name) and (name in where or name in matching.fixed):
                column = where_of(matching, name)
                reading.problems.append(Problem(raw.table, number, column, None, "required"))
                reading.bad[number, name] = ""
        if len(reading.problems) == before:
            reading.records.append(record)
    return reading


def where_of(matching: Matching, name: str) -> str:
    """What a problem calls a field: the user's column, or our name where there is none."""
    return matching.columns.get(name, name)


def _read_cell(
    reading: _Reading,
    row: int,
    name: str,
    text: str,
    matching: Matching,
    order: bool | None,
    record: _Record,
) -> str:
    of = _BY_NAME[name]
    if of.values:
        return _read_value(reading, row, of, text, matching)
    if not text or of.kind in ("lon", "lat", "pair", "shape"):
        return ""
    if of.kind == "date":
        if re.fullmatch(r"\d{4}", text):
            # By the end of that year it had been said; when it happened stays open.
            day = _day(int(text), 12, 31) if name == "date" else ""
            reading.remark(row, "year-alone", name, text, day)
            record.cells[f"{name}/precision"] = "unknown"
            return day
        day, precision = _read_date(text, order)
        if name in ("date", "event_start"):
            record.cells[f"{name}/precision"] = precision
        return day
    if of.kind == "number":
        return f"{_read_number(text):.12g}"
    return text


def _read_value(reading: _Reading, row: int, of: Field, text: str, matching: Matching) -> str:
    chosen = matching.values.get((of.name, text))
    if chosen is not None:
        return chosen
    if not text:
        if of.name == "stance":
            raise _Unreadable("enum", ", ".join(of.values))
        return ""
    # An Admiralty digit or letter may come with its partner, as in B2.
    folded = fold(text)
    if of.name in ("reliability", "credibility") and re.fullmatch("[a-f][1-6]", folded):
        folded = folded[0] if of.name == "reliability" else folded[1]
    code = _values(of.name).get(folded)
    if code is None:
        if of.fallback is None:
            raise _Unreadable("enum", ", ".join(of.values))
        reading.remark(row, "value-unknown", of.name, text, of.fallback)
        return of.fallback
    if folded not in _own_words(of.name):
        reading.remark(row, "value", of.name, text, code)
    return code


def unknown_values(raw: Raw, matching: Matching) -> dict[str, tuple[str, ...]]:
    """For each field with a closed list the texts that fit none of its values."""
    found: dict[str, tuple[str, ...]] = {}
    for name, column in matching.columns.items():
        if _BY_NAME[name].values and column in raw.columns:
            position = raw.columns.index(column)
            known = _values(name)
            odd = (row[position] for row in raw.rows if fold(row[position]) not in known)
            odd = tuple(dict.fromkeys(t for t in odd if t and (name, t) not in matching.values))
            if odd:
                found[name] = odd
    return found


def _read_shape(
    reading: _Reading, raw: Raw, matching: Matching, record: _Record, cells: dict[str, str]
) -> None:
    """Well-known text in a cell, where the row has no shape of its own."""
    text = cells.get("geometry", "")
    if not text or record.shape is not None:
        return
    shape = shape_of_wkt(text)
    if isinstance(shape, BaseGeometry):
        record.shape = shape
        record.cells["geometry"] = text
        return
    found, code = shape
    column = where_of(matching, "geometry")
    reading.problems.append(Problem(raw.table, record.row, column, found, code))
    reading.bad[record.row, "geometry"] = text


def _read_positions(
    reading: _Reading,
    raw: Raw,
    matching: Matching,
    record: _Record,
    cells: dict[str, str],
    pair_orders: dict[str, bool | None],
) -> None:
    for start, attribute in (("", "at"), ("to_", "to")):
        lon_name, lat_name = f"{start}lon", f"{start}lat"
        if matching.swap_lon_lat:
            lon_name, lat_name = lat_name, lon_name
        said = {"lon": cells.get(lon_name, ""), "lat": cells.get(lat_name, "")}
        names = {"lon": lon_name, "lat": lat_name}
        pair = f"{start}position"
        if not any(said.values()) and cells.get(pair):
            said = _read_pair(reading, raw, matching, record, cells[pair], pair, pair_orders[pair])
            names = {"lon": pair, "lat": pair}
        if not any(said.values()):
            continue
        values, radius_km, faults = {}, 0.0, []
        for axis, text in said.items():
            if not text:
                faults.append((axis, "half-position", "", None))
                continue
            try:
                values[axis], open_km = _read_degrees(text, axis)
                radius_km = max(radius_km, open_km)
                if "," in text:
                    reading.remark(
                        record.row, "decimal-comma", names[axis], text, f"{values[axis]:g}"
                    )
            except _Unreadable as fault:
                faults.append((axis, fault.code, fault.detail, text))
        if len(values) == 2:
            faults += _off_the_globe(values["lon"], values["lat"], said)
        for axis, code, detail, found in faults:
            column = where_of(matching, names[axis])
            reading.problems.append(Problem(raw.table, record.row, column, found, code, detail))
            reading.bad[record.row, names[axis]] = cells.get(names[axis], "")
        if not faults:
            radius_m = max(1000 * radius_km, _LEAST_RADIUS_M)
            setattr(record, attribute, (values["lon"], values["lat"], radius_m))
            if names["lon"] == pair:
                record.cells[pair] = _told_pair(values["lon"], values["lat"])
            else:
                record.cells |= {names[axis]: f"{value:.10g}" for axis, value in values.items()}


def _read_pair(
    reading: _Reading,
    raw: Raw,
    matching: Matching,
    record: _Record,
    text: str,
    name: str,
    lat_first: bool | None,
) -> dict[str, str]:
    """The two halves of a position in one cell by axis; empty ones where it is a problem."""
    found = _split(text)
    order = None if found is None else lat_first if found[2] is None else found[2]
    if found is None or order is None:
        code = "pair" if found is None else "pair-order"
        reading.problems.append(
            Problem(raw.table, record.row, where_of(matching, name), text, code)
        )
        reading.bad[record.row, name] = text
        return {"lon": "", "lat": ""}
    first, second, shown = found
    if shown is None and matching.lat_first is None:
        reading.remark(record.row, "pair-order", name, text, "lat" if order else "lon")
    return {"lon": second, "lat": first} if order else {"lon": first, "lat": second}


def _told_pair(lon: float, lat: float) -> str:
    """A position so that nobody can exchange its halves."""
    north, east = "N" if lat >= 0 else "S", "E" if lon >= 0 else "W"
    return f"{abs(lat):.10g} {north}, {abs(lon):.10g} {east}"


def _off_the_globe(
    lon: float, lat: float, said: dict[str, str]
) -> list[tuple[str, str, str, str | None]]:
    if lon == 0 and lat == 0:
        return [("lon", "zero-place", "", f"{said['lon']}, {said['lat']}")]
    if abs(lon) <= 180 and abs(lat) <= 90:
        return []
    likely = datasets.misplaced(lon, lat)
    if likely:
        axis = "lon" if abs(lon) > 180 else "lat"
        return [(axis, *likely, f"{said['lon']}, {said['lat']}")]
    faults = []
    for axis, value, most in (("lon", lon, 180), ("lat", lat, 90)):
        if abs(value) > most:
            code, limit = ("maximum", most) if value > 0 else ("minimum", -most)
            faults.append((axis, code, str(limit), said[axis]))
    return faults


def preview(raw: Raw, matching: Matching, n: int = 8) -> pd.DataFrame:
    """The first ``n`` rows as they will be read, by row number, one column a matched field.

    Values are texts: codes of closed lists, ISO days, degrees; "" where a cell is empty. A cell
    that cannot be read shows what was found behind a warning sign.
    """
    reading = _read_rows(raw, matching, n)
    wanted = {*matching.columns, *matching.fixed}
    names = [f.name for f in FIELDS if f.name in wanted]
    at = {column: position for position, column in enumerate(raw.columns)}
    sound = {record.row: record.cells for record in reading.records}
    rows = []
    for row, number in list(zip(raw.rows, raw.numbers, strict=True))[:n]:
        found = {}
        for name in names:
            text = row[at[matching.columns[name]]] if matching.columns.get(name) in at else ""
            text = text or matching.fixed.get(name, "")
            if (number, name) in reading.bad:
                found[name] = f"⚠ {reading.bad[number, name]}".strip()
            elif number in sound:
                found[name] = sound[number].get(name, "")
            else:
                found[name] = text
        rows.append(found)
    return pd.DataFrame(rows, columns=names, index=pd.Index(raw.numbers[:n], name="row"))


# Places


@dataclass(frozen=True)
class Wanted:
    """A place name without a position: the rows that have it, and the towns it may mean.

    ``found`` is best first, namesakes included; ``only`` is the one town of just that name, where
    there is no other.
    """

    name: str
    rows: tuple[int, ...]
    found: tuple[Found, ...]
    only: Found | None


def places(raw: Raw, matching: Matching) -> tuple[Wanted, ...]:
    """The place names of a file that have no position in any row, in the order of the file."""
    if raw.kind == "package":
        return ()
    return _wanted(_read_rows(raw, matching).records)


def sure_places(wanted: tuple[Wanted, ...]) -> dict[str, int]:
    """A choice for the names that only one town has; the others are for the user to choose."""
    return {each.name: each.only.geonames_id for each in wanted if each.only}


def _names(record: _Record) -> Iterator[tuple[str, tuple[float, float, float] | None]]:
    """The place names of a row, each with its position if the row has one."""
    cells = record.cells
    at = record.at
    if record.shape is not None and not record.shape.is_empty:
        at = at or (math.nan,) * 3  # its place is drawn in the file
    for name, position in (("place", at), ("to_place", record.to), ("said_at", None)):
        if cells.get(name):
            yield cells[name], position


def _positions(records: list[_Record]) -> dict[str, set[tuple[float, float, float]]]:
    """By folded name, the positions that rows give it."""
    known: dict[str, set[tuple[float, float, float]]] = {}
    for record in records:
        for name, position in _names(record):
            if position is not None and position[0] == position[0]:
                known.setdefault(fold(name), set()).add(position)
    return known


def _wanted(records: list[_Record]) -> tuple[Wanted, ...]:
    known = _positions(records)
    rows: dict[str, list[int]] = {}
    for record in records:
        for name, position in _names(record):
            if position is None and len({p[:2] for p in known.get(fold(name), ())}) != 1:
                rows.setdefault(name, []).append(record.row)
    wanted = []
    for name, numbers in rows.items():
        found = gazetteer.propose(name)
        same = [town for town in found if town.score == 1]
        only = same[0] if len(same) == 1 else None
        wanted.append(Wanted(name, tuple(dict.fromkeys(numbers)), found, only))
    return tuple(wanted)


def swapped(raw: Raw, matching: Matching) -> int:
    """In how many rows longitude and latitude look exchanged: out of range, or by the town's name.

    A named place counts where no town of that name lies within 500 km of the position, and one lies
    within 100 km of the position with both numbers exchanged.
    """
    reading = _read_rows(raw, matching)
    rows = {p.row for p in reading.problems if p.code == "swapped"}
    return len(rows | set(_mirrored(reading.records)))


def _mirrored(records: list[_Record]) -> list[int]:
    rows = []
    seen: dict[tuple, bool] = {}
    for record in records:
        for name, position in _names(record):
            if position is None or position[0] != position[0] or abs(position[0]) > 90:
                continue
            key = (name, *position[:2])
            if key not in seen and len(seen) < 500:
                seen[key] = _looks_mirrored(*key)
            if seen.get(key):
                rows.append(record.row)
    return list(dict.fromkeys(rows))


def _looks_mirrored(name: str, lon: float, lat: float) -> bool:
    towns = [town for town in gazetteer.propose(name, n=50) if town.score == 1]
    if not towns:
        return False
    lons, lats = np.array([t.lon for t in towns]), np.array([t.lat for t in towns])

    def nearest_km(x: float, y: float) -> float:
        found = geodesy.inverse(np.full(len(towns), x), np.full(len(towns), y), lons, lats)
        return float(np.min(found.length_km))

    return nearest_km(lon, lat) > _FAR_KM and nearest_km(lat, lon) < _NEAR_KM


# Building


@dataclass(frozen=True, eq=False)
class Built:
    """What ``build`` made: a dataset, or None with the problems that prevent it."""

    dataset: Dataset | None
    problems: tuple[Problem, ...]
    left_out: int
    remarks: tuple[Remark, ...]
    matching: Matching | None = None  # None for a package
    chosen: Choices = field(default_factory=dict)


def build(
    raw: Raw,
    matching: Matching | None = None,
    choices: Choices | None = None,
    title: str = "",
    leave_out: bool = False,
    lang: str = texts.DEFAULT_LANG,
) -> Built:
    """The dataset of a file by a matching (the proposed one if None) and a choice of places.

    One row is one statement; rows of the same claim (or claim_id) go together. Every problem is
    listed; with ``leave_out`` the rows that have one are left out and the rest is built, unless
    nothing is left or the file as a whole cannot be used. Raises nothing for what a file holds.
    A package needs no matching; of it only ``leave_out`` is used. ``lang`` is that of the towns
    which a problem lists.
    """
    if raw.kind == "package":
        return _build_package(raw, leave_out)
    matching = propose(raw) if matching is None else matching
    choices = choices or {}

    def built(whole: Dataset | None, problems, remarks, left_out: int = 0) -> Built:
        return Built(whole, tuple(problems), left_out, tuple(remarks), matching, choices)

    lacking = [f.name for f in FIELDS if f.required]
    lacking = [n for n in lacking if n not in matching.columns and n not in matching.fixed]
    absent = [name for name, col in matching.columns.items() if col not in raw.columns]
    if lacking or absent:
        found = [Problem(raw.table, None, name, None, "no-column") for name in (*lacking, *absent)]
        return built(None, (*found, *raw.problems), raw.remarks)
    reading = _read_rows(raw, matching)
    tables = _Tables(raw, matching, reading, choices, lang)
    tables.fill()
    problems = sorted(
        (*raw.problems, *reading.problems), key=lambda p: -1 if p.row is None else p.row
    )
    remarks = (*raw.remarks, *tables.more_remarks(), *reading.remarks(matching))
    if (problems and not leave_out) or not tables.rows["statements"]:
        return built(None, problems, remarks)
    left_out = len({p.row for p in problems})
    try:
        whole = _loaded(tables, raw, title)
    except DatasetError as error:  # what the rules of the package know and this module does not
        return built(None, (*problems, *error.problems), remarks)
    return built(replace(whole, left_out=left_out), problems, remarks, left_out)


def _build_package(raw: Raw, leave_out: bool) -> Built:
    if isinstance(raw.source, Path):
        return _load_package(raw.source, leave_out)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{slug(Path(raw.name).stem) or 'package'}.zip"
        path.write_bytes(raw.source)
        built = _load_package(path, leave_out)
    problems = (replace(p, table=raw.name) if p.table == path.name else p for p in built.problems)
    return replace(built, problems=tuple(problems))


def _load_package(path: Path, leave_out: bool) -> Built:
    problems: tuple[Problem, ...] = ()
    try:
        return Built(datasets.load(path), (), 0, ())
    except DatasetError as error:
        problems = error.problems
    if leave_out:
        try:
            whole = datasets.load(path, leave_out=True)
            return Built(whole, problems, whole.left_out, ())
        except DatasetError as error:
            problems = error.problems
    return Built(None, problems, 0, ())


def load(path: str | Path, choices: Choices | None = None) -> Dataset:
    """Any file that ``read`` takes, or a data package, as a dataset; raises ``DatasetError``.

    With the proposed matching, and for a name that only one town has, that town.
    """
    built = build_file(path, choices)
    if built.dataset is None:
        raise DatasetError(Path(path), list(built.problems))
    return built.dataset


def build_file(path: str | Path, choices: Choices | None = None, leave_out: bool = False) -> Built:
    """``load`` with what it went by, and with the problems rather than an error for them.

    Raises ``DatasetError`` for a file that cannot be read at all.
    """
    path = Path(path)
    if _is_package(path):
        return _load_package(path, leave_out)
    raw = read(path)
    if raw.kind == "package":  # with another suffix than .zip
        return _build_package(raw, leave_out)
    matching = propose(raw)
    chosen = {**sure_places(places(raw, matching)), **(choices or {})}
    return build(raw, matching, chosen, leave_out=leave_out)


def _is_package(path: Path) -> bool:
    """Whether ``dataset.load`` is to read it, and to tell what is wrong with it."""
    try:
        return path.is_dir() or not path.exists()
    except (OSError, ValueError):
        return True


def slug(text: str) -> str:
    """Letters, digits and hyphens of a text, as the ids of a package want them; may be ""."""
    return "-".join(re.findall("[a-z0-9]+", fold(text)))[:60].strip("-")


class _Ids:
    """Distinct ids of one table: a slug where the text gives one, with a number if taken."""

    def __init__(self, kind: str):
        self.kind, self.taken = kind, set()
        self._next: Counter[str] = Counter()

    def new(self, text: str) -> str:
        stem = slug(text)
        found = stem or f"{self.kind}-1"
        stem = stem or self.kind
        while found in self.taken:
            self._next[stem] += 1
            found = f"{stem}-{self._next[stem] + 1}"
        self.taken.add(found)
        return found


_Place = tuple[str, float, float, float, str, str, str]  # name, lon, lat, m, located_by, kind, ref


class _Tables:
    """The tables of the package, filled row by row."""

    def __init__(
        self, raw: Raw, matching: Matching, reading: _Reading, choices: Choices, lang: str
    ):
        self.raw, self.matching, self.reading, self.choices = raw, matching, reading, choices
        self._lang = lang
        self.rows: dict[str, list[dict[str, str]]] = {t: [] for t in datasets.TABLES[:5]}
        self._ids = {table: _Ids(table.rstrip("s")) for table in self.rows}
        self._sources: dict[str, dict[str, str]] = {}
        self._claims: dict[str, dict[str, str]] = {}
        self._places: dict[tuple, str] = {}
        self._features: set[tuple] = set()
        self._row_ids: dict[str, int] = {}
        self._known = _positions(reading.records)
        self._wanted = {each.name: each for each in _wanted(reading.records)}

    def fill(self) -> None:
        for row in _mirrored(self.reading.records):
            self.reading.remark(row, "swapped")
        for record in self.reading.records:
            faults = list(self._faults(record))
            if faults:
                self.reading.problems += faults
            else:
                self._add(record)

    def more_remarks(self) -> tuple[Remark, ...]:
        """What holds for the whole file: columns that are not there, or not used."""
        columns = {**self.matching.columns, **self.matching.fixed}
        found = []
        if "stance" not in columns:
            found.append(Remark("no-stance", "stance", read_as="asserts"))
        if "confidence" not in columns:
            found.append(Remark("no-confidence", "confidence", read_as="unassessed"))
        if "theme" not in columns:
            found.append(Remark("no-theme", "theme", read_as="transport, presence"))
        if "source_kind" not in columns:
            found.append(Remark("no-source-kind", "source_kind", read_as="news"))
        left = unused(self.raw, self.matching)
        if left:
            found.append(Remark("unused", found=", ".join(left)))
        return tuple(found)

    def _problem(self, record: _Record, name: str, found: str | None, code: str, detail: str = ""):
        column = where_of(self.matching, name)
        return Problem(self.raw.table, record.row, column, found, code, detail)

    def _faults(self, record: _Record) -> Iterator[Problem]:
        """What is wrong with a row in the light of the others."""
        cells = record.cells
        own = cells.get("id", "")
        if own:
            before = self._row_ids.setdefault(own, record.row)
            if before != record.row:
                yield self._problem(record, "id", own, "unique", f"{before}")
        key = cells.get("claim_id", "")
        claim = self._claims.get(self._claim_key(record))
        if key and claim and fold(claim["title"]) != fold(cells["claim"]):
            yield self._problem(record, "claim", cells["claim"], "same-id", claim["title"])
        start, end = cells.get("event_start"), cells.get("event_end")
        if start and end and end < start:
            yield self._problem(record, "event_end", end, "date-order", start)
        kind = cells.get("kind")
        goes_to = cells.get("to_place") or record.to or self._is_line(record)
        if kind in ("route", "distance") and not goes_to:
            yield self._problem(record, "to_place", None, "to-place")
        starts = cells.get("place") or record.at or record.shape is not None
        if goes_to and not starts:
            yield self._problem(record, "place", None, "from-place")
        for name in ("place", "to_place", "said_at"):
            wanted = self._wanted.get(cells.get(name, ""))
            has_position = {"place": record.at or record.shape, "to_place": record.to}.get(name)
            if wanted is None or has_position is not None:
                continue
            if wanted.name not in self.choices:
                code = "place-ambiguous" if wanted.found else "place-unknown"
                listed = "; ".join(f"{f.words(self._lang)} = {f.geonames_id}" for f in wanted.found)
                yield self._problem(record, name, wanted.name, code, listed)
            elif not self._is_choice(self.choices[wanted.name]):
                found = f"{wanted.name}: {self.choices[wanted.name]}"
                yield self._problem(record, name, found, "place-choice")

    @staticmethod
    def _is_choice(choice) -> bool:
        if choice is None:
            return True
        if isinstance(choice, int):
            return gazetteer.town(choice) is not None
        try:
            lon, lat, *radius_m = map(float, choice)
        except (TypeError, ValueError):
            return False
        sound = abs(lon) <= 180 and abs(lat) <= 90 and len(radius_m) < 2
        return sound and all(0 <= m < math.inf for m in radius_m)

    @staticmethod
    def _is_line(record: _Record) -> bool:
        return any(p.geom_type in ("LineString", "LinearRing") for p in _shape_parts(record.shape))

    # Rows of the tables

    def _add(self, record: _Record) -> None:
        cells = record.cells
        claim = self._claim(record)
        source = self._source(record, cells["source"], "source")
        origin = self._source(record, cells["origin"], "") if cells.get("origin") else ""
        if origin == source:
            origin = ""
        said_at = self._place(record, "said_at") if cells.get("said_at") else ""
        precision = cells.get("date_precision") or cells.get("date/precision") or "unknown"
        statement = {
            "id": self._ids["statements"].new(cells.get("id") or f"row-{record.row}"),
            "claim": claim,
            "source": source,
            "origin": origin,
            "stance": cells.get("stance") or "asserts",
            "scope": cells.get("scope", ""),
            "date": cells.get("date") or self._undated(record),
            "date_precision": precision if cells.get("date") else "unknown",
            "credibility": cells.get("credibility") or "6",
            "place": said_at,
            "reference": cells.get("reference") or f"{self.raw.name}, {record.row}",
        }
        for name in ("rationale", "speaker", "quote", "quote_fr"):
            statement[name] = cells.get(name, "")
        self.rows["statements"].append(statement)
        self._add_features(record, claim)

    def _undated(self, record: _Record) -> str:
        """The day by which a statement without a date had been made: the day it is read here."""
        today = date.today().isoformat()
        self.reading.remark(record.row, "no-date", "date", "", today)
        return today

    def _claim_key(self, record: _Record) -> str:
        return record.cells.get("claim_id") or fold(record.cells["claim"]) or record.cells["claim"]

    def _claim(self, record: _Record) -> str:
        cells, key = record.cells, self._claim_key(record)
        goes = cells.get("to_place") or record.to or self._is_line(record)
        told = {
            "title_fr": cells.get("claim_fr", ""),
            "summary": cells.get("summary", ""),
            "summary_fr": cells.get("summary_fr", ""),
            "theme": cells.get("theme", ""),
            "event_start": cells.get("event_start", ""),
            "event_end": cells.get("event_end", ""),
            "date_precision": cells.get("event_start/precision", ""),
            "confidence": cells.get("confidence", ""),
            "confidence_rationale": cells.get("confidence_rationale", ""),
        }
        if key not in self._claims:
            new = {
                "id": self._ids["claims"].new(cells.get("claim_id") or cells["claim"]),
                "title": cells["claim"],
                **told,
                "goes": "yes" if goes else "",
            }
            self._claims[key] = new
            self.rows["claims"].append(new)
            return new["id"]
        claim = self._claims[key]
        claim["goes"] = claim["goes"] or ("yes" if goes else "")
        if told["event_start"] and not claim["event_start"]:
            claim["date_precision"] = ""
        for name, text in told.items():
            if text and claim[name] and text != claim[name] and name != "date_precision":
                kept, other = claim[name], text
                if name == "confidence":
                    # Never surer than the least sure of the rows.
                    order = _BY_NAME["confidence"].values
                    other, kept = sorted((kept, text), key=order.index)
                    claim[name] = kept
                of = "claim_fr" if name == "title_fr" else name
                self.reading.remark(record.row, "conflict", of, other, kept)
            elif text and not claim[name]:
                claim[name] = text
        return claim["id"]

    def _source(self, record: _Record, name: str, own: str) -> str:
        key = fold(name) or name
        cells = record.cells if own else {}
        told = {
            "name_fr": cells.get("source_fr", ""),
            "kind": cells.get("source_kind", ""),
            "country": cells.get("source_country", ""),
            "reliability": cells.get("reliability", ""),
        }
        if key not in self._sources:
            new = {"id": self._ids["sources"].new(name), "name": name, **told}
            self._sources[key] = new
            self.rows["sources"].append(new)
            return new["id"]
        source = self._sources[key]
        for column, text in told.items():
            if text and source[column] and text != source[column]:
                field = {"name_fr": "source_fr", "kind": "source_kind", "country": "source_country"}
                of = field.get(column, column)
                self.reading.remark(record.row, "conflict", of, text, source[column])
            elif text and not source[column]:
                source[column] = text
        return source["id"]

    def _place(self, record: _Record, name: str) -> str:
        """The id of the place that a row names or gives a position for, "" where it has none."""
        cells = record.cells
        said = cells.get(name, "")
        position = {"place": record.at, "to_place": record.to}.get(name)
        if position is None and said:
            known = self._known.get(fold(said), set())
            if said not in self._wanted and known:
                position = max(known, key=lambda p: p[2])
            else:
                return self._chosen(said, self.choices.get(said), cells.get(f"{name}_fr", ""))
        if position is None:
            return ""
        lon, lat, radius_m = position
        if cells.get("uncertainty_km") and name != "said_at":
            radius_m = 1000 * float(cells["uncertainty_km"])
        located_by = cells.get("located_by") or "approximate"
        reference = f"{self.raw.name}, {record.row}"
        place = (said, lon, lat, radius_m, located_by, "settlement", reference)
        return self._placed(place, cells.get(f"{name}_fr", ""))

    def _chosen(self, said: str, choice, name_fr: str) -> str:
        if choice is None:
            return ""
        if isinstance(choice, int):
            town = gazetteer.town(choice)
            radius_m = next(m for least, m in _TOWN_RADII_M.items() if town.population >= least)
            kind = "city" if town.population >= _CITY_INHABITANTS else "settlement"
            reference = f"GeoNames {town.geonames_id}"
            head, comma, _country = said.rpartition(",")
            if comma and fold(said) != fold(town.name):
                said = head.strip()  # the country was there to tell which town
            place = (said, town.lon, town.lat, float(radius_m), "gazetteer", kind, reference)
            return self._placed(place, name_fr)
        lon, lat, *radius = map(float, choice)
        radius_m = radius[0] if radius else _LEAST_RADIUS_M
        place = (said, lon, lat, radius_m, "approximate", "settlement", self.raw.name)
        return self._placed(place, name_fr)

    def _placed(self, place: _Place, name_fr: str = "", note: str = "") -> str:
        name, lon, lat, radius_m, located_by, kind, reference = place
        key = (fold(name), round(lon, 6), round(lat, 6), radius_m, located_by, kind)
        if key not in self._places:
            self._places[key] = self._ids["places"].new(name or "place")
            self.rows["places"].append(
                {
                    "id": self._places[key],
                    "name": name or texts.position(lon, lat, "en"),
                    "name_fr": name_fr or ("" if name else texts.position(lon, lat, "fr")),
                    "kind": kind,
                    "lon": f"{lon:.8g}",
                    "lat": f"{lat:.8g}",
                    "uncertainty_m": f"{radius_m:.6g}",
                    "located_by": located_by,
                    "reference": reference,
                    "note": note,
                }
            )
        return self._places[key]

    def _add_features(self, record: _Record, claim: str) -> None:
        cells = record.cells
        if record.shape is not None:
            for place, to_place, note in self._drawn(record):
                self._feature(record, claim, place, to_place, note)
            return
        place = self._place(record, "place")
        to_place = self._place(record, "to_place")
        if (cells.get("to_place") or record.to) and not (place and to_place):
            to_place = ""  # one end was left without a place: the other is all there is to draw
        if place:
            self._feature(record, claim, place, to_place, "")

    def _feature(self, record: _Record, claim: str, place: str, to_place: str, note: str) -> None:
        cells = record.cells
        stated = cells.get("claimed_km") or cells.get("claimed_direction")
        kind = cells.get("kind") or ("distance" if stated and not cells.get("mode") else "route")
        if not to_place:
            kind = "place"
        if kind == "place":
            to_place = ""
        feature = {
            "claim": claim,
            "kind": kind,
            "place": place,
            "to_place": to_place,
            "mode": (cells.get("mode") or "unknown") if kind == "route" else "",
            "basis": cells.get("basis") or "reported",
            "quantity": cells.get("quantity", ""),
            "unit": cells.get("unit", ""),
            "claimed_km": cells.get("claimed_km", "") if kind != "place" else "",
            "claimed_direction": cells.get("claimed_direction", "") if kind != "place" else "",
            "note": " ".join(filter(None, (cells.get("note", ""), note))),
        }
        key = tuple(value for name, value in feature.items() if name != "note")
        if key not in self._features:
            self._features.add(key)
            self.rows["features"].append({"id": f"f-{len(self._features)}", **feature})

    def _drawn(self, record: _Record) -> Iterator[tuple[str, str, str]]:
        """Place, end and note for each part of a shape."""
        cells = record.cells
        name, name_fr = cells.get("place", ""), cells.get("place_fr", "")
        # What a map file calls a point or an area is mostly the name of the place.
        called = name or (cells["claim"] if len(cells["claim"]) <= _LONGEST_LABEL else "")
        reference = f"{self.raw.name}, {record.row}"
        located_by = cells.get("located_by") or "approximate"
        least_m = 1000 * float(cells.get("uncertainty_km") or 0)
        for part in _shape_parts(record.shape):
            if part.geom_type == "Point":
                lon, lat = _wrapped(part.x), part.y
                decimals = max(len(f"{v:.6f}".rstrip("0").partition(".")[2]) for v in (lon, lat))
                radius_m = max(0.5 * 10.0**-decimals * _KM_PER_DEGREE * 1000, _LEAST_RADIUS_M)
                radius_m = least_m or radius_m
                place = (called, lon, lat, radius_m, located_by, "settlement", reference)
                yield self._placed(place, name_fr), "", ""
            elif part.geom_type in ("LineString", "LinearRing") and not part.is_ring:
                ends = []
                for x, y in (part.coords[0], part.coords[-1]):
                    end_name = cells.get("to_place", "") if ends else name
                    end_fr = cells.get("to_place_fr", "") if ends else name_fr
                    radius_m = least_m or _LEAST_RADIUS_M
                    end = (end_name, _wrapped(x), y, radius_m, located_by, "settlement", reference)
                    ends.append(self._placed(end, end_fr))
                note = ""
                between = len(part.coords) - 2
                if between:
                    off_km = _bend_km(part)
                    note = (
                        f"The file draws it through {between} more points, up to "
                        f"{off_km:.0f} km off the straight line; only its ends are kept."
                    )
                    self.reading.remark(record.row, "line-ends", found=str(between))
                yield ends[0], ends[1], note
            else:
                lon, lat, radius_m = _covering_circle(part)
                radius_m = max(radius_m, least_m)
                area = (called, lon, lat, round(radius_m, -1), "approximate", "region", reference)
                note = "An area in the file; the circle is the smallest found that holds all of it."
                self.reading.remark(record.row, "area-circle")
                yield self._placed(area, name_fr, note), "", ""

    def texts(self) -> dict[str, str]:
        """Each table as CSV, with what was left empty filled in."""
        for claim in self.rows["claims"]:
            claim["theme"] = claim["theme"] or ("transport" if claim.pop("goes") else "presence")
            claim.pop("goes", None)
            claim["confidence"] = claim["confidence"] or "unassessed"
            claim["date_precision"] = (
                (claim["date_precision"] or "day") if claim["event_start"] else ""
            )
            claim["date_precision"] = claim["date_precision"] or "unknown"
        for source in self.rows["sources"]:
            source["kind"] = source["kind"] or "news"
            source["reliability"] = source["reliability"] or "F"
        return {table: _csv_text(table, rows) for table, rows in self.rows.items()}


def _csv_text(table: str, rows: list[dict[str, str]]) -> str:
    import io

    names = [f["name"] for f in datasets.schema(table)["fields"]]
    names += [n for n in dict.fromkeys(n for row in rows for n in row) if n not in names]
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _loaded(tables: _Tables, raw: Raw, title: str) -> Dataset:
    """The tables written as a package and read back, so that one set of rules holds for all."""
    stem = Path(raw.name).stem
    title = title or stem or raw.name
    with tempfile.TemporaryDirectory() as folder:
        listed = tables.texts()
        for table, text in listed.items():
            (Path(folder) / f"{table}.csv").write_text(text, "utf-8")
        descriptor = {
            "profile": "tabular-data-package",
            "name": slug(title) or "claims",
            "title": title,
            "resources": [{"name": table, "path": f"{table}.csv"} for table in listed],
        }
        text = json.dumps(descriptor, ensure_ascii=False)
        (Path(folder) / "datapackage.json").write_text(text, "utf-8")
        return datasets.load(folder)


# Shapes


def _shape_parts(shape: BaseGeometry | None) -> Iterator[BaseGeometry]:
    """The points, lines and polygons of a shape, however they are packed."""
    stack = [] if shape is None else [shape]
    while stack:
        part = stack.pop(0)
        if part.is_empty:
            continue
        if hasattr(part, "geoms"):
            stack = [*part.geoms, *stack]
        else:
            yield part


def _wrapped(lon: float) -> float:
    return lon if -180 <= lon <= 180 else (lon + 180) % 360 - 180


def _unfolded(part: BaseGeometry) -> np.ndarray:
    """Vertices at most a degree apart, on continuous longitudes where they cross 180°."""
    xy = shapely.get_coordinates(part)
    if np.ptp(xy[:, 0]) > 180:
        xy[:, 0] %= 360
    if len(xy) < 2:
        return xy
    return shapely.get_coordinates(shapely.segmentize(shapely.LineString(xy), 1.0))


def _flat(lon: float, lat: float):
    """From degrees to metres in an azimuthal equidistant projection about a point."""
    import pyproj

    system = f"+proj=aeqd +lon_0={lon} +lat_0={lat} +datum=WGS84 +units=m"
    return pyproj.Transformer.from_crs("EPSG:4326", system, always_xy=True)


def _covering_circle(part: BaseGeometry) -> tuple[float, float, float]:
    """Centre (degrees) and radius (m) of a circle that holds all of a shape.

    The smallest circle round the shape in an azimuthal equidistant projection about its middle,
    with the radius then measured on the ellipsoid so that nothing lies outside.
    """
    xy = _unfolded(part)
    flat = _flat(*(xy.min(axis=0) + xy.max(axis=0)) / 2)
    points = shapely.MultiPoint(np.column_stack(flat.transform(xy[:, 0], xy[:, 1])))
    centre = shapely.centroid(shapely.minimum_bounding_circle(points))
    lon, lat = flat.transform(centre.x, centre.y, direction="INVERSE")
    lon = _wrapped(lon)
    away = geodesy.inverse(
        np.full(len(xy), lon), np.full(len(xy), lat), np.vectorize(_wrapped)(xy[:, 0]), xy[:, 1]
    )
    return lon, lat, 1000 * float(np.max(away.length_km))


def _bend_km(line: BaseGeometry) -> float:
    """How far, at most, a line strays from the geodesic between its ends."""
    xy = _unfolded(line)
    (x0, y0), (x1, y1) = xy[0], xy[-1]
    flat = _flat((x0 + x1) / 2, (y0 + y1) / 2)
    straight = geodesy.line(_wrapped(x0), y0, _wrapped(x1), y1)
    ends = shapely.LineString(np.column_stack(flat.transform(*shapely.get_coordinates(straight).T)))
    points = shapely.points(np.column_stack(flat.transform(xy[:, 0], xy[:, 1])))
    return float(np.max(shapely.distance(points, ends))) / 1000
