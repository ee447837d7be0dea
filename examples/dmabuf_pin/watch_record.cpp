// SPDX-License-Identifier: MIT
#include "watch_record.hpp"

#include <dmabuf/kernel/files.hpp>

#include <array>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>
#include <vector>

namespace dmabuf_pin {

namespace {

std::vector<char> read_all(std::string const& path) {
    std::vector<char> bytes;
    dmabuf::unique_fd<> const file({}, ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    std::array<char, 32768> piece;
    for (ssize_t got = 1; file.is_open() && got > 0;) {
        got = ::read(file.get(), piece.data(), piece.size());
        if (got > 0) bytes.insert(bytes.end(), piece.begin(), piece.begin() + got);
    }
    return bytes;
}

} // namespace

std::optional<watch_summary> summarize(std::string const& path) {
    watch_summary found{};
    auto const bytes = read_all(path);
    dmabuf_bpf_head head{};
    for (std::size_t at = 0; at + sizeof head <= bytes.size(); at += head.length) {
        std::memcpy(&head, bytes.data() + at, sizeof head);
        if (head.length < sizeof head || at + head.length > bytes.size()) break;
        if (head.kind == DMABUF_BPF_END) return found;
        if (head.kind == DMABUF_BPF_ORIGIN || head.kind == DMABUF_BPF_ATTACHMENT) ++found.records;
        if (head.kind == DMABUF_BPF_WATCH && head.length == sizeof found.watch)
            std::memcpy(&found.watch, bytes.data() + at, sizeof found.watch);
    }
    return std::nullopt;
}

} // namespace dmabuf_pin
