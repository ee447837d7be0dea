// SPDX-License-Identifier: GPL-2.0-only
/*
 * What it costs to learn which process refers to which buffers, the ways that there are:
 *
 *   kernel/run --flavour plain --count --memory 2000 --copy …/cost -- cost
 *
 * 100 processes of 6 threads, each with 60 other descriptors and 26 buffers, 20 of them the same
 * for all. The threads share their process's table.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <pthread.h>
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

/*
 * All locks are let go between two steps, so what a step takes is a bound on how long they are
 * held. The sizes of a step are those of fs/proc/dmabuf_fds.c.
 */
static void measure_steps(void)
{
    enum { files_a_step = 256, slots_a_step = 8192, files = 100000, last = (1 << 20) - 1 };
    struct rlimit const limit = {last + 1, last + 1};
    if (setrlimit(RLIMIT_NOFILE, &limit))
        return;
    close_range(3, ~0u, 0);
    for (int kind = 0; kind < 2; ++kind) {
        if (kind == 0)
            open("/dev/null", O_RDONLY);
        else
            buffer();
        for (int i = 3; i >= 0 && i < files; i = dup(3 + kind)) /* the heap was 3 */
            ;
        for (int round = 0; round < 2; ++round) {
            double const begin = now_ms();
            read_list(AT_FDCWD, "/proc/thread-self/dmabuf_fds");
            double const took = now_ms() - begin;
            if (round)
                printf("a step over %d %s                     %8.2f us\n", files_a_step,
                    kind ? "buffers" : "others ", took * 1e3 * files_a_step / files);
        }
        close_range(3, ~0u, 0);
    }
    dup2(0, last);
    for (int round = 0; round < 2; ++round) {
        double const begin = now_ms();
        read_list(AT_FDCWD, "/proc/thread-self/dmabuf_fds");
        double const took = now_ms() - begin;
        if (round)
            printf("a step over %d empty slots               %8.2f us\n", slots_a_step,
                took * 1e3 * slots_a_step / (last + 1));
    }
    close(last);
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
    measure_steps();
    return 0;
}
