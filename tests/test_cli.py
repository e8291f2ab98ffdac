"""The command line: exit status, what goes to which stream, and no traceback for bad input."""

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import asdict
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import builders
import pyogrio
import pytest
from PIL import Image
from pypdf import PdfReader

from geo import checks, dataset, files, marks, plate, searoute, selection
from geo.__main__ import main
from geo.selection import Selection

ROOT = Path(__file__).resolve().parent.parent
CHONGJIN, VLADIVOSTOK = "129.8167,41.7667", "131.8865,43.1115"


@pytest.fixture
def copy(tmp_path) -> Path:
    """A copy of the built-in dataset to spoil."""
    return Path(shutil.copytree(dataset.BUILT_IN, tmp_path / "copy"))


@pytest.fixture
def out(tmp_path) -> Path:
    return tmp_path / "out.geojson"


def spoil(folder: Path, table: str, old: str, new: str) -> None:
    file = folder / f"{table}.csv"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def refused(capsys, *argv) -> str:
    """Run what is wrong usage; return what it says, which is not on standard output."""
    with pytest.raises(SystemExit) as stopped:
        main([str(a) for a in argv])
    assert stopped.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    return said.err.splitlines()[-1]


def ids(path: Path) -> list[str]:
    return [f["id"] for f in json.loads(path.read_text(encoding="utf-8"))["features"]]


def shown(chosen: Selection) -> list[str]:
    """Ids of what the selection shows: the marks, then the claims that are kept without one."""
    whole = dataset.load()
    drawn = marks.draw(whole)
    kept = selection.apply(whole, chosen)
    on = drawn[marks.visible(drawn, kept, chosen.layer)]
    bare = [f"{claim}/unlocated" for claim in kept.claims.index if claim not in set(on["claim"])]
    return [*on["id"], *bare]


# As a program


def run(*argv: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "geo", *argv],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (("validate",), 0),
        (("check", "--json"), 1),
        (("export", "-o", "x.shp"), 2),
        ((), 2),
    ],
)
def test_exit_status(argv, status):
    done = run(*argv)
    assert done.returncode == status
    assert bool(done.stdout) == (status < 2)
    assert bool(done.stderr) == (status == 2)
    assert "Traceback" not in done.stderr


def test_names_outside_the_terminals_encoding_are_printed_all_the_same(copy):
    spoil(copy, "claims", ",presence,", ",Präsenz 북한,")
    done = run("validate", str(copy), PYTHONIOENCODING="ascii")
    assert done.returncode == 1
    assert "Pr\\xe4senz \\ubd81\\ud55c" in done.stdout


def test_a_reader_that_leaves_early_is_no_error():
    # The pipe's reading end is closed before anything is written.
    read, written = os.pipe()
    os.close(read)
    with os.fdopen(written, "wb") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "geo", "check", "--json"],
            cwd=ROOT,
            stdout=pipe,
            stderr=subprocess.PIPE,
            timeout=60,
        )
    assert done.stderr == b""


# validate


