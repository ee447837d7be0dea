// SPDX-License-Identifier: MIT
//
// The makers of buffers and the devices attached to them, as dmabuf_pin's programs note them: the
// files read, and told with the account.
#include <dmabuf/bpf/origins.hpp>

#include "harness.hpp"
#include "systems/bpf_stream.hpp"

namespace {

using system_with_pins = bpf::pinned<fake::system>;

fake::file file_of(std::uint64_t inode, std::uint64_t size_bytes) {
    fake::file made;
    made.inode = inode;
    made.size_bytes = size_bytes;
    return made;
}

dmabuf_bpf_actor const krita{217, 219, 1000, 0, 40'000'000'000, "krita", "render"};

/// The items that `read` gives of a file with this text, in words, and a failure in words.
template<class Read>
std::string read_file(char const* path, std::string const& text, std::size_t piece, Read read) {
    fake::kernel kernel;
    bpf::bpffs files;
    files.pins[path] = bpf::pin::of(text, piece);
    std::string words;
    read(system_with_pins{{&kernel}, &files}, words);
    CHECK(files.open.empty());
    return words;
}

std::string origins_in(std::string const& text, std::size_t piece = 32768) {
    return read_file(bpf::origins_path, text, piece, [](auto system, std::string& words) {
        auto records = dmabuf::read_bpf_origins(dmabuf::read_space(), system);
        for (auto const& one : records) {
            if (!one) return void(words += dmabuf::describe(one.error()).view());
            words += std::to_string(one->inode) + " " + std::string(one->maker.comm) + " ";
        }
        words += "+" + std::to_string(records.changes());
    });
}

std::string attachments_in(std::string const& text, std::size_t piece = 32768) {
    return read_file(bpf::attachments_path, text, piece, [](auto system, std::string& words) {
        auto records = dmabuf::read_bpf_attachments(dmabuf::read_space(), system);
        for (auto const& one : records) {
            if (!one) return void(words += dmabuf::describe(one.error()).view());
            words += std::to_string(one->inode) + " " + std::string(one->attached_to) + " ";
        }
        words += "+" + std::to_string(records.changes());
    });
}

} // namespace

TEST_CASE("origins: both files, in reads of any size") {
    auto const piece = GENERATE(std::size_t{32768}, std::size_t{1000}, std::size_t{7});
    auto const watch = bpf::watch_from(1);
    CHECK(origins_in(bpf::origins({bpf::origin_of(file_of(5, 4096), krita, 50),
                                   bpf::origin_of(file_of(3, 4096), krita, 40)},
                                  watch),
                     piece) == "5 krita 3 krita +0");
    CHECK(attachments_in(
              bpf::attachments({bpf::attachment_of(file_of(5, 4096), "vgem", krita, 60)}, watch),
              piece) == "5 vgem +0");
    CHECK(origins_in(bpf::origins({}, watch), piece) == "+0");
}

TEST_CASE("origins: changes during the walk are told") {
    auto before = bpf::watch_from(1);
    before.begun = 12;
    before.finished = 11;
    auto after = before;
    after.begun = 14;
    after.finished = 14;
    CHECK(origins_in(bpf::watched<dmabuf_bpf_origin>(DMABUF_BPF_ORIGIN, {}, before, after)) ==
          "+3");
}

TEST_CASE("origins: a file that no program writes is refused, and named") {
    auto const watch = bpf::bytes_of(bpf::watch_from(1));
    auto const header = bpf::header(DMABUF_BPF_ORIGIN);
    auto const record = bpf::bytes_of(bpf::origin_of(file_of(5, 4096), krita, 50));
    auto earlier = bpf::watch_from(1);
    auto later = bpf::watch_from(1);
    later.begun = 1;
    std::string const refused = "cannot parse /sys/fs/bpf/dmabuf/origins at byte ";
    std::string const words = ": not the text that the kernel writes (EBADMSG)";
    struct row {
        std::string text;
        std::string told;
    };
    row const rows[] = {
        {"", refused + "0" + words},
        {header, refused + "0" + words},
        {header + bpf::end(), refused + "2" + words},
        {header + record, refused + "2" + words},
        {header + watch, refused + "0" + words},
        {header + watch + bpf::end(), refused + "2" + words},
        {header + watch + record + bpf::end(), "5 krita " + refused + "2" + words},
        {header + watch + watch + record + bpf::end(), refused + "2" + words},
        {header + watch + watch + watch + bpf::end(), refused + "2" + words},
        {header + watch + record, "5 krita " + refused + "0" + words},
        {header + watch + record + watch, "5 krita " + refused + "0" + words},
        {header + watch + header + watch + bpf::end(), refused + "2" + words},
        {header + bpf::bytes_of(later) + bpf::bytes_of(earlier) + bpf::end(),
         refused + "32" + words},
        {bpf::header(DMABUF_BPF_ATTACHMENT) + watch + watch + bpf::end(), refused + "20" + words},
        {bpf::header(DMABUF_BPF_ORIGIN, 0, DMABUF_BPF_VERSION + 1) + watch + watch + bpf::end(),
         "cannot identify /sys/fs/bpf/dmabuf/origins: of another version (EPROTONOSUPPORT)"},
    };
    for (auto const& [text, told] : rows) {
        INFO(told);
        CHECK(origins_in(text) == told);
    }
}

TEST_CASE("origins: cut off at every byte, the file is refused, and never a crash") {
    auto const text =
        bpf::origins({bpf::origin_of(file_of(5, 4096), krita, 50)}, bpf::watch_from(1));
    for (std::size_t size = 0; size < text.size(); ++size) {
        INFO(size);
        CHECK(origins_in(text.substr(0, size)).ends_with("(EBADMSG)"));
    }
}
