// SPDX-License-Identifier: MIT
//
// Text of the kernel: short strings without allocation, strict numbers, and the escaping of names,
// which any process may have chosen.
#pragma once

#include <dmabuf/version.hpp>

#include <compare>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <type_traits>

namespace dmabuf {
inline namespace v0 {

namespace detail {
/// The lower 32 bits of a number. Where a size has 32 bits, a plain cast would be a useless one, of
/// which the compiler warns.
constexpr std::uint32_t in_32_bits(std::unsigned_integral auto number) {
    if constexpr (sizeof number > sizeof(std::uint32_t))
        return static_cast<std::uint32_t>(number);
    else
        return number;
}

/// Adds to a sum. One that does not fit stays at the largest number.
constexpr void add_capped(std::uint64_t& sum, std::uint64_t more) {
    if (__builtin_add_overflow(sum, more, &sum)) sum = ~std::uint64_t{0};
}

/// A view of `size` bytes. It takes a `char const*`: from a `char*` GCC would first prove that the
/// pointer is an iterator, which takes a twentieth of the time to include the library.
constexpr std::string_view text_at(char const* begin, std::size_t size) {
    return {begin, size};
}
} // namespace detail

/// A string of at most `Capacity` bytes that lives in place and is trivially copyable. Longer input
/// is cut, and `truncated()` is then true.
template<std::size_t Capacity>
class inline_text {
    static_assert(Capacity < 256);

public:
    constexpr inline_text() = default;
    /// The bytes, or as many of them as fit.
    constexpr explicit inline_text(std::string_view bytes) { append(bytes); }

    /// Appends the bytes that fit; the text is cut where some do not.
    // Not inline: a line of text or a path is a dozen calls.
    [[gnu::noinline]] constexpr inline_text& append(std::string_view bytes) {
        if (bytes.size() > Capacity - size_) {
            bytes = bytes.substr(0, Capacity - size_);
            truncated_ = true;
        }
        if (std::is_constant_evaluated())
            for (std::size_t i = 0; i < bytes.size(); ++i)
                bytes_[size_ + i] = bytes[i];
        else
            __builtin_memcpy(bytes_ + size_, bytes.data(), bytes.size());
        size_ = static_cast<std::uint8_t>(size_ + bytes.size());
        return *this;
    }

    /// Appends a number in base 2 to 16, in lower case.
    // Not inline, as `append()`.
    [[gnu::noinline]] constexpr inline_text& append_number(std::integral auto number,
                                                           unsigned base = 10) {
        char digits[64]{};
        std::size_t first = sizeof digits;
        bool const negative = number < 0;
        auto rest = negative ? std::uint64_t{0} - static_cast<std::uint64_t>(number)
                             : static_cast<std::uint64_t>(number);
        do {
            digits[--first] = "0123456789abcdef"[rest % base];
            rest /= base;
        } while (rest != 0);
        if (negative) push_back('-');
        return append(detail::text_at(digits + first, sizeof digits - first));
    }

    /// Appends one byte; the text is cut where it does not fit.
    constexpr void push_back(char c) {
        if (size_ == Capacity) {
            truncated_ = true;
            return;
        }
        bytes_[size_++] = c;
    }

    /// The raw bytes.
    /// Lifetime: that of the text. The view of a temporary serves within one expression, as in
    /// `print(escaped(name).view())`; do not keep it.
    [[nodiscard]] constexpr std::string_view view() const { return {bytes_, size_}; }
    /// Converts to std::string_view and std::string. Streams and formats do not print a name by
    /// this conversion, since they deduce their types. A temporary does not convert: GCC does not
    /// warn of a view that outlives its text.
    constexpr operator std::string_view() const& { return view(); }
    operator std::string_view() const&& = delete;
    /// The text with a NUL at the end. A text that holds a NUL seems shorter.
    [[nodiscard]] constexpr char const* c_str() const { return bytes_; }
    [[nodiscard]] constexpr std::size_t size() const { return size_; }
    [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
    /// Whether bytes did not fit, so that this is the beginning of a longer text.
    [[nodiscard]] constexpr bool truncated() const { return truncated_; }

    /// A cut text differs from every whole one, be it a std::string or a literal. Two cut texts
    /// compare by the bytes that are left, and may have been different texts: see `truncated()`.
    constexpr bool operator==(inline_text const& other) const {
        if (size_ != other.size_ || truncated_ != other.truncated_) return false;
        if (std::is_constant_evaluated()) return view() == other.view();
        // All bytes at once, without a call. Bytes behind the end are zeros.
        return __builtin_memcmp(bytes_, other.bytes_, sizeof bytes_) == 0;
    }
    constexpr std::strong_ordering operator<=>(inline_text const& other) const {
        auto const order = view() <=> other.view();
        return order != 0 ? order : truncated_ <=> other.truncated_;
    }
    friend constexpr bool operator==(inline_text const& text, std::string_view whole) {
        return !text.truncated_ && text.view() == whole;
    }
    friend constexpr std::strong_ordering operator<=>(inline_text const& text,
                                                      std::string_view whole) {
        auto const order = text.view() <=> whole;
        return order != 0 ? order : text.truncated_ <=> false;
    }

private:
    char bytes_[Capacity + 1]{};
    std::uint8_t size_ = 0;
    bool truncated_ = false;
};

namespace detail {

constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// One row of a table with a text for each case of an enumeration, in the order of the cases. The
/// text is no std::string_view, whose length the compiler would count in every program that
/// includes this.
template<class Enum>
struct text_for {
    Enum which;
    char const* text;
};

/// Whether each case up to `last` has a row, and at its own place.
template<class Enum, std::size_t Count>
constexpr bool are_in_order(text_for<Enum> const (&rows)[Count], Enum last) {
    for (std::size_t i = 0; i < Count; ++i)
        if (static_cast<std::size_t>(rows[i].which) != i) return false;
    return static_cast<std::size_t>(last) == Count - 1;
}

/// The text of `which`, or `otherwise` for a value that is no case.
template<class Enum, std::size_t Count>
constexpr std::string_view text_of(text_for<Enum> const (&rows)[Count], Enum which,
                                   char const* otherwise) {
    auto const place = static_cast<std::size_t>(which);
    return place < Count ? rows[place].text : otherwise;
}

/// The blanks that separate words in kernel text: C's isspace() without a locale.
constexpr bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/// Appends one digit to `value`; false when the number no longer fits 64 bits.
constexpr bool push_digit(std::uint64_t& value, unsigned digit, unsigned base) {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    if (value > most / base || value * base > most - digit) return false;
    value = value * base + digit;
    return true;
}

/// Parses all of `text` as a number of `base` 8, 10 or 16 (lower case), digit by digit.
constexpr bool parse_digits(std::string_view text, std::uint64_t& value, unsigned base) {
    value = 0;
    for (char const c : text) {
        unsigned const digit = is_digit(c)              ? static_cast<unsigned>(c - '0')
                               : (c >= 'a' && c <= 'f') ? static_cast<unsigned>(c - 'a') + 10
                                                        : 99;
        if (digit >= base || !push_digit(value, digit, base)) return false;
    }
    return !text.empty();
}

/// Takes the decimal digits at the beginning of `text` and moves past them. False where there is no
/// digit, or the number does not fit 64 bits.
constexpr bool take_number(std::string_view& text, std::uint64_t& value) {
    constexpr std::size_t always_fit = 19;
    std::size_t length = 0;
    std::uint64_t number = 0;
    for (; length < text.size(); ++length) {
        auto const digit = static_cast<unsigned>(text[length]) - '0';
        if (digit > 9) break;
        number = number * 10 + digit;
    }
    auto const digits = text.substr(0, length);
    text.remove_prefix(length);
    value = number;
    return length <= always_fit ? length != 0 : parse_digits(digits, value, 10);
}

/// Parses all of `text` as an unsigned number of `base` 8, 10 or 16 (lower case). False for
/// anything else: the empty text, signs, blanks, and numbers over 64 bits.
constexpr bool parse_unsigned(std::string_view text, std::uint64_t& value, unsigned base = 10) {
    if (base != 10) return parse_digits(text, value, base);
    return take_number(text, value) && text.empty();
}

/// Parses `text` as `parse_unsigned` does, into a narrower type. False also for a number that does
/// not fit that type.
template<std::integral Number>
constexpr bool parse_number(std::string_view text, Number& number, unsigned base = 10) {
    bool const negative = std::signed_integral<Number> && text.starts_with('-');
    if (negative) text.remove_prefix(1);
    std::uint64_t value = 0;
    if (!parse_unsigned(text, value, base)) return false;
    auto const most = static_cast<std::uint64_t>(std::numeric_limits<Number>::max());
    if (value > most + (negative ? 1 : 0)) return false;
    number = static_cast<Number>(negative ? std::uint64_t{0} - value : value);
    return true;
}

/// Takes `text` up to `mark` and moves past the mark. Takes all of `text` where there is no mark.
constexpr std::string_view take_until(std::string_view& text, char mark) {
    auto const end = text.find(mark);
    auto const taken = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return taken;
}

/// Length and code point of the well-formed UTF-8 sequence at the beginning of `text`; 0 where
/// there is none (overlong forms, surrogates and values past U+10FFFF are not well-formed).
constexpr std::size_t utf8_length(std::string_view text, char32_t& point) {
    auto const byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    unsigned const lead = byte(0);
    std::size_t const length = lead < 0x80   ? 1
                               : lead < 0xc2 ? 0
                               : lead < 0xe0 ? 2
                               : lead < 0xf0 ? 3
                               : lead < 0xf5 ? 4
                                             : 0;
    if (length == 0 || text.size() < length) return 0;
    point = length == 1 ? lead : lead & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xc0U) != 0x80) return 0;
        point = (point << 6U) | (byte(i) & 0x3fU);
    }
    bool const overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    bool const outside = point > 0x10ffff || (point >= 0xd800 && point < 0xe000);
    return overlong || outside ? 0 : length;
}

/// Code points that move the cursor, reorder or hide text, or are not text at all.
constexpr bool is_deceptive(char32_t point) {
    return point < 0x20 || (point >= 0x7f && point < 0xa0) || point == 0xad || point == 0x61c ||
           (point >= 0x200b && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2060 && point <= 0x206f) || point == 0xfeff ||
           (point >= 0xfff9 && point <= 0xfffb) || (point >= 0xe0000 && point <= 0xe007f);
}

} // namespace detail

