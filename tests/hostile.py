"""A dataset whose every free text tries to break out: of HTML, script, templates, Markdown."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

from geo.dataset import BUILT_IN, schema

TEXTS = (
    "<img src=x onerror=\"window.pwned='img'\">",
    "<script>window.pwned='script'</script>",
    "</article><b class=pwned>out</b>",
    "{{ cycler.__init__.__globals__.os.system('touch PWNED') }}",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "${window.pwned='template'}`;window.pwned='tick';//",
    "C:\\new\\x\\u0041 \"'",
    "![x](http://elsewhere.invalid/track.png)",
    '=HYPERLINK("http://elsewhere.invalid")',
    "\u202eright-to-left\u202c zero\u200bwidth",
)
_ENDS = " of-a-hostile-text"


def poison(folder: Path) -> Path:
    """Copy the built-in dataset to ``folder`` with hostile words in every free text."""
    shutil.copytree(BUILT_IN, folder)
    mark = str(folder.parent / "pwned")
    payload = " ".join(TEXTS).replace("PWNED", mark) + _ENDS
    for file in folder.glob("*.csv"):
        fields = {f["name"]: f for f in schema(file.stem)["fields"]}
        fixed = {
            name
            for name, f in fields.items()
            if f["type"] != "string"
            or "enum" in f.get("constraints", {})
            or "pattern" in f.get("constraints", {})
        }
        fixed |= {"id", "claim", "source", "origin", "place", "to_place", "approach", "claims"}
        with file.open(encoding="utf-8", newline="") as opened:
            rows = list(csv.DictReader(opened))
        for row in rows:
            row.update({name: payload for name in row if name not in fixed})
        with file.open("w", encoding="utf-8", newline="") as opened:
            writer = csv.DictWriter(opened, rows[0].keys(), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    package = folder / "datapackage.json"
    descriptor = json.loads(package.read_text("utf-8"))
    for key in ("title", "title_fr", "description", "description_fr"):
        descriptor[key] = payload
    for view in descriptor["views"]:
        view["title"] = view["title_fr"] = payload
    package.write_text(json.dumps(descriptor, ensure_ascii=False), "utf-8")
    return folder
