// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything that can happen to a descriptor table, at once, while readers of every kind read
 * every task's dmabuf_fds. Runs as root in a guest.
 *
 *   stress SECONDS [failslab]
 *
 * Actors (a third of them root, the others uid 1000): threads that open, dup, close, pass and
 * receive buffers, take O_PATH descriptors, unshare their table, start threads and processes that
 * share it, and exit; processes that lose their leader; processes that run a set-user-ID program,
 * whose buffers are secret. Readers: root and uid 1000, of 1 byte to 64 KiB, with pread and lseek,
 * with descriptors kept open for long. Actors and readers are killed at any moment and replaced.
 *
 * It fails if a list is malformed, if uid 1000 sees a secret buffer, if a buffer is left at the end,
 * or if kmemleak found something. What the kernel complains of is for whoever reads its log.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-heap.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    user = 1000,
    actors = 6,
    readers = 5,
    secret_bits = 1 << 26,
    most_threads = 12,
    most_descriptors = 300,
};

static char const helper[] = "/tmp/stress.suid";
static char const map_path[] = "/run/stress.map";

/* Shared by all processes */
struct shared {
    unsigned long lists, bytes, numbers, denied, gone, no_memory, other, actors_started, readers_started,
        suid_runs, secrets_of_root, malformed, secrets_seen;
    int last_errno;
    char text[400];
    unsigned char secret[secret_bits / 8];
};

static struct shared* all;
static int post[2]; /* a mailbox for buffers that are passed */
static bool failslab;

#define ADD(what, n) __atomic_add_fetch(&all->what, n, __ATOMIC_RELAXED)

static void say(char const* format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    fflush(stdout);
}

static unsigned chance(unsigned* seed, unsigned n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int buffer(void)
{
    struct dma_heap_allocation_data data = {.len = 4096, .fd_flags = O_RDWR};
    int heap = open("/dev/dma_heap/system", O_RDONLY | O_CLOEXEC);
    if (heap < 0)
        return -1;
    int done = ioctl(heap, DMA_HEAP_IOCTL_ALLOC, &data);
    close(heap);
    return done < 0 ? -1 : (int)data.fd;
}

/* From here on this task's allocations may fail. To say so takes a right that only root has. */
static void let_allocations_fail(void)
{
    if (!failslab)
        return;
    int const fd = open("/proc/thread-self/make-it-fail", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "1", 1) != 1)
        _exit(1);
    close(fd);
}

static void become_user(void)
{
    if (setgid(user) || setuid(user))
        _exit(1);
    prctl(PR_SET_DUMPABLE, 1);
}

/* ---- actors ---- */

struct actor {
    unsigned seed;
    int threads; /* of its process */
    bool may_exec;
};

static struct actor self;

static void* act(void* argument);

static void start_thread(unsigned seed)
{
    pthread_t thread;
    pthread_attr_t attributes;
    if (__atomic_load_n(&self.threads, __ATOMIC_RELAXED) >= most_threads)
        return;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, 65536);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    __atomic_add_fetch(&self.threads, 1, __ATOMIC_RELAXED);
    if (pthread_create(&thread, &attributes, act, (void*)(unsigned long)seed))
        __atomic_sub_fetch(&self.threads, 1, __ATOMIC_RELAXED);
}

static void pass(int fd)
{
    char byte = 0, control[CMSG_SPACE(sizeof(int))] = {0};
    struct iovec data = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fd, sizeof fd);
    sendmsg(post[0], &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void receive(void)
{
    char byte, control[CMSG_SPACE(4 * sizeof(int))];
    struct iovec data = {&byte, 1};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    recvmsg(post[1], &message, MSG_DONTWAIT);
}

static int shares_the_table(void* argument)
{
    unsigned seed = (unsigned)(unsigned long)argument;
    for (int i = 0; i < 50; ++i)
        close(buffer());
    usleep(chance(&seed, 3000));
    return 0;
}

static void process_with_this_table(unsigned seed)
{
    size_t const size = 65536;
    char* stack = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack == MAP_FAILED)
        return;
    pid_t pid = clone(shares_the_table, stack + size, CLONE_FILES | SIGCHLD, (void*)(unsigned long)seed);
    munmap(stack, size);
    if (pid > 0)
        waitpid(pid, NULL, 0);
}

