// SPDX-License-Identifier: MIT
//
// The hints of dmabuf_ps, of directories that look like /proc and /sys.
#include "hints/hints.hpp"

#include "catch.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace {

namespace fs = std::filesystem;

/// Directories that last as long as this.
class machine {
public:
    machine() {
        std::string name = (fs::temp_directory_path() / "hints-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()));
        root_ = name;
    }
    machine(machine const&) = delete;
    machine& operator=(machine const&) = delete;
    ~machine() { fs::remove_all(root_); }

    void process(int pid, std::string const& comm) {
        make_directory(proc(pid) / "fd");
        make_directory(proc(pid) / "fdinfo");
        write(proc(pid) / "comm", comm + "\n");
    }
    void open(int pid, int fd, std::string const& target, std::string const& fdinfo = {}) {
        fs::create_symlink(target, proc(pid) / "fd" / std::to_string(fd));
        write(proc(pid) / "fdinfo" / std::to_string(fd), fdinfo);
    }
    /// A node of /dev, by its class and name, and the device behind it.
    void device(std::string const& node, std::string const& name) {
        make_directory(root_ / "sys/class" / node);
        fs::create_symlink("../../../devices/platform/" + name,
                           root_ / "sys/class" / node / "device");
    }

    [[nodiscard]] std::string hints(dmabuf::snapshot const& now) const {
        std::string text;
        for (auto const& one :
             ::hints::find(now, {(root_ / "proc").string(), (root_ / "sys").string()}))
            text += one + "\n";
        return text;
    }

private:
    [[nodiscard]] fs::path proc(int pid) const { return root_ / "proc" / std::to_string(pid); }
    static void make_directory(fs::path const& path) { fs::create_directories(path); }
    static void write(fs::path const& path, std::string const& text) {
        std::ofstream(path, std::ios::binary) << text;
    }

    fs::path root_;
};

/// As Linux 6.12 shows a ring with one fixed file.
constexpr auto ring = "pos:\t0\nflags:\t02000002\nSqThread:\t-1\nUserFiles:\t4\n    0: dmabuf\n"
                      "    1: <none>\n    2: memfd: dmabuf\n    3: dmabuf\nUserBufs:\t1\n"
                      "    0: dmabuf\nPollList:\n";

dmabuf::snapshot one_unheld() {
    dmabuf::snapshot now;
    now.unheld.emplace_back().inode = 7;
    return now;
}

} // namespace

TEST_CASE("hints: the DMA-BUFs among a ring's fixed files are counted, and nothing else is") {
    CHECK(hints::count_ring_files(ring) == 2);
    CHECK(hints::count_ring_files("UserFiles:\t1\n    0: dmabuf") == 1);
    // As Linux 7.3 shows it: whole paths, and no empty places.
    CHECK(hints::count_ring_files("UserFiles:\t4\n    0: /dmabuf:\n    1: /dmabuf:my\\040name\n"
                                  "    2: /tmp/dmabuf\n    3: /memfd:dmabuf\n") == 2);
    for (auto const* const none :
         {"", "UserFiles:\t0\n", "    0: dmabuf\n", " dmabuf\n", "UserFiles:\t1\n    x: dmabuf\n",
          "UserFiles:\t1\n 0: dmabufs\n", "UserBufs:\t1\n    0: dmabuf\n"})
        CHECK(hints::count_ring_files(none) == 0);
}

TEST_CASE("hints: a ring's whole fdinfo") {
    std::ifstream file(DMABUF_CASES "/fdinfo-io_uring-fixed-file.txt", std::ios::binary);
    REQUIRE(file);
    std::string const text{std::istreambuf_iterator<char>(file), {}};
    CHECK(hints::count_ring_files(text) == 1);
}

TEST_CASE("hints: who has the attached device open, and whose ring has DMA-BUFs") {
    machine here;
    here.process(10, "came\x1bra");
    here.open(10, 3, "/dev/video0");
    here.open(10, 4, "/dev/video0");
    here.open(10, 5, "/dev/video1");
    here.device("video4linux/video0", "vivid.0");
    here.device("video4linux/video1", "vivid.1");
    here.process(20, "shell");
    here.open(20, 0, "/dev/dri/card0");
    here.device("drm/card0", "vgem");
    here.process(30, "loop");
    here.open(30, 3, "anon_inode:[io_uring]", ring);
    here.open(30, 4, "anon_inode:[io_uring]", "UserFiles:\t0\n");
    auto now = one_unheld();
    now.counts.push_back({7, 2, 2, true, true});
    now.counts.push_back({8, 2, 0, true, true}); // is explained
    now.attachments.push_back({7, dmabuf::device_name("vivid.0"), 2});
    now.attachments.push_back({8, dmabuf::device_name("vgem"), 1});
    CHECK(
        here.hints(now) ==
        "Hint: a ring of process 30 (loop) has 2 fixed files that are DMA-BUFs.\n"
        "Hint: process 10 (came\\x1bra) has /dev/video0 open, whose device vivid.0 is attached to "
        "buffer 7.\n");
}

TEST_CASE("hints: of a buffer that lives on as a GEM handle, who has a device of DRM open") {
    machine here;
    here.process(10, "desktop");
    here.open(10, 3, "/dev/dri/card0");
    here.process(20, "shell");
    here.open(20, 0, "/dev/null");
    auto now = one_unheld();
    CHECK(here.hints(now).empty());
    now.exporter_names.emplace_back("drm");
    now.unheld.front().exporter = dmabuf::exporter_id{1};
    CHECK(here.hints(now) ==
          "Hint: process 10 (desktop) has /dev/dri/card0 open, and DRM exported buffer 7.\n");
}

TEST_CASE("hints: where processes explain all there is none") {
    machine here;
    here.process(30, "loop");
    here.open(30, 3, "anon_inode:[io_uring]", ring);
    dmabuf::snapshot now;
    now.buffers.emplace_back().inode = 7;
    now.counts.push_back({7, 1, 0, true, true});
    CHECK(here.hints(now).empty());
}
