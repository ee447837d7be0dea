// SPDX-License-Identifier: MIT
//
// The world does not stand still while it is looked at: something happens before the k-th call, for
// every k.
#include "harness.hpp"

namespace {

/// Two bystanders around the process to which it happens.
struct world {
    fake::kernel kernel;
    fake::file_ptr shared = kernel.buffer(1, 4096, "system", "shared");
    fake::file_ptr own = kernel.buffer(2, 8192, "udmabuf", "own");
    fake::file_ptr other = kernel.buffer(3, 100, "i915", "other");

    explicit world(bool list, bool sysfs) {
        kernel.map_queries = !sysfs;
        kernel.dmabuf_fds = list;
        kernel.sysfs_buffers = sysfs;
        kernel.add(10, "before").open(shared);
        auto& victim = kernel.add(20, "victim");
        victim.open(shared);
        victim.open(own);
        victim.open(kernel.regular("/x"));
        victim.open(own);
        victim.map(own, 4096);
        auto& thread = victim.add_thread(21, std::make_shared<fake::table>());
        fake::process::open_in(*thread.files, other);
        kernel.add(30, "after").open(shared);
    }
};

struct seen {
    dmabuf::snapshot now;
    unsigned calls = 0;
    bool happened = false;
};

template<class Event>
seen sampled_while(world& w, unsigned k, Event happens, dmabuf::sample_options options = {}) {
    seen result;
    w.kernel.event = [&](fake::call_event const& event) {
        result.calls = event.number;
        if (event.number != k) return;
        result.happened = true;
        happens();
    };
    result.now = sampled(w.kernel, options);
    w.kernel.event = nullptr;
    return result;
}

/// The bystanders are always right.
void check_bystanders(seen const& s, world const& w) {
    CHECK(broken_invariant(s.now) == "");
    auto const truth = only(w.kernel.truth(), {10, 30});
    CHECK(words(only(account_of(s.now), {10, 30})) == words(truth));
    CHECK(buffer_of(s.now, 1).size_bytes == 4096);
    CHECK(w.kernel.open_descriptors() == 0);
    for (auto const& [pid, buffers] : account_of(s.now))
        CHECK((pid == 10 || pid == 20 || pid == 25 || pid == 30));
}

TEST_CASE("events: a process exits before the k-th call") {
    auto const list = GENERATE(false, true);
    auto const sysfs = GENERATE(false, true);
    for (unsigned k = 1;; ++k) {
        world w(list, sysfs);
        auto const before = w.kernel.truth();
        auto const s = sampled_while(w, k, [&] { w.kernel.exit(20); });
        if (!s.happened) break;
        INFO("before call " << k << "\n" << words(s.now.coverage));
        check_bystanders(s, w);
        // All of it, or nothing.
        auto const found = account_of(s.now);
        if (auto const victim = found.find(20); victim != found.end())
            CHECK(words(found) == words(before));
        CHECK(s.now.coverage.processes_failed == 0);
        CHECK(s.now.coverage.processes_denied == 0);
    }
}

TEST_CASE("events: a thread with a table of its own exits before the k-th call") {
    auto const list = GENERATE(false, true);
    for (unsigned k = 1;; ++k) {
        world w(list, true);
        auto const before = w.kernel.truth();
        auto const s = sampled_while(w, k, [&] {
            auto& thread = *w.kernel.at(20).tasks[1];
            thread.dead = thread.exiting = true;
            thread.files = nullptr;
        });
        if (!s.happened) break;
        INFO("before call " << k << "\n" << words(s.now.coverage));
        check_bystanders(s, w);
        auto const found = words(account_of(s.now));
        CHECK((found == words(before) || found == words(w.kernel.truth())));
        CHECK(s.now.coverage.complete());
    }
}

TEST_CASE("events: the leader becomes a zombie before the k-th call, with a thread that lives or "
          "without") {
    auto const list = GENERATE(false, true);
    auto const thread = GENERATE(false, true);
    for (unsigned k = 1;; ++k) {
        world w(list, false);
        if (!thread) w.kernel.at(20).tasks.pop_back();
        auto const before = w.kernel.truth();
        auto const s = sampled_while(w, k, [&] { w.kernel.at(20).end_leader(); });
        if (!s.happened) break;
        CAPTURE(list, thread, k, words(s.now.coverage));
        check_bystanders(s, w);
        auto const found = words(account_of(s.now));
        CHECK((found == words(before) || found == words(w.kernel.truth())));
    }
}

TEST_CASE("events: the only thread makes another and becomes a zombie before the k-th call") {
    auto const list = GENERATE(false, true);
    for (unsigned k = 1;; ++k) {
        world w(list, false);
        w.kernel.at(20).tasks.pop_back();
        auto const before = w.kernel.truth();
        auto const s = sampled_while(w, k, [&] {
            w.kernel.at(20).add_thread(22);
            w.kernel.at(20).end_leader();
        });
        if (!s.happened) break;
        CAPTURE(list, k, words(s.now.coverage));
        check_bystanders(s, w);
        CHECK(words(account_of(s.now)) == words(before));
    }
}

TEST_CASE("events: a thread makes another in its table and exits before the k-th call") {
    auto const list = GENERATE(false, true);
    for (unsigned k = 1;; ++k) {
        world w(list, true);
        auto const before = w.kernel.truth();
        auto const s = sampled_while(w, k, [&] {
            auto& victim = w.kernel.at(20);
            victim.add_thread(22, victim.tasks[1]->files);
            auto& thread = *victim.tasks[1];
            thread.dead = thread.exiting = true;
            thread.files = nullptr;
        });
        if (!s.happened) break;
        CAPTURE(list, k, words(s.now.coverage));
        check_bystanders(s, w);
        CHECK(words(account_of(s.now)) == words(before));
    }
}

TEST_CASE("events: both threads make others and exit before the k-th call") {
    auto const list = GENERATE(false, true);
    for (unsigned k = 1;; ++k) {
        world w(list, true);
        auto const before = w.kernel.truth();
        auto const s = sampled_while(w, k, [&] {
            auto& victim = w.kernel.at(20);
            auto const own = victim.tasks[1]->files;
            victim.add_thread(22);
            victim.add_thread(23, own);
            victim.end_leader();
            auto& thread = *victim.tasks[1];
            thread.dead = thread.exiting = true;
            thread.files = nullptr;
        });
        if (!s.happened) break;
        CAPTURE(list, k, words(s.now.coverage));
        check_bystanders(s, w);
        CHECK(words(account_of(s.now)) == words(before));
    }
}

TEST_CASE("events: both threads of one table make another before the k-th call, and are gone by a "
          "later one") {
    auto const list = GENERATE(false, true);
    auto const mappings = GENERATE(false, true);
    auto const minor = GENERATE(1U, 12U); // before 6.2 nothing tells how many descriptors there are
    auto const later = GENERATE(1U, 2U, 3U, 4U, 5U, 8U);
    for (unsigned k = 1;; ++k) {
        world w(list, true);
        w.kernel.minor = minor;
        auto& victim = w.kernel.at(20);
        victim.mappings.clear();
        victim.tasks[1]->files = victim.leader().files;
        auto const before = w.kernel.truth();
        bool happened = false;
        w.kernel.event = [&](fake::call_event const& event) {
            auto& thread = *victim.tasks[1];
            if (event.number == k) {
                happened = true;
                victim.add_thread(22);
                victim.end_leader();
                thread.exiting = true;
                thread.files = nullptr; // as that of the leader, kcmp finds
            }
            thread.dead = event.number >= k + later;
        };
        auto const now = sampled(w.kernel, {.mappings = mappings});
        w.kernel.event = nullptr;
        if (!happened) break;
        CAPTURE(list, mappings, minor, later, k, words(now.coverage));
        CHECK(broken_invariant(now) == "");
        CHECK(words(account_of(now)) == words(before));
    }
}

TEST_CASE("events: two threads of two tables exit before the k-th call, and a third has one") {
    auto const list = GENERATE(false, true);
    for (unsigned k = 1;; ++k) {
        world w(list, true);
        auto& victim = w.kernel.at(20);
        victim.mappings.clear();
        victim.files().clear();
        victim.open(w.kernel.regular("/x"));
        auto& held = victim.add_thread(22, victim.tasks[1]->files);
        victim.tasks[1]->files = std::make_shared<fake::table>();
        auto const before = w.kernel.truth();
        auto const s = sampled_while(w, k,
                                     [&] {
                                         victim.add_thread(23, held.files);
                                         for (auto* const thread : {victim.tasks[1].get(), &held}) {
                                             thread->exiting = true;
                                             thread->files = nullptr; // the same for kcmp
                                         }
                                     },
                                     {.mappings = false});
        if (!s.happened) break;
        CAPTURE(list, k, words(s.now.coverage));
        check_bystanders(s, w);
        CHECK(words(account_of(s.now)) == words(before));
    }
}

TEST_CASE("events: a process that flees from task to task is not counted as nothing") {
    auto const list = GENERATE(false, true);
    world w(list, false);
    w.kernel.at(20).tasks.pop_back();
    int last = 20;
    w.kernel.event = [&](fake::call_event const& event) {
        // Whenever a task's table is about to be read, it has given it to another.
        auto const task = "/proc/20/task/" + std::to_string(last) + "/";
        if (!event.path.starts_with(task)) return;
        auto& victim = w.kernel.at(20);
        victim.add_thread(++last, victim.tasks.back()->files);
        auto& left = *victim.tasks[victim.tasks.size() - 2];
        left.files = nullptr;
        left.exiting = true;
        left.dead = left.tid != 20;
    };
    auto const now = sampled(w.kernel);
    INFO(words(now.coverage));
    CHECK(broken_invariant(now) == "");
    CHECK(account_of(now).count(20) == 0);
    CHECK(now.coverage.processes_failed == 1);
    CHECK_FALSE(now.coverage.complete());
    CHECK(dmabuf::describe(now.coverage.first_failure) ==
          "cannot list /proc/20/task: changes all the time (EAGAIN)");
}

TEST_CASE("events: one of two threads that share a table exits before the k-th call") {
    auto const list = GENERATE(false, true);
    for (unsigned k = 1;; ++k) {
        world w(list, true);
        auto& victim = w.kernel.at(20);
        victim.add_thread(22, victim.tasks[1]->files);
        auto const truth = w.kernel.truth();
        auto const s = sampled_while(w, k, [&] {
            auto& thread = *w.kernel.at(20).tasks[1];
            thread.dead = thread.exiting = true;
            thread.files = nullptr;
        });
        if (!s.happened) break;
        INFO("before call " << k << "\n" << words(s.now.coverage));
        check_bystanders(s, w);
        // Where the earlier thread went after it was read, nobody can tell whether the later one's
        // table was the same.
        if (s.now.coverage.tables_uncertain == 0)
            CHECK(words(account_of(s.now)) == words(truth));
        else
            CHECK(holder_of(s.now, 20).rss_bytes == 4096 + 8192 + 100);
    }
}

TEST_CASE("events: a descriptor is closed before the k-th call") {
    auto const list = GENERATE(false, true);
    for (unsigned k = 1;; ++k) {
        world w(list, false);
        auto const before = w.kernel.truth();
        auto const s = sampled_while(w, k, [&] { w.kernel.at(20).files().erase(0); });
        if (!s.happened) break;
        INFO("before call " << k << "\n" << words(s.now.coverage));
        check_bystanders(s, w);
        auto const found = words(account_of(s.now));
        CHECK((found == words(before) || found == words(w.kernel.truth())));
        CHECK(s.now.coverage.complete());
    }
}

TEST_CASE("events: a buffer ends, and all descriptors of it, before the k-th call") {
    auto const list = GENERATE(false, true);
    auto const sysfs = GENERATE(false, true);
    auto const names = GENERATE(false, true);
    CAPTURE(list, sysfs, names);
    unsigned gone = 0;
    for (unsigned k = 1;; ++k) {
        world w(list, sysfs);
        auto const brief = w.kernel.buffer(7, 700, "system", "brief");
        w.kernel.at(20).open(brief);
        w.kernel.at(20).open(brief);
        w.kernel.add(25, "only").open(brief);
        auto const before = w.kernel.truth();
        auto const s = sampled_while(w, k, [&] { w.kernel.release(brief); }, {.names = names});
        if (!s.happened) break;
        INFO("before call " << k << "\n" << words(s.now.coverage));
        check_bystanders(s, w);
        // Of the two holders one may be seen before, and one after; and the walk sees one
        // descriptor after the other.
        auto found = account_of(s.now);
        if (auto& brief_of_20 = found[20][7]; !list && brief_of_20.descriptors == 1)
            brief_of_20.descriptors = 2;
        if (found[20][7].descriptors == 0) found[20].erase(7);
        for (int const pid : {20, 25}) {
            auto const whole = words(only(found, {pid}));
            CHECK((whole == words(only(before, {pid})) ||
                   whole == words(only(w.kernel.truth(), {pid}))));
        }
        for (auto const& buffer : s.now.buffers)
            CHECK(buffer.size_known);
        CHECK(s.now.coverage.complete());
        CHECK(s.now.coverage.first_failure.error == 0);
        gone += s.now.coverage.descriptors_gone != 0;
    }
    CHECK(gone != 0);
}

TEST_CASE("events: a process with many mappings executes another program before the k-th call") {
    for (unsigned k = 1;; ++k) {
        world w(false, false);
        auto& victim = w.kernel.at(20);
        for (int i = 0; i < 3; ++i)
            victim.map(w.other, 4096);
        auto const before = w.kernel.truth();
        auto const s = sampled_while(w, k, [&] {
            victim.exec();
            victim.map(w.shared, 8192);
            victim.map(w.own, 8192);
        });
        if (!s.happened) break;
        CAPTURE(k, words(s.now.coverage));
        check_bystanders(s, w);
        auto const found = words(account_of(s.now));
        CHECK((found == words(before) || found == words(w.kernel.truth())));
        CHECK(s.now.coverage.complete());
    }
}

TEST_CASE("events: a buffer that is only mapped ends before the k-th call") {
    auto const list = GENERATE(false, true);
    auto const sysfs = GENERATE(false, true);
    CAPTURE(list, sysfs);
    unsigned gone = 0;
    for (unsigned k = 1;; ++k) {
        world w(list, sysfs);
        auto const brief = w.kernel.buffer(7, 700, "system", "brief");
        w.kernel.add(25, "only").map(brief, 4096);
        auto const before = w.kernel.truth();
        auto const s = sampled_while(w, k, [&] { w.kernel.release(brief); });
        if (!s.happened) break;
        INFO("before call " << k << "\n" << words(s.now.coverage));
        check_bystanders(s, w);
        auto const found = words(account_of(s.now));
        CHECK((found == words(before) || found == words(w.kernel.truth())));
        // Without sysfs nobody tells a mapping that ended from one that was split.
        if (sysfs) CHECK(s.now.coverage.complete());
        CHECK(s.now.coverage.complete() == (s.now.coverage.buffers_unsized == 0));
        gone += s.now.coverage.mappings_gone != 0;
    }
    CHECK((gone != 0) == sysfs);
}

TEST_CASE("events: the first buffer that is met becomes another file before the k-th call") {
    auto const mapped = GENERATE(false, true);
    auto const path = GENERATE("/x", "a path that does not fit", "on FUSE");
    for (unsigned k = 1;; ++k) {
        world w(false, false);
        auto const brief = w.kernel.buffer(7, 700, "system", "brief");
        auto const file = path == std::string("on FUSE")
                              ? w.kernel.fuse("/x")
                              : w.kernel.regular(path + std::string(*path == '/' ? 0 : 300, 'x'));
        file->device = {0, 30};
        for (int const pid : {5, 6, 10, 20, 30}) {
            auto& process = pid < 10 ? w.kernel.add(pid, "first") : w.kernel.at(pid);
            process.files().clear();
            if (pid < 10) mapped ? process.map(brief, 4096) : void(process.open(brief));
        }
        auto& first = w.kernel.at(5);
        auto const s = sampled_while(
            w, k, [&] { (mapped ? first.mappings[0].file : first.files()[0].file) = file; });
        if (!s.happened) break;
        CAPTURE(mapped, path, k, words(s.now.coverage));
        auto const truth = only(w.kernel.truth(), {6, 20});
        CHECK(words(only(account_of(s.now), {6, 20})) == words(truth));
        CHECK_FALSE(file->asked);
    }
}

TEST_CASE("events: the only descriptor of a listed buffer gets another number before the k-th "
          "call") {
    for (unsigned k = 1;; ++k) {
        world w(true, false);
        w.kernel.at(20).files()[9].file = w.kernel.buffer(7, 700, "system", "moves");
        auto const truth = w.kernel.truth();
        auto const s = sampled_while(w, k, [&] {
            auto& files = w.kernel.at(20).files();
            files[4] = files[9];
            files.erase(9);
        });
        if (!s.happened) break;
        INFO("before call " << k << "\n" << words(s.now.coverage));
        check_bystanders(s, w);
        // It was there all the time, so it must not count as closed.
        CHECK(words(account_of(s.now)) == words(truth));
        CHECK(s.now.coverage.descriptors_gone == 0);
        CHECK(buffer_of(s.now, 7).size_known == s.now.coverage.complete());
    }
}

TEST_CASE("events: a descriptor becomes another buffer before the k-th call") {
    auto const list = GENERATE(false, true);
    for (unsigned k = 1;; ++k) {
        world w(list, false);
        auto const before = w.kernel.truth();
        auto const twin = w.kernel.buffer(4, 8192, "twin", "twin");
        auto const s = sampled_while(w, k, [&] { w.kernel.at(20).files()[1].file = twin; });
        if (!s.happened) break;
        INFO("before call " << k << "\n" << words(s.now.coverage));
        check_bystanders(s, w);
        auto const found = words(account_of(s.now));
        CHECK((found == words(before) || found == words(w.kernel.truth())));
        // Nothing of one buffer is told of another.
        for (auto const& buffer : s.now.buffers) {
            auto const& file = *w.kernel.buffers().at(buffer.inode);
            if (buffer.size_known) CHECK(buffer.size_bytes == file.size_bytes);
            if (!s.now.exporter_of(buffer).empty())
                CHECK(s.now.exporter_of(buffer) == file.exporter);
            if (buffer.named) CHECK(buffer.name == file.name.value());
        }
    }
}

TEST_CASE("events: a descriptor becomes a file that forges a DMA-BUF's fdinfo") {
    auto const forged = [](fake::kernel& kernel) {
        auto ring = kernel.anonymous("[io_uring]");
        ring->inode = 2; // as it happens, that of the buffer
        ring->extra = "SqMask:\t0xf\nUserFiles:\t1\n    0: x\nsize:\t1\ncount:\t1\n"
                      "exp_name:\tforged\nname:\tforged\n";
        return ring;
    };
    for (unsigned k = 1;; ++k) {
        world w(false, false);
        auto const ring = forged(w.kernel);
        auto const s = sampled_while(w, k, [&] { w.kernel.at(20).files()[1].file = ring; });
        if (!s.happened) break;
        INFO("before call " << k << "\n" << words(s.now.coverage));
        check_bystanders(s, w);
        for (auto const& buffer : s.now.buffers) {
            CHECK(buffer.size_bytes != 1);
            CHECK(s.now.exporter_of(buffer) != "forged");
            CHECK(buffer.name != "forged");
        }
    }
}

TEST_CASE("events: an O_PATH descriptor becomes something of another name before the k-th call") {
    auto const regular = GENERATE(false, true);
    for (unsigned k = 1;; ++k) {
        world w(false, false);
        auto const pinned = w.kernel.buffer(5, 500, "system", "pinned");
        w.kernel.at(20).files()[9] = {pinned, true};
        auto const other =
            regular ? w.kernel.regular("/dmabuf:forged") : w.kernel.buffer(4, 8192, "twin", "twin");
        auto const s = sampled_while(w, k, [&] { w.kernel.at(20).files()[9].file = other; });
        if (!s.happened) break;
        INFO("before call " << k << "\n" << words(s.now.coverage));
        check_bystanders(s, w);
        for (auto const& buffer : s.now.buffers)
            if (buffer.named) CHECK(buffer.name == *w.kernel.buffers().at(buffer.inode)->name);
    }
}

TEST_CASE("events: a pid is used again before the k-th call") {
    auto const list = GENERATE(false, true);
    auto const holds = GENERATE(false, true);
    for (unsigned k = 1;; ++k) {
        world w(list, true);
        auto const before = w.kernel.truth();
        auto const s = sampled_while(w, k, [&] {
            w.kernel.exit(20);
            auto& reborn = w.kernel.add(20, "reborn");
            reborn.start_ticks = 777;
            if (holds) reborn.open(w.other);
        });
        if (!s.happened) break;
        INFO("before call " << k << "\n" << words(s.now.coverage));
        check_bystanders(s, w);
        // One process or the other, never a bit of both.
        auto const found = account_of(s.now);
        if (found.count(20) == 0) continue;
        auto const& holder = holder_of(s.now, 20);
        if (holder.comm == "victim") {
            CHECK(holder.start_ticks == 120);
            CHECK(words(found) == words(before));
        } else {
            CHECK(holder.comm == "reborn");
            CHECK(holder.start_ticks == 777);
            CHECK(words(found) == words(w.kernel.truth()));
        }
    }
}

TEST_CASE("events: a process changes its rights before the k-th call") {
    auto const list = GENERATE(false, true);
    for (unsigned k = 1;; ++k) {
        world w(list, true);
        w.kernel.caller = fake::rights::user(1000);
        w.kernel.at(900).uid = 1000;
        auto const before = w.kernel.truth();
        auto const s = sampled_while(w, k, [&] { w.kernel.at(20).dumpable = false; });
        if (!s.happened) break;
        INFO("before call " << k << "\n" << words(s.now.coverage));
        check_bystanders(s, w);
        if (words(account_of(s.now)) != words(before)) {
            CHECK(s.now.coverage.processes_denied == 2); // init is denied always
            CHECK_FALSE(s.now.coverage.complete());
        }
    }
}

TEST_CASE("events: a process is born before the k-th call") {
    for (unsigned k = 1;; ++k) {
        world w(false, false);
        auto const before = w.kernel.truth();
        auto const s =
            sampled_while(w, k, [&] { w.kernel.add(25, "young").open(w.kernel.buffer(9, 10)); });
        if (!s.happened) break;
        auto const found = words(account_of(s.now));
        CHECK((found == words(before) || found == words(w.kernel.truth())));
        CHECK(s.now.coverage.complete());
    }
}

} // namespace
