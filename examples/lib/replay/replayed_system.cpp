// SPDX-License-Identifier: MIT
#include "replayed_system.hpp"

#include "older_recording.hpp"

#include <algorithm>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <utility>

namespace replay {

namespace {

/// The answers to one key, in order.
struct series {
    std::vector<std::size_t> entries;
    std::size_t next = 0;

    std::size_t take() {
        auto const at = entries[std::min(next, entries.size() - 1)];
        ++next;
        return at;
    }
};

struct open_file {
    std::string path;
    entry const* content = nullptr; ///< from the first read or listing on
    std::size_t at = 0;             ///< bytes of its text, or names, handed out
};

/// Far from descriptors that mean something to the kernel.
constexpr int first_descriptor = 1'000'000;

/// How many calls a sampler may make for each result: it reads in pieces, tries again, and asks
/// about the same thing more than once, while results that repeat are recorded only once.
constexpr std::uint64_t calls_per_result = 64;

std::uint64_t results_in(recording const& what) {
    std::uint64_t results = 16;
    for (auto const& one : what.entries)
        results += 1 + one.names.size() + one.text.size() / 1024;
    return results;
}

} // namespace

struct replayed_system::state {
    recording what;
    table_order tables;
    table_order memory_maps;
    std::map<std::string, series, std::less<>> answers; ///< hashes could be made to collide
    std::map<int, open_file> open;
    std::string missing;
    std::uint64_t calls_left;
    bool has_mappings = false;

    explicit state(recording recorded)
        : what(std::move(recorded))
        , tables(what.entries, call::kcmp)
        , memory_maps(what.entries, call::kcmp_vm)
        , calls_left(calls_per_result * results_in(what)) {
        for (auto const derive :
             {fdinfos_of_path_descriptors, links_of_fdinfos, whose_procfs_it_is})
            for (auto& one : derive(what.entries))
                what.entries.push_back(std::move(one));
        for (std::size_t at = 0; at < what.entries.size(); ++at) {
            auto const& one = what.entries[at];
            answers[key_of(one)].entries.push_back(at);
            if (one.what == call::file || one.what == call::dir)
                answers[key_of(one.what, one.path)].entries.push_back(at);
            has_mappings = has_mappings || one.what == call::mapping;
        }
    }

    /// The next answer, or nothing, which is then noted.
    entry const* find(call what_is_asked, std::string const& path) {
        return find(key_of(what_is_asked, path));
    }
    entry const* find(std::string const& key) {
        if (!may_call(key)) return nullptr;
        auto const* const one = find_recorded(key);
        if (!one) note(key);
        return one;
    }
    entry const* find_recorded(std::string const& key) {
        auto const found = answers.find(key);
        return found == answers.end() ? nullptr : &what.entries[found->second.take()];
    }

    int compare(call which, std::int32_t a, std::int32_t b) {
        auto const key = key_of(which, std::to_string(a) + " " + std::to_string(b));
        if (!may_call(key)) return -ENOSYS;
        if (auto const* const one = find_recorded(key))
            return one->error != 0 ? -one->error : static_cast<int>(one->number);
        auto const follows = (which == call::kcmp ? tables : memory_maps).compare(a, b);
        return follows ? *follows : note(key);
    }

    bool may_call(std::string const& key) {
        if (calls_left == 0) return note(key + " so often"), false;
        return --calls_left, true;
    }

    int note(std::string const& words) {
        if (missing.empty()) missing = words;
        return -ENOSYS;
    }

    /// The lowest that is free, as in the kernel.
    int new_descriptor() const {
        int fd = first_descriptor;
        for (auto at = open.begin(); at != open.end() && at->first == fd; ++at)
            ++fd;
        return fd;
    }

    [[nodiscard]] std::string path_of(int fd) const {
        auto const found = open.find(fd);
        return found == open.end() ? "" : found->second.path;
    }

    /// Of an open descriptor; null with an errno where there is none.
    open_file* content_of(int fd, call kind, long& error) {
        auto const found = open.find(fd);
        if (found == open.end()) return error = -EBADF, nullptr;
        auto& file = found->second;
        if (!file.content) file.content = find(kind, file.path);
        if (!file.content || file.content->what != kind) return error = -ENOSYS, nullptr;
        if (!may_call(key_of(kind, file.path))) return error = -ENOSYS, nullptr;
        return &file;
    }

