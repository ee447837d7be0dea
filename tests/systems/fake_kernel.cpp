// SPDX-License-Identifier: MIT
#include "fake_kernel.hpp"

#include <algorithm>
#include <cstring>
#include <set>

namespace fake {

namespace {

constexpr int dmabuf_mount = 21;
constexpr std::size_t page = 4096;

std::string number(std::uint64_t value) {
    return std::to_string(value);
}

std::string hex(std::uint64_t value, std::size_t width) {
    char digits[32];
    std::snprintf(digits, sizeof digits, "%0*llx", static_cast<int>(width),
                  static_cast<unsigned long long>(value));
    return digits;
}

bool all_digits(std::string const& name) {
    return !name.empty() && name.find_first_not_of("0123456789") == name.npos;
}

std::string with_newlines_escaped(std::string const& text) {
    std::string out;
    for (char const c : text)
        out += c == '\n' ? std::string("\\012") : std::string(1, c);
    return out;
}

std::string shown_path(file const& file) {
    return file.what == file::kind::dmabuf ? "/dmabuf:" + file.name.value_or("") : file.path;
}

} // namespace

// --- the world ----------------------------------------------------------------------------------

int process::open_in(table& into, file_ptr file, bool path) {
    int fd = 0;
    while (into.count(fd) != 0)
        ++fd;
    into[fd] = {std::move(file), path};
    return fd;
}

void process::map(file_ptr file, std::uint64_t bytes) {
    mappings.push_back({next_address, next_address + bytes, std::move(file)});
    next_address += bytes + page;
}

void process::exec() {
    ++memory_maps;
    mappings.clear();
    memory = std::make_shared<char>();
}

task& process::add_thread(int tid, table_ptr files) {
    tasks.push_back(std::make_shared<task>());
    tasks.back()->tid = tid;
    tasks.back()->files = files ? std::move(files) : leader().files;
    return *tasks.back();
}

void process::end_leader() {
    leader().files = nullptr;
    leader().exiting = true;
}

void process::end_thread(task& thread) {
    thread.files = nullptr;
    thread.dead = thread.exiting = true;
}

kernel::kernel() {
    add(1, "init", 0);
    add(caller_pid, "dmabuf_test", 0);
}

process& kernel::add(int pid, std::string comm, std::uint32_t uid) {
    auto added = std::make_shared<process>();
    added->pid = pid;
    added->uid = uid;
    added->comm = std::move(comm);
    added->start_ticks = 100 + static_cast<std::uint64_t>(pid);
    added->tasks.push_back(std::make_shared<task>());
    added->tasks[0]->tid = pid;
    added->tasks[0]->files = std::make_shared<table>();
    return *(processes_[pid] = added);
}

file_ptr kernel::buffer(std::uint64_t inode, std::uint64_t size_bytes, std::string exporter,
                        std::optional<std::string> name) {
    auto made = std::make_shared<file>();
    made->what = file::kind::dmabuf;
    made->inode = inode;
    made->size_bytes = size_bytes;
    made->exporter = std::move(exporter);
    made->name = std::move(name);
    return buffers_[inode] = made;
}

file_ptr kernel::twin(std::uint64_t inode, std::uint64_t size_bytes, std::string exporter) {
    auto const first = buffers_.at(inode);
    auto made = buffer(inode, size_bytes, std::move(exporter));
    buffers_[inode] = first;
    return twins_.emplace_back(std::move(made));
}

file_ptr kernel::regular(std::string path) {
    auto made = std::make_shared<file>();
    made->inode = next_inode_++;
    made->size_bytes = 12345;
    made->path = std::move(path);
    return made;
}

file_ptr kernel::anonymous(std::string type) {
    auto made = std::make_shared<file>();
    made->what = file::kind::anonymous;
    made->inode = 12; // all share one
    made->path = "anon_inode:" + type;
    return made;
}

file_ptr kernel::fuse(std::string path, bool refusing) {
    auto made = regular(std::move(path));
    made->what = refusing ? file::kind::fuse_refusing : file::kind::fuse;
    return made;
}

void kernel::exit(int pid) {
    auto const gone = processes_.at(pid);
    gone->dead = true;
    for (auto const& task : gone->tasks) {
        task->dead = task->exiting = true;
        task->files = nullptr;
    }
    gone->mappings.clear();
    processes_.erase(pid);
}

void kernel::release(file_ptr const& buffer) {
    buffer->released = true;
    for (auto const& [pid, process] : processes_) {
        for (auto const& task : process->tasks)
            if (task->files)
                std::erase_if(*task->files,
                              [&](auto const& slot) { return slot.second.file == buffer; });
        std::erase_if(process->mappings,
                      [&](mapping const& mapping) { return mapping.file == buffer; });
    }
}

account kernel::truth() const {
    account all;
    for (auto const& [pid, process] : processes_) {
        std::set<table const*> tables;
        for (auto const& task : process->tasks)
            if (!task->dead && task->files) tables.insert(task->files.get());
        for (auto const* const each : tables) {
            for (auto const& [fd, slot] : *each) {
                if (slot.file->what != file::kind::dmabuf) continue;
                auto& held = all[pid][slot.file->inode];
                ++held.descriptors;
                held.path_descriptors += slot.path ? 1 : 0;
            }
        }
        auto const lives = [](auto const& task) { return !task->dead && !task->exiting; };
        if (std::none_of(process->tasks.begin(), process->tasks.end(), lives)) continue;
        for (auto const& mapping : process->mappings) {
            if (mapping.file->what != file::kind::dmabuf) continue;
            auto& held = all[pid][mapping.file->inode];
            ++held.mappings;
            held.mapped_bytes += mapping.end - mapping.begin;
        }
    }
    return all;
}

std::uint64_t kernel::count_of(file const& file) const {
    std::uint64_t count = file.driver_references;
    std::set<table const*> seen;
    std::set<char const*> memories;
    for (auto const& [pid, process] : processes_) {
        for (auto const& task : process->tasks)
            if (task->files && seen.insert(task->files.get()).second)
                for (auto const& [fd, slot] : *task->files)
                    count += slot.file.get() == &file && !slot.path;
        if (!memories.insert(process->memory.get()).second) continue;
        for (auto const& mapping : process->mappings)
            count += mapping.file.get() == &file;
    }
    return count;
}

// --- permissions --------------------------------------------------------------------------------

/// ptrace_may_access(PTRACE_MODE_READ_FSCREDS)
bool kernel::may_trace(fake::process const& process) const {
    if (process.pid == caller_pid || caller.sys_ptrace) return true;
    return caller.uid == process.uid && !process.kernel_thread && process.dumpable;
}

/// Whether a file of mode 0500 below the task is the caller's: task_dump_owner().
bool kernel::owns(spot const& node) const {
    if (node.process->pid == caller_pid || caller.dac_read_search) return true;
    bool const without_memory = node.process->kernel_thread || (node.task && node.task->exiting);
    auto const owner = without_memory || !node.process->dumpable ? 0 : node.process->uid;
    return caller.uid == owner;
}

/// Not has_pid_permissions()
bool kernel::hidden(fake::process const& process, int at_least) const {
    return hidepid >= at_least && !may_trace(process);
}

int kernel::may_enter(spot const& node) const {
    switch (node.kind) {
    case what::process:
    case what::tasks: // proc_pid_permission()
        if (node.process->dead) return ESRCH;
        if (hidden(*node.process, 1)) return hidepid == 2 ? ENOENT : EPERM;
        return 0;
    case what::fds: // proc_fd_permission()
    case what::map_files:
        return owns(node) ? 0 : EACCES;
    case what::fdinfos: // proc_fdinfo_permission(); mode 0500 before 5.14
        if (before(5, 14)) return owns(node) ? 0 : EACCES;
        if (node.task->dead) return ESRCH;
        return may_trace(*node.process) ? 0 : EACCES;
    default:
        return is_directory(node.kind) ? 0 : ENOTDIR;
    }
}

int kernel::may_open(spot const& node) const {
    switch (node.kind) {
    case what::maps: // proc_maps_open()
        if (node.task->dead) return ESRCH;
        if (node.task->exiting || node.process->kernel_thread) return 0;
        return may_trace(*node.process) ? 0 : EACCES;
    case what::list:
        if (node.task->dead) return ESRCH;
        return may_trace(*node.process) ? 0 : EACCES;
    case what::fdinfo:
        return may_trace(*node.process) ? 0 : EACCES;
    default:
        return is_directory(node.kind) ? may_enter(node) : 0;
    }
}

// --- paths --------------------------------------------------------------------------------------

bool kernel::is_directory(what kind) {
    switch (kind) {
    case what::directory:
    case what::proc:
    case what::process:
    case what::tasks:
    case what::task:
    case what::fds:
    case what::fdinfos:
    case what::map_files:
    case what::namespaces:
    case what::buffers:
    case what::buffer:
        return true;
    default:
        return false;
    }
}

/// /proc lists processes, and opens for every thread: proc_pid_lookup(). The files are the
/// thread's.
bool kernel::find_task(int tid, spot& node) const {
    for (auto const& [pid, process] : processes_)
        for (auto const& task : process->tasks)
            if (task->tid == tid && (!task->dead || tid == pid))
                return node.process = process, node.task = task, true;
    return false;
}

/// In the directories that are neither of a process nor of a buffer, by the whole path.
kernel::found kernel::lookup_outside(spot next) const {
    auto const is = [&](what kind) {
        next.kind = kind;
        return found{0, next};
    };
    auto const below = [&](std::string const& root, char const* path) {
        return next.path == root + path;
    };
    if (below(proc_root, "") && proc_mounted) return is(what::proc);
    if (below(proc_root, "/sys/kernel")) return is(what::directory);
    if (below(proc_root, "/sys/kernel/osrelease")) return is(what::release);
    if (below(sys_root, "/kernel/dmabuf/buffers") && sysfs_buffers) return is(what::buffers);
    if (below(sys_root, "/kernel/debug/dma_buf/bufinfo")) return is(what::bufinfo);
    for (char const* known : {"", "/kernel", "/kernel/debug/dma_buf"})
        if (below(sys_root, known)) return is(what::directory);
    if (below(sys_root, "/kernel/dmabuf") && sysfs_buffers) return is(what::directory);
    if (below(sys_root, "/kernel/debug") && debugfs) // mode 0700
        return caller.dac_read_search ? is(what::directory) : found{EACCES, {}};
    bool const on_the_way =
        proc_root.starts_with(next.path + "/") || sys_root.starts_with(next.path + "/");
    return on_the_way ? is(what::directory) : found{ENOENT, {}};
}

kernel::found kernel::lookup(spot const& directory, std::string const& name) const {
    if (int const error = may_enter(directory); error != 0) return {error, {}};
    if (name == ".") return {0, directory};

    auto next = directory;
    next.path = (directory.path == "/" ? "" : directory.path) + "/" + name;
    auto const is = [&](what kind) {
        next.kind = kind;
        return found{0, next};
    };
    found const none{ENOENT, {}};

    switch (directory.kind) {
    case what::directory:
        return lookup_outside(next);
    case what::proc: {
        if (name == "sys") return is(what::directory);
        if (!shows_caller && (name == "self" || name == "thread-self")) return none;
        if (name == "thread-self") {
            auto const self = lookup(directory, "self");
            auto const tasks = self.error == 0 ? lookup(self.at, "task") : self;
            return tasks.error == 0 ? lookup(tasks.at, std::to_string(caller_pid)) : tasks;
        }
        auto const pid = name == "self" ? caller_pid : all_digits(name) ? std::stoi(name) : -1;
        if (!find_task(pid, next)) return none;
        next.path = directory.path + "/" + number(static_cast<std::uint64_t>(pid));
        if (hidepid == 4 && hidden(*next.process, 4)) return none;
        return is(what::process);
    }
    case what::process:
        if (name == "stat") return is(what::stat);
        if (name == "status") return is(what::status);
        if (name == "task") return is(what::tasks);
        if (name == "fd") return is(what::fds);
        if (name == "cgroup") return is(what::cgroup);
        if (name == "cmdline") return is(what::command_line);
        if (name == "ns") return is(what::namespaces);
        if (name == "map_files") return is(what::map_files);
        return none;
    case what::namespaces:
        return name == "pid" ? is(what::pid_namespace) : none;
    case what::tasks:
        for (auto const& task : directory.process->tasks) {
            if (task->dead || std::to_string(task->tid) != name) continue;
            next.task = task;
            return is(what::task);
        }
        return none;
    case what::task:
        if (directory.task->dead) return none;
        if (name == "fd") return is(what::fds);
        if (name == "fdinfo") return is(what::fdinfos);
        if (name == "stat") return is(what::stat);
        if (name == "maps") return is(what::maps);
        if (name == "dmabuf_fds" && dmabuf_fds) return is(what::list);
        return none;
    case what::fds:
    case what::fdinfos: {
        if (directory.task->dead || !directory.task->files || !all_digits(name)) return none;
        auto const slot = directory.task->files->find(std::stoi(name));
        if (slot == directory.task->files->end()) return none;
        next.fd = slot->first;
        next.slot = slot->second;
        return is(directory.kind == what::fds ? what::fd : what::fdinfo);
    }
    case what::map_files:
        if (directory.task->dead) return none;
        if (directory.task->exiting || directory.process->kernel_thread) return {ESRCH, {}};
        if (!may_trace(*directory.process)) return {EACCES, {}};
        for (auto const& mapping : directory.process->mappings) {
            if (hex(mapping.begin, 0) + "-" + hex(mapping.end, 0) != name) continue;
            next.file = mapping.file;
            return is(what::map_file);
        }
        return none;
    case what::buffers: {
        if (!all_digits(name)) return none;
        auto const at = buffers_.find(std::stoull(name));
        if (at == buffers_.end() || at->second->released) return none;
        next.file = at->second;
        return is(what::buffer);
    }
    case what::buffer:
        if (directory.file->released) return none;
        if (name == "size") return is(what::size);
        if (name == "exporter_name") return is(what::exporter);
        return none;
    default:
        return {ENOTDIR, {}};
    }
}

/// Through the magic links.
kernel::found kernel::follow(spot const& link) const {
    auto target = link;
    target.kind = what::file;
    switch (link.kind) {
    case what::fd: {
        if (link.task->dead) return {ENOENT, {}};
        if (!may_trace(*link.process)) return {EACCES, {}};
        target.file = link.slot.file;
        return {0, target};
    }
    case what::map_file:
        if (!caller.checkpoint_restore) return {EPERM, {}};
        return {0, target};
    case what::pid_namespace:
        if (!may_trace(*link.process)) return {EACCES, {}};
        return {0, link};
    default:
        return {0, link};
    }
}

kernel::found kernel::walk(int directory, std::string const& path, bool follow_last) const {
    spot at;
    at.path = "/";
    if (path.empty()) return {ENOENT, {}};
    if (path[0] != '/') {
        auto const base = open_.find(directory);
        if (base == open_.end()) return {EBADF, {}};
        at = base->second.at;
    }
    std::size_t begin = path[0] == '/' ? 1 : 0;
    while (begin < path.size()) {
        auto const end = std::min(path.find('/', begin), path.size());
        auto next = lookup(at, path.substr(begin, end - begin));
        if (next.error == 0 && (end < path.size() || follow_last)) next = follow(next.at);
        if (next.error != 0) return next;
        at = next.at;
        begin = end + 1;
    }
    return {0, at};
}

std::string kernel::absolute(int directory, std::string const& path) const {
    if (!path.empty() && path[0] == '/') return path;
    auto const base = open_.find(directory);
    return (base == open_.end() ? std::string("?") : base->second.at.path) + "/" + path;
}

// --- the system calls ---------------------------------------------------------------------------

void kernel::announce(call kind, std::string path) {
    ++calls_;
    if (event) event({calls_, kind, std::move(path)});
}

int kernel::open(int directory, std::string const& path, int flags) {
    announce(call::open, absolute(directory, path));
    auto const to = walk(directory, path, true);
    if (to.error != 0) return -to.error;
    if ((flags & O_DIRECTORY) != 0 && !is_directory(to.at.kind)) return -ENOTDIR;
    if ((flags & O_PATH) == 0) {
        if (int const error = may_open(to.at); error != 0) return -error;
        if (to.at.kind == what::file) {
            to.at.file->opened = true;
            to.at.file->asked = to.at.file->what == file::kind::fuse;
        }
    }
    if (open_.size() >= descriptor_limit) return -EMFILE;
    int fd = 3;
    while (open_.count(fd) != 0)
        ++fd;
    open_[fd] = {to.at, {}, 0, false, to.at.process ? to.at.process->memory_maps : 0};
    most_open_ = std::max(most_open_, open_.size());
    return fd;
}

int kernel::close(int fd) {
    announce(call::close, absolute(fd, ""));
    return open_.erase(fd) == 1 ? 0 : -EBADF;
}

std::string kernel::fdinfo_text(spot const& node) const {
    auto const slot = node.task->files->at(node.fd);
    auto const& file = *slot.file;
    bool const is_dmabuf = file.what == file::kind::dmabuf;
    auto const flags = slot.path ? "10000000" : "200000" + std::to_string(slot.access);
    auto text = "pos:\t0\nflags:\t0" + std::string(flags) + "\nmnt_id:\t" +
                std::to_string(is_dmabuf ? dmabuf_mount : 30) + "\n";
    if (!before(5, 14)) text += "ino:\t" + number(file.inode) + "\n";
    text += file.locks;
    if (slot.path) return text;
    text += file.extra;
    if (!is_dmabuf || before(5, 3)) return text;
    text += "size:\t" + number(file.size_bytes) + "\ncount:\t" + number(count_of(file)) +
            "\nexp_name:\t" + file.exporter + "\n";
    if (file.name) text += "name:\t" + *file.name + "\n";
    return text;
}

/// Before 5.3 a DMA-BUF is an anonymous inode (anon_inode_getfile()).
std::string kernel::linked_path(file const& file) const {
    return file.what == file::kind::dmabuf && before(5, 3) ? "anon_inode:dmabuf" : shown_path(file);
}

/// dma_buf_debug_show(): without those that only O_PATH descriptors pin, which is not modelled.
std::string kernel::bufinfo_text() const {
    std::string text = "\nDma-buf Objects:\n"
                       "size    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n";
    std::uint64_t bytes = 0;
    std::size_t rows = 0;
    auto const add = [&](file_ptr const& file) {
        if (file->released) return;
        char row[128];
        std::snprintf(row, sizeof row, "%08llu\t00000002\t00080007\t%08llu\t%s\t%08llu\t%s\n",
                      static_cast<unsigned long long>(file->size_bytes),
                      static_cast<unsigned long long>(count_of(*file)), file->exporter.c_str(),
                      static_cast<unsigned long long>(file->inode),
                      file->name.value_or("<none>").c_str());
        text += row;
        text += "\tAttached Devices:\n";
        for (auto const& device : file->devices)
            text += "\t" + device + "\n";
        text += "Total " + number(file->devices.size()) + " devices attached\n\n";
        bytes += file->size_bytes;
        ++rows;
    };
    for (auto const& [inode, file] : buffers_)
        add(file);
    for (auto const& file : twins_)
        add(file);
    return text + "\nTotal " + std::to_string(rows) + " objects, " + number(bytes) + " bytes\n";
}

/// The patched kernel's list: the first task of those that share a table prints it.
std::string kernel::list_text(spot const& node) const {
    std::string text;
    if (!node.task->files || node.process->kernel_thread) return text;
    for (auto const& other : node.process->tasks) {
        if (other == node.task) break;
        if (!other->dead && other->files == node.task->files) return text;
    }
    for (auto const& [fd, slot] : *node.task->files)
        if (slot.file->what == file::kind::dmabuf)
            text += (text.empty() ? "" : " ") + number(slot.file->inode);
    return text.empty() ? text : text + "\n";
}

dmabuf::device_number kernel::device_of(file const& file) const {
    if (file.what == file::kind::dmabuf) return before(5, 3) ? anonymous_device : dmabuf_device;
    return file.what == file::kind::anonymous ? anonymous_device : file.device;
}

int kernel::produce(opened& file) const {
    auto const& node = file.at;
    auto const once = [&](std::string const& text) {
        if (!std::exchange(file.begun, true)) file.pending = text;
        return 0;
    };
    switch (node.kind) {
    case what::release:
        return once(std::to_string(major) + "." + std::to_string(minor) + ".0-fake\n");
    case what::size: // an open file of a directory that was removed: kernfs_get_active()
        if (node.file->released) return -ENODEV;
        return once(number(node.file->size_bytes) + "\n");
    case what::bufinfo:
        return once(bufinfo_text());
    case what::cgroup:
        if (node.process->dead) return file.begun ? 0 : -ESRCH;
        return once("0::" + node.process->cgroup + "\n");
    case what::command_line: // of the memory map, which a zombie and a kernel thread lack
        if (node.process->dead) return -ESRCH;
        if (node.task->exiting || node.process->kernel_thread) return 0;
        return once(node.process->command_line);
    case what::exporter:
        if (node.file->released) return -ENODEV;
        return once(node.file->exporter + "\n");
    case what::stat: {
        if (node.task->dead) return file.begun ? 0 : -ESRCH;
        auto const& process = *node.process;
        std::uint64_t const flags =
            (process.kernel_thread ? 0x200000U : 0x400000U) | (node.task->exiting ? 0x4U : 0U);
        auto const live = std::count_if(process.tasks.begin(), process.tasks.end(),
                                        [](auto const& task) { return !task->dead; });
        return once(std::to_string(node.task->tid) + " (" + process.comm + ") " +
                    (node.task->exiting ? "Z" : "S") + " 1 1 1 0 -1 " + number(flags) +
                    " 0 0 0 0 0 0 0 0 20 0 " + std::to_string(live) + " 0 " +
                    number(process.start_ticks) +
                    " 0 0 1 2 3 4 5 6 7 8 9 0 0 0 17 0 0 0 0 0 0 1 2 3 4 5 6 7 0\n");
    }
    case what::status: {
        if (node.task->dead) return file.begun ? 0 : -ESRCH;
        auto const uid = number(node.process->uid);
        std::string inner;
        std::string groups;
        for (std::size_t i = 0; i < node.process->groups; ++i)
            groups += number(1000000000 + i) + " ";
        for (int const pid : node.process->inner_pids)
            inner += "\t" + std::to_string(pid);
        return once("Name:\t" + with_newlines_escaped(node.process->comm) + "\nState:\tS\nUid:\t" +
                    uid + "\t" + uid + "\t" + uid + "\t" + uid + "\nGid:\t0\t0\t0\t0\nGroups:\t" +
                    groups + "\nNSpid:\t" + std::to_string(node.process->pid) + inner +
                    "\nThreads:\t1\n");
    }
    case what::fdinfo:
        if (file.begun) return 0;
        if (node.task->dead || !node.task->files || node.task->files->count(node.fd) == 0)
            return -ENOENT;
        return once(fdinfo_text(node));
    case what::list:
        if (file.begun) return 0;
        if (node.task->dead) return -ESRCH;
        if (!may_trace(*node.process)) return -EACCES;
        return once(list_text(node));
    case what::maps:
        if (node.task->dead) return -ESRCH;
        if (node.task->exiting || file.memory_map != node.process->memory_maps) return 0;
        for (auto const& mapping : node.process->mappings) {
            if (mapping.begin < file.position) continue;
            auto const& mapped = *mapping.file;
            auto const device = device_of(mapped);
            auto line = hex(mapping.begin, 8) + "-" + hex(mapping.end, 8) + " rw-s 00000000 " +
                        hex(device.major, 2) + ":" + hex(device.minor, 2) + " " +
                        number(mapped.inode) + " ";
            line.resize(std::max(line.size(), std::size_t{73}), ' ');
            line += with_newlines_escaped(linked_path(mapped)) + "\n";
            if (!file.pending.empty() && file.pending.size() + line.size() > page) break;
            file.pending += line;
            file.position = mapping.end;
        }
        return 0;
    default:
        return is_directory(node.kind) ? -EISDIR : -EINVAL;
    }
}

long kernel::read(int fd, std::span<char> space) {
    announce(call::read, absolute(fd, ""));
    auto const at = open_.find(fd);
    if (at == open_.end()) return -EBADF;
    auto& file = at->second;
    if (file.pending.empty())
        if (int const error = produce(file); error != 0) return error;
    auto const size = std::min({space.size(), file.pending.size(), page});
    std::memcpy(space.data(), file.pending.data(), size);
    file.pending.erase(0, size);
    return static_cast<long>(size);
}

long kernel::list(int fd, std::span<char> space) {
    announce(call::list, absolute(fd, ""));
    auto const at = open_.find(fd);
    if (at == open_.end()) return -EBADF;
    auto& directory = at->second;
    auto const& node = directory.at;

    std::map<std::size_t, std::string> names{{0, "."}, {1, ".."}};
    auto const add = [&](std::size_t position, std::string name) {
        names.emplace(position, std::move(name));
    };
    switch (node.kind) {
    case what::proc:
        add(2, "version");
        add(3, "12monkeys");
        for (auto const& [pid, process] : processes_)
            if (!hidden(*process, 2)) add(static_cast<std::size_t>(pid) + 100, std::to_string(pid));
        break;
    case what::tasks:
        if (node.process->dead) return -ENOENT;
        for (std::size_t i = 0; i < node.process->tasks.size(); ++i)
            if (!node.process->tasks[i]->dead)
                add(i + 2, std::to_string(node.process->tasks[i]->tid));
        break;
    case what::fds:
    case what::fdinfos:
        if (node.task->dead) return -ENOENT;
        if (node.task->files)
            for (auto const& [number, slot] : *node.task->files)
                add(static_cast<std::size_t>(number) + 2, std::to_string(number));
        break;
    case what::buffers:
        // In the order of a hash of the names (fs/kernfs/dir.c, kernfs_name_hash()).
        for (auto const& [inode, file] : buffers_)
            if (!file->released) add(inode * 2654435761U % 0x7fffffffU + 2, number(inode));
        break;
    default:
        return -ENOTDIR;
    }

    std::size_t filled = 0;
    for (auto name = names.lower_bound(static_cast<std::size_t>(directory.position));
         name != names.end(); ++name) {
        std::size_t const length = (19 + name->second.size() + 1 + 7) / 8 * 8;
        if (filled + length > space.size()) {
            if (filled == 0) return -EINVAL;
            break;
        }
        auto* const record = space.data() + filled;
        std::memset(record, 0, length);
        auto const short_length = static_cast<std::uint16_t>(length);
        std::memcpy(record + 16, &short_length, sizeof short_length);
        std::memcpy(record + 19, name->second.data(), name->second.size());
        filled += length;
        directory.position = name->first + 1;
    }
    return static_cast<long>(filled);
}

int kernel::status(int directory, std::string const& path, int flags, dmabuf::file_status& status) {
    announce(call::status, absolute(directory, path));
    bool const follows = (flags & AT_SYMLINK_NOFOLLOW) == 0;
    bool const itself = (flags & AT_EMPTY_PATH) != 0 && path.empty();
    auto const to = itself ? found{0, open_.at(directory).at} : walk(directory, path, follows);
    if (to.error != 0) return -to.error;
    auto const& node = to.at;
    status = {1, 0, {0, 20}, 0100444, 1};
    if (is_directory(node.kind)) status.mode = 0040555;
    // task_dump_owner()
    if (node.process && is_directory(node.kind) && !node.process->kernel_thread)
        status.uid = node.process->uid;
    switch (node.kind) {
    case what::process: // pid_getattr()
        if (hidden(*node.process, 2)) return -ENOENT;
        break;
    case what::tasks: { // proc_task_getattr()
        auto const& tasks = node.process->tasks;
        status.links = 2 + static_cast<std::uint32_t>(std::count_if(
                               tasks.begin(), tasks.end(), [](auto& task) { return !task->dead; }));
        break;
    }
    case what::fds: // proc_fd_getattr()
        if (!before(6, 2) && node.task->files) status.size_bytes = node.task->files->size();
        break;
    case what::fd: // tid_fd_update_inode()
        // OPEN_FMODE() of access mode 3 is neither FMODE_READ nor FMODE_WRITE.
        status.mode = 0120000U | (node.slot.path || node.slot.access == O_ACCMODE ? 0U : 0700U);
        break;
    case what::pid_namespace:
        status = {pid_namespace, 0, {0, 4}, 0100444, 1};
        break;
    case what::file: {
        auto const& file = *node.file;
        status = {file.inode, file.size_bytes, file.device, 0100644, 1};
        if (file.what == file::kind::dmabuf || file.what == file::kind::anonymous) {
            status.mode = 0600;
            status.device = file.what == file::kind::dmabuf ? dmabuf_device : anonymous_device;
        }
        if (file.what == file::kind::dmabuf && before(5, 3))
            status = {12, 0, anonymous_device, 0600, 1};
        if (file.what == file::kind::fuse) status.device = {0, 50};
        // fuse_update_get_attr() with an empty mask: no error, and the device only
        if (file.what == file::kind::fuse_refusing) status = {0, 0, {0, 50}, 0, 0};
        break;
    }
    default:
        break;
    }
    return 0;
}

long kernel::readlink(int directory, std::string const& path, std::span<char> space) {
    announce(call::readlink, absolute(directory, path));
    auto const to = walk(directory, path, false);
    if (to.error != 0) return -to.error;
    if (to.at.kind != what::fd) return -EINVAL;
    auto const target = follow(to.at);
    if (target.error != 0) return -target.error;
    auto const& file = *target.at.file;
    auto const text = linked_path(file);
    auto const size = std::min(space.size(), text.size());
    std::memcpy(space.data(), text.data(), size);
    return static_cast<long>(size);
}

long kernel::filesystem_type(int fd) {
    announce(call::filesystem_type, absolute(fd, ""));
    auto const at = open_.find(fd);
    if (at == open_.end()) return -EBADF;
    if (at->second.at.kind != what::file) return 0x9fa0; // PROC_SUPER_MAGIC
    auto& file = *at->second.at.file;
    switch (file.what) {
    case file::kind::dmabuf:
        return before(5, 3) ? 0x09041934 : 0x444d4142;
    case file::kind::anonymous:
        return 0x09041934;
    case file::kind::regular:
        return 0xef53;
    case file::kind::fuse:
        file.asked = true;
        return 0x65735546;
    case file::kind::fuse_refusing: // fuse_statfs() does not ask for somebody else
        return 0x65735546;
    }
    return -EIO;
}

/// do_procmap_query()
int kernel::query_mapping(int fd, std::uint64_t from, dmabuf::mapping& answer,
                          std::span<char> space) {
    announce(call::query, absolute(fd, ""));
    auto const at = open_.find(fd);
    if (at == open_.end()) return -EBADF;
    auto const& node = at->second.at;
    if (node.kind != what::maps || !has_map_queries()) return -ENOTTY;
    if (node.task->dead || node.task->exiting || node.process->kernel_thread) return -ESRCH;
    if (at->second.memory_map != node.process->memory_maps) return -ESRCH;
    for (auto const& mapping : node.process->mappings) {
        if (mapping.end <= from) continue;
        auto const& file = *mapping.file;
        auto const path = shown_path(file);
        if (!space.empty() && path.size() + 1 > space.size()) return -ENAMETOOLONG;
        answer = {mapping.begin, mapping.end, true, device_of(file), file.inode, {}};
        if (space.empty()) return 0;
        std::memcpy(space.data(), path.c_str(), path.size() + 1);
        answer.path = {space.data(), path.size()};
        return 0;
    }
    return -ENOENT;
}

/// kptr_obfuscate() of kernel/kcmp.c: an order of pointers, in which null stands anywhere.
std::int64_t kernel::kcmp_key(void const* part) const {
    auto const pointer = static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(part));
    return static_cast<std::int64_t>((pointer ^ kcmp_cookies[0]) * kcmp_cookies[1]);
}

