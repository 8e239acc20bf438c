# The same commands on a laptop and in CI. They need bash, make, a C compiler, Rust with rustfmt and clippy, and
# CPython 3.11 or newer; everything else goes into `.venv` and `target`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-rust test-python test-airflow lint lint-rust lint-python bench wheel clean

PYTHON ?= python3
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
AIRFLOW := $(CURDIR)/.venv-airflow
CARGO ?= cargo

export VIRTUAL_ENV := $(VENV)
export PATH := $(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONHOME PYTHONPATH CONDA_PREFIX

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

demo: $(VENV)/.module ## Export a 30-day report from the local sandbox and print the frame
	@$(BIN)/insightframe demo

test: lint test-rust test-python test-airflow ## Everything that must hold before a merge

test-rust: ## Tests of the Rust core
	$(CARGO) test --locked --quiet --features cli
	$(CARGO) check --locked --quiet --lib --no-default-features

test-python: $(VENV)/.dev $(VENV)/.module ## Tests of the Python package, its stubs and its types
	$(BIN)/python -m pytest --quiet
	$(BIN)/python -m mypy.stubtest --mypy-config-file pyproject.toml insightframe._core
	$(BIN)/python -m mypy
	$(BIN)/basedpyright

test-airflow: $(AIRFLOW)/.module ## Tests of the Airflow provider, in an environment of its own
	$(AIRFLOW)/bin/python -m pytest --quiet -c tests/airflow/pytest.ini tests/airflow

lint: lint-rust lint-python ## Formatting, named lints, documentation

# What maturin tells pyo3 is told to clippy too; else the two would compile it again in turn.
SIGNATURE := import sys; v = sys.version_info; print(f"cpython-{v[0]}.{v[1]}-{sys.maxsize.bit_length() + 1}bit")
TOLD = PYO3_BUILD_EXTENSION_MODULE=1 PYO3_PYTHON=$(BIN)/python \
	PYO3_CONFIG_FILE="$$(ls -t "$${CARGO_TARGET_DIR:-$(CURDIR)/target}"/maturin/pyo3-config-*.txt | head -n 1)" \
	PYO3_ENVIRONMENT_SIGNATURE="$$($(BIN)/python -c '$(SIGNATURE)')"

lint-rust: $(VENV)/.module
	$(CARGO) fmt --check
	@$(TOLD) $(CARGO) clippy --locked --quiet --all-targets --features python -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --quiet --no-deps --features cli

lint-python: $(VENV)/.dev
	$(BIN)/ruff check --quiet
	$(BIN)/ruff format --check --quiet

bench: ## Benchmarks, optimised; takes minutes
	$(CARGO) bench --locked --features cli

wheel: $(VENV)/.demo ## A wheel for this platform, in dist/
	$(BIN)/maturin build --locked --release --out dist

clean: ## Remove what the other targets made
	rm -rf .venv .venv-airflow target dist

# The native module, in the development profile, so that its dependencies are those of the tests.
$(VENV)/.module: $(VENV)/.demo $(shell find src -type f) Cargo.toml Cargo.lock pyproject.toml
	$(BIN)/maturin develop --locked --quiet
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "insightframe needs CPython 3.11 or newer; name one with `make PYTHON=…`")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: constraints/dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint $< maturin polars
	@touch $@

$(VENV)/.dev: constraints/dev.txt constraints/dev.in $(VENV)/.demo
	$(BIN)/python -m pip install --quiet --constraint $< --requirement constraints/dev.in
	@touch $@

# Airflow pins much of what it uses, so it has an environment for itself.
$(AIRFLOW)/.demo: constraints/airflow.txt constraints/airflow.in
	$(PYTHON) -m venv $(AIRFLOW)
	$(AIRFLOW)/bin/python -m pip install --quiet --constraint $< --requirement constraints/airflow.in
	@touch $@

# The one build serves both: this copies what says where the package is, and what its entry points are.
$(AIRFLOW)/.module: $(AIRFLOW)/.demo $(VENV)/.module
	rm -rf $(AIRFLOW)/lib/python*/site-packages/insightframe*
	cp -R $(VENV)/lib/python*/site-packages/insightframe* $(AIRFLOW)/lib/python*/site-packages/
	@touch $@
