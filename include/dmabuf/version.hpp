// SPDX-License-Identifier: MIT
//
// The version of the library, and one readable error on a compiler that cannot build it.
#pragma once

#ifdef DMABUF_VERSION_MAJOR
#error \
    "two copies of dmabuf in one file, as the single header beside the headers: include one of them"
#endif

#define DMABUF_VERSION_MAJOR 0
#define DMABUF_VERSION_MINOR 2
#define DMABUF_VERSION_PATCH 0

#if !defined(__linux__)
#error "dmabuf needs Linux: it reads what the Linux kernel shows of DMA-BUFs"
#elif defined(_MSVC_LANG) || __cplusplus < 202002L
#error "dmabuf needs C++20: compile with -std=c++20 or newer"
#elif defined(__clang__) && __clang_major__ < 16
#error "dmabuf needs Clang 16 or newer"
#elif !defined(__clang__) && defined(__GNUC__) && __GNUC__ < 12
#error "dmabuf needs GCC 12 or newer"
#endif

// The inline namespace is raised on every break of the API or the ABI, so that two vendored copies
// of different versions can live in one program.
namespace dmabuf {
inline namespace v0 {
namespace detail {
/// `template<class = if_called>` makes a template of a function or class that needs none. The
/// compiler then takes the body apart, and instantiates its std::vector members, only in a program
/// that calls it. Use it for everything that is neither a template already nor trivial.
using if_called = void;
} // namespace detail
} // namespace v0
} // namespace dmabuf
