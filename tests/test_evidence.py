"""The evidence for a claim: counted by origin, graded in words, and harmless as HTML."""

import re
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser

import builders
import hostile
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from geo import checks, evidence, selection, texts
from geo import dataset as datasets
from geo.dataset import Dataset
from geo.selection import Selection

WHOLE = datasets.load()
ALL = Selection()


def of(whole: Dataset, claim: str, chosen: Selection = ALL) -> evidence.Evidence:
    return evidence.gather(whole, selection.apply(whole, chosen), claim, chosen)


# Origins


def test_ten_that_repeat_one_origin_are_one(tmp_path):
    rows = builders.tables()
    rows["statements"] += [
        {**builders.row(rows, "statements", "s2"), "id": f"x{i}"} for i in range(10)
    ]
    found = of(builders.load(tmp_path, rows), "shipped")
    assert (found.origins, found.assertions) == (1, 12)


def test_origins_of_the_built_in_claims():
    counted = evidence.independent_origins(WHOLE.statements)
    assert counted["shipped-1500"] == 1  # the NIS, and two outlets that carry it
    assert counted["flag-tsukuryne"] == 1  # the photo, and the article that passes it on
    assert counted["sergeevka-site"] == 3
    assert "troops-in-ukraine" not in counted  # nobody here asserts it
    found = of(WHOLE, "troops-in-ukraine")
    assert (found.origins, found.assertions) == (0, 0)
    assert "none; nobody here asserts it" in evidence.to_html(found, "en")


STATEMENT = st.tuples(
    st.sampled_from(["c", "d"]),
    st.sampled_from(["a", "b", "e"]),
    st.sampled_from(["", "a", "b", "e", "f"]),
    st.sampled_from(["asserts", "asserts", "denies", "declines", "retracts"]),
    st.sampled_from(["2024-10-01", "2024-10-02", None]),
)


def ledger(rows: list[tuple]) -> pd.DataFrame:
    columns = ["claim", "source", "origin", "stance", "date"]
    frame = pd.DataFrame(rows, columns=columns, dtype=object)
    return frame.assign(date=pd.to_datetime(frame["date"]))


def told_by(*pairs: tuple[str, str]) -> int:
    """How many origins the assertions (source, origin) of one claim have."""
    rows = [("c", source, origin, "asserts", "2024-10-01") for source, origin in pairs]
    return evidence.independent_origins(ledger(rows))["c"]


@pytest.mark.parametrize(
    ("pairs", "origins"),
    [
        ([("a", "b"), ("b", "e"), ("e", "")], 1),  # a chain
        ([("a", "b"), ("b", "e")], 1),  # whose end says nothing itself
        ([("a", "b"), ("b", "")], 1),
        ([("a", "b"), ("b", ""), ("b", "e")], 2),  # one that also knows for itself
        ([("a", "b"), ("b", "e"), ("b", "f")], 2),  # one that repeats two
        ([("a", "b"), ("b", "a")], 1),  # a ring
        ([("a", "b"), ("b", "a"), ("a", "")], 1),  # a ring with one who knows
        ([("a", "b"), ("b", "a"), ("b", "e")], 1),  # a ring that leans on another
        ([("a", "b"), ("b", "a"), ("e", "")], 2),
        ([("a", "a"), ("b", "a")], 1),  # itself given as its origin
    ],
)
def test_chains_of_repetition_lead_to_their_origin(pairs, origins):
    assert told_by(*pairs) == origins
    assert told_by(*pairs[::-1]) == origins


def test_what_was_taken_back_is_no_origin():
    said = ("c", "a", "", "asserts", "2024-10-01")
    retracted = ("c", "a", "", "retracts", "2024-10-02")
    repeated = ("c", "b", "a", "asserts", "2024-10-01")
    again = ("c", "a", "", "asserts", "2024-10-03")
    assert "c" not in evidence.independent_origins(ledger([said, retracted]))
    # What others still repeat has lost its origin, until that one says it again.
    assert evidence.independent_origins(ledger([said, retracted, repeated]))["c"] == 0
    assert evidence.independent_origins(ledger([said, retracted, repeated, again]))["c"] == 1
    # One who now only repeats no longer counts for itself.
    repeats = ("c", "a", "b", "asserts", "2024-10-03")
    assert evidence.independent_origins(ledger([said, retracted, repeats]))["c"] == 1
    # One who stops repeating takes nothing from the one who knew.
    stopped = ("c", "b", "", "retracts", "2024-10-02")
    assert evidence.independent_origins(ledger([said, repeated, stopped]))["c"] == 1


