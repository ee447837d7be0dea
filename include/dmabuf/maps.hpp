// SPDX-License-Identifier: MIT
//
// /proc/P/maps: which files a process has mapped, and where.
#pragma once

#include <dmabuf/names.hpp>
#include <dmabuf/process.hpp>

namespace dmabuf {
inline namespace v0 {

/// One mapping. Kernel: fs/proc/task_mmu.c, show_map_vma().
/// Lifetime: `path` lies in the reader's memory, until the range moves on.
struct mapping {
    std::uint64_t begin = 0;
    std::uint64_t end = 0;
    bool shared = false;
    device_number device;
    std::uint64_t inode = 0;
    std::string_view path; ///< raw, with a newline as `\012`; anything may be called "/dmabuf:x"

    [[nodiscard]] constexpr std::uint64_t size_bytes() const { return end - begin; }
};

/// Parses one line of maps, without its newline.
/// Errors: EBADMSG with the offset of the field that does not fit.
constexpr result<mapping> parse_maps_line(std::string_view line, place where = {object::maps}) {
    auto rest = line;
    mapping found;
    std::uint64_t offset = 0;
    auto const field = [&](char mark, auto& number, unsigned base) {
        auto const at = static_cast<std::uint32_t>(line.size() - rest.size());
        bool const fits = detail::parse_number(detail::take_until(rest, mark), number, base);
        return fits ? result<void>{} : failure{operation::parse, EBADMSG, where, at};
    };
    if (auto ok = field('-', found.begin, 16); !ok) return ok.error();
    if (auto ok = field(' ', found.end, 16); !ok) return ok.error();
    auto const rights = detail::take_until(rest, ' ');
    if (rights.size() != 4 || found.end < found.begin)
        return failure{operation::parse, EBADMSG, where};
    found.shared = rights[3] == 's';
    if (auto ok = field(' ', offset, 16); !ok) return ok.error();
    if (auto ok = field(':', found.device.major, 16); !ok) return ok.error();
    if (auto ok = field(' ', found.device.minor, 16); !ok) return ok.error();
    if (auto ok = field(' ', found.inode, 10); !ok) return ok.error();
    while (rest.starts_with(' '))
        rest.remove_prefix(1);
    found.path = rest;
    return found;
}

/// The name of a DMA-BUF as the path of its mapping shows it: what follows "/dmabuf:", with `\012`
/// turned back into a newline (the kernel escapes nothing else there, so a name that holds these
/// four characters itself looks the same). Nothing for any other path.
constexpr std::optional<buffer_name> parse_mapped_name(std::string_view path) {
    constexpr std::string_view prefix = "/dmabuf:";
    if (!path.starts_with(prefix)) return std::nullopt;
    buffer_name name;
    for (path.remove_prefix(prefix.size()); !path.empty();) {
        bool const newline = path.starts_with("\\012");
        name.push_back(newline ? '\n' : path.front());
        path.remove_prefix(newline ? 4 : 1);
    }
    return name;
}

/// Every mapping of a process, in ascending order of address.
/// Kernel: /proc/P/task/T/maps; needs PTRACE_MODE_READ_FSCREDS. Empty for kernel threads and for a
/// task that has exited, the group's leader included: then ask a task that lives.
/// Cost: one open, one read per bufferful and one that sees the end, one close. No allocation.
/// Errors: an item each; ESRCH or an empty range where the task has no memory map any more.
/// Lifetime: `process` must outlive the range.
template<system System = live_system>
class maps_reader : public reader<maps_reader<System>, result<mapping>> {
public:
    maps_reader(process<System> const& process, std::int32_t tid, read_space space)
        : process_(&process)
        , tid_(tid)
        , space_(std::move(space)) {}

private:
    friend reader<maps_reader, result<mapping>>;
    void next(std::optional<result<mapping>>& out) {
        auto const where = process_->at(object::maps, tid_);
        if (!std::exchange(opened_, true)) {
            auto file = open_at(process_->system, process_->directory.get(),
                                detail::path("task/", tid_, "/maps").c_str(), O_RDONLY, where);
            if (!file) return void(out = file.error());
            lines_.emplace(std::move(file).value(), process_->system, std::move(space_), where);
        }
        auto const line = lines_ ? lines_->next() : std::nullopt;
        if (line) out = *line ? parse_maps_line(**line, where) : result<mapping>((*line).error());
    }

    process<System> const* process_;
    std::int32_t tid_;
    read_space space_;
    std::optional<line_reader<System>> lines_;
    bool opened_ = false;
};

/// The range described above. `space` must hold the longest line, a path of PATH_MAX bytes.
template<system System>
maps_reader<System> read_maps(process<System> const& process, std::int32_t tid,
                              read_space space = {}) {
    return {process, tid, std::move(space)};
}

} // namespace v0
} // namespace dmabuf
