"""The ledger of a selection: claims by sources as a matrix, statements one by one as a table.

Both are worked out as data (``matrix``, ``table``) and told as HTML that is safe to show
(``matrix_to_html``, ``table_to_html``). Links in it carry the page's address, and in ``data-``
attributes what they change in it, for a page that would rather not load anew.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd
from markupsafe import Markup

from geo import texts
from geo.dataset import STATUSES, Dataset, standing_in
from geo.evidence import (
    STANCES,
    Address,
    independent_origins,
    link,
    stance_chip,
    stance_count,
    stance_key,
    stance_word,
)
from geo.selection import source_names

MATRIX_ORDERS = ("dataset", "status", "confidence", "date", "origins")
COLUMNS = (
    *("claim", "source", "stance", "date", "grade", "origin"),
    *("place", "reference", "status", "confidence"),
)
MATRIX_ROWS = 60  # of 60 sources each, about 0.3 MB of HTML
TABLE_ROWS = 100

# For each status, statements that lead to it: stances by speakers (a, b), in their order in time.
EXAMPLES = {
    "sourced": (("a", "asserts"),),
    "contested": (("a", "asserts"), ("b", "denies")),
    "denied": (("a", "denies"),),
    "withdrawn": (("a", "asserts"), ("a", "retracts")),
    "declined": (("a", "declines"),),
}

# Those who speak for a state stand on its side; everyone else with their own kind.
_STATE_KINDS = ("intelligence", "government", "official")
_CONFIDENCES = ("high", "moderate", "low", "unassessed")


@dataclass(frozen=True)
class Entry:
    """One statement in words. ``repeats``: whose word it is, empty where it is the speaker's."""

    stance: str
    scope: str
    when: str
    repeats: str
    grade: str
    reference: str
    taken_back: bool


@dataclass(frozen=True)
class Cell:
    """What one source says of one claim.

    ``entries``: the statement that stands first, then the others, newest first; empty where the
    source is silent. ``cited``: how many statements of others give the source as their origin.
    """

    entries: tuple[Entry, ...] = ()
    cited: int = 0


@dataclass(frozen=True)
class Column:
    """A source: ``statements`` counts those that are kept, on this page of rows and off it."""

    source: str
    name: str
    reliability: str
    statements: int


@dataclass(frozen=True)
class Side:
    """Sources that stand together: those of one state, or those of one kind."""

    name: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Row:
    """A claim with a cell for each column; counts are of statements that nobody took back."""

    claim: str
    title: str
    status: str
    confidence: str
    cells: tuple[Cell, ...]
    counts: tuple[tuple[str, int], ...]
    origins: int


@dataclass(frozen=True)
class Matrix:
    """``rows`` from number ``start`` (0 is the first) of ``total``."""

    sides: tuple[Side, ...]
    rows: tuple[Row, ...]
    start: int
    total: int
    statements: int


@dataclass(frozen=True)
class Line:
    """One statement with its claim, in words but for the codes of stance, scope and status.

    ``place``: where it was said; ``located``: whether the claim itself has a place on the map.
    """

    statement: str
    claim: str
    title: str
    source: str
    stance: str
    when: str
    grade: str
    grade_help: str
    repeats: str
    speaker: str
    place: str
    located: bool
    reference: str
    status: str
    confidence: str
    scope: str
    taken_back: bool


@dataclass(frozen=True)
class Table:
    """``lines`` from number ``start`` (0 is the first) of ``total`` that match."""

    lines: tuple[Line, ...]
    start: int
    total: int


def plain(text: str) -> str:
    """A text without case, accents and odd forms of letters, for searching and sorting."""
    if text.isascii():
        return text.casefold()  # the same, for most texts, at a hundredth of the time
    apart = unicodedata.normalize("NFKD", text.casefold())
    bare = "".join(sign for sign in apart if not unicodedata.combining(sign))
    return bare.translate({0x2019: "'", 0xA0: " ", 0x153: "oe", 0xE6: "ae"})


def _written(table: pd.DataFrame, field: str) -> dict[str, dict[str, str]]:
    """A text of each row in every language: rows of a frame one by one take ten times as long."""
    columns = [name for name in table if name == field or name.startswith(f"{field}_")]
    return pd.DataFrame(table[columns]).to_dict("index")


