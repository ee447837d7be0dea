// SPDX-License-Identifier: MIT
#include "json_report.hpp"

#include "coverage_words.hpp"

#include <nlohmann/json.hpp>

#include <iterator>
#include <sys/utsname.h>

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

std::string kernel_release() {
    utsname names{};
    ::uname(&names);
    return safe(names.release);
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
    return {{"complete", seen.complete()},
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
            {"first_failure", failure_or_null(seen.first_failure)}};
}

} // namespace

std::string json_report(dmabuf::snapshot const& now, selection const& shown, rights const& mine) {
    auto processes = json::array();
    for (auto const* who : shown.processes)
        processes.push_back(process_object(now, *who));
    auto const holders = holders_by_buffer(now);
    auto buffers = json::array();
    for (auto const* one : shown.buffers)
        buffers.push_back(
            buffer_object(*one, holders[static_cast<std::size_t>(one - now.buffers.data())]));
    auto exporters = json::array();
    for (auto const& one : shown.exporters)
        exporters.push_back(exporter_object(one));

    json const report = {{"schema", "dmabuf_ps/1"},
                         {"kernel", kernel_release()},
                         {"begin_ns", now.begin_ns},
                         {"elapsed_ns", now.end_ns - now.begin_ns},
                         {"totals",
                          {{"processes", shown.processes.size()},
                           {"buffers", shown.buffers.size()},
                           {"size_bytes", shown.total_bytes}}},
                         {"exporters", std::move(exporters)},
                         {"processes", std::move(processes)},
                         {"buffers", std::move(buffers)},
                         {"coverage", coverage_object(now.coverage, mine)}};
    return report.dump(2) + "\n";
}

} // namespace dmabuf_ps
