// SPDX-License-Identifier: GPL-2.0-only
/*
 * The cost of learning which process refers to which buffers, in each way that there is, and how long
 * a reader holds what others may wait for. Runs in a guest whose clock counts instructions:
 *
 *   kernel/run cost [--defect measure | --defect sizes]
 *   kernel/run cost --kernel 7.3 --flavour stock --copy …/dmabuf_pin
 *
 * 100 processes of 6 threads, each with 60 other descriptors and 26 buffers, 20 of them the same
 * for all. The threads share their process's table. A way that the kernel lacks is left out; the
 * iterator of BPF is read where dmabuf_pin is in the guest and pins it. Each way begins without
 * dentries and inodes of /proc (first) and goes the same way again (repeated). Then tables as large
 * as they get, with a kernel that measures its locks (patches/defects/measure.patch) or without.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../bpf/records.h"

enum { processes = 100, threads = 6, others = 60, shared = 20, own = 6 };

static pid_t pids[processes];

static double now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void buffer(void)
{
    struct dma_heap_allocation_data data = {.len = 4096, .fd_flags = O_RDWR};
    int const heap = open("/dev/dma_heap/system", O_RDONLY);
    if (heap < 0 || ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data))
        perror("dma_heap"), exit(1);
    close(heap);
}

static void* sleeps(void* unused)
{
    for (;;)
        pause();
    return unused;
}

static void start_process(int ready)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (int i = 0; i < own; ++i)
        buffer();
    for (int i = 1; i < threads; ++i) {
        pthread_t thread;
        pthread_create(&thread, NULL, sleeps, NULL);
    }
    if (write(ready, "", 1) == 1)
        sleeps(NULL);
}

/* Inodes of the buffers whose size was learnt. They are counted from 1. */
static bool known[1 << 16];

static void add_known(unsigned long inode)
{
    known[inode % sizeof known] = true;
}

/* A descriptor's fdinfo is opened and read. */
static long read_fdinfo(int directory, char const* name)
{
    char text[512];
    int const fd = openat(directory, name, O_RDONLY);
    ssize_t const n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    return strstr(text, "exp_name:") != NULL;
}

static long read_fdinfo_of_buffer(int directory, int info, char const* name)
{
    char target[64];
    return readlinkat(directory, name, target, sizeof target) >= 8 && !memcmp(target, "/dmabuf:", 8) &&
        read_fdinfo(info, name);
}

static long stat_buffer(int directory, char const* name)
{
    struct stat st;
    if (fstatat(directory, name, &st, 0) || st.st_mode & S_IFMT || !st.st_blocks)
        return 0;
    add_known(st.st_ino);
    return 1;
}

static long walk_descriptors(pid_t pid, char how)
{
    char path[64];
    long found = 0;
    struct dirent* entry;
    snprintf(path, sizeof path, "/proc/%d/fdinfo", pid);
    int const info = how == 's' ? -1 : open(path, O_RDONLY | O_DIRECTORY);
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR* const directory = opendir(path);
    while ((entry = readdir(directory))) {
        if (entry->d_name[0] == '.')
            continue;
        switch (how) {
        case 'f': found += read_fdinfo(info, entry->d_name); break;
        case 'r': found += read_fdinfo_of_buffer(dirfd(directory), info, entry->d_name); break;
        case 's': found += stat_buffer(dirfd(directory), entry->d_name); break;
        }
    }
    closedir(directory);
    close(info);
    return found;
}

static long fdinfo_of_all(pid_t pid) { return walk_descriptors(pid, 'f'); }
static long fdinfo_of_buffers(pid_t pid) { return walk_descriptors(pid, 'r'); }
static long stat_of_all(pid_t pid) { return walk_descriptors(pid, 's'); }

/* Whether a list had a buffer whose size nobody was asked for */
static bool has_unknown;

/* Hands back how many references a list has; "4:8192" is one. */
static long read_list(int directory, char const* path)
{
    char text[4096];
    long found = 0;
    unsigned long number = 0;
    ssize_t n;
    int const fd = openat(directory, path, O_RDONLY);
    while ((n = read(fd, text, sizeof text)) > 0)
        for (ssize_t i = 0; i < n; ++i) {
            if (isdigit((unsigned char)text[i])) {
                number = 10 * number + (unsigned)(text[i] - '0');
                continue;
            }
            found += text[i] != ':';
            has_unknown |= !known[number % sizeof known];
            number = 0;
        }
    close(fd);
    return found;
}

