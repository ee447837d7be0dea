// SPDX-License-Identifier: MIT
//
// Where each outcome is counted.
#include <dmabuf/sampling/tally.hpp>

#include "catch.hpp"

namespace {

using dmabuf::failure;
using dmabuf::operation;
using dmabuf::outcome;

failure with(int error) {
    return {operation::read, error, {}};
}

TEST_CASE("tally: the first failure that is not an everyday event is kept") {
    dmabuf::coverage seen;
    dmabuf::tally const counts(seen);
    CHECK(counts.note(with(ENOENT)) == outcome::gone);
    CHECK(counts.note(with(ESRCH)) == outcome::gone);
    CHECK(counts.note(with(EACCES)) == outcome::denied);
    CHECK(counts.note(with(EPERM)) == outcome::denied);
    CHECK(seen.first_failure.error == 0);
    CHECK(counts.note(with(EIO)) == outcome::failed);
    CHECK(counts.note(with(ENOMEM)) == outcome::failed);
    CHECK(seen.first_failure.error == EIO);
}

TEST_CASE("tally: each process is counted once, by its outcome") {
    dmabuf::coverage seen;
    dmabuf::tally const counts(seen);
    auto const add = [&](unsigned times, auto... how) {
        for (unsigned i = 0; i < times; ++i)
            counts.process(how...);
    };
    add(1, outcome::seen);
    add(2, outcome::denied);
    add(3, outcome::failed);
    add(4, outcome::gone);
    add(5, outcome::denied, true);
    CHECK(seen.processes == 15);
    CHECK(seen.processes_seen == 1);
    CHECK(seen.processes_denied == 2);
    CHECK(seen.processes_failed == 3);
    CHECK(seen.processes_gone == 4);
    CHECK(seen.kernel_threads == 5);
    counts.process(outcome::seen, true); // one that could be read
    CHECK(seen.processes_seen == 2);
    CHECK(seen.kernel_threads == 5);
    counts.process_without_memory(); // which is one of those
    CHECK(seen.processes_without_memory == 1);
    CHECK(seen.processes == 16);
}

TEST_CASE("tally: tables, descriptors and mappings are counted apart") {
    dmabuf::coverage seen;
    dmabuf::tally const counts(seen);
    counts.table(true);
    counts.table(true);
    counts.table(false);
    CHECK(seen.tables == 3);
    CHECK(seen.tables_uncertain == 1);
    counts.tables_in_doubt(2);
    CHECK(seen.tables == 3);
    CHECK(seen.tables_uncertain == 3);
    counts.descriptors_gone(2);
    counts.descriptor_failed();
    counts.mapping_gone();
    counts.undecided();
    CHECK(seen.descriptors_gone == 2);
    CHECK(seen.descriptors_failed == 1);
    CHECK(seen.mappings_gone == 1);
    CHECK(seen.undecided == 1);
}

TEST_CASE("tally: what was counted since can be taken back") {
    dmabuf::coverage seen;
    dmabuf::tally const counts(seen);
    counts.process(outcome::seen);
    auto const before = counts.counted();
    counts.process(outcome::gone);
    (void)counts.note(with(EIO));
    counts.table(false);
    counts.restore(before);
    CHECK(seen.processes == 1);
    CHECK(seen.processes_gone == 0);
    CHECK(seen.first_failure.error == 0);
    CHECK(seen.tables == 0);
}

TEST_CASE("tally: of two outcomes the worse one stands") {
    constexpr outcome from_best[] = {outcome::seen, outcome::denied, outcome::failed, outcome::gone,
                                     outcome::again};
    for (std::size_t a = 0; a < std::size(from_best); ++a)
        for (std::size_t b = 0; b < std::size(from_best); ++b)
            CHECK(dmabuf::worse(from_best[a], from_best[b]) == from_best[a < b ? b : a]);
}

} // namespace
