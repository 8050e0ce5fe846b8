# Every habit is one word. `make run` and `make test` set up what they need from a clean clone.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT := out
# An editable install knows files by name: it is renewed when one comes or goes, not when one is edited.
NAMES := build/names
$(shell mkdir -p build; find src -name '*.py' | sort | cmp -s - $(NAMES) || find src -name '*.py' | sort > $(NAMES))
BUILT_FROM := pyproject.toml constraints.txt CMakeLists.txt $(NAMES) $(shell find native -type f)

# Pinned versions hold for the build's own environment too.
export PIP_CONSTRAINT := $(abspath constraints.txt)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export CHAINRULE_WERROR := 1

.PHONY: run test test-all pictures browser check format bench docs sanitize clean

run: $(VENV)/run.stamp ## train on the bundled penguins; model, predictions and report go to out/
	@mkdir -p $(OUT)
	$(BIN)/chainrule train examples/penguins.csv --target species --output $(OUT)/penguins.chainrule --report $(OUT)/penguins.html
	$(BIN)/chainrule predict $(OUT)/penguins.chainrule examples/penguins.csv --proba --output $(OUT)/predictions.csv

test: $(VENV)/test.stamp browser ## the tests
	$(BIN)/python -m pytest

test-all: $(VENV)/notebook.stamp browser ## the slow tests too, a board in JupyterLab among them
	$(BIN)/python -m pytest -m "slow or not slow"

pictures: $(VENV)/notebook.stamp browser ## the guide's pictures of the board, anew
	CHAINRULE_PICTURES=docs/images/board $(BIN)/python -m pytest -m slow -k "pictures_are_made or guides_picture" tests/board

# The board's tests open it in a real browser; where there is none, and none can be installed, they are skipped.
browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && \
		apt-get update -qq && apt-get install -y -qq chromium >/dev/null; } || echo "no chromium: the page's tests are skipped"

check: $(VENV)/test.stamp ## style, types, import direction (run with the tests as well)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/test.stamp ## put every file into the project's format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/bench.stamp browser ## every benchmark, side by side with its peers
	$(BIN)/python benchmarks/one_pass.py
	$(BIN)/python benchmarks/sparse_pass.py
	$(BIN)/python benchmarks/cost.py --pictures $(OUT)/benchmarks
	$(BIN)/python benchmarks/tables.py
	$(BIN)/python benchmarks/start.py
	$(BIN)/python benchmarks/board.py --quick
	$(BIN)/python -m benchmarks.networks
	$(BIN)/python -m benchmarks.softmax --quick

docs: $(VENV)/docs.stamp ## the guide and the reference as HTML, in out/docs
	$(BIN)/python -m sphinx -W -q -b html docs $(OUT)/docs
	@echo "$(OUT)/docs/index.html"

# A virtual environment's editable install comes before every path, so the interpreter under it runs the instrumented
# one, with the environment's libraries behind it.
sanitize: $(VENV)/test.stamp ## the kernels' tests under the address and undefined-behaviour sanitizers
	$(BIN)/pip install -q --no-deps --target build/sanitize --upgrade -C cmake.define.CHAINRULE_SANITIZE=ON \
		-C build-dir=build/sanitized .
	LD_PRELOAD="$$(g++ -print-file-name=libasan.so) $$(g++ -print-file-name=libubsan.so) $$(g++ -print-file-name=libstdc++.so)" \
		ASAN_OPTIONS=detect_leaks=0 PYTHONMALLOC=malloc \
		PYTHONPATH="$(abspath build/sanitize):$$($(BIN)/python -c 'import site; print(site.getsitepackages()[0])')" \
		$(PYTHON) -m pytest -p no:cacheprovider -k "not large_in_one_direction and not every_level" tests/engine

clean:
	rm -rf $(VENV) build $(OUT)

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/run.stamp: $(BIN)/python $(BUILT_FROM)
	$(BIN)/pip install -q -e ".[plot]"
	@touch $@

$(VENV)/test.stamp: $(BIN)/python $(BUILT_FROM)
	$(BIN)/pip install -q -e ".[plot,board,test]"
	@touch $@ $(VENV)/run.stamp

$(VENV)/notebook.stamp: $(VENV)/test.stamp
	$(BIN)/pip install -q -e ".[notebook]"
	@touch $@

$(VENV)/bench.stamp: $(VENV)/test.stamp
	$(BIN)/pip install -q -e ".[bench]"
	@touch $@

$(VENV)/docs.stamp: $(VENV)/test.stamp
	$(BIN)/pip install -q -e ".[docs]"
	@touch $@
