#!/bin/sh
# Makes .venv from the hash-pinned lock: once for a state of the lock, again when the lock changes.
# uv installs it in seconds; where uv cannot be had, pip does the same from the same lock in about a minute.
set -eu
cd "$(dirname "$0")/.."
venv=.venv

fail() {
    printf 'Cannot make the environment: %s\n' "$1" >&2
    exit 1
}

# What the environment was made from. Its own place counts too: the programs in it contain that path.
wanted=$({ pwd; cat requirements.lock deploy/bootstrap.lock pyproject.toml deploy/environment.sh; } | sha256sum | cut -d' ' -f1)
is_ready() { [ "$(cat $venv/waymark.stamp 2>/dev/null)" = "$wanted" ] && $venv/bin/python -c '' 2>/dev/null; }

is_ready && exit 0
if [ "${WAYMARK_SETUP_LOCKED:-}" = "" ] && command -v flock >/dev/null; then
    WAYMARK_SETUP_LOCKED=1 exec flock "$(pwd)/deploy" "$0"  # two `make` at once: the second one waits
fi
is_ready && exit 0

suits() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2])' >/dev/null 2>&1; }

find_python() {
    for name in ${WAYMARK_PYTHON:-python3.13 python3.12 python3.11 python3}; do
        if suits "$name"; then
            command -v "$name"
            return
        fi
    done
    fail "Python 3.11 or newer is needed and was not found (tried: ${WAYMARK_PYTHON:-python3.13 python3.12 python3.11 python3}).
Install it (Debian, Ubuntu: apt install python3 python3-venv), or name one: WAYMARK_PYTHON=/path/to/python3 make ..."
}

make_venv() {
    python=$(find_python)
    version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        fail "$python has no venv module. Install it (Debian, Ubuntu: apt install python$version-venv), then try again."
    printf 'Setting up %s with Python %s ...\n' "$venv" "$version"
    rm -rf $venv
    "$python" -m venv $venv || fail "\"$python -m venv $venv\" did not succeed (see above)."
}

with_uv() {
    # As pip does: certificates of the system, where a company's own authority is known.
    [ -e /etc/ssl/certs/ca-certificates.crt ] && export UV_SYSTEM_CERTS=true
    if ! $venv/bin/python -m uv --version >/dev/null 2>&1; then
        $venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes --only-binary :all: \
            -r deploy/bootstrap.lock || return 1
    fi
    $venv/bin/python -m uv pip sync -q --compile-bytecode --python $venv/bin/python --require-hashes requirements.lock || return 1
    $venv/bin/python -m uv pip install -q --python $venv/bin/python --no-deps --no-build-isolation -e .
}

with_pip() {
    $venv/bin/python -m pip --version >/dev/null 2>&1 || $venv/bin/python -m ensurepip -U >/dev/null
    $venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock &&
        $venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
}

began=$(date +%s%N)
rm -f $venv/waymark.stamp
if ! { $venv/bin/python -c '' && suits $venv/bin/python && grep -qx "VIRTUAL_ENV=.*$(pwd)/$venv['\"]*" $venv/bin/activate; } 2>/dev/null; then
    make_venv
fi
if [ "${WAYMARK_INSTALLER:-uv}" = pip ] || ! with_uv; then
    [ "${WAYMARK_INSTALLER:-uv}" = pip ] || echo 'uv did not succeed (see above); going on with pip, which takes about a minute ...'
    with_pip || fail "pip could not install requirements.lock (see above). A package index must be reachable; pip's own configuration is used."
fi
printf '%s' "$wanted" >$venv/waymark.stamp
took=$((($(date +%s%N) - began) / 100000000))
printf 'Environment ready in %d.%d s (download and installation, done once).\n' $((took / 10)) $((took % 10))
