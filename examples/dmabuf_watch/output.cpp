// SPDX-License-Identifier: MIT
#include "output.hpp"

#include "files/write_all.hpp"
#include "lines.hpp"
#include "say.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

namespace dmabuf_watch {

namespace {

using file_status = struct ::stat;

std::string why_not_opened(int error) {
    if (error == ELOOP) return "it is a symbolic link";
    if (error == ENXIO) return "it is no regular file";
    return std::strerror(error);
}

/// Why lines are not appended to this; empty: they are.
std::string why_no_log(file_status const& found) {
    if (!S_ISREG(found.st_mode)) return "it is no regular file";
    if (found.st_uid != ::geteuid()) return "it belongs to another user";
    if (found.st_nlink != 1) return "it has another name too (a hard link)";
    return {};
}

/// 0 where it is none, or empty.
std::uint64_t size_of(int fd) {
    file_status found{};
    return ::fstat(fd, &found) == 0 && S_ISREG(found.st_mode)
               ? static_cast<std::uint64_t>(found.st_size)
               : 0;
}

/// Whether the last line has no end, as of a watch or a machine that was stopped while it wrote.
bool ends_in_half_a_line(int fd) {
    char last = '\n';
    return ::lseek(fd, -1, SEEK_END) >= 0 && ::read(fd, &last, 1) == 1 && last != '\n';
}

/// Whether a rename onto this name replaces nothing but a file.
bool may_be_replaced(std::string const& path) {
    file_status found{};
    if (::lstat(path.c_str(), &found) != 0) return errno == ENOENT;
    return S_ISREG(found.st_mode);
}

} // namespace

output::output(options const& chosen)
    : path_(chosen.log)
    , header_(header_of(chosen.format))
    , most_bytes_(chosen.log_bytes) {}

int output::fd() const {
    return is_log() ? file_.get() : STDOUT_FILENO;
}

std::string output::open() {
    if (!is_log()) return {};
    file_.reset();
    constexpr int flags =
        O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    dmabuf::unique_fd<> opened(dmabuf::live_system{}, ::open(path_.c_str(), flags, 0600));
    if (!opened.is_open()) return why_not_opened(errno);
    file_status found{};
    if (::fstat(opened.get(), &found) != 0) return std::strerror(errno);
    if (auto why = why_no_log(found); !why.empty()) return why;
    if (ends_in_half_a_line(opened.get()) && !files::write_all(opened.get(), "\n"))
        return std::strerror(errno);
    file_ = std::move(opened);
    header_due_ = found.st_size == 0;
    return {};
}

void output::reopen() {
    if (auto const why = open(); !why.empty())
        say("cannot open {}: {}; each line tries again", path_, why);
}

void output::rotate() {
    auto const older = path_ + ".1";
    if (!may_be_replaced(older)) return say("cannot rename {}: {} is no file", path_, older);
    if (::rename(path_.c_str(), older.c_str()) != 0)
        return say("cannot rename {} to {}: {}", path_, older, std::strerror(errno));
    reopen();
}

bool output::has_no_reader() {
    pollfd reader{STDOUT_FILENO, 0, 0};
    if (!is_log() && ::poll(&reader, 1, 0) == 1) no_reader_ = (reader.revents & POLLERR) != 0;
    return no_reader_;
}

void output::write(std::string_view lines) {
    if (lines.empty()) return;
    auto const size = is_log() ? size_of(file_.get()) : 0;
    bool const full = most_bytes_ != 0 && size != 0 && size + lines.size() > most_bytes_;
    if (full) rotate();
    if (is_log() && !file_.is_open()) (void)open();
    if (try_write(lines)) {
        if (lost_ != 0) say("lines can be written again; {} could not", lost_);
        lost_ = 0;
    } else {
        lose(errno);
    }
}

/// All or nothing: a log has no half lines.
bool output::try_write(std::string_view lines) {
    auto const size = size_of(fd());
    bool const due = header_due_ && !header_.empty();
    if ((!due || files::write_all(fd(), header_)) && files::write_all(fd(), lines)) {
        header_due_ = false;
        return true;
    }
    int const error = errno;
    if (is_log() && file_.is_open() && ::ftruncate(fd(), static_cast<::off_t>(size)) != 0)
        say("cannot take back half a line of {}: {}", path_, std::strerror(errno));
    errno = error;
    return false;
}

void output::lose(int error) {
    no_reader_ = !is_log() && error == EPIPE;
    if (lost_++ == 0 && !no_reader_)
        say("cannot write to {}: {}; lines are lost until it can be written again",
            is_log() ? path_ : "standard output", std::strerror(error));
}

} // namespace dmabuf_watch