def counted_slowly(rows: list[tuple]) -> dict[str, int]:
    """The same count from the definition: what cannot be traced any further is an origin."""
    frame = ledger(rows)
    stands = datasets.standing_in(frame)
    found: dict[str, int] = {}
    for claim in {r[0] for r in rows}:
        mine = [
            (source, origin or source, bool(stand))
            for (of, source, origin, stance, _), stand in zip(rows, stands, strict=True)
            if of == claim and stance == "asserts"
        ]
        standing = {source for source, _, stand in mine if stand}
        if not standing:
            continue
        lost = {source for source, _, _ in mine} - standing
        mine = [m for m in mine if m[2] or m[0] in lost]
        knows = {source for source, origin, _ in mine if source == origin}
        after = {
            each: {o for s, o, _ in mine if s == each and o != s}
            for each in {s for s, _, _ in mine}
        }
        ends: set[frozenset[str]] = set()
        for start in standing:
            seen, edge = {start}, {start}
            if start in knows:
                ends.add(frozenset({start}))
            while edge:
                edge = {
                    o for e in edge if e == start or e not in knows for o in after.get(e, ())
                } - seen
                seen |= edge
            known = {e for e in seen if e in knows or e not in after}
            ends |= {frozenset({e}) for e in known}
            if not known:  # nothing but rings: those from which all that follows comes back
                ways = {e: closure(e, after) for e in seen}
                ends |= {ways[e] for e in seen if all(e in ways[o] for o in ways[e])}
        found[claim] = sum(1 for end in ends if not (len(end) == 1 and end <= lost))
    return found


def closure(start: str, after: dict[str, set[str]]) -> frozenset[str]:
    seen, edge = {start}, {start}
    while edge:
        edge = {o for e in edge for o in after.get(e, ())} - seen
        seen |= edge
    return frozenset(seen)


@given(st.lists(STATEMENT, max_size=9))
@settings(max_examples=200)
@example(
    [  # one of a ring took back what the other still repeats
        ("c", "a", "e", "asserts", "2024-10-01"),
        ("c", "b", "", "asserts", "2024-10-01"),
        ("c", "a", "", "retracts", "2024-10-01"),
        ("c", "e", "a", "asserts", "2024-10-01"),
    ]
)
def test_origins_are_counted_once_each(rows):
    statements = ledger(rows)
    before = statements.copy()
    counted = evidence.independent_origins(statements).to_dict()
    assert counted.keys() == counted_slowly(rows).keys()
    for claim, count in counted_slowly(rows).items():
        assert counted[claim] == count
    pd.testing.assert_frame_equal(statements, before)


def test_the_panel_counts_what_stands(tmp_path):
    rows = builders.tables()
    took_back = {**builders.row(rows, "statements", "s2"), "id": "s9", "stance": "retracts"}
    rows["statements"].append({**took_back, "date": "2024-10-25", "origin": ""})
    found = of(builders.load(tmp_path, rows), "shipped")
    assert (found.origins, found.assertions) == (1, 1)


# What is gathered


def test_evidence_of_a_contested_claim():
    found = of(builders.small(), "shipped")
    assert (found.title, found.status_code, found.status) == ("Shipped", "contested", "Contested")
    assert found.when == "8 Oct 2024 – 13 Oct 2024"
    assert found.as_of == ""
    assert [s.stance_code for s in found.said] == ["asserts", "asserts", "denies"]
    nis, kbs, kremlin = found.said
    assert (nis.who, nis.kind, nis.when) == ("NIS", "intelligence service", "18 Oct 2024")
    assert nis.grade == "B2: usually reliable; probably true"
    assert kbs.grade == "F2: reliability cannot be judged; probably true"
    assert (nis.repeats, kbs.repeats) == ("", "NIS")
    assert (nis.scope, kremlin.scope) == ("", "only by implication")
    assert kremlin.place == "Town"
    (route,) = found.located
    assert (route.what, route.quantity) == ("East coast to Port", "1,500 soldiers")
    assert [name for name, _ in route.places] == ["East coast", "Port"]
    assert "within 20 km; approximate; read off a map" in route.places[0][1]
    assert {f.kind for f in found.findings} == {"transit"} and found.statements_hidden == 0


