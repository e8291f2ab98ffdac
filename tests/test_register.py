"""The register: who says what of which claim, found, sorted, paged, and harmless as HTML."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import parse_qs

import builders
import hostile
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import dataset as datasets
from geo import evidence, register, selection, symbols, texts
from geo.dataset import STATUSES, Dataset
from geo.selection import Selection

WHOLE = datasets.load()
ALL = Selection()


def kept(whole: Dataset, chosen: Selection = ALL) -> Dataset:
    return selection.apply(whole, chosen)


def cell(found: register.Matrix, claim: str, source: str) -> register.Cell:
    columns = [column.source for side in found.sides for column in side.columns]
    (row,) = (r for r in found.rows if r.claim == claim)
    return row.cells[columns.index(source)]


def with_statements(tmp_path, *more: dict) -> Dataset:
    """The small dataset with further statements, each like s1 but for what is given."""
    rows = builders.tables()
    first = builders.row(rows, "statements", "s1")
    rows["statements"] += [{**first, "id": f"x{n}", **each} for n, each in enumerate(more)]
    return builders.load(tmp_path, rows)


# The matrix


def test_each_statement_stands_in_its_cell():
    found = register.matrix(WHOLE, kept(WHOLE), "en", silent=True)
    statements = WHOLE.statements
    for row in found.rows:
        columns = [column.source for side in found.sides for column in side.columns]
        for source, each in zip(columns, row.cells, strict=True):
            mine = statements[(statements["claim"] == row.claim) & (statements["source"] == source)]
            assert sorted(e.stance for e in each.entries) == sorted(mine["stance"])
            assert sorted(e.reference for e in each.entries) == sorted(mine["reference"])
    assert found.statements == len(statements)
    spoken = {c.source: c.statements for side in found.sides for c in side.columns}
    assert spoken == statements["source"].value_counts().reindex(spoken, fill_value=0).to_dict()


def test_ten_that_repeat_one_are_told_beside_their_one_origin(tmp_path):
    rows = builders.tables()
    for n in range(9):
        rows["sources"].append({**rows["sources"][1], "id": f"o{n}", "name": f"Outlet {n}"})
        repeat = builders.row(rows, "statements", "s2")
        rows["statements"].append({**repeat, "id": f"x{n}", "source": f"o{n}"})
    whole = builders.load(tmp_path, rows)
    (shipped, *_) = register.matrix(whole, kept(whole), "en").rows
    assert shipped.origins == 1
    assert dict(shipped.counts) == {"asserts": 11, "denies": 1}
    assert cell(register.matrix(whole, kept(whole), "en"), "shipped", "nis").cited == 10


def test_a_repeated_statement_differs_from_an_own_one():
    found = register.matrix(WHOLE, kept(WHOLE), "en")
    (own,) = cell(found, "shipped-1500", "nis").entries
    (repeated,) = cell(found, "shipped-1500", "kbs").entries
    assert (own.repeats, repeated.repeats) == ("", "National Intelligence Service (NIS)")
    html = register.matrix_to_html(found, "en", {})
    assert '<td class="asserts repeated"' in html and '<td class="asserts edge"' in html
    assert "after National Intelligence Service (NIS)" in html
    # Who says nothing of a claim may still be where others have it from.
    silent = cell(found, "convoy", "nis")
    assert (silent.entries, silent.cited) == ((), 2)


def test_the_statement_that_stands_comes_first_and_the_others_are_told():
    found = cell(register.matrix(WHOLE, kept(WHOLE), "en"), "planned-12000", "nk-un")
    assert [e.stance for e in found.entries] == ["denies", "declines"]
    html = register.matrix_to_html(register.matrix(WHOLE, kept(WHOLE), "en"), "en", {})
    assert "also: declines, about 22 Oct 2024" in html


def test_a_retraction_shows_and_what_it_took_back_is_history(tmp_path):
    whole = with_statements(tmp_path, {"stance": "retracts", "date": "2024-10-25"})
    found = register.matrix(whole, kept(whole), "en")
    now, before = cell(found, "shipped", "nis").entries
    assert (now.stance, now.taken_back) == ("retracts", False)
    assert (before.stance, before.taken_back) == ("asserts", True)
    (shipped, *_) = found.rows
    assert shipped.origins == 0  # KBS stands by it, on a word that was taken back
    assert dict(shipped.counts) == {"asserts": 1, "denies": 1}
    html = register.matrix_to_html(found, "en", {})
    assert "took back" in html and "taken back: asserts, 18 Oct 2024" in html


def test_its_own_word_goes_before_a_later_repetition(tmp_path):
    whole = with_statements(tmp_path, {"origin": "kbs", "date": "2024-10-26"})
    first, second = cell(register.matrix(whole, kept(whole), "en"), "shipped", "nis").entries
    assert (first.repeats, second.repeats) == ("", "KBS")


def test_sides_follow_state_and_kind():
    found = register.sides(WHOLE, "en")
    assert found["nis"] == found["kr-presidency"] == "South Korea"
    assert found["kremlin"] == found["putin"] == "Russia"
    assert found["kbs"] == found["article"] == "Press"
    assert register.sides(WHOLE, "fr")["nk-un"] == "Corée du Nord"
    grouped = list(found.values())
    starts = [side for n, side in enumerate(grouped) if n == 0 or grouped[n - 1] != side]
    assert len(starts) == len(set(starts))  # each side in one piece
    stateless = builders.changed(WHOLE, "sources", "nis", country="")
    assert register.sides(stateless, "en")["nis"] == "Officials, no country"
    unknown = builders.changed(WHOLE, "sources", "nis", country="QX")
    assert register.sides(unknown, "en")["nis"] == "QX"


def test_silent_sources_are_shown_on_demand():
    few = kept(WHOLE, Selection(source=("kremlin",)))

    def shown(silent: bool) -> list[str]:
        found = register.matrix(WHOLE, few, "en", silent=silent)
        return [column.source for side in found.sides for column in side.columns]

    assert shown(False) == ["kremlin"]
    assert sorted(shown(True)) == sorted(WHOLE.sources.index)


def test_orders_of_the_matrix():
    def rows(order: str) -> list[register.Row]:
        found = register.matrix(WHOLE, kept(WHOLE), "en", order=order)
        assert sorted(r.claim for r in found.rows) == sorted(WHOLE.claims.index)
        return list(found.rows)

    assert [r.claim for r in rows("dataset")] == list(WHOLE.claims.index)
    status = [r.status for r in rows("status")]
    assert status[0] == "contested" and len(set(status)) == 1 + sum(
        a != b for a, b in pairwise(status)
    )
    assert [r.confidence for r in rows("confidence")][:2] == ["High", "High"]
    origins = [r.origins for r in rows("origins")]
    assert origins == sorted(origins, reverse=True) and origins[0] == 3
    last = WHOLE.statements.groupby("claim")["date"].max()
    days = [last[r.claim] for r in rows("date")]
    assert days == sorted(days, reverse=True)
    with pytest.raises(ValueError, match="weight"):
        rows("weight")


@given(builders.selections(WHOLE), st.booleans())
@settings(max_examples=20)
def test_the_matrix_holds_every_claim_that_is_kept(chosen, silent):
    left = kept(WHOLE, chosen)
    found = register.matrix(WHOLE, left, chosen.lang, silent=silent)
    assert [r.claim for r in found.rows] == list(left.claims.index)
    counted = evidence.independent_origins(left.statements)
    for row in found.rows:
        assert row.origins == counted.get(row.claim, 0)
        assert row.status == left.claims.loc[row.claim, "status"]
    assert sum(len(c.entries) for r in found.rows for c in r.cells) == len(left.statements)


# The table


@given(builders.selections(WHOLE))
@settings(max_examples=20)
def test_the_table_has_a_line_for_every_statement(chosen):
    left = kept(WHOLE, chosen)
    found = register.table(WHOLE, left, chosen.lang)
    assert [line.statement for line in found.lines] == list(left.statements.index)
    assert found.total == len(left.statements)


def test_a_line_tells_all_of_a_statement():
    lines = {line.statement: line for line in register.table(WHOLE, kept(WHOLE), "en").lines}
    kbs, kremlin = lines["shipped-kbs"], lines["flag-kremlin"]
    assert (kbs.grade, kbs.repeats, kbs.place, kbs.when) == (
        "B2", "National Intelligence Service (NIS)", "", "18 Oct 2024",
    )  # fmt: skip
    assert kbs.grade_help == "B2: usually reliable; probably true"
    assert (kremlin.scope, kremlin.place, kremlin.when) == (
        "implied",
        "Moscow",
        "about 22 Oct 2024",
    )
    assert (kremlin.status, kremlin.confidence, kremlin.reference) == (
        "contested", "Low", "article ¶ 15",
    )  # fmt: skip
    html = register.table_to_html(register.table(WHOLE, kept(WHOLE), "en"), "en", {})
    assert "none given" in html  # the place of what KBS said


def test_a_statement_without_any_place_is_there_and_marked(tmp_path):
    rows = builders.tables()
    rows["features"] = [f for f in rows["features"] if f["claim"] == "shipped"]
    whole = builders.load(tmp_path, rows)
    found = register.table(whole, kept(whole), "en")
    located = {line.statement: (line.located, line.place) for line in found.lines}
    assert located["s3"] == (True, "Town") and located["s4"] == (False, "")
    assert register.table_to_html(found, "en", {}).count("the claim has no place either") == 2


@pytest.mark.parametrize("name", register.COLUMNS)
def test_a_column_sorts_both_ways_and_keeps_every_line(name):
    up = [line.statement for line in register.table(WHOLE, kept(WHOLE), "en", order=name).lines]
    down = [
        line.statement for line in register.table(WHOLE, kept(WHOLE), "en", order=f"-{name}").lines
    ]
    assert sorted(up) == sorted(down) == sorted(WHOLE.statements.index)
    assert up != down
    with pytest.raises(ValueError, match="weight"):
        register.table(WHOLE, kept(WHOLE), "en", order="weight")


def test_days_and_grades_sort_as_such_with_what_cannot_be_judged_last():
    def lines(order: str) -> tuple[register.Line, ...]:
        return register.table(WHOLE, kept(WHOLE), "fr", order=order).lines

    days = WHOLE.statements["date"]
    newest = [days[line.statement] for line in lines("-date")]
    assert newest == sorted(newest, reverse=True)
    for order, best in (("grade", "B1"), ("-grade", "D4")):
        grades = [line.grade for line in lines(order)]
        judged = [g for g in grades if not set("F6") & set(g)]
        assert grades[: len(judged)] == judged and judged[0] == best
    but_one = days.where(days.index != "shipped-nis")
    undated = replace(WHOLE, statements=WHOLE.statements.assign(date=but_one))
    for order in ("date", "-date"):
        found = register.table(undated, kept(undated), "en", order=order).lines
        assert found[-1].statement == "shipped-nis"


# Searching


@pytest.mark.parametrize(
    ("query", "lang", "statements"),
    [
        ("SERGEEVKA geoconfirmed", "en", ["sergeevka-geoconfirmed"]),
        ("188550", "en", ["shipped-kbs", "convoy-kbs", "dispersal-kbs"]),
        ("THEY  reflect ", "en", ["shipped-putin", "dispersal-putin", "training-putin"]),
        ("coree du nord zanzibar", "fr", []),
        ("  ", "fr", list(WHOLE.statements.index)),
    ],
)
def test_every_word_must_be_found(query, lang, statements):
    assert list(register.matching(WHOLE, kept(WHOLE), query, lang).index) == statements


@pytest.mark.parametrize(
    ("wanted", "text"),
    [
        ("coree", "Corée"), ("ÉTAT", "état"), ("l'onu", "L’ONU"), ("noeud", "nœud"),
        ("1 500", "1\u202f500"), ("strasse", "Straße"), ("e\u0301", "é"),
    ],
)  # fmt: skip
def test_search_minds_neither_accents_nor_case(wanted, text):
    assert register.plain(wanted) in register.plain(text)


def test_search_looks_through_claim_source_text_reference_and_place():
    whole = builders.small()
    for table, key, column in (
        ("claims", "far", "title"), ("sources", "kbs", "name"), ("statements", "s5", "quote"),
        ("statements", "s5", "rationale"), ("statements", "s5", "speaker"),
        ("statements", "s5", "reference"),
    ):  # fmt: skip
        changed = builders.changed(whole, table, key, **{column: "Zürich"})
        assert "s5" in register.matching(changed, kept(changed), "zurich", "en").index
    placed = builders.changed(whole, "places", "town", name="Zürich")
    assert list(register.matching(placed, kept(placed), "zurich", "en").index) == ["s3"]


def test_what_is_searched_for_narrows_the_matrix_to_claims():
    found = register.matrix(WHOLE, kept(WHOLE), "en", query="GeoConfirmed")
    assert [r.claim for r in found.rows] == ["sergeevka-site"]
    assert cell(found, "sergeevka-site", "nyt").entries  # the claim whole, not only what matched
    nothing = register.matrix(WHOLE, kept(WHOLE), "en", query="no such words anywhere")
    assert (nothing.total, nothing.rows, nothing.sides) == (0, (), ())


# Pages of rows


@given(st.integers(-5, 60), st.integers(1, 9))
def test_pages_follow_each_other_without_gap(start, count):
    left = kept(WHOLE)
    found = register.matrix(WHOLE, left, "en", start=start, count=count)
    assert found.start % count == 0 and found.total == len(left.claims)
    assert [r.claim for r in found.rows] == list(
        left.claims.index[found.start : found.start + count]
    )
    assert 0 < len(found.rows) <= count
    lines = register.table(WHOLE, left, "en", start=start, count=count)
    assert [line.statement for line in lines.lines] == list(
        left.statements.index[lines.start : lines.start + count]
    )


def test_a_thousand_claims_by_sixty_sources(tmp_path):
    rows = builders.tables()
    source, said, claim = rows["sources"][0], rows["statements"][0], rows["claims"][0]
    rows["sources"] += [{**source, "id": f"s{n}", "name": f"Source {n}"} for n in range(57)]
    rows["claims"] += [{**claim, "id": f"c{n}", "title": f"Claim {n}"} for n in range(997)]
    rows["statements"] += [
        {**said, "id": f"t{n}", "claim": f"c{n % 997}", "source": f"s{n * 7 % 57}"}
        for n in range(3000)
    ]
    whole = builders.load(tmp_path, rows)
    found = register.matrix(whole, kept(whole), "en", silent=True, order="origins")
    assert (found.total, len(found.rows)) == (1000, register.MATRIX_ROWS)
    assert sum(len(side.columns) for side in found.sides) == 60
    assert len(register.matrix_to_html(found, "en", {})) < 500_000
    lines = register.table(whole, kept(whole), "en", start=2950)
    assert (lines.start, lines.total) == (2900, 3005)


# HTML


class Parsed(HTMLParser):
    """The elements with their attributes, the words, and whether all of it nests."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]


