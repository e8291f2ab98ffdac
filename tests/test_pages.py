"""The pages driven without a browser: counts, reset, empty results, links, broken datasets."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from geo import dataset, marks, selection, webdata
from geo.dataset import BUILT_IN
from pages import sidebar

ROOT = Path(__file__).resolve().parent.parent


def opened(query: str = "") -> AppTest:
    """The app after its first run at a link."""
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60)
    for pair in query.split("&") if query else []:
        key, value = pair.split("=")
        app.query_params.setdefault(key, [])
        app.query_params[key] = [*app.query_params[key], value]
    app.run()
    assert not app.exception
    return app


def sent_to_map(app: AppTest) -> dict:
    """What the last run handed to the map's component."""
    (component,) = app.get("component_instance")
    return json.loads(component.proto.json_args)


def state_of_map(app: AppTest) -> dict:
    """The state in the script that the run's feature group carries."""
    script = sent_to_map(app)["feature_group"]
    start = script.index("claimMap.update(") + len("claimMap.update(")
    return json.JSONDecoder().raw_decode(script[start:])[0]


def address(app: AppTest) -> dict[str, list[str]]:
    """The query as it stands in the page's address."""
    return {k: v if isinstance(v, list) else [v] for k, v in dict(app.query_params).items()}


def facet(app: AppTest, key: str):
    """The widget of one filter."""
    return app.button_group(key=key)


def said(app: AppTest, key: str, value: str) -> str:
    """The words of one value of a filter, without the signs that keep Markdown off them."""
    index = selection.options(dataset.load())[key].index(value)
    return facet(app, key).options[index].replace("\\", "")


def layer(app: AppTest, name: str) -> bool:
    return app.checkbox(key=f"layer.{name}").value


def html(app: AppTest) -> str:
    found = [*app.main.get("html"), *app.sidebar.get("html")]
    return " ".join(element.proto.body for element in found)


def listed(app: AppTest) -> list[str]:
    """The titles of the claims in the table beside the map, as one reads them."""
    (table,) = re.findall(r'<table class="claims">.*?</table>', html(app)) or [""]
    return [unescape(title) for title in re.findall(r'<th scope="row"><a .*?>(.*?)</a>', table)]


@pytest.fixture
def as_dataset(monkeypatch, tmp_path):
    """Copy the built-in dataset, let the test change it, and make the app read the copy."""
    folder = tmp_path / "copy"
    shutil.copytree(BUILT_IN, folder)
    monkeypatch.setenv("CLAIMS_DATASET", str(folder))
    return folder


def test_the_first_run_sends_every_mark_and_no_foreign_address():
    app = opened()
    sent = sent_to_map(app)
    whole = dataset.load()
    drawn = marks.drawn(whole, "en")
    shown = marks.visible(drawn, selection.apply(whole, selection.Selection()), selection.LAYERS)
    assert state_of_map(app)["mask"] == webdata.encode_mask(shown)
    links = sent["js_links"] + sent["css_links"]
    assert len(links) == 2
    assert all(link.startswith("../dashboard.claimmap/") for link in links)
    assert "://" not in sent["script"] + sent["header"]


def test_a_click_sends_little_and_leaves_the_base_map_alone():
    app = opened()
    before = sent_to_map(app)
    facet(app, "source").select("kremlin").run()
    after = sent_to_map(app)
    assert after["script"] == before["script"]
    assert after["feature_group"] != before["feature_group"]
    assert len(after["feature_group"]) < 1000
    assert address(app) == {"source": ["kremlin"]}


def test_each_box_says_how_many_claims_it_leaves():
    app = opened()
    whole = dataset.load()
    counts = selection.counts(whole, selection.Selection())
    for key, by_value in counts.items():
        for value, count in by_value.items():
            assert said(app, key, value).endswith(f"({count})")
    facet(app, "source").select("nis").run()
    counts = selection.counts(whole, selection.Selection(source=("nis",)))
    assert said(app, "theme", "transport").endswith(f"({counts['theme']['transport']})")


