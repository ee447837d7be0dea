// SPDX-License-Identifier: MIT
//
// The k-th call fails, for every k and every errno: nothing is lost without a word.
#include "harness.hpp"

namespace {

using faulty_sampler = dmabuf::basic_sampler<faulty_system>;

struct scenario {
    bool list = false;
    bool sysfs = false;
    fake::rights rights = {};
    bool everything = false; ///< cgroups and unheld buffers too, by sysfs or debugfs
};

void populate(fake::kernel& kernel, scenario const& how) {
    kernel.dmabuf_fds = how.list;
    kernel.sysfs_buffers = how.sysfs;
    kernel.caller = how.rights;
    kernel.debugfs = how.everything;
    auto const shared = kernel.buffer(1, 4097, "system", "shared");
    auto& first = kernel.add(10, "first");
    first.open(kernel.anonymous("[eventpoll]"));
    first.open(shared);
    first.open(shared, true);
    if (how.rights.dac_read_search) first.map(shared, 4096);
    auto& second = kernel.add(20, "second");
    second.open(shared);
    auto& thread = second.add_thread(21, std::make_shared<fake::table>());
    fake::process::open_in(*thread.files, kernel.buffer(2, 8192, "udmabuf"));
    second.add_thread(22);
    auto const mapped = kernel.buffer(3, 100, "i915", "mapped");
    kernel.add(30, "mapper");
    kernel.buffer(4, 4096, "system", "in flight");
    if (how.rights.dac_read_search) kernel.at(30).map(mapped, 4096);
    kernel.at(30).open(kernel.regular("/x"));
}

/// fd is refused and fdinfo serves; map_files is refused too, so that no mapping could be told.
constexpr fake::rights fdinfo_only{5, false, true, true};

struct outcome {
    dmabuf::result<void> done;
    dmabuf::snapshot now;
    unsigned calls = 0;
};

outcome sampled_with(fake::kernel& kernel, wrapped::faults& plan, scenario const& how) {
    dmabuf::sample_options options;
    options.cgroups = options.unheld = options.bufinfo = options.counts = how.everything;
    faulty_sampler sampler(options, faulty_system{{&kernel}, &plan});
    outcome result;
    result.done = sampler.sample(result.now);
    result.calls = plan.calls;
    return result;
}

/// The first reference that the snapshot lacks, of those in `truth`; empty: it lacks none.
std::string lost(dmabuf::snapshot const& now, fake::account const& truth) {
    auto const found = account_of(now);
    for (auto const& [pid, buffers] : truth) {
        for (auto const& [inode, held] : buffers) {
            if (found.count(pid) == 0 || found.at(pid).count(inode) == 0)
                return "pid " + std::to_string(pid) + " buffer " + std::to_string(inode);
            auto const& seen = found.at(pid).at(inode);
            if (seen.descriptors < held.descriptors || seen.mappings < held.mappings ||
                seen.mapped_bytes < held.mapped_bytes)
                return "a reference of pid " + std::to_string(pid) + " to buffer " +
                       std::to_string(inode);
        }
    }
    return "";
}

/// Nothing may be in a snapshot that is not there.
std::string invented(dmabuf::snapshot const& now, fake::kernel const& kernel,
                     fake::account const& truth) {
    if (auto broken = broken_invariant(now); !broken.empty()) return broken;
    for (auto const& [pid, buffers] : account_of(now)) {
        for (auto const& [inode, seen] : buffers) {
            if (truth.count(pid) == 0 || truth.at(pid).count(inode) == 0)
                return "pid " + std::to_string(pid) + " buffer " + std::to_string(inode);
            auto const& held = truth.at(pid).at(inode);
            bool const more = seen.descriptors > held.descriptors ||
                              seen.path_descriptors > held.path_descriptors;
            if (seen.mappings > held.mappings || (more && now.coverage.tables_uncertain == 0))
                return "references of pid " + std::to_string(pid);
        }
    }
    for (auto const& buffer : now.buffers) {
        auto const& file = *kernel.buffers().at(buffer.inode);
        if (buffer.size_known && buffer.size_bytes != file.size_bytes) return "a size";
        if (!now.exporter_of(buffer).empty() && now.exporter_of(buffer) != file.exporter)
            return "exporter";
        if (buffer.named && buffer.name != file.name.value_or("")) return "a name";
        if (buffer.name_known && buffer.named != file.name.has_value()) return "a name's absence";
    }
    return "";
}

bool says_gone(dmabuf::coverage const& seen, dmabuf::coverage const& usually) {
    return seen.processes_gone > usually.processes_gone ||
           seen.descriptors_gone > usually.descriptors_gone;
}

void sweep(scenario const& how, int error) {
    auto const baseline = [&] {
        fake::kernel kernel;
        populate(kernel, how);
        wrapped::faults none;
        auto result = sampled_with(kernel, none, how);
        REQUIRE(result.done);
        REQUIRE(lost(result.now, kernel.truth()) == "");
        REQUIRE(result.now.coverage.complete());
        return result;
    }();

    for (unsigned k = 1; k <= baseline.calls; ++k) {
        fake::kernel kernel;
        populate(kernel, how);
        wrapped::faults plan;
        plan.fail_at = k;
        plan.error = error;
        auto const truth = kernel.truth();
        auto const result = sampled_with(kernel, plan, how);
        auto const& seen = result.now.coverage;
        INFO("call " << k << " on " << plan.failed_on << " fails with errno " << error << "\n"
                     << words(seen) << "\n"
                     << words(account_of(result.now)));
        REQUIRE(kernel.open_descriptors() == 0);
        if (!result.done) {
            CHECK(result.done.error().error == error);
            CHECK(dmabuf::describe(result.done.error()).view().starts_with("cannot "));
            CHECK((result.now.holders.empty() && result.now.references.empty()));
            continue;
        }
        CHECK(invented(result.now, kernel, truth) == "");
        auto const missing = lost(result.now, truth);
        if (!missing.empty()) {
            INFO("lost: " << missing);
            bool const gone = error == ENOENT || error == ESRCH;
            // A task without maps has no memory map any more, and that one thread of several has
            // exited, with what was its alone, is no event to count.
            bool const over =
                gone && (plan.failed_on.ends_with("/maps") || plan.failed_on.starts_with("task/2"));
            CHECK((!seen.complete() || over || (gone && says_gone(seen, baseline.now.coverage))));
        }
        for (auto const& buffer : result.now.buffers) {
            auto const& file = *kernel.buffers().at(buffer.inode);
            if (!buffer.size_known) CHECK_FALSE(seen.complete());
            if (result.now.exporter_of(buffer) != file.exporter ||
                (file.name && buffer.name != *file.name))
                CHECK(seen.buffers_undescribed != 0);
        }
        if (how.everything && seen.complete() && error != ENOENT && error != ESRCH) {
            bool const listed = seen.listed_by != dmabuf::listing::none;
            CHECK(result.now.unheld.size() <= (listed ? 1 : 0));
            for (auto const& buffer : result.now.unheld)
                CHECK(buffer.inode == 4);
            CHECK((listed || seen.why_no_list.error == error));
        }
        // A failure that is neither gone nor denied has its cause on record.
        if (seen.processes_failed + seen.descriptors_failed != 0) {
            CHECK(seen.first_failure.error == error);
            CHECK(dmabuf::path_of(seen.first_failure.where).size() > 5);
        }
    }
}

TEST_CASE("faults: the k-th call fails, for every k and errno") {
    auto const how = GENERATE(scenario{false, false, {}}, scenario{false, true, {}},
                              scenario{true, false, {}}, scenario{true, true, {}},
                              scenario{false, true, fdinfo_only}, scenario{true, true, fdinfo_only},
                              scenario{false, false, {}, true}, scenario{true, true, {}, true});
    for (int error :
         {ENOENT, ESRCH, EACCES, EPERM, EIO, ENOMEM, EMFILE, ENFILE, EINVAL, ENOSYS, EOVERFLOW})
        sweep(how, error);
}

TEST_CASE("faults: after a failure the next sample is right") {
    scenario const how{};
    for (unsigned k = 1;; ++k) {
        fake::kernel kernel;
        populate(kernel, how);
        wrapped::faults plan;
        plan.fail_at = k;
        plan.error = EIO;
        faulty_sampler sampler({}, faulty_system{{&kernel}, &plan});
        dmabuf::snapshot now;
        (void)sampler.sample(now).has_value();
        if (plan.calls < k) break;
        INFO("call " << k << " failed once");
        REQUIRE(sampler.sample(now));
        CHECK(lost(now, kernel.truth()) == "");
        CHECK(invented(now, kernel, kernel.truth()) == "");
    }
}

TEST_CASE("faults: interrupted calls and short reads change nothing") {
    auto const how =
        GENERATE(scenario{false, false, {}}, scenario{false, true, {}}, scenario{true, false, {}},
                 scenario{true, true, {}}, scenario{false, true, fdinfo_only},
                 scenario{false, false, {}, true}, scenario{true, true, {}, true});
    auto const bytes =
        GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{7}, std::size_t{64});
    auto const interrupted = GENERATE(false, true);
    fake::kernel kernel;
    populate(kernel, how);
    wrapped::faults plan;
    plan.interrupted = interrupted;
    plan.most_bytes = bytes;
    plan.most_listed = bytes == 0 ? 0 : 40;
    auto const result = sampled_with(kernel, plan, how);
    REQUIRE(result.done);
    INFO(words(result.now.coverage));
    CHECK(lost(result.now, kernel.truth()) == "");
    CHECK(invented(result.now, kernel, kernel.truth()) == "");
    CHECK(result.now.coverage.complete());
    CHECK(result.now.coverage.found_by ==
          (how.list ? dmabuf::source::dmabuf_fds : dmabuf::source::fd_walk));
    CHECK(result.now.coverage.proc_shows == dmabuf::visibility::everything);
}

} // namespace
