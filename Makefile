# make run and make test set up what they need; the rest takes it from there.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: run test check browser bench docs messages lock
.DEFAULT_GOAL := run

run: $(READY)  ## the comment server and a demo blog
	$(BIN)/commentsvc demo

test: $(READY)  ## every test, on SQLite and PostgreSQL, with a real browser
	@sh tests/prepare.sh
	$(BIN)/python -m pytest -n auto --dist loadgroup

check: $(READY)  ## style, types, floors, documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

browser: $(READY)  ## only the stories in a real browser
	@sh tests/prepare.sh
	$(BIN)/python -m pytest tests/browser

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

$(READY): requirements/test.txt pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements/test.txt
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@
