// SPDX-License-Identifier: MIT
//
// One attempt at one process, with each of its five outcomes.
#include "parts.hpp"

namespace {

using dmabuf::source;
using parts::bench;
using parts::outcome;

/// Process 10 with a buffer.
struct scene {
    explicit scene(fake::kernel& kernel, source which = source::fd_walk,
                   dmabuf::sample_options wanted = {})
        : by(which)
        , buffer(kernel.buffer(77, 4096, "system", "camera"))
        , holder(kernel.add(10, "p", 1234))
        , on((kernel.dmabuf_fds = which == source::dmabuf_fds, kernel), wanted) {
        holder.open(buffer);
    }

    outcome visit(bool doubting = false) {
        auto const process = on.open(10);
        dmabuf::process_visit<parts::system> visit(on.sample, by, memory, process, doubting);
        auto const how = visit.read();
        kernel_thread = visit.is_kernel_thread();
        return how;
    }
    [[nodiscard]] bool found_nobody() const {
        return on.now.holders.empty() && on.now.references.empty();
    }
    /// Descriptors of the first holder.
    [[nodiscard]] std::size_t descriptors() const {
        return on.now.holders.empty() ? 0 : on.now.references[0].descriptors;
    }

    source by;
    fake::file_ptr buffer;
    fake::process& holder;
    bench on;
    dmabuf::visit_memory<parts::system> memory{on.session.system()};
    bool kernel_thread = false;
};

source any_source() {
    return GENERATE(source::fd_walk, source::dmabuf_fds);
}

TEST_CASE("process visit: seen, and who it is") {
    fake::kernel kernel;
    dmabuf::sample_options wanted;
    wanted.cgroups = GENERATE(false, true);
    scene s(kernel, any_source(), wanted);
    s.holder.cgroup = "/media";
    s.holder.map(s.buffer, 4096);
    CHECK(s.visit() == outcome::seen);
    REQUIRE(s.on.now.holders.size() == 1);
    auto const& who = s.on.now.holders[0];
    CHECK(who.pid == 10);
    CHECK(who.uid == 1234);
    CHECK(who.comm.view() == "p");
    CHECK(who.start_ticks == s.holder.start_ticks);
    CHECK(s.on.now.cgroup_name(who.cgroup) == (wanted.cgroups ? "/media" : ""));
    CHECK(who.reference_count == 1);
    CHECK(s.descriptors() == 1);
    CHECK(s.on.now.references[0].mappings == 1);
}

TEST_CASE("process visit: seen, and holds nothing") {
    fake::kernel kernel;
    scene s(kernel, any_source());
    s.holder.files().clear();
    s.holder.map(kernel.regular("/lib"), 4096);
    CHECK(s.visit() == outcome::seen);
    CHECK(s.found_nobody());
    CHECK(s.on.counted().processes_without_memory == 0);
}

TEST_CASE("process visit: seen, and without memory, as kernel threads are") {
    fake::kernel kernel;
    kernel.map_queries = GENERATE(false, true);
    dmabuf::sample_options wanted;
    wanted.mappings = GENERATE(false, true);
    scene s(kernel, any_source(), wanted);
    s.holder.files().clear();
    s.holder.kernel_thread = true;
    CHECK(s.visit() == outcome::seen);
    CHECK(s.on.counted().processes_without_memory == (wanted.mappings ? 1 : 0));
}

TEST_CASE("process visit: a table that threads share is read once, where kcmp tells") {
    fake::kernel kernel;
    kernel.kcmp = GENERATE(false, true);
    scene s(kernel, any_source());
    s.holder.add_thread(11);
    s.holder.add_thread(12, std::make_shared<fake::table>(s.holder.files()));
    s.holder.map(kernel.regular("/lib"), 4096);
    CHECK(s.visit() == outcome::seen);
    bool const twice = !kernel.kcmp && s.by == source::fd_walk;
    CHECK(s.on.counted().tables == (twice ? 3 : 2));
    CHECK(s.on.counted().tables_uncertain == (twice ? 2 : 0));
    CHECK(s.descriptors() == (twice ? 3 : 2));
}

TEST_CASE("process visit: denied, and no kernel thread") {
    fake::kernel kernel;
    scene s(kernel, any_source());
    kernel.caller = fake::rights::user(5);
    CHECK(s.visit() == outcome::denied);
    CHECK_FALSE(s.kernel_thread);
    CHECK(s.found_nobody());
}

TEST_CASE("process visit: denied, and a kernel thread") {
    fake::kernel kernel;
    scene s(kernel, any_source());
    s.holder.files().clear();
    s.holder.kernel_thread = true;
    kernel.caller = fake::rights::user(5);
    CHECK(s.visit() == outcome::denied);
    CHECK(s.kernel_thread);
}

TEST_CASE("process visit: what is found counts where only the mappings are denied") {
    fake::kernel kernel;
    scene s(kernel, any_source());
    // It changes its rights between the two.
    s.on.before("/task/10/maps", [&] { kernel.caller = fake::rights::user(5); });
    CHECK(s.visit() == outcome::denied);
    CHECK(s.descriptors() == 1);
    CHECK(s.on.now.holders.size() == 1);
}

TEST_CASE("process visit: failed") {
    fake::kernel kernel;
    scene s(kernel, any_source());
    auto const process = s.on.open(10);
    s.on.fail(2, EIO); // the first is the count of its tasks, this one opens a table
    dmabuf::process_visit<parts::system> visit(s.on.sample, s.by, s.memory, process, false);
    CHECK(visit.read() == outcome::failed);
    CHECK(s.on.counted().first_failure.error == EIO);
    CHECK(s.found_nobody());
}

TEST_CASE("process visit: gone, before it is read or meanwhile, and nothing of it stays") {
    fake::kernel kernel;
    scene s(kernel, any_source());
    s.holder.add_thread(11);
    s.holder.map(s.buffer, 4096);
    auto const* const when = GENERATE("/10/task", "/10/task/", "/task/10/maps", "/10/stat");
    CAPTURE(when);
    s.on.before(when, [&] { kernel.exit(10); });
    CHECK(s.visit() == outcome::gone);
    CHECK(s.found_nobody());
    CHECK(s.on.counted().first_failure.error == 0);
}

TEST_CASE("process visit: a zombie holds nothing, and where it may not be looked at it is gone") {
    fake::kernel kernel;
    scene s(kernel, any_source());
    s.holder.end_leader();
    bool const allowed = GENERATE(false, true);
    if (!allowed) kernel.caller = fake::rights::user(5);
    CHECK(s.visit() == (allowed ? outcome::seen : outcome::gone));
    CHECK(s.found_nobody());
}

TEST_CASE("process visit: again, where its tasks could not be counted, and then could") {
    fake::kernel kernel;
    scene s(kernel, any_source());
    auto const process = s.on.open(10);
    s.on.fail(1, EIO);
    dmabuf::process_visit<parts::system> visit(s.on.sample, s.by, s.memory, process, false);
    CHECK(visit.read() == outcome::again);
}

TEST_CASE("process visit: again, where the only task was gone and another is there") {
    fake::kernel kernel;
    scene s(kernel, any_source());
    s.on.before(s.by == source::fd_walk ? "/task/10/fd" : "/task/10/dmabuf_fds", [&] {
        s.holder.add_thread(11); // has the leader's table
        s.holder.end_leader();
    });
    CHECK(s.visit() == outcome::again);
    s.on.build.drop_process();
    CHECK(s.visit(true) == outcome::seen);
    CHECK(s.descriptors() == 1);
}

TEST_CASE("process visit: again, where it executes another program while its maps are read") {
    fake::kernel kernel;
    scene s(kernel, any_source());
    s.holder.map(s.buffer, 4096);
    unsigned queries = 0;
    kernel.event = [&](fake::call_event const& event) {
        if (event.kind == fake::call::query && ++queries == 2) s.holder.exec();
    };
    CHECK(s.visit() == outcome::again);
    kernel.event = nullptr;
    s.on.build.drop_process();
    CHECK(s.visit(true) == outcome::seen);
    CHECK(s.on.now.references[0].mappings == 0);
}

TEST_CASE("process visit: again, where the leader exits between its table and that of a thread") {
    fake::kernel kernel;
    scene s(kernel, any_source());
    s.holder.add_thread(11, std::make_shared<fake::table>(s.holder.files()));
    s.on.before("/10/task/10/stat", [&] { s.holder.end_leader(); });
    CHECK(s.visit() == outcome::again);
}

TEST_CASE("process visit: in doubt, each table is checked at once, and is uncertain") {
    fake::kernel kernel;
    scene s(kernel);
    auto const own = std::make_shared<fake::table>(s.holder.files());
    s.holder.add_thread(11, own);
    s.holder.add_thread(12, own);
    s.holder.add_thread(13, std::make_shared<fake::table>(s.holder.files()));
    s.holder.map(kernel.regular("/lib"), 4096);
    // The one that task 12 was compared with exits when all tables were read.
    s.on.before("/task/13/stat", [&] { fake::process::end_thread(*s.holder.tasks[1]); });
    bool const doubting = GENERATE(false, true);
    auto const how = s.visit(doubting);
    if (!doubting) {
        CHECK(how == outcome::again);
    } else {
        CHECK(s.on.counted().tables_uncertain > 0);
    }
}

} // namespace