@lru_cache(maxsize=8)
def _words(whole: Dataset, lang: str) -> pd.DataFrame:
    """What each statement reads like in a language, by statement id; ``search`` is ``plain``."""
    names = source_names(whole, lang)
    places, titles = (
        {i: texts.in_language(row, field, lang) for i, row in _written(table, field).items()}
        for table, field in ((whole.places, "name"), (whole.claims, "title"))
    )
    letters = whole.sources["reliability"]
    drawn = set(whole.features["claim"])
    days: dict[tuple, str] = {}
    rows = []
    for said in whole.statements.to_dict("records"):
        date = (said["date"], said["date_precision"])
        if date not in days:
            days[date] = texts.day(date[0], lang, date[1])
        origin = said["origin"] if said["origin"] != said["source"] else ""
        digit = int(said["credibility"])
        row = {
            "title": titles[said["claim"]],
            "name": names[said["source"]],
            "when": days[date],
            "grade": f"{letters[said['source']]}{digit}",
            "repeats": names.get(origin, ""),
            "speaker": texts.in_language(said, "speaker", lang),
            "place": places.get(said["place"], ""),
            "drawn": said["claim"] in drawn,
        }
        text = (
            *(row[key] for key in ("title", "name", "repeats", "speaker", "place")),
            *(texts.in_language(said, key, lang) for key in ("quote", "rationale")),
            *(said["reference"], row["grade"]),
        )
        rows.append({**row, "search": plain(" ".join(text))})
    columns = ["title", "name", "when", "grade", "repeats", "speaker", "place", "drawn", "search"]
    return pd.DataFrame(rows, index=whole.statements.index, columns=columns)


def matching(whole: Dataset, kept: Dataset, query: str, lang: str) -> pd.DataFrame:
    """The statements of ``kept`` that hold every word of ``query``, whatever case or accents.

    Looked through are claim, source, speaker, origin, text, reference and place.
    """
    wanted = plain(query).split()
    if not wanted:
        return kept.statements
    search = _words(whole, lang).loc[kept.statements.index, "search"]
    found = np.logical_and.reduce([search.str.contains(w, regex=False) for w in wanted])
    return kept.statements[found]


def sides(whole: Dataset, lang: str) -> dict[str, str]:
    """The side of each source in words, by id; those of one side together, else in their order.

    Intelligence services, governments and officials stand with their country, all others with
    their kind.
    """
    _ = texts.translator(lang)
    others = {"news": _("Press"), "social-media": _("Social media"), "analyst": _("Analysts")}
    found = {}
    for source, kind, country in zip(
        whole.sources.index, whole.sources["kind"], whole.sources["country"], strict=True
    ):
        state = _country(country, lang) if country else _("Officials, no country")
        found[source] = state if kind in _STATE_KINDS else others[kind]
    order = list(dict.fromkeys(found.values()))
    return dict(sorted(found.items(), key=lambda each: order.index(each[1])))


@lru_cache(maxsize=512)
def _country(code: str, lang: str) -> str:
    from babel import Locale

    return Locale.parse(lang).territories.get(code, code)


