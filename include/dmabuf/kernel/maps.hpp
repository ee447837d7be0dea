// SPDX-License-Identifier: MIT
//
// /proc/P/maps: the files that a process has mapped, as text or by PROCMAP_QUERY.
#pragma once

#include <dmabuf/kernel/process.hpp>
#include <dmabuf/names.hpp>

namespace dmabuf {
inline namespace v0 {

/// Parses one line of maps, without its newline. The caller makes sure that the line is whole, as
/// `read_maps` does: the path of a cut line may be cut off. `path` is raw, but for a newline as
/// `\012`.
/// Kernel: fs/proc/task_mmu.c, show_map_vma().
/// Errors: EBADMSG with the offset of the field that does not fit.
/// Lifetime: `path` lies in the line.
constexpr result<mapping> parse_maps_line(std::string_view line, place where = {object::maps}) {
    auto rest = line;
    mapping found;
    std::uint64_t offset = 0;
    auto const field = [&](char mark, auto& number, unsigned base) {
        auto const at = detail::in_32_bits(line.size() - rest.size());
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

/// Takes the name of a DMA-BUF from a path of maps: the bytes after "/dmabuf:", with `\012` turned
/// back into a newline. The kernel escapes nothing else there, so that a name with the four
/// characters `\012` looks the same. Nothing for any other path.
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

/// The range of `read_maps()`.
template<system System = live_system>
class maps_reader : public reader<maps_reader<System>, result<mapping>> {
public:
    maps_reader(process<System> const& process, std::int32_t tid, read_space space)
        : process_(&process)
        , tid_(tid)
        , space_(std::move(space)) {}

private:
    friend reader<maps_reader, result<mapping>>;
    void next(auto& out) {
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

/// Every mapping of a process, in ascending order of address. `space` must hold the longest line, a
/// path of PATH_MAX bytes.
/// Kernel: /proc/P/task/T/maps; needs PTRACE_MODE_READ_FSCREDS. Empty for kernel threads and for a
/// task that has exited, the group's leader included: then ask a task that lives.
/// Cost: one open, one read per bufferful and one that sees the end, one close. No allocation when
/// the caller gives `space`.
/// Errors: an item each; ESRCH, or an empty range, where the task has no memory map any more.
/// Lifetime: `process` must outlive the range. The path of an item is valid until the next item.
template<system System>
maps_reader<System> read_maps(process<System> const& process, std::int32_t tid,
                              read_space space = {}) {
    return {process, tid, std::move(space)};
}
template<system System>
void read_maps(process<System> const&& process, std::int32_t tid, read_space space = {}) = delete;

/// The range of `read_mapped_files()`.
template<system System = live_system>
class mapped_files_reader : public reader<mapped_files_reader<System>, result<mapping>> {
public:
    mapped_files_reader(process<System> const& process, std::int32_t tid, bool queries,
                        read_space space)
        : process_(&process)
        , tid_(tid)
        , queries_(queries)
        , space_(std::move(space)) {}

    /// The parameter `queries`; false once the kernel answered that it has no PROCMAP_QUERY. A
    /// program that reads many processes hands it to the next range, which saves one call each.
    [[nodiscard]] bool can_query() const { return queries_; }

    /// The name of the DMA-BUF behind `found`, which must be the current item; nothing where its
    /// path is not that of a DMA-BUF. Exact by query; by text see `parse_mapped_name`.
    /// Cost: one call by query, none by text.
    /// Errors: ENOENT where another file, or none, is mapped there by now.
    result<std::optional<buffer_name>> name_of(mapping const& found) {
        if (lines_) return parse_mapped_name(found.path);
        std::array<char, 256> path; // a longer path is not that of a DMA-BUF
        mapping now;
        int const error = query(found.begin, now, path);
        bool const same = now.inode == found.inode && now.device == found.device;
        if (error == -ENAMETOOLONG || (error == 0 && !same))
            return failure{operation::query, ENOENT, where()};
        if (error < 0) return failure{operation::query, -error, where()};
        return parse_linked_name(now.path);
    }

private:
    friend reader<mapped_files_reader, result<mapping>>;

    [[nodiscard]] place where() const { return process_->at(object::maps, tid_); }

    int query(std::uint64_t from, mapping& found, std::span<char> path) const {
        return detail::uninterrupted(
            [&] { return process_->system.query_mapping(file_.get(), from, found, path); });
    }

    void next(auto& out) {
        if (!std::exchange(opened_, true))
            start(out);
        else if (lines_)
            next_by_text(out);
        else if (file_.is_open() && next_by_query(out) != 0)
            file_.reset();
    }

    void start(auto& out) {
        auto file = open_at(process_->system, process_->directory.get(),
                            detail::path("task/", tid_, "/maps").c_str(), O_RDONLY, where());
        if (!file) return void(out = file.error());
        file_ = std::move(file).value();
        if (queries_) {
            int const error = next_by_query(out);
            if (error == 0) return;
            if (error == -ENOENT || error == -ESRCH) return file_.reset();
            if (error == -ENOTTY) queries_ = false;
            out.reset();
        }
        lines_.emplace(std::move(file_), process_->system, std::move(space_), where());
        next_by_text(out);
    }

    int next_by_query(auto& out) {
        mapping found;
        int error = query(at_, found, {});
        // The next query begins at the end of this mapping. Without progress it would repeat for
        // ever.
        if (error == 0 && (found.end <= at_ || found.end < found.begin)) error = -EBADMSG;
        if (error == 0)
            at_ = found.end, out = found;
        else if (error != -ENOENT)
            out = failure{operation::query, -error, where()};
        return error;
    }

    void next_by_text(auto& out) {
        while (auto const line = lines_->next()) {
            out = *line ? parse_maps_line(**line, where()) : result<mapping>(line->error());
            if (!*out || (*out)->device != device_number{}) return;
            out.reset();
        }
    }

    process<System> const* process_;
    std::int32_t tid_;
    bool queries_;
    read_space space_;
    unique_fd<System> file_;
    std::optional<line_reader<System>> lines_;
    std::uint64_t at_ = 0;
    bool opened_ = false;
};

/// The mappings of files of a process, in ascending order of address: by PROCMAP_QUERY where the
/// kernel has it and `queries` is true, else out of the text. `space` is as for `read_maps`.
/// Kernel: fs/proc/task_mmu.c, do_procmap_query(), 6.11; the same rights as for the text. The query
/// saves printing and parsing every anonymous mapping and every path: with 231 mappings of files
/// among 331, it takes 0.8 instead of 3.1 ms (6.12, instructions at 1 ns each).
/// Cost: one open, one query per mapping of a file and one that sees the end, one close. No
/// allocation. By text, the cost of `read_maps`, and one call more to see that the kernel has no
/// queries: see `can_query()`.
/// Errors: an item each; ESRCH where the task has no memory map any more; EBADMSG for a mapping
/// that does not end behind the address that was asked for. A query that fails ends the range, but
/// for the first one: unless it fails with ESRCH, the text is read instead.
/// Lifetime: `process` must outlive the range.
template<system System>
mapped_files_reader<System> read_mapped_files(process<System> const& process, std::int32_t tid,
                                              bool queries = true, read_space space = {}) {
    return {process, tid, queries, std::move(space)};
}
template<system System>
void read_mapped_files(process<System> const&& process, std::int32_t tid, bool queries = true,
                       read_space space = {}) = delete;

} // namespace v0
} // namespace dmabuf
