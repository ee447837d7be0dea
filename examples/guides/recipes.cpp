// SPDX-License-Identifier: MIT
//
// The recipes of recipes.md, each a function. Run, it follows them one after the other on this
// machine.
#include <dmabuf/dmabuf.hpp>

#include <cinttypes>
#include <cstdio>
#include <unistd.h>

// Lists the buffers of the program's own process.
static void own_process() {
    dmabuf::sampler sampler;
    dmabuf::snapshot now;
    if (!sampler.sample_process(now, getpid())) return;
    for (auto const& one : now.buffers)
        std::printf("buffer %" PRIu64 ": %" PRIu64 " bytes, %s\n", one.inode, one.size_bytes,
                    escaped(now.exporter_of(one)).c_str());
}

// Names processes that hold more than before.
static void leak_in_two_snapshots() {
    dmabuf::sampler sampler;
    dmabuf::snapshot before;
    dmabuf::snapshot after;
    if (!sampler.sample(before)) return;
    // … the work that may leak …
    if (!sampler.sample(after)) return;
    for (auto const& who : diff(before, after).holders)
        if (who.grew()) std::printf("%d %s grew\n", who.pid, escaped(who.comm).c_str());
}

// The processes of the host, seen from a container that has the host's /proc and /sys.
static void host_of_a_container(char const* proc, char const* sys) {
    dmabuf::sampler sampler({.proc = proc, .sys = sys});
    dmabuf::snapshot now;
    if (auto done = sampler.sample(now); !done)
        std::printf("%s\n", describe(done.error()).c_str()); // "cannot open /host/proc: …"
}

// Memory is short, and nothing may be allocated any more.
static void low_memory() {
    dmabuf::sampler sampler;
    dmabuf::snapshot now;
    dmabuf::capacity const most{.buffers = 2000, .holders = 200, .references = 5000};
    sampler.reserve(most);
    now.reserve(most);
    // … until memory is short …
    if (sampler.sample(now)) std::printf("%" PRIu64 " bytes held\n", now.total_bytes);
}

// Names makers of buffers; `dmabuf_pin --origins` must watch.
static void made_by() {
    dmabuf::sampler sampler({.unheld = true, .origins = true});
    dmabuf::snapshot now;
    if (!sampler.sample(now)) return;
    if (!now.watch.origins_read) std::printf("%s\n", describe(now.watch.why_no_origins).c_str());
    for (auto const& one : by_maker(now))
        if (one.state == dmabuf::origin_state::made_by)
            std::printf("%d %s made %u buffers\n", one.maker.pid, escaped(one.maker.comm).c_str(),
                        one.buffers);
}

// Gauges, for the textfile collector of Prometheus' node_exporter. Bytes that are not known
// have no line: a monitor takes a 0 for a fact.
static void prometheus() {
    dmabuf::sampler sampler({.unheld = true});
    dmabuf::snapshot now;
    if (!sampler.sample(now)) return;
    std::printf("dmabuf_complete %d\n", now.coverage.complete());
    std::printf("dmabuf_held_bytes %" PRIu64 "\n", now.total_bytes);
    if (now.coverage.buffers_compared())
        std::printf("dmabuf_unheld_bytes %" PRIu64 "\n", now.unheld_bytes);
}

// Memory is short: which process would give back most? The buffers that no other process holds
// count, and only where everything was seen: a holder out of sight makes such a sum too large.
static void choose_a_victim() {
    dmabuf::sampler sampler;
    dmabuf::snapshot now;
    if (!sampler.sample(now) || !now.coverage.complete()) return;
    dmabuf::holder const* victim = nullptr;
    for (auto const& who : now.holders)
        if (!victim || *who.uss_bytes > *victim->uss_bytes) victim = &who;
    if (victim) std::printf("%d %s\n", victim->pid, escaped(victim->comm).c_str());
}

int main() {
    own_process();
    leak_in_two_snapshots();
    host_of_a_container("/host/proc", "/host/sys");
    low_memory();
    made_by();
    prometheus();
    choose_a_victim();
}
