"""The printed map: each format read back by another program than the one that wrote it."""

import io
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import builders
import geopandas as gpd
import numpy as np
import pytest
import shapely
from hostile import poison
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from geo import dataset, ink, labels, marks, overlays, plate, projection, selection, symbols, texts
from geo.__main__ import main
from geo.dataset import Dataset
from geo.selection import Selection

VIEWS = ("theatre", "routes", "base", "pokrovsk")
SVG = "{http://www.w3.org/2000/svg}"


@cache
def built_in() -> Dataset:
    return dataset.load()


@cache
def svg(chosen: Selection, **options) -> str:
    return plate.snapshot(built_in(), chosen, fmt="svg", **options).decode("utf-8")


def words(picture: str | bytes) -> list[str]:
    """The texts of an SVG, in drawing order."""
    found = ElementTree.fromstring(picture).iter(f"{SVG}text")
    return ["".join(text.itertext()) for text in found]


def png(chosen: Selection, whole: Dataset | None = None, **options) -> Image.Image:
    options = {"dpi": 60} | options
    content = plate.snapshot(whole or built_in(), chosen, fmt="png", **options)
    picture = Image.open(io.BytesIO(content))
    picture.load()
    return picture


def legend_of(said: list[str], lang: str = "en") -> list[str]:
    """The entries of the legend among the words of a plate."""
    known = {entry[2] for entry in symbols.legend(lang)}
    start = said.index("Legend" if lang == "en" else texts.translator(lang)("Legend"))
    return [word for word in said[start:] if word in known]


# Formats


def test_png_has_the_size_asked_for_and_tells_what_it_is():
    chosen = Selection(source=("nis",), view="routes")
    picture = png(chosen, size_mm=(254, 127), dpi=100)
    assert picture.size == (1000, 500)
    assert [round(dots) for dots in picture.info["dpi"]] == [100, 100]
    told = picture.text
    assert told["alt"].startswith("Map, ") and "sea routes" in told["alt"].lower()
    assert told["Title"].endswith(built_in().view("routes").title)
    assert told["Description"] == selection.sentence(built_in(), chosen)
    assert told["query"] == "source=nis&view=routes" == chosen.query_string()
    assert told["digest"] == built_in().digest
    assert told["as-of"] == built_in().days[1].isoformat()


def test_svg_holds_its_text_as_text_and_its_metadata():
    chosen = Selection(view="pokrovsk")
    said = words(svg(chosen))
    for word in ("Pokrovsk", "Tsukuryne", "Tsukuryne, as stated: 60 km SE", "60 km, as stated"):
        assert word in said, word
    assert built_in().view("pokrovsk").title in said
    tree = ElementTree.fromstring(svg(chosen))
    told = " ".join("".join(e.itertext()) for e in tree.iter() if e.tag.endswith("}metadata"))
    facts = (built_in().digest, "view=pokrovsk", selection.sentence(built_in(), chosen))
    assert all(fact in told for fact in facts)
    assert tree.find(f"{SVG}title").text.endswith("Pokrovsk and Tsukuryne")
    assert not list(tree.iter(f"{SVG}image")), "vectors, not a picture of them"
    outside = {value for e in tree.iter() for k, value in e.attrib.items() if k.endswith("href")}
    assert all(value.startswith("#") for value in outside)
    assert tree.find(f"{SVG}desc").text.startswith("Map, ")


def test_svg_needs_no_font():
    """Each text has its outlines before it, so that any program draws the same letters."""
    tree = ElementTree.fromstring(svg(Selection(view="routes")))
    ids = {e.get("id") for e in tree.iter()}
    axes = next(e for e in tree.iter(f"{SVG}g") if e.get("id") == "axes_1")
    written = 0
    for group in axes:
        said = group.find(f"{SVG}text")
        if said is None:
            continue
        drawn = list(group.find(f"{SVG}g").iter(f"{SVG}use"))
        assert len(drawn) == len(said.text), said.text
        assert {use.get("{http://www.w3.org/1999/xlink}href")[1:] for use in drawn} <= ids
        assert "fill-opacity: 0" in said.get("style")
        written += 1
    assert written == len(words(svg(Selection(view="routes")))) > 40


def test_text_of_an_svg_lies_where_its_letters_are(browser):
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_content(svg(Selection(view="routes", lang="fr")))
    boxes = page.evaluate(
        """() => [...document.querySelectorAll("text")].map(text => {
            const of = e => { const b = e.getBoundingClientRect();
                              return [b.left, b.top, b.right, b.bottom]; };
            const drawn = text.previousElementSibling;
            return [text.textContent, of(text), of(drawn)];
        })"""
    )
    assert len(boxes) > 40
    for said, text, drawn in boxes:
        wide = text[2] - text[0]
        assert abs(text[0] - drawn[0]) < 4 and abs(text[2] - drawn[2]) < 4 + 0.02 * wide, said
        assert text[1] - 3 < drawn[1] and drawn[3] < text[3] + 3, said
    assert page.evaluate("() => { getSelection().removeAllRanges(); return find('Oussouriïsk'); }")
    page.close()


