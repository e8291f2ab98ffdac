"""What every reader must hold against any file: sound seeds, how they are spoiled, what is judged.

tests/test_fuzz.py runs a little of it each time. As a script (`make fuzz`) it runs for long, each
target in processes of its own, so that one which dies, hangs or grows is seen and told, too.
tests/fuzz_guided.py sends inputs that atheris finds by coverage through the same targets.
"""

from __future__ import annotations

import argparse
import faulthandler
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import builders
import geopandas as gpd
import hostile
import openpyxl
import shapely
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from geo import dataset as datasets
from geo import exports, intake, overlays, reading, selection, templates, texts
from geo.dataset import DatasetError
from geo.selection import Selection

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = Path(__file__).resolve()
FINDINGS = ROOT / ".hypothesis" / "fuzz"
LONGEST_S = 10.0  # of processor time, for one input
_LONGEST_WALL_S = 120.0  # for what hangs without computing, or in foreign code, on a busy machine
_MOST_MEMORY = 2_000_000_000  # bytes above what the seeds take
_BATCH = 4_000  # inputs of one process: Hypothesis remembers them all

# What a mistake of ours raises, as against what a broken file makes a library raise.
_MISTAKES = (AttributeError, TypeError, KeyError, NameError, AssertionError, ZeroDivisionError)


@dataclass(frozen=True)
class Target:
    """A reader with what it is fed; ``share`` of a hundred inputs go to it in a long run."""

    name: str
    share: int
    run: Callable[[bytes], None]
    seeds: Callable[[], tuple[bytes, ...]]


# Judging


def check(target: Target, content: bytes) -> None:
    """One input through a target; raises AssertionError for whatever a reader must not do."""
    began = time.process_time()
    try:
        target.run(content)
    except DatasetError as error:
        judge(error)
    took = time.process_time() - began
    assert took < LONGEST_S, f"{target.name} took {took:.1f} s"


def judge(error: DatasetError) -> None:
    """Whether a refusal is one that its reader can use, and no mistake of ours."""
    assert error.problems
    for problem in error.problems:
        told(problem)
    mistake = own_mistake(error)
    assert mistake is None, f"{mistake!r} was told as {error.problems[0]}"


def told(problem: datasets.Problem) -> None:
    """Words in each language, for a problem of the file and not of where we put it."""
    for lang in texts.languages():
        words = texts.problem(problem, lang) + texts.mend(problem, lang)
        assert words.strip()
        assert "Traceback" not in words and "site-packages" not in words
        words.encode("utf-8")


def own_mistake(error: BaseException) -> BaseException | None:
    """The error of ours that a refusal was made of, if it was: then the file is not to blame."""
    cause = error.__cause__ or error.__context__
    while cause is not None:
        step = cause.__traceback__
        while step is not None and step.tb_next is not None:
            step = step.tb_next
        inside = Path(step.tb_frame.f_code.co_filename).parent if step else None
        if isinstance(cause, _MISTAKES) and inside == ROOT / "geo":
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


# Targets


def _read_table(name: str) -> Callable[[bytes], None]:
    def run(content: bytes) -> None:
        raw = reading.read(content, name)
        for problem in raw.problems:
            told(problem)
        if raw.kind != "table":
            return
        assert all(len(row) == len(raw.columns) for row in raw.rows)
        matching = intake.propose(raw)
        intake.preview(raw, matching)
        intake.unclear_dates(raw, matching)
        intake.unknown_values(raw, matching)
        # A dataset takes fifty times as long as all before.
        if zlib.crc32(content) % 16 == 0:
            built = intake.build(raw, matching, leave_out=True)
            for problem in built.problems:
                told(problem)
            for remark in built.remarks:
                assert all(texts.remark(remark, lang) for lang in texts.languages())

    return run


def _read_overlay(name: str) -> Callable[[bytes], None]:
    def run(content: bytes) -> None:
        found = overlays.read(content, name)
        overlays.notes(found, "fr")
        overlays.title(found)
        drawing = overlays.simplify(found)
        json.dumps(drawing.shapes, allow_nan=False)
        assert overlays.told(drawing, "fr")
        for field in (None, *[each.name for each in found.fields[:2]]):
            words = overlays.content(found, field, field, found.attribution, "en")
            json.dumps(words, ensure_ascii=False, allow_nan=False).encode()

    return run


@cache
def _folder() -> Path:
    """A folder for this process, with the sound package in it."""
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    return builders.write(folder / "package")


def _load_package(content: bytes) -> None:
    path = _folder().parent / "package.zip"
    path.write_bytes(content)
    datasets.load(path, leave_out=zlib.crc32(content) % 2 == 0)


