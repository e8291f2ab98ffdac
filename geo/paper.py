"""What a briefing paper says of a selection: headings, prose, tables and one map, in order.

A plain document that knows nothing of DOCX or PDF; ``report`` lays it out. Also the steps of the
handout, one for each row of the dataset's briefing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import zip_longest

import pandas as pd

from geo import basemap, checks, evidence, overlays, selection, texts
from geo.dataset import STATUSES, Dataset, View
from geo.overlays import Styled
from geo.selection import Selection

GENERATOR = "contested-claims"
_MAP_MM = (166.0, 102.0)
_MOST_MISFITS = 3  # told in the summary; the table of checks has all of them
_LONGEST_HEAD, _LONGEST_STEP = 90, 1200  # characters of a title, of a step of the handout
# Characters beside a map, where room is for the caveats of all: of a source, of a finding.
_LONGEST_NAME, _LONGEST_FINDING = 60, 420


class NoBriefingError(ValueError):
    """The dataset has no briefing table, so there is nothing to hand out."""


# ---- the document -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """A stretch of text. ``style``: "", strong, quiet, or a status code, which makes it a chip.

    ``anchor``: the heading that it leads to, "" for none.
    """

    text: str
    style: str = ""
    anchor: str = ""


Line = tuple[Run, ...]
Cell = tuple[Line, ...]


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 or 2; ``anchor`` is unique where it is not empty."""

    level: int
    text: str
    anchor: str = ""


@dataclass(frozen=True)
class Prose:
    """A paragraph. ``style``: body, lead, quiet, bullet, chips, misfit, fit or open."""

    runs: Line
    style: str = "body"


@dataclass(frozen=True)
class Caption:
    """What stands under a map or over a table: "Figure" or "Table", its word, number and text."""

    kind: str
    label: str
    number: int
    text: str


@dataclass(frozen=True)
class Table:
    """A table with a header row; ``shares`` are the columns' parts of the width, in all 1."""

    columns: tuple[str, ...]
    shares: tuple[float, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: Caption | None = None


@dataclass(frozen=True)
class Tally:
    """How many claims have each status: code, number, word, meaning."""

    entries: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True)
class Figure:
    """The map of the selection's view."""

    caption: Caption
    size_mm: tuple[float, float] = _MAP_MM


Block = Heading | Prose | Table | Tally | Figure


@dataclass(frozen=True)
class About:
    """What a file says of itself, and what stands at the head and foot of its pages.

    ``page``: the words before, between and after the number of the page and that of all pages.
    """

    lang: str
    title: str
    running_head: str
    kicker: str
    subject: str
    keywords: str
    author: str
    day: date | None
    foot: str
    page: tuple[str, str, str]


@dataclass(frozen=True)
class Paper:
    """The briefing paper, ready to be laid out."""

    about: About
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Step:
    """One page of the handout. ``caveats``: a heading line and what is to be borne in mind."""

    number: str
    title: str
    text: str
    shown: str
    caveats: tuple[tuple[Line, ...], ...]
    dataset: Dataset
    chosen: Selection


# ---- dataset and selection → document ---------------------------------------------------------


