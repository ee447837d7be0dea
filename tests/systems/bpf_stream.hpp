// SPDX-License-Identifier: MIT
//
// The bytes of the pinned BPF iterators, written with the program's own structures
// (kernel/bpf/records.h), and a system on which such files are pinned.
#pragma once

#include <dmabuf/kernel/system.hpp>

#include "fake_kernel.hpp"

#include <algorithm>
#include <climits>
#include <cstring>
#include <deque>
#include <functional>
#include <kernel/bpf/records.h>
#include <map>
#include <string>
#include <variant>

namespace bpf {

template<class Record>
std::string bytes_of(Record const& record, std::size_t size = sizeof(Record)) {
    return {reinterpret_cast<char const*>(&record), size};
}

inline std::string header(std::uint32_t content, std::uint32_t flags = 0,
                          std::uint32_t version = DMABUF_BPF_VERSION,
                          std::uint64_t magic = DMABUF_BPF_MAGIC) {
    return bytes_of(dmabuf_bpf_header{
        {sizeof(dmabuf_bpf_header), DMABUF_BPF_HEADER, flags}, magic, version, content});
}

/// A header as a machine of the other byte order writes it: each field backwards.
inline std::string of_other_byte_order(std::string header) {
    auto field = header.begin();
    for (int const size : {2, 2, 4, 8, 4, 4}) {
        std::reverse(field, field + size);
        field += size;
    }
    return header;
}

inline std::string end() {
    return bytes_of(dmabuf_bpf_head{sizeof(dmabuf_bpf_head), DMABUF_BPF_END, 0});
}

inline void set_name(std::uint16_t& length, std::uint32_t& name_bytes, char (&to)[32],
                     std::size_t fixed, std::string const& name) {
    name_bytes = static_cast<std::uint32_t>(name.size());
    std::memcpy(to, name.data(), name.size());
    length = static_cast<std::uint16_t>(fixed + (name.size() + 7) / 8 * 8);
}

/// A reference as the program writes it; `name` null: none was set.
inline std::string reference(std::uint16_t kind, dmabuf_bpf_holder const& holder,
                             dmabuf_bpf_buffer const& buffer, std::string const* name,
                             std::uint32_t flags = 0) {
    dmabuf_bpf_reference record{
        {0, kind, flags | (name ? DMABUF_BPF_NAMED : 0)}, holder, buffer, {}};
    set_name(record.head.length, record.buffer.name_bytes, record.name,
             offsetof(dmabuf_bpf_reference, name), name ? *name : "");
    return bytes_of(record, record.head.length);
}

inline dmabuf_bpf_buffer buffer_of(fake::file const& file, std::uint64_t count = 0) {
    dmabuf_bpf_buffer buffer{file.inode, file.size_bytes, 11, 0, {}, static_cast<__u32>(count)};
    std::memcpy(buffer.exporter, file.exporter.data(),
                std::min(file.exporter.size(), sizeof buffer.exporter - 1));
    return buffer;
}

inline dmabuf_bpf_holder holder_of(fake::process const& process, int tid) {
    dmabuf_bpf_holder holder{process.pid, tid, process.uid, 0, process.start_ticks * 10'000'000,
                             0,           0,   0,           {}};
    std::memcpy(holder.comm, process.comm.data(), std::min<std::size_t>(process.comm.size(), 15));
    return holder;
}

/// The walks over a kernel in memory, as kernel/bpf/task_iter.c of Linux 6.12 makes them: by task
/// number, and a task that shares its leader's table is passed over; one without a leader is not.
struct walks {
    std::string descriptors;
    std::string mappings;
};

inline walks of(fake::kernel const& kernel, std::vector<fake::process const*> const& processes) {
    std::map<int, std::pair<fake::process const*, fake::task const*>> tasks;
    for (auto const* const process : processes)
        for (auto const& task : process->tasks)
            if (!task->dead) tasks[task->tid] = {process, task.get()};
    walks text{header(DMABUF_BPF_DESCRIPTOR), header(DMABUF_BPF_MAPPING)};
    for (auto const& [tid, both] : tasks) {
        auto const& [process, task] = both;
        auto const& leader = process->leader();
        if (task != &leader && task->files == leader.files) continue;
        auto holder = holder_of(*process, tid);
        if (task->files)
            for (auto const& [fd, slot] : *task->files) {
                if (slot.file->what != fake::file::kind::dmabuf) continue;
                holder.set = reinterpret_cast<std::uintptr_t>(task->files.get());
                holder.item = static_cast<__u64>(fd);
                auto const count = slot.path ? 0 : kernel.count_of(*slot.file);
                text.descriptors += reference(
                    DMABUF_BPF_DESCRIPTOR, holder, buffer_of(*slot.file, count),
                    slot.file->name ? &*slot.file->name : nullptr, slot.path ? DMABUF_BPF_PATH : 0);
            }
        if (task->exiting) continue;
        for (auto const& mapping : process->mappings) {
            if (mapping.file->what != fake::file::kind::dmabuf) continue;
            holder.set = reinterpret_cast<std::uintptr_t>(process->memory.get());
            holder.item = mapping.begin;
            holder.mapped_bytes = mapping.end - mapping.begin;
            text.mappings += reference(DMABUF_BPF_MAPPING, holder,
                                       buffer_of(*mapping.file, kernel.count_of(*mapping.file)),
                                       mapping.file->name ? &*mapping.file->name : nullptr);
        }
    }
    text.descriptors += end();
    text.mappings += end();
    return text;
}

/// A buffer as the program lists it; `name` null: none was set.
inline std::string listed(dmabuf_bpf_buffer const& buffer, std::string const* name,
                          std::uint32_t flags = 0) {
    dmabuf_bpf_listed record{
        {0, DMABUF_BPF_BUFFER, flags | (name ? DMABUF_BPF_NAMED : 0)}, buffer, {}};
    set_name(record.head.length, record.buffer.name_bytes, record.name,
             offsetof(dmabuf_bpf_listed, name), name ? *name : "");
    return bytes_of(record, record.head.length);
}

/// The list of all buffers as kernel/bpf/dmabuf_iter.c of Linux 7.3 makes it, by reads: what was
/// begun first is first, no record is in two, no end is marked, and without a buffer there is
/// nothing. That of 6.16 has the first alone.
inline std::vector<std::string> list_of(std::vector<std::shared_ptr<fake::file>> const& buffers) {
    constexpr std::size_t kernel_buffer = 32768;
    std::vector<std::string> reads;
    for (auto const& file : buffers) {
        auto const record = listed(buffer_of(*file), file->name ? &*file->name : nullptr);
        if (reads.empty())
            reads.push_back(header(DMABUF_BPF_BUFFER));
        else if (reads.back().size() + record.size() >= kernel_buffer)
            reads.emplace_back();
        reads.back() += record;
    }
    return reads;
}

/// The maker of a buffer, or the importer of one: this process, by its leader.
inline dmabuf_bpf_actor actor_of(fake::process const& process) {
    dmabuf_bpf_actor actor{
        process.pid, process.pid, process.uid, 0, process.start_ticks * 10'000'000, {}, {}};
    auto const length = std::min<std::size_t>(process.comm.size(), 15);
    std::memcpy(actor.comm, process.comm.data(), length);
    std::memcpy(actor.thread_comm, process.comm.data(), length);
    return actor;
}

/// A number that stands for a buffer.
inline std::uint64_t id_of(fake::file const& file) {
    return file.inode * 0x9e3779b97f4a7c15 + file.size_bytes;
}

/// The record of a buffer that `maker` exported under the watch.
inline dmabuf_bpf_origin origin_of(fake::file const& file, dmabuf_bpf_actor const& maker,
                                   std::uint64_t made_ns, std::uint64_t cgroup = 0) {
    return {{sizeof(dmabuf_bpf_origin), DMABUF_BPF_ORIGIN, 0},
            id_of(file),
            file.inode,
            file.size_bytes,
            11,
            0,
            made_ns,
            cgroup,
            maker};
}

/// The record of a device that `importer` attached to a buffer under the watch.
inline dmabuf_bpf_attachment attachment_of(fake::file const& file, std::string const& device,
                                           dmabuf_bpf_actor const& importer,
                                           std::uint64_t attached_ns) {
    dmabuf_bpf_attachment record{{sizeof(dmabuf_bpf_attachment), DMABUF_BPF_ATTACHMENT, 0},
                                 attached_ns,
                                 id_of(file),
                                 file.inode,
                                 file.size_bytes,
                                 11,
                                 0,
                                 attached_ns,
                                 importer,
                                 {}};
    std::memcpy(record.attached_to, device.data(), std::min<std::size_t>(device.size(), 63));
    return record;
}

/// The watch of a kernel whose buffers have numbers of their own, in order: nothing was lost.
inline dmabuf_bpf_watch watch_from(std::uint64_t first_inode, std::uint64_t since_ns = 1) {
    dmabuf_bpf_watch watch{};
    watch.head = {sizeof(dmabuf_bpf_watch), DMABUF_BPF_WATCH, DMABUF_BPF_INODES_IN_ORDER};
    watch.since_ns = since_ns;
    watch.first_inode = first_inode;
    watch.room = 65536;
    return watch;
}

/// `origins` or `attachments`, whose walk began and ended in these states of the watch.
template<class Record>
std::string watched(std::uint32_t content, std::vector<Record> const& records,
                    dmabuf_bpf_watch const& before, dmabuf_bpf_watch const& after,
                    std::uint32_t flags = 0) {
    auto text = header(content, flags) + bytes_of(before);
    for (auto const& record : records)
        text += bytes_of(record);
    return text + bytes_of(after) + end();
}

inline std::string origins(std::vector<dmabuf_bpf_origin> const& records,
                           dmabuf_bpf_watch const& watch, std::uint32_t flags = 0) {
    return watched(DMABUF_BPF_ORIGIN, records, watch, watch, flags);
}

inline std::string attachments(std::vector<dmabuf_bpf_attachment> const& records,
                               dmabuf_bpf_watch const& watch, std::uint32_t flags = 0) {
    return watched(DMABUF_BPF_ATTACHMENT, records, watch, watch, flags);
}

/// A file where iterators are pinned. Each read takes one answer: bytes, of which what does not fit
/// comes with the next read, or an errno; after the last, the file ends.
struct pin {
    int open_error = 0;
    long filesystem = static_cast<long>(0xcafe4a11U & static_cast<unsigned long>(LONG_MAX));
    std::deque<std::variant<std::string, int>> answers;