def _load_changed(name: str) -> Callable[[bytes], None]:
    """The sound package with one of its files exchanged."""

    def run(content: bytes) -> None:
        file = _folder() / name
        sound = file.read_bytes()
        try:
            file.write_bytes(content)
            datasets.load(_folder(), leave_out=zlib.crc32(content) % 2 == 0)
        finally:
            file.write_bytes(sound)

    return run


def _read_query(content: bytes) -> None:
    whole = builders.small()
    chosen, ignored = selection.from_query(content.decode("utf-8", "surrogateescape"), whole)
    assert all(isinstance(part, str) for pair in ignored for part in pair)
    again, _none = selection.from_query(chosen.query_string(), whole)
    assert again == chosen, "a selection is what its own link says"
    kept = selection.apply(whole, chosen)
    for lang in texts.languages():
        assert selection.sentence(whole, chosen, kept), lang


# Seeds


@cache
def _exported(suffix: str) -> bytes:
    return exports.WRITERS[suffix](builders.small(), Selection())


def _workbook() -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in (
        ["claim", "source", "date", "stance", "lon", "lat", "n"],
        ["Troops", "NIS", "2024-10-18", "asserts", 131.9, 43.1, 1500],
        ["Troops", "Kremlin", "2024-10-21", "denies", 37.6, 55.7, "=1+1"],
        ["Flag", "=HYPERLINK(1)", True, None, 1e300, -0.0, "#REF!"],
    ):
        sheet.append(row)
    book.create_sheet("more").append(["claim", "source"])
    packed = io.BytesIO()
    book.save(packed)
    return packed.getvalue()


def _csv_seeds() -> tuple[bytes, ...]:
    plain = (
        "claim,source,stance,date,place,lon,lat,quantity,unit\n"
        "Shipped,NIS,asserts,2024-10-18,Vladivostok,131.9,43.1,1500,soldiers\n"
        'Shipped,Kremlin,denies,21/10/2024,"Moscow, Russia",37.6,55.7,,\n'
        "Flag,KBS,NON,oct. 2024,Paris,,,,\n"
    )
    semicolons = plain.replace(",", ";").replace("131.9", "131,9")
    return (
        plain.encode(), _exported(".csv"), semicolons.encode("cp1252"),
        ("sep=;\r\n" + semicolons).encode("utf-16"), plain.replace(",", "\t").encode("utf-8-sig"),
    )  # fmt: skip


def _geojson_seeds() -> tuple[bytes, ...]:
    shapes = [
        shapely.Point(1, 2), shapely.LineString([(170, 1), (-170, 2), (0, 0)]),
        shapely.Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], [[(1, 1), (2, 1), (2, 2)]]),
        shapely.MultiPoint([(1, 1), (2, 2)]), None,
    ]  # fmt: skip
    features = [
        {
            "type": "Feature",
            "properties": {"claim": f"c{n}", "source": "s", "n": n, "deep": {"a": [None, True]}},
            "geometry": shape and json.loads(shapely.to_geojson(shape)),
        }
        for n, shape in enumerate(shapes)
    ]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}
    small = {"type": "FeatureCollection", "features": features, "crs": crs, "attribution": "me"}
    return json.dumps(small).encode(), _exported(".geojson")


def _kml_seeds() -> tuple[bytes, ...]:
    small = """<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Folder><name>Day 1</name>
<Placemark><name>P</name><description>&lt;b&gt;big&lt;/b&gt; town</description>
<TimeStamp><when>2024-10-18</when></TimeStamp><ExtendedData><Data name="source"><value>NIS</value>
</Data></ExtendedData><Point><coordinates>1.5,2.5,0</coordinates></Point></Placemark>
<Placemark><name>M</name><MultiGeometry><Point><coordinates>1,2</coordinates></Point>
<LineString><coordinates>1,2 3,4</coordinates></LineString>
<Polygon><outerBoundaryIs><LinearRing><coordinates>0,0 1,0 1,1 0,0</coordinates></LinearRing>
</outerBoundaryIs></Polygon></MultiGeometry></Placemark>
</Folder><Placemark><name>nowhere</name></Placemark></Document></kml>"""
    return small.encode(), _exported(".kml")


