// SPDX-License-Identifier: MIT
//
// Which process holds how much DMA-BUF memory, and what could not be seen: the whole library but
// for its opt-in headers dmabuf/fmt.hpp, growth.hpp, growth_rows.hpp and trend.hpp.
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
#include <dmabuf/kernel/cgroup.hpp>
#include <dmabuf/kernel/cmdline.hpp>
#include <dmabuf/kernel/dmabuf_fds.hpp>
#include <dmabuf/kernel/fd_walk.hpp>
#include <dmabuf/kernel/fdinfo.hpp>
#include <dmabuf/kernel/maps.hpp>
#include <dmabuf/kernel/process.hpp>
#include <dmabuf/kernel/stat.hpp>
#include <dmabuf/kernel/status.hpp>
#include <dmabuf/kernel/sysfs_buffers.hpp>
#include <dmabuf/origins.hpp>
#include <dmabuf/sampler.hpp>
#include <dmabuf/snapshot.hpp>