def test_pdf_holds_its_text_as_text_and_its_metadata():
    chosen = Selection(view="pokrovsk", as_of=None)
    content = plate.snapshot(built_in(), chosen, fmt="pdf", size_mm=(210, 297))
    reader = PdfReader(io.BytesIO(content))
    (page,) = reader.pages
    sides = [float(side) * 25.4 / 72 for side in (page.mediabox.width, page.mediabox.height)]
    assert sides == pytest.approx([210, 297], abs=0.1)
    text = page.extract_text()
    assert "Tsukuryne" in text and "Legend" in text
    assert reader.metadata.title.endswith("Pokrovsk and Tsukuryne")
    assert reader.metadata.subject == selection.sentence(built_in(), chosen)
    assert built_in().digest in reader.metadata["/Keywords"]
    assert "query: view=pokrovsk" in reader.metadata["/Keywords"]
    assert len(page.images) == 0, "vectors, not a picture of them"
    assert "alt: Map, " in reader.metadata["/Keywords"]
    fonts = [font.get_object() for font in page["/Resources"]["/Font"].values()]
    assert any("OpenSans" in font["/BaseFont"] for font in fonts)
    for font in fonts:
        # A subset (six letters and a plus) of an outline font that is inside, with its Unicode.
        assert font["/BaseFont"][7] == "+" and "/ToUnicode" in font
        inner = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert len(inner["/FontFile2"].get_object().get_data()) > 500


@pytest.mark.parametrize("fmt", plate.FORMATS)
def test_equal_plates_are_equal_files(fmt):
    chosen = Selection(view="base")
    first, second = (plate.snapshot(built_in(), chosen, fmt=fmt, dpi=50) for _ in range(2))
    assert first == second


def test_threads_do_not_meet():
    def draw(view: str) -> bytes:
        return plate.snapshot(built_in(), Selection(view=view), fmt="svg")

    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(draw, ["routes", "base", "pokrovsk"] * 2))
    assert together == [draw(view) for view in ["routes", "base", "pokrovsk"]] * 2


NAMES = {
    "routes": {"Near Chongjin", "Near Musudan", "Ussuriysk", "Dunai, naval port", "245 km"},
    "pokrovsk": {"Pokrovsk", "Tsukuryne", "Tsukuryne, as stated: 60 km SE", "60 km, as stated"},
}


@pytest.mark.parametrize("view", NAMES)
@pytest.mark.parametrize("size", plate.SIZES)
def test_every_size_has_room_for_its_words(size, view):
    size_mm = plate.SIZES[size]
    picture = ElementTree.fromstring(svg(Selection(view=view), size_mm=size_mm))
    said = words(svg(Selection(view=view), size_mm=size_mm))
    assert "Legend" in said and set(said) >= NAMES[view]
    width, height = (float(picture.get(k).removesuffix("pt")) for k in ("width", "height"))
    assert [width, height] == pytest.approx([side * 72 / 25.4 for side in size_mm], abs=0.01)
    for text in picture.iter(f"{SVG}text"):
        # No word leaves the page.
        x, y = map(float, text.get("transform").split(")")[0].removeprefix("translate(").split())
        assert 0 < x < width and 0 < y < height
        if "rotate" not in text.get("transform"):
            assert x + float(text.get("textLength")) < width, text.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"fmt": "gif"},
        {"theme": "neon"},
        {"dpi": 10},
        {"dpi": math.nan},
        {"size_mm": (20, 20)},
        {"size_mm": (1200, 1200), "dpi": 1200},
        {"bounds": (10, 0, 5, 1)},
        {"bounds": (0, 0, math.inf, 1)},
        {"bounds": (0, -91, 10, 0)},
        {"bounds": (0, 0, 10)},
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=r"is |are "):
        plate.snapshot(built_in(), Selection(), **{"fmt": "png"} | wrong)


# Content


