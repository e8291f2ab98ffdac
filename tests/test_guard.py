"""What the server answers besides pages: headers on everything, and its health."""

import json
import shutil
import urllib.error
import urllib.request

import pytest

from geo import overlays
from geo.dataset import BUILT_IN
from pages import guard


def fetch(url: str):
    try:
        return urllib.request.urlopen(url, timeout=30)
    except urllib.error.HTTPError as error:
        return error


@pytest.mark.parametrize(
    "path", ["/", "/register", "/health", "/_stcore/health", "/nowhere/at/all"]
)
def test_every_answer_carries_the_headers(dashboard_url, path):
    told = fetch(dashboard_url + path).headers
    for name, value in guard.HEADERS.items():
        assert told.get_all(name) == [value]


def test_the_policy_names_no_one_else():
    rules = dict(rule.split(" ", 1) for rule in guard.POLICY.split("; "))
    assert rules["default-src"] == rules["object-src"] == "'none'"
    assert rules["connect-src"] == rules["frame-src"] == rules["frame-ancestors"] == "'self'"
    elsewhere = {key: words for key, words in rules.items() if "://" in words}
    assert elsewhere.keys() == {"img-src"}
    hosts = {f"https://{layer.host}" for layer in overlays.tiles().values()}
    assert set(rules["img-src"].split()) == {"'self'", "data:", "blob:"} | hosts
    assert "*" not in guard.POLICY


def test_what_a_page_would_fetch_from_elsewhere_is_refused(dashboard_url, open_page):
    visit = open_page(dashboard_url)
    visit.settle()
    outcome = visit.page.evaluate(
        "() => fetch('http://elsewhere.invalid/track').then(() => 'sent', () => 'refused')"
    )
    assert outcome == "refused"
    assert any("Content Security Policy" in error for error in visit.errors)


def test_health_tells_what_is_served_and_what_is_kept(serve, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(BUILT_IN, folder)
    url = serve(folder) + "/health"
    answer = fetch(url)
    told = json.load(answer)
    assert (answer.status, told["status"], told["claims"]) == (200, "ok", 21)
    claims = folder / "claims.csv"
    sound = claims.read_text("utf-8")
    claims.write_text(sound + "one-cell-too-few\n", "utf-8")
    answer = fetch(url)
    kept = {"status": "kept", "problems": 1, "why": "row-too-short"}
    assert (answer.status, json.load(answer)) == (200, told | kept)
    claims.write_text(sound, "utf-8")
    answer = fetch(url)
    assert (answer.status, json.load(answer)) == (200, told)


def test_health_tells_that_there_is_nothing_to_serve(serve, tmp_path):
    folder = tmp_path / "copy"
    url = serve(folder) + "/health"
    answer = fetch(url)
    assert (answer.status, json.load(answer)) == (503, {"status": "no dataset", "problems": 1})
    shutil.copytree(BUILT_IN, folder)
    assert fetch(url).status == 200
