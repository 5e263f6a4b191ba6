# One command per wish; `make help` lists them.
SHELL := bash
PYTHON ?= python3
CORES ?= all
VENV := .venv
BIN := $(VENV)/bin
UV := uv==0.13.8

# One thread each: as many workers as cores share the tests.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --maxprocesses 8
BUILD = @exec $(BIN)/python -m repalign_utils build --with-parent --cores $(CORES)

.DEFAULT_GOAL := help
.PHONY: help env book paper section check test bench lock clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

env: $(VENV)/.ready ## make the environment .venv (nothing to do when it is there)

# The stamp is the last thing written: what was interrupted is done again. A folder that
# has a working Python is kept, so a changed lock costs seconds. Packages are compiled here,
# which uv leaves to their first import: where Python keeps no caches, as in many containers,
# each run would compile them anew. A file for another Python does not compile: no matter.
$(VENV)/.ready: requirements.lock pyproject.toml
	@command -v "$(PYTHON)" >/dev/null || { \
	  echo "make env: there is no '$(PYTHON)' on the PATH; install Python 3.11 or newer, or" \
	  "name one with 'make env PYTHON=/path/to/python3.12'" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make env: '$(PYTHON)' is $$("$(PYTHON)" --version 2>&1), but 3.11 or newer is" \
	  "needed; name one with 'make env PYTHON=/path/to/python3.12'" >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)
	$(BIN)/uv pip install --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --python $(BIN)/python --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -qq -j 0 -x '/tests/' $(VENV)/lib || true
	@touch $@

book: env ## execute the sections (quick profile) and build the site
	$(BUILD)

paper: env ## the same at the paper's sizes, on real data (hours)
	$(BUILD) --profile paper

section: env ## run one section, e.g. make section S=05
	@test -n "$(S)" || { echo "make section: name one, e.g. make section S=05" >&2; exit 1; }
	$(BIN)/python -m repalign_utils run "$(S)"

check: env ## lint, check types and run the unit tests (about two minutes)
	$(PYTEST) --dist worksteal -m "not section and not browser" $(ARGS)

# What is quick and says most comes first; the book is built before tests look at it.
# Tests of pages and kernels often wait, so one worker more than cores keeps these busy.
test: env ## run the whole test suite, Chromium set up where it is missing
	$(BIN)/python -m tests.browser.chromium
	$(PYTEST) --dist worksteal -m "not section and not browser" $(ARGS)
	$(BUILD)
	$(PYTEST) -n $$(($$(getconf _NPROCESSORS_ONLN) + 1)) --dist loadscope -m "section or browser" --site=_build/html $(ARGS)

bench: env ## measure the speed ratios that the project promises
	$(BIN)/python -m benchmarks

lock: env ## resolve requirements.lock again after a change of dependencies
	$(BIN)/uv pip compile pyproject.toml --extra test --universal --python-version 3.11 \
	  --generate-hashes -o requirements.lock

clean: ## remove the site, the quick results and the logs (keeps .venv, runs, paper results)
	rm -rf _build .snakemake logs results/quick book/sections book/_generated book/claims.md
