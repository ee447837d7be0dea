// SPDX-License-Identifier: MIT
//
// Staged leaks, and loads that are none, side by side for a minute: what dmabuf_watch tells of them
// by each source. The truth of each stands beside it.
#include "pinned.hpp"
#include "scene.hpp"

#include <nlohmann/json.hpp>

#include <cmath>
#include <ctime>
#include <sstream>

namespace {

using namespace scene;
using nlohmann::json;

constexpr std::uint64_t size = 4 * page;

/// The ticks of a process: without drift, so that the rate is the truth.
class ticks {
public:
    explicit ticks(long every_ms)
        : every_ms_(every_ms) {
        ::clock_gettime(CLOCK_MONOTONIC, &next_);
    }
    void wait() {
        next_.tv_nsec += every_ms_ % 1000 * 1'000'000;
        next_.tv_sec += every_ms_ / 1000 + next_.tv_nsec / 1'000'000'000;
        next_.tv_nsec %= 1'000'000'000;
        ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next_, nullptr);
    }

private:
    long every_ms_;
    timespec next_{};
};

/// A process that does the same again and again.
template<class Step>
lab::child again(long every_ms, Step step) {
    return lab::child([=](lab::ready& done) mutable {
        done.tell();
        ticks clock(every_ms);
        for (int i = 0;; ++i) {
            step(i);
            clock.wait();
        }
    });
}

// --- leaks: one a second ---

lab::child leak_descriptors() {
    return again(1000, [buffer = std::make_shared<lab::descriptor>(lab::alloc_heap(size))](int) {
        lab::check(::fcntl(buffer->get(), F_DUPFD_CLOEXEC, 0), "F_DUPFD_CLOEXEC");
    });
}

lab::child leak_buffers() {
    return again(1000, [](int) { lab::alloc_heap(size).release(); });
}

lab::child map_and_forget() {
    return again(1000, [](int) {
        auto const buffer = lab::alloc_heap(size);
        void* const at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, buffer.get(), 0);
        if (at == MAP_FAILED) throw std::system_error(errno, std::generic_category(), "mmap");
    });
}

/// The buffers lie in the queue of a socket, where no process holds them.
lab::child send_to_nobody() {
    auto const ends = std::make_shared<lab::socket_pair>(lab::make_socket_pair());
    return again(1000,
                 [ends](int) { lab::send_fd(ends->here.get(), lab::alloc_heap(size).get()); });
}

/// The handle of a GEM object keeps its buffer.
lab::child keep_handles() {
    auto const card = std::make_shared<lab::descriptor>(lab::open_device(lab::vgem_path));
    return again(1000, [card](int) {
        lab::drm_dumb_buffer made{};
        made.width = static_cast<std::uint32_t>(size);
        made.height = 1;
        made.bits_per_pixel = 8;
        lab::check(::ioctl(card->get(), lab::drm_create_dumb, &made), "CREATE_DUMB");
        lab::drm_prime_handle handle{made.handle, O_CLOEXEC | O_RDWR, -1};
        lab::check(::ioctl(card->get(), lab::drm_handle_to_fd, &handle), "HANDLE_TO_FD");
        ::close(handle.fd);
    });
}

/// Each open card attaches once.
lab::child attach(int buffer) {
    return again(1000, [buffer](int) {
        auto card = lab::open_device(lab::vgem_path);
        lab::import_into_vgem(card, buffer);
        card.release();
    });
}

/// A process that is soon over makes each buffer.
lab::child keep_of_others() {
    return again(1000, [](int) {
        auto const ends = lab::make_socket_pair();
        pid_t const maker = lab::check(::fork(), "fork");
        if (maker == 0) {
            lab::send_fd(ends.there.get(), lab::alloc_heap(size).get());
            ::_exit(0);
        }
        lab::recv_fd(ends.here.get()).release();
        ::waitpid(maker, nullptr, 0);
    });
}

