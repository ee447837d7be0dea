// SPDX-License-Identifier: MIT
//
// The base of every reader, and the readers of text lines.
#pragma once

#include <dmabuf/kernel/files.hpp>

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

} // namespace v0
} // namespace dmabuf
