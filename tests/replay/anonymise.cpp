// SPDX-License-Identifier: MIT
//
// Other names for those that people and programs chose, file by file.
#include "replay/anonymise.hpp"

#include "support.hpp"

namespace {

/// Anonymises files and links in turn, and returns the last.
std::string anonymised(std::vector<std::pair<std::string, std::string>> const& files,
                       replay::call what = replay::call::file) {
    replay::recording original;
    for (auto const& [path, text] : files) {
        auto& one = original.entries.emplace_back();
        one.what = what;
        one.path = path;
        one.text = text;
    }
    return replay::anonymised(original).entries.back().text;
}

std::string fdinfo_of(std::string const& rest) {
    return "pos:\t0\nflags:\t02\nmnt_id:\t15\nino:\t7\n" + rest;
}

} // namespace

TEST_CASE("each file keeps its form and its numbers, and loses its names") {
    std::string const stat = " S 1 12 12 0 -1 4194304 0 0\n";
    std::string const dmabuf = "size:\t4096\ncount:\t1\nexp_name:\tsystem\n";
    std::string const row = "00016384\t00000002\t00080007\t00000001\tsystem\t00000047\t";
    std::string const old_row = "00016384\t00000002\t00000005\t00000001\tion";
    std::string const attached = "\tAttached Devices:\n";
    std::string const named = "\nDma-buf Objects:\nsize    \tflags   \tmode    \tcount   \t"
                              "exp_name\tino     \tname\n";
    struct {
        char const* path;
        std::string before, after;
    } const table[] = {
        {"/proc/7/stat", "7 (secret)" + stat, "7 (process-1)" + stat},
        {"/proc/7/task/8/stat", "8 (a) S (b\n)" + stat, "8 (process-1)" + stat},
        {"/proc/7/stat", "secret", "xxxxxx"},
        {"/proc/7/status", "Name:\tse\\ncret\nUid:\t1\t1\t1\t1\n",
         "Name:\tprocess-1\nUid:\t1\t1\t1\t1\n"},
        {"/proc/7/task/7/fdinfo/3", fdinfo_of(dmabuf), fdinfo_of(dmabuf)},
        {"/proc/7/task/7/fdinfo/3", fdinfo_of(dmabuf + "name:\tsecret\n"),
         fdinfo_of(dmabuf + "name:\tbuffer-1\n")},
        {"/proc/7/task/7/fdinfo/3", fdinfo_of(dmabuf + "name:\t\n"),
         fdinfo_of(dmabuf + "name:\t\n")},
        {"/proc/7/task/7/fdinfo/3", fdinfo_of(dmabuf + "name:\tse\nsize:\tcret\n\n"),
         fdinfo_of(dmabuf + "name:\tbuffer-1\n")},
        {"/proc/7/task/7/fdinfo/3", fdinfo_of("drm-client-name:\tsecret\nsize:\tsecret\n"),
         fdinfo_of("xxxxxxxxxxxxxxxxxxxxxxx\nsize:\txxxxxx\n")},
        {"/proc/7/task/7/fdinfo/3",
         fdinfo_of("secret:\t1\nsize:\t1\ncount:\t1\nexp_name:\tsecret\nname:\tsecret\n"),
         fdinfo_of("xxxxxxxxx\nsize:\t1\ncount:\t1\nexp_name:\txxxxxx\nxxxxxxxxxxxx\n")},
        {"/proc/7/task/7/fdinfo/3", fdinfo_of("lock:\t1: POSIX\n"), fdinfo_of("lock:\txxxxxxxx\n")},
        {"/proc/7/task/7/maps",
         "1000-2000 rw-s 00000000 00:0c 7    /dmabuf:se\\012cret\n2000-3000 r-xp 00000000 08:01 9  "
         "  /home/secret (deleted)\n3000-4000 rw-p 00000000 00:00 0\n4000-5000 rw-p 00000000 00:00 "
         "0  [heap]\n5000-6000 rw-p 00000000 00:00 0  [anon:secret]\n",
         "1000-2000 rw-s 00000000 00:0c 7    /dmabuf:buffer-1\n2000-3000 r-xp 00000000 08:01 9    "
         "/path-1\n3000-4000 rw-p 00000000 00:00 0\n4000-5000 rw-p 00000000 00:00 0  "
         "[heap]\n5000-6000 rw-p 00000000 00:00 0  /path-2\n"},
        {"/proc/7/task/7/maps", "1000-2000 rw-s 00000000 00:0b 7    anon_inode:dmabuf\n",
         "1000-2000 rw-s 00000000 00:0b 7    anon_inode:dmabuf\n"},
        {"/proc/7/cgroup", "1:name=systemd:/secret\n", "1:name=systemd:/cgroup-1\n"},
        {"/proc/7/cgroup", "1:name=secret:/\n0::/user/secret\n", "1:name=x:/\n0::/cgroup-1\n"},
        {"/proc/7/task/7/dmabuf_fds", "1 2\n", "1 2\n"},
        {"/proc/sys/kernel/osrelease", "6.12\n", "6.12\n"},
        {"/sys/kernel/dmabuf/buffers/7/exporter_name", "system\n", "system\n"},
        {"/proc/7/environ", "secret", "xxxxxx"},
        {"/proc/7/cmdline", "secret", "argument-1"},
        {"/proc/7/cmdline",
         {"sec\0\0-k\nret\0sec\0\0", 17},
         {"argument-1\0\0argument-2\0argument-1\0\0", 35}},
        {"/sys/kernel/debug/dma_buf/bufinfo",
         "\nDma-buf Objects:\nsize    \tflags\n" + row + "sec\nret\n" + attached + "\tsecret\n" +
             attached + "\t0000:00:02.0\nTotal 1 devices attached\n\n" + row + "<none>\n" +
             attached + "Total 0 devices attached\n\n\nTotal 2 objects, 32768 bytes\n",
         "\nDma-buf Objects:\nsize    \tflags\n" + row + "buffer-1\n" + attached +
             "\t0000:00:02.0\nTotal 1 devices attached\n\n" + row + "<none>\n" + attached +
             "Total 0 devices attached\n\n\nTotal 2 objects, 32768 bytes\n"},
        // A name that may go on behind its row does so afterwards, too.
        {"/sys/kernel/debug/dma_buf/bufinfo",
         named + row + "sec\nret\n" + attached + "Total 0 devices attached\n\n" + row + "secret\n" +
             attached + "Total 0 devices attached\n\n\nTotal 2 objects, 32768 bytes\n",
         named + row + "buffer-1\n\n" + attached + "Total 0 devices attached\n\n" + row +
             "buffer-2\n" + attached +
             "Total 0 devices attached\n\n\nTotal 2 objects, 32768 bytes\n"},
        // A row with a sign before its count, and lists without inodes: 4.14, a vendor's, 3.10.
        {"/sys/kernel/debug/dma_buf/bufinfo",
         "\nDma-buf Objects:\nsize\tflags\tmode\tcount\texp_name\tino\tname\n"
         "00016384\t00000002\t00080007\t-0000001\tsystem\t00000047\tsecret\n" +
             attached + "\nTotal 1 objects, 16384 bytes\n",
         "\nDma-buf Objects:\nsize\tflags\tmode\tcount\texp_name\tino\tname\n"
         "00016384\t00000002\t00080007\t-0000001\tsystem\t00000047\tbuffer-1\n" +
             attached + "\nTotal 1 objects, 16384 bytes\n"},
        {"/sys/kernel/debug/dma_buf/bufinfo",
         "\nDma-buf Objects:\nsize\tflags\tmode\tcount\texp_name\n" + old_row + "\n" + attached +
             "\tgpu0\n\nTotal 1 objects, 16384 bytes\n",
         "\nDma-buf Objects:\nsize\tflags\tmode\tcount\texp_name\n" + old_row + "\n" + attached +
             "\tgpu0\n\nTotal 1 objects, 16384 bytes\n"},
        {"/sys/kernel/debug/dma_buf/bufinfo",
         "size\tflags\tmode\tcount\texp_name\tbuf name\n" + old_row + "\tsecret\n" + attached +
             "\nTotal 1 objects, 16384 bytes\n",
         "size\tflags\tmode\tcount\texp_name\tbuf name\n" + old_row + "\tbuffer-1\n" + attached +
             "\nTotal 1 objects, 16384 bytes\n"},
        {"/sys/kernel/debug/dma_buf/bufinfo",
         "\texp_name\tsize\tflags\tmode\tcount\n\t\tion\t00016384\t00000002\t00000005\t00000001\n"
         "\t\tAttached Devices:\n\t\tgpu0\n\nTotal 1 objects, 16384 bytes\n",
         "\texp_name\tsize\tflags\tmode\tcount\n\t\tion\t00016384\t00000002\t00000005\t00000001\n"
         "\t\tAttached Devices:\n\t\tgpu0\n\nTotal 1 objects, 16384 bytes\n"},
    };
    for (auto const& row_of : table) {
        CAPTURE(row_of.path, row_of.before);
        CHECK(anonymised({{row_of.path, row_of.before}}) == row_of.after);
    }
}

