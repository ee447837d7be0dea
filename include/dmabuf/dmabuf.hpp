// SPDX-License-Identifier: MIT
//
// Which process holds how much DMA-BUF memory, and what could not be seen.
// Everything but the opt-in dmabuf/fmt.hpp.
#pragma once

#include <dmabuf/account.hpp>
#include <dmabuf/bpf_account.hpp>
#include <dmabuf/bpf_pins.hpp>
#include <dmabuf/bpf_process.hpp>
#include <dmabuf/bpf_records.hpp>
#include <dmabuf/bpf_totals.hpp>
#include <dmabuf/bufinfo.hpp>
#include <dmabuf/diff.hpp>
#include <dmabuf/dmabuf_fds.hpp>
#include <dmabuf/fd_walk.hpp>
#include <dmabuf/fdinfo.hpp>
#include <dmabuf/groups.hpp>
#include <dmabuf/kernel_list.hpp>
#include <dmabuf/maps.hpp>
#include <dmabuf/probe.hpp>
#include <dmabuf/process.hpp>
#include <dmabuf/sampler.hpp>
#include <dmabuf/snapshot.hpp>
#include <dmabuf/sysfs_buffers.hpp>
#include <dmabuf/tables.hpp>
