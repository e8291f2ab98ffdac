"""The Export page and the snapshot beside the map: what is offered, made, told, and fetched."""

from __future__ import annotations

import io
import re
import shlex
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import builders
import generate
import pytest
from axe_playwright_python.sync_playwright import Axe
from hostile import poison
from PIL import Image
from streamlit.testing.v1 import AppTest

from geo import dataset, files, overlays, selection, texts
from geo.__main__ import main
from geo.files import FORMATS, Picture
from geo.selection import Selection
from pages import overlays as own_layers

ROOT = Path(__file__).resolve().parent.parent


def opened(query: str = "") -> AppTest:
    """The Export page at a link."""
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60)
    app.switch_page("pages/export.py")
    for key, values in parse_qs(query).items():
        app.query_params[key] = values
    app.run()
    assert not app.exception
    return app


def boxes(app: AppTest) -> list[str]:
    """The texts that can be copied."""
    return [code.value for code in app.main.code]


def told(app: AppTest) -> str:
    """What stands on the page as HTML."""
    return " ".join(element.proto.body for element in app.main.get("html"))


def address(app: AppTest) -> dict[str, list[str]]:
    return {k: v if isinstance(v, list) else [v] for k, v in dict(app.query_params).items()}


def test_the_page_shows_the_picture_its_words_and_the_way_to_get_it_again():
    app = opened("source=nis&view=routes&colours=dark&size=square&dpi=96")
    whole = dataset.load()
    chosen = Selection(source=("nis",), view="routes")
    picture = Picture(size_mm=(210, 210), theme="dark", dpi=96)
    (image,) = app.get("image")
    (shown,) = image.proto.imgs
    words, link, command = boxes(app)
    assert shown.alt == words == files.alt_text(whole, chosen, picture)
    assert command == files.command_line(FORMATS["png"], whole, chosen, picture)
    assert parse_qs(urlsplit(link).query) == address(app)
    assert address(app) == {
        "source": ["nis"],
        "view": ["routes"],
        "colours": ["dark"],
        "size": ["square"],
        "dpi": ["96"],
    }
    assert selection.sentence(whole, chosen) in told(app)
    assert "793 × 793 dots" in told(app)


def test_choices_stand_in_the_address_unless_they_are_the_default():
    app = opened()
    assert address(app) == {}
    app.selectbox(key="export.size").select("a3-portrait").run()
    assert address(app) == {"size": ["a3-portrait"]}
    app.selectbox(key="export.view").select("base").run()
    assert address(app) == {"size": ["a3-portrait"], "view": ["base"]}
    app.selectbox(key="export.size").select("a4-landscape").run()
    app.selectbox(key="export.file").select("svg").run()
    assert address(app) == {"file": ["svg"], "view": ["base"]}
    assert "export.dpi" not in [box.key for box in app.selectbox], "an SVG has no dots"
    assert not app.exception


@pytest.mark.parametrize("name", ["geojson", "csv"])
def test_data_are_made_when_asked_and_their_beginning_is_shown(name):
    app = opened()
    app.radio(key="export.kind").set_value("data").run()
    app.selectbox(key="export.file").select(name).run()
    assert not app.get("download_button") and len(boxes(app)) == 2
    app.button(key="export.make").click().run()
    assert not app.exception
    (button,) = app.get("download_button")
    assert button.proto.url
    made = files.make(FORMATS[name], dataset.load(), Selection())
    assert made.decode("utf-8").startswith(boxes(app)[0][:1000])
    assert files.size_of(made, "en") in told(app)
    # Another choice is another file, not made yet.
    app.button_group(key="source").select("nis").run()
    assert not app.get("download_button")


