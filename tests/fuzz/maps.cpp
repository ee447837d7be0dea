// SPDX-License-Identifier: MIT
#include <dmabuf/kernel/maps.hpp>

#include "target.hpp"

#include <cinttypes>
#include <string>

void run_target(std::string_view input) {
    auto const line = input.substr(0, input.find('\n'));
    auto const found = dmabuf::parse_maps_line(line);
    if (!found) {
        require(found.error().error == EBADMSG && found.error().offset <= line.size(),
                "a failure is within the line");
    } else {
        require(found->begin <= found->end, "no mapping ends before it begins");
        require(found->size_bytes() == found->end - found->begin, "its size is its length");
        require(line.ends_with(found->path), "the path ends the line");
        // sscanf reads the numbers another way.
        std::uint64_t begin = 0, end = 0, inode = 0;
        std::uint32_t major = 0, minor = 0;
        std::string const text(line.substr(0, line.size() - found->path.size()));
        int const fields = std::sscanf(
            text.c_str(), "%" SCNx64 "-%" SCNx64 " %*s %*x %" SCNx32 ":%" SCNx32 " %" SCNu64,
            &begin, &end, &major, &minor, &inode);
        require(fields != 5 ||
                    (begin == found->begin && end == found->end && major == found->device.major &&
                     minor == found->device.minor && inode == found->inode),
                "sscanf reads the same numbers");
    }
    if (auto const name = dmabuf::parse_mapped_name(input)) {
        require(input.starts_with("/dmabuf:"), "a name follows its mark");
        require(name->size() <= input.size() - 8, "no name grows");
    }
    if (auto const name = dmabuf::parse_linked_name(input))
        require(name->truncated() || "/dmabuf:" + std::string(name->view()) == input,
                "all that follows the mark is the name");
}
