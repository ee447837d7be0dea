// SPDX-License-Identifier: MIT
#include "kernel_symbols.hpp"

#include <dmabuf/text.hpp>

#include <fstream>
#include <string>
#include <string_view>

namespace dmabuf_pin {

kernel_symbols read_kernel_symbols() {
    kernel_symbols found;
    std::ifstream file("/proc/kallsyms");
    for (std::string line; std::getline(file, line);) {
        std::string_view rest = line; // "ffffffff82345678 d name", and perhaps "\t[module]"
        std::uint64_t address = 0;
        if (!dmabuf::detail::parse_number(dmabuf::detail::take_until(rest, ' '), address, 16))
            continue;
        (void)dmabuf::detail::take_until(rest, ' '); // the type
        if (rest == "__per_cpu_offset")
            found.per_cpu_offset = address;
        else if (rest.starts_with("dmabuf_inode")) // a compiler numbers it: a function's own
            found.inode_counter = address;
    }
    return found;
}

} // namespace dmabuf_pin
