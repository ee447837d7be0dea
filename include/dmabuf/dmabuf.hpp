// SPDX-License-Identifier: MIT
//
// The whole library but for the opt-in dmabuf/fmt.hpp: which process holds how much DMA-BUF memory,
// and what could not be seen.
#pragma once

#include <dmabuf/account.hpp>
#include <dmabuf/bpf/origins.hpp>
#include <dmabuf/bpf/pins.hpp>
#include <dmabuf/bpf/process.hpp>
#include <dmabuf/bpf/records.hpp>
#include <dmabuf/diff.hpp>
#include <dmabuf/groups.hpp>
#include <dmabuf/kernel/android_buffers.hpp>
#include <dmabuf/kernel/bufinfo.hpp>
#include <dmabuf/kernel/dmabuf_fds.hpp>
#include <dmabuf/kernel/fd_walk.hpp>
#include <dmabuf/kernel/fdinfo.hpp>
#include <dmabuf/kernel/maps.hpp>
#include <dmabuf/kernel/process.hpp>
#include <dmabuf/kernel/sysfs_buffers.hpp>
#include <dmabuf/origins.hpp>
#include <dmabuf/sampler.hpp>
#include <dmabuf/snapshot.hpp>
