// SPDX-License-Identifier: MIT
#include "coverage_words.hpp"

#include <dmabuf/fmt.hpp>

namespace dmabuf_ps {

namespace {

using dmabuf::coverage;
using dmabuf::visibility;

/// "1 process was" or "3 processes were"
std::string counted(std::uint32_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string of_denied(coverage const& seen, rights const& mine) {
    return fmt::format("{} of {} processes may not be read: {}.", seen.processes_denied,
                       seen.processes - seen.kernel_threads, what_would_help(mine));
}

std::string of_sight(visibility sight) {
    if (sight == visibility::hidden)
        return "Other users' processes are hidden (/proc is mounted with hidepid): run as root, "
               "or with CAP_SYS_PTRACE.";
    if (sight == visibility::pid_namespace)
        return "Processes outside this pid namespace are out of sight (in a container?): run in "
               "the initial one (docker: --pid=host).";
    return "Whether /proc shows all processes could not be found out.";
}

/// Whether there may be holders that were not seen, as opposed to sizes that are not known.
bool holders_out_of_sight(coverage const& seen) {
    return seen.sight != visibility::everything || !seen.mappings_read ||
           seen.processes_denied + seen.processes_failed + seen.descriptors_failed +
                   seen.undecided !=
               0;
}

std::string with_first_failure(std::string text, coverage const& seen) {
    if (seen.first_failure.error == 0) return text + ".";
    return fmt::format("{}; the first reason: {}.", text, seen.first_failure);
}

std::string of_mappings(std::string text, rights const& mine) {
    return text +
           (mine.checkpoint_restore ? "." : ": run as root, or with CAP_CHECKPOINT_RESTORE.");
}

} // namespace

std::string what_would_help(rights const& mine) {
    if (mine.trace)
        return "not even CAP_SYS_PTRACE helps, because of a security module or a user namespace";
    if (mine.root) return "root lacks CAP_SYS_PTRACE here (in a container?)";
    return "run as root, or with CAP_SYS_PTRACE";
}

std::vector<std::string> what_is_missing(coverage const& seen, rights const& mine) {
    std::vector<std::string> words;
    if (seen.sight != visibility::everything) words.push_back(of_sight(seen.sight));
    if (seen.processes_denied != 0) words.push_back(of_denied(seen, mine));
    if (seen.processes_failed != 0)
        words.push_back(with_first_failure(
            counted(seen.processes_failed, "process", "processes") + " could not be read", seen));
    if (seen.descriptors_failed != 0)
        words.push_back(with_first_failure(
            counted(seen.descriptors_failed, "descriptor", "descriptors") + " could not be read",
            seen));
    if (!seen.mappings_read) words.emplace_back("Buffers that are only mapped were left out.");
    if (seen.undecided != 0)
        words.push_back(of_mappings(counted(seen.undecided, "mapping or O_PATH descriptor",
                                            "mappings or O_PATH descriptors") +
                                        " may be of a DMA-BUF, which cannot be told here",
                                    mine));
    if (seen.buffers_unsized != 0)
        words.push_back(of_mappings(counted(seen.buffers_unsized, "buffer is", "buffers are") +
                                        " of unknown size, being only mapped, and not in the sums",
                                    mine));
    if (seen.buffers_undescribed != 0)
        words.push_back(counted(seen.buffers_undescribed, "buffer is", "buffers are") +
                        " without exporter or name here: only an ordinary descriptor tells both.");
    if (seen.tables_uncertain != 0)
        words.push_back(
            counted(seen.tables_uncertain, "descriptor table", "descriptor tables") +
            " may have been read twice (kcmp is of no use here): FDS may be too high, sizes are "
            "exact.");
    return words;
}

std::string coverage_words(dmabuf::snapshot const& now, rights const& mine) {
    auto const& seen = now.coverage;
    std::string text;
    if (seen.complete())
        text = fmt::format("Complete: all {} were seen.\n",
                           counted(seen.processes - seen.processes_gone, "process", "processes"));
    else if (now.buffers.empty() || !holders_out_of_sight(seen))
        text = "Incomplete:\n";
    else
        text = "Incomplete; PSS and USS are upper bounds, since holders may be out of sight:\n";
    for (auto const& sentence : what_is_missing(seen, mine))
        text += fmt::format("  {}\n", sentence);
    return text;
}

std::string source_words(dmabuf::snapshot const& now) {
    auto const& seen = now.coverage;
    auto text = fmt::format("Source: {}", seen.used);
    if (seen.not_better.error != 0)
        text += fmt::format("; no better one: {}", seen.not_better);
    else if (seen.used != dmabuf::source::dmabuf_fds)
        text += ", as asked for";
    auto list = fmt::format("List of all buffers: {}", name_of(seen.listed_by));
    if (seen.listed_by == dmabuf::listing::none) list += fmt::format("; {}", seen.no_listing);
    return fmt::format("{}.\n{}.\nRead: {} of {} in {:.1f} ms; meanwhile {} ended, {} closed.\n",
                       text, list, counted(seen.tables, "descriptor table", "descriptor tables"),
                       counted(seen.processes, "process", "processes"),
                       static_cast<double>(now.end_ns - now.begin_ns) / 1e6,
                       counted(seen.processes_gone, "process", "processes"),
                       counted(seen.descriptors_gone, "descriptor was", "descriptors were"));
}

} // namespace dmabuf_ps
