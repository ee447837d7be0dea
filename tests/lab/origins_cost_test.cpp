// SPDX-License-Identifier: MIT
//
// The cost of the watch over makers, in a guest whose clock counts instructions at 2 ns each
// (kernel/run --count). The bars are the measured figures, with a few hundredths to spare; the aim
// for a buffer made and freed was 4,000. kernel/bpf/README.md has the figures.
#include "origins_file.hpp"
#include "pinned.hpp"
#include "scene.hpp"

#include <algorithm>
#include <ctime>
#include <sys/resource.h>

using namespace scene;

namespace {

double now_ns() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// Instructions of one call of `body`, kernel and program: the least of three runs of many calls,
/// since timers and other tasks only add to it.
template<class Body>
double instructions(int calls, Body body) {
    double least = 0;
    for (int run = 0; run < 3; ++run) {
        auto const begin = now_ns();
        for (int i = 0; i < calls; ++i)
            body();
        auto const each = (now_ns() - begin) / calls / 2;
        if (run == 0 || each < least) least = each;
    }
    return least;
}

struct cost {
    double made_and_freed = 0;
    double attached_and_detached = 0;
};

std::uint32_t import(lab::descriptor const& card, lab::descriptor const& buffer) {
    lab::drm_prime_handle imported{0, 0, buffer.get()};
    lab::check(::ioctl(card.get(), lab::drm_fd_to_handle, &imported), "import");
    return imported.handle;
}

/// Buffers that are made and imported, and stay: what is made after them lies in memory of its own,
/// and the kernel takes its short way there, whatever was let go of before.
class used_up_memory {
public:
    void use_more(lab::descriptor const& heap) {
        for (int i = 0; i < 120; ++i) {
            buffers_.push_back(lab::alloc_heap(heap, page));
            if (imports()) (void)import(card_, buffers_.back());
        }
    }

    [[nodiscard]] bool imports() const { return card_.get() >= 0; }

private:
    lab::descriptor card_{
        ::open(lab::vgem_path, O_RDWR | O_CLOEXEC)}; // none where there is no vgem
    std::vector<lab::descriptor> buffers_;
};

double made_and_freed(lab::descriptor const& heap) {
    return instructions(1000, [&] { lab::alloc_heap(heap, page).reset(); });
}

/// Another buffer stays imported: with the last handle of a file the kernel would free a node of
/// its tree after a grace period, whose cost falls on whichever import comes then.
double attached_and_detached(lab::descriptor const& heap) {
    auto const buffer = lab::alloc_heap(heap, page);
    auto const stays = lab::alloc_heap(heap, page);
    lab::descriptor const card(lab::check(::open(lab::vgem_path, O_RDWR | O_CLOEXEC), "vgem"));
    (void)import(card, stays);
    return instructions(500, [&] {
        lab::drm_gem_handle handle{import(card, buffer), 0};
        lab::check(::ioctl(card.get(), lab::drm_close_handle, &handle), "close");
    });
}

/// The least of four measurements, each in memory of its own: where the kernel's caches of objects
/// happen to end adds to one of them, and a program adds to all.
cost cost_now() {
    auto const heap = lab::open_heap();
    used_up_memory used;
    cost least{1e9, 1e9};
    for (int i = 0; i < 4; ++i) {
        used.use_more(heap);
        least.made_and_freed = std::min(least.made_and_freed, made_and_freed(heap));
        if (!used.imports()) continue;
        auto const attached = attached_and_detached(heap);
        least.attached_and_detached = std::min(least.attached_and_detached, attached);
    }
    return least;
}

} // namespace

TEST_CASE("origins cost: made and freed, attached and detached, and nothing when not pinned",
          "[.origins-cost]") {
    auto const before = cost_now();
    cost watched;
    cost unwatched;
    {
        pins const pinned("");
        unwatched = cost_now();
        REQUIRE(shell("dmabuf_pin --origins > /dev/null") == 0);
        watched = cost_now();
    }
    ::sleep(10); // the kernel lets programs go behind the last pin, and kprobes after grace periods
    auto const after = cost_now();
    auto const more = watched.made_and_freed - before.made_and_freed;
    auto const more_attached = watched.attached_and_detached - before.attached_and_detached;
    std::printf(
        "instructions: a buffer made and freed %.0f, watched %.0f more; imported and let go "
        "%.0f, watched %.0f more\n",
        before.made_and_freed, more, before.attached_and_detached, more_attached);
    std::printf("instructions afterwards: %.0f and %.0f\n", after.made_and_freed,
                after.attached_and_detached);
    if (by_probes()) {
        CHECK(more <= 3400);          // 3,232 on 6.12, 3,150 on 7.3
        CHECK(more_attached <= 4000); // 3,676 and 3,712
    } else {
        CHECK(more <= 2600);          // 2,469 on 6.12, 2,191 on 7.3
        CHECK(more_attached <= 4100); // 3,751 and 3,743
    }
    // Grace periods free what a buffer was in batches, and caches of objects stand elsewhere: two
    // measurements differ by up to 1.2 in a hundred. A program that stayed would add a tenth to the
    // one, and two fifths to the other.
    CHECK(unwatched.made_and_freed <= before.made_and_freed * 1.02);
    CHECK(after.made_and_freed <= before.made_and_freed * 1.02);
    CHECK(unwatched.attached_and_detached <= before.attached_and_detached * 1.02);
    CHECK(after.attached_and_detached <= before.attached_and_detached * 1.02);
}

TEST_CASE("origins cost: reading ten thousand makers", "[.origins-cost]") {
    constexpr std::size_t count = 10'000;
    rlimit const limit{count + 100, count + 100};
    lab::check(::setrlimit(RLIMIT_NOFILE, &limit), "setrlimit");
    pins const pinned("--origins");
    std::vector<lab::descriptor> made;
    auto const heap = lab::open_heap();
    for (std::size_t i = 0; i < count; ++i)
        made.push_back(lab::alloc_heap(heap, page));
    auto const bytes = bytes_from(open_pinned("origins").get());
    auto const each = instructions(3, [] { bytes_from(open_pinned("origins").get()); }) / count;
    auto const walk = parse_walk<dmabuf_bpf_origin>(bytes, DMABUF_BPF_ORIGIN);
    REQUIRE(walk.records.size() == count);
    auto const apart =
        sizeof(dmabuf_bpf_header) + 2 * sizeof(dmabuf_bpf_watch) + sizeof(dmabuf_bpf_head);
    CHECK(bytes.size() == count * 112 + apart);
    std::printf("instructions: %.0f for each of %zu makers read, 112 bytes\n", each, count);
    CHECK(each <= 1550); // 1,423 and 1,455
}

TEST_CASE("origins cost: a buffer made and freed where nothing watches", "[.loop-cost]") {
    std::printf("instructions: a buffer made and freed %.0f, %s\n", cost_now().made_and_freed,
                has_sysfs() ? "with its directory in sysfs" : "without one");
}
