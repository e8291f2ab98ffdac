"""The briefing without a browser: its steps as data, and its page."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import builders
import pytest
from hostile import poison
from streamlit.testing.v1 import AppTest

from geo import briefing, checks, dataset, marks, selection, texts, webdata
from geo.dataset import BUILT_IN

ROOT = Path(__file__).resolve().parent.parent


def kept(**chosen) -> dataset.Dataset:
    return selection.apply(dataset.load(), selection.Selection(**chosen))


def opened(**query: str) -> AppTest:
    """The page after its first run at a link."""
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60)
    for key, value in query.items():
        app.query_params[key] = value
    app.switch_page("pages/briefing.py").run()
    assert not app.exception
    return app


def html(app: AppTest) -> str:
    return " ".join(element.proto.body for element in app.main.get("html"))


def sent(app: AppTest) -> dict:
    """The state that the last run handed to the map's script."""
    (component,) = app.get("component_instance")
    script = json.loads(component.proto.json_args)["feature_group"]
    start = script.index("claimMap.update(") + len("claimMap.update(")
    return json.JSONDecoder().raw_decode(script[start:])[0]


def step_in_address(app: AppTest) -> str:
    (found,) = app.query_params["step"]
    return found


def mask_of(claims: set[str], **chosen) -> str:
    """The mask of the marks of some claims that a selection shows."""
    whole = dataset.load()
    drawn = marks.drawn(whole, "en")
    shown = marks.visible(drawn, kept(**chosen), selection.LAYERS)
    return webdata.encode_mask(shown & drawn["claim"].isin(claims).to_numpy())


@pytest.fixture
def as_dataset(monkeypatch, tmp_path):
    """A copy of the built-in dataset that the app reads, for the test to change."""
    folder = tmp_path / "copy"
    shutil.copytree(BUILT_IN, folder)
    monkeypatch.setenv("CLAIMS_DATASET", str(folder))
    return folder


# The steps


def test_every_step_tells_its_claims_with_status_confidence_and_denials():
    whole = kept()
    steps = briefing.steps(whole, "en")
    assert [step.number for step in steps] == list(whole.briefing.index)
    for step in steps:
        row = whole.briefing.loc[step.number]
        assert [told.claim for told in step.claims] == row["claims"].split()
        assert step.hidden == 0
        assert step.bounds == tuple(row[["west", "south", "east", "north"]])
        for told in step.claims:
            claim = whole.claims.loc[told.claim]
            words = texts.terms("en")
            assert told.status == words["status"][claim["status"]]
            assert told.confidence.endswith(words["confidence"][claim["confidence"]].lower())
            said = whole.statements[whole.statements["claim"] == told.claim]
            denies = said[said["stance"] == "denies"]
            for source in denies["source"]:
                assert whole.sources.loc[source, "name"] in " ".join(told.denials)
            assert ("No denial here" in told.denials) == denies.empty


def test_a_denial_by_name_is_told_from_one_by_implication():
    told = {c.claim: c.denials for step in briefing.steps(kept(), "en") for c in step.claims}
    assert told["troops-in-ukraine"] == ("Denied by North Korea, Kremlin",)
    assert told["flag-tsukuryne"] == ("Denied by implication: North Korea, Kremlin",)


def test_a_selection_takes_claims_and_denials_away():
    first, *_, last = briefing.steps(kept(source=("kremlin",)), "en")
    assert [c.claim for c in first.claims] == ["flag-tsukuryne"]
    assert first.hidden == 2
    assert {c.status_code for c in first.claims + last.claims} == {"denied"}
    assert "North Korea," not in " ".join(first.claims[0].denials)


def test_both_numbers_of_a_distance_come_from_the_checks():
    (check,) = [c for c in checks.run(kept(), "en") if c.kind == "distance"]
    (stated,) = [s for step in briefing.steps(kept(), "en") for s in step.stated]
    assert stated.stated == "60 km stated"
    assert stated.measured == f"{check.measured:.0f} km measured" == "24 km measured"
    assert stated.words == "The two do not agree."


