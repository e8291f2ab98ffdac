"""Two tellings of one dataset side by side: who speaks as one, and what differs between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
import pandas as pd

from geo import basemap, marks, selection, texts
from geo.dataset import Dataset, standing_in
from geo.selection import Selection

# Sources of these kinds speak for their country; a news medium speaks for itself.
_STATE_KINDS = ("intelligence", "government", "official")
# All sources, where an address must say so; no id can be this.
_ALL = "*"
_MOST_PAIRS = 5
_MOST_NAMES = 3
_LEAST_DEG = 1.5  # of a window on the map


@dataclass(frozen=True)
class Side:
    """What one side shows: statements of these sources (none: of all) up to that day."""

    source: tuple[str, ...] = ()
    as_of: date | None = None


@dataclass(frozen=True)
class Preset:
    """A comparison that the dataset itself suggests, with its name in words."""

    label: str
    left: Side
    right: Side


@dataclass(frozen=True)
class Item:
    """One claim with its status on either side, "" where that side does not show it.

    ``implied``: it is denied, but nobody on either side names it in a denial.
    """

    claim: str
    left: str
    right: str
    implied: bool


@dataclass(frozen=True)
class Difference:
    """What differs between two sides, each claim once, in the order of the dataset.

    ``opposed``: asserted on one side and only denied on the other. ``changed``: with another
    status. ``only_left``, ``only_right``: shown by one side alone. ``resting``: of one status, but
    by other statements. ``alike``: how many claims have the same status by the same statements.
    """

    opposed: tuple[Item, ...]
    changed: tuple[Item, ...]
    only_left: tuple[Item, ...]
    only_right: tuple[Item, ...]
    resting: tuple[Item, ...]
    alike: int


@dataclass(frozen=True)
class _Voice:
    """Sources that speak as one: what speaks for a country, or a source by itself."""

    sources: tuple[str, ...]
    country: str


def chosen(side: Side, shared: Selection) -> Selection:
    """The selection of one side: its own sources and day, all else as on both."""
    return replace(shared, source=side.source, as_of=side.as_of)


def compare(left: Dataset, right: Dataset) -> Difference:
    """What differs between two datasets that ``selection.apply`` left of the same one.

    Layers play no part: they decide what is drawn, and not what is told.
    """
    here, there = (kept.claims["status"].to_dict() for kept in (left, right))
    order = [kept.statements.index for kept in (left, right)]
    denied, named = set(), set()
    for kept in (left, right):
        stand = kept.statements[standing_in(kept.statements)]
        denials = stand[stand["stance"] == "denies"]
        denied |= set(denials["claim"])
        named |= set(denials.loc[denials["scope"] == "direct", "claim"])
    moved = {
        *left.statements["claim"][~order[0].isin(order[1])],
        *right.statements["claim"][~order[1].isin(order[0])],
    }
    implied = denied - named
    found: dict[str, list[Item]] = {
        key: [] for key in ("opposed", "changed", "only_left", "only_right", "resting")
    }
    alike = 0
    for claim in here | there:
        a, b = here.get(claim, ""), there.get(claim, "")
        if a == b and claim not in moved:
            alike += 1
            continue
        if {a, b} == {"sourced", "denied"}:
            kind = "opposed"
        elif a == b:
            kind = "resting"
        else:
            kind = "only_left" if not b else "only_right" if not a else "changed"
        found[kind].append(Item(claim, a, b, claim in implied))
    return Difference(**{key: tuple(items) for key, items in found.items()}, alike=alike)


def sentence(difference: Difference, lang: str) -> str:
    """What differs in one sentence, the sides called A and B."""
    _ = texts.translator(lang)
    by_name = sum(not item.implied for item in difference.opposed)
    parts = []
    if by_name:
        parts.append(
            texts.plural(
                lang,
                "{n} claim asserted on one side, denied by name on the other",
                "{n} claims asserted on one side, denied by name on the other",
                by_name,
            )
        )
    if implied := len(difference.opposed) - by_name:
        parts.append(
            texts.plural(
                lang,
                "{n} claim asserted on one side, denied by implication on the other",
                "{n} claims asserted on one side, denied by implication on the other",
                implied,
            )
        )
    if n := len(difference.changed):
        parts.append(
            texts.plural(lang, "{n} claim with another status", "{n} claims with another status", n)
        )
    if n := len(difference.only_left):
        parts.append(texts.plural(lang, "{n} claim only in A", "{n} claims only in A", n))
    if n := len(difference.only_right):
        parts.append(texts.plural(lang, "{n} claim only in B", "{n} claims only in B", n))
    if n := len(difference.resting):
        parts.append(
            texts.plural(
                lang,
                "{n} claim with the same status by other statements",
                "{n} claims with the same status by other statements",
                n,
            )
        )
    if parts:
        return _("{head}: {text}").format(head=_("What differs"), text=f"{_('; ').join(parts)}.")
    if not difference.alike:
        return _("Nothing differs: neither side shows a claim.")
    return texts.plural(
        lang,
        "Nothing differs: both sides show the same claim, with the same status.",
        "Nothing differs: both sides show the same {n} claims, each with the same status.",
        difference.alike,
    )


def bounds(
    difference: Difference, plan: pd.DataFrame, visible: np.ndarray
) -> tuple[float, float, float, float] | None:
    """Where what differs most is drawn: west, south, east, north in degrees, with a margin.

    Of the marks (of ``marks.plan``) that are ``visible`` on either side: those of the claims that
    the sides oppose, else of those with another status, else of those that one side alone shows.
    Where something was merely said is not where it happened. None if nothing that differs is drawn.
    """
    alone = (*difference.only_left, *difference.only_right)
    place = visible & (plan["part"] != "spoken").to_numpy()
    for items in (difference.opposed, difference.changed, alone, difference.resting):
        told = place & plan["claim"].isin([item.claim for item in items]).to_numpy()
        if told.any():
            west, south, east, north = marks.bounds(plan[told])
            # Round a lone village too there is something to know it by.
            dx, dy = (
                max(0.1 * span, (_LEAST_DEG - span) / 2) for span in (east - west, north - south)
            )
            return west - dx, max(south - dy, -85.0), east + dx, min(north + dy, 85.0)
    return None


# The sides in words


def title(dataset: Dataset, side: Side, lang: str) -> str:
    """Who tells it and as of when, such as "As Seoul tells it"."""
    _ = texts.translator(lang)
    names, cities = _names(dataset, side.source, lang)
    joined = _both(names, lang)
    if not names:
        who = _("As all sources tell it")
    elif cities and len(names) == 1:
        who = _("As {name} tells it").format(name=joined)
    elif cities:
        who = _("As {names} tell it").format(names=joined)
    else:
        who = _("As told by {names}").format(names=joined)
    if side.as_of is None:
        return who
    return _("{who}, as of {day}").format(who=who, day=texts.day(side.as_of, lang))


def _names(dataset: Dataset, sources: tuple[str, ...], lang: str) -> tuple[list[str], bool]:
    """Names for some sources, and whether all of them are capitals; few, however many there are."""
    mine = [voice for voice in _voices(dataset) if set(voice.sources) & set(sources)]
    whole = {source for voice in mine for source in voice.sources} == set(sources)
    capitals = _capitals(dataset)
    if whole and len(mine) <= _MOST_NAMES:
        cities = all(voice.country in capitals for voice in mine)
        return [_voice_name(dataset, voice, lang) for voice in mine], cities
    if len(sources) > _MOST_NAMES:
        return [texts.plural(lang, "{n} source", "{n} sources", len(sources))], False
    return [texts.in_language(dataset.sources.loc[s], "name", lang) for s in sources], False


def _voice_name(dataset: Dataset, voice: _Voice, lang: str) -> str:
    capital = _capitals(dataset).get(voice.country)
    if capital is not None:
        return texts.in_language(dataset.places.loc[capital], "name", lang)
    if len(voice.sources) > 1:
        from babel import Locale

        return Locale(lang).territories.get(voice.country, voice.country)
    return texts.in_language(dataset.sources.loc[voice.sources[0]], "name", lang)


def _both(names: list[str], lang: str) -> str:
    _ = texts.translator(lang)
    if len(names) < 2:
        return "".join(names)
    return _("{first} and {last}").format(first=", ".join(names[:-1]), last=names[-1])


# What the dataset suggests


@lru_cache(maxsize=16)
def _voices(dataset: Dataset) -> tuple[_Voice, ...]:
    """Who speaks in a dataset: each source that does is in one of them."""
    speaking = dataset.sources.loc[list(selection.options(dataset)["source"])]
    grouped: dict[str, list[str]] = {}
    for source, row in speaking.iterrows():
        country = row["country"] if row["kind"] in _STATE_KINDS else ""
        grouped.setdefault(country or f"source {source}", []).append(source)
    return tuple(
        _Voice(tuple(sources), "" if " " in key else key) for key, sources in grouped.items()
    )


@lru_cache(maxsize=16)
def _capitals(dataset: Dataset) -> dict[str, str]:
    """Id of the first place of kind capital in each country that has one, by ISO 3166-1 alpha-2."""
    places = dataset.places[dataset.places["kind"] == "capital"]
    if places.empty:
        return {}
    states = basemap.countries("50m")
    points, countries = states.sindex.query(places.geometry, predicate="within")
    found: dict[str, str] = {}
    for point, country in sorted(zip(points.tolist(), countries.tolist(), strict=True)):
        found.setdefault(states["iso_a2"].iloc[country], places.index[point])
    return found


@lru_cache(maxsize=16)
def _disagreements(dataset: Dataset) -> pd.DataFrame:
    """For each voice that asserts what another denies (columns): claim, asserts, denies.

    Voices by number. Only what stands; what repeats another source counts as that one's word.
    """
    voice_of = {s: n for n, voice in enumerate(_voices(dataset)) for s in voice.sources}
    stand = dataset.statements[standing_in(dataset.statements)]
    told = pd.DataFrame(
        {
            "claim": stand["claim"],
            "stance": stand["stance"],
            "voice": stand["origin"].where(stand["origin"] != "", stand["source"]).map(voice_of),
        }
    ).drop_duplicates()
    asserted = told[told["stance"] == "asserts"].rename(columns={"voice": "asserts"})
    denied = told[told["stance"] == "denies"].rename(columns={"voice": "denies"})
    pairs = asserted[["claim", "asserts"]].merge(denied[["claim", "denies"]], on="claim")
    return pairs[pairs["asserts"] != pairs["denies"]]


def presets(dataset: Dataset, lang: str) -> tuple[Preset, ...]:
    """The comparisons that a dataset suggests, those with most to disagree on first.

    The voice that is contradicted most against all who deny something; then each pair of voices
    of which one asserts what the other denies; then all that was said before the first denial
    against all that was said.
    """
    voices = _voices(dataset)
    sides = [
        (Side(voices[a].sources), Side(tuple(s for n in others for s in voices[n].sources)))
        for a, others in _pairs(dataset)
    ]
    days = _days(dataset)
    if days is not None:
        sides.append((Side(as_of=days[0]), Side(as_of=days[1])))
    return tuple(Preset(_label(dataset, pair, lang), *pair) for pair in sides)


def _pairs(dataset: Dataset) -> list[tuple[int, tuple[int, ...]]]:
    """Numbers of the voices to hold against each other: one, and the others."""
    found = _disagreements(dataset)
    counts = found.groupby(["asserts", "denies"])["claim"].nunique()
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    pairs: list[tuple[int, tuple[int, ...]]] = []
    for (a, b), _count in ranked:
        if (b, (a,)) not in pairs:  # once, as the one who is contradicted more often tells it
            pairs.append((a, (b,)))
    if not pairs:
        return []
    first = pairs[0][0]
    denials = found.groupby("denies")["claim"].nunique().drop(first, errors="ignore")
    most = sorted(denials.index, key=lambda voice: (-denials[voice], voice))[:_MOST_NAMES]
    together = [(first, tuple(sorted(most)))] if len(most) > 1 else []
    return [*together, *pairs[:_MOST_PAIRS]]


def _days(dataset: Dataset) -> tuple[date, date] | None:
    """The day before the first denial, else the first day of all, and the last day."""
    if dataset.days is None:
        return None
    first, last = dataset.days
    denied = dataset.statements["date"][dataset.statements["stance"] == "denies"].dropna()
    early = first if denied.empty else max(first, denied.min().date() - timedelta(days=1))
    return (early, last) if early < last else None


def _label(dataset: Dataset, sides: tuple[Side, Side], lang: str) -> str:
    left, right = (
        texts.day(side.as_of, lang)
        if side.as_of is not None
        else _both(_names(dataset, side.source, lang)[0], lang)
        for side in sides
    )
    return f"{left} / {right}"


# The address


def from_query(
    query: Mapping[str, str], dataset: Dataset
) -> tuple[Side, Side, tuple[tuple[str, str], ...]]:
    """Both sides from the keys of an address, and the (key, value) that had to be ignored.

    ``a_source=nis,kbs``, ``a_as_of=2024-10-22``, and so for ``b``. An address that says nothing
    opens the first of ``presets``.
    """
    offered = selection.options(dataset)["source"]
    ignored: list[tuple[str, str]] = []
    sides = []
    said = False
    for side in ("a", "b"):
        asked = [s for s in query.get(f"{side}_source", "").split(",") if s]
        said |= _ALL in asked or any(s in offered for s in asked)
        ignored += [(f"{side}_source", s) for s in asked if s not in (_ALL, *offered)]
        sources = () if _ALL in asked else tuple(s for s in offered if s in asked)
        day = None
        if written := query.get(f"{side}_as_of", ""):
            try:
                day = date.fromisoformat(written)
                said = True
            except ValueError:
                ignored.append((f"{side}_as_of", written))
        sides.append(Side(sources, day))
    if not said:
        suggested = presets(dataset, texts.DEFAULT_LANG)
        sides = [suggested[0].left, suggested[0].right] if suggested else sides
    return sides[0], sides[1], tuple(ignored)


def to_query(left: Side, right: Side) -> dict[str, str]:
    """The keys of an address for two sides; what need not be said is ""."""
    query = {}
    for name, side in (("a", left), ("b", right)):
        query[f"{name}_source"] = ",".join(side.source)
        query[f"{name}_as_of"] = "" if side.as_of is None else side.as_of.isoformat()
    if not any(query.values()):
        query["a_source"] = _ALL
    return query
