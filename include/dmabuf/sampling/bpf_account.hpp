// SPDX-License-Identifier: MIT
//
// Turns the records of the pinned BPF iterators into a snapshot: by process, with each table and
// each address space once.
#pragma once

#include <dmabuf/bpf/pins.hpp>
#include <dmabuf/sampling/options.hpp>
#include <dmabuf/sampling/reference_counts.hpp>
#include <dmabuf/sampling/snapshot_builder.hpp>
#include <dmabuf/sampling/tally.hpp>

namespace dmabuf {
inline namespace v0 {

/// Reads both walks and adds their holders to a snapshot.
///
/// The kernel lists tasks by their own number, so the tables of a process may lie apart. A table
/// that threads share behind a leader that has exited comes once per thread. Two records are the
/// same where process, table and descriptor number are the same (or address space and mapping).
///
/// A process that exits during a walk may show a part of its buffers. A buffer that a process opens
/// or closes meanwhile may be missed or be counted.
template<system System = live_system>
class bpf_account {
public:
    void reserve(capacity const& most) {
        processes_.reserve(most.holders);
        process_index_.reserve(most.holders);
        descriptors_.reserve(most);
        mappings_.reserve(most);
    }

    /// Adds every holder to `build`, whose snapshot has begun. After a failure nothing of it
    /// counts. `open_walk(content)` opens the walk; a descriptor that is not open stands for the
    /// pinned iterator over all processes.
    /// Cost: that of the walks. No allocation once grown.
    /// Errors: those of the walks; EXDEV where the caller is not in the initial pid, user and time
    /// namespaces, to which the numbers in the records belong: the kernel walks over the tasks of
    /// the caller's pid namespace alone (kernel/bpf/task_iter.c, init_seq_pidns()). Also
    /// where `proc_shows` tells that /proc has the numbers of another pid namespace.
    template<class OpenWalk>
    result<void> read(System system, sample_options const& options, visibility proc_shows,
                      snapshot_builder& build, reference_counts& references, std::span<char> space,
                      OpenWalk open_walk) {
        options_ = options;
        proc_shows_ = proc_shows;
        build_ = &build;
        references_ = &references;
        processes_.clear();
        process_index_.clear();
        mappings_.clear();
        auto const read_one = [&](bpf_content content, found_by_walk& into) -> result<void> {
            result<unique_fd<System>> file = open_walk(content);
            if (!file) return file.error();
            inline_text<255> path; // of the iterator, which is opened by it
            if (!file->is_open()) path = path_of(place_of(content), options.roots());
            auto records = file->is_open()
                               ? bpf_walk<System>(system, content, space, std::move(file).value())
                               : bpf_walk<System>(system, content, space, path.c_str());
            return walk(records, content, into);
        };
        if (auto done = read_one(bpf_content::descriptors, descriptors_); !done) return done;
        if (options.mappings)
            if (auto done = read_one(bpf_content::mappings, mappings_); !done) return done;
        add_holders();
        return {};
    }

private:
    using fields = detail::bpf_reference_fields;

    struct process_record {
        std::int32_t pid;
        std::uint32_t uid;
        std::uint64_t start_ns;
        process_name comm;
    };

    /// A descriptor, or a mapping.
    struct found {
        std::uint64_t item;
        std::uint64_t mapped_bytes;
        std::uint32_t buffer;
        bool path;
    };

    /// A run of records of one process and one table, or address space.
    struct stretch {
        std::int32_t pid;
        bool ascending; ///< by item, as the kernel goes through a table: each item came once
        std::uint64_t set;
        std::uint64_t start_ns;
        std::uint32_t first; ///< index into the findings
        std::uint32_t count;

        [[nodiscard]] bool same_set(stretch const& other) const {
            return pid == other.pid && set == other.set;
        }
        [[nodiscard]] bool before(stretch const& other) const {
            if (pid != other.pid) return pid < other.pid;
            return set != other.set ? set < other.set : first < other.first;
        }
    };

    /// The findings of one walk.
    class found_by_walk {
    public:
        void reserve(capacity const& most) {
            all_.reserve(most.references + most.per_process);
            stretches_.reserve(most.holders + most.per_process); // some have several tables
            twice_.reserve(most.per_process);
        }

        void clear() {
            all_.clear();
            stretches_.clear();
        }

        [[nodiscard]] bool goes_on_with(fields one) const {
            if (stretches_.empty()) return false;
            auto const& last = stretches_.back();
            return last.pid == one.pid() && last.set == one.set() &&
                   last.start_ns == one.start_ns();
        }

        void begin_stretch(fields one) {
            auto const first = static_cast<std::uint32_t>(all_.size());
            stretch const begun{one.pid(), true, one.set(), one.start_ns(), first, 0};
            stretches_.push_back(begun);
        }

        void add(found const& one) {
            auto& last = stretches_.back();
            if (last.count++ != 0 && one.item <= all_.back().item) last.ascending = false;
            all_.push_back(one);
        }

        void sort() {
            detail::sort(stretches_,
                         [](stretch const& a, stretch const& b) { return a.before(b); });
        }

        [[nodiscard]] bool is_of(std::size_t at, std::int32_t pid) const {
            return at < stretches_.size() && stretches_[at].pid == pid;
        }

        [[nodiscard]] std::uint64_t set_at(std::size_t at) const { return stretches_[at].set; }

        /// Takes the items of the process that began at `start_ns`, in the set of the stretch `at`,
        /// each once, as it was seen last. Returns the first stretch of another set.
        template<class Take>
        std::size_t take_set(std::size_t at, std::uint64_t start_ns, Take take) {
            std::size_t end = at + 1;
            while (end < stretches_.size() && stretches_[end].same_set(stretches_[at]))
                ++end;
            if (end == at + 1 && stretches_[at].ascending) {
                if (stretches_[at].start_ns == start_ns)
                    for (auto const& one : of(stretches_[at]))
                        take(one);
                return end;
            }
            collect(at, end, start_ns);
            for (std::size_t i = 0; i < twice_.size(); ++i)
                if (i + 1 == twice_.size() || all_[twice_[i]].item != all_[twice_[i + 1]].item)
                    take(all_[twice_[i]]);
            return end;
        }

    private:
        /// Collects the items of some stretches in order, those that came twice side by side.
        void collect(std::size_t at, std::size_t end, std::uint64_t start_ns) {
            twice_.clear();
            for (; at < end; ++at) {
                auto const& one = stretches_[at];
                if (one.start_ns != start_ns) continue;
                for (auto index = one.first; index < one.first + one.count; ++index)
                    twice_.push_back(index);
            }
            detail::sort(twice_, [&](std::uint32_t a, std::uint32_t b) {
                return all_[a].item != all_[b].item ? all_[a].item < all_[b].item : a < b;
            });
        }

        [[nodiscard]] std::span<found const> of(stretch const& one) const {
            return std::span(all_).subspan(one.first, one.count);
        }

        std::vector<found> all_;
        std::vector<stretch> stretches_;
        std::vector<std::uint32_t> twice_; ///< indices into `all_`, of items that may have come
                                           ///< twice
    };

    result<void> walk(bpf_walk<System>& records, bpf_content content, found_by_walk& into) {
        into.clear();
        auto const header = records.begin();
        if (!header) return header.error();
        if (!header->same_namespaces() || proc_shows_ == visibility::pid_namespace)
            return failure{operation::identify, EXDEV, records.where()};
        for (;;) {
            bpf_record record;
            while (records.take(record)) {
                if (record.is_end()) return {};
                if (auto const offset = detail::bpf_reference_misfit(record, content))
                    return failure{operation::parse, EBADMSG, records.where(), offset};
                add(fields{record}, into);
            }
            if (auto const more = records.read_more(); !more) return more;
        }
    }

    void add(fields one, found_by_walk& into) {
        if (!into.goes_on_with(one)) {
            note_process(one);
            into.begin_stretch(one);
        }
        into.add({one.item(), one.mapped_bytes(), note_buffer(one), one.path()});
    }

    /// Notes the process of a record. A pid that is used again names the later process.
    [[gnu::noinline]] void note_process(fields const& one) {
        auto const pid = one.pid();
        auto at = process_index_.find(static_cast<std::uint64_t>(pid));
        if (at == inode_index::none) {
            at = static_cast<std::uint32_t>(processes_.size());
            process_index_.insert(static_cast<std::uint64_t>(pid), at);
            process_record const added{pid, 0, 0, {}};
            processes_.push_back(added);
        }
        if (auto& process = processes_[at]; process.start_ns <= one.start_ns())
            process = {pid, one.uid(), one.start_ns(), process_name(one.comm())};
    }

    /// Notes the buffer of a record. Its texts are read only where they may tell anything new.
    std::uint32_t note_buffer(fields one) {
        auto const at = build_->buffer_at(one.inode(), one.size_bytes());
        auto& buffer = (*build_)[at];
        if (options_.counts && one.count() != 0)
            references_->told_by_descriptor(at, buffer.inode, one.count());
        if (!one.described()) return at;
        if (options_.exporters && buffer.exporter == exporter_id::unknown)
            build_->set_exporter(at, exporter_name(one.exporter()));
        if (options_.names && !buffer.name_known)
            build_->set_name(at,
                             one.named() ? std::optional(buffer_name(one.name())) : std::nullopt);
        return at;
    }

    void add_holders() {
        detail::sort(processes_, [](process_record const& a, process_record const& b) {
            return a.pid < b.pid;
        });
        descriptors_.sort();
        mappings_.sort();
        owners_of_tables_.clear();
        owners_of_spaces_.clear();
        std::size_t table = 0;
        std::size_t space = 0;
        for (auto const& process : processes_) {
            build_->begin_process();
            while (descriptors_.is_of(table, process.pid))
                table = add_table(process, table);
            while (mappings_.is_of(space, process.pid))
                space = add_space(process, space);
            holder who;
            who.pid = process.pid;
            who.uid = process.uid;
            who.start_ticks = detail::ticks_of(process.start_ns);
            who.comm = process.comm;
            build_->add_holder(who);
            tally(build_->now().coverage).process(outcome::seen);
        }
    }

    /// Adds one table. Returns the first stretch of another table.
    std::size_t add_table(process_record const& process, std::size_t at) {
        build_->begin_table();
        bool const shared = is_shared(owners_of_tables_, descriptors_.set_at(at), process.pid);
        auto const end = descriptors_.take_set(at, process.start_ns, [&](found const& one) {
            build_->found(one.buffer, one.path);
            if (shared && !one.path) references_->seen_before((*build_)[one.buffer].inode);
        });
        if (!build_->table_is_empty()) tally(build_->now().coverage).table(true);
        build_->add_table();
        return end;
    }

    /// The same with an address space.
    std::size_t add_space(process_record const& process, std::size_t at) {
        bool const shared = is_shared(owners_of_spaces_, mappings_.set_at(at), process.pid);
        return mappings_.take_set(at, process.start_ns, [&](found const& one) {
            build_->found_mapping(one.buffer, one.mapped_bytes);
            if (shared) references_->seen_before((*build_)[one.buffer].inode);
        });
    }

    /// Whether another process was seen to have this table or address space. Asked only where
    /// references are counted.
    [[nodiscard]] bool is_shared(inode_index& owners, std::uint64_t set, std::int32_t pid) const {
        if (!options_.counts) return false;
        auto const owner = owners.find(set);
        if (owner != inode_index::none) return owner != static_cast<std::uint32_t>(pid);
        owners.insert(set, static_cast<std::uint32_t>(pid));
        return false;
    }

    sample_options options_;
    visibility proc_shows_ = visibility::unknown;
    snapshot_builder* build_ = nullptr;
    reference_counts* references_ = nullptr;
    std::vector<process_record> processes_;
    inode_index process_index_;    ///< of pids
    inode_index owners_of_tables_; ///< pids by the number of a table, and of an address space;
    inode_index owners_of_spaces_; ///< empty unless references are counted
    found_by_walk descriptors_;
    found_by_walk mappings_;
};

} // namespace v0
} // namespace dmabuf
