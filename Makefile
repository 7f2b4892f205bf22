# `make` alone prints what there is.
SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
WORKSPACE ?= .
STAMP := .venv/.installed

.DEFAULT_GOAL := help
.PHONY: help report test lab bench faults pack

help: ## Print this list
	@echo "sopkit: raw tables in, a meeting pack out"
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-8s %s\n", $$1, $$2}'

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $(STAMP)

report: $(STAMP) ## Set up .venv, run the cycle of data/raw, print where to open the pack
	$(BIN)/python -m sopkit run

test: $(STAMP) ## Set up .venv and run every check and test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

lab: $(STAMP) ## Open JupyterLab on the explorers (this machine only, with a token); WORKSPACE=PATH for another workspace
	[ "$(WORKSPACE)" = . ] || { mkdir -p "$(WORKSPACE)/notebooks"; }
	for name in notebooks/explore_*.ipynb; do [ -e "$(WORKSPACE)/$$name" ] || cp "$$name" "$(WORKSPACE)/$$name" || exit 1; done
	$(BIN)/jupyter lab --ip=127.0.0.1 --notebook-dir="$(WORKSPACE)" "$(WORKSPACE)/notebooks/explore_accuracy.ipynb"

.venv-bench/.installed: benchmarks/requirements.txt
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	touch .venv-bench/.installed

bench: $(STAMP) .venv-bench/.installed ## Measure accuracy and speed beside peers (own environment, about an hour)
	for script in m3 carparts families portfolio planning everything_at_once ledger reconciliation recovered_events recovered_stockouts recovered_launches coherence dask_workers redraw batch growth; do $(BIN)/python benchmarks/$$script.py || exit 1; done

faults: $(STAMP) ## Kill runs at every instant, fill the disk, spoil tables: counts of faults survived
	SOPKIT_FAULTS=all OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/faults

pack: $(STAMP) ## Make the example pack anew: the sample company's pages under examples/pack
	rm -rf .pack
	$(BIN)/python -m sopkit init .pack
	PATH=$(BIN) $(BIN)/python -m sopkit run --workspace .pack  # no git: no commit; no Chromium: no PDF
	rm -rf examples/pack .pack/reports/*/executed
	mv .pack/reports examples/pack
	rm -rf .pack
