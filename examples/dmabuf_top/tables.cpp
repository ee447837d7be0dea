// SPDX-License-Identifier: MIT
#include "tables.hpp"

#include <dmabuf/fmt.hpp>

#include "report/maker_words.hpp"
#include "report/unheld.hpp"
#include "report/visible.hpp"

#include <algorithm>
#include <iterator>

namespace dmabuf_top {

namespace {

using dmabuf::subject_kind;

// --- what rows stand for ---

dmabuf::holder const& holder_of(look const& of, row one) {
    return of.now().holders[one.at];
}
dmabuf::buffer const& buffer_of(look const& of, row one) {
    return of.buffer_at(one.at);
}
dmabuf::reference const& reference_of(look const& of, row one) {
    return of.now().references[one.reference];
}
dmabuf::exporter_total const& exporter_of(look const& of, row one) {
    return of.now().exporters[one.at];
}
dmabuf::maker_total const& maker_of(look const& of, row one) {
    return of.makers()[one.at];
}
dmabuf::group_total const& cgroup_of(look const& of, row one) {
    return of.cgroups()[one.at];
}

// --- cells ---

amount known(dmabuf::known_number<std::uint64_t> number, std::size_t unsized, std::size_t all) {
    if (!number.has_value() || (unsized != 0 && unsized == all)) return amount::unknown();
    return {*number, unsized == 0 ? amount::certainty::exact : amount::certainty::at_least};
}

amount sum(dmabuf::holder const& who, dmabuf::known_number<std::uint64_t> number) {
    return known(number, who.unsized_buffers, who.reference_count);
}

template<class Name>
void append(std::string& out, Name const& name) {
    out += escaped(name).view();
}

amount size_of(dmabuf::buffer const& one) {
    return one.size_known ? amount{one.size_bytes} : amount::unknown();
}

std::uint64_t references_of(look const& of, dmabuf::holder const& who,
                            std::uint32_t dmabuf::reference::* counted) {
    std::uint64_t all = 0;
    for (auto const& one : of.now().references_of(who))
        all += one.*counted;
    return all;
}

amount share_of(look const& of, dmabuf::reference const& how) {
    auto const& one = of.now().buffers[how.buffer];
    if (!one.size_known) return amount::unknown();
    auto const all = of.holders_of(how.buffer);
    auto const turn = std::ranges::lower_bound(all, how.holder) - all.begin();
    return known(dmabuf::share_of(one, static_cast<std::uint32_t>(turn)), 0, 1);
}

amount others_of(look const& of, dmabuf::buffer const& one) {
    auto const* const count = of.now().count_of(one);
    return count && count->others_known ? amount{count->other_references} : amount::unknown();
}

void put_user(look const& of, row one, std::string& out) {
    out += of.user_of(holder_of(of, one));
}

void put_comm(look const& of, row one, std::string& out) {
    auto const& comm = holder_of(of, one).comm;
    if (comm.empty()) out += "\"\"";
    append(out, comm);
}

void put_cgroup(look const& of, std::uint32_t cgroup, std::string& out) {
    if (cgroup == dmabuf::no_cgroup)
        out += '?';
    else
        dmabuf::escape(of.now().cgroup_name(cgroup), std::back_inserter(out));
}

void put_exporter(look const& of, row one, std::string& out) {
    auto const& name = of.now().exporter_of(buffer_of(of, one));
    if (name.empty()) out += '?';
    append(out, name);
}

void put_buffer_name(look const& of, row one, std::string& out) {
    auto const& it = buffer_of(of, one);
    if (!it.name_known)
        out += '?';
    else if (!it.named)
        out += '-';
    else if (it.name.empty())
        out += "\"\"";
    append(out, it.name);
}

/// Here "-" means that there is none, as of names and devices, and nothing has no maker.
bool is_watched(look const& of, row one) {
    auto const* const told = of.now().origin_of(buffer_of(of, one));
    return told && told->state != dmabuf::origin_state::not_watched;
}

void put_maker(look const& of, row one, std::string& out) {
    out += is_watched(of, one) ? report::maker_words(of.now(), buffer_of(of, one)) : "?";
}

void put_age(look const& of, row one, std::string& out) {
    out += is_watched(of, one) ? report::age_cell_words(of.now(), buffer_of(of, one)) : "?";
}

amount age_of(look const& of, row one) {
    auto const& now = of.now();
    auto const* const told = now.origin_of(buffer_of(of, one));
    bool const known =
        told && told->state == dmabuf::origin_state::made_by && now.watch.now_ns != 0;
    return known ? amount{now.watch.age_ns(told->made_ns)} : amount::unknown();
}

/// A device once, though it is attached more often.
void put_devices(look const& of, row one, std::string& out) {
    auto const& now = of.now();
    auto const& it = buffer_of(of, one);
    auto const* const count = now.count_of(it);
    auto const begin = out.size();
    auto const add = [&](dmabuf::device_name const& device) {
        auto const name = report::visible(device);
        if (out.find(name, begin) != out.npos) return;
        if (out.size() != begin) out += ", ";
        out += name;
    };
    dmabuf::detail::for_each_device(now, it, add);
    bool const all = count && count->devices_known;
    if (out.size() == begin)
        out += all ? "-" : "?";
    else if (!all && now.watch.attachments_lost != 0)
        out += ", …";
}

// --- the tables ---

constexpr std::uint16_t byte_width = 10;

constexpr column processes[] = {
    {"PID", look_of::number, 7, 0,
     [](look const& of, row one) {
         return amount{static_cast<std::uint64_t>(holder_of(of, one).pid)};
     }},
    {"USER", look_of::text, 8, 0, nullptr, put_user},
    {"BUFS", look_of::number, 5, 0,
     [](look const& of, row one) { return amount{holder_of(of, one).reference_count}; }},
    {"FDS", look_of::number, 6, 130,
     [](look const& of, row one) {
         return amount{references_of(of, holder_of(of, one), &dmabuf::reference::descriptors)};
     }},
    {"MAPS", look_of::number, 6, 130,
     [](look const& of, row one) {
         return amount{references_of(of, holder_of(of, one), &dmabuf::reference::mappings)};
     }},
    {"RSS", look_of::bytes, byte_width, 0,
     [](look const& of, row one) { return sum(holder_of(of, one), holder_of(of, one).rss_bytes); }},
    {"USS", look_of::bytes, byte_width, 110,
     [](look const& of, row one) { return sum(holder_of(of, one), holder_of(of, one).uss_bytes); }},
    {"PSS", look_of::bytes, byte_width, 0,
     [](look const& of, row one) { return sum(holder_of(of, one), holder_of(of, one).pss_bytes); }},
    {"", look_of::bar, 5, 0,
     [](look const& of, row one) { return sum(holder_of(of, one), holder_of(of, one).pss_bytes); }},
    {"LATELY", look_of::sparkline, history::steps, 72},
    {"GROWS", look_of::growth, 13, 100},
    {"CGROUP", look_of::text, 40, 180, nullptr,
     [](look const& of, row one, std::string& out) {
         put_cgroup(of, holder_of(of, one).cgroup, out);
     }},
    {"NAME", look_of::text, 0, 0, nullptr, put_comm},
};

constexpr column buffers[] = {
    {"INODE", look_of::number, 8, 0,
     [](look const& of, row one) { return amount{buffer_of(of, one).inode}; }},
    {"SIZE", look_of::bytes, byte_width, 0,
     [](look const& of, row one) { return size_of(buffer_of(of, one)); }},
    {"HOLDERS", look_of::number, 7, 0,
     [](look const& of, row one) {
         auto const holders = buffer_of(of, one).holders;
         return holders.has_value() ? amount{*holders} : amount::unknown();
     }},
    {"FDS", look_of::number, 5, 100,
     [](look const& of, row one) { return amount{buffer_of(of, one).descriptors}; }},
    {"MAPS", look_of::number, 5, 100,
     [](look const& of, row one) { return amount{buffer_of(of, one).mappings}; }},
    {"OTHER", look_of::number, 5, 0,
     [](look const& of, row one) { return others_of(of, buffer_of(of, one)); }},
    {"AGE", look_of::text, 7, 90, age_of, put_age},
    {"GROWS", look_of::growth, 14, 120},
    {"EXPORTER", look_of::text, 20, 0, nullptr, put_exporter},
    {"MADE BY", look_of::text, 16, 72, nullptr, put_maker},
    {"DEVICES", look_of::text, 20, 110, nullptr, put_devices},
    {"NAME", look_of::text, 0, 0, nullptr, put_buffer_name},
};

constexpr column exporters[] = {
    {"BUFS", look_of::number, 7, 0,
     [](look const& of, row one) { return amount{exporter_of(of, one).buffers}; }},
    {"SIZE", look_of::bytes, byte_width, 0,
     [](look const& of, row one) { return amount{exporter_of(of, one).size_bytes}; }},
    {"", look_of::bar, 11, 0,
     [](look const& of, row one) { return amount{exporter_of(of, one).size_bytes}; }},
    {"LATELY", look_of::sparkline, history::steps, 76},
    {"GROWS", look_of::growth, 14, 0},
    {"EXPORTER", look_of::text, 0, 0, nullptr,
     [](look const& of, row one, std::string& out) {
         auto const& name = exporter_of(of, one).name;
         if (name.empty()) out += '?';
         append(out, name);
     }},
};

/// Buffers of unknown size are in no sum.
amount made_bytes(look const& of, row one) {
    auto const& it = maker_of(of, one);
    return known(it.size_bytes, it.unsized_buffers, it.buffers);
}

amount unheld_bytes(look const& of, row one) {
    auto const& it = maker_of(of, one);
    if (!report::tells_unheld(of.now(), it.state)) return amount::unknown();
    return {it.unheld_bytes};
}

constexpr column makers[] = {
    {"BUFS", look_of::number, 7, 0,
     [](look const& of, row one) { return amount{maker_of(of, one).buffers}; }},
    {"SIZE", look_of::bytes, byte_width, 0, made_bytes},
    {"UNHELD", look_of::bytes, byte_width, 0, unheld_bytes},
    {"", look_of::bar, 8, 0, made_bytes},
    {"LATELY", look_of::sparkline, history::steps, 72},
    {"GROWS", look_of::growth, 14, 100},
    {"MADE BY", look_of::text, 0, 0, nullptr,
     [](look const& of, row one, std::string& out) {
         auto const& it = maker_of(of, one);
         out += report::maker_words(it.state, it.maker);
     }},
};

constexpr column cgroups[] = {
    {"PROCS", look_of::number, 6, 0,
     [](look const& of, row one) { return amount{cgroup_of(of, one).holders}; }},
    {"BUFS", look_of::number, 6, 0,
     [](look const& of, row one) { return amount{cgroup_of(of, one).buffers}; }},
    {"RSS", look_of::bytes, byte_width, 0,
     [](look const& of, row one) { return amount{cgroup_of(of, one).rss_bytes}; }},
    {"USS", look_of::bytes, byte_width, 110,
     [](look const& of, row one) { return known(cgroup_of(of, one).uss_bytes, 0, 1); }},
    {"PSS", look_of::bytes, byte_width, 0,
     [](look const& of, row one) { return known(cgroup_of(of, one).pss_bytes, 0, 1); }},
    {"", look_of::bar, 8, 0,
     [](look const& of, row one) { return known(cgroup_of(of, one).pss_bytes, 0, 1); }},
    {"LATELY", look_of::sparkline, history::steps, 72},
    {"GROWS", look_of::growth, 14, 100},
    {"CGROUP", look_of::text, 0, 0, nullptr,
     [](look const& of, row one, std::string& out) {
         put_cgroup(of, cgroup_of(of, one).group, out);
     }},
};

constexpr column held[] = {
    {"INODE", look_of::number, 8, 0,
     [](look const& of, row one) { return amount{buffer_of(of, one).inode}; }},
    {"SIZE", look_of::bytes, byte_width, 0,
     [](look const& of, row one) { return size_of(buffer_of(of, one)); }},
    {"SHARE", look_of::bytes, byte_width, 0,
     [](look const& of, row one) { return share_of(of, reference_of(of, one)); }},
    {"", look_of::bar, 6, 0,
     [](look const& of, row one) { return share_of(of, reference_of(of, one)); }},
    {"FDS", look_of::number, 4, 0,
     [](look const& of, row one) { return amount{reference_of(of, one).descriptors}; }},
    {"MAPS", look_of::number, 4, 0,
     [](look const& of, row one) { return amount{reference_of(of, one).mappings}; }},
    {"HOLDERS", look_of::number, 7, 90,
     [](look const& of, row one) {
         auto const holders = buffer_of(of, one).holders;
         return holders.has_value() ? amount{*holders} : amount::unknown();
     }},
    {"AGE", look_of::text, 7, 110, age_of, put_age},
    {"EXPORTER", look_of::text, 12, 100, nullptr, put_exporter},
    {"DEVICES", look_of::text, 12, 72, nullptr, put_devices},
    {"MADE BY", look_of::text, 14, 0, nullptr, put_maker},
    {"NAME", look_of::text, 0, 90, nullptr, put_buffer_name},
};

constexpr column holders[] = {
    {"PID", look_of::number, 7, 0,
     [](look const& of, row one) {
         return amount{static_cast<std::uint64_t>(holder_of(of, one).pid)};
     }},
    {"USER", look_of::text, 8, 0, nullptr, put_user},
    {"SHARE", look_of::bytes, byte_width, 0,
     [](look const& of, row one) { return share_of(of, reference_of(of, one)); }},
    {"FDS", look_of::number, 6, 0,
     [](look const& of, row one) { return amount{reference_of(of, one).descriptors}; }},
    {"MAPS", look_of::number, 6, 0,
     [](look const& of, row one) { return amount{reference_of(of, one).mappings}; }},
    {"MAPPED", look_of::bytes, byte_width, 90,
     [](look const& of, row one) { return amount{reference_of(of, one).mapped_bytes}; }},
    {"CGROUP", look_of::text, 30, 120, nullptr,
     [](look const& of, row one, std::string& out) {
         put_cgroup(of, holder_of(of, one).cgroup, out);
     }},
    {"NAME", look_of::text, 0, 0, nullptr, put_comm},
};

char in_lower_case(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// --- rows ---

void add_all(std::size_t count, std::vector<row>& rows) {
    for (std::uint32_t at = 0; at < count; ++at)
        rows.push_back({at, 0});
}

bool limits(subject const& of) {
    return of.pid != 0 || of.start_ticks != 0 || of.inode != 0 || !of.name.empty();
}

void find_processes(look const& now, subject const& of, std::vector<row>& rows) {
    for (std::uint32_t at = 0; at < now.now().holders.size(); ++at) {
        auto const& who = now.now().holders[at];
        if (!now.chooses(at)) continue;
        if (limits(of) &&
            key_of_cgroup(now.now().cgroup_name(who.cgroup)) != key_of_cgroup(of.name.view()))
            continue;
        rows.push_back({at, 0});
    }
}

bool made_by(look const& now, dmabuf::buffer const& one, subject const& of) {
    auto const* const told = now.now().origin_of(one);
    if (!told || told->state != dmabuf::origin_state::made_by)
        return of.pid == 0 &&
               of.inode == 1 + static_cast<std::uint64_t>(told ? told->state
                                                               : dmabuf::origin_state::not_watched);
    return told->maker.pid == of.pid && told->maker.start_ns == of.start_ticks;
}

void find_buffers(look const& now, subject const& of, std::vector<row>& rows) {
    for (std::uint32_t at = 0; at < now.buffer_count(); ++at) {
        auto const& one = now.buffer_at(at);
        bool const fits = of.kind == subject_kind::exporter
                              ? now.now().exporter_of(one).view() == of.name.view()
                              : of.kind != subject_kind::maker || made_by(now, one, of);
        if (fits) rows.push_back({at, 0});
    }
}

bool is_buffer(dmabuf::buffer const& one, subject const& of) {
    return one.inode == of.inode && one.size_bytes == of.start_ticks;
}

/// `no_column`: it is not there.
std::size_t place_of_process(look const& now, subject const& of) {
    auto const& all = now.now().holders;
    auto const found = std::ranges::lower_bound(all, of.pid, {}, &dmabuf::holder::pid);
    bool const there =
        found != all.end() && found->pid == of.pid && found->start_ticks == of.start_ticks;
    return there ? static_cast<std::size_t>(found - all.begin()) : no_column;
}

/// Whether a process that holds buffers may be there, unseen.
bool may_hide_process(dmabuf::snapshot const& now, std::int32_t pid) {
    auto const& seen = now.coverage;
    bool const lists_it = seen.proc_shows == dmabuf::visibility::everything ||
                          seen.proc_shows == dmabuf::visibility::pid_namespace;
    return !lists_it || std::ranges::find(now.unread, pid) != now.unread.end() ||
           seen.descriptors_failed != 0 || seen.undecided != 0 || !seen.mappings_read;
}

/// Whether a buffer may be there, unseen: with a driver where no list was compared, and where a
/// process is out of sight by its O_PATH descriptor, of which most lists do not tell.
bool may_hide_buffer(dmabuf::coverage const& seen) {
    bool const listed = seen.buffers_compared() && seen.odd_rows == 0 && seen.buffers_leaving == 0;
    return !listed || !seen.complete();
}

void find_held(look const& now, subject const& of, std::vector<row>& rows) {
    auto const place = place_of_process(now, of);
    if (place == no_column) return;
    auto const& who = now.now().holders[place];
    for (std::size_t at = 0; at < who.reference_count; ++at) {
        auto const reference = static_cast<std::uint32_t>(who.first_reference + at);
        rows.push_back({now.now().references[reference].buffer, reference});
    }
}

void find_holders(look const& now, subject const& of, std::vector<row>& rows) {
    auto const& all = now.now().references;
    for (std::uint32_t at = 0; at < all.size(); ++at)
        if (is_buffer(now.now().buffers[all[at].buffer], of)) rows.push_back({all[at].holder, at});
}

/// The largest that a row can be: its size, else its RSS.
std::uint64_t most_bytes_of(look const& now, view which, row const& one) {
    switch (which) {
    case view::processes:
    case view::holders: {
        auto const& who = holder_of(now, one);
        return selection::most_bytes(who.rss_bytes, who.unsized_buffers == 0);
    }
    case view::buffers:
    case view::held: {
        auto const& it = buffer_of(now, one);
        return selection::most_bytes(it.size_bytes, it.size_known);
    }
    case view::exporters:
        return exporter_of(now, one).size_bytes;
    case view::makers:
        return selection::most_bytes(maker_of(now, one).size_bytes,
                                     maker_of(now, one).unsized_buffers == 0);
    case view::cgroups:
        break;
    }
    return cgroup_of(now, one).rss_bytes;
}

} // namespace

std::span<column const> columns_of(view which) {
    switch (which) {
    case view::processes:
        return processes;
    case view::buffers:
        return buffers;
    case view::exporters:
        return exporters;
    case view::makers:
        return makers;
    case view::cgroups:
        return cgroups;
    case view::held:
        return held;
    case view::holders:
        break;
    }
    return holders;
}

std::size_t column_called(view which, std::string_view title) {
    auto const all = columns_of(which);
    for (std::size_t at = 0; at < all.size(); ++at)
        if (!all[at].title.empty() &&
            std::ranges::equal(all[at].title, title, {}, in_lower_case, in_lower_case))
            return at;
    return no_column;
}

std::size_t usual_sort(view which) {
    for (auto const* title : {"PSS", "SHARE", "SIZE"})
        if (auto const at = column_called(which, title); at != no_column) return at;
    return 0;
}

void find_rows(look const& now, view which, subject const& of, std::vector<row>& rows) {
    rows.clear();
    switch (which) {
    case view::processes:
        find_processes(now, of, rows);
        break;
    case view::buffers:
        find_buffers(now, of, rows);
        break;
    case view::exporters:
        add_all(now.now().exporters.size(), rows);
        break;
    case view::makers:
        add_all(now.makers().size(), rows);
        break;
    case view::cgroups:
        add_all(now.cgroups().size(), rows);
        break;
    case view::held:
        find_held(now, of, rows);
        break;
    case view::holders:
        find_holders(now, of, rows);
        break;
    }
    auto const least = now.chosen().wanted.least_bytes;
    if (least != 0)
        std::erase_if(rows, [&](row const& one) { return most_bytes_of(now, which, one) < least; });
}

presence presence_of(look const& now, view which, subject const& of) {
    bool seen = true;
    bool may_hide = false;
    if (which == view::held) {
        seen = place_of_process(now, of) != no_column;
        may_hide = may_hide_process(now.whole(), of.pid);
    } else if (which == view::holders) {
        auto const is_it = [&](auto const& one) { return is_buffer(one, of); };
        seen = std::ranges::any_of(now.now().buffers, is_it) ||
               std::ranges::any_of(now.now().unheld, is_it);
        may_hide = may_hide_buffer(now.whole().coverage);
    }
    if (seen) return presence::seen;
    return may_hide ? presence::out_of_sight : presence::gone;
}

subject subject_of(look const& now, view which, row const& one) {
    switch (which) {
    case view::processes:
    case view::holders: {
        auto const& who = holder_of(now, one);
        return {subject_kind::process, who.pid, who.start_ticks, 0,
                dmabuf::subject_name(who.comm.view())};
    }
    case view::buffers:
    case view::held: {
        auto const& it = buffer_of(now, one);
        return {subject_kind::buffer, 0, it.size_bytes, it.inode, {}};
    }
    case view::exporters:
        return {subject_kind::exporter, 0, 0, 0,
                dmabuf::subject_name(exporter_of(now, one).name.view())};
    case view::makers: {
        auto const& it = maker_of(now, one);
        if (it.state != dmabuf::origin_state::made_by)
            return {subject_kind::maker, 0, 0, 1 + static_cast<std::uint64_t>(it.state), {}};
        return {subject_kind::maker, it.maker.pid, it.maker.start_ns, 0,
                dmabuf::subject_name(it.maker.comm.view())};
    }
    case view::cgroups:
        break;
    }
    auto const path = now.now().cgroup_name(cgroup_of(now, one).group);
    return {
        subject_kind::cgroup, 0, 0, 0,
        dmabuf::subject_name(dmabuf::detail::end_of(path, dmabuf::detail::longest_subject_name))};
}

std::uint64_t key_of(look const& now, view which, row const& one) {
    switch (which) {
    case view::processes:
    case view::holders:
        return key_of(holder_of(now, one));
    case view::buffers:
    case view::held:
        return key_of(buffer_of(now, one));
    case view::exporters:
        return key_of(exporter_of(now, one));
    case view::makers:
        return key_of(maker_of(now, one));
    case view::cgroups:
        break;
    }
    return key_of_cgroup(now.now().cgroup_name(cgroup_of(now, one).group));
}

bool is_subject(look const& now, view which, row const& one, subject const& of) {
    switch (which) {
    case view::processes:
    case view::holders:
        return holder_of(now, one).pid == of.pid &&
               holder_of(now, one).start_ticks == of.start_ticks;
    case view::buffers:
    case view::held:
        return is_buffer(buffer_of(now, one), of);
    default:
        break;
    }
    auto const it = subject_of(now, which, one);
    return it.pid == of.pid && it.start_ticks == of.start_ticks && it.inode == of.inode &&
           (it.pid != 0 || it.name == of.name);
}

std::string words_of(subject const& of) {
    auto const shown = [&] {
        std::string name;
        dmabuf::escape(of.name.view(), std::back_inserter(name));
        return name.empty() ? "\"\"" : name;
    };
    switch (of.kind) {
    case subject_kind::process:
        return fmt::format("process {} ({})", of.pid, shown());
    case subject_kind::buffer:
        return fmt::format("buffer {}", of.inode);
    case subject_kind::exporter:
        return of.name.empty() ? "an exporter that is not known" : "exporter " + shown();
    case subject_kind::maker:
        if (of.inode == 0) return fmt::format("maker {} ({})", of.pid, shown());
        return fmt::format("makers not known: {}",
                           name_of(static_cast<dmabuf::origin_state>(of.inode - 1)));
    default:
        return of.name.empty() ? "a cgroup that is not known" : "cgroup " + shown();
    }
}

} // namespace dmabuf_top
