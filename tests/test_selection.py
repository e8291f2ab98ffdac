"""The filters: what they keep, what they count, how a link carries them, and their sentence."""

from dataclasses import fields, replace
from datetime import date, timedelta
from urllib.parse import parse_qs

import builders
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geo import dataset as datasets
from geo import selection, texts
from geo.dataset import STATUSES, Dataset
from geo.selection import FACETS, LAYERS, Selection

WHOLE = datasets.load()
FIRST, LAST = WHOLE.days
OFFERED = selection.options(WHOLE)
SELECTIONS = builders.selections(WHOLE)


def plain_apply(whole: Dataset, chosen: Selection) -> dict[str, str]:
    """What the selection keeps, as the design words it: status by claim id."""
    said: dict[str, list] = {}
    for _, row in whole.statements.sort_values("date", kind="stable").iterrows():
        if chosen.as_of and row["date"].date() > chosen.as_of:
            continue
        if chosen.source and not {row["source"], row["origin"]} & set(chosen.source):
            continue
        said.setdefault(row["claim"], []).append((row["source"], row["stance"]))
    kept = {}
    for claim, statements in said.items():
        stands: dict[str, list[str]] = {}
        for source, stance in statements:
            stands[source] = [] if stance == "retracts" else [*stands.get(source, []), stance]
        now = {stance for each in stands.values() for stance in each}
        if "asserts" in now:
            status = "contested" if "denies" in now else "sourced"
        elif any(stance == "asserts" for _, stance in statements):
            status = "withdrawn"
        else:
            status = "denied" if "denies" in now else "declined"
        row = whole.claims.loc[claim]
        if (
            (not chosen.status or status in chosen.status)
            and (not chosen.confidence or row["confidence"] in chosen.confidence)
            and (not chosen.theme or row["theme"] in chosen.theme)
        ):
            kept[claim] = status
    return {claim: kept[claim] for claim in whole.claims.index if claim in kept}


# What it keeps


@given(SELECTIONS)
def test_apply_keeps_what_the_design_says(chosen):
    before = WHOLE.claims.copy(), WHOLE.statements.copy(), WHOLE.features.copy()
    kept = selection.apply(WHOLE, chosen)
    assert kept.claims["status"].to_dict() == plain_apply(WHOLE, chosen)
    assert kept.claims.index.tolist() == list(plain_apply(WHOLE, chosen))
    assert set(kept.statements["claim"]) == set(kept.claims.index)
    assert kept.features["claim"].tolist() == [
        c for c in WHOLE.features["claim"] if c in kept.claims.index
    ]
    if chosen.as_of:
        assert (kept.statements["date"] <= pd.Timestamp(chosen.as_of)).all()
    assert kept.sources is WHOLE.sources and kept.places is WHOLE.places
    for old, now in zip(before, (WHOLE.claims, WHOLE.statements, WHOLE.features), strict=True):
        pd.testing.assert_frame_equal(old, now)


@given(SELECTIONS)
@settings(max_examples=40)
def test_what_was_kept_is_kept_again(chosen):
    once = selection.apply(WHOLE, chosen)
    twice = selection.apply(once, chosen)
    pd.testing.assert_frame_equal(once.claims, twice.claims)
    pd.testing.assert_frame_equal(once.statements, twice.statements)


def test_with_only_the_kremlin_one_sees_what_it_contests_as_denials():
    kept = selection.apply(WHOLE, Selection(source=("kremlin",)))
    assert kept.claims["status"].to_dict() == {
        "flag-tsukuryne": "denied",
        "troops-in-ukraine": "denied",
    }
    assert set(kept.statements["source"]) == {"kremlin"}


def test_a_source_brings_those_who_repeat_it():
    kept = selection.apply(WHOLE, Selection(source=("nis",)))
    assert {"nis", "kbs", "kyiv-post"} <= set(kept.statements["source"])
    assert kept.claims.loc["shipped-1500", "status"] == "sourced"
    alone = selection.apply(WHOLE, Selection(source=("kbs",)))
    assert set(alone.statements["source"]) == {"kbs"}


def test_a_source_that_is_not_there_keeps_nothing():
    assert selection.apply(WHOLE, Selection(source=("nobody",))).claims.empty
    both = selection.apply(WHOLE, Selection(source=("nobody", "kremlin")))
    assert set(both.statements["source"]) == {"kremlin"}


