"""The rules of the house: what may import what, what lies where, and what is pinned."""

import ast
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent

# A module imports only from rows above its own; those that share a row never import each other.
ROWS = (
    ("texts",),
    ("dataset",),
    ("geodesy",),
    ("figures",),
    ("basemap",),
    ("gazetteer",),
    ("reading",),
    ("intake",),
    ("templates",),
    ("overlays",),
    ("searoute",),
    ("checks",),
    ("selection",),
    ("edits",),
    ("database",),
    ("evidence",),
    ("register", "timeline", "briefing"),
    ("symbols",),
    ("marks",),
    ("comparison", "webdata"),
    ("labels", "projection"),
    ("ink",),
    ("backdrop",),
    ("extract",),
    ("geopackage", "kml"),
    ("paper",),
    ("webmap", "plate", "exports", "standalone", "report"),
    ("files",),
    ("__main__",),
)
ROW = {module: number for number, row in enumerate(ROWS) for module in row}

# Third-party module -> the only files that may import it.
KEEPERS = {
    # Rivals are other apps, to measure with; the load speaks Streamlit's protocol.
    "streamlit": ("dashboard.py", "pages/*", "benchmarks/rivals/*", "benchmarks/load.py"),
    "streamlit_folium": ("dashboard.py", "pages/*", "benchmarks/rivals/*"),
    "folium": ("geo/webmap.py", "benchmarks/rivals/*"),
    "branca": ("geo/webmap.py",),
    "matplotlib": ("geo/ink.py",),
    "mpl_toolkits": ("geo/ink.py",),
    "matplotlib_scalebar": ("geo/ink.py",),
    "pyproj.Geod": ("geo/geodesy.py",),
    "pyproj.geod": ("geo/geodesy.py",),
    "sqlalchemy": ("geo/database.py",),
}

TOP_LEVEL = {
    *("dashboard.py", "pages", "data", "geo", "tests", "requirements.txt", "benchmarks"),
    *("README.md", "LICENSE", "CHANGELOG.md", "Makefile", "pyproject.toml"),
    *(".streamlit", ".ci", ".gitignore", ".gitattributes"),
}


def imported(source: str, package: str = "") -> set[str]:
    """Dotted names that Python source imports or reaches through an import.

    `from a import b` gives a.b, and after `import a` the expression `a.b` gives a.b as well.
    A relative import is resolved against `package`, the package that the source is in.
    """
    names: set[str] = set()
    bound: dict[str, str] = {}
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names.add(alias.name)
                root = alias.name.partition(".")[0]
                bound[alias.asname or root] = alias.name if alias.asname else root
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")
            base = ".".join(parents[: len(parents) + 1 - node.level]) if node.level else ""
            origin = ".".join(filter(None, [base, node.module]))
            for alias in node.names:
                names.add(f"{origin}.{alias.name}")
                bound[alias.asname or alias.name] = f"{origin}.{alias.name}"
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            origin = bound.get(node.value.id)
            if origin:
                names.add(f"{origin}.{node.attr}")
    return names


def breaches(module: str, names: set[str]) -> list[str]:
    """The modules of geo that `module` must not import, though `names` has them."""
    modules = {name.split(".")[1] for name in names if name.startswith("geo.")}
    return sorted(m for m in modules & ROW.keys() if m != module and ROW[m] >= ROW[module])


def unkept(path: str, names: set[str]) -> list[str]:
    """Of the modules with a keeper, those that `path` imports without being it."""
    return sorted(
        kept
        for kept, keepers in KEEPERS.items()
        if any(f"{name}.".startswith(f"{kept}.") for name in names)
        and not any(fnmatch(path, keeper) for keeper in keepers)
    )


@cache
def house() -> dict[str, set[str]]:
    """Every Python file but the tests, by its path from the root, with what it imports."""
    files = [ROOT / "dashboard.py"]
    for room in ("geo", "pages", "data", "benchmarks"):
        files += (ROOT / room).rglob("*.py")
    paths = {file.relative_to(ROOT).as_posix(): file for file in files if file.exists()}
    return {
        path: imported(file.read_text(encoding="utf-8"), path.rpartition("/")[0].replace("/", "."))
        for path, file in sorted(paths.items())
    }


def pins(path: str) -> list[Requirement]:
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    bare = (line.partition(" #")[0].strip() for line in lines if not line.startswith("#"))
    return [Requirement(line) for line in bare if line]


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}


# The rules


