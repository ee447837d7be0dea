# shellcheck shell=bash
# shellcheck disable=SC2154 # the options are set in kernel/run
# SPDX-License-Identifier: GPL-2.0-only
#
# Debian's packages, from either of two places:
#   own  what this machine's apt knows
#   row  the suites that have kernels from 5.10 to the newest, by a configuration of apt in the cache.
#        It takes the archive's address from this machine's apt, needs no root rights, and changes
#        nothing outside the cache.

# bullseye has 5.10, bookworm 6.1, trixie 6.12; what comes later passes through its backports and sid.
row_suites=(bullseye bookworm trixie trixie-backports sid)
row_security_suites=(bullseye-security bookworm-security trixie-security)
row_keyring=/usr/share/keyrings/debian-archive-keyring.gpg

apt_in() { # own|row COMMAND...
    if [[ $1 == own ]]; then "${@:2}"; else APT_CONFIG=$cache/apt/apt.conf "${@:2}"; fi
}

# Prints own or row, the first place that knows the package.
place_of() { # PACKAGE
    open_own
    if knows own "$1"; then
        echo own
    elif open_row && knows row "$1"; then
        echo row
    fi
}

# A package that others depend on has a name, and if an archive has dropped it, nothing to show.
knows() { # own|row PACKAGE
    [[ -n $(apt_in "$1" apt-cache show --no-all-versions "$2" 2>/dev/null) ]]
}

download_package() { # PACKAGE, into the current directory
    local place
    place=$(place_of "$1")
    [[ -n $place ]] || die "apt knows no package $1"
    try_download "$place" "$1" && return
    # The lists may be older than the archive.
    if [[ $place == row ]]; then update_row; else update_own; fi
    try_download "$place" "$1" || die "cannot download $1: see $cache/logs/apt.log"
}

try_download() { # own|row PACKAGE
    apt_in "$1" apt-get -q download "$2" -o APT::Sandbox::User=root >>"$cache/logs/apt.log" 2>&1
}

# A machine whose apt has no lists yet, as a container, gets them first.
open_own() {
    [[ -n $(apt-get indextargets --format here 2>/dev/null) ]] || update_own
}

update_own() {
    ! can_be_root || apt_get update || say "apt-get update failed: see $cache/logs/apt.log"
}

# --- the row ---

# Fails where this machine's apt knows no Debian archive. The lists are fetched once, and again by
# --setup when they are a day old.
open_row() {
    local fetched=$cache/apt/fetched
    (
        flock 7
        [[ -e $cache/apt/apt.conf ]] || configure_row || exit 1
        if [[ ! -e $fetched ]] || { $setup && [[ -n $(find "$fetched" -mtime +0) ]]; }; then
            say "asking Debian's archive for its kernels…"
            update_row
        fi
        [[ -e $fetched ]]
    ) 7>"$cache/apt.lock" >&2
}

# One suite that is gone fails the update, and the others are there.
update_row() {
    apt_in row apt-get -q update >"$cache/logs/apt-row.log" 2>&1 ||
        say "the lists of Debian's archive are not complete: see $cache/logs/apt-row.log"
    ! compgen -G "$cache/apt/lists/*Packages*" >/dev/null || : >"$cache/apt/fetched"
}

configure_row() {
    local new=$cache/apt.new archive security
    archive=$(archive_address Debian)
    security=$(archive_address Debian-Security)
    [[ -n $archive && -r $row_keyring ]] || return 1
    rm -rf "$new"
    mkdir -p "$new"/{lists,cache/archives}
    {
        row_sources "$archive" "${row_suites[@]}"
        [[ -z $security ]] || row_sources "$security" "${row_security_suites[@]}"
    } >"$new/sources.list"
    row_options >"$new/apt.conf"
    mv -T "$new" "$cache/apt"
}

archive_address() { # LABEL
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format '$(LABEL) $(REPO_URI)' 2>/dev/null |
        awk -v label="$1" '$1 == label && !found { found = $2 } END { print found }' || true
}

row_sources() { # ADDRESS SUITE...
    printf "deb [arch=amd64 signed-by=$row_keyring] $1 %s main\n" "${@:2}"
}

# How this machine reaches an archive (Acquire: a proxy, for one) holds for the row; what else it has
# set, as commands to run after an update, does not.
row_options() {
    apt-config dump --no-empty Acquire | grep -v -e '::IndexTargets::' -e '::Changelogs::' -e '::Languages'
    printf '%s;\n' \
        'Dir::Etc::main "/dev/null"' \
        'Dir::Etc::parts "/dev/null"' \
        "Dir::Etc::sourcelist \"$cache/apt/sources.list\"" \
        'Dir::Etc::sourceparts "/dev/null"' \
        'Dir::Etc::preferences "/dev/null"' \
        'Dir::Etc::preferencesparts "/dev/null"' \
        "Dir::State::lists \"$cache/apt/lists\"" \
        'Dir::State::status "/dev/null"' \
        "Dir::Cache \"$cache/apt/cache\"" \
        'Acquire::Languages "none"' \
        'Acquire::GzipIndexes "true"' \
        'APT::Sandbox::User "root"'
}

# --- kernels ---

# Names of all kernels' packages of a place. 6.1 and before have a counter in them: 6.1.0-40.
kernel_packages() { # own|row [VERSION]
    command -v apt-cache >/dev/null && "open_$1" || return 0
    apt_in "$1" apt-cache pkgnames "linux-image-${2:+$2.}" 2>/dev/null |
        grep -E '^linux-image-[0-9]+\.[0-9]+\.[0-9]+([+][a-z0-9]+)?(-[0-9]+)?-amd64$' | sort -V || true
}

why_no_kernel() { # [VERSION]
    why_no_package "linux-image-${1:+$1.}*"
}

why_no_source() { # VERSION
    why_no_package "linux-source-$1"
}

why_no_package() { # NAME
    if open_row; then
        echo "Debian's archive has no package $1"
    else
        echo "this machine's apt knows no archive of Debian's that answers"
    fi
}

# Prints the name of the newest package of a version, or nothing.
find_kernel_package() { # VERSION
    local place found
    for place in own row; do
        found=$(kernel_packages "$place" "$1" | tail -n 1)
        [[ -z $found ]] || break
    done
    printf '%s\n' "$found"
}

# Since 6.19 an image's package only depends on others, which have its parts. An archive drops those that
# are not signed earlier than the kernel itself, which serves without modules, too.
kernel_parts() { # IMAGE_PACKAGE
    local place version=${1#linux-image-} part
    place=$(place_of "$1")
    if ! knows "$place" "linux-binary-$version"; then
        printf '%s\n' "$1"
        return
    fi
    for part in binary modules base; do
        ! knows "$place" "linux-$part-$version" || printf 'linux-%s-%s\n' "$part" "$version"
    done
}

package_version() { # PACKAGE
    apt_in "$(place_of "$1")" apt-cache show --no-all-versions "$1" | sed -n 's/^Version: //p'
}

# Megabytes that downloading them takes
package_sizes() { # PACKAGE...
    apt_in "$(place_of "$1")" apt-cache show --no-all-versions "$@" | awk '
        $1 == "Size:" { sum += $2 } END { printf "%d\n", sum / 1000000 }'
}