def test_a_link_sets_the_boxes_and_reset_clears_them():
    app = opened("source=nis&source=kremlin&layer=denied&as_of=2024-10-22&view=base")
    assert facet(app, "source").value == ["nis", "kremlin"]
    assert layer(app, "denied")
    assert not layer(app, "sourced")
    assert state_of_map(app)["view"]["bounds"] == list(dataset.load().view("base").bounds)
    app.sidebar.button[0].click().run()
    assert facet(app, "source").value == []
    assert layer(app, "sourced")
    assert address(app) == {"view": ["base"]}
    assert app.date_input[0].value is None


def test_what_a_link_asks_in_vain_is_told():
    app = opened("source=nobody&as_of=someday&view=moon")
    told = app.sidebar.warning[0].value
    assert all(word in told for word in ("nobody", "someday", "moon"))
    assert len(dataset.load().claims) == 21
    assert "all 21 claims are shown" in html(app)


def test_an_empty_result_says_which_filter_to_loosen():
    app = opened("source=nis&status=withdrawn")
    assert "No claim is left" in app.info[0].value
    assert listed(app) == []
    (button,) = [b for b in app.main.button if b.label.startswith("Drop the filter")]
    assert "withdrawn" in button.label
    button.click().run()
    assert facet(app, "status").value == []
    assert facet(app, "source").value == ["nis"]
    assert len(listed(app)) == 4


def test_an_as_of_day_hides_what_was_said_later():
    app = opened("as_of=2024-10-18")
    whole = dataset.load()
    chosen, _ = selection.from_query("as_of=2024-10-18", whole)
    kept = selection.apply(whole, chosen)
    assert 0 < len(kept.claims) < len(whole.claims)
    assert len(listed(app)) == min(len(kept.claims), 10)
    assert "As of 18 Oct 2024" in html(app)


def test_the_table_lists_a_page_of_claims_and_turns_to_the_one_that_is_open():
    claims = dataset.load().claims
    app = opened()
    titles = listed(app)
    assert titles == claims["title"].tolist()[:10]
    assert "1 to 10 of 21 claims" in html(app)
    app.number_input(key="rows.page").set_value(2).run()
    assert listed(app) == claims["title"].tolist()[10:20]
    app = opened(f"claim={claims.index[-1]}")
    assert listed(app) == [claims["title"].iloc[-1]]
    assert "21 to 21 of 21 claims" in html(app)
    # The page can be turned away from it, and stays turned.
    app.number_input(key="rows.page").set_value(1).run()
    assert listed(app) == titles
    app.sidebar.checkbox(key="layer.denied").uncheck().run()
    assert listed(app) == titles


@pytest.mark.parametrize(
    ("asked", "page"), [("3", 3), ("0", 1), ("99", 3), ("x", 1), ("9" * 5000, 1)]
)
def test_a_link_may_ask_for_any_page_of_the_table(asked, page):
    app = opened(f"page={asked}")
    assert app.number_input(key="rows.page").value == page
    titles = dataset.load().claims["title"].tolist()
    assert listed(app) == titles[10 * (page - 1) : 10 * page]


def test_a_claim_is_found_by_words_of_its_title():
    title = dataset.load().claims["title"].iloc[-1]
    app = opened()
    app.text_input(key="rows.q").set_value(title.upper()).run()
    assert listed(app) == [title]
    app.text_input(key="rows.q").set_value("no such words").run()
    assert listed(app) == []
    assert ">0 claims</p>" in html(app)
    app.text_input(key="rows.q").set_value("").run()
    assert len(listed(app)) == 10


def test_the_evidence_of_a_claim_names_speakers_grades_and_paragraphs():
    app = opened("claim=shipped-1500")
    shown = html(app)
    for words in ("National Intelligence Service", "article ¶ 3", "usually reliable", "KBS World"):
        assert words in shown
    assert state_of_map(app)["selected"] == list(dataset.load().claims.index).index("shipped-1500")


def test_a_claim_that_the_filters_hide_is_said_to_be_hidden():
    app = opened("claim=shipped-1500&source=kremlin")
    assert "hidden by the filters" in app.info[0].value
    assert state_of_map(app)["selected"] == -1


