// SPDX-License-Identifier: MIT
#include "json_report.hpp"

#include "changes.hpp"
#include "groups.hpp"
#include "report/snapshot_json.hpp"
#include "report/string_sink.hpp"

namespace dmabuf_ps {

namespace {

using report::json_writer;
using report::raw_name;

void write_holder_change(json_writer& out, dmabuf::holder_change const& one) {
    out.object([&] {
        out.field("change", word_for(one));
        out.field("pid", one.pid);
        out.field("start_ticks", one.start_ticks);
        out.field("uid", one.uid);
        out.field("comm", raw_name(one.comm));
        out.field("buffers_before", one.buffers_before);
        out.field("buffers_after", one.buffers_after);
        out.field("buffers_gained", one.buffers_gained);
        out.field("buffers_lost", one.buffers_lost);
        out.field("rss_before_bytes", one.rss_before_bytes);
        out.field("rss_after_bytes", one.rss_after_bytes);
        out.field("pss_before_bytes", *one.pss_before_bytes);
        out.field("pss_after_bytes", *one.pss_after_bytes);
    });
}

void write_buffer_change(json_writer& out, dmabuf::buffer_change const& one) {
    out.object([&] {
        out.field("change", word_for(one));
        out.field("inode", one.inode);
        out.field("size_bytes", one.size_bytes);
        out.field_if(!one.exporter.empty(), "exporter", raw_name(one.exporter));
        out.field("holders_before", *one.holders_before);
        out.field("holders_after", *one.holders_after);
    });
}

void write_diff(json_writer& out, observation const& seen, options const& chosen) {
    auto const changed = changes(seen, chosen);
    out.object([&] {
        out.field("before_ns", seen.before.begin_ns);
        out.field("before_size_bytes", seen.before.total_bytes);
        out.field("before_processes_complete", seen.before.coverage.complete());
        out.key("processes");
        out.array(changed.holders, [&](auto const& one) { write_holder_change(out, one); });
        out.key("buffers");
        out.array(changed.buffers, [&](auto const& one) { write_buffer_change(out, one); });
    });
}

/// More than most reports take.
std::size_t expected_bytes(dmabuf::snapshot const& now) {
    return 16384 + 256 * now.references.size() + 512 * (now.buffers.size() + now.unheld.size());
}

} // namespace

std::string json_report(observation const& seen, selection const& shown, options const& chosen) {
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
        if (!chosen.diff_seconds) return;
        out.key("diff");
        write_diff(out, seen, chosen);
    });
    out.finish();
    return text.take();
}

} // namespace dmabuf_ps
