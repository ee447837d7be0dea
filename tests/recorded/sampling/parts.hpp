// SPDX-License-Identifier: MIT
//
// A sample that a test takes by hand, part by part.
#pragma once

#include <dmabuf/sampling/process_visit.hpp>

#include "recorded/harness.hpp"

namespace parts {

using system = faulty_system;
using process = dmabuf::process<system>;
using dmabuf::outcome;

/// A sample in progress on a fake kernel: opened, begun, and no process read yet.
struct bench {
    explicit bench(fake::kernel& kernel, dmabuf::sample_options wanted = {});

    /// As if a DMA-BUF had been met before: its device, and its mount.
    void meet_dmabufs();
    /// A buffer of which only the inode is known, in the table being read.
    std::uint32_t list(fake::file_ptr const& buffer);
    process open(int pid);
    /// The links of the first task's descriptors.
    dmabuf::unique_fd<system> open_fds(process const& whose);
    /// Lets the `k`-th call from now on fail; the next is the first.
    void fail(unsigned k, int error);
    /// Lets something happen before the next call on a path that ends so.
    void before(std::string path, std::function<void()> happens);

    /// The calls that `work` makes on paths (open, statx, readlink), in order, each by its path,
    /// which is relative to /proc there; and the queries of mappings, which end in "?".
    template<class Work>
    std::vector<std::string> asked_by(Work work) {
        asked_.clear();
        work();
        return asked_;
    }

    [[nodiscard]] dmabuf::coverage const& counted() const { return now.coverage; }
    [[nodiscard]] dmabuf::buffer const& buffer(fake::file_ptr const& which);
    /// How often the table being read has this buffer.
    [[nodiscard]] std::size_t times(fake::file_ptr const& which);
    [[nodiscard]] bool has_exporter(fake::file_ptr const& which, char const* name);

    fake::kernel& kernel;
    wrapped::faults plan;
    dmabuf::sample_options const wanted;
    dmabuf::session<system> session{system{{&kernel}, &plan}};
    dmabuf::snapshot now;
    dmabuf::snapshot_builder build;
    dmabuf::buffer_list<system> all_listed;
    dmabuf::reference_counts references;
    dmabuf::sample_in_progress<system> const sample{
        session, wanted, build, all_listed, references, dmabuf::tally(now.coverage)};

private:
    void look_at(fake::call_event const& event);

    std::vector<std::string> asked_;
    std::string awaited_;
    std::function<void()> happens_;
};

/// Options that ask for nothing but sizes.
dmabuf::sample_options only_sizes();

using paths = std::vector<std::string>;

} // namespace parts

extern template class dmabuf::session<parts::system>;
extern template class dmabuf::task_list<parts::system>;
extern template class dmabuf::describer<parts::system>;
extern template class dmabuf::walked_table<parts::system>;
extern template class dmabuf::listed_table<parts::system>;
extern template class dmabuf::mapped_buffers<parts::system>;
extern template class dmabuf::process_visit<parts::system>;
