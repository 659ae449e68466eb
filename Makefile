# Two commands do everything on a bare machine with Python 3.11 and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export OMP_NUM_THREADS ?= 2
# Threads that wait must not spin: on a machine that is busy otherwise they would take the cores from those that work.
export OMP_WAIT_POLICY ?= PASSIVE

.PHONY: help demo test check format web clean

help:
	@echo "make demo    made-up clips -> check, pack, train, evaluate, recognise, export; report in runs/demo"
	@echo "make test    all tests with coverage"
	@echo "make check   lint, format and types"
	@echo "make format  rewrite files as the linter wants them"
	@echo "make web     libraries of the offline page, by npm, for \`signtalk bundle web\` and its tests"
	@echo "make clean   remove the virtual environment and what runs left"

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "SignTalk needs Python 3.11 or newer; found $$($(PYTHON) --version). Try: make PYTHON=python3.11 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/signtalk demo --out runs/demo

test: $(VENV)/.installed
	$(BIN)/python -m pytest -q --cov --cov-report=term

check: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

VENDOR := src/signtalk/web/vendor
MODULES := web/node_modules
ORT := $(MODULES)/onnxruntime-web/dist
VISION := $(MODULES)/@mediapipe/tasks-vision

web:
	cd web && npm ci --ignore-scripts --no-audit --no-fund
	rm -rf $(VENDOR)
	mkdir -p $(VENDOR)/wasm
	cp $(ORT)/ort.wasm.min.mjs $(ORT)/ort-wasm-simd-threaded.mjs $(ORT)/ort-wasm-simd-threaded.wasm $(VENDOR)
	cp $(VISION)/vision_bundle.mjs $(VENDOR)
	cp $(VISION)/wasm/vision_wasm_internal.* $(VISION)/wasm/vision_wasm_module_internal.* $(VENDOR)/wasm

clean:
	rm -rf $(VENV) $(VENDOR) $(MODULES) runs build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
