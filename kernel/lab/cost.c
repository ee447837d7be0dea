// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it costs to learn which process refers to which buffers, the ways that there are, and how long
 * a reader holds what others may wait for. Runs in a guest whose clock counts instructions:
 *
 *   kernel/run cost [--defect measure]
 *
 * 100 processes of 6 threads, each with 60 other descriptors and 26 buffers, 20 of them the same
 * for all. The threads share their process's table. Then tables as large as they get, with a kernel
 * that measures its locks (patches/defects/measure.patch) or without.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

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

static long walk_descriptors(pid_t pid, int how)
{
    char path[64], target[64];
    struct stat st;
    long found = 0;
    struct dirent* entry;
    snprintf(path, sizeof path, "/proc/%d/fdinfo", pid);
    int const info = open(path, O_RDONLY | O_DIRECTORY);
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR* const directory = opendir(path);
    while ((entry = readdir(directory))) {
        if (entry->d_name[0] == '.')
            continue;
        switch (how) {
        case 0: found += read_fdinfo(info, entry->d_name); break;
        case 1:
            if (readlinkat(dirfd(directory), entry->d_name, target, sizeof target) >= 8 &&
                !memcmp(target, "/dmabuf:", 8))
                found += read_fdinfo(info, entry->d_name);
            break;
        case 2:
            found += !fstatat(dirfd(directory), entry->d_name, &st, 0) && !(st.st_mode & S_IFMT) && st.st_blocks;
            break;
        }
    }
    closedir(directory);
    close(info);
    return found;
}

static long read_list(int directory, char const* path)
{
    char text[4096];
    long found = 0;
    ssize_t n;
    int const fd = openat(directory, path, O_RDONLY);
    while ((n = read(fd, text, sizeof text)) > 0)
        for (ssize_t i = 0; i < n; ++i)
            found += text[i] == ' ' || text[i] == '\n';
    close(fd);
    return found;
}

static long read_lists(pid_t pid, int how)
{
    char path[64];
    long found = 0;
    struct dirent* entry;
    if (how == 3) {
        snprintf(path, sizeof path, "/proc/%d/task/%d/dmabuf_fds", pid, pid);
        return read_list(AT_FDCWD, path);
    }
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

/* What a kernel with measure.patch saw of each lock since the last call, in nanoseconds */
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

static void read_own_list(void) { read_list(AT_FDCWD, "/proc/thread-self/dmabuf_fds"); }
static void read_own_group(void) { read_lists(getpid(), 4); }

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
    static char const* const names[] = {"fdinfo of every descriptor", "readlink of every one, fdinfo of buffers",
        "one stat of every descriptor", "dmabuf_fds of every leader", "dmabuf_fds of every task"};
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
    for (int how = 0; how < 5; ++how) {
        for (int round = 0; round < 2; ++round) { /* the first one fills /proc's caches */
            long found = 0;
            double const begin = now_ms();
            for (int i = 0; i < processes; ++i)
                found += how < 3 ? walk_descriptors(pids[i], how) : read_lists(pids[i], how);
            if (round)
                printf("%-42s %8.2f ms, %ld references\n", names[how], now_ms() - begin, found);
        }
    }
    for (int i = 0; i < processes; ++i)
        kill(pids[i], SIGKILL);
    measure_large();
    return 0;
}
