# shellcheck shell=bash
# shellcheck disable=SC2154 # the options are set in kernel/run
# SPDX-License-Identifier: GPL-2.0-only
#
# Builds the guest's file system, boots it, and carries its output, files and status to the host.
#
# Four channels lead out of the guest, each a virtio port or, where the kernel has no virtio, a
# serial port (see lab/init): the console; the command's stdout; its stderr; and "control", which
# carries the line `up`, the line `exit STATUS`, and then /lab/out as a tar archive.

work=
qemu=
qemu_status=

make_work_directory() {
    work=$(mktemp -d)
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    trap 'exit 141' USR1
}

clean_up() {
    trap '' INT TERM HUP USR1
    [[ -z $qemu ]] || kill "$qemu" 2>/dev/null || true
    [[ ! -p $work/control ]] || release_readers
    wait
    rm -rf "$work"
}

# --- the initramfs: a cached part that never changes, and this run's files appended to it ---

archive() { # DIRECTORY, to stdout
    (cd "$1" && find . -mindepth 1 -print0 | sort -z | cpio --quiet -0 -o -H newc -R 0:0)
}

get_base() {
    local busybox sum
    busybox=$(find_busybox)
    sum=$(cat "$busybox" "$here/lab/init" | sha256sum)
    printf '%s\n' "$(in_cache "base-${sum:0:16}" fill_base "$busybox")/base.cpio"
}

# Only a static busybox runs without libraries; Debian's package `busybox` may stand in its place.
find_busybox() {
    local found
    found=$(command -v busybox || true)
    if [[ -n $found ]] && ! ldd "$found" >/dev/null 2>&1; then
        printf '%s\n' "$found"
    else
        printf '%s\n' "$(in_cache busybox fill_busybox)/busybox"
    fi
}

