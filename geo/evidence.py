"""All that is known of one claim, for reading: as data, and as HTML that is safe to show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode

import pandas as pd
from markupsafe import Markup

from geo import checks, texts
from geo.dataset import Dataset, standing_in
from geo.selection import Selection, source_names

Address = Mapping[str, list[str]]  # a page's query: keys with their values
# In the order in which they are told.
STANCES = ("asserts", "denies", "declines", "retracts")
# Colour never tells alone: each stance has its sign and its word.
_SIGNS = {"asserts": "●", "denies": "×", "declines": "○", "retracts": "←"}
_IMPLIED, _REPEATED = "/", "↳"
_GO = Markup(' class="go"')
# Of ``table``.
_COLUMNS = (
    *("status", "claim", "confidence", "asserts", "denies", "when", "where", "said_at"),
    *("measured", "theme", "origins"),
)
_MOST_KNOWN = 1000  # rows of the table that are kept


def link(
    address: Address,
    text: str | Markup,
    *,
    current: bool = False,
    inside: Markup = _GO,
    **changes: str,
) -> Markup:
    """A link to the page with some keys of its address changed; an empty value drops one.

    The page follows it in place by its class, ``go``, and its data attributes, the changes.
    ``inside``: attributes of the element, where it has more than that class.
    """
    query = {k: v for k, v in address.items() if k not in changes}
    query |= {key: [value] for key, value in changes.items() if value}
    data = Markup("").join(Markup(' data-{}="{}"').format(k, v) for k, v in changes.items())
    return Markup('<a target="_self" href="?{}"{}{}{}>{}</a>').format(
        urlencode(query, doseq=True),
        data,
        inside,
        Markup(' aria-current="true"') if current else "",
        text,
    )


def stance_word(stance: str, lang: str) -> str:
    """A stance in words short enough for a cell."""
    _ = texts.translator(lang)
    return {
        "asserts": _("asserts"),
        "denies": _("denies"),
        "declines": _("declines"),
        "retracts": _("took back"),
    }[stance]


def stance_sign(stance: str, scope: str, repeats: bool) -> str:
    """The sign of a statement; ``repeats``: whether it is another's word."""
    if stance == "denies" and scope == "implied":
        return _IMPLIED
    return _REPEATED if stance == "asserts" and repeats else _SIGNS[stance]


def stance_chip(stance: str, scope: str, repeats: bool, lang: str) -> Markup:
    """The sign of a statement with its word, as HTML."""
    return Markup('<span class="stance {}{}"><span class="sign">{}</span> {}</span>').format(
        stance,
        " repeated" if repeats else "",
        stance_sign(stance, scope, repeats),
        stance_word(stance, lang),
    )


def stance_count(stance: str, count: int, lang: str) -> str:
    """How many statements have a stance, in words."""
    match stance:
        case "asserts":
            return texts.plural(lang, "{n} asserts", "{n} assert", count)
        case "denies":
            return texts.plural(lang, "{n} denies", "{n} deny", count)
        case "declines":
            return texts.plural(lang, "{n} declines", "{n} decline", count)
        case _:
            return texts.plural(lang, "{n} takes back", "{n} take back", count)


def stance_key(lang: str) -> list[tuple[Markup, str]]:
    """Every chip that a statement can have, with what it means in words."""
    _ = texts.translator(lang)
    return [
        (stance_chip("asserts", "", False, lang), _("on its own account")),
        (stance_chip("asserts", "", True, lang), _("repeats another source, which is named")),
        (stance_chip("denies", "direct", False, lang), _("names the claim")),
        (stance_chip("denies", "implied", False, lang), _("only by implication")),
        (stance_chip("declines", "", False, lang), _("neither confirms nor denies")),
        (stance_chip("retracts", "", False, lang), _("has withdrawn what it asserted or denied")),
    ]


@dataclass(frozen=True)
class Said:
    """One statement in words of a language; empty where the dataset has nothing."""

    statement: str  # its id
    who: str
    kind: str
    stance: str
    scope: str
    when: str
    grade: str
    rationale: str
    speaker: str
    place: str
    repeats: str
    quote: str
    reference: str
    stance_code: str


