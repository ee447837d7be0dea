# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # the options are set, and used, in kernel/run
# SPDX-License-Identifier: GPL-2.0-only
#
# kernel/run kselftest, stress and cost: the programs, and what the kernel may not say meanwhile.

# Compiles a static program into the cache, and names it on stdout.
compile() { # SOURCE NAME [FLAG...]
    install_missing gcc:gcc
    mkdir -p "$cache/programs"
    gcc -O2 -Wall -static -pthread "${@:3}" "$1" -o "$cache/programs/$2" || die "$1 does not compile"
    printf '%s\n' "$cache/programs/$2"
}

# The test is part of the patches, and all that it needs of the source is a header.
prepare_kselftest() {
    find_kernel
    local source=$cache/src/linux-source-$kernel_version program
    local directory=$cache/programs/selftest-$kernel_version
    [[ -e $source/Makefile ]] || (
        flock 8
        unpack "$kernel_version" "$source"
    ) 8>"$cache/build-$kernel_version.lock"
    mkdir -p "$directory/proc"
    cp "$source/tools/testing/selftests/kselftest.h" "$directory"
    added_file proc-tid-dmabuf-fds.c "$here/patches/$kernel_version"/*selftests*.patch \
        >"$directory/proc/proc-tid-dmabuf-fds.c"
    program=$(compile "$directory/proc/proc-tid-dmabuf-fds.c" "kselftest-$kernel_version" -I "$directory")
    copies+=("$program:/lab/bin/kselftest")
    command=(kselftest "${command[@]}")
}

added_file() { # NAME PATCH
    awk -v name="/$1" '
        /^diff / { added = 0 }
        added && /^\+/ { print substr($0, 2) }
        /^\+\+\+ / { added = substr($0, length($0) - length(name) + 1) == name }' "$2"
}

# An emulated processor does so little in five minutes that kcsan, as it is set, watches next to nothing:
# let it look at every 400th access and not at every 4000th.
prepare_stress() {
    [[ $flavour != kcsan ]] || append+=' kcsan.skip_watch=400'
    prepare_program stress
}

prepare_cost() { prepare_program cost; }

prepare_program() { # NAME
    local program
    program=$(compile "$here/lab/$1.c" "$1" -std=gnu17)
    copies+=("$program")
    command=("$1" "${command[@]}")
}

# Of the races that kcsan finds, those count in which a function of ours takes part: other parts of
# the kernel have theirs.
ours='dmabuf_fds|show_step|show_slots|whose_turn'

check_log() {
    local bad
    bad=$(tr -d '\r' <"$log" | awk -v ours="$ours" '
        /BUG: KCSAN/ { block = $0; race = 1; next }
        race && /====================/ { if (block ~ ours) print block; race = 0 }
        race { block = block "\n" $0; next }
        /BUG:|WARNING:|KASAN:|UBSAN:|ODEBUG:|unreferenced object|INFO: (task|rcu|possible)/ { print }
        /possible (circular|recursive)|soft lockup|general protection|refcount_t:|Kernel panic/ { print }
        END { if (race && block ~ ours) print block }')
    say "the log has $(grep -ac 'BUG: KCSAN' "$log" || true) data races, $(printf '%s' "$bad" | grep -c . || true) lines that count: $log"
    if [[ -n $bad ]]; then
        printf '%s\n' "$bad" | head -n 60 >&2
        echo 1 >"$work/status"
    fi
}
