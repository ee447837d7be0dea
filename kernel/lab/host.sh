# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The host's side of the lab: messages, packages, the cache.

# Everything that is this script's own word goes to stderr: stdout belongs to the guest's command.
say() { printf 'lab: %s\n' "$*" >&2; }

# 125 as with timeout(1) and env(1): the tool failed, not the command.
die() {
    say "$*"
    exit 125
}

# A kernel that cannot be had is no failure of the tests that want it: they are skipped. 77 as in automake.
unavailable() {
    say "SKIPPED: $*"
    exit 77
}

cache=

prepare_cache() {
    cache=${DMABUF_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/dmabuf}
    mkdir -p "$cache/kernels" "$cache/logs" || die "cannot make the cache directory $cache"
    cache=$(cd "$cache" && pwd)
}

# in_cache NAME MAKER [ARG...] prints the path of directory NAME in the cache. Where it is missing,
# MAKER ARG... DIRECTORY fills a temporary one that is renamed when complete; a second kernel/run
# waits meanwhile instead of doing the same work.
in_cache() {
    local path=$cache/$1
    shift
    [[ -e $path ]] || (
        flock 9
        [[ -e $path ]] && exit 0
        fresh=$(mktemp -d "$cache/new.XXXXXX")
        trap 'rm -rf "$fresh"' EXIT
        "$@" "$fresh" >&2
        chmod 755 "$fresh"
        mv -T "$fresh" "$path"
    ) 9>"$cache/lock"
    printf '%s\n' "$path"
}

as_root() {
    if ((EUID == 0)); then
        "$@"
    else
        sudo "$@"
    fi
}

can_be_root() { ((EUID == 0)) || command -v sudo >/dev/null; }

apt_get() { # ARG...
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" >"$cache/logs/apt.log" 2>&1
}

# install_missing COMMAND:PACKAGE... (or /FILE:PACKAGE)
install_missing() {
    local pair missing=()
    for pair in "$@"; do
        [[ -e ${pair%%:*} ]] || command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
    done
    ((${#missing[@]})) || return 0
    command -v apt-get >/dev/null || die "please install: ${missing[*]} (no apt-get here)"
    can_be_root || die "please install: apt-get install ${missing[*]} (neither root nor sudo here)"
    say "installing ${missing[*]}…"
    apt_get update || say "apt-get update failed: trying with the lists that are here"
    apt_get install --no-install-recommends "${missing[@]}" ||
        die "apt-get install ${missing[*]} failed: see $cache/logs/apt.log"
}
