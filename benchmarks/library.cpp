// SPDX-License-Identifier: MIT
//
// The library's own strategies, and their floors.
#include <dmabuf/dmabuf.hpp>

#include "rows.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>

static_assert(holder_bytes == sizeof(dmabuf::holder) && buffer_bytes == sizeof(dmabuf::buffer) &&
              reference_bytes == sizeof(dmabuf::reference));

namespace {

constexpr auto walk = dmabuf::source::fd_walk;
constexpr auto lists = dmabuf::source::dmabuf_fds;
constexpr auto pins = dmabuf::source::bpf_iterator;

/// Holders and sizes, which every row tells.
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

dmabuf::sample_options bufinfo(dmabuf::sample_options options) {
    options.bufinfo = true;
    return options;
}

dmabuf::sample_options unheld(dmabuf::sample_options options) {
    options.unheld = true;
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

dmabuf::sample_options cgroups(dmabuf::sample_options options) {
    options.cgroups = true;
    return options;
}

struct sampling {
    dmabuf::sampler sampler;
    dmabuf::source by;
    dmabuf::snapshot now;
    std::int32_t alone = 0; ///< this process, and no other

    std::uint64_t once() {
        auto const done = alone == 0 ? sampler.sample(now) : sampler.sample_process(now, alone);
        if (!done || now.coverage.found_by != by || now.coverage.buffers_unsized != 0) {
            std::fprintf(stderr, "measure: %s\n", describe(done.error()).c_str());
            std::exit(1);
        }
        std::uint64_t found = 0;
        for (auto const& buffer : now.buffers)
            found += buffer.descriptors;
        return found;
    }
};

/// A sample, and its sums by user and by cgroup.
struct grouping {
    sampling all;
    dmabuf::group_sums users;
    dmabuf::group_sums groups;

    std::uint64_t once() {
        auto const found = all.once();
        by_group(all.now, [](auto const& who) { return who.uid; }, users);
        by_group(all.now, [](auto const& who) { return who.cgroup; }, groups);
        return found;
    }
};

using beginning = std::function<look(std::int32_t)>;

beginning by_sampler(dmabuf::sample_options options) {
    return [options](auto) -> look {
        auto const all =
            std::make_shared<sampling>(sampling{dmabuf::sampler(options), options.force, {}});
        return [all] { return all->once(); };
    };
}

beginning by_sampler_of_one(dmabuf::sample_options options) {
    return [options](std::int32_t pid) -> look {
        auto const one =
            std::make_shared<sampling>(sampling{dmabuf::sampler(options), options.force, {}, pid});
        return [one] { return one->once(); };
    };
}

beginning by_groups(dmabuf::sample_options options) {
    return [options](auto) -> look {
        auto const all = std::make_shared<grouping>(
            grouping{{dmabuf::sampler(cgroups(options)), options.force, {}}, {}, {}});
        return [all] { return all->once(); };
    };
}

template<class Result>
auto value_of(Result&& result) {
    if (!result) {
        std::fprintf(stderr, "measure: %s\n", describe(result.error()).c_str());
        std::exit(1);
    }
    return std::forward<Result>(result).value();
}

/// The looks of a program that asks for one process.
class one_process {
public:
    one_process(std::int32_t pid, dmabuf::source by)
        : pid_(pid)
        , by_(by) {
        if (auto tree = dmabuf::open_sysfs_buffers()) sysfs_ = std::move(tree).value();
    }

    std::uint64_t once() {
        std::uint64_t found = 0;
        auto const process = value_of(dmabuf::open_process(proc_, pid_));
        tables_.clear();
        for (auto const& tid : dmabuf::read_tasks(process, dmabuf::read_space(task_space_))) {
            if (tables_.contains(value_of(tid)) == decltype(tables_)::answer::yes) continue;
            tables_.add(*tid);
            found += by_ == walk ? walk_table(process, *tid) : read_list(process, *tid);
        }
        value_of(dmabuf::read_stat(process));
        return found;
    }

private:
    std::uint64_t walk_table(dmabuf::process<> const& process, std::int32_t tid) {
        std::uint64_t found = 0;
        for (auto const& one :
             dmabuf::walk_fds(process, tid, known_, {false}, dmabuf::read_space(table_space_)))
            value_of(one), ++found;
        return found;
    }

    std::uint64_t read_list(dmabuf::process<> const& process, std::int32_t tid) {
        std::uint64_t found = 0;
        inodes_.clear();
        for (auto const& inode :
             dmabuf::read_dmabuf_fds(process, tid, dmabuf::read_space(table_space_)))
            inodes_.push_back(value_of(inode)), ++found;
        std::sort(inodes_.begin(), inodes_.end());
        inodes_.erase(std::unique(inodes_.begin(), inodes_.end()), inodes_.end());
        for (auto const inode : inodes_)
            value_of(dmabuf::read_sysfs_size(*sysfs_, inode));
        return found;
    }

    std::int32_t pid_;
    dmabuf::source by_;
    dmabuf::proc_directory<> proc_ = value_of(dmabuf::open_proc());
    std::optional<dmabuf::sysfs_buffers_directory<>> sysfs_;
    dmabuf::dmabuf_filesystem known_;
    dmabuf::distinct_tables<> tables_{dmabuf::live_system()};
    std::vector<std::uint64_t> inodes_;
    std::vector<char> task_space_ = std::vector<char>(32768);
    std::vector<char> table_space_ = std::vector<char>(32768);
};

beginning by_readers(dmabuf::source by) {
    return [by](std::int32_t pid) -> look {
        auto const all = std::make_shared<one_process>(pid, by);
        return [all] { return all->once(); };
    };
}

/// The walk of a caller that may not follow the links of another's descriptors.
look by_fdinfo(std::int32_t pid) {
    struct opened {
        dmabuf::process<> process;
        dmabuf::dmabuf_filesystem known;
        std::vector<char> space = std::vector<char>(32768);
    };
    auto const all = std::make_shared<opened>(opened{value_of(dmabuf::open_process(pid)), {}});
    return [all, pid] {
        std::uint64_t found = 0;
        for (auto const& one :
             dmabuf::walk_fdinfos(all->process, pid, all->known, dmabuf::read_space(all->space)))
            found += one && !one->info.is_path();
        return found;
    };
}

look by_program(std::int32_t pid) {
    struct opened {
        dmabuf::result<dmabuf::unique_fd<>> program =
            dmabuf::open_bpf_program(dmabuf::bpf_content::descriptors);
        std::vector<char> space = std::vector<char>(32768);
    };
    auto const all = std::make_shared<opened>();
    return [all, pid] {
        std::uint64_t found = 0;
        for (auto const& one :
             dmabuf::read_bpf_references_of(*all->program, dmabuf::bpf_content::descriptors, pid,
                                            dmabuf::read_space(all->space)))
            found += one.has_value();
        return found;
    };
}

beginning by_least(unsigned what) {
    return [what](auto) -> look { return [what] { return least_calls(what); }; };
}

beginning by_least_of_one(unsigned what) {
    return [what](std::int32_t pid) -> look { return [=] { return least_calls_of(pid, what); }; };
}

beginning by_pins(unsigned what) {
    return [what](auto) -> look { return [what] { return read_pins(what); }; };
}

look by_program_least(std::int32_t pid) {
    return [pid] { return read_pins_of(pid); };
}

row all_by(dmabuf::source by, char const* name, beginning begin) {
    return {.name = name,
            .begin = std::move(begin),
            .lists = by == lists,
            .pins = by == pins,
            .remembers = true};
}

row one_by(dmabuf::source by, char const* name, beginning begin) {
    auto made = all_by(by, name, std::move(begin));
    made.of_one = true;
    made.sysfs = by == lists;
    return made;
}

} // namespace

std::vector<row> library_rows() {
    return {
        all_by(walk, "fd_walk: sizes", by_sampler(sizes(walk))),
        all_by(walk, "fd_walk: sizes, mappings", by_sampler(mappings(sizes(walk)))),
        all_by(walk, "fd_walk: sizes, exporters, names", by_sampler(names(exporters(sizes(walk))))),
        all_by(walk, "fd_walk: all, O_PATH marked", by_sampler(everything(walk))),
        all_by(lists, "dmabuf_fds: sizes", by_sampler(sizes(lists))),
        all_by(lists, "dmabuf_fds: sizes, exporters", by_sampler(exporters(sizes(lists)))),
        all_by(lists, "dmabuf_fds: sizes, exporters by bufinfo",
               by_sampler(bufinfo(exporters(sizes(lists))))),
        all_by(lists, "dmabuf_fds: sizes, exporters, unheld by bufinfo",
               by_sampler(unheld(bufinfo(exporters(sizes(lists)))))),
        all_by(lists, "dmabuf_fds: all", by_sampler(everything(lists))),
        all_by(pins, "bpf_iterator: sizes", by_sampler(sizes(pins))),
        all_by(pins, "bpf_iterator: sizes, exporters, names",
               by_sampler(names(exporters(sizes(pins))))),
        all_by(pins, "bpf_iterator: all", by_sampler(everything(pins))),
        all_by(walk, "fd_walk: sizes, users, cgroups", by_groups(sizes(walk))),
        all_by(lists, "dmabuf_fds: sizes, users, cgroups", by_groups(sizes(lists))),
        all_by(pins, "bpf_iterator: sizes, users, cgroups", by_groups(sizes(pins))),
        one_by(walk, "one process: fd_walk: sizes", by_readers(walk)),
        one_by(walk, "one process: fdinfo", by_fdinfo),
        one_by(lists, "one process: dmabuf_fds: sizes", by_readers(lists)),
        one_by(pins, "one process: bpf_iterator: sizes, exporters, names", by_program),
        one_by(walk, "one process, sampled: fd_walk: sizes", by_sampler_of_one(sizes(walk))),
        one_by(lists, "one process, sampled: dmabuf_fds: sizes", by_sampler_of_one(sizes(lists))),
        one_by(pins, "one process, sampled: bpf_iterator: sizes, exporters, names",
               by_sampler_of_one(names(exporters(sizes(pins))))),
    };
}

std::vector<row> floor_rows() {
    return {
        all_by(walk, "floor of fd_walk: sizes", by_least(0)),
        all_by(walk, "floor of fd_walk: sizes, mappings", by_least(with_mappings)),
        all_by(walk, "floor of fd_walk: sizes, exporters, names", by_least(with_names)),
        all_by(walk, "floor of fd_walk: all, O_PATH marked",
               by_least(with_mappings | with_names | with_paths)),
        all_by(lists, "floor of dmabuf_fds: sizes", by_least(by_lists)),
        all_by(lists, "floor of dmabuf_fds: sizes, exporters", by_least(by_lists | with_exporters)),
        all_by(lists, "floor of dmabuf_fds: sizes, kept", by_least(by_lists | kept)),
        all_by(lists, "floor of dmabuf_fds: sizes, exporters, kept",
               by_least(by_lists | with_exporters | kept)),
        all_by(lists, "floor of dmabuf_fds: all", by_least(by_lists | with_mappings | with_names)),
        all_by(pins, "floor of bpf_iterator: sizes", by_pins(0)),
        all_by(pins, "floor of bpf_iterator: sizes, exporters, names", by_pins(0)),
        all_by(pins, "floor of bpf_iterator: all", by_pins(with_mappings)),
        one_by(walk, "floor of one process: fd_walk: sizes", by_least_of_one(0)),
        one_by(lists, "floor of one process: dmabuf_fds: sizes", by_least_of_one(by_lists)),
        one_by(pins, "floor of one process: bpf_iterator: sizes, exporters, names",
               by_program_least),
        one_by(walk, "floor of one process, sampled: fd_walk: sizes", by_least_of_one(remembered)),
        one_by(lists, "floor of one process, sampled: dmabuf_fds: sizes",
               by_least_of_one(by_lists | remembered)),
        one_by(pins, "floor of one process, sampled: bpf_iterator: sizes, exporters, names",
               by_program_least),
    };
}
