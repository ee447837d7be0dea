// SPDX-License-Identifier: MIT
//
// Readers in the pipes and algorithms of <ranges>, which the library itself does not include.
#include <dmabuf/dmabuf.hpp>

#include "harness.hpp"

#include <iterator>
#include <ranges>

namespace {

using numbers = std::vector<std::int32_t>;

/// Every reader is a single-pass range. A pipe takes a temporary one over, and refers to a kept
/// one.
template<class Reader>
constexpr bool pipes() {
    using iterator = std::ranges::iterator_t<Reader>;
    static_assert(std::ranges::input_range<Reader> && !std::ranges::forward_range<Reader>);
    static_assert(std::input_iterator<iterator> && std::movable<iterator>);
    static_assert(std::sentinel_for<std::ranges::sentinel_t<Reader>, iterator>);
    static_assert(std::movable<Reader> && !std::copyable<Reader>);
    static_assert(std::ranges::viewable_range<Reader> && std::ranges::viewable_range<Reader&>);
    // An iterator into a temporary is refused all the same.
    static_assert(!std::ranges::borrowed_range<Reader>);
    static_assert(!requires(Reader&& one) { static_cast<Reader&&>(one).begin(); });
    return true;
}

static_assert(pipes<dmabuf::number_directory<std::int32_t, fake::system>>());
static_assert(pipes<dmabuf::maps_reader<fake::system>>());
static_assert(pipes<dmabuf::mapped_files_reader<fake::system>>());
static_assert(pipes<dmabuf::dmabuf_fds_reader<fake::system>>());
static_assert(pipes<dmabuf::fd_walk_reader<fake::system>>());
static_assert(pipes<dmabuf::fdinfo_walk_reader<fake::system>>());
static_assert(pipes<dmabuf::bufinfo_reader<fake::system>>());
static_assert(pipes<dmabuf::sysfs_buffers_reader<fake::system>>());
static_assert(pipes<dmabuf::bpf_reference_reader<fake::system>>());

template<class Value>
Value opened(dmabuf::result<Value> result) {
    REQUIRE(result);
    return std::move(result).value();
}

auto const succeeded = std::views::filter([](auto const& item) { return item.has_value(); });
auto const value = std::views::transform([](auto const& item) { return *item; });

template<std::ranges::input_range Range>
auto all_of(Range&& range) {
    std::vector<std::ranges::range_value_t<Range>> all;
    for (auto&& one : range)
        all.push_back(one);
    return all;
}

struct world {
    fake::kernel kernel;
    dmabuf::proc_directory<fake::system> proc = opened(dmabuf::open_proc(fake::system{&kernel}));

    world() {
        for (int const pid : {10, 20, 30})
            kernel.add(pid, "p");
        auto& process = kernel.at(20);
        process.map(kernel.buffer(1, 4096, "system"), 4096);
        process.map(kernel.buffer(2, 8192, "system"), 8192);
        process.open(kernel.buffer(3, 4096, "system"));
    }
    auto process(int pid) { return opened(dmabuf::open_process(proc, pid)); }
};

TEST_CASE("ranges: a reader that is kept is piped, and so is one that is not") {
    world w;
    numbers const expected{1, 10, 20, 30, 900};
    auto processes = dmabuf::read_processes(w.proc);
    CHECK(all_of(processes | succeeded | value) == expected);
    CHECK(all_of(dmabuf::read_processes(w.proc) | succeeded | value) == expected);
    auto moved = dmabuf::read_processes(w.proc) | succeeded | value;
    auto const few = [](std::int32_t pid) { return pid < 900; };
    CHECK(all_of(std::move(moved) | std::views::drop(1) | std::views::take_while(few)) ==
          numbers{10, 20, 30});
    CHECK(w.kernel.open_descriptors() == 1); // /proc
}

TEST_CASE("ranges: a pipe makes the calls of a loop") {
    world w;
    auto const calls_of = [&](auto&& read) {
        auto const before = w.kernel.calls();
        CHECK(all_of(read()).size() == 5);
        return w.kernel.calls() - before;
    };
    auto const loop = calls_of([&] { return dmabuf::read_processes(w.proc); });
    auto const pipe = calls_of([&] { return dmabuf::read_processes(w.proc) | succeeded | value; });
    CHECK(loop == pipe);
}

TEST_CASE("ranges: what a process has open and mapped is piped") {
    world w;
    w.kernel.debugfs = true;
    auto const process = w.process(20);
    auto const size = std::views::transform([](auto const& found) { return found.size_bytes(); });
    std::vector<std::uint64_t> const sizes{4096, 8192};
    CHECK(all_of(dmabuf::read_maps(process, 20) | succeeded | value | size) == sizes);
    CHECK(all_of(dmabuf::read_mapped_files(process, 20) | succeeded | value | size) == sizes);
    CHECK(all_of(dmabuf::read_tasks(process) | succeeded | value) == numbers{20});
    dmabuf::dmabuf_filesystem known;
    auto const inode = std::views::transform([](auto const& found) { return found.inode; });
    CHECK(all_of(dmabuf::walk_fds(process, 20, known) | succeeded | value | inode) ==
          std::vector<std::uint64_t>{3});
    auto listed = dmabuf::read_bufinfo(fake::system{&w.kernel});
    CHECK(std::ranges::count_if(listed, &dmabuf::result<dmabuf::bufinfo_buffer>::has_value) == 3);
}

TEST_CASE("ranges: what fails is an item of a pipe, too") {
    world w;
    w.kernel.exit(20);
    auto const process = w.process(10);
    w.kernel.exit(10);
    auto const gone = [](auto const& item) { return !item && item.error().gone(); };
    CHECK(std::ranges::count_if(dmabuf::read_maps(process, 10), gone) == 1);
    auto maps = dmabuf::read_maps(process, 10);
    CHECK(std::ranges::find_if(maps, gone) != maps.end());
    using found = decltype(std::ranges::find_if(dmabuf::read_maps(process, 10), gone));
    static_assert(std::same_as<found, std::ranges::dangling>);
}

} // namespace
