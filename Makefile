# The same commands on a laptop and in CI. They need bash, make, a C compiler, Rust with rustfmt and clippy,
# CPython 3.11 or newer, and Java 17 for Spark; everything else goes into `.venv*` and `target`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-rust test-python test-airflow test-spark lint lint-rust lint-python bench bench-services bench-airflow bench-spark wheel clean

PYTHON ?= python3
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
AIRFLOW := $(CURDIR)/.venv-airflow
SPARK := $(CURDIR)/.venv-spark
CARGO ?= cargo

export VIRTUAL_ENV := $(VENV)
export PATH := $(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONHOME PYTHONPATH CONDA_PREFIX

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-12s %s\n", $$1, $$2 }'

demo: $(VENV)/.module ## Export a 30-day report from the local sandbox and print the frame
	@$(BIN)/insightframe demo

test: lint test-rust test-python test-airflow test-spark ## Everything that must hold before a merge

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

test-spark: $(SPARK)/.module ## Tests of the Spark source, in an environment of its own; they need Java 17
	$(SPARK)/bin/python -m pytest --quiet -c tests/spark/pytest.ini tests/spark

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

# In megabytes. `make bench SIZES="1 100 1000"` takes an hour and 12 GB of memory.
SIZES ?= 1 100
ROUNDS ?= 7
BENCH := $(CURDIR)/.venv-bench
BENCH_DATA := $(CURDIR)/target/bench-data

bench: $(BENCH)/.module ## The decoder beside its peers, optimised; writes docs/benchmarks.md; takes half an hour
	mkdir -p $(BENCH_DATA)
	$(BENCH)/bin/python benches/peers/run.py --sizes $(SIZES) --rounds $(ROUNDS) --write docs/benchmarks.md \
		$(BENCH_DATA) "$$($(CARGO) bench --locked --quiet --bench decode -- where)"

bench-services: ## What an export and the other clients cost beside the service
	$(CARGO) bench --locked --features cli --bench export --bench services

bench-airflow: $(AIRFLOW)/.module ## What a DAG file and waiting exports cost, for docs/airflow.md
	$(AIRFLOW)/bin/python -m pytest -c tests/airflow/pytest.ini --capture=no --quiet --no-summary \
		tests/airflow/test_parse.py tests/airflow/test_trigger.py -k "beyond_airflow or hundred"

bench-spark: $(SPARK)/.module ## A year of days with one and with two workers, for docs/spark.md; takes some minutes
	$(SPARK)/bin/python benches/spark/year.py

wheel: $(VENV)/.demo ## A wheel for this platform, in dist/
	$(BIN)/maturin build --locked --release --out dist

clean: ## Remove what the other targets made
	rm -rf .venv .venv-airflow .venv-spark target dist

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

# The peers have an environment of their own, with versions of their own, and our module as a wheel has it.
$(BENCH)/.module: $(BENCH)/.peers $(shell find src -type f) Cargo.toml Cargo.lock pyproject.toml
	VIRTUAL_ENV=$(BENCH) $(BENCH)/bin/maturin develop --locked --release --quiet
	@touch $@

$(BENCH)/.peers: constraints/bench.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --requirement $<
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

# Spark starts its workers with the Python that it finds in its own environment.
$(SPARK)/.demo: constraints/spark.txt constraints/spark.in
	$(PYTHON) -m venv $(SPARK)
	$(SPARK)/bin/python -m pip install --quiet --constraint $< --requirement constraints/spark.in
	@touch $@

$(SPARK)/.module: $(SPARK)/.demo $(VENV)/.module
	rm -rf $(SPARK)/lib/python*/site-packages/insightframe*
	cp -R $(VENV)/lib/python*/site-packages/insightframe* $(SPARK)/lib/python*/site-packages/
	@touch $@
