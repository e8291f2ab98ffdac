"""A dataset whose every free text tries to break out: of HTML, script, templates, Markdown."""

from __future__ import annotations

import csv
import json
import re
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
)
# What would steer its surroundings, or is not seen: none of these signs reaches a page or a file.
STEERING = (
    "\u202eright-to-left\u202c zero\u200bwidth",
    "\u202d\u2066unclosed\u202e\u2067 \u200e\u200f\u061cmarks",
    "soft\xadhyphen\ufeff\u2060 \U000e0041tags \x1b[31mterminal\x07 \x7f\x9b",
    "line\u2028separator\u2029\x85 \tand tab\rand return",
    "\u200d\u200cjoiners\u200d\u200d",
)
STEERS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
    "|[\U000e0000-\U000e0fff]|\u200d\u200d"
)
# What is as it should be, and hard to lay out.
AWKWARD = (
    "Donau" * 30,
    "https://elsewhere.invalid/" + "a/b?c=d&" * 15,
    "שלום עולם (1) مرحبا بالعالم 123!",
    "Z" + "\u0301\u0327\u0489\u20dd" * 12 + "algo",
    "\N{FAMILY}\N{WAVING BLACK FLAG}\N{ZERO WIDTH JOINER}\N{SKULL AND CROSSBONES}" * 3,
    "😀" * 40,
    "﷽" * 10,
)
ALL = " ".join((*TEXTS, *STEERING, *AWKWARD)) + " of-a-hostile-text"
# What a spreadsheet may take for a formula, by how it starts.
STARTS = ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1", "\n=1+1", "＝1+1", "\u200b=1+1")


def poison(folder: Path, text: str = ALL) -> Path:
    """Copy the built-in dataset to ``folder`` with hostile words in every free text."""
    shutil.copytree(BUILT_IN, folder)
    mark = str(folder.parent / "pwned")
    payload = text.replace("PWNED", mark)
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
