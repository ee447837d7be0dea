// SPDX-License-Identifier: MIT
//
// A directory with the newest so many captures, and apart from them the newest failure. A file is
// either there as a whole or not at all, after a crash too. A capture is given up only for a newer
// one that is on the disk.
#pragma once

#include <dmabuf/kernel/files.hpp>
#include <dmabuf/text.hpp>

#include "report/json_writer.hpp"
#include "say.hpp"

#include <string>
#include <vector>

namespace lowmem_capture {

/// The step that failed; an `error` of 0: none did.
struct trouble {
    char const* doing = "";
    int error = 0;
};

/// A new file of the ring. After the first failure it takes the rest and drops it.
class ring_file final : public report::text_sink {
public:
    explicit ring_file(int fd)
        : fd_(fd) {}

    void write(std::string_view text) override {
        if (error_ == 0 && !files::write_all(fd_, text)) error_ = errno;
    }
    [[nodiscard]] int error() const { return error_; }

private:
    int fd_;
    int error_ = 0;
};

/// The names of one kind of file, "PREFIX-0000000042-20261124T145501Z.json", the oldest first. The
/// number goes first: clocks are set, and on some devices start at the same moment with every boot.
/// After the last number of ten digits, which only somebody else can have put there, it stays, and
/// the time decides.
class file_series {
public:
    using file_name = dmabuf::inline_text<63>;

    file_series(std::string_view prefix, std::size_t keep)
        : prefix_(prefix)
        , keep_(keep) {
        names_.reserve(keep + 1);
    }

    /// Whether a file of this name is one of them. A copy with a name of its own is not.
    [[nodiscard]] bool includes(std::string_view name) const;
    /// Takes these names in place of those that it has.
    void clear() { names_.clear(); }
    void found(std::string_view name) { names_.emplace_back(name); }
    void sort();

    [[nodiscard]] file_name next() const;
    [[nodiscard]] bool has(file_name const& name) const;
    void add(file_name const& name);
    [[nodiscard]] bool is_too_long() const { return names_.size() > keep_; }
    file_name take_oldest();

    /// The newest.
    [[nodiscard]] file_name const& newest() const { return names_.back(); }

private:
    std::string_view prefix_;
    std::size_t keep_;
    std::vector<file_name> names_;
    std::uint64_t last_number_ = 0;
};

/// One program at a time: the directory is locked.
class ring {
public:
    ring(std::string path, std::size_t keep)
        : path_(std::move(path))
        , captures_("lowmem", keep)
        , failures_("failed", 1) {}

    /// Opens the directory, which is made where it is missing, takes the lock, and lists the files.
    /// EWOULDBLOCK: another program has the lock.
    trouble open();

    /// Adds a capture, which `fill(text_sink&)` writes, and then deletes the oldest beyond `keep`.
    /// A directory that has vanished is made again. Allocates nothing, unless that one has files.
    template<class Fill>
    trouble add(Fill fill) {
        return add_to(captures_, fill);
    }

    /// The same for an event of which there is no capture. It takes the place of the failure
    /// before.
    template<class Fill>
    trouble add_failure(Fill fill) {
        return add_to(failures_, fill);
    }

    [[nodiscard]] std::string const& path() const { return path_; }
    [[nodiscard]] file_series const& captures() const { return captures_; }
    [[nodiscard]] file_series const& failures() const { return failures_; }

private:
    template<class Fill>
    trouble add_to(file_series& files, Fill fill) {
        if (auto const failed = begin(); failed.error != 0) return failed;
        ring_file file(part_.get());
        fill(file);
        return end(files, file.error());
    }

    trouble begin();
    trouble end(file_series& files, int write_error);
    trouble commit(file_series& files, int write_error);
    [[nodiscard]] bool is_in_place() const;
    trouble list();
    void sort_in(char const* name);
    void drop_oldest(file_series& files);

    std::string path_;
    file_series captures_, failures_;
    dmabuf::unique_fd<> directory_;
    dmabuf::unique_fd<> part_;
};

} // namespace lowmem_capture
