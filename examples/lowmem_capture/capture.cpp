// SPDX-License-Identifier: MIT
#include "capture.hpp"

#include "files/whole_file.hpp"
#include "options/sampled_place.hpp"
#include "report/coverage_words.hpp"
#include "report/failure_words.hpp"
#include "report/source_words.hpp"

#include <algorithm>
#include <ctime>
#include <poll.h>
#include <sys/utsname.h>

namespace lowmem_capture {

namespace {

dmabuf::sample_options sampling(options const& chosen) {
    auto wanted = command_line::sampling_at(chosen.roots, chosen.source);
    wanted.cgroups = true;
    // By sysfs or a pinned list: debugfs takes locks that a task which waits for memory may hold.
    wanted.unheld = true;
    wanted.origins = true;           // one more file, where dmabuf_pin watches
    wanted.path_descriptors = false; // another call for each descriptor
    wanted.mappings = !chosen.no_mappings;
    wanted.names = chosen.names; // no list tells them: see README.md
    return wanted;
}

/// Room for so many buffers, each held by two or three processes, some by more.
dmabuf::capacity room_for(std::size_t buffers) {
    dmabuf::capacity most;
    most.buffers = buffers;
    most.holders = std::max<std::size_t>(buffers / 8, 64);
    most.references = 4 * buffers;
    most.per_process = buffers;
    most.origins = most.watched_attachments = buffers;
    most.cgroup_bytes = 64 * 1024;
    return most;
}

dmabuf::unique_fd<> open_file(std::string const& path) {
    return {dmabuf::live_system{}, ::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
}

/// The text of a file that stays open. Empty where a second attempt cannot read it either.
std::string_view read_again(dmabuf::unique_fd<> const& file, std::span<char> space) {
    auto const read = [&] { return ::pread(file.get(), space.data(), space.size(), 0); };
    long got = read();
    if (got < 0) got = read();
    return {space.data(), got < 0 ? 0 : static_cast<std::size_t>(got)};
}

dmabuf::inline_text<31> utc_now() {
    std::time_t const now = std::time(nullptr);
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    std::array<char, 32> text;
    auto const size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
    return dmabuf::inline_text<31>({text.data(), size});
}

std::uint64_t now_ns() {
    return dmabuf::live_system{}.clock_ns();
}

double milliseconds(std::uint64_t from_ns, std::uint64_t to_ns) {
    return static_cast<double>(to_ns - from_ns) / 1e6;
}

/// A sink that keeps nothing.
class no_sink final : public report::text_sink {
public:
    void write(std::string_view /*text*/) override {}
};

/// The id of this boot. Empty where it cannot be read.
std::string read_boot_id() {
    auto const read = files::read_whole("/proc/sys/kernel/random/boot_id", 4096);
    auto const* const text = std::get_if<std::string>(&read);
    return text ? text->substr(0, text->find('\n')) : std::string();
}

} // namespace

capturer::capturer(options const& chosen, trigger const* armed, int ends)
    : armed_(armed)
    , ends_(ends)
    , window_ms_(chosen.window_ms)
    , forced_(chosen.source)
    , roots_(chosen.roots)
    , sampler_(sampling(chosen)) {
    auto const most = room_for(chosen.buffers);
    sampler_.reserve(most);
    now_.reserve(most);
    users_.reserve(most);
    cgroups_.reserve(most);
    holders_.reserve(most.buffers, most.references);
    processes_.reserve(most.holders);
    buffers_.reserve(most.buffers);
}

std::string capturer::prepare() {
    ::utsname names{};
    ::uname(&names);
    kernel_ = names.release;
    boot_id_ = read_boot_id();
    mine_ = report::own_rights(roots_);
    if (armed_) pressure_file_ = open_file(armed_->path());
    meminfo_file_ = open_file(fmt::format("{}/meminfo", roots_.proc.view()));
    begin();
    look_until_seen(now_ns());
    if (!done_) return report::words_of(done_.error(), roots_);
    auto const& coverage = now_.coverage;
    if (forced_ != dmabuf::source::none && coverage.found_by != forced_) {
        report::look_for_pins(mine_, roots_);
        return report::why_not_served(forced_, coverage, mine_);
    }
    if (coverage.processes_denied != 0)
        say("{} processes may not be read: {}", coverage.processes_denied,
            report::what_would_help(coverage, mine_));
    no_sink nowhere;
    write(nowhere, {});
    return {};
}

outcome capturer::capture(ring& files, occasion const& why) {
    begin();
    look_until_seen(why.event_ns);
    if (why_not_seen().error != 0) return keep_failure(files, why), outcome::not_seen;
    auto const failed = files.add([&](report::text_sink& sink) { write(sink, why); });
    if (failed.error != 0) {
        say("{}: cannot {}: {}; the next event tries again", files.path(), failed.doing,
            words(failed.error));
        return outcome::not_written;
    }
    say_it(files, why);
    return outcome::captured;
}

void capturer::keep_failure(ring& files, occasion const& why) const {
    say("{}: there is no capture of this event", why_not_seen());
    auto const failed = files.add_failure([&](report::text_sink& sink) { write(sink, why); });
    if (failed.error != 0)
        say("{}: cannot {}: {}", files.path(), failed.doing, words(failed.error));
    else
        say("{}/{}: kept the failure", files.path(), files.failures().newest().view());
}

/// Notes the state of the system at the event, before the first look.
void capturer::begin() {
    allocations_before_ = allocations();
    faults_before_ = page_faults();
    pressure_ = read_again(pressure_file_, pressure_space_);
    meminfo_ = read_again(meminfo_file_, meminfo_space_);
}

void capturer::look() {
    done_ = sampler_.sample(now_);
    if (done_) arrange();
}

/// Looks again where a look failed: the kernel needs memory and files to show /proc, and lacks them
/// just when this runs.
void capturer::look_until_seen(std::uint64_t event_ns) {
    look();
    if (why_not_seen().error == 0) return;
    say("{}: trying again", why_not_seen());
    do
        look();
    while (why_not_seen().error != 0 && now_ns() < event_ns + window_ms_ * 1'000'000 && may_wait());
}

/// Waits for a tenth of the window: in such steps the kernel measures pressure, too. False where
/// the program is to end.
bool capturer::may_wait() const {
    pollfd ending{ends_, POLLIN, 0};
    return ::poll(&ending, 1, static_cast<int>(window_ms_ / 10)) <= 0;
}

/// The failure of the last look: there is no sample, or one in which most processes failed, which
/// is worth less than any capture that is there.
dmabuf::failure capturer::why_not_seen() const {
    if (!done_) return done_.error();
    auto const& seen = now_.coverage;
    return seen.processes_failed > seen.processes_seen ? seen.first_failure : dmabuf::failure{};
}

void capturer::arrange() {
    processes_.clear();
    for (auto const& who : now_.holders)
        processes_.push_back(&who);
    std::ranges::sort(processes_, [](auto const* a, auto const* b) {
        return a->pss_bytes != b->pss_bytes ? a->pss_bytes > b->pss_bytes : a->pid < b->pid;
    });
    buffers_.clear();
    for (auto const& one : now_.buffers)
        buffers_.push_back(&one);
    holders_.fill(now_);
    by_group(now_, [](auto const& who) { return who.uid; }, users_);
    by_group(now_, [](auto const& who) { return who.cgroup; }, cgroups_);
}

report::snapshot_view capturer::view() const {
    return {now_,     holders_,       kernel_,          mine_,         processes_,
            buffers_, now_.exporters, now_.total_bytes, users_.totals, cgroups_.totals};
}

void capturer::write(report::text_sink& sink, occasion const& why) const {
    report::json_writer out(sink);
    out.object([&] { write_fields(out, why); });
    out.finish();
}

void capturer::write_fields(report::json_writer& out, occasion const& why) const {
    out.field("schema", "lowmem_capture/1");
    out.field("time", utc_now().view());
    using text = std::string_view;
    out.field_if(armed_, "pressure_file", report::raw_name(armed_ ? text(armed_->path()) : text()));
    out.field_if(armed_, "trigger", armed_ ? text(armed_->text()) : text());
    out.field("event_ns", why.event_ns);
    out.field("events_skipped", why.events_skipped);
    out.field("captures_failed", why.captures_failed);
    out.field_if(armed_, "pressure", pressure_);
    out.field("meminfo", meminfo_);
    out.key("failure");
    write_failure(out, why_not_seen());
    out.key("snapshot");
    if (done_)
        out.object([&] {
            write_snapshot(out, view());
            out.field_if(!boot_id_.empty(), "boot_id", report::raw_name(boot_id_));
        });
    else
        out.null();
    write_what_it_took(out, why);
}

void capturer::write_what_it_took(report::json_writer& out, occasion const& why) const {
    auto const faults = page_faults();
    out.field_if(done_.has_value(), "to_snapshot_ns", now_.end_ns - why.event_ns);
    out.field("allocations", allocations() - allocations_before_);
    out.field("minor_faults", faults.minor - faults_before_.minor);
    out.field("major_faults", faults.major - faults_before_.major);
}

void capturer::say_it(ring const& files, occasion const& why) const {
    say("{}/{}: snapshot after {:.1f} ms, file after {:.1f} ms", files.path(),
        files.captures().newest().view(), milliseconds(why.event_ns, now_.end_ns),
        milliseconds(why.event_ns, now_ns()));
    if (!processes_.empty())
        say("{} processes hold {}; most of it {} ({}): {}", processes_.size(),
            dmabuf::bytes{now_.total_bytes}, processes_[0]->pid, processes_[0]->comm,
            dmabuf::bytes{processes_[0]->rss_bytes});
    if (auto const count = allocations() - allocations_before_; count != 0)
        say("it had to ask for memory {} times: start it with more than --buffers {}", count,
            now_.buffers.size());
}

} // namespace lowmem_capture
