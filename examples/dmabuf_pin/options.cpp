// SPDX-License-Identifier: MIT
#include "options.hpp"

#include <dmabuf/text.hpp>

#include "options/parser.hpp"
#include "options/roots.hpp"

#include <fstream>

namespace dmabuf_pin {

namespace {

constexpr auto description =
    R"(Loads BPF iterators that show who holds DMA-BUFs, and pins them as files, until the next boot
or --unpin. dmabuf_ps and every program that uses the library reads them by itself where it may.

What this grants: BPF bypasses ptrace checks. Whoever may read the files sees every process's
buffers, with the process's number, name and user, and the buffers' sizes, exporters and names.
With --origins also who made each buffer and when, in which cgroup, and which devices were attached
to it by whom, after the process ended, too.
Nobody can change anything by them, and no content of a buffer is shown.
)";

constexpr auto footer =
    R"(Pinning takes root (CAP_BPF, CAP_PERFMON, CAP_DAC_OVERRIDE, CAP_CHOWN; and CAP_SYSLOG, by which
--origins tells what it missed) and Linux 5.11 with CONFIG_DEBUG_INFO_BTF; reading takes no
capability. Pinning again replaces what is there, and goes on with what --origins noted; where a
step fails, nothing is pinned and what was there stays.
systemd mounts /sys/fs/bpf for root alone: `chmod 711 /sys/fs/bpf` lets others pass through it.)";

constexpr std::uint32_t most_room = 16U << 20U; // 4 GiB of the kernel's memory, if it is full

/// Empty where `word` can be the mode of the files.
std::string take_mode(std::string const& word, ::mode_t& mode) {
    if (!dmabuf::detail::parse_number(word, mode, 8) || (mode & ~0444U) != 0)
        return fmt::format("'{}' is not a mode like 0440: only reading can be allowed", word);
    return {};
}

/// By name from /etc/group alone: a name service could not be asked by a static program.
std::string take_group(std::string const& word, std::optional<::gid_t>& group) {
    ::gid_t number = 0;
    if (dmabuf::detail::parse_number(word, number)) return group = number, "";
    std::ifstream file("/etc/group");
    for (std::string line; std::getline(file, line);) {
        std::string_view rest = line;
        if (dmabuf::detail::take_until(rest, ':') != word) continue;
        (void)dmabuf::detail::take_until(rest, ':'); // the password
        if (dmabuf::detail::parse_number(dmabuf::detail::take_until(rest, ':'), number))
            return group = number, "";
    }
    return fmt::format("there is no group '{}' in /etc/group", word);
}

} // namespace

command_line::parsed<options> parse_options(int count, char const* const* arguments) {
    options chosen;
    command_line::parser app("dmabuf_pin", description, footer);
    std::string mode;
    std::string group;
    bool unpin = false;
    bool status = false;
    app.add_flag("--unpin", unpin, "Take the files away; an open one can still be read");
    app.add_flag("--origins", chosen.origins,
                 "Watch who makes each buffer and which devices are attached to it, from now on");
    auto* const with_room =
        app.add_option("--room", chosen.room,
                       fmt::format("How many buffers --origins notes at a time (default: {})",
                                   default_room))
            ->type_name("N")
            ->check(CLI::Range(std::uint32_t{1}, most_room));
    app.add_flag("--status", status, "Say what is pinned and who may read it");
    auto* const with_mode =
        app.add_option("-m,--mode", mode,
                       "Who may read the files (default: 0400; with --group: 0440)")
            ->type_name("MODE");
    auto* const with_group =
        app.add_option("-g,--group", group, "The files' group (default: root's)")
            ->type_name("GROUP");
    dmabuf::root_path bpffs;
    auto* const with_bpffs = command_line::add_bpffs(app, bpffs, "/sys/fs/bpf");
    app.add_option("--path", chosen.path, "Directory, on a bpffs (default: dmabuf in the bpffs)")
        ->type_name("DIR")
        ->excludes(with_bpffs);

    auto const check = [&] {
        if (unpin && status) throw CLI::ValidationError("--status", "not together with --unpin");
        if ((unpin || status) && with_mode->count() + with_group->count() != 0)
            throw CLI::ValidationError("--mode and --group", "are for pinning only");
        if ((unpin || status) && chosen.origins)
            throw CLI::ValidationError("--origins", "is for pinning only");
        if (with_room->count() != 0 && !chosen.origins)
            throw CLI::ValidationError("--room", "is for --origins only");
        if (!group.empty()) chosen.mode = 0440;
        if (auto const wrong = mode.empty() ? std::string() : take_mode(mode, chosen.mode);
            !wrong.empty())
            throw CLI::ValidationError("--mode", wrong);
        if (auto const wrong = group.empty() ? std::string() : take_group(group, chosen.group);
            !wrong.empty())
            throw CLI::ValidationError("--group", wrong);
    };
    if (auto over = app.read(count, arguments, check)) return *std::move(over);
    if (with_bpffs->count() != 0) chosen.path = fmt::format("{}/dmabuf", bpffs.view());
    if (unpin) chosen.what = action::unpin;
    if (status) chosen.what = action::status;
    return chosen;
}

} // namespace dmabuf_pin