def matrix(
    whole: Dataset,
    kept: Dataset,
    lang: str,
    *,
    order: str = "dataset",
    query: str = "",
    silent: bool = False,
    start: int = 0,
    count: int = MATRIX_ROWS,
) -> Matrix:
    """The claims of ``kept`` by sources, ``count`` of them from number ``start``.

    ``order``: one of ``MATRIX_ORDERS``; by date the claim spoken of last comes first, by origins
    the one with most. ``query`` keeps the claims of which a statement matches. ``silent``: also
    the sources that say nothing here. Raises ValueError for another order.
    """
    statements, claims = kept.statements, kept.claims
    if query.strip():
        found = matching(whole, kept, query, lang)["claim"]
        claims = claims[claims.index.isin(found)]
        statements = statements[statements["claim"].isin(claims.index)]
    origins = independent_origins(statements).reindex(claims.index, fill_value=0)
    claims = claims.loc[_order_of_claims(claims, statements, origins, order)]
    start = min(max(start, 0), max(len(claims) - 1, 0)) // count * count
    shown = claims.iloc[start : start + count]

    spoken = statements["source"].value_counts()
    names = source_names(whole, lang)
    grouped: dict[str, list[Column]] = {}
    for source, side in sides(whole, lang).items():
        if silent or source in spoken:
            column = Column(
                source=source,
                name=names[source],
                reliability=whole.sources.at[source, "reliability"],
                statements=int(spoken.get(source, 0)),
            )
            grouped.setdefault(side, []).append(column)
    here = statements[statements["claim"].isin(shown.index)]
    cells = _cells(whole, here, lang)
    standing = here[standing_in(here) & (here["stance"] != "retracts").to_numpy()]
    counted = standing.groupby(["claim", "stance"]).size().to_dict()
    words = texts.terms(lang)
    order_of_sources = [column.source for side in grouped.values() for column in side]
    rows = [
        Row(
            claim=claim_id,
            title=texts.in_language(claim, "title", lang),
            status=claim["status"],
            confidence=words["confidence"][claim["confidence"]],
            cells=tuple(cells.get((claim_id, source), Cell()) for source in order_of_sources),
            counts=tuple(
                (stance, counted[claim_id, stance])
                for stance in STANCES
                if (claim_id, stance) in counted
            ),
            origins=int(origins[claim_id]),
        )
        for claim_id, claim in shown.iterrows()
    ]
    return Matrix(
        sides=tuple(Side(name, tuple(columns)) for name, columns in grouped.items()),
        rows=tuple(rows),
        start=start,
        total=len(claims),
        statements=len(statements),
    )


def _order_of_claims(
    claims: pd.DataFrame, statements: pd.DataFrame, origins: pd.Series, order: str
) -> pd.Index:
    if order == "dataset":
        return claims.index
    if order == "date":
        last = statements.groupby("claim")["date"].max().reindex(claims.index)
        return last.sort_values(ascending=False, kind="stable").index
    if order == "origins":
        return origins.sort_values(ascending=False, kind="stable").index
    if order not in ("status", "confidence"):
        raise ValueError(f"no such order: {order!r}")
    # What is disputed is what a reader of a register looks for.
    ranks = ("contested", *STATUSES) if order == "status" else _CONFIDENCES
    ranked = claims[order].map({value: ranks.index(value) for value in ranks})
    return ranked.sort_values(kind="stable").index


def _cells(whole: Dataset, statements: pd.DataFrame, lang: str) -> dict[tuple[str, str], Cell]:
    """The cells that are not empty, by claim and source."""
    stands = pd.Series(standing_in(statements), index=statements.index)
    dated = statements.sort_values("date", kind="stable", na_position="first")
    words = _words(whole, lang).loc[statements.index].to_dict("index")
    told = statements[["stance", "scope", "reference"]].to_dict("index")
    cells: dict[tuple[str, str], list[str]] = {}
    cited: dict[tuple[str, str], int] = {}
    for key, claim, source, origin in zip(
        dated.index, dated["claim"], dated["source"], dated["origin"], strict=True
    ):
        cells.setdefault((claim, source), []).insert(0, key)
        if origin and origin != source:
            cited[claim, origin] = cited.get((claim, origin), 0) + 1

    def entry(key: str) -> Entry:
        row, said = words[key], told[key]
        return Entry(
            stance=said["stance"],
            scope=said["scope"] if said["stance"] == "denies" else "",
            when=row["when"],
            repeats=row["repeats"],
            grade=row["grade"],
            reference=said["reference"],
            taken_back=said["stance"] != "retracts" and not stands[key],
        )

    found = {}
    for place in cells.keys() | cited.keys():
        entries = [entry(key) for key in cells.get(place, ())]
        # Of several that say the same and stand, the source's own word goes before repetition.
        best = next(
            (
                e
                for e in entries
                if e.stance == entries[0].stance and not e.taken_back and not e.repeats
            ),
            None,
        )
        if best is not None:
            entries.remove(best)
            entries.insert(0, best)
        found[place] = Cell(tuple(entries), cited.get(place, 0))
    return found


