// SPDX-License-Identifier: MIT
//
// The library's own strategies, and their floors.
#include <dmabuf/dmabuf.hpp>

#include "rows.hpp"

#include <cstdio>
#include <cstdlib>
#include <memory>

namespace {

constexpr auto walk = dmabuf::source::fd_walk;
constexpr auto lists = dmabuf::source::dmabuf_fds;
constexpr auto pins = dmabuf::source::bpf_iterator;

/// Who holds what, and how large it is: what every row tells.
dmabuf::sample_options sizes(dmabuf::source by) {
    dmabuf::sample_options options;
    options.exporters = options.names = options.path_descriptors = options.mappings = false;
    options.force = by;
    return options;
}

dmabuf::sample_options mappings(dmabuf::sample_options options) {
    options.mappings = true;
    return options;
}

dmabuf::sample_options exporters(dmabuf::sample_options options) {
    options.exporters = true;
    return options;
}

dmabuf::sample_options names(dmabuf::sample_options options) {
    options.names = true;
    return options;
}

dmabuf::sample_options everything(dmabuf::source by) {
    dmabuf::sample_options options;
    options.force = by;
    return options;
}

struct sampling {
    dmabuf::sampler sampler;
    dmabuf::source by;
    dmabuf::snapshot now;

    std::uint64_t once() {
        auto const done = sampler.sample(now);
        if (!done || now.coverage.used != by || now.coverage.buffers_unsized != 0) {
            std::fprintf(stderr, "measure: %s\n", describe(done.error()).c_str());
            std::exit(1);
        }
        std::uint64_t found = 0;
        for (auto const& buffer : now.buffers)
            found += buffer.descriptors;
        return found;
    }
};

std::function<look()> by_sampler(dmabuf::sample_options options) {
    return [options]() -> look {
        auto const all =
            std::make_shared<sampling>(sampling{dmabuf::sampler(options), options.force, {}});
        return [all] { return all->once(); };
    };
}

std::function<look()> by_least(unsigned what) {
    return [what]() -> look { return [what] { return least_calls(what); }; };
}

} // namespace

std::vector<row> library_rows() {
    return {
        {"fd_walk: sizes", by_sampler(sizes(walk))},
        {"fd_walk: sizes, mappings", by_sampler(mappings(sizes(walk)))},
        {"fd_walk: sizes, exporters, names", by_sampler(names(exporters(sizes(walk))))},
        {"fd_walk: all, O_PATH marked", by_sampler(everything(walk))},
        {"dmabuf_fds: sizes", by_sampler(sizes(lists)), true},
        {"dmabuf_fds: sizes, exporters", by_sampler(exporters(sizes(lists))), true},
        {"dmabuf_fds: all", by_sampler(everything(lists)), true},
        {"bpf_iterator: sizes", by_sampler(sizes(pins)), false, false, true},
        {"bpf_iterator: sizes, exporters, names", by_sampler(names(exporters(sizes(pins)))), false,
         false, true},
        {"bpf_iterator: all", by_sampler(everything(pins)), false, false, true},
    };
}

std::vector<row> floor_rows() {
    return {
        {"floor of fd_walk: sizes", by_least(0)},
        {"floor of fd_walk: sizes, mappings", by_least(with_mappings)},
        {"floor of fd_walk: sizes, exporters, names", by_least(with_names)},
        {"floor of dmabuf_fds: sizes", by_least(by_lists), true, true},
        {"floor of dmabuf_fds: sizes, exporters", by_least(by_lists | with_exporters), true, true},
    };
}
