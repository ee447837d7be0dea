// SPDX-License-Identifier: MIT
// A text that ends at once is taken by view() only, where it serves until then.
// refused: (deleted function [^(]*operator std::|conversion function .*string_view.*deleted)
#include <dmabuf/kernel/stat.hpp>

void take(std::string_view text);
void use(dmabuf::result<dmabuf::task_stat> const& found);

void use(dmabuf::result<dmabuf::task_stat> const& found) {
    take(found->comm);
    take(escaped(found->comm).view());
#ifdef TWIN
    auto const shown = escaped(found->comm);
    std::string_view const text = shown;
#else
    std::string_view const text = escaped(found->comm);
#endif
    take(text);
}
