"""Links in a page's own HTML that change the page in place instead of loading it anew."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import streamlit as st
from streamlit.components import v2

from geo import webdata

_KEY = "links"
# Once listening, it listens for good: between two runs Streamlit takes the script away for a
# moment, and a click then would load the page anew. A mark tells the tests that it listens.
_IN_BROWSER = """
let ask = () => {};
document.addEventListener("click", (event) => {
  const link = window.claimPlace.followed(event);
  if (link) ask({ ...link.dataset });
});
document.body.dataset.links = "followed";
export default function ({ setTriggerValue }) {
  ask = (what) => {
    const app = document.querySelector("[data-test-script-state]");
    // What is sent into a run that goes on may be lost: wait for its end.
    if (app?.dataset.testScriptState === "running") setTimeout(() => ask(what), 50);
    else setTriggerValue("asked", what);
  };
}
"""


@cache
def _script() -> str:
    return (webdata.WEB_DIR / "place.js").read_text(encoding="utf-8") + _IN_BROWSER


def follow(answer: Callable[[dict[str, str]], None]) -> None:
    """Have each click on an ``a.go`` answered, ahead of the run that it starts.

    ``answer`` takes the link's data attributes, by name.
    """
    v2.component("links", js=_script())(
        key=_KEY, on_asked_change=lambda: answer(st.session_state[_KEY].asked or {})
    )