lab::child leak_one_of_twenty_one() {
    return again(1000, [](int) {
        std::vector<lab::descriptor> short_lived;
        for (int i = 0; i < 20; ++i)
            short_lived.push_back(lab::alloc_heap(size));
        lab::alloc_heap(size).release();
    });
}

// --- none ---

lab::child use_a_ring() {
    auto const ring = std::make_shared<std::vector<lab::descriptor>>(8);
    return again(250, [ring](int i) {
        (*ring)[static_cast<std::size_t>(i) % ring->size()] = lab::alloc_heap(size);
    });
}

lab::child start_up() {
    return again(50, [](int i) {
        if (i < 100) lab::alloc_heap(size).release();
    });
}

lab::child double_and_halve() {
    auto const held = std::make_shared<std::vector<lab::descriptor>>();
    return again(1000, [held](int i) {
        held->resize(i % 14 < 7 ? 8 : 16);
        for (auto& one : *held)
            if (one.get() < 0) one = lab::alloc_heap(size);
    });
}

/// Lifetimes of up to three seconds.
lab::child churn() {
    auto const held = std::make_shared<std::vector<lab::descriptor>>(30);
    return again(100, [held, seed = 1U](int) mutable {
        seed = seed * 1664525U + 1013904223U;
        auto& one = (*held)[(seed >> 16U) % held->size()];
        one = (seed >> 8U) % 2 == 0 ? lab::alloc_heap(size) : lab::descriptor();
    });
}

/// Eight buffers for each of sixty frames a second. Those of the last three frames live: looks meet
/// some that are freed before the records are read.
lab::child composite() {
    using frame = std::vector<lab::descriptor>;
    auto const frames = std::make_shared<std::vector<frame>>(3);
    auto const heap = std::make_shared<lab::descriptor>(lab::open_heap());
    return again(16, [frames, heap](int i) {
        auto& now = (*frames)[static_cast<std::size_t>(i) % frames->size()];
        now.clear();
        for (int buffer = 0; buffer < 8; ++buffer)
            now.push_back(lab::alloc_heap(*heap, 4 * size));
    });
}

// --- what is told ---

/// A leak of one a second, as rows tell it. 0 and "": whatever the row has.
struct truth {
    char const* what;
    std::string subject;
    pid_t pid = 0;
    std::string name;
    std::uint64_t inode = 0;
    std::string measure;
    double per_second = 1;
};

bool tells(json const& row, truth const& of) {
    return row["event"] == "grows" && row["subject"] == of.subject &&
           row["measure"] == of.measure && (of.pid == 0 || row["pid"] == of.pid) &&
           (of.inode == 0 || row["inode"] == of.inode) &&
           (of.name.empty() || row["name"] == of.name);
}

std::vector<json> rows_in(std::string const& path) {
    std::ifstream file(path);
    std::vector<json> all;
    for (std::string line; std::getline(file, line);)
        all.push_back(json::parse(line));
    return all;
}

void check_told(std::vector<json> const& rows, truth const& of) {
    INFO(of.what);
    for (auto const& row : rows) {
        if (!tells(row, of)) continue;
        double const rate = row["rate_per_second"];
        CHECK(std::abs(rate - of.per_second) <= 0.1 * of.per_second);
        CHECK(row["seconds"] <= 60);
        std::printf("%s: %s/s after %s s\n", of.what, row["rate_per_second"].dump().c_str(),
                    row["seconds"].dump().c_str());
        return;
    }
    FAIL_CHECK("nothing told of it");
}

/// Watches for a minute, by all of these at the same time; and by the first once more, with a watch
/// that is stopped for five seconds.
void watch(std::vector<std::string> const& sources) {
    auto const of = [](std::string const& source, std::string const& name) {
        return "dmabuf_watch --for 62s --leaks --format ndjson --source " + source +
               " --record-on-alarm /tmp/" + name + ".recording > /tmp/" + name + ".rows & ";
    };
    auto command = of(sources[0], "stopped") +
                   "stopped=$!; (sleep 20; kill -STOP $stopped; sleep 5; kill -CONT $stopped) & ";
    for (auto const& one : sources)
        command += of(one, one);
    REQUIRE(std::system((command + "wait").c_str()) == 0);
}

