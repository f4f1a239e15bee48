# StormCom's verbs. A fresh clone needs Python 3.13 and make; every verb does its own set-up.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

# One file or test without the other workers: make test T=tests/orders/test_placement.py
T ?=
# Single parts of the proof: make proof P="races lifecycle"
P ?=
STAGE ?= dev
# Newer versions of everything, and not only what pyproject.toml asks for anew: make lock U=1
U ?=

.DEFAULT_GOAL := help
.PHONY: help dev test check proof bench synth reset contracts lock

help: ## Show this.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

dev: $(READY) ## Run the whole system on this machine (PORT=8000); Ctrl-C stops it, its data stays.
	@exec $(BIN)/python -m infra.local

test: $(READY) ## Run the tests on every core; T=path runs one file alone.
	@$(BIN)/python -m pytest $(if $(T),$(T) --numprocesses=0,--numprocesses=logical --dist=worksteal)

check: $(READY) ## Check style, types, imports, house rules and generated contracts.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m infra.contracts --check
	$(BIN)/python -m pytest tests/rules --quiet --numprocesses=logical

proof: $(READY) ## Prove at length, in at most 30 minutes, what the tests try for seconds (P="races kills": these parts).
	@$(BIN)/python -m tests.proof $(P)

bench: $(READY) ## Measure: latencies, statements, import times.
	@$(BIN)/python -m tests.bench

synth: $(READY) ## Synthesize the cloud of a stage (STAGE=dev) to cdk.out, without an account.
	@$(BIN)/python -m infra.app -c stage=$(STAGE)

reset: $(READY) ## Forget the local system's data; the next `make dev` starts over.
	@$(BIN)/python -m infra.local --reset

contracts: $(READY) ## Regenerate topology.json, the OpenAPI documents and events/ from the code.
	@$(BIN)/python -m infra.contracts

lock: $(READY) ## Resolve the dependencies into the lock files, a week old at least; U=1 takes newer versions.
	$(BIN)/uv pip compile $(LOCK) -o requirements.lock
	$(BIN)/uv pip compile $(LOCK:pyproject.toml=) --group media -c requirements.lock -o requirements-media.lock
	$(BIN)/uv pip compile $(LOCK) --group dev -c requirements.lock -o requirements-dev.lock

# Hashes, and no host: whoever installs brings an index of their own.
LOCK := pyproject.toml --quiet $(if $(U),--upgrade) --universal --python-version 3.13 --generate-hashes \
	--no-emit-index-url --exclude-newer "1 week" --no-header

# The stamp is the last thing that set-up makes: interrupted anywhere before, it starts again where it can.
$(READY): requirements-dev.lock
	@$(BIN)/uv --version >/dev/null 2>&1 || { \
		python=; \
		for candidate in python3.13 python3 python; do \
			if $$candidate -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1; then \
				python=$$candidate; break; \
			fi; \
		done; \
		if [ -z "$$python" ]; then \
			echo 'StormCom needs Python 3.13: there is no python3.13 on the PATH, and python3 is another version.' >&2; exit 1; \
		fi; \
		echo "Making $(VENV) with $$python ..." && \
		$$python -m venv --clear $(VENV) && \
		$(BIN)/python -m pip install -qq --no-input --disable-pip-version-check --root-user-action=ignore 'uv>=0.13'; \
	}
	@echo 'Installing what requirements-dev.lock names ...'
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes --requirements requirements-dev.lock
	@touch $@
