// SPDX-License-Identifier: MIT
//
// The small ones: sysfs, the kernel's release, failures in words.
#include <dmabuf/kernel/bufinfo.hpp>
#include <dmabuf/kernel/dmabuf_fds.hpp>
#include <dmabuf/kernel/fdinfo.hpp>
#include <dmabuf/kernel/sysfs_buffers.hpp>
#include <dmabuf/sampling/platform.hpp>

#include "table.hpp"

#include <array>
#include <cstring>
#include <iterator>
#include <type_traits>

namespace {

using namespace std::string_view_literals;
using dmabuf::failure;
using dmabuf::object;
using dmabuf::operation;
using dmabuf::place;

struct size_row {
    std::string_view text;
    bool good;
    std::uint64_t size = 0;
    constexpr bool holds(std::string_view bytes) const {
        auto const found = dmabuf::parse_sysfs_size(bytes);
        if (!found) return !good && found.error().error == EBADMSG;
        return good && *found == size;
    }
};

constexpr size_row sizes[] = {
    {"4096\n", true, 4096},
    {"0\n", true, 0},
    {"18446744073709551615\n", true, 18446744073709551615U},
    {"18446744073709551616\n", false},
    {"4096", false}, // cut off: there may have been more digits
    {"", false},
    {"\n", false},
    {" 4096\n", false},
    {"4096 \n", false},
    {"4096\n\n", false},
    {"-1\n", false},
    {"40\00096\n"sv, false},
};

/// The kernel ends every text with a newline. Those who keep one in a file may not: Android's own
/// test files have none.
struct ending_row {
    std::string_view text; ///< without it
    bool (*parses)(std::string_view);
    bool without; ///< parses so

    /// With the newline all do.
    constexpr bool holds(std::string_view bytes) const {
        char whole[256]{};
        for (std::size_t i = 0; i < bytes.size(); ++i)
            whole[i] = bytes[i];
        whole[bytes.size()] = '\n';
        return parses({whole, bytes.size() + 1}) && parses(bytes) == without;
    }
};

constexpr ending_row endings[] = {
    {"4096", [](std::string_view text) { return dmabuf::parse_sysfs_size(text).has_value(); },
     false},
    {"system",
     [](std::string_view text) { return dmabuf::parse_sysfs_exporter_name(text).has_value(); },
     false},
    {"1 (a) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5",
     [](std::string_view text) { return dmabuf::parse_stat(text).has_value(); }, false},
    {"Name:\ta\nUid:\t0\t0\t0\t0",
     [](std::string_view text) { return dmabuf::parse_process_status(text).has_value(); }, false},
    {"Uid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0",
     [](std::string_view text) { return dmabuf::parse_process_status(text).has_value(); }, true},
    {"0::/a", [](std::string_view text) { return dmabuf::parse_cgroup(text).has_value(); }, false},
    {"pos:\t0\nflags:\t02\nmnt_id:\t5\nino:\t4\nsize:\t4096\ncount:\t2\nexp_name:\tsystem",
     [](std::string_view text) { return dmabuf::parse_fdinfo(text).has_value(); }, false},
    {"pos:\t0\nflags:\t02\nmnt_id:\t5\nsize:\t1\ncount:\t2\nexp_name:\tsystem\nname:\ta",
     [](std::string_view text) { return dmabuf::parse_fdinfo(text).has_value(); }, false},
    {"12 34",
     [](std::string_view text) {
         std::uint64_t sum = 0;
         dmabuf::parse_dmabuf_fds(text, [&](auto inode) { sum += *inode; });
         return sum == 46;
     },
     true},
    {"6.12.117+deb12-amd64",
     [](std::string_view text) {
         std::uint32_t major = 0;
         std::uint32_t minor = 0;
         return dmabuf::parse_release(text, major, minor);
     },
     true},
};

struct exporter_row {
    std::string_view text;
    bool good;
    std::string_view name = {};
    constexpr bool holds(std::string_view bytes) const {
        auto const found = dmabuf::parse_sysfs_exporter_name(bytes);
        return found.has_value() == good && (!good || found->view() == name);
    }
};

constexpr exporter_row exporters[] = {
    {"system\n", true, "system"},
    {"a b\n", true, "a b"},
    {"system", false},
    {"\n", false},
    {"", false},
    {"qcom,system-uncached-very-long-name\n", true, "qcom,system-uncached-very-long-name"},
};

TEST_CASE("sysfs: size and exporter_name") {
    CHECK_TABLE(sizes);
    CHECK_TABLE(exporters);
    CHECK(dmabuf::parse_sysfs_exporter_name(std::string(64, 'x') + "\n").value().truncated());
}

struct release_row {
    std::string_view text;
    bool good;
    std::uint32_t major = 0, minor = 0;
    constexpr bool holds(std::string_view bytes) const {
        std::uint32_t a = 0, b = 0;
        if (dmabuf::parse_release(bytes, a, b) != good) return false;
        return !good || (a == major && b == minor);
    }
};

constexpr release_row releases[] = {
    {"6.12.117+deb12-amd64\n", true, 6, 12},
    {"6.1\n", true, 6, 1},
    {"5.3-rc1\n", true, 5, 3},
    {"5.15.0-android13-gki\n", true, 5, 15},
    {"10.200", true, 10, 200},
    {"6\n", false},
    {"6.\n", false},
    {"6.x\n", false},
    {"x.6\n", false},
    {".6\n", false},
    {"", false},
    {"4294967296.1\n", false},
    {"6.4294967296\n", false},
};

TEST_CASE("the final newline: whose text must have one") {
    CHECK_TABLE(endings);
}

TEST_CASE("release: major and minor") {
    CHECK_TABLE(releases);
}

dmabuf::platform release(std::uint32_t major, std::uint32_t minor) {
    dmabuf::platform found;
    found.kernel_major = major;
    found.kernel_minor = minor;
    return found;
}

TEST_CASE("release: comparison, and what is unknown is not old") {
    auto const known = release(6, 1);
    CHECK(known.before(6, 2));
    CHECK(known.before(7, 0));
    CHECK_FALSE(known.before(6, 1));
    CHECK_FALSE(known.before(5, 18));
    CHECK_FALSE(dmabuf::platform{}.before(5, 3));
    CHECK_FALSE(dmabuf::platform{}.inodes_are_unique());
    CHECK_FALSE(release(5, 17).inodes_are_unique());
    CHECK(release(5, 18).inodes_are_unique() == (sizeof(long) == 8));
}

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
    {{object::bufinfo}, "/sys/kernel/debug/dma_buf/bufinfo"},
    {{object::pid_namespace}, "/proc/self/ns/pid"},
    {{object::kernel_release}, "/proc/sys/kernel/osrelease"},
    {{object::sysfs_buffers}, "/sys/kernel/dmabuf/buffers"},
    {{object::bpf_descriptors}, "/sys/fs/bpf/dmabuf/descriptors"},
    {{object::bpf_mappings}, "/sys/fs/bpf/dmabuf/mappings"},
    {{object::bpf_buffers}, "/sys/fs/bpf/dmabuf/buffers"},
    {{object::bpf_android_buffers}, "/sys/fs/bpf/dmabuf/prog_dmabufIter_iter_dmabuf"},
    {{object::sysfs_size, 0, 0, -1, 18446744073709551615U},
     "/sys/kernel/dmabuf/buffers/18446744073709551615/size"},
    {{object::sysfs_exporter_name, 0, 0, -1, 4}, "/sys/kernel/dmabuf/buffers/4/exporter_name"},
    {{object::fdinfo, 2147483647, 2147483647, 2147483647},
     "/proc/2147483647/task/2147483647/fdinfo/2147483647"},
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
    {{operation::identify, ENOTSUP, {object::fd, 1, 2, 3}},
     "cannot identify /proc/1/task/2/fd/3: not supported (ENOTSUP)"},
    {{operation::query, EIO, {object::maps, 1, 2}},
     "cannot query /proc/1/task/2/maps: input/output error (EIO)"},
    {{operation::list, EAGAIN, {object::task_directory, 1}},
     "cannot list /proc/1/task: changes all the time (EAGAIN)"},
    {{operation::open, 9999, {object::proc}}, "cannot open /proc: errno 9999"},
};