std::vector<std::string> sources_here() {
    if (has_list()) return {"dmabuf_fds"};
    if (std::system("dmabuf_pin > /dev/null") == 0) return {"fd_walk", "bpf_iterator"};
    skip("pins: this kernel has none");
    return {"fd_walk"};
}

} // namespace

TEST_CASE("eight leaks are told within a minute, and four loads that are none are not",
          "[.growth]") {
    bool const vgem = lab::is_there(lab::vgem_path);
    auto const attached = lab::alloc_heap(size);
    auto const sources = sources_here();

    auto const descriptors = leak_descriptors();
    auto const buffers = leak_buffers();
    auto const mapped = map_and_forget();
    auto const sent = send_to_nobody();
    auto const kept = keep_of_others();
    auto const one_of_many = leak_one_of_twenty_one();
    std::vector<lab::child> with_vgem;
    if (vgem) {
        with_vgem.push_back(keep_handles());
        with_vgem.push_back(attach(attached.get()));
    } else {
        skip("GEM handles and attachments: vgem is not loaded");
    }
    lab::child const silent[] = {use_a_ring(), start_up(), double_and_halve(), churn()};
    watch(sources);

    double const bytes = size;
    std::vector<truth> truths = {
        {"descriptors of one buffer", "process", descriptors.pid(), "", 0, "descriptors", 1},
        {"buffers", "process", buffers.pid(), "", 0, "buffers", 1},
        {"buffers, their bytes", "process", buffers.pid(), "", 0, "bytes", bytes},
        {"mapped and forgotten", "process", mapped.pid(), "", 0, "mappings", 1},
        {"sent and never received", "unheld", 0, "system", 0, "buffers", 1},
        {"of makers that exit", "process", kept.pid(), "", 0, "buffers", 1},
        {"one of twenty-one", "process", one_of_many.pid(), "", 0, "bytes", bytes},
    };
    if (vgem) {
        truths.push_back({"held by GEM handles", "unheld", 0, "drm", 0, "buffers", 1});
        truths.push_back(
            {"attached", "buffer", 0, "", lab::inode_of(attached.get()), "attachments", 1});
    }
    auto watches = sources;
    watches.emplace_back("stopped");
    for (auto const& source : watches) {
        INFO("by " << source);
        std::printf("by %s:\n", source.c_str());
        auto const rows = rows_in("/tmp/" + source + ".rows");
        for (auto const& one : truths)
            check_told(rows, one);
        auto const recorded = output_of(("dmabuf_ps --replay /tmp/" + source + ".recording --pid " +
                                         std::to_string(buffers.pid()))
                                            .c_str());
        CHECK(recorded.find("lab_tests") != recorded.npos);
        for (auto const& one : silent)
            for (auto const& row : rows)
                CHECK(row["pid"] != one.pid());
    }
    if (!has_list()) (void)std::system("dmabuf_pin --unpin > /dev/null");
}

TEST_CASE("growth: a leak beside a compositor, whose buffers come and go, is told by its maker",
          "[.makers]") {
    if (has_list()) return skip("makers: this kernel has no BPF");
    pins const pinned("--origins");
    auto const frames = composite();
    auto const sent = send_to_nobody();
    REQUIRE(shell("dmabuf_watch --for 62s --leaks --format ndjson > /tmp/makers.rows") == 0);
    auto const rows = rows_in("/tmp/makers.rows");
    check_told(rows, {"by its maker", "maker", sent.pid(), "lab_tests", 0, "buffers", 1});
    for (auto const& row : rows)
        CHECK(row["pid"] != frames.pid());
}
