# The first two targets are all that most people need. Everything else is for those who change the code.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test setup check fix bench fuzz clean

demo: setup            ## make speech, halve a small recognizer of it, and say what it cost
	$(BIN)/secateur demo --out demo --overwrite
	@echo "open demo/pruned/report.html"

test: setup            ## the default tests
	OMP_NUM_THREADS=1 $(BIN)/pytest -n 2 --dist loadfile

setup: $(STAMP)        ## make .venv with everything pinned

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[demo,decoding,packed,runtime,onnx]' --group dev
	touch $(STAMP)

check: setup           ## format, lint, types: reports, changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

fix: setup             ## format, and fix what can be fixed safely
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup           ## run the experiments whose results are missing
	$(BIN)/python -m benchmarks

fuzz: setup            ## read a hundred thousand damaged packed files
	PYTHONPATH=tests OMP_NUM_THREADS=1 $(BIN)/python tests/fuzz_packed.py 100000

clean:
	rm -rf $(VENV) demo .pytest_cache .ruff_cache
