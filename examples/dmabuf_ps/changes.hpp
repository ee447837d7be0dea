// SPDX-License-Identifier: MIT
//
// The changes between two samples.
#pragma once

#include <dmabuf/diff.hpp>

#include "observation.hpp"
#include "options.hpp"

#include <string_view>

namespace dmabuf_ps {

/// The changes that concern the processes asked for: their own, those of their users and cgroups,
/// and those of buffers that they held or hold. Of exporters and makers only where all processes
/// are asked for.
dmabuf::snapshot_diff changes(observation const& seen, options const& chosen);

/// "appeared" or "gone"; "grew" or "shrank" where all amounts that are known to differ, but shares,
/// did; else "changed".
template<class Row>
std::string_view word_for(Row const& row) {
    if (row.what == dmabuf::change::appeared) return "appeared";
    if (row.what == dmabuf::change::gone) return "gone";
    bool more = false;
    bool less = false;
    row.for_each_amount([&](std::string_view name, dmabuf::amount_change const& one) {
        if (name == "pss_bytes" || name == "uss_bytes" || !one.before.exact() || !one.after.exact())
            return;
        more = more || one.after.value > one.before.value;
        less = less || one.after.value < one.before.value;
    });
    return more == less ? "changed" : more ? "grew" : "shrank";
}

} // namespace dmabuf_ps
