// SPDX-License-Identifier: MIT
#include "json_report.hpp"

#include "change_json.hpp"
#include "groups.hpp"
#include "report/snapshot_json.hpp"

namespace dmabuf_ps {

using report::json_writer;

namespace {

void json_of_files(observation const& seen, options const& chosen, report::text_sink& to) {
    json_writer out(to);
    write_comparison(out, seen, changes(seen, chosen));
    out.finish();
}

} // namespace

void json_report(observation const& seen, selection const& shown, options const& chosen,
                 report::text_sink& to) {
    if (seen.compared) return json_of_files(seen, chosen, to);
    std::optional<dmabuf::snapshot> part;
    if (!shown.whole) part = shown_part(shown);
    auto const users = dmabuf::by_user(part ? *part : shown.now());
    auto const cgroups = dmabuf::by_cgroup(part ? *part : shown.now());
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
    json_writer out(to);
    out.object([&] {
        write_snapshot(out, view);
        out.field_if(!seen.boot_id.empty(), "boot_id", report::raw_name(seen.boot_id));
        if (!chosen.diff_seconds) return;
        out.key("diff");
        write_changes(out, seen, changes(seen, chosen));
    });
    out.finish();
}

} // namespace dmabuf_ps
