# What each target does: make help
VENV := .venv
BIN := $(VENV)/bin
RUN_READY := $(VENV)/.ready-run
DEV_READY := $(VENV)/.ready-dev
PYTHON ?= python3
LIGHTHOUSE := bench/lighthouse
ARGS ?=
SBOM ?= sbom.json
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help run test lint format bench lighthouse screenshots lock sbom clean chromium programs

help: ## Say what each target does
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(RUN_READY) ## Start everything on this machine, with sample data; Ctrl-C ends it (PORT=8000, DATA_DIR=var)
	@$(BIN)/python -m launch --with-parent

test: $(DEV_READY) programs ## Run all tests (ARGS= goes to pytest)
	@$(BIN)/python -m pytest $(ARGS)

lint: $(DEV_READY) ## Check format, rules, types, import directions and templates
	@sh .ci/lint $(BIN)

format: $(DEV_READY) ## Format the Python files
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

bench: $(DEV_READY) ## Measure syncs and pages; prints a table and writes JSON
	@$(BIN)/python -m bench $(ARGS)

lighthouse: $(DEV_READY) chromium $(LIGHTHOUSE)/node_modules/.ready ## Judge the main pages with Lighthouse (needs Node)
	@$(BIN)/python -m bench.lighthouse

screenshots: $(DEV_READY) chromium ## Make the pictures in docs/images anew
	@PYTHONPATH=. $(BIN)/python docs/screenshots.py

lock: $(DEV_READY) ## Pin the newest packages allowed by the .in files, with hashes (ARGS=--upgrade)
	@UV_CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/uv pip compile --quiet $(ARGS) --universal --python-version 3.11 \
		--generate-hashes -o requirements.txt requirements.in
	@UV_CUSTOM_COMPILE_COMMAND='make lock' $(BIN)/uv pip compile --quiet $(ARGS) --universal --python-version 3.11 \
		--generate-hashes -c requirements.txt -o requirements-dev.txt requirements-dev.in

sbom: $(DEV_READY) ## Write what the product consists of to sbom.json (CycloneDX; SBOM=another place)
	@$(BIN)/python -W ignore -m cyclonedx_py requirements --pyproject pyproject.toml --output-reproducible --output-format JSON -o $(SBOM) \
		requirements.txt

clean: ## Remove the environment, caches and test output; data in DATA_DIR stays
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis test-output sbom.json bench/results $(LIGHTHOUSE)/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

chromium: # the browser of the end-to-end tests
	@sh tests/servers/programs.sh chromium

programs: # all that the tests need besides Python's packages
	@sh tests/servers/programs.sh chromium nginx caddy systemd-analyze

$(LIGHTHOUSE)/node_modules/.ready: $(LIGHTHOUSE)/package-lock.json
	@command -v npm >/dev/null || { echo "rollcall: make lighthouse needs Node with npm." >&2; exit 1; }
	@cd $(LIGHTHOUSE) && npm ci --silent
	@touch $@

$(RUN_READY): requirements.txt launch/environment.sh
	@sh launch/environment.sh $(VENV) requirements.txt $(RUN_READY)

# The development packages include those of the product, so this stamp serves for both.
$(DEV_READY): requirements-dev.txt requirements.txt launch/environment.sh
	@sh launch/environment.sh $(VENV) requirements-dev.txt $(RUN_READY) $(DEV_READY)