def test_the_misfit_is_told_before_anything_is_clicked():
    shown = html(opened("view=pokrovsk"))
    assert "60 km" in shown
    assert "24 km" in shown
    assert "does not fit" in shown


def test_a_broken_dataset_lists_every_problem_and_mends_without_a_restart(as_dataset):
    claims = as_dataset / "claims.csv"
    sound = claims.read_text("utf-8")
    broken = sound.replace(",presence,", ",presents,").replace(",plan,", ",plane,")
    claims.write_text(broken, "utf-8")
    features = (as_dataset / "features.csv").read_text("utf-8")
    (as_dataset / "features.csv").write_text(features.replace("pokrovsk", "pokrovks"), "utf-8")
    app = opened()
    listed = app.dataframe[0].value
    assert {"claims", "features"} <= set(listed["Table"])
    assert {"presents", "plane", "pokrovks"} <= set(listed["Found"])
    assert not app.get("component_instance")
    claims.write_text(sound, "utf-8")
    (as_dataset / "features.csv").write_text(features, "utf-8")
    app.button[0].click().run()
    assert not app.exception
    assert app.get("component_instance")


def test_a_dataset_that_is_not_there_is_a_page_and_not_a_traceback(monkeypatch):
    monkeypatch.setenv("CLAIMS_DATASET", "/nowhere/at/all")
    app = opened()
    assert "/nowhere/at/all" in app.code[0].value
    assert len(app.dataframe[0].value) == 1


def test_a_page_run_by_itself_brings_the_whole_app_up():
    app = AppTest.from_file(str(ROOT / "pages" / "map.py"), default_timeout=60).run()
    assert not app.exception
    assert app.sidebar.checkbox


def test_the_page_of_checks_tells_verdicts_and_rules():
    app = opened().switch_page("pages/checks.py").run()
    assert not app.exception
    shown = html(app)
    for words in ("does not fit", "2.5 times", "SSE is next to SE", "Donetsk", "10 to 18 knots"):
        assert words in shown
    assert "25 %" in app.markdown[-1].value


def test_the_page_of_checks_says_when_there_is_none():
    app = opened("source=kr-government").switch_page("pages/checks.py").run()
    assert not app.exception
    assert "No claim that is shown" in app.info[0].value


def test_a_click_that_comes_with_the_address_of_before_is_not_undone():
    app = opened()
    facet(app, "source").set_value(["kremlin"])
    app.run()
    assert address(app) == {"source": ["kremlin"]}
    # The next click is made before the browser shows what the first one led to.
    app.query_params.clear()
    facet(app, "confidence").set_value(["low"])
    app.run()
    assert address(app) == {"source": ["kremlin"], "confidence": ["low"]}


def test_going_back_in_the_browser_brings_the_filters_back():
    app = opened()
    facet(app, "source").set_value(["kremlin"])
    app.run()
    app.query_params.clear()
    app.run()
    assert facet(app, "source").value == []
    assert address(app) == {}


@pytest.mark.parametrize(
    ("locale", "query", "title", "address_says"),
    [
        ("fr-CA", "", "Envois présumés", {"lang": ["fr"]}),
        ("fr-CA", "lang=en", "Reported North Korean", {"lang": ["en"]}),
        ("ko-KR", "", "Reported North Korean", {}),
        ("en-US", "lang=fr", "Envois présumés", {"lang": ["fr"]}),
    ],
)
def test_the_first_language_is_the_browsers_unless_the_link_says(
    monkeypatch, locale, query, title, address_says
):
    monkeypatch.setattr(type(st.context), "locale", property(lambda self: locale))
    app = opened(query)
    assert title in html(app)
    assert address(app) == address_says


def test_a_filter_that_streamlit_forgot_stands_where_it_was(monkeypatch):
    chosen = selection.Selection(source=("kremlin",), layer=("denied",), lang="fr")
    # As after a run that did not come to the sidebar.
    monkeypatch.setattr(st, "session_state", {"written": chosen, "view": "base"})
    assert sidebar.stored(dataset.load()) == replace(chosen, view="base")
