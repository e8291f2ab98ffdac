"""A viewer's own data: brought in, matched, shown on every page to them alone, changed, saved."""

from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from streamlit.testing.v1 import AppTest
from test_map_in_browser import ids, map_frame

from geo import dataset as datasets
from geo import edits, gazetteer
from geo.dataset import BUILT_IN
from geo.edits import Change, Edit
from pages import editor, own, served, sidebar

ROOT = Path(__file__).resolve().parent.parent
PAGES = ("map", "checks", "register", "timeline", "compare", "method", "briefing", "export", "data")
# Streamlit's own field for files breaks one rule that is advice alone.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
SECRET = "Ships seen in the quiet harbour"
HEADER = "Claim,Source,Stance,Date,Place"
SOUND = (
    f"{SECRET},Harbour watch,asserts,2024-03-04,Narvik",
    f"{SECRET},Navy,denies,2024-03-05,Narvik",
    "Convoy in the town,Radio,asserts,2024-03-06,Springfield",
)
UNSOUND = (
    "Convoy in the town,=cmd,asserts,2024-13-45,Narvik",
    "Nothing at all,,asserts,2024-03-08,Narvik",
)


def file_of(*rows: str, header: str = HEADER) -> bytes:
    return "\n".join([header, *rows, ""]).encode()


def opened(query: str = "") -> AppTest:
    """The page “Your data” after its first run."""
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60)
    app.run()
    app.switch_page("pages/data.py")
    for pair in filter(None, query.split("&")):
        key, value = pair.split("=")
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


def upload(app: AppTest, content: bytes, name: str = "mine.csv") -> AppTest:
    app.file_uploader(key="data.file").set_value((name, content, "text/csv")).run()
    assert not app.exception
    return app


def html(app: AppTest) -> str:
    found = [*app.main.get("html"), *app.sidebar.get("html")]
    return " ".join(element.proto.body for element in found)


def keys(app: AppTest) -> set[str]:
    return {button.key for button in app.button}


def mine(app: AppTest) -> own.Own:
    return app.session_state["own"]


