// SPDX-License-Identifier: MIT
//
// The sources of references: their abilities, the choice among them, and the coverage that follows.
#pragma once

#include <dmabuf/kernel/process.hpp>
#include <dmabuf/sampling/options.hpp>

namespace dmabuf {
inline namespace v0 {

/// The facts that one source tells beside holders and their buffers. Other facts are asked
/// elsewhere.
struct source_abilities {
    enum class marks : std::uint8_t { never, on_request, always };

    sizing sizes = sizing::none; ///< `none`: it lists inodes alone
    bool exporters = false;
    bool names = false;
    marks path_descriptors = marks::never; ///< `on_request`: each costs a call
};

/// The abilities of each `source`, from worst to best.
inline constexpr source_abilities all_source_abilities[]{
    {},                                                                     // none
    {sizing::descriptors, true, true, source_abilities::marks::on_request}, // fd_walk
    {},                                                                     // dmabuf_fds
    {sizing::bpf_iterator, true, true, source_abilities::marks::always},    // bpf_iterator
};

/// The abilities of one source.
constexpr source_abilities const& abilities_of(source which) {
    return all_source_abilities[static_cast<std::size_t>(which)];
}

/// Whether the caller allows this source. fd_walk is always allowed: every kernel has it.
constexpr bool may_ask(source which, sample_options const& wanted) {
    if (which == source::bpf_iterator && !wanted.bpf) return false;
    return wanted.force == source::none || which <= wanted.force;
}

/// Writes into `counted` which source the sample has, and which facts it will tell. `elsewhere`
/// tells the sizes if the source does not.
constexpr void state_source(coverage& counted, source which, sample_options const& wanted,
                            sizing elsewhere) {
    using marks = source_abilities::marks;
    auto const& tells = abilities_of(which);
    counted.found_by = which;
    counted.sized_by = tells.sizes != sizing::none ? tells.sizes : elsewhere;
    counted.paths_marked = tells.path_descriptors == marks::always ||
                           (tells.path_descriptors == marks::on_request && wanted.path_descriptors);
    counted.mappings_read = wanted.mappings;
}

/// Finds out whether this kernel has `dmabuf_fds`.
/// A procfs that does not show the caller, mounted with pidns= (Linux 7), shows its own init.
/// Cost: one call; two where it has, or where the caller is not shown.
/// Errors: ENOENT where it has not.
template<system System>
result<void> find_dmabuf_fds(proc_directory<System> const& proc, bool shows_caller = true) {
    auto const self = proc.system.process_id();
    auto const file = open_at(proc.system, proc.directory.get(), "thread-self/dmabuf_fds", O_RDONLY,
                              {object::dmabuf_fds, self, self});
    if (file) return {};
    if (shows_caller) return file.error();
    file_status init;
    int const error = detail::uninterrupted_status(proc.system, proc.directory.get(),
                                                   "1/task/1/dmabuf_fds", 0, init);
    return error == 0 ? result<void>() : result<void>(file.error());
}

} // namespace v0
} // namespace dmabuf
