# Every target sets up what it needs; `make` alone lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv
export UV_COMPILE_BYTECODE := 1

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo test test-clients test-ci test-deep-policy test-deep-matching test-deep-spark test-deep-write lint bench bench-peers bench-matching lock clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.base  ## make .venv with the command syncd

setup-dev: $(VENV)/.dev

$(UV): requirements/tools.txt
	@echo "Setting up $(VENV)" >&2
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "syncd needs Python 3.11 or newer; set PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements/tools.txt
	@touch $(UV)

$(VENV)/.base: $(UV) requirements/base.txt pyproject.toml
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes --only-binary :all: -r requirements/base.txt
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q syncd
	@touch $@

$(VENV)/.dev: $(VENV)/.base requirements/dev.txt
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes --only-binary :all: -r requirements/dev.txt
	@touch $@

$(VENV)/.bench: $(VENV)/.dev requirements/bench.txt
	@VIRTUAL_ENV=$(VENV) $(UV) pip install --quiet --require-hashes --only-binary :all: -r requirements/bench.txt
	@touch $@

demo: setup  ## the whole job on emulated CRMs: make demo ARGS="--once --json"
	@$(BIN)/syncd demo $(ARGS)

test: setup-dev  ## all tests, on SQLite and a real PostgreSQL
	$(BIN)/pytest -n auto -q tests --ignore tests/clients -m "not counts and not deep"

test-ci: setup-dev  ## the large counts that CI runs: seeded histories and combinations
	$(BIN)/pytest -n auto -q tests --ignore tests/clients -m counts

test-deep-policy: setup-dev  ## planted bugs of the policy, each caught by name; histories, brute force, speed
	$(BIN)/pytest -n auto -q tests/planted tests/policy tests/e2e -m deep
	$(BIN)/python -m bench.policy
	$(BIN)/python -m bench.policy --apart

test-deep-matching: $(VENV)/.bench  ## incremental linking in 1,000 examples, golden pairs, a million accounts (long)
	HYPOTHESIS_PROFILE=deep $(BIN)/pytest -n auto -q tests/matching/test_incremental.py tests/jobs/test_link_incremental.py
	$(BIN)/python -m bench.golden_pairs --engines process duckdb
	$(BIN)/python -m bench.matching_scale
	$(BIN)/python -m bench.linking_job

.venv-spark/.done: requirements/spark.txt $(UV)
	@$(PYTHON) -m venv .venv-spark
	@VIRTUAL_ENV=.venv-spark $(UV) pip install --quiet --require-hashes -r requirements/spark.txt
	@VIRTUAL_ENV=.venv-spark $(UV) pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

test-deep-spark: .venv-spark/.done  ## the golden pairs of matching on Spark (needs Java 17)
	PYTHONPATH=. .venv-spark/bin/python -m bench.golden_pairs --engines spark

test-deep-write: setup-dev  ## 10,000 histories of writing, 200 real kills, undos
	$(BIN)/pytest -n auto -q tests/sim tests/e2e/test_kill_writing.py -m deep

CLIENTS := tap-salesforce tap-hubspot dlt
.venv-%/.done: requirements/clients/%.txt $(UV)
	@$(PYTHON) -m venv .venv-$*
	@VIRTUAL_ENV=.venv-$* $(UV) pip install --quiet --require-hashes -r requirements/clients/$*.txt
	@touch $@

tests/clients/js/node_modules/.done: tests/clients/js/package-lock.json
	@cd tests/clients/js && npm ci --silent
	@touch $@

test-clients: setup-dev $(CLIENTS:%=.venv-%/.done) tests/clients/js/node_modules/.done  ## other people's clients and tools against the emulators (needs Node)
	$(BIN)/pytest -q tests/clients

lint: setup-dev  ## format, imports, types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

bench: $(VENV)/.bench  ## the figures in docs/performance.md, side by side
	@$(BIN)/python -m compileall -q syncd
	$(BIN)/python -m bench.pull
	$(BIN)/python -m bench.read
	$(BIN)/python -m bench.write
	$(BIN)/python -m bench.calls
	$(BIN)/python -m bench.emulator
	$(BIN)/python -m bench.approve
	$(BIN)/python -m bench.ledger
	$(BIN)/python -m bench.policy --pure

bench-peers: $(VENV)/.bench .venv-pyairbyte/.done  ## beside PyAirbyte, in an environment of its own
	$(BIN)/python -m bench.peers

bench-matching: .venv-peers/.done  ## matching beside other linkers: make bench-matching FOLDER=the sets with truth
	PYTHONPATH=. .venv-peers/bin/python -m bench.matching $(FOLDER)

lock:  ## write the lock files again from pyproject.toml
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/tools.in -o requirements/tools.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group build -o requirements/base.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra postgres --extra bulk --extra alerts --group build --group dev -c requirements/base.txt -o requirements/dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group bench -c requirements/dev.txt -o requirements/bench.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra postgres --extra alerts --group build -c requirements/dev.txt -o requirements/container.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra spark --group build -c requirements/base.txt -o requirements/spark.txt
	for client in $(CLIENTS) pyairbyte peers splink; do uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements/clients/$$client.in -o requirements/clients/$$client.txt; done

clean:
	rm -rf $(VENV) .venv-* tests/clients/js/node_modules build dist .mypy_cache .ruff_cache .pytest_cache
