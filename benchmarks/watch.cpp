// SPDX-License-Identifier: MIT
//
// A look of dmabuf_watch, against the sample that it takes.
#include <dmabuf/sampler.hpp>

#include "dmabuf_watch/looks.hpp"
#include "dmabuf_watch/watcher.hpp"
#include "rows.hpp"

#include <cstdio>
#include <cstdlib>
#include <memory>

namespace {

struct watching {
    dmabuf_watch::options chosen;
    dmabuf::sampler sampler;
    dmabuf_watch::watcher watcher;
    dmabuf::snapshot now;

    explicit watching(dmabuf_watch::options const& options)
        : chosen(options)
        , sampler(dmabuf_watch::sampling(chosen, {.root = true}))
        , watcher(chosen) {}

    std::uint64_t once(bool look) {
        auto const done = sampler.sample(now);
        if (!done || now.coverage.found_by != chosen.source) {
            std::fprintf(stderr, "measure: %s\n", describe(done.error()).c_str());
            std::exit(1);
        }
        if (look) (void)watcher.look(now);
        std::uint64_t found = 0;
        for (auto const& buffer : now.buffers)
            found += buffer.descriptors;
        return found;
    }
};

row watch_by(dmabuf::source by, char const* name, bool looks) {
    auto const begin = [by, looks](auto) -> look {
        dmabuf_watch::options chosen;
        chosen.source = by;
        auto const all = std::make_shared<watching>(chosen);
        return [all, looks] { return all->once(looks); };
    };
    return {.name = name,
            .begin = begin,
            .lists = by == dmabuf::source::dmabuf_fds,
            .pins = by == dmabuf::source::bpf_iterator,
            .remembers = true};
}

} // namespace

std::vector<row> watch_rows() {
    return {
        watch_by(dmabuf::source::fd_walk, "watch: fd_walk: sample", false),
        watch_by(dmabuf::source::fd_walk, "watch: fd_walk: look", true),
        watch_by(dmabuf::source::dmabuf_fds, "watch: dmabuf_fds: sample", false),
        watch_by(dmabuf::source::dmabuf_fds, "watch: dmabuf_fds: look", true),
        watch_by(dmabuf::source::bpf_iterator, "watch: bpf_iterator: sample", false),
        watch_by(dmabuf::source::bpf_iterator, "watch: bpf_iterator: look", true),
    };
}
