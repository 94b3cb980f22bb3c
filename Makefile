# The map of the workshop. `make` alone prints it.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

BIN := .venv/bin
READY := .venv/.ready
MODEL := classifier/built/manifest.json
CODE := agent classifier templates models config tests benchmarks hatch_build.py

.PHONY: help
help:  ## this map
	@echo 'relance: what can be made here (each does the set-up that it needs)'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  RELANCE_NO_APT=1   install no Debian package; tests that need a missing server are skipped and counted'
	@echo '  RELANCE_TEST_PG=…  a PostgreSQL to test on (postgresql+psycopg://…), instead of one of our own'
	@echo '  ARGS=…             given on: make demo ARGS=--help, make test ARGS="-k bounce"'

$(READY): requirements/dev.lock pyproject.toml scripts/setup
	@scripts/setup
	@touch $@

$(MODEL): $(shell find classifier -type f -not -path 'classifier/built/*' -not -name '*.pyc') | $(READY)
	$(BIN)/python -m classifier.build
	@touch $@

.PHONY: setup
setup: $(READY) $(MODEL)  ## .venv with all that is needed, and the default trained model

.PHONY: demo
demo: setup  ## the whole loop on embedded servers: reminders, answers, decisions, the queue
	$(BIN)/relance demo $(ARGS)

.PHONY: pictures
pictures: setup  ## pictures of the letters for docs/images: each text in each tone, language and width, as a browser shows it
	@scripts/test-servers poppler-utils
	$(BIN)/python -m tests.agent.reminders.pictures docs/images

.PHONY: screenshots
screenshots: setup  ## pictures of the review desk for docs/images, from a running demo
	@scripts/test-servers
	$(BIN)/python scripts/screenshots

.PHONY: servers
servers:  ## the Debian packages that the tests run against (as root; make test does this)
	@scripts/test-servers

.PHONY: test
test: setup servers  ## every test, in parallel and random order, against real servers
	$(BIN)/pytest -n auto --maxprocesses 4 --dist loadgroup $(ARGS)

.PHONY: prove
prove: setup  ## break everything that can break, and count duplicates, lost mail and double effects (half an hour once set up; ARGS="--minutes 90": more)
	@scripts/test-servers isync getmail6
	$(BIN)/python -m tests.faults.prove $(ARGS)

.PHONY: soak
soak: setup servers  ## the demo's company at a hundred times speed for half an hour, the daemon killed at random
	$(BIN)/python -m tests.faults.soak $(ARGS)

.PHONY: lint
lint: $(READY)  ## style, types, which room may use which, known weaknesses, committed secrets
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy
	scripts/audit

.PHONY: format
format: $(READY)  ## put the code into the house's form, mend what can be mended
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

.PHONY: check
check: lint test  ## lint and test: what CI runs

.PHONY: lock
lock: $(READY)  ## requirements/*.lock from pyproject.toml (ARGS=--upgrade: the newest releases)
	scripts/lock $(ARGS)

.PHONY: model
model: $(READY)  ## train the default model again from the committed data
	rm -rf classifier/built
	$(BIN)/python -m classifier.build

.PHONY: build
build: setup  ## dist/: wheel (with the trained model) and source archive, built by the locked tools
	rm -rf dist
	$(BIN)/python -m build --no-isolation --sdist --wheel

.PHONY: clean
clean:  ## remove what was built, .venv included
	rm -rf .venv dist build classifier/built .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
