// SPDX-License-Identifier: MIT
//
// The files that a sampler opens, and the facts that it learns, once.
#include "parts.hpp"

namespace {

dmabuf::session<parts::system> session_on(fake::kernel& kernel, wrapped::faults& plan) {
    return dmabuf::session<parts::system>{parts::system{{&kernel}, &plan}};
}

TEST_CASE("session: it opens /proc and the tree in sysfs, once") {
    fake::kernel kernel;
    wrapped::faults plan;
    kernel.sysfs_buffers = GENERATE(false, true);
    auto session = session_on(kernel, plan);
    REQUIRE(session.open());
    CHECK(kernel.open_descriptors() == (kernel.sysfs_buffers ? 2 : 1));
    CHECK((session.sysfs() != nullptr) == kernel.sysfs_buffers);
    CHECK(kernel.calls() <= 25);
    auto const before = kernel.calls();
    REQUIRE(session.open());
    CHECK(kernel.calls() == before);
}

TEST_CASE("session: where /proc is missing it says so, and opens it once it is there") {
    fake::kernel kernel;
    wrapped::faults plan;
    kernel.proc_mounted = false;
    auto session = session_on(kernel, plan);
    CHECK_FALSE(session.open());
    CHECK(kernel.open_descriptors() == 0);
    kernel.proc_mounted = true;
    CHECK(session.open());
}

TEST_CASE("session: it looks below its roots, and nowhere else") {
    fake::kernel kernel;
    wrapped::faults plan;
    kernel.proc_root = "/host/proc";
    kernel.sys_root = "/host/sys";
    kernel.sysfs_buffers = true;
    std::vector<std::string> elsewhere;
    kernel.event = [&](fake::call_event const& event) {
        if (!event.path.starts_with("/host/")) elsewhere.push_back(event.path);
    };
    dmabuf::session<parts::system> session{parts::system{{&kernel}, &plan},
                                           {.proc = "/host/proc", .sys = "/host/sys"}};
    REQUIRE(session.open());
    CHECK(session.sysfs() != nullptr);
    CHECK(session.kernel().proc_shows == dmabuf::visibility::everything);
    CHECK(session.kernel().own_pid_namespace);
    CHECK(elsewhere == std::vector<std::string>{});
}

TEST_CASE("session: roots whose files have longer paths than fit are refused") {
    fake::kernel kernel;
    wrapped::faults plan;
    auto const size = GENERATE(149U, 150U, 151U, 4000U);
    kernel.sys_root = "/" + std::string(size - 1, 's');
    kernel.sysfs_buffers = true;
    auto const which = GENERATE(&dmabuf::roots::proc, &dmabuf::roots::sys, &dmabuf::roots::bpffs);
    kernel.proc_root = which == &dmabuf::roots::proc ? kernel.sys_root : "/proc";
    dmabuf::roots roots;
    roots.*which = kernel.sys_root;
    dmabuf::session<parts::system> session{parts::system{{&kernel}, &plan}, roots};
    auto const opened = session.open();
    CAPTURE(size);
    REQUIRE(opened.has_value() == (size <= 150));
    CHECK((session.sysfs() != nullptr) == (size <= 150 && which == &dmabuf::roots::sys));
    if (!opened) CHECK(opened.error().error == ENAMETOOLONG);
}

TEST_CASE("session: it knows why there is no dmabuf_fds") {
    fake::kernel kernel;
    wrapped::faults plan;
    auto session = session_on(kernel, plan);
    SECTION("this kernel has it") {
        kernel.dmabuf_fds = true;
        REQUIRE(session.open());
        CHECK(session.why_no_dmabuf_fds().error == 0);
    }
    SECTION("this kernel does not") {
        REQUIRE(session.open());
        CHECK(session.why_no_dmabuf_fds().error == ENOENT);
        CHECK(session.why_no_dmabuf_fds().where.what == dmabuf::object::dmabuf_fds);
    }
}

TEST_CASE("session: a /proc that does not show the caller shows dmabuf_fds of its init") {
    fake::kernel kernel;
    wrapped::faults plan;
    kernel.shows_caller = false;
    kernel.dmabuf_fds = GENERATE(false, true);
    kernel.caller = fake::rights::user(1000); // who may not open that of init
    auto session = session_on(kernel, plan);
    REQUIRE(session.open());
    CHECK(session.why_no_dmabuf_fds().error == (kernel.dmabuf_fds ? 0 : ENOENT));
}

TEST_CASE("session: before 5.3 a DMA-BUF is an anonymous inode") {
    fake::kernel kernel;
    wrapped::faults plan;
    kernel.major = 5;
    kernel.minor = GENERATE(2U, 3U);
    auto session = session_on(kernel, plan);
    REQUIRE(session.open());
    CHECK(session.kernel().kernel_minor == kernel.minor);
    using filesystem = dmabuf::dmabuf_filesystem;
    session.known.learn(kernel.anonymous_device, filesystem::anonymous_inode_magic);
    dmabuf::file_status const anonymous{12, 0, kernel.anonymous_device, 0600, 1};
    CHECK(session.known.of(anonymous) ==
          (kernel.minor == 2 ? filesystem::kind::anonymous_inode : filesystem::kind::other));
}

TEST_CASE("session: its two spaces are apart, and stay where they are") {
    fake::kernel kernel;
    wrapped::faults plan;
    auto session = session_on(kernel, plan);
    session.make_space();
    auto const processes = session.process_space();
    auto const table = session.table_space();
    CHECK(processes.size() == 32768);
    CHECK(table.size() == 32768);
    CHECK((processes.data() + 32768 <= table.data() || table.data() + 32768 <= processes.data()));
    REQUIRE(session.open());
    CHECK(session.process_space().data() == processes.data());
    CHECK(session.table_space().data() == table.data());
}

} // namespace
