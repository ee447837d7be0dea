// SPDX-License-Identifier: MIT
//
// Joins the records of makers and of attached devices with the buffers of a finished snapshot.
#pragma once

#include <dmabuf/bpf/origins.hpp>
#include <dmabuf/kernel/stat.hpp>
#include <dmabuf/sampling/options.hpp>
#include <dmabuf/sampling/session.hpp>

namespace dmabuf {
inline namespace v0 {

/// Reads the records of one sample after the other. Reused, it keeps its memory. It stays empty,
/// and allocates nothing, where nothing is asked.
///
/// A record is of a buffer with its inode and its size. Where buffers have numbers in the order of
/// their exports, each number once, this is proof. Before, two buffers can have one number: a
/// buffer that two records fit, a record that two buffers fit, and a record that may have been left
/// over tell nothing.
template<system System = live_system>
class buffer_origins {
public:
    void reserve(capacity const& most) {
        if (most.origins == 0) return;
        records_.reserve(most.origins);
        attached_.reserve(most.watched_attachments);
        order_.reserve(most.origins + most.watched_attachments);
        places_.reserve(most.origins + most.watched_attachments);
        processes_.reserve(most.origins + most.watched_attachments);
    }

    /// Notes the beginning of a sample.
    void begin(System system) { begin_ns_ = boot_clock(system); }

    /// Fills in the origins and attachments of `now`, whose buffers are complete and in order; and
    /// where no list told `unheld`, the part of it that was made since the watch began.
    /// Cost: see `sample_options`. No allocation once grown.
    void read(session<System> const& with, sample_options const& wanted, snapshot& now) {
        auto const& seen = now.coverage;
        of_all_ = wanted.origins;
        finds_unheld_ = wanted.unheld && !seen.buffers_compared() && seen.alone_pid == 0 &&
                        seen.indistinct.kernel_major == 0;
        if (!of_all_ && now.unheld.empty() && !finds_unheld_) return;
        if (auto const done = read_origins(with, now); !done)
            return void(now.watch.why_no_origins = done.error());
        now.watch.origins_read = true;
        now.watch.now_ns = boot_clock(with.system());
        auto const done = read_attachments(with, now);
        now.watch.attachments_read = done.has_value();
        if (!done) now.watch.why_no_attachments = done.error();
        look_for_processes(with, now);
    }

private:
    struct origin_record {
        std::uint64_t id;
        origin told;

        [[nodiscard]] bool is_same(origin_record const& other) const {
            return id == other.id && told.made_ns == other.told.made_ns;
        }
    };

    struct attachment_record {
        std::uint64_t id;
        std::uint64_t buffer;
        watched_attachment told;
    };

    struct known_process {
        std::int32_t pid;
        std::uint64_t start_ns;
        process_state state;

        [[nodiscard]] bool before(known_process const& other) const {
            return pid != other.pid ? pid < other.pid : start_ns < other.start_ns;
        }
    };

    // --- reading ---

    /// `take(record)` takes each record of the walk; false for one that does not parse.
    template<class Take>
    result<void> walk(session<System> const& with, bpf_watched_walk<System>& records, Take take) {
        auto const header = records.begin();
        if (!header) return header.error();
        checks_records_ = header->names;
        if (!header->same_namespaces() || with.kernel().proc_shows == visibility::pid_namespace)
            return failure{operation::identify, EXDEV, records.where()};
        for (;;) {
            auto const record = records.next();
            if (!record) return record.error();
            if (record->is_end()) return {};
            if (auto const taken = take(*record); !taken) return taken;
        }
    }

    static bpf_watched_walk<System> open(session<System> const& with, bpf_content content) {
        return {with.system(), content, with.table_space(),
                path_of(place_of(content), with.roots()).c_str()};
    }

    result<void> read_origins(session<System> const& with, snapshot& now) {
        records_.clear();
        auto records = open(with, bpf_content::origins);
        auto const done = walk(with, records, [&](bpf_record const& record) -> result<void> {
            auto const one = parse_bpf_origin(record, records.where());
            if (!one) return one.error();
            if (!is_asked(now, one->inode) || !is_of_dmabufs(with, one->device)) return {};
            origin const told{one->inode,   one->size_bytes, origin_state::made_by,
                              one->made_ns, one->cgroup,     actor_of(one->maker)};
            origin_record const added{one->id, told};
            records_.push_back(added);
            return {};
        });
        if (!done) return done;
        note_watch(records, now.watch);
        put_in_order(records_, [&](std::uint32_t a, std::uint32_t b) {
            auto const& x = records_[a];
            auto const& y = records_[b];
            if (x.told.inode != y.told.inode) return x.told.inode < y.told.inode;
            if (x.told.size_bytes != y.told.size_bytes)
                return x.told.size_bytes < y.told.size_bytes;
            return x.id != y.id ? x.id < y.id : x.told.made_ns < y.told.made_ns;
        });
        if (finds_unheld_) add_unheld(now, records.watch());
        if (of_all_) add_origins(now, now.buffers, records);
        add_origins(now, now.unheld, records);
        detail::sort(now.origins, [](origin const& a, origin const& b) {
            return a.inode != b.inode ? a.inode < b.inode : a.size_bytes < b.size_bytes;
        });
        return {};
    }

    result<void> read_attachments(session<System> const& with, snapshot& now) {
        attached_.clear();
        auto records = open(with, bpf_content::attachments);
        auto const done = walk(with, records, [&](bpf_record const& record) -> result<void> {
            auto const one = parse_bpf_attachment(record, records.where());
            if (!one) return one.error();
            if (!is_asked(now, one->inode) || !is_of_dmabufs(with, one->device)) return {};
            watched_attachment const told{one->inode,       one->size_bytes,
                                          one->named,       device_name(one->attached_to),
                                          one->attached_ns, actor_of(one->importer)};
            attachment_record const added{one->id, one->buffer, told};
            attached_.push_back(added);
            return {};
        });
        if (!done) return done;
        auto const& watch = records.watch();
        now.watch.attachments_lost = watch.missed_begins;
        now.watch.attachments_lost += watch.no_room + watch.failed_entries;
        now.watch.attachments_left_over = watch.missed_ends;
        now.watch.attachments_left_over += watch.failed_removals;
        put_in_order(attached_, [&](std::uint32_t a, std::uint32_t b) {
            auto const& x = attached_[a];
            auto const& y = attached_[b];
            if (x.told.inode != y.told.inode) return x.told.inode < y.told.inode;
            if (x.told.size_bytes != y.told.size_bytes)
                return x.told.size_bytes < y.told.size_bytes;
            return x.told.attached_ns != y.told.attached_ns
                       ? x.told.attached_ns < y.told.attached_ns
                       : x.id < y.id;
        });
        for (std::size_t at = 0; at < attached_.size(); ++at) {
            auto const& one = attached_[at];
            bool const repeated = at != 0 && attached_[at - 1].id == one.id &&
                                  attached_[at - 1].told.inode == one.told.inode;
            if (!repeated && is_of_its_buffer(now, one, records.watch()))
                now.watched_attachments.push_back(one.told);
        }
        return {};
    }

    static actor actor_of(bpf_actor const& one) {
        return {one.pid,
                one.tid,
                one.uid,
                one.start_ns,
                task_name(one.comm),
                task_name(one.thread_comm),
                process_state::unknown};
    }

    [[nodiscard]] bool is_asked(snapshot const& now, std::uint64_t inode) const {
        return finds_unheld_ || has(now.unheld, inode) || (of_all_ && has(now.buffers, inode));
    }

    [[nodiscard]] static bool has(std::vector<buffer> const& all, std::uint64_t inode) {
        auto const at = detail::first_of_inode(all, inode);
        return at < all.size() && all[at].inode == inode;
    }

    /// Whether an inode may be a DMA-BUF's: false for another device, where that of DMA-BUFs is
    /// known.
    [[nodiscard]] static bool is_of_dmabufs(session<System> const& with, device_number device) {
        auto const known = with.known.device();
        return !known || *known == device;
    }

    /// Puts large elements in order by their places.
    template<class Records, class Before>
    void put_in_order(Records& records, Before before) {
        order_.clear();
        for (std::uint32_t at = 0; at < records.size(); ++at)
            order_.push_back(at);
        detail::sort(order_, before);
        // `move_to()` wants the place of each element, which is the inverse.
        places_.assign(order_.size(), 0);
        for (std::uint32_t rank = 0; rank < order_.size(); ++rank)
            places_[order_[rank]] = rank;
        detail::move_to(records, places_);
    }

    static void note_watch(bpf_watched_walk<System> const& records, origin_watch& told) {
        auto const& watch = records.watch();
        told.since_ns = watch.since_ns;
        told.room = watch.room;
        told.no_room = watch.no_room;
        told.failed = watch.failed_entries;
        told.missed = watch.missed_begins; // unknown is the same number on both sides
        told.changes = records.changes();
    }

    /// 0 where the system has none.
    static std::uint64_t boot_clock(System system) {
        if constexpr (boot_clock_system<System>) return system.boot_clock_ns();
        return 0;
    }

    // --- joining ---

    /// Adds the buffers that no process was seen to hold. One that was made during the sample may
    /// be held by a process that was looked at before, and a record that may be left over tells
    /// nothing.
    void add_unheld(snapshot& now, bpf_watch const& watch) const {
        if (begin_ns_ == 0 || (!checks_records_ && !watch.removed_all())) return;
        now.watch.tells_unheld = true;
        for (std::size_t at = 0; at < records_.size(); ++at) {
            auto const& told = records_[at].told;
            bool const repeated = at != 0 && records_[at].is_same(records_[at - 1]);
            if (repeated || told.made_ns >= begin_ns_ || fitting(now.buffers, told) != 0) continue;
            buffer one;
            one.inode = told.inode;
            auto const room = ~std::uint64_t{0} - now.total_bytes - now.unheld_bytes;
            one.size_known = told.size_bytes <= room;
            one.size_bytes = one.size_known ? told.size_bytes : 0;
            now.unheld.push_back(one);
            now.unheld_bytes += one.size_bytes;
        }
    }

    void add_origins(snapshot& now, std::vector<buffer> const& all,
                     bpf_watched_walk<System> const& records) const {
        for (auto const& one : all) {
            auto const* const found = find(one);
            origin told;
            if (found && proves(now, *found, one, records.watch())) {
                told = found->told;
            } else {
                told.inode = one.inode;
                told.size_bytes = one.size_bytes;
                told.state = found || has_record(one) ? origin_state::uncertain
                                                      : without_record(one, records);
            }
            now.origins.push_back(told);
        }
    }

    /// The first record of this inode that may be the buffer's.
    [[nodiscard]] std::size_t first_fitting(buffer const& one) const {
        auto at = detail::lower_bound(records_, one.inode, [](auto const& a, std::uint64_t inode) {
            return a.told.inode < inode;
        });
        while (is_of(one, at) && !fits(one, at))
            ++at;
        return at;
    }
    [[nodiscard]] bool is_of(buffer const& one, std::size_t at) const {
        return at < records_.size() && records_[at].told.inode == one.inode;
    }
    [[nodiscard]] bool fits(buffer const& one, std::size_t at) const {
        return is_of(one, at) &&
               (!one.size_known || records_[at].told.size_bytes == one.size_bytes);
    }
    [[nodiscard]] bool has_record(buffer const& one) const { return fits(one, first_fitting(one)); }

    /// The only record that fits. Null where there is none, or another one.
    [[nodiscard]] origin_record const* find(buffer const& one) const {
        auto const first = first_fitting(one);
        if (!fits(one, first)) return nullptr;
        for (auto at = first + 1; fits(one, at); ++at)
            if (!records_[at].is_same(records_[first])) return nullptr;
        return &records_[first];
    }

    /// Whether a record is of this buffer and of no other one.
    [[nodiscard]] bool proves(snapshot const& now, origin_record const& record, buffer const& one,
                              bpf_watch const& watch) const {
        if (watch.inodes_in_order) return true;
        bool const left_over = !checks_records_ && !watch.removed_all() && !watch.entered_all();
        return one.size_known && !left_over &&
               fitting(now.buffers, record.told) + fitting(now.unheld, record.told) == 1;
    }

    /// The number of buffers that may be the record's.
    static std::size_t fitting(std::vector<buffer> const& all, auto const& told) {
        std::size_t count = 0;
        for (auto at = detail::first_of_inode(all, told.inode);
             at < all.size() && all[at].inode == told.inode; ++at)
            count += !all[at].size_known || all[at].size_bytes == told.size_bytes;
        return count;
    }

    static origin_state without_record(buffer const& one, bpf_watched_walk<System> const& records) {
        auto const& watch = records.watch();
        bool const in_order = watch.inodes_in_order && watch.first_inode != bpf_watch::unknown;
        if (in_order && one.inode < watch.first_inode) return origin_state::before_watch;
        if (records.changes() != 0) return origin_state::uncertain;
        if (!in_order)
            return watch.entered_all() ? origin_state::before_watch : origin_state::uncertain;
        if (watch.entered_all()) return origin_state::uncertain; // it has been released since
        bool const for_room = watch.failed_entries == 0 && watch.missed_begins == 0;
        return for_room ? origin_state::no_room : origin_state::missed;
    }

    /// Whether an attachment is to the buffer in the snapshot that has its inode and size.
    [[nodiscard]] bool is_of_its_buffer(snapshot const& now, attachment_record const& record,
                                        bpf_watch const& watch) const {
        auto const& told = record.told;
        if (fitting(now.buffers, told) + fitting(now.unheld, told) == 0) return false;
        buffer one;
        one.inode = told.inode;
        one.size_bytes = told.size_bytes;
        one.size_known = true;
        if (auto const* const made = find(one)) return made->id == record.buffer;
        return watch.inodes_in_order;
    }

    // --- the processes, now ---

    void look_for_processes(session<System> const& with, snapshot& now) {
        processes_.clear();
        for (auto const& one : now.origins)
            if (one.state == origin_state::made_by) note_process(one.maker);
        for (auto const& one : now.watched_attachments)
            note_process(one.importer);
        detail::sort(processes_,
                     [](known_process const& a, known_process const& b) { return a.before(b); });
        std::size_t kept = 0;
        for (auto const& one : processes_)
            if (kept == 0 || processes_[kept - 1].before(one)) processes_[kept++] = one;
        processes_.resize(kept);
        for (auto& one : processes_)
            one.state = look_at(with, now, one);
        for (auto& one : now.origins)
            if (one.state == origin_state::made_by) one.maker.now = state_of(one.maker);
        for (auto& one : now.watched_attachments)
            one.importer.now = state_of(one.importer);
    }

    void note_process(actor const& who) {
        known_process const added{who.pid, who.start_ns, process_state::unknown};
        processes_.push_back(added);
    }

    [[nodiscard]] process_state state_of(actor const& who) const {
        known_process const sought{who.pid, who.start_ns, process_state::unknown};
        auto const at = detail::lower_bound(
            processes_, sought,
            [](known_process const& a, known_process const& b) { return a.before(b); });
        return processes_[at].state;
    }

    static process_state look_at(session<System> const& with, snapshot const& now,
                                 known_process const& one) {
        actor who;
        who.pid = one.pid;
        who.start_ns = one.start_ns;
        auto const at = detail::lower_bound(
            now.holders, one.pid, [](holder const& a, std::int32_t pid) { return a.pid < pid; });
        if (at < now.holders.size() && now.holders[at].pid == one.pid)
            return who.is(now.holders[at]) ? process_state::runs : process_state::replaced;
        auto const process = open_process(with.proc(), one.pid);
        auto const stat = process ? read_stat(*process) : result<task_stat>(process.error());
        if (stat)
            return stat->start_ticks == who.start_ticks() ? process_state::runs
                                                          : process_state::replaced;
        bool const shown = with.kernel().proc_shows == visibility::everything;
        return stat.error().gone() && shown ? process_state::ended : process_state::unknown;
    }

    bool of_all_ = false;
    bool finds_unheld_ = false;
    /// The program hands out no record of a buffer that is gone. It can tell but under
    /// lockdown=confidentiality.
    bool checks_records_ = false;
    std::uint64_t begin_ns_ = 0; ///< of the sample, since boot
    std::vector<origin_record> records_;
    std::vector<attachment_record> attached_;
    std::vector<std::uint32_t> order_;
    std::vector<std::uint32_t> places_;
    std::vector<known_process> processes_;
};

} // namespace v0
} // namespace dmabuf
