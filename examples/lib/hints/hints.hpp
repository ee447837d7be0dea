// SPDX-License-Identifier: MIT
//
// Hints about buffers that no process explains: the processes that have an attached device open,
// and the rings whose fixed files are DMA-BUFs. A hint is no proof of a holder.
#pragma once

#include <dmabuf/snapshot.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hints {

/// The files that are read; other ones in tests.
struct roots {
    std::string proc = "/proc";
    std::string sys = "/sys";
};

/// The number of DMA-BUFs among the fixed files of an io_uring, by the text of its fdinfo. The file
/// names in it are paths that others chose: a file that is called `dmabuf` counts too.
/// Kernel: io_uring/fdinfo.c; it shows no inode. 6.12 shows the last part of a path, 7.3 all of it.
unsigned count_ring_files(std::string_view fdinfo);

/// One sentence for each hint that concerns a buffer of `now` with other references, or without
/// holder.
/// Cost: three calls for each descriptor of every process that may be read.
std::vector<std::string> find(dmabuf::snapshot const& now, roots const& where = {});

} // namespace hints
