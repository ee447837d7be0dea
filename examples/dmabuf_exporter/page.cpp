// SPDX-License-Identifier: MIT
#include "page.hpp"

#include <dmabuf/groups.hpp>
#include <dmabuf/origins.hpp>

#include "labels.hpp"
#include "report/coverage_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace dmabuf_exporter {

namespace {

using labels = std::vector<prometheus::ClientMetric::Label>;
using prometheus::MetricType;

prometheus::MetricFamily& add_family(page& all, MetricType type, char const* name,
                                     char const* help) {
    return all.emplace_back(prometheus::MetricFamily{name, help, type, {}});
}

prometheus::MetricFamily& add_family(page& all, char const* name, char const* help) {
    return add_family(all, MetricType::Gauge, name, help);
}

void add(prometheus::MetricFamily& family, labels names, double value) {
    auto& one = family.metric.emplace_back();
    one.label = std::move(names);
    (family.type == MetricType::Counter ? one.counter.value : one.gauge.value) = value;
}

/// Drops the last family if it has no series: it would have a type and no value.
void drop_if_empty(page& all) {
    if (all.back().metric.empty()) all.pop_back();
}

double number(std::uint64_t value) {
    return static_cast<double>(value);
}

// --- the largest of many names ---

/// Amounts of one name.
struct row {
    std::string label;
    std::string_view name; ///< raw: rows of one label and other names are of other subjects
    std::string measure;   ///< a label of its own; empty: none
    double value = 0;
    double buffers = 0;
};

/// A row for each name, most first. Those that do not fit, and those whose label another name has,
/// are one more row, "other".
class largest {
public:
    explicit largest(std::vector<row> rows, std::size_t most)
        : rows_(std::move(rows)) {
        add_up_names();
        std::ranges::sort(rows_, [](row const& a, row const& b) {
            return a.value != b.value ? a.value > b.value : key_of(a) < key_of(b);
        });
        for (auto at = most; at < rows_.size(); ++at)
            leave_out(rows_[at]);
        if (rows_.size() > most) rows_.resize(most);
        if (left_out_ != 0) rows_.push_back(other_);
    }

    [[nodiscard]] std::vector<row> const& rows() const { return rows_; }
    [[nodiscard]] std::size_t left_out() const { return left_out_; }

private:
    static std::pair<std::string_view, std::string_view> key_of(row const& one) {
        return {one.label, one.measure};
    }

    void add_up_names() {
        std::ranges::sort(rows_, {}, [](row const& one) {
            return std::tuple(std::string_view(one.label), std::string_view(one.measure), one.name);
        });
        std::size_t kept = 0;
        for (auto& one : rows_) {
            auto* const last = kept != 0 ? &rows_[kept - 1] : nullptr;
            bool const same_label = last && key_of(*last) == key_of(one);
            if (same_label && last->name == one.name)
                add_to(*last, one);
            else if (same_label)
                leave_out(one);
            else
                std::swap(rows_[kept++], one);
        }
        rows_.resize(kept);
    }

    void leave_out(row const& one) {
        ++left_out_;
        add_to(other_, one);
    }

    static void add_to(row& sum, row const& more) {
        sum.value += more.value;
        sum.buffers += more.buffers;
    }

