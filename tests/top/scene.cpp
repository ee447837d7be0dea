// SPDX-License-Identifier: MIT
#include "scene.hpp"

#include "report/rights.hpp"

#include <fstream>

namespace top {

dmabuf::sample_options everything() {
    dmabuf::sample_options wanted;
    wanted.bpf = false;
    wanted.counts = wanted.cgroups = wanted.origins = wanted.unheld = wanted.bufinfo = true;
    return wanted;
}

desktop::desktop() {
    kernel.debugfs = true;
    pins.boot_ns = 5000 * second_ns;
    compositor->cgroup = "/user.slice/session.scope";
    camera->cgroup = "/system.slice/camera.service";
    browser->cgroup = "/user.slice/browser.scope";
    frame = made(41, 3 * mebibyte, *camera);
    page = made(42, 8 * mebibyte, *browser, "drm");
    scanout = made(43, 8 * mebibyte, *compositor, "drm");
    queued = made(44, 3 * mebibyte, *camera);
    scanout->devices = {"0000:00:02.0"};
    scanout->driver_references = 2;
    queued->driver_references = 1;
    attachments_.push_back(bpf::attachment_of(*scanout, "0000:00:02.0", bpf::actor_of(*compositor),
                                              pins.boot_ns - second_ns));
    camera->open(frame);
    compositor->open(frame);
    compositor->map(frame, 3 * mebibyte);
    compositor->open(page);
    compositor->open(scanout);
    browser->open(page);
}

fake::file_ptr desktop::made(std::uint64_t inode, std::uint64_t bytes, fake::process const& by,
                             std::string const& exporter) {
    auto file = kernel.buffer(inode, bytes, exporter);
    origins_.push_back(bpf::origin_of(*file, bpf::actor_of(by), pins.boot_ns - inode * second_ns));
    return file;
}

void desktop::leak() {
    camera->open(made(next_inode_++, mebibyte, *camera));
}

void desktop::pin() {
    auto const watch = bpf::watch_from(1);
    pins.pins[bpf::origins_path] = bpf::pin::of(bpf::origins(origins_, watch));
    pins.pins[bpf::attachments_path] = bpf::pin::of(bpf::attachments(attachments_, watch));
}

dmabuf::snapshot desktop::sample() {
    pin();
    return support::record_watched(kernel, pins, everything()).now;
}

std::string desktop::recorded(int second) {
    pin();
    auto done = support::record_watched(kernel, pins, everything()).recording;
    done.made.kernel = "6.12";
    done.made.rights = report::words_of({true, true, true, true, false});
    done.made.users = {{1000, "anna"}, {2000, "bert"}};
    for (auto& one : done.entries)
        if (one.what == replay::call::clock)
            one.number += static_cast<std::uint64_t>(second + 1) * second_ns;
    return replay::write(done);
}

series::series(int looks, step const& happens) {
    desktop it;
    for (int second = 0; second < looks; ++second) {
        happens(it, second);
        files_.push_back(there_.path() + "/" + std::to_string(second) + ".recording");
        std::ofstream(files_.back()) << it.recorded(second);
    }
}

void leak(desktop& it, int /*second*/) {
    it.leak();
}

} // namespace top
