// SPDX-License-Identifier: MIT
//
// Files of the build that are a part of the program.
#pragma once

/// Puts the bytes of `file`, a path in quotes, between the symbols `name_begin` and `name_end`, and
/// a NUL behind them. They are aligned as an object file wants it.
#define DMABUF_EMBED(name, file)                 \
    asm(".section .rodata\n"                     \
        ".balign 16\n" #name "_begin:\n"         \
        ".incbin \"" file "\"\n" #name "_end:\n" \
        ".byte 0\n"                              \
        ".previous\n");                          \
    extern "C" char const name##_begin[];        \
    extern "C" char const name##_end[]
