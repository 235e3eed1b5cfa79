# make run and make test set up what they need; the rest takes it from there.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
SCRIPTS := node_modules/ready
# Tests in a browser and of processes wait a good part of their time: two at a time for each processor.
AT_ONCE := $(shell echo $$((2 * $$(nproc 2>/dev/null || echo 1))))
PYTEST := $(BIN)/python -m pytest
# Where it is set, each of some hundred test processes compiles all modules anew.
unexport PYTHONDONTWRITEBYTECODE
T ?=
PORT ?= 8000

.PHONY: help run test test-all quick check scripts fmt browser bench docs messages lock
.DEFAULT_GOAL := run

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  make \1 @\2/p' $(MAKEFILE_LIST) | column -t -s @

run: $(READY)  ## the comment server and a demo blog; PORT=8010 for other ports
	$(BIN)/commentsvc demo --port $(PORT) --blog-port $$(($(PORT) + 1)) --neighbour-port $$(($(PORT) + 2))

test: $(READY)  ## every test, on SQLite and PostgreSQL, in a real browser; T=path::name for one of them
	@sh tests/prepare.sh
	$(PYTEST) $(if $(T),$(T),-n $(AT_ONCE) --dist worksteal --durations 10)

test-all: $(READY)  ## the same with every value of every test on both databases, and all looks in the browser
	@sh tests/prepare.sh
	$(PYTEST) -n $(AT_ONCE) --dist worksteal --durations 10 --all-values

quick: $(READY)  ## what you changed and its neighbours, on SQLite, in a minute
	$(PYTEST) -n $(AT_ONCE) --dist worksteal -q -k "not postgresql" -m "not slow and not browser" \
	    $$($(BIN)/python -m tests.neighbours)

check: $(READY) scripts  ## style, types, layers, documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

scripts:  ## types of the scripts in static/, where there is npm
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(SCRIPTS) && node_modules/.bin/tsc --project .; \
	else echo "Skipped: the types of scripts, as there is no npm here."; fi

fmt: $(READY)  ## put code in the usual form
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

browser: $(READY)  ## only the tests in a real browser
	@sh tests/prepare.sh
	$(PYTEST) -n $(AT_ONCE) --dist worksteal tests/browser

bench: $(READY)  ## measure what the documents claim
	$(BIN)/python -m bench

docs: $(READY)  ## write the generated documents and the pictures anew
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/screenshots.py

messages: $(READY)  ## bring the translations in line with the sentences
	$(BIN)/python docs/messages.py

lock: $(READY)  ## pin all dependencies anew, with hashes and without addresses
	$(BIN)/pip install --quiet uv
	sh requirements/lock.sh
	npm install --silent --package-lock-only --omit-lockfile-registry-resolved --no-audit --no-fund

# Quiet twice: warnings about places where pip looks for packages and finds none are nobody's to mend; errors are shown.
$(READY): requirements/test.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -qq --require-hashes -r requirements/test.txt
	$(BIN)/pip install -qq --no-deps --editable .
	touch $@

$(SCRIPTS): package-lock.json
	npm ci --silent --no-audit --no-fund
	touch $@
