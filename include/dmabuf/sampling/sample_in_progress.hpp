// SPDX-License-Identifier: MIT
//
// The session, options, builder, counts and tally that every part of the sampler works on.
#pragma once

#include <dmabuf/sampling/buffer_list.hpp>
#include <dmabuf/sampling/reference_counts.hpp>
#include <dmabuf/sampling/session.hpp>
#include <dmabuf/sampling/snapshot_builder.hpp>
#include <dmabuf/sampling/tally.hpp>

namespace dmabuf {
inline namespace v0 {

/// Lives as long as one sample is taken.
template<system System = live_system>
struct sample_in_progress {
    dmabuf::session<System>& session;
    sample_options const& wanted;
    snapshot_builder& build;
    buffer_list<System>& list;
    reference_counts& references;
    tally counts;
};

} // namespace v0
} // namespace dmabuf
