"""The timeline as data and as HTML: spans, the axis and its cuts, lanes, and what a day brought."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import builders
import pandas as pd
import pytest
from hostile import TEXTS, poison
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import dataset, evidence, selection, texts, timeline
from geo.selection import Selection

WHOLE = dataset.load()
ALL = Selection()
DAY = timedelta(days=1)

some_days = st.dates(date(2020, 1, 1), date(2029, 12, 31))
spans = st.lists(
    st.tuples(some_days, st.integers(0, 40), st.booleans()).map(
        lambda each: (each[0], each[0] + each[1] * DAY, each[2])
    ),
    min_size=1,
    max_size=12,
)


def lane(found: timeline.Timeline, claim: str) -> timeline.Lane:
    return next(each for each in found.lanes if each.claim == claim)


# Dates and the axis


@pytest.mark.parametrize(
    ("precision", "first", "last"),
    [
        ("day", date(2024, 10, 16), date(2024, 10, 16)),
        ("week", date(2024, 10, 14), date(2024, 10, 20)),
        ("month", date(2024, 10, 1), date(2024, 10, 31)),
        ("unknown", date(2024, 10, 10), date(2024, 10, 16)),
    ],
)
def test_a_date_covers_what_it_may_mean(precision, first, last):
    day = date(2024, 10, 16)
    assert timeline.span(day, day, precision) == (first, last)


def test_the_months_end_where_they_end():
    day = date(2024, 2, 29)
    assert timeline.span(day, day, "month") == (date(2024, 2, 1), day)
    day = date(2024, 12, 31)
    assert timeline.span(day, day, "month") == (date(2024, 12, 1), day)


@given(spans, st.booleans(), some_days, some_days)
def test_the_axis_never_turns_back_and_shows_every_span(found, undated, one, other):
    axis = timeline._axis(found, undated)
    assert (axis.at(one) <= axis.at(other)) or one > other
    for start, end, _fine in found:
        assert any(each.start <= start and end <= each.end for each in axis.segments)
        assert 0 <= axis.at(start) < axis.at(end + DAY) <= 1 + 1e-9
        early, late = axis.column(start)
        assert early <= start <= late
    for before, after in pairwise(axis.segments):
        assert after.cut_days == (after.start - before.end).days - 1 > 14
        assert before.left + before.width < after.left


@given(spans)
def test_days_to_scale_are_of_one_width(found):
    axis = timeline._axis(found, False)
    widths = {
        round(each.width / ((each.end - each.start).days + 1), 9)
        for each in axis.segments
        if each.to_scale
    }
    assert len(widths) == 1


def test_what_is_empty_for_months_is_cut_and_the_cut_is_told():
    axis = timeline.build(WHOLE, ALL).axis
    told = [(each.start, each.end, each.to_scale, each.cut_days) for each in axis.segments]
    assert told == [
        (date(2024, 6, 1), date(2024, 6, 30), False, 0),
        (date(2024, 10, 1), date(2024, 10, 31), True, 92),
        (date(2025, 2, 1), date(2025, 2, 28), False, 92),
    ]
    html = timeline.to_html(timeline.build(WHOLE, ALL), "en", {})
    assert html.count("92 days cut out") == 2
    assert "The same time to scale" in html


def test_every_part_of_the_axis_bears_the_name_of_a_month():
    dates = [date(2024, 9, 28), date(2024, 10, 20), date(2025, 6, 3)]
    axis = timeline._axis([(day, day, True) for day in dates], False)
    html = str(timeline._months(axis, "en", texts.translator("en")))
    assert [name for name in ("September", "October", "June") if name in html] == [
        *("September", "October", "June"),
    ]
    axis = timeline._axis([(dates[0], dates[1], True)], False)
    html = str(timeline._months(axis, "en", texts.translator("en")))
    assert "October" in html and "September" not in html  # only its last three days are seen


# Lanes and marks


def test_every_statement_is_in_a_mark_a_column_and_a_line():
    found = timeline.build(WHOLE, ALL)
    total = len(WHOLE.statements)
    assert sum(mark.count for each in found.lanes for mark in each.marks) == total
    assert sum(n for column in found.columns for _stance, n in column.counts) == total
    assert len(found.lines) == found.statements == total
    assert {each.claim for each in found.lanes} == set(WHOLE.claims.index)


def test_only_a_known_day_is_drawn_as_a_day():
    found = timeline.build(WHOLE, ALL)
    exact = sum(m.count for each in found.lanes for m in each.marks if m.precision == "day")
    assert exact == int((WHOLE.statements["date_precision"] == "day").sum())
    day = found.axis.at(date(2024, 10, 23)) - found.axis.at(date(2024, 10, 22))
    for each in found.lanes:
        for mark in each.marks:
            assert (mark.width == pytest.approx(day)) is (mark.precision == "day")


def test_no_two_marks_of_a_lane_lie_on_each_other():
    for each in timeline.build(WHOLE, ALL).lanes:
        assert len({(m.row, m.left, m.precision) for m in each.marks}) == len(each.marks)
        assert each.rows == max(m.row for m in each.marks) + 1


def test_own_words_and_repeated_ones_are_told_apart():
    marks = lane(timeline.build(WHOLE, ALL), "shipped-1500").marks
    assert [(m.stance, m.repeats, m.precision, m.scope) for m in marks] == [
        ("asserts", True, "month", ""),
        ("asserts", False, "day", ""),
        ("asserts", True, "day", ""),
        ("denies", False, "unknown", "implied"),
        ("denies", False, "day", "implied"),
        ("declines", False, "unknown", ""),
        ("declines", False, "day", ""),
    ]


def test_events_stand_apart_from_the_days_on_which_they_were_told():
    found = timeline.build(WHOLE, ALL)
    event = lane(found, "shipped-1500").event
    assert event.exact and event.when == "8 Oct 2024 – 13 Oct 2024"
    assert event.left == found.axis.at(date(2024, 10, 8))
    pact = lane(found, "security-pact").event
    assert not pact.exact and pact.when == "June 2024"
    assert lane(found, "flag-tsukuryne").event is None


def test_what_is_said_after_the_day_is_marked_as_later():
    found = timeline.build(WHOLE, Selection(as_of=date(2024, 10, 22)))
    later = sum(m.count for each in found.lanes for m in each.marks if m.later)
    assert later == int((WHOLE.statements["date"] > "2024-10-22").sum()) > 0
    assert sum(line.later for line in found.lines) == later
    assert lane(found, "dunai-ships").status == ""
    assert lane(found, "shipped-1500").status == "contested"
    html = timeline.to_html(found, "en", {})
    assert "not yet spoken of" in html and "as of 22 Oct 2024" in html


def test_statements_without_a_date_stand_apart():
    whole = builders.changed(builders.small(), "statements", "s5", date=pd.NaT)
    found = timeline.build(whole, ALL)
    (mark,) = lane(found, "far").marks
    assert mark.precision == "none" and mark.when == "date not known"
    assert (mark.left, mark.width) == found.axis.undated
    assert found.lanes[-1].claim == "far"
    assert "no date" in timeline.to_html(found, "en", {})
    day = timeline.build(whole, Selection(as_of=date(2024, 10, 22)))
    assert lane(day, "far").marks[0].later and lane(day, "far").status == ""
    nothing = whole.statements.assign(date=pd.NaT)
    assert timeline.days(replace(whole, statements=nothing), ALL) == ()


def test_the_filters_decide_what_is_told():
    only = Selection(source=("kremlin",))
    found = timeline.build(WHOLE, only)
    assert {each.claim for each in found.lanes} == {"flag-tsukuryne", "troops-in-ukraine"}
    assert timeline.days(WHOLE, only) == (date(2024, 10, 22),)
    assert timeline.days(WHOLE, Selection(source=("nis",), status=("withdrawn",))) == ()


# What a day brought


def test_a_day_brings_claims_denials_and_a_change_of_status():
    found = timeline.situation(WHOLE, Selection(as_of=date(2024, 10, 22)))
    dated = WHOLE.statements["date"]
    assert found.statements == int((dated == "2024-10-22").sum())
    assert found.statements_so_far == int((dated <= "2024-10-22").sum())
    assert found.contested == 5
    news = {each.claim: each for each in found.news}
    assert found.new_claims == sum(not each.before for each in found.news) == 14
    assert (news["convoy"].before, news["convoy"].status) == ("sourced", "contested")
    assert ("denies", "implied", False, ("North Korea", "Kremlin")) in news["flag-tsukuryne"].said
    assert found.news[0].status == "contested"
    told = timeline.sentence(found, "en")
    assert told.startswith("On 22 Oct 2024: 26 statements (15 dated only roughly), 14 new claims.")


@given(builders.selections(builders.small()))
@settings(max_examples=60)
def test_a_situation_agrees_with_the_selection(chosen):
    whole = builders.small()
    kept = selection.apply(whole, chosen)
    found = timeline.situation(whole, chosen)
    assert found.claims_so_far == len(kept.claims)
    assert found.statements_so_far == len(kept.statements)
    assert found.contested == int((kept.claims["status"] == "contested").sum())
    if chosen.as_of is not None and found.statements:
        assert chosen.as_of in timeline.days(whole, chosen)
    course = timeline.build(whole, chosen)
    shown = {each.claim for each in course.lanes}
    assert set(kept.claims.index) <= shown
    if not chosen.status:
        told = sum(m.count for each in course.lanes for m in each.marks if not m.later)
        assert told == len(kept.statements)


def test_playing_ends_where_all_is_shown():
    days = timeline.days(WHOLE, ALL)
    steps = [timeline.situation(WHOLE, Selection(as_of=day)) for day in days]
    assert sum(step.statements for step in steps) == len(WHOLE.statements)
    assert sum(step.new_claims for step in steps) == len(WHOLE.claims)
    end = timeline.situation(WHOLE, ALL)
    assert steps[-1].contested == end.contested
    assert all(step.news for step in steps)


# Much, and hostile


def much() -> dataset.Dataset:
    """1,000 claims and 5,000 statements over three years."""
    small = builders.small()
    n = range(5000)
    said = pd.DataFrame([small.statements.loc["s1"]] * 5000)
    said["claim"] = [f"c{i % 1000}" for i in n]
    said["source"] = [small.sources.index[i % 3] for i in n]
    said["stance"] = [evidence.STANCES[i // 7 % 3] for i in n]
    said["date"] = [pd.Timestamp("2022-01-01") + pd.Timedelta(days=i * 37 % 1100) for i in n]
    said.index = pd.Index([f"t{i}" for i in n], name="id")
    claims = pd.DataFrame([small.claims.loc["flag"]] * 1000)
    claims.index = pd.Index([f"c{i}" for i in range(1000)], name="id")
    return replace(
        small,
        claims=claims,
        statements=said,
        features=small.features.iloc[:0],
        briefing=small.briefing.iloc[:0],
    )


def test_a_thousand_claims_are_told_in_pages_and_columns():
    whole = much()
    chosen = Selection(as_of=date(2023, 5, 1))
    found = timeline.build(whole, chosen, start=80)
    assert (found.start, len(found.lanes), found.total) == (80, timeline.LANES, 1000)
    assert len(found.columns) <= timeline.MOST_COLUMNS
    assert found.axis.column_days % 7 == 0
    assert sum(n for column in found.columns for _stance, n in column.counts) == 5000
    assert {m.precision for each in found.lanes for m in each.marks} == {"columns"}
    html = timeline.to_html(found, "en", {})
    assert len(html) < 400_000 and "a column is 2 weeks" in html
    assert len(timeline.days(whole, chosen)) == 1100
    last = timeline.build(whole, chosen, start=99_999)
    assert (last.start, len(last.lanes)) == (960, 40)


@pytest.mark.parametrize("lang", texts.languages())
def test_hostile_text_stays_text(tmp_path, lang):
    whole = dataset.load(poison(tmp_path / "hostile"))
    chosen = Selection(lang=lang, as_of=date(2024, 10, 22))
    found, day = timeline.build(whole, chosen), timeline.situation(whole, chosen)
    html = "".join(
        [
            timeline.to_html(found, lang, chosen.to_query()),
            timeline.table_to_html(found, lang),
            timeline.news_to_html(day, lang, chosen.to_query()),
            timeline.days_to_html(found, lang, chosen.to_query()),
        ]
    )
    assert "&lt;script&gt;" in html
    for text in TEXTS[:3]:
        assert text not in html


def test_the_callers_tables_stay_as_they_are():
    before = WHOLE.statements.copy(), WHOLE.claims.copy()
    timeline.build(WHOLE, Selection(as_of=date(2024, 10, 22)))
    assert before[0].equals(WHOLE.statements) and before[1].equals(WHOLE.claims)
