// SPDX-License-Identifier: MIT
//
// Signals as a descriptor, by which poll(2) waits for them.
#pragma once

#include <dmabuf/kernel/files.hpp>

#include <csignal>
#include <initializer_list>
#include <sys/signalfd.h>

namespace files {

/// From then on these signals are read, and do nothing else. Not open where that failed, with errno.
inline dmabuf::unique_fd<> open_signals(std::initializer_list<int> signals) {
    sigset_t set;
    sigemptyset(&set);
    for (int const one : signals)
        sigaddset(&set, one);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    return {dmabuf::live_system{}, ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
}

} // namespace files