/// Writes `name` to `out` so that it is safe to print and can be turned back. Printable UTF-8
/// stays. A backslash is doubled. `\n`, `\t` and `\r` become two characters. Every byte of anything
/// else (control and bidirectional characters, invalid UTF-8) becomes `\xHH`.
/// Cost: at most 4 characters per byte; no system call, no allocation of its own.
template<class Out>
constexpr Out escape(std::string_view name, Out out) {
    constexpr std::string_view hex = "0123456789abcdef";
    auto const put = [&](std::string_view bytes) {
        for (char const c : bytes)
            *out++ = c;
    };
    while (!name.empty()) {
        char32_t point = 0;
        auto const length = detail::utf8_length(name, point);
        auto const bytes = name.substr(0, length == 0 ? 1 : length);
        if (point == '\\' && length == 1)
            put("\\\\");
        else if (point == '\n' && length == 1)
            put("\\n");
        else if (point == '\t' && length == 1)
            put("\\t");
        else if (point == '\r' && length == 1)
            put("\\r");
        else if (length != 0 && !detail::is_deceptive(point))
            put(bytes);
        else
            for (char const c : bytes) {
                auto const byte = static_cast<unsigned char>(c);
                put("\\x");
                *out++ = hex[byte >> 4U];
                *out++ = hex[byte & 15U];
            }
        name.remove_prefix(bytes.size());
    }
    return out;
}

namespace detail {
template<std::size_t Capacity>
struct appender {
    inline_text<Capacity>* text;
    constexpr appender& operator*() { return *this; }
    constexpr appender& operator++() { return *this; }
    constexpr appender operator++(int) { return *this; }
    constexpr appender& operator=(char c) {
        text->push_back(c);
        return *this;
    }
};
} // namespace detail

/// The mark behind a name that was cut. No whole name is escaped to it.
inline constexpr std::string_view cut_mark = "\\..";

/// Escapes `name` into a value that can be printed: `escaped(p.comm).c_str()`. The end of a name
/// that was cut is `\..`.
/// Cost: no system call, no allocation.
template<std::size_t Capacity>
constexpr auto escaped(inline_text<Capacity> const& name) {
    constexpr auto longest = Capacity * 4 + cut_mark.size();
    inline_text<longest> out;
    escape(name.view(), detail::appender<longest>{&out});
    if (name.truncated()) out.append(cut_mark);
    return out;
}

} // namespace v0
} // namespace dmabuf
