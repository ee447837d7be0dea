# shellcheck shell=bash
# shellcheck disable=SC2154 # the options are set in kernel/run
# SPDX-License-Identifier: GPL-2.0-only
#
# Kernels that the lab builds: Debian's source package, the patches of kernel/patches, and the
# configuration of kernel/configs.
#
# In the cache:
#   sources/linux-source-VERSION.tar.xz
#   src/linux-source-VERSION    unpacked and patched
#   build/VERSION-FLAVOUR       objects: a changed patch or option compiles only what it touches
#   kernels/FLAVOUR-VERSION-SUM what is booted; SUM is over everything that went in

get_built() { # VERSION FLAVOUR
    local sum kernel
    [[ -d $here/patches/$1 ]] || die "there are no patches for kernel $1"
    install_build_tools
    get_tarball "$1" >/dev/null
    sum=$(build_sum "$1" "$2")
    kernel=$cache/kernels/$2-$1-$sum
    [[ -e $kernel/bzImage ]] || (
        flock 8
        [[ -e $kernel/bzImage ]] || build_kernel "$1" "$2" "$kernel" >&2
    ) 8>"$cache/build-$1.lock"
    printf '%s\n' "$kernel/bzImage"
}

install_build_tools() {
    install_missing make:make gcc:gcc bc:bc flex:flex bison:bison patch:patch perl:perl xz:xz-utils \
        /usr/include/libelf.h:libelf-dev
}

get_tarball() { # VERSION
    local installed=/usr/src/linux-source-$1.tar.xz sources
    mkdir -p "$cache/sources"
    if [[ -r $installed ]]; then
        printf '%s\n' "$installed"
    else
        sources=$(in_cache "sources/$1" fill_tarball "$1")
        printf '%s\n' "$sources/linux-source-$1.tar.xz"
    fi
}

