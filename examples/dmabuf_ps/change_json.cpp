// SPDX-License-Identifier: MIT
#include "change_json.hpp"

#include "report/snapshot_json.hpp"

#include <fmt/format.h>

namespace dmabuf_ps {

namespace {

using dmabuf::amount;
using dmabuf::amount_change;
using dmabuf::certainty;
using dmabuf::change;
using report::json_writer;
using report::raw_name;

/// Writes `before` or `after`: null where the amount is not exact, with its bound beside where
/// there is one.
void write_amount(json_writer& out, std::string_view when, amount const& one) {
    out.field_if(one.exact(), when, one.value);
    if (one.how != certainty::at_least && one.how != certainty::at_most) return;
    out.field(fmt::format("{}_{}", when, name_of(one.how)), one.value);
}

void write_amount_change(json_writer& out, std::string_view name, amount_change const& one) {
    auto const difference = one.difference();
    out.key(name);
    out.object([&] {
        write_amount(out, "before", one.before);
        write_amount(out, "after", one.after);
        out.field_if(difference.has_value(), "change", difference.value_or(0));
    });
}

template<class Row>
void write_amounts(json_writer& out, Row const& row) {
    row.for_each_amount([&](std::string_view name, amount_change const& one) {
        write_amount_change(out, name, one);
    });
}

/// Writes a row: the word, the fields that `identify` writes, and the amounts.
template<class Row, class Identify>
void write_row(json_writer& out, Row const& row, Identify identify) {
    out.object([&] {
        out.field("change", word_for(row));
        identify();
        write_amounts(out, row);
    });
}

void write_holder(json_writer& out, dmabuf::holder_change const& one) {
    write_row(out, one, [&] {
        out.field("pid", one.pid);
        out.field("start_ticks", one.start_ticks);
        out.field("uid", one.uid);
        out.field("comm", raw_name(one.comm));
        out.field("buffers_gained", one.buffers_gained);
        out.field("buffers_lost", one.buffers_lost);
    });
}

void write_presence(json_writer& out, std::string_view when, dmabuf::presence where) {
    out.field_if(where != dmabuf::presence::unknown, when, name_of(where));
}

void write_buffer(json_writer& out, dmabuf::buffer_change const& one) {
    write_row(out, one, [&] {
        out.field("inode", one.inode);
        out.field_if(one.size_known, "size_bytes", one.size_bytes);
        out.field_if(!one.exporter.empty(), "exporter", raw_name(one.exporter));
        write_presence(out, "before", one.before);
        write_presence(out, "after", one.after);
        out.field("other_devices", one.other_devices);
    });
}

void write_exporter(json_writer& out, dmabuf::exporter_change const& one) {
    write_row(out, one, [&] { out.field_if(!one.name.empty(), "name", raw_name(one.name)); });
}

void write_maker(json_writer& out, dmabuf::maker_change const& one) {
    write_row(out, one, [&] {
        out.field("origin", name_of(one.state));
        out.key("maker");
        if (one.state == dmabuf::origin_state::made_by)
            report::write_actor(out, one.maker);
        else
            out.null();
    });
}

void write_user(json_writer& out, dmabuf::group_change const& one) {
    write_row(out, one,
              [&] { out.field("uid", one.what == change::gone ? one.before : one.after); });
}

void write_cgroup(json_writer& out, observation const& seen, dmabuf::group_change const& one) {
    auto const path = one.what == change::gone ? seen.before.cgroup_name(one.before)
                                               : seen.now.cgroup_name(one.after);
    write_row(out, one, [&] { out.field_if(!path.empty(), "cgroup", raw_name(path)); });
}

template<class Rows, class Write>
void write_rows(json_writer& out, std::string_view key, bool known, Rows const& rows, Write write) {
    out.key(key);
    if (!known) return out.null();
    out.array(rows, write);
}

void write_doubtful(json_writer& out, dmabuf::snapshot_diff const& changed) {
    out.key("doubtful");
    out.object([&] {
        out.field("processes", changed.doubtful.holders);
        out.field("buffers", changed.doubtful.buffers);
        out.field("exporters", changed.doubtful.exporters);
        out.field("makers", changed.doubtful.makers);
        out.field("users", changed.doubtful.users);
        out.field("cgroups", changed.doubtful.cgroups);
    });
}

} // namespace

void write_changes(json_writer& out, observation const& seen,
                   dmabuf::snapshot_diff const& changed) {
    out.object([&] {
        out.field("before_ns", seen.before.begin_ns);
        out.field("before_processes_complete", seen.before.coverage.complete());
        write_amount_change(out, "held_buffers", changed.held_buffers);
        write_amount_change(out, "held_bytes", changed.held_bytes);
        write_amount_change(out, "unheld_buffers", changed.unheld_buffers);
        write_amount_change(out, "unheld_bytes", changed.unheld_bytes);
        write_rows(out, "processes", true, changed.holders,
                   [&](auto const& one) { write_holder(out, one); });
        write_rows(out, "buffers", true, changed.buffers,
                   [&](auto const& one) { write_buffer(out, one); });
        write_rows(out, "exporters", changed.exporters_known, changed.exporters,
                   [&](auto const& one) { write_exporter(out, one); });
        write_rows(out, "makers", changed.makers_known, changed.makers,
                   [&](auto const& one) { write_maker(out, one); });
        write_rows(out, "users", true, changed.users,
                   [&](auto const& one) { write_user(out, one); });
        write_rows(out, "cgroups", changed.cgroups_known, changed.cgroups,
                   [&](auto const& one) { write_cgroup(out, seen, one); });
        write_doubtful(out, changed);
    });
}

void write_comparison(json_writer& out, observation const& seen,
                      dmabuf::snapshot_diff const& changed) {
    auto const& with = *seen.compared;
    auto const file = [&](std::string_view key, comparison::file const& one,
                          dmabuf::snapshot const& sample) {
        out.key(key);
        out.object([&] {
            out.field_if(!one.name.empty(), "file", raw_name(one.name));
            out.field("kernel", raw_name(one.kernel));
            out.field_if(!one.boot_id.empty(), "boot_id", raw_name(one.boot_id));
            out.field("begin_ns", sample.begin_ns);
            out.field("processes_complete", sample.coverage.complete());
        });
    };
    out.object([&] {
        out.field("schema", "dmabuf_ps_diff/1");
        file("before", with.older, seen.before);
        file("after", with.newer, seen.now);
        out.field("same_boot", with.of == dmabuf::boots::same);
        out.key("notes");
        out.array(with.words, [&](auto const& sentence) { out.value(sentence); });
        out.key("diff");
        write_changes(out, seen, changed);
    });
}

} // namespace dmabuf_ps