    /// In pieces as the kernel's buffer of 32 KiB makes them, or smaller ones.
    static pin of(std::string const& text, std::size_t piece = 32768) {
        pin made;
        for (std::size_t at = 0; at < text.size(); at += piece)
            made.answers.emplace_back(text.substr(at, piece));
        return made;
    }

    static pin of(std::vector<std::string> const& reads) {
        pin made;
        made.answers.assign(reads.begin(), reads.end());
        return made;
    }
};

inline constexpr auto descriptors_path = "/sys/fs/bpf/dmabuf/descriptors";
inline constexpr auto mappings_path = "/sys/fs/bpf/dmabuf/mappings";
inline constexpr auto buffers_path = "/sys/fs/bpf/dmabuf/buffers";
inline constexpr auto android_path = "/sys/fs/bpf/dmabuf/prog_dmabufIter_iter_dmabuf";

inline constexpr auto origins_path = "/sys/fs/bpf/dmabuf/origins";
inline constexpr auto attachments_path = "/sys/fs/bpf/dmabuf/attachments";

inline constexpr auto descriptors_of_path = "/sys/fs/bpf/dmabuf/descriptors_of";
inline constexpr auto mappings_of_path = "/sys/fs/bpf/dmabuf/mappings_of";

/// The pins, and the uses of them.
struct bpffs {
    std::string root = "/sys/fs/bpf"; ///< where it is mounted
    std::map<std::string, pin> pins;  ///< by their paths below /sys/fs/bpf
    /// Programs that walk one process: each gives the pin that is to be read.
    std::map<std::string, std::function<pin(int pid)>> programs;
    std::map<int, std::function<pin(int pid)>> open_programs;
    bool walks_one_process = true; ///< since 6.1
    std::map<int, pin> open;       ///< each with its own walk
    int next = 500'000;
    unsigned calls = 0;
    std::uint64_t boot_ns = 0; ///< since boot
};

/// Goes around another system.
template<dmabuf::system System>
struct pinned {
    System inner{};
    bpffs* files = nullptr;