@dataclass(frozen=True)
class Located:
    """One feature of a claim in words: what is drawn, how it is known and how surely."""

    what: str
    basis: str
    quantity: str
    places: tuple[tuple[str, str], ...]  # name, how it was found
    note: str


@dataclass(frozen=True)
class Evidence:
    """What the panel, the report and the handout tell of one claim."""

    claim: str
    title: str
    summary: str
    theme: str
    status_code: str
    status: str
    status_help: str
    as_of: str
    when: str
    confidence: str
    confidence_rationale: str
    origins: int
    assertions: int
    said: tuple[Said, ...]
    located: tuple[Located, ...]
    findings: tuple[checks.Check, ...]
    statements_hidden: int


def independent_origins(statements: pd.DataFrame) -> pd.Series:
    """How many distinct origins assert each claim: ten that repeat one count once.

    ``statements`` as in a ``Dataset``. What was taken back does not count, nor does an origin that
    has taken its own word back. Chains are followed within a claim: where A repeats B and B only
    repeats C, the origin of all three is C; those that repeat each other in a ring are one.
    Returns counts by claim id (claims that nobody asserts any more are missing).
    """
    asserts = (statements["stance"] == "asserts").to_numpy()
    said = statements.loc[asserts, ["claim", "source", "origin"]]
    said["origin"] = said["source"].where(said["origin"] == "", said["origin"])
    stands = standing_in(statements)[asserts]
    standing = said[stands]
    counts = standing["origin"].groupby(standing["claim"]).nunique()
    # Seldom does an origin itself repeat, or take back: only those claims need a closer look.
    by_claim = pd.MultiIndex.from_frame(said[["claim", "source"]])
    left = by_claim.isin(by_claim[stands])
    unclear = by_claim[(said["source"] != said["origin"]).to_numpy() | ~left]
    told = pd.MultiIndex.from_frame(standing[["claim", "origin"]])
    closer = said["claim"].isin(standing["claim"][told.isin(unclear)]).to_numpy()
    # Who took all back still shows whence the word came that others repeat.
    links = said.assign(left=left)[closer & (stands | ~left)]
    for claim, mine in links.groupby("claim"):
        roots = _roots(zip(mine["source"], mine["origin"], strict=True))
        found = set().union(*(roots[source] for source in mine["source"][mine["left"]]))
        counts[claim] = len(found - set(mine["source"][~mine["left"]]))
    return counts


def _roots(links: Iterable[tuple[str, str]]) -> dict[str, frozenset]:
    """For each teller, whose word it goes back to; links are (teller, told by), own ones equal.

    A teller with a word of its own is a root. A ring without any is one root, the set of
    its members.
    """
    towards: dict[str, set[str]] = {}
    for teller, origin in links:
        towards.setdefault(teller, set()).add(origin)

    def is_root(each: str) -> bool:
        return each in towards.get(each, {each})

    def reached(start: str) -> set[str]:
        seen, left = {start}, [start]
        while left:
            at = left.pop()
            fresh = towards.get(at, set()) - seen
            if at != start and is_root(at):
                fresh = set()  # who tells on its own account needs no one behind it
            seen |= fresh
            left += fresh
        return seen

    ahead = {teller: reached(teller) for teller in towards}
    closed = {t for t, seen in ahead.items() if not any(map(is_root, seen))}
    found = {}
    for teller, seen in ahead.items():
        rings = {
            # Not one of its members: that one may have taken its word back, and the ring goes on.
            frozenset(ahead[e])
            for e in seen & closed
            if all(e in ahead[other] for other in ahead[e])
        }
        found[teller] = frozenset(rings | set(filter(is_root, seen)))
    return found


