// SPDX-License-Identifier: MIT
#include "pasted_list.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace lists {

namespace {

using words = std::vector<std::string_view>;

/// A line of the text, and where it began there.
struct line {
    std::string text;
    std::uint32_t number = 0;
};

constexpr std::string_view blanks = " \t\r";

words words_of(std::string_view text) {
    words found;
    for (;;) {
        text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
        if (text.empty()) return found;
        auto const end = std::min(text.find_first_of(blanks), text.size());
        found.push_back(text.substr(0, end));
        text.remove_prefix(end);
    }
}

std::string_view trimmed(std::string_view text) {
    auto const begin = std::min(text.find_first_not_of(blanks), text.size());
    text.remove_prefix(begin);
    return text.substr(0, text.find_last_not_of(blanks) + 1); // npos + 1 is 0
}

// --- lines as they were before a mail program saw them ---

std::vector<line> split(std::string_view text) {
    std::vector<line> lines;
    for (std::uint32_t number = 1; !text.empty(); ++number) {
        auto one = dmabuf::detail::take_until(text, '\n');
        if (one.ends_with('\r')) one.remove_suffix(1);
        lines.push_back({std::string(one), number});
    }
    return lines;
}

/// Quoted-printable encodes each blank at the end of a line, and bufinfo pads its header.
bool is_quoted_printable(std::vector<line> const& lines) {
    return std::ranges::any_of(lines, [](line const& one) {
        return one.text.ends_with('=') || one.text.ends_with("=20") || one.text.ends_with("=09");
    });
}

/// "=20" is a blank, "=3D" the sign itself.
std::string decoded(std::string_view text) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string bytes;
    while (!text.empty()) {
        auto const high = text.size() < 3 ? digits.npos : digits.find(text[1]);
        auto const low = text.size() < 3 ? digits.npos : digits.find(text[2]);
        bool const escape = text[0] == '=' && high != digits.npos && low != digits.npos;
        bytes += escape ? static_cast<char>(16 * high + low) : text[0];
        text.remove_prefix(escape ? 3 : 1);
    }
    return bytes;
}

/// Joins the lines that a "=" at their end broke, and decodes them.
std::vector<line> unquoted(std::vector<line> const& lines) {
    std::vector<line> whole;
    bool broken = false;
    for (auto const& one : lines) {
        std::string_view text = one.text;
        bool const goes_on = text.ends_with('=');
        if (goes_on) text.remove_suffix(1);
        if (!broken) whole.push_back({{}, one.number});
        whole.back().text += text;
        broken = goes_on;
    }
    for (auto& one : whole)
        one.text = decoded(one.text);
    return whole;
}

/// Takes the marks of a mail that was answered: "> > ".
void remove_marks(std::vector<line>& lines) {
    for (auto& one : lines) {
        auto const begin = one.text.find_first_not_of("> ");
        bool const marked = one.text.starts_with('>');
        if (marked) one.text.erase(0, begin);
    }
}

// --- the columns ---

/// The titles of a list, in its order.
class header {
public:
    /// Takes a line and those behind it that a mail program broke off. Returns their number; 0: the
    /// line is no header.
    std::size_t take(std::vector<line> const& lines, std::size_t at) {
        titles_ = words_of(lines[at].text);
        for (auto const* title : {"size", "flags", "mode", "count", "exp_name"})
            if (place_of(title) == titles_.size()) return 0;
        auto next = at + 1;
        for (; next < lines.size(); ++next) {
            auto const more = words_of(lines[next].text);
            bool const titles = std::ranges::all_of(
                more, [](auto word) { return word == "ino" || word == "name"; });
            if (!titles) break;
            titles_.insert(titles_.end(), more.begin(), more.end());
        }
        return next - at;
    }

    [[nodiscard]] bool has_inodes() const { return place_of("ino") != titles_.size(); }
    /// Of the columns that matter.
    [[nodiscard]] std::size_t size() const {
        return (has_inodes() ? place_of("ino")
                             : std::max(place_of("exp_name"), place_of("count"))) +
               1;
    }

    /// Whether a line is a row, be it an odd one: most of the columns that are numbers look like
    /// some, and it is longer than a name, which may hold newlines.
    [[nodiscard]] bool fits(std::string_view text, words const& row) const {
        constexpr std::size_t longest_name = 31; // DMA_BUF_NAME_LEN - 1
        if (trimmed(text).size() <= longest_name) return false;
        std::size_t numbers = 0;
        for (auto const* title : {"size", "flags", "mode", "count"})
            numbers += place_of(title) < row.size() && is_padded_number(row[place_of(title)]);
        return numbers >= 3;
    }