/* Keeps out of the way of stdio, the mailbox and each other: from 20 up. */
static int any_descriptor(unsigned* seed)
{
    return 20 + (int)chance(seed, chance(seed, 50) ? most_descriptors : 60000);
}

static void one_thing(unsigned* seed)
{
    char link[40];
    int fd;
    switch (chance(seed, 24)) {
    case 0: case 1: case 2: case 3: case 4:
        fd = buffer();
        if (fd >= 0) {
            dup2(fd, any_descriptor(seed));
            close(fd);
        }
        break;
    case 5: case 6: case 7: case 8:
        dup2(any_descriptor(seed), any_descriptor(seed));
        break;
    case 9: case 10: case 11:
        close(any_descriptor(seed));
        break;
    case 12:
        pass(any_descriptor(seed));
        break;
    case 13: case 14:
        receive();
        break;
    case 15:
        snprintf(link, sizeof link, "/proc/thread-self/fd/%d", any_descriptor(seed));
        fd = open(link, O_PATH | O_CLOEXEC);
        if (fd >= 0)
            dup2(fd, any_descriptor(seed)), close(fd);
        break;
    case 16:
        fd = any_descriptor(seed);
        syscall(SYS_close_range, fd, fd + (int)chance(seed, 100), 0);
        break;
    case 17:
        if (!chance(seed, 4))
            unshare(CLONE_FILES);
        break;
    case 18:
        start_thread(*seed);
        break;
    case 19:
        if (!chance(seed, 20))
            process_with_this_table(*seed);
        break;
    case 20:
        if (!chance(seed, 100))
            syscall(SYS_close_range, 20, ~0u, chance(seed, 2) ? 2 /* UNSHARE */ : 0);
        break;
    case 21:
        if (!chance(seed, 60)) {
            pid_t pid = fork();
            if (!pid) {
                usleep(chance(seed, 2000));
                _exit(0);
            }
            usleep(chance(seed, 4000)); /* perhaps a zombie for a while */
            waitpid(pid, NULL, 0);
        }
        break;
    case 22:
        if (!chance(seed, 20))
            usleep(chance(seed, 2000));
        break;
    default:
        sched_yield();
    }
}

static void* act(void* argument)
{
    unsigned seed = (unsigned)(unsigned long)argument * 2654435761u + (unsigned)gettid();
    bool const leader = gettid() == getpid();
    double const end = now() + 0.02 + chance(&seed, 1500) / 1e3;
    while (now() < end)
        one_thing(&seed);
    if (leader && chance(&seed, 2)) {
        if (self.may_exec && !chance(&seed, 2))
            execl(helper, helper, "suid", NULL);
        syscall(SYS_exit, 0); /* the others go on without it */
    }
    if (leader)
        _exit(0);
    if (self.may_exec && !chance(&seed, 8))
        execl(helper, helper, "suid", NULL); /* from a thread that is not the leader */
    __atomic_sub_fetch(&self.threads, 1, __ATOMIC_RELAXED);
    return NULL;
}

static void run_actor(unsigned seed)
{
    ADD(actors_started, 1);
    self.seed = seed;
    self.threads = 1;
    if (chance(&seed, 3)) {
        become_user();
        self.may_exec = true;
    }
    for (unsigned i = chance(&seed, 5); i; --i)
        start_thread(seed + i);
    act((void*)(unsigned long)seed);
}