def gather(whole: Dataset, kept: Dataset, claim_id: str, selection: Selection) -> Evidence:
    """The evidence for a claim that ``kept`` (``selection.apply`` on ``whole``) still holds."""
    lang = selection.lang
    words = texts.terms(lang)
    claim = kept.claims.loc[claim_id]
    statements = kept.statements[kept.statements["claim"] == claim_id]
    features = kept.features[kept.features["claim"] == claim_id]
    every = int((whole.statements["claim"] == claim_id).sum())
    ranked = statements.assign(_rank=statements["stance"].map(STANCES.index))
    ranked = ranked.sort_values(["_rank", "date"], kind="stable")
    return Evidence(
        claim=claim_id,
        title=texts.in_language(claim, "title", lang),
        summary=texts.in_language(claim, "summary", lang),
        theme=words["theme"][claim["theme"]],
        status_code=claim["status"],
        status=words["status"][claim["status"]],
        status_help=words["status_help"][claim["status"]],
        as_of="" if selection.as_of is None else texts.day(selection.as_of, lang),
        when=_when(claim, lang),
        confidence=words["confidence"][claim["confidence"]],
        confidence_rationale=texts.in_language(claim, "confidence_rationale", lang),
        origins=int(independent_origins(statements).get(claim_id, 0)),
        assertions=int(((statements["stance"] == "asserts") & standing_in(statements)).sum()),
        said=tuple(_said(whole, row, lang) for _, row in ranked.iterrows()),
        located=tuple(_located(whole, row, lang) for _, row in features.iterrows()),
        findings=tuple(checks.run(kept, lang, [claim_id])),
        statements_hidden=every - len(statements),
    )


def _when(claim, lang: str) -> str:
    start, end = claim["event_start"], claim["event_end"]
    if pd.isna(start) and pd.isna(end):
        return ""
    precision = claim["date_precision"]
    first = texts.day(end if pd.isna(start) else start, lang, precision)
    if pd.isna(end) or pd.isna(start) or end == start:
        return first
    return f"{first} – {texts.day(end, lang, precision)}"


def _said(whole: Dataset, row, lang: str) -> Said:
    words = texts.terms(lang)
    names = source_names(whole, lang)
    source = whole.sources.loc[row["source"]]
    place = whole.places.loc[row["place"]] if row["place"] else {}
    return Said(
        statement=row.name,
        who=names[row["source"]],
        kind=words["kind"][source["kind"]],
        stance=words["stance"][row["stance"]],
        scope=words["scope"].get(row["scope"], "") if row["stance"] == "denies" else "",
        when=texts.day(row["date"], lang, row["date_precision"]),
        grade=texts.grade(source["reliability"], int(row["credibility"]), lang),
        rationale=texts.in_language(row, "rationale", lang),
        speaker=texts.in_language(row, "speaker", lang),
        place=texts.in_language(place, "name", lang),
        repeats=names.get(row["origin"], "") if row["origin"] != row["source"] else "",
        quote=texts.in_language(row, "quote", lang),
        reference=row["reference"],
        stance_code=row["stance"],
    )


def _located(whole: Dataset, row, lang: str) -> Located:
    _ = texts.translator(lang)
    words = texts.terms(lang)
    ends = [whole.places.loc[p] for p in (row["place"], row["to_place"]) if p]
    names = [texts.in_language(p, "name", lang) for p in ends]
    what = (
        names[0] if len(names) == 1 else _("{start} to {end}").format(start=names[0], end=names[-1])
    )
    found = []
    for place, name in zip(ends, names, strict=True):
        parts = [
            texts.position(place["lon"], place["lat"], lang),
            _("within {radius}").format(radius=texts.radius(place["uncertainty_m"], lang)),
            words["located_by"][place["located_by"]],
            place["reference"],
        ]
        note = texts.in_language(place, "note", lang)
        found.append((name, _("; ").join(p for p in parts if p) + (f". {note}" if note else "")))
    return Located(
        what=what,
        basis=words["basis"][row["basis"]],
        quantity=texts.quantity(row, lang),
        places=tuple(found),
        note=texts.in_language(row, "note", lang),
    )


