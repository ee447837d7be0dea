// SPDX-License-Identifier: MIT
//
// The floor of the pinned BPF iterators: opens them, makes sure that they are on a bpffs, and goes
// from record to record up to the end.
#define _GNU_SOURCE
#include "../kernel/bpf/records.h"
#include "floors.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

// The kernel cuts its 32 KiB wherever they end, but all lengths are multiples of the head's.
static uint64_t read_records(int walk) {
    static _Alignas(8) char records[32768];
    uint64_t found = 0;
    size_t ahead = 0; // of the record that the last read ended in
    for (bool ended = false; !ended;) {
        ssize_t const got = read(walk, records, sizeof records);
        if (got < 0 && errno == EAGAIN) continue;
        if (got <= 0) return 0;
        size_t at = ahead;
        while (at < (size_t)got) {
            struct dmabuf_bpf_head head;
            memcpy(&head, records + at, sizeof head);
            found += head.kind == DMABUF_BPF_DESCRIPTOR;
            ended = head.kind == DMABUF_BPF_END;
            at += head.length;
        }
        ahead = at - (size_t)got;
    }
    return found;
}

static uint64_t read_pin(char const* path) {
    struct statfs system;
    uint64_t found = 0;
    int const walk = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (walk < 0) return 0;
    if (fstatfs(walk, &system) == 0) found = read_records(walk);
    close(walk);
    return found;
}

uint64_t read_pins(unsigned what) {
    uint64_t const found = read_pin("/sys/fs/bpf/dmabuf/descriptors");
    if (what & with_mappings) read_pin("/sys/fs/bpf/dmabuf/mappings");
    return found;
}

static int bpf(int command, union bpf_attr attributes) {
    return (int)syscall(SYS_bpf, command, &attributes, sizeof attributes);
}

// The program serves for one process after the other, and stays open.
static int program_of_descriptors(void) {
    static int program;
    if (!program)
        program = bpf(BPF_OBJ_GET,
                      (union bpf_attr){.pathname = (uintptr_t)"/sys/fs/bpf/dmabuf/descriptors_of",
                                       .file_flags = BPF_F_RDONLY});
    return program;
}

uint64_t read_pins_of(int32_t pid) {
    __u32 const task[3] = {0, (__u32)pid, 0}; // tid, pid, pid_fd: since 6.1
    union bpf_attr create = {
        .link_create = {.prog_fd = (__u32)program_of_descriptors(), .attach_type = BPF_TRACE_ITER}};
    create.link_create.iter_info = (uintptr_t)task;
    create.link_create.iter_info_len = sizeof task;
    int const link = bpf(BPF_LINK_CREATE, create);
    int const walk =
        bpf(BPF_ITER_CREATE, (union bpf_attr){.iter_create = {.link_fd = (__u32)link}});
    if (walk < 0) return 0;
    uint64_t const found = read_records(walk);
    close(walk);
    close(link);
    return found;
}
