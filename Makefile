# The README's two commands are `make demo` and `make test`. Each does all of its set-up; nothing else has to be installed or configured.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PY ?= python3
UV_VERSION := 0.13.9
UV := .uv/bin/uv
PYTHON := .venv/bin/python
LOCKS := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate pyproject.toml
# the authorities that the machine trusts, as pip and everything else on it does (an office's own proxy among them)
export UV_SYSTEM_CERTS ?= 1
# whoever forbids Python to keep what it compiled compiles seven hundred modules again at every start of a program
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help demo test check bench screens docs dev clean lock system

help:  ## say what there is
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | sort

# uv comes from the Python package index into .uv: pip where there is one, else a venv (Debian's python3-venv brings pip)
$(UV):
	@if $(PY) -m pip --version >/dev/null 2>&1; then \
	  $(PY) -m pip --quiet --disable-pip-version-check --no-input install --root-user-action=ignore --target .uv uv==$(UV_VERSION); \
	elif $(PY) -m venv .uv >/dev/null 2>&1; then \
	  .uv/bin/pip --quiet --disable-pip-version-check --no-input install uv==$(UV_VERSION); \
	else \
	  rm -rf .uv; echo "muniment needs pip or venv beside python3: apt-get install python3-venv (or python3-pip)" >&2; exit 69; \
	fi

.venv/.run: $(UV) .ci/run.lock pyproject.toml
	@[ -x $(PYTHON) ] || $(UV) venv --quiet --python $(PY) .venv
	@$(UV) pip install --quiet --python .venv --require-hashes --requirement .ci/run.lock
	@$(UV) pip install --quiet --python .venv --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.run .ci/dev.lock
	@$(UV) pip install --quiet --python .venv --require-hashes --requirement .ci/dev.lock
	@touch $@

.venv/.js: .venv/.dev tests/js/package-lock.json  # what checks the types of the pages' scripts
	@cd tests/js && ../../.venv/bin/npm ci --silent
	@touch $@

.venv/.foreign: .venv/.dev tests/foreign/js/package-lock.json  # wallets, issuers and judges written by others
	@cd tests/foreign/js && ../../../.venv/bin/npm ci --silent
	@touch $@

.venv/.judges: .venv/.run .ci/judges.lock  # judges by others whose pins contradict ours, in an environment of their own
	@[ -x .venv/judges/bin/python ] || $(UV) venv --quiet --python $(PY) .venv/judges
	@$(UV) pip install --quiet --python .venv/judges --require-hashes --requirement .ci/judges.lock
	@touch $@

system:  # what the package index cannot give: a browser and its fonts (Debian packages, only what is missing)
	@bash .ci/system

demo: .venv/.run $(if $(filter airplane,$(STORY)),.venv/.dev system) $(if $(filter foreign,$(STORY)),.venv/.foreign)  ## play the stories on loopback: STORY=name for one, ONCE=1 to leave afterwards, KEEP=1 to stay
	@$(PYTHON) -m demo

dev: .venv/.dev  ## set up for development
	@echo "ready: $(PYTHON)"

check: .venv/.dev .venv/.js  ## lint, types, import contracts and unit tests, in two minutes
	@$(PYTHON) tests/run.py check

test: .venv/.dev .venv/.js .venv/.foreign .venv/.judges system  ## everything: check, and the tests with a real database, browser and foreign programs
	@$(PYTHON) tests/run.py all

bench: .venv/.dev  ## measure ratios against the floor and the peers: BENCH=name for one row
	@$(PYTHON) -m benchmarks

screens: .venv/.dev system  ## pictures of every page, in .screens, and those of the tour
	@$(PYTHON) tests/run.py screens

docs: .venv/.dev  ## write the tables of settings, errors and commands from the code
	@$(PYTHON) docs/generate.py

lock: $(UV)  # renew the hash-pinned locks; they name no host
	@$(LOCKS:uv%=$(UV)%) --group build --output-file .ci/run.lock
	@$(LOCKS:uv%=$(UV)%) --extra postgresql --group build --group dev --constraint .ci/run.lock --output-file .ci/dev.lock
	@$(filter-out pyproject.toml,$(LOCKS:uv%=$(UV)%)) --group judges --output-file .ci/judges.lock
	@if [ -x .venv/bin/npm ]; then for each in tests/js tests/foreign/js; do .venv/bin/npm --prefix $$each install --silent --package-lock-only; done; fi

clean:  ## remove everything that these commands made
	@rm -rf .uv .venv .demo .bench .screens .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage tests/js/node_modules tests/foreign/js/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
