// SPDX-License-Identifier: MIT
#include "coverage_words.hpp"

#include <dmabuf/fmt.hpp>

namespace report {

namespace {

using dmabuf::coverage;
using dmabuf::visibility;

std::string_view noun(std::uint32_t count, std::string_view one, std::string_view many) {
    return count == 1 ? one : many;
}

/// Puts one sentence together, in place: the longest, with a failure in it, has some 350 bytes.
class sentence {
public:
    explicit sentence(std::function<void(std::string_view)> const& take)
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

    /// Of what mappings do not tell.
    void end_with(rights const& mine) {
        add("{}.", mine.checkpoint_restore ? "" : ": run as root, or with CAP_CHECKPOINT_RESTORE");
    }

private:
    std::function<void(std::string_view)> const& take_;
    fmt::memory_buffer text_; // 500 bytes of its own
};

std::string_view of_sight(visibility sight) {
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

} // namespace

std::string_view what_would_help(rights const& mine) {
    if (mine.trace)
        return "not even CAP_SYS_PTRACE helps, because of a security module or a user namespace";
    if (mine.root) return "root lacks CAP_SYS_PTRACE here (in a container?)";
    return "run as root, or with CAP_SYS_PTRACE";
}

void what_is_missing(coverage const& seen, rights const& mine,
                     std::function<void(std::string_view)> const& take) {
    if (seen.sight != visibility::everything) take(of_sight(seen.sight));
    if (auto const count = seen.processes_denied; count != 0)
        sentence(take).add("{} of {} processes may not be read: {}.", count,
                           seen.processes - seen.kernel_threads, what_would_help(mine));
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
            .end_with(mine);
    if (auto const count = seen.buffers_unsized; count != 0)
        sentence(take)
            .add("{} {} of unknown size, being only mapped, and not in the sums", count,
                 noun(count, "buffer is", "buffers are"))
            .end_with(mine);
    if (auto const count = seen.buffers_undescribed; count != 0)
        sentence(take).add(
            "{} {} without exporter or name here: only an ordinary descriptor tells both.", count,
            noun(count, "buffer is", "buffers are"));
    if (auto const count = seen.tables_uncertain; count != 0)
        sentence(take).add("{} {} may have been read twice (kcmp is of no use here): FDS may be "
                           "too high, sizes are exact.",
                           count, noun(count, "descriptor table", "descriptor tables"));
}

namespace {

/// "1 process", "3 processes"
std::string counted(std::uint32_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", count, noun(count, one, many));
}

} // namespace

std::string coverage_words(dmabuf::snapshot const& now, rights const& mine) {
    auto const& seen = now.coverage;
    std::string text;
    if (seen.complete() && seen.used == dmabuf::source::bpf_iterator)
        text = "Complete: the kernel itself looked at every process.\n";
    else if (seen.complete())
        text = fmt::format("Complete: all {} were seen.\n",
                           counted(seen.processes - seen.processes_gone, "process", "processes"));
    else if (now.buffers.empty() || !holders_out_of_sight(seen))
        text = "Incomplete:\n";
    else
        text = "Incomplete; PSS and USS are upper bounds, since holders may be out of sight:\n";
    what_is_missing(seen, mine,
                    [&](std::string_view words) { text += fmt::format("  {}\n", words); });
    return text;
}

std::string source_words(dmabuf::snapshot const& now) {
    auto const& seen = now.coverage;
    auto text = fmt::format("Source: {}", seen.used);
    for (auto const& why : {seen.no_bpf_iterator, seen.not_better})
        if (why.error != 0) text += fmt::format("; no better one: {}", why);
    if (seen.used == dmabuf::source::fd_walk && seen.not_better.error == 0)
        text += ", as asked for";
    auto const sizes =
        fmt::format("Sizes: by {}{}", name_of(seen.sized_by),
                    seen.paths_marked ? "" : "; O_PATH descriptors are not told apart");
    auto list = fmt::format("List of all buffers: {}", name_of(seen.listed_by));
    if (seen.listed_by == dmabuf::listing::none) list += fmt::format("; {}", seen.no_listing);
    return fmt::format("{}.\n{}.\n{}.\nRead: {} of {} in {:.1f} ms; meanwhile {} ended, {} closed, "
                       "{} unmapped.\n",
                       text, sizes, list,
                       counted(seen.tables, "descriptor table", "descriptor tables"),
                       counted(seen.processes, "process", "processes"),
                       static_cast<double>(now.end_ns - now.begin_ns) / 1e6,
                       counted(seen.processes_gone, "process", "processes"),
                       counted(seen.descriptors_gone, "descriptor was", "descriptors were"),
                       counted(seen.mappings_gone, "mapping was", "mappings were"));
}

} // namespace report