def htmls(whole: Dataset, lang: str) -> list[str]:
    left = kept(whole)
    matrix = register.matrix(whole, left, lang, silent=True)
    table = register.table(whole, left, lang)
    address = {"source": ["nis"]}
    return [
        register.matrix_to_html(matrix, lang, address, "shipped-1500"),
        register.table_to_html(table, lang, address, "-date", "shipped-1500"),
    ]


@pytest.mark.parametrize("lang", texts.languages())
def test_hostile_texts_are_words_and_nothing_else(tmp_path, lang, monkeypatch):
    poisoned = datasets.load(hostile.poison(tmp_path / "hostile"))
    payload = poisoned.claims["title"].iloc[0]
    monkeypatch.setattr(hostile, "TEXTS", ("harmless",))
    benign = datasets.load(hostile.poison(tmp_path / "benign"))
    for evil, good in zip(htmls(poisoned, lang), htmls(benign, lang), strict=True):
        parsed, plain = Parsed(evil), Parsed(good)
        bare = [(tag, {k: v for k, v in a.items() if k != "title"}) for tag, a in parsed.elements]
        assert bare == [
            (tag, {k: v for k, v in a.items() if k != "title"}) for tag, a in plain.elements
        ]
        assert "".join(parsed.words).count(payload) > 20
        assert "<script>" not in evil and "<img" not in evil


