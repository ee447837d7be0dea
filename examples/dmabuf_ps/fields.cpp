// SPDX-License-Identifier: MIT
#include "fields.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace dmabuf_ps {

namespace {

using rows::field;
using rows::layout;

std::vector<field> process_fields(bool args) {
    std::vector<field> fields{
        {"pid", "PID"},
        {"start_ticks", "START", layout::number, false},
        {"user", "USER", layout::text},
        {"uid", "UID", layout::number, false},
        {"buffers", "BUFFERS"},
        {"descriptors", "FDS"},
        {"mappings", "MAPS"},
        {"pss_bytes", "PSS"},
        {"rss_bytes", "RSS"},
        {"uss_bytes", "USS"},
        {"mapped_bytes", "MAPPED", layout::number, false},
        {"unsized_buffers", "UNSIZED", layout::number, false},
        {"cgroup", "CGROUP", layout::long_text, false},
        {"comm", "COMMAND", layout::long_text},
    };
    if (args) fields.push_back({"args", "ARGS", layout::long_text});
    return fields;
}

template<class Fields>
void add(std::vector<field>& fields, Fields const& more) {
    fields.insert(fields.end(), more.begin(), more.end());
}

/// The fields of a buffer's maker.
constexpr std::array<field, 4> origin_fields{{
    {"origin", "ORIGIN", layout::text, false},
    {"maker_pid", "MAKER", layout::number, false},
    {"made_by", "MADE BY", layout::long_text},
    {"age_seconds", "AGE"},
}};

std::vector<field> buffer_fields() {
    std::vector<field> fields{
        {"inode", "INODE"},
        {"size_bytes", "SIZE"},
        {"exporter", "EXPORTER", layout::text},
        {"descriptors", "FDS"},
        {"mappings", "MAPS"},
        {"count", "COUNT", layout::number, false},
        {"other_references", "OTHER"},
        {"name", "NAME", layout::long_text},
        {"name_known", "KNOWN", layout::text, false},
    };
    add(fields, origin_fields);
    add(fields, std::array<field, 4>{{
                    {"devices", "DEVICES", layout::long_text},
                    {"holders", "PROCESSES", layout::number, false},
                    {"pids", "PIDS", layout::long_text, false},
                    {"comms", "HOLDERS", layout::long_text},
                }});
    return fields;
}

/// The fields of the buffers of one process.
std::vector<field> held_fields(bool alone) {
    std::vector<field> fields{
        {"inode", "INODE"},
        {"size_bytes", "SIZE"},
        {"share_bytes", "SHARE"},
        {"holders", "HOLDERS"},
        {"descriptors", "FDS"},
        {"mappings", "MAPS"},
        {"mapped_bytes", "MAPPED", layout::number, false},
        {"exporter", "EXPORTER", layout::text},
        {"name", "NAME", layout::long_text},
        {"name_known", "KNOWN", layout::text, false},
    };
    add(fields, origin_fields);
    if (alone) return fields;
    fields.push_back({"other_pids", "PIDS", layout::long_text, false});
    fields.push_back({"other_comms", "SHARED WITH", layout::long_text});
    return fields;
}

std::vector<field> group_fields(grouping by) {
    std::vector<field> fields{
        {"processes", "PROCESSES"}, {"buffers", "BUFFERS"},
        {"pss_bytes", "PSS"},       {"rss_bytes", "RSS"},
        {"uss_bytes", "USS"},       {"unsized", "UNSIZED", layout::number, false},
    };
    if (by == grouping::cgroup) {
        fields.push_back({"cgroup", "CGROUP", layout::long_text});
    } else {
        fields.push_back({"uid", "UID", layout::number, false});
        fields.push_back({"user", "USER", layout::long_text});
    }
    return fields;
}

std::vector<field> exporter_fields() {
    return {
        {"processes", "PROCESSES"},
        {"buffers", "BUFFERS"},
        {"size_bytes", "SIZE"},
        {"unsized_buffers", "UNSIZED", layout::number, false},
        {"exporter", "EXPORTER", layout::text},
    };
}

/// The fields of sums over buffers, held or not, and `more`.
std::vector<field> sums_and(std::initializer_list<field> more) {
    std::vector<field> fields{
        {"buffers", "BUFFERS"},
        {"size_bytes", "SIZE"},
        {"unsized_buffers", "UNSIZED", layout::number, false},
        {"unheld_buffers", "UNHELD", layout::number, false},
        {"unheld_bytes", "UNHELD SIZE"},
    };
    add(fields, more);
    return fields;
}

std::vector<field> maker_fields() {
    return sums_and({
        {"oldest_seconds", "OLDEST"},
        {"newest_seconds", "NEWEST"},
        {"origin", "ORIGIN", layout::text, false},
        {"maker_pid", "PID", layout::number, false},
        {"maker_uid", "UID", layout::number, false},
        {"maker_now", "NOW", layout::text, false},
        {"made_by", "MADE BY", layout::long_text},
    });
}

std::vector<field> device_fields() {
    return sums_and({
        {"device", "DEVICE", layout::long_text},
    });
}

/// The fields of a list that somebody handed on.
std::vector<field> list_fields(bool by_exporter) {
    if (by_exporter)
        return {
            {"buffers", "BUFFERS"}, {"size_bytes", "SIZE"}, {"exporter", "EXPORTER", layout::text}};
    return {
        {"inode", "INODE"},
        {"size_bytes", "SIZE"},
        {"count", "REFERENCES"},
        {"attachments", "ATTACHED"},
        {"exporter", "EXPORTER", layout::text},
        {"devices", "DEVICES", layout::long_text},
    };
}

} // namespace

std::vector<rows::field> fields_of(options const& chosen) {
    if (!chosen.bufinfo.empty()) return list_fields(chosen.by == grouping::exporter);
    if (chosen.buffers_of_one()) return held_fields(chosen.alone);
    if (chosen.buffers) return buffer_fields();
    if (chosen.by == grouping::process) return process_fields(chosen.args);
    if (chosen.by == grouping::maker) return maker_fields();
    if (chosen.by == grouping::device) return device_fields();
    return chosen.by == grouping::exporter ? exporter_fields() : group_fields(chosen.by);
}

bool shows(options const& chosen, std::string_view key) {
    auto const fields = fields_of(chosen);
    auto const found = std::ranges::find(fields, key, &rows::field::key);
    if (found == fields.end()) return false;
    if (chosen.columns.empty()) return found->for_people || chosen.format != output_format::table;
    return std::ranges::any_of(chosen.columns,
                               [&](auto const& name) { return is_called(*found, name); });
}

} // namespace dmabuf_ps