def compose(dataset: Dataset, chosen: Selection, context: Sequence[Styled] = ()) -> Paper:
    """The briefing paper on what the selection keeps, in the selection's language.

    ``context``: the reader's own layers that its map shows under the claims.
    """
    kept = selection.apply(dataset, chosen)
    _ = texts.translator(chosen.lang)
    subject = about(dataset, chosen, kept, _("Briefing paper"))
    head = (
        _say(selection.sentence(dataset, chosen, kept), "lead"),
        _say(
            _(
                "This paper tells what was claimed, by whom and when, and what speaks against it. "
                "It does not tell what is true."
            )
        ),
        *(Prose(line, "quiet") for line in _facts(dataset, chosen)),
    )
    if kept.claims.empty:
        return Paper(subject, (*head, *_nothing(dataset, chosen)))
    told = [evidence.gather(dataset, kept, claim, chosen) for claim in kept.claims.index]
    number = {e.claim: n for n, e in enumerate(told, start=1)}
    found = checks.run(kept, chosen.lang)
    caption = Caption("Figure", _("Figure"), 1, _figure_words(dataset, chosen, context))
    blocks: list[Block] = [
        *head,
        Heading(1, _("In short")),
        _tally(told, chosen.lang),
        *_summary(told, kept, found, chosen.lang),
        Figure(caption),
        Heading(1, _("The claims at a glance")),
        _register(dataset, kept, number, chosen.lang),
    ]
    if found:
        blocks += [
            Heading(1, _("Held against the ground")),
            _checked(dataset, told, found, number, chosen.lang),
        ]
    blocks.append(Heading(1, _("Claim by claim")))
    for each in told:
        blocks += _claim(number[each.claim], each, chosen.lang)
    blocks += [
        Heading(1, _("Who speaks")),
        *_speakers(dataset, kept, chosen.lang, 3 if found else 2),
        Heading(1, _("How to read this paper")),
        *_method(dataset, chosen.lang),
    ]
    return Paper(subject, tuple(blocks))


def about(dataset: Dataset, chosen: Selection, kept: Dataset, kicker: str) -> About:
    lang = chosen.lang
    _ = texts.translator(lang)
    day = _last_day(dataset, chosen)
    name = _("Dataset {name}, {digest}").format(name=dataset.name, digest=dataset.digest)
    as_of = _("As of {day}").format(day=texts.day(day, lang)) if day else ""
    query = chosen.query_string()
    page = _("Page {page} of {pages}").format(page="\n", pages="\n").split("\n")
    return About(
        lang=lang,
        title=(title := texts.in_language(vars(dataset), "title", lang)),
        running_head=shortened(title, _LONGEST_HEAD),
        kicker=kicker,
        subject=" ".join(
            [
                selection.sentence(dataset, chosen, kept),
                f"{name}.",
                _("Selection: {query}").format(query=f"?{query}"),
            ]
        ),
        keywords="; ".join(
            [
                f"dataset: {dataset.name}",
                f"digest: {dataset.digest}",
                f"query: {query}",
                f"as-of: {day.isoformat() if day else ''}",
            ]
        ),
        author=f"{GENERATOR}, {dataset.name}",
        day=day,
        foot=shortened(" · ".join(part for part in (as_of, name) if part), _LONGEST_HEAD),
        page=(page[0], page[1], page[2]),
    )


def _last_day(dataset: Dataset, chosen: Selection) -> date | None:
    return chosen.as_of or (dataset.days[1] if dataset.days else None)


def _facts(dataset: Dataset, chosen: Selection) -> Iterable[Line]:
    lang = chosen.lang
    _ = texts.translator(lang)
    query = chosen.query_string()
    pairs = [
        (_("As of"), texts.day(_last_day(dataset, chosen), lang)),
        (_("Dataset"), dataset.name),
        (_("Digest"), dataset.digest),
    ]
    runs = [[Run(f"{term}\u00a0", "strong"), Run(value), Run("  ·  ")] for term, value in pairs]
    yield tuple(run for pair in runs for run in pair)[:-1]
    link = f"?{query}" if query else _("everything, nothing filtered")
    yield (Run(_("Link of this selection") + "\u00a0", "strong"), Run(link))


def _nothing(dataset: Dataset, chosen: Selection) -> Iterable[Block]:
    """What a paper says when the selection keeps no claim."""
    lang = chosen.lang
    _ = texts.translator(lang)
    filters = {
        "source": _("source"),
        "confidence": _("confidence"),
        "status": _("status"),
        "theme": _("theme"),
        "as_of": _("as-of day"),
    }
    yield Heading(1, _("Nothing to show"))
    yield _say(
        _(
            "This selection keeps no claim of the dataset. That says nothing about the claims: "
            "the filters, taken together, leave none."
        )
    )
    for key, count in selection.loosened(dataset, chosen):
        claims = texts.plural(lang, "{n} claim", "{n} claims", count)
        text = _("Without the filter on {filter}: {claims}.").format(
            filter=filters[key], claims=claims
        )
        yield _say(text, "bullet")


