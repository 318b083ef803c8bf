#!/bin/sh
# Installs what the test-suite needs beside Rust: the everyday HTTP clients that the server is
# tested with, the voice it speaks with, and what makes sound files. Quiet, and done in a moment when everything is there.
set -eu
cd "$(dirname "$0")/.."
deps=$PWD/target/test-deps
log=$deps/install.log
mkdir -p "$deps"

missing=
need() { # need PACKAGE PROBE...: the package is missing unless each probe, a command or a file, is there
    package=$1
    shift
    for probe in "$@"; do
        case $probe in
            /*) [ -e "$probe" ] && continue ;;
            *) command -v "$probe" >/dev/null 2>&1 && continue ;;
        esac
        missing="$missing $package"
        return
    done
}

have_venv() { ls "$deps"/venv/lib/python3*/site-packages/prometheus_client/__init__.py >/dev/null 2>&1; }
# The vendor's client library, a generation of it in each environment.
sdks="5.1.1 6.0.0"
have_sdk() { ls "$deps/sdk-$1"/lib/python3*/site-packages/infobip_api_client/__init__.py >/dev/null 2>&1; }
have_xmlhttprequest() { [ -e "$deps/node/node_modules/xmlhttprequest/package.json" ]; }

need curl curl
need openssl openssl
need procps ps
need iproute2 ip
need util-linux unshare flock
need tcpdump tcpdump
need mount mount
need sip-tester sipp
need baresip-core baresip /usr/lib/baresip/modules/sndfile.so
need kamailio kamailio
ls /usr/lib/*/kamailio/modules/tls.so >/dev/null 2>&1 || missing="$missing kamailio-tls-modules"
need php-cli php
ls /usr/lib/php/*/curl.so >/dev/null 2>&1 || missing="$missing php-curl"
need ruby ruby
need python3 python3
need openjdk-17-jdk-headless java javac
jars=/usr/share/java
need libunirest-java-java $jars/unirest-java.jar
need libhttpclient-java $jars/httpclient.jar
need libhttpcore-java $jars/httpcore.jar $jars/httpcore-nio.jar
need libhttpasyncclient-java $jars/httpasyncclient.jar
need libhttpmime-java $jars/httpmime.jar
need libandroid-json-java $jars/com.android.json.jar
need libcommons-logging-java $jars/commons-logging.jar
need libcommons-codec-java $jars/commons-codec.jar
need chromium chromium
need nodejs node
have_xmlhttprequest || need npm npm
need espeak-ng espeak-ng
need sox sox
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
need libsox-fmt-base /usr/lib/*/sox/libsox_fmt_vorbis.so
need libsox-fmt-mp3 /usr/lib/*/sox/libsox_fmt_mp3.so
have_venv || python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"

quietly() { # runs a command; its output is shown only when it fails
    "$@" >"$log" 2>&1 && return
    echo "install-test-deps: failed: $*" >&2
    cat "$log" >&2
    exit 1
}

if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "install-test-deps: this is not a Debian; please install what these packages hold:" >&2
        echo " $missing" >&2
        exit 1
    fi
    root=
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null 2>&1; then
            echo "install-test-deps: please run as root: apt-get install$missing" >&2
            exit 1
        fi
        root=sudo
    fi
    echo "install-test-deps: installing$missing"
    wait_for_lock="-o DPkg::Lock::Timeout=600"
    # shellcheck disable=SC2086 # words on purpose
    quietly $root apt-get $wait_for_lock -qq update
    # shellcheck disable=SC2086
    quietly $root env DEBIAN_FRONTEND=noninteractive \
        apt-get $wait_for_lock -qq -y --no-install-recommends install $missing
fi

if ! have_venv; then
    quietly python3 -m venv "$deps/venv"
    quietly "$deps/venv/bin/python" -m pip install --quiet --disable-pip-version-check urllib3==2.8.0 prometheus_client==0.26.0
fi
for sdk in $sdks; do
    have_sdk "$sdk" && continue
    quietly python3 -m venv "$deps/sdk-$sdk"
    quietly "$deps/sdk-$sdk/bin/python" -m pip install --quiet --disable-pip-version-check \
        "infobip-api-python-client==$sdk"
done
if ! have_xmlhttprequest; then
    quietly npm install --silent --no-audit --no-fund --no-save --prefix "$deps/node" xmlhttprequest@1.8.0
fi
tests/clients/compile
