// SPDX-License-Identifier: MIT
//
// One descriptor table, walked.
#include "parts.hpp"

namespace {

using parts::bench;
using parts::outcome;
using parts::paths;

/// Process 10 with a file, a buffer, the same by O_PATH, and another buffer, at 0 to 3.
struct scene {
    explicit scene(fake::kernel& kernel, dmabuf::sample_options wanted = {})
        : first(kernel.buffer(77, 4096, "system", "camera"))
        , second(kernel.buffer(78, 8192, "udmabuf"))
        , holder(kernel.add(10, "p"))
        , on(kernel, wanted) {
        holder.open(kernel.regular("/x"));
        holder.open(first);
        holder.open(first, true);
        holder.open(second);
    }

    outcome read() {
        auto const process = on.open(10);
        return table.read(process, 10);
    }

    fake::file_ptr first, second;
    fake::process& holder;
    bench on;
    dmabuf::walked_table<parts::system> table{on.sample};
};

std::size_t marked(bench& on) {
    std::size_t count = 0;
    for (auto const& one : on.build.table())
        count += one.path_descriptors;
    return count;
}

TEST_CASE("walked table: descriptors tell all, and O_PATH is marked where that is wanted") {
    fake::kernel kernel;
    dmabuf::sample_options wanted;
    wanted.path_descriptors = GENERATE(false, true);
    scene s(kernel, wanted);
    CHECK(s.read() == outcome::seen);
    CHECK_FALSE(s.table.saw_gone());
    CHECK(s.on.times(s.first) == 2);
    CHECK(s.on.times(s.second) == 1);
    CHECK(marked(s.on) == (wanted.path_descriptors ? 1 : 0));
    CHECK(s.on.buffer(s.first).size_bytes == 4096);
    CHECK(s.on.buffer(s.first).name.view() == "camera");
    CHECK(s.on.buffer(s.second).size_bytes == 8192);
    CHECK(s.on.has_exporter(s.first, "system"));
    CHECK(s.on.has_exporter(s.second, "udmabuf"));
}

TEST_CASE("walked table: a buffer is described once, by its first descriptor that tells") {
    fake::kernel kernel;
    auto wanted = dmabuf::sample_options{};
    wanted.path_descriptors = false;
    scene s(kernel, wanted);
    s.on.meet_dmabufs();
    auto const process = s.on.open(10);
    CHECK(s.on.asked_by([&] { s.table.read(process, 10); }) ==
          paths{"10/task/10/fd", "10/task/10/fd/0", "10/task/10/fd/1", "10/task/10/fdinfo/1",
                "10/task/10/fd/2", "10/task/10/fd/3", "10/task/10/fdinfo/3"});
}

TEST_CASE("walked table: where fd is denied, fdinfo tells all but what is O_PATH alone") {
    fake::kernel kernel;
    kernel.caller = fake::rights::ptrace_only(5);
    scene s(kernel);
    auto const path_only = kernel.buffer(79, 100);
    s.holder.open(path_only, true);
    CHECK(s.read() == outcome::seen);
    CHECK(s.on.times(s.first) == 2);
    CHECK(s.on.times(path_only) == 1);
    CHECK(marked(s.on) == 2);
    CHECK(s.on.buffer(s.first).size_bytes == 4096);
    CHECK(s.on.buffer(s.second).size_bytes == 8192);
    CHECK_FALSE(s.on.buffer(path_only).size_known);
}

TEST_CASE("walked table: sysfs tells the size of what is O_PATH alone") {
    fake::kernel kernel;
    kernel.caller = fake::rights::ptrace_only(5);
    kernel.sysfs_buffers = true;
    scene s(kernel);
    auto const path_only = kernel.buffer(79, 100, "heap");
    s.holder.open(path_only, true);
    CHECK(s.read() == outcome::seen);
    CHECK(s.on.buffer(path_only).size_bytes == 100);
    CHECK(s.on.has_exporter(path_only, "heap"));
}

TEST_CASE("walked table: by fdinfo, O_PATH is undecided until a DMA-BUF tells the mount") {
    fake::kernel kernel;
    kernel.caller = fake::rights::ptrace_only(5);
    scene s(kernel);
    std::swap(s.holder.files()[0], s.holder.files()[2]); // before every other
    CHECK(s.read() == outcome::seen);
    CHECK(s.on.counted().undecided == 1);
    CHECK(s.on.times(s.first) == 1);
    CHECK(s.read() == outcome::seen);
    CHECK(s.on.counted().undecided == 1);
    CHECK(s.on.times(s.first) == 2);
}

TEST_CASE("walked table: who may see neither is denied, and finds nothing") {
    fake::kernel kernel;
    kernel.caller = fake::rights::user(5);
    scene s(kernel);
    CHECK(s.read() == outcome::denied);
    CHECK(s.on.build.table_is_empty());
}

TEST_CASE("walked table: a descriptor that is closed meanwhile is counted, the others are read") {
    fake::kernel kernel;
    scene s(kernel);
    s.on.before("/fd/1", [&] { s.holder.files().erase(1); });
    CHECK(s.read() == outcome::seen);
    CHECK(s.table.saw_gone());
    CHECK(s.on.counted().descriptors_gone == 1);
    CHECK(s.on.times(s.first) == 1);
    CHECK(s.on.times(s.second) == 1);
    CHECK(s.read() == outcome::seen);
    CHECK_FALSE(s.table.saw_gone()); // that was the read before
    CHECK(s.on.times(s.second) == 1);
}

TEST_CASE("walked table: a descriptor that fails is counted, the others are read") {
    fake::kernel kernel;
    scene s(kernel, parts::only_sizes());
    s.on.meet_dmabufs();
    auto const process = s.on.open(10);
    s.on.fail(4, EIO); // open and list fd, statx of 0, and of 1
    CHECK(s.table.read(process, 10) == outcome::seen);
    CHECK_FALSE(s.table.saw_gone());
    CHECK(s.on.counted().descriptors_failed == 1);
    CHECK(s.on.counted().first_failure.where.fd == 1);
    CHECK(s.on.times(s.first) == 1);
    CHECK(s.on.times(s.second) == 1);
}

TEST_CASE("walked table: a directory that fails, fails the table") {
    fake::kernel kernel;
    scene s(kernel);
    auto const process = s.on.open(10);
    s.on.fail(GENERATE(1U, 2U), EIO);
    CHECK(s.table.read(process, 10) == outcome::failed);
    CHECK(s.on.counted().descriptors_failed == 0);
    CHECK(s.on.counted().first_failure.where.what == dmabuf::object::fd_directory);
}

TEST_CASE("walked table: before 5.3 a DMA-BUF cannot be told apart, and is counted") {
    fake::kernel kernel;
    kernel.major = 5;
    kernel.minor = 2;
    scene s(kernel);
    s.read();
    CHECK(s.on.counted().indistinct.descriptors == 3);
    CHECK(s.on.counted().descriptors_failed == 0);
    CHECK(s.on.counted().first_failure.error == 0);
    CHECK(s.on.build.table_is_empty());
}

TEST_CASE("walked table: a task that has ended is gone") {
    fake::kernel kernel;
    scene s(kernel);
    auto const process = s.on.open(10);
    kernel.exit(10);
    CHECK(s.table.read(process, 10) == outcome::gone);
    CHECK(s.on.counted().first_failure.error == 0);
}

} // namespace
