// SPDX-License-Identifier: MIT
//
// The base of every reader, and the readers of text lines and of directories of numbers.
#pragma once

#include <dmabuf/kernel/files.hpp>

#include <limits>
#include <optional>

namespace dmabuf {
inline namespace v0 {

namespace detail {

/// The item of a reader, or none at its end. Every item can be made and copied; std::optional,
/// which serves others too, takes ten times as long to compile, for each of a dozen types.
template<class Item>
class item_or_end {
public:
    constexpr item_or_end& operator=(Item const& item) {
        item_ = item;
        is_item_ = true;
        return *this;
    }
    constexpr void reset() { is_item_ = false; }

    [[nodiscard]] constexpr explicit operator bool() const { return is_item_; }
    [[nodiscard]] constexpr Item const& operator*() const { return item_; }
    [[nodiscard]] constexpr Item const* operator->() const { return &item_; }

private:
    Item item_{};
    bool is_item_ = false;
};

} // namespace detail

/// The end of every reader. Not std::default_sentinel_t: <iterator> would add 11,000 lines to the
/// 39,000 of the library (libstdc++ 12), and a fifth of the time to compile it.
struct end_of_reader {};

/// The iterator of every reader: a single-pass std::input_iterator, ended by `end_of_reader`.
/// `begin()` and `++` make system calls, `*` makes none.
template<class Reader>
class reader_iterator {
public:
    using value_type = typename Reader::item;
    using reference = value_type const&;
    using pointer = value_type const*;
    using difference_type = std::ptrdiff_t;

    reader_iterator() = default;
    explicit reader_iterator(Reader& reader)
        : reader_(&reader) {}

    reference operator*() const { return reader_->current(); }
    pointer operator->() const { return &reader_->current(); }
    reader_iterator& operator++() {
        reader_->advance();
        return *this;
    }
    void operator++(int) { ++*this; }
    [[nodiscard]] bool operator==(end_of_reader) const { return reader_->done(); }

private:
    Reader* reader_ = nullptr;
};

/// Base of every reader: a move-only, single-pass range of `Item`, usually a `result`. A bad entry
/// is an item; it neither ends the range nor disappears. `begin()` starts the range, once.
/// `Derived` has `void next(detail::item_or_end<Item>&)`. The first call opens the file. At the end
/// it leaves its argument empty.
template<class Derived, class Item>
class reader {
public:
    using item = Item;
    using iterator = reader_iterator<reader>;

    reader() = default;
    reader(reader&&) = default;
    reader& operator=(reader&&) = default;

    /// Begins the range, once, with its first item.
    /// Cost: that of opening the file, and of one item.
    /// Lifetime: the reader must outlive the iterator.
    iterator begin() & {
        advance();
        return iterator(*this);
    }
    void begin() && = delete; // the iterator would point to a reader that is gone
    end_of_reader end() const { return {}; }

private:
    friend iterator;
    [[nodiscard]] Item const& current() const { return *current_; }
    [[nodiscard]] bool done() const { return !current_; }
    void advance() {
        current_.reset();
        static_cast<Derived&>(*this).next(current_);
    }

    detail::item_or_end<Item> current_;
};

/// Memory that a reader reads into: the caller's, which costs nothing, or else 16 KiB of its own.
class read_space {
public:
    static constexpr std::size_t default_bytes = 16384;

    read_space() = default;
    /// The memory of the caller.
    /// Lifetime: it must outlive the reader.
    explicit read_space(std::span<char> borrowed)
        : borrowed_(borrowed) {}

    /// The memory to read into.
    /// Cost: one allocation at the first call, unless the caller gave memory.
    template<class = detail::if_called>
    std::span<char> get() & {
        if (!borrowed_.empty()) return borrowed_;
        if (own_.size() == 0) own_ = raw_bytes(default_bytes);
        return own_;
    }

private:
    std::span<char> borrowed_;
    raw_bytes own_;
};

/// Reads a text file line by line, however the kernel cuts it into reads. See `next()` for errors.
/// Cost: one read per bufferful and one that sees the end. No allocation of its own.
template<system System = live_system>
class line_reader {
public:
    line_reader(unique_fd<System> file, System system, read_space space, place where)
        : system_(system)
        , file_(std::move(file))
        , space_(std::move(space))
        , where_(where) {}

    /// The next line without its newline; nothing at the end of the file.
    /// Errors: EOVERFLOW for a line that does not fit the space; the next call returns the next
    /// line. Those of read(2), and EBADMSG for a file that ends within a line: then the file has
    /// ended.
    /// Lifetime: the line is valid until the next call.
    std::optional<result<std::string_view>> next() {
        for (;;) {
            if (auto const end = unread_.find('\n'); end != unread_.npos) {
                auto const line = unread_.substr(0, end);
                unread_.remove_prefix(end + 1);
                if (!std::exchange(too_long_, false)) return line;
            } else if (!file_.is_open()) {
                return std::nullopt;
            } else if (unread_.size() == space_.get().size()) {
                unread_ = {};
                if (!std::exchange(too_long_, true))
                    return failure{operation::read, EOVERFLOW, where_};
            } else if (auto more = refill(); !more) {
                file_.reset();
                unread_ = {};
                return more.error();
            }
        }
    }

private:
    /// Keeps the beginning of a line that a read cut off, and reads on behind it.
    result<void> refill() {
        auto const space = space_.get();
        std::size_t const kept = unread_.size();
        if (kept != 0) __builtin_memmove(space.data(), unread_.data(), kept);
        long const got = detail::uninterrupted_read(system_, file_.get(), space.subspan(kept));
        if (got < 0) return failure{operation::read, static_cast<int>(-got), where_};
        unread_ = detail::text_at(space.data(), kept + static_cast<std::size_t>(got));
        if (got == 0 && kept != 0) return failure{operation::parse, EBADMSG, where_};
        if (got == 0) file_.reset();
        return {};
    }

    [[no_unique_address]] System system_;
    unique_fd<System> file_;
    read_space space_;
    place where_;
    std::string_view unread_;
    bool too_long_ = false; ///< the bytes read belong to a line that does not fit
};

/// A text file through a parser of its lines, which has `line(text, out)` and `finish(out)`.
/// `begin()` opens the file.
/// Cost: one open, one read per bufferful and one that sees the end, one close. No allocation when
/// the caller gives `space`.
/// Errors: an item each, from open, read and the parser.
template<class Parser, class Item, system System = live_system>
class parsed_lines : public reader<parsed_lines<Parser, Item, System>, result<Item>> {
public:
    /// `path` is absolute.
    parsed_lines(System system, char const* path, int flags, place where, read_space space)
        : system_(system)
        , path_(path)
        , flags_(flags)
        , where_(where)
        , space_(std::move(space)) {}

private:
    friend reader<parsed_lines, result<Item>>;

    void next(detail::item_or_end<result<Item>>& out) {
        if (!std::exchange(opened_, true) && !open(out)) return;
        while (lines_ && !out) {
            auto const line = lines_->next();
            if (!line) return parser_.finish(out);
            if (*line)
                parser_.line(**line, out);
            else
                fail((*line).error(), out);
        }
    }

    void fail(failure const& why, detail::item_or_end<result<Item>>& out) {
        out = why;
        if (why.error != EOVERFLOW) lines_.reset();
    }

    bool open(detail::item_or_end<result<Item>>& out) {
        auto file = detail::open_kept(system_, path_, flags_, where_);
        if (file)
            lines_.emplace(std::move(file).value(), system_, std::move(space_), where_);
        else
            out = file.error();
        return lines_.has_value();
    }

    [[no_unique_address]] System system_;
    detail::kept_path path_;
    int flags_;
    place where_;
    read_space space_;
    Parser parser_;
    std::optional<line_reader<System>> lines_;
    bool opened_ = false;
};

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

    /// Reads each bufferful from its last entry to its first. Call it before the first `next()`.
    void last_first() { last_first_ = true; }

    [[nodiscard]] int descriptor() const { return directory_.get(); }
    [[nodiscard]] char const* name() const { return name_; }
    /// Why there was no next entry, once. `error` 0: the directory has ended.
    [[nodiscard]] failure take_failure() { return std::exchange(why_, failure{}); }

    /// Moves to the next entry that is a number up to `most`. False where there is none.
    bool next(std::uint64_t most, std::uint64_t& number) {
        while (!unread_.empty() || read_more()) {
            auto rest = take_name();
            name_ = rest.data();
            number = 0;
            if (take_number(rest, number) && rest.starts_with('\0') && number <= most) return true;
            if (rest.find('\0') == rest.npos) return fail({operation::list, EBADMSG, where_});
        }
        return false;
    }

private:
    /// Reads further entries. False at the end, or after a failure.
    bool read_more() {
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

    bool fail(failure const& why) {
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
        auto rest = unread_;
        for (std::size_t length = 0; !rest.empty(); before = length, rest.remove_prefix(length)) {
            length = record_length(rest);
            if (length == 0) return fail({operation::list, EBADMSG, where_});
            auto const at = unread_.size() - rest.size();
            __builtin_memcpy(space.data() + at + offset_at, &before, sizeof before);
        }
        last_length_ = before;
        return true;
    }

    std::string_view take_last_name() {
        auto const last = unread_.substr(unread_.size() - last_length_);
        unread_.remove_suffix(last_length_);
        std::size_t before = 0;
        __builtin_memcpy(&before, last.data() + offset_at, sizeof before);
        last_length_ = before;
        return last.substr(name_at);
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

    /// Reads each bufferful from its last entry to its first. Call it before the range begins.
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
