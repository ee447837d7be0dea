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

uint64_t four_steps(void) {
    uint64_t found = 0;
    DIR* const proc = opendir("/proc");
    for (struct dirent const* process; (process = readdir(proc));) {
        if (!isdigit((unsigned char)process->d_name[0])) continue;
        char path[300];
        snprintf(path, sizeof path, "/proc/%s/fd", process->d_name);
        DIR* const fds = opendir(path);
        if (!fds) continue;
        for (struct dirent const* fd; (fd = readdir(fds));)
            if (fd->d_name[0] != '.') found += (uint64_t)look_at(process->d_name, fd->d_name);
        closedir(fds);
    }
    closedir(proc);
    return found;
}
