// SPDX-License-Identifier: MIT
//
// The one way in which our programs make files.
#pragma once

#include <fcntl.h>

namespace files {

/// Makes a file of that name in an open directory and opens it for writing; its owner alone may
/// read it. Returns the descriptor, or -1 with errno: EEXIST where a file, a link or a FIFO has the
/// name already. Allocates nothing.
inline int make_new(int directory, char const* name) {
    return ::openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

} // namespace files
