"""Place names looked up among the bundled towns, without a network.

The towns are those of ``basemap.towns`` (GeoNames, 500 inhabitants or more), each under one name;
a few names of great cities that French or older English writes otherwise are known as well.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import pandas as pd

from geo import basemap, texts

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789 "
_LEAST_SCORE = 0.75  # below it, names have little more than their letters in common
_MOST_COMPARED = 400  # names that are compared letter by letter, a few milliseconds
_MOST_LETTERS = 100  # the longest name of a town has 79
# What NFKD leaves whole, as gazetteers in English write it.
_PLAIN = str.maketrans(
    {"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ə": "a"}
    | dict.fromkeys("'’‘`ʻʼʹ", "")
)
_NO_LETTERS = re.compile(r"[\W_]+")
# Folded names that the bundled table has under another name.
_OTHER_NAMES = {
    "alep": "aleppo", "alger": "algiers", "anvers": "antwerp", "athenes": "athens",
    "bagdad": "baghdad", "bale": "basel", "barcelone": "barcelona", "beyrouth": "beirut",
    "bombay": "mumbai", "breme": "bremen", "bruxelles": "brussels", "bucarest": "bucharest",
    "calcutta": "kolkata", "canton": "guangzhou", "copenhague": "copenhagen", "cracovie": "krakow",
    "damas": "damascus", "dniepropetrovsk": "dnipro", "edimbourg": "edinburgh",
    "firenze": "florence", "francfort": "frankfurt am main", "gand": "gent", "genes": "genoa",
    "geneve": "geneva", "hambourg": "hamburg", "ho chi minh ville": "ho chi minh city",
    "kharkov": "kharkiv", "kiev": "kyiv", "koln": "cologne", "la haye": "the hague",
    "la havane": "havana", "la mecque": "mecca", "le caire": "cairo",
    "leningrad": "saint petersburg", "lisbonne": "lisbon", "londres": "london",
    "louvain": "leuven", "lvov": "lviv", "madras": "chennai", "marioupol": "mariupol",
    "mayence": "mainz", "mexico": "mexico city", "milano": "milan", "mogadiscio": "mogadishu",
    "moscou": "moscow", "mossoul": "mosul", "munchen": "munich", "napoli": "naples",
    "nicosie": "nicosia", "nikolaev": "mykolayiv", "odessa": "odesa", "pekin": "beijing",
    "peking": "beijing", "praha": "prague", "rangoon": "yangon", "roma": "rome",
    "saigon": "ho chi minh city", "saint petersbourg": "saint petersburg",
    "sebastopol": "sevastopol", "sevilla": "seville", "singapour": "singapore",
    "st petersburg": "saint petersburg", "tbilissi": "tbilisi", "teheran": "tehran",
    "torino": "turin", "varsovie": "warsaw", "venezia": "venice", "venise": "venice",
    "vienne": "vienna", "wien": "vienna", "zaporijjia": "zaporizhzhya",
    "zaporojie": "zaporizhzhya",
}  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A town that a name may mean; ``score`` is 1 for the same name but for case and accents.

    ``country`` is ISO 3166-1 alpha-2, ``admin1`` GeoNames' code within it ("" for none), ``lon``
    and ``lat`` are WGS 84 degrees.
    """

    geonames_id: int
    name: str
    country: str
    admin1: str
    population: int
    lon: float
    lat: float
    score: float

    def words(self, lang: str) -> str:
        """The town as a line to choose by: name, country, inhabitants, position."""
        _ = texts.translator(lang)
        country = _territories(lang).get(self.country, self.country)
        if self.admin1:
            country = _("{country}, region {code}").format(country=country, code=self.admin1)
        return _("{name} ({country}): {population}, {position}").format(
            name=self.name,
            country=country,
            population=texts.plural(lang, "{n} inhabitant", "{n} inhabitants", self.population),
            position=texts.position(self.lon, self.lat, lang),
        )


@lru_cache(maxsize=100_000)
def fold(name: str) -> str:
    """A name without case, accents, apostrophes and punctuation, as names are compared."""
    plain = name.casefold()
    if plain.isascii() and plain.isalnum():  # most names: nothing to do
        return plain
    plain = unicodedata.normalize("NFKD", plain.translate(_PLAIN))
    bare = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(_NO_LETTERS.split(bare)).strip()


@cache
def _territories(lang: str) -> dict[str, str]:
    from babel import Locale

    return dict(Locale.parse(lang).territories)


@cache
def _countries() -> dict[str, str]:
    """ISO code by folded name in each language, and by the code itself."""
    named = {fold(name): code for lang in texts.languages() for code, name in _named(lang)}
    return named | {code.casefold(): code for code, _name in _named("en")}


