// SPDX-License-Identifier: MIT
//
// A text_sink that is standard output: no report is ever held in memory.
#pragma once

#include "files/write_all.hpp"
#include "json_writer.hpp"

namespace report {

class output_sink final : public text_sink {
public:
    void write(std::string_view text) override {
        if (error_ == 0 && !files::write_all(STDOUT_FILENO, text)) error_ = errno;
    }
    /// The errno of the first write that failed, behind which nothing was written; 0: none failed.
    [[nodiscard]] int error() const { return error_; }

private:
    int error_ = 0;
};

} // namespace report
