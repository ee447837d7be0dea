// SPDX-License-Identifier: MIT
//
// Android's list of all buffers: four lines each.
#include <dmabuf/kernel/android_buffers.hpp>

#include "parse/table.hpp"

#include <algorithm>

namespace {

struct outcome {
    std::size_t buffers = 0;
    std::uint64_t bytes = 0;
    int error = 0;
    std::uint32_t offset = 0;
    constexpr bool operator==(outcome const&) const = default;
};

constexpr outcome parsed(std::string_view text) {
    outcome all;
    dmabuf::android_buffers_parser parser;
    std::optional<dmabuf::result<dmabuf::listed_buffer>> item;
    auto const take = [&] {
        if (item && *item)
            ++all.buffers, all.bytes += (*item)->size_bytes;
        else if (item)
            all.error = item->error().error, all.offset = item->error().offset;
        item.reset();
    };
    while (!text.empty()) {
        parser.line(dmabuf::detail::take_until(text, '\n'), item);
        take();
    }
    parser.finish(item);
    take();
    return all;
}

struct row {
    std::string_view text;
    outcome expected;
    constexpr bool holds(std::string_view bytes) const { return parsed(bytes) == expected; }
};

constexpr row rows[] = {
    {"", {}},
    {"1\n4096\nname\nsystem\n", {1, 4096}},
    {"1\n4096\n\nsystem\n", {1, 4096}},
    {"1\n4096\n\n\n", {1, 4096}},
    {"18446744073709551615\n18446744073709551615\na b\nudmabuf\n", {1, ~std::uint64_t{0}}},
    {"1\n1\na\nb\n2\n2\n3\n4\n3\n4\n\n5\n", {3, 7}}, // names that look like numbers
    {"1\n4096\nname\n", {0, 0, EBADMSG, 12}},
    {"1\n4096\nname\nsystem\n2\n", {1, 4096, EBADMSG, 21}},
    {"x\n4096\nname\nsystem\n", {0, 0, EBADMSG, 0}},
    {"1\n-1\nname\nsystem\n", {0, 0, EBADMSG, 2}},
    {"1\n4096\nname\nsystem\n\n2\n3\n4\n", {1, 4096, EBADMSG, 19}},
    {"1 4096 name system\n", {0, 0, EBADMSG, 0}},
};

/// Whole buffers, of `bytes` bytes together.
std::string list_of(std::size_t bytes) {
    std::string text;
    while (text.size() + 2 * 40 <= bytes)
        text += "1\n4096\nname\nsystem\n";
    if (text.size() < bytes)
        text += "1\n4096\n" + std::string(bytes - text.size() - 9, 'n') + "\n\n";
    return text;
}

} // namespace

TEST_CASE("bpf totals: four lines are a buffer") {
    CHECK_TABLE(rows);
}

TEST_CASE("bpf totals: what ends where a kernel's buffer, or a read, is full may be cut off") {
    struct length {
        std::size_t bytes;
        bool unknown;
    };
    constexpr length lengths[] = {
        {0, false},
        {1900, false},
        {16'383, false}, // nothing ends before a read is full
        {16'384, true},  // the default space
        {16'639, true},
        {16'640, false},
        {32'512, false},
        {32'513, true}, // eight pages of 4 KiB
        {32'767, true},
        {32'768, true}, // a read of 32 KiB where pages are larger
        {33'023, true},
        {33'024, false}, // more than one buffer of 4 KiB pages: that kernel goes
                         // on
        {65'500, true},
        {100'000, false},
        {130'816, false},
        {131'000, true}, // eight pages of 16 KiB
        {131'400, false},
        {524'200, true}, // eight pages of 64 KiB
        {1 << 20, false},
    };
    for (auto const& one : lengths) {
        INFO(one.bytes);
        CHECK(dmabuf::android_buffers_parser::may_be_cut(one.bytes) == one.unknown);
        CHECK(parsed(list_of(one.bytes)).error == (one.unknown ? ENOBUFS : 0));
    }
}

TEST_CASE("bpf totals: names and exporters arrive whole") {
    dmabuf::android_buffers_parser parser;
    std::optional<dmabuf::result<dmabuf::listed_buffer>> item;
    for (auto const* line : {"7", "8192", "VRI[Taskbar]#2(BLAST Consumer)2", "qcom,system"})
        parser.line(line, item);
    REQUIRE(item);
    REQUIRE(*item);
    CHECK((*item)->inode == 7);
    CHECK((*item)->size_bytes == 8192);
    CHECK((*item)->name == "VRI[Taskbar]#2(BLAST Consumer)2");
    CHECK((*item)->exporter == "qcom,system");
}
