// SPDX-License-Identifier: MIT
//
// Writes JSON as it goes, through a buffer of fixed size: no document is ever held in memory, and
// nothing is allocated.
#pragma once

#include <dmabuf/text.hpp>

#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <string_view>

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

    /// In an object: what is written next is this key's value.
    void key(std::string_view name) {
        value(name);
        put(indent_ == 0 ? ":" : ": ");
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
        begin_value();
        std::array<char, 24> digits;
        auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
        put({digits.data(), static_cast<std::size_t>(end - digits.data())});
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

    void begin_value() {
        if (after_key_) {
            after_key_ = false;
            return;
        }
        if (!first_) put(',');
        first_ = false;
        if (depth_ != 0) new_line();
    }

    void open(char bracket) {
        begin_value();
        put(bracket);
        ++depth_;
        first_ = true;
    }

    /// What encloses it is no longer empty.
    void close(char bracket) {
        --depth_;
        if (!first_) new_line();
        put(bracket);
        first_ = false;
    }

    void new_line() {
        if (indent_ == 0) return;
        put('\n');
        for (unsigned blanks = depth_ * indent_; blanks != 0; --blanks)
            put(' ');
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

    void put(std::string_view text) {
        for (char const c : text)
            put(c);
    }

    void put(char c) {
        if (size_ == space_.size()) flush();
        space_[size_++] = c;
    }

    void flush() {
        sink_.write({space_.data(), size_});
        size_ = 0;
    }

    text_sink& sink_;
    unsigned indent_;
    unsigned depth_ = 0;
    bool first_ = true; ///< of what encloses the next value
    bool after_key_ = false;
    std::size_t size_ = 0;
    std::array<char, 32768> space_;
};

} // namespace report
