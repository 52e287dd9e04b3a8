# make demo: the whole chain on real cohorts. make test: checks and tests. make package: the archives that are
# distributed, and the first steps of the demo from them. All create .venv first.
PYTHON ?= python3
CORES ?= 2
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test check package clean

demo: $(INSTALLED)
	$(BIN)/precisionmed demo --cores $(CORES)

test: check
	$(BIN)/python -m pytest -n $(CORES)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/snakefmt --check Snakefile workflows
	$(BIN)/snakemake --lint

# The wheel is built from the source archive, as an installer does, and run where no checkout is near.
package: $(INSTALLED)
	rm -rf dist build/wheel build/run
	$(BIN)/python -m build --outdir dist .
	$(BIN)/pip install --quiet --no-deps --target build/wheel dist/*.whl
	mkdir -p build/run
	cd build/run && PYTHONPATH=$(CURDIR)/build/wheel $(CURDIR)/$(BIN)/python -m precisionmed run --cores $(CORES) \
	  --config ../wheel/precisionmed/workflow/config/config.yaml -- --until normalize
	test -s build/run/results/steps/normalize.h5ad

$(INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable ".[demo,test]"
	touch $@

clean:
	rm -rf $(VENV) demo results