def _tally(told: Sequence[evidence.Evidence], lang: str) -> Tally:
    words = texts.terms(lang)
    counts = {code: sum(e.status_code == code for e in told) for code in STATUSES}
    return Tally(
        tuple(
            (code, texts.number(n, lang), words["status"][code], words["status_help"][code])
            for code, n in counts.items()
            if n or code in ("sourced", "contested", "denied")
        )
    )


def _summary(
    told: Sequence[evidence.Evidence], kept: Dataset, found: Sequence[checks.Check], lang: str
) -> Iterable[Prose]:
    """What a hurried reader has to know, in sentences made from the data."""
    _ = texts.translator(lang)
    words = texts.terms(lang)["confidence"]

    def bullet(lead: str, text: str) -> Prose:
        return Prose((Run(f"{lead} ", "strong"), Run(text)), "bullet")

    verdicts = [check.verdict for check in found]
    if found:
        text = _("Checks: {n}. It fits: {fits}; it does not: {misfits}; nobody can judge: {open}.")
        yield bullet(
            _("Held against the ground."),
            text.format(
                n=texts.number(len(found), lang),
                fits=texts.number(verdicts.count(checks.CONSISTENT), lang),
                misfits=texts.number(verdicts.count(checks.INCONSISTENT), lang),
                open=texts.number(verdicts.count(checks.CANNOT_BE_JUDGED), lang),
            ),
        )
    else:
        text = _("No claim shown states a distance, a direction or a time at sea to be checked.")
        yield bullet(_("Held against the ground."), text)
    wrong = [c.explanation for c in found if c.verdict == checks.INCONSISTENT]
    if wrong:
        text = " ".join(wrong[:_MOST_MISFITS])
        if len(wrong) > _MOST_MISFITS:
            text += " " + _("The others are in the table of checks.")
        yield bullet(_("What does not fit."), text)
    levels = kept.claims["confidence"].value_counts()
    counts = ", ".join(
        f"{word.lower()}\u00a0{texts.number(int(levels[code]), lang)}"
        for code, word in words.items()
        if code in levels
    )
    yield bullet(_("Confidence, in numbers of claims."), f"{counts[:1].upper()}{counts[1:]}.")
    asserted = [e for e in told if e.origins]
    if asserted:
        alone = sum(e.origins == 1 for e in asserted)
        text = texts.plural(
            lang,
            "{n} claim goes back to one origin only, however many repeat it.",
            "{n} claims go back to one origin only, however many repeat it.",
            alone,
        )
        yield bullet(_("Independent origins."), text)
    denials = kept.statements[kept.statements["stance"] == "denies"]
    if len(denials):
        text = texts.plural(
            lang, "{n} denial is on record.", "{n} denials are on record.", len(denials)
        )
        implied = int((denials["scope"] == "implied").sum())
        more = texts.plural(
            lang,
            "{n} reaches its claim only by implication, without naming it.",
            "{n} reach their claim only by implication, without naming it.",
            implied,
        )
        yield bullet(_("Denials."), f"{text} {more}" if implied else text)
    homeless = sum(not e.located for e in told)
    if homeless:
        text = texts.plural(
            lang,
            "{n} claim names no place: it is in this paper, but not on the map.",
            "{n} claims name no place: they are in this paper, but not on the map.",
            homeless,
        )
        yield bullet(_("Without a place."), text)


def _figure_words(dataset: Dataset, chosen: Selection, context: Sequence[Styled]) -> str:
    _ = texts.translator(chosen.lang)
    words = _("{view}. Basemap: {attribution}.").format(
        view=texts.in_language(vars(dataset.view(chosen.view)), "title", chosen.lang),
        attribution=basemap.ATTRIBUTION,
    )
    return " ".join(filter(None, (words, overlays.sentence(context, chosen.lang))))


