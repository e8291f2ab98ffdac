"""Writes datasets of any size to measure with: claims with statements, denials, places, routes.

    python benchmarks/generate.py 10000 /tmp/claims-10000

Everything in them is invented and says so; the places are GeoNames towns of the bundled basemap,
so that marks lie where people live, in clusters and gaps, as those of a real story do. The same
size and seed give the same dataset, byte for byte.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

ROOT = Path(__file__).parent.parent
TABLES = ("sources", "places", "claims", "statements", "features")
SEED = 20241022
FIRST_DAY = np.datetime64("2024-01-01", "D")
DAYS = 366

# How the claims of a dataset are made up, in parts of a whole; each list adds up to one.
KINDS = {"place": 0.68, "area": 0.08, "route": 0.16, "sea": 0.04, "distance": 0.04}
THEMES = {"transport": 0.3, "training": 0.15, "presence": 0.3, "plan": 0.1, "front": 0.15}
CONFIDENCE = {"high": 0.15, "moderate": 0.3, "low": 0.3, "unassessed": 0.25}
BASES = {"observed": 0.2, "reported": 0.6, "inferred": 0.2}
# Sea routes run between few ports, as ships do; each costs a search over water once.
PORTS = (
    ("Vladivostok", 131.8765, 43.0935),
    ("Chongjin", 129.8167, 41.7667),
    ("Hungnam", 127.648, 39.815),
    ("Musudan", 129.7205, 40.8325),
    ("Niigata", 139.06, 37.95),
    ("Pohang", 129.45, 36.05),
)
CAPITALS = (
    ("Moscow", 37.61781, 55.75204),
    ("Seoul", 126.9784, 37.566),
    ("Pyongyang", 125.75432, 39.03385),
    ("Kyiv", 30.5238, 50.45466),
    ("Tokyo", 139.69171, 35.6895),
)
SOURCES = 24


def write(folder: Path, claims: int, seed: int = SEED) -> None:
    """Write a data package of that many claims into ``folder``, which is made if need be."""
    tables = make(claims, seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")
    (folder / "datapackage.json").write_text(json.dumps(_descriptor(claims), indent=1), "utf-8")


def make(claims: int, seed: int = SEED) -> dict[str, pd.DataFrame]:
    """The tables of a dataset of that many claims, by name, in the order of foreign keys."""
    if claims < 1:
        raise ValueError(f"a dataset needs a claim, not {claims}")
    rng = np.random.default_rng([seed, claims])
    sources = _sources()
    places, spots = _places(rng, claims)
    table = _claims(rng, claims)
    return {
        "sources": sources,
        "places": places,
        "claims": table,
        "statements": _statements(rng, claims, sources),
        "features": _features(rng, claims, places, spots),
    }


def _draw(rng: np.random.Generator, parts: dict[str, float], count: int) -> np.ndarray:
    return rng.choice(list(parts), size=count, p=list(parts.values()))


def _sources() -> pd.DataFrame:
    kinds = ("intelligence", "government", "official", "news", "social-media", "analyst")
    return pd.DataFrame(
        [
            {
                "id": f"source-{n}",
                "name": f"Invented source {n}",
                "kind": kinds[n % len(kinds)],
                "reliability": "ABCDEF"[n % 6],
                "reliability_rationale": "Invented, to measure with.",
            }
            for n in range(SOURCES)
        ]
    )


def _places(rng: np.random.Generator, claims: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Ports, capitals, and a town for every other claim; and the numbers of the towns' rows."""
    towns = gpd.read_parquet(ROOT / "data" / "basemap" / "towns.parquet")
    count = max(claims // 2, 8)
    picked = towns.iloc[rng.integers(0, len(towns), count)]
    # More places than there are towns lie round them, not upon each other.
    lons = picked.geometry.x.to_numpy() + rng.normal(0, 0.2, count)
    lats = np.clip(picked.geometry.y.to_numpy() + rng.normal(0, 0.15, count), -80, 80)
    fixed = [
        {"id": f"{kind}-{n}", "name": name, "kind": kind, "lon": lon, "lat": lat}
        for kind, listed in (("port", PORTS), ("capital", CAPITALS))
        for n, (name, lon, lat) in enumerate(listed)
    ]
    vague = rng.random(count) < 0.15
    near = pd.DataFrame(
        {
            "id": [f"place-{n}" for n in range(count)],
            "name": [f"Near {name} ({n})" for n, name in enumerate(picked["name"])],
            "kind": np.where(vague, "region", "settlement"),
            "lon": np.round((lons + 180) % 360 - 180, 5),
            "lat": np.round(lats, 5),
            "uncertainty_m": np.where(vague, rng.integers(5, 80, count) * 1000, 500),
            "located_by": np.where(vague, "approximate", "gazetteer"),
        }
    )
    places = pd.concat([pd.DataFrame(fixed), near], ignore_index=True)
    places["uncertainty_m"] = places["uncertainty_m"].fillna(1000).astype(int)
    places["located_by"] = places["located_by"].fillna("gazetteer")
    places["reference"] = "Invented, to measure with"
    return places, np.arange(len(fixed), len(places))


def _claims(rng: np.random.Generator, claims: int) -> pd.DataFrame:
    start = FIRST_DAY + rng.integers(0, DAYS - 20, claims)
    return pd.DataFrame(
        {
            "id": [f"claim-{n}" for n in range(claims)],
            "title": [f"Invented claim {n}" for n in range(claims)],
            "summary": "Invented, to measure with.",
            "theme": _draw(rng, THEMES, claims),
            "event_start": start,
            "event_end": start + rng.integers(0, 10, claims),
            "date_precision": "day",
            "confidence": _draw(rng, CONFIDENCE, claims),
            "confidence_rationale": "Drawn by lot.",
        }
    )


def _statements(rng: np.random.Generator, claims: int, sources: pd.DataFrame) -> pd.DataFrame:
    """One to four assertions a claim, a denial of two in five, and some that take back."""
    told = rng.integers(1, 5, claims)
    claim = np.repeat(np.arange(claims), told)
    stance = np.full(len(claim), "asserts", dtype=object)
    denied = np.flatnonzero(rng.random(claims) < 0.4)
    taken_back = np.flatnonzero(rng.random(len(claim)) < 0.03)
    speaker = rng.integers(0, SOURCES, len(claim))
    parts = [
        (claim, speaker, stance, 0),
        (denied, rng.integers(0, SOURCES, len(denied)), np.full(len(denied), "denies"), 5),
        (claim[taken_back], speaker[taken_back], np.full(len(taken_back), "retracts"), 15),
    ]
    claim, speaker, stance = (np.concatenate([p[i] for p in parts]) for i in range(3))
    later = np.concatenate([np.full(len(p[0]), p[3]) for p in parts])
    count = len(claim)
    day = FIRST_DAY + (np.minimum(rng.integers(0, DAYS - 20, count), DAYS - 20) + later)
    origin = np.where(rng.random(count) < 0.3, rng.integers(0, SOURCES, count), -1)
    ids = sources["id"].to_numpy()
    named = np.append(ids, "")
    at_home = (stance == "denies") & (rng.random(count) < 0.5)
    return pd.DataFrame(
        {
            "id": [f"statement-{n}" for n in range(count)],
            "claim": [f"claim-{n}" for n in claim],
            "source": ids[speaker],
            "origin": named[np.where(stance == "asserts", origin, -1)],
            "stance": stance,
            "scope": np.where(
                stance == "denies", np.where(rng.random(count) < 0.5, "direct", "implied"), ""
            ),
            "date": day,
            "date_precision": "day",
            "credibility": rng.integers(1, 7, count),
            "place": np.where(
                at_home, [f"capital-{n}" for n in rng.integers(0, len(CAPITALS), count)], ""
            ),
            "reference": "Invented, to measure with",
        }
    )


def _near(rng: np.random.Generator, places: pd.DataFrame, start: np.ndarray) -> np.ndarray:
    """For each place another one that is not far: the nearest of some picked by lot."""
    some = rng.integers(0, len(places) - 1, (len(start), 24))
    some += some >= start[:, None]  # never the place itself
    lon, lat = places["lon"].to_numpy(), places["lat"].to_numpy()
    off = np.hypot(lon[some] - lon[start, None], lat[some] - lat[start, None])
    return some[np.arange(len(start)), off.argmin(axis=1)]


def _features(
    rng: np.random.Generator, claims: int, places: pd.DataFrame, spots: np.ndarray
) -> pd.DataFrame:
    kind = _draw(rng, KINDS, claims)
    towns = len(spots)
    start = rng.integers(0, towns, claims)
    end = _near(rng, places.iloc[spots], start)
    port, other = rng.integers(0, len(PORTS), claims), rng.integers(0, len(PORTS) - 1, claims)
    other += other >= port
    sea, far = kind == "sea", np.isin(kind, ["route", "sea", "distance"])

    def named(by_town: np.ndarray, by_port: np.ndarray) -> np.ndarray:
        return np.where(
            sea, [f"port-{n}" for n in by_port], [f"place-{n}" for n in by_town]
        ).astype(object)

    frame = pd.DataFrame(
        {
            "id": [f"feature-{n}" for n in range(claims)],
            "claim": [f"claim-{n}" for n in range(claims)],
            "kind": pd.Series(kind).replace({"area": "place", "sea": "route"}),
            "place": named(start, port),
            "to_place": np.where(far, named(end, other), ""),
            "mode": np.select([sea, kind == "route"], ["sea", "land"], ""),
            "basis": _draw(rng, BASES, claims),
            "quantity": np.where(rng.random(claims) < 0.5, rng.integers(1, 5000, claims), -1),
            "unit": "soldiers",
            "claimed_km": np.where(kind == "distance", rng.integers(5, 2000, claims), -1),
            "claimed_direction": np.where(kind == "distance", rng.choice(["N", "SE", "SW"]), ""),
        }
    )
    frame["unit"] = np.where(frame["quantity"] > 0, frame["unit"], "")
    for name in ("quantity", "claimed_km"):
        frame[name] = frame[name].where(frame[name] > 0).astype("Int64")
    return frame


def _descriptor(claims: int) -> dict:
    return {
        "profile": "tabular-data-package",
        "name": f"invented-{claims}",
        "title": f"{claims} invented claims, to measure with",
        "licenses": [{"name": "CC-BY-4.0", "title": "Towns: GeoNames, CC BY 4.0"}],
        "views": [
            {"name": "theatre", "title": "All", "west": -20, "south": 15, "east": 150, "north": 65}
        ],
        "resources": [
            {"name": name, "path": f"{name}.csv", "profile": "tabular-data-resource"}
            for name in TABLES
        ],
    }


def main() -> int:
    """Write a dataset as asked for on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("claims", type=int, help="how many claims")
    parser.add_argument("folder", type=Path, help="where to, for the data package")
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    write(given.folder, given.claims, given.seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
