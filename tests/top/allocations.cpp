// SPDX-License-Identifier: MIT
//
// A refresh of the screen allocates nothing, once everything has grown. In an executable of its
// own, because it replaces operator new.
#include "catch.hpp"
#include "dmabuf_top/pictures.hpp"
#include "scene.hpp"

#include <cstdlib>
#include <new>

namespace {

std::size_t allocations = 0;

} // namespace

// All forms, since a sanitizer brings its own of those that are missing. Not inlined, or GCC takes
// the pair of malloc and delete for a mistake.
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* const space = std::malloc(size)) return space;
    throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new[](std::size_t size) {
    return operator new(size);
}
[[gnu::noinline]] void* operator new(std::size_t size, std::nothrow_t const&) noexcept {
    ++allocations;
    return std::malloc(size);
}
[[gnu::noinline]] void* operator new[](std::size_t size, std::nothrow_t const& none) noexcept {
    return operator new(size, none);
}
[[gnu::noinline]] void operator delete(void* space) noexcept {
    std::free(space);
}
[[gnu::noinline]] void operator delete(void* space, std::size_t /*size*/) noexcept {
    std::free(space);
}
[[gnu::noinline]] void operator delete[](void* space) noexcept {
    std::free(space);
}
[[gnu::noinline]] void operator delete[](void* space, std::size_t /*size*/) noexcept {
    std::free(space);
}

TEST_CASE("top: a refresh of two thousand buffers and holders allocates nothing") {
    top::desktop desktop;
    for (int pid = 2000; pid < 4000; ++pid)
        desktop.kernel.add(pid, "p" + std::to_string(pid), 1000)
            .open(desktop.kernel.buffer(static_cast<std::uint64_t>(pid), 4096));
    auto const first = support::record(desktop.kernel, top::everything()).now;
    auto second = first;
    dmabuf_top::options const chosen;
    dmabuf_top::pictures pictures(chosen, true);
    identity::user_names const users({{1000, "anna"}});
    report::rights const mine{true, true, true, true, false};
    using dmabuf_top::action;
    for (auto const view : {action::view_1, action::view_2, action::view_3, action::view_5}) {
        std::size_t counted = 0;
        for (std::uint64_t look = 1; look < 6; ++look) {
            second.begin_ns += top::second_ns;
            second.end_ns += top::second_ns;
            if (look == 1) pictures.take(second, users, mine);
            if (look == 1) pictures.model().act(view);
            auto const before = allocations;
            pictures.take(second, users, mine);
            (void)pictures.draw({120, 40}, true);
            counted = allocations - before;
        }
        INFO(static_cast<int>(view));
        CHECK(counted == 0);
    }
}
