// SPDX-License-Identifier: MIT
//
// The floors: of each strategy nothing but the calls that its contract cannot avoid. A process is a
// directory and a start time, every table is read once, and a task that was about to exit is not
// believed. Nothing is kept but what saves a call, and no text is read but for that.
#define _GNU_SOURCE
#include "floors.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/stat.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static unsigned wanted;
static int proc = -1, sysfs = -1;

// Found once, by the names that only such files have.
static uint64_t dmabuf_device, anonymous_device;

struct set {
    uint64_t* slots;
    uint64_t mask, count;
};

// The buffers listed, and those whose description was read: in this look where names are asked for,
// else in any.
static struct set listed, described;

static bool add(struct set* to, uint64_t inode) {
    if (2 * (to->count + 1) > to->mask) {
        struct set const old = *to;
        uint64_t const size = old.slots ? old.mask + 1 : 0;
        to->mask = size ? 2 * size - 1 : 1023;
        to->slots = calloc(to->mask + 1, sizeof *to->slots);
        to->count = 0;
        for (uint64_t i = 0; i < size; ++i)
            if (old.slots[i]) add(to, old.slots[i]);
        free(old.slots);
    }
    uint64_t at = (inode * 0x9e3779b97f4a7c15U) >> 32 & to->mask;
    for (; to->slots[at]; at = (at + 1) & to->mask)
        if (to->slots[at] == inode) return false;
    to->slots[at] = inode;
    return ++to->count;
}

// As many bytes as a snapshot holds: the first write to each page is an entry into the kernel.
static struct {
    char holders[1 << 15][holder_bytes];
    char buffers[1 << 17][buffer_bytes];
    char references[1 << 18][reference_bytes];
    uint32_t holder_count, buffer_count, reference_count;
} answer;

static void keep_holder(uint64_t pid, uint32_t first_reference) {
    char* const to = answer.holders[answer.holder_count++];
    struct kept_process const who = {(uint32_t)pid, (uint32_t)pid, first_reference,
                                     answer.reference_count - first_reference};
    memcpy(memset(to, 1, holder_bytes), &who, sizeof who);
}

static void keep_buffer(uint64_t inode) {
    char* const to = answer.buffers[answer.buffer_count++];
    memcpy(memset(to, 1, buffer_bytes), &inode, sizeof inode);
}

static void keep_reference(uint64_t inode) {
    char* const to = answer.references[answer.reference_count++];
    memcpy(memset(to, 1, reference_bytes), &inode, sizeof inode);
}

static uint64_t number_at(char const* from) {
    uint64_t number;
    memcpy(&number, from, sizeof number);
    return number;
}

uint32_t kept_holders(void) {
    return answer.holder_count;
}
struct kept_process kept_holder(uint32_t at) {
    struct kept_process who;
    memcpy(&who, answer.holders[at], sizeof who);
    return who;
}
uint32_t kept_buffers(void) {
    return answer.buffer_count;
}
uint64_t kept_buffer(uint32_t at) {
    return number_at(answer.buffers[at]);
}
uint32_t kept_references(void) {
    return answer.reference_count;
}
uint64_t kept_reference(uint32_t at) {
    return number_at(answer.references[at]);
}

static void forget(struct set* all) {
    if (all->slots) memset(all->slots, 0, (all->mask + 1) * sizeof *all->slots);
    all->count = 0;
}

static char* append(char* to, uint64_t number) {
    char digits[20];
    int count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while (number /= 10);
    while (count)
        *to++ = digits[--count];
    *to = '\0';
    return to;
}

static char const* task_path(char* path, uint64_t tid, char const* file) {
    strcpy(append(stpcpy(path, "task/"), tid), file);
    return path;
}

