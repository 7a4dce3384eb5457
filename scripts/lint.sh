#!/usr/bin/env bash
# Format, lint, import walls, contracts, house rules. Says everything it finds before it fails.
set -uo pipefail
cd "$(dirname "$0")/.."
status=0
run() { echo "lint: $*"; "$@" || status=1; }

run .venv/bin/ruff format --check --quiet .
run .venv/bin/ruff check --quiet .
run .venv/bin/lint-imports --no-cache
run .venv/bin/python -m scripts.buf lint
run .venv/bin/python -m scripts.buf breaking
run .venv/bin/python -m scripts.house_rules
exit $status
