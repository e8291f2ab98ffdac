# Everything starts from a bare machine: each target sets up what it needs first.
# PYTHON=… names an interpreter to try before the others.

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input
BABEL := $(PY) -m babel.messages.frontend --quiet
UV_VERSION := 0.13.9
PIP_AUDIT_VERSION := 2.10.1
ATHERIS_VERSION := 3.0.0
INPUTS := 100000
SECONDS := 60

.DEFAULT_GOAL := help
.PHONY: help run test lint bench load lock catalogue fuzz fuzz-guided audit sbom clean venv

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/run.stamp ## set up and serve the dashboard
	$(PY) -m streamlit run dashboard.py

test: $(VENV)/test.stamp ## set up, find or fetch a browser, PostGIS and nginx, run every test
	$(PY) tests/browser.py
	$(PY) tests/postgis.py
	$(PY) tests/proxy.py
	$(PY) -m pytest

lint: $(VENV)/test.stamp ## check the style of the code
	$(PY) -m ruff check .

bench: $(VENV)/test.stamp ## measure speed and load beside other ways to build it (SIZES="20 1000", QUICK=1)
	$(PY) tests/browser.py
	$(PY) benchmarks/bench.py $(SIZES) $(if $(QUICK),--quick)

load: $(VENV)/test.stamp ## put viewers who click on a server of its own (VIEWERS="10 50")
	$(PY) benchmarks/load.py $(or $(VIEWERS),50)

lock: venv ## pin anew what pyproject.toml and tests/requirements.in ask for (delete a pin to raise it)
	$(PIP) install --quiet uv==$(UV_VERSION)
	$(call compile,pyproject.toml,requirements.txt)
	$(call compile,tests/requirements.in -c requirements.txt,tests/requirements.txt)

catalogue: $(VENV)/run.stamp ## take the strings of the sources into each catalogue
	$(BABEL) extract --no-default-keywords -k _ -k plural:2,3 --add-location=file -o $(VENV)/messages.pot geo pages dashboard.py
	$(BABEL) update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date -i $(VENV)/messages.pot -d geo/locale

fuzz: $(VENV)/test.stamp ## feed every reader 100,000 spoiled files (INPUTS=…), findings in .hypothesis/fuzz
	PYTHONPATH=. $(PY) tests/fuzz.py --inputs $(INPUTS)

fuzz-guided: $(VENV)/test.stamp ## the same readers, inputs found by coverage (SECONDS=… each; Linux)
	$(PIP) install --quiet atheris==$(ATHERIS_VERSION)
	PYTHONPATH=. $(PY) tests/fuzz_guided.py --seconds $(SECONDS)

audit: $(VENV)/test.stamp ## ask whether a pinned package has a known vulnerability; 2: could not be asked
	$(PIP) install --quiet pip-audit==$(PIP_AUDIT_VERSION)
	$(PY) tests/supply.py audit

sbom: $(VENV)/test.stamp ## write every pinned package with version and licence (CycloneDX) to sbom.json
	$(PY) tests/supply.py sbom -o sbom.json

clean: ## remove the virtual environment and every cache
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis sbom.json
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# $(call compile,SOURCES,TARGET): pins that hold for every platform and every Python from 3.11 on.
define compile
$(PY) -m uv pip compile --quiet --no-header --annotation-style line --universal \
    --python-version 3.11 -o $(2) $(1) >/dev/null
{ echo "# Made by 'make lock'; do not edit."; cat $(2); } >$(2).new && mv $(2).new $(2)
endef

$(VENV)/run.stamp: requirements.txt | venv
	$(PIP) install --quiet -r requirements.txt
	@touch $@

$(VENV)/test.stamp: tests/requirements.txt $(VENV)/run.stamp
	$(PIP) install --quiet -r tests/requirements.txt
	@touch $@

# An environment that lacks pip or a Python of the right age, or that has moved, is made again.
FIT = import sys; sys.exit(sys.version_info < (3, 11))
ifneq ($(shell $(PY) -c 'import pip; $(FIT)' 2>/dev/null && echo yes),yes)
.PHONY: $(VENV)/run.stamp
venv:
	@rm -rf $(VENV); found=; \
	for python in $(PYTHON) python3.13 python3.12 python3.11 python3; do \
	    "$$python" -c '$(FIT)' 2>/dev/null || continue; \
	    found=$$python; \
	    "$$python" -c 'import ensurepip, venv' 2>/dev/null || continue; \
	    echo "Making $(VENV) with $$python"; \
	    exec "$$python" -m venv $(VENV); \
	done; \
	if [ -n "$$found" ]; then \
	    echo "$$found cannot make a virtual environment: install its venv module" \
	        "(Debian, Ubuntu: apt-get install python3-venv) and run make again." >&2; \
	else \
	    echo "No Python 3.11 or newer found: install one (Debian, Ubuntu: apt-get install" \
	        "python3 python3-venv) or name it: make PYTHON=/path/to/python3 $(MAKECMDGOALS)" >&2; \
	fi; \
	exit 1
endif
