// SPDX-License-Identifier: MIT
//
// Memory that is really short: a system whose memory is all in use, a part of it by caches, and a
// process in it that takes more and more.
#pragma once

#include "scene.hpp"

#include <atomic>
#include <chrono>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <thread>

namespace scene {

using namespace std::chrono_literals;

inline std::string read_text(std::string const& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_text(std::string const& path, std::string const& text) {
    int const fd = lab::check(::open(path.c_str(), O_WRONLY | O_CLOEXEC), path.c_str());
    lab::descriptor const file(fd);
    lab::check(::write(fd, text.data(), text.size()), path.c_str());
}

inline std::uint64_t now_ns() {
    return dmabuf::live_system{}.clock_ns();
}

/// Children inherit it.
inline void set_oom_score_adj(int score) {
    write_text("/proc/self/oom_score_adj", std::to_string(score));
}

/// None where the kernel does not count them (CONFIG_VM_EVENT_COUNTERS).
inline std::optional<std::uint64_t> oom_kills() {
    auto const text = read_text("/proc/vmstat");
    auto const at = text.find("oom_kill ");
    if (at == std::string::npos) return std::nullopt;
    return std::stoull(text.substr(at + 9));
}

inline std::size_t available_memory() {
    auto const text = read_text("/proc/meminfo");
    return std::stoull(text.substr(text.find("MemAvailable:") + 13)) << 10;
}

/// All memory in use but for `left`, and of that which is used the kernel may take back what caches
/// have. With less than nothing `left`, the caches have less than they use, and so tasks wait for
/// memory all the time, but nobody has to be killed.
///
/// Between the first wait and the first kill somebody must take all that the caches have. That is
/// what makes pressure rise over a time that the test chooses. Where a process needs all its memory
/// at once, the first page too few is an end without a warning.
///
/// There are bystanders: who is killed has no memory map any more before its descriptors are
/// closed, and so before its buffers are freed; meanwhile the kernel may choose somebody else
/// (do_exit() in kernel/exit.c, oom_evaluate_task() in mm/oom_kill.c, 6.12). Without them that is
/// the lab's shell.
class full_memory {
public:
    full_memory(std::size_t cached, std::ptrdiff_t left) {
        for (int i = 0; i < 8; ++i)
            bystanders_.emplace_back([](lab::ready& done) {
                set_oom_score_adj(900);
                done();
            });
        for (auto& one : bystanders_)
            one.wait_ready();
        auto const rest = static_cast<std::ptrdiff_t>(available_memory() - cached) - left;
        INFO("available: " << available_memory());
        REQUIRE(rest > 0);
        settled_.emplace([size = static_cast<std::size_t>(rest)](lab::ready& done) {
            touch(new_memory(size), size);
            done();
        });
        settled_->wait_ready();
        for (auto* one : {&first_, &second_}) {
            one->emplace([size = cached / 2](lab::ready& done) { cache(size, done); });
            (*one)->wait_ready();
        }
    }

private:
    static char* new_memory(std::size_t size) {
        void* const memory =
            ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        lab::check(memory == MAP_FAILED ? -1 : 0, "mmap");
        ::madvise(memory, size, MADV_NOHUGEPAGE); // EINVAL: the kernel has none
        return static_cast<char*>(memory);
    }

    static void touch(char* memory, std::size_t size) {
        for (std::size_t at = 0; at < size; at += page)
            memory[at] = 1;
    }

    /// Goes round in its memory. But for the piece in use the kernel may take it back at any time.
    [[noreturn]] static void cache(std::size_t size, lab::ready& done) {
        constexpr std::size_t piece = 64 * page;
        auto* const memory = new_memory(size);
        for (bool first = true;; first = false) {
            for (std::size_t at = 0; at + piece <= size; at += piece) {
                touch(memory + at, piece);
                lab::check(::madvise(memory + at, piece, MADV_FREE), "MADV_FREE");
                if (!first) std::this_thread::sleep_for(1ms);
            }
            if (first) done.tell();
        }
    }

    std::vector<lab::child> bystanders_;
    std::optional<lab::child> settled_, first_, second_;
};

/// The bytes over time of a process that takes more and more, as it wrote them into shared memory.
class ledger {
public:
    struct entry {
        std::uint64_t ns, bytes;
    };

    void note(std::uint64_t bytes) {
        auto const at = book_->count.load();
        book_->entries[at] = {now_ns(), bytes};
        book_->count = at + 1;
    }

    /// Not less than was held at that time.
    [[nodiscard]] std::uint64_t most_at(std::uint64_t ns) const {
        for (auto const& one : entries())
            if (one.ns > ns) return one.bytes;
        return last().bytes + step;
    }
    /// Not more than was held at that time.
    [[nodiscard]] std::uint64_t least_at(std::uint64_t ns) const {
        std::uint64_t bytes = 0;
        for (auto const& one : entries())
            if (one.ns <= ns) bytes = one.bytes;
        return bytes;
    }
    [[nodiscard]] entry first() const { return entries().empty() ? entry{} : entries().front(); }
    [[nodiscard]] entry last() const { return entries().empty() ? entry{} : entries().back(); }

    static constexpr std::uint64_t step = 512 << 10;

private:
    struct book {
        std::atomic<std::size_t> count;
        entry entries[8192];
    };

    [[nodiscard]] std::span<entry const> entries() const {
        return {book_->entries, book_->count.load()};
    }

    static book* make() {
        void* const memory = ::mmap(nullptr, sizeof(book), PROT_READ | PROT_WRITE,
                                    MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        lab::check(memory == MAP_FAILED ? -1 : 0, "mmap");
        return static_cast<book*>(memory);
    }

    book* book_ = make();
};

/// Takes a buffer after the other until it is killed. The kernel does not count DMA-BUFs when it
/// chooses whom to kill, and so it is told.
inline lab::child leak(ledger& book, std::chrono::milliseconds pause) {
    return lab::child([&book, pause](lab::ready& done) {
        set_oom_score_adj(1000);
        auto const heap = lab::open_heap();
        done.tell();
        for (std::uint64_t bytes = 0;;) {
            if (dma_heap_allocation_data request{
                    .len = ledger::step, .fd = 0, .fd_flags = O_RDWR | O_CLOEXEC, .heap_flags = 0};
                ::ioctl(heap.get(), DMA_HEAP_IOCTL_ALLOC, &request) == 0)
                book.note(bytes += ledger::step);
            std::this_thread::sleep_for(pause);
        }
    });
}

} // namespace scene