@pytest.mark.parametrize("lang", texts.languages())
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_names_what_it_shows(view, lang):
    chosen = Selection(view=view, lang=lang)
    said = words(svg(chosen))
    assert texts.in_language(vars(built_in().view(view)), "title", lang) in said
    assert selection.sentence(built_in(), chosen).replace("\u202f", "\u00a0") in said
    assert any(built_in().digest[:12] in line for line in said)
    assert any("GeoNames" in line for line in said)
    expected = {"theatre": "Moscow", "routes": "Ussuriysk", "base": "Ussuriysk"}
    name = {"fr": {"Moscow": "Moscou", "Ussuriysk": "Oussouriïsk"}}.get(lang, {})
    wanted = expected.get(view, "Tsukuryne")
    assert name.get(wanted, wanted) in said


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("layer", [("sourced",), ("denied",), selection.LAYERS])
def test_the_legend_lists_what_is_drawn_and_nothing_else(view, layer, monkeypatch):
    drawn: set[str] = set()
    plain = plate._Drawing.drew

    def drew(self, shape):
        drawn.add(shape.key)
        plain(self, shape)

    monkeypatch.setattr(plate._Drawing, "drew", drew)
    chosen = Selection(view=view, layer=layer)
    content = plate.snapshot(built_in(), chosen, fmt="svg").decode()
    table = symbols.table()
    wanted = {entry for key in drawn for entry in table[key].legend}
    assert legend_of(words(content)) == [w for k, _s, w in symbols.legend("en") if k in wanted]
    shown = marks.visible(marks.draw(built_in()), selection.apply(built_in(), chosen), chosen.layer)
    assert drawn <= set(marks.draw(built_in())[shown]["symbol"])


def test_a_denial_is_in_the_legend_only_where_the_layer_is_on():
    both = legend_of(words(svg(Selection(view="base"))))
    alone = legend_of(words(svg(Selection(view="base", layer=("sourced",)))))
    assert "Denied by implication" in both and "Denied by implication" not in alone


@pytest.mark.parametrize(
    "chosen",
    [
        Selection(layer=()),
        Selection(view="pokrovsk", theme=("plan",)),
        Selection(source=("nis",), theme=("front",), view="routes"),
    ],
    ids=["no layer", "elsewhere", "nothing kept"],
)
def test_an_empty_plate_says_so(chosen):
    said = words(svg(chosen))
    assert "Nothing of this selection lies on this map." in said
    assert legend_of(said) == []


def test_what_has_no_place_on_the_map_is_counted():
    said = " ".join(words(svg(Selection(view="pokrovsk"))))
    kept = selection.apply(built_in(), Selection())
    on_map = {"Pokrovsk", "Tsukuryne", "Ukraine"}  # the last holds all of the map
    away = len(kept.claims) - len(
        set(
            kept.features.loc[
                kept.places.loc[kept.features["place"], "name"].isin(on_map).to_numpy(), "claim"
            ]
        )
    )
    assert f"{away} claims that are kept have no place on this map" in said


