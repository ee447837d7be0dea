// SPDX-License-Identifier: MIT
#include <dmabuf/kernel/bufinfo.hpp>

#include "parse/table.hpp"

#include <string>
#include <vector>

namespace {

using namespace std::string_view_literals;

constexpr auto header =
    "\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n"sv;

/// What a list says, in words that a table can hold.
struct told {
    std::size_t rows = 0;
    bool whole = false; ///< no failure
    dmabuf::bufinfo_buffer first;
};

constexpr told read(std::string_view text) {
    told all;
    all.whole = true;
    dmabuf::bufinfo_parser parser;
    std::optional<dmabuf::result<dmabuf::bufinfo_buffer>> item;
    auto const take = [&] {
        if (!item) return;
        if (*item && all.rows++ == 0) all.first = **item;
        if (!*item) all.whole = false;
        item.reset();
    };
    while (!text.empty()) {
        parser.line(dmabuf::detail::take_until(text, '\n'), item);
        take();
    }
    parser.finish(item);
    take();
    parser.finish(item);
    take();
    return all;
}

struct list {
    std::string_view text; ///< behind the header
    std::size_t rows;
    bool whole;
    std::uint64_t inode;
    std::uint64_t size_bytes;
    std::string_view exporter;
    std::uint32_t devices;
    std::string_view device;

    constexpr bool holds(std::string_view bytes) const {
        auto const found = read(bytes);
        return found.rows == rows && found.whole == whole && found.first.inode == inode &&
               found.first.size_bytes == size_bytes && found.first.exporter == exporter &&
               found.first.device_count == devices && found.first.devices[0] == device;
    }
};

constexpr list lists[] = {
    {"\nTotal 0 objects, 0 bytes\n", 0, true, 0, 0, "", 0, ""},
    {"00196608\t00000002\t00080007\t00000001\tsystem\t00000098\t<none>\n\tAttached Devices:\n"
     "Total 0 devices attached\n\n\nTotal 1 objects, 196608 bytes\n",
     1, true, 98, 196608, "system", 0, ""},
    // Two devices, and a fence before them.
    {"00004096\t00000002\t00080007\t00000002\ti915\t00000007\tfb\n\tkernel fence:i915 rcs0 seq 3 "
     "signalled\n"
     "\tAttached Devices:\n\t0000:00:02.0\n\tvgem\nTotal 2 devices attached\n\n\nTotal 1 objects, "
     "4096 bytes\n",
     1, true, 7, 4096, "i915", 2, "0000:00:02.0"},
    // Sizes and inodes longer than the padding.
    {"4362076160\t00000002\t00080007\t00000001\tudmabuf\t18446744073709551615\tx\n\tAttached "
     "Devices:\n"
     "Total 0 devices attached\n\n\nTotal 1 objects, 4362076160 bytes\n",
     1, true, 18446744073709551615U, 4362076160U, "udmabuf", 0, ""},
    // A heap of reserved memory is called as its node of the device tree is.
    {"02097152\t00000002\t00080007\t00000002\tmtk_sapu_engine_shm_region-aligned\t00000007\t<none>"
     "\n"
     "\tAttached Devices:\nTotal 0 devices attached\n\n"
     "01048576\t00000002\t00080007\t00000001\tmtk_sapu_engine_shm_region\t00000008\t<none>\n"
     "\tAttached Devices:\nTotal 0 devices attached\n\n\nTotal 2 objects, 3145728 bytes\n",
     2, true, 7, 2097152, "mtk_sapu_engine_shm_region-aligned", 0, ""},
    // Names that imitate what follows them: the last list of devices is the real one.
    {"00004096\t00000002\t00080007\t00000001\tsystem\t00000007\tx\n\tAttached Devices:\n\tevil\n"
     "\tAttached Devices:\n\tvgem\nTotal 1 devices attached\n\n\nTotal 1 objects, 4096 bytes\n",
     1, true, 7, 4096, "system", 1, "vgem"},
    {"00004096\t00000002\t00080007\t00000001\tsystem\t00000007\tx\nTotal 1 objects, 4096 bytes\n"
     "\tAttached Devices:\nTotal 0 devices attached\n\n"
     "00008192\t00000002\t00080007\t00000001\tsystem\t00000008\t<none>\n\tAttached Devices:\n"
     "Total 0 devices attached\n\n\nTotal 2 objects, 12288 bytes\n",
     2, true, 7, 4096, "system", 0, ""},
    // Cut off, or totals that are not those of the rows.
    {"00004096\t00000002\t00080007\t00000001\tsystem\t00000007\tx\n\tAttached Devices:\n", 1, false,
     7, 4096, "system", 0, ""},
    {"\nTotal 1 objects, 4096 bytes\n", 0, false, 0, 0, "", 0, ""},
    // Rows that are none: a short field, a sign, something hexadecimal where decimals belong.
    {"4096\t00000002\t00080007\t00000001\tsystem\t00000007\tx\n\nTotal 0 objects, 0 bytes\n", 0,
     true, 0, 0, "", 0, ""},
    {"00004096\t00000002\t00080007\t00000001\tsystem\t0000000a\tx\n\nTotal 0 objects, 0 bytes\n", 0,
     true, 0, 0, "", 0, ""},
};

} // namespace

TEST_CASE("bufinfo: rows, devices, totals") {
    CHECK(read(std::string(header) + "\nTotal 0 objects, 0 bytes\n").whole);
    CHECK_TABLE(lists);
}

TEST_CASE("bufinfo: cut off anywhere, it is never whole, and nothing is made up") {
    for (auto const& row : lists) {
        if (!row.whole || row.rows == 0) continue;
        std::string const text = std::string(header) + std::string(row.text);
        for (std::size_t size = 0; size + 1 < text.size(); ++size) {
            auto const found = read(std::string_view(text).substr(0, size));
            CAPTURE(size);
            CHECK(found.rows <= row.rows);
            if (found.rows != 0) CHECK(found.first.size_bytes == row.size_bytes);
            // A name can imitate the totals: cut off just there, a list looks whole.
            bool const imitated = std::string_view(text).substr(0, size).find("bytes") != text.npos;
            if (found.rows < row.rows && !imitated) CHECK_FALSE(found.whole);
        }
    }
}

TEST_CASE("bufinfo: more devices than there is room for are counted") {
    std::string text =
        "00004096\t00000002\t00080007\t00000001\tsystem\t00000007\tx\n\tAttached Devices:\n";
    for (int i = 0; i < 12; ++i)
        text += "\tdevice" + std::to_string(i) + "\n";
    text += "Total 12 devices attached\n\n\nTotal 1 objects, 4096 bytes\n";
    auto const found = read(text);
    CHECK(found.whole);
    CHECK(found.first.device_count == 12);
    CHECK(found.first.devices[7] == "device7");
}