    static bool is_padded_number(std::string_view word) {
        return word.size() >= 8 && word.find_first_not_of("-0123456789abcdef") == word.npos;
    }

    /// The row as the newest kernel writes it. A column that is missing is empty.
    [[nodiscard]] std::string row_of(words const& row) const {
        std::string text;
        for (auto const* title : {"size", "flags", "mode", "count", "exp_name", "ino"}) {
            auto const at = place_of(title);
            if (at == titles_.size()) continue;
            text += text.empty() ? "" : "\t";
            if (at < row.size()) text += row[at];
        }
        return text;
    }
    [[nodiscard]] std::string text() const { return row_of(titles_); }

private:
    [[nodiscard]] std::size_t place_of(std::string_view title) const {
        return static_cast<std::size_t>(std::ranges::find(titles_, title) - titles_.begin());
    }

    words titles_; ///< in the lines of the list
};

/// Turns line after line back into the kernel's text, as far as the parser reads it.
class restorer {
public:
    restorer(std::vector<line> const& lines, header const& columns)
        : lines_(lines)
        , columns_(columns) {}

    /// The line at `at`, which moves on.
    std::string next(std::size_t& at) {
        auto const text = trimmed(lines_[at].text);
        auto row = words_of(lines_[at++].text);
        if (columns_.fits(text, row)) return in_devices_ = false, next_row(row, at);
        if (text == "Attached Devices:") return in_devices_ = true, "\tAttached Devices:";
        if (text.starts_with("ERROR locking buffer object")) return "\t" + std::string(text);
        if (text.empty() || text.starts_with("Total ")) in_devices_ = false;
        if (in_devices_) return "\t" + std::string(text);
        return text.starts_with("Total ") ? std::string(text) : std::string();
    }

private:
    /// A mail program breaks a long row before its last columns.
    std::string next_row(words& row, std::size_t& at) const {
        if (row.size() < columns_.size() && at < lines_.size()) {
            auto const& text = lines_[at].text;
            auto const more = words_of(text);
            if (!more.empty() && header::is_padded_number(more[0]) && !columns_.fits(text, more)) {
                row.insert(row.end(), more.begin(), more.end());
                ++at;
            }
        }
        return columns_.row_of(row);
    }

    std::vector<line> const& lines_;
    header const& columns_;
    bool in_devices_ = false;
};

/// Behind the last line that counts objects, before the next list. What follows is no part of it.
std::size_t end_of_list(std::vector<line> const& lines, std::size_t begin) {
    auto last = begin;
    for (header next; last < lines.size() && next.take(lines, last) == 0;)
        ++last;
    auto end = last;
    while (end > begin && !(trimmed(lines[end - 1].text).starts_with("Total ") &&
                            lines[end - 1].text.find(" objects, ") != std::string::npos))
        --end;
    return end == begin ? last : end;
}

/// Feeds the parser of the kernel's own list.
class reading {
public:
    void take(std::string_view text, std::uint32_t number) {
        numbers_.push_back(number);
        parser_.line(text, item_);
        keep();
    }

    pasted_list finish() && {
        found_.whole = true;
        for (bool more = true; more;) {
            parser_.finish(item_);
            more = keep();
        }
        return std::move(found_);
    }

private:
    bool keep() {
        if (!item_) return false;
        auto const one = *std::exchange(item_, std::nullopt);
        if (one)
            found_.buffers.push_back(*one);
        else if (auto const row = one.error().line; row != 0)
            found_.odd_lines.push_back(numbers_[row - 1]);
        else
            found_.whole = false;
        return true;
    }

    dmabuf::bufinfo_parser parser_;
    std::optional<dmabuf::result<dmabuf::bufinfo_buffer>> item_;
    std::vector<std::uint32_t> numbers_; ///< in the text, of each line that the parser took
    pasted_list found_;
};

} // namespace

std::optional<pasted_list> read_pasted(std::string_view text) {
    auto lines = split(text);
    if (is_quoted_printable(lines)) lines = unquoted(lines);
    remove_marks(lines);
    header columns;
    for (std::size_t at = 0; at < lines.size(); ++at) {
        auto const taken = columns.take(lines, at);
        if (taken == 0) continue;
        reading list;
        list.take(columns.text(), lines[at].number);
        restorer restore(lines, columns);
        auto const end = end_of_list(lines, at + taken);
        for (at += taken; at < end;) {
            auto const number = lines[at].number;
            list.take(restore.next(at), number);
        }
        auto found = std::move(list).finish();
        found.has_inodes = columns.has_inodes();
        return found;
    }
    return std::nullopt;
}

} // namespace lists
