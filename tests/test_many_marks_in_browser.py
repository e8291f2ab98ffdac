"""A map of more claims than there is room for: numbers in their place, nothing hidden."""

import generate
from test_map_in_browser import map_frame

from geo import dataset as datasets
from geo import marks, selection, webmap
from geo.selection import Selection

# What the map's script would tell the page, caught before it is sent.
LISTEN = (
    "(() => { window.told = []; const send = Streamlit.setComponentValue.bind(Streamlit);"
    " Streamlit.setComponentValue = (value) => { told.push(value); send(value); }; })()"
)


def pointer(frame, x: float, y: float) -> tuple[float, float]:
    """A point of the map in the page's pixels."""
    box = frame.frame_element().bounding_box()
    left, top = frame.evaluate(
        "(({ left, top }) => [left, top])(claimMap.map.getContainer().getBoundingClientRect())"
    )
    return box["x"] + left + x, box["y"] + top + y


def test_very_many_marks_are_counted_fetched_and_checked(tmp_path, serve, open_page):
    generate.write(tmp_path / "many", 2600)
    whole = datasets.load(tmp_path / "many")
    plan = marks.planned(whole, "en")
    assert len(plan) > webmap.MOST_SPELLED_OUT
    visit = open_page(serve(tmp_path / "many"))
    frame = map_frame(visit)
    visit.settle()
    on = marks.visible(plan, selection.apply(whole, Selection()), selection.LAYERS)

    # All is drawn that the library would draw, though the page sent no mask of it.
    assert frame.evaluate("claimMap.ids()") == sorted(set(plan["feature"][on]))

    # The numbers tell of every claim: here the window shows the whole world.
    frame.evaluate("claimMap.map.setView([20, 10], 1.5, { animate: false })")
    frame.wait_for_function("claimMap.clusters.length > 20")
    clusters = frame.evaluate("claimMap.clusters")
    assert sum(each["claims"] for each in clusters) >= 0.95 * plan["claim"][on].nunique()
    assert all(0 <= each["denied"] <= each["claims"] for each in clusters)
    note = frame.locator(".cm-thinned")
    assert "routes and areas here are drawn" in note.inner_text()
    legend = frame.locator(".cm-legend")
    legend.get_by_text("Number of claims at one spot").wait_for(state="attached")

    # A click on a number goes nearer, and none of it makes the page run.
    largest = max(clusters, key=lambda each: each["claims"])
    frame.evaluate(LISTEN)
    visit.page.mouse.move(*pointer(frame, largest["x"], largest["y"]))
    tip = frame.locator(".cm-tip")
    assert f"{largest['claims']:,} claims here" in tip.inner_text()
    visit.page.mouse.click(*pointer(frame, largest["x"], largest["y"]))
    frame.wait_for_function("claimMap.map.getZoom() > 2.5 && !claimMap.map._animatingZoom")
    assert frame.evaluate("told") == []

    # What a mark's tooltip says is fetched when it is asked for.
    claim = frame.evaluate(
        "(() => { const one = claimMap.marks().find((m) => m.symbol.startsWith('place-'));"
        " return one.feature; })()"
    )
    place = whole.places.loc[whole.features.loc[claim, "place"]]
    at = [float(place["lat"]), float(place["lon"])]
    frame.evaluate("(at) => claimMap.map.setView(at, 13, { animate: false })", at)
    x, y = frame.evaluate(
        "(at) => (({ x, y }) => [x, y])(claimMap.map.latLngToContainerPoint(at))", at
    )
    visit.page.mouse.move(*pointer(frame, x + 3, y))
    visit.page.mouse.move(*pointer(frame, x, y))
    tip.get_by_text("Invented claim").first.wait_for()
    tip.get_by_text(place["name"]).first.wait_for()

    # Should the map ever differ from the library, it asks for the mask, and goes on with that.
    frame.evaluate(
        "(() => { const at = performance.getEntriesByType('resource').map((e) => e.name);"
        " const file = (stem) => at.find((n) => n.includes('/' + stem)).split('/').pop();"
        " claimMap.update({ marks: file('marks-'), world: file('world-'), detail: null,"
        " choice: claimMap.choice, check: 1, selected: -1, view: { bounds: [0, 0, 1, 1],"
        " token: 'x' }, show: 0, interactive: true, measure: null }); })()"
    )
    frame.wait_for_function("told.length > 0")
    assert frame.evaluate("told[0].wants") == "mask"
    visit.settle()
    assert frame.evaluate("claimMap.ids().length") == plan["feature"][on].nunique()


def test_the_page_is_composed_of_few_layers(dashboard_url, open_page):
    """Each layer makes every frame of the page slower; a canvas is always one."""
    visit = open_page(dashboard_url)
    frame = map_frame(visit)
    visit.settle()
    frame.locator(".cm-legend img").nth(10).wait_for(state="attached")
    session = visit.page.context.new_cdp_session(visit.page)
    trees = []
    session.on("LayerTree.layerTreeDidChange", lambda told: trees.append(told.get("layers")))
    session.send("DOM.enable")
    session.send("LayerTree.enable")
    frame.evaluate("claimMap.map.setView([45, 100], 3.5, { animate: false })")
    visit.page.wait_for_timeout(300)
    layers = [tree for tree in trees if tree][-1]
    assert 5 < len(layers) < 25
    # Each entry of the legend has its picture.
    pictures = frame.evaluate(
        "Promise.all([...document.querySelectorAll('.cm-legend > ul img')].map((image) =>"
        " image.decode().then(() => [image.naturalWidth, image.naturalHeight])))"
    )
    assert len(pictures) == frame.locator(".cm-legend > ul > li").count() > 10
    assert set(map(tuple, pictures)) == {(72, 44)}
