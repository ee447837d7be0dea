// SPDX-License-Identifier: MIT
//
// Series of recordings, for the programs that look again and again.
#pragma once

#include "replay/support.hpp"
#include "report/rights.hpp"
#include "scratch.hpp"

#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace programs {

/// All that these programs ask for.
inline dmabuf::sample_options everything() {
    dmabuf::sample_options wanted;
    wanted.bpf = false;
    wanted.counts = wanted.cgroups = wanted.unheld = wanted.bufinfo = true;
    return wanted;
}

/// A process that holds one buffer, and another one that holds another. Time goes by a second a
/// look.
struct world {
    fake::kernel kernel;
    fake::file_ptr first = kernel.buffer(7, 4096);
    fake::process* one = &kernel.add(10, "one", 1000);
    fake::process* two = &kernel.add(20, "two", 2000);
    std::uint64_t next_inode = 100;

    world() {
        kernel.debugfs = true;
        one->cgroup = "/a";
        one->open(first);
        two->open(kernel.buffer(8, 8192, "drm"));
    }
    fake::file_ptr buffer(std::uint64_t bytes = 16384) {
        return kernel.buffer(next_inode++, bytes);
    }
};

/// The recordings of so many looks, before each of which `happens` changes the world.
class series {
public:
    using step = std::function<void(world&, int)>;

    series(int looks, step const& happens) {
        world it;
        for (int i = 0; i < looks; ++i) {
            happens(it, i);
            add(it, i);
        }
    }

    [[nodiscard]] std::vector<std::string> const& files() const { return files_; }
    [[nodiscard]] std::string path(std::string const& name) const {
        return there_.path() + "/" + name;
    }

private:
    void add(world& it, int second) {
        auto done = support::record(it.kernel, everything()).recording;
        done.made.rights = report::words_of({true, true, true, true, false});
        done.made.users = {{1000, "anna"}, {2000, "bert"}};
        for (auto& one : done.entries)
            if (one.what == replay::call::clock)
                one.number += static_cast<std::uint64_t>(second + 1) * 1'000'000'000;
        files_.push_back(path(std::to_string(second) + ".recording"));
        std::ofstream(files_.back()) << replay::write(done);
    }

    scratch there_;
    std::vector<std::string> files_;
};

} // namespace programs
