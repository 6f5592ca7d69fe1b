# make demo   own .venv, build, walk the stages from text to vectors and print each   (TEXT=file: on your own text)
# make test   build with warnings as errors, lint, types, tests
PYTHON ?= python3
BIN := .venv/bin
TEXT ?=

.PHONY: demo test build lint types check slow fuzz stubs clean

demo: .venv/.built
	$(BIN)/qianru demo $(if $(TEXT),--text "$(TEXT)")

test: build lint types check

.venv/bin/pip:
	$(PYTHON) -m venv .venv

# Built once for the demo; `make build` always asks the build system what has changed.
.venv/.tools: .venv/bin/pip pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check "scikit-build-core>=1.1" "nanobind>=3.1" "nanobind-backend>=1.0" ninja "cmake>=3.24"
	@touch $@

.venv/.built: .venv/.tools
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.built
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --editable ".[dev]"
	@touch $@

build: .venv/.dev
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

check:
	$(BIN)/pytest -q -n 2 -m "not slow"

# Every reader of foreign bytes, SECONDS each, coverage-guided; a crash leaves its input in build/fuzz.
SECONDS ?= 600

fuzz: build
	$(BIN)/pip install --quiet --disable-pip-version-check --editable ".[fuzz]" --no-build-isolation
	mkdir -p build/fuzz
	cd build/fuzz && for target in $${FUZZ:-$$(../../$(BIN)/python ../../tests/fuzz/run_atheris.py)}; do \
	  ../../$(BIN)/python ../../tests/fuzz/run_atheris.py $$target -max_total_time=$(SECONDS) -verbosity=0 || exit 1; done

slow: build
	$(BIN)/pytest -q -m slow

stubs:
	$(BIN)/python -m nanobind.stubgen -m qianru._core -o src/qianru/_core.pyi

clean:
	rm -rf .venv build demo-model
