// SPDX-License-Identifier: MIT
#include "whole_file.hpp"

#include <dmabuf/kernel/files.hpp>

#include "new_file.hpp"
#include "write_all.hpp"

#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <sys/random.h>
#include <sys/stat.h>

namespace files {

namespace {

using file_status = struct ::stat;
using descriptor = dmabuf::unique_fd<>;

constexpr std::string_view standard = "-";

trouble of_errno(int error) {
    return {std::strerror(error)};
}

descriptor own(int fd) {
    return {dmabuf::live_system{}, fd};
}

/// Holds all signals back as long as it lives.
class signals_wait {
public:
    signals_wait() {
        sigset_t all;
        sigfillset(&all);
        ::pthread_sigmask(SIG_BLOCK, &all, &before_);
    }
    ~signals_wait() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    signals_wait(signals_wait const&) = delete;
    signals_wait& operator=(signals_wait const&) = delete;

private:
    sigset_t before_;
};

/// A path as a directory, opened once, and a name in it.
struct location {
    descriptor directory;
    std::string name;

    bool look(file_status& status) const {
        return ::fstatat(directory.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    }
};

location locate(std::string const& path) {
    auto const slash = path.rfind('/');
    auto const parent = slash == path.npos ? "." : path.substr(0, slash + 1);
    return {own(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)),
            path.substr(slash + 1)}; // npos + 1 is 0
}

/// Nobody can foresee the name, and so nobody can make the file beforehand.
std::string unpredictable_name() {
    std::uint64_t number = 0;
    if (::getrandom(&number, sizeof number, 0) != sizeof number) return {};
    return fmt::format(".dmabuf-{:016x}", number);
}

// --- replacing ---

/// Sets the mode. Returns 0, or an errno.
int give_mode(int fd, ::mode_t mode) {
    return ::fchmod(fd, mode) == 0 ? 0 : errno;
}

/// A file is made with 0600, without a moment in which others may read it.
int give_mode_of_new(int fd, ::mode_t mode) {
    return mode == 0600 ? 0 : give_mode(fd, mode);
}

/// Gives a new file the mode and group of the one that it replaces. Where the group cannot be kept,
/// another one may do nothing.
int take_rights(int fd, file_status const& of) {
    bool const same_group = ::fchown(fd, static_cast<::uid_t>(-1), of.st_gid) == 0;
    return give_mode(fd, of.st_mode & (same_group ? 0777 : 0707));
}

/// Returns an errno; 0 once all of it lies on the disk.
int fill(int fd, std::string_view text) {
    if (!write_all(fd, text)) return errno;
    return ::fsync(fd) == 0 ? 0 : errno;
}

bool is_still(int fd, location const& where) {
    file_status open;
    file_status there;
    return ::fstat(fd, &open) == 0 && where.look(there) && open.st_dev == there.st_dev &&
           open.st_ino == there.st_ino;
}

/// `before` is the file to be replaced; null: there is none, and the new one gets the mode `fresh`.
trouble replace(location const& where, file_status const* before, std::string_view text,
                ::mode_t fresh) {
    signals_wait const until_done;
    int const directory = where.directory.get();
    auto const beside = unpredictable_name();
    auto const file = own(make_new(directory, beside.c_str()));
    if (!file.is_open())
        return {fmt::format("cannot make a file in its directory: {}", std::strerror(errno))};
    int error = before ? take_rights(file.get(), *before) : give_mode_of_new(file.get(), fresh);
    if (error == 0) error = fill(file.get(), text);
    if (error == 0 && ::renameat(directory, beside.c_str(), directory, where.name.c_str()) != 0)
        error = errno;
    if (error != 0) return ::unlinkat(directory, beside.c_str(), 0), of_errno(error);
    if (!is_still(file.get(), where)) return {"somebody put another file in its place"};
    // Some file systems cannot do this for a directory.
    if (::fsync(directory) != 0 && errno != EINVAL) return of_errno(errno);
    return {};
}

trouble replace_regular(location const& where, file_status const& there, std::string_view text) {
    if (there.st_uid != ::geteuid()) return {"it belongs to another user"};
    if (there.st_nlink != 1) return {"it has another name too (a hard link)"};
    if (::faccessat(where.directory.get(), where.name.c_str(), W_OK, AT_EACCESS) != 0)
        return of_errno(errno);
    return replace(where, &there, text, 0);
}

// --- in place ---

trouble not_opened(bool link, int error) {
    if (error == ENXIO) return {"nobody reads it"};
    if (link && error == ENOENT) return {"it is a symbolic link that leads nowhere"};
    return of_errno(error);
}

trouble write_in_place(location const& where, file_status const& there, std::string_view text) {
    bool const link = S_ISLNK(there.st_mode);
    if (!link && !S_ISCHR(there.st_mode) && !S_ISFIFO(there.st_mode))
        return {S_ISDIR(there.st_mode) ? "it is a directory" : "it is no regular file"};
    // Anybody may make a link or a FIFO; a device only root can.
    if (!S_ISCHR(there.st_mode) && there.st_uid != 0 && there.st_uid != ::geteuid())
        return {"it belongs to another user"};
    int const flags =
        O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | (link ? 0 : O_NOFOLLOW); // not to wait
    auto const file = own(::openat(where.directory.get(), where.name.c_str(), flags));
    if (!file.is_open()) return not_opened(link, errno);
    file_status open;
    if (::fstat(file.get(), &open) != 0) return of_errno(errno);
    if (!S_ISCHR(open.st_mode) && !S_ISFIFO(open.st_mode))
        return {"it is a symbolic link: name the file that it leads to"};
    ::fcntl(file.get(), F_SETFL, ::fcntl(file.get(), F_GETFL) & ~O_NONBLOCK);
    return write_all(file.get(), text) ? trouble{} : of_errno(errno);
}

/// A reader that closed the pipe has seen enough.
trouble write_standard_output(std::string_view text) {
    bool const done = write_all(STDOUT_FILENO, text) || errno == EPIPE;
    return done ? trouble{} : of_errno(errno);
}

} // namespace

std::variant<std::string, trouble> read_whole(std::string const& path, std::size_t most) {
    dmabuf::live_system const system;
    bool const given = path == standard;
    auto const opened =
        given ? descriptor() : own(::open(path.c_str(), O_RDONLY | O_NOCTTY | O_CLOEXEC));
    if (!given && !opened.is_open()) return of_errno(errno);
    int const fd = given ? STDIN_FILENO : opened.get();
    std::string text;
    for (std::array<char, 65536> piece;;) {
        long const got = dmabuf::detail::uninterrupted_read(system, fd, piece);
        if (got < 0) return of_errno(static_cast<int>(-got));
        if (got == 0) return text;
        text.append(piece.data(), static_cast<std::size_t>(got));
        if (text.size() > most) return trouble{fmt::format("it is larger than {} bytes", most)};
    }
}

trouble write_whole(std::string const& path, std::string_view text, ::mode_t fresh) {
    if (path == standard) return write_standard_output(text);
    auto const where = locate(path);
    if (!where.directory.is_open()) return of_errno(errno);
    if (where.name.empty() || where.name == "." || where.name == "..") return {"it is a directory"};
    file_status there;
    if (!where.look(there))
        return errno == ENOENT ? replace(where, nullptr, text, fresh) : of_errno(errno);
    return S_ISREG(there.st_mode) ? replace_regular(where, there, text)
                                  : write_in_place(where, there, text);
}

} // namespace files