fill_tarball() { # VERSION DIRECTORY
    [[ -n $(place_of "linux-source-$1") ]] || unavailable "no source of kernel $1: $(why_no_source "$1")"
    say "downloading the source of kernel $1…"
    (cd "$2" && download_package "linux-source-$1")
    dpkg-deb --fsys-tarfile "$2"/*.deb | tar -x -O -f - "./usr/src/linux-source-$1.tar.xz" >"$2/linux-source-$1.tar.xz"
    rm "$2"/*.deb
}

# The tarball counts by size and time: reading it all would take longer than finding a kernel should.
build_sum() { # VERSION FLAVOUR
    local sum patches
    mapfile -t patches < <(kernel_patches "$1")
    sum=$({
        stat -L -c '%s %Y' "$(get_tarball "$1")"
        fragment "$1" "$2"
        diffs "${patches[@]}"
        gcc --version | head -n 1
    } | sha256sum)
    printf '%s\n' "${sum:0:16}"
}

# All but the selftest, which is no part of the kernel
kernel_patches() { # VERSION
    local patch
    for patch in "$here/patches/$1"/000[1-9]*.patch "${defects[@]}"; do
        [[ $patch == *selftests* ]] || printf '%s\n' "$patch"
    done
}

# What patches change, without what they say about it: a kernel is not built again for a new sentence
# in a message.
diffs() { # PATCH...
    (($# == 0)) || awk 'FNR == 1 { diff = 0 } /^diff --git |^--- a\// { diff = 1 } diff' "$@"
}

fragment() { # VERSION FLAVOUR
    [[ -r $here/configs/$2.config ]] || die "no flavour '$2'"
    {
        cat "$here/configs/base.config"
        include "$here/configs/$2.config"
    } | lines_for "$1"
}

include() { # FILE, with the files that it includes
    local line
    while IFS= read -r line; do
        case $line in
        '#include '*) include "${1%/*}/${line#'#include '}" ;;
        *) printf '%s\n' "$line" ;;
        esac
    done <"$1"
}

# Options come and go: `#before 7.0 LINE` and `#since 7.0 LINE` are LINE, or nothing.
lines_for() { # VERSION
    local line word version rest
    while IFS= read -r line; do
        read -r word version rest <<<"$line"
        case $word in
        '#before') ! older "$1" "$version" || printf '%s\n' "$rest" ;;
        '#since') older "$1" "$version" || printf '%s\n' "$rest" ;;
        *) printf '%s\n' "$line" ;;
        esac
    done
}

older() { # VERSION THAN
    [[ $1 != "$2" && $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$1" ]]
}

build_kernel() { # VERSION FLAVOUR DIRECTORY
    local source=$cache/src/linux-source-$1 objects=$cache/build/$1-$2 seconds=$SECONDS name
    unpack "$1" "$source"
    apply_patches "$1" "$source"
    [[ $2 != nosysfs || -e $objects ]] || copy_objects "$cache/build/$1-plain" "$objects"
    mkdir -p "$objects"
    configure "$1" "$2" "$source" "$objects"
    say "building kernel $1, flavour $2 (minutes; log: $objects/log)…"
    nice -n 10 make -C "$source" O="$objects" -j "$(nproc)" bzImage 2>&1 | tee "$objects/log" | show_progress ||
        { tail -n 20 "$objects/log" && die "kernel $1, flavour $2 does not build"; }
    name="$(make -s -C "$source" kernelversion) with the patches, flavour $2"
    say "built in $((SECONDS - seconds)) s"
    mkdir -p "$3"
    cp "$objects/.config" "$3/config"
    printf '%s\n' "$name" >"$3/name"
    cp "$objects/vmlinux" "$3/vmlinux"
    cp "$objects/arch/x86/boot/bzImage" "$3/bzImage.new"
    mv "$3/bzImage.new" "$3/bzImage"
}

unpack() { # VERSION SOURCE
    [[ -e $2/Makefile ]] && return
    say "unpacking the source of kernel $1…"
    rm -rf "$2" "$2.new"
    mkdir -p "$2.new"
    tar -C "$2.new" --strip-components=1 -xf "$(get_tarball "$1")"
    mv "$2.new" "$2"
}

# What is applied is kept beside it, so that it can be taken back: a file that no patch touches
# keeps its time and is not compiled again.
apply_patches() { # VERSION SOURCE
    local patches applied=() i
    mapfile -t patches < <(kernel_patches "$1")
    [[ ! -d $2/.applied ]] || applied=("$2/.applied"/*)
    if [[ $(diffs "${applied[@]}" | sha256sum) == $(diffs "${patches[@]}" | sha256sum) ]]; then
        return
    fi
    for ((i = ${#applied[@]} - 1; i >= 0; i--)); do
        if ! patch -d "$2" -R -p1 -s -f -F0 <"${applied[i]}"; then
            say "${applied[i]} cannot be taken back: unpacking the source again"
            rm -rf "$2"
            unpack "$1" "$2"
            break
        fi
        rm "${applied[i]}"
    done
    mkdir -p "$2/.applied"
    for ((i = 0; i < ${#patches[@]}; i++)); do
        patch -d "$2" -p1 -s -f -F0 <"${patches[i]}" || die "${patches[i]} does not apply to kernel $1"
        cp "${patches[i]}" "$2/.applied/$i.patch"
    done
}

# For a flavour that differs from another one by an option or two: make compiles what they touch.
copy_objects() { # OBJECTS COPY
    [[ -e $1/vmlinux ]] || return 0
    rm -rf "$2.new"
    cp -a "$1" "$2.new"
    mv -T "$2.new" "$2"
}

# An option that the kernel does not know, or whose dependencies are missing, ends the build here
# and not as a riddle in the guest.
configure() { # VERSION FLAVOUR SOURCE OBJECTS
    local line option
    fragment "$1" "$2" >"$4/fragment.new"
    if [[ -e $4/.config ]] && cmp -s "$4/fragment.new" "$4/fragment"; then
        return
    fi
    rm -f "$4/fragment"
    make -s -C "$3" O="$4" tinyconfig >/dev/null
    (cd "$4" && "$3/scripts/kconfig/merge_config.sh" -m -O . .config fragment.new >/dev/null 2>&1)
    make -s -C "$3" O="$4" olddefconfig >/dev/null
    while read -r line; do
        case $line in
        '# CONFIG_'*' is not set')
            option=${line#'# '}
            ! grep -q "^${option%% *}=" "$4/.config" || die "the configuration insists on ${option%% *}"
            ;;
        CONFIG_*) grep -qxF "$line" "$4/.config" || die "the configuration loses $line" ;;
        esac
    done <"$4/fragment.new"
    mv "$4/fragment.new" "$4/fragment"
}

# One line for every 200 files
show_progress() {
    local files=0 word rest
    while read -r word rest; do
        case $word in
        CC | AS)
            files=$((files + 1))
            ((files % 200)) || say "$files files compiled…"
            ;;
        esac
    done
}
