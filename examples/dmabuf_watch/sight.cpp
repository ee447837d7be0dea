// SPDX-License-Identifier: MIT
#include "sight.hpp"

#include "report/coverage_words.hpp"
#include "say.hpp"

namespace dmabuf_watch {

namespace {

/// A bit for each kind of gap.
std::uint32_t gaps_in(dmabuf::coverage const& of) {
    std::uint32_t gaps = 0;
    std::uint32_t bit = 1;
    for (bool const gap :
         {of.proc_shows != dmabuf::visibility::everything, of.processes_denied != 0,
          of.processes_failed != 0, of.descriptors_failed != 0, of.undecided != 0,
          of.buffers_unsized != 0, of.tables_uncertain != 0, !of.mappings_read,
          !of.buffers_compared(), of.odd_rows != 0, of.inodes_shared != 0,
          of.indistinct.kernel_major != 0, of.alone_pid != 0}) {
        gaps |= gap ? bit : 0U;
        bit <<= 1U;
    }
    return gaps;
}

} // namespace

void sight::look(dmabuf::snapshot const& now, report::rights const& mine) {
    if (!why_failed_.empty()) say("looking works again");
    why_failed_.clear();
    compare_sources(now.coverage);
    auto const gaps = gaps_in(now.coverage);
    bool const new_ones = (gaps & ~said_) != 0;
    said_ |= gaps;
    if (new_ones)
        report::what_is_missing(now, mine, [](std::string_view words) { say("{}", words); });
}

void sight::compare_sources(dmabuf::coverage const& now) {
    if (looked_ && now.found_by != source_) {
        bool const pins = source_ == dmabuf::source::bpf_iterator;
        auto const& why = pins ? now.why_no_bpf : now.why_no_dmabuf_fds;
        if (why.error != 0)
            say("found by {} from now on, and not by {} any more: {}", name_of(now.found_by),
                name_of(source_), why);
        else
            say("found by {} from now on, and not by {} any more", name_of(now.found_by),
                name_of(source_));
    }
    if (looked_ && now.listed_by != list_)
        say("list of all buffers: {} from now on, and not {} any more", name_of(now.listed_by),
            name_of(list_));
    looked_ = true;
    source_ = now.found_by;
    list_ = now.listed_by;
}

void sight::fail(std::string_view why) {
    ++failures_;
    if (why != why_failed_) say("cannot look: {}; the next look tries again", why);
    why_failed_ = why;
}

} // namespace dmabuf_watch
