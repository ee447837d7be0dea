// SPDX-License-Identifier: MIT
//
// Opt-in: prints the library's values with {fmt}, 9 or newer. No other header includes {fmt}.
//
//     fmt::print("{}: {} of {}\n", buffer.name, dmabuf::bytes{buffer.size_bytes},
//                now.exporter_of(buffer));
//     fmt::print(stderr, "{}\n", done.error());
//
// Names come out escaped. The format specifications are those of strings: "{:>10}".
#pragma once

#include <dmabuf/snapshot.hpp>

#include <fmt/format.h>

namespace dmabuf {
inline namespace v0 {

/// A number of bytes. It prints in the largest fitting unit, with one decimal: "7.9 MiB", "512 B".
struct bytes {
    std::uint64_t count = 0;
};

namespace detail {

/// Cost: no system call, no allocation.
constexpr inline_text<15> in_units(std::uint64_t count) {
    constexpr std::string_view units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    std::uint64_t unit = 1;
    std::uint64_t tenths = 0;
    std::size_t which = 0;
    while (count / unit >= 1024 || tenths >= 10240) { // 1023.95 KiB is 1.0 MiB
        unit *= 1024;
        ++which;
        auto const rest = count % unit / (unit / 1024); // in 1/1024 of the unit
        tenths = count / unit * 10 + (rest * 10 + 512) / 1024;
    }
    inline_text<15> text;
    text.append_number(which == 0 ? count : tenths / 10);
    if (which != 0) text.append(".").append_number(tenths % 10);
    return text.append(" ").append(units[which]);
}

/// Fill, alignment and width, as of any string.
struct text_formatter : ::fmt::formatter<::fmt::string_view> {
    template<class Context>
    auto put(std::string_view text, Context& context) const {
        return format(::fmt::string_view(text.data(), text.size()), context);
    }
};

} // namespace detail

} // namespace v0
} // namespace dmabuf

/// "cannot open /proc/12/fd: permission denied (EACCES)"
template<>
struct fmt::formatter<dmabuf::failure> : dmabuf::detail::text_formatter {
    template<class Context>
    auto format(dmabuf::failure const& why, Context& context) const {
        return put(describe(why).view(), context);
    }
};

/// Prints the name of a buffer, a process or an exporter, escaped. Longer texts, such as
/// `escaped(name)` and `describe(why)`, are safe already: print their `view()`.
template<>
struct fmt::formatter<dmabuf::buffer_name> : dmabuf::detail::text_formatter {
    template<class Context>
    auto format(dmabuf::buffer_name const& name, Context& context) const {
        return put(escaped(name).view(), context);
    }
};

/// Prints the name of a task, escaped.
template<>
struct fmt::formatter<dmabuf::task_name> : dmabuf::detail::text_formatter {
    template<class Context>
    auto format(dmabuf::task_name const& name, Context& context) const {
        return put(escaped(name).view(), context);
    }
};

/// "fd_walk"
template<>
struct fmt::formatter<dmabuf::source> : dmabuf::detail::text_formatter {
    template<class Context>
    auto format(dmabuf::source which, Context& context) const {
        return put(name_of(which), context);
    }
};

/// "everything"
template<>
struct fmt::formatter<dmabuf::visibility> : dmabuf::detail::text_formatter {
    template<class Context>
    auto format(dmabuf::visibility how, Context& context) const {
        return put(name_of(how), context);
    }
};

/// "7.9 MiB"
template<>
struct fmt::formatter<dmabuf::bytes> : dmabuf::detail::text_formatter {
    template<class Context>
    auto format(dmabuf::bytes size, Context& context) const {
        return put(dmabuf::detail::in_units(size.count).view(), context);
    }
};