def test_a_valid_dataset(capsys):
    assert main(["validate"]) == 0
    assert capsys.readouterr().out == "troop-shipments-2024: no problems\n"
    assert main(["validate", str(dataset.BUILT_IN), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_every_problem_is_listed(capsys, copy):
    spoil(copy, "claims", ",presence,", ",magic,")
    spoil(copy, "statements", ",asserts,", ",shouts,")
    assert main(["validate", str(copy), "--json"]) == 1
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert [(p["table"], p["row"], p["field"], p["found"]) for p in found] == [
        ("claims", 2, "theme", "magic"),
        ("statements", 2, "stance", "shouts"),
    ]
    assert found[0]["expected"].startswith("one of: transport")
    assert said.err == ""
    assert main(["validate", str(copy)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and "row 2" in lines[0] and "'magic'" in lines[0]


def test_a_zip_is_a_dataset(capsys, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", dataset.BUILT_IN)
    assert main(["validate", archive]) == 0


@pytest.mark.parametrize("command", ["check", "export"])
def test_a_broken_dataset_is_told_on_standard_error(capsys, copy, out, command):
    spoil(copy, "claims", ",presence,", ",magic,")
    flags = ["-o", str(out)] if command == "export" else []
    assert main([command, str(copy), *flags]) == 1
    said = capsys.readouterr()
    assert said.out == "" and "'magic'" in said.err
    assert not out.exists()


@pytest.mark.parametrize("name", ["absent", "x" * 5000, "file.txt/within"])
def test_a_dataset_that_is_not_there(capsys, tmp_path, name):
    (tmp_path / "file.txt").touch()
    assert name in refused(capsys, "validate", tmp_path / name)


def test_a_file_that_is_no_dataset(capsys, tmp_path):
    (tmp_path / "file.txt").touch()
    assert main(["validate", str(tmp_path / "file.txt")]) == 1
    assert "header row" in capsys.readouterr().out


# check


def test_checks_are_those_of_the_library(capsys):
    assert main(["check", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found == [asdict(check) for check in checks.run(dataset.load())]
    assert [(c["kind"], c["verdict"]) for c in found] == [
        ("distance", "inconsistent"),
        ("direction", "consistent"),
        *[("transit", "consistent")] * 3,
    ]


def test_a_check_that_fits_is_fine(capsys, copy):
    spoil(copy, "features", ",60,SE,", ",24,SE,")
    assert main(["check", str(copy)]) == 0
    assert "This fits." in capsys.readouterr().out


def test_data_cannot_steer_the_terminal(capsys, copy):
    spoil(copy, "places", ",Tsukuryne,", ",\x1b]0;owned\x07Tsukuryne,")
    main(["check", str(copy)])
    said = capsys.readouterr().out
    assert "\x1b" not in said and "\x07" not in said and "]0;ownedTsukuryne" in said


# export


@pytest.mark.parametrize(
    ("flags", "chosen"),
    [
        ([], Selection()),
        (["--source", "nis"], Selection(source=("nis",))),
        (["--source", "nis", "kremlin"], Selection(source=("nis", "kremlin"))),
        (["--source", "kremlin", "--source", "nis"], Selection(source=("nis", "kremlin"))),
        (
            ["--layer", "denied", "--status", "contested", "--confidence", "low"],
            Selection(layer=("denied",), status=("contested",), confidence=("low",)),
        ),
        (["--theme", "plan", "--lang", "en"], Selection(theme=("plan",))),
        (["--as-of", "2024-10-18"], Selection(as_of=date(2024, 10, 18))),
        (["--url", "?source=nis&layer=denied"], Selection(source=("nis",), layer=("denied",))),
        (["--url", "as_of=2024-10-18#x"], Selection(as_of=date(2024, 10, 18))),
        (["--url", "http://localhost:8501/?view=base&utm=1"], Selection(view="base")),
    ],
)
def test_an_export_holds_what_the_selection_shows(capsys, out, flags, chosen):
    assert main(["export", "-o", str(out), *flags]) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == (f"{out}\n", "")
    assert ids(out) == shown(chosen)
    assert json.loads(out.read_text(encoding="utf-8"))["query"] == chosen.query_string()


def test_what_a_link_asks_for_in_vain_is_a_warning(capsys, out):
    link = "?source=nis&source=nobody&as_of=soon&view=moon&claim=none"
    assert main(["export", "-o", str(out), "--url", link]) == 0
    warnings = capsys.readouterr().err.splitlines()
    assert [w.split(";")[0] for w in warnings] == [
        f"warning: ignored {pair} of the link"
        for pair in ("source=nobody", "as_of=soon", "view=moon", "claim=none")
    ]
    assert "nis" in warnings[0] and "pokrovsk" in warnings[2]
    assert ids(out) == shown(Selection(source=("nis",)))


@pytest.mark.parametrize(
    ("flags", "allowed"),
    [
        (["--source", "nis", "nobody"], "kremlin"),
        (["--source", ""], "kremlin"),
        (["--confidence", "total"], "high, moderate, low, unassessed"),
        (["--status", "true"], "sourced, contested, denied, withdrawn, declined"),
        (["--theme", "sport"], "transport"),
        (["--layer", "top"], "sourced, denied"),
        (["--as-of", "soon"], "2024-10-22"),
        (["--as-of", ""], "2024-10-22"),
        (["--lang", "tlh"], "en"),
    ],
)
def test_values_the_dataset_lacks_are_wrong_usage(capsys, out, flags, allowed):
    said = refused(capsys, "export", "-o", out, *flags)
    assert flags[0] in said and repr(flags[-1]) in said
    assert allowed in said.partition(";")[2]
    assert not out.exists()


def test_a_link_and_flags_do_not_mix(capsys, out):
    said = refused(capsys, "export", "-o", out, "--url", "?source=nis", "--layer", "denied")
    assert "--url" in said


@pytest.mark.parametrize("name", ["map.shp", "map", "map.geojson.txt", ".geojson"])
def test_only_formats_that_work_are_offered(capsys, tmp_path, name):
    said = refused(capsys, "export", "-o", tmp_path / name)
    assert ".geojson" in said.rpartition("supported: ")[2]
    assert list(tmp_path.iterdir()) == []


def test_data_are_read_by_other_programs(tmp_path, capsys):
    made = {s: tmp_path / f"map{s.upper()}" for s in files.by_suffix("export")}
    for path in made.values():
        assert main(["export", "-o", str(path), "--source", "nis"]) == 0
    assert capsys.readouterr().out.split() == [str(path) for path in made.values()]
    kept = selection.apply(dataset.load(), Selection(source=("nis",)))
    for suffix in (".geojson", ".gpkg", ".kml"):
        layers = pyogrio.list_layers(made.pop(suffix))[:, 0]
        assert len(layers), suffix
    rows = list(csv.DictReader(io.StringIO(made.pop(".csv").read_text("utf-8-sig"))))
    assert len(rows) == len(kept.statements)
    assert set(dataset.load(made.pop(".zip")).claims.index) == set(kept.claims.index)
    assert json.loads(made.pop(".jsonld").read_text("utf-8"))["@context"]
    page = made.pop(".html").read_text("utf-8")
    assert page.startswith("<!doctype html>") and "</html>" in page
    assert not made, "a format that nobody reads back here"


# report, handout


def test_a_report_is_read_by_other_programs(tmp_path, capsys):
    story = builders.write(tmp_path / "story")
    for suffix in files.by_suffix("report"):
        out = tmp_path / f"paper{suffix}"
        assert main(["report", str(story), "-o", str(out), "--source", "nis"]) == 0
    with zipfile.ZipFile(tmp_path / "paper.docx") as package:
        assert package.testzip() is None
        tree = ElementTree.fromstring(package.read("word/document.xml"))
        assert any(name.startswith("word/media/") for name in package.namelist())
    assert "Shipped" in "".join(tree.itertext())
    pages = PdfReader(tmp_path / "paper.pdf").pages
    assert "Shipped" in " ".join(page.extract_text() for page in pages)


def test_a_handout_has_a_page_for_each_step(tmp_path, capsys):
    story, out = builders.write(tmp_path / "story"), tmp_path / "handout.pdf"
    assert main(["handout", str(story), "-o", str(out), "--lang", "fr"]) == 0
    (page,) = PdfReader(out).pages
    assert "A step." in page.extract_text()


def test_a_handout_without_a_briefing_is_a_problem(tmp_path, capsys):
    rows = builders.tables()
    rows["briefing"].clear()
    story, out = builders.write(tmp_path / "story", rows), tmp_path / "handout.pdf"
    assert main(["handout", str(story), "-o", str(out)]) == 1
    said = capsys.readouterr()
    assert said.out == "" and "briefing" in said.err
    assert not out.exists()


# snapshot


def test_flags_and_a_link_give_the_same_picture(tmp_path, capsys):
    common = ["--dpi", "60", "--size", "square", "--colours", "grey"]
    flags = ["--source", "nis", "--lang", "fr", "--view", "routes"]
    link = ["--url", "http://localhost:8501/export?source=nis&lang=fr&view=routes&file=png"]
    for name, more in {"flags.png": flags, "link.png": link, "other.png": flags[2:]}.items():
        assert main(["snapshot", "-o", str(tmp_path / name), *common, *more]) == 0
    first, second, third = (
        (tmp_path / f"{n}.png").read_bytes() for n in ("flags", "link", "other")
    )
    assert first == second != third
    with Image.open(tmp_path / "flags.png") as picture:
        assert picture.size == (496, 496)
        red, green, blue = picture.convert("RGB").split()
        assert red.tobytes() == green.tobytes() == blue.tobytes()


def test_a_view_of_its_own_goes_before_that_of_the_link(tmp_path):
    for name, more in {
        "one.svg": ["--url", "?view=routes&layer=sourced", "--view", "base"],
        "two.svg": ["--url", "?view=base&layer=sourced"],
    }.items():
        assert main(["snapshot", "-o", str(tmp_path / name), *more]) == 0
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--size", "a5"], "a4-landscape, a4-portrait"),
        (["--size", "square", "--size-mm", "210,210"], "not allowed with"),
        (["--colours", "neon"], "light"),
        (["--view", "5,2,3,4"], "west lies before east"),
        (["--dpi", "1200", "--size-mm", "1200,1200"], "too many"),
        (["--theme", "dark"], "--theme"),
    ],
)
def test_pictures_that_cannot_be_are_wrong_usage(tmp_path, capsys, flags, told):
    assert told in refused(capsys, "snapshot", "-o", tmp_path / "map.png", *flags)
    assert list(tmp_path.iterdir()) == []


def test_help_names_every_page_and_theme(capsys):
    with pytest.raises(SystemExit):
        main(["snapshot", "--help"])
    said = capsys.readouterr().out
    assert all(name in said for name in (*plate.SIZES, *plate.THEMES))


# Every file


def test_overlays_that_cannot_be_are_problems_of_their_files(tmp_path, capsys):
    good, bad = tmp_path / "good.geojson", tmp_path / "bad.kml"
    good.write_text('{"type": "Point", "coordinates": [37, 48]}', "utf-8")
    bad.write_text("<kml", "utf-8")
    argv = ["snapshot", "-o", str(tmp_path / "out.png"), "--overlay", f"{good}:side"]
    assert main([*argv, "--overlay", str(bad)]) == 1
    said = capsys.readouterr()
    assert said.out == "" and not (tmp_path / "out.png").exists()
    field, xml = said.err.splitlines()[-2:]
    assert field.startswith("good.geojson: found 'side', expected one of its fields")
    assert xml.startswith("bad.kml: ") and "well-formed XML" in xml


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["-o", "x.csv", "--overlay", str(ROOT / "README.md")], "holds claims alone"),
        (["-o", "x.html", "--overlay", "nowhere.kml:a:b"], "nowhere.kml:a:b: No such file"),
        (["-o", "x.html", "--overlay-source", "Me"], "belongs after an --overlay"),
        (
            ["-o", "x.html", "--overlay", str(ROOT / "README.md"), "--overlay-opacity", "nan"],
            "no number from 0.1 to 1",
        ),
    ],
)
def test_overlays_out_of_place_are_wrong_usage(capsys, tmp_path, monkeypatch, flags, told):
    monkeypatch.chdir(tmp_path)
    assert told in refused(capsys, "export", *flags)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".html", ".pdf"])