def _made(suffix: str, crs: int) -> bytes:
    """Two features as GDAL writes them, a shapefile zipped."""
    shapes = [shapely.Point(500_000, 5_300_000), shapely.Point(510_000, 5_310_000)]
    table = {"claim": ["a", "é"], "source": ["s", "t"], "n": [1, 2.5]}
    frame = gpd.GeoDataFrame(table, geometry=shapes, crs=crs)
    with tempfile.TemporaryDirectory() as folder:
        if suffix == ".gpkg":
            frame.to_file(Path(folder, "g.gpkg"), layer="spots")
            return Path(folder, "g.gpkg").read_bytes()
        shapefile = Path(folder, "shapefile")
        shapefile.mkdir()
        frame.to_file(shapefile / "g.shp", encoding="utf-8")
        return builders.zipped(shapefile, Path(folder, "g.zip")).read_bytes()


def _geopackage_seeds() -> tuple[bytes, ...]:
    return _made(".gpkg", 32633), _exported(".gpkg")


def _shapefile_seeds() -> tuple[bytes, ...]:
    return (_made(".zip", 32633),)


def _package_seeds() -> tuple[bytes, ...]:
    return (
        builders.zipped(_folder(), _folder().parent / "seed.zip", "folder/").read_bytes(),
        templates.template_package("fr"),
    )


def _query_seeds() -> tuple[bytes, ...]:
    return (
        b"?source=nis&source=kbs&layer=denied&as_of=2024-10-20&lang=fr&view=theatre&claim=flag",
        b"confidence=high&status=contested&theme=transport&layer=&x=%F0%9F%92%A9%00%ff",
    )


def _file_of_package(name: str) -> Callable[[], tuple[bytes, ...]]:
    return lambda: ((_folder() / name).read_bytes(),)


TARGETS = {
    target.name: target
    for target in (
        Target("csv", 15, _read_table("a.csv"), _csv_seeds),
        Target("xlsx", 9, _read_table("a.xlsx"), lambda: (_workbook(),)),
        Target("geojson", 15, _read_table("a.geojson"), _geojson_seeds),
        Target("geopackage", 11, _read_table("a.gpkg"), _geopackage_seeds),
        Target("kml", 15, _read_table("a.kml"), _kml_seeds),
        Target("package", 1, _load_package, _package_seeds),
        Target("descriptor", 1, _load_changed("datapackage.json"),
               _file_of_package("datapackage.json")),
        Target("statements", 1, _load_changed("statements.csv"),
               _file_of_package("statements.csv")),
        Target("overlay-geojson", 7, _read_overlay("a.geojson"), _geojson_seeds),
        Target("overlay-kml", 7, _read_overlay("a.kml"), _kml_seeds),
        Target("overlay-geopackage", 3, _read_overlay("a.gpkg"), _geopackage_seeds),
        Target("overlay-shapefile", 5, _read_overlay("a.zip"), _shapefile_seeds),
        Target("query", 10, _read_query, _query_seeds),
    )
}  # fmt: skip


# Spoiling


class Blob(bytes):
    """Bytes that a report shows the beginning of."""

    def __repr__(self) -> str:
        return f"{bytes(self[:200])!r} … ({len(self)} bytes)"


_PIECES = tuple(
    piece if isinstance(piece, bytes) else piece.encode("utf-8", "surrogatepass")
    for piece in (
        *hostile.TEXTS,
        *('"', ",", ";", "\t", "\n", "\r", "\0", "{", "}", "[", "]", "[]", "{}", ":", "null"),
        *("1e999", "-1e308", "NaN", "Infinity", "-0", "9" * 400, "180.1", "-91", "1,5", "²"),
        *("<", ">", "</", "&#0;", "&lt;", "]]>", "<![CDATA[", "<!DOCTYPE x>", "<Polygon>", "<a/>"),
        *('"\\ud800"', "\ud800", "\ufeff", "\u2028", "é", "%00", "%", "&", "=", "../", "C:\\"),
        *("2024-02-30", "9999-12-31", "0000-00-00", "31/12/1999", "12:99", "asserts", "denies"),
        *(b"\xff", b"\xff\xfe", b"\xed\xa0\x80", b"\x80", b"PK\x03\x04", b"GP", b"\x00" * 64),
        *("[" * 3000, "<a>" * 150, '"' * 99, "," * 3000, "0 " * 3000, "\n" * 3000),
    )
)  # fmt: skip


