// SPDX-License-Identifier: MIT
//
// Errors are values: a failure names the call, the kernel file, the process and the errno.
#pragma once

#include <dmabuf/text.hpp>
#include <dmabuf/version.hpp>

#include <cerrno>
#include <concepts>
#include <cstdint>
#include <type_traits>
#include <utility>

namespace dmabuf {
inline namespace v0 {

/// The call that failed.
enum class operation : std::uint8_t {
    open,
    read,
    list,
    status,
    statfs,
    readlink,
    query,
    parse,
    identify
};

/// The kernel file of a call. The table `object_paths` below has the path of each.
enum class object : std::uint8_t {
    proc,
    process,
    stat,
    process_status,
    task_directory,
    fd_directory,
    fd,
    fdinfo_directory,
    fdinfo,
    dmabuf_fds,
    maps,
    map_files,
    cgroup,
    command_line,
    bufinfo,
    pid_namespace,
    kernel_release,
    sysfs_buffers,
    sysfs_size,
    sysfs_exporter_name,
    bpf_descriptors,
    bpf_mappings,
    bpf_buffers,
    bpf_android_buffers,
    bpf_origins,
    bpf_attachments,
};

/// The file that a call was made on. Fields that do not apply keep their defaults.
struct place {
    object what = object::proc;
    std::int32_t pid = 0;    ///< thread group, 0 where it does not apply
    std::int32_t tid = 0;    ///< task, 0 where the file is the process's
    std::int32_t fd = -1;    ///< descriptor number in the process, -1 where it does not apply
    std::uint64_t inode = 0; ///< buffer, for the sysfs files

    constexpr bool operator==(place const&) const = default;
};

/// The reason why something could not be read. Small and trivially copyable.
struct failure {
    operation doing = operation::open;
    int error = 0; ///< errno; EBADMSG for text that the kernel does not write
    place where;
    std::uint32_t offset = 0; ///< for `parse`: the first byte that did not fit, in `line` or else
                              ///< in the file
    std::uint32_t line = 0;   ///< of a row in a list that goes on behind it, from 1; 0: all of it

    constexpr bool operator==(failure const&) const = default;

    /// The process, task or descriptor went away between listing and reading, which is normal in
    /// /proc.
    [[nodiscard]] constexpr bool gone() const { return error == ENOENT || error == ESRCH; }
    /// The caller lacks the right. hidepid=1 answers EPERM, everything else EACCES.
    [[nodiscard]] constexpr bool denied() const { return error == EACCES || error == EPERM; }
};
static_assert(std::is_trivially_copyable_v<failure>);

namespace detail {

constexpr void stop_if(bool failed) {
    if (failed) __builtin_trap();
}

} // namespace detail

/// A value, or the failure that prevented it. A failure stands beside a default-constructed value:
/// std::optional takes ten times as long to compile, for each of two dozen types.
template<class Value>
class [[nodiscard]] result {
public:
    constexpr result() = default;
    /// Success.
    constexpr result(Value value)
        : value_(std::move(value)) {}
    /// A failure, as functions return it: `return failure{operation::open, errno, where};`.
    constexpr result(failure why)
        : failure_(why)
        , failed_(true) {}

    [[nodiscard]] constexpr explicit operator bool() const { return !failed_; }
    /// True for success, as the conversion to bool.
    [[nodiscard]] constexpr bool has_value() const { return !failed_; }

    /// The value. Stops the program when there is none, in every build.
    [[nodiscard]] constexpr Value& value() & { return **this; }
    [[nodiscard]] constexpr Value const& value() const& { return **this; }
    /// By value, so that `for (auto& x : f().value())` cannot dangle.
    [[nodiscard]] constexpr Value value() && { return *std::move(*this); }
    void value() const&& = delete;

    [[nodiscard]] constexpr Value& operator*() & { return detail::stop_if(failed_), value_; }
    [[nodiscard]] constexpr Value const& operator*() const& {
        return detail::stop_if(failed_), value_;
    }
    [[nodiscard]] constexpr Value operator*() && {
        return detail::stop_if(failed_), std::move(value_);
    }
    void operator*() const&& = delete;
    [[nodiscard]] constexpr Value* operator->() & { return detail::stop_if(failed_), &value_; }
    [[nodiscard]] constexpr Value const* operator->() const& {
        return detail::stop_if(failed_), &value_;
    }
    /// Deleted for temporaries. `f().value().member` is safe: the member lives as long as the
    /// reference that is bound to it.
    void operator->() const&& = delete;

    /// The failure; without meaning where there is a value. A temporary returns a copy.
    [[nodiscard]] constexpr failure const& error() const& { return failure_; }
    [[nodiscard]] constexpr failure error() const&& { return failure_; }

private:
    Value value_{};
    failure failure_{};
    bool failed_ = false;
};

/// Success, or the failure that prevented it.
template<>
class [[nodiscard]] result<void> {
public:
    constexpr result() = default;
    constexpr result(failure why)
        : failure_(why)
        , failed_(true) {}

    [[nodiscard]] constexpr explicit operator bool() const { return !failed_; }
    /// True for success, as the conversion to bool.
    [[nodiscard]] constexpr bool has_value() const { return !failed_; }
    /// The failure; without meaning after success. A temporary returns a copy.
    [[nodiscard]] constexpr failure const& error() const& { return failure_; }
    [[nodiscard]] constexpr failure error() const&& { return failure_; }

private:
    failure failure_{};
    bool failed_ = false;
};

namespace detail {

inline constexpr text_for<operation> verbs[] = {
    {operation::open, "open"},   {operation::read, "read"},     {operation::list, "list"},
    {operation::status, "stat"}, {operation::statfs, "statfs"}, {operation::readlink, "readlink"},
    {operation::query, "query"}, {operation::parse, "parse"},   {operation::identify, "identify"},
};
static_assert(are_in_order(verbs, operation::identify));

/// The path of each `object`. `<pid>`, `<fd>` and `<inode>` are the fields of a `place`. `<task>`
/// is "/task/TID" in a place with a `tid`, else nothing.
inline constexpr text_for<object> object_paths[] = {
    {object::proc, "/proc"},
    {object::process, "/proc/<pid>"},
    {object::stat, "/proc/<pid><task>/stat"},
    {object::process_status, "/proc/<pid><task>/status"},
    {object::task_directory, "/proc/<pid><task>/task"},
    {object::fd_directory, "/proc/<pid><task>/fd"},
    {object::fd, "/proc/<pid><task>/fd/<fd>"},
    {object::fdinfo_directory, "/proc/<pid><task>/fdinfo"},
    {object::fdinfo, "/proc/<pid><task>/fdinfo/<fd>"},
    {object::dmabuf_fds, "/proc/<pid><task>/dmabuf_fds"},
    {object::maps, "/proc/<pid><task>/maps"},
    {object::map_files, "/proc/<pid><task>/map_files"},
    {object::cgroup, "/proc/<pid><task>/cgroup"},
    {object::command_line, "/proc/<pid><task>/cmdline"},
    {object::bufinfo, "/sys/kernel/debug/dma_buf/bufinfo"},
    {object::pid_namespace, "/proc/self/ns/pid"},
    {object::kernel_release, "/proc/sys/kernel/osrelease"},
    {object::sysfs_buffers, "/sys/kernel/dmabuf/buffers"},
    {object::sysfs_size, "/sys/kernel/dmabuf/buffers/<inode>/size"},
    {object::sysfs_exporter_name, "/sys/kernel/dmabuf/buffers/<inode>/exporter_name"},
    {object::bpf_descriptors, "/sys/fs/bpf/dmabuf/descriptors"},
    {object::bpf_mappings, "/sys/fs/bpf/dmabuf/mappings"},
    {object::bpf_buffers, "/sys/fs/bpf/dmabuf/buffers"},
    {object::bpf_android_buffers, "/sys/fs/bpf/dmabuf/prog_dmabufIter_iter_dmabuf"},
    {object::bpf_origins, "/sys/fs/bpf/dmabuf/origins"},
    {object::bpf_attachments, "/sys/fs/bpf/dmabuf/attachments"},
};
static_assert(are_in_order(object_paths, object::bpf_attachments));

constexpr std::string_view error_words(int error) {
    switch (error) {
    case EPERM:
        return "not permitted (EPERM)";
    case ENOENT:
        return "no such file (ENOENT)";
    case ESRCH:
        return "no such process (ESRCH)";
    case EINTR:
        return "interrupted (EINTR)";
    case EIO:
        return "input/output error (EIO)";
    case E2BIG:
        return "asks for more than this kernel knows (E2BIG)";
    case ECHILD:
        return "a thread, not a process (ECHILD)";
    case ENOEXEC:
        return "a kernel thread, which holds no buffers (ENOEXEC)";
    case EAGAIN:
        return "changes all the time (EAGAIN)";
    case EBADF:
        return "bad descriptor (EBADF)";
    case ENOMEM:
        return "out of memory (ENOMEM)";
    case EACCES:
        return "permission denied (EACCES)";
    case ENODEV:
        return "not mounted (ENODEV)";
    case ENODATA:
        return "nothing to tell by (ENODATA)";
    case ENOTDIR:
        return "not a directory (ENOTDIR)";
    case EINVAL:
        return "invalid argument (EINVAL)";
    case ENAMETOOLONG:
        return "name too long (ENAMETOOLONG)";
    case ENFILE:
        return "too many open files in the system (ENFILE)";
    case EMFILE:
        return "too many open files (EMFILE)";
    case ENOSYS:
        return "not in this kernel (ENOSYS)";
    case EOVERFLOW:
        return "longer than expected (EOVERFLOW)";
    case ENOBUFS:
        return "may be cut off where the kernel's buffer was full (ENOBUFS)";
    case EBADMSG:
        return "not the text that the kernel writes (EBADMSG)";
    case ENOTSUP:
        return "not supported (ENOTSUP)";
    case EPROTONOSUPPORT:
        return "of another version (EPROTONOSUPPORT)";
    case EILSEQ:
        return "written by a machine of the other byte order (EILSEQ)";
    case EXDEV:
        return "its numbers are of other namespaces (EXDEV)";
    default:
        return {};
    }
}

} // namespace detail

/// The path that a `place` stands for, e.g. "/proc/12/task/13/fdinfo/7".
/// Cost: no system call, no allocation.
template<class = detail::if_called>
constexpr inline_text<95> path_of(place const& where) {
    inline_text<95> path;
    for (auto rest = detail::text_of(detail::object_paths, where.what, ""); !rest.empty();) {
        path.append(detail::take_until(rest, '<'));
        auto const part = detail::take_until(rest, '>');
        if (part == "pid")
            path.append_number(where.pid);
        else if (part == "task" && where.tid != 0)
            path.append("/task/").append_number(where.tid);
        else if (part == "fd")
            path.append_number(where.fd);
        else if (part == "inode")
            path.append_number(where.inode);
    }
    return path;
}

/// The path of a directory, as a value. One of more than 150 bytes is cut, and refused where it is
/// used (ENAMETOOLONG): every path below a whole one fits `path_of()`.
class root_path : public inline_text<150> {
public:
    constexpr root_path() = default;
    template<std::convertible_to<std::string_view> Text>
    constexpr root_path(Text const& path)
        : inline_text(std::string_view(path)) {}
};

/// The directories where the kernel shows its files. A container may have those of its host
/// elsewhere than at the usual places.
struct roots {
    root_path proc = "/proc";
    root_path sys = "/sys"; ///< with debugfs in kernel/debug
    root_path bpffs = {};   ///< empty: fs/bpf in `sys`

    bool operator==(roots const&) const = default;
    /// Whether one of the three was cut: see `root_path`.
    [[nodiscard]] constexpr bool truncated() const {
        return proc.truncated() || sys.truncated() || bpffs.truncated();
    }
};

/// The path that a `place` stands for where the kernel shows its files in `below`.
/// Cost: no system call, no allocation.
template<class = detail::if_called>
[[gnu::noinline]] constexpr inline_text<255> path_of(place const& where, roots const& below) {
    inline_text<255> path;
    auto const whole = path_of(where);
    auto const is_below = [&](std::string_view usual, root_path const& chosen) {
        if (chosen.empty() || !whole.view().starts_with(usual)) return false;
        path.append(chosen.view()).append(whole.view().substr(usual.size()));
        return true;
    };
    (void)(is_below("/sys/fs/bpf", below.bpffs) || is_below("/sys", below.sys) ||
           is_below("/proc", below.proc));
    return path;
}

/// One line for people: "cannot open /proc/12/fd: permission denied (EACCES)".
/// Cost: no system call, no allocation.
template<class = detail::if_called>
constexpr inline_text<223> describe(failure const& why) {
    inline_text<223> line;
    line.append("cannot ")
        .append(detail::text_of(detail::verbs, why.doing, "use"))
        .append(" ")
        .append(path_of(why.where).view());
    if (why.line != 0) line.append(" at line ").append_number(why.line);
    if (why.doing == operation::parse)
        line.append(why.line != 0 ? ", byte " : " at byte ").append_number(why.offset);
    line.append(": ");
    if (auto const words = detail::error_words(why.error); !words.empty())
        return line.append(words);
    return line.append("errno ").append_number(why.error);
}

} // namespace v0
} // namespace dmabuf
