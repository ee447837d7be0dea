// SPDX-License-Identifier: MIT
//
// Writes JSON as it goes, through a buffer of fixed size: no document is ever held in memory, and
// nothing is allocated.
//
// RapidJSON's PrettyWriter (1.1, Debian 12) was tried on the same 1.6 MB of references and buffers:
// 14.1 instructions a byte against 8.3 here (callgrind, -O2; 5.4 by now), and names have to be
// escaped into a copy first. So this one stays.
#pragma once

#include <dmabuf/text.hpp>

#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace report {

/// Where text goes. A failure is kept there, and found out at the end.
class text_sink {
public:
    virtual void write(std::string_view text) = 0;

protected:
    ~text_sink() = default;
};

/// Bytes that somebody chose: written escaped by the library, and so as printable UTF-8. Those that
/// were cut end in the library's mark.
struct raw_name {
    std::string_view bytes;
    bool cut = false;

    explicit raw_name(std::string_view whole)
        : bytes(whole) {}
    template<std::size_t Capacity>
    explicit raw_name(dmabuf::inline_text<Capacity> const& name)
        : bytes(name.view())
        , cut(name.truncated()) {}
};

template<class Value>
inline constexpr bool is_number =
    std::integral<Value> && !std::same_as<Value, bool> && !std::same_as<Value, char>;

/// A field of a row of numbers; null where its number is not known.
struct number_field {
    std::string_view name;
    std::uint64_t number = 0;
    bool known = true;
};

/// The order of the calls is that of the text. Nothing is complete before `finish()`.
class json_writer {
public:
    /// `indent` blanks per level, one value a line; 0: all in one line.
    explicit json_writer(text_sink& sink, unsigned indent = 2)
        : sink_(sink)
        , indent_(indent) {
        lead_.fill(' ');
        lead_[0] = ',';
    }
    json_writer(json_writer const&) = delete;
    json_writer& operator=(json_writer const&) = delete;

    template<class Fields>
    void object(Fields fields) {
        open('{');
        fields();
        close('}');
    }

    template<class Values>
    void array(Values values) {
        open('[');
        values();
        close(']');
    }

    /// `write` makes one value of each item.
    template<class Range, class Write>
    void array(Range const& range, Write write) {
        array([&] {
            for (auto const& item : range)
                write(item);
        });
    }

    /// An object, or an array, in one line with all that is in it.
    template<class Fields>
    void row(Fields fields) {
        open('{', 1);
        fields();
        close('}', 1);
    }
    template<class Range, class Write>
    void row(Range const& range, Write write) {
        open('[', 1);
        for (auto const& item : range)
            write(item);
        close(']', 1);
    }

    /// An object in one line that has numbers alone, written in one piece.
    [[gnu::always_inline]] inline void row(std::same_as<number_field> auto const&... fields) {
        auto* at = begin_value((field_room(fields.name.size()) + ...));
        char mark = '{';
        ((at = write_field(at, std::exchange(mark, ','), fields)), ...);
        *at++ = '}';
        end_at(at);
    }

    /// In an object: the next value is that of this key. `name` has nothing to escape.
    [[gnu::always_inline]] inline void key(std::string_view name) {
        end_at(write_key(begin_value(name.size() + key_marks), name));
        after_key_ = true;
    }

    void value(std::string_view text) {
        begin_value();
        put('"');
        put_text(text);
        put('"');
    }
    void value(char const* text) { value(std::string_view(text)); }

    void value(raw_name name) {
        if (is_plain(name.bytes) && !name.cut) return plain_value(name.bytes);
        begin_value();
        put('"');
        dmabuf::escape(name.bytes, output{this});
        if (name.cut) put_text(dmabuf::cut_mark);
        put('"');
    }

    template<class Value>
    requires std::same_as<Value, bool>
    void value(Value yes) {
        begin_value();
        put(yes ? "true" : "false");
    }

    template<class Number>
    requires is_number<Number>
    void value(Number number) {
        end_at(write_number(begin_value(most_digits), number));
    }

    /// Six digits; null for an infinite number and for NaN.
    void value(double number) {
        if (!(number - number == 0)) return null();
        auto* const at = begin_value(most_digits); // -1.23456e-300
        end_at(std::to_chars(at, at + most_digits, number, std::chars_format::general, 6).ptr);
    }

    void null() { end_at(write_null(begin_value(most_digits))); }

    /// Inlined, as are the keys: where the length of a key is known, it is copied by a move or two.
    template<class Value>
    [[gnu::always_inline]] inline void field(std::string_view name, Value const& content) {
        if constexpr (is_number<Value>) {
            auto* const at = begin_value(field_room(name.size()));
            end_at(write_number(write_key(at, name), content));
        } else {
            key(name);
            value(content);
        }
    }

    /// null where it is not known.
    template<class Value>
    [[gnu::always_inline]] inline void field_if(bool known, std::string_view name,
                                                Value const& content) {
        if (known)
            field(name, content);
        else
            null_field(name);
    }
    [[gnu::always_inline]] inline void null_field(std::string_view name) {
        end_at(write_null(write_key(begin_value(field_room(name.size())), name)));
    }

    /// Ends the text with a newline and hands out the rest of the buffer.
    void finish() {
        put('\n');
        flush();
    }

private:
    /// Where dmabuf::escape() puts its characters.
    struct output {
        json_writer* writer;
        output& operator*() { return *this; }
        output& operator++() { return *this; }
        output operator++(int) { return *this; }
        output& operator=(char c) {
            writer->put_escaped(c);
            return *this;
        }
    };

