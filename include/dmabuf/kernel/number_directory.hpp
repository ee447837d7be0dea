// SPDX-License-Identifier: MIT
//
// Directories of numbers: processes, tasks, descriptors, inodes.
#pragma once

#include <dmabuf/kernel/readers.hpp>

#include <limits>

namespace dmabuf {
inline namespace v0 {

namespace detail {

/// The entries of a directory that are numbers, of whatever type the reader shows them.
template<system System>
class numbered_entries {
public:
    numbered_entries(System system, int parent, detail::path path, place where, read_space space)
        : system_(system)
        , parent_(parent)
        , path_(path)
        , where_(where)
        , space_(std::move(space)) {}

    /// Reads each bufferful from its last entry to its first. Without effect after a `next()`.
    void last_first() { last_first_ = !opened_; }

    [[nodiscard]] int descriptor() const { return directory_.get(); }
    [[nodiscard]] char const* name() const { return name_; }
    /// Why there was no next entry, once. `error` 0: the directory has ended.
    [[nodiscard]] failure take_failure() { return std::exchange(why_, failure{}); }

    /// Moves to the next entry that is a number up to `most`. False where there is none.
    bool next(std::uint64_t most, std::uint64_t& number) {
        while (!unread_.empty() || read_more()) {
            auto rest = take_name();
            name_ = rest.data();
            if (take_number(rest, number) && rest.starts_with('\0') && number <= most) return true;
            if (!has_end(rest)) return fail({operation::list, EBADMSG, where_});
        }
        return false;
    }

private:
    // Not inline, as are the next two: the loop over entries then has fewer registers to save.
    [[gnu::noinline]] static bool has_end(std::string_view name) {
        return name.find('\0') != name.npos;
    }

    /// Reads further entries. False at the end, or after a failure.
    [[gnu::noinline]] bool read_more() {
        if (!std::exchange(opened_, true)) {
            auto directory =
                open_at(system_, parent_, path_.c_str(), O_RDONLY | O_DIRECTORY, where_);
            if (!directory) return fail(directory.error());
            directory_ = std::move(directory).value();
        }
        if (!directory_.is_open()) return false;
        auto const space = space_.get();
        long const got = uninterrupted([&] { return system_.list(directory_.get(), space); });
        if (got < 0) return fail({operation::list, static_cast<int>(-got), where_});
        if (got == 0) return directory_.reset(), false;
        unread_ = text_at(space.data(), static_cast<std::size_t>(got));
        return !last_first_ || link_backwards(space);
    }

    [[gnu::noinline]] bool fail(failure const& why) {
        why_ = why;
        unread_ = {};
        directory_.reset();
        return false;
    }

    // struct linux_dirent64: u64 inode, s64 offset, u16 record length, u8 type, name with a NUL,
    // padding.
    static constexpr std::size_t offset_at = 8;
    static constexpr std::size_t length_at = 16;
    static constexpr std::size_t name_at = 19;

    /// The length of the first record of `records`; 0 where it cannot be one.
    static std::size_t record_length(std::string_view records) {
        std::uint16_t length = 0;
        if (records.size() <= name_at) return 0;
        __builtin_memcpy(&length, records.data() + length_at, sizeof length);
        return length <= name_at || length > records.size() ? 0 : length;
    }

    /// Empty for a record that cannot be one.
    std::string_view take_name() {
        if (last_first_) return take_last_name();
        std::size_t const length = record_length(unread_);
        if (length == 0) return {};
        std::string_view const name(unread_.data() + name_at, length - name_at);
        unread_.remove_prefix(length);
        return name;
    }

    /// Writes into each record, in the place of its offset, the length of the one before it. Fails
    /// for the whole bufferful where it ends with no record.
    bool link_backwards(std::span<char> space) {
        std::size_t before = 0;
        for (std::size_t at = 0; at < unread_.size(); at += before) {
            std::size_t const length = record_length(unread_.substr(at));
            if (length == 0) return fail({operation::list, EBADMSG, where_});
            __builtin_memcpy(space.data() + at + offset_at, &before, sizeof before);
            before = length;
        }
        last_length_ = before;
        return true;
    }

    std::string_view take_last_name() {
        std::size_t const length = last_length_;
        unread_.remove_suffix(length);
        char const* const last = unread_.data() + unread_.size();
        __builtin_memcpy(&last_length_, last + offset_at, sizeof last_length_);
        return {last + name_at, length - name_at};
    }

    [[no_unique_address]] System system_;
    int parent_;
    path path_;
    place where_;
    read_space space_;
    unique_fd<System> directory_;
    std::string_view unread_;
    std::size_t last_length_ = 0; ///< of the last unread record, if those are read from the last
    char const* name_ = nullptr;
    failure why_;
    bool opened_ = false;
    bool last_first_ = false;
};

} // namespace detail

/// A directory whose entries are numbers (processes, tasks, descriptors, inodes): the numbers in
/// the kernel's order, without every other name. `begin()` opens it.
/// Cost: one open, one getdents64 per bufferful and one that sees the end, one close.
/// Errors: from open or getdents64, one item that ends the range.
/// Lifetime: the descriptor of the parent directory must outlive the range.
template<class Number, system System = live_system>
class number_directory : public reader<number_directory<Number, System>, result<Number>> {
public:
    number_directory(System system, int parent, detail::path path, place where,
                     read_space space = {})
        : entries_(system, parent, path, where, std::move(space)) {}

    /// Reads each bufferful from its last entry to its first. Without effect once the range began.
    void last_first() { entries_.last_first(); }

    /// The open directory, to reach the entries by; -1 before and after the walk.
    [[nodiscard]] int descriptor() const { return entries_.descriptor(); }
    /// The current entry as the kernel wrote it.
    /// Lifetime: until the range moves on.
    [[nodiscard]] char const* name() const { return entries_.name(); }

    /// Moves on to the next number, without an item for it. False at the end, and after a failure,
    /// which `take_failure()` tells. Cheaper than iterating when there are many numbers.
    bool move_on(Number& number) {
        std::uint64_t next = 0;
        if (!entries_.next(most, next)) return false;
        number = static_cast<Number>(next);
        return true;
    }
    /// The failure that ended the range, once. `error` 0: there was none.
    [[nodiscard]] failure take_failure() { return entries_.take_failure(); }

    /// Calls `take` with every number until it returns false. Cheaper than iterating when there are
    /// many numbers.
    /// Errors: those of the range.
    template<class Take>
    result<void> for_each(Take take) {
        for (Number number = 0; move_on(number);)
            if (!take(number)) return {};
        auto const why = take_failure();
        return why.error != 0 ? result<void>(why) : result<void>();
    }

private:
    friend reader<number_directory, result<Number>>;
    static constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<Number>::max());

    // Not inline: ten loops have it, and each call reads an entry of the kernel's.
    [[gnu::noinline]] void next(detail::item_or_end<result<Number>>& out) {
        if (Number number = 0; move_on(number))
            out = number;
        else if (auto const why = take_failure(); why.error != 0)
            out = why;
    }

    detail::numbered_entries<System> entries_;
};

} // namespace v0
} // namespace dmabuf
