# What scripts/setup.sh chooses: an interpreter, and whom the downloads trust. Sourced.

SYSTEM_BUNDLES="/etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/ca-bundle.pem"

# Says whether an interpreter can be used, and whether its build was guided by a profile (a sixth more calls a second).
# A distribution that profiles in a build of its own (Debian) leaves the flag that uses the profile empty.
PYTHON_PROBE='
import sys, sysconfig
import ensurepip, venv
if sys.version_info < (3, 11): sys.exit(1)
said = sysconfig.get_config_var
guided = "--enable-optimizations" in (said("CONFIG_ARGS") or "") or (
    bool(said("PGO_PROF_GEN_FLAG")) and not said("PGO_PROF_USE_FLAG"))
print("optimised" if guided else "plain", ".".join(map(str, sys.version_info[:3])))
'

# Sets PYTHON, unless it is given, to the first interpreter on the PATH that was built with optimisation, else to the first
# that can be used; and PYTHON_WHY. Fails when there is none.
choose_python() {
  local name candidate kind first="" first_version=""
  if [ -n "${PYTHON:-}" ]; then
    "$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || return 1
    PYTHON_WHY="as PYTHON says"; return
  fi
  for name in python3 python3.11 python3.12 python3.13 python3.14; do
    while read -r candidate; do
      # What a version manager does not offer here answers with an error.
      kind=$("$candidate" -c "$PYTHON_PROBE" 2>/dev/null) || continue
      if [ "${kind% *}" = optimised ]; then
        PYTHON=$candidate PYTHON_WHY="Python ${kind#* }, built with optimisation"; return
      fi
      if [ -z "$first" ]; then first=$candidate first_version=${kind#* }; fi
    done < <(type -aP "$name")
  done
  [ -n "$first" ] || return 1
  PYTHON=$first PYTHON_WHY="Python $first_version; none on the PATH was built with optimisation"
}

# A company's certificate authority is known to the system, not to the lists that pip and uv bring along. What somebody
# has set stays.
trust_system() {
  local bundle
  export UV_SYSTEM_CERTS="${UV_SYSTEM_CERTS:-true}"
  if [ -n "${PIP_CERT:-}" ] || "$PYTHON" -m pip config get global.cert >/dev/null 2>&1; then return; fi
  for bundle in ${SSL_CERT_FILE:-} $SYSTEM_BUNDLES; do
    if [ -r "$bundle" ]; then export PIP_CERT=$bundle; return; fi
  done
}
