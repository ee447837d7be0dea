// SPDX-License-Identifier: MIT
#include "programs.hpp"

#include "objects.hpp"

#include <fmt/format.h>

#include <array>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdarg>
#include <cstring>
#include <records.h>
#include <sys/random.h>

namespace dmabuf_pin {

namespace {

using object_ptr = std::unique_ptr<bpf_object, close_object>;

/// What libbpf and the verifier say, kept for the case that loading fails.
std::string said;

int keep_saying(libbpf_print_level level, char const* format, std::va_list arguments) {
    if (level == LIBBPF_DEBUG) return 0;
    std::array<char, 2048> line{};
    int const length = std::vsnprintf(line.data(), line.size(), format, arguments);
    if (length > 0) said += line.data();
    return length;
}

/// Null, with errno.
object_ptr load(std::string_view bytes, dmabuf_bpf_settings const& settings) {
    object_ptr object(bpf_object__open_mem(bytes.data(), bytes.size(), nullptr));
    if (!object) return nullptr;
    auto* const map = bpf_object__find_map_by_name(object.get(), ".rodata.settings");
    if (!map || bpf_map__set_initial_value(map, &settings, sizeof settings) != 0 ||
        bpf_object__load(object.get()) != 0)
        return nullptr;
    return object;
}

/// Attaches every program of an object. Empty, or what went wrong.
std::string attach(object_ptr object, programs& all) {
    bpf_program* program = nullptr;
    while ((program = bpf_object__next_program(object.get(), program))) {
        iterator one{bpf_program__name(program), nullptr, program};
        one.link.reset(bpf_program__attach_iter(program, nullptr));
        if (!one.link)
            return fmt::format("cannot attach the iterator {}: {}", one.name, std::strerror(errno));
        all.iterators.push_back(std::move(one));
    }
    all.objects.push_back(std::move(object));
    return {};
}

std::string why_not_loaded(int error) {
    if (error == EPERM)
        return "loading BPF is not permitted: run as root (CAP_BPF and CAP_PERFMON)";
    auto text = fmt::format("the kernel does not take the BPF program: {}", std::strerror(error));
    if (error == ESRCH || error == ENOENT)
        text += " (it may lack CONFIG_DEBUG_INFO_BTF, or be older than 5.11)";
    return said.empty() ? text : text + "\n" + said;
}

} // namespace

void close_object::operator()(bpf_object* object) const {
    bpf_object__close(object);
}

void destroy_link::operator()(bpf_link* link) const {
    bpf_link__destroy(link);
}

programs load_programs() {
    programs all;
    libbpf_set_print(keep_saying);
    dmabuf_bpf_settings settings{{}, 1};
    if (::getrandom(settings.secret, sizeof settings.secret, 0) != sizeof settings.secret)
        return all.complaint = "no random numbers", std::move(all);

    auto holders = load(holders_object(), settings);
    if (!holders) {
        int const error = errno;
        auto const why = why_not_loaded(error);
        settings.read_names = 0;
        if (error != EPERM) holders = load(holders_object(), settings);
        if (!holders) return all.complaint = why, std::move(all);
        all.notes.emplace_back("Exporters and names of buffers are not shown: this kernel lets no "
                               "BPF program read its memory (lockdown=confidentiality).");
    }
    all.complaint = attach(std::move(holders), all);
    if (!all.complaint.empty()) return all;

    if (auto buffers = load(buffers_object(), settings))
        all.complaint = attach(std::move(buffers), all);
    else
        all.notes.emplace_back("Buffers that no process holds are not shown: this kernel has no "
                               "iterator over all buffers (Linux 6.16).");
    return all;
}

} // namespace dmabuf_pin