def test_a_day_counts_itself_and_shows_what_was_known_then():
    on = selection.apply(WHOLE, Selection(as_of=date(2024, 10, 18)))
    assert on.claims.loc["shipped-1500", "status"] == "sourced"
    later = selection.apply(WHOLE, Selection(as_of=date(2024, 10, 22)))
    assert later.claims.loc["shipped-1500", "status"] == "contested"
    assert selection.apply(WHOLE, Selection(as_of=FIRST - timedelta(days=1))).claims.empty
    all_of_it = selection.apply(WHOLE, Selection(as_of=LAST))
    pd.testing.assert_frame_equal(all_of_it.claims, selection.apply(WHOLE, Selection()).claims)


def test_a_retraction_counts_from_its_day_on(tmp_path):
    rows = builders.tables()
    template = builders.row(rows, "statements", "s4")
    rows["statements"] += [
        {**template, "id": "back", "stance": "retracts", "date": "2024-10-23"},
        {**template, "id": "again", "stance": "asserts", "date": "2024-10-25"},
    ]
    whole = builders.load(tmp_path, rows)
    found = [
        selection.apply(whole, Selection(as_of=date(2024, 10, day))).claims["status"].get("flag")
        for day in (19, 20, 22, 23, 24, 25)
    ]
    assert found == [None, "sourced", "sourced", "withdrawn", "withdrawn", "sourced"]


def test_layers_view_language_and_open_claim_keep_nothing_back():
    plain = selection.apply(WHOLE, Selection())
    other = selection.apply(WHOLE, Selection(layer=(), lang="fr", view="base", claim="convoy"))
    pd.testing.assert_frame_equal(plain.claims, other.claims)


# What it counts


@given(SELECTIONS)
@settings(max_examples=30)
def test_counts_say_what_each_click_leads_to(chosen):
    counted = selection.counts(WHOLE, chosen)
    assert {key: tuple(each) for key, each in counted.items()} == {
        key: OFFERED[key] for key in FACETS
    }
    for key, each in counted.items():
        for value, count in each.items():
            alone = replace(chosen, **{key: (value,)})
            assert count == len(plain_apply(WHOLE, alone)), (key, value)


def test_options_leave_out_what_no_one_could_choose(tmp_path):
    rows = builders.tables()
    rows["sources"].append({**rows["sources"][0], "id": "silent"})
    rows["sources"].append({**rows["sources"][0], "id": "quoted"})
    builders.row(rows, "statements", "s5")["origin"] = "quoted"
    offered = selection.options(builders.load(tmp_path, rows))
    assert offered["source"] == ("nis", "kbs", "kremlin", "quoted")
    assert offered["theme"] == ("transport", "presence", "front")
    assert offered["status"] == STATUSES and offered["layer"] == LAYERS


# Links


@given(SELECTIONS)
def test_a_link_leads_back_to_the_selection(chosen):
    assert selection.from_query(chosen.to_query(), WHOLE) == (chosen, ())
    assert selection.from_query("?" + chosen.query_string(), WHOLE) == (chosen, ())
    assert selection.from_query(chosen.query_string(), WHOLE) == (chosen, ())


@given(SELECTIONS)
def test_a_link_leaves_out_what_is_at_its_default(chosen):
    query = chosen.to_query()
    for each in fields(Selection):
        assert (each.name in query) == (getattr(chosen, each.name) != each.default)
    assert Selection().query_string() == ""


def test_the_order_in_a_link_does_not_matter():
    first, _ = selection.from_query("?source=kremlin&source=nis&layer=denied&layer=sourced", WHOLE)
    second, _ = selection.from_query("layer=sourced&source=nis&source=kremlin&layer=denied", WHOLE)
    assert first == second == Selection(source=("nis", "kremlin"))
    assert Selection(layer=("denied", "sourced")) == Selection()


def test_both_layers_off_survives_the_link():
    empty = Selection(layer=())
    assert empty.query_string() == "layer="
    assert selection.from_query("?layer=", WHOLE) == (empty, ())


@pytest.mark.parametrize(
    ("query", "chosen", "ignored"),
    [
        ("", Selection(), ()),
        ("?source=nis&source=gru", Selection(source=("nis",)), (("source", "gru"),)),
        ("?source=gru", Selection(), (("source", "gru"),)),
        ("?layer=both", Selection(), (("layer", "both"),)),
        ("?status=NIS&theme=war", Selection(), (("status", "NIS"), ("theme", "war"))),
        ("?as_of=yesterday", Selection(), (("as_of", "yesterday"),)),
        ("?as_of=2024-02-30", Selection(), (("as_of", "2024-02-30"),)),
        ("?as_of=", Selection(), ()),
        ("?lang=xx&view=moon&claim=none", Selection(), None),
        ("?utm_source=mail&q=1", Selection(), ()),
        ("?source=", Selection(), ()),
        ("?as_of=2024-10-01&as_of=2024-10-20", Selection(as_of=date(2024, 10, 20)), ()),
        ("?source=%3Cscript%3E", Selection(), (("source", "<script>"),)),
        ("?%zz&&=&source", Selection(), ()),
    ],
)
def test_what_a_link_cannot_mean_is_ignored_and_told(query, chosen, ignored):
    if ignored is None:
        ignored = (("lang", "xx"), ("view", "moon"), ("claim", "none"))
    assert selection.from_query(query, WHOLE) == (chosen, ignored)
    parsed = parse_qs(query.lstrip("?"), keep_blank_values=True)
    assert selection.from_query(parsed, WHOLE) == (chosen, ignored)