def test_evidence_in_french_falls_back_to_english_texts():
    found = of(builders.small(), "shipped", Selection(lang="fr"))
    assert found.title == "Acheminés"
    assert [s.who for s in found.said] == ["SNR", "KBS", "Kremlin"]


def test_what_the_filters_hide_is_counted():
    whole = builders.small()
    assert of(whole, "shipped", Selection(source=("kremlin",))).statements_hidden == 2
    found = of(whole, "shipped", Selection(as_of=date(2024, 10, 18)))
    assert (found.statements_hidden, found.as_of) == (2, "18 Oct 2024")
    html = evidence.to_html(found, "en")
    assert "2 more statements about this claim are hidden" in html
    assert "as of 18 Oct 2024" in html
    one = evidence.to_html(of(whole, "shipped", Selection(as_of=date(2024, 10, 19))), "en")
    assert "1 more statement about this claim is hidden" in one
    assert "hidden by the filters" not in evidence.to_html(of(whole, "shipped"), "en")


def test_findings_are_those_of_the_claim_alone():
    found = of(WHOLE, "tsukuryne-distance")
    assert [(f.kind, f.verdict) for f in found.findings] == [
        ("distance", checks.INCONSISTENT),
        ("direction", checks.CONSISTENT),
    ]
    html = evidence.to_html(found, "en")
    assert html.count('<p class="finding ') == 2
    assert '<p class="finding inconsistent">' in html
    assert of(WHOLE, "pokrovsk-hub").findings == ()
    assert {f.claim for f in of(WHOLE, "shipped-1500").findings} == {"shipped-1500"}


def test_a_claim_without_a_place_says_so(tmp_path):
    rows = builders.tables()
    rows["features"] = [f for f in rows["features"] if f["claim"] != "flag"]
    html = evidence.to_html(of(builders.load(tmp_path, rows), "flag"), "en")
    assert "This claim names no place." in html


@pytest.mark.parametrize(
    ("start", "end", "precision", "said"),
    [
        ("", "", "day", ""),
        ("2024-10-08", "", "day", "8 Oct 2024"),
        ("", "2024-10-08", "week", "week of 8 Oct 2024"),
        ("2024-10-08", "2024-10-08", "day", "8 Oct 2024"),
        ("2024-10-08", "2024-11-01", "month", "October 2024 – November 2024"),
    ],
)
def test_when_it_is_said_to_have_happened(start, end, precision, said):
    whole = builders.changed(
        builders.small(),
        "claims",
        "shipped",
        event_start=pd.to_datetime(start or None),
        event_end=pd.to_datetime(end or None),
        date_precision=precision,
    )
    assert of(whole, "shipped").when == said


# HTML

CLASSES = re.compile(r"[a-z]+( [a-z]+)*")


class Structure(HTMLParser):
    """The elements of a text with their attributes in order; fails where they do not nest."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, *attrs))
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def handle_comment(self, data):
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory) -> Dataset:
    return datasets.load(hostile.poison(tmp_path_factory.mktemp("hostile") / "p"))


@pytest.fixture(scope="module")
def benign(tmp_path_factory) -> Dataset:
    """As the poisoned one, cell for cell, but with a word that does nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hostile, "TEXTS", ("harmless",))
        return datasets.load(hostile.poison(tmp_path_factory.mktemp("benign") / "p"))


@pytest.mark.parametrize("lang", texts.languages())
def test_no_element_and_no_attribute_comes_from_the_data(poisoned, benign, lang):
    chosen = Selection(lang=lang)
    payload = poisoned.claims["title"].iloc[0]
    assert "<script>" in payload and "</article>" in payload
    ids = set(WHOLE.statements.index)
    for claim in WHOLE.claims.index:
        parsed = Structure(evidence.to_html(of(poisoned, claim, chosen), lang))
        plain = Structure(evidence.to_html(of(benign, claim, chosen), lang))
        assert parsed.elements == plain.elements
        assert {tag for tag, *_ in parsed.elements} <= {
            *("article", "h3", "h4", "p", "span", "strong", "dl", "dt", "dd", "div", "br", "q"),
        }
        for _, *attributes in parsed.elements:
            assert all(
                CLASSES.fullmatch(v) if n == "class" else (n, v in ids) == ("data-statement", True)
                for n, v in attributes
            )
        # The words are shown, whole and as they are.
        assert "".join(parsed.words).count(payload) >= 5