def to_html(evidence: Evidence, lang: str) -> str:
    """The evidence panel as HTML; every text of the data is escaped (Markup.format does it)."""
    _ = texts.translator(lang)
    out = [
        Markup('<article class="evidence {}"><h3>{}</h3>').format(lang, evidence.title),
        Markup('<p><span class="chip {}">{}</span> <span class="meaning">{}</span>{}</p>').format(
            evidence.status_code,
            evidence.status,
            evidence.status_help,
            _(", as of {day}").format(day=evidence.as_of) if evidence.as_of else "",
        ),
    ]
    if evidence.summary:
        out.append(Markup("<p>{}</p>").format(evidence.summary))
    for check in evidence.findings:
        out.append(
            Markup('<p class="finding {}"><strong>{}</strong> {}</p>').format(
                check.verdict.split()[0], _("Held against the ground:"), check.explanation
            )
        )
    out.append(Markup("<dl>"))
    out.append(_pair(_("Confidence"), evidence.confidence, evidence.confidence_rationale))
    if evidence.when:
        out.append(_pair(_("Said to have happened"), evidence.when))
    out.append(_pair(_("Independent origins"), _origins(evidence, lang)))
    out.append(Markup("</dl><h4>{}</h4>").format(_("Who says what")))
    out += [_said_html(said, _) for said in evidence.said]
    if evidence.statements_hidden:
        hidden = texts.plural(
            lang,
            "{n} more statement about this claim is hidden by the filters.",
            "{n} more statements about this claim are hidden by the filters.",
            evidence.statements_hidden,
        )
        out.append(Markup('<p class="quiet">{}</p>').format(hidden))
    out.append(Markup("<h4>{}</h4>").format(_("Where, and how that is known")))
    out += [_located_html(located, _) for located in evidence.located]
    if not evidence.located:
        out.append(Markup("<p>{}</p>").format(_("This claim names no place.")))
    out.append(Markup("</article>"))
    return str(Markup("").join(out))


def _pair(term: str, value: str, more: str = "") -> Markup:
    extra = Markup('<span class="quiet"> {}</span>').format(more) if more else ""
    return Markup("<dt>{}</dt><dd>{}{}</dd>").format(term, value, extra)


def _origins(evidence: Evidence, lang: str) -> str:
    _ = texts.translator(lang)
    if not evidence.assertions:
        return _("none; nobody here asserts it")
    return _("{origins} (from {assertions})").format(
        origins=texts.number(evidence.origins, lang),
        assertions=texts.plural(lang, "{n} assertion", "{n} assertions", evidence.assertions),
    )


def _said_html(said: Said, _) -> Markup:
    lines = [
        Markup('<span class="stance {}">{}</span> <strong>{}</strong> ({}), {}').format(
            said.stance_code, said.stance, said.who, said.kind, said.when
        )
    ]
    details = [
        _("speaker: {name}").format(name=said.speaker) if said.speaker else "",
        _("said in {place}").format(place=said.place) if said.place else "",
        _("repeats {origin}").format(origin=said.repeats) if said.repeats else "",
        _("denial: {scope}").format(scope=said.scope) if said.scope else "",
    ]
    details = [d for d in details if d]
    if details:
        lines.append(Markup("{}").format(_("; ").join(details)))
    if said.quote:
        lines.append(Markup("<q>{}</q>").format(said.quote))
    lines.append(Markup('<span class="grade">{}</span>').format(said.grade))
    if said.rationale:
        lines.append(Markup('<span class="quiet">{}</span>').format(said.rationale))
    lines.append(Markup('<span class="reference">{}</span>').format(said.reference))
    return Markup('<div class="said {}" data-statement="{}">{}</div>').format(
        said.stance_code, said.statement, Markup("<br>").join(lines)
    )


def _located_html(located: Located, _) -> Markup:
    head = Markup("<strong>{}</strong> · {}{}").format(
        located.what,
        _("drawn as {basis}").format(basis=located.basis),
        f" · {located.quantity}" if located.quantity else "",
    )
    places = Markup("").join(
        Markup('<br><span class="quiet">{}</span>').format(
            _("{head}: {text}").format(head=name, text=how)
        )
        for name, how in located.places
    )
    note = Markup("<br>{}").format(located.note) if located.note else ""
    return Markup('<div class="located">{}{}{}</div>').format(head, note, places)


