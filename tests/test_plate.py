"""The printed map: each format read back by another program than the one that wrote it."""

import io
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import builders
import numpy as np
import pytest
from hostile import poison
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pypdf import PdfReader

from geo import dataset, marks, plate, selection, symbols, texts
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
    assert "Open Sans" in svg(chosen)
    outside = {value for e in tree.iter() for k, value in e.attrib.items() if k.endswith("href")}
    assert all(value.startswith("#") for value in outside)


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
    fonts = {font["/BaseFont"] for font in page["/Resources"]["/Font"].values()}
    assert any("OpenSans" in font for font in fonts)


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


@pytest.mark.parametrize("size_mm", plate.SIZES.values(), ids=plate.SIZES)
def test_every_size_has_room_for_its_words(size_mm):
    picture = ElementTree.fromstring(svg(Selection(view="routes"), size_mm=size_mm))
    said = words(svg(Selection(view="routes"), size_mm=size_mm))
    assert "Legend" in said and "Near Chongjin" in said
    width, height = (float(picture.get(k).removesuffix("pt")) for k in ("width", "height"))
    assert [width, height] == pytest.approx([side * 72 / 25.4 for side in size_mm], abs=0.01)


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
    on_map = {"Pokrovsk", "Tsukuryne"}
    away = len(kept.claims) - len(
        set(
            kept.features.loc[
                kept.places.loc[kept.features["place"], "name"].isin(on_map).to_numpy(), "claim"
            ]
        )
    )
    assert f"{away} claims that are kept have no place on this map" in said


@pytest.mark.parametrize("view", VIEWS)
def test_alt_text_tells_what_is_drawn(view):
    told = plate.alt_text(built_in(), Selection(view=view))
    assert built_in().view(view).title in told and "Places: " in told
    assert selection.sentence(built_in(), Selection()) in told
    assert "Nothing is drawn." in plate.alt_text(built_in(), Selection(layer=()))


@pytest.mark.parametrize("theme", plate.THEMES)
def test_themes_are_what_they_say(theme):
    dots = np.asarray(png(Selection(view="routes"), theme=theme).convert("RGB")).astype(int)
    chroma = (dots.max(axis=2) - dots.min(axis=2)).max()
    assert (chroma == 0) == (theme == "grey")
    assert (dots.mean() < 100) == (theme == "dark")


def test_signs_differ_in_print_without_colour():
    """Each sign of the legend, in grey, differs from each other in many of its dots."""
    pictures = {}
    for entry, key, _words in symbols.legend("en"):
        figure = plate.Figure(figsize=(0.5, 0.5), facecolor="white")
        pen = plate._Pen(figure, plate._LOOKS["grey"], (0, 0, 36, 36), 1.0, "en")
        plate._swatch(pen, key, 18, 18)
        file = io.BytesIO()
        figure.set_dpi(200)
        plate.FigureCanvasAgg(figure).print_png(file)
        picture = Image.open(file).convert("L")
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


@settings(max_examples=12, deadline=None)
@given(
    st.floats(-200, 200), st.floats(-88, 80), st.floats(0.2, 359), st.floats(0.2, 150),
    st.sampled_from(list(plate.SIZES.values())),
)  # fmt: skip
def test_any_bounds_make_a_map_that_shows_all_of_them(west, south, wide, tall, size_mm):
    bounds = (west, south, west + wide, min(south + tall, 89))
    content = plate.snapshot(built_in(), Selection(), fmt="svg", bounds=bounds, size_mm=size_mm)
    assert "Legend" in words(content)
    # (drawn a whole turn nearer to the middle, where that is far)
    turn = 360 * math.floor(((bounds[0] + bounds[2]) / 2 + 180) / 360)
    west -= turn
    bounds = (west, south, west + wide, bounds[3])
    window = plate._window(bounds, (0, 0, 700, 400))
    t = np.linspace(0, 1, 9)
    lon, lat = np.meshgrid(west + t * wide, south + t * (bounds[3] - south))
    page = window.page(np.column_stack([lon.ravel(), lat.ravel()]))
    assert plate._inside(page, window.frame, -1.0).all()


# Labels

_edges = st.floats(0, 100, allow_nan=False)
_box = st.tuples(_edges, _edges, st.floats(0.1, 30), st.floats(0.1, 30)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
_position = st.lists(_box, min_size=1, max_size=3)


def meet(a, b) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@given(
    st.lists(st.lists(_position, max_size=4), max_size=12),
    st.lists(_box, max_size=8),
)
def test_no_label_meets_another_or_an_obstacle_or_leaves_the_frame(wanted, obstacles):
    frame = (5.0, 5.0, 110.0, 100.0)
    placed = plate.place_labels(wanted, obstacles, frame)
    assert len(placed) == len(wanted)
    taken = list(obstacles)
    for positions, number in zip(wanted, placed, strict=True):

        def free(boxes, taken=tuple(taken)):
            inside = all(b[0] >= 5 and b[1] >= 5 and b[2] <= 110 and b[3] <= 100 for b in boxes)
            return inside and not any(meet(b, other) for b in boxes for other in taken)

        first = next((i for i, boxes in enumerate(positions) if free(boxes)), None)
        assert number == first  # the best that is free, and none only where none is
        if number is not None:
            taken += positions[number]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size_mm", [(297, 210), (210, 297)])
def test_on_the_plates_no_label_meets_another_or_a_mark(view, size_mm, monkeypatch):
    seen = []
    plain = plate.place_labels

    def spy(wanted, obstacles, frame):
        placed = plain(wanted, obstacles, frame)
        seen.append((wanted, obstacles, frame, placed))
        return placed

    monkeypatch.setattr(plate, "place_labels", spy)
    plate.snapshot(built_in(), Selection(view=view), fmt="svg", size_mm=size_mm)
    ((wanted, obstacles, _frame, placed),) = seen
    chosen = [w[n] for w, n in zip(wanted, placed, strict=True) if n is not None]
    assert len(chosen) > 5 and len(obstacles) > 5
    for i, boxes in enumerate(chosen):
        others = [b for each in chosen[:i] for b in each] + list(obstacles)
        assert not any(meet(b, other) for b in boxes for other in others)


# Hostile text


@pytest.mark.parametrize("fmt", plate.FORMATS)
def test_hostile_text_stays_text(tmp_path, fmt):
    whole = dataset.load(poison(tmp_path / "hostile"))
    content = plate.snapshot(whole, Selection(view="routes"), fmt=fmt, dpi=60)
    assert not (tmp_path / "pwned").exists()
    if fmt == "svg":
        tree = ElementTree.fromstring(content)
        assert {e.tag.rpartition("}")[2] for e in tree.iter()} <= {
            *("svg", "metadata", "RDF", "Work", "type", "format", "creator", "Agent", "title"),
            *("description", "subject", "Bag", "li", "defs", "style", "g", "path", "text", "use"),
            *("clipPath", "rect", "tspan", "date"),
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
        assert plate._printable(name).strip() in said
        assert not any(c in "\x00\x1b\u202e" for word in said for c in word)


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
