// SPDX-License-Identifier: MIT
#include "source_words.hpp"

#include <dmabuf/fmt.hpp>
#include <dmabuf/sampling/platform.hpp>

#include <cerrno>
#include <utility>
#include <vector>

namespace report {

namespace {

using dmabuf::coverage;
using dmabuf::failure;
using dmabuf::listing;
using dmabuf::object;

/// "1 process", "3 processes"
std::string counted(std::uint32_t count, std::string_view one, std::string_view many) {
    return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string with_cure(failure const& why, std::string_view cure) {
    return cure.empty() ? fmt::format("{}", why) : fmt::format("{} ({})", why, cure);
}

/// The pins are not there, or not for this caller.
bool lacks_pins(failure const& why) {
    return why.error == ENOENT || why.error == EACCES || why.error == EPROTONOSUPPORT;
}

std::string_view cure_for_pins(failure const& why, rights const& mine) {
    if (!lacks_pins(why)) return {};
    if (!mine.can_pin) return "dmabuf_pin could not pin them: that takes Linux 5.11 with BTF";
    return mine.root ? "dmabuf_pin pins them"
                     : "root can pin them for this user: dmabuf_pin --mode or --group";
}

std::string without_pins(failure const& why, rights const& mine) {
    return with_cure(why, cure_for_pins(why, mine));
}

std::string without_dmabuf_fds(failure const& why) {
    return with_cure(why, why.error == ENOENT ? "a patched kernel has it" : "");
}

/// Whether this kernel can have been built with the tree of buffers in sysfs. Only the release
/// tells: a kernel that was built without it shows no trace.
bool may_have_sysfs_tree(std::string_view kernel) {
    dmabuf::platform of;
    return dmabuf::parse_release(kernel, of.kernel_major, of.kernel_minor) && !of.before(5, 15) &&
           of.before(7, 0);
}

/// The ways to a list of all buffers that are open here. A sampler that asked for debugfs's, which
/// it does last, names that failure.
std::vector<std::string_view> ways_to_list(coverage const& seen, rights const& mine,
                                           std::string_view kernel) {
    auto const& why = seen.why_no_list;
    bool const asked_debugfs = why.where.what == object::bufinfo;
    std::vector<std::string_view> ways;
    if (mine.can_pin_list && lacks_pins(why))
        ways.emplace_back(mine.root ? "pin the kernel's (dmabuf_pin)"
                                    : "let root pin the kernel's (dmabuf_pin --mode or --group)");
    if (mine.debugfs && !mine.root) ways.emplace_back("run as root, who may read that of debugfs");
    if (mine.debugfs && mine.root && !asked_debugfs) ways.emplace_back("leave out --no-debugfs");
    if (mine.debugfs && asked_debugfs && why.error == ENOENT)
        ways.emplace_back("mount debugfs on /sys/kernel/debug");
    if (!mine.can_pin_list && may_have_sysfs_tree(kernel))
        ways.emplace_back("build the kernel with CONFIG_DMABUF_SYSFS_STATS");
    return ways;
}

std::string reference_words(coverage const& seen, rights const& mine) {
    auto text = fmt::format("Source: {}", seen.found_by);
    std::string_view before = "; no better one: ";
    if (seen.why_no_bpf.error != 0)
        text +=
            fmt::format("{}{}", std::exchange(before, "; "), without_pins(seen.why_no_bpf, mine));
    if (seen.why_no_dmabuf_fds.error != 0)
        text += fmt::format("{}{}", before, without_dmabuf_fds(seen.why_no_dmabuf_fds));
    if (seen.found_by == dmabuf::source::fd_walk && seen.why_no_dmabuf_fds.error == 0)
        text += ", as asked for";
    return text + ".\n";
}

/// Whether the list that failed could have been there. That this kernel lacks one that it cannot
/// have says nothing.
bool could_be_there(failure const& why, rights const& mine, std::string_view kernel) {
    if (why.error != ENOENT) return true;
    if (why.where.what == object::sysfs_buffers) return may_have_sysfs_tree(kernel);
    return why.where.what != object::bpf_buffers || mine.can_pin_list;
}

/// A buffer leaves the kernel's list with the last open file that may use it, and O_PATH
/// descriptors are none. In sysfs it stays until its memory goes.
std::string list_words(coverage const& seen, rights const& mine, std::string_view kernel) {
    if (seen.alone_pid != 0) return {}; // nothing asked for one
    auto text = fmt::format("List of all buffers: {}", name_of(seen.listed_by));
    if (seen.listed_by == listing::sysfs) return text + ".\n";
    if (seen.listed_by != listing::none)
        return text + ", without buffers that O_PATH descriptors alone hold.\n";
    if (could_be_there(seen.why_no_list, mine, kernel))
        text += fmt::format("; {}", seen.why_no_list);
    if (auto const ways = ways_to_list(seen, mine, kernel); !ways.empty())
        text += fmt::format(". To have one, {}", fmt::join(ways, ", or "));
    return text + ".\n";
}

} // namespace

std::string source_words(dmabuf::snapshot const& now, rights const& mine, std::string_view kernel) {
    auto const& seen = now.coverage;
    return fmt::format("{}Sizes: by {}{}.\n{}Read: {} of {} in {:.1f} ms; meanwhile {} ended, {} "
                       "closed, {} unmapped.\n",
                       reference_words(seen, mine), name_of(seen.sized_by),
                       seen.paths_marked ? "" : "; O_PATH descriptors are not told apart",
                       list_words(seen, mine, kernel),
                       counted(seen.tables, "descriptor table", "descriptor tables"),
                       counted(seen.processes, "process", "processes"),
                       static_cast<double>(now.end_ns - now.begin_ns) / 1e6,
                       counted(seen.processes_gone, "process", "processes"),
                       counted(seen.descriptors_gone, "descriptor was", "descriptors were"),
                       counted(seen.mappings_gone, "mapping was", "mappings were"));
}

std::string why_not_served(dmabuf::source wanted, coverage const& seen, rights const& mine) {
    return wanted == dmabuf::source::bpf_iterator ? without_pins(seen.why_no_bpf, mine)
                                                  : without_dmabuf_fds(seen.why_no_dmabuf_fds);
}

} // namespace report
