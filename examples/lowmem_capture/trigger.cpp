// SPDX-License-Identifier: MIT
#include "trigger.hpp"

#include "say.hpp"

#include <fcntl.h>
#include <sys/stat.h>

namespace lowmem_capture {

namespace {

constexpr long cgroup_magic = 0x63677270; // CGROUP2_SUPER_MAGIC, include/uapi/linux/magic.h

constexpr auto what_it_takes =
    "it takes CONFIG_PSI, and psi=1 on the kernel's command line where that is turned off";

/// The pressure of the whole system.
std::string system_file(options const& chosen) {
    return fmt::format("{}/pressure/memory", chosen.roots.proc.view());
}

bool is_directory(std::string const& path) {
    struct ::stat status;
    return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

no_trigger not_in_kernel(std::string const& path) {
    return {fmt::format("this kernel does not measure pressure: there is no {} ({})", path,
                        what_it_takes),
            true};
}

no_trigger not_opened(options const& chosen, std::string const& path, int error) {
    bool const of_cgroup = !chosen.cgroup.empty();
    if (error == ENOENT && of_cgroup && !is_directory(chosen.cgroup))
        return {fmt::format("there is no cgroup {}", chosen.cgroup)};
    if (error == ENOENT && of_cgroup && ::access(system_file(chosen).c_str(), F_OK) == 0)
        return {fmt::format("there is no {}: {} is no cgroup of version 2, or is their root, or "
                            "pressure is turned off in it (cgroup.pressure)",
                            path, chosen.cgroup)};
    if (error == ENOENT || error == EOPNOTSUPP) return not_in_kernel(path);
    if (error == EPERM || error == EACCES)
        return {fmt::format("cannot open {} for writing: {}: run as root, or with CAP_SYS_RESOURCE",
                            path, words(error))};
    return {fmt::format("cannot open {}: {}", path, words(error))};
}

no_trigger not_armed(std::string const& path, std::string const& text, int error) {
    if (error == EOPNOTSUPP) return not_in_kernel(path);
    if (error == EINVAL)
        return {fmt::format("the kernel refuses the trigger \"{}\" on {}: without "
                            "CAP_SYS_RESOURCE the window must be a multiple of 2000 ms",
                            text, path)};
    return {fmt::format("cannot arm \"{}\" on {}: {}", text, path, words(error))};
}

} // namespace

std::variant<trigger, no_trigger> trigger::arm(options const& chosen) {
    trigger armed;
    armed.path_ = chosen.cgroup.empty() ? system_file(chosen) : chosen.cgroup + "/memory.pressure";
    armed.text_ =
        fmt::format("{} {} {}", chosen.level, chosen.stall_ms * 1000, chosen.window_ms * 1000);
    int const fd = ::open(armed.path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return not_opened(chosen, armed.path_, errno);
    armed.file_ = {dmabuf::live_system{}, fd};
    bool const of_cgroup = !chosen.cgroup.empty();
    if (of_cgroup && dmabuf::live_system{}.filesystem_type(fd) != cgroup_magic)
        return no_trigger{fmt::format("{} is no cgroup of version 2", chosen.cgroup)};
    // The kernel takes the last byte, be it a letter, for the end of the text.
    if (::write(fd, armed.text_.c_str(), armed.text_.size() + 1) < 0)
        return not_armed(armed.path_, armed.text_, errno);
    return armed;
}

} // namespace lowmem_capture
