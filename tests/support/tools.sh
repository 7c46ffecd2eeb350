# Tools of the suites that are not written in Rust, installed when they are missing. Source it.
# Everything lands outside the clone, in a cache that outlives it, and is keyed by what was asked for.

tools_cache="${XDG_CACHE_HOME:-$HOME/.cache}/ringward"
tools_dir="$(cd "$(dirname "${BASH_SOURCE[0]}")/../tools" && pwd)"

# install_apt PACKAGE...: installs Debian packages, and starts none of their services: one would hold a
# port, and the tests start their own on free ones. In a subshell, whose trap takes the policy away again
# however it ends.
install_apt() (
  if [ "$(id -u)" -ne 0 ]; then
    echo "$* is not installed; install it, or run this as root" >&2
    exit 1
  fi
  policy=/usr/sbin/policy-rc.d
  if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" || exit
  fi
  apt-get update -qq >&2 &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
)

# need_apt PROGRAM=PACKAGE...: Debian packages whose program is not there yet.
need_apt() {
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  [ "${#missing[@]}" -eq 0 ] || install_apt "${missing[@]}"
}

# need_python: prints the directory of a virtual environment with tests/tools/requirements.txt.
need_python() {
  need_apt python3=python3 || return
  # Debian's python3 has the module venv, but not what puts pip into a new one.
  python3 -c 'import ensurepip, venv' 2>/dev/null || install_apt python3-venv || return
  local venv
  venv="$tools_cache/python-$(sha256sum <"$tools_dir/requirements.txt" | cut -c1-12)"
  if [ ! -e "$venv/ready" ]; then
    rm -rf "$venv"
    python3 -m venv "$venv" >&2 &&
      "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$tools_dir/requirements.txt" >&2 &&
      touch "$venv/ready" || return
  fi
  printf '%s\n' "$venv"
}

# need_node: prints a directory whose node_modules holds what tests/tools/package-lock.json names.
need_node() {
  need_apt node=nodejs npm=npm || return
  local modules
  modules="$tools_cache/node-$(cat "$tools_dir/package.json" "$tools_dir/package-lock.json" | sha256sum | cut -c1-12)"
  if [ ! -e "$modules/ready" ]; then
    rm -rf "$modules"
    mkdir -p "$modules" && cp "$tools_dir/package.json" "$tools_dir/package-lock.json" "$modules/" &&
      (cd "$modules" && npm ci --no-audit --no-fund --ignore-scripts --loglevel=error >&2) &&
      touch "$modules/ready" || return
  fi
  printf '%s\n' "$modules"
}

# wait_for SECONDS COMMAND...: until it succeeds; says what did not.
wait_for() {
  local until=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    if [ "$SECONDS" -ge "$until" ]; then
      echo "gave up waiting for: $*" >&2
      return 1
    fi
    sleep 0.2
  done
}