def test_what_holds_the_whole_map_is_told():
    """An area without an edge in sight: a tint along the map's edge, and a line in the legend."""
    bounds = (132.5, 44.0, 134.5, 45.0)
    plain = " ".join(words(svg(Selection(layer=()), bounds=bounds)))
    said = " ".join(words(svg(Selection(layer=("sourced",)), bounds=bounds)))
    assert "Whole map lies inside: Russian Far East" in said and "Whole map" not in plain
    # Nothing else is there: the signs of what is not drawn stay out of the legend.
    assert not set(legend_of(words(svg(Selection(layer=("sourced",)), bounds=bounds))))
    empty, tinted = (
        np.asarray(png(Selection(layer=layer), bounds=bounds, theme="light").convert("RGB"))
        for layer in ((), ("sourced",))
    )
    changed = (empty.astype(int) != tinted).any(axis=2)
    height, width = changed.shape
    assert changed[:, : width // 20].any() and changed[:, -width // 20 :].any()
    assert not changed[height // 3 : height // 2, width // 3 : width * 2 // 3].any()


def test_a_denial_that_holds_the_whole_map_is_told():
    said = " ".join(words(svg(Selection(view="pokrovsk"))))
    assert "Denied for an area that holds this map: Ukraine" in said
    alone = " ".join(words(svg(Selection(view="pokrovsk", layer=("sourced",)))))
    assert "Denied for" not in alone


def test_counts_beside_signs_and_names_are_explained_where_they_stand():
    said = words(svg(Selection(view="theatre")))
    assert any(word.isdigit() for word in said) and any(" +" in word for word in said)
    text = " ".join(said)
    assert "n claims behind one sign" in text
    assert "n more places, too close to show apart" in text
    # Where there is a panel, it says which places those are.
    assert "Seoul" in text and "Tsukuryne +1: Pokrovsk" in text
    few = " ".join(words(plate.snapshot(builders.small(), Selection(layer=()), fmt="svg")))
    assert "n claims" not in few and "n more" not in few


@pytest.mark.parametrize("lang", texts.languages())
@pytest.mark.parametrize("view", VIEWS)
def test_alt_text_tells_what_is_drawn(view, lang):
    chosen = Selection(view=view, lang=lang)
    told = plate.alt_text(built_in(), chosen)
    _ = texts.translator(lang)
    assert len(told) <= 600
    assert texts.in_language(vars(built_in().view(view)), "title", lang) in told
    assert selection.sentence(built_in(), chosen) in told
    assert texts.day(built_in().days[1], lang) in told
    for start in ("Places: {names}.", "Denied: {claims}."):
        assert _(start).partition("{")[0] in told
    vague = _("Uncertain: {what}.").partition("{")[0]
    assert (vague in told) == (view != "pokrovsk")


def test_alt_text_counts_what_lies_in_the_view():
    told = plate.alt_text(built_in(), Selection(view="pokrovsk"))
    assert "7 claims drawn: asserted 5, contested 1, only denied 1." in told
    assert "Denied: North Korean soldiers deployed in Ukraine; " in told
    quiet = plate.alt_text(built_in(), Selection(view="pokrovsk", layer=("sourced",)))
    assert "Denied: " not in quiet
    nothing = plate.alt_text(built_in(), Selection(layer=()))
    assert "Nothing is drawn." in nothing and "Places: " not in nothing


@pytest.mark.parametrize("theme", plate.THEMES)
def test_themes_are_what_they_say(theme):
    dots = np.asarray(png(Selection(view="routes"), theme=theme).convert("RGB")).astype(int)
    chroma = (dots.max(axis=2) - dots.min(axis=2)).max()
    assert (chroma == 0) == (theme == "grey")
    assert (dots.mean() < 100) == (theme == "dark")


# Context


def layer_of(folder: Path, name: str, *shapes, said: str = "", source: str = "", **columns):
    """Shapes in degrees as a layer of context; ``said``: the field that colours them."""
    file = folder / f"{name}.geojson"
    data = {"name": [f"n{i}" for i in range(len(shapes))]} | columns
    gpd.GeoDataFrame(data, geometry=list(shapes), crs="EPSG:4326").to_file(file)
    return overlays.load(file, said, source)


@pytest.fixture
def pokrovsk_layers(tmp_path) -> tuple:
    """Two districts west and east of 37.1° E, a front between them, and depots."""
    west, east = shapely.box(36, 47.5, 37.1, 48.9), shapely.box(37.1, 47.5, 38.2, 48.9)
    front = shapely.LineString([(36.2, 48), (37.9, 48.1)])
    depots = [shapely.Point(36.4, 48.5), shapely.Point(36.5, 48.5)]
    return (
        layer_of(tmp_path, "districts", west, east, said="side", side=["West", "East"], source="B"),
        layer_of(tmp_path, "front", front, source="An institute"),
        layer_of(tmp_path, "depots", *depots),
    )


def test_context_lies_under_the_claims_and_is_told_in_the_legend(pokrovsk_layers):
    chosen = Selection(view="pokrovsk")
    told = words(plate.snapshot(built_in(), chosen, fmt="svg", context=pokrovsk_layers))
    start = told.index("Legend")
    for entry in ("depots", "front", "districts"):
        assert f"{entry} (context, not a claim)" in told[start:]
    assert {"West", "East"} <= set(told[start:])
    assert told[-1] == overlays.sentence(pokrovsk_layers, "en")
    assert "districts (source: B)" in told[-1] and "depots (source: not named)" in told[-1]
    bare, drawn = (
        np.asarray(png(chosen, context=context, bounds=(36, 47.6, 38.2, 48.8)).convert("RGB"))
        for context in ((), pokrovsk_layers[:1])
    )
    assert (bare != drawn).any(axis=2).mean() > 0.25
    # The strokes of denials and the claims' blue are as they were: nothing lies over them.
    for colour in (symbols.DENIED, symbols.SOURCED):
        own = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
        was, now = ((np.abs(each.astype(int) - own) < 3).all(axis=2) for each in (bare, drawn))
        assert was.sum() > 50 and now.sum() > 0.8 * was.sum()


def test_context_stands_in_the_words_and_facts_of_the_picture(pokrovsk_layers):
    chosen = Selection(view="pokrovsk", lang="fr")
    said = overlays.sentence(pokrovsk_layers, "fr")
    assert plate.alt_text(built_in(), chosen, pokrovsk_layers).endswith(said)
    assert png(chosen, context=pokrovsk_layers).text["context"] == said
    assert "context" not in png(chosen).text


def test_context_that_lies_elsewhere_is_said_to(tmp_path):
    far = layer_of(tmp_path, "far", shapely.box(-60, -30, -50, -20))
    told = words(plate.snapshot(built_in(), Selection(view="base"), fmt="svg", context=[far]))
    assert "none of it on this map" in " ".join(told)


@pytest.mark.parametrize("bounds", [(170, 50, 190, 60), (-190, 50, -170, 60)])
def test_context_goes_on_over_the_antimeridian(tmp_path, bounds):
    across = layer_of(tmp_path, "across", shapely.box(172, 51, 188, 59))
    bare, drawn = (
        np.asarray(png(Selection(), bounds=bounds, context=context).convert("RGB"))
        for context in ((), (across,))
    )
    changed = (bare != drawn).any(axis=2)
    left, right = np.array_split(changed[: changed.shape[0] // 2], 2, axis=1)
    assert left.mean() > 0.2 and right.mean() > 0.2


@pytest.mark.parametrize("theme", ["dark", "grey"])
def test_context_has_the_colours_of_the_theme(pokrovsk_layers, theme):
    picture = png(Selection(view="pokrovsk"), theme=theme, context=pokrovsk_layers)
    dots = np.asarray(picture.convert("RGB")).astype(int)
    assert ((dots.max(axis=2) - dots.min(axis=2)).max() == 0) == (theme == "grey")
    tones = [ink.LOOKS[theme].tone(c) for c in (*overlays.HUES, *overlays.RAMP)]
    assert len(set(tones)) == len(tones) or theme == "grey"
    assert len({*tones[:4]}) == 4 and len({*tones[4:]}) == 5


def test_much_context_leaves_the_map_its_room(tmp_path):
    kinds = [f"a kind of district with a long name {i}" for i in range(8)]
    shapes = [shapely.box(36 + i / 4, 47.8, 36.2 + i / 4, 48.6) for i in range(8)]
    long = "Source with a long name, " * 8
    many = [
        layer_of(tmp_path, f"l{i}", *shapes, said="kind", kind=kinds, source=long) for i in range(6)
    ]
    for size_mm in ((297, 210), (100, 100)):
        content = plate.snapshot(
            built_in(), Selection(view="pokrovsk"), fmt="svg", size_mm=size_mm, context=many
        )
        assert any(word.startswith("Context under the claims") for word in words(content))
        if size_mm == (297, 210):
            assert "entries of context have" in " ".join(words(content))


@pytest.mark.parametrize("name", ["$x_1$", "북한 평양", "\u202eevil", "<b>&lt;</b>"])
def test_any_name_of_context_can_be_drawn(tmp_path, name):
    shapes = shapely.box(36, 47.5, 37, 48.9), shapely.box(37, 47.5, 38, 48.9)
    one = layer_of(tmp_path, "own", *shapes, said="kind", kind=[name, "other"], source=name)
    content = plate.snapshot(built_in(), Selection(view="pokrovsk"), fmt="svg", context=[one])
    assert ink.printable(name).strip() in words(content)
    assert "\u202e" not in content.decode()


def test_signs_differ_in_print_without_colour():
    """Each sign of the legend, in grey, differs from each other in many of its dots."""
    pictures = {}
    for entry, key, _words in symbols.legend("en"):
        pen = ink.Pen((36, 36), ink.LOOKS["grey"], (0, 0, 36, 36), 1.0, "en")
        plate._swatch(pen, key, 18, 18)
        content = ink.encode(pen, {"title": "", "description": ""}, "png", 200)
        picture = Image.open(io.BytesIO(content)).convert("L")
        # Black and white: shades are colours as well.
        pictures[entry] = np.asarray(picture.point(lambda v: 255 * (v > 200)))
    # "Transport" and "as told" are one sign by design: what the one says the other leaves open.
    same = {("theme-transport", "basis-reported")}
    for one in pictures:
        for other in pictures:
            if one < other and not {(one, other), (other, one)} & same:
                assert (pictures[one] != pictures[other]).sum() > 12, (one, other)


# Over the antimeridian, and near the poles


@pytest.fixture(scope="module")
def pacific(tmp_path_factory) -> Dataset:
    rows = builders.tables()
    spots = ((178, 62), (-178, 65), (179.5, 52), (-170, 58), (175, 60))
    for place, (lon, lat) in zip(rows["places"], spots, strict=False):
        place["lon"], place["lat"] = str(lon), str(lat)
    return builders.load(tmp_path_factory.mktemp("pacific") / "p", rows)


@pytest.mark.parametrize("bounds", [(170, 48, 196, 68), (-190, 48, -164, 68), (150, 40, 210, 70)])
def test_both_sides_of_the_antimeridian_are_on_one_map(pacific, bounds):
    said = words(plate.snapshot(pacific, Selection(), fmt="svg", bounds=bounds))
    assert {"180°"} < set(said)
    assert any(word.endswith("° W") for word in said)
    assert any(word.endswith("° E") for word in said)
    west, east = pacific.places["lon"].max(), pacific.places["lon"].min()
    names = pacific.places.set_index("lon")["name"]
    shown = {word.partition(" +")[0] for word in said}
    assert {names[west], names[east]} <= shown


def test_the_same_sea_seen_from_either_side_is_the_same_map(pacific):
    one, other = (
        words(plate.snapshot(pacific, Selection(), fmt="svg", bounds=bounds))
        for bounds in ((170, 48, 196, 68), (-190, 48, -164, 68))
    )
    assert one == other


@pytest.mark.parametrize("south", [60, -85])
def test_a_map_round_a_pole_has_no_single_north(pacific, south):
    bounds = (-180, south, 180, south + 25)
    said = words(plate.snapshot(pacific, Selection(), fmt="svg", bounds=bounds))
    assert "N" not in said and any("equal-area" in word for word in said)
    assert "N" in words(plate.snapshot(pacific, Selection(), fmt="svg", bounds=(160, 50, 199, 68)))


@settings(max_examples=4, deadline=None)
@given(
    st.floats(-200, 200), st.floats(-88, 80), st.floats(0.2, 359), st.floats(0.2, 150),
    st.sampled_from(list(plate.SIZES.values())),
)  # fmt: skip
def test_any_bounds_make_a_map(west, south, wide, tall, size_mm):
    bounds = (west, south, west + wide, min(south + tall, 89))
    content = plate.snapshot(built_in(), Selection(), fmt="svg", bounds=bounds, size_mm=size_mm)
    assert "Legend" in words(content)


# Labels


def meet(a, b) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def crowd(folder: Path, spots: list[tuple[float, float]]) -> Dataset:
    """A claim at each spot, of every theme, basis and vagueness in turn; a third is denied."""
    rows = builders.tables()
    tables = {"places": [], "claims": [], "statements": [], "features": [], "briefing": []}
    bases, kinds = symbols.BASES, ("city", "region", "port")
    for i, (lon, lat) in enumerate(spots):
        tables["places"].append(
            rows["places"][0] | {"id": f"p{i}", "name": f"Place {i}", "kind": kinds[i % 3],
            "lon": f"{lon:.4f}", "lat": f"{lat:.4f}", "uncertainty_m": str(i % 4 * 20000),
            "located_by": "gazetteer"}
        )  # fmt: skip
        theme = symbols.THEMES[i % len(symbols.THEMES)]
        tables["claims"].append(rows["claims"][1] | {"id": f"c{i}", "theme": theme})
        tables["statements"].append(rows["statements"][0] | {"id": f"s{i}", "claim": f"c{i}"})
        if i % 3 == 0:
            denial = rows["statements"][2] | {"id": f"d{i}", "claim": f"c{i}", "place": ""}
            tables["statements"].append(denial | {"scope": "direct" if i % 2 else "implied"})
        feature = {"id": f"f{i}", "claim": f"c{i}", "kind": "place", "place": f"p{i}"}
        tables["features"].append(feature | {"basis": bases[i % 3]})
    return builders.load(folder, rows | tables)


def scattered(count: int, west: float, south: float, east: float, north: float):
    """Spots spread evenly but without a pattern (additive recurrence of the golden ratio)."""
    t = np.arange(1, count + 1)
    lon = west + (east - west) * (t * 0.7548776662 % 1)
    lat = south + (north - south) * (t * 0.5698402910 % 1)
    return list(zip(lon.tolist(), lat.tolist(), strict=True))


CROWDS = {
    "300 worldwide": scattered(300, -179, -60, 179, 75),
    "200 in a region": scattered(200, 20, 35, 45, 55),
    "one": [(30.1, 50.8)],
    "over the antimeridian": scattered(12, 172, 50, 179, 66) + scattered(6, -179, 52, -170, 60),
    "round the pole": scattered(12, -179, 80, 179, 89),
}


@pytest.mark.parametrize("name", CROWDS)
def test_other_datasets_are_drawn_and_their_labels_do_not_meet(tmp_path, name, monkeypatch):
    whole = crowd(tmp_path / "crowd", CROWDS[name])
    seen = spy_on_labels(monkeypatch)
    said = words(plate.snapshot(whole, Selection(), fmt="svg"))
    chosen, obstacles = placed_in(seen[-1])
    assert any(word.startswith("Place ") for word in said)
    assert legend_of(said)
    for i, boxes in enumerate(chosen):
        others = [b for each in chosen[:i] for b in each]
        assert not any(meet(b, other) for b in boxes for other in others)
    left, bottom, right, top = seen[-1][2]
    for b in obstacles:
        # (what blocks labels is a sign, and no sign is cut by the edge)
        assert b[0] < right and b[2] > left and b[1] < top and b[3] > bottom


def spy_on_labels(monkeypatch) -> list:
    seen = []
    plain = labels.place_labels

    def spy(wanted, obstacles, frame):
        placed = plain(wanted, obstacles, frame)
        seen.append((wanted, list(obstacles), frame, placed))
        return placed

    monkeypatch.setattr(labels, "place_labels", spy)
    return seen


def placed_in(call) -> tuple[list, list]:
    wanted, obstacles, _frame, placed = call
    return [w[n] for w, n in zip(wanted, placed, strict=True) if n is not None], obstacles


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size_mm", [(297, 210), (210, 297)])
def test_on_the_plates_no_label_meets_another_or_a_mark(view, size_mm, monkeypatch):
    seen = spy_on_labels(monkeypatch)
    plate.snapshot(built_in(), Selection(view=view), fmt="svg", size_mm=size_mm)
    # The last call places what is drawn; those before it try where the legend may stand.
    chosen, obstacles = placed_in(seen[-1])
    assert len(chosen) > 5 and len(obstacles) > 5
    for i, boxes in enumerate(chosen):
        others = [b for each in chosen[:i] for b in each] + obstacles
        assert not any(meet(b, other) for b in boxes for other in others)


def drawing_of(view: str) -> tuple[plate._Drawing, ink.Pen]:
    _kept, shown = plate._shown(built_in(), Selection(view=view))
    window = projection.window(built_in().view(view).bounds, (24.0, 50.0, 818.0, 520.0))
    pen = ink.Pen((842, 595), ink.LOOKS["light"], window.frame, 1.0, "en", dry=True)
    return plate._draw_marks(pen, plate._shapes(shown, window, pen.unit)), pen


def test_bars_of_routes_that_run_together_keep_apart():
    drawing, pen = drawing_of("routes")
    bars = np.array(drawing.bars)
    assert len(bars) > 10
    apart = np.hypot(*(bars[:, None] - bars[None]).transpose(2, 0, 1))
    np.fill_diagonal(apart, np.inf)
    assert apart.min() >= 2.8 * 9 * pen.unit - 1e-6


@pytest.mark.parametrize("corner", [(0, 0), (1, 0), (0, 1), (1, 1)])
def test_a_row_of_signs_at_the_edge_moves_in(corner):
    frame = (10.0, 10.0, 400.0, 300.0)
    pen = ink.Pen((500, 400), ink.LOOKS["light"], frame, 1.0, "en", dry=True)
    _kept, shown = plate._shown(built_in(), Selection(view="routes"))
    window = projection.window(built_in().view("routes").bounds, frame)
    shapes = [s for s in plate._shapes(shown, window, pen.unit) if s.symbol.kind == "point"][:6]
    x, y = frame[0 + 2 * corner[0]], frame[1 + 2 * corner[1]]
    stack = plate._Stack(x, y, [(s, s.symbol, s.mark["label"]) for s in shapes])
    drawing = plate._Drawing()
    plate._draw_stack(pen, stack, drawing)
    row = drawing.obstacles[-1]
    assert row[0] >= 10 and row[1] >= 10 and row[2] <= 400 and row[3] <= 300


# Hostile text


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory) -> tuple[Dataset, Path]:
    """The hostile dataset, and the file that it would write."""
    folder = tmp_path_factory.mktemp("plate")
    return dataset.load(poison(folder / "hostile")), folder / "pwned"


@pytest.mark.parametrize("fmt", plate.FORMATS)
def test_hostile_text_stays_text(poisoned, fmt):
    whole, written = poisoned
    content = plate.snapshot(whole, Selection(view="routes"), fmt=fmt, dpi=60)
    assert not written.exists()
    told = plate.alt_text(whole, Selection(view="routes"))
    assert len(told) <= 600 and "\u202e" not in told
    if fmt == "svg":
        tree = ElementTree.fromstring(content)
        assert {e.tag.rpartition("}")[2] for e in tree.iter()} <= {
            *("svg", "metadata", "RDF", "Work", "type", "format", "creator", "Agent", "title"),
            *("description", "subject", "Bag", "li", "defs", "style", "g", "path", "text", "use"),
            *("clipPath", "rect", "tspan", "date", "desc", "language"),
        }
        assert any(word.startswith("<img src=x onerror=") for word in words(content))
        assert not [k for e in tree.iter() for k in e.attrib if k.lower().startswith("on")]


@pytest.mark.parametrize(
    "name", ["$x_1$", r"$\frac{1", "a\x00b\x1b[31m", "북한 평양", "\u202eevil", "a\nb", "&lt;<&>"]
)
@pytest.mark.parametrize("fmt", plate.FORMATS)
def test_any_name_can_be_drawn(name, fmt):
    whole = builders.changed(builders.small(), "places", "town", name=name)
    whole = replace(whole, title=name)
    content = plate.snapshot(whole, Selection(), fmt=fmt, dpi=60)
    if fmt == "svg":
        said = words(content)
        assert ink.printable(name).strip() in said
        assert not any(c in "\x00\x1b\u202e" for word in said for c in word)


@pytest.fixture
def syllable(tmp_path):
    """A font of this machine that has the one sign 뷁, a box, while the test runs."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from matplotlib import font_manager

    box = TTGlyphPen(None)
    for step, point in enumerate([(0, 0), (0, 700), (700, 700), (700, 0)]):
        (box.lineTo if step else box.moveTo)(point)
    box.closePath()
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder([".notdef", "syllable"])
    font.setupCharacterMap({ord("뷁"): "syllable"})
    font.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "syllable": box.glyph()})
    font.setupHorizontalMetrics({".notdef": (500, 0), "syllable": (800, 0)})
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "One Syllable Sans", "psName": "OneSyllableSans"})
    font.setupOS2()
    font.setupPost()
    font.save(tmp_path / "one.ttf")
    listed = list(font_manager.fontManager.ttflist)
    for known in (ink._stand_in, ink.printable):
        known.cache_clear()
    # Alone, so that it does not matter which fonts the machine has.
    ours = [entry for entry in listed if entry.name in ("Open Sans", "DejaVu Sans")]
    font_manager.fontManager.ttflist[:] = ours
    font_manager.fontManager.addfont(tmp_path / "one.ttf")
    yield "뷁"
    font_manager.fontManager.ttflist[:] = listed
    for known in (ink._stand_in, ink.printable):
        known.cache_clear()


@pytest.mark.parametrize("fmt", plate.FORMATS)
def test_a_sign_that_open_sans_lacks_comes_from_another_font(syllable, fmt):
    whole = builders.changed(builders.small(), "places", "town", name=f"{syllable}릵 Town")
    content = plate.snapshot(whole, Selection(), fmt=fmt, dpi=60)
    if fmt == "svg":
        # What no font has is marked as missing.
        assert f"{syllable}\ufffd Town +1" in words(content)
        assert "OneSyllableSans" in content.decode("utf-8")
    if fmt == "pdf":
        (page,) = PdfReader(io.BytesIO(content)).pages
        assert f"{syllable}\ufffd Town" in page.extract_text()


def test_a_dollar_is_a_dollar():
    whole = builders.changed(builders.small(), "places", "town", name="$x_1$ & $y^2$")
    assert "$x_1$ & $y^2$ +1" in words(plate.snapshot(whole, Selection(), fmt="svg"))


# The command line


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf", ".PNG"])
def test_snapshot_writes_a_picture(tmp_path, capsys, suffix):
    out = tmp_path / f"map{suffix}"
    assert main(["snapshot", "-o", str(out), "--view", "base", "--dpi", "60"]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert out.read_bytes()[:4] in (b"\x89PNG", b"<?xm", b"%PDF")


def test_snapshot_takes_bounds_size_and_selection(tmp_path):
    out = tmp_path / "map.png"
    flags = ["--view", "-76,40,-72,42", "--size-mm", "127,127", "--dpi", "100", "--lang", "fr"]
    assert main(["snapshot", "-o", str(out), *flags, "--layer", "denied"]) == 0
    with Image.open(out) as picture:
        assert picture.size == (500, 500)
        assert picture.text["query"] == "layer=denied&lang=fr"
        assert picture.text["bounds"] == "-76,40,-72,42"


@pytest.mark.parametrize(
    "flags",
    [
        ["--view", "nowhere"],
        ["--view", "1,2,3"],
        ["--view", "5,2,3,4"],
        ["--size-mm", "10"],
        ["--size-mm", "1,1"],
        ["--dpi", "0"],
        ["-o", "x.gif"],
    ],
    ids=" ".join,
)
def test_wrong_usage_of_snapshot_is_told(tmp_path, capsys, flags):
    out = tmp_path / "map.png"
    with pytest.raises(SystemExit) as stopped:
        main(["snapshot", "-o", str(out), *flags])
    assert stopped.value.code == 2
    said = capsys.readouterr()
    assert said.out == "" and "error: " in said.err
    assert list(Path(tmp_path).iterdir()) == []
