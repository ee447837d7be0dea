// SPDX-License-Identifier: MIT
//
// The same walk as a C++ programmer writes it: std::filesystem and std::ifstream.
#include "rows.hpp"

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <sys/stat.h>

namespace {

namespace fs = std::filesystem;

struct description {
    std::uint64_t inode = 0, size = 0;
    std::string exporter, name;
};

description read_fdinfo(fs::path const& path) {
    description read;
    std::ifstream file(path);
    for (std::string key; file >> key;) {
        if (key == "ino:") file >> read.inode;
        if (key == "size:") file >> read.size;
        if (key == "exp_name:") file >> read.exporter;
        if (key == "name:") file >> read.name;
    }
    return read;
}

std::uint64_t look_once() {
    std::uint64_t found = 0;
    std::map<std::uint64_t, description> buffers;
    std::error_code error;
    for (auto const& process : fs::directory_iterator("/proc", error)) {
        auto const name = process.path().filename().string();
        if (name.find_first_not_of("0123456789") != name.npos) continue;
        for (auto const& fd : fs::directory_iterator(process.path() / "fd", error)) {
            auto const target = fs::read_symlink(fd.path(), error).string();
            struct ::stat status;
            if (error || ::stat(fd.path().c_str(), &status) != 0) continue;
            auto info = read_fdinfo(process.path() / "fdinfo" / fd.path().filename());
            if (target.rfind("/dmabuf:", 0) != 0) continue;
            buffers[info.inode] = std::move(info);
            ++found;
        }
    }
    return found;
}

} // namespace

std::vector<row> baseline_rows() {
    return {
        {.name = "four steps, plain C", .begin = [](auto) { return look(four_steps); }},
        {.name = "four steps, C++ streams", .begin = [](auto) { return look(look_once); }},
        {.name = "one process: four steps, plain C",
         .begin = [](auto pid) { return look([pid] { return four_steps_of(pid); }); },
         .of_one = true},
    };
}
