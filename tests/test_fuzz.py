"""A little of the fuzzing that `make fuzz` does for hours, and whether it would see a fault."""

import os
import subprocess
import sys

import fuzz
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from geo import reading
from geo.dataset import DatasetError, Problem

# Inputs of each run: loading a package takes a hundred times as long as a query.
FAST = {"package": 6, "descriptor": 10, "statements": 6}
QUICK = settings(phases=(Phase.generate,), suppress_health_check=list(HealthCheck), database=None)


@pytest.mark.parametrize("target", fuzz.TARGETS.values(), ids=lambda target: target.name)
def test_spoiled_files_are_read_or_refused(target):
    for content in fuzz._seeds_of(target.name):
        target.run(content)  # what is sound is not refused

    @settings(QUICK, max_examples=FAST.get(target.name, 60))
    @given(fuzz.spoiled(target))
    def run(content: bytes) -> None:
        fuzz.check(target, content)

    run()


# It can fail


@pytest.mark.parametrize("wrong", [UnicodeDecodeError("utf-8", b"\x80", 0, 1, "no"), KeyError(1)])
def test_an_error_that_no_reader_documents_is_seen(monkeypatch, wrong):
    def fail(*_args):
        raise wrong

    monkeypatch.setattr(reading, "_read_csv", fail)
    with pytest.raises(type(wrong)):
        fuzz.check(fuzz.TARGETS["csv"], b"claim,source\na,b\n")


def test_a_mistake_of_ours_that_blames_the_file_is_seen(monkeypatch):
    honest = reading._read_csv

    def blaming(text, name):
        try:
            return honest(text, name)
        except (TypeError, ValueError) as error:
            raise DatasetError(name, [Problem(name, None, None, "", "unreadable")]) from error

    monkeypatch.setattr(reading, "_read_csv", blaming)
    monkeypatch.setattr(reading, "_delimiter", int)  # a ValueError: as a broken file may cause
    fuzz.check(fuzz.TARGETS["csv"], b"claim,source\na,b\n")
    monkeypatch.setattr(reading, "_delimiter", None)
    with pytest.raises(AssertionError, match=r"not callable.* was told as"):
        fuzz.check(fuzz.TARGETS["csv"], b"claim,source\na,b\n")


def test_what_takes_too_long_is_seen(monkeypatch):
    monkeypatch.setattr(fuzz, "LONGEST_S", 0.0)
    with pytest.raises(AssertionError, match="csv took"):
        fuzz.check(fuzz.TARGETS["csv"], b"claim,source\na,b\n")


@pytest.mark.parametrize(("end", "said"), [("os.abort()", "exit status -6"), ("1 / 0", "status 1")])
def test_a_process_that_dies_is_told_with_its_input(monkeypatch, tmp_path, end, said):
    script = tmp_path / "dies.py"
    script.write_text(f"import os, sys\nopen(sys.argv[2], 'w').close()\nprint('inputs 7')\n"
                      f"sys.stdout.flush()\n{end}\n")  # fmt: skip
    monkeypatch.setattr(fuzz, "SCRIPT", script)
    monkeypatch.setattr(fuzz, "FINDINGS", tmp_path / "found")
    name, done, finding = fuzz._batch("csv", 10, 1)
    assert (name, done) == ("csv", 7)
    assert said in finding and str(tmp_path / "found" / "csv-1") in finding
    assert (tmp_path / "found" / "csv-1").exists()


def test_the_long_run_counts_what_it_ran():
    command = [sys.executable, fuzz.SCRIPT, "query", "--inputs", "25", "--seed", "1", "--jobs", "1"]
    here = os.environ | {"PYTHONPATH": "."}
    ran = subprocess.run(
        command, cwd=fuzz.ROOT, env=here, capture_output=True, text=True, timeout=150, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "25 inputs from seed 1, 0 of 1 batches found something" in ran.stdout
