# Every command makes the environment it needs: Python, make and a package index are enough.
#   make demo                          train LeNet-5 on 5,000 real digits
#   make test PYTHON=python3.12        another Python; the environment is then made anew
#   make test-quick BACKEND=jax        one backend
#   make test-quick PYTEST_ARGS='tests/test_imports.py -x'
#   make docs                         the site, in docs/_build/html
#   make bench DATA=DIR                every speed benchmark, on a machine that does nothing else
#   make test WORKERS=4                processes that test side by side; 0 for none besides make's

PYTHON ?= python3
BACKEND ?= tensorflow
WORKERS ?= 2
PYTEST_ARGS ?=

export TF_CPP_MIN_LOG_LEVEL ?= 3

BIN := .venv/bin
MADE := .venv/made-by-$(notdir $(PYTHON))
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
# Each worker computes on one core: two threads each would wait for each other on two cores.
PYTEST := OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 \
    $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

# A failing backend does not keep the next one from running; the exit status tells all the same.
MAKEFLAGS += --keep-going

.DELETE_ON_ERROR:
.PHONY: help demo test test-quick test-slow test-full test-tensorflow test-jax test-torch bench docs lint clean

help:
	@echo "make demo        train LeNet-5 on 5,000 real digits and write a report (90 s)"
	@echo "make test        make lint, then every test, on TensorFlow, JAX and PyTorch (installs all three)"
	@echo "make test-quick  every test on one backend: BACKEND=tensorflow, jax or torch"
	@echo "make test-slow   the tests that would make make test too long (30 minutes at most)"
	@echo "make test-full   make test and the tests that take long"
	@echo "make bench       time networks and pipelines, into benchmarks/results/speed.md (50 min)"
	@echo "make docs        build the site into docs/_build/html (5 minutes at most)"
	@echo "make lint        ruff: rules and format; mypy: types"
	@echo "make clean       remove the environment and what was built"

demo: .venv/demo-installed
	KERAS_BACKEND=$(BACKEND) $(BIN)/python recipes/lenet5_mnist.py --demo

# Tests marked `backend` run on each backend, the rest once. pytest fails where it collects nothing.
test test-full: lint test-tensorflow test-jax test-torch
test-full: PYTEST += --full

test-tensorflow: .venv/dev-installed
	KERAS_BACKEND=tensorflow $(PYTEST) $(PYTEST_ARGS)

test-jax test-torch: test-%: .venv/dev-installed
	KERAS_BACKEND=$* $(PYTEST) -m backend tests $(PYTEST_ARGS)

test-slow: .venv/dev-installed
	KERAS_BACKEND=tensorflow $(PYTEST) --slow $(PYTEST_ARGS)
	KERAS_BACKEND=jax $(PYTEST) --slow -m backend tests $(PYTEST_ARGS)

test-quick: .venv/dev-installed
	KERAS_BACKEND=$(BACKEND) $(PYTEST) $(PYTEST_ARGS)

bench: .venv/dev-installed
	$(BIN)/python -m benchmarks.speed $(DATA)

# A link that leads nowhere is a warning of Sphinx, and an error here; so is a cell that fails.
docs: .venv/dev-installed
	$(BIN)/sphinx-build -W --keep-going -b html docs docs/_build/html

lint: .venv/dev-installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf .venv dist docs/_build .mypy_cache .pytest_cache .ruff_cache

# Each stamp is written last: an installation that failed is done again.
$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "keras_classics needs Python 3.11 or newer; $(PYTHON) is" \
	        "$$($(PYTHON) --version 2>&1). Name another: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; \
	    exit 1; }
	rm -rf .venv
	$(PYTHON) -m venv .venv
	@touch $@

.venv/demo-installed: $(MADE) pyproject.toml constraints.txt
	@echo "Installing keras_classics for the demo into .venv (700 MB to download, a few minutes) ..."
	$(INSTALL) -e '.[demo]'
	@touch $@

.venv/dev-installed: $(MADE) pyproject.toml constraints.txt
	@echo "Installing keras_classics with three backends into .venv (1 GB to download or more, a few minutes) ..."
	$(INSTALL) -e '.[demo,jax,torch,dev]'
	@touch .venv/demo-installed $@
