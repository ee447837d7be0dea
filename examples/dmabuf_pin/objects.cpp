// SPDX-License-Identifier: MIT
#include "objects.hpp"

// libbpf wants them aligned as the file was.
#define DMABUF_PIN_INCLUDE(name, file)           \
    asm(".section .rodata\n"                     \
        ".balign 16\n" #name "_begin:\n"         \
        ".incbin \"" file "\"\n" #name "_end:\n" \
        ".byte 0\n"                              \
        ".previous\n");                          \
    extern "C" char const name##_begin[];        \
    extern "C" char const name##_end[]

DMABUF_PIN_INCLUDE(dmabuf_pin_holders, DMABUF_PIN_HOLDERS);
DMABUF_PIN_INCLUDE(dmabuf_pin_buffers, DMABUF_PIN_BUFFERS);
DMABUF_PIN_INCLUDE(dmabuf_pin_origins, DMABUF_PIN_ORIGINS);

namespace dmabuf_pin {

std::string_view holders_object() {
    return {dmabuf_pin_holders_begin, dmabuf_pin_holders_end};
}

std::string_view buffers_object() {
    return {dmabuf_pin_buffers_begin, dmabuf_pin_buffers_end};
}

std::string_view origins_object() {
    return {dmabuf_pin_origins_begin, dmabuf_pin_origins_end};
}

} // namespace dmabuf_pin
