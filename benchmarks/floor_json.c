// SPDX-License-Identifier: MIT
//
// The floor of `dmabuf_ps --source dmabuf_fds --json` as root on the load tablet: a program that
// makes only the calls that the answer cannot avoid, and writes as much. debugfs does not tell the
// names of buffers that have none, and so they take a walk. Texts that are alike for all rows are
// constants.
#define _GNU_SOURCE
#include "floors.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { most_inodes = 1 << 17 }; // which begin at 1 in the guest

// --- the lists of all buffers: of sysfs, before and after the walk, and of debugfs ---

static char space[32768];

static void read_whole(char const* path) {
    int const file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) abort();
    while (read(file, space, sizeof space) > 0)
        ;
    close(file);
}

static void list_tree(void) {
    int const tree = open("/sys/kernel/dmabuf/buffers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (tree >= 0 && syscall(SYS_getdents64, tree, space, sizeof space) > 0)
        ;
    close(tree);
}

// --- the text ---

static char text[32768];
static size_t used;

static void flush(void) {
    for (size_t at = 0; at < used;) {
        ssize_t const written = write(STDOUT_FILENO, text + at, used - at);
        if (written <= 0) abort();
        at += (size_t)written;
    }
    used = 0;
}

static void put_bytes(char const* bytes, size_t count) {
    if (sizeof text - used < count) flush();
    memcpy(text + used, bytes, count);
    used += count;
}
#define put(literal) put_bytes(literal, sizeof literal - 1)

static void put_number(uint64_t number) {
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + number % 10);
    while (number /= 10);
    put_bytes(digits + at, sizeof digits - at);
}

static uint32_t holders_of[most_inodes], first_holder[most_inodes];
static uint32_t holder_list[1 << 18];

static void put_process(struct kept_process who) {
    put("    {\n      \"pid\": ");
    put_number(who.pid);
    put(",\n      \"uid\": 0,\n      \"comm\": \"measure\",\n      \"start_ticks\": ");
    put_number(who.start);
    put(",\n      \"cgroup\": \"/\",\n      \"rss_bytes\": ");
    put_number(4096U * who.references);
    put(",\n      \"pss_bytes\": ");
    put_number(4096U * who.references / 4);
    put(",\n      \"uss_bytes\": ");
    put_number(4096U * who.references / 5);
    put(",\n      \"mapped_bytes\": 0,\n      \"unsized_buffers\": 0,\n      \"references\": [\n");
    for (uint32_t i = 0; i < who.references; ++i) {
        put("        {\"inode\": ");
        put_number(kept_reference(who.first_reference + i));
        put(", \"descriptors\": 1, \"path_descriptors\": null, \"mappings\": 0, \"mapped_bytes\": "
            "0},\n");
    }
    put("      ]\n    },\n");
}

static void put_buffer(uint64_t inode) {
    put("    {\n      \"inode\": ");
    put_number(inode);
    put(",\n      \"size_bytes\": 4096,\n      \"exporter\": \"system\",\n      \"name\": null,\n"
        "      \"name_known\": true,\n      \"holders\": ");
    put_number(holders_of[inode]);
    put(",\n      \"pids\": [");
    for (uint32_t i = 0; i < holders_of[inode]; ++i) {
        put_number(holder_list[first_holder[inode] + i]);
        put(", ");
    }
    put("],\n      \"descriptors\": ");
    put_number(holders_of[inode]);
    put(",\n      \"mappings\": 0,\n      \"count\": ");
    put_number(holders_of[inode]);
    put(",\n      \"other_references\": null,\n      \"attachments\": []\n    },\n");
}

// --- who holds each buffer ---

static void find_holders(void) {
    uint32_t next = 0;
    for (uint32_t i = 0; i < kept_references(); ++i)
        ++holders_of[kept_reference(i)];
    for (uint32_t i = 0; i < kept_buffers(); ++i) {
        first_holder[kept_buffer(i)] = next;
        next += holders_of[kept_buffer(i)];
        holders_of[kept_buffer(i)] = 0;
    }
    for (uint32_t i = 0; i < kept_holders(); ++i) {
        struct kept_process const who = kept_holder(i);
        for (uint32_t j = 0; j < who.references; ++j) {
            uint64_t const inode = kept_reference(who.first_reference + j);
            holder_list[first_holder[inode] + holders_of[inode]++] = who.pid;
        }
    }
}

int main(void) {
    list_tree();
    read_whole("/sys/kernel/debug/dma_buf/bufinfo");
    least_calls(by_lists | with_mappings | with_names | with_cgroups | kept);
    list_tree();
    find_holders();
    put("{\n  \"processes\": [\n");
    for (uint32_t i = 0; i < kept_holders(); ++i)
        put_process(kept_holder(i));
    put("  ],\n  \"buffers\": [\n");
    for (uint32_t i = 0; i < kept_buffers(); ++i)
        put_buffer(kept_buffer(i));
    put("  ]\n}\n");
    flush();
}
