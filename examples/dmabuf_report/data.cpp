// SPDX-License-Identifier: MIT
#include "data.hpp"

#include <dmabuf/fmt.hpp>

#include "makers.hpp"

#include <algorithm>
#include <cmath>

namespace dmabuf_report {

namespace {

using report::json_writer;
using report::raw_name;

/// The makers of the buffers that are shown, numbered in the order in which they are met.
class numbered_makers {
public:
    explicit numbered_makers(account const& shown) {
        for (auto const* one : shown.buffers) {
            auto const words = maker_words(shown.now, *one);
            if (words.empty()) continue;
            auto const [at, added] = numbers_.try_emplace(words, words_.size());
            if (added) words_.push_back(words);
        }
    }

    [[nodiscard]] std::vector<std::string> const& words() const { return words_; }
    void write(json_writer& out, account const& shown, dmabuf::buffer const& one) const {
        auto const found = numbers_.find(maker_words(shown.now, one));
        out.field_if(found != numbers_.end(), "maker", found == numbers_.end() ? 0 : found->second);
    }

private:
    std::map<std::string, std::size_t> numbers_;
    std::vector<std::string> words_;
};

void write_exporter(json_writer& out, dmabuf::exporter_id which) {
    auto const number = static_cast<std::uint32_t>(which);
    out.field_if(number != 0, "exporter", number - 1);
}

void write_process(json_writer& out, scene const& of, dmabuf::holder const& who) {
    out.row([&] {
        out.field("pid", who.pid);
        out.field("comm", raw_name(who.comm));
        auto const user = of.users.of(who.uid);
        out.field("user", std::string_view(user));
        out.field_if(who.cgroup < of.now.cgroups.size(), "cgroup", who.cgroup);
        out.field_if(who.pss_bytes.has_value(), "pss", who.pss_bytes.value_or(0));
        out.field("rss", who.rss_bytes);
        out.field_if(who.uss_bytes.has_value(), "uss", who.uss_bytes.value_or(0));
        out.field("buffers", who.reference_count);
    });
}

void write_devices(json_writer& out, dmabuf::snapshot const& now, dmabuf::buffer const& one) {
    std::vector<std::string> devices;
    auto const add = [&](auto const& name) {
        auto text = std::string(name.view());
        if (std::ranges::count(devices, text) == 0) devices.push_back(std::move(text));
    };
    for (auto const& its : now.attachments_of(one))
        add(its.device);
    for (auto const& its : now.watched_attachments_of(one))
        if (its.named) add(its.device);
    out.key("devices");
    out.row(devices, [&](std::string const& name) { out.value(raw_name(std::string_view(name))); });
}

void write_holders(json_writer& out, account const& shown, dmabuf::buffer const& one) {
    bool const held = shown.is_held(one);
    out.field_if(!held || one.holders.has_value(), "holder_count",
                 held ? one.holders.value_or(0) : 0);
    std::vector<std::uint32_t> places;
    for (auto const holder : shown.holders_of(one))
        if (shown.places[holder] != account::no_place) places.push_back(shown.places[holder]);
    out.key("holders");
    out.row(places, [&](std::uint32_t place) { out.value(place); });
}

void write_buffer(json_writer& out, account const& shown, numbered_makers const& makers,
                  dmabuf::buffer const& one) {
    auto const* const counted = shown.now.count_of(one);
    out.row([&] {
        auto const inode = std::to_string(one.inode); // more than a double holds
        out.field("inode", std::string_view(inode));
        out.field_if(one.size_known, "size", one.size_bytes);
        write_exporter(out, one.exporter);
        out.field_if(one.named, "name", raw_name(one.name));
        makers.write(out, shown, one);
        out.field("descriptors", one.descriptors);
        out.field("mappings", one.mappings);
        out.field_if(counted && counted->others_known, "others",
                     counted ? counted->other_references : 0);
        write_devices(out, shown.now, one);
        write_holders(out, shown, one);
    });
}

/// Words for those who do not see the lines.
std::string words_of(timeline const& times) {
    auto text = fmt::format("{} lines over {:.0f} seconds", times.lines.size(),
                            times.at.back() - times.at.front());
    if (times.lines_left_out != 0)
        text += fmt::format(", the largest; {} more are left out", times.lines_left_out);
    if (!times.events.empty()) text += fmt::format(". Dashed: {} events", times.events.size());
    return text + ".";
}

void write_times(json_writer& out, timeline const& times) {
    out.key("times");
    if (times.empty()) return out.null();
    out.object([&] {
        out.field("utc", times.utc);
        auto const words = words_of(times);
        out.field("words", std::string_view(words));
        auto const number = [&](double at) { out.value(std::llround(at * 1e3)); };
        out.key("at_ms");
        out.row(times.at, number);
        out.key("lines");
        out.array(times.lines, [&](timeline::line const& one) {
            out.row([&] {
                out.field("name", std::string_view(one.name));
                out.key("bytes");
                out.row(one.bytes,
                        [&](auto const& bytes) { bytes ? out.value(*bytes) : out.null(); });
            });
        });
        out.key("events_ms");
        out.row(times.events, [&](timeline::event const& one) { number(one.at); });
    });
}

} // namespace

void write_data(json_writer& out, scene const& of, account const& shown) {
    numbered_makers const makers(shown);
    out.object([&] {
        out.key("exporters");
        out.row(of.now.exporter_names, [&](auto const& name) { out.value(raw_name(name)); });
        out.key("makers");
        out.row(makers.words(),
                [&](std::string const& words) { out.value(std::string_view(words)); });
        out.key("cgroups");
        std::vector<std::string_view> cgroups;
        for (std::uint32_t i = 0; i < of.now.cgroups.size(); ++i)
            cgroups.push_back(of.now.cgroup_name(i));
        out.row(cgroups, [&](std::string_view name) { out.value(raw_name(name)); });
        out.key("processes");
        out.array(shown.processes, [&](auto const* who) { write_process(out, of, *who); });
        out.key("buffers");
        out.array(shown.buffers, [&](auto const* one) { write_buffer(out, shown, makers, *one); });
        out.field("more_processes", shown.processes_left_out);
        out.field("more_process_bytes", shown.left_out_bytes);
        out.key("more_buffers");
        out.array([&] {
            for (auto const& [exporter, its] : shown.rest)
                out.row([&] {
                    write_exporter(out, exporter);
                    out.field("buffers", its.buffers);
                    out.field("bytes", its.bytes);
                });
        });
        write_times(out, of.times);
    });
    out.finish();
}

} // namespace dmabuf_report
