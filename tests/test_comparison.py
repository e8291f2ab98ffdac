"""What differs between two tellings, and what a dataset suggests to compare."""

from __future__ import annotations

from datetime import date
from functools import cache

import builders
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geo import comparison, dataset, marks, selection, texts
from geo.comparison import Difference, Item, Side
from geo.selection import Selection

SEOUL = ("nis", "kr-government", "kr-presidency")
PYONGYANG = ("north-korea", "nk-un")
MOSCOW = ("kremlin", "putin", "ru-mod")


@cache
def built_in() -> dataset.Dataset:
    """The dataset that comes with the project, read once."""
    return dataset.load()


def kept(side: Side, whole: dataset.Dataset | None = None) -> dataset.Dataset:
    whole = built_in() if whole is None else whole
    return selection.apply(whole, comparison.chosen(side, Selection()))


def mirrored(items: tuple[Item, ...]) -> tuple[Item, ...]:
    return tuple(Item(item.claim, item.right, item.left, item.implied) for item in items)


def claims(items: tuple[Item, ...]) -> list[str]:
    return [item.claim for item in items]


def sides(whole: dataset.Dataset) -> st.SearchStrategy[Side]:
    chosen = builders.selections(whole)
    return chosen.map(lambda each: Side(each.source, each.as_of))


# What differs


@given(st.data())
def test_a_selection_does_not_differ_from_itself(data):
    whole = data.draw(st.sampled_from([builders.small(), built_in()]))
    mine = selection.apply(whole, data.draw(builders.selections(whole)))
    found = comparison.compare(mine, mine)
    assert found == Difference((), (), (), (), (), alike=len(mine.claims))
    for lang in texts.languages():
        assert comparison.sentence(found, lang).startswith(("Nothing differs", "Rien ne diffère"))


@given(st.data())
def test_the_other_way_round_it_is_the_mirror_image(data):
    whole = data.draw(st.sampled_from([builders.small(), built_in()]))
    one, other = (selection.apply(whole, data.draw(builders.selections(whole))) for _ in range(2))
    there, back = comparison.compare(one, other), comparison.compare(other, one)
    for key in ("opposed", "changed", "resting"):
        assert mirrored(getattr(there, key)) == getattr(back, key)
    assert mirrored(there.only_left) == back.only_right
    assert mirrored(there.only_right) == back.only_left
    assert there.alike == back.alike


@given(st.data())
def test_every_claim_of_either_side_is_counted_once(data):
    whole = built_in()
    one, other = (selection.apply(whole, data.draw(builders.selections(whole))) for _ in range(2))
    found = comparison.compare(one, other)
    groups = (found.opposed, found.changed, found.only_left, found.only_right, found.resting)
    listed = [claim for items in groups for claim in claims(items)]
    assert len(listed) == len(set(listed))
    assert len(listed) + found.alike == len({*one.claims.index, *other.claims.index})
    assert set(claims(found.only_left)) == {*one.claims.index} - {*other.claims.index}
    for item in (item for items in groups for item in items):
        assert item.left == one.claims["status"].get(item.claim, "")
        assert item.right == other.claims["status"].get(item.claim, "")


def test_what_seoul_asserts_pyongyang_denies_by_implication():
    found = comparison.compare(kept(Side(SEOUL)), kept(Side(PYONGYANG + MOSCOW)))
    assert claims(found.opposed) == ["planned-12000", "shipped-1500", "convoy", "dispersal"]
    assert all(item.implied for item in found.opposed)
    assert claims(found.only_left) == ["seoul-countermeasures", "arms-review"]
    by_name = {item.claim: item.implied for item in found.only_right}
    assert by_name["troops-in-ukraine"] is False
    assert by_name["flag-tsukuryne"] is True
    assert comparison.sentence(found, "en") == (
        "What differs: 4 claims asserted on one side, denied by implication on the other; "
        "2 claims only in A; 5 claims only in B."
    )


def test_another_status_and_other_statements_are_told_apart():
    whole = builders.small()
    all_of_it, without_kremlin = kept(Side(), whole), kept(Side(("nis", "kbs")), whole)
    found = comparison.compare(all_of_it, without_kremlin)
    assert found.changed == (Item("shipped", "contested", "sourced", implied=True),)
    early = kept(Side(("nis", "kbs"), date(2024, 10, 18)), whole)
    late = kept(Side(("nis", "kbs"), date(2024, 10, 19)), whole)
    found = comparison.compare(early, late)
    assert found.resting == (Item("shipped", "sourced", "sourced", implied=False),)
    assert "1 claim with the same status by other statements." in comparison.sentence(found, "en")


def test_a_denial_by_name_is_not_called_implied():
    whole = builders.changed(builders.small(), "statements", "s3", scope="direct")
    found = comparison.compare(kept(Side(("nis",)), whole), kept(Side(("kremlin",)), whole))
    assert found.opposed == (Item("shipped", "sourced", "denied", implied=False),)
    assert "denied by name on the other" in comparison.sentence(found, "en")


def test_two_empty_sides_are_said_to_be_empty():
    nothing = kept(Side(as_of=date(2020, 1, 1)))
    told = comparison.sentence(comparison.compare(nothing, nothing), "en")
    assert told == "Nothing differs: neither side shows a claim."


