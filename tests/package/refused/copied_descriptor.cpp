// SPDX-License-Identifier: MIT
// refused: (deleted|implicitly-deleted)
#include <dmabuf/kernel/files.hpp>

dmabuf::unique_fd<> use(dmabuf::unique_fd<>& fd);

dmabuf::unique_fd<> use(dmabuf::unique_fd<>& fd) {
#ifdef TWIN
    return std::move(fd);
#else
    return fd;
#endif
}
