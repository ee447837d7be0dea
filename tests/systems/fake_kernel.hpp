// SPDX-License-Identifier: MIT
//
// A kernel in memory: processes, tasks, descriptor tables, mappings, and the files of /proc and
// /sys that show them, with the text, the permission checks and the errors of a real one
// (fs/proc/base.c, fd.c, array.c and task_mmu.c of Linux 6.12, drivers/dma-buf/dma-buf.c, and the
// patch in kernel/ for dmabuf_fds). It knows the true account, so that what a test expects never
// comes from the code under test.
#pragma once

#include <dmabuf/kernel/system.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace fake {

/// The file behind a descriptor or a mapping.
struct file {
    enum class kind {
        dmabuf,
        regular,
        anonymous,    ///< an anonymous inode: no type bits, like a DMA-BUF
        fuse,         ///< on a FUSE mount that this caller may use
        fuse_refusing ///< on a FUSE mount of somebody else: statx says nothing but the device
    };
    kind what = kind::regular;
    std::uint64_t inode = 0;
    std::uint64_t size_bytes = 0;
    std::string exporter;
    std::optional<std::string> name;
    std::string path;                    ///< of whatever is not a DMA-BUF
    dmabuf::device_number device{8, 1};  ///< of a regular file; on tmpfs, btrfs, overlay major 0
    std::string locks;                   ///< lines of fdinfo before what the driver shows
    std::string extra;                   ///< what the driver of another file shows in fdinfo
    bool opened = false;                 ///< somebody opened it other than with O_PATH
    bool asked = false;                  ///< its server, if it has one, was asked something
    std::uint64_t driver_references = 0; ///< a GEM handle's, a queue's, of those in flight …
    std::vector<std::string> devices;    ///< attached, one for each attachment
    bool released = false;               ///< the last reference went away, and sysfs forgot it
};
using file_ptr = std::shared_ptr<file>;

struct descriptor {
    file_ptr file;
    bool path = false;        ///< O_PATH
    unsigned access = O_RDWR; ///< access mode; 3 (O_ACCMODE) may neither read nor write
};
using table = std::map<int, descriptor>;
using table_ptr = std::shared_ptr<table>;

struct mapping {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    file_ptr file;
};

struct task {
    int tid = 0;
    table_ptr files;      ///< null once it has gone through exit_files()
    bool exiting = false; ///< PF_EXITING: no memory map either; a leader remains as a zombie
    bool dead = false;
};

struct process {
    int pid = 0;
    std::uint32_t uid = 0;
    std::string comm;
    std::uint64_t start_ticks = 0;
    bool kernel_thread = false;
    bool dumpable = true;
    bool dead = false;
    std::string cgroup = "/";
    std::string command_line;    ///< as cmdline shows it: each argument with a NUL behind it
    std::vector<int> inner_pids; ///< its numbers in deeper pid namespaces
    std::size_t groups = 0;      ///< supplementary ones, whose numbers status shows
    std::vector<std::shared_ptr<task>> tasks;
    std::vector<mapping> mappings;
    std::uint64_t next_address = 0x7f0000000000;
    unsigned memory_maps = 0; ///< before this one
    /// The memory map. `share_memory()` gives it to another process (CLONE_VM).
    std::shared_ptr<char> memory = std::make_shared<char>();

    [[nodiscard]] task& leader() const { return *tasks.front(); }
    [[nodiscard]] table& files() const { return *leader().files; }

    /// Opens at the lowest free descriptor number.
    int open(file_ptr file, bool path = false) { return open_in(files(), std::move(file), path); }
    static int open_in(table& into, file_ptr file, bool path = false);
    void map(file_ptr file, std::uint64_t bytes);
    /// A further thread: with the leader's table, or with one of its own.
    task& add_thread(int tid, table_ptr files = nullptr);
    /// This process gets the memory map of another one.
    void share_memory(process const& other) {
        memory = other.memory;
        mappings = other.mappings;
    }
    /// Another memory map takes the place of this one. What is open of the old one shows nothing.
    void exec();
    /// The leader ends and stays as a zombie while the other threads go on.
    void end_leader();
    /// A thread ends: first it has no table and no memory map any more, then it is gone.
    static void end_thread(task& thread);
};

/// The rights of the caller.
struct rights {
    std::uint32_t uid = 0;
    bool dac_read_search = true;
    bool sys_ptrace = true;
    bool checkpoint_restore = true;

