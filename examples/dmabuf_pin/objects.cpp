// SPDX-License-Identifier: MIT
#include "objects.hpp"

#include "files/embedded.hpp"

DMABUF_EMBED(dmabuf_pin_holders, DMABUF_PIN_HOLDERS);
DMABUF_EMBED(dmabuf_pin_buffers, DMABUF_PIN_BUFFERS);
DMABUF_EMBED(dmabuf_pin_origins, DMABUF_PIN_ORIGINS);

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