def test_every_text_column_reaches_the_panel_escaped(tmp_path):
    """Column by column, so that none can hide behind another."""
    evil = "<img src=x onerror=alert(1)> {{7*7}} ${1} \"' </article>"
    shown = {
        "sources": ["name"],
        "places": ["name", "reference", "note"],
        "claims": ["title", "summary", "confidence_rationale"],
        "statements": ["rationale", "speaker", "reference", "quote"],
        "features": ["unit", "note"],
    }
    for table, names in shown.items():
        for name in names:
            for text in (evil, "&lt;b&gt;"):
                whole = builders.small()
                frame = getattr(whole, table).assign(**{name: text})
                changed = replace(whole, **{table: frame})
                parsed = Structure(evidence.to_html(of(changed, "shipped"), "en"))
                assert any(text in words for words in parsed.words), (table, name)
                assert not {"img", "b"} & {tag for tag, *_ in parsed.elements}


# The table


@given(builders.selections(WHOLE))
@settings(max_examples=25)
def test_the_table_has_a_row_for_each_claim_that_is_kept(chosen):
    kept = selection.apply(WHOLE, chosen)
    rows = evidence.table(WHOLE, kept, chosen.lang)
    assert rows.index.tolist() == kept.claims.index.tolist()
    assert list(rows.columns) == [
        *("status", "claim", "confidence", "asserts", "denies", "when"),
        *("where", "said_at", "measured", "theme", "origins"),
    ]
    counted = evidence.independent_origins(kept.statements)
    words = texts.terms(chosen.lang)["status"]
    for claim, row in rows.iterrows():
        assert row["origins"] == counted.get(claim, 0)
        assert row["status"] == words[kept.claims.loc[claim, "status"]]
        stances = kept.statements.loc[kept.statements["claim"] == claim, "stance"]
        assert (row["asserts"] != "") == (stances == "asserts").any()
        assert (row["denies"] != "") == (stances == "denies").any()


def test_the_table_tells_who_where_and_what_was_measured():
    whole = builders.small()
    rows = evidence.table(whole, selection.apply(whole, ALL), "en")
    shipped = rows.loc["shipped"]
    assert (shipped["asserts"], shipped["denies"]) == ("NIS, KBS", "Kremlin")
    assert shipped["said_at"] == "Town" and shipped["origins"] == 1
    assert "East coast (within 20 km) to Port (within 1.0 km)" in shipped["where"]
    assert "1,500 soldiers" in shipped["where"]
    assert "does not fit" in rows.loc["far", "measured"] and rows.loc["flag", "measured"] == ""
    assert rows.loc["flag", "when"] == ""


def test_the_table_of_nothing_is_empty():
    none = selection.apply(WHOLE, Selection(theme=("no such",)))
    rows = evidence.table(WHOLE, none, "en")
    assert rows.empty and "measured" in rows


@pytest.mark.parametrize("lang", texts.languages())
def test_the_table_is_plain_text(poisoned, lang):
    rows = evidence.table(poisoned, selection.apply(poisoned, ALL), lang)
    payload = poisoned.claims["title"].iloc[0]
    assert (rows["claim"] == payload).all()  # as it is: whoever shows it must escape it
    for name in rows.columns.drop("origins"):
        assert all(isinstance(t, str) and not isinstance(t, Markup) for t in rows[name]), name


@given(st.data())
@settings(max_examples=25)
def test_some_rows_of_the_table_are_those_of_the_whole_table(data):
    chosen = data.draw(builders.selections(WHOLE))
    kept = selection.apply(WHOLE, chosen)
    some = data.draw(st.lists(st.sampled_from([*kept.claims.index, ""]), unique=True))
    some = [claim for claim in some if claim]
    every = evidence.table(WHOLE, kept, chosen.lang)
    found = evidence.table(WHOLE, kept, chosen.lang, some)
    pd.testing.assert_frame_equal(found, every.loc[some], check_dtype=False)
    for claim in some:
        words = every.loc[claim, "claim"].upper()
        assert claim in evidence.titled(kept, words, chosen.lang)