def _table_caption(number: int, lang: str, text: str) -> Caption:
    _ = texts.translator(lang)
    return Caption("Table", _("Table {n}").format(n="").strip(), number, text)


def _say(text: str, style: str = "body") -> Prose:
    return Prose((Run(text),), style)


def _lines(*found: str, style: str = "") -> Cell:
    """A line for each text that is not empty."""
    return tuple((Run(text, style),) for text in found if text)


def _pair(head: str, text: str, lang: str) -> str:
    _ = texts.translator(lang)
    return _("{head}: {text}").format(head=head, text=text)


def _register(dataset: Dataset, kept: Dataset, number: dict[str, int], lang: str) -> Table:
    _ = texts.translator(lang)
    rows = []
    for claim, row in evidence.table(dataset, kept, lang).iterrows():
        title = Run(row["claim"], anchor=f"claim-{claim}")
        status = Run(row["status"], kept.claims.loc[claim, "status"])
        rows.append(
            (
                _lines(texts.number(number[claim], lang)),
                ((title,), *(() if row["where"] else ((Run(_("names no place"), "quiet"),),))),
                ((status,),),
                _lines(row["confidence"]),
                _lines(row["asserts"] or "–"),
                _lines(row["denies"] or "–"),
            )
        )
    return Table(
        (
            _("No."),
            _("Claim"),
            _("Status"),
            _("Confidence"),
            _("Asserted by"),
            _("Denied by"),
        ),
        (0.05, 0.23, 0.22, 0.12, 0.21, 0.17),
        tuple(rows),
        _table_caption(1, lang, _("Every claim shown, with its number in this paper.")),
    )


def _verdict(check: checks.Check, lang: str) -> str:
    _ = texts.translator(lang)
    return {
        checks.CONSISTENT: _("fits"),
        checks.INCONSISTENT: _("does not fit"),
        checks.CANNOT_BE_JUDGED: _("cannot be judged"),
    }[check.verdict]


def _kind(check: checks.Check, lang: str) -> str:
    _ = texts.translator(lang)
    return {
        "distance": _("Distance"),
        "direction": _("Direction"),
        "transit": _("Time at sea"),
    }[check.kind]


def _stated_and_measured(kept: Dataset, check: checks.Check, lang: str) -> tuple[str, str]:
    _ = texts.translator(lang)
    feature = kept.features.loc[check.feature]

    def n(value: float) -> str:
        return texts.number(value, lang)

    if check.kind == "distance":
        return (
            _("about {km} km").format(km=n(check.claimed)),
            _("{km} km ({low}–{high} km)").format(
                km=n(check.measured), low=n(check.low), high=n(check.high)
            ),
        )
    if check.kind == "direction":
        margin = n((check.high - check.low) / 2)
        return (
            texts.terms(lang)["wind_name"][feature["claimed_direction"]],
            _("{bearing}° ± {margin}°").format(bearing=n(check.measured), margin=margin),
        )
    return (
        _("{hours} hours between the dates").format(hours=n(check.claimed)),
        _("{low}–{high} hours at sea").format(low=n(check.low), high=n(check.high)),
    )


def _checked(
    dataset: Dataset,
    told: Sequence[evidence.Evidence],
    found: Sequence[checks.Check],
    number: dict[str, int],
    lang: str,
) -> Table:
    """Every check, what does not fit first."""
    _ = texts.translator(lang)
    title = {e.claim: e.title for e in told}
    order = {checks.INCONSISTENT: 0, checks.CANNOT_BE_JUDGED: 1, checks.CONSISTENT: 2}
    rows = []
    for check in sorted(found, key=lambda c: order[c.verdict]):
        stated, measured = _stated_and_measured(dataset, check, lang)
        verdict = _verdict(check, lang)
        name = f"{texts.number(number[check.claim], lang)}. {title[check.claim]}"
        rows.append(
            (
                (
                    (Run(_kind(check, lang), "strong"),),
                    (Run(name, anchor=f"claim-{check.claim}"),),
                ),
                _lines(stated),
                _lines(measured),
                (
                    (Run(f"{verdict[:1].upper()}{verdict[1:]}", "strong"),),
                    *_lines(check.explanation, checks.would_fit(dataset, check, lang)),
                ),
            )
        )
    return Table(
        (_("What is checked"), _("Stated"), _("Measured"), _("Verdict, and why")),
        (0.26, 0.13, 0.17, 0.44),
        tuple(rows),
        _table_caption(
            2,
            lang,
            _("Stated distances, directions and dates against what can be measured."),
        ),
    )


