# The same commands on a laptop and in CI. They need bash, make, a C compiler, Rust with rustfmt and clippy,
# CPython 3.11 or newer, and Java 17 for Spark; everything else goes into `.venv*` and `target`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-rust test-python lint lint-rust lint-python environments core suites
.PHONY: test-browser notebooks bench bench-services bench-handoff bench-airflow bench-spark audit fuzz miri wheel clean
# What a pattern makes is kept.
.SECONDARY:

PYTHON ?= python3
VENV := $(CURDIR)/.venv
BIN := $(VENV)/bin
AIRFLOW := $(CURDIR)/.venv-airflow
HANDOFF := $(CURDIR)/.venv-handoff
NOTEBOOK := $(CURDIR)/.venv-notebook
SPARK := $(CURDIR)/.venv-spark
# Each has tests in `tests/NAME` and an environment of its own, with the packages of `constraints/NAME.txt`.
SUITES := airflow handoff notebook spark
CARGO ?= cargo
# The stubs are among them: `help()` shows what they say.
SOURCES := $(shell find src -type f) build.rs python/insightframe/_core.pyi Cargo.toml Cargo.lock pyproject.toml

export VIRTUAL_ENV := $(VENV)
export PATH := $(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
unexport PYTHONHOME PYTHONPATH CONDA_PREFIX

help: ## Show the targets
	@grep -hE '^[a-z%-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

demo: $(VENV)/.module ## Export a 30-day report from the local sandbox and print the frame
	@$(BIN)/insightframe demo

# On two cores, what waits runs beside what computes: packages arrive while the module is compiled, and the suites, which
# mostly wait for others, run beside the tests of the core and give way to them.
test: ## Everything that must hold before a merge
	@$(MAKE) --no-print-directory --jobs 3 environments
	@$(MAKE) --no-print-directory lint
	$(CARGO) test --locked --quiet --features cli --no-run
	@$(MAKE) --no-print-directory --jobs 2 --output-sync=line core suites

environments: $(VENV)/.dev $(VENV)/.module $(SUITES:%=$(CURDIR)/.venv-%/.packages) $(HANDOFF)/.postgresql

core:
	@$(MAKE) --no-print-directory --jobs 1 test-rust test-python

suites:
	@nice -n 10 $(MAKE) --no-print-directory --jobs 1 $(SUITES:%=test-%)

test-rust: ## Tests of the Rust core
	$(CARGO) test --locked --quiet --features cli
	$(CARGO) check --locked --quiet --lib --no-default-features

test-python: $(VENV)/.dev $(VENV)/.module ## Tests of the Python package, its stubs and its types
	$(BIN)/python -m pytest --quiet
	$(BIN)/python -m mypy.stubtest --mypy-config-file pyproject.toml insightframe._core
	$(BIN)/python -m mypy
	$(BIN)/basedpyright

test-%: $(CURDIR)/.venv-%/.module ## One suite in its own environment: airflow, handoff, notebook, spark (needs Java 17)
	$(CURDIR)/.venv-$*/bin/python -m pytest --quiet -c tests/$*/pytest.ini tests/$*

# That of pandas once more, with the other pandas.
test-handoff: $(HANDOFF)/.module $(HANDOFF)/.postgresql $(VENV)/.dev
	$(HANDOFF)/bin/python -m pytest --quiet -c tests/handoff/pytest.ini tests/handoff
	$(BIN)/python -m pytest --quiet -c tests/handoff/pytest.ini tests/handoff/test_pandas.py

test-browser: $(NOTEBOOK)/.browser $(NOTEBOOK)/.module ## Tests in JupyterLab and Chromium; pictures in target/screenshots
	$(NOTEBOOK)/bin/python -m pytest --quiet -c tests/browser/pytest.ini tests/browser

notebooks: $(NOTEBOOK)/.module ## Execute the example notebooks and keep what they show
	$(NOTEBOOK)/bin/python tests/notebook/notebooks.py

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

# In megabytes. Of 1000 and more there are three rounds at most; `SIZES="1 100 1000"` takes twenty minutes longer, 6 GB of
# memory, and as much on the disk.
SIZES ?= 1 100
ROUNDS ?= 7
BENCH := $(CURDIR)/.venv-bench
BENCH_DATA := $(CURDIR)/target/bench-data

bench: $(BENCH)/.module ## The decoder and exports beside their peers, optimised; writes docs/benchmarks.md; takes half an hour
	mkdir -p $(BENCH_DATA)
	$(BENCH)/bin/python benches/peers/run.py $(BENCH_DATA) "$$($(CARGO) bench --locked --quiet --bench decode -- where)" \
		--sizes $(SIZES) --rounds $(ROUNDS) --write docs/benchmarks.md

bench-services: ## What an export and the other clients cost beside the service
	$(CARGO) bench --locked --features cli --bench export --bench services

bench-handoff: $(BENCH)/.module ## What handing 10 million rows over costs, optimised; writes docs/hand-off-figures.md
	$(BENCH)/bin/python benches/handoff.py --rounds $(ROUNDS) --write docs/hand-off-figures.md

bench-airflow: $(AIRFLOW)/.module ## What a DAG file and waiting exports cost, for docs/airflow.md
	$(AIRFLOW)/bin/python -m pytest -c tests/airflow/pytest.ini --capture=no --quiet --no-summary \
		tests/airflow/test_parse.py tests/airflow/test_trigger.py -k "beyond_airflow or hundred"

bench-spark: $(SPARK)/.module ## A year of days with one and with two workers, for docs/spark.md; takes some minutes
	$(SPARK)/bin/python benches/spark/year.py

# What is only run before a release: neither cargo-deny, cargo-fuzz nor a nightly toolchain is part of the set-up.
audit: target/tools/bin/cargo-deny ## Licences and sources of what comes in
	$< check bans licenses sources

target/tools/bin/cargo-%:
	$(CARGO) install --locked --quiet --root target/tools $(@F)

# Seconds for each target. What was found stays in fuzz/artifacts, what leads to it in target/fuzz-corpus. Leaks aren't looked
# for: a thread that decodes is done before its last memory is given back, which looks like one.
FUZZ_SECONDS ?= 60
FUZZ = PATH=$(CURDIR)/target/tools/bin:$$PATH CARGO_TARGET_DIR=$(CURDIR)/target/fuzz $(CARGO) +nightly fuzz
fuzz: target/tools/bin/cargo-fuzz ## Fuzz the decoder; needs a nightly toolchain
	for target in $$($(FUZZ) list); do mkdir -p "target/fuzz-corpus/$$target"; \
		$(FUZZ) run "$$target" "$(CURDIR)/target/fuzz-corpus/$$target" -- -max_total_time=$(FUZZ_SECONDS) -detect_leaks=0; done

miri: ## The decoder's kernels under Miri, by their portable way; needs a nightly toolchain with miri
	INSIGHTFRAME_SIMD=off MIRIFLAGS=-Zmiri-disable-isolation $(CARGO) +nightly miri test --lib --no-default-features \
		csv::cells csv::text csv::column csv::scan csv::dictionary

# In bytes: a new dependency can bring more than anybody sees in its name.
WHEEL_LIMIT ?= 10000000
wheel: $(VENV)/.demo ## A wheel for this platform, in dist/; an error if it is too large
	$(BIN)/maturin build --locked --release --compression-level 9 --out dist
	@wheel=$$(ls -t dist/*.whl | head -n 1); size=$$(wc -c < "$$wheel"); echo "$$wheel has $$size bytes"; \
		[ "$$size" -le $(WHEEL_LIMIT) ] || { echo "a wheel may have $(WHEEL_LIMIT)" >&2; exit 1; }

clean: ## Remove what the other targets made
	rm -rf .venv .venv-bench $(SUITES:%=.venv-%) target dist

# The native module, in the development profile, so that its dependencies are those of the tests.
$(VENV)/.module: $(VENV)/.demo $(SOURCES)
	$(BIN)/maturin develop --locked --quiet
	@touch $@

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "insightframe needs CPython 3.11 or newer; name one with `make PYTHON=…`")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: constraints/dev.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet --constraint $< maturin polars
	@touch $@

# The peers have an environment of their own, with versions of their own, and our module as a wheel has it.
$(BENCH)/.module: $(BENCH)/.peers $(SOURCES)
	VIRTUAL_ENV=$(BENCH) $(BENCH)/bin/maturin develop --locked --release --quiet
	@touch $@

$(BENCH)/.peers: constraints/bench.txt
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --requirement $<
	@touch $@

$(VENV)/.dev: constraints/dev.txt constraints/dev.in $(VENV)/.demo
	$(BIN)/python -m pip install --quiet --constraint $< --requirement constraints/dev.in
	@touch $@

# Airflow pins much of what it uses, kernels bring a hundred packages along, the libraries of the hand-off have pandas 2
# among them, and Spark starts its workers with the Python of its own environment.
$(CURDIR)/.venv-%/.packages: constraints/%.txt constraints/%.in
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --constraint $< --requirement constraints/$*.in
	@touch $@

# The one build serves all: this copies what says where the package is, and what its entry points are.
$(CURDIR)/.venv-%/.module: $(CURDIR)/.venv-%/.packages $(VENV)/.module
	rm -rf $(@D)/lib/python*/site-packages/insightframe*
	cp -R $(VENV)/lib/python*/site-packages/insightframe* $(@D)/lib/python*/site-packages/
	@touch $@

# Chromium and its driver come from the system: `apt-get install chromium chromium-driver` on Debian.
$(NOTEBOOK)/.browser: constraints/browser.in $(NOTEBOOK)/.packages
	@type chromium chromedriver > /dev/null || { echo "install Chromium and its driver first: packages chromium and chromium-driver of Debian" >&2; exit 1; }
	$(NOTEBOOK)/bin/python -m pip install --quiet --constraint constraints/notebook.txt --requirement $<
	@touch $@

# A server for the tests of ADBC, where it can be had without a question. Without one these tests are skipped, with a
# word about it, and in CI they fail.
$(HANDOFF)/.postgresql: | $(HANDOFF)/.packages
	@ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends postgresql >/dev/null; } || \
		echo "there is no PostgreSQL server, and it can't be installed here: apt-get install postgresql"
	@touch $@
