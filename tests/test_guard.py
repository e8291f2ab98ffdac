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


MAP_FRAME = "/component/streamlit_folium.st_folium/index.html"


@pytest.mark.parametrize(
    "path",
    ["/", "/register", "/health", "/_stcore/health", "/nowhere/at/all", "/media/x.svg", MAP_FRAME],
)
def test_every_answer_carries_the_headers(dashboard_url, path):
    told = fetch(dashboard_url + path).headers
    for name, value in guard.headers_for(path).items():
        assert told.get_all(name) == [value]


def rules(policy: str) -> dict[str, str]:
    return dict(rule.split(" ", 1) for rule in policy.split("; ") if " " in rule)


def test_the_policies_name_no_one_else_but_tiles_in_the_map():
    hosts = {f"https://{layer.host}" for layer in overlays.tiles().values()}
    for policy, more in ((guard.PAGE_POLICY, set()), (guard.MAP_POLICY, hosts)):
        told = rules(policy)
        assert told["default-src"] == told["object-src"] == "'none'"
        assert told["connect-src"] == told["frame-src"] == told["frame-ancestors"] == "'self'"
        assert set(told.pop("img-src").split()) == {"'self'", "data:", "blob:"} | more
        assert not [words for words in told.values() if "://" in words or "*" in words]


def test_only_the_frame_of_a_map_may_run_what_is_written_into_it():
    assert fetch_path_policies() == {
        "/": guard.PAGE_POLICY,
        "/base/register": guard.PAGE_POLICY,
        "/component/other.thing/index.html": guard.PAGE_POLICY,
        MAP_FRAME: guard.MAP_POLICY,
        "/base" + MAP_FRAME: guard.MAP_POLICY,
        "/media/a.svg": guard.FILE_POLICY,
    }
    scripts = rules(guard.PAGE_POLICY)["script-src"].split()
    assert scripts[0] == "'self'" and scripts[-1] == "blob:"
    assert all(word.startswith("'sha256-") for word in scripts[1:-1])
    assert "script-src" not in rules(guard.FILE_POLICY) and "sandbox" in guard.FILE_POLICY


def fetch_path_policies() -> dict[str, str]:
    paths = ("/", "/base/register", "/component/other.thing/index.html", MAP_FRAME)
    more = ("/base" + MAP_FRAME, "/media/a.svg")
    return {path: guard.headers_for(path)["Content-Security-Policy"] for path in (*paths, *more)}


WRITTEN = """() => {
  const script = document.createElement('script');
  script.textContent = "window.pwned = 'script'";
  document.body.append(script);
  const picture = document.createElement('div');
  const hurt = 'onerror="window.pwned = 1"';
  picture.innerHTML = `<img src=x ${hurt}><a href="javascript:window.pwned = 2">x</a>`;
  document.body.append(picture);
  picture.querySelector('a').click();
  setTimeout("window.pwned = 'text'", 0);
}"""


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("", ".st-key-mapframe iframe"),
        ("register", "table.matrix"),
        ("timeline", ".timeline"),
        ("briefing", "iframe"),
        ("data", ".stMain h2"),
    ],
)
def test_a_script_that_got_into_a_page_would_not_run(dashboard_url, open_page, page, shown):
    visit = open_page(f"{dashboard_url}/{page}", block_foreign=True)
    visit.page.locator(shown).first.wait_for()
    visit.settle()
    # What the page needs itself, the policy allows.
    assert not [error for error in visit.errors if "Content Security Policy" in error]
    visit.page.evaluate(WRITTEN)
    visit.page.wait_for_timeout(200)
    assert visit.page.evaluate("window.pwned") is None
    refused = [error for error in visit.errors if "Content Security Policy" in error]
    assert len(refused) >= 4


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
