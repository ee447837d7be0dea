// SPDX-License-Identifier: MIT
//
// A text_sink that keeps the whole text.
#pragma once

#include "json_writer.hpp"

#include <string>
#include <utility>

namespace report {

class string_sink final : public text_sink {
public:
    void write(std::string_view text) override { text_ += text; }
    [[nodiscard]] std::string take() { return std::move(text_); }

private:
    std::string text_;
};

} // namespace report
