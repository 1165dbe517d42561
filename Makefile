# Every command of this project. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help run test test-all check fix bench evaluate lock clean

PYTHON ?= python3
PORT   ?= 8000
ARGS   ?=
VENV   := .venv
BIN    := $(VENV)/bin

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  make run PORT=8001      where 8000 is taken"
	@echo "  make bench ARGS=100k    at 100,000 listings (10k is the default; 1m)"

run: $(VENV)/run.done  ## start the service with demonstration data (the data stay in var/)
	@$(BIN)/market init --demo fixtures
	@exec $(BIN)/market serve --port $(PORT)

test: $(VENV)/dev.done  ## run the tests that take seconds
	$(BIN)/pytest -n 3 $(ARGS)

test-all: $(VENV)/dev.done  ## run all tests, the long ones too
	$(BIN)/pytest -n 3 -m "long or not long" $(ARGS)

check: $(VENV)/dev.done  ## formatting, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

fix: $(VENV)/dev.done  ## mend what can be mended by machine
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: $(VENV)/dev.done  ## measure speed; prints a table and writes JSON to var/
	$(BIN)/python -m benchmarks $(ARGS)

evaluate: $(VENV)/dev.done  ## rank labelled sets: make evaluate SETS=folder JUDGE=script (docs/matching.md)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m benchmarks.evaluate $(SETS) $(JUDGE) $(ARGS)

lock:  ## pin the dependencies of pyproject.toml anew (needs uv)
	for set in run dev; do \
	  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	    --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
	    --extra build $$([ $$set = dev ] && echo --extra dev) pyproject.toml -o requirements/$$set.txt; \
	done

clean:  ## remove the environment and the caches; var/ with its data stays
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

# dev.txt holds the pins of run.txt and more.
$(VENV)/%.done: requirements/%.txt pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$*.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make run PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
	  || { rm -rf $(VENV); echo "Python's venv module is missing. On Debian: apt install python3-venv"; exit 1; }
