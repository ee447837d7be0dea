// SPDX-License-Identifier: MIT
#include "programs.hpp"

#include "objects.hpp"
#include "watch.hpp"

#include <fmt/format.h>

#include <array>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <linux/capability.h>
#include <records.h>
#include <string_view>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

namespace dmabuf_pin {

namespace {

struct free_btf {
    void operator()(btf* types) const { btf__free(types); }
};
using btf_ptr = std::unique_ptr<btf, free_btf>;

constexpr auto needed_helper = "bpf_get_current_task_btf";
constexpr auto lockdown_file = "/sys/kernel/security/lockdown";

bool may_load() {
    __user_cap_header_struct head{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> sets{};
    if (::syscall(SYS_capget, &head, sets.data()) != 0) return true; // loading will tell
    auto const has = [&](unsigned which) {
        return (sets[which / 32].effective >> (which % 32) & 1U) != 0;
    };
    return has(CAP_SYS_ADMIN) || (has(CAP_BPF) && has(CAP_PERFMON));
}

/// The mode of lockdown, in brackets in "none [integrity] confidentiality". Empty where it cannot
/// be read.
std::string lockdown() {
    std::string mode;
    std::ifstream(lockdown_file).ignore(64, '[') >> mode;
    return mode.substr(0, mode.find(']'));
}

/// A kernel that lacks a helper, or is locked down, refuses a program with EINVAL.
std::string not_loaded_words(btf const& types) {
    int const error = errno;
    auto words = failed_words("load the BPF programs");
    if (error != EINVAL) return words;
    if (btf__find_by_name_kind(&types, needed_helper, BTF_KIND_FUNC) < 0)
        words += fmt::format("This kernel has no helper {} (Linux 5.11).\n", needed_helper);
    else if (lockdown().empty())
        words += fmt::format("Whether lockdown=confidentiality is the reason cannot be told "
                             "without {}.\n",
                             lockdown_file);
    return words;
}

/// Loads an object and attaches each iterator of it. Empty, or the words of the failure.
std::string load_and_attach(std::string_view bytes, dmabuf_bpf_settings const& settings,
                            btf const& types, programs& all) {
    auto object = load(bytes, [&](bpf_object& opened) {
        return set_section(opened, ".rodata.settings", &settings, sizeof settings);
    });
    if (!object) return not_loaded_words(types);
    bpf_program* program = nullptr;
    while ((program = bpf_object__next_program(object.get(), program))) {
        std::string const name = bpf_program__name(program);
        all.links.emplace_back(bpf_program__attach_iter(program, nullptr));
        if (!all.links.back()) return failed_words(fmt::format("attach the iterator {}", name));
        all.files.push_back({name, bpf_link__fd(all.links.back().get())});
        if (name != "buffers")
            all.files.push_back({fmt::format("{}_of", name), bpf_program__fd(program)});
    }
    all.objects.push_back(std::move(object));
    return {};
}

/// Whether the kernel has the iterator over all buffers: asked of the types that it describes.
bool has_buffer_iterator(btf const& types) {
    return btf__find_by_name_kind(&types, "bpf_iter__dmabuf", BTF_KIND_STRUCT) >= 0;
}

std::string load_holders(dmabuf_bpf_settings const& settings, btf const& types, programs& all) {
    if (auto wrong = load_and_attach(holders_object(), settings, types, all); !wrong.empty())
        return wrong;
    if (has_buffer_iterator(types)) return load_and_attach(buffers_object(), settings, types, all);
    all.notes.emplace_back("Buffers that no process holds are not shown: this kernel has no "
                           "iterator over all buffers (Linux 6.16).");
    return {};
}

std::string load_into(programs& all, options const& chosen) {
    if (!may_load()) return "loading BPF is not permitted: run as root (CAP_BPF and CAP_PERFMON)";
    keep_what_libbpf_says();
    btf_ptr const types(btf__load_vmlinux_btf());
    if (!types) return failed_words("read this kernel's types (CONFIG_DEBUG_INFO_BTF)");

    auto const mode = lockdown();
    dmabuf_bpf_settings settings{{}, mode != "confidentiality"};
    if (::getrandom(settings.secret, sizeof settings.secret, 0) != sizeof settings.secret)
        return "no random numbers";
    if (settings.read_names == 0)
        all.notes.emplace_back("Exporters and names of buffers are not shown: this kernel lets no "
                               "BPF program read its memory (lockdown=confidentiality).");
    if (auto wrong = load_holders(settings, *types, all); !wrong.empty()) return wrong;
    return chosen.origins ? load_watch(settings, chosen, all) : std::string();
}

} // namespace

programs load_programs(options const& chosen) {
    programs all;
    all.complaint = load_into(all, chosen);
    return all;
}

} // namespace dmabuf_pin