def test_typed_bounds_start_from_the_view_and_are_kept():
    app = opened("view=pokrovsk")
    app.selectbox(key="export.view").select("").run()
    west, south, east, north = dataset.load().view("pokrovsk").bounds
    assert [app.number_input(key=f"export.{k}").value for k in ("west", "south")] == [west, south]
    app.number_input(key="export.west").set_value(west - 1).run()
    assert address(app)["bounds"] == [f"{west - 1:g},{south:g},{east:g},{north:g}"]
    assert f"--view {west - 1:g},{south:g},{east:g},{north:g}" in boxes(app)[2]
    app.selectbox(key="export.view").select("routes").run()
    assert address(app) == {"view": ["routes"]}
    assert not app.exception


@pytest.mark.parametrize("bounds", ["5,2,3,4", "nowhere", "nan,1,2,3", "1e300,0,2e300,1"])
@pytest.mark.parametrize("lang", texts.languages())
def test_bounds_that_are_none_are_a_message(bounds, lang):
    app = opened(f"bounds={bounds}&lang={lang}")
    (error,) = app.error
    assert ("These bounds" if lang == "en" else "Ces limites") in error.value
    assert not app.get("image") and not app.get("download_button")


def test_what_the_address_asks_for_in_vain_is_passed_over():
    app = opened("file=exe&size=a9&colours=neon&dpi=100000")
    command = boxes(app)[-1]
    assert command == files.command_line(FORMATS["png"], dataset.load(), Selection(), Picture())


def test_the_layers_on_the_map_are_in_the_files_and_told(tmp_path):
    file = tmp_path / "districts.geojson"
    file.write_text('{"type": "Point", "coordinates": [37.2, 48.2]}', "utf-8")
    layer = overlays.load(file, attribution="Me")
    picture = Picture(size_mm=(210, 210), dpi=96)
    app = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60)
    drawn = (layer.overlay, layer.drawing)
    held = [
        own_layers.Held(1, b"", *drawn, ("", ""), attribution="Me"),
        own_layers.Held(2, b"", *drawn, ("", ""), shown=False),
    ]
    app.session_state["overlays"] = held
    app.switch_page("pages/export.py")
    for key, value in {"view": "pokrovsk", "size": "square", "dpi": "96"}.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    assert "districts (source: Me)" in told(app) and "not named" not in told(app)
    words, _link, command = boxes(app)
    context = (replace(layer, label=None),)
    assert words == files.alt_text(dataset.load(), Selection(view="pokrovsk"), picture, context)
    assert words.endswith("districts (source: Me).")
    assert command.count("--overlay districts.geojson --overlay-source Me") == 1
    with_layer = app.get("image")[0].proto.imgs[0].url
    held[0].shown = False
    app.run()
    assert app.get("image")[0].proto.imgs[0].url != with_layer
    held[0].shown = True
    app.query_params["file"] = "csv"
    app.run()
    assert "not in this file" in told(app) and "--overlay" not in boxes(app)[-1]


def test_a_handout_without_a_briefing_is_a_message(tmp_path, monkeypatch):
    rows = builders.tables()
    rows["briefing"].clear()
    monkeypatch.setenv("CLAIMS_DATASET", str(builders.write(tmp_path / "story", rows)))
    app = opened("file=handout")
    assert str(tmp_path / "story") in boxes(app)[-1]
    app.button(key="export.make").click().run()
    assert not app.exception
    assert "no briefing" in app.error[0].value


def test_the_page_speaks_french():
    app = opened("lang=fr")
    assert app.selectbox(key="export.size").options[0] == "A4, paysage"
    assert app.button(key="export.make").label == "Créer le fichier"
    assert "Carte" in boxes(app)[0]


def test_views_of_one_title_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("CLAIMS_DATASET", str(poison(tmp_path / "hostile")))
    app = opened()
    view = app.selectbox(key="export.view")
    assert len(set(view.options)) == len(view.options) == 5
    view.select("base").run()
    assert address(app) == {"view": ["base"]}
    assert not app.exception


# In the browser


