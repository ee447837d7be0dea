# shellcheck shell=bash
# shellcheck disable=SC2154 # the options are set in kernel/run
# SPDX-License-Identifier: GPL-2.0-only
#
# Where kernels come from. A kernel is a directory in the cache that holds
#   bzImage     what is booted
#   config      optional: its configuration
#   name        one line for people ("Debian's 6.12.117")
#   modules/    optional: NAME.ko files that --module can load, and `needed`, those that each boot loads

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

# Modules that are kept of the package's 4000, with those that they need: overlay is a file system with
# device numbers of its own, vgem a third exporter, virtio_console the way out of the guest.
stock_modules=(overlay vgem virtio_console)

# A kernel that is here already is used as it is, so that a series of runs has one kernel;
# --setup looks for a newer one.
get_stock() { # VERSION
    local found package
    found=$(newest_stock "$1")
    if [[ -z $found ]] || $setup; then
        package=$(find_kernel_package "$1")
        [[ -z $package ]] || found=$(fetch_stock "$package")
    fi
    [[ -n $found ]] || unavailable "no kernel $1: $(why_no_kernel "$1")"
    printf '%s\n' "$found/bzImage"
}

newest_stock() { # VERSION
    local all=("$cache/kernels/stock-$1."*)
    ((${#all[@]})) || return 0
    printf '%s\n' "${all[@]}" | sort -V | tail -n 1
}

# The newest version that the archive has, or else the cache: 7.3.
newest_version() {
    local all
    all=$({ kernel_packages row && printf '%s\n' "$cache/kernels/stock-"*; } |
        sed -En 's/.*(linux-image|stock)-([0-9]+\.[0-9]+)\..*/\2/p' | sort -V)
    [[ -n $all ]] || unavailable "no newest kernel: $(why_no_kernel)"
    printf '%s\n' "${all##*$'\n'}"
}

fetch_stock() { # IMAGE_PACKAGE
    local version
    version=$(package_version "$1")
    in_cache "kernels/stock-$version" fill_stock "$1" "$version"
}

fill_stock() { # IMAGE_PACKAGE PACKAGE_VERSION DIRECTORY
    local tree=$3/tree
    unpack_kernel "$1" "$3" "kernel ${2%%-*}"
    find "$tree" \( -name vmlinuz -o -name 'vmlinuz-*' \) -type f -exec mv {} "$3/bzImage" \;
    find "$tree" \( -name config -o -name 'config-*' \) -type f -exec mv {} "$3/config" \;
    [[ -e $3/bzImage ]] || unavailable "no kernel ${2%%-*}: Debian's archive has dropped what $1 depends on"
    printf "Debian's %s\n" "${2%%-*}" >"$3/name"
    keep_modules "$tree" "$3/modules" "${stock_modules[@]}"
    [[ ! -e $3/config ]] || needed_modules "$3/config" >"$3/modules/needed"
    rm -rf "$tree"
}

# All of its packages, into DIRECTORY/tree.
unpack_kernel() { # IMAGE_PACKAGE DIRECTORY WORDS
    local packages package
    mapfile -t packages < <(kernel_parts "$1")
    say "downloading $3 ($(package_sizes "${packages[@]}") MB)…"
    mkdir "$2/tree"
    for package in "${packages[@]}"; do
        (cd "$2" && download_package "$package")
        dpkg-deb -x "$2"/*.deb "$2/tree"
        rm "$2"/*.deb
    done
}

keep_modules() { # TREE DIRECTORY MODULE...
    local wanted=("${@:3}") module file
    mkdir "$2"
    while ((${#wanted[@]})); do
        module=${wanted[0]} wanted=("${wanted[@]:1}")
        file=$(find "$1" -name "${module//_/[_-]}.ko*" -print -quit) # its name has _ or -, as it likes
        [[ -n $file ]] || continue                                   # built in
        if [[ $file == *.xz ]]; then xz -dc "$file"; else cat "$file"; fi >"$2/$module.ko"
        mapfile -t -O ${#wanted[@]} wanted < <(module_needs "$2/$module.ko")
    done
}

# Prints a directory with the modules of a network, of the stock kernel that is booted. Few runs need
# them, and so they are fetched apart.
get_net_modules() { # VERSION
    local package
    package=$(find_kernel_package "$1")
    [[ -n $package && ${bzimage%/*} == "$cache/kernels/stock-$(package_version "$package")" ]] ||
        unavailable "no network in $(kernel_name "$bzimage"): Debian's archive has no modules of it"
    in_cache "kernels/net-$(package_version "$package")" fill_net_modules "$package"
}

fill_net_modules() { # IMAGE_PACKAGE DIRECTORY
    unpack_kernel "$1" "$2" "the network of $1"
    keep_modules "$2/tree" "$2/modules" virtio_net
    rm -rf "$2/tree"
}

module_needs() { # FILE
    tr '\0' '\n' <"$1" | sed -n 's/^depends=//p' | tr ',' '\n' | sed '/^$/d'
}

# Modules that each boot of this kernel loads: the way out of the guest, and the only exporter of a
# kernel that has neither heaps nor udmabuf.
needed_modules() { # CONFIG
    ! grep -qx 'CONFIG_VIRTIO_CONSOLE=m' "$1" || echo virtio_console
    grep -qx 'CONFIG_DMABUF_HEAPS_SYSTEM=y' "$1" || echo vgem
}
