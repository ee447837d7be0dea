// SPDX-License-Identifier: MIT
//
// Turns a snapshot, and the growth so far, into metrics. Pure: no system call.
#pragma once

#include <dmabuf/growth.hpp>

#include <cstdint>
#include <prometheus/metric_family.h>
#include <vector>

namespace dmabuf_exporter {

using page = std::vector<prometheus::MetricFamily>;

/// So many names are told of each kind; the others are added up. So a page has at most 200 series.
struct limits {
    std::size_t exporters = 15;
    std::size_t cgroups = 60;
    std::size_t makers = 20;
    std::size_t growing = 15; ///< of bytes, and as many of items
    std::size_t processes = 0;
};

/// The amounts of a snapshot, and the growing ones. An amount that the snapshot does not know is
/// left out.
page with_amounts(dmabuf::snapshot const& now, dmabuf::growth_watch const& growth,
                  limits const& most);

/// Serves while there is no sample.
page without_amounts();

/// A metric without labels. `help` ends without a full stop.
void add_gauge(page& all, char const* name, char const* help, double value);
void add_counter(page& all, char const* name, char const* help, double value);

} // namespace dmabuf_exporter
