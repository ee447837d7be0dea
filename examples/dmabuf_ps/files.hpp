// SPDX-License-Identifier: MIT
//
// Whole files.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace dmabuf_ps {

/// Nothing, with errno, where it could not be read to its end.
std::optional<std::string> read_file(std::string const& path);

/// Writes a file of another name beside it and renames that, so that nobody ever sees half of it,
/// and no old one is lost to a failure. Readable for its owner alone. False, with errno, on
/// failure.
bool write_file(std::string const& path, std::string_view text);

} // namespace dmabuf_ps
