# Marketmesh. `make run` starts everything, `make demo` tells the story, `make test` proves it. Each sets itself up.

BIN := .venv/bin
# Tests that start a whole mesh: two of them fill this machine, beside anything else they run out of time.
ALONE := tests/e2e tests/chaos tests/deploy/dev/test_stack.py

.PHONY: help setup protos run demo prove doctor test chaos lint types check bench bench-events bench-ledger bench-growth bench-logins clean-state

help: ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | column -t -s "$$(printf '\t')"

setup: ## Make the virtual environments and the generated code (quick when nothing changed). PYTHON=/path/to/python3
	@scripts/setup.sh

run: setup ## Start the whole mesh on this machine, without Docker; Ctrl-C stops it. ARGS="--verbose"
	@exec $(BIN)/python -m deploy.cli.main dev $(ARGS)

demo: setup ## Tell the main story through the gateway (starts the mesh first if it is not running)
	@exec $(BIN)/python -m deploy.cli.main demo $(ARGS)

prove: setup ## Check the ledger, stock, order and event invariants over all databases
	@exec $(BIN)/python -m deploy.cli.main prove

doctor: setup ## Check settings, versions, databases, topics and services, and say what to mend
	@exec $(BIN)/python -m deploy.cli.main doctor

test: setup ## Run all tests; those that start a whole mesh come last
	@$(BIN)/python -m pytest $(addprefix --ignore=,$(ALONE)) $(ARGS)
	@exec $(BIN)/python -m pytest $(ALONE) $(ARGS)

chaos: setup ## Trade while processes die, stall and hear things twice; CHAOS_SEEDS="1 2 3" CHAOS_SECONDS=60
	@CHAOS_SEEDS="$${CHAOS_SEEDS:-1 2 3 4 5}" CHAOS_SECONDS="$${CHAOS_SECONDS:-60}" \
	  $(BIN)/python -m pytest tests/chaos -n 0 $(ARGS)

lint: setup ## Format, lint, import walls, contracts
	@scripts/lint.sh

types: setup ## Type check
	@exec $(BIN)/mypy

check: lint types test ## Everything CI runs

bench: setup ## Measure checkout and a read through the gateway
	@exec $(BIN)/python -m benchmarks.run $(ARGS)

bench-events: setup ## Measure the event path alone. ARGS="--checkouts 3000 --rates 50 100"
	@exec $(BIN)/python -m benchmarks.events $(ARGS)

bench-ledger: setup ## Measure the ledger alone
	@exec $(BIN)/python -m benchmarks.ledger

bench-logins: setup ## Measure what a flood of sign-ins does to refreshes and checkouts. ARGS="--logins 20 --seconds 10 --keep"
	@exec $(BIN)/python -m benchmarks.logins $(ARGS)

bench-growth: setup ## Measure a checkout with a thousand to a million orders stored (takes ten minutes)
	@exec $(BIN)/python -m benchmarks.growth $(ARGS)

clean-state: ## Remove the state of `make run`
	@if [ -e .marketmesh/lock ] && ! flock -n .marketmesh/lock true; then \
	  echo "clean-state: the stack is running; stop it first (Ctrl-C)" >&2; exit 1; fi
	@rm -rf .marketmesh