def _named(lang: str) -> list[tuple[str, str]]:
    return [(code, name) for code, name in _territories(lang).items() if len(code) == 2]


@cache
def _towns() -> pd.DataFrame:
    table = basemap.towns()
    positions = {"lon": table.geometry.x.to_numpy(), "lat": table.geometry.y.to_numpy()}
    # Not through the cache of ``fold``, which is for the names that people ask for.
    folded = [fold.__wrapped__(name) for name in table["name"]]
    plain = pd.DataFrame(table.drop(columns="geometry")).assign(**positions, folded=folded)
    return plain.sort_values("prominence", ascending=False, kind="stable", ignore_index=True)


@cache
def _by_name() -> dict[str, np.ndarray]:
    """Rows of ``_towns`` for each folded name, the most prominent first."""
    return dict(_towns().groupby("folded", sort=False).indices)


@cache
def _rows_by_id() -> dict[int, int]:
    return {int(key): row for row, key in enumerate(_towns()["geonames_id"])}


@cache
def _letters() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct folded names, how often each has each letter (names × letters), lengths."""
    names = np.array(list(_by_name()), dtype=object)
    lengths = np.array([len(name) for name in names])
    codes = np.frombuffer("".join(names).encode("ascii", "replace"), dtype=np.uint8)
    places = np.repeat(np.arange(len(names)), lengths) * 128 + codes
    counts = np.bincount(places, minlength=len(names) * 128).reshape(len(names), 128)
    return names, counts[:, [ord(c) for c in _LETTERS]].astype(np.uint8), lengths


def town(geonames_id: int) -> Found | None:
    """The town of that GeoNames id; None where it is not among the bundled ones."""
    row = _rows_by_id().get(geonames_id)
    return None if row is None else _found(row, 1.0)


def propose(name: str, n: int = 8) -> tuple[Found, ...]:
    """The towns that a name may mean, best first, at most ``n``; none where nothing is like it.

    Towns of just that name come first (case, accents and punctuation aside), by prominence; then
    those of a similar name (Ratcliff and Obershelp's measure, as in ``difflib``). ``Paris, FR``,
    ``Paris, France`` and ``Paris, TX`` keep to that country or region where it has such a town.
    """
    name = name[: 2 * _MOST_LETTERS]
    whole = _proposed(fold(name), "", n)
    head, comma, tail = name.rpartition(",")
    if not comma or not fold(head) or (whole and whole[0].score == 1):
        return whole
    within = _proposed(fold(head), tail.strip(), n)
    return within or whole or _proposed(fold(head), "", n)


def _proposed(folded: str, region: str, n: int) -> tuple[Found, ...]:
    if not folded:
        return ()
    rows = [
        (1.0, row)
        for known in dict.fromkeys((folded, _OTHER_NAMES.get(folded, folded)))
        for row in _by_name().get(known, ())
    ]
    if len(rows) < n:
        rows += [
            (score, row)
            for score, known in _similar(folded)
            if _OTHER_NAMES.get(folded) != known
            for row in _by_name()[known]
        ]
    kept = [(score, row) for score, row in rows if _within(row, region)][:n]
    return tuple(_found(row, score) for score, row in kept)


def _within(row: int, region: str) -> bool:
    if not region:
        return True
    country, admin1 = _towns()["country"].iat[row], _towns()["admin1"].iat[row]
    return country == _countries().get(fold(region)) or (
        country == "US" and admin1.casefold() == fold(region).replace(" ", "")
    )


def _similar(folded: str) -> list[tuple[float, str]]:
    """Other names that are like a folded one, with their score below 1, best first."""
    if len(folded) > _MOST_LETTERS:
        return []
    names, counts, lengths = _letters()
    own = np.array([folded.count(c) for c in _LETTERS], dtype=np.uint8)
    # No ratio is greater than the share of common letters, which is counted for all at once.
    bound = 2.0 * np.minimum(counts, own).sum(axis=1, dtype=np.int64) / (lengths + len(folded))
    close = np.flatnonzero(bound >= _LEAST_SCORE)
    close = close[np.argsort(-bound[close], kind="stable")][:_MOST_COMPARED]
    matcher = difflib.SequenceMatcher(None, b=folded, autojunk=False)
    scored = []
    for position in close:
        if names[position] != folded:
            matcher.set_seq1(names[position])
            score = matcher.ratio()
            if score >= _LEAST_SCORE:
                scored.append((min(round(score, 3), 0.999), names[position]))
    return sorted(scored, key=lambda pair: -pair[0])


def _found(row: int, score: float) -> Found:
    of = _towns().iloc[row]
    return Found(
        int(of["geonames_id"]),
        of["name"],
        of["country"],
        of["admin1"],
        int(of["population"]),
        float(of["lon"]),
        float(of["lat"]),
        score,
    )
