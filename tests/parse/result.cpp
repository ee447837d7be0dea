// SPDX-License-Identifier: MIT
//
// Failures, in values and in words.
#include <dmabuf/result.hpp>

#include "parse/table.hpp"

#include <cstring>

namespace {

using dmabuf::failure;
using dmabuf::object;
using dmabuf::operation;
using dmabuf::place;

struct place_row {
    place where;
    std::string_view text;
    constexpr bool holds(std::string_view bytes) const { return dmabuf::path_of(where) == bytes; }
};

constexpr place_row places[] = {
    {{object::proc}, "/proc"},
    {{object::process, 12}, "/proc/12"},
    {{object::stat, 12}, "/proc/12/stat"},
    {{object::stat, 12, 13}, "/proc/12/task/13/stat"},
    {{object::process_status, 12}, "/proc/12/status"},
    {{object::task_directory, 12}, "/proc/12/task"},
    {{object::fd_directory, 12, 13}, "/proc/12/task/13/fd"},
    {{object::fd, 12, 13, 7}, "/proc/12/task/13/fd/7"},
    {{object::fdinfo_directory, 12, 13}, "/proc/12/task/13/fdinfo"},
    {{object::fdinfo, 12, 13, 7}, "/proc/12/task/13/fdinfo/7"},
    {{object::dmabuf_fds, 12, 13}, "/proc/12/task/13/dmabuf_fds"},
    {{object::maps, 12, 13}, "/proc/12/task/13/maps"},
    {{object::map_files, 12}, "/proc/12/map_files"},
    {{object::cgroup, 12}, "/proc/12/cgroup"},
    {{object::command_line, 12}, "/proc/12/cmdline"},
    {{object::bufinfo}, "/sys/kernel/debug/dma_buf/bufinfo"},
    {{object::pid_namespace}, "/proc/self/ns/pid"},
    {{object::kernel_release}, "/proc/sys/kernel/osrelease"},
    {{object::sysfs_buffers}, "/sys/kernel/dmabuf/buffers"},
    {{object::bpf_descriptors}, "/sys/fs/bpf/dmabuf/descriptors"},
    {{object::bpf_mappings}, "/sys/fs/bpf/dmabuf/mappings"},
    {{object::bpf_buffers}, "/sys/fs/bpf/dmabuf/buffers"},
    {{object::bpf_android_buffers}, "/sys/fs/bpf/dmabuf/prog_dmabufIter_iter_dmabuf"},
    {{object::bpf_origins}, "/sys/fs/bpf/dmabuf/origins"},
    {{object::bpf_attachments}, "/sys/fs/bpf/dmabuf/attachments"},
    {{object::sysfs_size, 0, 0, -1, 18446744073709551615U},
     "/sys/kernel/dmabuf/buffers/18446744073709551615/size"},
    {{object::sysfs_exporter_name, 0, 0, -1, 4}, "/sys/kernel/dmabuf/buffers/4/exporter_name"},
    {{object::fdinfo, 2147483647, 2147483647, 2147483647},
     "/proc/2147483647/task/2147483647/fdinfo/2147483647"},
};

struct rooted_row {
    place where;
    dmabuf::roots below;
    std::string_view text;
    constexpr bool holds(std::string_view bytes) const {
        return dmabuf::path_of(where, below) == bytes;
    }
};

constexpr dmabuf::roots host{"/host/proc", "/host/sys"};
constexpr dmabuf::roots pins{"/proc", "/sys", "/pins"};

constexpr rooted_row rooted[] = {
    {{object::proc}, {}, "/proc"},
    {{object::proc}, host, "/host/proc"},
    {{object::fd, 12, 13, 7}, host, "/host/proc/12/task/13/fd/7"},
    {{object::fd, 12, 13, 7}, pins, "/proc/12/task/13/fd/7"},
    {{object::sysfs_buffers}, host, "/host/sys/kernel/dmabuf/buffers"},
    {{object::sysfs_buffers}, pins, "/sys/kernel/dmabuf/buffers"},
    {{object::bufinfo}, host, "/host/sys/kernel/debug/dma_buf/bufinfo"},
    {{object::bpf_mappings}, {}, "/sys/fs/bpf/dmabuf/mappings"},
    {{object::bpf_mappings}, host, "/host/sys/fs/bpf/dmabuf/mappings"},
    {{object::bpf_mappings}, pins, "/pins/dmabuf/mappings"},
    {{object::bpf_android_buffers}, pins, "/pins/dmabuf/prog_dmabufIter_iter_dmabuf"},
};

struct failure_row {
    failure why;
    std::string_view text;
    constexpr bool holds(std::string_view bytes) const { return dmabuf::describe(why) == bytes; }
};

constexpr failure_row failures[] = {
    {{operation::open, EACCES, {object::fd_directory, 12, 12}},
     "cannot open /proc/12/task/12/fd: permission denied (EACCES)"},
    {{operation::read, ESRCH, {object::maps, 12, 12}},
     "cannot read /proc/12/task/12/maps: no such process (ESRCH)"},
    {{operation::list, EIO, {object::proc}}, "cannot list /proc: input/output error (EIO)"},
    {{operation::status, ENOENT, {object::fd, 1, 2, 3}},
     "cannot stat /proc/1/task/2/fd/3: no such file (ENOENT)"},
    {{operation::statfs, ENOMEM, {object::fd, 1, 2, 3}},
     "cannot statfs /proc/1/task/2/fd/3: out of memory (ENOMEM)"},
    {{operation::readlink, EPERM, {object::fd, 1, 2, 3}},
     "cannot readlink /proc/1/task/2/fd/3: not permitted (EPERM)"},
    {{operation::parse, EBADMSG, {object::fdinfo, 1, 2, 3}, 17},
     "cannot parse /proc/1/task/2/fdinfo/3 at byte 17: not the text that the kernel writes "
     "(EBADMSG)"},
    {{operation::parse, EBADMSG, {object::bufinfo}, 27, 8},
     "cannot parse /sys/kernel/debug/dma_buf/bufinfo at line 8, byte 27: not the text that the "
     "kernel writes (EBADMSG)"},
    {{operation::read, EINTR, {object::bufinfo}, 0, 8},
     "cannot read /sys/kernel/debug/dma_buf/bufinfo at line 8: interrupted (EINTR)"},
    {{operation::identify, ENOTSUP, {object::fd, 1, 2, 3}},
     "cannot identify /proc/1/task/2/fd/3: not supported (ENOTSUP)"},
    {{operation::query, EIO, {object::maps, 1, 2}},
     "cannot query /proc/1/task/2/maps: input/output error (EIO)"},
    {{operation::list, EAGAIN, {object::task_directory, 1}},
     "cannot list /proc/1/task: changes all the time (EAGAIN)"},
    {{operation::open, 9999, {object::proc}}, "cannot open /proc: errno 9999"},
};

TEST_CASE("result: every place has its path, every failure its sentence") {
    CHECK_TABLE(places);
    CHECK_TABLE(rooted);
    CHECK_TABLE(failures);
    for (auto const& row : places)
        CHECK_FALSE(dmabuf::path_of(row.where).truncated());
}

TEST_CASE("result: the longest path below the longest root is whole") {
    dmabuf::roots const roots{std::string(150, 'p'), std::string(150, 's'), std::string(150, 'b')};
    CHECK_FALSE(roots.truncated());
    for (auto const& row : places)
        CHECK_FALSE(path_of(row.where, roots).truncated());
    CHECK(dmabuf::roots{std::string(151, 'p')}.truncated());
    CHECK(dmabuf::roots{"/proc", std::string(151, 's')}.truncated());
    CHECK(dmabuf::roots{"/proc", "/sys", std::string(151, 'b')}.truncated());
}

TEST_CASE("result: every errno named is the one that the C library means") {
    for (int error = 1; error < 200; ++error) {
        auto const words = std::string(dmabuf::detail::error_words(error));
        auto const* const name = strerrorname_np(error);
        if (words.empty() || name == nullptr) continue;
        INFO(words);
        bool const right = words.ends_with("(" + std::string(name) + ")") ||
                           (error == ENOTSUP && words.ends_with("(ENOTSUP)"));
        CHECK(right);
    }
}

TEST_CASE("result: gone, denied, neither") {
    auto const with = [](int error) { return failure{operation::open, error, {}}; };
    CHECK(with(ENOENT).gone());
    CHECK(with(ESRCH).gone());
    CHECK(with(EACCES).denied());
    CHECK(with(EPERM).denied());
    for (int error : {EIO, ENOMEM, EMFILE, ENFILE, EBADMSG, ENOTSUP, EINTR}) {
        CHECK_FALSE(with(error).gone());
        CHECK_FALSE(with(error).denied());
    }
}

TEST_CASE("result: holds a value or a failure") {
    dmabuf::result<int> good = 4;
    dmabuf::result<int> bad = failure{operation::open, EIO, {}};
    CHECK(good);
    CHECK(*good == 4);
    CHECK(std::move(good).value() == 4);
    CHECK_FALSE(bad);
    CHECK(bad.error().error == EIO);
    CHECK(dmabuf::result<void>{}.has_value());
    CHECK_FALSE(dmabuf::result<void>{failure{operation::open, EIO, {}}}.has_value());
}

} // namespace
