# shellcheck shell=bash
# shellcheck disable=SC2154 # the options are set in kernel/run
# SPDX-License-Identifier: GPL-2.0-only
#
# Where kernels come from. A kernel is a directory in the cache that holds
#   bzImage     what is booted
#   config      its configuration
#   name        one line for people ("Debian's 6.12.117")
#   modules/    optional: NAME.ko files that --module can load

# get_kernel VERSION FLAVOUR prints the path of a bzImage.
# A new flavour is one more line here and a function that ends by printing that path.
get_kernel() {
    case $2 in
    stock) get_stock "$1" ;;
    plain | nosysfs | debug | kcsan) get_built "$1" "$2" ;;
    *) die "no flavour '$2' of kernel $1" ;;
    esac
}

kernel_name() { # BZIMAGE
    local name=${1%/*}/name
    if [[ $1 == */bzImage && -r $name ]]; then
        cat "$name"
    else
        printf '%s\n' "$1"
    fi
}

# --- stock: the kernel of a Debian package, unchanged ---

# Modules that are kept of the package's 4000: overlay is a file system with device numbers of its
# own, vgem a third exporter (drm*: what vgem needs).
stock_modules=(overlay vgem drm drm_kms_helper drm_shmem_helper)

# A kernel that is here already is used as it is, so that a series of runs has one kernel;
# --setup looks for a newer one.
get_stock() { # VERSION
    local found package
    found=$(newest_stock "$1")
    if [[ -z $found ]] || $setup; then
        package=$(find_stock_package "$1")
        if [[ -n $package ]]; then
            # shellcheck disable=SC2086 # three words: name, version, size
            found=$(fetch_stock "$1" $package)
        fi
    fi
    [[ -n $found ]] || die "no package linux-image-$1-amd64 in reach (Debian 12 has it); --bzimage boots any kernel"
    printf '%s\n' "$found/bzImage"
}

newest_stock() { # VERSION
    local all=("$cache/kernels/stock-$1."*)
    ((${#all[@]})) || return 0
    printf '%s\n' "${all[@]}" | sort -V | tail -n 1
}

# Prints name, version and size of the package, or nothing.
find_stock_package() { # VERSION
    command -v apt-cache >/dev/null || return 0
    local found
    found=$(ask_stock_package "$1")
    if [[ -z $found ]] && can_be_root; then
        say "asking Debian for its kernel $1…"
        apt_get update || say "apt-get update failed: see $cache/logs/apt.log"
        found=$(ask_stock_package "$1")
    fi
    printf '%s\n' "$found"
}

# The image package has its exact version in its name: a meta-package depends on it.
ask_stock_package() { # VERSION
    local meta image
    for meta in "linux-image-$1-amd64" linux-image-amd64; do
        image=$(apt-cache depends "$meta" 2>/dev/null | awk '$1 == "Depends:" { print $2; exit }' || true)
        if [[ $image == "linux-image-$1."* ]]; then
            apt-cache show --no-all-versions "$image" |
                awk '{ value[$1] = $2 } END { print value["Package:"], value["Version:"], value["Size:"] }'
            return
        fi
    done
}

fetch_stock() { # VERSION PACKAGE PACKAGE_VERSION SIZE
    in_cache "kernels/stock-$3" fill_stock "$2" "$3" "$4"
}

fill_stock() { # PACKAGE PACKAGE_VERSION SIZE DIRECTORY
    local tree=$4/tree
    say "downloading $1 ($(($3 / 1000000)) MB)…"
    mkdir "$tree"
    (cd "$4" && download_package "$1")
    dpkg-deb -x "$4"/*.deb "$tree"
    mv "$tree"/boot/vmlinuz-* "$4/bzImage"
    mv "$tree"/boot/config-* "$4/config"
    printf "Debian's %s\n" "${2%%-*}" >"$4/name"
    keep_modules "$tree" "$4/modules"
    rm -rf "$tree" "$4"/*.deb
}

download_package() { # PACKAGE, into the current directory
    apt-get -q download "$1" -o APT::Sandbox::User=root >>"$cache/logs/apt.log" 2>&1 && return
    # The lists may be older than the archive.
    ! can_be_root || apt_get update || true
    apt-get -q download "$1" -o APT::Sandbox::User=root >>"$cache/logs/apt.log" 2>&1 ||
        die "cannot download $1: see $cache/logs/apt.log"
}

keep_modules() { # TREE DIRECTORY
    local module file
    mkdir "$2"
    for module in "${stock_modules[@]}"; do
        file=$(find "$1" -name "$module.ko.xz" -o -name "$module.ko")
        case $file in
        *.xz) xz -dc "$file" >"$2/$module.ko" ;;
        *.ko) cp "$file" "$2" ;;
        esac
    done
}