TEST_CASE("links keep what the kernel says of them") {
    auto const link = [](std::string const& target) {
        return anonymised({{"/proc/7/fd/3", target}}, replay::call::link);
    };
    CHECK(link("/dmabuf:secret") == "/dmabuf:buffer-1");
    CHECK(link("/dmabuf:") == "/dmabuf:");
    CHECK(link("anon_inode:dmabuf") == "anon_inode:dmabuf");
    CHECK(link("/home/secret") == "/path-1");
}

TEST_CASE("so do mappings that were asked for") {
    auto const mapped = [](std::string const& path) {
        return anonymised({{"/proc/7/task/7/maps", path}}, replay::call::mapping);
    };
    CHECK(mapped("/dmabuf:se\ncret") == "/dmabuf:buffer-1");
    CHECK(mapped("/home/secret (deleted)") == "/path-1");
    CHECK(mapped("/dmabuf:") == "/dmabuf:");
}

TEST_CASE("equal names get equal names, wherever they stand") {
    CHECK(anonymised({{"/proc/7/stat", "7 (a) S 1\n"},
                      {"/proc/8/stat", "8 (b) S 1\n"},
                      {"/proc/7/status", "Name:\ta\n"}}) == "Name:\tprocess-1\n");
    CHECK(anonymised({{"/proc/7/task/7/maps", "1000-2000 rw-s 00000000 00:0c 7 /dmabuf:a\\012b\n"},
                      {"/proc/7/fdinfo/3",
                       fdinfo_of("size:\t1\ncount:\t1\nexp_name:\tsystem\nname:\ta\nb\n")}}) ==
          fdinfo_of("size:\t1\ncount:\t1\nexp_name:\tsystem\nname:\tbuffer-1\n"));
}

TEST_CASE("a text that filled somebody's memory fills it again") {
    replay::recording original;
    auto& one = original.entries.emplace_back();
    one.what = replay::call::file;
    one.path = "/proc/7/status";
    one.text = "Name:\ta-long-name-1234\nUid:\t1\t1\t1\t1\n";
    one.unended = true;
    CHECK(replay::anonymised(original).entries[0].text.size() == one.text.size());
}