    /// The answer of a read or listing behind all that was recorded.
    long after(open_file const& file) {
        if (file.content->unended)
            return note(key_of(file.content->what, file.path) + " beyond what was recorded");
        return -file.content->error;
    }
};

replayed_system::replayed_system()
    : replayed_system(recording{}) {}

replayed_system::replayed_system(recording what)
    : state_(std::make_shared<state>(std::move(what))) {}

int replayed_system::open(int directory, char const* path, int) const {
    auto const whole = join(state_->path_of(directory), path);
    auto const* const one = state_->find(call::open, whole);
    if (!one) return -ENOSYS;
    if (one->what == call::open && one->error != 0) return -one->error;
    int const fd = state_->new_descriptor();
    state_->open[fd] = {whole, nullptr, 0};
    return fd;
}

int replayed_system::close(int fd) const {
    return state_->open.erase(fd) == 1 ? 0 : -EBADF;
}

long replayed_system::read(int fd, std::span<char> space) const {
    long error = 0;
    auto* const file = state_->content_of(fd, call::file, error);
    if (!file) return error;
    auto const& text = file->content->text;
    auto const count = std::min(space.size(), text.size() - file->at);
    if (count == 0) return state_->after(*file);
    std::memcpy(space.data(), text.data() + file->at, count);
    file->at += count;
    return static_cast<long>(count);
}

/// Builds the records that getdents64 writes: u64 inode, s64 offset, u16 record length, u8 type,
/// name with a NUL. Inode, offset and type were not recorded and are 0.
long replayed_system::list(int fd, std::span<char> space) const {
    constexpr std::size_t length_at = 16;
    constexpr std::size_t name_at = 19;
    long error = 0;
    auto* const file = state_->content_of(fd, call::dir, error);
    if (!file) return error;
    auto const& names = file->content->names;
    if (file->at == names.size()) return state_->after(*file);
    std::size_t filled = 0;
    for (; file->at < names.size(); ++file->at) {
        auto const& name = names[file->at];
        auto const size = (name_at + name.size() + 8) / 8 * 8;
        if (size > space.size() - filled || size > UINT16_MAX) break;
        auto const length = static_cast<std::uint16_t>(size);
        auto* const record = space.data() + filled;
        std::memset(record, 0, size);
        std::memcpy(record + length_at, &length, sizeof length);
        std::memcpy(record + name_at, name.data(), name.size());
        filled += size;
    }
    return filled == 0 ? -EINVAL : static_cast<long>(filled);
}

int replayed_system::status(int directory, char const* path, int flags,
                            dmabuf::file_status& status) const {
    auto const what = (flags & AT_SYMLINK_NOFOLLOW) != 0 ? call::lstat : call::stat;
    auto const* const one = state_->find(what, join(state_->path_of(directory), path));
    if (!one) return -ENOSYS;
    if (one->error == 0) status = one->status;
    return -one->error;
}

long replayed_system::readlink(int directory, char const* path, std::span<char> space) const {
    auto const whole = join(state_->path_of(directory), path);
    auto const* const one = state_->find(call::link, whole);
    if (!one) return -ENOSYS;
    if (one->error != 0) return -one->error;
    if (one->unended && space.size() > one->text.size())
        return state_->note("link " + whole + " beyond what was recorded");
    auto const count = std::min(space.size(), one->text.size());
    if (count != 0) std::memcpy(space.data(), one->text.data(), count);
    return static_cast<long>(count);
}

long replayed_system::filesystem_type(int fd) const {
    auto const* const one = state_->find(call::fs, state_->path_of(fd));
    if (!one) return -ENOSYS;
    // As live_system: a number of 32 bits, which long may have to hold beside failures.
    auto const magic = static_cast<std::uint32_t>(one->number) & std::uintmax_t{LONG_MAX};
    return one->error != 0 ? -one->error : static_cast<long>(magic);
}

int replayed_system::query_mapping(int fd, std::uint64_t from, dmabuf::mapping& found,
                                   std::span<char> space) const {
    if (!state_->has_mappings) return -ENOTTY;
    entry asked;
    asked.what = call::mapping;
    asked.path = state_->path_of(fd);
    asked.from = from;
    auto const* const one = state_->find(key_of(asked));
    if (!one) return -ENOSYS;
    if (one->error != 0) return -one->error;
    found = one->mapping;
    return hand_out_path(one->text, found, space);
}

int replayed_system::compare_descriptor_tables(std::int32_t a, std::int32_t b) const {
    return state_->compare(call::kcmp, a, b);
}

int replayed_system::compare_memory_maps(std::int32_t a, std::int32_t b) const {
    return state_->compare(call::kcmp_vm, a, b);
}

std::int32_t replayed_system::process_id() const {
    auto const* const one = state_->find(call::pid, "");
    return one ? static_cast<std::int32_t>(one->number) : 0;
}

std::uint64_t replayed_system::clock_ns() const {
    auto const* const one = state_->find(call::clock, "");
    return one ? one->number : 0;
}

std::uint64_t replayed_system::boot_clock_ns() const {
    auto const* const one = state_->find(call::boot_clock, "");
    return one ? one->number : 0;
}

circumstances const& replayed_system::made() const {
    return state_->what.made;
}

std::string const& replayed_system::missing() const {
    return state_->missing;
}

std::string replayed_system::take_missing() const {
    return std::exchange(state_->missing, {});
}

std::size_t replayed_system::open_count() const {
    return state_->open.size();
}

} // namespace replay