static long list_of(pid_t pid, char const* name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task/%d/%s", pid, pid, name);
    return read_list(AT_FDCWD, path);
}

static long list_of_leader(pid_t pid) { return list_of(pid, "dmabuf_fds"); }
static long list_with_sizes_of_leader(pid_t pid) { return list_of(pid, "dmabuf_sizes"); }

/* A list does not name descriptors: where it has a new buffer, all of the process are asked. */
static long list_of_leader_and_stats(pid_t pid)
{
    has_unknown = false;
    long const found = list_of_leader(pid);
    if (has_unknown)
        stat_of_all(pid);
    return found;
}

static void read_bufinfo(void)
{
    char line[300];
    unsigned long inode;
    FILE* const file = fopen("/sys/kernel/debug/dma_buf/bufinfo", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "%*u %*x %*x %*d %*[^\t] %lu", &inode) == 1)
            add_known(inode);
    if (file)
        fclose(file);
}

/* Root's way: all buffers are asked for at once. */
static long list_of_leader_and_bufinfo(pid_t pid)
{
    has_unknown = false;
    long const found = list_of_leader(pid);
    if (has_unknown)
        read_bufinfo();
    return found;
}

static long lists_of_tasks(pid_t pid)
{
    char path[64];
    long found = 0;
    struct dirent* entry;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR* const directory = opendir(path);
    while ((entry = readdir(directory))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%.20s/dmabuf_fds", entry->d_name);
        found += read_list(dirfd(directory), path);
    }
    closedir(directory);
    return found;
}

static char const list[] = "/proc/thread-self/dmabuf_fds";
static char const list_with_sizes[] = "/proc/thread-self/dmabuf_sizes"; /* patches/defects/sizes.patch */
static char const pinned[] = "/sys/fs/bpf/dmabuf/descriptors";

/* One read of all processes; this one's own buffers are left out. */
static long pinned_iterator(pid_t unused)
{
    static char records[4 << 20];
    struct dmabuf_bpf_reference record;
    size_t length = 0;
    long found = 0;
    ssize_t n;
    int const fd = open(pinned, O_RDONLY);
    (void)unused;
    while ((n = read(fd, records + length, sizeof records - length)) > 0)
        length += (size_t)n;
    close(fd);
    for (size_t at = 0; at + sizeof record.head <= length; at += record.head.length) {
        memcpy(&record.head, records + at, sizeof record.head);
        if (record.head.kind != DMABUF_BPF_DESCRIPTOR)
            continue;
        memcpy(&record, records + at, sizeof record);
        found += record.holder.tgid != getpid();
    }
    return found;
}

static struct way {
    char const* name;
    char const* file; /* without which the kernel lacks this way */
    long (*look)(pid_t);
} const ways[] = {
    {"fdinfo of every descriptor", "/proc/self/fdinfo", fdinfo_of_all},
    {"readlink of every one, fdinfo of buffers", "/proc/self/fdinfo", fdinfo_of_buffers},
    {"one stat of every descriptor", "/proc/self/fd", stat_of_all},
    {"iter/task_file by BPF", pinned, pinned_iterator},
    {"dmabuf_fds of every task", list, lists_of_tasks},
    {"dmabuf_fds of every leader", list, list_of_leader},
    {"and stats where a buffer is new", list, list_of_leader_and_stats},
    {"and bufinfo where a buffer is new", list, list_of_leader_and_bufinfo},
    {"dmabuf_sizes of every leader", list_with_sizes, list_with_sizes_of_leader},
};

static long look_at_all(struct way const* way)
{
    long found = 0;
    if (way->look == pinned_iterator)
        return pinned_iterator(0);
    for (int i = 0; i < processes; ++i)
        found += way->look(pids[i]);
    return found;
}

/*
 * Dentries and inodes that nobody has open, /proc's among them; those used of late go at the second time. They
 * are freed by RCU in an interrupt, later: not while somebody looks, and perhaps holds a lock.
 */
static void drop_caches(void)
{
    for (int i = 0; i < 3; ++i) {
        int const fd = open("/proc/sys/vm/drop_caches", O_WRONLY);
        if (fd < 0 || write(fd, "2", 1) != 1)
            perror("drop_caches"), exit(1);
        close(fd);
    }
    usleep(200000);
}