@st.composite
def _edited(draw: st.DrawFn, content: bytes) -> bytes:
    """Bytes with one to six changes: a byte, a piece put in, taken out, repeated or cut off."""
    # What is changed lies among what says something: most of a database is zeros.
    telling = [n for n, byte in enumerate(content) if byte] if content[:6] == b"SQLite" else None
    for _ in range(draw(st.integers(1, 6))):
        if telling:
            at = min(telling[draw(st.integers(0, len(telling) - 1))], len(content))
        else:
            at = draw(st.integers(0, len(content)))
        kind = draw(st.sampled_from(("byte", "put", "put", "over", "out", "again", "cut")))
        piece = draw(st.sampled_from(_PIECES)) if kind in ("put", "over") else b""
        length = draw(st.integers(1, 64)) if kind in ("out", "again") else len(piece)
        match kind:
            case "byte":
                middle, rest = bytes([draw(st.integers(0, 255))]), content[at + 1 :]
            case "put":
                middle, rest = piece, content[at:]
            case "over":
                middle, rest = piece, content[at + length :]
            case "out":
                middle, rest = b"", content[at + length :]
            case "again":
                middle, rest = content[at : at + length] * 2, content[at + length :]
            case _:
                middle, rest = b"", b""
        content = content[:at] + middle + rest
    return content


@st.composite
def spoiled(draw: st.DrawFn, target: Target) -> Blob:
    """A seed of a target with some of it changed: of an archive mostly one of its files."""
    content = draw(st.sampled_from(_seeds_of(target.name)))
    if content[:2] != b"PK" or draw(st.integers(0, 4)) == 0:
        return Blob(draw(_edited(content)))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    chosen = draw(st.sampled_from(sorted(members)))
    members[chosen] = draw(_edited(members[chosen]))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, each in members.items():
            archive.writestr(name, each)
    return Blob(packed.getvalue())


@cache
def _seeds_of(name: str) -> tuple[bytes, ...]:
    return TARGETS[name].seeds()


# The long run


def work(target: Target, count: int, number: int, note: Path) -> int:
    """Spoiled seeds through a target, ``count`` of them; returns how many, or raises.

    ``note`` holds the input at hand, for whoever finds this process dead.
    """
    for each in _seeds_of(target.name):
        check(target, each)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    resource.setrlimit(resource.RLIMIT_DATA, (before + 2 * _MOST_MEMORY,) * 2)
    done = 0

    @seed(number)
    @settings(
        max_examples=count, deadline=None, database=None, print_blob=False,
        phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(spoiled(target))
    def run(content: bytes) -> None:
        nonlocal done
        done += 1
        note.write_bytes(content)
        faulthandler.dump_traceback_later(_LONGEST_WALL_S, exit=True)
        check(target, content)
        faulthandler.cancel_dump_traceback_later()
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        assert most - before < _MOST_MEMORY, f"{target.name} took {most - before} bytes"

    try:
        run()
    finally:
        print(f"inputs {done}", flush=True)
    return done


def _batch(name: str, count: int, number: int) -> tuple[str, int, str]:
    """One process of a long run: the target, how many inputs ran, what was found ("" is well)."""
    FINDINGS.mkdir(parents=True, exist_ok=True)
    note = FINDINGS / f"{name}-{number}"
    command = [sys.executable, "-W", "error", str(SCRIPT), "--work", str(note), name]
    command += ["--inputs", str(count), "--seed", str(number)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    done = sum(int(line.split()[1]) for line in ran.stdout.splitlines() if line[:7] == "inputs ")
    if ran.returncode == 0:
        note.unlink(missing_ok=True)
        return name, done, ""
    lines = [line[:300] for line in ran.stderr.splitlines()[-40:]]
    return name, done, "\n".join([f"exit status {ran.returncode}, input in {note}", *lines])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--inputs", type=int, default=100_000, help="in all (default 100000)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    unknown = sorted(set(asked.targets) - TARGETS.keys())
    if unknown:
        parser.error(f"no such target: {', '.join(unknown)}")
    if asked.work:
        work(TARGETS[asked.targets[0]], asked.inputs, asked.seed, asked.work)
        return 0
    chosen = [TARGETS[name] for name in asked.targets or TARGETS]
    shares = sum(target.share for target in chosen)
    batches = []
    for target in chosen:
        left = -(-asked.inputs * target.share // shares)
        while left > 0:
            batches.append((target.name, min(left, _BATCH), asked.seed + len(batches)))
            left -= _BATCH
    total, found = 0, 0
    with ThreadPoolExecutor(asked.jobs) as pool:
        for name, done, finding in pool.map(lambda each: _batch(*each), batches):
            total += done
            found += bool(finding)
            print(f"{name}: {done} inputs, {'FOUND' if finding else 'nothing'}", flush=True)
            if finding:
                print(finding, flush=True)
    batch = f"{found} of {len(batches)} batches found something"
    print(f"{total} inputs from seed {asked.seed}, {batch}")
    return 1 if found or total < asked.inputs else 0


if __name__ == "__main__":
    sys.exit(main())
