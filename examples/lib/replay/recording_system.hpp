// SPDX-License-Identifier: MIT
//
// A system that calls another one and keeps every result.
#pragma once

#include "recording.hpp"

#include <array>
#include <memory>

namespace replay {

/// Turns calls into entries. Calls that a signal interrupted are left out, since they are made
/// again.
class recorder {
public:
    void opened(int directory, std::string_view path, int returned);
    void closed(int fd);
    void read(int fd, std::span<char const> space, long returned);
    void listed(int fd, std::span<char const> space, long returned);
    void status(int directory, std::string_view path, int flags, int returned,
                dmabuf::file_status const& status);
    void link(int directory, std::string_view path, std::span<char const> space, long returned);
    void filesystem_type(int fd, long returned);
    void mapping(int fd, std::uint64_t from, dmabuf::mapping const& found, int returned);
    /// `what` is `kcmp` or `kcmp_vm`.
    void compared(call what, std::int32_t a, std::int32_t b, int returned);
    void process_id(std::int32_t pid);
    /// `what` is `clock` or `boot_clock`.
    void clock(call what, std::uint64_t now_ns);

    /// The kept results, without those that only repeat the last one of their key: a replay repeats
    /// that one, too.
    [[nodiscard]] std::vector<entry> entries() const;

    /// The same without mappings of ordinary files, which `left_out` counts.
    [[nodiscard]] std::vector<entry> needed_entries(std::uint64_t& left_out) const;

private:
    struct open_file {
        std::string path;
        std::size_t entry = 0;
    };

    [[nodiscard]] std::string path_of(int fd) const;
    entry& add(call what, std::string path, long returned);
    entry* content_of(int fd, call what, long returned);

    std::vector<entry> entries_;
    std::map<int, open_file> open_;
};

/// A cheap handle: copies share one recorder.
template<dmabuf::system Inner = dmabuf::live_system>
class recording_system {
public:
    recording_system() = default;
    explicit recording_system(Inner inner)
        : inner_(inner) {}

    int open(int directory, char const* path, int flags) const {
        int const fd = inner_.open(directory, path, flags);
        kept_->opened(directory, path, fd);
        return fd;
    }
    int close(int fd) const {
        kept_->closed(fd);
        return inner_.close(fd);
    }
    long read(int fd, std::span<char> space) const {
        long const got = inner_.read(fd, space);
        kept_->read(fd, space, got);
        return got;
    }
    long list(int fd, std::span<char> space) const {
        long const got = inner_.list(fd, space);
        kept_->listed(fd, space, got);
        return got;
    }
    int status(int directory, char const* path, int flags, dmabuf::file_status& status) const {
        int const done = inner_.status(directory, path, flags, status);
        kept_->status(directory, path, flags, done, status);
        return done;
    }
    long readlink(int directory, char const* path, std::span<char> space) const {
        long const got = inner_.readlink(directory, path, space);
        kept_->link(directory, path, space, got);
        return got;
    }
    long filesystem_type(int fd) const {
        long const magic = inner_.filesystem_type(fd);
        kept_->filesystem_type(fd, magic);
        return magic;
    }
    /// Asks for the path always, since a later version of the library may want it.
    int query_mapping(int fd, std::uint64_t from, dmabuf::mapping& found,
                      std::span<char> space) const {
        std::array<char, 4096> path;
        int done = inner_.query_mapping(fd, from, found, path);
        if (done == -ENAMETOOLONG) done = inner_.query_mapping(fd, from, found, space);
        kept_->mapping(fd, from, found, done);
        return done < 0 ? done : hand_out_path(found.path, found, space);
    }
    int compare_descriptor_tables(std::int32_t a, std::int32_t b) const {
        int const order = inner_.compare_descriptor_tables(a, b);
        kept_->compared(call::kcmp, a, b, order);
        return order;
    }
    int compare_memory_maps(std::int32_t a, std::int32_t b) const {
        int const order = inner_.compare_memory_maps(a, b);
        kept_->compared(call::kcmp_vm, a, b, order);
        return order;
    }
    std::int32_t process_id() const {
        auto const pid = inner_.process_id();
        kept_->process_id(pid);
        return pid;
    }
    std::uint64_t clock_ns() const {
        auto const now = inner_.clock_ns();
        kept_->clock(call::clock, now);
        return now;
    }
    std::uint64_t boot_clock_ns() const
    requires dmabuf::boot_clock_system<Inner>
    {
        auto const now = inner_.boot_clock_ns();
        kept_->clock(call::boot_clock, now);
        return now;
    }

    [[nodiscard]] std::vector<entry> entries() const { return kept_->entries(); }
    [[nodiscard]] std::vector<entry> needed_entries(std::uint64_t& left_out) const {
        return kept_->needed_entries(left_out);
    }

private:
    [[no_unique_address]] Inner inner_{};
    std::shared_ptr<recorder> kept_ = std::make_shared<recorder>();
};
static_assert(dmabuf::boot_clock_system<recording_system<>>);

} // namespace replay
