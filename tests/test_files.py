"""The table of files: whole, worded, and its command lines make what they say."""

from __future__ import annotations

import io
import math
import shlex
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import builders
import geopandas as gpd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from geo import dataset, exports, files, overlays, plate, texts
from geo.__main__ import main
from geo.files import FORMATS, FileError, Picture
from geo.selection import Selection

ROOT = Path(__file__).resolve().parent.parent
PNG = FORMATS["png"]


def small_png(**options) -> Picture:
    return Picture(**{"dpi": 50} | options)


# The table


def test_every_writer_has_its_format_and_every_format_its_words():
    assert {form.suffix for form in files.by_kind("data")} == set(exports.WRITERS)
    assert {form.suffix[1:] for form in files.by_kind("picture")} == set(plate.FORMATS)
    assert {form.kind for form in FORMATS.values()} == set(files.KINDS)
    for lang in texts.languages():
        told = files.words(lang)
        assert all(all(told[name]) for name in FORMATS)


def test_no_two_formats_of_a_command_share_a_suffix():
    for command in {form.command for form in FORMATS.values()}:
        mine = [form for form in FORMATS.values() if form.command == command]
        assert list(files.by_suffix(command).values()) == mine


def test_every_page_and_every_theme_has_its_words():
    for lang in texts.languages():
        assert list(files.size_words(lang)) == list(files.sizes()) == list(plate.SIZES)
        assert tuple(files.colour_words(lang)) == plate.THEMES
        assert len(set(files.size_words(lang).values())) == len(plate.SIZES)