/* The set-user-ID program. What it opens nobody but root may see. */
static int run_suid(void)
{
    int const fd = open(map_path, O_RDWR | O_CLOEXEC);
    struct stat st;
    all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (geteuid() || all == MAP_FAILED)
        return 1;
    ADD(suid_runs, 1);
    unsigned seed = (unsigned)getpid();
    for (int i = 0; i < 20; ++i) {
        int const secret = buffer();
        if (secret < 0 || fstat(secret, &st) || st.st_ino >= secret_bits)
            continue;
        __atomic_or_fetch(&all->secret[st.st_ino / 8], 1u << st.st_ino % 8, __ATOMIC_RELEASE);
        for (unsigned n = chance(&seed, 40); n; --n)
            dup(secret);
    }
    usleep(chance(&seed, 20000));
    if (chance(&seed, 2)) { /* the user's again, but not dumpable */
        if (seteuid(user) || setresuid(user, user, user))
            return 1;
        usleep(chance(&seed, 5000));
    }
    return 0;
}

/* ---- readers ---- */

static void malformed(char const* text, size_t length)
{
    if (ADD(malformed, 1) == 1)
        snprintf(all->text, sizeof all->text, "%.*s", (int)(length < 300 ? length : 300), text);
}

/* A whole list is numbers with a blank between them and a newline behind, or nothing. */
static void check_list(char const* text, size_t length, bool whole, bool privileged)
{
    size_t at = 0;
    if (!length)
        return;
    if (whole && text[length - 1] != '\n')
        return malformed(text, length);
    while (at < length) {
        unsigned long inode = 0;
        size_t const begin = at;
        for (; at < length && text[at] >= '0' && text[at] <= '9'; ++at)
            inode = inode * 10 + (unsigned long)(text[at] - '0');
        if (at == length)
            break; /* the rest was not read */
        if (at == begin || text[at] != (at + 1 == length && whole ? '\n' : ' ')) {
            if (!(text[at] == '\n' && at + 1 == length))
                return malformed(text, length);
        }
        ++at;
        ADD(numbers, 1);
        if (inode < secret_bits && all->secret[inode / 8] & 1u << inode % 8)
            privileged ? ADD(secrets_of_root, 1) : ADD(secrets_seen, 1);
    }
}

static void count_error(int error)
{
    switch (error) {
    case EACCES: ADD(denied, 1); break;
    case ESRCH: case ENOENT: ADD(gone, 1); break;
    case ENOMEM: ADD(no_memory, 1); break;
    default: ADD(other, 1); all->last_errno = error;
    }
}

static void read_descriptor(int fd, unsigned* seed, bool privileged)
{
    static char text[1 << 20];
    static size_t const pieces[] = {1, 2, 3, 7, 64, 1000, 4095, 4096, 4097, 65536};
    size_t const piece = pieces[chance(seed, sizeof pieces / sizeof *pieces)];
    size_t length = 0;
    ssize_t n = 0;
    unsigned reads = 0;
    while (length + piece < sizeof text && ++reads < 3000) {
        n = read(fd, text + length, piece);
        if (n <= 0)
            break;
        length += (size_t)n;
    }
    if (n < 0)
        count_error(errno);
    ADD(lists, 1);
    ADD(bytes, length);
    check_list(text, length, n == 0, privileged);
    if (!chance(seed, 4)) {
        n = pread(fd, text, 100, chance(seed, 2000));
        if (n < 0)
            count_error(errno);
    }
    if (!chance(seed, 8))
        lseek(fd, chance(seed, 500), SEEK_SET);
    lseek(fd, 0, SEEK_SET);
}

enum { kept_open = 64 };
static int kept[kept_open];

static void read_process(char const* pid, unsigned* seed, bool privileged)
{
    char path[600];
    struct dirent* entry;
    snprintf(path, sizeof path, "/proc/%s/task", pid);
    DIR* directory = opendir(path);
    if (!directory)
        return count_error(errno);
    while ((entry = readdir(directory))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/%s/task/%s/dmabuf_fds", pid, entry->d_name);
        int const fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0) {
            count_error(errno);
            continue;
        }
        read_descriptor(fd, seed, privileged);
        if (chance(seed, 4)) {
            close(fd);
        } else { /* to be read when much has happened to the task */
            int* const place = &kept[chance(seed, kept_open)];
            if (*place > 0) {
                read_descriptor(*place, seed, privileged);
                close(*place);
            }
            *place = fd;
        }
    }
    closedir(directory);
}

