# Upboard: `make run` serves the dashboard, `make test` proves it. Both need only Python 3.11 or later with venv.
.DEFAULT_GOAL := run
PYTHON ?= python3
ADDRESS ?= 127.0.0.1
PORT ?= 8501
HOSTS ?=
PROXY ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet
DEMO := data/warehouse
WAREHOUSE ?= $(or $(UPBOARD_WAREHOUSE),$(DEMO))

.PHONY: run serve test check bench lock docs clean

run: .venv/run.installed ## serve the dashboard; on the first start, simulate a dealership and load it
	@test "$(WAREHOUSE)" != "$(DEMO)" || test -f $(DEMO)/CURRENT \
		|| $(BIN)/python -m loaders demo data/demo/exports --load-into $(DEMO)
	@echo "Stop it with Ctrl-C."
	@$(MAKE) --no-print-directory serve

serve: .venv/run.installed ## serve it to others: ADDRESS=... PORT=... HOSTS=... PROXY=..., as docs/serve.md says
	@$(BIN)/python -m pages serve --address "$(ADDRESS)" --port "$(PORT)" --hosts "$(HOSTS)" --proxy "$(PROXY)" \
		--warehouse "$(WAREHOUSE)"

test: .venv/test.installed ## every test; those in a browser need Debian's chromium, those of databases its postgresql
	$(BIN)/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder -r fER --durations 30 --durations-min 5

check: .venv/test.installed ## lint, format, types, the Dockerfile
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/hadolint Dockerfile

bench: .venv/test.installed ## measure: speed and memory, as ratios against the leanest alternative
	$(BIN)/python -m tests.benchmarks

docs: .venv/test.installed ## write the generated pages again
	$(BIN)/python -m metrics docs

lock: ## pin every dependency again (needs uv); the locks hold hashes and no address
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
		--no-emit-index-url --no-emit-find-links pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

clean: ## remove the environment and the loaded demo
	rm -rf .venv $(DEMO) data/demo/exports

.venv/python.made:
	$(PYTHON) -m venv .venv
	@touch $@

.venv/run.installed: .venv/python.made requirements.lock
	$(PIP) -r requirements.lock
	@touch $@

.venv/test.installed: .venv/python.made requirements-dev.lock
	$(PIP) -r requirements-dev.lock
	@touch $@ .venv/run.installed
