// SPDX-License-Identifier: MIT
//
// The watch of an earlier run, whose notes go on in the next one's programs.
#pragma once

#include "pin_directory.hpp"

#include <array>
#include <cstdint>

namespace dmabuf_pin {

/// One of the two maps: that of buffers, or that of their attachments.
enum class watched : std::uint8_t { buffers, attachments };

class kept_watch {
public:
    /// Opens the watch that is pinned in the directory at `path`, if all of it is there and as this
    /// version makes it.
    explicit kept_watch(std::string const& path);

    [[nodiscard]] bool is_there() const { return there_; }
    /// Whether a watch is pinned that cannot be taken over.
    [[nodiscard]] bool is_of_other_version() const { return other_; }

    [[nodiscard]] int map(watched what) const {
        return maps_[static_cast<std::size_t>(what)].get();
    }
    [[nodiscard]] int state() const { return state_.get(); }
    /// The number of notes that each map has room for.
    [[nodiscard]] std::uint32_t room() const { return room_; }

    struct misses {
        std::uint64_t begins = 0, ends = 0; ///< DMABUF_BPF_UNKNOWN: not counted
    };
    /// Asked of the pinned iterator.
    [[nodiscard]] misses missed(watched what) const;

private:
    bool fits();

    pin_directory directory_;
    std::array<dmabuf::unique_fd<>, 2> maps_;
    dmabuf::unique_fd<> state_;
    std::uint32_t room_ = 0;
    bool there_ = false;
    bool other_ = false;
};

/// Copies the notes from one map into another, while the kernel changes both.
void copy_notes(int from, int to, std::size_t value_bytes);

} // namespace dmabuf_pin
