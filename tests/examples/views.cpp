// SPDX-License-Identifier: MIT
//
// Each view of dmabuf_ps asks for its own columns: with less it would print something else, with
// more it prints the same.
#include "dmabuf_ps/sampling.hpp"
#include "program.hpp"
#include "systems/wrappers.hpp"

namespace {

using dmabuf::sample_options;
using words = std::vector<std::string>;

report::rights root() {
    return {true, true, true, true, false};
}

/// The options of the sample that dmabuf_ps takes, given its own.
sample_options asked(words options) {
    options.insert(options.begin(), "dmabuf_ps");
    std::vector<char const*> arguments;
    for (auto const& one : options)
        arguments.push_back(one.c_str());
    auto const parsed =
        dmabuf_ps::parse_options(static_cast<int>(arguments.size()), arguments.data());
    REQUIRE(std::holds_alternative<dmabuf_ps::options>(parsed));
    return dmabuf_ps::sampling(std::get<dmabuf_ps::options>(parsed), root());
}

enum class machine : std::uint8_t { walk, walk_and_debugfs, lists };

/// A system in which every column has something to show.
void furnish(fake::kernel& kernel, machine which) {
    kernel.dmabuf_fds = kernel.sysfs_buffers = which == machine::lists;
    kernel.debugfs = which == machine::walk_and_debugfs;
    auto const named = kernel.buffer(10, 4096, "system", "frame");
    auto const other = kernel.buffer(11, 8192, "udmabuf");
    auto& one = kernel.add(100, "one", 1000);
    auto& two = kernel.add(101, "two", 1001);
    one.cgroup = "/a";
    two.cgroup = "/b";
    one.open(named);
    one.open(named, true);
    two.open(named);
    two.open(other);
    two.map(other, 8192);
    kernel.buffer(12, 12288, "heap of nobody");
}

/// Happens between two samples: a driver has the buffer, too.
void open_late(fake::kernel& kernel) {
    auto const late = kernel.buffer(13, 16384, "late", "late");
    late->driver_references = 1;
    kernel.at(100).open(late);
}

replay::recording recorded(machine which, sample_options wanted, unsigned samples) {
    fake::kernel kernel;
    furnish(kernel, which);
    // Between the samples something changes, or there is nothing to show.
    unsigned first = 0;
    if (samples == 2) {
        fake::kernel rehearsal;
        furnish(rehearsal, which);
        (void)support::record(rehearsal, wanted);
        first = rehearsal.calls();
    }
    kernel.event = [&](fake::call_event const& event) {
        if (first != 0 && event.number == first + 1) open_late(kernel);
    };
    wanted.bpf = false; // which a recording does not hold
    auto done = support::record(kernel, wanted, samples).recording;
    done.made.kernel = "6.12";
    done.made.rights = report::words_of(root());
    return done;
}

std::string shown(machine which, sample_options const& wanted, words const& options) {
    bool const twice = !options.empty() && options.front() == "--diff";
    auto const answer = programs::replayed(recorded(which, wanted, twice ? 2 : 1), options);
    INFO(answer.err);
    REQUIRE(answer.status == 0);
    return answer.out + answer.err;
}

struct flag {
    char const* name;
    bool sample_options::* member;
};

constexpr flag flags[] = {
    {"exporters", &sample_options::exporters},
    {"names", &sample_options::names},
    {"path_descriptors", &sample_options::path_descriptors},
    {"mappings", &sample_options::mappings},
    {"cgroups", &sample_options::cgroups},
    {"unheld", &sample_options::unheld},
    {"bufinfo", &sample_options::bufinfo},
    {"counts", &sample_options::counts},
};

/// Whether a machine shows the difference. What the processes hold is listed by debugfs with its
/// exporter, lists of descriptors do not tell O_PATH apart, and where sysfs lists the buffers,
/// debugfs is not asked. Without O_PATH marks the references that no process explains are unknown.
bool can_tell(flag const& what, machine which) {
    if (what.member == &sample_options::exporters) return which != machine::walk_and_debugfs;
    if (what.member == &sample_options::path_descriptors) return which != machine::lists;
    if (what.member == &sample_options::bufinfo) return which == machine::walk_and_debugfs;
    if (what.member == &sample_options::unheld) return which != machine::walk;
    if (what.member == &sample_options::counts) return which != machine::lists;
    return true;
}

constexpr auto views = {"",
                        "--buffers",
                        "--by user",
                        "--by cgroup",
                        "--by exporter",
                        "--json",
                        "--diff 0 --buffers",
                        "--diff 0 --by user",
                        "--diff 0 --by cgroup",
                        "--diff 0 --by exporter",
                        "--diff 0",
                        "--sort name",
                        "--diff 0 --json",

                        "--buffers --pid 100",
                        "--format csv",
                        "--buffers --format ndjson",
                        "--by cgroup --format csv",
                        "--columns cgroup,pid"};

words split(std::string_view text) {
    words all;
    while (!text.empty())
        all.emplace_back(dmabuf::detail::take_until(text, ' '));
    return all;
}

} // namespace

