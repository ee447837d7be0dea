// SPDX-License-Identifier: MIT
#include "parts.hpp"

template class dmabuf::session<parts::system>;
template class dmabuf::task_list<parts::system>;
template class dmabuf::describer<parts::system>;
template class dmabuf::walked_table<parts::system>;
template class dmabuf::listed_table<parts::system>;
template class dmabuf::mapped_buffers<parts::system>;
template class dmabuf::process_visit<parts::system>;

namespace parts {

bench::bench(fake::kernel& on, dmabuf::sample_options options)
    : kernel(on)
    , wanted(options) {
    if (!session.open()) throw std::runtime_error("the session cannot be opened");
    build.begin(now);
    build.begin_process();
    kernel.event = [this](fake::call_event const& event) { look_at(event); };
}

void bench::meet_dmabufs() {
    session.known.learn(kernel.dmabuf_device, dmabuf::dmabuf_filesystem::dmabuf_magic);
    session.known.mount_id = 21; // the fake kernel's
}

std::uint32_t bench::list(fake::file_ptr const& buffer) {
    auto const at = build.buffer_at(buffer->inode);
    build.found(at, false);
    return at;
}

dmabuf::unique_fd<system> bench::open_fds(process const& whose) {
    return dmabuf::open_at(whose.system, whose.directory.get(),
                           dmabuf::detail::path("task/", whose.pid, "/fd").c_str(),
                           O_RDONLY | O_DIRECTORY, {})
        .value();
}

process bench::open(int pid) {
    auto opened = dmabuf::open_process(session.proc(), pid);
    if (!opened) throw std::runtime_error("no such process");
    return std::move(opened).value();
}

void bench::fail(unsigned k, int error) {
    plan.fail_at = plan.calls + k;
    plan.error = error;
}

void bench::before(std::string path, std::function<void()> happens) {
    awaited_ = std::move(path);
    happens_ = std::move(happens);
}

void bench::look_at(fake::call_event const& event) {
    if (happens_ && event.kind != fake::call::close && event.path.ends_with(awaited_))
        std::exchange(happens_, nullptr)();
    auto path = event.path.starts_with("/proc/") ? event.path.substr(6) : event.path;
    bool const on_open_file = path.ends_with('/');
    switch (event.kind) {
    case fake::call::open:
    case fake::call::status:
    case fake::call::readlink:
        if (!on_open_file) asked_.push_back(path);
        break;
    case fake::call::query:
        path.back() = '?';
        asked_.push_back(path);
        break;
    default:
        break;
    }
}

dmabuf::buffer const& bench::buffer(fake::file_ptr const& which) {
    for (auto const& one : now.buffers)
        if (one.inode == which->inode) return one;
    throw std::runtime_error("no such buffer");
}

std::size_t bench::times(fake::file_ptr const& which) {
    std::size_t count = 0;
    for (auto const& one : build.table())
        count += build[one.buffer].inode == which->inode;
    return count;
}

bool bench::has_exporter(fake::file_ptr const& which, char const* name) {
    return buffer(which).exporter == build.exporter_at(dmabuf::exporter_name(name));
}

dmabuf::sample_options only_sizes() {
    dmabuf::sample_options options;
    options.exporters = options.names = options.path_descriptors = options.mappings = false;
    return options;
}

} // namespace parts
