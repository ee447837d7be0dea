// SPDX-License-Identifier: MIT
//
// The walk that tools make today, in plain C: for every descriptor readlink, stat, and open, read
// and close of its fdinfo. It sees the leader's table only.
#include "floors.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t bytes; // what it is all for

static int look_at(char const* process, char const* fd) {
    char path[600], target[256], text[1024];
    struct stat status;
    snprintf(path, sizeof path, "/proc/%s/fd/%s", process, fd);
    ssize_t const length = readlink(path, target, sizeof target - 1);
    stat(path, &status);
    snprintf(path, sizeof path, "/proc/%s/fdinfo/%s", process, fd);
    int const info = open(path, O_RDONLY | O_CLOEXEC);
    if (info < 0) return 0;
    ssize_t const got = read(info, text, sizeof text - 1);
    close(info);
    if (length < 8 || got <= 0 || memcmp(target, "/dmabuf:", 8) != 0) return 0;
    text[got] = '\0';
    char const* const size = strstr(text, "size:\t");
    if (size) bytes += strtoull(size + 6, NULL, 10);
    return 1;
}

static uint64_t look_at_process(char const* process) {
    uint64_t found = 0;
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/fd", process);
    DIR* const fds = opendir(path);
    if (!fds) return 0;
    for (struct dirent const* fd; (fd = readdir(fds));)
        if (fd->d_name[0] != '.') found += (uint64_t)look_at(process, fd->d_name);
    closedir(fds);
    return found;
}

uint64_t four_steps(void) {
    uint64_t found = 0;
    DIR* const proc = opendir("/proc");
    for (struct dirent const* process; (process = readdir(proc));)
        if (isdigit((unsigned char)process->d_name[0])) found += look_at_process(process->d_name);
    closedir(proc);
    return found;
}

uint64_t four_steps_of(int32_t pid) {
    char name[16];
    snprintf(name, sizeof name, "%d", pid);
    return look_at_process(name);
}
