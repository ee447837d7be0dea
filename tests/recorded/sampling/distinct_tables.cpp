// SPDX-License-Identifier: MIT
//
// Which tasks have one descriptor table: counted comparisons in the worst orders, and what moves
// while they are compared.
#include "recorded/harness.hpp"

#include <random>

namespace {

/// Tasks with the keys that kcmp compares, and what it was asked. Its own number is 0.
struct keys {
    std::map<int, std::uint32_t> of;
    std::set<int> refused;
    int error = EPERM;
    bool filtered = false;
    unsigned calls = 0;
};

struct keyed_system : fake::system {
    keys* known = nullptr;

    int compare_descriptor_tables(std::int32_t a, std::int32_t b) const {
        ++known->calls;
        if (known->filtered || known->refused.count(a) != 0 || known->refused.count(b) != 0)
            return -known->error;
        if (a == 0 && b == 0) return 0;
        auto const first = known->of.find(a);
        auto const second = known->of.find(b);
        if (first == known->of.end() || second == known->of.end()) return -ESRCH;
        if (first->second == second->second) return 0;
        return first->second < second->second ? 1 : 2;
    }
    std::int32_t process_id() const { return 0; }
};

using answer = dmabuf::distinct_tables<keyed_system>::answer;

struct world {
    keys known;
    dmabuf::distinct_tables<keyed_system> tables{keyed_system{{}, &known}};

    /// As the sampler does it: what is not surely there is read, and added.
    answer look_at(int tid) {
        auto const found = tables.contains(tid);
        if (found != answer::yes) tables.add(tid, found == answer::no);
        return found;
    }
    answer look_at(int tid, std::uint32_t key) {
        known.of[tid] = key;
        return look_at(tid);
    }
};

/// The orders in which 4,000 threads with tables of their own may be met.
std::vector<std::uint32_t> order_of(std::string const& which) {
    std::vector<std::uint32_t> order(4000);
    for (std::uint32_t i = 0; i < 4000; ++i)
        order[i] = i;
    if (which == "random") std::shuffle(order.begin(), order.end(), std::mt19937(1));
    if (which == "falling") std::reverse(order.begin(), order.end());
    if (which == "from both ends")
        for (std::uint32_t i = 0; i < 4000; ++i)
            order[i] = i % 2 != 0 ? 3999 - i / 2 : i / 2;
    if (which == "from the middle")
        for (std::uint32_t i = 0; i < 4000; ++i)
            order[i] = i % 2 != 0 ? 2000 - i / 2 - 1 : 2000 + i / 2;
    return order;
}

TEST_CASE("tables: 4,000 tables cost N log N comparisons in any order") {
    auto const* const which =
        GENERATE("rising", "falling", "random", "from both ends", "from the middle");
    world w;
    int tid = 0;
    for (auto const key : order_of(which))
        REQUIRE(w.look_at(++tid, key) == answer::no);
    CAPTURE(which, w.known.calls);
    CHECK(w.known.calls <= 4000 * (12 + 2)); // log2(4000) < 12
    // Again, with threads of theirs: each is found, with one more comparison for what was last.
    w.known.calls = 0;
    for (auto const key : order_of("random"))
        REQUIRE(w.look_at(++tid, key) == answer::yes);
    CHECK(w.known.calls <= 4000 * (12 + 2));
    CHECK(w.tables.tasks().size() == 4000);
    w.known.calls = 0;
    CHECK(w.tables.first_moved() == 4000);
    CHECK(w.known.calls == 3999);
}

TEST_CASE("tables: threads of one table cost one comparison each") {
    world w;
    CHECK(w.look_at(1, 5) == answer::no);
    CHECK(w.known.calls == 0);
    for (int tid = 2; tid < 402; ++tid)
        REQUIRE(w.look_at(tid, 5) == answer::yes);
    CHECK(w.known.calls == 400);
    // Beside tables of others too.
    CHECK(w.look_at(500, 1) == answer::no);
    CHECK(w.look_at(501, 9) == answer::no);
    w.known.calls = 0;
    for (int tid = 2; tid < 402; ++tid)
        REQUIRE(w.look_at(tid) == answer::yes);
    CHECK(w.known.calls <= 400 + 2);
}

TEST_CASE("tables: without kcmp, or where it is filtered, it is asked three times in all") {
    world w;
    w.known.error = GENERATE(ENOSYS, EPERM);
    w.known.filtered = true;
    for (int process = 0; process < 10; ++process) {
        w.tables.clear();
        CHECK(w.look_at(1, 1) == answer::no);
        for (int tid = 2; tid < 402; ++tid)
            REQUIRE(w.look_at(tid, 1) == answer::unknown);
    }
    CHECK(w.known.calls <= 3);
    CHECK_FALSE(w.tables.may_mislead()); // nothing was told
}

TEST_CASE("tables: tasks that may not be compared cost two comparisons each, and the others none "
          "of their certainty") {
    world w;
    for (int tid = 1; tid <= 10; ++tid)
        CHECK(w.look_at(tid, static_cast<std::uint32_t>(tid)) == answer::no);
    w.known.calls = 0;
    for (int tid = 1000; tid < 5000; ++tid) {
        w.known.refused.insert(tid);
        REQUIRE(w.look_at(tid, 1) == answer::unknown);
    }
    CHECK(w.known.calls <= 2 * 4000 + 1);
    for (int tid = 1; tid <= 10; ++tid)
        CHECK(w.look_at(5000 + tid, static_cast<std::uint32_t>(tid)) == answer::yes);
    // Its table may be that of one of those.
    CHECK(w.look_at(6000, 77) == answer::unknown);
    CHECK(w.look_at(6001, 77) == answer::yes);
}

TEST_CASE("tables: one that may not be compared any more stands in nobody's way") {
    world w;
    for (int tid = 1; tid <= 9; ++tid)
        CHECK(w.look_at(tid, static_cast<std::uint32_t>(tid)) == answer::no);
    w.known.refused = {1, 5, 9};
    for (int tid : {2, 3, 4, 6, 7, 8})
        CHECK(w.look_at(100 + tid, static_cast<std::uint32_t>(tid)) == answer::yes);
    for (int tid : {1, 5, 9})
        CHECK(w.look_at(100 + tid, static_cast<std::uint32_t>(tid)) == answer::unknown);
}

TEST_CASE("tables: an answer of another kind than less and greater is unknown") {
    world w;
    CHECK(w.look_at(1, 1) == answer::no);
    w.known.refused = {2};
    w.known.error = -3; // "not equal but ordering unavailable (reserved for future)"
    CHECK(w.look_at(2, 1) == answer::unknown);
}

TEST_CASE("tables: what has moved is seen, and which tables it casts doubt on") {
    world w;
    for (int tid = 1; tid <= 9; ++tid)
        w.look_at(tid, static_cast<std::uint32_t>(10 * tid));
    CHECK(w.tables.may_mislead());
    CHECK(w.tables.first_moved() == 9);
    w.known.of[6] = GENERATE(0U, 20U, 99U, 71U); // one that exits, or has another table
    auto const first = w.tables.first_moved();
    CHECK(first >= 4); // a neighbour, or it
    CHECK(first <= 5);
    w.known.of.erase(2); // has exited
    CHECK(w.tables.first_moved() <= 1);
}

/// A process of which the first task has `shared` and `own`, and three threads another table.
struct machine {
    fake::kernel kernel;
    fake::process& process = kernel.add(10, "p");