@pytest.mark.parametrize(
    ("claimed_km", "radius_m", "words"),
    [
        ("18", "100", "The two agree."),
        ("90", "100", "The two do not agree."),
        ("18", "9000", "Too uncertain to say whether the two agree."),
    ],
)
def test_another_distance_gets_another_verdict(tmp_path, claimed_km, radius_m, words):
    rows = builders.tables()
    for place in ("town", "village"):
        builders.row(rows, "places", place)["uncertainty_m"] = radius_m
    builders.row(rows, "features", "f-distance")["claimed_km"] = claimed_km
    rows["briefing"][0]["claims"] = "far"
    whole = dataset.load(builders.write(tmp_path, rows))
    measured = next(c for c in checks.run(whole, "en") if c.kind == "distance").measured
    (step,) = briefing.steps(selection.apply(whole, selection.Selection()), "en")
    assert step.stated[0].stated == f"{claimed_km} km stated"
    assert step.stated[0].measured == f"{measured:.0f} km measured"
    assert step.stated[0].words == words


def test_steps_may_leave_gaps_and_lack_bounds_and_name_a_claim_twice():
    whole = kept()
    table = whole.briefing.loc[[9, 3, 1]].copy()
    table.loc[3, "west"] = float("nan")
    table.loc[1, "claims"] = "shipped-1500 shipped-1500"
    steps = briefing.steps(replace(whole, briefing=table), "en")
    assert [step.number for step in steps] == [1, 3, 9]
    assert [step.bounds is None for step in steps] == [False, True, False]
    assert [told.claim for told in steps[0].claims] == ["shipped-1500"]


# The page


def test_a_link_opens_its_step_and_draws_that_alone():
    app = opened(step="4")
    whole = dataset.load()
    state = sent(app)
    assert "Three coasts, one port" in html(app)
    assert state["mask"] == mask_of({"shipped-1500", "convoy"})
    assert state["view"]["bounds"] == list(
        whole.briefing.loc[4, ["west", "south", "east", "north"]]
    )
    assert (state["step"]["at"], state["step"]["count"]) == (3, 9)
    assert "4 / 9" in html(app)
    assert step_in_address(app) == "4"


@pytest.mark.parametrize("asked", ["0", "10", "x"])
def test_a_step_that_is_not_there_opens_the_first(asked):
    app = opened(step=asked)
    assert "1 / 9" in html(app)
    assert app.button(key="briefing.previous").disabled


def test_buttons_go_on_and_back_and_the_address_follows():
    app = opened()
    app.button(key="briefing.next").click().run()
    assert step_in_address(app) == "2"
    assert "60 km stated" in html(app)
    assert "24 km measured" in html(app)
    assert "do not agree" in html(app)
    app.button(key="briefing.previous").click().run()
    assert step_in_address(app) == "1"
    app = opened(step="9")
    assert app.button(key="briefing.next").disabled


def test_what_the_filters_hide_is_told():
    app = opened(source="kremlin", step="1")
    assert "2 claims of this step are hidden by the filters." in html(app)
    assert "Only what Kremlin said" in html(app)
    assert sent(app)["mask"] == mask_of({"flag-tsukuryne"}, source=("kremlin",))
    app.button(key="briefing.next").click().run()
    assert "The filters hide every claim of this step." in html(app)
    assert sent(app)["mask"] == mask_of(set())
    assert "hidden by the filters" not in html(opened(step="1"))


def test_filters_that_hide_nothing_of_a_step_are_told_as_well():
    shown = html(opened(as_of="2024-10-22", step="3"))
    assert "As of 22 Oct 2024" in shown
    assert "hidden by the filters" not in shown


