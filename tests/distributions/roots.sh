# shellcheck shell=bash
# SPDX-License-Identifier: MIT
#
# Bare roots of Debian suites. A script that reads this and cmake/packages.sh has $logs, a folder, say(), and
# $suite; make_root makes $tree, a copy of the suite's bare root, and in_root runs commands there.
# shellcheck disable=SC2154 # logs and suite are the script's

die() {
    say "$*"
    exit 1
}

cache=${DMABUF_CACHE:-${XDG_CACHE_HOME:-${HOME:?}/.cache}/dmabuf}/distributions
here_suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
tree=''

# --- a bare root ---

# Prints the address that this machine's apt takes a suite from.
# shellcheck disable=SC2016 # apt-get expands these
archive_of() { # CODENAME
    apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Created-By: Packages' |
        awk -v suite="$1" '$1 == suite { print $2; exit }'
}

get_bare_root() { # SUITE
    local bare=$cache/$1/bare main
    [[ -e $bare ]] && return
    main=$(archive_of "$here_suite")
    [[ $main ]] || die "apt takes no suite $here_suite from anywhere"
    say "making a bare root of $1…"
    rm -rf "$bare.new"
    mkdir -p "$bare.new"
    debootstrap --variant=minbase "$1" "$bare.new" "$main" >"$logs/debootstrap-$1.log" 2>&1 ||
        die "debootstrap failed: see $logs/debootstrap-$1.log"
    set_up_apt "$1" "$bare.new/etc/apt" "$main"
    mv "$bare.new" "$bare"
}

set_up_apt() { # SUITE DIRECTORY MAIN
    local security
    security=$(archive_of "$here_suite-security")
    {
        echo "deb $3 $1 main"
        if [[ $1 != sid ]]; then
            echo "deb $3 $1-updates main"
            [[ -z $security ]] || echo "deb $security $1-security main"
        fi
    } >"$2/sources.list"
    # How this machine reaches the archive: proxies, and what it lets pass
    apt-config dump --no-empty Acquire | grep -v -e '::IndexTargets::' -e '::Changelogs::' >"$2/apt.conf.d/90host"
}

# --- a run in a copy of it ---

# in_root COMMAND... runs in $tree, in namespaces of its own: mounts and processes end with it.
# shellcheck disable=SC2016 # the inner shell expands these
in_root() {
    unshare --mount --pid --fork --kill-child --propagation private bash -euc '
        root=$1 kept=$2
        shift 2
        mount -t proc proc "$root/proc"
        mount -t sysfs -o ro sysfs "$root/sys"
        mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
        mount -t devpts -o ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
        mount --bind "$kept/packages" "$root/var/cache/apt/archives"
        mount --bind "$kept/cache" "$root/root/.cache"
        exec chroot "$root" /usr/bin/env -i HOME=/root LANG=C.UTF-8 \
            PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            "$@"
    ' in_root "$tree" "$cache/$suite" "$@" </dev/null
}

# Once, before the first root
begin_roots() {
    ((EUID == 0)) || die "this needs root rights: debootstrap, mounts and chroot"
    install_missing debootstrap:debootstrap
    mkdir -p "$cache" "$logs"
    trap remove_root EXIT
}

# Roots of one suite share its packages and its cache: each waits for the one before.
make_root() {
    exec {suite_lock}>"$cache/$suite.lock"
    flock -n "$suite_lock" || { say "another run has a root of $suite: waiting…" && flock "$suite_lock"; }
    get_bare_root "$suite"
    mkdir -p "$cache/$suite"/{packages/partial,cache}
    tree=$(mktemp -d "$cache/$suite/root.XXXXXX")
    cp -a "$cache/$suite/bare/." "$tree"
    mkdir "$tree/root/.cache"
    cp -L /etc/resolv.conf "$tree/etc/resolv.conf"
    # For npm, where this machine's way to it needs certificates that Debian's list lacks
    [[ ! -d /usr/local/share/ca-certificates ]] || cp -r /usr/local/share/ca-certificates "$tree/usr/local/share"
}

remove_root() {
    [[ -n ${tree:-} ]] || return 0
    rm -rf --one-file-system "$tree"
    tree=
    exec {suite_lock}>&-
}
