// SPDX-License-Identifier: MIT
// What a range keeps by reference must not be a temporary.
// refused: deleted function [^(]*[^a-z_]read_processes
// refused: deleted function [^(]*[^a-z_]read_tasks
// refused: deleted function [^(]*[^a-z_]read_fds
// refused: deleted function [^(]*[^a-z_]read_fdinfos
// refused: deleted function [^(]*[^a-z_]read_maps
// refused: deleted function [^(]*[^a-z_]read_mapped_files
// refused: deleted function [^(]*[^a-z_]read_dmabuf_fds
// refused: deleted function [^(]*[^a-z_]walk_fds
// refused: deleted function [^(]*[^a-z_]walk_fdinfos
// refused: deleted function [^(]*[^a-z_]read_sysfs_buffers
#include <dmabuf/dmabuf.hpp>

#ifdef TWIN
#define GIVEN(kept) kept
#else
#define GIVEN(kept) std::move(std::as_const(kept)) // as `*open_process(1)` is, and more
#endif

struct given {
    dmabuf::proc_directory<> proc;
    dmabuf::process<> process;
    dmabuf::sysfs_buffers_directory<> tree;
    dmabuf::dmabuf_filesystem known;
};

void use(given& its);

void use(given& its) {
    auto processes = dmabuf::read_processes(GIVEN(its.proc));
    auto tasks = dmabuf::read_tasks(GIVEN(its.process));
    auto fds = dmabuf::read_fds(GIVEN(its.process), 1);
    auto fdinfos = dmabuf::read_fdinfos(GIVEN(its.process), 1);
    auto maps = dmabuf::read_maps(GIVEN(its.process), 1);
    auto files = dmabuf::read_mapped_files(GIVEN(its.process), 1);
    auto listed = dmabuf::read_dmabuf_fds(GIVEN(its.process), 1);
    auto walked = dmabuf::walk_fds(GIVEN(its.process), 1, its.known, {false});
    auto described = dmabuf::walk_fdinfos(GIVEN(its.process), 1, its.known);
    auto buffers = dmabuf::read_sysfs_buffers(GIVEN(its.tree));
}
