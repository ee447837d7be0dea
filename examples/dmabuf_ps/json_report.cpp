// SPDX-License-Identifier: MIT
#include "json_report.hpp"

#include "change_json.hpp"
#include "groups.hpp"
#include "report/snapshot_json.hpp"
#include "report/string_sink.hpp"

namespace dmabuf_ps {

using report::json_writer;

namespace {

/// More than most reports take.
std::size_t expected_bytes(dmabuf::snapshot const& now) {
    return 16384 + 256 * now.references.size() + 512 * (now.buffers.size() + now.unheld.size());
}

std::string json_of_files(observation const& seen, options const& chosen) {
    report::string_sink text;
    json_writer out(text);
    write_comparison(out, seen, changes(seen, chosen));
    out.finish();
    return text.take();
}

} // namespace

std::string json_report(observation const& seen, selection const& shown, options const& chosen) {
    if (seen.compared) return json_of_files(seen, chosen);
    auto const part = shown_part(shown);
    auto const users = dmabuf::by_user(part);
    auto const cgroups = dmabuf::by_cgroup(part);
    report::buffer_holders holders;
    holders.fill(shown.now());
    report::snapshot_view const view{shown.now(),
                                     holders,
                                     seen.kernel,
                                     seen.mine,
                                     shown.processes,
                                     shown.buffers,
                                     shown.exporters,
                                     shown.total_bytes,
                                     users,
                                     cgroups,
                                     chosen.args ? &seen.command_lines : nullptr,
                                     &seen.now};
    report::string_sink text(expected_bytes(seen.now));
    json_writer out(text);
    out.object([&] {
        write_snapshot(out, view);
        out.field_if(!seen.boot_id.empty(), "boot_id", report::raw_name(seen.boot_id));
        if (!chosen.diff_seconds) return;
        out.key("diff");
        write_changes(out, seen, changes(seen, chosen));
    });
    out.finish();
    return text.take();
}

} // namespace dmabuf_ps
