"""What the server answers besides pages: headers on everything, and its health."""

import json
import shutil
import urllib.error
import urllib.request

import pytest

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
    for name, value in guard.headers_for(path).items():
        assert told.get_all(name) == [value]


def test_a_page_allows_no_inline_script_and_nothing_from_elsewhere():
    rules = dict(rule.split(" ", 1) for rule in guard.PAGE_POLICY.split("; "))
    assert "'unsafe-inline'" not in rules["script-src"]
    assert "'unsafe-eval'" not in rules["script-src"]
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "'self'"
    for policy in (guard.PAGE_POLICY, guard.FRAME_POLICY):
        assert "*" not in policy


def test_an_inline_script_that_got_into_a_page_would_not_run(dashboard_url, open_page):
    visit = open_page(dashboard_url)
    visit.settle()
    visit.page.evaluate(
        "() => { const script = document.createElement('script');"
        " script.textContent = 'window.pwned = true'; document.body.append(script); }"
    )
    assert visit.page.evaluate("window.pwned") is None
    assert any("Content Security Policy" in error for error in visit.errors)


def test_health_tells_what_is_served_and_when_it_cannot_be(serve, tmp_path):
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
    assert (answer.status, json.load(answer)) == (503, {"status": "no dataset", "problems": 1})
    claims.write_text(sound, "utf-8")
    assert fetch(url).status == 200
