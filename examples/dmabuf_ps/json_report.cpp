// SPDX-License-Identifier: MIT
#include "json_report.hpp"

#include "changes.hpp"
#include "coverage_words.hpp"
#include "groups.hpp"

#include <nlohmann/json.hpp>

#include <iterator>

namespace dmabuf_ps {

namespace {

using json = nlohmann::ordered_json;

std::string safe(std::string_view name) {
    std::string text;
    dmabuf::escape(name, std::back_inserter(text));
    return text;
}

json or_null(bool known, auto const& value) {
    return known ? json(value) : json();
}

json failure_or_null(dmabuf::failure const& why) {
    if (why.error == 0) return nullptr;
    return {
        {"path", path_of(why.where).view()}, {"errno", why.error}, {"text", describe(why).view()}};
}

json reference_object(dmabuf::snapshot const& now, dmabuf::reference const& one) {
    return {{"inode", now.buffers[one.buffer].inode},
            {"descriptors", one.descriptors},
            {"path_descriptors", one.path_descriptors},
            {"mappings", one.mappings},
            {"mapped_bytes", one.mapped_bytes}};
}

json process_object(dmabuf::snapshot const& now, dmabuf::holder const& who) {
    auto references = json::array();
    for (auto const& one : now.references_of(who))
        references.push_back(reference_object(now, one));
    return {{"pid", who.pid},
            {"uid", who.uid},
            {"comm", safe(who.comm.view())},
            {"start_ticks", who.start_ticks},
            {"cgroup", or_null(who.cgroup != dmabuf::no_cgroup, safe(now.cgroup_name(who.cgroup)))},
            {"rss_bytes", who.rss_bytes},
            {"pss_bytes", who.pss_bytes},
            {"uss_bytes", who.uss_bytes},
            {"mapped_bytes", who.mapped_bytes},
            {"unsized_buffers", who.unsized_buffers},
            {"references", std::move(references)}};
}

json buffer_object(dmabuf::buffer const& one, std::vector<dmabuf::holder const*> const& holders) {
    auto pids = json::array();
    for (auto const* who : holders)
        pids.push_back(who->pid);
    return {{"inode", one.inode},
            {"size_bytes", or_null(one.size_known, one.size_bytes)},
            {"exporter", or_null(!one.exporter.empty(), safe(one.exporter.view()))},
            {"name", or_null(one.named, safe(one.name.view()))},
            {"name_known", one.name_known},
            {"holders", one.holders},
            {"pids", std::move(pids)},
            {"descriptors", one.descriptors},
            {"mappings", one.mappings}};
}

json exporter_object(dmabuf::exporter_total const& one) {
    return {{"name", or_null(!one.name.empty(), safe(one.name.view()))},
            {"buffers", one.buffers},
            {"size_bytes", one.size_bytes}};
}

json coverage_object(dmabuf::coverage const& seen, rights const& mine) {
    return {
        {"complete", seen.complete()},
        {"notes", what_is_missing(seen, mine)},
        {"source", name_of(seen.used)},
        {"not_better", failure_or_null(seen.not_better)},
        {"sight", name_of(seen.sight)},
        {"processes", seen.processes},
        {"processes_seen", seen.processes_seen},
        {"processes_denied", seen.processes_denied},
        {"processes_gone", seen.processes_gone},
        {"processes_failed", seen.processes_failed},
        {"kernel_threads", seen.kernel_threads},
        {"tables", seen.tables},
        {"tables_uncertain", seen.tables_uncertain},
        {"descriptors_gone", seen.descriptors_gone},
        {"descriptors_failed", seen.descriptors_failed},
        {"undecided", seen.undecided},
        {"buffers_unsized", seen.buffers_unsized},
        {"buffers_undescribed", seen.buffers_undescribed},
        {"mappings_read", seen.mappings_read},
        {"listed_by", or_null(seen.listed_by != dmabuf::listing::none, name_of(seen.listed_by))},
        {"no_listing", failure_or_null(seen.no_listing)},
        {"first_failure", failure_or_null(seen.first_failure)}};
}

json user_object(named_total const& one) {
    return {{"uid", one.total.group},           {"processes", one.total.holders},
            {"buffers", one.total.buffers},     {"rss_bytes", one.total.rss_bytes},
            {"pss_bytes", one.total.pss_bytes}, {"uss_bytes", one.total.uss_bytes}};
}

json cgroup_object(named_total const& one) {
    return {{"cgroup", or_null(!one.name.empty(), one.name)},
            {"processes", one.total.holders},
            {"buffers", one.total.buffers},
            {"rss_bytes", one.total.rss_bytes},
            {"pss_bytes", one.total.pss_bytes},
            {"uss_bytes", one.total.uss_bytes}};
}

json unheld_object(dmabuf::buffer const& one) {
    return {{"inode", one.inode},
            {"size_bytes", one.size_bytes},
            {"exporter", or_null(!one.exporter.empty(), safe(one.exporter.view()))}};
}

json holder_change_object(dmabuf::holder_change const& one) {
    return {{"change", word_for(one)},
            {"pid", one.pid},
            {"start_ticks", one.start_ticks},
            {"uid", one.uid},
            {"comm", safe(one.comm.view())},
            {"buffers_before", one.buffers_before},
            {"buffers_after", one.buffers_after},
            {"buffers_gained", one.buffers_gained},
            {"buffers_lost", one.buffers_lost},
            {"rss_before_bytes", one.rss_before_bytes},
            {"rss_after_bytes", one.rss_after_bytes},
            {"pss_before_bytes", one.pss_before_bytes},
            {"pss_after_bytes", one.pss_after_bytes}};
}

json buffer_change_object(dmabuf::buffer_change const& one) {
    return {{"change", word_for(one)},
            {"inode", one.inode},
            {"size_bytes", one.size_bytes},
            {"exporter", or_null(!one.exporter.empty(), safe(one.exporter.view()))},
            {"holders_before", one.holders_before},
            {"holders_after", one.holders_after}};
}

template<class Range, class Object>
json array_of(Range const& range, Object object) {
    auto array = json::array();
    for (auto const& one : range)
        array.push_back(object(one));
    return array;
}

json diff_object(observation const& seen, options const& chosen) {
    auto const changed = changes(seen, chosen);
    return {{"before_ns", seen.before.begin_ns},
            {"before_size_bytes", seen.before.total_bytes},
            {"before_complete", seen.before.coverage.complete()},
            {"processes", array_of(changed.holders, holder_change_object)},
            {"buffers", array_of(changed.buffers, buffer_change_object)}};
}

} // namespace

std::string json_report(observation const& seen, selection const& shown, options const& chosen) {
    auto const& now = seen.now;
    auto const holders = holders_by_buffer(now);
    auto const one_process = [&](auto const* who) { return process_object(now, *who); };
    auto const one_buffer = [&](auto const* one) {
        return buffer_object(*one, holders[static_cast<std::size_t>(one - now.buffers.data())]);
    };
    json report = {{"schema", "dmabuf_ps/1"},
                   {"kernel", safe(seen.kernel)},
                   {"begin_ns", now.begin_ns},
                   {"elapsed_ns", now.end_ns - now.begin_ns},
                   {"totals",
                    {{"processes", shown.processes.size()},
                     {"buffers", shown.buffers.size()},
                     {"size_bytes", shown.total_bytes},
                     {"unheld_buffers", now.unheld.size()},
                     {"unheld_bytes", now.unheld_bytes}}},
                   {"exporters", array_of(shown.exporters, exporter_object)},
                   {"users", array_of(user_totals(seen, shown), user_object)},
                   {"cgroups", array_of(cgroup_totals(seen, shown), cgroup_object)},
                   {"processes", array_of(shown.processes, one_process)},
                   {"buffers", array_of(shown.buffers, one_buffer)},
                   {"unheld", array_of(now.unheld, unheld_object)},
                   {"coverage", coverage_object(now.coverage, seen.mine)}};
    if (chosen.diff_seconds) report["diff"] = diff_object(seen, chosen);
    return report.dump(2) + "\n";
}

} // namespace dmabuf_ps
