# make demo    see it work: a synthetic wearer, a virtual serial line, the daemon, a live view
# make test    all tests that need nothing but this checkout (recorded data are used where present)
# make test-system  real parts run for real: firmware, kernels and processors; Debian packages
# make check   lint and the fast tests, before a commit (.pre-commit-config.yaml runs a part of it)
# make lint    style, types, import directions, tables of README and docs, docs/CONFIG.md
# make bench   speeds and sizes against their budgets
# make bundles the models that ship, from the data in EDGEHAR_DATA; what is there is not made again
# make venv    the development environment in .venv

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
export TF_CPP_MIN_LOG_LEVEL := 3
# Compiled once: the tests start some hundred programs.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo check test test-fast test-system lint bench bundles venv clean
.DELETE_ON_ERROR:

demo: .venv/board
	$(BIN)/edgehar demo

# Side by side, for most wait half of their time: for a line, or for one process of several.
test: test-fast
	$(BIN)/pytest -m slow -n 2 --dist loadfile

test-fast: venv
	$(BIN)/pytest -n 3 --dist loadfile

# A quarter of an hour; what it downloads and builds stays in build/system.
test-system: venv
	sh .ci/debian $$(cat tests/system/packages.txt)
	$(BIN)/pytest -m system

check: lint test-fast

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/edgehar report readme --check

bench: venv
	$(BIN)/edgehar bench

# To train one anew, remove its run folder; to report anew, results/wrist.json (an hour).
bundles: device/models/waist.tflite device/models/wrist.tflite

device/models/%.tflite: runs/%/metrics.json
	$(BIN)/edgehar convert $(<D) --name $* --out $@

runs/waist/metrics.json: | venv
	$(BIN)/edgehar train --recipe waist --windows hapt --out $(@D)

runs/wrist/metrics.json: | venv results/wrist.json
	$(BIN)/edgehar train --recipe wrist --out $(@D)

results/wrist.json: | venv
	$(BIN)/edgehar report wrist

venv: .venv/dev

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "edgehar needs Python 3.11 or newer; this is " + sys.version.split()[0])'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || sh .ci/debian python3-venv
	$(PYTHON) -m venv .venv

# What a board needs; then, on top, what training and the tests need.
.venv/board: pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing what a board needs into .venv: numpy, a TFLite runtime and six small packages"
	@echo "(downloads 25 to 45 MB; half a minute on a PC, some minutes on a small board)"
	$(PIP) --editable .
	@touch $@

.venv/dev: pyproject.toml constraints.txt | .venv/board
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info >= (3, 14) and "training and the tests need Python 3.13 or older: TensorFlow 2.21 has no release for " + sys.version.split()[0])'
	@echo "installing what training and the tests need into .venv: TensorFlow and more"
	@echo "(downloads 700 MB, takes 2 GB; two minutes on a PC, far longer on a small board)"
	$(PIP) --editable '.[dev]'
	@touch $@

clean:
	rm -rf .venv build *.egg-info