static void run_reader(unsigned seed)
{
    bool const privileged = chance(&seed, 3) == 0;
    ADD(readers_started, 1);
    let_allocations_fail();
    if (!privileged)
        become_user();
    for (;;) {
        struct dirent* entry;
        DIR* directory = opendir("/proc");
        while (directory && (entry = readdir(directory))) {
            if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
                continue;
            if (!chance(&seed, 3) || atoi(entry->d_name) > 100)
                read_process(entry->d_name, &seed, privileged);
        }
        if (directory)
            closedir(directory);
    }
}

/* ---- the stage ---- */

static pid_t start(void (*run)(unsigned), unsigned seed)
{
    pid_t const pid = fork();
    if (!pid) {
        setpgid(0, 0);
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run(seed);
        _exit(0);
    }
    return pid;
}

static bool install_helper(void)
{
    char bytes[65536];
    ssize_t n;
    int const from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    int const to = open(helper, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    while ((n = read(from, bytes, sizeof bytes)) > 0)
        if (write(to, bytes, (size_t)n) != n)
            return false;
    close(from);
    close(to);
    return !chmod(helper, 04755);
}

static void set(char const* path, char const* value)
{
    int const fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, value, strlen(value)) < 0)
        say("cannot write %s to %s\n", value, path);
    close(fd);
}

static void set_failslab(bool on)
{
    static char const directory[] = "/sys/kernel/debug/failslab/";
    static char const* const settings[][2] = {
        {"task-filter", "Y"}, {"interval", "1"}, {"times", "-1"}, {"verbose", "0"},
        {"ignore-gfp-wait", "N"}, {"cache-filter", "N"}, {"probability", "3"}};
    char path[100];
    for (size_t i = 0; i < sizeof settings / sizeof *settings; ++i) {
        snprintf(path, sizeof path, "%s%s", directory, settings[i][0]);
        set(path, i == 6 && !on ? "0" : settings[i][1]);
    }
}

/* How many buffers exist, by sysfs or the last line of debugfs's list; -1 where the kernel does not say. */
static long buffers_left(void)
{
    struct dirent* entry;
    char line[300];
    long n = -1;
    DIR* const directory = opendir("/sys/kernel/dmabuf/buffers");
    FILE* const list = directory ? NULL : fopen("/sys/kernel/debug/dma_buf/bufinfo", "re");
    if (directory) {
        for (n = 0; (entry = readdir(directory));)
            n += entry->d_name[0] != '.';
        closedir(directory);
    }
    if (list) {
        while (fgets(line, sizeof line, list))
            sscanf(line, "Total %ld objects", &n);
        fclose(list);
    }
    return n;
}

/* The second scan is the one to believe: what was in a register in the first is not in this one. */
static bool leaks(void)
{
    char text[4096];
    ssize_t n;
    int fd = open("/sys/kernel/debug/kmemleak", O_RDWR | O_CLOEXEC);
    if (fd < 0) {
        say("kmemleak: this kernel has none\n");
        return false;
    }
    for (int i = 1; i <= 3; ++i) {
        sleep(6); /* younger objects are not reported */
        double const begin = now();
        if (write(fd, "scan", 4) != 4)
            say("kmemleak: cannot scan\n");
        say("kmemleak: scan %d took %.0f s\n", i, now() - begin);
    }
    close(fd);
    fd = open("/sys/kernel/debug/kmemleak", O_RDONLY | O_CLOEXEC);
    n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n > 0)
        say("kmemleak:\n%.*s\n", (int)n, text);
    else
        say("kmemleak: three scans, nothing\n");
    return n > 0;
}