    static rights root() { return {}; }
    static rights user(std::uint32_t uid) { return {uid, false, false, false}; }
    static rights ptrace_only(std::uint32_t uid) { return {uid, false, true, false}; }
};

enum class call { open, close, read, list, status, readlink, filesystem_type, query, compare };

/// A system call that is about to be made: its number, beginning with 1, and what it is made on.
struct call_event {
    unsigned number = 0;
    call kind = call::open;
    std::string path;
};

/// The references of one process to one buffer.
struct held {
    std::uint32_t descriptors = 0;
    std::uint32_t path_descriptors = 0;
    std::uint32_t mappings = 0;
    std::uint64_t mapped_bytes = 0;

    bool operator==(held const&) const = default;
};
using account = std::map<int, std::map<std::uint64_t, held>>; // pid, inode

class kernel {
public:
    // --- what kind of machine it is; to be set before the first call
    unsigned major = 6, minor = 12;
    bool proc_mounted = true;
    std::string proc_root = "/proc"; ///< where procfs is mounted,
    std::string sys_root = "/sys";   ///< and sysfs
    bool sysfs_buffers = false;
    bool dmabuf_fds = false;
    bool debugfs = false; ///< for root only
    bool kcmp = true;
    bool kcmp_filtered = false;             ///< by seccomp, with EPERM
    std::uint64_t kcmp_cookies[2] = {0, 1}; ///< random since boot; the second is odd
    bool map_queries = true;                ///< and not before 6.11
    int hidepid = 0;
    bool shows_caller = true; ///< not if mounted with pidns= for another pid namespace (7.x)
    std::uint64_t pid_namespace = 0xeffffffc;
    dmabuf::device_number dmabuf_device{0, 11};
    dmabuf::device_number anonymous_device{0, 14};
    std::size_t descriptor_limit = 1000;

    // --- who looks at it
    rights caller = rights::root();
    int caller_pid = 900;             ///< as this procfs numbers it
    std::optional<int> caller_getpid; ///< as the caller's own namespace numbers it, if another

    /// Called before every system call that the library makes.
    std::function<void(call_event const&)> event;

    kernel();

    // --- making the world
    process& add(int pid, std::string comm, std::uint32_t uid = 1000);
    file_ptr buffer(std::uint64_t inode, std::uint64_t size_bytes, std::string exporter = "system",
                    std::optional<std::string> name = {});
    /// Another buffer of a number that is in use, as can be before 5.18. The truth has it with the
    /// first one.
    file_ptr twin(std::uint64_t inode, std::uint64_t size_bytes, std::string exporter = "system");
    file_ptr regular(std::string path);
    file_ptr anonymous(std::string type);
    file_ptr fuse(std::string path, bool refusing = false);
    void exit(int pid);
    /// Everybody closes and unmaps the buffer, and so it ends.
    void release(file_ptr const& buffer);
    process& at(int pid) { return *processes_.at(pid); }
    [[nodiscard]] bool has(int pid) const { return processes_.count(pid) != 0; }

    // --- the truth
    [[nodiscard]] account truth() const;
    /// References to the file, without the reader's own.
    [[nodiscard]] std::uint64_t count_of(file const& file) const;
    [[nodiscard]] std::map<std::uint64_t, file_ptr> const& buffers() const { return buffers_; }
    std::vector<file_ptr> twins_;
    [[nodiscard]] bool has_map_queries() const { return map_queries && !before(6, 11); }
    [[nodiscard]] std::size_t open_descriptors() const { return open_.size(); }
    [[nodiscard]] std::size_t most_open_descriptors() const { return most_open_; }
    [[nodiscard]] unsigned calls() const { return calls_; }

