// SPDX-License-Identifier: MIT
//
// The kernel's lists of all buffers: bufinfo, and the files of the sysfs tree.
#include <dmabuf/kernel/bufinfo.hpp>
#include <dmabuf/kernel/sysfs_buffers.hpp>

#include "target.hpp"

#include <string>

void run_target(std::string_view input) {
    dmabuf::bufinfo_parser parser;
    std::optional<dmabuf::result<dmabuf::bufinfo_buffer>> item;
    std::size_t rows = 0;
    std::size_t lines = 0;
    auto const take = [&] {
        if (!item) return false;
        if (*item) {
            auto const& row = **item;
            ++rows;
            require(row.inode == 0 || input.find(std::to_string(row.inode)) != input.npos,
                    "no inode is made up");
            require(input.find(std::to_string(row.size_bytes)) != input.npos, "no size is made up");
            require(row.exporter.truncated() || input.find(row.exporter.view()) != input.npos,
                    "no exporter is made up");
            std::uint32_t times = 0;
            for (auto const& device : row.named_devices()) {
                require(input.find(device.name.view()) != input.npos, "no device is made up");
                times += device.times;
            }
            require(times <= row.attachments && row.attachments <= lines,
                    "an attachment is a line");
        } else {
            auto const why = (*item).error();
            require(why.error == EBADMSG || why.error == EINTR, "a failure has its reason");
            require(why.line <= lines, "an odd row is a line");
        }
        item.reset();
        return true;
    };
    for (auto rest = input; !rest.empty();) {
        ++lines;
        parser.line(dmabuf::detail::take_until(rest, '\n'), item);
        take();
    }
    for (int i = 0; i < 3; ++i) {
        parser.finish(item);
        require(take() || i > 0 || rows == 0 || lines != 0, "the list ends");
    }
    require(rows <= lines, "a row is a line");

    if (auto const size = dmabuf::parse_sysfs_size(input))
        require(input.find(std::to_string(*size)) != input.npos, "no size is made up");
    if (auto const name = dmabuf::parse_sysfs_exporter_name(input))
        require(name->truncated() || std::string(name->view()) + "\n" == input,
                "the exporter is all but the newline");
}