static void print_numbers(double seconds)
{
    say("%4.0f s: %lu lists of %lu numbers in %lu bytes; denied %lu, gone %lu, no memory %lu, other %lu "
        "(errno %d); %lu actors, %lu readers, %lu set-user-ID runs, their buffers seen by root %lu, by others %lu; "
        "malformed %lu\n",
        seconds, all->lists, all->numbers, all->bytes, all->denied, all->gone, all->no_memory, all->other,
        all->last_errno, all->actors_started, all->readers_started, all->suid_runs, all->secrets_of_root,
        all->secrets_seen, all->malformed);
}

/* Orphans become children of this process, so in the end all are. */
static bool end_all(void)
{
    char path[64];
    for (double const end = now() + 60; now() < end; usleep(10000)) {
        pid_t pid;
        while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
            ;
        if (pid < 0 && errno == ECHILD)
            return true;
        snprintf(path, sizeof path, "/proc/self/task/%d/children", getpid());
        FILE* const children = fopen(path, "re");
        while (children && fscanf(children, "%d", &pid) == 1)
            kill(pid, SIGKILL);
        if (children)
            fclose(children);
    }
    return false;
}

static void prepare(void)
{
    struct rlimit limit = {65536, 65536};
    setrlimit(RLIMIT_NOFILE, &limit);
    chmod("/dev/dma_heap/system", 0666);
    int const map = open(map_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (map < 0 || ftruncate(map, sizeof *all) || !install_helper()) {
        say("cannot prepare: %s\n", strerror(errno));
        exit(1);
    }
    all = mmap(NULL, sizeof *all, PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);
    close(map);
    if (all == MAP_FAILED || socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, post))
        exit(1);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
}

int main(int argc, char** argv)
{
    pid_t pids[actors + readers] = {0};
    unsigned seed = 1;
    if (argc == 2 && !strcmp(argv[1], "suid"))
        return run_suid();
    double const duration = argc > 1 ? atof(argv[1]) : 300;
    failslab = argc > 2 && !strcmp(argv[2], "failslab");

    long const processors = sysconf(_SC_NPROCESSORS_ONLN);
    say("%ld processors\n", processors);
    if (processors < 2) {
        say("FAILED: nothing happens at once on one processor\n");
        return 1;
    }
    long const before = buffers_left();
    prepare();
    if (failslab)
        set_failslab(true);
    double const begin = now();
    double next_line = begin + 20;
    while (now() < begin + duration) {
        for (int i = 0; i < actors + readers; ++i) {
            seed = seed * 1664525u + 1013904223u;
            if (!pids[i])
                pids[i] = start(i < actors ? run_actor : run_reader, seed);
        }
        usleep(30000);
        if (!chance(&seed, 60)) { /* in the middle of whatever it does */
            pid_t const victim = pids[chance(&seed, actors + readers)];
            if (victim > 0)
                kill(victim, SIGKILL);
        }
        for (pid_t pid; (pid = waitpid(-1, NULL, WNOHANG)) > 0;)
            for (int i = 0; i < actors + readers; ++i)
                if (pids[i] == pid)
                    pids[i] = 0;
        if (now() > next_line) {
            print_numbers(now() - begin);
            next_line += 20;
        }
    }
    if (failslab)
        set_failslab(false);
    bool const stuck = !end_all();
    print_numbers(now() - begin);
    close(post[0]);
    close(post[1]);
    sleep(1);
    long const after = buffers_left();
    bool const leaky = leaks();
    bool failed = false;
    if (after != before || before < 0)
        failed = true;
    say("buffers: %ld before, %ld after\n", before, after);
    if (stuck)
        say("processes are left that SIGKILL does not end\n");
    if (all->malformed)
        say("a malformed list begins: '%s'\n", all->text);
    if (failslab && !all->no_memory) {
        say("no reader ran out of memory\n");
        failed = true;
    }
    if (all->malformed || all->secrets_seen || leaky || stuck || !all->lists || !all->numbers)
        failed = true;
    say("%s\n", failed ? "FAILED" : "ok");
    return failed;
}