def test_what_draws_is_imported_only_when_something_is_drawn():
    code = (
        "import sys, geo.__main__ as m;"
        " print([n for n in ('matplotlib', 'docx', 'typst', 'folium') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


# Names and measures


def test_names_tell_the_view_and_what_it_is():
    whole, chosen = dataset.load(), Selection(view="routes", as_of=date(2024, 10, 18))
    plain = "troop-shipments-2024_routes_2024-10-18"
    names = {name: files.file_name(f, whole, chosen, Picture()) for name, f in FORMATS.items()}
    assert names["png"] == f"{plain}.png" and names["geojson"] == f"{plain}.geojson"
    assert names["report-pdf"] == f"{plain}_report.pdf"
    assert len(set(names.values())) == len(FORMATS)
    typed = Picture(bounds=(1, 2, 3, 4))
    assert files.file_name(PNG, whole, chosen, typed) == f"{plain.replace('routes', 'detail')}.png"
    assert files.file_name(FORMATS["csv"], whole, chosen, typed) == f"{plain}.csv"


@pytest.mark.parametrize(
    ("size_mm", "dpi"),
    [*zip(plate.SIZES.values(), (96, 50, 72, 144, 96, 144), strict=True)],
    ids=plate.SIZES,
)
def test_dots_are_those_of_the_picture(size_mm, dpi):
    picture = Picture(size_mm=size_mm, dpi=dpi)
    content = files.make(PNG, builders.small(), Selection(), picture)
    assert Image.open(io.BytesIO(content)).size == files.pixels(picture)


def test_a_slide_fills_a_full_hd_screen():
    slide = Picture(size_mm=plate.SIZES["slide-16-9"], dpi=144)
    assert files.pixels(slide) == (1920, 1080)
    assert files.measures(PNG, slide, "en") == "338.7 × 190.5 mm, 1,920 × 1,080 dots"
    assert "1\u202f920 × 1\u202f080" in files.measures(PNG, slide, "fr")
    assert "920" not in files.measures(FORMATS["svg"], slide, "en")


@pytest.mark.parametrize("size_mm", [(297, 420), (338.667, 190.5), (210, 210)])
def test_a_preview_is_the_same_picture_made_small(size_mm):
    wanted = Picture(size_mm=size_mm, theme="dark", dpi=600, bounds=(36, 47, 39, 49))
    small = Image.open(io.BytesIO(files.preview(builders.small(), Selection(), wanted)))
    assert max(small.size) < 1300
    width, height = small.size
    assert width / height == pytest.approx(size_mm[0] / size_mm[1], abs=0.005)
    assert small.text["bounds"] == "36,47,39,49"
    dark = sum(small.convert("L").histogram()[:100]) / (width * height)
    assert dark > 0.5


@pytest.mark.parametrize(
    ("count", "english", "french"),
    [(843_010, "843 kB", "843 ko"), (2_211_371, "2.2 MB", "2,2 Mo"), (40, "0 kB", "0 ko")],
)
def test_sizes_of_files_in_words(count, english, french):
    for lang, words in {"en": english, "fr": french}.items():
        said = files.size_of(bytes(count), lang)
        assert said.replace("\u202f", "\u00a0") == words.replace(" ", "\u00a0")


# Bounds


@given(
    st.floats(-360, 180), st.floats(-90, 89), st.floats(0.01, 360), st.floats(0.01, 100)
)  # fmt: skip
def test_bounds_that_are_a_box_are_read(west, south, wide, tall):
    box = (west, south, min(west + wide, west + 360), min(south + tall, 90))
    assert files.bounds(",".join(map(repr, box))) == box


@pytest.mark.parametrize(
    "text",
    [
        *("", "here", "1,2,3", "1,2,3,4,5", "5,2,3,4", "1,4,3,2", "1,2,1,4", "0,0,361,1"),
        *("nan,0,1,1", "0,0,inf,1", "0,-91,1,0", "0,0,1,91", "1e300,0,2e300,1", "-400,0,1,1"),
    ],
)
@pytest.mark.parametrize("lang", texts.languages())
def test_bounds_that_are_none_are_told_in_words(text, lang):
    with pytest.raises(FileError) as told:
        files.bounds(text, lang)
    assert told.value.of_options
    assert "126,39,135.5,44.6" in str(told.value)
    assert ("These bounds" in str(told.value)) == (lang == "en")
    assert files.edges(text) is None or all(map(math.isfinite, files.edges(text)))


# What cannot be made


def test_a_picture_too_large_is_told_in_words():
    with pytest.raises(FileError, match="too many") as told:
        files.make(PNG, builders.small(), Selection(), Picture(size_mm=(1200, 1200), dpi=1200))
    assert told.value.of_options
    with pytest.raises(FileError, match="Cette image"):
        files.make(PNG, builders.small(), Selection(lang="fr"), Picture(dpi=1))


def test_a_handout_without_a_briefing_is_told_in_words():
    whole = replace(builders.small(), briefing=builders.small().briefing.iloc[:0])
    with pytest.raises(FileError, match="no briefing") as told:
        files.make(FORMATS["handout"], whole, Selection())
    assert not told.value.of_options


@pytest.mark.parametrize("name", [n for n in FORMATS if n != "handout"])
def test_a_selection_that_shows_nothing_is_a_file_all_the_same(name):
    nothing = Selection(as_of=date(1999, 1, 1))
    assert len(files.make(FORMATS[name], builders.small(), nothing, small_png())) > 100


# Words for pictures


def test_the_words_for_typed_bounds_name_no_view():
    whole = dataset.load()
    chosen = Selection(view="routes")
    view = whole.view("routes")
    assert view.title in files.alt_text(whole, chosen, Picture())
    typed = files.alt_text(whole, chosen, Picture(bounds=whole.view("pokrovsk").bounds))
    assert view.title not in typed
    assert "Tsukuryne" in typed and "Vladivostok" not in typed.partition("Denied")[0]
    assert whole.view("routes") is view and len(whole.views) == 4


# The command line


@pytest.mark.parametrize(
    ("name", "chosen", "picture"),
    [
        ("png", Selection(), small_png()),
        (
            "png",
            Selection(source=("nis",), layer=("denied",), lang="fr", claim="shipped"),
            small_png(size_mm=(338.667, 190.5), theme="grey", bounds=(-76.25, 40, -72, 42)),
        ),
        ("svg", Selection(layer=(), as_of=date(2024, 10, 20)), Picture(size_mm=(150, 222.5))),
        ("pdf", Selection(status=("contested",)), Picture(size_mm=(297, 420), theme="dark")),
        ("geojson", Selection(source=("nis", "kbs")), Picture()),
        ("report-docx", Selection(lang="fr"), Picture()),
    ],
)
def test_the_command_makes_the_same_file(tmp_path, monkeypatch, capsys, name, chosen, picture):
    folder = builders.write(tmp_path / "it's a story")
    whole, form = dataset.load(folder), FORMATS[name]
    line = files.command_line(form, whole, chosen, picture, [str(folder)])
    monkeypatch.chdir(tmp_path)
    start, module, package, *words = shlex.split(line)
    assert [start, module, package] == ["python", "-m", "geo"]
    assert main(words) == 0
    made = Path(files.file_name(form, whole, chosen, picture))
    assert capsys.readouterr().out == f"{made}\n"
    assert made.read_bytes() == files.make(form, whole, chosen, picture)


def test_the_command_names_the_layers_of_context(tmp_path, monkeypatch, capsys):
    whole = dataset.load(builders.write(tmp_path / "story"))
    data = {"kind": ["a", "b"]}
    shapes = [shapely.box(0, 0, 20, 30), shapely.box(20, 0, 40, 30)]
    table = gpd.GeoDataFrame(data, geometry=shapes, crs="EPSG:4326")
    for name in ("one", "two: more"):
        table.to_file(tmp_path / "own layers.gpkg", layer=name)
    table.to_file(tmp_path / "front.geojson")
    context = (
        replace(overlays.load(tmp_path / "own layers.gpkg", "two: more:kind", "Me"), opacity=0.4),
        overlays.load(tmp_path / "front.geojson"),
    )
    monkeypatch.chdir(tmp_path)
    for name, told in (("png", True), ("html", True), ("report-docx", True), ("csv", False)):
        form, picture = FORMATS[name], small_png() if name == "png" else Picture()
        line = files.command_line(form, whole, Selection(), picture, ("story",), context)
        assert ("--overlay" in line) == told
        assert main(shlex.split(line)[3:]) == 0
        made = Path(files.file_name(form, whole, Selection(), picture))
        assert made.read_bytes() == files.make(form, whole, Selection(), picture, context)
    assert "'two: more'" in capsys.readouterr().err


def test_the_command_leaves_out_what_is_at_its_default():
    line = files.command_line(PNG, dataset.load(), Selection(), Picture())
    assert line == "python -m geo snapshot -o troop-shipments-2024_theatre_2025-02-01.png"
