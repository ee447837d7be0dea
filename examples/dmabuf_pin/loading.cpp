// SPDX-License-Identifier: MIT
#include "loading.hpp"

#include <fmt/format.h>

#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <utility>

namespace dmabuf_pin {

namespace {

/// The words of libbpf and the verifier on the last step.
std::string said;

/// The verifier says at its end why it refuses.
constexpr std::size_t most_of_a_message = 4096;

int keep_saying(libbpf_print_level level, char const* format, std::va_list arguments) {
    if (level == LIBBPF_DEBUG) return 0;
    std::va_list again;
    va_copy(again, arguments);
    int const length = std::vsnprintf(nullptr, 0, format, again);
    va_end(again);
    if (length <= 0) return length;
    std::string message(static_cast<std::size_t>(length) + 1, '\0');
    std::vsnprintf(message.data(), message.size(), format, arguments);
    message.pop_back();
    if (message.size() > most_of_a_message)
        message.replace(0, message.size() - most_of_a_message, "…");
    said += message;
    return length;
}

object_ptr load_once(std::string_view bytes, std::function<bool(bpf_object&)> const& prepare) {
    said.clear();
    object_ptr object(bpf_object__open_mem(bytes.data(), bytes.size(), nullptr));
    if (!object || !prepare(*object) || bpf_object__load(object.get()) != 0) return nullptr;
    return object;
}

} // namespace

void close_object::operator()(bpf_object* object) const {
    bpf_object__close(object);
}

void destroy_link::operator()(bpf_link* link) const {
    bpf_link__destroy(link);
}

void keep_what_libbpf_says() {
    said.clear();
    libbpf_set_print(keep_saying);
}

std::string failed_words(std::string_view doing) {
    return fmt::format("cannot {}: {}\n{}", doing, std::strerror(errno), std::exchange(said, {}));
}

bool set_section(bpf_object& object, char const* section, void const* value, std::size_t bytes) {
    auto* const map = bpf_object__find_map_by_name(&object, section);
    return map && bpf_map__set_initial_value(map, value, bytes) == 0;
}

object_ptr load(std::string_view bytes, std::function<bool(bpf_object&)> const& prepare) {
    auto object = load_once(bytes, prepare);
    if (!object) object = load_once(bytes, prepare);
    return object;
}

} // namespace dmabuf_pin
