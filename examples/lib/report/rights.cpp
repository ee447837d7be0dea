// SPDX-License-Identifier: MIT
#include "rights.hpp"

#include "files/whole_file.hpp"

#include <algorithm>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace report {

namespace {

struct right_word {
    char const* word;
    bool rights::* flag;
};

constexpr right_word right_words[] = {
    {"root", &rights::root},
    {"trace", &rights::trace},
    {"checkpoint_restore", &rights::checkpoint_restore},
    {"search", &rights::search},
    {"filtered", &rights::filtered},
    {"debugfs", &rights::debugfs},
    {"can_pin", &rights::can_pin},
    {"can_pin_list", &rights::can_pin_list},
};

/// Whether BTF, whose names end with zeros, has this one.
bool describes(std::string_view types, std::string_view name) {
    std::string whole(1, '\0');
    return types.find(whole.append(name).append(1, '\0')) != types.npos;
}

std::string below(dmabuf::root_path const& root, char const* file) {
    return std::string(root.view()) + file;
}

} // namespace

rights own_rights(dmabuf::roots const& where) {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3]{};
    ::syscall(SYS_capget, &header, sets); // where it fails there are none
    auto const has = [&](unsigned capability) {
        return (sets[capability / 32].effective >> capability % 32 & 1U) != 0;
    };
    return {::geteuid() == 0,
            has(CAP_SYS_PTRACE),
            has(CAP_CHECKPOINT_RESTORE) || has(CAP_SYS_ADMIN),
            has(CAP_DAC_READ_SEARCH) || has(CAP_DAC_OVERRIDE),
            ::prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER,
            ::access(below(where.sys, "/kernel/debug").c_str(), F_OK) == 0};
}

void look_for_pins(rights& mine, dmabuf::roots const& where) {
    constexpr std::size_t most = std::size_t{64} << 20U;
    auto const read = files::read_whole(below(where.sys, "/kernel/btf/vmlinux"), most);
    auto const* const types = std::get_if<std::string>(&read);
    if (!types) return;
    mine.can_pin = describes(*types, "bpf_get_current_task_btf"); // Linux 5.11
    mine.can_pin_list = mine.can_pin && describes(*types, "bpf_iter__dmabuf");
}

std::vector<std::string> words_of(rights const& mine) {
    std::vector<std::string> words;
    for (auto const& one : right_words)
        if (mine.*one.flag) words.emplace_back(one.word);
    return words;
}

rights rights_of(std::vector<std::string> const& words) {
    rights mine;
    for (auto const& one : right_words)
        mine.*one.flag = std::ranges::count(words, one.word) != 0;
    return mine;
}

} // namespace report
