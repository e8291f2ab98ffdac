"""The pages of the register and of the method: links, search, evidence, and a look by axe."""

from __future__ import annotations

import builders
import pytest
from hostile import TEXTS, poison
from running import address, html, opened, ran

from geo import basemap, checks, dataset, register, selection, symbols, texts

WHOLE = dataset.load()


# The register


def test_the_register_shows_every_claim_and_every_source():
    shown = html(opened("register"))
    for title in WHOLE.claims["title"]:
        assert title in shown
    assert "all 21 claims are shown" in shown and 'class="matrix"' in shown
    assert shown.count('scope="row"') == len(WHOLE.claims) + 1
    assert "South Korea" in shown and "independent origins" in shown.lower()


def test_the_form_is_in_the_address_and_follows_it():
    app = opened("register", "form=table&sort=-date&source=nis")
    shown = html(app)
    assert 'class="ledger"' in shown and 'aria-sort="descending"' in shown
    assert "4 of 21" not in shown and "17 of 21 claims hidden" in shown
    app.segmented_control(key="register.form").set_value("matrix").run()
    assert 'class="matrix"' in html(ran(app))
    assert address(app) == {"source": ["nis"]}


def test_the_search_is_in_the_address_and_finds_without_accents():
    app = opened("register", "lang=fr&form=table&q=coree")
    found = register.matching(WHOLE, selection.apply(WHOLE, selection.Selection()), "corée", "fr")
    assert 0 < len(found) < len(WHOLE.statements)
    assert f"{len(found)}\u00a0déclarations pour «\u00a0coree\u00a0»" in html(app)
    app.text_input(key="register.q").set_value("nothing of the kind").run()
    assert address(ran(app))["q"] == ["nothing of the kind"]
    assert "nothing of the kind" in app.info[0].value and not app.info[0].value.startswith("No")
    app.main.button[0].click().run()
    assert "q" not in address(ran(app)) and 'class="ledger"' in html(app)


def test_silent_sources_and_order_are_in_the_address():
    app = opened("register", "source=kremlin")
    assert html(app).count('class="source') == 1
    app.toggle(key="register.silent").set_value(True).run()
    assert html(ran(app)).count('class="source') == len(WHOLE.sources)
    app.selectbox(key="register.sort").set_value("status").run()
    assert address(ran(app)) == {"source": ["kremlin"], "silent": ["1"], "sort": ["status"]}


@pytest.mark.parametrize(
    "query",
    ["form=moon&sort=weight&page=x&silent=maybe", "page=999", "page=0", f"page={'9' * 5000}"],
)
def test_what_a_link_asks_in_vain_is_as_if_it_did_not(query):
    assert html(opened("register", query)).count('scope="row"') == len(WHOLE.claims) + 1


def test_an_open_claim_shows_its_evidence_and_the_way_to_the_map():
    app = opened("register", "claim=shipped-1500&source=nis")
    assert '<article class="evidence' in html(app)
    (link,) = app.main.get("page_link")
    assert link.proto.label == "See it on the map"
    assert "claim=shipped-1500" in link.proto.query_string
    assert "source=nis" in link.proto.query_string
    (close,) = [b for b in app.main.button if b.label == "Close"]
    close.click().run()
    assert "evidence" not in html(ran(app)) and address(app) == {"source": ["nis"]}


def test_an_open_claim_that_the_filters_hide_is_told():
    app = opened("register", "claim=shipped-1500&source=kremlin")
    assert "hidden by the filters" in app.info[0].value
    assert '<article class="evidence' not in html(app)


def test_an_empty_register_says_which_filter_to_loosen():
    app = opened("register", "source=nis&status=withdrawn")
    assert "No claim is left" in app.info[0].value and "matrix" not in html(app)
    (button,) = [b for b in app.main.button if b.label.startswith("Drop the filter")]
    button.click().run()
    assert 'class="matrix"' in html(ran(app))


def test_many_rows_come_in_pages_with_an_honest_count(tmp_path, monkeypatch):
    folder = builders.write(tmp_path / "many", builders.hundred_claims())
    monkeypatch.setenv("CLAIMS_DATASET", str(folder))
    app = opened("register")
    assert "1 to 60 of 100 claims" in html(app)
    box = app.number_input(key="register.page")
    assert (box.label, box.value, box.min, box.max) == ("Page of 2", 1, 1, 2)
    box.set_value(2).run()
    assert "61 to 100 of 100 claims" in html(ran(app)) and address(app) == {"page": ["2"]}
    app.text_input(key="register.q").set_value("claim 9").run()
    assert "page" not in address(ran(app)) and "of 100" not in html(app)
    assert "claims found by “claim 9”" in html(app) and not app.main.number_input


# The method


