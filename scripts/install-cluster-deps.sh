#!/bin/sh
# Installs what the failover test of the database needs beside Rust: PostgreSQL, Patroni and etcd.
# None of them is started here, nor left running. Quiet, and done in a moment when everything is
# there.
set -eu
cd "$(dirname "$0")/.."
log=$PWD/target/cluster-deps.log
mkdir -p target

missing=
need() { # need PACKAGE PATH: the package is missing unless the file is there
    [ -e "$2" ] || missing="$missing $1"
}

need patroni /usr/bin/patroni
need etcd-server /usr/bin/etcd
need procps /usr/bin/pkill
need python3-psycopg2 /usr/lib/python3/dist-packages/psycopg2/__init__.py
ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || missing="$missing postgresql"

[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null 2>&1; then
    echo "install-cluster-deps: this is not a Debian; please install what these packages hold:" >&2
    echo " $missing" >&2
    exit 1
fi
root=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null 2>&1; then
        echo "install-cluster-deps: please run as root: apt-get install$missing" >&2
        exit 1
    fi
    root=sudo
fi

# The packages would start their services; the test starts its own, with its own settings.
policy=/usr/sbin/policy-rc.d
held=
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | $root tee "$policy" >/dev/null
    $root chmod +x "$policy"
    held=yes
fi
trap '[ -z "$held" ] || $root rm -f "$policy"' EXIT

quietly() { # runs a command; its output is shown only when it fails
    "$@" >"$log" 2>&1 && return
    echo "install-cluster-deps: failed: $*" >&2
    cat "$log" >&2
    exit 1
}

echo "install-cluster-deps: installing$missing"
wait_for_lock="-o DPkg::Lock::Timeout=600"
# shellcheck disable=SC2086 # words on purpose
quietly $root apt-get $wait_for_lock -qq update
# shellcheck disable=SC2086
quietly $root env DEBIAN_FRONTEND=noninteractive \
    apt-get $wait_for_lock -qq -y --no-install-recommends install $missing
