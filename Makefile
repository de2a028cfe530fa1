# Each target sets up what it needs; the only requirements are make and Python 3.11 or newer with venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# More than there are cores: half of the time a test waits for a process or a socket.
JOBS ?= 4
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo test check bench bundles audit lock docs clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.run  ## watch an agent use the desk on recorded markets
	@$(BIN)/polydesk demo

ifndef COVERAGE
test: $(VENV)/.dev  ## run the everyday tests (with COVERAGE=yes: and print branch coverage)
	$(BIN)/pytest -n $(JOBS) --dist loadgroup
else
test: $(VENV)/.dev
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -n $(JOBS) --dist loadgroup
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --skip-covered --skip-empty
endif

check: $(VENV)/.dev  ## lint, types, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.dev  ## run all benchmarks and write benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

bundles: $(VENV)/.dev  ## build the bundles for Claude Desktop into dist
	@$(BIN)/python -m build --wheel --outdir dist .
	@$(BIN)/python -m tools.build_mcpb dist/polydesk-*.whl dist

AUDITOR := .ci/cache/pip-audit
audit: $(VENV)/.dev  ## hold what is installed against the lock, its hashes and, where they can be reached, advisories
	@test -x $(AUDITOR)/bin/pip-audit || { $(PYTHON) -m venv $(AUDITOR) && \
		$(AUDITOR)/bin/python -m pip --quiet install pip-audit; } || true
	@$(BIN)/python -m tools.audit_dependencies

UV := .ci/cache/uv
lock: $(VENV)/bin/python  ## renew requirements/dev.lock after a change of pyproject.toml (needs a package index)
	@test -x $(UV)/bin/uv || { $(PYTHON) -m venv $(UV) && $(UV)/bin/python -m pip --quiet install uv; }
	@$(UV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
		--no-emit-index-url --group dev --extra nlp --extra compute pyproject.toml --output-file requirements/dev.lock

docs: $(VENV)/.dev  ## write the generated part of the documentation (docs/tools.md)
	$(BIN)/python -m polydesk.server.reference docs/tools.md

clean:  ## remove what the other targets made
	rm -rf $(VENV) dist build .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .ci/work

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "polydesk needs Python 3.11 or newer; name one with: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) install --upgrade 'pip>=25.1'

$(VENV)/.run: $(VENV)/bin/python pyproject.toml
	@echo "Installing polydesk into $(VENV) ..."
	@$(PIP) install --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/bin/python requirements/dev.lock pyproject.toml
	@echo "Installing the development tools into $(VENV) ..."
	@$(PIP) install --require-hashes --requirement requirements/dev.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(VENV)/.run $@