TEST_CASE("each view asks for what it prints, and for nothing else") {
    auto const options = split(GENERATE(values(views)));
    auto const which = GENERATE(machine::walk, machine::walk_and_debugfs, machine::lists);
    CAPTURE(options, static_cast<int>(which));
    auto const own = asked(options);
    auto everything = own;
    for (auto const& one : flags)
        everything.*one.member = true;
    auto const text = shown(which, own, options);
    CHECK(text == shown(which, everything, options));
    for (auto const& one : flags) {
        if (!(own.*one.member) || !can_tell(one, which)) continue;
        auto less = own;
        less.*one.member = false;
        CAPTURE(one.name);
        CHECK(text != shown(which, less, options));
    }
}

TEST_CASE("the list of exporters is printed once") {
    for (std::string const view : {"", "--buffers", "--by user", "--by exporter"}) {
        CAPTURE(view);
        auto const options = split(view);
        auto const text = shown(machine::walk, asked(options), options);
        auto const at = text.find("exporter udmabuf: 1 buffer, 8.0 KiB\n");
        CHECK((at != text.npos) == (view != "--by exporter"));
        CHECK_THAT(text, Catch::Matchers::ContainsSubstring("2 buffers, 12.0 KiB in all"));
    }
}

TEST_CASE("a recording is asked for everything, whatever is shown beside") {
    for (auto const* view : views) {
        auto options = split(view);
        options.insert(options.end(), {"--record", "x"});
        auto const wanted = asked(options);
        for (auto const& one : flags)
            CHECK(wanted.*one.member);
    }
}

namespace {

using counting_system = wrapped::counting<fake::system>;

/// Of a sample by lists, after the first: what each of fifty buffers more costs.
unsigned calls_of_a_buffer(sample_options const& wanted) {
    auto const calls = [&](int buffers) {
        fake::kernel kernel;
        furnish(kernel, machine::lists);
        for (int i = 0; i < buffers; ++i)
            kernel.at(100).open(kernel.buffer(1000 + static_cast<std::uint64_t>(i), 4096));
        wrapped::counters count;
        dmabuf::basic_sampler<counting_system> sampler(wanted, counting_system{{&kernel}, &count});
        dmabuf::snapshot now;
        REQUIRE(sampler.sample(now));
        auto const first = count.all();
        REQUIRE(sampler.sample(now));
        return count.all() - first;
    };
    return (calls(50) - calls(0)) / 50;
}

} // namespace

TEST_CASE("a view without names costs nothing for a buffer that the kernel lists") {
    for (auto const* view : {"", "--by user", "--by cgroup", "--by exporter", "--diff 0"}) {
        CAPTURE(view);
        CHECK(calls_of_a_buffer(asked(split(view))) == 0);
    }
    // a statx, and open, read and close of fdinfo
    for (auto const* view : {"--buffers", "--json"}) {
        CAPTURE(view);
        CHECK(calls_of_a_buffer(asked(split(view))) == 4);
    }
}