def test_the_maps_open_on_the_places_that_are_disputed():
    whole = built_in()
    drawn = marks.planned(whole, "en")
    everything = np.ones(len(drawn), dtype=bool)
    found = comparison.compare(kept(Side(SEOUL)), kept(Side(PYONGYANG)))
    west, south, east, north = comparison.bounds(found, drawn, everything)
    # From Pyongyang to Blagoveshchensk, and not to New York, where it was denied.
    assert 120 < west < 126 < 135 < east < 140
    assert 35 < south < 39 < 50 < north < 54
    assert comparison.bounds(found, drawn, ~everything) is None
    same = comparison.compare(kept(Side()), kept(Side()))
    assert comparison.bounds(same, drawn, everything) is None
    photo = comparison.compare(kept(Side(("flag-photo",))), kept(Side(("kremlin",))))
    west, south, east, north = comparison.bounds(photo, drawn, everything)
    assert (east - west, north - south) == pytest.approx((1.5, 1.5))


# Sides in words


@pytest.mark.parametrize(
    ("side", "lang", "words"),
    [
        (Side(), "en", "As all sources tell it"),
        (Side(SEOUL), "en", "As Seoul tells it"),
        (Side(SEOUL), "fr", "Selon Séoul"),
        (Side(PYONGYANG + MOSCOW), "en", "As Pyongyang and Moscow tell it"),
        (Side(PYONGYANG + MOSCOW), "fr", "Selon Pyongyang et Moscou"),
        (Side(("nis",)), "en", "As told by National Intelligence Service (NIS)"),
        (Side(("kbs", "nyt")), "en", "As told by KBS World and The New York Times"),
        (Side(("nis", "kbs", "nyt", "article")), "en", "As told by 4 sources"),
        (Side(SEOUL, date(2024, 10, 21)), "en", "As Seoul tells it, as of 21 Oct 2024"),
        (Side((), date(2024, 10, 21)), "fr", "Selon toutes les sources, état au 21 oct. 2024"),
    ],
)
def test_a_side_is_named_as_one_would_say_it(side, lang, words):
    assert comparison.title(built_in(), side, lang) == words


def test_a_country_without_a_capital_in_the_dataset_has_its_own_name():
    whole = builders.small()
    for source in ("nis", "kremlin"):
        whole = builders.changed(whole, "sources", source, country="CH")
    told = comparison.title(whole, Side(("nis", "kremlin")), "fr")
    assert told == "D’après\u00a0: Suisse"


# What a dataset suggests


def test_the_suggestions_are_those_who_contradict_each_other():
    found = comparison.presets(built_in(), "en")
    assert [each.label for each in found] == [
        "Seoul / Pyongyang and Moscow",
        "Seoul / Pyongyang",
        "Photo of the two flags / Pyongyang",
        "Photo of the two flags / Moscow",
        "21 Oct 2024 / 1 Feb 2025",
    ]
    assert (found[0].left.source, set(found[0].right.source)) == (SEOUL, {*PYONGYANG, *MOSCOW})
    assert found[-1].left == Side(as_of=date(2024, 10, 21))
    # Moscow rejects a deployment in Ukraine, which is nothing that Seoul asserts here.
    assert "Seoul / Moscow" not in [each.label for each in found]


def test_every_suggestion_differs_and_shows_something_on_both_sides():
    whole = built_in()
    for each in comparison.presets(whole, "fr"):
        left, right = kept(each.left), kept(each.right)
        found = comparison.compare(left, right)
        assert len(left.claims)
        assert len(right.claims)
        assert found.opposed or found.changed
        drawn = marks.drawn(whole, "en")
        for side in (left, right):
            assert marks.visible(drawn, side, selection.LAYERS).any()


def test_a_dataset_without_disagreement_suggests_only_its_days():
    whole = builders.changed(builders.small(), "statements", "s3", stance="asserts")
    (days,) = comparison.presets(whole, "en")
    assert (days.left.as_of, days.right.as_of) == whole.days
    # What is taken back is no disagreement either; a word repeated is that of its origin.
    found = comparison.presets(builders.small(), "en")
    assert found[0].label == "NIS / Kremlin"
    assert not any("KBS" in each.label for each in found)


def test_what_was_never_dated_suggests_no_days():
    whole = builders.small()
    for statement in whole.statements.index:
        whole = builders.changed(whole, "statements", statement, date=None)
    assert [each.label for each in comparison.presets(whole, "en")] == ["NIS / Kremlin"]


# The address


@given(st.data())
def test_an_address_leads_back_to_the_same_two_sides(data):
    whole = data.draw(st.sampled_from([builders.small(), built_in()]))
    one, other = data.draw(sides(whole)), data.draw(sides(whole))
    query = comparison.to_query(one, other)
    assert comparison.from_query(query, whole) == (one, other, ())


def test_an_address_that_says_nothing_opens_the_first_suggestion():
    whole = built_in()
    first = comparison.presets(whole, "en")[0]
    assert comparison.from_query({}, whole) == (first.left, first.right, ())


def test_what_the_dataset_does_not_have_is_told_and_left_out():
    query = {"a_source": "nobody,nis", "a_as_of": "soon", "b_as_of": "2024-10-22"}
    left, right, ignored = comparison.from_query(query, built_in())
    assert (left, right) == (Side(("nis",)), Side((), date(2024, 10, 22)))
    assert ignored == (("a_source", "nobody"), ("a_as_of", "soon"))
