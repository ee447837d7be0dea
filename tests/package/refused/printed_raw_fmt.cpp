// SPDX-License-Identifier: MIT
// Without dmabuf/fmt.hpp {fmt} prints no name; with it, escaped. fmt 9 takes what converts to a
// std::string_view.
// refused: [Cc]annot format an argument
#include <dmabuf/kernel/stat.hpp>

#ifdef TWIN
#include <dmabuf/fmt.hpp>
#endif

#include <fmt/format.h>

void use(dmabuf::task_stat const& found);

void use(dmabuf::task_stat const& found) {
    fmt::print("{}", found.comm);
}
