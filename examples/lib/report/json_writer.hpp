// SPDX-License-Identifier: MIT
//
// Writes JSON as it goes, through a buffer of fixed size: no document is ever held in memory, and
// nothing is allocated.
//
// RapidJSON's PrettyWriter (1.1, Debian 12) was tried on the same 1.6 MB of references and buffers:
// 14.1 instructions a byte against 8.3 here (callgrind, -O2), and names have to be escaped into a
// copy first. So this one stays.
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

/// The order of the calls is that of the text. Nothing is complete before `finish()`.
class json_writer {
public:
    /// `indent` blanks per level, one value a line; 0: all in one line.
    explicit json_writer(text_sink& sink, unsigned indent = 2)
        : sink_(sink)
        , indent_(indent) {}
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
        open('{');
        ++rows_;
        set_lead();
        fields();
        close('}');
        --rows_;
        set_lead();
    }
    template<class Range, class Write>
    void row(Range const& range, Write write) {
        open('[');
        ++rows_;
        set_lead();
        for (auto const& item : range)
            write(item);
        close(']');
        --rows_;
        set_lead();
    }

    /// In an object: what is written next is this key's value. `name` has nothing to escape.
    void key(std::string_view name) {
        auto* at = begin_value(name.size() + 4);
        *at++ = '"';
        std::memcpy(at, name.data(), name.size());
        at += name.size();
        *at++ = '"';
        *at++ = ':';
        if (indent_ != 0) *at++ = ' ';
        end_at(at);
        after_key_ = true;
    }

    void value(std::string_view text) {
        begin_value();
        put('"');
        for (char const c : text)
            put_escaped(c);
        put('"');
    }
    void value(char const* text) { value(std::string_view(text)); }

    void value(raw_name name) {
        begin_value();
        put('"');
        dmabuf::escape(name.bytes, output{this});
        for (char const c : name.cut ? dmabuf::cut_mark : std::string_view())
            put_escaped(c);
        put('"');
    }

    template<class Value>
    requires std::same_as<Value, bool>
    void value(Value yes) {
        begin_value();
        put(yes ? "true" : "false");
    }

    template<std::integral Number>
    requires(!std::same_as<Number, bool> && !std::same_as<Number, char>)
    void value(Number number) {
        constexpr std::size_t most_digits = 20; // with the sign
        auto* const at = begin_value(most_digits);
        end_at(std::to_chars(at, at + most_digits, number).ptr);
    }

    /// Six digits; null for what is no finite number.
    void value(double number) {
        if (!(number - number == 0)) return null();
        constexpr std::size_t most_digits = 16; // -1.23456e-300
        auto* const at = begin_value(most_digits);
        end_at(std::to_chars(at, at + most_digits, number, std::chars_format::general, 6).ptr);
    }

    void null() {
        begin_value();
        put("null");
    }

    template<class Value>
    void field(std::string_view name, Value const& content) {
        key(name);
        value(content);
    }

    /// null where it is not known.
    template<class Value>
    void field_if(bool known, std::string_view name, Value const& content) {
        key(name);
        if (known)
            value(content);
        else
            null();
    }

    /// Ends the text with a newline and hands out what is still in the buffer.
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

    void begin_value() { end_at(begin_value(0)); }

    /// Writes what stands before a value, and returns where its `length` bytes go.
    char* begin_value(std::size_t length) {
        auto* const at = room(lead_.size() + length);
        if (std::exchange(after_key_, false)) return at;
        bool const first = std::exchange(first_, false);
        bool const same_line = depth_ == 0 || rows_ != 0;
        std::size_t const skipped = !first ? 0 : same_line ? lead_size_ : 1;
        std::memcpy(at, lead_.data() + skipped, lead_size_ - skipped);
        return at + lead_size_ - skipped;
    }

    /// Bytes were written up to here.
    void end_at(char const* end) { size_ = static_cast<std::size_t>(end - space_.data()); }

    void open(char bracket) {
        begin_value();
        put(bracket);
        ++depth_;
        first_ = true;
        set_lead();
    }

    /// What encloses it is no longer empty.
    void close(char bracket) {
        --depth_;
        set_lead();
        if (!first_ && rows_ == 0) put(lead().substr(1));
        put(bracket);
        first_ = false;
    }

    /// Before a value that is not the first: a comma, and the blanks of its line.
    void set_lead() {
        lead_[0] = ',';
        lead_size_ = 1;
        if (indent_ == 0) return;
        lead_[lead_size_++] = rows_ == 0 ? '\n' : ' ';
        for (auto blanks = rows_ == 0 ? depth_ * indent_ : 0; blanks != 0; --blanks)
            if (lead_size_ < lead_.size()) lead_[lead_size_++] = ' ';
    }
    [[nodiscard]] std::string_view lead() const { return {lead_.data(), lead_size_}; }

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
    unsigned rows_ = 0; ///< that enclose the next value
    std::array<char, 32> lead_ = {','};
    std::size_t lead_size_ = 1;
    bool first_ = true; ///< of what encloses the next value
    bool after_key_ = false;
    std::size_t size_ = 0;
    std::array<char, 32768> space_;
};

} // namespace report
