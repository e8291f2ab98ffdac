"""Links in a page's own HTML that change the page in place instead of loading it anew."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st
from streamlit.components import v2

_KEY = "links"
# Once listening, it listens for good: between two runs Streamlit takes the script away for a
# moment, and a click then would load the page anew. A mark tells the tests that it listens.
# Who works by keyboard keeps the place: the link that was followed is there again, made anew.
_IN_BROWSER = """
let ask = () => {};
const keepPlace = (link) => {
  const like = Object.entries(link.dataset)
    .map(([key, value]) => `[data-${key}="${CSS.escape(value)}"]`).join("");
  const watch = new MutationObserver(() => {
    if (link.isConnected) return;
    const again = document.querySelector(`a.go${like}`);
    if (again && document.activeElement === document.body) again.focus({ preventScroll: true });
    if (again) watch.disconnect();
  });
  watch.observe(document.body, { childList: true, subtree: true });
  setTimeout(() => watch.disconnect(), 5000);
};
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a.go");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (event.detail === 0) keepPlace(link);
  ask({ ...link.dataset });
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


def follow(answer: Callable[[dict[str, str]], None]) -> None:
    """Have each click on an ``a.go`` answered, ahead of the run that it starts.

    ``answer`` takes the link's data attributes, by name.
    """
    v2.component("links", js=_IN_BROWSER)(
        key=_KEY, on_asked_change=lambda: answer(st.session_state[_KEY].asked or {})
    )
