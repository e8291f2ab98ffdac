"""The targets of tests/fuzz.py, fed what atheris finds by the paths that inputs take through them.

`make fuzz-guided` runs it. What is found lies in .hypothesis/fuzz, beside what tests/fuzz.py found.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["geo"]):
    import fuzz

# An archive's bytes lead nowhere unless they are changed inside, as tests/fuzz.py does.
TARGETS = [name for name in fuzz.TARGETS if not fuzz._seeds_of(name)[0].startswith(b"PK")]


def one(name: str, seconds: int) -> None:
    """Fuzz a target until the time is over, or something is found; ends the process."""
    target = fuzz.TARGETS[name]
    with tempfile.TemporaryDirectory() as corpus:
        for number, content in enumerate(fuzz._seeds_of(name)):
            Path(corpus, str(number)).write_bytes(content)
        flags = [f"-max_total_time={seconds}", "-timeout=120", "-rss_limit_mb=4096"]
        flags += [f"-artifact_prefix={fuzz.FINDINGS}/{name}-guided-", "-print_final_stats=1"]
        atheris.Setup([sys.argv[0], *flags, corpus], lambda data: fuzz.check(target, data))
        atheris.Fuzz()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--seconds", type=int, default=60, help="for each target (default 60)")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        one(asked.targets[0], asked.seconds)
    fuzz.FINDINGS.mkdir(parents=True, exist_ok=True)
    found = 0
    for name in asked.targets or TARGETS:
        command = [sys.executable, __file__, "--one", name, "--seconds", str(asked.seconds)]
        ran = subprocess.run(command, env=os.environ, capture_output=True, text=True, check=False)
        runs = re.search(r"number_of_executed_units: (\d+)", ran.stderr)
        found += ran.returncode != 0
        count = runs.group(1) if runs else "?"
        print(f"{name}: {count} inputs, {'FOUND' if ran.returncode else 'nothing'}", flush=True)
        if ran.returncode:
            print("\n".join(line[:300] for line in (ran.stdout + ran.stderr).splitlines()[-40:]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
