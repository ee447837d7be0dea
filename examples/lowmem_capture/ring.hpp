// SPDX-License-Identifier: MIT
//
// A directory with the newest so many captures. A capture is either there as a whole or not at all,
// after a crash too, and none is given up for one that could not be written.
#pragma once

#include <dmabuf/system.hpp>
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
        if (error_ == 0 && !report::write_all(fd_, text)) error_ = errno;
    }
    [[nodiscard]] int error() const { return error_; }

private:
    int fd_;
    int error_ = 0;
};

/// One program at a time: the directory is locked.
class ring {
public:
    using file_name = dmabuf::inline_text<63>;

    ring(std::string path, std::size_t keep)
        : path_(std::move(path))
        , keep_(keep) {
        names_.reserve(keep + 1);
    }

    /// Opens the directory, makes it where it is not, takes the lock, and looks at what is there.
    /// EWOULDBLOCK: another program has the lock.
    trouble open();

    /// Adds a file of what `fill(text_sink&)` writes, and then deletes the oldest beyond `keep`.
    /// A directory that has vanished is made again. Allocates nothing, unless that one has files.
    template<class Fill>
    trouble add(Fill fill) {
        if (auto const failed = begin(); failed.error != 0) return failed;
        ring_file file(part_.get());
        fill(file);
        return end(file.error());
    }

    [[nodiscard]] std::string const& path() const { return path_; }
    /// The newest.
    [[nodiscard]] file_name const& newest() const { return names_.back(); }
    [[nodiscard]] std::size_t size() const { return names_.size(); }

private:
    trouble begin();
    trouble end(int write_error);
    trouble commit(int write_error);
    [[nodiscard]] bool is_in_place() const;
    trouble list();
    void drop_oldest();

    std::string path_;
    std::size_t keep_;
    dmabuf::unique_fd<> directory_;
    dmabuf::unique_fd<> part_;
    std::vector<file_name> names_; ///< from the oldest to the newest
    std::uint64_t last_number_ = 0;
};

} // namespace lowmem_capture
