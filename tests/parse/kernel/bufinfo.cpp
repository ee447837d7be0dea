// SPDX-License-Identifier: MIT
#include <dmabuf/kernel/bufinfo.hpp>

#include "parse/table.hpp"

#include <string>
#include <vector>

namespace {

using namespace std::string_view_literals;

constexpr auto header =
    "\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n"sv;

/// The outcome of a list, as values that a table can hold.
struct told {
    std::size_t rows = 0;
    std::uint32_t odd = 0; ///< the line of the first odd row
    bool whole = false;    ///< no failure but those of odd rows
    dmabuf::bufinfo_buffer first;
    dmabuf::bufinfo_buffer last;
    dmabuf::failure end; ///< of a list that is not whole
};

constexpr told read(std::string_view text) {
    told all;
    all.whole = true;
    dmabuf::bufinfo_parser parser;
    std::optional<dmabuf::result<dmabuf::bufinfo_buffer>> item;
    auto const take = [&] {
        if (!item) return;
        auto const why = item->error();
        if (*item && all.rows++ == 0) all.first = **item;
        if (*item) all.last = **item;
        if (!*item && why.line != 0 && all.odd == 0) all.odd = why.line;
        if (!*item && why.line == 0) all.whole = false, all.end = why;
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
    std::uint32_t odd = 0;

    constexpr bool holds(std::string_view bytes) const {
        auto const found = read(bytes);
        return found.rows == rows && found.whole == whole && found.first.inode == inode &&
               found.first.size_bytes == size_bytes && found.first.exporter == exporter &&
               found.first.attachments == devices && found.first.devices[0].name == device &&
               found.odd == odd;
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
    // Odd rows: a short field, a sign, something hexadecimal where decimals belong, flags of more
    // than 32 bits, a mode with a letter of another kind, columns that are missing. The rows around
    // them stand.
    {"00004096\t100000002\t00080007\t00000001\tsystem\t00000007\tx\n\nTotal 1 objects, 4096 "
     "bytes\n",
     0, true, 0, 0, "", 0, "", 1},
    {"00004096\t00000002\t0008000A\t00000001\tsystem\t00000007\tx\n\nTotal 1 objects, 4096 bytes\n",
     0, true, 0, 0, "", 0, "", 1},
    {"00004096\t00000002\t0080007\t00000001\tsystem\t00000007\tx\n\nTotal 1 objects, 4096 bytes\n",
     0, true, 0, 0, "", 0, "", 1},
    {"4096\t00000002\t00080007\t00000001\tsystem\t00000007\tx\n\nTotal 1 objects, 4096 bytes\n", 0,
     true, 0, 0, "", 0, "", 1},
    {"00004096\t00000002\t00080007\t00000001\tsystem\t0000000a\tx\n\nTotal 1 objects, 4096 bytes\n",
     0, true, 0, 0, "", 0, "", 1},
    {"00004096\t00000002\t00080007\t00000001\tsystem-uncached\n\nTotal 1 objects, 4096 bytes\n", 0,
     true, 0, 0, "", 0, "", 1},
    {"00004096\t00000002\t00080007\t-0000001\tsystem\t00000002\t<none>\n\tAttached "
     "Devices:\n\tevil\n"
     "Total 1 devices attached\n\n"
     "00008192\t00000002\t00080007\t00000001\tsystem\t00000003\t<none>\n\tAttached "
     "Devices:\n\tvgem\n"
     "Total 1 devices attached\n\n\nTotal 2 objects, 12288 bytes\n",
     1, true, 3, 8192, "system", 1, "vgem", 1},
    {"00008192\t00000002\t00080007\t00000001\tsystem\t00000003\t<none>\n\tAttached Devices:\n"
     "Total 0 devices attached\n\n"
     "00004096\t00000002\t00080007\t-0000001\tsystem\t00000002\t<none>\n\tAttached "
     "Devices:\n\tevil\n"
     "Total 1 devices attached\n\n\nTotal 2 objects, 12288 bytes\n",
     1, true, 3, 8192, "system", 0, "", 5},
    // A buffer that the kernel left out is in no total.
    {"\tERROR locking buffer object: skipping\n"
     "00008192\t00000002\t00080007\t00000001\tsystem\t00000003\t<none>\n\tAttached Devices:\n"
     "Total 0 devices attached\n\n\nTotal 1 objects, 8192 bytes\n",
     1, true, 3, 8192, "system", 0, "", 1},
    // An odd row is one of those that the totals count.
    {"00004096\t00000002\t00080007\t-0000001\tsystem\t00000002\t<none>\n\nTotal 0 objects, 0 "
     "bytes\n",
     0, false, 0, 0, "", 0, "", 1},
    {"00004096\t00000002\t00080007\t-0000001\tsystem\t00000002\t<none>\n\nTotal 1 objects, 1 "
     "bytes\n",
     0, false, 0, 0, "", 0, "", 1},
    // Where its size does not fit, their bytes cannot be compared.
    {"-0004096\t00000002\t00080007\t00000001\tsystem\t00000002\t<none>\n\nTotal 1 objects, 1 "
     "bytes\n",
     0, true, 0, 0, "", 0, "", 1},
    // A name of 31 bytes is no odd row.
    {"00004096\t00000002\t00080007\t00000001\tsystem\t00000007\tx\n00004096\t00000002\t00080007\t1"
     "\t1\n"
     "\tAttached Devices:\nTotal 0 devices attached\n\n\nTotal 1 objects, 4096 bytes\n",
     1, true, 7, 4096, "system", 0, ""},
    // A kernel of 32 bits adds up modulo 2^32.
    {"2147483648\t00000002\t00080007\t00000001\tsystem\t00000007\t<none>\n\tAttached Devices:\n"
     "Total 0 devices attached\n\n"
     "2147487744\t00000002\t00080007\t00000001\tsystem\t00000008\t<none>\n\tAttached Devices:\n"
     "Total 0 devices attached\n\n\nTotal 2 objects, 4096 bytes\n",
     2, true, 7, 2147483648, "system", 0, ""},
};

/// Whole lists, whose headers tell the columns.
constexpr list old_lists[] = {
    // 3.10: a device has no name yet, and every line of a buffer stands behind two tabs.
    {"\nDma-buf Objects:\n\texp_name\tsize\tflags\tmode\tcount\n"
     "\t\texynos\t06220800\t00000000\t00000005\t00000004\n\t\tAttached "
     "Devices:\n\t\t(null)\n\t\t(null)\n"
     "\n\t\tTotal 2 devices attached\n\nTotal 1 objects, 6220800 bytes\n",
     1, true, 0, 6220800, "exynos", 2, "(null)"},
    {"\nDma-buf Objects:\n\texp_name\tsize\tflags\tmode\tcount\n"
     "\t\texynos\t06220800\t00000000\t00000005\t-0000004\n\t\tAttached Devices:\n"
     "\n\t\tTotal 0 devices attached\n\nTotal 1 objects, 6220800 bytes\n",
     0, true, 0, 0, "", 0, "", 4},
    // 4.9, and 4.14 with fences.
    {"\nDma-buf Objects:\nsize\tflags\tmode\tcount\texp_name\n"
     "06220800\t00000000\t00000005\t00000004\tdrm\n\tAttached Devices:\n\tgpu0\nTotal 1 devices "
     "attached\n\n"
     "\nTotal 1 objects, 6220800 bytes\n",
     1, true, 0, 6220800, "drm", 1, "gpu0"},
    {"\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\n"
     "06220800\t00000000\t00000005\t00000004\tdrm\n\tExclusive fence: gpu0 ring0 signalled\n"
     "\tShared fence: gpu0 ring1 unsignalled\n\tAttached Devices:\n\tgpu0\nTotal 1 devices "
     "attached\n\n"
     "\nTotal 1 objects, 6220800 bytes\n",
     1, true, 0, 6220800, "drm", 1, "gpu0"},
    // A vendor's 4.14 pads the exporter, and has names without inodes.
    {"\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name    \tbuf name\n"
     "00012288\t00000002\t00000007\t00000002\tion         \tmy name\n\tAttached Devices:\n"
     "Total 0 devices attached\n\n\nTotal 1 objects, 12288 bytes\n",
     1, true, 0, 12288, "ion", 0, ""},
    // From 5.3 to 5.19 the column of names has no title.
    {"\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\tino     \n"
     "00012288\t00000002\t00080007\t00000002\tudmabuf\t00000009\tmy name\n\tAttached Devices:\n"
     "Total 0 devices attached\n\n\nTotal 1 objects, 12288 bytes\n",
     1, true, 9, 12288, "udmabuf", 0, ""},
    // A header of 30 bytes fits into a name, which stands behind the first row.
    {"\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\tino     \tname\n"
     "00012288\t00000002\t00080007\t00000002\tudmabuf\t00000008\t\nsize\tflags\tmode\tcount\texp_"
     "name\n"
     "\tAttached Devices:\nTotal 0 devices attached\n\n"
     "00012288\t00000002\t00080007\t00000002\tudmabuf\t0000000x\t<none>\n\tAttached Devices:\n"
     "Total 0 devices attached\n\n\nTotal 2 objects, 24576 bytes\n",
     1, true, 8, 12288, "udmabuf", 0, "", 9},
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

TEST_CASE("bufinfo: the header tells the columns") {
    CHECK_TABLE(old_lists);
}

/// A list of one buffer with these devices.
std::string list_with(std::vector<std::string> const& devices) {
    auto text =
        std::string(header) +
        "00004096\t00000002\t00080007\t00001804\tsystem\t00000007\tx\n\tAttached Devices:\n";
    for (auto const& device : devices)
        text += "\t" + device + "\n";
    return text + "Total " + std::to_string(devices.size()) +
           " devices attached\n\n\nTotal 1 objects, 4096 bytes\n";
}

TEST_CASE("bufinfo: each device with the number of its attachments") {
    std::vector<std::string> devices(600, "vcodec");
    devices.insert(devices.begin() + 17, "soc:display");
    devices.insert(devices.begin() + 500, "soc:display");
    auto const found = read(list_with(devices));
    CHECK(found.whole);
    CHECK(found.first.count == 1804);
    CHECK(found.first.attachments == 602);
    auto const named = found.first.named_devices();
    REQUIRE(named.size() == 2);
    CHECK(named[0].name == "vcodec");
    CHECK(named[0].times == 600);
    CHECK(named[1].name == "soc:display");
    CHECK(named[1].times == 2);
}

TEST_CASE("bufinfo: more devices than there is room for are counted") {
    std::vector<std::string> devices;
    for (int i = 0; i < 12; ++i)
        devices.push_back("device" + std::to_string(i));
    devices.push_back("device3");
    auto const found = read(list_with(devices));
    CHECK(found.whole);
    CHECK(found.first.attachments == 13);
    REQUIRE(found.first.named_devices().size() == 8);
    CHECK(found.first.devices[7].name == "device7");
    CHECK(found.first.devices[3].times == 2);
}

TEST_CASE("bufinfo: two devices whose names were cut are not one") {
    std::string const same(63, 'd');
    auto const found = read(list_with({same + "1", same + "2", same}));
    REQUIRE(found.first.named_devices().size() == 3);
    CHECK(found.first.devices[0].name.truncated());
    CHECK(found.first.devices[1].times == 1);
    CHECK(found.first.devices[2].name == same);
}

TEST_CASE("bufinfo: a failure names the line of a row, or the end of the list") {
    auto const text = std::string(header) +
                      "00004096\t00000002\t00080007\t00000001\tsystem\t00000001\t<none>\n"
                      "\tAttached Devices:\nTotal 0 devices attached\n\n"
                      "00004096\t00000002\t00080007\t-0000001\tsystem\t00000002\t<none>\n";
    dmabuf::bufinfo_parser parser;
    std::optional<dmabuf::result<dmabuf::bufinfo_buffer>> item;
    std::vector<dmabuf::failure> failed;
    for (std::string_view rest = text; !rest.empty();)
        parser.line(dmabuf::detail::take_until(rest, '\n'), item);
    for (int i = 0; i < 3; ++i) {
        item.reset();
        parser.finish(item);
        if (item) failed.push_back(item->error());
    }
    REQUIRE(failed.size() == 2);
    CHECK(failed[0] ==
          dmabuf::failure{dmabuf::operation::parse, EBADMSG, {dmabuf::object::bufinfo}, 27, 8});
    CHECK(failed[1] == dmabuf::failure{dmabuf::operation::parse,
                                       EBADMSG,
                                       {dmabuf::object::bufinfo},
                                       static_cast<std::uint32_t>(text.size())});
}

namespace {

/// A name, the fences of its buffer, and what the list tells: a name, or nothing for certain.
struct shown_name {
    std::string_view name;
    std::string_view fences;
    bool known;

    [[nodiscard]] constexpr dmabuf::bufinfo_buffer found(std::string_view head) const {
        std::string text(head);
        text += "00004096\t00000002\t00080007\t00000001\tsystem\t00000007\t";
        (text += name) += '\n';
        text += fences;
        text += "\tAttached Devices:\n\tvgem\nTotal 1 devices attached\n\n\nTotal 1 objects, 4096 "
                "bytes\n";
        return read(text).first;
    }
    [[nodiscard]] constexpr bool holds(std::string_view head) const {
        auto const one = found(head);
        return one.name_known == known && (!known || one.name == name);
    }
};

constexpr auto fence = "\tread fence:i915 rcs0 seq 3 signalled\n"sv;
constexpr auto short_fence = "\tread fence:a b seq 3 signalled\n"sv;

constexpr shown_name shown_names[] = {
    {"camera", "", true},
    {"c", fence, true},
    {"camera", short_fence, true},
    {"a\tb\t<none>", "", true},
    {"<none", "", true},
    {"<none>\t", "", true},
    {"0123456789012345678901234567890", "", true},
    {"\xff\x01", fence, true},
    {"\r", "", true},
    {"<none>", "", false},
    {"", "", false},
    {"c\n", "", false},
    {"\n", "", false},
    {"c\nd", fence, false},
    {"c\n\tread fence:a b", fence, false},
    {"c\n\tAttached Devices:", "", false},
    {"c\n\tAttached Devices:", fence, false},
    {"c\n\tAttached Devices:\n\tvgem", "", false},
    {"012345678901\n\tAttached Devices:", "", false},
};

} // namespace

TEST_CASE("bufinfo: a name is told where nothing behind it can be a part of it") {
    for (auto const& row : shown_names) {
        CAPTURE(row.name, row.fences);
        CHECK(row.holds(header));
        CHECK(row.holds(
            "\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \texp_name\tino     \n"));
    }
}

TEST_CASE("bufinfo: a name that is told is the whole name, whatever it imitates") {
    constexpr std::string_view parts[] = {"\n",
                                          "\tAttached Devices:",
                                          "\tread fence:a b seq 1 x",
                                          "x",
                                          "<none>",
                                          "\t",
                                          "Total 0 devices attached",
                                          "\tvgem"};
    constexpr std::size_t count = std::size(parts);
    std::size_t known = 0;
    for (std::size_t number = 0; number < count * count * count * count; ++number) {
        std::string name;
        for (std::size_t rest = number, k = 0; k < 4; ++k, rest /= count)
            name += parts[rest % count];
        if (name.size() > 31) continue;
        for (auto const fences : {""sv, fence, short_fence}) {
            auto const found = shown_name{name, fences, false}.found(header);
            CAPTURE(name, fences);
            if (found.name_known) REQUIRE(found.name == std::string_view(name));
            known += found.name_known;
        }
    }
    CHECK(known > 100);
}
