"""What the viewer chose to see: the filters, their URL keys, and the sentence that tells them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import lru_cache
from threading import Lock
from urllib.parse import parse_qs, urlencode

import numpy as np
import pandas as pd
from cachetools import LRUCache, cached

from geo import texts
from geo.dataset import STATUSES, Dataset, statuses

LAYERS = ("sourced", "denied")
# The filters of which several values may be chosen; none chosen means no filter.
FACETS = ("source", "confidence", "status", "theme")
_MOST_ROWS = 30_000  # statements in all the results that are kept


@dataclass(frozen=True)
class Selection:
    """One choice of what to show. The fields are named as the URL keys of the dashboard.

    ``source``, ``confidence``, ``status``, ``theme``: allowed values, empty for no filter.
    ``layer``: the layers that are drawn. ``as_of``: only statements dated up to that day, None
    for all. ``lang``, ``view``: language and named view. ``claim``: id of the claim whose
    evidence is open, empty for none.
    """

    source: tuple[str, ...] = ()
    confidence: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    theme: tuple[str, ...] = ()
    layer: tuple[str, ...] = LAYERS
    as_of: date | None = None
    lang: str = texts.DEFAULT_LANG
    view: str = "theatre"
    claim: str = ""

    def __post_init__(self):
        # One order only, so that equal choices are equal objects with one link.
        layers = tuple(name for name in LAYERS if name in self.layer)
        object.__setattr__(self, "layer", layers)

    def to_query(self) -> dict[str, list[str]]:
        """The selection as URL keys and values; what is at its default is left out."""
        query = {}
        for each in fields(self):
            value = getattr(self, each.name)
            if value == each.default:
                continue
            if isinstance(value, tuple):
                query[each.name] = list(value) or [""]
            else:
                query[each.name] = [value.isoformat() if isinstance(value, date) else value]
        return query

    def query_string(self) -> str:
        """The selection as it stands in a link, without the question mark."""
        return urlencode(self.to_query(), doseq=True)


@lru_cache(maxsize=16)
def options(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    """The values that each filter offers for this dataset, in the order to show them (kept)."""
    spoken = pd.concat([dataset.statements["source"], dataset.statements["origin"]])
    sources = dataset.sources.index[dataset.sources.index.isin(spoken)]
    themes = dataset.claims["theme"].unique()
    order = ("transport", "training", "presence", "plan", "front", "diplomacy")
    return {
        "source": tuple(sources),
        "confidence": ("high", "moderate", "low", "unassessed"),
        "status": STATUSES,
        "theme": tuple(t for t in order if t in themes),
        "layer": LAYERS,
    }


@lru_cache(maxsize=16)
def source_names(dataset: Dataset, lang: str) -> dict[str, str]:
    """The name of each source by its id (kept; do not change what it returns)."""
    rows = dataset.sources.to_dict("index")
    return {source: texts.in_language(row, "name", lang) for source, row in rows.items()}


def from_query(
    query: str | Mapping[str, Sequence[str]], dataset: Dataset
) -> tuple[Selection, tuple[tuple[str, str], ...]]:
    """Read a link's query (``?source=nis&layer=denied`` or its parsed keys and values).

    Returns the selection and what had to be ignored, as (key, value): values that this dataset
    does not have. Keys that are not ours are none of our business and are passed over.
    """
    if isinstance(query, str):
        query = parse_qs(query.lstrip("?"), keep_blank_values=True)
    allowed = options(dataset)
    chosen: dict = {}
    ignored: list[tuple[str, str]] = []
    for key, values in query.items():
        values = [values] if isinstance(values, str) else list(values)
        if not values:
            continue
        if key in allowed:
            good = [v for v in allowed[key] if v in values]
            ignored += [(key, v) for v in values if v not in allowed[key] and v != ""]
            if good or values == [""]:
                chosen[key] = tuple(good)
        elif key == "as_of" and values[-1]:
            try:
                chosen[key] = date.fromisoformat(values[-1])
            except ValueError:
                ignored.append((key, values[-1]))
        elif key in ("lang", "view", "claim") and values[-1]:
            known = {
                "lang": texts.languages(),
                "view": [v.name for v in dataset.views],
                "claim": dataset.claims.index,
            }[key]
            if values[-1] in known:
                chosen[key] = values[-1]
            else:
                ignored.append((key, values[-1]))
    return Selection(**chosen), tuple(ignored)


@dataclass(frozen=True, eq=False)
class _Ledger:
    """The statements of a dataset as arrays, in the order of the table."""

    claims: np.ndarray
    speakers: np.ndarray
    origins: np.ndarray  # -1 where a statement is the speaker's own
    stances: np.ndarray
    days: np.ndarray


@lru_cache(maxsize=16)
def _ledger(dataset: Dataset) -> _Ledger:
    table = dataset.statements
    sources = dataset.sources.index
    days = table["date"].to_numpy("datetime64[D]")
    return _Ledger(
        claims=dataset.claims.index.get_indexer(table["claim"]),
        speakers=sources.get_indexer(table["source"]),
        origins=np.where(table["origin"] == "", -1, sources.get_indexer(table["origin"])),
        stances=table["stance"].to_numpy(dtype=object),
        days=np.where(np.isnat(days), np.iinfo("int64").min, days.astype("int64")),
    )


def _said_by(dataset: Dataset, as_of: date | None) -> np.ndarray:
    """Which statements were made up to the day; undated ones only where no day is set."""
    days = _ledger(dataset).days
    if as_of is None:
        return np.ones(len(days), dtype=bool)
    day = np.datetime64(as_of, "D").astype("int64")
    return (days <= day) & (days != np.iinfo("int64").min)


def _kept_statements(dataset: Dataset, selection: Selection) -> np.ndarray:
    """Which statements the day and the sources keep: by a chosen source, or repeating one."""
    kept = _said_by(dataset, selection.as_of)
    if selection.source:
        ledger = _ledger(dataset)
        chosen = dataset.sources.index.get_indexer(list(selection.source))
        chosen = chosen[chosen >= 0]  # -1, a source that is not there, is "no origin" as well
        kept &= np.isin(ledger.speakers, chosen) | np.isin(ledger.origins, chosen)
    return kept


def _statuses(dataset: Dataset, kept: np.ndarray) -> np.ndarray:
    ledger = _ledger(dataset)
    return statuses(
        ledger.claims[kept],
        ledger.speakers[kept],
        ledger.stances[kept],
        ledger.days[kept],
        np.zeros(int(kept.sum()), dtype=np.int64),
        (1, len(dataset.claims)),
    )[0]


@lru_cache(maxsize=16)
def _coded(dataset: Dataset, key: str) -> np.ndarray:
    """The confidence or theme of each claim as its position among those that are offered."""
    return pd.Index(options(dataset)[key]).get_indexer(dataset.claims[key])


def _passes(dataset: Dataset, selection: Selection, key: str, codes: np.ndarray) -> np.ndarray:
    """Which claims one of the filters on claims lets through; ``codes`` may be of any rank."""
    chosen = getattr(selection, key)
    if key == "status":
        wanted = [STATUSES.index(s) for s in chosen]
        return np.isin(codes, wanted) if chosen else codes >= 0
    if not chosen:
        return np.ones(len(dataset.claims), dtype=bool)
    offered = options(dataset)[key]
    return np.isin(_coded(dataset, key), [offered.index(c) for c in chosen if c in offered])


def apply(dataset: Dataset, selection: Selection) -> Dataset:
    """What the selection keeps of a dataset.

    First the statements, by day and source; then the claims they speak of, whose ``status`` (a
    new column of ``claims``) follows from the kept statements alone; then confidence, status and
    theme. Sources and places stay whole. Layers keep nothing back here: they decide what is
    drawn (``marks.visible``). The last results are kept, as viewers go to and fro: many of a small
    dataset, few of a large one.
    """
    plain = Selection(**{k: getattr(selection, k) for k in (*FACETS, "as_of")})
    return _applied(dataset, plain)


def _shown(dataset: Dataset, selection: Selection) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which statements are kept, the status of each claim by them, and which claims are kept."""
    kept = _kept_statements(dataset, selection)
    codes = _statuses(dataset, kept)
    shown = codes >= 0
    for key in ("confidence", "status", "theme"):
        shown &= _passes(dataset, selection, key, codes)
    return kept, codes, shown