def press(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app


# A file


def test_a_file_is_matched_its_namesakes_are_asked_for_and_it_is_shown():
    app = upload(opened(), file_of(*SOUND))
    assert app.selectbox(key="data.match.claim").value == "Claim"
    (preview, *_rest) = app.dataframe
    assert preview.value.iloc[0].tolist()[0] == SECRET
    # One Narvik is proposed and shown, none of the Springfields is.
    assert isinstance(app.selectbox(key="data.place.Narvik").value, int)
    namesakes = app.selectbox(key="data.place.Springfield")
    assert namesakes.value == ""
    assert sum("United States" in option for option in namesakes.options) > 3
    assert "data.show" not in keys(app)
    assert "data.problems" in {b.key for b in app.get("download_button")}
    illinois = next(f for f in gazetteer.propose("Springfield, US") if f.admin1 == "IL")
    namesakes.set_value(illinois.geonames_id).run()
    assert not app.exception
    press(app, "data.show")
    whole = mine(app).dataset
    assert set(whole.claims["title"]) == {SECRET, "Convoy in the town"}
    spot = whole.places[whole.places["name"] == "Springfield"].iloc[0]
    assert (round(spot["lon"], 1), round(spot["lat"], 1)) == (-89.6, 39.8)
    assert "own-badge" in html(app)
    press(app, "data.leave")
    assert "own" not in app.session_state
    assert "own-badge" not in html(app)


def test_another_column_and_another_meaning_are_taken_over():
    rows = [row.replace("denies", "frowns") for row in SOUND[:2]]
    app = upload(opened(), file_of(*rows, header="What,Who,Stance,Date,Place"))
    app.selectbox(key="data.match.claim").set_value("What").run()
    app.selectbox(key="data.match.source").set_value("Who").run()
    assert "data.show" not in keys(app)
    app.selectbox(key="data.value.0").set_value("denies").run()
    press(app, "data.show")
    assert list(mine(app).dataset.statements["stance"]) == ["asserts", "denies"]


def test_which_number_comes_first_is_asked_where_nothing_tells():
    rows = ('"Ships seen","Harbour watch","68.44, 17.43"',)
    app = upload(opened(), file_of(*rows, header="Claim,Source,Coordinates"))
    assert "data.show" not in keys(app)
    order = app.radio(key="data.lat-first")
    assert sidebar.plain("68.44, 17.43") in order.label and order.value is None
    order.set_value(True).run()
    assert app.radio(key="data.lat-first").value is True
    press(app, "data.show")
    assert mine(app).dataset.places[["lon", "lat"]].to_numpy().tolist() == [[17.43, 68.44]]


def test_all_problems_at_once_and_then_what_is_sound_with_what_was_left_out_told():
    app = upload(opened(), file_of(*SOUND[:2], *UNSOUND))
    table = app.dataframe[-1].value
    assert set(table["Row"]) == {4, 5}
    assert all(table["How to mend it"])
    assert set(table["File"]) == {"mine.csv"}
    press(app, "data.sound")
    assert list(mine(app).dataset.claims["title"]) == [SECRET]
    assert mine(app).dataset.left_out == 2
    assert "2 rows of the file left out" in html(app)


def test_a_place_may_be_typed_or_left_out():
    rows = [SOUND[0].replace("Narvik", "Nowhereville-on-Sea")]
    app = upload(opened(), file_of(*rows))
    key = "data.place.Nowhereville-on-Sea"
    box = app.selectbox(key=key)
    box.set_value("typed").run()
    app.number_input(key=f"{key}.lon").set_value(12.5).run()
    assert "data.show" not in keys(app)
    app.number_input(key=f"{key}.lat").set_value(55.25).run()
    press(app, "data.show")
    (spot,) = mine(app).dataset.places.itertuples()
    assert (spot.lon, spot.lat) == (12.5, 55.25)
    app.selectbox(key=key).set_value("nowhere").run()
    press(app, "data.show")
    assert len(mine(app).dataset.features) == 0
    for page in PAGES:  # also with nothing at all to draw
        assert not app.switch_page(f"pages/{page}.py").run().exception


def test_a_file_that_cannot_be_read_is_told_and_the_next_one_is_taken():
    app = upload(opened(), b"\x00\x01\x02 nothing", "mine.xlsx")
    assert app.error
    app = upload(app, file_of(*SOUND[:2]))
    assert not app.error
    press(app, "data.show")
    app.file_uploader(key="data.file").set_value(None).run()
    assert not app.exception
    assert mine(app).dataset.claims["title"].tolist() == [SECRET]


def test_a_package_needs_no_matching():
    content = edits.packed(edits.read(BUILT_IN))
    app = upload(opened(), content, "package.zip")
    assert "data.match.claim" not in {box.key for box in app.selectbox}
    press(app, "data.show")
    shown, whole = mine(app).dataset, datasets.load()
    assert list(shown.claims.index) == list(whole.claims.index)
    assert shown.views == whole.views


def test_every_page_shows_the_viewers_dataset_and_nothing_of_it_lies_in_the_shared_folder():
    app = opened()
    before = {file.name: file.stat().st_size for file in served.assets_folder().iterdir()}
    press(app, "data.example")
    title = mine(app).dataset.title
    for page in PAGES:
        app.switch_page(f"pages/{page}.py").run()
        assert not app.exception, page
        assert title in html(app), page
        for component in app.get("component_instance"):
            args = json.loads(component.proto.json_args)
            if "feature_group" in args:
                assert '"marks": "page:marks-' in args["feature_group"], page
                assert '"detail": "page:detail-' in args["feature_group"], page
    added = {f.name for f in served.assets_folder().iterdir()} - before.keys()
    assert all(name.startswith("world-") for name in added)
    # That one is the same for all datasets, so it tells of none.
    assert served.world_file(None) in {*added, *before}
    other = opened()
    assert "own" not in other.session_state
    assert title not in html(other)


def test_a_filter_of_the_last_dataset_is_not_taken_into_the_next():
    app = opened("source=nis&view=base&as_of=2024-10-22&claim=" + datasets.load().claims.index[0])
    press(app, "data.example")
    state = app.session_state
    assert (state["source"], state["as_of"], state["claim"]) == ([], None, "")
    press(app, "data.leave")
    assert not app.exception


# Changes


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A copy of the built-in dataset that the app serves and may write to."""
    folder = tmp_path / "copy"
    shutil.copytree(BUILT_IN, folder)
    monkeypatch.setenv("CLAIMS_DATASET", str(folder))
    monkeypatch.setenv(served.EDITABLE, "1")
    return folder


def editing() -> AppTest:
    return press(opened("part=change"), "edit.begin")


def edited(
    app: AppTest, table: str, row: str, field: str, cell: str, author: str = ""
) -> AppTest:
    """The page after one cell was typed."""
    held = mine(app)
    edit = Edit(table, row, field, held.history.now[table].loc[row, field], cell)
    history = held.history.make(Change((edit,), author, "", datetime.now(UTC)))
    app.session_state["own"] = replace(held, history=history)
    app.run()
    assert not app.exception
    return app


def test_each_table_can_be_edited_in_words_and_without_ids():
    app = editing()
    whole = mine(app).dataset
    for table in editor.TABLES:
        app.button_group(key="edit.table").set_value(table).run()
        assert not app.exception
        (grid,) = app.data_editor
        assert len(grid.value) == len(getattr(whole, table))
        config = json.loads(grid.proto.columns)
        shown = {name for name in grid.value if name in config}
        assert edits.key_of(table) not in shown
        if table == "statements":
            options = config["source"]["type_config"]["options"]
            assert whole.sources["name"].iloc[0] in json.dumps(options)


def test_what_is_typed_is_shown_taken_back_and_made_again():
    app = editing()
    row = mine(app).dataset.claims.index[0]
    old = mine(app).dataset.claims.loc[row, "title"]
    edited(app, "claims", row, "title", "A better title")
    press(app, "edit.undo")
    assert mine(app).dataset.claims.loc[row, "title"] == old
    press(app, "edit.redo")
    assert mine(app).dataset.claims.loc[row, "title"] == "A better title"
    changes = app.dataframe[-1].value
    assert changes.iloc[0][["Before", "After"]].tolist() == [old, "A better title"]
    assert app.switch_page("pages/register.py").run() and "A better title" in html(app)


def test_changes_that_were_left_can_be_taken_up_again():
    app = editing()
    row = mine(app).dataset.claims.index[0]
    edited(app, "claims", row, "title", "Not lost")
    press(app, "data.leave")
    assert "own" not in app.session_state
    press(app, "data.take-up")
    assert mine(app).history.now["claims"].loc[row, "title"] == "Not lost"
    press(app, "data.example")
    press(app, "data.take-up")
    assert len(mine(app).history.done) == 1
    assert "data.take-up" not in keys(app)


def test_an_unsound_state_is_told_and_the_map_keeps_the_last_sound_one():
    app = editing()
    row = mine(app).dataset.places.index[0]
    edited(app, "places", row, "name", "Renamed")
    edited(app, "places", row, "lat", "95")
    press(app, "edit.undo")
    press(app, "edit.redo")
    assert [p.field for p in mine(app).problems] == ["lat"]
    table = next(d.value for d in app.dataframe if "Expected" in d.value)
    assert table["Entry"].tolist() == ["Renamed"]
    assert mine(app).dataset.places.loc[row, "lat"] != 95
    press(app, "edit.undo")
    assert mine(app).problems == ()
    assert mine(app).dataset.places.loc[row, "name"] == "Renamed"


def test_a_place_that_is_moved_by_hand_says_so():
    app = AppTest.from_function(_move_a_place, default_timeout=60).run()
    assert not app.exception
    cells = app.session_state["own"].dataset.places.loc["vladivostok"]
    assert (cells["lon"], cells["lat"]) == (131.5, 43.25)
    assert (cells["located_by"], cells["reference"]) == ("approximate", editor.BY_HAND)
    assert len(app.session_state["own"].history.done) == 1


def _move_a_place() -> None:
    from pages import editor, own

    own.show_copy()
    for nonsense in (None, [], [1], ["x", 2], [200.0, 10.0], [float("nan"), 1.0]):
        editor.move_place("vladivostok", nonsense, "", "")
    editor.move_place("gone", [1.0, 2.0], "", "")
    editor.move_place("vladivostok", [131.5, 43.25], "Ann", "seen on the chart")


def test_saving_in_place_is_off_unless_the_environment_says_so(monkeypatch, folder):
    monkeypatch.delenv(served.EDITABLE)
    app = editing()
    assert "edit.save" not in keys(app)
    assert any("CLAIMS_EDITABLE=1" in text.value for text in app.markdown)


def test_saving_in_place_tells_who_changed_what_and_keeps_the_version_before(folder):
    app = editing()
    row = mine(app).dataset.claims.index[0]
    edited(app, "claims", row, "title", "Saved title")
    assert app.button(key="edit.save").disabled  # no name yet
    app.text_input(key="edit.author").set_value("Ann").run()
    press(app, "edit.save")
    assert app.success
    assert datasets.load(folder).claims.loc[row, "title"] == "Saved title"
    assert len(list((folder / edits.VERSIONS).iterdir())) == 1
    logged = csv.DictReader(io.StringIO((folder / edits.CHANGELOG).read_text("utf-8")))
    assert [r["after"] for r in logged] == ["Saved title"]
    assert mine(app).history.done == ()


def test_the_second_who_saves_sees_both_sides_and_joins_them(folder):
    first, second = editing(), editing()
    rows = mine(first).dataset.claims.index
    for app, name in ((first, "Ann"), (second, "Bo")):
        app.text_input(key="edit.author").set_value(name).run()
    edited(first, "claims", rows[0], "title", "Of Ann")
    edited(second, "claims", rows[0], "title", "Of Bo")
    edited(second, "claims", rows[1], "title", "Of Bo alone")
    press(first, "edit.save")
    press(second, "edit.save")
    assert second.warning
    assert datasets.load(folder).claims.loc[rows[0], "title"] == "Of Ann"
    told = next(g.value for g in second.data_editor if "theirs" in g.value)
    assert told[["own", "theirs"]].values.tolist() == [["Of Bo", "Of Ann"]]
    press(second, "edit.join")
    press(second, "edit.save")
    titles = datasets.load(folder).claims["title"]
    assert titles.loc[rows[:2]].tolist() == ["Of Ann", "Of Bo alone"]


# In a browser


def test_a_file_in_a_browser_shows_its_marks_and_leaves_no_trace_for_another(
    serve, open_page, tmp_path
):
    rooms = tmp_path / "tmp"
    rooms.mkdir()
    url = serve(env={"TMPDIR": str(rooms)})
    watcher = open_page(url)
    map_frame(watcher)
    held = {file for file in rooms.rglob("*") if file.is_file()}

    visit = open_page(f"{url}/data")
    visit.settle()
    file = {"name": "mine.csv", "mimeType": "text/csv", "buffer": file_of(*SOUND[:2])}
    visit.page.locator("input[type=file]").set_input_files(file)
    visit.page.locator(".st-key-data-show button").click()
    visit.page.locator(".own-badge").wait_for()
    visit.settle()
    visit.page.locator(".st-key-data-shown a").click()
    frame = map_frame(visit)
    shown = ids(frame)
    assert len(shown) >= 1
    assert frame.evaluate("claimMap.marks().length") >= 2
    assert visit.page.locator("header.page h1").inner_text() == "mine"

    left = {file for file in rooms.rglob("*") if file.is_file()} - held
    assert all(file.name.startswith("world-") for file in left), left
    for file in rooms.rglob("*"):
        if file.is_file():
            assert SECRET.encode() not in file.read_bytes(), file
    # What the viewer's browser fetched, another one may fetch as well: nothing of theirs in it.
    fetched = {a for a in visit.requests if urlsplit(a).scheme == "http" and "/static/" not in a}
    for address in sorted(fetched):
        assert SECRET not in watcher.page.request.get(address).text(), address
    watcher.page.reload()
    assert set(ids(map_frame(watcher))).isdisjoint(shown)
    assert SECRET not in watcher.page.content()
    assert not watcher.page.locator(".own-badge").count()
    assert not visit.foreign()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_has_no_barriers(scheme, dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/data", color_scheme=scheme)
    visit.settle()
    file = {"name": "m.csv", "mimeType": "text/csv", "buffer": file_of(*SOUND, *UNSOUND)}
    visit.page.locator("input[type=file]").set_input_files(file)
    visit.page.locator(".st-key-data-sound button").first.wait_for()
    visit.settle()
    found = Axe().run(visit.page, options=RULES).response
    assert told(found) == []
    visit.page.locator(".st-key-data-part-shown button").nth(1).click()
    visit.page.locator(".st-key-edit-begin button").click()
    visit.page.locator(".st-key-edit-top").wait_for()
    visit.settle()
    found = Axe().run(visit.page, options=RULES).response
    assert told(found) == []


def told(found: dict) -> list[str]:
    """The violations on our own page, with where they are."""
    return [f"{v['id']}: {node['html'][:160]}" for v in found["violations"] for node in v["nodes"]]


def test_what_is_typed_and_dragged_in_a_browser_is_saved_in_place(serve, open_page, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(BUILT_IN, folder)
    visit = open_page(f"{serve(folder, env={served.EDITABLE: '1'})}/data?part=change&table=places")
    page = visit.page
    visit.settle()
    page.locator(".st-key-edit-begin button").click()
    page.locator(".st-key-edit-author input").fill("Ann")
    page.keyboard.press("Enter")
    frame = visit.map_frame(".st-key-edit-map iframe")
    row = datasets.load().places.iloc[0]
    grid = page.locator('[data-testid="stDataFrame"]').first.bounding_box()
    page.mouse.click(grid["x"] + 120, grid["y"] + 54)  # the first cell
    page.keyboard.press("Enter")
    page.locator("textarea.gdg-input").fill("Typed name")
    page.keyboard.press("Enter")
    undo = page.locator(".st-key-edit-undo")
    undo.get_by_text("(1)").wait_for()
    visit.settle()
    page.locator(".st-key-edit-map iframe").scroll_into_view_if_needed()
    handle = frame.locator(".cm-handle").bounding_box()
    x, y = handle["x"] + 15, handle["y"] + 15
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 60, y - 40, steps=4)
    page.mouse.up()
    undo.get_by_text("(2)").wait_for()
    visit.settle()
    page.locator(".st-key-edit-save button").first.click()
    page.locator('[data-testid="stAlert"]').wait_for()
    place = datasets.load(folder).places.loc[row.name]
    assert place["name"] == "Typed name"
    assert place["lon"] > row["lon"] + 0.1
    assert place["lat"] > row["lat"] + 0.1
    assert place["reference"] == editor.BY_HAND
    assert not visit.foreign()