def test_overlays_are_named_in_what_is_made(capsys, tmp_path, suffix):
    layer, made = tmp_path / "front: line.geojson", tmp_path / f"out{suffix}"
    layer.write_text('{"type": "LineString", "coordinates": [[36, 48], [38, 48]]}', "utf-8")
    command = "export" if suffix == ".html" else "report"
    argv = [command, "-o", str(made), "--overlay", str(layer)]
    assert main([*argv, "--overlay-source", "An institute", "--source", "nis"]) == 0
    assert capsys.readouterr().err == ""
    text = made.read_text("utf-8") if suffix == ".html" else " ".join(
        page.extract_text() for page in PdfReader(made).pages
    )  # fmt: skip
    told = "Context under the claims, not claims: front: line (source: An institute)."
    assert told in " ".join(text.split())


@pytest.mark.parametrize("command", ["export", "snapshot", "report", "handout"])
def test_a_suffix_of_another_command_is_refused(capsys, tmp_path, command):
    said = refused(capsys, command, "-o", tmp_path / "map.shp")
    assert said.rpartition("supported: ")[2].split(", ") == list(files.by_suffix(command))


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_told_to_a_terminal_and_to_none_else(out, capsys, monkeypatch):
    assert main(["export", "-o", str(out)]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys, "stderr", _Terminal())
    assert main(["export", "-o", str(out)]) == 0
    said = sys.stderr.getvalue().splitlines()
    assert ["dataset" in said[0], "out.geojson" in said[1]] == [True, True]
    assert said[2] == selection.sentence(dataset.load(), Selection())


