// SPDX-License-Identifier: MIT
//
// Takes out of a snapshot the names that people and programs have chosen.
#pragma once

#include "names.hpp"

namespace dmabuf_report {

/// Of processes, makers, importers, buffers and cgroups. Equal names stay equal. The names of
/// drivers and devices stay.
void anonymise(dmabuf::snapshot& now, names& shown);

} // namespace dmabuf_report
