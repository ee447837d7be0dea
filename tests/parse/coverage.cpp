// SPDX-License-Identifier: MIT
#include <dmabuf/coverage.hpp>

#include "parse/table.hpp"

#include <array>
#include <iterator>
#include <type_traits>

namespace {

TEST_CASE("coverage: sources, lists and views have names") {
    using dmabuf::name_of;
    CHECK(name_of(dmabuf::source::none) == "none");
    CHECK(name_of(dmabuf::source::fd_walk) == "fd_walk");
    CHECK(name_of(dmabuf::source::dmabuf_fds) == "dmabuf_fds");
    CHECK(name_of(dmabuf::source::bpf_iterator) == "bpf_iterator");
    CHECK(name_of(dmabuf::sizing::none) == "none");
    CHECK(name_of(dmabuf::sizing::descriptors) == "descriptors");
    CHECK(name_of(dmabuf::sizing::sysfs) == "sysfs");
    CHECK(name_of(dmabuf::sizing::bpf_iterator) == "bpf_iterator");
    CHECK(name_of(dmabuf::listing::none) == "none");
    CHECK(name_of(dmabuf::listing::sysfs) == "sysfs");
    CHECK(name_of(dmabuf::listing::bufinfo) == "bufinfo");
    CHECK(name_of(dmabuf::listing::bpf_iterator) == "bpf_iterator");
    CHECK(name_of(dmabuf::listing::android_bpf) == "android_bpf");
    CHECK(name_of(dmabuf::visibility::unknown) == "unknown");
    CHECK(name_of(dmabuf::visibility::everything) == "everything");
    CHECK(name_of(dmabuf::visibility::pid_namespace) == "pid_namespace");
    CHECK(name_of(dmabuf::visibility::hidden) == "hidden");
}

} // namespace

TEST_CASE("coverage, result: a value that is no case reads nothing behind the tables") {
    using namespace dmabuf;
    // The number behind the last, and the last of all.
    auto const none_of = [](auto const& rows) {
        using which = std::remove_cvref_t<decltype(rows[0].which)>;
        return std::array{static_cast<which>(std::size(rows)), static_cast<which>(255)};
    };
    for (auto const value : none_of(detail::source_names))
        CHECK(name_of(value) == "none");
    for (auto const value : none_of(detail::sizing_names))
        CHECK(name_of(value) == "none");
    for (auto const value : none_of(detail::listing_names))
        CHECK(name_of(value) == "none");
    for (auto const value : none_of(detail::visibility_names))
        CHECK(name_of(value) == "unknown");
    for (auto const value : none_of(detail::object_paths))
        CHECK(path_of({value}) == "");
    for (auto const value : none_of(detail::verbs))
        CHECK(describe({value, EIO, {object::proc}}) ==
              "cannot use /proc: input/output error (EIO)");
}
