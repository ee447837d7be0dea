# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# For the `run` scripts: installs Debian's packages, where something is missing and only then.

is_there() { # COMMAND or /FILE
    if [[ $1 == /* ]]; then [[ -e $1 ]]; else command -v "$1" >/dev/null; fi
}

# install_missing COMMAND:PACKAGE... (or /FILE:PACKAGE)
install_missing() {
    local pair missing=() root=()
    for pair in "$@"; do
        is_there "${pair%%:*}" || missing+=("${pair#*:}")
    done
    ((${#missing[@]})) || return 0
    if ((EUID != 0)); then
        root=(sudo)
        if ! command -v sudo >/dev/null; then
            echo "please install, as root: apt-get install ${missing[*]}" >&2
            exit 1
        fi
    fi
    echo "installing ${missing[*]}…" >&2
    "${root[@]}" apt-get -q update >/dev/null || echo "apt-get update failed: trying with the lists that are here" >&2
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y -o DPkg::Lock::Timeout=300 install --no-install-recommends "${missing[@]}" >/dev/null
}