def test_all_steps_are_listed_and_one_can_be_chosen():
    app = opened(step="3")
    app.button(key="briefing.show-overview").click().run()
    titles = [f"{n}. {t}" for n, t in dataset.load().briefing["title"].items()]
    found = [app.button(key=f"briefing.step.{n}") for n in range(9)]
    assert [button.label.replace("\\", "") for button in found] == titles
    assert [button.proto.type for button in found].index("primary") == 2
    app.button(key="briefing.step.6").click().run()
    assert step_in_address(app) == "7"
    assert not [b for b in app.main.button if str(b.key).startswith("briefing.step.")]


def test_the_handout_is_offered_with_all_steps():
    app = opened()
    assert not app.get("download_button")
    app.button(key="briefing.show-overview").click().run()
    (button,) = app.get("download_button")
    assert "PDF" in button.proto.label


def test_the_evidence_of_a_step_is_one_button_away():
    app = opened(step="4")
    assert "KBS World" not in html(app)
    app.button(key="briefing.show-evidence").click().run()
    for words in ("KBS World", "article ¶ 3", "usually reliable", "Convoy of four landing ships"):
        assert words in html(app)


def test_the_menu_is_hidden_until_it_is_asked_for():
    app = opened()
    assert '<article class="briefing full"' in html(app)
    app.button(key="briefing.menu").click().run()
    assert '<article class="briefing bars"' in html(app)
    assert app.sidebar.checkbox


def test_more_claims_than_fit_are_counted(as_dataset):
    table = as_dataset / "briefing.csv"
    claims = " ".join(dataset.load().claims.index[:7])
    text = table.read_text("utf-8")
    table.write_text(text.replace("planned-12000,121", f"{claims},121"), "utf-8")
    app = opened(step="3")
    assert html(app).count("chip ") == 3
    assert "4 claims more: see the evidence (E)" in html(app)


def test_a_step_without_claims_is_only_told(as_dataset):
    table = as_dataset / "briefing.csv"
    table.write_text(table.read_text("utf-8").replace("planned-12000,121", ",121"), "utf-8")
    app = opened(step="3")
    assert "A plan for up to 12,000 soldiers" in html(app)
    assert "hidden" not in html(app)
    assert sent(app)["mask"] == mask_of(set())


def test_a_dataset_without_steps_says_how_to_write_them(as_dataset):
    (as_dataset / "briefing.csv").unlink()
    package = as_dataset / "datapackage.json"
    described = json.loads(package.read_text("utf-8"))
    described["resources"] = [r for r in described["resources"] if r["name"] != "briefing"]
    package.write_text(json.dumps(described), "utf-8")
    app = opened()
    assert "briefing.csv" in app.info[0].value
    header, row = app.code[0].value.splitlines()
    assert header.split(",")[0] == "step"
    # What is shown can be put into a file as it stands.
    (as_dataset / "briefing.csv").write_text(f"{header}\n{row}\n", "utf-8")
    package.write_text((BUILT_IN / "datapackage.json").read_text("utf-8"), "utf-8")
    assert briefing.steps(selection.apply(dataset.load(as_dataset), selection.Selection()), "en")


def test_french_is_french():
    app = opened(step="2", lang="fr")
    for words in ("60 km annoncés", "24 km mesurés", "Les deux ne concordent pas", "Aucun démenti"):
        assert words in html(app).replace("\u00a0", " ")
    assert app.button(key="briefing.next").label == "Suite"


def test_hostile_text_stays_text(monkeypatch, tmp_path):
    monkeypatch.setenv("CLAIMS_DATASET", str(poison(tmp_path / "hostile")))
    app = opened(step="1")
    for panel in ("overview", "evidence"):
        app.button(key=f"briefing.show-{panel}").click().run()
        assert not app.exception
        assert "<img" not in html(app)
        assert "<script" not in html(app)
        assert "&lt;script&gt;" in html(app)
    assert not (tmp_path / "pwned").exists()
