// SPDX-License-Identifier: MIT
//
// Systems that go around another one: `counting` keeps account of the calls, `faulty` lets one of
// them fail, interrupts all of them, or hands out less than was asked for.
#pragma once

#include <dmabuf/kernel/system.hpp>

#include <algorithm>
#include <map>
#include <string>

namespace wrapped {

struct counters {
    unsigned open = 0, close = 0, read = 0, list = 0, status = 0, readlink = 0, filesystem_type = 0,
             query = 0, compare = 0;
    int open_now = 0;
    int most_open = 0;

    [[nodiscard]] unsigned all() const {
        return open + close + read + list + status + readlink + filesystem_type + query + compare;
    }
};

template<dmabuf::system System>
struct counting {
    System next{};
    counters* count = nullptr;

    int open(int directory, char const* path, int flags) const {
        ++count->open;
        int const fd = next.open(directory, path, flags);
        if (fd >= 0) count->most_open = std::max(count->most_open, ++count->open_now);
        return fd;
    }
    int close(int fd) const {
        ++count->close;
        --count->open_now;
        return next.close(fd);
    }
    long read(int fd, std::span<char> space) const { return ++count->read, next.read(fd, space); }
    long list(int fd, std::span<char> space) const { return ++count->list, next.list(fd, space); }
    int status(int directory, char const* path, int flags, dmabuf::file_status& status) const {
        return ++count->status, next.status(directory, path, flags, status);
    }
    long readlink(int directory, char const* path, std::span<char> space) const {
        return ++count->readlink, next.readlink(directory, path, space);
    }
    long filesystem_type(int fd) const {
        return ++count->filesystem_type, next.filesystem_type(fd);
    }
    int query_mapping(int fd, std::uint64_t from, dmabuf::mapping& found,
                      std::span<char> space) const {
        return ++count->query, next.query_mapping(fd, from, found, space);
    }
    int compare_descriptor_tables(std::int32_t a, std::int32_t b) const {
        return ++count->compare, next.compare_descriptor_tables(a, b);
    }
    int compare_memory_maps(std::int32_t a, std::int32_t b) const {
        return ++count->compare, next.compare_memory_maps(a, b);
    }
    std::int32_t process_id() const { return next.process_id(); }
    std::uint64_t clock_ns() const { return next.clock_ns(); }
};

struct faults {
    unsigned calls = 0;               ///< made so far, close left out: it has no failure to report
    unsigned fail_at = 0;             ///< this call fails, counted from 1
    int error = 0;                    ///< with this errno
    bool interrupted = false;         ///< every call is interrupted once before it is made
    std::size_t most_bytes = 0;       ///< of one read, if not 0, but of fdinfo, which is one record
    std::size_t most_listed = 0;      ///< bytes of one getdents64, if not 0
    bool in_between = false;          ///< the call before was interrupted
    std::map<int, std::string> paths; ///< of the open descriptors
    std::string on;                   ///< what the last call was made on
    std::string failed_on;            ///< what the failing one was made on
};

template<dmabuf::system System>
struct faulty {
    System next{};
    faults* plan = nullptr;

    int open(int directory, char const* path, int flags) const {
        plan->on = path;
        int const fd = made<int>([&] { return next.open(directory, path, flags); });
        if (fd >= 0) plan->paths[fd] = path;
        return fd;
    }
    int close(int fd) const { return next.close(fd); }
    long read(int fd, std::span<char> space) const {
        plan->on = plan->paths[fd];
        bool const in_pieces = plan->most_bytes != 0 && plan->on.find("/fdinfo/") == plan->on.npos;
        if (in_pieces) space = space.first(std::min(space.size(), plan->most_bytes));
        return made<long>([&] { return next.read(fd, space); });
    }
    long list(int fd, std::span<char> space) const {
        plan->on = plan->paths[fd];
        if (plan->most_listed != 0) space = space.first(std::min(space.size(), plan->most_listed));
        return made<long>([&] { return next.list(fd, space); });
    }
    int status(int directory, char const* path, int flags, dmabuf::file_status& status) const {
        plan->on = path;
        return made<int>([&] { return next.status(directory, path, flags, status); });
    }
    long readlink(int directory, char const* path, std::span<char> space) const {
        plan->on = path;
        return made<long>([&] { return next.readlink(directory, path, space); });
    }
    long filesystem_type(int fd) const {
        plan->on = plan->paths[fd];
        return made<long>([&] { return next.filesystem_type(fd); });
    }
    int query_mapping(int fd, std::uint64_t from, dmabuf::mapping& found,
                      std::span<char> space) const {
        plan->on = plan->paths[fd];
        return made<int>([&] { return next.query_mapping(fd, from, found, space); });
    }
    int compare_descriptor_tables(std::int32_t a, std::int32_t b) const {
        ++plan->calls; // is never interrupted
        if (plan->calls == plan->fail_at) return -plan->error;
        return next.compare_descriptor_tables(a, b);
    }
    int compare_memory_maps(std::int32_t a, std::int32_t b) const {
        if (++plan->calls == plan->fail_at) return -plan->error;
        return next.compare_memory_maps(a, b);
    }
    std::int32_t process_id() const { return next.process_id(); }
    std::uint64_t clock_ns() const { return next.clock_ns(); }

private:
    template<class Returned, class Call>
    Returned made(Call call) const {
        if (plan->interrupted && (plan->in_between = !plan->in_between)) return -EINTR;
        if (++plan->calls == plan->fail_at) {
            plan->failed_on = plan->on;
            return -plan->error;
        }
        return call();
    }
};

} // namespace wrapped
