# Two commands do everything on a bare machine with Python 3.11 and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export OMP_NUM_THREADS ?= 2
# Threads that wait must not spin: on a machine that is busy otherwise they would take the cores from those that work.
export OMP_WAIT_POLICY ?= PASSIVE
# What was compiled once is kept: else every process of every test compiles and rewrites the same files anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-all check check-page format docs hooks web wheel live serve-check clean

help:
	@echo "make demo         made-up clips -> check, pack, train, evaluate, recognise, export; report in runs/demo"
	@echo "make test         the fast tests, on two cores; under five minutes"
	@echo "make test-all     all tests, with coverage"
	@echo "make check        lint, format and types; of the page too where npm is installed"
	@echo "make check-page   lint and types of the page alone (needs Node 20)"
	@echo "make format       rewrite files as the linter wants them"
	@echo "make docs         the site of docs/ with the API reference, into build/docs; needs no network once installed"
	@echo "make hooks        run 'make check' before each commit of this checkout (needs pre-commit)"
	@echo "make web          libraries of the live page, by npm, into src/signtalk/service/web/vendor (needs Node 20)"
	@echo "make live         the live page on an empty bundle: teach signs, sign them again (needs Node 20, a camera, a browser)"
	@echo "make wheel        what a clinic installs, with the page in it: dist/*.whl (needs Node 20)"
	@echo "make serve-check  a fresh installation of the extra serve answers from the demo's bundle, without torch"
	@echo "make clean        remove the virtual environment and what runs left"

$(VENV)/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "SignTalk needs Python 3.11 or newer; found $$($(PYTHON) --version). Try: make PYTHON=python3.11 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/signtalk demo --out runs/demo

# Each process that tests has one thread: two processes fill two cores.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist worksteal

test: $(VENV)/.installed
	$(PYTEST) -m "not slow"

test-all: $(VENV)/.installed
	$(PYTEST) --cov --cov-report=term

check: $(VENV)/.installed check-page
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The page's own lint and types. A machine without Node can still check Python; CI must check both.
check-page:
	@if command -v npm >/dev/null; then $(MAKE) --silent --no-print-directory $(VENDOR) && \
		npm run --silent --prefix web lint && npm run --silent --prefix web types; \
	elif [ "$(CI)" = 1 ] || [ "$(CI)" = true ]; then \
		echo "make check: npm is not installed, and CI must check the page; install Node 20" >&2; exit 2; \
	else echo "make check: npm is not installed, so the page's lint and types are left out"; fi

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Every warning is an error: a broken link, a docstring that cannot be read.
docs: $(VENV)/.installed
	$(BIN)/python -m sphinx --builder html --fail-on-warning --keep-going --quiet docs build/docs
	@echo "open build/docs/index.html"

hooks:
	pre-commit install

# Nothing of npm's packages is run at installation; the browser of the tests is the system's own.
MODULES := web/node_modules/.package-lock.json
VENDOR := src/signtalk/service/web/vendor/releases.json

$(MODULES): web/package.json web/package-lock.json
	PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --prefix web --ignore-scripts --no-audit --no-fund
	@touch $@

$(VENDOR): $(MODULES) web/vendor.mjs
	node web/vendor.mjs

web: $(VENDOR)

# What a clinic installs (docs/clinic.md): it holds the page and its libraries.
wheel: web $(VENV)/.installed
	rm -rf build/lib
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .
	@ls dist/*.whl

MODELS ?= $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/signtalk/models/holistic_landmarker.task
DEMO_BUNDLE := runs/demo/export/sign_encoder_bundle.zip

$(DEMO_BUNDLE):
	$(MAKE) demo

$(MODELS): | $(VENV)/.installed
	$(BIN)/signtalk models install

# A clinic's folder in runs/live: an empty bundle, what is taught, and the key, which the page is opened with.
live: web $(MODELS)
	$(BIN)/signtalk clinic runs/live --models $(MODELS)

# What integrators install, in an environment of its own: verified, asked once, and torch is nowhere.
serve-check: $(DEMO_BUNDLE)
	rm -rf build/serve
	$(PYTHON) -m venv build/serve
	SIGNTALK_WITHOUT_PAGE=1 build/serve/bin/python -m pip install --quiet --disable-pip-version-check \
		-c constraints.txt '.[serve]'
	build/serve/bin/python -c 'import importlib.util as i, sys; sys.exit(i.find_spec("torch") is not None)'
	build/serve/bin/signtalk bundle verify $(DEMO_BUNDLE)
	build/serve/bin/signtalk recognize $$(ls runs/demo/data/clips/*.npz | head -3) --bundle $(DEMO_BUNDLE)
	build/serve/bin/python -c 'import sys, pathlib, signtalk; from signtalk.service.run import ask_bundle; \
		print("served:", ask_bundle(pathlib.Path(sys.argv[1]), signtalk.read_clip(sys.argv[2]))["outcome"])' \
		$(DEMO_BUNDLE) $$(ls runs/demo/data/clips/*.npz | head -1)

clean:
	rm -rf $(VENV) docs/rooms web/node_modules src/signtalk/service/web/vendor runs build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
