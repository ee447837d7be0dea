// SPDX-License-Identifier: MIT
//
// A snapshot as JSON, as dmabuf_ps/SCHEMA.md describes it: of dmabuf_ps and of lowmem_capture.
#pragma once

#include <dmabuf/groups.hpp>

#include "buffer_holders.hpp"
#include "identity/command_lines.hpp"
#include "json_writer.hpp"
#include "rights.hpp"

#include <span>
#include <string_view>

namespace report {

/// The parts of a snapshot that are written, in this order. All that it refers to must outlive it.
struct snapshot_view {
    dmabuf::snapshot const& now;
    buffer_holders const& holders; ///< of all processes
    std::string_view kernel;       ///< release, raw
    rights mine;
    std::span<dmabuf::holder const* const> processes;
    std::span<dmabuf::buffer const* const> buffers;
    std::span<dmabuf::exporter_total const> exporters;      ///< of these buffers
    std::uint64_t total_bytes = 0;                          ///< of these buffers
    std::span<dmabuf::group_total const> users;             ///< of these processes
    std::span<dmabuf::group_total const> cgroups;           ///< of these processes
    identity::command_lines const* command_lines = nullptr; ///< null: they were not asked for
    dmabuf::snapshot const* whole = nullptr; ///< that `now` was chosen from; null: from itself

    [[nodiscard]] dmabuf::snapshot const& all() const { return whole ? *whole : now; }
};

/// null where there is no failure.
void write_failure(json_writer& out, dmabuf::failure const& why);

/// A process that made a buffer or attached a device.
void write_actor(json_writer& out, dmabuf::actor const& who);

/// The fields of schema dmabuf_ps/3 from `schema` to `coverage`, into an object that is open.
/// Allocates nothing.
void write_snapshot(json_writer& out, snapshot_view const& shown);

} // namespace report