    std::vector<row> rows_;
    row other_{std::string(other_label), {}, {}, 0, 0};
    std::size_t left_out_ = 0;
};

/// Adds a series for each row, but for sums of 0: no buffer has 0 bytes, so that these are of
/// buffers of unknown size.
void add_rows(page& all, largest const& some, char const* name, char const* help, char const* label,
              double row::* value) {
    auto& family = add_family(all, name, help);
    for (auto const& one : some.rows())
        if (one.*value != 0) add(family, {{label, one.label}}, one.*value);
    drop_if_empty(all);
}

// --- amounts ---

/// Adds a sum over the processes and buffers that were seen. "At least 0" tells nothing.
void add_seen(page& all, char const* name, char const* help, std::uint64_t value, bool all_seen) {
    if (value != 0 || all_seen) add_gauge(all, name, help, number(value));
}

void add_coverage(page& all, dmabuf::coverage const& of) {
    add_gauge(
        all, "dmabuf_complete",
        "1: all that processes hold was found. 0: amounts are lower bounds, shares upper ones",
        of.complete() ? 1 : 0);
    add_gauge(all, "dmabuf_processes_seen", "Processes that were read in full",
              number(of.processes_seen));
    add_gauge(all, "dmabuf_processes_denied", "Processes that may not be read",
              number(of.processes_denied));
    add_gauge(all, "dmabuf_processes_failed", "Processes that could not be read for another reason",
              number(of.processes_failed));
    auto& sources = add_family(all, "dmabuf_source_info",
                               "Where references, and the list of all buffers, come from");
    add(sources,
        {{"references", std::string(name_of(of.found_by))},
         {"list", std::string(name_of(of.listed_by))}},
        1);
}

void add_held(page& all, dmabuf::snapshot const& now) {
    bool const seen = now.coverage.complete();
    add_seen(all, "dmabuf_held_bytes", "Size of all buffers that processes hold", now.total_bytes,
             seen);
    add_seen(all, "dmabuf_held_buffers", "Buffers that processes hold", now.buffers.size(), seen);
    add_seen(all, "dmabuf_holders", "Processes that hold a buffer", now.holders.size(), seen);
}

/// Adds the unheld buffers, which are not known unless a list was compared.
void add_unheld(page& all, dmabuf::snapshot const& now) {
    if (!now.coverage.buffers_compared()) return;
    auto const is_sized = [](dmabuf::buffer const& one) { return one.size_known; };
    bool const whole = now.coverage.odd_rows == 0;
    bool const sized = whole && std::ranges::all_of(now.unheld, is_sized);
    add_seen(all, "dmabuf_unheld_bytes", "Size of the buffers that no process seen holds",
             now.unheld_bytes, sized);
    add_seen(all, "dmabuf_unheld_buffers", "Buffers that no process seen holds", now.unheld.size(),
             whole);
    auto const known = report::known_bytes(now).value_or(0);
    if (known == 0 || !sized || now.coverage.buffers_unsized != 0) return;
    add_gauge(all, "dmabuf_listed_bytes", "Size of all buffers that the kernel lists",
              number(known));
    add_gauge(all, "dmabuf_explained_ratio",
              "Bytes that processes seen hold, of all that the kernel lists",
              number(now.total_bytes) / number(known));
}

std::size_t add_exporters(page& all, dmabuf::snapshot const& now, std::size_t most) {
    std::vector<row> rows;
    for (auto const& one : now.exporters)
        rows.push_back(
            {label_of(one.name), one.name.view(), {}, number(one.size_bytes), number(one.buffers)});
    largest const some(std::move(rows), most);
    add_rows(all, some, "dmabuf_bytes", "Size of the buffers that processes hold, by exporter",
             "exporter", &row::value);
    add_rows(all, some, "dmabuf_buffers", "Buffers that processes hold, by exporter", "exporter",
             &row::buffers);
    return some.left_out();
}

std::string label_of_cgroup(std::string_view path) {
    return path.empty() ? std::string(unknown_label) : label_of(path);
}

std::size_t add_cgroups(page& all, dmabuf::snapshot const& now, std::size_t most) {
    if (now.cgroups.empty()) return 0;
    std::vector<row> rows;
    for (auto const& one : dmabuf::by_cgroup(now)) {
        auto const path = now.cgroup_name(one.group);
        if (one.pss_bytes.has_value())
            rows.push_back({label_of_cgroup(path), path, {}, number(*one.pss_bytes), 0});
    }
    largest const some(std::move(rows), most);
    add_rows(all, some, "dmabuf_cgroup_pss_bytes",
             "Share of a cgroup's processes: each buffer's size split over its holders", "cgroup",
             &row::value);
    return some.left_out();
}

void add_processes(page& all, dmabuf::snapshot const& now, std::size_t most) {
    if (most == 0) return;
    auto& family = add_family(all, "dmabuf_process_pss_bytes",
                              "Share of a process: each buffer's size split over its holders");
    double others = 0;
    auto const ranked = dmabuf::by_process(now);
    for (std::size_t at = 0; at < ranked.size(); ++at) {
        auto const share = number(ranked[at].pss_bytes.value_or(0));
        if (at >= most)
            others += share;
        else if (ranked[at].pss_bytes.has_value())
            add(family,
                {{"pid", fmt::format("{}", ranked[at].pid)}, {"name", label_of(ranked[at].comm)}},
                share);
    }
    if (ranked.size() > most)
        add(family, {{"pid", ""}, {"name", std::string(other_label)}}, others);
    drop_if_empty(all);
}

// --- makers ---

/// Adds the buffers without a known maker, by the reason, which is their state.
void add_unknown_makers(page& all, std::vector<dmabuf::maker_total> const& makers) {
    auto& family = add_family(all, "dmabuf_made_unknown_bytes",
                              "Size of the buffers whose maker is not known, by reason");
    for (auto const& one : makers)
        if (one.state != dmabuf::origin_state::made_by)
            add(family, {{"reason", std::string(name_of(one.state))}}, number(one.size_bytes));
    drop_if_empty(all);
}

std::size_t add_makers(page& all, dmabuf::snapshot const& now, std::size_t most) {
    add_gauge(all, "dmabuf_origins_watched", "1: dmabuf_pin --origins tells who makes buffers",
              now.watch.origins_read ? 1 : 0);
    if (!now.watch.origins_read) return 0;
    auto const makers = dmabuf::by_maker(now);
    std::vector<row> rows;
    for (auto const& one : makers)
        if (one.state == dmabuf::origin_state::made_by)
            rows.push_back({label_of(one.maker.comm),
                            one.maker.comm.view(),
                            {},
                            number(one.size_bytes),
                            number(one.buffers)});
    largest const some(std::move(rows), most);
    add_rows(all, some, "dmabuf_made_bytes",
             "Size of the buffers, held or not, by the name of the process that made them", "maker",
             &row::value);
    add_unknown_makers(all, makers);
    return some.left_out();
}

// --- growth ---

/// The name of an exporter, a cgroup, a maker or a process. A buffer has none, nor have all unheld
/// ones.
std::string name_of_subject(dmabuf::growth_series const& one) {
    auto const& name = one.of.name;
    if (name.empty()) return {};
    bool const is_whole =
        one.name_hash == 0 || one.name_hash == dmabuf::detail::hash_of(name.view());
    return is_whole ? label_of(name) : cut_label_of(name.view(), one.name_hash);
}

/// Adds the growing amounts. Subjects of one kind and name are one row, as processes of one name.
void add_growing(page& all, dmabuf::growth_watch const& growth, bool bytes, std::size_t most) {
    std::vector<row> rows;
    growth.for_each([&](dmabuf::growth_series const& one) {
        if (!one.so_far.grows() || (one.what == dmabuf::measure::bytes) != bytes) return;
        row next;
        next.label = name_of_subject(one);
        next.name = one.of.name.view();
        next.measure = fmt::format("{} {}", name_of(one.of.kind), name_of(one.what));
        next.value = one.so_far.rate_per_second();
        rows.push_back(std::move(next));
    });
    largest const some(std::move(rows), most);
    auto& family =
        bytes ? add_family(all, "dmabuf_growth_bytes_per_second", "Growth of those that grow")
              : add_family(all, "dmabuf_growth_items_per_second",
                           "Growth of those that grow: buffers, descriptors, mappings, references, "
                           "attachments");
    for (auto const& one : some.rows()) {
        auto const blank = one.measure.find(' ');
        auto const kind =
            one.measure.empty() ? other_label : std::string_view(one.measure).substr(0, blank);
        labels names{{"subject", std::string(kind)}, {"name", one.label}};
        if (!bytes)
            names.push_back({"measure", one.measure.empty() ? std::string(other_label)
                                                            : one.measure.substr(blank + 1)});
        add(family, std::move(names), one.value);
    }
    drop_if_empty(all);
}

void add_growing_counts(page& all, dmabuf::growth_watch const& growth) {
    std::array<std::size_t, dmabuf::detail::subject_kinds> counts{};
    growth.for_each([&](dmabuf::growth_series const& one) {
        counts[static_cast<std::size_t>(one.of.kind)] += one.so_far.grows() ? 1U : 0U;
    });
    auto& family = add_family(all, "dmabuf_growing", "Amounts that grow, by kind of subject");
    for (std::size_t kind = 0; kind < counts.size(); ++kind)
        if (auto const which = static_cast<dmabuf::subject_kind>(kind);
            which != dmabuf::subject_kind::process_buffer) // told of a single process
            add(family, {{"subject", std::string(name_of(which))}}, number(counts[kind]));
}

// --- the whole page ---

void add_amounts(page& all, dmabuf::snapshot const& now, limits const& most) {
    add_coverage(all, now.coverage);
    add_held(all, now);
    add_unheld(all, now);
    auto const exporters = add_exporters(all, now, most.exporters);
    auto const cgroups = add_cgroups(all, now, most.cgroups);
    auto const makers = add_makers(all, now, most.makers);
    add_processes(all, now, most.processes);
    auto& left_out = add_family(all, "dmabuf_names_left_out",
                                "Names that did not fit, and are added up as other");
    add(left_out, {{"kind", "exporter"}}, number(exporters));
    add(left_out, {{"kind", "cgroup"}}, number(cgroups));
    add(left_out, {{"kind", "maker"}}, number(makers));
}

void add_growth(page& all, dmabuf::growth_watch const& growth, limits const& most) {
    if (growth.counts().looks == 0) return;
    add_growing_counts(all, growth);
    add_growing(all, growth, true, most.growing);
    add_growing(all, growth, false, most.growing);
    add_gauge(all, "dmabuf_growth_left_out", "Amounts of the last look that are not followed",
              number(growth.counts().left_out));
}

void add_up(page& all, bool is_up) {
    add_gauge(all, "dmabuf_up", "1: the amounts are of a sample. 0: there is none, and no amounts",
              is_up ? 1 : 0);
    add(add_family(all, "dmabuf_build_info", "The version of this exporter"),
        {{"version", fmt::format("{}.{}.{}", DMABUF_VERSION_MAJOR, DMABUF_VERSION_MINOR,
                                 DMABUF_VERSION_PATCH)}},
        1);
}

} // namespace

void add_gauge(page& all, char const* name, char const* help, double value) {
    add(add_family(all, name, help), {}, value);
}

void add_counter(page& all, char const* name, char const* help, double value) {
    add(add_family(all, MetricType::Counter, name, help), {}, value);
}

page with_amounts(dmabuf::snapshot const& now, dmabuf::growth_watch const& growth,
                  limits const& most) {
    page all;
    add_up(all, true);
    add_amounts(all, now, most);
    add_growth(all, growth, most);
    return all;
}

page without_amounts() {
    page all;
    add_up(all, false);
    return all;
}

} // namespace dmabuf_exporter