static void read_once(int directory, char const* path) {
    char text[1024];
    int const file = openat(directory, path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return;
    if (read(file, text, sizeof text) < 0) abort();
    close(file);
}

static int status_of(int directory, char const* name, int flags, struct statx* status) {
    return (int)syscall(SYS_statx, directory, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT | flags, 0,
                        status);
}

// d_name of a struct linux_dirent64
static char const* name_at(char const* record) {
    return record + 19;
}

static unsigned length_of(char const* record) {
    unsigned short length;
    memcpy(&length, record + 16, sizeof length);
    return length;
}

static bool is_dmabuf(int fds, char const* fd, struct statx const* status) {
    if ((status->stx_mode & S_IFMT) || status->stx_dev_major) return false;
    if (!dmabuf_device && status->stx_dev_minor != anonymous_device) {
        char target[64];
        bool const is =
            readlinkat(fds, fd, target, sizeof target) >= 8 && memcmp(target, "/dmabuf:", 8) == 0;
        *(is ? &dmabuf_device : &anonymous_device) = status->stx_dev_minor;
    }
    return status->stx_dev_minor == dmabuf_device;
}

// Looks at one descriptor, and counts it where it is a DMA-BUF's. Less one of `buffers` where that
// is described now and was not before.
static void look_at(int process, uint64_t tid, int fds, char const* fd, uint64_t* buffers,
                    uint64_t* found) {
    struct statx status;
    char path[64];
    if (*fd == '.') return;
    if (status_of(fds, fd, 0, &status)) {
        if (errno == EACCES) *buffers = 0; // nor will the others be shown
        return;
    }
    if (!is_dmabuf(fds, fd, &status)) return;
    ++*found;
    if (wanted & with_paths) {
        struct statx link;
        status_of(fds, fd, AT_SYMLINK_NOFOLLOW, &link);
    }
    if (!(wanted & (by_lists | with_names)) || !add(&described, status.stx_ino)) return;
    --*buffers;
    if (!(wanted & (with_exporters | with_names))) return;
    task_path(path, tid, "/fdinfo/");
    strcat(path, fd);
    read_once(process, path);
}

// Until so many buffers are described that were not before. What serves a list begins with the last
// descriptor of a bufferful: programs open buffers behind other files.
static uint64_t walk(int process, uint64_t tid, uint64_t buffers) {
    static char names[32768];
    static char const* records[sizeof names / 24];
    char path[64];
    uint64_t found = 0;
    bool const served = buffers != UINT64_MAX;
    int const fds =
        openat(process, task_path(path, tid, "/fd"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fds < 0) return 0;
    for (long got; buffers && (got = syscall(SYS_getdents64, fds, names, sizeof names)) > 0;) {
        unsigned count = 0;
        for (char const* record = names; buffers && record < names + got;
             record += length_of(record))
            if (served)
                records[count++] = record;
            else
                look_at(process, tid, fds, name_at(record), &buffers, &found);
        while (buffers && count)
            look_at(process, tid, fds, name_at(records[--count]), &buffers, &found);
    }
    close(fds);
    return found;
}

static void ask_sysfs(uint64_t inode) {
    char path[64];
    strcpy(append(path, inode), "/size");
    read_once(sysfs, path);
    if (!(wanted & with_exporters)) return;
    strcpy(append(path, inode), "/exporter_name");
    read_once(sysfs, path);
}

// The newline is behind the last number, and only there. What fdinfo has to tell anyhow, for its
// name or where there is no sysfs, sysfs is not asked for.
static uint64_t read_list(int process, uint64_t tid) {
    static char text[32768];
    char path[64];
    uint64_t found = 0, inode = 0, undescribed = 0;
    int const list = openat(process, task_path(path, tid, "/dmabuf_fds"), O_RDONLY | O_CLOEXEC);
    if (list < 0) return 0;
    for (long got; (got = read(list, text, sizeof text)) > 0;) {
        for (char const* c = text; c < text + got; ++c) {
            if (*c != ' ' && *c != '\n') {
                inode = inode * 10 + (uint64_t)(*c - '0');
                continue;
            }
            ++found;
            if (wanted & kept) keep_reference(inode);
            if (add(&listed, inode)) {
                if (wanted & kept) keep_buffer(inode);
                if (sysfs < 0 || (wanted & with_names))
                    ++undescribed;
                else
                    ask_sysfs(inode);
            }
            inode = 0;
        }
        if (text[got - 1] == '\n') break;
    }
    close(list);
    if (undescribed) walk(process, tid, undescribed);
    return found;
}

static uint64_t look_at_table(int process, uint64_t tid) {
    return wanted & by_lists ? read_list(process, tid) : walk(process, tid, UINT64_MAX);
}

// struct procmap_query of include/uapi/linux/fs.h, which older headers lack. Linux 6.11.
struct query {
    uint64_t size, flags, address, start, end, vma[4];
    uint32_t device[2], name_size, build_id_size;
    uint64_t name, build_id;
};

// The mappings of files, one by one: no other mapping holds a buffer.
static bool ask_for_mappings(int maps) {
    enum { next_of_a_file = 0x30 };
    struct query query = {.size = sizeof query, .flags = next_of_a_file};
    for (; ioctl(maps, _IOWR('f', 17, struct query), &query) == 0; query.address = query.end)
        ;
    return query.end != 0;
}

static bool look_at_mappings(int process, uint64_t tid) {
    char path[64];
    int const maps = openat(process, task_path(path, tid, "/maps"), O_RDONLY | O_CLOEXEC);
    if (maps < 0) return false;
    bool const any = ask_for_mappings(maps);
    close(maps);
    return any;
}

// The first task's table, and those of the others that are other tables.
static uint64_t look_at_tasks(int process, uint64_t pid, uint64_t count) {
    static char names[65536];
    uint64_t found = look_at_table(process, pid), tasks_seen = 0;
    if (count == 1) return found;
    int const tasks = openat(process, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (long got;
         tasks_seen < count && (got = syscall(SYS_getdents64, tasks, names, sizeof names)) > 0;) {
        for (char const* record = names; record < names + got; record += length_of(record)) {
            if (*name_at(record) == '.') continue;
            uint64_t const tid = strtoull(name_at(record), NULL, 10);
            ++tasks_seen;
            if (tid != pid && syscall(SYS_kcmp, pid, tid, KCMP_FILES, 0, 0) != 0)
                found += look_at_table(process, tid);
        }
    }
    close(tasks);
    return found;
}

static uint64_t look_at_process(char const* name) {
    struct statx tasks;
    uint64_t found = 0;
    int const process = openat(proc, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (process < 0) return 0;
    if (status_of(process, "task", 0, &tasks) == 0) {
        uint64_t const pid = strtoull(name, NULL, 10);
        uint32_t const first_reference = answer.reference_count;
        found = look_at_tasks(process, pid, tasks.stx_nlink - 2);
        bool const has_memory = (wanted & with_mappings) && look_at_mappings(process, pid);
        if (found && (wanted & kept)) keep_holder(pid, first_reference);
        if (found && (wanted & with_cgroups)) read_once(process, "cgroup");
        // A task that showed nothing may have exited, and other tasks may hold its buffers. So the
        // number of tasks is asked, or, since it is the same with one more and one less, whether
        // the first one has descriptors.
        if (found)
            read_once(process, "stat");
        else if (!has_memory)
            status_of(process, tasks.stx_nlink == 3 ? "task" : "fd", 0, &tasks);
    }
    close(process);
    return found;
}

// The place and the sight of a sampler: the kernel, the numbers of its procfs, whether all
// processes are shown, and whether there are lists.
static void ask_once(void) {
    struct statfs system;
    struct statx status;
    int const self = openat(proc, "self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fstatfs(proc, &system) < 0 || self < 0) abort();
    read_once(proc, "sys/kernel/osrelease");
    read_once(self, "status");
    status_of(self, "ns/pid", 0, &status);
    close(self);
    status_of(proc, "1", 0, &status);
    int const list = openat(proc, "thread-self/dmabuf_fds", O_RDONLY | O_CLOEXEC);
    if (list >= 0) close(list);
}

static void begin(unsigned what) {
    wanted = what;
    answer.holder_count = answer.reference_count = 0;
    if (what & with_names) forget(&listed), forget(&described);
    if (proc >= 0) return;
    proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ask_once();
    if (what & by_lists)
        sysfs = open("/sys/kernel/dmabuf/buffers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

uint64_t least_calls(unsigned what) {
    static char names[32768];
    uint64_t found = 0;
    begin(what);
    int const processes = openat(proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (long got; (got = syscall(SYS_getdents64, processes, names, sizeof names)) > 0;)
        for (char const* record = names; record < names + got; record += length_of(record))
            if (*name_at(record) >= '1' && *name_at(record) <= '9')
                found += look_at_process(name_at(record));
    close(processes);
    return found;
}

// A program that asks for one process now and then remembers no buffers. One that looks at it again
// and again may.
uint64_t least_calls_of(int32_t pid, unsigned what) {
    char name[24];
    begin(what);
    if (!(what & remembered)) forget(&listed), forget(&described);
    append(name, (uint64_t)pid);
    return look_at_process(name);
}
