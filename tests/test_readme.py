"""The README's commands and links, held against the repository."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from geo import __main__ as command_line

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = [
    line.split("#")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, flags=re.S)
    for line in block.splitlines()
    if line.strip()
]
OURS = [c for c in COMMANDS if c.startswith("python -m geo")]


def test_every_file_that_the_readme_names_is_there():
    named = [*re.findall(r"\]\(([^)]+)\)", README), "dashboard.py", "tests/browser.py"]
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_make_has_the_targets_that_the_readme_names():
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.M)
    named = [c.split()[1] for c in COMMANDS if c.startswith("make ")]
    assert named == ["run", "test"]
    assert set(named) <= set(targets)


def test_ci_runs_the_test_command_of_the_readme_and_nothing_else():
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    lines = [s for s in script.splitlines() if s.strip() and not s.startswith(("#", "set ", "cd "))]
    assert lines in (["make test"], ["exec make test"])


@pytest.mark.parametrize("command", OURS)
def test_the_commands_of_the_readme_run(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    story = tmp_path / "my-story"
    story.symlink_to(ROOT / "data" / "troop-shipments", target_is_directory=True)
    words = shlex.split(command)[3:]
    # The built-in dataset holds one claim that does not fit, which is a problem found.
    assert command_line.main(words) == (1 if words[0] == "check" else 0)
    assert capsys.readouterr().out
    if "-o" in words:
        assert (tmp_path / words[words.index("-o") + 1]).stat().st_size > 1000


def test_the_readme_shows_at_least_one_of_each_command():
    wanted = {"validate", "check", "export", "snapshot", "report", "handout", "route"}
    assert {c.split()[3] for c in OURS} >= wanted
