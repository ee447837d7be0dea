// SPDX-License-Identifier: MIT
#include "tables.hpp"

#include <dmabuf/fmt.hpp>

#include "columns.hpp"
#include "users.hpp"

#include <algorithm>

namespace dmabuf_ps {

namespace {

std::string size(std::uint64_t bytes, table_style const& style) {
    return style.exact_bytes ? fmt::format("{}", bytes) : fmt::format("{}", dmabuf::bytes{bytes});
}

/// A sum that leaves out buffers of unknown size is a lower bound.
std::string sum(std::uint64_t bytes, bool all_known, table_style const& style) {
    return (all_known ? "" : "≥ ") + size(bytes, style);
}

/// Two quotes for an empty name, so that it can be seen.
template<class Name>
std::string visible(Name const& name) {
    return name.empty() ? "\"\"" : fmt::format("{}", name);
}

std::string name_of(dmabuf::buffer const& buffer) {
    if (!buffer.name_known) return "?";
    return buffer.named ? visible(buffer.name) : "-";
}

std::string exporter_of(dmabuf::exporter_name const& exporter) {
    return exporter.empty() ? "?" : fmt::format("{}", exporter);
}

std::string list(std::vector<dmabuf::holder const*> const& holders) {
    std::string text;
    for (auto const* who : holders)
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", who->pid, visible(who->comm));
    return text;
}

std::string counted(std::size_t count, std::string_view one) {
    return fmt::format("{} {}{}", count, one, count == 1 ? "" : one.ends_with('s') ? "es" : "s");
}

} // namespace

std::string process_table(dmabuf::snapshot const& now, selection const& shown,
                          table_style const& style) {
    columns table({{"PID", true},
                   {"USER"},
                   {"BUFFERS", true},
                   {"FDS", true},
                   {"MAPS", true},
                   {"PSS", true},
                   {"RSS", true},
                   {"USS", true},
                   {"COMMAND", false, true}});
    user_names users;
    for (auto const* who : shown.processes) {
        std::uint64_t descriptors = 0;
        std::uint64_t mappings = 0;
        for (auto const& reference : now.references_of(*who)) {
            descriptors += reference.descriptors;
            mappings += reference.mappings;
        }
        bool const known = who->unsized_buffers == 0;
        table.add_row({fmt::format("{}", who->pid), users.of(who->uid),
                       fmt::format("{}", who->reference_count), fmt::format("{}", descriptors),
                       fmt::format("{}", mappings), sum(who->pss_bytes, known, style),
                       sum(who->rss_bytes, known, style), sum(who->uss_bytes, known, style),
                       visible(who->comm)});
    }
    return table.text(style.width);
}

std::string buffer_table(dmabuf::snapshot const& now, selection const& shown,
                         table_style const& style) {
    columns table({{"INODE", true},
                   {"SIZE", true},
                   {"EXPORTER"},
                   {"FDS", true},
                   {"MAPS", true},
                   {"NAME", false, true},
                   {"HOLDERS", false, true}});
    auto const holders = holders_by_buffer(now);
    auto by_size = shown.buffers;
    std::ranges::stable_sort(by_size, [](auto const* a, auto const* b) {
        return a->size_bytes > b->size_bytes; // what is equal stays in the order of inodes
    });
    for (auto const* buffer : by_size) {
        auto const index = static_cast<std::size_t>(buffer - now.buffers.data());
        table.add_row({fmt::format("{}", buffer->inode),
                       buffer->size_known ? size(buffer->size_bytes, style) : "?",
                       exporter_of(buffer->exporter), fmt::format("{}", buffer->descriptors),
                       fmt::format("{}", buffer->mappings), name_of(*buffer),
                       list(holders[index])});
    }
    return table.text(style.width);
}

std::string totals(selection const& shown, table_style const& style) {
    bool const known =
        std::ranges::all_of(shown.buffers, [](auto const* one) { return one->size_known; });
    auto text = fmt::format("{}, {} in all, held by {}\n", counted(shown.buffers.size(), "buffer"),
                            sum(shown.total_bytes, known, style),
                            counted(shown.processes.size(), "process"));
    for (auto const& exporter : shown.exporters)
        text += fmt::format("  exporter {}: {}, {}\n", exporter_of(exporter.name),
                            counted(exporter.buffers, "buffer"), size(exporter.size_bytes, style));
    return text;
}

} // namespace dmabuf_ps
