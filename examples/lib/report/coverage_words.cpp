// SPDX-License-Identifier: MIT
#include "coverage_words.hpp"

#include <dmabuf/fmt.hpp>

#include <algorithm>
#include <utility>

namespace report {

namespace {

using dmabuf::coverage;
using dmabuf::visibility;
using take_words = std::function<void(std::string_view)>;

std::string_view noun(std::uint32_t count, std::string_view one, std::string_view many) {
    return count == 1 ? one : many;
}

/// Puts one sentence together, in place: the longest, with a failure in it, has some 350 bytes.
class sentence {
public:
    explicit sentence(take_words const& take)
        : take_(take) {}
    sentence(sentence const&) = delete;
    sentence& operator=(sentence const&) = delete;
    ~sentence() { take_({text_.data(), text_.size()}); }

    template<class... Values>
    sentence& add(fmt::format_string<Values...> text, Values&&... values) {
        fmt::format_to(std::back_inserter(text_), text, std::forward<Values>(values)...);
        return *this;
    }

    void end_with(dmabuf::failure const& first) {
        if (first.error != 0) add("; the first reason: {}", first);
        add(".");
    }

    /// The capability that is missing; empty: none is.
    void end_with_cure(rights const& mine, std::string_view capability) {
        if (!capability.empty())
            add(": run {}with {}", mine.root ? "" : "as root, or ", capability);
        add(".");
    }

private:
    take_words const& take_;
    fmt::memory_buffer text_; // 500 bytes of its own
};

/// Rounded down: 100 means all.
std::uint64_t percent(std::uint64_t part, std::uint64_t whole) {
    if (part == whole) return 100;
    auto const share = static_cast<double>(part) * 100 / static_cast<double>(whole);
    return std::min(std::uint64_t{99}, static_cast<std::uint64_t>(share));
}

std::string_view of_what_proc_shows(visibility proc_shows) {
    if (proc_shows == visibility::hidden)
        return "Other users' processes are hidden (/proc is mounted with hidepid): run as root, "
               "or with CAP_SYS_PTRACE.";
    if (proc_shows == visibility::pid_namespace)
        return "/proc is that of one pid namespace (a container's?), and processes outside it are "
               "out of sight: run in the initial one (docker: --pid=host), or look at the host's "
               "(docker: --volume /proc:/host/proc; --proc /host/proc).";
    return "Whether /proc shows all processes could not be found out.";
}

/// The processes that /proc lists and that did not end meanwhile, less those that run no program:
/// kernel threads and zombies.
std::uint32_t programs(coverage const& seen) {
    return seen.processes - seen.processes_gone - seen.kernel_threads -
           seen.processes_without_memory;
}

/// Whether there may be holders that were not seen, as opposed to sizes that are not known.
bool holders_out_of_sight(coverage const& seen) {
    return seen.proc_shows != visibility::everything || !seen.mappings_read ||
           seen.processes_denied + seen.processes_failed + seen.descriptors_failed +
                   seen.undecided !=
               0;
}

/// Whether not even the program's own process could be read, though everybody may read his own. A
/// filter that refuses it often refuses the calls that tell whether it is listed, too.
bool own_process_denied(coverage const& seen, rights const& mine) {
    return seen.processes_denied != 0 && seen.processes_seen == 0 && seen.processes_failed == 0 &&
           (seen.proc_shows != visibility::unknown || mine.filtered);
}

/// For map_files, which leads to the file behind a mapping.
std::string_view missing_for_mappings(rights const& mine) {
    return mine.checkpoint_restore ? "" : "CAP_CHECKPOINT_RESTORE";
}

/// For fd, which leads to the file behind an O_PATH descriptor; its fdinfo does not tell the size.
std::string_view missing_for_descriptors(rights const& mine) {
    return mine.root || mine.search ? "" : "CAP_DAC_READ_SEARCH";
}

std::string_view missing_for_either(rights const& mine) {
    auto const mappings = missing_for_mappings(mine);
    auto const descriptors = missing_for_descriptors(mine);
    if (!mappings.empty() && !descriptors.empty())
        return "CAP_CHECKPOINT_RESTORE (mappings) and CAP_DAC_READ_SEARCH (descriptors)";
    return mappings.empty() ? descriptors : mappings;
}

/// The buffers of unknown size, by the kind of their references.
struct unsized_buffers {
    std::uint32_t only_mapped = 0;
    std::uint32_t with_descriptors = 0;
    bool path_alone = true; ///< of the descriptors, all are O_PATH ones
};

unsized_buffers find_unsized(dmabuf::snapshot const& now) {
    unsized_buffers found;
    for (auto const& one : now.buffers)
        if (!one.size_known) ++(one.descriptors == 0 ? found.only_mapped : found.with_descriptors);
    for (auto const& reference : now.references)
        if (!now.buffers[reference.buffer].size_known &&
            reference.descriptors != reference.path_descriptors)
            found.path_alone = false;
    return found;
}

void say_unsized(dmabuf::snapshot const& now, rights const& mine, take_words const& take) {
    auto const found = find_unsized(now);
    auto const sentence_of = [&](std::uint32_t count, auto end) {
        if (count == 0) return;
        sentence words(take);
        words.add("{} {} of unknown size and not in the sums", count,
                  noun(count, "buffer is", "buffers are"));
        end(words);
    };
    sentence_of(found.only_mapped, [&](sentence& words) {
        words.add(", being only mapped").end_with_cure(mine, missing_for_mappings(mine));
    });
    sentence_of(found.with_descriptors, [&](sentence& words) {
        auto const missing = missing_for_descriptors(mine);
        if (found.path_alone)
            words.add(", being open by O_PATH descriptors alone").end_with_cure(mine, missing);
        else if (!missing.empty())
            words.add(", since not all descriptors may be looked at").end_with_cure(mine, missing);
        else if (now.coverage.first_failure.error != 0)
            words.end_with(now.coverage.first_failure);
        else
            words.add(": not told in time, or too large to be true.");
    });
}

} // namespace

std::string_view what_would_help(rights const& mine) {
    if (mine.trace)
        return "not even CAP_SYS_PTRACE helps, because of a security module or a user namespace";
    if (mine.root) return "root lacks CAP_SYS_PTRACE here (in a container?)";
    return "run as root, or with CAP_SYS_PTRACE";
}

std::string_view what_would_help(coverage const& seen, rights const& mine) {
    if (!own_process_denied(seen, mine)) return what_would_help(mine);
    if (mine.filtered)
        return "a filter of system calls (seccomp) refuses even this program its own: run it "
               "without that filter (docker: --security-opt seccomp=unconfined)";
    return "a security module refuses even this program its own";
}

namespace {

/// DMA-BUFs have had inodes since Linux 5.3, and have been told apart since.
void say_indistinct(dmabuf::indistinct_buffers const& old, take_words const& take) {
    if (old.kernel_major == 0) return;
    sentence(take).add("Linux {}.{} is older than 5.3, and gives its DMA-BUFs no inodes: who holds "
                       "which buffer, and of what size, cannot be told. {} {} {} DMA-BUFs, by {} "
                       "{} and {} {}.",
                       old.kernel_major, old.kernel_minor, old.holders,
                       noun(old.holders, "process", "processes"),
                       noun(old.holders, "holds", "hold"), old.descriptors,
                       noun(old.descriptors, "descriptor", "descriptors"), old.mappings,
                       noun(old.mappings, "mapping", "mappings"));
}

void missing_of_processes(dmabuf::snapshot const& now, rights const& mine, take_words const& take) {
    auto const& seen = now.coverage;
    say_indistinct(seen.indistinct, take);
    bool const alone = seen.alone_pid != 0;
    if (!alone && seen.proc_shows != visibility::everything)
        take(of_what_proc_shows(seen.proc_shows));
    if (alone && seen.processes_denied != 0)
        sentence(take).add("A part of process {} may not be read: {}.", seen.alone_pid,
                           what_would_help(mine));
    else if (auto const count = seen.processes_denied; count != 0)
        sentence(take).add("{} of {} processes may not be read: {}.", count, programs(seen),
                           what_would_help(seen, mine));
    if (auto const count = seen.processes_failed; count != 0)
        sentence(take)
            .add("{} {} could not be read", count, noun(count, "process", "processes"))
            .end_with(seen.first_failure);
    if (auto const count = seen.descriptors_failed; count != 0)
        sentence(take)
            .add("{} {} could not be read", count, noun(count, "descriptor", "descriptors"))
            .end_with(seen.first_failure);
    if (!seen.mappings_read) take("Buffers that are only mapped were left out.");
    if (auto const count = seen.undecided; count != 0)
        sentence(take)
            .add("{} {} may be of a DMA-BUF, which cannot be told here", count,
                 noun(count, "mapping or O_PATH descriptor", "mappings or O_PATH descriptors"))
            .end_with_cure(mine, missing_for_either(mine));
    if (seen.buffers_unsized != 0) say_unsized(now, mine, take);
    if (auto const count = seen.inodes_shared; count != 0)
        sentence(take).add("{} inode {} of several buffers, as can be before Linux 5.18: those of "
                           "one size count as one buffer.",
                           count, noun(count, "number is", "numbers are"));
    if (auto const count = seen.cgroups_unknown; count != 0)
        sentence(take)
            .add("The cgroup of {} {} could not be read", count,
                 noun(count, "process", "processes"))
            .end_with(seen.first_failure);
    if (auto const count = seen.buffers_undescribed; count != 0)
        sentence(take).add("{} {} without exporter or name here: {}.", count,
                           noun(count, "buffer is", "buffers are"),
                           seen.found_by == dmabuf::source::bpf_iterator
                               ? "this kernel lets no BPF program read them "
                                 "(lockdown=confidentiality), but descriptors tell them (--source "
                                 "fd_walk)"
                               : "only an ordinary descriptor tells both");
    if (auto const count = seen.tables_uncertain; count != 0)
        sentence(take).add("{} {} may have been read twice (kcmp could not tell): FDS may be too "
                           "high, sizes are exact.",
                           count, noun(count, "descriptor table", "descriptor tables"));
}

/// One process alone is compared with no list.
void missing_of_buffers(dmabuf::snapshot const& now, rights const& mine, take_words const& take) {
    auto const& seen = now.coverage;
    if (seen.alone_pid != 0) return;
    if (!seen.buffers_compared())
        sentence(take).add("No list of all buffers was compared: {} is unknown, and a buffer that "
                           "was handed on meanwhile may be missing{}.",
                           now.watch.tells_unheld
                               ? "memory that no process holds, made before the watch over makers,"
                               : "the memory that no process holds",
                           mine.root ? "" : ": run as root");
    if (auto const count = seen.indistinct.listed; count != 0)
        sentence(take).add("bufinfo lists {} {}, {} in all, without inodes: held or not.", count,
                           count == 1 ? "buffer" : "buffers",
                           dmabuf::bytes{seen.indistinct.listed_bytes});
    if (auto const count = seen.odd_rows; count != 0)
        sentence(take)
            .add("{} {} of the list could not be read, each a buffer that is missing here unless a "
                 "process holds it",
                 count, noun(count, "row", "rows"))
            .end_with(seen.first_odd_row);
    if (auto const count = seen.buffers_leaving; count != 0)
        sentence(take).add("{} {} let go of while this was looked at, and may be held by nobody or "
                           "be gone: look again.",
                           count, noun(count, "listed buffer was", "listed buffers were"));
}

constexpr std::string_view others_unknown =
    "No other process was looked at: PSS, USS and other holders are unknown.";

std::string of_processes(dmabuf::snapshot const& now) {
    auto const& seen = now.coverage;
    if (seen.alone_pid != 0)
        return fmt::format("Process {} alone: {}. {}\n", seen.alone_pid,
                           seen.found_all_held() ? "all that it holds was found" : "incomplete",
                           others_unknown);
    if (seen.complete() && seen.found_by == dmabuf::source::bpf_iterator)
        return "Processes: all seen, by the kernel itself.\n";
    if (seen.complete()) return fmt::format("Processes: {}, all seen.\n", programs(seen));
    if (now.buffers.empty() || !holders_out_of_sight(seen)) return "Processes: incomplete.\n";
    return "Processes: incomplete; PSS and USS are upper bounds, since holders may be out of "
           "sight.\n";
}

std::string of_buffers(dmabuf::snapshot const& now) {
    if (now.coverage.alone_pid != 0) return {};
    auto const known = known_bytes(now);
    if (!known) return "Buffers: incomplete.\n";
    auto text =
        fmt::format("Buffers: compared with the list of {}", name_of(now.coverage.listed_by));
    if (now.buffers.empty() && now.unheld.empty()) return text + ", which has none.\n";
    bool const unsized = now.coverage.buffers_unsized != 0;
    bool const more = unsized || now.coverage.odd_rows != 0;
    text +=
        fmt::format("; processes hold {}{} of {}{}", unsized ? "at least " : "",
                    dmabuf::bytes{now.total_bytes}, more ? "at least " : "", dmabuf::bytes{*known});
    if (*known != 0 && !more) text += fmt::format(" ({} %)", percent(now.total_bytes, *known));
    return text + (now.unheld.empty()
                       ? ".\n"
                       : ". A buffer that was handed on meanwhile counts as not held.\n");
}

} // namespace

std::optional<std::uint64_t> known_bytes(dmabuf::snapshot const& now) {
    if (!now.coverage.buffers_compared()) return std::nullopt;
    return now.total_bytes + now.unheld_bytes;
}

void what_is_missing(dmabuf::snapshot const& now, rights const& mine, take_words const& take) {
    if (now.coverage.alone_pid != 0) take(others_unknown);
    missing_of_processes(now, mine, take);
    missing_of_buffers(now, mine, take);
}

bool has_gaps(dmabuf::snapshot const& now, rights const& mine) {
    bool found = false;
    what_is_missing(now, mine, [&](std::string_view) { found = true; });
    return found;
}

std::string coverage_words(dmabuf::snapshot const& now, rights const& mine) {
    std::string text = of_processes(now);
    auto const add = [&](std::string_view words) { text += fmt::format("  {}\n", words); };
    missing_of_processes(now, mine, add);
    text += of_buffers(now);
    missing_of_buffers(now, mine, add);
    return text;
}

} // namespace report