def table(
    whole: Dataset, kept: Dataset, lang: str, claims: Sequence[str] | None = None
) -> pd.DataFrame:
    """The claims of ``kept`` as rows of plain text that tell all the map tells, by claim id.

    ``claims``: these of them alone, in that order; only they are looked at, and kept for the next
    time. Columns: status, claim, confidence, asserts, denies, when, where, said_at, measured,
    theme and origins (a number).
    """
    if claims is None:
        return _told(whole, kept.claims, kept.statements, lang)
    claims, said = list(claims), kept.statements["claim"]
    mine = said.isin(claims).to_numpy()
    spoken: dict[str, list[str]] = {claim: [] for claim in claims}
    for statement, claim in zip(said.index[mine], said[mine], strict=True):
        spoken[claim].append(statement)
    shown = kept.claims.loc[claims]
    # A row follows from the claim, its status, and the statements on it that are kept.
    keys = [
        (claim, status, tuple(spoken[claim]))
        for claim, status in zip(claims, shown["status"], strict=True)
    ]
    known = _known_rows(whole, lang)
    rows = {key: known.get(key) for key in keys}
    fresh = [key for key, row in rows.items() if row is None]
    if fresh:
        lacking = [claim for claim, *_ in fresh]
        statements = kept.statements[mine]
        statements = statements[statements["claim"].isin(lacking)]
        told = _told(whole, shown.loc[lacking], statements, lang)
        rows |= dict(zip(fresh, told.to_dict("records"), strict=True))
        if len(known) > _MOST_KNOWN:
            known.clear()
        known.update({key: rows[key] for key in fresh})
    return pd.DataFrame([rows[key] for key in keys], index=shown.index, columns=list(_COLUMNS))


@lru_cache(maxsize=8)
def _known_rows(_whole: Dataset, _lang: str) -> dict[tuple, dict]:
    """The rows told before, by claim, status and ids of the statements."""
    return {}


def _told(whole: Dataset, shown: pd.DataFrame, statements: pd.DataFrame, lang: str) -> pd.DataFrame:
    """The rows of ``table`` for some claims and the statements on them."""
    names = source_names(whole, lang)
    spots = {
        key: texts.in_language(place, "name", lang)
        for key, place in _rows(whole.places, statements["place"].unique()).items()
    }
    said: dict[str, dict[str, dict]] = {
        claim: {"asserts": {}, "denies": {}, "said_at": {}} for claim in shown.index
    }
    for claim, source, stance, place in zip(
        *(statements[c].tolist() for c in ("claim", "source", "stance", "place")), strict=True
    ):
        row = said[claim]
        # Dictionaries keep the order and each name once.
        if stance in ("asserts", "denies"):
            row[stance][names[source]] = None
        if place:
            row["said_at"][spots[place]] = None
    origins = independent_origins(statements)
    status = texts.terms(lang)["status"]
    fixed = _fixed_columns(whole, shown, lang)
    columns = {
        "status": [status[code] for code in shown["status"]],
        "claim": fixed["claim"],
        "confidence": fixed["confidence"],
        "asserts": [", ".join(row["asserts"]) for row in said.values()],
        "denies": [", ".join(row["denies"]) for row in said.values()],
        "when": fixed["when"],
        "where": fixed["where"],
        "said_at": [", ".join(row["said_at"]) for row in said.values()],
        "measured": fixed["measured"],
        "theme": fixed["theme"],
        "origins": origins.reindex(shown.index, fill_value=0).tolist(),
    }
    return pd.DataFrame(columns, index=shown.index, columns=list(_COLUMNS))


def table_to_html(
    rows: pd.DataFrame, kept: Dataset, lang: str, address: Address, opened: str = ""
) -> str:
    """Rows of ``table`` as an HTML table, each with a link that opens its claim.

    ``address``: the query of the page, for the links; ``opened``: the claim that is open. Every
    text of the data is escaped (Markup.format does it).
    """
    _ = texts.translator(lang)
    heads = {
        "status": _("Status"),
        "claim": _("Claim"),
        "confidence": _("Confidence"),
        "asserts": _("Asserted by"),
        "denies": _("Denied by"),
        "when": _("When"),
        "where": _("Where, how known"),
        "said_at": _("Said in"),
        "measured": _("Held against the ground"),
        "theme": _("Theme"),
        "origins": _("Independent origins"),
    }
    cell, head = Markup("<td>{}</td>"), Markup('<th scope="row">{}</th>')
    lines = []
    for claim, row in zip(rows.index, rows.to_dict("records"), strict=True):
        code = kept.claims.at[claim, "status"]
        cells = row | {
            "status": Markup('<span class="chip {}">{}</span>').format(code, row["status"]),
            "claim": link(address, row["claim"], current=claim == opened, claim=claim),
            "origins": texts.number(row["origins"], lang),
        }
        told = ((head if name == "claim" else cell).format(cells[name]) for name in heads)
        line = Markup('<tr class="open">{}</tr>' if claim == opened else "<tr>{}</tr>")
        lines.append(line.format(Markup("").join(told)))
    return str(
        Markup(
            '<table class="claims"><caption class="unseen">{}</caption>'
            "<thead><tr>{}</tr></thead><tbody>{}</tbody></table>"
        ).format(
            _("Claims shown"),
            Markup("").join(Markup('<th scope="col">{}</th>').format(h) for h in heads.values()),
            Markup("").join(lines),
        )
    )


