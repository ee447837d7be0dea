// SPDX-License-Identifier: MIT
#include <dmabuf/kernel/fdinfo.hpp>

#include "target.hpp"

#include <string>

namespace {

/// The value of the first line `key`, found another way; nothing where there is none.
std::optional<std::string> first_value(std::string_view text, std::string_view key) {
    std::string const mark = std::string(key) + "\t";
    for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
        auto const line = text.substr(at, text.find('\n', at) - at);
        if (line.starts_with(mark)) return std::string(line.substr(mark.size()));
        if (text.find('\n', at) == text.npos) break;
    }
    return std::nullopt;
}

bool same(dmabuf::result<dmabuf::fdinfo> const& a, dmabuf::result<dmabuf::fdinfo> const& b) {
    if (a.has_value() != b.has_value()) return false;
    if (!a) return a.error() == b.error();
    return a->position == b->position && a->flags == b->flags && a->mount_id == b->mount_id &&
           a->inode == b->inode && a->size_bytes == b->size_bytes && a->count == b->count &&
           a->exporter == b->exporter && a->name == b->name && a->foreign == b->foreign;
}

} // namespace

void run_target(std::string_view input) {
    auto const whole = dmabuf::parse_fdinfo(input);
    for (std::size_t const size : {1UL, 2UL, 5UL, 64UL}) {
        dmabuf::fdinfo_parser parser;
        for (auto rest = input; !rest.empty(); rest.remove_prefix(std::min(size, rest.size())))
            parser.feed(rest.substr(0, size));
        require(same(parser.finish(), whole), "pieces say the same");
    }
    if (!whole) {
        require(whole.error().error == EBADMSG, "a failure is EBADMSG");
        require(whole.error().offset <= input.size(), "a failure is within the text");
        return;
    }
    require(first_value(input, "pos:").has_value(), "a position stands in the text");
    if (!whole->is_dmabuf()) return;
    auto const size = first_value(input, "size:");
    std::uint64_t number = 0;
    require(size && dmabuf::detail::parse_unsigned(*size, number) && number == whole->size_bytes,
            "the first size is the size");
    auto const exporter = first_value(input, "exp_name:");
    require(exporter.has_value(), "an exporter stands in the text");
    if (whole->name) {
        auto const at = input.find("\nname:\t");
        require(at != input.npos, "a name stands in the text");
        require(whole->name->truncated() ||
                    input.substr(at + 7) == std::string(whole->name->view()) + "\n",
                "all that follows is the name");
    }
}
