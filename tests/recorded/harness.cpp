// SPDX-License-Identifier: MIT
#include "harness.hpp"

#include <algorithm>

template class dmabuf::basic_sampler<fake::system>;
template class dmabuf::basic_sampler<faulty_system>;
template class dmabuf::basic_sampler<counting_system>;

dmabuf::snapshot sampled(fake::kernel& kernel, dmabuf::sample_options options) {
    fake_sampler sampler(options, fake::system{&kernel});
    dmabuf::snapshot now;
    auto const done = sampler.sample(now);
    if (!done) throw std::runtime_error(std::string(dmabuf::describe(done.error())));
    return now;
}

fake::account account_of(dmabuf::snapshot const& now) {
    fake::account all;
    for (auto const& holder : now.holders)
        for (auto const& reference : now.references_of(holder))
            all[holder.pid][now.buffers[reference.buffer].inode] = {
                reference.descriptors, reference.path_descriptors, reference.mappings,
                reference.mapped_bytes};
    return all;
}

std::string words(fake::account const& account) {
    std::ostringstream out;
    for (auto const& [pid, buffers] : account)
        for (auto const& [inode, held] : buffers)
            out << "pid " << pid << " buffer " << inode << ": " << held.descriptors << " fds ("
                << held.path_descriptors << " O_PATH) " << held.mappings << " maps "
                << held.mapped_bytes << " bytes mapped\n";
    return out.str();
}

std::string words(dmabuf::coverage const& seen) {
    std::ostringstream out;
    out << dmabuf::name_of(seen.found_by) << " sight " << static_cast<int>(seen.proc_shows)
        << " processes " << seen.processes << " = seen " << seen.processes_seen << " + denied "
        << seen.processes_denied << " + gone " << seen.processes_gone << " + failed "
        << seen.processes_failed << " + kernel threads " << seen.kernel_threads
        << "; without memory " << seen.processes_without_memory << "; tables " << seen.tables
        << " uncertain " << seen.tables_uncertain << "; descriptors gone " << seen.descriptors_gone
        << " failed " << seen.descriptors_failed << "; mappings gone " << seen.mappings_gone
        << "; sized by " << dmabuf::name_of(seen.sized_by) << "; undecided " << seen.undecided
        << " unsized " << seen.buffers_unsized << " undescribed " << seen.buffers_undescribed
        << " odd rows " << seen.odd_rows << " shared inodes " << seen.inodes_shared
        << " unknown cgroups " << seen.cgroups_unknown << " indistinct "
        << seen.indistinct.references()
        << "; first: " << dmabuf::describe(seen.first_failure).view();
    return out.str();
}

fake::account only(fake::account all, std::set<int> const& pids) {
    std::erase_if(all, [&](auto const& entry) { return pids.count(entry.first) == 0; });
    return all;
}

namespace {

std::string broken_count(dmabuf::snapshot const& now) {
    std::set<std::uint64_t> inodes;
    for (auto const* all : {&now.buffers, &now.unheld})
        for (auto const& one : *all)
            inodes.insert(one.inode);
    std::uint64_t next = 0;
    for (auto const& one : now.counts) {
        if (inodes.count(one.inode) == 0) return "a count of no buffer";
        if (one.inode < std::exchange(next, one.inode + 1)) return "counts out of order";
        if (one.other_references > one.count) return "more other references than references";
        if (!one.others_known && one.other_references != 0) return "unknown, and not 0";
        if (one.others_known && !now.coverage.complete()) return "more is known than was seen";
    }
    for (auto const& one : now.attachments)
        if (inodes.count(one.inode) == 0) return "an attachment to no buffer";
    return "";
}

} // namespace