@pytest.mark.parametrize("name", ["folder.geojson", "absent/a.geojson", "file.txt/a.geojson"])
def test_an_output_that_cannot_be_written(capsys, tmp_path, name):
    (tmp_path / "folder.geojson").mkdir()
    (tmp_path / "file.txt").touch()
    said = refused(capsys, "export", "-o", tmp_path / name)
    assert f"cannot write {tmp_path / name}: " in said
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["file.txt", "folder.geojson"]


# route


def test_a_route_as_json(capsys):
    assert main(["route", CHONGJIN, VLADIVOSTOK, "--offshore-km", "5", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found) == {"length_km", "coordinates", "method", "warnings"}
    want = searoute.route((129.8167, 41.7667), (131.8865, 43.1115), offshore_km=5)
    assert found["length_km"] == pytest.approx(want.length_km, abs=1e-3)
    assert found["coordinates"][0] == [129.8167, 41.7667]
    assert len(found["coordinates"]) == len(want.coordinates)
    assert found["method"] == want.method
    assert found["warnings"] == [str(warning) for warning in want.warnings]


@pytest.mark.parametrize(
    ("start", "end"), [("-73.9,40.3", "-70.1,41.0"), ("-9.5,-.5", "-9.6, -1.5"), ("5,54", "-9,-2")]
)
def test_negative_coordinates_are_no_options(capsys, start, end):
    assert main(["route", start, end]) == 0
    assert " km over water" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("points", "told"),
    [
        (["129.8", VLADIVOSTOK], "LON,LAT"),
        (["north,east", VLADIVOSTOK], "LON,LAT"),
        (["1,2,3", VLADIVOSTOK], "LON,LAT"),
        (["43.1,131.9", VLADIVOSTOK], "longitude"),
        (["nan,3", VLADIVOSTOK], "longitude"),
        ([VLADIVOSTOK, VLADIVOSTOK], "same point"),
        ([CHONGJIN, VLADIVOSTOK, "--offshore-km", "-5"], "offshore"),
        ([CHONGJIN], "LON,LAT"),
    ],
)
def test_points_that_are_none_are_wrong_usage(capsys, points, told):
    assert told in refused(capsys, "route", *points)


def test_no_way_by_water_is_a_problem(capsys):
    assert main(["route", "100,50", VLADIVOSTOK, "--json"]) == 1
    said = capsys.readouterr()
    assert said.out == "" and said.err.strip()
