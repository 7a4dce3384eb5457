#!/usr/bin/env bash
# Makes .venv (services and tools) and .venv-bigquery (the warehouse emulator, whose pins are older) from the
# hashed locks. Quick when nothing changed: a stamp holds the hash of what was installed.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/setup_parts.sh
UV_VERSION=0.13.9

fingerprint() { cat "$@" | sha256sum | cut -d' ' -f1; }

need_python() { # once
  if [ -n "${PYTHON_WHY:-}" ]; then return; fi
  choose_python || { echo "setup: Python 3.11 or newer is needed; set PYTHON=/path/to/python3.11" >&2; exit 1; }
  echo "setup: $PYTHON ($PYTHON_WHY)"
  trust_system
}

make_venv() { # venv lock
  local venv=$1 lock=$2 want
  want=$(fingerprint "$lock" scripts/setup.sh)
  if [ -x "$venv/bin/python" ] && [ "$(cat "$venv/.installed" 2>/dev/null)" = "$want" ]; then return; fi
  need_python
  echo "setup: $venv from $lock"
  rm -rf "$venv"
  if ! "$PYTHON" -m venv "$venv" >/tmp/marketmesh-venv.$$ 2>&1; then
    cat /tmp/marketmesh-venv.$$; rm -f /tmp/marketmesh-venv.$$
    echo "setup: $PYTHON cannot make a virtual environment. On Debian: apt-get install python3-venv" >&2; exit 1
  fi
  rm -f /tmp/marketmesh-venv.$$
  "$venv/bin/python" -m pip install -q --disable-pip-version-check "uv==$UV_VERSION"
  # The lock names everything that is needed; nothing is added to it.
  "$venv/bin/uv" pip install -q --python "$venv/bin/python" --no-deps --require-hashes -r "$lock"
  echo "$want" > "$venv/.installed"
}

make_venv .venv requirements.lock
make_venv .venv-bigquery deploy/dev/bigquery.lock

project=$(fingerprint pyproject.toml)
if [ "$(cat .venv/.project 2>/dev/null)" != "$project" ]; then
  mkdir -p gen/marketmesh gen/buf
  UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-true} .venv/bin/uv pip install -q --python .venv/bin/python --no-deps --no-build-isolation -e .
  echo "$project" > .venv/.project
fi
.venv/bin/python -m scripts.gen_protos