    /// `upwards`: what exits compares as less than every other, or greater.
    machine(bool list, bool upwards) {
        kernel.dmabuf_fds = list;
        if (upwards) kernel.kcmp_cookies[1] = ~std::uint64_t{0};
        process.open(kernel.buffer(1, 4096));
        process.add_thread(11, std::make_shared<fake::table>());
        fake::process::open_in(*process.tasks[1]->files, kernel.buffer(2, 8192));
        process.add_thread(12, std::make_shared<fake::table>());
        fake::process::open_in(*process.tasks[2]->files, kernel.buffer(3, 100));
        for (int tid = 13; tid < 17; ++tid)
            process.add_thread(tid, process.tasks[tid % 2 != 0 ? 1 : 2]->files);
    }
};

/// Right, or said to be uncertain, of a process whose threads share what one that exits had.
void check_right_or_uncertain(dmabuf::snapshot const& now, fake::account const& before,
                              fake::account const& after) {
    INFO(words(now.coverage));
    CHECK(broken_invariant(now) == "");
    auto const found = words(account_of(now));
    if (now.coverage.tables_uncertain == 0)
        CHECK((found == words(before) || found == words(after)));
    CHECK(holder_of(now, 10).rss_bytes == 4096 + 8192 + 100);
}

TEST_CASE("tables: the thread that others were compared with exits in two steps, before the k-th "
          "call and later") {
    auto const list = GENERATE(false, true);
    auto const upwards = GENERATE(false, true);
    auto const later = GENERATE(0U, 1U, 2U, 7U, 1000U);
    for (unsigned k = 1;; ++k) {
        machine m(list, upwards);
        auto const before = m.kernel.truth();
        bool happened = false;
        m.kernel.event = [&](fake::call_event const& event) {
            auto& thread = *m.process.tasks[1];
            if (event.number == k) happened = thread.exiting = true, thread.files = nullptr;
            if (event.number == k + later) fake::process::end_thread(thread);
        };
        auto const now = sampled(m.kernel);
        m.kernel.event = nullptr;
        if (!happened) break;
        CAPTURE(list, later, k);
        // Others have its table, so that nothing of it went away; read once more, it is sure.
        check_right_or_uncertain(now, before, m.kernel.truth());
        CHECK(now.coverage.tables_uncertain == 0);
    }
}

TEST_CASE("tables: whoever was compared exits each time that the next is") {
    machine m(GENERATE(false, true), GENERATE(false, true));
    // Each time that a table was read, its first task exits, and others still have it.
    m.kernel.event = [&](fake::call_event const& event) {
        if (event.kind != fake::call::compare) return;
        for (auto const& task : m.process.tasks) {
            if (task->dead || task->tid == 10) continue;
            auto const shares = [&](auto const& other) {
                return other != task && other->files == task->files;
            };
            auto const& tasks = m.process.tasks;
            if (std::none_of(tasks.begin(), tasks.end(), shares)) continue;
            return fake::process::end_thread(*task);
        }
    };
    auto const before = m.kernel.truth();
    check_right_or_uncertain(sampled(m.kernel), before, before);
}

TEST_CASE("tables: a thread gets a table of its own before the k-th call") {
    auto const list = GENERATE(false, true);
    auto const upwards = GENERATE(false, true);
    for (unsigned k = 1;; ++k) {
        machine m(list, upwards);
        auto const before = m.kernel.truth();
        bool happened = false;
        m.kernel.event = [&](fake::call_event const& event) {
            if (event.number != k) return;
            happened = true;
            auto& thread = *m.process.tasks[1];
            thread.files = std::make_shared<fake::table>(*thread.files); // unshare(CLONE_FILES)
        };
        auto const now = sampled(m.kernel);
        m.kernel.event = nullptr;
        if (!happened) break;
        CAPTURE(list, k);
        check_right_or_uncertain(now, before, m.kernel.truth());
    }
}

unsigned comparisons(fake::kernel& kernel, dmabuf::snapshot& now) {
    unsigned count = 0;
    kernel.event = [&](auto const& event) { count += event.kind == fake::call::compare; };
    now = sampled(kernel);
    kernel.event = nullptr;
    return count;
}

TEST_CASE("tables: a process of 300 tables, and what tells of them, cost no more than N log N") {
    fake::kernel kernel;
    kernel.dmabuf_fds = GENERATE(false, true);
    kernel.kcmp = GENERATE(false, true);
    auto& process = kernel.add(10, "p");
    auto const buffer = kernel.buffer(1, 4096);
    process.open(buffer);
    // In one piece of memory: in the kernel's order, forwards or backwards.
    auto const all = std::make_shared<std::vector<fake::table>>(300);
    bool const backwards = GENERATE(false, true);
    for (int i = 0; i < 300; ++i) {
        auto& files = (*all)[static_cast<std::size_t>(backwards ? 299 - i : i)];
        fake::process::open_in(files, buffer);
        process.add_thread(11 + i, fake::table_ptr(all, &files));
    }
    dmabuf::snapshot now;
    auto const count = comparisons(kernel, now);
    INFO(words(now.coverage));
    CHECK(count <= (kernel.kcmp ? 301 * (9 + 2 + 1) : 1));
    CHECK(account_of(now)[10][1].descriptors == 301);
    CHECK(now.coverage.tables_uncertain == (kernel.kcmp || kernel.dmabuf_fds ? 0 : 300));
    // open and close of /proc/P, fd/ or the list, a stat of each task twice: not each of each
    CHECK(kernel.calls() < 300 * 40);
}

TEST_CASE("tables: kcmp is filtered with EPERM") {
    fake::kernel kernel;
    kernel.kcmp_filtered = true;
    for (int pid = 10; pid < 2000; pid += 100) {
        auto& process = kernel.add(pid, "p");
        process.open(kernel.buffer(1, 4096));
        for (int tid = pid + 1; tid < pid + 50; ++tid)
            process.add_thread(tid);
    }
    dmabuf::snapshot now;
    CHECK(comparisons(kernel, now) <= 3);
    CHECK(now.coverage.tables_uncertain == 20 * 49);
}

} // namespace