    // --- the system calls
    int open(int directory, std::string const& path, int flags);
    int close(int fd);
    long read(int fd, std::span<char> space);
    long list(int fd, std::span<char> space);
    int status(int directory, std::string const& path, int flags, dmabuf::file_status& status);
    long readlink(int directory, std::string const& path, std::span<char> space);
    long filesystem_type(int fd);
    int query_mapping(int fd, std::uint64_t from, dmabuf::mapping& found, std::span<char> space);
    int compare(int a, int b);
    int compare_memory_maps(int a, int b);

private:
    enum class what {
        directory, // of no interest but for what is in it
        proc,
        process,
        stat,
        status,
        tasks,
        task,
        fds,
        fd,
        fdinfos,
        fdinfo,
        list,
        maps,
        map_files,
        map_file,
        namespaces,
        pid_namespace,
        cgroup,
        command_line,
        release,
        bufinfo,
        buffers,
        buffer,
        size,
        exporter,
        file
    };
    struct spot {
        what kind = what::directory;
        std::string path;
        std::shared_ptr<fake::process> process;
        std::shared_ptr<fake::task> task;
        int fd = -1;
        file_ptr file;
        descriptor slot;
    };
    struct opened {
        spot at;
        std::string pending;
        std::uint64_t position = 0; ///< an address in maps, an entry of a directory
        bool begun = false;
        unsigned memory_map = 0; ///< that was the process's when it was opened
    };
    struct found {
        int error = 0;
        spot at;
    };

    void announce(call kind, std::string path);
    [[nodiscard]] bool before(unsigned a, unsigned b) const {
        return major != a ? major < a : minor < b;
    }
    [[nodiscard]] bool may_trace(fake::process const& process) const;
    [[nodiscard]] bool owns(spot const& node) const;
    [[nodiscard]] bool hidden(fake::process const& process, int at_least) const;
    [[nodiscard]] int may_enter(spot const& node) const;
    [[nodiscard]] bool find_task(int tid, spot& node) const;
    [[nodiscard]] found lookup(spot const& directory, std::string const& name) const;
    [[nodiscard]] found lookup_outside(spot next) const;
    [[nodiscard]] found follow(spot const& link) const;
    [[nodiscard]] found walk(int directory, std::string const& path, bool follow_last) const;
    [[nodiscard]] std::string absolute(int directory, std::string const& path) const;
    [[nodiscard]] int may_open(spot const& node) const;
    [[nodiscard]] static bool is_directory(what kind);
    /// Appends text to `file.pending`; a negative errno where there is none to be had.
    int produce(opened& file) const;
    [[nodiscard]] std::string fdinfo_text(spot const& node) const;
    [[nodiscard]] std::string linked_path(file const& file) const;
    [[nodiscard]] std::string bufinfo_text() const;
    [[nodiscard]] std::string list_text(spot const& node) const;
    /// The order of the pointers that `part_of` takes from two tasks.
    int compare_parts(int a, int b,
                      std::function<void const*(process const&, task const&)> const& part_of);
    [[nodiscard]] std::int64_t kcmp_key(void const* part) const;
    [[nodiscard]] dmabuf::device_number device_of(file const& file) const;

    std::map<int, std::shared_ptr<process>> processes_;
    std::map<std::uint64_t, file_ptr> buffers_;
    std::map<int, opened> open_;
    std::size_t most_open_ = 0;
    std::uint64_t next_inode_ = 5000;
    unsigned calls_ = 0;
};

/// The handle that the library takes.
struct system {
    fake::kernel* kernel = nullptr;

    int open(int directory, char const* path, int flags) const {
        return kernel->open(directory, path, flags);
    }
    int close(int fd) const { return kernel->close(fd); }
    long read(int fd, std::span<char> space) const { return kernel->read(fd, space); }
    long list(int fd, std::span<char> space) const { return kernel->list(fd, space); }
    int status(int directory, char const* path, int flags, dmabuf::file_status& status) const {
        return kernel->status(directory, path, flags, status);
    }
    long readlink(int directory, char const* path, std::span<char> space) const {
        return kernel->readlink(directory, path, space);
    }
    long filesystem_type(int fd) const { return kernel->filesystem_type(fd); }
    int query_mapping(int fd, std::uint64_t from, dmabuf::mapping& found,
                      std::span<char> space) const {
        return kernel->query_mapping(fd, from, found, space);
    }
    int compare_descriptor_tables(std::int32_t a, std::int32_t b) const {
        return kernel->compare(a, b);
    }
    int compare_memory_maps(std::int32_t a, std::int32_t b) const {
        return kernel->compare_memory_maps(a, b);
    }
    std::int32_t process_id() const { return kernel->caller_getpid.value_or(kernel->caller_pid); }
    std::uint64_t clock_ns() const { return kernel->calls(); }
    std::uint64_t boot_clock_ns() const { return kernel->calls(); }
};
static_assert(dmabuf::system<system>);

} // namespace fake
