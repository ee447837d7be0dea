// SPDX-License-Identifier: MIT
// flags: -std=c++17
// refused: dmabuf needs C\+\+20: compile with -std=c\+\+20 or newer
#include <dmabuf/version.hpp>
