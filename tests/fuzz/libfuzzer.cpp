// SPDX-License-Identifier: MIT
#include "target.hpp"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    run_target({reinterpret_cast<char const*>(data), size});
    return 0;
}