/// KCMP_FILES
int kernel::compare(int a, int b) {
    return compare_parts(a, b, [](process const&, task const& one) { return one.files.get(); });
}

/// KCMP_VM
int kernel::compare_memory_maps(int a, int b) {
    return compare_parts(a, b, [](process const& its, task const& one) {
        return one.exiting ? nullptr : its.memory.get();
    });
}

/// The numbers are those of the caller's own pid namespace.
int kernel::compare_parts(int a, int b,
                          std::function<void const*(process const&, task const&)> const& part_of) {
    announce(call::compare, std::to_string(a) + " " + std::to_string(b));
    if (!kcmp) return -ENOSYS;
    if (kcmp_filtered) return -EPERM;
    auto const find = [&](int tid) -> std::pair<process*, task*> {
        for (auto const& [pid, process] : processes_) {
            for (auto const& task : process->tasks) {
                if (task->dead) continue;
                auto const number = !caller_getpid                ? task->tid
                                    : process->inner_pids.empty() ? -1
                                                                  : process->inner_pids.back();
                if (number == tid) return {process.get(), task.get()};
            }
        }
        return {};
    };
    auto const [p, s] = find(a);
    auto const [q, t] = find(b);
    if (s == nullptr || t == nullptr) return -ESRCH;
    if (!may_trace(*p) || !may_trace(*q)) return -EPERM;
    auto const first = kcmp_key(part_of(*p, *s));
    auto const second = kcmp_key(part_of(*q, *t));
    return first == second ? 0 : first < second ? 1 : 2;
}

} // namespace fake