fill_busybox() { # DIRECTORY
    say "downloading busybox-static…"
    (cd "$1" && download_package busybox-static)
    dpkg-deb -x "$1"/*.deb "$1/tree"
    find "$1/tree" -type f -name busybox -exec mv {} "$1/busybox" \;
    rm -rf "$1/tree" "$1"/*.deb
}

fill_base() { # BUSYBOX DIRECTORY
    local root=$2/root
    mkdir -p "$root"/{bin,etc,dev,proc,sys,tmp,run,root,home/lab,usr,lab/{bin,out}}
    cp "$1" "$root/bin/busybox"
    cp "$here/lab/init" "$root/init"
    chmod 755 "$root/init" "$root/bin/busybox"
    ln -s ../bin "$root/usr/bin"
    ln -s bin "$root/sbin"
    printf '%s\n' root:x:0:0:root:/root:/bin/sh lab:x:1000:1000:lab:/home/lab:/bin/sh >"$root/etc/passwd"
    printf '%s\n' root:x:0: lab:x:1000: >"$root/etc/group"
    echo lab >"$root/etc/hostname"
    echo 127.0.0.1 localhost lab >"$root/etc/hosts"
    archive "$root" >"$2/base.cpio"
    rm -rf "$root"
}

quote() { # WORD..., for any Bourne shell
    local word quoted=''
    for word in "$@"; do
        quoted+=" '${word//\'/\'\\\'\'}'"
    done
    printf '%s\n' "$quoted"
}

copy_in() { # FILE[:DEST] ROOT
    local file=$1 dest=''
    if [[ ! -e $file && $file == *:* ]]; then
        dest=${file##*:} file=${file%:*}
    fi
    [[ -r $file ]] || die "cannot read $file, which --copy names"
    [[ -n $dest ]] || dest=/lab/bin/$(basename "$file")
    [[ $dest == /* ]] || die "--copy wants an absolute path after the colon, not '$dest'"
    mkdir -p "$2$(dirname "$dest")"
    cp -RL "$file" "$2$dest"
    copy_libraries "$file" "$2"
}

# What ldd names goes to the same path. A script or a static program has nothing to name.
copy_libraries() { # FILE ROOT
    local library
    [[ -f $1 && $(head -c 4 "$1" | tr -d '\0') == $'\x7fELF' ]] || return 0
    while read -r library; do
        [[ -e $2$library ]] || install -D -m 755 "$library" "$2$library"
    done < <(ldd "$1" 2>/dev/null | grep -o '/[^ ]*' || true)
}

copy_modules() { # ROOT
    local directory=${bzimage%/*}/modules wanted=() net=''
    [[ ! -r $directory/needed ]] || mapfile -t wanted <"$directory/needed"
    wanted+=("${modules[@]}")
    if ((${#forwards[@]})); then
        net=$(get_net_modules "$kernel_version")
        wanted+=(virtio_net)
    fi
    ((${#wanted[@]})) || return 0
    [[ -d $directory ]] || die "there are no modules beside the kernel $bzimage"
    mkdir -p "$1/lab/modules"
    cp "$directory"/*.ko "$1/lab/modules"
    [[ -z $net ]] || cp "$net/modules"/*.ko "$1/lab/modules"
    printf '%s\n' "${wanted[@]}" >"$1/lab/modules/wanted"
}

write_command() { # ROOT COMMAND...
    mkdir -p "$1/lab"
    printf 'exec%s\n' "$(quote "${@:2}")" >"$1/lab/command"
}

# The kernel unpacks both archives in the file one after the other.
make_initramfs() { # ROOT FILE
    local base
    base=$(get_base)
    cp "$base" "$2"
    archive "$1" >>"$2"
    rm -rf "$1"
}

# --- the machine ---

# Prints the accelerator: kvm only where a guest was seen to come up under it, since a /dev/kvm that
# opens may still be useless. The answer holds until the machine reboots.
find_accelerator() {
    local answer
    [[ -r /dev/kvm && -w /dev/kvm ]] || { echo tcg && return; }
    answer=$cache/kvm-$(cat /proc/sys/kernel/random/boot_id)
    if [[ ! -e $answer ]]; then
        say "trying KVM…"
        if probe_kvm; then echo kvm; else echo tcg; fi >"$work/answer"
        rm -f "$cache"/kvm-*
        mv "$work/answer" "$answer"
    fi
    cat "$answer"
}

probe_kvm() {
    write_command "$work/probe" true
    make_initramfs "$work/probe" "$work/probe.initramfs"
    timeout 15 qemu-system-x86_64 -accel kvm -cpu host -smp 1 -m 256 -kernel "$bzimage" \
        -initrd "$work/probe.initramfs" -append "$(kernel_parameters)" -no-reboot -nodefaults \
        -display none -serial null -serial null -serial null -serial "file:$work/probe.control" \
        </dev/null >/dev/null 2>&1 &&
        grep -aqx 'exit 0' "$work/probe.control"
}

# oops=panic: a kernel that stumbled has nothing more to say that could be believed.
# no_timer_check: on a busy machine the emulated timer may come too late for the kernel's check of it.
# loglevel=5: warnings reach the log; more costs time on an emulated serial port.
kernel_parameters() {
    local loglevel=5
    ! $verbose || loglevel=7
    printf '%s' "console=ttyS0 panic=-1 oops=panic no_timer_check loglevel=$loglevel$append"
}

# A socket for each processor: the table by which a kernel without ACPI finds them lists one a socket.
accelerator_arguments() { # ACCELERATOR
    case $1 in
    kvm) echo "-accel kvm -cpu host -smp $cpus,sockets=$cpus" ;;
    tcg) echo "-accel tcg,thread=multi -cpu max -smp $cpus,sockets=$cpus" ;;
    # An old processor: with all that QEMU 10 can emulate, the kernel runs a third more instructions
    # than with all that 7.2 can. With this one both count alike.
    count) echo "-accel tcg -cpu Nehalem -smp 1 -icount shift=1,sleep=off" ;;
    esac
}

# Both a virtio and a serial port lead into each pipe: the guest uses one of them.
channel_arguments() { # CHANNEL...
    local channel
    printf '%s\n' -chardev "file,id=console,path=$work/console" -serial chardev:console \
        -device virtio-serial-pci
    for channel in "$@"; do
        printf '%s\n' -chardev "file,id=$channel,path=$work/$channel" \
            -device "virtserialport,chardev=$channel,name=lab.$channel" \
            -chardev "file,id=serial-$channel,path=$work/$channel" -serial "chardev:serial-$channel"
    done
}

# QEMU's own network: the guest reaches nothing, and is reached by these ports alone.
network_arguments() {
    local forward ports=''
    ((${#forwards[@]})) || return 0
    for forward in "${forwards[@]}"; do
        ports+=",hostfwd=tcp:127.0.0.1:${forward%:*}-:${forward#*:}"
    done
    printf '%s\n' -netdev "user,id=net,restrict=on$ports" -device virtio-net-pci,netdev=net,romfile=
}

# QEMU dies with this script, even when that is killed.
start_qemu() { # ACCELERATOR
    local machine channels network
    read -ra machine < <(accelerator_arguments "$1")
    mapfile -t channels < <(channel_arguments stdout stderr control)
    mapfile -t network < <(network_arguments)
    setpriv --pdeathsig TERM timeout --kill-after=2 "$timeout" \
        qemu-system-x86_64 "${machine[@]}" -m "$memory" -kernel "$bzimage" -initrd "$work/initramfs" \
        -append "$(kernel_parameters)" -no-reboot -nodefaults -display none "${channels[@]}" "${network[@]}" \
        </dev/null >"$work/qemu.log" 2>&1 &
    qemu=$!
}

# --- what comes out of it ---

start_readers() {
    mkfifo "$work"/{console,stdout,stderr,control}
    # Whoever read our stdout is gone: end as a command does whose pipe broke.
    { cat "$work/stdout" || kill -USR1 $$; } &
    cat "$work/stderr" >&2 &
    if $verbose; then
        tee -a "$log" <"$work/console" >&2 &
    else
        cat "$work/console" >>"$log" &
    fi
    read_control <"$work/control" &
}

read_control() {
    local word='' status=''
    read -r word
    [[ $word == up ]] || return 0
    : >"$work/up"
    say "up after $SECONDS s"
    read -r word status
    [[ $word == exit ]] || return 0
    if [[ -n $out ]]; then
        tar -x -f - -C "$out" --no-same-owner --no-overwrite-dir || return 0
    fi
    cat >/dev/null
    echo "$status" >"$work/status"
}

# A reader whose pipe QEMU never opened still waits for a writer: be one, for a moment.
release_readers() {
    local channel
    for channel in console stdout stderr control; do
        : <>"$work/$channel"
    done
}

choose_log() {
    local old=("$cache"/logs/*.console*)
    [[ -z $log ]] || return 0
    ((${#old[@]} < 20)) || rm -f "${old[@]:0:${#old[@]}-19}"
    log=$cache/logs/$(date +%Y%m%d-%H%M%S)-$$.console
}

prepare_guest() {
    local copy
    write_command "$work/root" "${command[@]}"
    for copy in "${copies[@]}"; do
        copy_in "$copy" "$work/root"
    done
    copy_modules "$work/root"
    make_initramfs "$work/root" "$work/initramfs"
    [[ -z $out ]] || mkdir -p "$out"
}

run_in_guest() {
    local accelerator=count
    prepare_guest
    $count || accelerator=$(find_accelerator)
    choose_log
    say "booting $(kernel_name "$bzimage") $(describe "$accelerator")…"
    boot_until_it_counts "$accelerator"
    report_complaints
    [[ -z $check || ! -e $work/status ]] || check_log
    [[ -e $work/status ]] || explain_failure "$qemu_status"
    exit "$(cat "$work/status")"
}

# A boot that the emulator ended says nothing about kernel or command: another one follows, at most twice,
# where the command has yet to begin or may begin anew. The console of each is kept beside the log, whose
# first lines name it.
boot_until_it_counts() { # ACCELERATOR
    local boot fault notes=()
    for boot in 1 2 3; do
        : >"$log"
        ((boot == 1)) || printf 'lab: %s\n' "${notes[@]}" >"$log"
        boot "$1"
        fault=$(fault_to_repeat)
        [[ -n $fault && $boot != 3 ]] || return 0
        mv "$log" "$log.boot-$boot"
        notes+=("the emulator ended boot $boot of 3 ($fault); its console: $log.boot-$boot")
        say "${notes[-1]}"
    done
}

# Before the control channel says `up`, the console is all that the guest writes to.
boot() { # ACCELERATOR
    rm -f "$work"/{console,stdout,stderr,control,up,status}
    SECONDS=0
    qemu_status=0
    start_readers
    start_qemu "$1"
    wait "$qemu" || qemu_status=$?
    qemu=
    release_readers
    wait
}

fault_to_repeat() {
    [[ ! -e $work/up ]] || $repeatable || return 0
    [[ -e $work/status || $qemu_status != 0 ]] || emulator_fault "$log"
}

describe() { # ACCELERATOR
    case $1 in
    kvm) echo "under KVM ($cpus processors)" ;;
    tcg) echo "in software emulation ($cpus processors)" ;;
    count) echo "in software emulation, counting instructions" ;;
    esac
}

report_complaints() {
    if grep -aqE 'WARNING:|BUG:|UBSAN:|INFO: (task|rcu|possible)|possible (circular|recursive)' "$log"; then
        say "the kernel complained: see $log"
    fi
}

explain_failure() { # QEMU_STATUS
    local reason
    if (($1 == 124 || $1 == 137)); then
        reason="time over after $timeout s"
    elif grep -aq 'Kernel panic' "$log"; then
        reason=$(grep -am 1 -o 'Kernel panic.*' "$log" | tr -d '\r')
    elif (($1)); then
        reason="QEMU failed (status $1)"
    else
        reason='the guest ended before its time'
    fi
    { tail -n 25 "$log" && cat "$work/qemu.log"; } | tr -d '\r' >&2
    die "$reason; its console: $log"
}