@pytest.mark.parametrize("lang", texts.languages())
def test_the_method_spells_out_what_the_code_goes_by(lang):
    app = opened("method", f"lang={lang}")
    shown = html(app)
    words = texts.terms(lang)
    for group in ("status", "status_help", "reliability", "credibility"):
        for meaning in words[group].values():
            assert meaning in shown
    for _key, _symbol, text in symbols.legend(lang):
        assert text in shown
    assert shown.count('<img class="swatch"') >= len(symbols.legend(lang))
    told = " ".join(each.value for each in app.markdown)
    assert all(rule in told for rule in checks.rules(lang))
    assert basemap.ATTRIBUTION in shown
    for source in WHOLE.sources.to_dict("records"):
        assert texts.in_language(source, "name", lang) in shown
        assert texts.in_language(source, "reliability_rationale", lang) in shown
    notices, cited = (block.value for block in app.code)
    assert notices.startswith("# Notices") and WHOLE.digest in cited


def test_the_citation_takes_the_selection_along():
    cited = opened("method", "source=nis&as_of=2024-10-22").code[-1].value
    assert cited.endswith("?source=nis&as_of=2024-10-22")
    assert "As of 22 Oct 2024" not in cited and "as of 22 Oct 2024" in cited


def test_every_entry_of_the_contents_leads_to_a_section():
    app = opened("method")
    anchors = {each.proto.anchor for each in app.header}
    assert len(anchors) == 14
    assert all(f'href="#{anchor}"' in html(app) for anchor in anchors)


@pytest.mark.parametrize("page", ["register", "method"])
def test_a_french_page_shows_no_english(page):
    from test_catalogue import english_in, seen

    query = "lang=fr" if page == "method" else "lang=fr&claim=planned-12000&silent=1"
    text = seen(opened(page, query))
    left = [word for word in english_in(text) if " " in word]
    assert not left


# In a browser


def settled(visit, selector: str) -> None:
    visit.page.wait_for_selector(selector)
    visit.settle()


def test_the_register_answers_to_clicks_without_loading_anew(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/register?source=nis&source=kbs", block_foreign=True)
    page = visit.page
    settled(visit, "table.matrix")
    page.wait_for_selector("body[data-links]", state="attached")
    page.evaluate("window.still = true")
    page.get_by_role("link", name="About 1,500 North Koreans").click()
    settled(visit, "article.evidence")
    assert "claim=shipped-1500" in page.url
    page.get_by_role("radio", name="Statements").or_(
        page.get_by_role("button", name="Statements", exact=True)
    ).first.click()
    settled(visit, "table.ledger")
    page.locator("th.by-date a").click()
    settled(visit, "th[aria-sort=ascending]")
    page.locator("th.by-date a").click()
    settled(visit, "th[aria-sort=descending]")
    assert "sort=-date" in page.url
    assert visit.grave() == []
    page.get_by_role("link", name="See it on the map").click()
    settled(visit, ".st-key-mapframe iframe")
    settled(visit, "article.evidence")
    assert page.evaluate("window.still") is True
    assert sorted(page.url.partition("?")[2].split("&")) == [
        *("claim=shipped-1500", "source=kbs", "source=nis"),
    ]
    assert visit.foreign() == []


@pytest.mark.parametrize(
    ("page", "size", "scheme"),
    [
        ("register?claim=shipped-1500", (1366, 768), "dark"),
        ("register?form=table&silent=1&lang=fr", (390, 844), "light"),
        ("method?lang=fr", (390, 844), "dark"),
    ],
)
def test_axe_finds_nothing_grave(dashboard_url, open_page, page, size, scheme):
    width, height = size
    visit = open_page(
        f"{dashboard_url}/{page}",
        viewport={"width": width, "height": height},
        color_scheme=scheme,
        block_foreign=True,
    )
    settled(visit, ".register, #citing")
    visit.page.wait_for_timeout(500)  # the styles come after the page
    assert visit.grave() == []
    wide = visit.page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0  # what is wide scrolls in its own frame
    assert visit.foreign() == []


def test_the_heads_stay_in_sight(dashboard_url, open_page):
    visit = open_page(f"{dashboard_url}/register?silent=1")
    settled(visit, "table.matrix tfoot")
    visit.page.wait_for_timeout(500)
    where = """() => {
      const box = document.querySelector('.register');
      const at = (query) => {
        const own = box.querySelector(query).getBoundingClientRect();
        const all = box.getBoundingClientRect();
        return [Math.round(own.left - all.left), Math.round(own.top - all.top)];
      };
      const both = () => [at('thead th.claim'), at('tbody th.claim')[0], at('th.source')[1]];
      const before = both();
      box.scrollTo(500, 400);
      return [before, both(), [box.scrollLeft, box.scrollTop]];
    }"""
    before, after, moved = visit.page.evaluate(where)
    assert moved == [500, 400]
    assert before == after


def test_hostile_texts_do_nothing_in_the_pages(serve, open_page, tmp_path):
    url = serve(poison(tmp_path / "hostile"))
    for page in ("register?claim=shipped-1500&silent=1", "register?form=table", "method"):
        visit = open_page(f"{url}/{page}", block_foreign=True)
        settled(visit, ".register, #citing")
        visit.page.locator("[data-testid=stMain]").get_by_text(TEXTS[1]).first.wait_for()
        assert visit.page.evaluate("window.pwned") is None
        assert visit.page.locator(".pwned").count() == 0
        assert visit.foreign() == []
    assert not (tmp_path / "pwned").exists()
