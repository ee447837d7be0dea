# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# The parts that the tests of whole programs share. A script that reads this defines case_NAME functions and ends
# with `run_case "$@"`; each case begins in an empty directory of its own.
# shellcheck disable=SC2034 # as_nobody, status, out and err are for the script that reads this

# Runs a command for at most 20 seconds, or $limit; $status, $out and $err hold its outcome.
try() { # COMMAND...
    status=0
    timeout -k 1 "${limit:-20}" "$@" >out.text 2>err.text || status=$?
    out=$(tr -d '\0' <out.text)
    err=$(tr -d '\0' <err.text)
    last=("$@")
}

fail() { # WHY
    printf 'FAILED: %s\n' "$1"
    printf 'command: %q ' "${last[@]}"
    printf '\nstatus %s\n--- stdout\n%.2000s\n--- stderr\n%.2000s\n' "$status" "$out" "$err"
    exit 1
}

# The last command ended with this status, and its words hold this.
expect() { # STATUS [WORDS]
    ((status == $1)) || fail "expected status $1"
    [[ $out$err == *"${2:-}"* ]] || fail "expected the words: $2"
}

expect_quiet() { # WORDS
    [[ $out$err != *"$1"* ]] || fail "did not expect the words: $1"
}

# The file is of this kind, as `stat -c FORMAT` tells.
expect_file() { # FILE FORMAT VALUE
    local found
    found=$(stat -c "$2" "$1" 2>&1) || true
    [[ $found == "$3" ]] || fail "$1: $2 is '$found', not '$3'"
}

# Nothing else than these names is in a directory.
expect_names() { # DIRECTORY NAMES
    local found
    found=$(cd "$1" && shopt -s nullglob dotglob && echo *)
    [[ $found == "$2" ]] || fail "in $1 there is '$found', not '$2'"
}

skip() { # WHY
    printf 'SKIPPED: %s\n' "$1"
    exit 0
}

needs_root() {
    ((EUID == 0)) || skip "needs root: $1"
}

needs_libclang() {
    /usr/bin/python3 -c 'from clang import cindex; cindex.Index.create()' 2>/dev/null || skip 'no python3-clang-19 here'
}

# Before a command: as another user, who is nobody.
as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups --)

run_case() { # NAME PROGRAM...
    local name=$1
    shift
    last=() status=0 out='' err=''
    work=$(mktemp -d)
    trap 'cd / && umount -q "$work"/* 2>/dev/null || true; chmod -R u+w "$work"; rm -rf "$work"' EXIT
    chmod 711 "$work"
    mkdir "$work/case" && cd "$work/case" || exit 1
    "case_$name" "$@"
}
