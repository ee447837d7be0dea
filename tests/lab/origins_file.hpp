// SPDX-License-Identifier: MIT
//
// The pinned files of makers and importers, read by kernel/bpf/records.h alone: what the tests
// compare with does not come through the library.
#pragma once

#include "../../kernel/bpf/records.h"
#include "scene.hpp"

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <vector>

namespace scene {

/// `Record` is dmabuf_bpf_origin or dmabuf_bpf_attachment.
template<class Record>
struct watch_walk {
    std::uint32_t flags = 0; ///< of the header
    std::vector<dmabuf_bpf_watch> watches;
    std::vector<Record> records;
    bool ended = false;

    [[nodiscard]] dmabuf_bpf_watch const& last() const { return watches.back(); }
    /// Whether nothing changed during the walk.
    [[nodiscard]] bool undisturbed() const {
        return watches.front().finished == watches.back().begun;
    }
    [[nodiscard]] std::vector<Record> of(std::uint64_t inode) const {
        std::vector<Record> found;
        for (auto const& record : records)
            if (record.inode == inode) found.push_back(record);
        return found;
    }
};

inline std::string bytes_from(int file) {
    std::string bytes;
    static char space[65536];
    for (ssize_t got = 1; got > 0; bytes.append(space, static_cast<std::size_t>(got)))
        got = lab::check(::read(file, space, sizeof space), "read");
    return bytes;
}

template<class Record>
watch_walk<Record> parse_walk(std::string const& bytes, std::uint16_t kind) {
    watch_walk<Record> walk;
    dmabuf_bpf_head head{};
    for (std::size_t at = 0; at < bytes.size(); at += head.length) {
        std::memcpy(&head, bytes.data() + at, sizeof head);
        REQUIRE(head.length >= sizeof head);
        REQUIRE(head.length <= bytes.size() - at);
        REQUIRE_FALSE(walk.ended);
        auto const take = [&](auto& into) {
            REQUIRE(head.length == sizeof into);
            std::memcpy(&into, bytes.data() + at, sizeof into);
        };
        if (at == 0) {
            dmabuf_bpf_header header;
            take(header);
            CHECK(head.kind == DMABUF_BPF_HEADER);
            CHECK(header.content == kind);
            CHECK(header.version == DMABUF_BPF_VERSION);
            walk.flags = head.flags;
        } else if (head.kind == DMABUF_BPF_WATCH) {
            take(walk.watches.emplace_back());
        } else if (head.kind == kind) {
            take(walk.records.emplace_back());
        } else {
            CHECK(head.kind == DMABUF_BPF_END);
            walk.ended = true;
        }
    }
    REQUIRE(walk.ended);
    REQUIRE(walk.watches.size() == 2);
    for (auto const& watch : walk.watches)
        REQUIRE(watch.finished <= watch.begun);
    return walk;
}

/// Whether dmabuf_pin takes this kernel for one without fentry, and so watches by kprobes.
inline bool by_probes() {
    return std::getenv("DMABUF_PIN_REFUSE_FENTRY") != nullptr;
}

inline lab::descriptor open_pinned(char const* name) {
    auto const path = std::string("/sys/fs/bpf/dmabuf/") + name;
    return lab::descriptor(lab::check(::open(path.c_str(), O_RDONLY | O_CLOEXEC), path.c_str()));
}

inline auto read_origins() {
    return parse_walk<dmabuf_bpf_origin>(bytes_from(open_pinned("origins").get()),
                                         DMABUF_BPF_ORIGIN);
}

inline auto read_attachments() {
    return parse_walk<dmabuf_bpf_attachment>(bytes_from(open_pinned("attachments").get()),
                                             DMABUF_BPF_ATTACHMENT);
}

/// The origins once no test before this one has a buffer left, or 5 s later.
inline auto origins_when_empty() {
    auto walk = read_origins();
    for (int i = 0; i < 50 && !walk.records.empty(); ++i) {
        ::usleep(100'000);
        walk = read_origins();
    }
    return walk;
}

} // namespace scene
