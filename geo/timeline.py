"""What was said of each claim on which day: as data (``build``, ``situation``), and as HTML.

Days far apart stand on one axis with the empty time between them cut out, and every cut marked.
What is dated to a week or a month is drawn as that span, never as a day.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
from markupsafe import Markup

from geo import selection, texts
from geo.dataset import Dataset
from geo.evidence import (
    STANCES,
    Address,
    link,
    stance_chip,
    stance_count,
    stance_key,
    stance_sign,
)
from geo.selection import Selection

LANES = 40  # claims on one page of the timeline
LINES = 400  # rows of the table beneath: a lane has seldom more than ten
MOST_COLUMNS = 92  # more days than these are gathered in columns of whole weeks
FADE_DAYS = 6  # how far before the day by which something was said its mark fades in

_DAY = timedelta(days=1)
_CUT_DAYS = 14  # empty time is cut out when it is longer than this,
_CUT_SHARE = 0.15  # and than this share of what is shown
_MOST_CUTS = 6
# Widths in columns: of a cut, of a month that has no day of its own to show, of the undated.
_CUT_WIDTH, _MONTH_WIDTH, _UNDATED_WIDTH = 1.6, 5.4, 4.0


@dataclass(frozen=True)
class Segment:
    """Days on the axis with none cut out between them, ``end`` included.

    ``left`` and ``width`` are parts of the axis. ``to_scale``: whether its days are as wide as
    those of the other segments; months of which no day is known are narrower. ``cut_days``: how
    many days are left out before it.
    """

    start: date
    end: date
    left: float
    width: float
    to_scale: bool
    cut_days: int


@dataclass(frozen=True)
class Axis:
    """The days that are shown; ``columns`` is its width in columns of ``column_days`` days.

    ``undated``: left edge and width, as parts of the axis, of where the undated stand.
    """

    segments: tuple[Segment, ...]
    undated: tuple[float, float] | None
    columns: float
    column_days: int

    def at(self, day: date) -> float:
        """Where a day begins, as a part of the axis; days that are cut out lie in the cut."""
        before = 0.0
        for each in self.segments:
            if day < each.start:
                return (before + each.left) / 2
            before = each.left + each.width
            if day <= each.end + _DAY:
                share = (day - each.start).days / ((each.end - each.start).days + 1)
                return each.left + each.width * share
        return before

    def column(self, day: date) -> tuple[date, date]:
        """First and last day of the column of a day that the axis shows."""
        for each in self.segments:
            if each.start <= day <= each.end:
                if not each.to_scale:
                    return each.start, each.end
                first = (day - each.start).days // self.column_days * self.column_days
                start = each.start + first * _DAY
                return start, min(start + (self.column_days - 1) * _DAY, each.end)
        raise ValueError(f"not on the axis: {day}")


@dataclass(frozen=True)
class Mark:
    """Statements of one claim, stance and time. ``left`` and ``width`` are parts of the axis.

    ``precision``: day, week, month, unknown (by that day), columns (several days gathered) or
    none (no date). ``row``: from the top of its lane. ``later``: said after the as-of day.
    """

    stance: str
    scope: str
    repeats: bool
    precision: str
    left: float
    width: float
    row: int
    later: bool
    count: int
    when: str
    who: tuple[str, ...]


@dataclass(frozen=True)
class Event:
    """When a claim is said to have happened; the edges are parts of the axis."""

    left: float
    width: float
    exact: bool
    when: str


@dataclass(frozen=True)
class Lane:
    """A claim. ``status``: on the as-of day, "" where nothing had been said of it by then."""

    claim: str
    title: str
    status: str
    rows: int
    marks: tuple[Mark, ...]
    event: Event | None


@dataclass(frozen=True)
class Column:
    """What was said in one column of the axis. ``day``: the last on which something was."""

    left: float
    width: float
    day: date
    when: str
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Line:
    """One statement, for the table."""

    claim: str
    title: str
    when: str
    who: str
    repeats: str
    stance: str
    scope: str
    later: bool


@dataclass(frozen=True)
class Timeline:
    """``lanes`` from number ``start`` (0 is the first) of ``total``, and the ``lines`` of those.

    ``statements``: how many these lanes have, of which ``lines`` may be only the first.
    """

    axis: Axis
    columns: tuple[Column, ...]
    lanes: tuple[Lane, ...]
    lines: tuple[Line, ...]
    start: int
    total: int
    statements: int
    as_of: date | None


@dataclass(frozen=True)
class News:
    """What a day brought on one claim. ``before``: its status until then, "" for none.

    ``said``: stance, scope, whether it repeats another, and names, of each kind of statement.
    """

    claim: str
    title: str
    before: str
    status: str
    said: tuple[tuple[str, str, bool, tuple[str, ...]], ...]


@dataclass(frozen=True)
class Situation:
    """What was new on a day, and how things stood at its end.

    ``vague``: how many of that day's statements are dated to it only roughly.
    """

    day: date | None
    statements: int
    vague: int
    new_claims: int
    contested: int
    statements_so_far: int
    claims_so_far: int
    news: tuple[News, ...]


def _course(whole: Dataset, chosen: Selection) -> tuple[pd.Index, pd.DataFrame]:
    """The claims whose story is told, and all that was said of them, before and after the day.

    A claim is told of if it passes the filters on the as-of day or at the end.
    """
    now = selection.apply(whole, chosen).claims.index
    end = selection.apply(whole, replace(chosen, as_of=None)).claims.index
    said = selection.apply(whole, replace(chosen, as_of=None, status=())).statements
    claims = whole.claims.index[whole.claims.index.isin(end.union(now))]
    return claims, said[said["claim"].isin(claims)]


def days(whole: Dataset, chosen: Selection) -> tuple[date, ...]:
    """The days on which something was said of what the selection tells, whatever its day."""
    said = _course(whole, chosen)[1]["date"].dropna().unique()
    return tuple(pd.Timestamp(day).date() for day in np.sort(said))


def span(start: date, end: date, precision: str) -> tuple[date, date]:
    """First and last day that a date (or two) may mean: the day, its week or its month.

    Of unknown precision is the day by which something had been said: the first day is then only
    where a drawing begins to fade in.
    """
    if precision == "week":
        return start - start.weekday() * _DAY, end + (6 - end.weekday()) * _DAY
    if precision == "month":
        after = (end.replace(day=28) + 4 * _DAY).replace(day=1)
        return start.replace(day=1), after - _DAY
    if precision == "unknown":
        return start - FADE_DAYS * _DAY, end
    return start, end


def _events(claims: pd.DataFrame) -> dict[str, tuple[date, date, str]]:
    """For each claim with a date of its own: first day, last day, precision."""
    start = claims["event_start"].fillna(claims["event_end"])
    end = claims["event_end"].fillna(claims["event_start"])
    dated = start.notna()
    return {
        claim: (first.date(), last.date(), precision)
        for claim, first, last, precision in zip(
            claims.index[dated],
            start[dated],
            end[dated],
            claims["date_precision"][dated],
            strict=True,
        )
    }


def _axis(spans: list[tuple[date, date, bool]], undated: bool) -> Axis:
    """The axis for spans of days, each with whether its single days matter."""
    clusters: list[list] = []
    for start, end, fine in sorted(spans):
        if clusters and start <= clusters[-1][1] + _DAY:
            clusters[-1][1] = max(clusters[-1][1], end)
            clusters[-1][2] |= fine
        else:
            clusters.append([start, end, fine])
    shown = (clusters[-1][1] - clusters[0][0]).days + 1 if clusters else 0
    cuts = set()
    gaps = [(b[0] - a[1]).days - 1 for a, b in pairwise(clusters)]
    for number in sorted(range(len(gaps)), key=lambda n: -gaps[n])[:_MOST_CUTS]:
        if gaps[number] > max(_CUT_DAYS, _CUT_SHARE * shown):
            cuts.add(number)
            shown -= gaps[number]
    parts: list[list] = []
    for number, (start, end, fine) in enumerate(clusters):
        if parts and number - 1 not in cuts:
            parts[-1][1], parts[-1][2] = end, parts[-1][2] or fine
        else:
            parts.append([start, end, fine, gaps[number - 1] if number else 0])
    any_fine = any(part[2] for part in parts)
    lengths = [(end - start).days + 1 for start, end, *_rest in parts]
    fine_days = sum(n for n, part in zip(lengths, parts, strict=True) if part[2] or not any_fine)
    column_days = 1 if fine_days <= MOST_COLUMNS else 7 * math.ceil(fine_days / 7 / MOST_COLUMNS)
    widths = [
        n / column_days if part[2] or not any_fine else min(n, _MONTH_WIDTH * math.ceil(n / 31))
        for n, part in zip(lengths, parts, strict=True)
    ]
    cut_width = _CUT_WIDTH * max(len(parts) - 1, 0)
    columns = sum(widths) + cut_width + (_UNDATED_WIDTH + _CUT_WIDTH) * undated
    segments, left = [], 0.0
    for width, (start, end, fine, cut_days) in zip(widths, parts, strict=True):
        left += _CUT_WIDTH if segments else 0.0
        to_scale = fine or not any_fine
        segments.append(Segment(start, end, left / columns, width / columns, to_scale, cut_days))
        left += width
    gutter = (1 - _UNDATED_WIDTH / columns, _UNDATED_WIDTH / columns) if undated else None
    return Axis(tuple(segments), gutter, columns, column_days)


def build(whole: Dataset, chosen: Selection, start: int = 0, count: int = LANES) -> Timeline:
    """The timeline of a selection: all of its days, those after the as-of day marked as later.

    Claims come in the order in which they were first spoken of, ``count`` from number ``start``.
    """
    lang = chosen.lang
    claims, said = _course(whole, chosen)
    dates = said["date"]
    first = dates.groupby(said["claim"]).min().reindex(claims)
    claims = first.sort_values(kind="stable", na_position="last").index
    start = min(max(start, 0), max(len(claims) - 1, 0)) // count * count
    shown = claims[start : start + count]

    events = _events(whole.claims.loc[claims])
    spans = [(*span(*event), event[2] != "month") for event in events.values()]
    kinds = said[["date", "date_precision"]].dropna().drop_duplicates()
    for stamp, precision in kinds.itertuples(index=False):
        day = stamp.date()
        early, late = span(day, day, precision)
        edge = _DAY if precision == "day" else 0 * _DAY
        spans.append((early - edge, late + edge, precision != "month"))
    axis = _axis(spans, bool(dates.isna().any()))

    here = said[said["claim"].isin(shown)].sort_values("date", kind="stable")
    status = selection.apply(whole, replace(chosen, status=())).claims["status"]
    words = _Words(whole, lang)
    by_claim = dict(list(here.groupby("claim")))
    lanes = []
    for claim in shown:
        mine = by_claim.get(claim)
        marks = () if mine is None else _marks(mine, axis, words, chosen.as_of)
        lanes.append(
            Lane(
                claim=claim,
                title=words.title(claim),
                status=status.get(claim, ""),
                rows=max((mark.row + 1 for mark in marks), default=1),
                marks=marks,
                event=_event(events[claim], axis, lang) if claim in events else None,
            )
        )
    return Timeline(
        axis=axis,
        columns=_columns(said, axis, lang),
        lanes=tuple(lanes),
        lines=tuple(
            Line(
                claim=row["claim"],
                title=words.title(row["claim"]),
                when=texts.day(row["date"], lang, row["date_precision"]),
                who=words.name(row["source"]),
                repeats=words.name(_origin(row)),
                stance=row["stance"],
                scope=row["scope"] if row["stance"] == "denies" else "",
                later=_is_later(row["date"], chosen.as_of),
            )
            for row in here.iloc[:LINES].to_dict("records")
        ),
        start=start,
        total=len(claims),
        statements=len(here),
        as_of=chosen.as_of,
    )


class _Words:
    """Names and titles in a language, each looked up once."""

    def __init__(self, whole: Dataset, lang: str):
        self._whole, self._lang = whole, lang
        self._names = selection.source_names(whole, lang)
        self._titles: dict[str, str] = {}

    def name(self, source: str) -> str:
        return self._names[source] if source else ""

    def title(self, claim: str) -> str:
        if claim not in self._titles:
            row = self._whole.claims.loc[claim]
            self._titles[claim] = texts.in_language(row, "title", self._lang)
        return self._titles[claim]

    def day(self, day, precision: str) -> str:
        return texts.day(day, self._lang, precision)


def _origin(row: Mapping) -> str:
    return row["origin"] if row["origin"] != row["source"] else ""


def _is_later(day, as_of: date | None) -> bool:
    """Whether a day hides a statement: undated ones only count where none is set."""
    return as_of is not None and (pd.isna(day) or day.date() > as_of)


def _marks(said: pd.DataFrame, axis: Axis, words: _Words, as_of: date | None) -> tuple[Mark, ...]:
    """The statements of one claim as marks; those of one kind and time are one mark."""
    gathered: dict[tuple, list[dict]] = {}
    for row in said.to_dict("records"):
        precision = "none" if pd.isna(row["date"]) else row["date_precision"]
        when = (date.min, date.min)
        if precision != "none":
            day = row["date"].date()
            when = span(day, day, precision)
            if precision != "month" and axis.column_days > 1:
                whole_week = when if precision == "week" else (day, day)
                precision = "columns"
                when = axis.column(whole_week[0])[0], axis.column(whole_week[1])[1]
        scope = row["scope"] if row["stance"] == "denies" else ""
        later = _is_later(row["date"], as_of)
        key = (STANCES.index(row["stance"]), *when, precision, scope, bool(_origin(row)), later)
        gathered.setdefault(key, []).append(row)
    # One row for each stance, more where two marks would stand at one place.
    found, top, taken, last = [], 0, set(), -1
    for key in sorted(gathered):
        stance, early, late, precision, scope, repeats, later = key
        if stance != last:
            top = max((row for row, *_rest in taken), default=-1) + 1
            last = stance
        anchor = late if precision == "unknown" else early  # where its sign stands
        row = top
        while (row, anchor) in taken:
            row += 1
        taken.add((row, anchor))
        rows = gathered[key]
        if precision == "none":
            left, width = axis.undated
        else:
            left = axis.at(early)
            width = axis.at(late + _DAY) - left
        if precision == "columns" and early != late:
            when = f"{words.day(early, 'day')} – {words.day(late, 'day')}"
        else:
            when = words.day(rows[0]["date"], rows[0]["date_precision"])
        found.append(
            Mark(
                stance=STANCES[stance],
                scope=scope,
                repeats=repeats,
                precision=precision,
                left=left,
                width=width,
                row=row,
                later=later,
                count=len(rows),
                when=when,
                who=tuple(dict.fromkeys(words.name(each["source"]) for each in rows)),
            )
        )
    return tuple(found)


def _event(event: tuple[date, date, str], axis: Axis, lang: str) -> Event:
    start, end, precision = event
    early, late = span(*event)
    left = axis.at(early)
    when = texts.day(start, lang, precision)
    if end != start:
        when = f"{when} – {texts.day(end, lang, precision)}"
    return Event(left, axis.at(late + _DAY) - left, precision == "day", when)


def _columns(said: pd.DataFrame, axis: Axis, lang: str) -> tuple[Column, ...]:
    """How much was said in each column of the axis, by stance, as the filters count the days."""
    found: dict[tuple[date, date], tuple[date, dict[str, int]]] = {}
    counted = said.dropna(subset=["date"]).groupby(["date", "stance"]).size()
    for (stamp, stance), count in counted.items():
        day = stamp.date()
        _last, counts = found.setdefault(axis.column(day), (day, {}))
        found[axis.column(day)] = (day, counts)
        counts[stance] = counts.get(stance, 0) + int(count)
    columns = []
    for (early, late), (day, counts) in found.items():
        left = axis.at(early)
        gathers = axis.column_days > 1 and early != late
        columns.append(
            Column(
                left=left,
                width=axis.at(late + _DAY) - left,
                day=day,
                when=(
                    f"{texts.day(early, lang)} – {texts.day(late, lang)}"
                    if gathers
                    else texts.day(day, lang)
                ),
                counts=tuple((s, counts[s]) for s in STANCES if s in counts),
            )
        )
    return tuple(columns)


def situation(whole: Dataset, chosen: Selection) -> Situation:
    """What the as-of day brought, of what the selection keeps; without a day, the end alone."""
    kept = selection.apply(whole, chosen)
    status, said = kept.claims["status"], kept.statements
    words = _Words(whole, chosen.lang)
    news: list[News] = []
    new_claims = 0
    today = said.iloc[:0]
    if chosen.as_of is not None:
        today = said[said["date"] == pd.Timestamp(chosen.as_of)]
        until = replace(chosen, as_of=chosen.as_of - _DAY, status=())
        before = selection.apply(whole, until).claims["status"]
        for claim, rows in today.groupby("claim", sort=False):
            kinds: dict[tuple, list[str]] = {}
            for row in rows.to_dict("records"):
                scope = row["scope"] if row["stance"] == "denies" else ""
                key = (STANCES.index(row["stance"]), scope, bool(_origin(row)))
                kinds.setdefault(key, []).append(words.name(row["source"]))
            news.append(
                News(
                    claim=claim,
                    title=words.title(claim),
                    before=before.get(claim, ""),
                    status=status[claim],
                    said=tuple(
                        (STANCES[s], scope, repeats, tuple(dict.fromkeys(names)))
                        for (s, scope, repeats), names in sorted(kinds.items())
                    ),
                )
            )
        new_claims = sum(not each.before for each in news)
        # What changes how a claim stands comes first, and of that what somebody contests.
        order = ("contested", "denied", "withdrawn", "sourced", "declined")
        news.sort(key=lambda each: (each.before == each.status, order.index(each.status)))
    return Situation(
        day=chosen.as_of,
        statements=len(today),
        vague=int((today["date_precision"] != "day").sum()),
        new_claims=new_claims,
        contested=int((status == "contested").sum()),
        statements_so_far=len(said),
        claims_so_far=len(status),
        news=tuple(news),
    )


# HTML


def _place(left: float, width: float) -> str:
    return f"left:{left:.3%};width:{width:.3%}"


def to_html(found: Timeline, lang: str, address: Address, opened: str = "") -> str:
    """The timeline as HTML that is safe to show; it scrolls in a box of its own.

    ``address``: the query of the page, for the links; ``opened``: the claim that is open.
    """
    _ = texts.translator(lang)
    axis = found.axis
    counted = _("Statements, by the day from which they count")
    if axis.column_days > 1:
        column = texts.plural(
            lang, "a column is {n} week", "a column is {n} weeks", axis.column_days // 7
        )
        counted = f"{counted}{_('; ')}{column}"
    line = Markup("")
    if found.as_of is not None:
        at = axis.at(found.as_of + _DAY)
        line = Markup('<div class="asof{}" style="--at:{}"><span>{}</span></div>').format(
            " left" if at > 0.5 else "",
            f"{at:.5f}",
            _("as of {day}").format(day=texts.day(found.as_of, lang)),
        )
    return str(
        Markup(
            '<div class="timeline" role="region" tabindex="0" aria-label="{label}">'
            '<div class="body" style="--columns:{columns}">'
            '<div class="back" aria-hidden="true">{back}</div>'
            '<div class="head"><div class="label"><span>{counted}</span></div>'
            '<div class="track">{months}{bars}{numbers}</div></div>'
            "{lanes}{line}</div></div>{scale}"
        ).format(
            label=_("Timeline: who said what of which claim, and when"),
            columns=f"{axis.columns:.1f}",
            back=_back(axis),
            counted=counted,
            months=_months(axis, lang, _),
            bars=_bars(found, lang, address, _),
            numbers=_numbers(axis, {column.day for column in found.columns}),
            lanes=Markup("").join(_lane(lane, lang, address, opened, _) for lane in found.lanes),
            line=line,
            scale=_to_scale(axis, lang, _),
        )
    )


def _back(axis: Axis) -> Markup:
    """What lies behind all lanes: weeks, cuts, and months that are not to scale."""
    parts = []
    for each in axis.segments:
        if not each.to_scale:
            parts.append(("narrow", each.left, each.width))
            continue
        if axis.column_days == 1:
            weeks = range(each.start.toordinal(), each.end.toordinal() + 1)
            mondays = [date.fromordinal(n) for n in weeks if (n - 1) % 7 == 0]
            parts += [("week", axis.at(day), 0.0) for day in mondays]
    parts += [("cut", *place) for place in _cuts(axis)]
    if axis.undated is not None:
        parts.append(("narrow", *axis.undated))
    return Markup("").join(
        Markup('<i class="{}" style="{}"></i>').format(kind, _place(left, width))
        for kind, left, width in parts
    )


def _cuts(axis: Axis) -> list[tuple[float, float]]:
    """Left edges and widths of the gaps where days are cut out."""
    return [(a.left + a.width, b.left - a.left - a.width) for a, b in pairwise(axis.segments)]


def _months(axis: Axis, lang: str, _) -> Markup:
    parts = []
    for each in axis.segments:
        labels, day = [], each.start
        while day <= each.end:
            labels.append(day)
            day = (day.replace(day=28) + 4 * _DAY).replace(day=1)
        # Only the names that have room: before the next one, and before the end.
        room = 5.2 / axis.columns
        edge = each.left + each.width
        shown: list[tuple[date, float]] = []
        if len(labels) > 1:
            second = axis.at(labels[1])
            # The last days of a month are seen: the next name is worth more.
            if second - each.left < room <= edge - second:
                labels = labels[1:]
        for day in labels:
            left = axis.at(day)
            if not shown or (left - shown[-1][1] >= room and edge - left >= room):
                shown.append((day, left))
        ends = [left for _day, left in shown[1:]] + [each.left + each.width]
        for (day, left), end in zip(shown, ends, strict=True):
            parts.append(
                Markup('<span class="month" style="{}"><b>{}</b></span>').format(
                    _place(left, end - left), texts.day(day, lang, "month")
                )
            )
    for (left, width), each in zip(_cuts(axis), axis.segments[1:], strict=True):
        parts.append(
            Markup('<span class="cut" style="{}"><b>{}</b></span>').format(
                _place(left, width),
                texts.plural(lang, "{n} day cut out", "{n} days cut out", each.cut_days),
            )
        )
    if axis.undated is not None:
        parts.append(
            Markup('<span class="month" style="{}"><b>{}</b></span>').format(
                _place(*axis.undated), _("no date")
            )
        )
    return Markup("").join(parts)


def _numbers(axis: Axis, spoken: set[date]) -> Markup:
    """The days of the months, where there is room for them."""
    if axis.column_days > 1:
        return Markup("")
    parts = []
    for each in axis.segments:
        if not each.to_scale:
            continue
        for number in range(each.start.toordinal(), each.end.toordinal() + 1):
            day = date.fromordinal(number)
            left = axis.at(day)
            parts.append(
                Markup('<span class="number{}" style="{}" aria-hidden="true">{}</span>').format(
                    " spoken" if day in spoken else "",
                    _place(left, axis.at(day + _DAY) - left),
                    day.day,
                )
            )
    return Markup("").join(parts)


def _counted(column: Column, lang: str) -> str:
    """How much was said in a column, and of it how much of each stance."""
    _ = texts.translator(lang)
    told = [stance_count(stance, n, lang) for stance, n in column.counts]
    total = sum(n for _stance, n in column.counts)
    return _("{head}: {text}").format(
        head=texts.plural(lang, "{n} statement", "{n} statements", total), text=", ".join(told)
    )


def days_to_html(found: Timeline, lang: str, address: Address) -> str:
    """The days on which something was said as a list of links that set the as-of day."""
    items = Markup("").join(
        Markup("<li>{}<p>{}</p></li>").format(
            Markup("<h3>{}</h3>").format(link(address, each.when, as_of=each.day.isoformat())),
            _counted(each, lang),
        )
        for each in found.columns
    )
    return str(Markup('<ul class="news">{}</ul>').format(items))


def _bars(found: Timeline, lang: str, address: Address, _) -> Markup:
    """How much was said in each column, as links that set the as-of day."""
    most = max((sum(n for _s, n in column.counts) for column in found.columns), default=1)
    parts = []
    for column in found.columns:
        total = sum(count for _stance, count in column.counts)
        told = _("{head}: {text}").format(head=column.when, text=_counted(column, lang))
        pieces = Markup("").join(
            Markup('<i class="{}" style="flex-grow:{}"></i>').format(stance, count)
            for stance, count in reversed(column.counts)
        )
        inside = Markup(' class="go bar{}" title="{}" aria-label="{}" style="{}"').format(
            " later" if found.as_of is not None and column.day > found.as_of else "",
            told,
            told,
            _place(column.left, column.width),
        )
        bar = Markup('<b{}>{}</b><span style="height:{}">{}</span>').format(
            Markup(' class="long"') if total > 99 else "",
            texts.number(total, lang) if total < 1000 else "",
            f"{max(total / most, 0.08):.1%}",
            pieces,
        )
        parts.append(link(address, bar, inside=inside, as_of=column.day.isoformat()))
    return Markup("").join(parts)


def _lane(lane: Lane, lang: str, address: Address, opened: str, _) -> Markup:
    words = texts.terms(lang)
    chip = Markup('<span class="quiet">{}</span>').format(_("not yet spoken of"))
    if lane.status:
        chip = Markup('<span class="chip {}">{}</span>').format(
            lane.status, words["status"][lane.status]
        )
    event = Markup("")
    if lane.event is not None:
        told = _("Said to have happened: {when}").format(when=lane.event.when)
        event = Markup(
            '<span class="event{}" role="img" aria-label="{}" title="{}" style="{}"></span>'
        ).format(
            "" if lane.event.exact else " vague",
            told,
            told,
            _place(lane.event.left, lane.event.width),
        )
    return Markup(
        '<div class="lane{classes}"><div class="label">{title} {chip}</div>'
        '<div class="track" style="--rows:{rows}">{event}{marks}</div></div>'
    ).format(
        classes=(" dated" if lane.event else "") + (" open" if lane.claim == opened else ""),
        title=link(address, lane.title, current=lane.claim == opened, claim=lane.claim),
        chip=chip,
        rows=lane.rows,
        event=event,
        marks=Markup("").join(_mark(mark, lang, words, _) for mark in lane.marks),
    )


_MOST_NAMED = 12


def _names(names: tuple[str, ...], lang: str) -> str:
    if len(names) <= _MOST_NAMED:
        return ", ".join(names)
    more = texts.plural(lang, "{n} more", "{n} more", len(names) - _MOST_NAMED)
    return f"{', '.join(names[:_MOST_NAMED])}, {more}"


def _mark(mark: Mark, lang: str, words: dict, _) -> Markup:
    told = _("; ").join(
        part
        for part in (
            mark.when,
            words["stance"][mark.stance],
            words["scope"].get(mark.scope, ""),
            _("repeats another source") if mark.repeats else "",
            _names(mark.who, lang),
            _("after the chosen day") if mark.later else "",
        )
        if part
    )
    exact = mark.precision == "day"
    # A day is a spot in the middle of its column, all else a span.
    place = f"left:{mark.left + mark.width / 2:.3%}" if exact else _place(mark.left, mark.width)
    return Markup(
        '<span class="mark {stance} {precision}{more}" role="img" aria-label="{told}"'
        ' title="{told}" style="--row:{row};{place}"><b>{sign}{count}</b></span>'
    ).format(
        stance=mark.stance,
        precision=mark.precision,
        more=(" later" if mark.later else "") + (" repeated" if mark.repeats else ""),
        told=told,
        row=mark.row,
        place=place,
        sign=stance_sign(mark.stance, mark.scope, mark.repeats),
        count=texts.number(mark.count, lang) if mark.count > 1 else "",
    )


def _to_scale(axis: Axis, lang: str, _) -> Markup:
    """Where the parts of the axis lie in time, without cuts; nothing where nothing is cut."""
    if len(axis.segments) < 2:
        return Markup("")
    first, last = axis.segments[0].start, axis.segments[-1].end
    length = (last - first).days + 1
    parts = Markup("").join(
        Markup('<i style="{}"></i>').format(
            _place((each.start - first).days / length, ((each.end - each.start).days + 1) / length)
        )
        for each in axis.segments
    )
    return Markup(
        '<div class="truescale"><span>{}</span><div aria-hidden="true">{}</div><span>{}</span>'
        "<p>{}</p></div>"
    ).format(
        texts.day(first, lang),
        parts,
        texts.day(last, lang),
        _("The same time to scale: dark is what the timeline shows, light is cut out."),
    )


def key_to_html(lang: str) -> str:
    """What the signs of the timeline mean, as a list in HTML."""
    _ = texts.translator(lang)
    entries = [
        *stance_key(lang),
        (Markup('<span class="swatch span"></span>'), _("only the week or the month is known")),
        (
            Markup('<span class="swatch about"></span>'),
            _("said by that day, since when is not known"),
        ),
        (Markup('<span class="swatch event"></span>'), _("when it is said to have happened")),
        (Markup('<span class="swatch event vague"></span>'), _("the same, only roughly")),
        (Markup('<span class="swatch later"></span>'), _("after the chosen day")),
        (Markup('<span class="swatch cut"></span>'), _("days cut out")),
        (Markup('<span class="swatch narrow"></span>'), _("month or no date: not to scale")),
    ]
    items = Markup("").join(Markup("<li>{} {}</li>").format(*entry) for entry in entries)
    return str(Markup('<ul class="timeline-key" aria-label="{}">{}</ul>').format(_("Key"), items))


def table_to_html(found: Timeline, lang: str) -> str:
    """The statements of the lanes as a table in HTML, in the order in which they were made."""
    _ = texts.translator(lang)
    words = texts.terms(lang)
    quiet = Markup('<br><span class="quiet">{}</span>')
    rows = Markup("").join(
        Markup('<tr{}><th scope="row">{}{}</th><td>{}{}</td><td>{}{}</td><td>{}</td></tr>').format(
            Markup(' class="later"') if line.later else "",
            line.when,
            quiet.format(_("after the chosen day")) if line.later else "",
            line.who,
            quiet.format(_("repeats {origin}").format(origin=line.repeats)) if line.repeats else "",
            stance_chip(line.stance, line.scope, bool(line.repeats), lang),
            quiet.format(words["scope"][line.scope]) if line.scope else "",
            line.title,
        )
        for line in found.lines
    )
    heads = Markup("").join(
        Markup('<th scope="col">{}</th>').format(head)
        for head in (_("Day"), _("Source"), _("Stance"), _("Claim"))
    )
    caption = _("What the timeline shows, as a table")
    return str(
        Markup(
            '<div class="timeline-table" role="region" tabindex="0" aria-label="{}"><table>'
            "<thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>"
        ).format(caption, heads, rows)
    )


def sentence(found: Situation, lang: str) -> str:
    """What the as-of day brought, and how things stood at its end, in one sentence each."""
    _ = texts.translator(lang)
    so_far = _("{statements} on {claims}").format(
        statements=texts.plural(lang, "{n} statement", "{n} statements", found.statements_so_far),
        claims=texts.plural(lang, "{n} claim", "{n} claims", found.claims_so_far),
    )
    contested = texts.plural(lang, "{n} contested", "{n} contested", found.contested)
    if found.day is None:
        return _("Up to the last day: {so_far}, {contested}.").format(
            so_far=so_far, contested=contested
        )
    if not found.statements:
        today = _("nothing was said")
    else:
        today = texts.plural(lang, "{n} statement", "{n} statements", found.statements)
        if found.vague:
            vague = texts.plural(
                lang, "{n} dated only roughly", "{n} dated only roughly", found.vague
            )
            today = f"{today} ({vague})"
        new = texts.plural(lang, "{n} new claim", "{n} new claims", found.new_claims)
        today = f"{today}, {new}"
    return _("On {day}: {today}. Up to then: {so_far}, {contested}.").format(
        day=texts.day(found.day, lang), today=today, so_far=so_far, contested=contested
    )


def news_to_html(found: Situation, lang: str, address: Address) -> str:
    """What the as-of day brought, claim by claim, as a list in HTML."""
    _ = texts.translator(lang)
    words = texts.terms(lang)
    items = []
    for news in found.news:
        chips = Markup(" → ").join(
            Markup('<span class="chip {}">{}</span>').format(status, words["status"][status])
            for status in dict.fromkeys((news.before, news.status))
            if status
        )
        fresh = "" if news.before else Markup("<b>{}</b> ").format(_("New:"))
        said = Markup("").join(
            Markup("<p>{} {}{}</p>").format(
                stance_chip(stance, scope, repeats, lang),
                _names(names, lang),
                Markup(' <span class="quiet">({})</span>').format(words["scope"][scope])
                if scope
                else "",
            )
            for stance, scope, repeats, names in news.said
        )
        title = link(address, news.title, claim=news.claim)
        items.append(Markup("<li><h3>{}{} {}</h3>{}</li>").format(fresh, title, chips, said))
    return str(Markup('<ul class="news">{}</ul>').format(Markup("").join(items)))
