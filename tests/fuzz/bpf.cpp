// SPDX-License-Identifier: MIT
//
// The records of the pinned BPF iterators, and the text of Android's.
#include <dmabuf/bpf/origins.hpp>
#include <dmabuf/kernel/android_buffers.hpp>

#include "target.hpp"

#include <string>

namespace {

bool within(std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() &&
                            part.data() + part.size() <= whole.data() + whole.size());
}

void take_actor(dmabuf::bpf_actor const& actor, dmabuf::bpf_record const& record) {
    require(actor.pid > 0, "an actor has a number");
    require(within(actor.comm, record.bytes) && actor.comm.size() <= 16, "an actor's comm");
    require(within(actor.thread_comm, record.bytes) && actor.thread_comm.size() <= 16,
            "a thread's comm");
}

void take_watched(dmabuf::bpf_record const& record) {
    if (auto const origin = dmabuf::parse_bpf_origin(record)) take_actor(origin->maker, record);
    if (auto const attached = dmabuf::parse_bpf_attachment(record)) {
        take_actor(attached->importer, record);
        require(within(attached->attached_to, record.bytes) && attached->attached_to.size() <= 63,
                "a device's name");
    }
    if (auto const watch = dmabuf::parse_bpf_watch(record, {dmabuf::object::bpf_origins}))
        require(watch->finished <= watch->begun, "changes begin before they finish");
}

void take_records(std::string_view input) {
    constexpr dmabuf::place where{dmabuf::object::bpf_descriptors};
    auto rest = input;
    for (;;) {
        auto const before = rest;
        auto const taken = dmabuf::take_bpf_record(rest, where);
        if (!taken) {
            require(taken.error().error == EBADMSG, "a failure is EBADMSG");
            return;
        }
        if (!*taken) {
            require(rest.size() == before.size(), "a part of a record stays");
            return;
        }
        auto const& record = **taken;
        require(record.bytes.size() >= 8 && record.bytes.size() % 8 == 0,
                "records are whole eights");
        require(record.bytes.size() + rest.size() == before.size(), "a record is taken off once");
        for (auto const content :
             {dmabuf::bpf_content::descriptors, dmabuf::bpf_content::mappings}) {
            auto const found = dmabuf::parse_bpf_reference(record, content, where);
            if (!found) {
                require(found.error().offset <= record.bytes.size(), "a failure is in the record");
                continue;
            }
            require(found->pid > 0, "a process has a number");
            require(within(found->comm, record.bytes) && found->comm.size() <= 16, "comm");
            require(within(found->buffer.exporter, record.bytes), "exporter");
            require(within(found->buffer.name, record.bytes) && found->buffer.name.size() <= 31,
                    "name");
        }
        if (auto const listed = dmabuf::parse_bpf_listed(record, where))
            require(within(listed->name, record.bytes), "name");
        take_watched(record);
        if (auto const header = dmabuf::parse_bpf_header(record, where))
            require(record.bytes.size() == 24, "a header has one length");
    }
}

void take_totals(std::string_view input) {
    dmabuf::android_buffers_parser parser;
    std::optional<dmabuf::result<dmabuf::listed_buffer>> item;
    std::size_t lines = 0;
    std::size_t rows = 0;
    bool failed = false;
    for (auto rest = input; !rest.empty(); ++lines) {
        parser.line(dmabuf::detail::take_until(rest, '\n'), item);
        if (!item) continue;
        require(!failed, "nothing is believed after a failure");
        failed = !*item;
        if (*item) {
            ++rows;
            require(input.find(std::to_string((*item)->inode)) != input.npos ||
                        input.find('0') != input.npos,
                    "no inode is made up");
        }
        item.reset();
    }
    parser.finish(item);
    require(rows <= lines / 4, "a buffer is four lines");
    require(failed || lines % 4 == 0 || (item && !*item), "a part of a buffer is a failure");
}

} // namespace

void run_target(std::string_view input) {
    take_records(input);
    take_totals(input);
}
