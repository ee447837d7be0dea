// SPDX-License-Identifier: MIT
//
// What {fmt} makes of the library's values, dmabuf/fmt.hpp being included.
#include <dmabuf/fmt.hpp>

#include <cstdio>

namespace {

int wrong = 0;

void expect(std::string const& printed, std::string const& text) {
    if (printed == text) return;
    std::fprintf(stderr, "\"%s\" where \"%s\" is right\n", printed.c_str(), text.c_str());
    ++wrong;
}

} // namespace

int main() {
    dmabuf::holder const who{.comm = dmabuf::process_name("a\x1b[31m\n")};
    expect(fmt::format("{}", who.comm), "a\\x1b[31m\\n");
    expect(fmt::format("{:>6}", dmabuf::buffer_name("a\n")), "   a\\n");
    expect(fmt::format("{}", dmabuf::exporter_name(std::string(64, 'x'))),
           std::string(63, 'x') + "\\..");
    expect(fmt::format("{} {}", dmabuf::source::fd_walk, dmabuf::visibility::hidden),
           "fd_walk hidden");
    expect(fmt::format("{}, {}", dmabuf::bytes{512}, dmabuf::bytes{8'283'750}), "512 B, 7.9 MiB");
    dmabuf::failure const why{dmabuf::operation::open, EACCES, {dmabuf::object::proc}};
    expect(fmt::format("{}", why), "cannot open /proc: permission denied (EACCES)");
    return wrong;
}