def _claim(number: int, told: evidence.Evidence, lang: str) -> Iterable[Block]:
    """All that is known of one claim."""
    _ = texts.translator(lang)
    yield Heading(2, f"{texts.number(number, lang)}. {told.title}", anchor=f"claim-{told.claim}")
    after = [told.status_help, told.theme]
    if told.when:
        after.append(_("said to have happened: {when}").format(when=told.when))
    yield Prose(
        (Run(told.status, told.status_code), Run(f"  {' · '.join(after)}", "quiet")), "chips"
    )
    if told.summary:
        yield _say(told.summary)
    for check in told.findings:
        lead = _pair(_kind(check, lang), _verdict(check, lang), lang)
        style = {checks.CONSISTENT: "fit", checks.INCONSISTENT: "misfit"}.get(check.verdict, "open")
        yield Prose((Run(f"{lead}. ", "strong"), Run(check.explanation)), style)
    yield Prose(
        (
            Run(_pair(_("Confidence"), told.confidence, lang), "strong"),
            Run(f". {told.confidence_rationale}" if told.confidence_rationale else "."),
        )
    )
    yield Prose((Run(_pair(_("Independent origins"), _origins(told, lang), lang)),))
    yield from _said(told, lang)
    if told.located:
        once: set[str] = set()
        yield Table(
            (_("Where"), _("How it is drawn"), _("How the place was found")),
            (0.3, 0.16, 0.54),
            tuple(
                (
                    (
                        (Run(place.what, "strong"),),
                        *_lines(place.quantity),
                        *(((Run(place.note, "quiet"),),) if place.note else ()),
                    ),
                    _lines(place.basis),
                    tuple(_found(name, how, once, lang) for name, how in place.places),
                )
                for place in told.located
            ),
        )
    else:
        yield _say(_("This claim names no place."))


def _found(name: str, how: str, once: set[str], lang: str) -> Line:
    """How a place was found, in full where it is named for the first time."""
    _ = texts.translator(lang)
    if name in once:
        how = _("as above")
    once.add(name)
    return (Run(name, "strong"), Run(f", {how}"))


def _origins(told: evidence.Evidence, lang: str) -> str:
    _ = texts.translator(lang)
    if not told.assertions:
        return _("none; nobody here asserts it")
    return _("{origins} (from {assertions})").format(
        origins=texts.number(told.origins, lang),
        assertions=texts.plural(lang, "{n} assertion", "{n} assertions", told.assertions),
    )


def _said(told: evidence.Evidence, lang: str) -> Iterable[Block]:
    """Assertions beside denials; a side that is empty is told in a sentence, not left blank."""
    _ = texts.translator(lang)
    sides = {
        "asserts": [s for s in told.said if s.stance_code == "asserts"],
        "denies": [s for s in told.said if s.stance_code == "denies"],
        "": [s for s in told.said if s.stance_code not in ("asserts", "denies")],
    }
    if sides["asserts"] and sides["denies"]:
        yield Table(
            (_("Asserted by"), _("Denied by")),
            (0.5, 0.5),
            tuple(
                tuple(_statement(said, lang) if said else () for said in pair)
                for pair in zip_longest(sides["asserts"], sides["denies"])
            ),
        )
    elif sides["asserts"]:
        yield _one_side(_("Asserted by"), sides["asserts"], lang)
        yield _say(_("No denial of this claim is shown."), "quiet")
    elif sides["denies"]:
        yield _one_side(_("Denied by"), sides["denies"], lang)
        yield _say(_("No assertion of this claim is shown."), "quiet")
    if sides[""]:
        yield _one_side(_("Neither confirmed nor denied, or taken back, by"), sides[""], lang)
    if told.statements_hidden:
        hidden = texts.plural(
            lang,
            "{n} more statement about this claim is hidden by the filters.",
            "{n} more statements about this claim are hidden by the filters.",
            told.statements_hidden,
        )
        yield _say(hidden, "quiet")


