// SPDX-License-Identifier: MIT
#include "rows.hpp"

#include "report/json_writer.hpp"
#include "report/string_sink.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace rows {

namespace {

char in_lower_case(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool are_equal(std::string_view a, std::string_view b) {
    return std::ranges::equal(a, b, {}, in_lower_case, in_lower_case);
}

std::string in_hexadecimal(char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    auto const byte = static_cast<unsigned char>(c);
    return {'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
}

/// One text, with quotes where it needs them.
std::string field_of(std::string text) {
    constexpr std::string_view formulas = "=+-@";
    if (!text.empty() && formulas.find(text[0]) != formulas.npos)
        text = in_hexadecimal(text[0]) + text.substr(1);
    if (!text.empty() && text.find_first_of(",\"\r\n") == text.npos) return text;
    std::string quoted = "\"";
    for (char const c : text)
        quoted.append(c == '"' ? 2 : 1, c);
    return quoted + "\"";
}

std::string joined(names const& all) {
    std::string text;
    for (auto const& one : all) {
        if (!text.empty()) text += ' ';
        for (char const c : one)
            text += c == ' ' ? in_hexadecimal(c) : std::string(1, c);
    }
    return text;
}

names words_of(numbers const& all) {
    names words;
    for (auto const one : all)
        words.push_back(std::to_string(one));
    return words;
}

struct in_csv {
    std::string operator()(std::monostate /*unknown*/) const { return {}; }
    std::string operator()(std::uint64_t number) const { return std::to_string(number); }
    std::string operator()(bool yes) const { return yes ? "true" : "false"; }
    std::string operator()(double number) const { return fmt::format("{:.6g}", number); }
    std::string operator()(std::string const& text) const { return field_of(text); }
    std::string operator()(names const& all) const { return field_of(joined(all)); }
    std::string operator()(numbers const& all) const { return field_of(joined(words_of(all))); }
};

struct in_json {
    report::json_writer& out;

    void operator()(std::monostate /*unknown*/) const { out.null(); }
    void operator()(std::uint64_t number) const { out.value(number); }
    void operator()(bool yes) const { out.value(yes); }
    void operator()(double number) const { out.value(number); }
    void operator()(std::string const& text) const { out.value(std::string_view(text)); }
    void operator()(names const& all) const {
        out.array(all, [&](auto const& one) { out.value(std::string_view(one)); });
    }
    void operator()(numbers const& all) const {
        out.array(all, [&](auto const one) { out.value(one); });
    }
};

template<class Range, class Text>
void add_line(Range const& cells, Text text_of, std::string& out) {
    bool first = true;
    for (auto const& one : cells) {
        if (!first) out += ',';
        first = false;
        out += text_of(one);
    }
    out += "\r\n";
}

std::vector<std::size_t> places_of(table const& all, std::vector<std::string> const& wanted,
                                   bool for_people) {
    std::vector<std::size_t> places;
    for (std::size_t at = 0; wanted.empty() && at < all.fields.size(); ++at)
        if (!for_people || all.fields[at].for_people) places.push_back(at);
    for (auto const& name : wanted) {
        auto const found =
            std::ranges::find_if(all.fields, [&](auto const& one) { return is_called(one, name); });
        if (found != all.fields.end())
            places.push_back(static_cast<std::size_t>(found - all.fields.begin()));
    }
    return places;
}

} // namespace

bool is_called(field const& one, std::string_view name) {
    return are_equal(one.key, name) || are_equal(one.title, name);
}

table with_columns(table all, std::vector<std::string> const& wanted, bool for_people) {
    auto const places = places_of(all, wanted, for_people);
    table part;
    for (auto const at : places)
        part.fields.push_back(all.fields[at]);
    part.rows.reserve(all.rows.size());
    for (auto const& row : all.rows) {
        auto& cells = part.rows.emplace_back();
        cells.reserve(places.size());
        for (auto const at : places)
            cells.push_back(row[at]);
    }
    return part;
}

std::string csv(table const& all) {
    std::string text;
    add_line(all.fields, [](auto const& one) { return one.key; }, text);
    for (auto const& row : all.rows)
        add_line(row, [](auto const& one) { return std::visit(in_csv{}, one.exact); }, text);
    return text;
}

std::string ndjson(table const& all) {
    report::string_sink text;
    for (auto const& row : all.rows) {
        report::json_writer out(text, 0);
        out.object([&] {
            for (std::size_t at = 0; at < all.fields.size(); ++at) {
                out.key(all.fields[at].key);
                std::visit(in_json{out}, row[at].exact);
            }
        });
        out.finish();
    }
    return text.take();
}

} // namespace rows
