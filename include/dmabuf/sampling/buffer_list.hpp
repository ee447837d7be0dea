// SPDX-License-Identifier: MIT
//
// The kernel's own list of all buffers, held or not: by an iterator that somebody pinned, or by
// debugfs.
#pragma once

#include <dmabuf/bpf/pins.hpp>
#include <dmabuf/detail/sort.hpp>
#include <dmabuf/kernel/android_buffers.hpp>
#include <dmabuf/kernel/bufinfo.hpp>
#include <dmabuf/sampling/options.hpp>

namespace dmabuf {
inline namespace v0 {

/// The rows of a list that could not be read. Their buffers are not in the list.
struct odd_rows {
    std::uint32_t count = 0;
    failure first;

    constexpr void take(failure const& why) {
        if (count++ == 0) first = why;
    }
};

/// The teller of the sizes, by the list that was read; without a list the descriptors are.
constexpr sizing sizing_of(listing which) {
    switch (which) {
    case listing::sysfs:
        return sizing::sysfs;
    case listing::bufinfo:
        return sizing::bufinfo;
    case listing::bpf_iterator:
        return sizing::bpf_buffers;
    case listing::android_bpf:
        return sizing::android_bpf;
    case listing::none:
    default:
        return sizing::descriptors;
    }
}

/// The rows of the best list that serves. They are read when they are first asked for, once a
/// sample.
template<system System = live_system>
class buffer_list {
public:
    /// `devices`: attached devices are wanted, too.
    explicit buffer_list(dmabuf::roots const& roots = {}, bool devices = false)
        : roots_(roots)
        , wants_devices_(devices) {}

    void reserve(capacity const& most) { rows_.reserve(most.buffers); }

    /// Forgets the rows of the sample before.
    void forget() {
        rows_.clear();
        devices_.clear();
        listed_by_ = listing::none;
        why_not_ = {};
        odd_ = {};
        indistinct_ = indistinct_bytes_ = 0;
        shared_inodes_ = 0;
        asked_ = false;
    }

    /// Reads the list, if that was not tried since `forget()`. `pinned` allows to ask the iterators
    /// that somebody pinned, `bufinfo` to ask debugfs, which takes locks in the kernel.
    /// Cost: a call for each list that is not there, and one per 32 KiB. No allocation once grown.
    void read(System system, bool pinned, bool bufinfo, std::span<char> space) {
        if (std::exchange(asked_, true)) return;
        if (pinned) try_list(listing::bpf_iterator, system, space);
        if (pinned) try_list(listing::android_bpf, system, space);
        if (bufinfo) try_list(listing::bufinfo, system, space);
    }

    /// Makes sure that the rows are those of this list, and of no other.
    void read_only(listing which, System system, std::span<char> space) {
        if (listed_by_ == which) return;
        forget();
        try_list(which, system, space);
    }

    /// Reads the list that served once more.
    /// Errors: those of the list, of which no row is left then.
    result<void> read_again(System system, std::span<char> space) {
        return take(listed_by_, system, space);
    }

    /// The rows of the list, in ascending order of inode.
    [[nodiscard]] std::span<listed_buffer const> rows() const { return std::span(rows_); }
    /// The row of this inode. Null where it is not in the list, or twice.
    /// Lifetime: until `forget()`.
    [[nodiscard]] listed_buffer const* find(std::uint64_t inode) const {
        auto const before = [](listed_buffer const& a, std::uint64_t b) { return a.inode < b; };
        auto const at = detail::lower_bound(rows_, inode, before);
        bool const there = at < rows_.size() && rows_[at].inode == inode;
        return there && !is_shared(at + 1) ? &rows_[at] : nullptr;
    }

    /// The attached devices, by buffer, in the order of the list. Empty unless they are wanted and
    /// told.
    [[nodiscard]] std::span<attachment const> devices() const { return std::span(devices_); }

    [[nodiscard]] listing listed_by() const { return listed_by_; }
    /// The failure of the last list that was asked. `error` 0: a list served, or none was asked.
    [[nodiscard]] failure const& why_not() const { return why_not_; }
    /// Numbers that two rows have, or more.
    [[nodiscard]] std::uint32_t shared_inodes() const { return shared_inodes_; }
    /// The odd rows of the list that served.
    [[nodiscard]] odd_rows const& odd() const { return odd_; }
    /// Rows without an inode, as before 5.3: such a list cannot be compared, and does not serve.
    [[nodiscard]] std::uint64_t indistinct() const { return indistinct_; }
    [[nodiscard]] std::uint64_t indistinct_bytes() const { return indistinct_bytes_; }

private:
    /// Whether the row before has the same number.
    [[nodiscard]] bool is_shared(std::size_t at) const {
        return at != 0 && at < rows_.size() && rows_[at].inode == rows_[at - 1].inode;
    }

    /// Takes this list where no better one served.
    void try_list(listing which, System system, std::span<char> space) {
        if (listed_by_ != listing::none) return;
        auto const done = take(which, system, space);
        if (done)
            why_not_ = {};
        else if (which != listing::android_bpf || is_news(done.error().error))
            why_not_ = done.error();
    }

    /// Whether Android's list, which lies beside the pinned one, failed for a reason of its own.
    [[nodiscard]] bool is_news(int error) const {
        return error != ENOENT && error != why_not_.error;
    }

    /// Takes every row of one list. A list that broke off proves nothing about other buffers.
    result<void> take(listing which, System system, std::span<char> space) {
        rows_.clear();
        devices_.clear();
        odd_ = {};
        indistinct_ = indistinct_bytes_ = 0;
        shared_inodes_ = 0;
        auto const done = which == listing::bpf_iterator  ? take_pinned(system, space)
                          : which == listing::android_bpf ? take_android(system, space)
                                                          : take_bufinfo(system, space);
        if (!done) rows_.clear(), devices_.clear();
        listed_by_ = done ? which : listing::none;
        detail::reverse(rows_); // the kernel lists the newest buffer first
        detail::sort(rows_, [](listed_buffer const& a, listed_buffer const& b) {
            return a.inode < b.inode;
        });
        for (std::size_t at = 1; at < rows_.size(); ++at)
            shared_inodes_ += is_shared(at) && !is_shared(at - 1);
        return done;
    }

    /// Adds a row. The first makes room for those of a phone at once: growing step by step costs
    /// the copies and the memory left behind.
    [[gnu::noinline]] void add(listed_buffer const& row) {
        constexpr std::size_t usual = 1024;
        if (rows_.capacity() == 0) rows_.reserve(usual);
        rows_.push_back(row);
    }

    result<void> take_pinned(System system, std::span<char> space) {
        bpf_walk<System> walk(system, bpf_content::buffers, space,
                              path_of({object::bpf_buffers}, roots_).c_str());
        if (auto const header = walk.begin(); !header) return header.error();
        std::uint64_t bytes = detail::bpf_layout::header;
        for (;;) {
            auto const record = walk.next();
            if (!record) return record.error();
            if (record->is_end()) break;
            auto const row = parse_bpf_listed(*record, walk.where());
            if (!row) return row.error();
            listed_buffer const listed{row->inode,
                                       row->size_bytes,
                                       exporter_name(row->exporter),
                                       buffer_name(row->name),
                                       row->described,
                                       row->named,
                                       false,
                                       row->count != 0,
                                       row->count};
            add(listed);
            bytes += record->bytes.size();
        }
        if (android_buffers_parser::may_be_cut(bytes))
            return failure{operation::read, ENOBUFS, walk.where()};
        return {};
    }

    result<void> take_android(System system, std::span<char> space) {
        auto const path = path_of({object::bpf_android_buffers}, roots_);
        for (auto const& row : read_android_buffers(system, read_space(space), path.c_str())) {
            if (!row) return row.error();
            add(*row);
        }
        return {};
    }

    result<void> take_bufinfo(System system, std::span<char> space) {
        auto const path = path_of({object::bufinfo}, roots_);
        for (auto const& row : read_bufinfo(system, read_space(space), path.c_str())) {
            if (!row && row.error().line == 0) return row.error();
            if (!row)
                odd_.take(row.error());
            else if (row->inode == 0)
                ++indistinct_, detail::add_capped(indistinct_bytes_, row->size_bytes);
            if (!row || row->inode == 0) continue;
            listed_buffer listed;
            listed.inode = row->inode;
            listed.size_bytes = row->size_bytes;
            listed.exporter = row->exporter;
            listed.name = row->name;
            listed.name_known = listed.named = row->name_known;
            listed.shown_unnamed = row->shown_unnamed;
            listed.count_known = true;
            listed.count = row->count;
            listed.devices_known = take_devices(*row);
            add(listed);
        }
        if (indistinct_ != 0) return failure{operation::identify, ENODATA, {object::bufinfo}};
        return {};
    }

    /// Whether the row names all its attachments.
    bool take_devices(bufinfo_buffer const& row) {
        std::uint32_t named = 0;
        for (auto const& device : row.named_devices()) {
            named += device.times;
            if (!wants_devices_) continue;
            attachment const one{row.inode, device.name, device.times};
            devices_.push_back(one);
        }
        return named == row.attachments;
    }

    dmabuf::roots roots_;
    std::vector<listed_buffer> rows_;
    std::vector<attachment> devices_;
    listing listed_by_ = listing::none;
    failure why_not_;
    odd_rows odd_;
    std::uint64_t indistinct_ = 0;
    std::uint64_t indistinct_bytes_ = 0;
    std::uint32_t shared_inodes_ = 0;
    bool asked_ = false;
    bool wants_devices_;
};

} // namespace v0
} // namespace dmabuf