def test_every_module_of_geo_has_its_room():
    modules = [p.removeprefix("geo/").removesuffix(".py") for p in house() if p.startswith("geo/")]
    assert modules, "geo/ is empty"
    homeless = sorted(set(modules) - ROW.keys() - {"__init__"})
    assert not homeless, f"name the room of {homeless}: ROWS in tests/test_house.py"


def test_modules_import_only_from_rows_above():
    found = {
        path: wrong
        for path, names in house().items()
        if path.startswith("geo/") and (module := Path(path).stem) in ROW
        if (wrong := breaches(module, names))
    }
    assert not found


def test_the_package_itself_imports_none_of_its_modules():
    names = house().get("geo/__init__.py", set())
    assert not [name for name in names if name.startswith("geo.")]


def test_libraries_with_a_keeper_are_imported_only_there():
    found = {path: wrong for path, names in house().items() if (wrong := unkept(path, names))}
    assert not found


def test_every_third_party_import_is_a_direct_dependency():
    distributions = packages_distributions()
    found = {}
    for path, names in house().items():
        if not path.startswith(("geo/", "pages/", "dashboard.py")):
            continue
        roots = {name.partition(".")[0] for name in names}
        for root in roots - set(sys.stdlib_module_names) - {"geo", "pages"}:
            homes = {canonicalize_name(home) for home in distributions.get(root, [])}
            if not homes & declared():
                found.setdefault(path, []).append(root)
    assert not found, "declare in pyproject.toml, then `make lock`"


def test_top_level_holds_nothing_but_the_house():
    if (ROOT / ".git").exists():
        # The checkout may belong to another user than the one who tests.
        command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        names = {path.partition("/")[0] for path in listed.stdout.split("\0") if path}
    else:
        ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().split()]
        found = (path.name for path in ROOT.iterdir())
        names = {name for name in found if not any(fnmatch(name, i) for i in ignored)}
    assert not names - TOP_LEVEL


@pytest.mark.parametrize("path", ["requirements.txt", "tests/requirements.txt"])
def test_every_pin_is_exact_and_from_the_index(path):
    assert pins(path)
    loose = [
        str(pin)
        for pin in pins(path)
        if pin.url or not re.fullmatch(r"==[^*,]+", str(pin.specifier))
    ]
    assert not loose


def test_pins_cover_every_direct_dependency():
    pinned = {canonicalize_name(pin.name) for pin in pins("requirements.txt")}
    assert not declared() - pinned, "run `make lock`"
    wanted = {canonicalize_name(pin.name) for pin in pins("tests/requirements.in")}
    pinned_for_tests = {canonicalize_name(pin.name) for pin in pins("tests/requirements.txt")}
    assert not wanted - pinned_for_tests, "run `make lock`"


def test_tests_run_on_the_versions_that_are_served():
    served = {(pin.name, str(pin.specifier)) for pin in pins("requirements.txt")}
    names = {name for name, _ in served}
    tested = {(p.name, str(p.specifier)) for p in pins("tests/requirements.txt") if p.name in names}
    assert not tested - served, "run `make lock`"


# The rules can fail


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import geo.webmap", "geo.webmap"),
        ("from geo import webmap as w", "geo.webmap"),
        ("from geo.webmap import render", "geo.webmap.render"),
        ("from . import webmap", "geo.webmap"),
        ("from .webmap import render", "geo.webmap.render"),
        ("def f():\n    from geo import webmap", "geo.webmap"),
        ("import geo\ngeo.webmap.render()", "geo.webmap"),
        ("import pyproj as p\np.Geod(ellps='WGS84')", "pyproj.Geod"),
        ("from pyproj import Geod", "pyproj.Geod"),
    ],
)
def test_an_import_is_seen_however_it_is_written(source, name):
    assert name in imported(source, "geo")


def test_a_breach_is_seen():
    assert breaches("plate", {"geo.webmap.render", "geo.marks", "json"}) == ["webmap"]
    assert breaches("dataset", {"geo.checks"}) == ["checks"]
    assert breaches("checks", {"geo.dataset.load", "geo.geodesy"}) == []


def test_a_stranger_to_a_keeper_is_seen():
    assert unkept("geo/marks.py", {"folium.Map", "pyproj.Geod"}) == ["folium", "pyproj.Geod"]
    assert unkept("pages/map.py", {"streamlit", "streamlit_folium.st_folium"}) == []
    assert unkept("geo/webmap.py", {"folium.Map", "pyproj.Transformer"}) == []