def _who(said: evidence.Said, lang: str) -> Cell:
    """Who takes which stance, when, and how: the first lines on a statement."""
    _ = texts.translator(lang)
    details = [
        said.kind,
        _("speaker: {name}").format(name=said.speaker) if said.speaker else "",
        _("said in {place}").format(place=said.place) if said.place else "",
        _("repeats {origin}").format(origin=said.repeats) if said.repeats else "",
    ]
    stance = f"{said.stance}, {said.scope}" if said.scope else said.stance
    return (
        (Run(said.who, "strong"),),
        (Run(f"{said.when} · {stance}"),),
        (Run(_("; ").join(d for d in details if d), "quiet"),),
    )


def _quoted(said: evidence.Said, lang: str) -> str:
    _ = texts.translator(lang)
    return _("“{quote}”").format(quote=said.quote) if said.quote else ""


def _statement(said: evidence.Said, lang: str) -> Cell:
    reasons = " ".join(part for part in (_quoted(said, lang), said.rationale) if part)
    return (
        *_who(said, lang),
        (Run(said.grade, "strong"),),
        *_lines(reasons),
        (Run(said.reference, "quiet"),),
    )


def _one_side(head: str, side: Sequence[evidence.Said], lang: str) -> Table:
    _ = texts.translator(lang)
    return Table(
        (head, _("Grade, and why"), _("Reference")),
        (0.3, 0.5, 0.2),
        tuple(
            (
                _who(said, lang),
                ((Run(said.grade, "strong"),), *_lines(_quoted(said, lang), said.rationale)),
                _lines(said.reference),
            )
            for said in side
        ),
    )


def _country(code: str, lang: str) -> str:
    from babel import Locale

    return Locale(lang).territories.get(code, code) if code else "–"


def _speakers(dataset: Dataset, kept: Dataset, lang: str, number: int) -> Iterable[Block]:
    """The sources that speak, or are repeated, in what is shown."""
    _ = texts.translator(lang)
    words = texts.terms(lang)
    spoken = {*kept.statements["source"], *kept.statements["origin"]}
    rows = []
    for _id, source in dataset.sources[dataset.sources.index.isin(spoken)].iterrows():
        letter = source["reliability"]
        grade = _pair(letter, words["reliability"][letter], lang)
        rows.append(
            (
                ((Run(texts.in_language(source, "name", lang), "strong"),),),
                _lines(_country(source["country"], lang)),
                _lines(words["kind"][source["kind"]]),
                (
                    (Run(grade, "strong"),),
                    *_lines(texts.in_language(source, "reliability_rationale", lang)),
                ),
            )
        )
    yield Table(
        (_("Source"), _("Side"), _("Kind"), _("Reliability, and why")),
        (0.27, 0.14, 0.15, 0.44),
        tuple(rows),
        _table_caption(number, lang, _("The sources of what is shown.")),
    )
    silent = len(dataset.sources) - len(rows)
    if silent:
        text = texts.plural(
            lang,
            "{n} more source of the dataset has no part in what is shown.",
            "{n} more sources of the dataset have no part in what is shown.",
            silent,
        )
        yield _say(text, "quiet")