def _rows_of(kept: Dataset) -> int:
    return min(100 + len(kept.statements), _MOST_ROWS // 3)


@cached(LRUCache(_MOST_ROWS, _rows_of), lock=Lock())
def _applied(dataset: Dataset, selection: Selection) -> Dataset:
    kept, codes, shown = _shown(dataset, selection)
    claims = dataset.claims[shown].assign(status=[STATUSES[c] for c in codes[shown]])
    statements = dataset.statements[kept & shown[_ledger(dataset).claims]]
    features = dataset.features[dataset.features["claim"].isin(claims.index)]
    return replace(dataset, claims=claims, statements=statements, features=features)


def counts(dataset: Dataset, selection: Selection) -> dict[str, dict[str, int]]:
    """For each value of each filter, how many claims choosing that value alone would leave.

    The other filters stay as they are, so the numbers say what a click leads to.
    """
    kept = _kept_statements(dataset, selection)
    codes = _statuses(dataset, kept)
    passes = {k: _passes(dataset, selection, k, codes) for k in ("confidence", "status", "theme")}
    offered = options(dataset)
    result: dict[str, dict[str, int]] = {}
    for key in ("confidence", "theme"):
        others = (codes >= 0) & np.logical_and.reduce([passes[k] for k in passes if k != key])
        left = np.bincount(_coded(dataset, key)[others], minlength=len(offered[key]))
        result[key] = dict(zip(offered[key], left.tolist(), strict=True))
    others = passes["confidence"] & passes["theme"]
    result["status"] = {s: int((others & (codes == STATUSES.index(s))).sum()) for s in STATUSES}

    per_source = _statuses_by_source(dataset, selection.as_of)
    left = _passes(dataset, selection, "status", per_source) & others
    by_source = dict(zip(dataset.sources.index, left.sum(axis=1).tolist(), strict=True))
    result["source"] = {s: by_source[s] for s in offered["source"]}
    return {key: result[key] for key in FACETS}


@lru_cache(maxsize=64)
def _statuses_by_source(dataset: Dataset, as_of: date | None) -> np.ndarray:
    """Status codes (sources × claims), each row by the statements that source alone keeps."""
    ledger = _ledger(dataset)
    said = np.flatnonzero(_said_by(dataset, as_of))
    repeats = said[(ledger.origins[said] >= 0) & (ledger.origins[said] != ledger.speakers[said])]
    rows = np.concatenate([said, repeats])
    groups = np.concatenate([ledger.speakers[said], ledger.origins[repeats]])
    return statuses(
        ledger.claims[rows],
        ledger.speakers[rows],
        ledger.stances[rows],
        ledger.days[rows],
        groups,
        (len(dataset.sources), len(dataset.claims)),
    )


def _either(parts: list[str], lang: str) -> str:
    _ = texts.translator(lang)
    if len(parts) == 1:
        return parts[0]
    return _("{first} or {last}").format(first=", ".join(parts[:-1]), last=parts[-1])


def _only_denials(dataset: Dataset, selection: Selection) -> str:
    """That only denials are drawn, and of how many claims: the others are kept, but not drawn."""
    status = apply(dataset, selection).claims["status"]
    return texts.plural(
        selection.lang,
        "only denials drawn, of {n} claim",
        "only denials drawn, of {n} claims",
        int(status.isin(["contested", "denied"]).sum()),
    )


def phrases(dataset: Dataset, selection: Selection) -> dict[str, str]:
    """Each filter that is set, in words of the selection's language, by URL key."""
    lang = selection.lang
    _ = texts.translator(lang)
    words = texts.terms(lang)
    said = {}
    if selection.source:
        names = source_names(dataset, lang)
        told = _either([names[source] for source in selection.source], lang)
        said["source"] = _("only what {names} said").format(names=told)
    for key, phrase in (
        ("confidence", _("confidence {values}")),
        ("status", _("status {values}")),
        ("theme", _("theme {values}")),
    ):
        chosen = getattr(selection, key)
        if chosen:
            values = [words[key][v].lower() for v in chosen]
            said[key] = phrase.format(values=_either(values, lang))
    if selection.layer != LAYERS:
        said["layer"] = {
            ("sourced",): _("denials not drawn"),
            ("denied",): _only_denials(dataset, selection),
        }.get(selection.layer, _("both layers off, nothing drawn"))
    if selection.as_of is not None:
        said["as_of"] = _("as of {day}").format(day=texts.day(selection.as_of, lang))
    return said


def sentence(dataset: Dataset, selection: Selection, kept: Dataset | None = None) -> str:
    """What is shown and how many claims are hidden, as one sentence (plain text).

    ``kept`` is what ``apply`` gave, where the caller has it already.
    """
    lang = selection.lang
    _ = texts.translator(lang)
    total = len(dataset.claims)
    kept = apply(dataset, selection) if kept is None else kept
    hidden = total - len(kept.claims)
    said = list(phrases(dataset, selection).values())
    start = ", ".join(said) if said else _("all sources, up to the last day")
    start = start[:1].upper() + start[1:]
    if hidden == 0:
        end = texts.plural(lang, "the only claim is shown", "all {n} claims are shown", total)
    else:
        end = _("{hidden} of {total} claims hidden").format(
            hidden=texts.number(hidden, lang), total=texts.number(total, lang)
        )
    if dataset.left_out:
        end += _("; ") + texts.plural(
            lang,
            "{n} row of the file left out",
            "{n} rows of the file left out",
            dataset.left_out,
        )
    return f"{start}{_('; ')}{end}."


def loosened(dataset: Dataset, selection: Selection) -> list[tuple[str, int]]:
    """For a selection that shows nothing: each set filter with the claims its removal brings.

    Filters whose removal brings most come first; those that bring nothing are left out.
    """
    found = []
    for key in (*FACETS, "as_of"):
        default = None if key == "as_of" else ()
        if getattr(selection, key) != default:
            without = replace(selection, **{key: default})
            found.append((key, int(_shown(dataset, without)[2].sum())))
    return sorted((f for f in found if f[1]), key=lambda f: -f[1])
