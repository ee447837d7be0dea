// SPDX-License-Identifier: MIT
//
// From the records of the pinned BPF iterators to a snapshot: by process, each table and each
// address space once.
#pragma once

#include <dmabuf/bpf_pins.hpp>
#include <dmabuf/snapshot_builder.hpp>

namespace dmabuf {
inline namespace v0 {

/// What of the records a snapshot needs.
struct bpf_account_options {
    bool exporters = true;
    bool names = true;
    bool mappings = true;
};

/// Reads both walks and adds what they show to a snapshot.
///
/// The kernel hands tasks out by their own number, so the threads of a process may lie apart, and a
/// table that threads share behind a leader that has exited comes once per thread. What comes twice
/// is what has the same process, table and descriptor number (or address space and mapping).
///
/// A process that exits while it is walked may show a part of what it held; what a process
/// closes and opens meanwhile may be missed or be counted.
template<system System = live_system>
class bpf_account {
public:
    void reserve(capacity const& most) {
        processes_.reserve(most.holders);
        process_index_.reserve(most.holders);
        descriptors_.reserve(most.references + most.table);
        mappings_.reserve(most.references + most.table);
    }

    /// Adds every holder to `build`, whose snapshot has begun. Nothing of it counts after a
    /// failure. Errors: those of the walks; EXDEV where the caller is in another pid, user or time
    /// namespace than the initial one, which the records' numbers are of.
    /// Cost: that of the walks. No allocation once grown.
    result<void> read(System system, bpf_account_options options, snapshot_builder& build,
                      std::span<char> space) {
        options_ = options;
        build_ = &build;
        processes_.clear();
        process_index_.clear();
        descriptors_.clear();
        mappings_.clear();
        if (auto done = walk(system, bpf_content::descriptors, space, descriptors_); !done)
            return done;
        if (options.mappings)
            if (auto done = walk(system, bpf_content::mappings, space, mappings_); !done)
                return done;
        sort_once(descriptors_);
        sort_once(mappings_);
        add_holders();
        return {};
    }

private:
    struct process_record {
        std::int32_t pid;
        std::uint32_t uid;
        std::uint64_t start_ns;
        process_name comm;
    };

    struct found {
        std::int32_t pid;
        std::uint32_t buffer;
        std::uint64_t set;
        std::uint64_t item;
        std::uint64_t mapped_bytes;
        std::uint64_t start_ns;
        std::uint32_t turn; ///< of the walk, where one thing comes several times
        bool path;

        [[nodiscard]] bool same_item(found const& other) const {
            return pid == other.pid && set == other.set && item == other.item;
        }
        [[nodiscard]] bool item_before(found const& other) const {
            if (pid != other.pid) return pid < other.pid;
            return set != other.set ? set < other.set : item < other.item;
        }
        [[nodiscard]] bool before(found const& other) const {
            return same_item(other) ? turn < other.turn : item_before(other);
        }
    };

    result<void> walk(System system, bpf_content content, std::span<char> space,
                      std::vector<found>& into) {
        bpf_walk<System> records(system, content, space);
        auto const header = records.begin();
        if (!header) return header.error();
        if (!header->same_namespaces()) return failure{operation::identify, EXDEV, records.where()};
        bpf_reference one; // whose texts are looked at in the record
        for (;;) {
            auto const record = records.next();
            if (!record) return record.error();
            if (record->is_end()) return {};
            if (auto const wrong = detail::parse_bpf_numbers(*record, content, one))
                return failure{operation::parse, EBADMSG, records.where(), *wrong};
            note_process(one, *record);
            into.push_back({one.pid, note_buffer(one.buffer, *record), one.set, one.item,
                            one.mapped_bytes, one.start_ns, static_cast<std::uint32_t>(into.size()),
                            one.path});
        }
    }

    /// A number that is used again names the process that has it last.
    void note_process(bpf_reference const& one, bpf_record const& record) {
        if (!processes_.empty() && processes_.back().pid == one.pid &&
            processes_.back().start_ns == one.start_ns)
            return;
        auto at = process_index_.find(static_cast<std::uint64_t>(one.pid));
        if (at == inode_index::none) {
            at = static_cast<std::uint32_t>(processes_.size());
            process_index_.insert(static_cast<std::uint64_t>(one.pid), at);
            processes_.push_back({one.pid, 0, 0, {}});
        }
        if (auto& process = processes_[at]; process.start_ns <= one.start_ns)
            process = {one.pid, one.uid, one.start_ns, process_name(detail::bpf_comm(record))};
    }

    std::uint32_t note_buffer(bpf_buffer const& shown, bpf_record const& record) {
        auto const at = build_->buffer_at(shown.inode);
        auto& buffer = (*build_)[at];
        buffer.size_bytes = shown.size_bytes;
        buffer.size_known = true;
        if (!shown.described) return at;
        if (options_.exporters && buffer.exporter.empty())
            buffer.exporter = exporter_name(detail::bpf_exporter(record, detail::bpf_buffer_at));
        if (options_.names && !buffer.name_known)
            build_->set_name(at,
                             shown.named ? std::optional(buffer_name(shown.name)) : std::nullopt);
        return at;
    }

    /// By process, set and item, each once, as it was seen last.
    static void sort_once(std::vector<found>& all) {
        if (each_once(all)) return;
        auto const before = [](found const& a, found const& b) { return a.before(b); };
        detail::sort(all, before);
        std::size_t kept = 0;
        for (std::size_t at = 0; at < all.size(); ++at)
            if (at + 1 == all.size() || !all[at].same_item(all[at + 1])) all[kept++] = all[at];
        all.erase(all.begin() + static_cast<std::ptrdiff_t>(kept), all.end());
    }

    /// Threads mostly show their group's table, and the kernel goes through it in order.
    static bool each_once(std::vector<found> const& all) {
        for (std::size_t at = 1; at < all.size(); ++at)
            if (!all[at - 1].item_before(all[at])) return false;
        return true;
    }

    void add_holders() {
        detail::sort(processes_, [](process_record const& a, process_record const& b) {
            return a.pid < b.pid;
        });
        auto descriptor = descriptors_.cbegin();
        auto mapping = mappings_.cbegin();
        for (auto const& process : processes_) {
            build_->begin_process();
            add_tables(process, descriptor);
            for (; mapping != mappings_.cend() && mapping->pid == process.pid; ++mapping)
                if (mapping->start_ns == process.start_ns)
                    build_->found_mapping(mapping->buffer, mapping->mapped_bytes);
            // Linux shows start times in clock ticks of 10 ms (USER_HZ).
            holder who;
            who.pid = process.pid;
            who.uid = process.uid;
            who.start_ticks = process.start_ns / 10'000'000U;
            who.comm = process.comm;
            build_->add_holder(who);
            ++build_->now().coverage.processes;
            ++build_->now().coverage.processes_seen;
        }
    }

    void add_tables(process_record const& process,
                    typename std::vector<found>::const_iterator& at) {
        while (at != descriptors_.cend() && at->pid == process.pid) {
            auto const set = at->set;
            build_->begin_table();
            for (; at != descriptors_.cend() && at->pid == process.pid && at->set == set; ++at)
                if (at->start_ns == process.start_ns) build_->found(at->buffer, at->path);
            if (!build_->table_is_empty()) ++build_->now().coverage.tables;
            build_->add_table();
        }
    }

    bpf_account_options options_;
    snapshot_builder* build_ = nullptr;
    std::vector<process_record> processes_;
    inode_index process_index_; ///< of pids
    std::vector<found> descriptors_;
    std::vector<found> mappings_;
};

} // namespace v0
} // namespace dmabuf
