// SPDX-License-Identifier: MIT
//
// A desktop on a made-up kernel, whose camera leaks a buffer a second, and looks at it.
#pragma once

#include "replay/support.hpp"
#include "scratch.hpp"

#include <functional>
#include <string>
#include <vector>

namespace top {

inline constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;
inline constexpr std::uint64_t second_ns = 1'000'000'000;

/// All that dmabuf_top asks for.
dmabuf::sample_options everything();

/// The compositor shares a frame with the camera and one with the browser. A frame lies in a queue
/// that no process has open.
struct desktop {
    fake::kernel kernel;
    bpf::bpffs pins;
    fake::process* compositor = &kernel.add(640, "compositor", 1000);
    fake::process* camera = &kernel.add(812, "camera", 1000);
    fake::process* browser = &kernel.add(1203, "browser", 2000);
    fake::file_ptr frame, page, scanout, queued;

    desktop();

    /// A buffer of this maker.
    fake::file_ptr made(std::uint64_t inode, std::uint64_t bytes, fake::process const& by,
                        std::string const& exporter = "system");
    /// The camera opens one more buffer of 1 MiB.
    void leak();

    dmabuf::snapshot sample();
    /// As taken in this second.
    std::string recorded(int second);

private:
    void pin();

    std::vector<dmabuf_bpf_origin> origins_;
    std::vector<dmabuf_bpf_attachment> attachments_;
    std::uint64_t next_inode_ = 100;
};

using step = std::function<void(desktop&, int)>;

/// The recordings of so many looks, before each of which `happens` changes the desktop. The files
/// are 0.recording, 1.recording and so on.
class series {
public:
    explicit series(int looks, step const& happens = [](desktop&, int) {});

    [[nodiscard]] std::vector<std::string> const& files() const { return files_; }
    [[nodiscard]] std::string const& directory() const { return there_.path(); }

private:
    programs::scratch there_;
    std::vector<std::string> files_;
};

/// A step that lets the camera leak.
void leak(desktop& it, int second);

} // namespace top
