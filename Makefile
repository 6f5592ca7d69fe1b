# make demo   own .venv, build, walk the stages from text to vectors and print each   (TEXT=file: on your own text)
# make test   build with warnings as errors, lint, types, tests, and the core's tests again under the sanitizers
PYTHON ?= python3
BIN := .venv/bin
TEXT ?=

.PHONY: demo test build lint types check sanitize slow fuzz stubs clean

demo: .venv/.built
	$(BIN)/qianru demo $(if $(TEXT),--text "$(TEXT)")

test: build lint types check sanitize

.venv/bin/pip:
	$(PYTHON) -m venv .venv

# Built once for the demo; `make build` always asks the build system what has changed.
.venv/.tools: .venv/bin/pip pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check "scikit-build-core>=1.1" "nanobind>=3.1" "nanobind-backend>=1.0" ninja "cmake>=3.24"
	@touch $@

.venv/.built: .venv/.tools
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.built constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-build-isolation --editable ".[dev,onnx,opencc,parquet,sentencepiece,torch]" -c constraints.txt
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

# The core under AddressSanitizer and UBSan, and the tests that lean on it most. The package lies in an environment of its own
# that sees the tools of .venv but not the package installed there (a .pth file does not process other .pth files), so that the
# processes which the tests start are watched as well. libstdc++ is loaded first because the sanitizer looks for the C++
# exceptions it wraps before Python has loaded anything in C++.
SANE := build/sanitize
# Minutes each, and what they walk through others walk through too.
SLOW_UNDER_SANITIZERS := tests/static/test_word2vec.py::test_learns_the_sample_world \
	tests/text/test_words.py::test_every_code_point_has_the_class_and_lower_case_python_says
SANE_SITE = $(SANE)/lib/python$(shell $(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')/site-packages
SANE_RUN = LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libstdc++.so)" \
	ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 $(SANE)/bin/python

sanitize: build
	$(BIN)/cmake -S . -B $(SANE)/cmake -G Ninja -DCMAKE_BUILD_TYPE=None -DQIANRU_SANITIZE=ON \
		-DCMAKE_MAKE_PROGRAM="$(CURDIR)/$(BIN)/ninja" -DPython_EXECUTABLE="$(CURDIR)/$(BIN)/python" --log-level=WARNING
	$(BIN)/cmake --build $(SANE)/cmake
	$(BIN)/python -m venv --without-pip $(SANE)
	rm -rf $(SANE_SITE)/qianru
	cp -R src/qianru $(SANE_SITE)/qianru
	cp $(SANE)/cmake/_core*.so $(SANE_SITE)/qianru/
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' > $(SANE_SITE)/tools.pth
	$(SANE_RUN) -c 'import ctypes, qianru._core as c; assert "/$(SANE)/" in c.__file__; ctypes.CDLL(c.__file__).__asan_init'
	$(SANE_RUN) -m pytest -q -n 2 -m "not slow" -p no:cacheprovider $(SLOW_UNDER_SANITIZERS:%=--deselect %) \
		tests/core tests/static tests/text tests/tokens tests/vectors tests/hostile

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
