"""The bill of materials lists every pin, and an audit that could not be made is not called fine."""

import json

import pytest
import supply
from license_expression import get_spdx_licensing
from packaging.utils import canonicalize_name


def test_the_bill_lists_every_pinned_package_with_version_and_licence():
    told = json.loads(supply.bill())
    assert (told["bomFormat"], told["specVersion"]) == ("CycloneDX", "1.6")
    listed = {(each["name"], each["version"]): each for each in told["components"]}
    pinned = [(canonicalize_name(p.name), str(p.specifier)[2:]) for p in supply.pins()]
    assert sorted(listed) == sorted(pinned)
    for (name, version), each in listed.items():
        assert each["purl"] == f"pkg:pypi/{name}@{version}"
        named = each["licenses"][0]
        assert named.get("expression") or named["license"].keys() & {"id", "name"}, name
    assert told["metadata"]["component"]["name"] == "contested-claims"
    assert len(told["dependencies"][0]["dependsOn"]) == len(pinned)


def test_licences_are_spdx_expressions_that_permit():
    licensing = get_spdx_licensing()
    names = {canonicalize_name(pin.name) for pin in supply.pins()}
    said = {name: supply.licence(name) for name in names}
    assert not {name for name, words in said.items() if not words}
    wrong = {n: words for n, words in said.items() if licensing.validate(words).errors}
    assert not wrong
    strict = {n: words for n, words in said.items() if "GPL" in words.replace("LGPL", "")}
    assert not strict


def test_what_nobody_says_is_left_out_and_not_made_up(tmp_path):
    assert supply.licence("no-such-package-anywhere") == ""
    file = tmp_path / "pins.txt"
    file.write_text("# made\nno-such-package-anywhere==1.0 ; sys_platform == 'win32'  # via x\n")
    (only,) = json.loads(supply.bill(file))["components"]
    assert (only["name"], only["version"], "licenses" in only) == (
        *("no-such-package-anywhere", "1.0", False),
    )


def answer(*dependencies: dict) -> str:
    return json.dumps({"dependencies": list(dependencies), "fixes": []})


SOUND = {"name": "a", "version": "1", "vulns": []}
FAULTY = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("told", "status", "words"),
    [
        (answer(SOUND), supply.FINE, "No known vulnerability in 1 pinned"),
        (answer(SOUND, FAULTY), supply.FOUND, "b 2: CVE-1, mended in 3"),
        (answer(UNKNOWN, UNKNOWN), supply.NOT_ASKED, "Nothing was audited"),
        (answer(SOUND, UNKNOWN), supply.NOT_ASKED, "Not audited, for want of data: c"),
        (answer(FAULTY, UNKNOWN), supply.FOUND, "CVE-1"),
        (answer(), supply.NOT_ASKED, ""),
        ("ERROR: x\nConnectionError: pypi.org\n", supply.NOT_ASKED, "data (ConnectionError: pypi"),
        ("", supply.NOT_ASKED, "no answer"),
    ],
)
def test_an_audit_without_data_is_none(told, status, words):
    found, sentence = supply.verdict(told)
    assert found == status
    assert words in sentence