static void compare_ways(void)
{
    printf("%-42s %9s %9s\n", "", "first", "repeated");
    for (size_t i = 0; i < sizeof ways / sizeof *ways; ++i) {
        if (access(ways[i].file, F_OK))
            continue;
        drop_caches();
        memset(known, 0, sizeof known);
        double const begin = now_ms();
        look_at_all(&ways[i]);
        double const middle = now_ms();
        long const found = look_at_all(&ways[i]);
        printf("%-42s %6.1f ms %6.1f ms, %ld references\n", ways[i].name, middle - begin, now_ms() - middle, found);
    }
}

/* Loads the programs and pins the iterators, once for all looks. */
static void pin_iterators(void)
{
    double const begin = now_ms();
    if (access("/lab/bin/dmabuf_pin", X_OK))
        return;
    if (system("dmabuf_pin >/dev/null"))
        fprintf(stderr, "dmabuf_pin failed\n"), exit(1);
    printf("dmabuf_pin: %.0f ms\n", now_ms() - begin);
}

/* The times that a kernel with measure.patch held each lock since the last call, in nanoseconds */
static void print_holds(void)
{
    unsigned long worst[3];
    FILE* const file = fopen("/sys/module/proc/parameters/dmabuf_fds_worst", "r+");
    if (!file)
        return;
    if (fscanf(file, "%lu,%lu,%lu", &worst[0], &worst[1], &worst[2]) == 3)
        printf("  longest holds: file_lock %lu ns, task_lock %lu ns, exec_update_lock %lu ns\n",
            worst[0], worst[1], worst[2]);
    rewind(file);
    fputs("0,0,0", file);
    fclose(file);
}

/* Twice, because the first time fills /proc's caches. */
static void measure(char const* what, void (*read_all)(void))
{
    read_all();
    print_holds();
    double const begin = now_ms();
    read_all();
    printf("%-42s %8.2f ms\n", what, now_ms() - begin);
    print_holds();
}

static void read_own_list(void) { list_of_leader(getpid()); }
static void read_own_list_with_sizes(void) { list_with_sizes_of_leader(getpid()); }
static void read_own_group(void) { lists_of_tasks(getpid()); }

static void start_small_thread(void* (*run)(void*))
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 32768);
    if (pthread_create(&thread, &attributes, run, NULL))
        perror("pthread_create"), exit(1);
}

static void* with_a_table_for_two(void* unused)
{
    unshare(CLONE_FILES);
    start_small_thread(sleeps);
    return sleeps(unused);
}

/* Tables of every shape, and the largest thread group */
static void measure_large(void)
{
    enum { files = 100000, last = (1 << 20) - 1, many = 10000 };
    struct rlimit const limit = {last + 1, last + 1};
    if (setrlimit(RLIMIT_NOFILE, &limit))
        return;
    for (int kind = 0; kind < 2; ++kind) {
        close_range(3, ~0u, 0);
        if (kind == 0)
            open("/dev/null", O_RDONLY);
        else
            buffer();
        for (int i = 3; i >= 0 && i < files; i = dup(3 + kind)) /* the heap was 3 */
            ;
        measure(kind ? "100,000 buffers" : "100,000 other files", read_own_list);
        if (kind && !access(list_with_sizes, F_OK))
            measure("100,000 buffers, with sizes", read_own_list_with_sizes);
    }
    close_range(3, ~0u, 0);
    dup2(0, last);
    measure("one descriptor among a million slots", read_own_list);
    close(last);

    for (int i = 1; i < many; ++i)
        start_small_thread(sleeps);
    measure("10,000 threads with one table", read_own_group);
    for (int i = 0; i < 2; ++i)
        start_small_thread(with_a_table_for_two);
    sleep(1);
    measure("and with two tables of two at their end", read_own_group);
}

int main(void)
{
    int ready[2];
    char byte;
    for (int i = 0; i < shared; ++i)
        buffer();
    if (pipe(ready))
        return 1;
    for (int i = 0; i < others - 5; ++i) /* and stdio and the pipe */
        open("/dev/null", O_RDONLY);
    for (int i = 0; i < processes; ++i)
        if (!(pids[i] = fork()))
            start_process(ready[1]);
    for (int i = 0; i < processes; ++i)
        if (read(ready[0], &byte, 1) != 1)
            return 1;
    pin_iterators();
    compare_ways();
    print_holds();
    for (int i = 0; i < processes; ++i)
        kill(pids[i], SIGKILL);
    if (!access(list, F_OK))
        measure_large();
    return 0;
}