def test_the_file_that_is_fetched_is_the_one_that_the_commands_make(
    dashboard_url, open_page, tmp_path
):
    query = "source=nis&layer=sourced&view=routes"
    own = "dpi=96&colours=grey&size=a4-portrait"
    visit = open_page(f"{dashboard_url}/export?{query}&{own}", block_foreign=True)
    page = visit.page
    page.get_by_role("button", name="Make the file").click()
    fetch = page.get_by_role("button", name="Download")
    fetch.wait_for()
    visit.settle()
    with page.expect_download() as loading:
        fetch.click()
    loaded = loading.value
    out = tmp_path / loaded.suggested_filename
    loaded.save_as(out)
    with Image.open(out) as picture:
        assert picture.size == (793, 1122)
        assert picture.text["query"] == query
    preview = page.locator(".st-key-exportpreview img")
    assert preview.get_attribute("alt").startswith("Map, ")
    box = preview.bounding_box()
    assert box["width"] / box["height"] == pytest.approx(210 / 297, abs=0.02)

    command = page.locator("code").last.inner_text()
    words = shlex.split(command.replace(out.name, str(tmp_path / "again.png")))[3:]
    assert main(words) == 0
    flags = ["--source", "nis", "--layer", "sourced", "--view", "routes"]
    flags += ["--dpi", "96", "--colours", "grey", "--size", "a4-portrait"]
    assert main(["snapshot", "-o", str(tmp_path / "flags.png"), *flags]) == 0
    again, by_flags = ((tmp_path / name).read_bytes() for name in ("again.png", "flags.png"))
    assert out.read_bytes() == again == by_flags
    assert visit.foreign() == []


def test_the_page_has_no_fault_that_axe_finds(dashboard_url, open_page):
    for size, query in (((1366, 768), "dpi=96"), ((390, 844), "file=geojson&lang=fr")):
        context = {"viewport": {"width": size[0], "height": size[1]}}
        visit = open_page(f"{dashboard_url}/export?{query}", **context)
        visit.page.wait_for_selector("header.page h1")
        visit.settle()
        wide = visit.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size[0]
        found = Axe().run(visit.page, context=".stMainBlockContainer").response["violations"]
        assert [(v["id"], [n["html"] for n in v["nodes"]]) for v in found] == []


def test_a_snapshot_is_fetched_beside_the_map(dashboard_url, open_page, tmp_path):
    visit = open_page(f"{dashboard_url}/?source=nis&view=routes&lang=fr")
    page = visit.page
    page.get_by_role("button", name="Instantané").click()
    button = page.get_by_role("button", name="PNG")
    button.wait_for()
    with page.expect_download() as loading:
        button.click()
    loading.value.save_as(tmp_path / "map.png")
    content = (tmp_path / "map.png").read_bytes()
    chosen = replace(Selection(), source=("nis",), view="routes", lang="fr")
    assert content == files.make(FORMATS["png"], dataset.load(), chosen)
    assert Image.open(io.BytesIO(content)).text["query"] == chosen.query_string()
    words = page.locator("[data-testid=stPopoverBody] code").inner_text()
    assert words == files.alt_text(dataset.load(), chosen, Picture())
    page.get_by_role("link", name=re.compile("Exporter")).last.click()
    page.wait_for_url("**/export?**")
    page.get_by_role("button", name="Créer le fichier").wait_for()
    assert parse_qs(urlsplit(page.url).query) == chosen.to_query()


def test_a_preview_of_very_many_claims_waits_to_be_asked_for(tmp_path, monkeypatch):
    generate.write(tmp_path / "many", 2001)
    monkeypatch.setenv("CLAIMS_DATASET", str(tmp_path / "many"))
    app = opened("theme=transport&confidence=high")
    assert app.get("image")
    assert not [button for button in app.button if button.key == "export.preview"]
    app = opened()
    assert app.button(key="export.preview").label == "Draw the preview"
    assert not app.get("image")
