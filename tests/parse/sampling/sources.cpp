// SPDX-License-Identifier: MIT
//
// Which source may be asked, and what a snapshot then says that it tells.
#include <dmabuf/sampling/sources.hpp>

#include "catch.hpp"

namespace {

using dmabuf::sizing;
using dmabuf::source;

constexpr source all_sources[] = {source::none, source::fd_walk, source::dmabuf_fds,
                                  source::bpf_iterator};

static_assert(std::size(dmabuf::all_source_abilities) == std::size(all_sources));

TEST_CASE("sources: what is forced is asked, and what is worse, and no better one") {
    struct row {
        source force;
        bool bpf;
        bool asks_list, asks_bpf;
    };
    constexpr row rows[] = {
        {source::none, true, true, true},         {source::none, false, true, false},
        {source::fd_walk, true, false, false},    {source::fd_walk, false, false, false},
        {source::dmabuf_fds, true, true, false},  {source::dmabuf_fds, false, true, false},
        {source::bpf_iterator, true, true, true}, {source::bpf_iterator, false, true, false},
    };
    for (auto const& row : rows) {
        dmabuf::sample_options wanted;
        wanted.force = row.force;
        wanted.bpf = row.bpf;
        CAPTURE(dmabuf::name_of(row.force), row.bpf);
        CHECK(dmabuf::may_ask(source::fd_walk, wanted));
        CHECK(dmabuf::may_ask(source::dmabuf_fds, wanted) == row.asks_list);
        CHECK(dmabuf::may_ask(source::bpf_iterator, wanted) == row.asks_bpf);
    }
}

/// One of every combination of the options that change what is stated, and who tells the sizes
/// elsewhere.
struct combination {
    dmabuf::sample_options wanted;
    bool sysfs = false;
};

combination combination_of(unsigned bits) {
    combination made;
    made.wanted.names = (bits & 1U) != 0;
    made.wanted.path_descriptors = (bits & 2U) != 0;
    made.wanted.mappings = (bits & 4U) != 0;
    made.wanted.exporters = (bits & 8U) != 0;
    made.sysfs = (bits & 16U) != 0;
    return made;
}

TEST_CASE("sources: a snapshot says what its source tells, whatever is wanted") {
    for (auto const which : all_sources) {
        for (unsigned bits = 0; bits < 32; ++bits) {
            auto const [wanted, sysfs] = combination_of(bits);
            dmabuf::coverage told;
            auto const elsewhere = sysfs ? sizing::sysfs : sizing::bufinfo;
            dmabuf::state_source(told, which, wanted, elsewhere);
            CAPTURE(dmabuf::name_of(which), bits);
            CHECK(told.found_by == which);
            CHECK(told.mappings_read == wanted.mappings);
            switch (which) {
            case source::fd_walk:
                CHECK(told.sized_by == sizing::descriptors);
                CHECK(told.paths_marked == wanted.path_descriptors);
                break;
            case source::dmabuf_fds:
                CHECK(told.sized_by == elsewhere);
                CHECK_FALSE(told.paths_marked);
                break;
            case source::bpf_iterator:
                CHECK(told.sized_by == sizing::bpf_iterator);
                CHECK(told.paths_marked);
                break;
            case source::none:
                CHECK_FALSE(told.paths_marked);
                break;
            }
        }
    }
}

TEST_CASE("sources: the list alone leaves sizes, exporters and names to others") {
    for (auto const which : {source::fd_walk, source::bpf_iterator}) {
        auto const& tells = dmabuf::abilities_of(which);
        CHECK((tells.sizes != sizing::none && tells.exporters && tells.names));
    }
    auto const& list = dmabuf::abilities_of(source::dmabuf_fds);
    CHECK_FALSE((list.sizes != sizing::none || list.exporters || list.names));
}

} // namespace