def _method(dataset: Dataset, lang: str) -> Iterable[Block]:
    _ = texts.translator(lang)
    words = texts.terms(lang)

    def bullets(pairs: Iterable[tuple[str, str]]) -> Iterable[Prose]:
        for term, text in pairs:
            head = _pair(term, "", lang).rstrip()
            yield Prose((Run(head, "strong"), Run(f" {text}.")), "bullet")

    yield Heading(2, _("Status"))
    yield _say(
        _(
            "The status of a claim follows from the statements shown, up to the as-of day; nobody "
            "sets it by hand."
        )
    )
    yield from bullets((words["status"][s], words["status_help"][s]) for s in STATUSES)
    yield Heading(2, _("Confidence"))
    yield _say(
        _(
            "How sure the makers of the dataset are that it is so: high, moderate or low. "
            "“Not assessed” means that nobody has judged it; it is not a middle value."
        )
    )
    yield Heading(2, _("Grades"))
    yield _say(
        _(
            "Each statement has a letter for its source and a digit for itself, after the "
            "Admiralty code. F and 6 mean that nobody can judge; they are never averaged with the "
            "rest."
        )
    )
    yield Table(
        (_("Source"), _("Reliability"), _("Statement"), _("Credibility")),
        (0.1, 0.4, 0.12, 0.38),
        tuple(
            tuple(_lines(text) for text in (*letter, *digit))
            for letter, digit in zip(
                words["reliability"].items(), words["credibility"].items(), strict=True
            )
        ),
    )
    yield Heading(2, _("Places and lines"))
    basis = words["basis"]
    yield from bullets(
        [
            (basis["observed"], _("the place or line was seen, in imagery for one")),
            (basis["reported"], _("it is drawn as a source told it")),
            (basis["inferred"], _("it is our own reading; no source gave it")),
        ]
    )
    yield Heading(2, _("Checks"))
    for rule in checks.rules(lang):
        # Our own sentences, with their emphasis between pairs of asterisks.
        parts = enumerate(rule.split("**"))
        yield Prose(tuple(Run(p, "strong" if n % 2 else "") for n, p in parts if p), "bullet")
    yield Heading(2, _("Limits"))
    for limit in (
        _("The paper knows only what the dataset holds; what is not in it is not thereby untrue."),
        _("A claim without a place is not drawn, and a place is no surer than its radius."),
        _("A denial that reaches a claim by implication does not name it."),
        _("Borders are those of the basemap and take no side."),
    ):
        yield _say(limit, "bullet")
    yield _say(_("Basemap: {attribution}").format(attribution=basemap.ATTRIBUTION) + ".")
    description = texts.in_language(vars(dataset), "description", lang)
    if description:
        yield Heading(2, _("About the dataset"))
        yield _say(description)


def steps(dataset: Dataset, chosen: Selection) -> tuple[Step, ...]:
    """The pages of the handout: each step of the briefing with its own claims only.

    Raises ``NoBriefingError`` where the dataset has no step.
    """
    lang = chosen.lang
    _ = texts.translator(lang)
    if dataset.briefing.empty:
        raise NoBriefingError(_("The dataset has no briefing, so there is no step to hand out."))
    # Each map would take the last day of its own claims for that of the whole.
    chosen = replace(chosen, as_of=_last_day(dataset, chosen))
    table = dataset.briefing.sort_index()
    kept = selection.apply(dataset, chosen)
    found = []
    for place, (number, row) in enumerate(table.iterrows(), start=1):
        claims = list(dict.fromkeys(row["claims"].split()))
        told = [
            evidence.gather(dataset, kept, claim, chosen)
            for claim in claims
            if claim in kept.claims.index
        ]
        mine = replace(
            dataset,
            statements=dataset.statements[dataset.statements["claim"].isin(claims)],
            features=dataset.features[dataset.features["claim"].isin(claims)],
            views=(_step_view(place, len(table), row),),
        )
        found.append(
            Step(
                number=texts.number(int(number), lang),
                title=shortened(texts.in_language(row, "title", lang), _LONGEST_HEAD),
                text=_fitting(texts.in_language(row, "text", lang), lang),
                shown=_shown(len(told), len(claims), len(dataset.claims), lang),
                caveats=tuple(_caveat(each, lang) for each in told),
                dataset=mine,
                chosen=replace(chosen, view=mine.views[0].name, claim=""),
            )
        )
    return tuple(found)