std::string broken_invariant(dmabuf::snapshot const& now) {
    auto const& seen = now.coverage;
    bool const alone = seen.alone_pid != 0;
    if (alone && (seen.processes != 1 || seen.complete() || !now.unheld.empty()))
        return "one process alone tells of others";
    if (seen.processes != seen.processes_seen + seen.processes_denied + seen.processes_gone +
                              seen.processes_failed + seen.kernel_threads)
        return "the processes do not add up";
    if (now.unread.size() != seen.processes_denied + seen.processes_failed)
        return "the processes that are unread are not those that are counted";
    if (now.holders.size() > seen.processes) return "more holders than processes";
    if (seen.processes_without_memory > seen.processes_seen) return "more without memory than seen";

    std::vector<std::uint64_t> shared(now.buffers.size());
    std::vector<std::uint32_t> holders(now.buffers.size());
    std::vector<std::uint32_t> descriptors(now.buffers.size());
    std::vector<std::uint32_t> mappings(now.buffers.size());
    std::size_t next_reference = 0;
    std::uint64_t pss_bytes = 0;
    for (std::size_t h = 0; h < now.holders.size(); ++h) {
        auto const& holder = now.holders[h];
        if (h > 0 && now.holders[h - 1].pid >= holder.pid) return "holders out of order";
        if (holder.first_reference != next_reference) return "references not by holder";
        if (holder.reference_count == 0) return "a holder of nothing";
        if (holder.partly_seen && std::ranges::count(now.unread, holder.pid) == 0)
            return "a holder that was read in part is not among the unread";
        next_reference += holder.reference_count;
        auto const references = now.references_of(holder);
        for (std::size_t r = 0; r < references.size(); ++r) {
            auto const& reference = references[r];
            if (reference.holder != h) return "a reference with another holder";
            if (reference.buffer >= now.buffers.size()) return "a reference to no buffer";
            if (r > 0 && references[r - 1].buffer >= reference.buffer)
                return "references out of order";
            if (reference.descriptors + reference.mappings == 0) return "an empty reference";
            if (reference.path_descriptors > reference.descriptors) return "too many O_PATH";
            ++holders[reference.buffer];
            descriptors[reference.buffer] += reference.descriptors;
            mappings[reference.buffer] += reference.mappings;
        }
        if (holder.pss_bytes.has_value() == alone || holder.uss_bytes.has_value() == alone)
            return "shares are known of one process alone, or unknown of all";
        auto const pss = holder.pss_bytes.value_or(holder.rss_bytes);
        if (holder.uss_bytes.value_or(0) > pss || pss > holder.rss_bytes)
            return "not uss <= pss <= rss";
        pss_bytes += pss;
    }
    if (next_reference != now.references.size()) return "references of nobody";

    std::uint64_t total = 0;
    std::uint32_t unsized = 0;
    std::uint32_t in_exporters = 0;
    for (std::size_t b = 0; b < now.buffers.size(); ++b) {
        auto const& buffer = now.buffers[b];
        if (b > 0 && now.buffers[b - 1].inode >= buffer.inode) return "buffers out of order";
        if (buffer.holders.has_value() == alone || holders[b] == 0 ||
            buffer.holders.value_or(1) != holders[b])
            return "a buffer's holders are wrong";
        if (buffer.descriptors != descriptors[b]) return "a buffer's descriptors are wrong";
        if (buffer.mappings != mappings[b]) return "a buffer's mappings are wrong";
        if (!buffer.size_known && buffer.size_bytes != 0) return "an unknown size that is not 0";
        unsized += buffer.size_known ? 0 : 1;
        total += buffer.size_bytes;
    }
    if (auto broken = broken_count(now); !broken.empty()) return broken;
    if (total != now.total_bytes) return "the total is wrong";
    if (pss_bytes != total) return "the shares do not add up to the total";
    if (unsized != seen.buffers_unsized) return "unsized buffers are miscounted";
    std::uint64_t exported = 0;
    for (std::size_t e = 0; e < now.exporters.size(); ++e) {
        in_exporters += now.exporters[e].buffers;
        exported += now.exporters[e].size_bytes;
        if (e > 0 && now.exporters[e - 1].size_bytes < now.exporters[e].size_bytes)
            return "exporters out of order";
    }
    if (in_exporters != now.buffers.size() || exported != total)
        return "the exporters do not add up";
    return "";
}

std::string difference(dmabuf::snapshot const& now, fake::kernel const& kernel,
                       fake::account const& expected) {
    if (auto broken = broken_invariant(now); !broken.empty()) return broken;
    auto const found = account_of(now);
    if (found != expected)
        return "expected\n" + words(expected) + "but the snapshot says\n" + words(found);

    std::map<std::uint64_t, std::set<int>> holders;
    for (auto const& [pid, buffers] : expected)
        for (auto const& [inode, held] : buffers)
            holders[inode].insert(pid);
    std::map<int, std::uint64_t> rss, pss, uss;
    std::map<std::string, std::uint64_t> exporters;
    for (auto const& [inode, pids] : holders) {
        auto const& truth = *kernel.buffers().at(inode);
        auto const& buffer = buffer_of(now, inode);
        auto const which = " of buffer " + std::to_string(inode);
        if (!buffer.size_known || buffer.size_bytes != truth.size_bytes) return "size" + which;
        if (now.exporter_of(buffer) != truth.exporter) return "exporter" + which;
        if (!buffer.name_known || buffer.named != truth.name.has_value() ||
            buffer.name != truth.name.value_or(""))
            return "name" + which;
        exporters[truth.exporter] += truth.size_bytes;
        auto left = truth.size_bytes % pids.size();
        for (int const pid : pids) {
            rss[pid] += truth.size_bytes;
            pss[pid] += truth.size_bytes / pids.size() + (left > 0 ? 1 : 0);
            left -= left > 0 ? 1 : 0;
            uss[pid] += pids.size() == 1 ? truth.size_bytes : 0;
        }
    }
    for (auto const& holder : now.holders) {
        auto const whose = " of pid " + std::to_string(holder.pid);
        if (holder.rss_bytes != rss[holder.pid]) return "rss" + whose;
        if (holder.pss_bytes != pss[holder.pid]) return "pss" + whose;
        if (holder.uss_bytes != uss[holder.pid]) return "uss" + whose;
        std::uint64_t mapped = 0;
        for (auto const& [inode, held] : expected.at(holder.pid))
            mapped += held.mapped_bytes;
        if (holder.mapped_bytes != mapped) return "mapped bytes" + whose;
    }
    for (auto const& total : now.exporters)
        if (exporters[std::string(total.name)] != total.size_bytes) return "exporter total";
    if (now.exporters.size() != exporters.size()) return "number of exporters";
    return "";
}