def table(
    whole: Dataset,
    kept: Dataset,
    lang: str,
    *,
    order: str = "",
    query: str = "",
    start: int = 0,
    count: int = TABLE_ROWS,
) -> Table:
    """The statements of ``kept`` that match, ``count`` of them from number ``start``.

    ``order``: one of ``COLUMNS``, with a minus sign before it for the last first; empty for the
    order of the dataset. Grades sort by letter, then digit; those that cannot be judged, and
    days that are not known, come last either way. Raises ValueError for another order.
    """
    statements = matching(whole, kept, query, lang)
    words = _words(whole, lang).loc[statements.index]
    if order:
        statements = statements.loc[_order_of_statements(kept, statements, words, order)]
    start = min(max(start, 0), max(len(statements) - 1, 0)) // count * count
    shown = statements.iloc[start : start + count]
    stands = pd.Series(standing_in(kept.statements), index=kept.statements.index)
    terms = texts.terms(lang)
    lines = []
    for key, said in shown.iterrows():
        row, claim = words.loc[key], kept.claims.loc[said["claim"]]
        lines.append(
            Line(
                statement=key,
                claim=said["claim"],
                title=row["title"],
                source=row["name"],
                stance=said["stance"],
                when=row["when"],
                grade=row["grade"],
                grade_help=texts.grade(row["grade"][0], row["grade"][1:], lang),
                repeats=row["repeats"],
                speaker=row["speaker"],
                place=row["place"],
                located=bool(row["drawn"]),
                reference=said["reference"],
                status=claim["status"],
                confidence=terms["confidence"][claim["confidence"]],
                scope=said["scope"] if said["stance"] == "denies" else "",
                taken_back=said["stance"] != "retracts" and not stands[key],
            )
        )
    return Table(tuple(lines), start, len(statements))


def _order_of_statements(
    kept: Dataset, statements: pd.DataFrame, words: pd.DataFrame, order: str
) -> pd.Index:
    name = order.removeprefix("-")
    if name not in COLUMNS:
        raise ValueError(f"no such column: {name!r}")
    texts_of = {"claim": "title", "source": "name", "origin": "repeats", "place": "place"}
    if name in texts_of:
        keys = words[texts_of[name]].map(plain)
    elif name == "reference":
        keys = statements["reference"].map(plain)
    elif name == "date":
        keys = statements["date"]
    elif name == "stance":
        keys = statements["stance"].map(STANCES.index)
    elif name == "grade":
        keys = words["grade"].where(~words["grade"].str.contains("[F6]"))
    else:
        ranks = STATUSES if name == "status" else _CONFIDENCES
        keys = statements["claim"].map(kept.claims[name]).map(ranks.index)
    # Empty texts last as well, so that what is there comes first.
    keys = keys.where(keys != "")
    return keys.sort_values(
        ascending=not order.startswith("-"), kind="stable", na_position="last"
    ).index


# HTML


def key_to_html(lang: str) -> str:
    """What the signs in both forms of the register mean, as a list in HTML."""
    _ = texts.translator(lang)
    silent = Markup('<span class="quiet">·</span>'), _("says nothing of it")
    entries = [*stance_key(lang), silent]
    items = Markup("").join(Markup("<li>{} {}</li>").format(*entry) for entry in entries)
    return str(Markup('<ul class="register-key" aria-label="{}">{}</ul>').format(_("Key"), items))