def test_a_key_without_values_is_as_good_as_absent():
    keys = ("source", "layer", "as_of", "lang", "view", "claim")
    assert selection.from_query({key: [] for key in keys}, WHOLE) == (Selection(), ())
    assert selection.from_query({"source": "nis"}, WHOLE)[0] == Selection(source=("nis",))


@given(
    st.dictionaries(
        st.sampled_from([f.name for f in fields(Selection)]) | st.text(max_size=4),
        st.lists(st.text(max_size=6), max_size=3),
        max_size=6,
    )
)
def test_no_query_raises_and_none_gets_through_unknown(query):
    chosen, ignored = selection.from_query(query, WHOLE)
    for key in (*FACETS, "layer"):
        assert set(getattr(chosen, key)) <= set(OFFERED[key])
    assert all(value in query[key] for key, value in ignored)
    selection.apply(WHOLE, chosen)


# The sentence


def test_sentence_without_filters():
    total = len(WHOLE.claims)
    assert selection.sentence(WHOLE, Selection()) == (
        f"All sources, up to the last day; all {total} claims are shown."
    )


def test_sentence_with_filters():
    chosen = Selection(
        source=("nis",),
        confidence=("high", "moderate"),
        as_of=date(2024, 10, 22),
        layer=("denied",),
    )
    hidden = len(WHOLE.claims) - len(plain_apply(WHOLE, chosen))
    assert hidden > 0
    assert selection.sentence(WHOLE, chosen) == (
        "Only what National Intelligence Service (NIS) said, confidence high or moderate, "
        "only denials drawn, of 0 claims, as of 22 Oct 2024; "
        f"{hidden} of {len(WHOLE.claims)} claims hidden."
    )


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (("sourced",), "denials not drawn"),
        (("denied",), "only denials drawn, of 6 claims"),
        ((), "both layers off, nothing drawn"),
        (("denied", "sourced"), None),
    ],
)
def test_sentence_tells_of_the_layers(layer, words):
    assert selection.phrases(WHOLE, Selection(layer=layer)).get("layer") == words


@given(SELECTIONS)
@settings(max_examples=40)
def test_sentence_counts_what_is_hidden(chosen):
    chosen = replace(chosen, lang="en")
    said = selection.sentence(WHOLE, chosen)
    total, shown = len(WHOLE.claims), len(plain_apply(WHOLE, chosen))
    end = (
        f"all {total} claims are shown."
        if shown == total
        else (f"{total - shown} of {total} claims hidden.")
    )
    assert said.endswith(f"; {end}") and said[0].isupper()
    # The open claim and the view are no filters.
    default = replace(Selection(), view=chosen.view, claim=chosen.claim)
    assert said.startswith("All sources") == (chosen == default)


@pytest.mark.skipif("fr" not in texts.languages(), reason="no French catalogue in this checkout")
def test_sentence_in_french():
    chosen = Selection(source=("nis",), as_of=date(2024, 10, 22), lang="fr")
    said = selection.sentence(WHOLE, chosen)
    assert "Service national de renseignement (NIS)" in said
    assert "22 oct. 2024" in said
    english = selection.sentence(WHOLE, replace(chosen, lang="en"))
    assert not set(said.split("; ")) & set(english.split("; "))


# A way out of an empty result


def test_loosened_offers_what_brings_most_first():
    chosen = Selection(source=("kremlin",), theme=("plan",), confidence=("high",))
    assert selection.apply(WHOLE, chosen).claims.empty
    offered = selection.loosened(WHOLE, chosen)
    assert offered == sorted(offered, key=lambda each: -each[1])
    for key, brings in offered:
        assert brings == len(plain_apply(WHOLE, replace(chosen, **{key: ()}))) > 0
    left_out = {"source", "theme", "confidence"} - {key for key, _ in offered}
    assert all(not plain_apply(WHOLE, replace(chosen, **{key: ()})) for key in left_out)


def test_loosened_knows_the_day_and_offers_nothing_without_filters():
    assert selection.loosened(WHOLE, Selection()) == []
    early = Selection(as_of=FIRST - timedelta(days=1))
    assert selection.loosened(WHOLE, early) == [("as_of", len(WHOLE.claims))]
