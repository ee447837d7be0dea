// SPDX-License-Identifier: MIT
//
// A text_sink that keeps the whole text.
#pragma once

#include "json_writer.hpp"

#include <cstddef>
#include <string>
#include <utility>

namespace report {

class string_sink final : public text_sink {
public:
    /// Makes room for so many bytes. Memory that is not written to costs nothing.
    explicit string_sink(std::size_t expected = 0) { text_.reserve(expected); }

    void write(std::string_view text) override { text_ += text; }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    std::string text_;
};

} // namespace report