def matrix_to_html(found: Matrix, lang: str, address: Address, opened: str = "") -> str:
    """The matrix as an HTML table; every text of the data is escaped (Markup.format does it).

    ``address``: the query of the page, for the links; ``opened``: the claim that is open.
    """
    _ = texts.translator(lang)
    words = texts.terms(lang)
    columns = [column for side in found.sides for column in side.columns]
    first = {side.columns[0].source for side in found.sides}
    edges = tuple(" edge" if column.source in first else "" for column in columns)
    heads = Markup("").join(
        Markup('<th scope="colgroup" class="edge" colspan="{}">{}</th>').format(
            len(side.columns), side.name
        )
        for side in found.sides
    )
    names = Markup("").join(
        Markup('<th scope="col" class="source{}">{} <span class="grade" title="{}">{}</span></th>')
        .format(edge, c.name, words["reliability"][c.reliability], c.reliability)
        for edge, c in zip(edges, columns, strict=True)
    )  # fmt: skip
    body = Markup("").join(_matrix_row(row, edges, words, lang, address, opened, _)
                           for row in found.rows)  # fmt: skip
    foot = Markup("").join(
        Markup('<td class="number{}">{}</td>').format(edge, texts.number(c.statements, lang))
        for edge, c in zip(edges, columns, strict=True)
    )
    return str(
        Markup(
            '<div class="register" role="region" tabindex="0" aria-label="{caption}">'
            '<table class="matrix"><caption class="unseen">{caption}</caption><thead>'
            '<tr><th scope="col" rowspan="2" class="claim">{claim}</th>{heads}'
            '<th scope="col" rowspan="2" class="origins">{origins}</th>'
            '<th scope="col" rowspan="2" class="counts">{counts}</th></tr>'
            "<tr>{names}</tr></thead><tbody>{body}</tbody>"
            '<tfoot><tr><th scope="row" class="claim">{total}</th>{foot}'
            '<td class="origins"></td><td class="counts">{all}</td></tr></tfoot></table></div>'
        ).format(
            caption=_("Claims by sources: who asserts, who denies, who is silent"),
            claim=_("Claim"),
            heads=heads,
            origins=_("Independent origins"),
            counts=_("Statements that stand"),
            names=names,
            body=body,
            total=_("Statements in this selection"),
            foot=foot,
            all=texts.number(found.statements, lang),
        )
    )


def _matrix_row(row: Row, edges, words, lang: str, address: Address, opened: str, _) -> Markup:
    cells = Markup("").join(
        _cell(cell, edge, lang, _) for cell, edge in zip(row.cells, edges, strict=True)
    )
    counts = Markup("").join(
        Markup('<span class="count">{}</span>').format(stance_count(stance, n, lang))
        for stance, n in row.counts
    )
    head = link(address, row.title, current=row.claim == opened, claim=row.claim)
    return Markup(
        '<tr{opened}><th scope="row" class="claim">{head}<span class="about">'
        '<span class="chip {status_code}">{status}</span> {confidence}</span></th>{cells}'
        '<td class="origins number">{origins}</td><td class="counts">{counts}</td></tr>'
    ).format(
        opened=Markup(' class="open"') if row.claim == opened else "",
        head=head,
        status_code=row.status,
        status=words["status"][row.status],
        confidence=_("confidence {values}").format(values=row.confidence.lower()),
        cells=cells,
        origins=texts.number(row.origins, lang),
        counts=counts,
    )


def _cell(cell: Cell, edge: str, lang: str, _) -> Markup:
    # An edge is one of two words of ours, so it may stand in the markup.
    start = Markup('<td class="{}">').format(edge.strip()) if edge else Markup("<td>")
    parts = []
    if cell.entries:
        now, *before = cell.entries
        parts.append(stance_chip(now.stance, now.scope, bool(now.repeats), lang))
        parts.append(Markup('<span class="when">{}</span>').format(now.when))
        if now.repeats:
            parts.append(Markup('<span class="when">{}</span>').format(
                _("after {origin}").format(origin=now.repeats)))  # fmt: skip
        for entry in before:
            parts.append(Markup('<span class="when before">{}</span>').format(
                _history(entry, lang, _)))  # fmt: skip
        title = "\n".join(_told(entry, lang, _) for entry in cell.entries)
        classes = f"{now.stance}{' repeated' if now.repeats else ''}{edge}"
        start = Markup('<td class="{}" title="{}">').format(classes, title)
    else:
        parts.append(Markup("·<i>{}</i>").format(_("silent")))
    if cell.cited:
        parts.append(
            Markup('<span class="when cited">{}</span>').format(
                texts.plural(lang, "origin of {n} other", "origin of {n} others", cell.cited)
            )
        )
    return start + Markup("").join(parts) + Markup("</td>")


def _history(entry: Entry, lang: str, _) -> str:
    said = f"{stance_word(entry.stance, lang)}, {entry.when}"
    if entry.taken_back:
        return _("taken back: {said}").format(said=said)
    return _("also: {said}").format(said=said)


def _told(entry: Entry, lang: str, _) -> str:
    """All of a statement in one line, for a tooltip."""
    words = texts.terms(lang)
    parts = [
        words["stance"][entry.stance],
        words["scope"].get(entry.scope, ""),
        entry.when,
        _("repeats {origin}").format(origin=entry.repeats) if entry.repeats else "",
        _("taken back since") if entry.taken_back else "",
        entry.grade,
        entry.reference,
    ]
    return _("; ").join(part for part in parts if part)


