# `make demo` and `make test` do all the set-up that they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TESTS := $(BIN)/python -m pytest -n 2 --dist worksteal
CRF := $(BIN)/python -m pip install --quiet --constraint constraints.txt pydensecrf2

.PHONY: demo install test test-all check docs pages format

demo: $(READY)
	$(BIN)/wsss demo

install: $(READY)

test: $(READY)
	$(TESTS) -m "not slow"

test-all: $(READY)
	$(TESTS)

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: $(READY)
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# What pages repeat of code and of the records in the repository; tests say when it is stale.
pages: $(READY)
	$(BIN)/python tests/support/page_blocks.py
	$(BIN)/wsss table --update docs/tables.md
	$(BIN)/wsss table --update README.md

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	$(CRF) 2> $(VENV)/crf.log || echo "The dense CRF did not compile (see $(VENV)/crf.log);" \
		"rows that use it will fail, all else works. To try again: $(CRF)"
	touch $@
