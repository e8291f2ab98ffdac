"""What the application is made of: its bill of materials, and whether a known fault is in it.

`make sbom` writes every pinned package with version and licence as CycloneDX; `make audit` asks
pip-audit, whose data come from PyPI, about the same pins.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "requirements.txt"
FINE, FOUND, NOT_ASKED = 0, 1, 2  # exit statuses of an audit

# What a package does not say in words that name a licence; read in its licence file, or in that of
# its source where it ships none (streamlit-folium, xstatic-leaflet).
_READ_BY_HAND = {
    "altair": "BSD-3-Clause",
    "colorama": "BSD-3-Clause",  # for Windows alone
    "contourpy": "BSD-3-Clause",
    "cycler": "BSD-3-Clause",
    "geojson": "BSD-3-Clause",
    "isodate": "BSD-3-Clause",
    "itsdangerous": "BSD-3-Clause",
    "jinja2": "BSD-3-Clause",
    "kiwisolver": "BSD-3-Clause",
    "pg8000": "BSD-3-Clause",
    "protobuf": "BSD-3-Clause",
    "pydeck": "Apache-2.0",
    "rfc3986": "Apache-2.0",
    "streamlit-folium": "MIT",
    "xstatic-leaflet": "BSD-2-Clause",
}
_CLASSIFIED = {
    "MIT License": "MIT",
    "ISC License (ISCL)": "ISC",
    "Apache Software License": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "Artistic License": "Artistic-1.0-Perl",
}


def pins(path: Path = PINS) -> list[Requirement]:
    """The pinned packages, for every platform; one may stand there twice."""
    lines = (line.partition(" #")[0].strip() for line in path.read_text("utf-8").splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def licence(name: str) -> str:
    """The licence of a package as SPDX has it, from what is installed; "" where nobody says."""
    key = canonicalize_name(name)
    if key in _READ_BY_HAND:
        return _READ_BY_HAND[key]
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return ""
    classes = (c.rpartition(" :: ")[2] for c in told.get_all("Classifier", []) if "License" in c)
    known = [_CLASSIFIED[each] for each in classes if each in _CLASSIFIED]
    short = told.get("License") or ""
    return told.get("License-Expression") or (
        known[0] if known else short if "\n" not in short and len(short) < 40 else ""
    )


def bill(path: Path = PINS) -> str:
    """The bill of materials as CycloneDX 1.6 (JSON)."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    factory = LicenseFactory()
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, path.read_text("utf-8")))
    bom.metadata.component = Component(
        name=project["name"],
        version=project["version"],
        type=ComponentType.APPLICATION,
        licenses=[factory.make_from_string(project["license"])],
        bom_ref="application",
    )
    for pin in pins(path):
        name, version = canonicalize_name(pin.name), str(pin.specifier).removeprefix("==")
        address, said = PackageURL("pypi", name=name, version=version), licence(name)
        component = Component(
            name=name,
            version=version,
            type=ComponentType.LIBRARY,
            purl=address,
            bom_ref=str(address),
            licenses=[factory.make_from_string(said)] if said else [],
        )
        bom.components.add(component)
        bom.register_dependency(bom.metadata.component, [component])
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)


def verdict(answer: str) -> tuple[int, str]:
    """What an audit's answer comes to: an exit status, and a sentence or more.

    ``answer`` is pip-audit's JSON, or what it printed where it got none. It counts a package that
    its data do not know as one without a fault; here that is no audit.
    """
    try:
        told = json.loads(answer)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (answer.strip().splitlines()[-1:] or ["no answer"])[0][:200]
        return NOT_ASKED, f"Nothing was audited: pip-audit could not get its data ({last})."
    faults = [
        f"{each['name']} {each['version']}: {fault['id']}"
        + (f", mended in {', '.join(fault['fix_versions'])}" if fault.get("fix_versions") else "")
        for each in told
        for fault in each.get("vulns", ())
    ]
    unknown = [each["name"] for each in told if "skip_reason" in each]
    lines = faults
    if unknown and len(unknown) == len(told):
        lines = ["Nothing was audited: the package index that pip-audit asked (pypi.org, or what"
                 " stands in for it) has no data on vulnerabilities. Run it where pypi.org can be"
                 " reached."]  # fmt: skip
    elif unknown:
        lines = [*faults, f"Not audited, for want of data: {', '.join(unknown)}."]
    elif not faults:
        lines = [f"No known vulnerability in {len(told)} pinned packages."]
    return (FOUND if faults else NOT_ASKED if unknown or not told else FINE), "\n".join(lines)


def audit(path: Path = PINS) -> tuple[int, str]:
    """``verdict`` of what pip-audit says of the pins."""
    command = [sys.executable, "-m", "pip_audit", "-r", str(path), "--no-deps", "--disable-pip"]
    command += ["--progress-spinner", "off", "--format", "json", "--timeout", "30"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return verdict(ran.stdout or ran.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("what", choices=("sbom", "audit"))
    parser.add_argument("-o", "--output", type=Path, help="of sbom: the file, else the screen")
    asked = parser.parse_args()
    if asked.what == "audit":
        status, words = audit()
        print(words)
        return status
    text = bill()
    if asked.output:
        asked.output.write_text(text + "\n", encoding="utf-8")
        print(f"{len(pins())} packages: {asked.output}")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
