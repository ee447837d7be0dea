// SPDX-License-Identifier: MIT
//
// /proc/P/task/T/dmabuf_fds: the inode numbers of the DMA-BUFs in a task's descriptor table.
#pragma once

#include <dmabuf/kernel/process.hpp>

namespace dmabuf {
inline namespace v0 {

/// Takes the text of `dmabuf_fds` in pieces of any size: decimal numbers between blanks and
/// newlines of any kind, with or without a newline at the end (the proposal of 2021 wrote none).
class dmabuf_fds_parser {
public:
    constexpr explicit dmabuf_fds_parser(place where = {object::dmabuf_fds})
        : where_(where) {}

    /// Moves `text` past the next number and puts the number in `item`. False when `text` ends
    /// before. The digits at its end are kept back, since the number may go on in the next piece.
    constexpr bool next(std::string_view& text, auto& item) {
        while (!text.empty()) {
            char const c = text.front();
            text.remove_prefix(1);
            if (detail::is_blank(c)) {
                bool const done = finish(item);
                ++offset_;
                if (done) return true;
            } else {
                push(c);
                ++offset_;
            }
        }
        return false;
    }

    /// Calls `take(result<std::uint64_t>)` for every number in `text`, and moves past all of it.
    template<class Take>
    constexpr void all(std::string_view text, Take take) {
        for (;;) {
            take_plain(text, take);
            detail::item_or_end<result<std::uint64_t>> item;
            if (!next(text, item)) return;
            take(*item);
        }
    }

    /// Takes the number that the end of the file ends. False when there is none.
    constexpr bool finish(auto& item) {
        if (!std::exchange(in_word_, false)) return false;
        if (bad_)
            item = failure{operation::parse, EBADMSG, where_, word_at_};
        else
            item = value_;
        return true;
    }

private:
    static constexpr std::size_t always_fit = 19; ///< decimal digits, in 64 bits

    /// The fast way for nearly all numbers: whole in this piece, with one blank behind.
    template<class Take>
    constexpr void take_plain(std::string_view& text, Take take) {
        if (in_word_) return;
        char const* const begin = text.data();
        char const* end = begin + text.size();
        while (end != begin && detail::is_digit(end[-1]))
            --end; // every number ends before `end`
        char const* done = begin;
        while (done != end) {
            char const* at = done;
            char next = *at;
            std::uint64_t value = 0;
            for (; detail::is_digit(next); next = *++at)
                value = value * 10 + static_cast<std::uint64_t>(next) - '0';
            auto const length = static_cast<std::size_t>(at - done);
            if (length - 1 >= always_fit || (next != ' ' && !detail::is_blank(next))) break;
            take(result<std::uint64_t>(value));
            done = at + 1;
        }
        offset_ += static_cast<std::uint32_t>(done - begin);
        text.remove_prefix(static_cast<std::size_t>(done - begin));
    }

    constexpr void push(char c) {
        if (!std::exchange(in_word_, true)) {
            value_ = 0;
            bad_ = false;
            word_at_ = offset_;
        }
        bad_ = bad_ || !detail::is_digit(c) ||
               !detail::push_digit(value_, static_cast<unsigned>(c - '0'), 10);
    }

    place where_;
    std::uint64_t value_ = 0;
    std::uint32_t offset_ = 0;
    std::uint32_t word_at_ = 0;
    bool in_word_ = false;
    bool bad_ = false;
};

/// Parses the whole text. Calls `take(result<std::uint64_t>)` for every number, and for every word
/// that is none. The last number may lack a newline. Pure; no allocation.
/// Errors: EBADMSG, an item for each such word.
template<class Take>
constexpr void parse_dmabuf_fds(std::string_view text, Take take,
                                place where = {object::dmabuf_fds}) {
    dmabuf_fds_parser parser(where);
    parser.all(text, take);
    detail::item_or_end<result<std::uint64_t>> last;
    if (parser.finish(last)) take(*last);
}

/// The range of `read_dmabuf_fds()`.
template<system System = live_system>
class dmabuf_fds_reader : public reader<dmabuf_fds_reader<System>, result<std::uint64_t>> {
public:
    dmabuf_fds_reader(process<System> const& process, std::int32_t tid, read_space space)
        : process_(&process)
        , tid_(tid)
        , space_(std::move(space))
        , parser_(where()) {}

    /// Calls `take` with every item. Cheaper than iterating when every number is wanted.
    template<class Take>
    void for_each(Take take) {
        entry last;
        if (open(last))
            while (refill(last))
                parser_.all(unread_, take);
        if (last) take(*last);
    }

private:
    friend reader<dmabuf_fds_reader, result<std::uint64_t>>;
    using entry = detail::item_or_end<result<std::uint64_t>>;

    [[nodiscard]] place where() const { return process_->at(object::dmabuf_fds, tid_); }

    void next(auto& out) {
        if (!opened_ && !open(out)) return;
        while (!parser_.next(unread_, out))
            if (!refill(out)) return;
    }

    bool open(auto& out) {
        opened_ = true;
        auto file = open_at(process_->system, process_->directory.get(),
                            detail::path("task/", tid_, "/dmabuf_fds").c_str(), O_RDONLY, where());
        if (file)
            file_ = std::move(file).value();
        else
            out = file.error();
        return file_.is_open();
    }

    bool refill(auto& out) {
        if (whole_) file_.reset();
        if (!file_.is_open()) return false;
        auto const space = space_.get();
        long const got = detail::uninterrupted_read(process_->system, file_.get(), space);
        if (got > 0) {
            unread_ = detail::text_at(space.data(), static_cast<std::size_t>(got));
            whole_ = unread_.ends_with('\n');
            return true;
        }
        if (got < 0)
            out = failure{operation::read, static_cast<int>(-got), where()};
        else
            parser_.finish(out);
        file_.reset();
        return false;
    }

    process<System> const* process_;
    std::int32_t tid_;
    read_space space_;
    dmabuf_fds_parser parser_;
    unique_fd<System> file_;
    std::string_view unread_;
    bool opened_ = false;
    bool whole_ = false; ///< the text read so far ends with a newline, so the list is whole
};

/// The inode of every DMA-BUF descriptor of a task's table, once for each descriptor. Empty for a
/// task whose table another task of its group lists.
/// Kernel: the patch in kernel/; ENOENT on every other. Needs PTRACE_MODE_READ_FSCREDS.
/// Cost: one open, one read per bufferful, one close. One more read that sees the end, unless the
/// text ends with a newline, as the kernel writes it. No allocation when the caller gives `space`.
/// Errors: an item each. A failure of open or read is the last item; a number that it cut off is
/// left out.
/// Lifetime: `process` must outlive the range.
template<system System>
dmabuf_fds_reader<System> read_dmabuf_fds(process<System> const& process, std::int32_t tid,
                                          read_space space = {}) {
    return {process, tid, std::move(space)};
}
template<system System>
void read_dmabuf_fds(process<System> const&& process, std::int32_t tid,
                     read_space space = {}) = delete;

} // namespace v0
} // namespace dmabuf