TEST_CASE("snapshot: sources, lists and views have names") {
    using dmabuf::name_of;
    CHECK(name_of(dmabuf::source::none) == "none");
    CHECK(name_of(dmabuf::source::fd_walk) == "fd_walk");
    CHECK(name_of(dmabuf::source::dmabuf_fds) == "dmabuf_fds");
    CHECK(name_of(dmabuf::source::bpf_iterator) == "bpf_iterator");
    CHECK(name_of(dmabuf::sizing::none) == "none");
    CHECK(name_of(dmabuf::sizing::descriptors) == "descriptors");
    CHECK(name_of(dmabuf::sizing::sysfs) == "sysfs");
    CHECK(name_of(dmabuf::sizing::bpf_iterator) == "bpf_iterator");
    CHECK(name_of(dmabuf::listing::none) == "none");
    CHECK(name_of(dmabuf::listing::sysfs) == "sysfs");
    CHECK(name_of(dmabuf::listing::bufinfo) == "bufinfo");
    CHECK(name_of(dmabuf::listing::bpf_iterator) == "bpf_iterator");
    CHECK(name_of(dmabuf::listing::android_bpf) == "android_bpf");
    CHECK(name_of(dmabuf::visibility::unknown) == "unknown");
    CHECK(name_of(dmabuf::visibility::everything) == "everything");
    CHECK(name_of(dmabuf::visibility::pid_namespace) == "pid_namespace");
    CHECK(name_of(dmabuf::visibility::hidden) == "hidden");
}

TEST_CASE("snapshot, result: a value that is no case reads nothing behind the tables") {
    using namespace dmabuf;
    // The number behind the last, and the last of all.
    auto const none_of = [](auto const& rows) {
        using which = std::remove_cvref_t<decltype(rows[0].which)>;
        return std::array{static_cast<which>(std::size(rows)), static_cast<which>(255)};
    };
    for (auto const value : none_of(detail::source_names))
        CHECK(name_of(value) == "none");
    for (auto const value : none_of(detail::sizing_names))
        CHECK(name_of(value) == "none");
    for (auto const value : none_of(detail::listing_names))
        CHECK(name_of(value) == "none");
    for (auto const value : none_of(detail::visibility_names))
        CHECK(name_of(value) == "unknown");
    for (auto const value : none_of(detail::object_paths))
        CHECK(path_of({value}) == "");
    for (auto const value : none_of(detail::verbs))
        CHECK(describe({value, EIO, {object::proc}}) ==
              "cannot use /proc: input/output error (EIO)");
}

TEST_CASE("result: every place has its path, every failure its sentence") {
    CHECK_TABLE(places);
    CHECK_TABLE(failures);
    for (auto const& row : places)
        CHECK_FALSE(dmabuf::path_of(row.where).truncated());
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