def column_names(lang: str) -> dict[str, str]:
    """The heads of the table's columns, by code."""
    _ = texts.translator(lang)
    return {
        "claim": _("Claim"),
        "source": _("Source"),
        "stance": _("Stance"),
        "date": _("Date"),
        "grade": _("Grade"),
        "origin": _("Origin"),
        "place": _("Place"),
        "reference": _("Reference"),
        "status": _("Status"),
        "confidence": _("Confidence"),
    }


def table_to_html(
    found: Table, lang: str, address: Address, order: str = "", opened: str = ""
) -> str:
    """The table as HTML whose heads are links that sort; every text of the data is escaped.

    ``address``: the query of the page, for the links; ``order`` as for ``table``; ``opened``:
    the claim that is open.
    """
    _ = texts.translator(lang)
    words = texts.terms(lang)
    heads = Markup("").join(
        _head(name, title, order, address) for name, title in column_names(lang).items()
    )
    body = Markup("").join(
        _table_row(line, words, lang, address, opened, _) for line in found.lines
    )
    return str(
        Markup(
            '<div class="register" role="region" tabindex="0" aria-label="{caption}">'
            '<table class="ledger"><caption class="unseen">{caption}</caption>'
            "<thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table></div>"
        ).format(
            caption=_("Every statement, one a row; the heads of the columns sort"),
            heads=heads,
            body=body,
        )
    )


def _head(name: str, title: str, order: str, address: Address) -> Markup:
    sorted_by = order.removeprefix("-") == name
    # A third click on the same head goes back to the order of the dataset.
    following = name if not sorted_by else "" if order.startswith("-") else f"-{name}"
    state, arrow = "", Markup('<span class="arrow" aria-hidden="true">↕</span>')
    if sorted_by:
        up = not order.startswith("-")
        state = Markup(' aria-sort="{}"').format("ascending" if up else "descending")
        arrow = Markup('<span class="arrow" aria-hidden="true">{}</span>').format(
            "↑" if up else "↓"
        )
    anchor = link(address, Markup("{} {}").format(title, arrow), sort=following, page="")
    return Markup('<th scope="col" class="by-{}"{}>{}</th>').format(name, state, anchor)


def _table_row(line: Line, words, lang: str, address: Address, opened: str, _) -> Markup:
    quiet = Markup('<span class="when">{}</span>')
    scope = quiet.format(words["scope"][line.scope]) if line.scope else ""
    taken_back = quiet.format(_("taken back since")) if line.taken_back else ""
    speaker = quiet.format(line.speaker) if line.speaker else ""
    return Markup(
        '<tr{opened}><th scope="row" class="claim">{head}</th><td>{source}{speaker}</td>'
        '<td class="{stance_code}{repeated}">{stance}{scope}{taken_back}</td><td>{when}</td>'
        '<td title="{grade_help}">{grade}</td><td>{origin}</td>'
        "<td>{place}{lost}</td><td class=\"reference\">{reference}</td>"
        '<td><span class="chip {status_code}">{status}</span></td><td>{confidence}</td></tr>'
    ).format(
        opened=Markup(' class="open"') if line.claim == opened else "",
        head=link(address, line.title, current=line.claim == opened, claim=line.claim),
        source=line.source,
        speaker=speaker,
        stance_code=line.stance,
        repeated=" repeated" if line.repeats else "",
        stance=stance_chip(line.stance, line.scope, bool(line.repeats), lang),
        scope=scope,
        taken_back=taken_back,
        when=line.when,
        grade_help=line.grade_help,
        grade=line.grade,
        origin=line.repeats or Markup('<span class="quiet">{}</span>').format(_("its own")),
        place=line.place or Markup('<span class="quiet">{}</span>').format(_("none given")),
        lost="" if line.located else quiet.format(_("the claim has no place either")
                                                  if not line.place else
                                                  _("the claim itself has no place")),
        reference=line.reference,
        status_code=line.status,
        status=words["status"][line.status],
        confidence=line.confidence,
    )  # fmt: skip