def test_the_matrix_is_a_table_that_can_be_heard():
    (matrix, table) = map(Parsed, htmls(WHOLE, "en"))
    for parsed in (matrix, table):
        (region,) = parsed.all("div")
        assert (region["role"], region["tabindex"]) == ("region", "0") and region["aria-label"]
        assert all(head.get("scope") for head in parsed.all("th"))
        assert len(parsed.all("caption")) == 1
    scopes = [head["scope"] for head in matrix.all("th")]
    assert scopes.count("row") == len(WHOLE.claims) + 1  # the last is the foot
    assert scopes.count("col") == len(WHOLE.sources) + 3
    assert sum(int(h["colspan"]) for h in matrix.all("th") if h["scope"] == "colgroup") == len(
        WHOLE.sources
    )
    # No cell is told by colour alone, or by nothing.
    assert "silent" in matrix.words
    (sorted_head,) = (h for h in table.all("th") if "aria-sort" in h)
    assert sorted_head["aria-sort"] == "descending"


def test_links_keep_the_address_and_change_one_thing():
    matrix, table = map(Parsed, htmls(WHOLE, "en"))
    links = matrix.all("a")
    assert [link["data-claim"] for link in links] == list(WHOLE.claims.index)
    for link in links:
        assert parse_qs(link["href"].removeprefix("?")) == {
            "source": ["nis"],
            "claim": [link["data-claim"]],
        }
    opened = [link["data-claim"] for link in links if "aria-current" in link]
    assert opened == ["shipped-1500"]
    sorts = {a["data-sort"] for a in table.all("a") if "data-sort" in a}
    assert sorts == {*register.COLUMNS, ""} - {"date"}  # from -date back to the first order


