// SPDX-License-Identifier: MIT
//
// Android's list of all buffers: four lines each.
#include <dmabuf/bpf_totals.hpp>

#include "table.hpp"

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
    dmabuf::bpf_totals_parser parser;
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

} // namespace

TEST_CASE("bpf totals: four lines are a buffer") {
    CHECK_TABLE(rows);
}

TEST_CASE("bpf totals: what fills the kernel's one buffer may be cut off") {
    std::string text;
    while (text.size() < 32768 - 256)
        text += "1\n4096\nname\nsystem\n";
    CHECK(parsed(text).error == EOVERFLOW);
    text.resize(text.size() - 38);
    while (text.size() < 32768 - 300)
        text += "1\n4096\nname\nsystem\n";
    CHECK(parsed(text.substr(0, 19 * 100)).error == 0);
    while (text.size() <= 32768)
        text += "1\n4096\nname\nsystem\n";
    CHECK(parsed(text).error == 0);
}

TEST_CASE("bpf totals: names and exporters arrive whole") {
    dmabuf::bpf_totals_parser parser;
    std::optional<dmabuf::result<dmabuf::listed_buffer>> item;
    for (auto const* line : {"7", "8192", "VRI[Taskbar]#2(BLAST Consumer)2", "qcom,system"})
        parser.line(line, item);
    REQUIRE(item);
    REQUIRE(*item);
    CHECK((*item)->inode == 7);
    CHECK((*item)->size_bytes == 8192);
    CHECK((*item)->name.view() == "VRI[Taskbar]#2(BLAST Consumer)2");
    CHECK((*item)->exporter.view() == "qcom,system");
}
