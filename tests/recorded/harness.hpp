// SPDX-License-Identifier: MIT
//
// The parts that the tests on made-up systems share: the library's snapshot held against the fake
// kernel's own account, and the invariants of every snapshot.
#pragma once

#include <dmabuf/sampler.hpp>

#include "catch.hpp"
#include "systems/fake_kernel.hpp"
#include "systems/wrappers.hpp"

#include <set>
#include <sstream>

using fake_sampler = dmabuf::basic_sampler<fake::system>;
using faulty_system = wrapped::faulty<fake::system>;
using counting_system = wrapped::counting<fake::system>;

extern template class dmabuf::basic_sampler<fake::system>;
extern template class dmabuf::basic_sampler<faulty_system>;
extern template class dmabuf::basic_sampler<counting_system>;

/// Whether a sampler remembers sizes and exporters: with 32 bits an inode number may come back.
inline constexpr bool remembers = sizeof(long) == 8;

/// A snapshot of `kernel`, which must succeed.
dmabuf::snapshot sampled(fake::kernel& kernel, dmabuf::sample_options options = {});

/// The account of a snapshot.
fake::account account_of(dmabuf::snapshot const& now);

/// In words, so that a failing test shows what differs.
std::string words(fake::account const& account);
std::string words(dmabuf::coverage const& seen);

/// The truth, of these processes only.
fake::account only(fake::account all, std::set<int> const& pids);

/// The first broken invariant: all hold of every snapshot, whichever calls failed. Empty: none is.
std::string broken_invariant(dmabuf::snapshot const& now);

/// Holders, references, sizes, exporters, names and sums are those of `expected`, by an arithmetic
/// of the harness's own. Empty when they are.
std::string difference(dmabuf::snapshot const& now, fake::kernel const& kernel,
                       fake::account const& expected);

/// Snapshot and truth agree to the byte, and the snapshot says that it is complete.
#define CHECK_COMPLETE(now, kernel)                                 \
    do {                                                            \
        INFO(words((now).coverage));                                \
        CHECK(difference((now), (kernel), (kernel).truth()) == ""); \
        CHECK((now).coverage.complete());                           \
        CHECK((kernel).open_descriptors() == 0);                    \
    } while (false)

/// The account is that of some processes.
#define CHECK_ACCOUNT(now, kernel, expected)                  \
    do {                                                      \
        INFO(words((now).coverage));                          \
        CHECK(difference((now), (kernel), (expected)) == ""); \
    } while (false)

inline dmabuf::buffer const& buffer_of(dmabuf::snapshot const& now, std::uint64_t inode) {
    for (auto const& buffer : now.buffers)
        if (buffer.inode == inode) return buffer;
    throw std::runtime_error("no buffer of this inode");
}

inline dmabuf::holder const& holder_of(dmabuf::snapshot const& now, int pid) {
    for (auto const& holder : now.holders)
        if (holder.pid == pid) return holder;
    throw std::runtime_error("no holder of this pid");
}