def test_signs_and_words_tell_stances_apart():
    key = register.key_to_html("en")
    chips = [w for w in Parsed(key).words if w.strip()]
    assert len(set(chips)) > 8
    signs = {
        evidence.stance_sign(stance, scope, repeats)
        for stance, scope, repeats in (
            ("asserts", "", False), ("asserts", "", True), ("denies", "direct", False),
            ("denies", "implied", False), ("declines", "", False), ("retracts", "", False),
        )
    }  # fmt: skip
    assert len(signs) == 6


# What the page on method leans on


@pytest.mark.parametrize("status", STATUSES)
def test_each_example_leads_to_its_status(status):
    example = register.EXAMPLES[status]
    codes = datasets.statuses(
        np.zeros(len(example), dtype=int),
        np.array([ord(speaker) for speaker, _ in example]),
        np.array([stance for _, stance in example], dtype=object),
        np.arange(len(example)),
        np.zeros(len(example), dtype=int),
        (1, 1),
    )
    assert STATUSES[codes[0, 0]] == status


@pytest.mark.parametrize("key", symbols.table())
def test_every_symbol_is_a_small_picture(key):
    from xml.etree import ElementTree

    picture = ElementTree.fromstring(symbols.svg(key))
    symbol = symbols.table()[key]
    text = symbols.svg(key)
    assert picture.tag.endswith("svg") and len(picture) >= 1
    assert symbol.colour in text and (not symbol.fill or symbol.fill in text)
    assert ("stroke-dasharray" in text) == bool(symbol.dash)


def test_symbols_of_the_legend_look_different():
    shown = [symbols.svg(symbol) for key, symbol, _ in symbols.legend("en")
             if not key.startswith(("theme-transport",))]  # fmt: skip
    assert len(shown) == len(set(shown))


def test_an_as_of_day_takes_later_words_out_of_the_matrix():
    early = kept(WHOLE, Selection(as_of=date(2024, 10, 22)))
    found = cell(register.matrix(WHOLE, early, "en"), "planned-12000", "nk-un")
    assert [e.stance for e in found.entries] == ["declines"]