    static constexpr std::size_t longest_lead = 32;
    static constexpr std::size_t key_marks = 4;
    static constexpr std::size_t most_digits = 20; // with the sign

    /// What a number or a word, its key and the marks around take at most.
    static constexpr std::size_t field_room(std::size_t name) {
        return name + key_marks + most_digits + 3;
    }

    // These return the end of the bytes that they wrote.

    /// `mark` stands before the field.
    [[gnu::always_inline]] inline char* write_field(char* at, char mark,
                                                    number_field const& one) const {
        *at++ = mark;
        if (mark == ',' && indent_ != 0) *at++ = ' ';
        at = write_key(at, one.name);
        return one.known ? write_number(at, one.number) : write_null(at);
    }

    [[gnu::always_inline]] inline char* write_key(char* at, std::string_view name) const {
        *at++ = '"';
        std::memcpy(at, name.data(), name.size());
        at += name.size();
        *at++ = '"';
        *at++ = ':';
        if (indent_ != 0) *at++ = ' ';
        return at;
    }
    static char* write_null(char* at) {
        std::memcpy(at, "null", 4);
        return at + 4;
    }
    /// Most numbers are 0 or 1.
    [[gnu::always_inline]] static inline char* write_number(char* at, auto number) {
        if (number < 0 || number > 9) return std::to_chars(at, at + most_digits, number).ptr;
        *at = static_cast<char>('0' + number);
        return at + 1;
    }

    /// Whether a text stands in JSON as it is. That of most names does; none of these is long.
    static bool is_plain(std::string_view text) {
        constexpr std::size_t longest = 256;
        bool plain = text.size() <= longest;
        for (char const c : text.substr(0, longest))
            plain = plain & (c >= ' ') & (c <= '~') & (c != '"') & (c != '\\');
        return plain;
    }

    void begin_value() { end_at(begin_value(0)); }

    /// Writes the comma and the blanks before a value, and returns the place for its `length`
    /// bytes.
    char* begin_value(std::size_t length) {
        auto* const at = room(longest_lead + length);
        if (std::exchange(after_key_, false)) return at;
        std::memcpy(at, lead_.data() + skipped_, longest_lead); // all of it: a move or two
        auto* const end = at + lead_size_ - skipped_;
        skipped_ = 0;
        first_ = false;
        return end;
    }

    /// Bytes were written up to here.
    void end_at(char const* end) { size_ = static_cast<std::size_t>(end - space_.data()); }

    /// `rows`: 1 for a row, else 0.
    void open(char bracket, unsigned rows = 0) {
        begin_value();
        put(bracket);
        ++depth_;
        rows_ += rows;
        first_ = true;
        set_lead();
    }

    /// The object or array around it is no longer empty.
    void close(char bracket, unsigned rows = 0) {
        --depth_;
        bool const own_line = !first_ && rows_ == 0;
        rows_ -= rows;
        first_ = false;
        set_lead();
        if (own_line) put(std::string_view(lead_.data() + 1, lead_size_ - 1));
        put(bracket);
    }

    /// Before a value that is not the first: a comma, and the blanks of its line.
    void set_lead() {
        bool const own_line = rows_ == 0;
        std::size_t const blanks = own_line ? std::size_t{depth_} * indent_ : 0;
        lead_[1] = own_line ? '\n' : ' ';
        lead_size_ = indent_ == 0 ? 1 : blanks < longest_lead - 2 ? blanks + 2 : longest_lead;
        skipped_ = !first_ ? 0 : depth_ == 0 || !own_line ? lead_size_ : 1;
    }

    /// A text that stands in JSON as it is.
    void plain_value(std::string_view text) {
        auto* at = begin_value(text.size() + 2);
        *at++ = '"';
        std::memcpy(at, text.data(), text.size());
        at[text.size()] = '"';
        end_at(at + text.size() + 1);
    }

    void put_text(std::string_view text) {
        if (is_plain(text)) return put(text);
        for (char const c : text)
            put_escaped(c);
    }

    void put_escaped(char c) {
        auto const byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\')
            put('\\'), put(c);
        else if (c == '\n')
            put("\\n");
        else if (byte < 0x20)
            put("\\u00"), put("0123456789abcdef"[byte >> 4U]), put("0123456789abcdef"[byte & 15U]);
        else
            put(c);
    }

    /// `text` is shorter than the buffer.
    void put(std::string_view text) {
        std::memcpy(room(text.size()), text.data(), text.size());
        size_ += text.size();
    }

    void put(char c) {
        *room(1) = c;
        ++size_;
    }

    /// Room for the next `count` bytes, fewer than the buffer has.
    char* room(std::size_t count) {
        if (space_.size() - size_ < count) flush();
        return space_.data() + size_;
    }

    void flush() {
        sink_.write({space_.data(), size_});
        size_ = 0;
    }

    text_sink& sink_;
    unsigned indent_;
    unsigned depth_ = 0;
    unsigned rows_ = 0;                       ///< that enclose the next value
    std::array<char, 2 * longest_lead> lead_; ///< a comma, a blank or newline, and blanks
    std::size_t lead_size_ = 1;
    std::size_t skipped_ = 1; ///< of the lead, before the next value
    bool first_ = true;       ///< the next value is the first of its object or array
    bool after_key_ = false;
    std::size_t size_ = 0;
    std::array<char, 32768> space_;
};

} // namespace report
