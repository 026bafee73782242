# What people and the CI call. Needs make, a shell and Python 3.11 or newer; everything else comes from the lock files.

BIN := .venv/bin
READY := .venv/.ready
DEV_READY := .venv/.dev-ready

.PHONY: run setup dev test check lint bench lock

# Everything that runs, until Ctrl-C. `make run PORT=9000`
run: $(READY)
	@exec $(BIN)/finops up

setup: $(READY)

dev: $(DEV_READY)

$(READY): deploy/requirements.lock pyproject.toml
	@sh deploy/setup.sh deploy/requirements.lock && touch $@

$(DEV_READY): deploy/requirements-dev.lock $(READY)
	@sh deploy/setup.sh deploy/requirements-dev.lock && touch $@

# The whole test suite. `make test ARGS="tests/platform -k port"`
test: $(DEV_READY)
	@sh deploy/debian-packages.sh
	@$(BIN)/python -m pytest -n 2 $(ARGS)

lint: $(DEV_READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

# One JSON object per line. `make bench ONLY=import_parquet`
bench: $(DEV_READY)
	@$(BIN)/python -m tests.bench $(ONLY)

# Write the lock files anew from pyproject.toml.
LOCK := $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-find-links --no-annotate pyproject.toml
lock: $(READY)
	$(BIN)/python -m pip install -q uv
	$(LOCK) -o deploy/requirements.lock
	$(LOCK) --extra dev -c deploy/requirements.lock -o deploy/requirements-dev.lock