def _fitting(text: str, lang: str) -> str:
    """The text of a step, cut where a page has no room for it, which it then says."""
    _ = texts.translator(lang)
    if len(text) <= _LONGEST_STEP:
        return text
    said = _("(Shortened; the dataset has all of it.)")
    return f"{shortened(text, _LONGEST_STEP)} {said}"


def _step_view(place: int, total: int, row: pd.Series) -> View:
    def title(lang: str) -> str:
        _ = texts.translator(lang)
        return _("Map {n} of {total}").format(
            n=texts.number(place, lang), total=texts.number(total, lang)
        )

    west, south, east, north = (float(row[edge]) for edge in ("west", "south", "east", "north"))
    # A map of a single point or line has no scale: about 5 km each way is the least.
    if east - west < 0.1:
        west, east = west - 0.05, east + 0.05
    if north - south < 0.1:
        south, north = max(south - 0.05, -90.0), min(north + 0.05, 90.0)
    return View(f"step-{place}", title("en"), title("fr"), (west, south, east, north))


def _shown(shown: int, named: int, total: int, lang: str) -> str:
    """How many of the step's claims its map and caveats tell of."""
    _ = texts.translator(lang)
    if not named:
        return _("This step speaks of no single claim; its map shows the ground only.")
    text = _("Claims shown here: {shown} of the {total} in the dataset.").format(
        shown=texts.number(shown, lang), total=texts.number(total, lang)
    )
    if shown < named:
        text += " " + texts.plural(
            lang,
            "{n} claim of this step is hidden by the filters.",
            "{n} claims of this step are hidden by the filters.",
            named - shown,
        )
    return text


def _caveat(told: evidence.Evidence, lang: str) -> tuple[Line, ...]:
    """How sure a claim is and who denies it, for the margin of a map."""
    _ = texts.translator(lang)

    def names(code: str) -> str:
        said = [s for s in told.said if s.stance_code == code]
        named = ((shortened(s.who, _LONGEST_NAME), s.scope) for s in said)
        return ", ".join(
            dict.fromkeys(f"{who} ({scope})" if scope else who for who, scope in named)
        )

    pairs = [
        (_("Confidence"), told.confidence),
        (_("Asserted by"), names("asserts")),
        (_("Denied by"), names("denies")),
        (_("Comment declined by"), names("declines")),
        (_("Taken back by"), names("retracts")),
    ]
    lines = [
        (Run(shortened(told.title, _LONGEST_HEAD), "strong"),),
        (Run(told.status, told.status_code),),
        *((Run(_pair(term, text, lang)),) for term, text in pairs if text),
    ]
    lines += [
        (Run(_cut_inside(check.explanation, _LONGEST_FINDING)),)
        for check in told.findings
        if check.verdict == checks.INCONSISTENT
    ]
    if not told.located:
        lines.append((Run(_("This claim names no place."), "quiet"),))
    return tuple(lines)


# ---- text -------------------------------------------------------------------------------------


def plain(text: str) -> str:
    """Text on one line, without signs that steer what reads it (controls, direction marks)."""
    spaced = "".join(" " if c in "\t\n\r\x0b\x0c\x85\u2028\u2029" else c for c in text)
    spaced = unicodedata.normalize("NFC", spaced)
    return "".join(c for c in spaced if unicodedata.category(c)[0] != "C")


def shortened(text: str, most: int) -> str:
    """``plain`` text of at most so many characters, an ellipsis for what is cut."""
    text = plain(text)
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _cut_inside(text: str, most: int) -> str:
    """``plain`` text without its middle where it is too long: what follows from it stands last."""
    text = plain(text)
    half = most // 2
    return text if len(text) <= most else f"{text[:half].rstrip()} … {text[-half:].lstrip()}"