def titled(kept: Dataset, query: str, lang: str) -> list[str]:
    """Ids of the claims of ``kept`` whose title holds every word of ``query``, in their order."""
    claims = kept.claims
    if not query.split():
        return claims.index.tolist()
    titles = _titles(claims, lang)
    words = query.casefold().split()
    folded = [title.casefold() for title in titles]
    found = [all(word in title for word in words) for title in folded]
    return claims.index[found].tolist()


def _titles(claims: pd.DataFrame, lang: str) -> list[str]:
    """What ``texts.in_language`` gives for each title, for many at once."""
    titles = claims["title"]
    if lang != texts.DEFAULT_LANG and f"title_{lang}" in claims:
        own = claims[f"title_{lang}"]
        titles = titles.where(own == "", own)
    return titles.tolist()


def _rows(table: pd.DataFrame, ids: Iterable[str]) -> dict[str, dict]:
    """Rows by id as plain dictionaries: one taken from a frame costs a hundred times as much."""
    wanted = [each for each in dict.fromkeys(ids) if each]
    rows = table.take(table.index.get_indexer(wanted))
    return pd.DataFrame(rows.drop(columns="geometry", errors="ignore")).to_dict("index")


def _fixed_columns(whole: Dataset, claims: pd.DataFrame, lang: str) -> pd.DataFrame:
    """What no filter changes in ``table``: the claims' own words, places and measurements."""
    _ = texts.translator(lang)
    words = texts.terms(lang)
    features = whole.features
    if len(claims) < len(whole.claims):
        features = features[features["claim"].isin(claims.index)]
        checked = checks.run(whole, lang, claims.index)
    else:
        checked = checks.run(whole, lang)
    places = _rows(whole.places, [*features["place"].tolist(), *features["to_place"].tolist()])
    by_place = {key: _place_words(row, lang) for key, row in places.items()}
    where: dict[str, list[str]] = {}
    for row in features.to_dict("records"):
        where.setdefault(row["claim"], []).append(_feature_words(row, by_place, words, lang))
    measured: dict[str, list[str]] = {}
    for check in checked:
        measured.setdefault(check.claim, []).append(check.explanation)
    rows = [
        {
            "claim": texts.in_language(claim, "title", lang),
            "confidence": words["confidence"][claim["confidence"]],
            "when": _when(claim, lang),
            "where": _("; ").join(where.get(claim_id, [])),
            "measured": " ".join(measured.get(claim_id, [])),
            "theme": words["theme"][claim["theme"]],
        }
        for claim_id, claim in claims.to_dict("index").items()
    ]
    names = ("claim", "confidence", "when", "where", "measured", "theme")
    return pd.DataFrame(rows, index=claims.index, columns=list(names))


def _place_words(place, lang: str) -> str:
    _ = texts.translator(lang)
    name = texts.in_language(place, "name", lang)
    radius = texts.radius(place["uncertainty_m"], lang)
    return _("{name} (within {radius})").format(name=name, radius=radius)


def _feature_words(row, by_place: dict[str, str], words: dict, lang: str) -> str:
    _ = texts.translator(lang)
    where = by_place[row["place"]]
    if row["to_place"]:
        where = _("{start} to {end}").format(start=where, end=by_place[row["to_place"]])
    extra = words["basis"][row["basis"]]
    if quantity := texts.quantity(row, lang):
        extra += f", {quantity}"
    return _("{head}: {text}").format(head=where, text=extra)
