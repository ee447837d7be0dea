// SPDX-License-Identifier: MIT
#include "support.hpp"

#include <iterator>
#include <sstream>

namespace support {

namespace {

template<dmabuf::system System>
dmabuf::result<void> sample(dmabuf::basic_sampler<System>& sampler, std::int32_t alone_pid,
                            dmabuf::snapshot& now) {
    return alone_pid == 0 ? sampler.sample(now) : sampler.sample_process(now, alone_pid);
}

/// A recording is of what /proc and /sys tell, and dmabuf_ps takes its samples so.
template<dmabuf::system Inner>
recorded record_by(Inner inner, dmabuf::sample_options options, unsigned samples,
                   std::int32_t alone_pid = 0) {
    options.bpf = false;
    recorded done;
    replay::recording_system<Inner> const system(inner);
    {
        dmabuf::basic_sampler<replay::recording_system<Inner>> sampler(options, system);
        for (unsigned i = 0; i < samples; ++i)
            done.sampled = done.sampled && sample(sampler, alone_pid, done.now);
    }
    done.recording.made.options = options;
    done.recording.made.alone_pid = alone_pid;
    done.recording.made.samples = samples;
    done.needed.made = done.recording.made;
    done.recording.entries = system.entries();
    done.needed.entries = system.needed_entries(done.needed.made.left_out);
    return done;
}

std::string escaped(std::string_view bytes) {
    std::string text;
    dmabuf::escape(bytes, std::back_inserter(text));
    return text;
}

void dump_coverage(dmabuf::coverage const& seen, std::ostream& out) {
    out << "coverage " << name_of(seen.found_by) << " " << name_of(seen.proc_shows) << " "
        << describe(seen.why_no_dmabuf_fds).view() << " " << seen.processes << " "
        << seen.processes_seen << " " << seen.processes_denied << " " << seen.processes_gone << " "
        << seen.processes_failed << " " << seen.kernel_threads << " "
        << seen.processes_without_memory << " " << seen.tables << " " << seen.tables_uncertain
        << " " << seen.descriptors_gone << " " << seen.descriptors_failed << " " << seen.undecided
        << " " << seen.buffers_unsized << " " << seen.buffers_undescribed << " "
        << name_of(seen.listed_by) << " " << describe(seen.why_no_list).view() << " "
        << seen.mappings_read << " " << name_of(seen.sized_by) << " " << seen.paths_marked << " "
        << seen.mappings_gone << " " << seen.odd_rows << " " << describe(seen.first_odd_row).view()
        << " " << seen.inodes_shared << " " << seen.cgroups_unknown << " "
        << seen.indistinct.references() << " " << seen.indistinct.listed << " "
        << seen.indistinct.listed_bytes << " " << describe(seen.first_failure).view() << "\n";
}

void dump_buffer(std::string_view kind, dmabuf::snapshot const& now, dmabuf::buffer const& one,
                 bool names, std::ostream& out) {
    out << kind << " " << one.inode << " " << one.size_bytes << " " << one.size_known << " "
        << one.name_known << " " << one.named << " " << one.name.empty() << " "
        << escaped(now.exporter_of(one).view()) << " " << one.holders.value_or(~0U) << " "
        << one.descriptors << " " << one.mappings;
    if (names) out << " " << escaped(one.name.view());
    out << "\n";
}

} // namespace

recorded record(fake::kernel& kernel, dmabuf::sample_options options, unsigned samples) {
    auto done = record_by(fake::system{&kernel}, options, samples);
    REQUIRE(done.sampled);
    return done;
}

recorded record_watched(fake::kernel& kernel, bpf::bpffs& pins, dmabuf::sample_options options,
                        std::int32_t alone_pid) {
    auto done = record_by(bpf::pinned<fake::system>{{&kernel}, &pins}, options, 1, alone_pid);
    REQUIRE(done.sampled);
    return done;
}

recorded record_with(wrapped::faults& plan, fake::kernel& kernel, dmabuf::sample_options options) {
    return record_by(wrapped::faulty<fake::system>{{&kernel}, &plan}, options, 1);
}

recorded record_again(replay::recording const& recording) {
    auto done = record_by(replay::replayed_system(recording), recording.made.options,
                          recording.made.samples, recording.made.alone_pid);
    REQUIRE(done.sampled);
    auto const left_out = done.needed.made.left_out;
    done.recording.made = done.needed.made = recording.made;
    done.needed.made.left_out = left_out;
    return done;
}

recorded record_alone(fake::kernel& kernel, std::int32_t pid, dmabuf::sample_options options) {
    auto done = record_by(fake::system{&kernel}, options, 1, pid);
    REQUIRE(done.sampled);
    return done;
}

recorded record_here(dmabuf::sample_options options) {
    auto done = record_by(dmabuf::live_system{}, options, 1);
    REQUIRE(done.sampled);
    return done;
}

replayed replay_it(replay::recording recording, unsigned samples) {
    replayed done;
    auto const options = recording.made.options;
    auto const alone_pid = recording.made.alone_pid;
    replay::replayed_system const system(std::move(recording));
    {
        dmabuf::basic_sampler<replay::replayed_system> sampler(options, system);
        for (unsigned i = 0; i < samples; ++i)
            done.failed = !sample(sampler, alone_pid, done.now);
    }
    done.missing = system.missing();
    done.left_open = system.open_count();
    return done;
}

replay::recording parsed(std::string const& text) {
    auto found = replay::parse(text);
    if (auto const* const wrong = std::get_if<replay::malformed>(&found))
        FAIL("line " << wrong->line << ": " << wrong->why);
    return std::get<replay::recording>(std::move(found));
}

replayed replay_text(std::string const& text) {
    return replay_it(parsed(text));
}

std::string dump(dmabuf::snapshot const& now, bool names) {
    std::ostringstream out;
    dump_coverage(now.coverage, out);
    for (auto const pid : now.unread)
        out << "unread " << pid << "\n";
    out << "total " << now.total_bytes << " unheld " << now.unheld_bytes << "\n";
    for (auto const& one : now.buffers)
        dump_buffer("buffer", now, one, names, out);
    for (auto const& one : now.unheld)
        dump_buffer("unheld", now, one, names, out);
    for (auto const& one : now.counts)
        out << "count " << one.inode << " " << one.count << " " << one.others_known << " "
            << one.other_references << " " << one.devices_known << "\n";
    for (auto const& one : now.attachments)
        out << "attached " << one.inode << " " << escaped(one.device.view()) << " " << one.times
            << "\n";
    if (now.watch.origins_read)
        out << "watch " << now.watch.since_ns << " " << now.watch.now_ns << " "
            << now.watch.attachments_read << "\n";
    for (auto const& one : now.origins) {
        out << "origin " << one.inode << " " << name_of(one.state) << " " << one.made_ns << " "
            << one.cgroup << " " << one.maker.pid << " " << one.maker.uid << " "
            << name_of(one.maker.now);
        if (names) out << " " << escaped(one.maker.comm.view());
        out << "\n";
    }
    for (auto const& one : now.watched_attachments)
        out << "watched " << one.inode << " " << escaped(one.device.view()) << " "
            << one.attached_ns << " " << one.importer.pid << "\n";
    for (auto const& who : now.holders) {
        out << "holder " << who.pid << " " << who.uid << " " << who.start_ticks << " "
            << who.rss_bytes << " " << who.pss_bytes.value_or(~0U) << " "
            << who.uss_bytes.value_or(~0U) << " " << who.mapped_bytes << " " << who.unsized_buffers
            << " " << (who.cgroup != dmabuf::no_cgroup);
        if (names)
            out << " " << escaped(who.comm.view()) << " " << escaped(now.cgroup_name(who.cgroup));
        out << "\n";
        for (auto const& one : now.references_of(who))
            out << "  " << now.buffers[one.buffer].inode << " " << one.descriptors << " "
                << one.path_descriptors << " " << one.mappings << " " << one.mapped_bytes << "\n";
    }
    for (auto const& one : now.exporters)
        out << "exporter " << escaped(one.name.view()) << " " << one.buffers << " "
            << one.size_bytes << "\n";
    return out.str();
}

} // namespace support