    int open(int directory, char const* path, int flags) const {
        std::string_view below = path;
        if (!below.starts_with(files->root + "/")) return inner.open(directory, path, flags);
        ++files->calls;
        below.remove_prefix(files->root.size());
        auto const found = files->pins.find("/sys/fs/bpf" + std::string(below));
        if (found == files->pins.end()) return -ENOENT;
        if (found->second.open_error != 0) return -found->second.open_error;
        if ((flags & O_NONBLOCK) == 0) return -EDEADLK; // a pipe put there would hold us up
        files->open[files->next] = found->second;
        return files->next++;
    }
    int close(int fd) const {
        bool const here = files->open.erase(fd) == 1 || files->open_programs.erase(fd) == 1;
        return here ? (++files->calls, 0) : inner.close(fd);
    }
    int open_program(char const* path) const {
        ++files->calls;
        auto const found = files->programs.find(path);
        if (found == files->programs.end()) return -ENOENT;
        files->open_programs[files->next] = found->second;
        return files->next++;
    }
    /// Three calls: the link, the walk, and the link's end.
    int open_walk(int program, std::int32_t pid) const {
        auto const found = files->open_programs.find(program);
        if (found == files->open_programs.end()) return -EBADF;
        if (!files->walks_one_process) return ++files->calls, -E2BIG;
        files->calls += 3;
        files->open[files->next] = found->second(pid);
        return files->next++;
    }
    long read(int fd, std::span<char> space) const {
        auto const at = files->open.find(fd);
        if (at == files->open.end()) return inner.read(fd, space);
        ++files->calls;
        auto& answers = at->second.answers;
        if (answers.empty()) return 0;
        if (auto const* const error = std::get_if<int>(&answers.front())) {
            int const number = *error;
            answers.pop_front();
            return -number;
        }
        auto& text = std::get<std::string>(answers.front());
        auto const count = std::min(space.size(), text.size());
        std::memcpy(space.data(), text.data(), count);
        text.erase(0, count);
        if (text.empty()) answers.pop_front();
        return static_cast<long>(count);
    }
    long list(int fd, std::span<char> space) const { return inner.list(fd, space); }
    int status(int directory, char const* path, int flags, dmabuf::file_status& status) const {
        return inner.status(directory, path, flags, status);
    }
    long readlink(int directory, char const* path, std::span<char> space) const {
        return inner.readlink(directory, path, space);
    }
    long filesystem_type(int fd) const {
        auto const at = files->open.find(fd);
        if (at == files->open.end()) return inner.filesystem_type(fd);
        ++files->calls;
        return at->second.filesystem;
    }
    int query_mapping(int fd, std::uint64_t from, dmabuf::mapping& found,
                      std::span<char> space) const {
        return inner.query_mapping(fd, from, found, space);
    }
    int compare_descriptor_tables(std::int32_t a, std::int32_t b) const {
        return inner.compare_descriptor_tables(a, b);
    }
    int compare_memory_maps(std::int32_t a, std::int32_t b) const {
        return inner.compare_memory_maps(a, b);
    }
    std::int32_t process_id() const { return inner.process_id(); }
    std::uint64_t clock_ns() const { return inner.clock_ns(); }
    std::uint64_t boot_clock_ns() const { return files->boot_ns; }
};

} // namespace bpf
