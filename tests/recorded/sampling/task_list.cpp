// SPDX-License-Identifier: MIT
//
// The tasks of a process, and whether others came since.
#include "parts.hpp"

namespace {

using parts::bench;
using parts::paths;

struct listed {
    explicit listed(fake::kernel& kernel)
        : on(kernel)
        , process(on.open(10)) {}

    dmabuf::result<void> read() { return list.read(process, on.session.table_space()); }
    dmabuf::result<bool> list_again() { return list.list_again(process, on.session.table_space()); }
    [[nodiscard]] std::vector<int> tids() const { return {list.tids().begin(), list.tids().end()}; }

    bench on;
    parts::process process;
    dmabuf::task_list<parts::system> list;
};

TEST_CASE("task list: one thread costs one call") {
    fake::kernel kernel;
    kernel.add(10, "p", 1234);
    listed p(kernel);
    CHECK(p.on.asked_by([&] { CHECK(p.read()); }) == paths{"10/task"});
    CHECK(p.tids() == std::vector{10});
    CHECK(p.list.uid() == 1234);
}

TEST_CASE("task list: threads in the kernel's order, read no further than the link count") {
    fake::kernel kernel;
    auto& process = kernel.add(10, "p");
    for (int const tid : {12, 11, 30})
        process.add_thread(tid);
    listed p(kernel);
    auto const before = kernel.calls();
    CHECK(p.on.asked_by([&] { CHECK(p.read()); }) == paths{"10/task", "10/task"});
    CHECK(kernel.calls() - before == 4); // statx, open, getdents64 and close
    CHECK(p.tids() == std::vector{10, 12, 11, 30});
}

TEST_CASE("task list: a process that has ended has no tasks") {
    fake::kernel kernel;
    kernel.add(10, "p").add_thread(11);
    listed p(kernel);
    SECTION("before they are counted") {
        kernel.exit(10);
        auto const read = p.read();
        REQUIRE_FALSE(read);
        CHECK(read.error().gone());
    }
    SECTION("before they are listed") {
        REQUIRE(p.read());
        p.on.before("/10/task/", [&] { kernel.exit(10); });
        auto const read = p.read();
        CHECK((!read && read.error().gone()));
    }
    CHECK(p.tids().empty());
}

TEST_CASE("task list: a failure names the directory") {
    fake::kernel kernel;
    kernel.add(10, "p");
    listed p(kernel);
    p.on.fail(1, EIO);
    auto const read = p.read();
    REQUIRE_FALSE(read);
    CHECK(read.error().error == EIO);
    CHECK(read.error().where.what == dmabuf::object::task_directory);
    CHECK(read.error().where.pid == 10);
}

TEST_CASE("task list: more threads than were counted are others") {
    fake::kernel kernel;
    auto& process = kernel.add(10, "p");
    process.add_thread(11);
    listed p(kernel);
    p.on.before("/10/task/", [&] { process.add_thread(12); });
    REQUIRE(p.read());
    CHECK(p.tids() == std::vector{10, 11});
    CHECK(p.list_again().value());
    CHECK(p.tids() == std::vector{10, 11, 12});
}

TEST_CASE("task list: fewer threads than were counted are read to the end") {
    fake::kernel kernel;
    auto& process = kernel.add(10, "p");
    process.add_thread(11);
    process.add_thread(12);
    listed p(kernel);
    p.on.before("/10/task/", [&] { fake::process::end_thread(*process.tasks[1]); });
    REQUIRE(p.read());
    CHECK(p.tids() == std::vector{10, 12});
}

TEST_CASE("task list: whether others came") {
    fake::kernel kernel;
    auto& process = kernel.add(10, "p");
    if (GENERATE(false, true)) process.add_thread(11);
    listed p(kernel);
    REQUIRE(p.read());
    SECTION("nobody") {
        CHECK_FALSE(p.list_again().value());
    }
    SECTION("one more") {
        process.add_thread(12);
        CHECK(p.list_again().value());
        CHECK_FALSE(p.list_again().value()); // since then
    }
    SECTION("one in the place of another") {
        if (process.tasks.size() == 1) return;
        fake::process::end_thread(*process.tasks[1]);
        process.add_thread(12);
        CHECK(p.list_again().value());
    }
    SECTION("all are gone") {
        kernel.exit(10);
        auto const others = p.list_again();
        CHECK((!others && others.error().gone()));
        CHECK(p.tids().empty());
    }
}

} // namespace
