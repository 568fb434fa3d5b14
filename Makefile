# `make help` lists what there is. Every target sets up what it needs in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := setup.py pyproject.toml segbench/version.py $(wildcard src_ext/*)

.DEFAULT_GOAL := help
.PHONY: help demo demo-train site test bench lint build clean

help: ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/installed-publish ## Make the embedded data set, score two baselines on it, build their site.
	$(BIN)/segbench demo

demo-train: ## Also train a small U-Net for some two minutes, and put it on the board; needs torch.
	@echo "This installs torch and torchvision: a download of about 3 GB on Linux, most of it for GPUs, and less on macOS."
	$(MAKE) --no-print-directory $(VENV)/installed-run
	$(BIN)/segbench demo --train

site: $(VENV)/installed-publish ## Build the site of the leaderboards in site/.
	$(BIN)/segbench board build leaderboards/results -o site

test: lint ## Run the whole test suite, with ruff and mypy.
	$(BIN)/python -m pytest -n auto

bench: $(VENV)/installed-bench ## Race segbench against its peers and print the table; takes a few minutes.
	$(BIN)/python -m benchmarks

lint: $(VENV)/installed-test ## Run ruff and mypy.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

build: $(VENV)/installed ## Compile the kernels and install the package in .venv, editable.

clean: ## Remove what was built.
	rm -rf $(VENV) build site tests/node_modules *.egg-info segbench/kernels/*.so

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("segbench needs Python 3.11 or newer: make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/installed: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/installed-publish: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable '.[publish]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-run: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable '.[run,publish]'
	@touch $@ $(VENV)/installed $(VENV)/installed-publish

$(VENV)/installed-test: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@ $(VENV)/installed

$(VENV)/installed-bench: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --editable '.[bench]'
	@touch $@ $(VENV)/installed
