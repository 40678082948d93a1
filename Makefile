# `make` lists the targets. Nothing but Python 3.11+ and make is needed; everything else goes into .venv.

# Which Python makes .venv, while there is none: make PYTHON=/path/to/python3.12 demo
PYTHON ?=
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n 2 --dist loadgroup

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help run demo test test-full check format lock bench attack setup-run setup-dev system static

help: ## List the targets
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | while IFS='|' read -r target text; \
		do printf '%-18s %s\n' "$$target" "$$text"; done

# STACK=real: PostgreSQL, Redis and S3 servers from the development packages, started and stopped with the command.
SERVERS = $(if $(filter real,$(STACK)),$(BIN)/python -m servers)

demo: $(if $(filter real,$(STACK)),setup-dev,setup-run) ## Play a whole procedure and verify its bundle (EXIT=1: then end; DOCUMENTS=DIR: your files; STACK=real)
	@$(SERVERS) $(BIN)/archive-service demo $(if $(filter-out 0 no,$(EXIT)),--exit) $(if $(DOCUMENTS),--documents "$$DOCUMENTS") $(if $(PORT),--port $(PORT)) $(ARGS)

run: setup-run ## Start the service on 127.0.0.1, with its data under var/ (ARGS="..." goes to it)
	@$(BIN)/archive-service run $(if $(PORT),--port $(PORT)) $(ARGS)

test: setup-dev system static ## Check everything and run all tests, as CI does
	$(PYTEST) -m "not full"

test-full: setup-dev system static ## The same with the long suites
	HYPOTHESIS_PROFILE=full $(PYTEST)

check: setup-dev static ## Format, lint, types, import directions and the quick tests
	$(PYTEST) -m "not full and not slow and not browser"

format: setup-dev ## Format the code and mend what the linter can
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

bench: setup-dev ## Measure (ARGS="..." goes to the benchmarks)
	$(BIN)/python -m benchmarks $(ARGS)

attack: setup-dev ## Damage an archive 10,000 times at random, and look at 1,000 clean states (ARGS="--seed 2 --first 500")
	$(BIN)/python -m tests.attacks $(ARGS)

lock: setup-run ## Compile requirements/*.txt from pyproject.toml (UPGRADE=1: newest versions)
	$(BIN)/python scripts/lock_requirements.py $(if $(filter-out 0 no,$(UPGRADE)),--upgrade)

static:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# A browser for the browser test: by apt where that is possible, else a sentence that says what to run; the test then skips.
system:
	@$(BIN)/python scripts/install_system_packages.py

# bootstrap.py compares stamps with what the lock files hold: it returns at once when there is nothing to do.
setup-run setup-dev:
	@for python in $(PYTHON) python3 python3.13 python3.12 python3.11 python3.14 python; do \
		if "$$python" -c '' 2>/dev/null; then exec "$$python" scripts/bootstrap.py $(@:setup-%=%); fi; done; \
	echo "Python 3.11 or newer is needed and none was found: install it (Debian, Ubuntu: apt-get install python3 python3-venv)." >&2; \
	exit 1
