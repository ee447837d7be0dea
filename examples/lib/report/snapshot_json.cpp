// SPDX-License-Identifier: MIT
#include "snapshot_json.hpp"

#include "coverage_words.hpp"
#include "unheld.hpp"

namespace report {

void write_failure(json_writer& out, dmabuf::failure const& why) {
    if (why.error == 0) return out.null();
    out.object([&] {
        out.field("path", path_of(why.where).view());
        out.field("errno", why.error);
        out.field("text", describe(why).view());
    });
}

namespace {

void write_name(json_writer& out, std::string_view key, bool known, auto const& name) {
    out.field_if(known, key, raw_name(name));
}

/// null where it is unknown.
template<class Number>
void write_known(json_writer& out, std::string_view key, dmabuf::known_number<Number> number) {
    out.field_if(number.has_value(), key, number.value_or(0));
}

void write_exporter(json_writer& out, std::string_view key, dmabuf::exporter_name const& name) {
    write_name(out, key, !name.empty(), name);
}

void write_reference(json_writer& out, dmabuf::snapshot const& now, dmabuf::reference const& one) {
    out.row(number_field{"inode", now.buffers[one.buffer].inode},
            number_field{"descriptors", one.descriptors},
            number_field{"path_descriptors", one.path_descriptors, now.coverage.paths_marked},
            number_field{"mappings", one.mappings}, number_field{"mapped_bytes", one.mapped_bytes});
}

/// null where it is not known.
void write_arguments(json_writer& out, identity::command_line const* line) {
    out.key("args");
    if (!line) return out.null();
    out.array(arguments_of(*line), [&](auto const one) { out.value(raw_name(one)); });
    out.field("args_cut", line->cut);
}

void write_process(json_writer& out, snapshot_view const& shown, dmabuf::holder const& who) {
    auto const& now = shown.now;
    out.object([&] {
        out.field("pid", who.pid);
        out.field("uid", who.uid);
        out.field("comm", raw_name(who.comm));
        if (shown.command_lines) write_arguments(out, shown.command_lines->of(who));
        out.field("start_ticks", who.start_ticks);
        write_name(out, "cgroup", who.cgroup != dmabuf::no_cgroup, now.cgroup_name(who.cgroup));
        out.field("rss_bytes", who.rss_bytes);
        write_known(out, "pss_bytes", who.pss_bytes);
        write_known(out, "uss_bytes", who.uss_bytes);
        out.field("mapped_bytes", who.mapped_bytes);
        out.field("unsized_buffers", who.unsized_buffers);
        if (who.partly_seen) out.field("partly_seen", true);
        out.key("references");
        out.array(now.references_of(who), [&](auto const& one) { write_reference(out, now, one); });
    });
}

/// The references that the kernel counts, and the attached devices; null where they are not known.
void write_count(json_writer& out, dmabuf::snapshot const& now, dmabuf::buffer const& one) {
    auto const* const found = now.count_of(one);
    auto const count = found ? *found : dmabuf::reference_count{};
    out.field_if(found != nullptr, "count", count.count);
    out.field_if(count.others_known, "other_references", count.other_references);
    out.key("attachments");
    if (!count.devices_known) return out.null();
    out.array(now.attachments_of(one), [&](auto const& its) {
        out.row([&] {
            out.field("device", raw_name(its.device));
            out.field("times", its.times);
        });
    });
}

/// The maker of a buffer, and the devices that were attached to it under the watch. Nothing where
/// no watch was read.
void write_origin(json_writer& out, dmabuf::snapshot const& now, dmabuf::buffer const& one) {
    auto const* const told = now.origin_of(one);
    if (!told) return;
    bool const known = told->state == dmabuf::origin_state::made_by;
    out.field("origin", name_of(told->state));
    out.field_if(known, "made_ns", told->made_ns);
    out.field_if(known && told->cgroup != 0, "cgroup_id", told->cgroup);
    out.key("maker");
    if (known)
        write_actor(out, told->maker);
    else
        out.null();
    out.key("watched_attachments");
    if (!now.watch.attachments_read) return out.null();
    out.array(now.watched_attachments_of(one), [&](auto const& attached) {
        out.object([&] {
            write_name(out, "device", attached.named, attached.device);
            out.field("attached_ns", attached.attached_ns);
            out.key("importer");
            write_actor(out, attached.importer);
        });
    });
}

/// null where makers were not asked for, or could not be read.
void write_watch(json_writer& out, dmabuf::origin_watch const& watch) {
    out.key("watch");
    if (!watch.origins_read) {
        out.null();
    } else {
        out.object([&] {
            out.field("since_ns", watch.since_ns);
            out.field_if(watch.now_ns != 0, "now_ns", watch.now_ns);
            out.field("tells_unheld", watch.tells_unheld);
            out.field("room", watch.room);
            out.field("no_room", watch.no_room);
            out.field("failed", watch.failed);
            write_known(out, "missed", watch.missed);
            out.field("changes", watch.changes);
            write_known(out, "attachments_lost", watch.attachments_lost);
            write_known(out, "attachments_left_over", watch.attachments_left_over);
        });
    }
    out.key("no_watch");
    write_failure(out, watch.origins_read ? watch.why_no_attachments : watch.why_no_origins);
}

void write_buffer(json_writer& out, dmabuf::snapshot const& now, dmabuf::buffer const& one,
                  std::span<std::uint32_t const> holders) {
    out.object([&] {
        out.field("inode", one.inode);
        out.field_if(one.size_known, "size_bytes", one.size_bytes);
        write_exporter(out, "exporter", now.exporter_of(one));
        write_name(out, "name", one.named, one.name);
        out.field("name_known", one.name_known);
        write_known(out, "holders", one.holders);
        out.key("pids");
        if (one.holders.has_value())
            out.row(holders, [&](auto who) { out.value(now.holders[who].pid); });
        else
            out.null();
        out.field("descriptors", one.descriptors);
        out.field("mappings", one.mappings);
        write_count(out, now, one);
        write_origin(out, now, one);
    });
}

void write_exporter_total(json_writer& out, dmabuf::exporter_total const& one) {
    out.object([&] {
        write_exporter(out, "name", one.name);
        out.field("buffers", one.buffers);
        out.field("size_bytes", one.size_bytes);
    });
}

void write_group_sums(json_writer& out, dmabuf::group_total const& one) {
    out.field("processes", one.holders);
    out.field("buffers", one.buffers);
    out.field("rss_bytes", one.rss_bytes);
    write_known(out, "pss_bytes", one.pss_bytes);
    write_known(out, "uss_bytes", one.uss_bytes);
}

void write_user(json_writer& out, dmabuf::group_total const& one) {
    out.object([&] {
        out.field("uid", one.group);
        write_group_sums(out, one);
    });
}

void write_cgroup(json_writer& out, dmabuf::snapshot const& now, dmabuf::group_total const& one) {
    out.object([&] {
        auto const path = now.cgroup_name(one.group);
        write_name(out, "cgroup", !path.empty(), path);
        write_group_sums(out, one);
    });
}

/// null where it is unknown.
void write_unheld(json_writer& out, dmabuf::snapshot const& now) {
    if (!tells_unheld(now)) return out.null();
    out.array(now.unheld, [&](auto const& one) {
        out.object([&] {
            out.field("inode", one.inode);
            out.field("size_bytes", one.size_bytes);
            write_exporter(out, "exporter", now.exporter_of(one));
            write_name(out, "name", one.named, one.name);
            out.field("name_known", one.name_known);
            write_count(out, now, one);
            write_origin(out, now, one);
        });
    });
}

void write_notes(json_writer& out, dmabuf::snapshot const& now, rights const& mine) {
    out.key("notes");
    out.array([&] {
        what_is_missing(now, mine, [&](std::string_view sentence) { out.value(sentence); });
    });
}

void write_indistinct(json_writer& out, dmabuf::indistinct_buffers const& old) {
    if (old.kernel_major == 0) return out.null();
    out.object([&] {
        out.field("holders", old.holders);
        out.field("descriptors", old.descriptors);
        out.field("mappings", old.mappings);
        out.field("listed_buffers", old.listed);
        out.field("listed_bytes", old.listed_bytes);
    });
}

void write_coverage(json_writer& out, dmabuf::snapshot const& now, rights const& mine) {
    auto const& seen = now.coverage;
    bool const listed = seen.buffers_compared();
    auto const failure = [&](std::string_view key, dmabuf::failure const& why) {
        out.key(key);
        write_failure(out, why);
    };
    out.object([&] {
        out.field("processes_complete", seen.complete());
        out.field_if(seen.alone_pid != 0, "alone_pid", seen.alone_pid);
        out.field("found_all_held", seen.found_all_held());
        write_notes(out, now, mine);
        out.field("found_by", name_of(seen.found_by));
        failure("why_no_bpf", seen.why_no_bpf);
        failure("why_no_dmabuf_fds", seen.why_no_dmabuf_fds);
        out.field("sized_by", name_of(seen.sized_by));
        out.field("proc_shows", name_of(seen.proc_shows));
        out.field("processes", seen.processes);
        out.field("processes_seen", seen.processes_seen);
        out.field("processes_denied", seen.processes_denied);
        out.field("processes_gone", seen.processes_gone);
        out.field("processes_failed", seen.processes_failed);
        out.field("kernel_threads", seen.kernel_threads);
        out.field("processes_without_memory", seen.processes_without_memory);
        out.field("tables", seen.tables);
        out.field("tables_uncertain", seen.tables_uncertain);
        out.field("descriptors_gone", seen.descriptors_gone);
        out.field("mappings_gone", seen.mappings_gone);
        out.field("buffers_leaving", seen.buffers_leaving);
        out.field("descriptors_failed", seen.descriptors_failed);
        out.field("undecided", seen.undecided);
        out.field("buffers_unsized", seen.buffers_unsized);
        out.field("buffers_undescribed", seen.buffers_undescribed);
        out.field("mappings_read", seen.mappings_read);
        out.field_if(listed, "listed_by", name_of(seen.listed_by));
        failure("why_no_list", seen.why_no_list);
        out.field("inodes_shared", seen.inodes_shared);
        out.field("odd_rows", seen.odd_rows);
        failure("first_odd_row", seen.first_odd_row);
        out.field("cgroups_unknown", seen.cgroups_unknown);
        out.key("indistinct");
        write_indistinct(out, seen.indistinct);
        out.field("held_bytes", now.total_bytes);
        out.field_if(listed, "known_bytes", known_bytes(now).value_or(0));
        failure("first_failure", seen.first_failure);
    });
}

void write_totals(json_writer& out, snapshot_view const& shown) {
    bool const listed = shown.now.coverage.buffers_compared();
    out.object([&] {
        out.field("processes", shown.processes.size());
        out.field("buffers", shown.buffers.size());
        out.field("size_bytes", shown.total_bytes);
        out.field_if(listed, "unheld_buffers", shown.now.unheld.size());
        out.field_if(listed, "unheld_bytes", shown.now.unheld_bytes);
    });
}

/// The sums of everything; null where all of it is shown.
void write_selected_from(json_writer& out, snapshot_view const& shown) {
    auto const& all = shown.all();
    if (shown.processes.size() == all.holders.size() && shown.buffers.size() == all.buffers.size())
        return out.null();
    out.object([&] {
        out.field("processes", all.holders.size());
        out.field("buffers", all.buffers.size());
        out.field("size_bytes", all.total_bytes);
    });
}

} // namespace

void write_actor(json_writer& out, dmabuf::actor const& who) {
    out.row([&] {
        out.field("pid", who.pid);
        out.field("tid", who.tid);
        out.field("uid", who.uid);
        out.field("start_ns", who.start_ns);
        out.field("comm", raw_name(who.comm));
        out.field("thread_comm", raw_name(who.thread_comm));
        out.field("now", name_of(who.now));
    });
}

void write_snapshot(json_writer& out, snapshot_view const& shown) {
    auto const& now = shown.now;
    auto const list = [&](std::string_view key, auto const& range, auto write) {
        out.key(key);
        out.array(range, write);
    };
    out.field("schema", "dmabuf_ps/3");
    out.field("kernel", raw_name(shown.kernel));
    out.field("begin_ns", now.begin_ns);
    out.field("elapsed_ns", now.end_ns - now.begin_ns);
    out.key("totals");
    write_totals(out, shown);
    out.key("selected_from");
    write_selected_from(out, shown);
    list("exporters", shown.exporters, [&](auto const& one) { write_exporter_total(out, one); });
    list("users", shown.users, [&](auto const& one) { write_user(out, one); });
    list("cgroups", shown.cgroups, [&](auto const& one) { write_cgroup(out, now, one); });
    list("processes", shown.processes, [&](auto const* who) { write_process(out, shown, *who); });
    list("buffers", shown.buffers, [&](auto const* one) {
        auto const at = static_cast<std::size_t>(one - now.buffers.data());
        write_buffer(out, now, *one, shown.holders.of(at));
    });
    out.key("unheld");
    write_unheld(out, now);
    write_watch(out, now.watch);
    out.key("coverage");
    write_coverage(out, shown.all(), shown.mine);
}

} // namespace report
