// SPDX-License-Identifier: MIT
#include "json_file.hpp"

#include "replay/recording.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

namespace json_file {

namespace {

using nlohmann::json;

constexpr std::size_t deepest = 16;
constexpr std::size_t most_values = 4'000'000;

// --- text to tree ---

/// Builds the tree of a text. Refuses a key that comes twice in one object, and a text that would
/// take too much memory.
class tree_builder final : public nlohmann::json_sax<json> {
public:
    explicit tree_builder(std::string_view text)
        : text_(text) {}

    bool null() override { return add(nullptr); }
    bool boolean(bool value) override { return add(value); }
    bool number_integer(number_integer_t value) override { return add(value); }
    bool number_unsigned(number_unsigned_t value) override { return add(value); }
    bool number_float(number_float_t value, string_t const&) override { return add(value); }
    bool string(string_t& value) override { return add(std::move(value)); }
    bool binary(binary_t&) override { return false; } // is not in text
    bool start_object(std::size_t) override { return open(json::object()); }
    bool start_array(std::size_t) override { return open(json::array()); }
    bool end_object() override { return close(); }
    bool end_array() override { return close(); }

    bool key(string_t& name) override {
        if (open_.back()->contains(name)) return refuse("has one key twice");
        key_ = std::move(name);
        return true;
    }

    bool parse_error(std::size_t position, std::string const&, json::exception const&) override {
        auto const before = text_.substr(0, position == 0 ? 0 : position - 1);
        auto const line = std::ranges::count(before, '\n') + 1;
        auto const start = before.rfind('\n');
        trouble_.where = fmt::format("line {}, column {}", line,
                                     before.size() - (start == before.npos ? 0 : start + 1) + 1);
        trouble_.why = "this is not JSON";
        return false;
    }

    [[nodiscard]] json const& tree() const { return root_; }
    [[nodiscard]] json_trouble const& trouble() const { return trouble_; }

private:
    template<class Value>
    json* place(Value&& value) {
        if (open_.empty()) return &(root_ = std::forward<Value>(value));
        auto& in = *open_.back();
        if (in.is_array()) return in.push_back(std::forward<Value>(value)), &in.back();
        return &(in[key_] = std::forward<Value>(value));
    }

    template<class Value>
    bool add(Value&& value) {
        if (++values_ > most_values) return refuse("has more values than are read");
        place(json(std::forward<Value>(value)));
        return true;
    }

    bool open(json container) {
        if (open_.size() == deepest) return refuse("nests deeper than is read");
        if (++values_ > most_values) return refuse("has more values than are read");
        open_.push_back(place(std::move(container)));
        return true;
    }

    bool close() {
        open_.pop_back();
        return true;
    }

    /// Names the object or array that is open: by number, or by the key that its object met last.
    bool refuse(char const* why) {
        trouble_.why = why;
        for (std::size_t at = 0; at + 1 < open_.size(); ++at)
            trouble_.where += "/" + step(*open_[at], open_[at + 1]);
        if (trouble_.where.empty()) trouble_.where = "/";
        return false;
    }

    static std::string step(json const& in, json const* child) {
        if (in.is_array()) return fmt::format("{}", in.size() - 1);
        for (auto const& [key, value] : in.items())
            if (&value == child) return key;
        return {};
    }

    std::string_view text_;
    json root_;
    std::vector<json*> open_;
    std::string key_;
    std::size_t values_ = 0;
    json_trouble trouble_;
};

// --- tree to values: each failure is thrown as a json_trouble, to which every level adds its step

[[noreturn]] void refuse(std::string why) {
    throw json_trouble{"", std::move(why)};
}

template<class Read>
auto step_into(std::string const& step, Read read) {
    try {
        return read();
    } catch (json_trouble& trouble) {
        trouble.where.insert(0, "/" + step);
        throw;
    }
}

/// `read(value)` of a field that must be there.
template<class Read>
auto in(json const& object, char const* key, Read read) {
    if (!object.is_object()) refuse("is no object");
    return step_into(key, [&] {
        auto const found = object.find(key);
        if (found == object.end()) refuse("is missing");
        return read(*found);
    });
}

template<class Read>
void each(json const& array, Read read) {
    if (!array.is_array()) refuse("is no array");
    for (std::size_t at = 0; at < array.size(); ++at)
        step_into(std::to_string(at), [&] { read(array[at]); });
}

template<class Number>
Number number(json const& value) {
    if (!value.is_number_unsigned()) refuse("is no number without a sign, of 64 bits");
    auto const told = value.get<std::uint64_t>();
    if (told > static_cast<std::uint64_t>(std::numeric_limits<Number>::max()))
        refuse("is too large a number");
    return static_cast<Number>(told);
}

bool truth(json const& value) {
    if (!value.is_boolean()) refuse("is neither true nor false");
    return value.get<bool>();
}

std::string const& text(json const& value) {
    if (!value.is_string()) refuse("is no text");
    return value.get_ref<std::string const&>();
}

std::string raw(json const& value) {
    std::string bytes;
    if (!replay::unescape(text(value), bytes)) refuse("is not escaped as names are");
    return bytes;
}

/// A name that was cut ends in a mark, and stays one that was cut.
template<class Name>
Name name(json const& value) {
    std::string_view written = text(value);
    bool const cut = written.ends_with(dmabuf::cut_mark);
    if (cut) written.remove_suffix(dmabuf::cut_mark.size());
    std::string bytes;
    if (!replay::unescape(written, bytes)) refuse("is not escaped as names are");
    if (cut) bytes += '.';
    Name const found{std::string_view(bytes)};
    if (found.truncated() != cut) refuse("is longer than a name can be, or is cut too early");
    return found;
}

template<class Number>
void take(json const& object, char const* key, Number& value) {
    value = in(object, key, number<Number>);
}

void take(json const& object, char const* key, bool& value) {
    value = in(object, key, truth);
}

template<class Read>
auto optional(json const& object, char const* key, Read read) {
    return in(object, key, [&](json const& value) {
        return value.is_null() ? std::nullopt : std::optional(read(value));
    });
}

/// null where other processes would tell it, and none was looked at.
template<class Number>
void take(json const& object, char const* key, dmabuf::known_number<Number>& value) {
    auto const told = optional(object, key, number<Number>);
    value = told ? dmabuf::known_number<Number>(*told) : dmabuf::known_number<Number>::unknown();
}

/// `key`, or its name in dmabuf_ps/2 where that one is there.
char const* present(json const& object, char const* key, char const* older) {
    return object.contains(older) ? older : key;
}

/// The value of an enumeration that has this word.
template<class Enum>
Enum word(json const& value, Enum last) {
    for (auto at = 0; at <= static_cast<int>(last); ++at)
        if (name_of(static_cast<Enum>(at)) == text(value)) return static_cast<Enum>(at);
    refuse("is no word that is known here");
}

/// Puts a snapshot together.
class snapshot_reader {
public:
    explicit snapshot_reader(json_snapshot& found)
        : found_(found)
        , now_(found.now) {}

    void read(json const& from) {
        found_.kernel = in(from, "kernel", raw);
        if (from.contains("boot_id")) found_.boot_id = optional(from, "boot_id", raw).value_or("");
        std::uint64_t elapsed = 0;
        take(from, "begin_ns", now_.begin_ns);
        take(from, "elapsed_ns", elapsed);
        now_.end_ns = now_.begin_ns + elapsed;
        in(from, "coverage", [&](json const& one) { read_coverage(one); });
        if (from.contains("watch"))
            optional(from, "watch", [&](json const& one) { return read_watch(one); });
        in(from, "buffers",
           [&](json const& all) { each(all, [&](json const& one) { read_buffer(one, true); }); });
        if (now_.coverage.buffers_compared() || now_.watch.tells_unheld)
            in(from, "unheld", [&](json const& all) {
                each(all, [&](json const& one) { read_buffer(one, false); });
            });
        sort_buffers();
        in(from, "processes",
           [&](json const& all) { each(all, [&](json const& one) { read_process(one); }); });
        add_holders();
        refuse_large_sums();
        find_gaps();
    }

private:
    struct process {
        dmabuf::holder who;
        std::vector<dmabuf::reference> references;
    };

    void read_coverage(json const& from) {
        auto& seen = now_.coverage;
        seen.found_by = in(from, present(from, "found_by", "source"),
                           [](json const& it) { return word(it, dmabuf::source::bpf_iterator); });
        seen.proc_shows = in(from, present(from, "proc_shows", "sight"),
                             [](json const& it) { return word(it, dmabuf::visibility::hidden); });
        seen.listed_by = optional(from, "listed_by", [](json const& it) {
                             return word(it, dmabuf::listing::android_bpf);
                         }).value_or(dmabuf::listing::none);
        if (from.contains("alone_pid")) // since dmabuf_ps/3
            seen.alone_pid = optional(from, "alone_pid", number<std::int32_t>).value_or(0);
        take(from, "mappings_read", seen.mappings_read);
        take(from, "processes", seen.processes);
        take(from, "processes_seen", seen.processes_seen);
        take(from, "processes_denied", seen.processes_denied);
        take(from, "processes_failed", seen.processes_failed);
        take(from, "tables_uncertain", seen.tables_uncertain);
        take(from, "buffers_leaving", seen.buffers_leaving);
        take(from, "descriptors_failed", seen.descriptors_failed);
        take(from, "undecided", seen.undecided);
        take(from, "buffers_unsized", seen.buffers_unsized);
        take(from, "buffers_undescribed", seen.buffers_undescribed);
        take(from, "odd_rows", seen.odd_rows);
        take(from, "cgroups_unknown", seen.cgroups_unknown);
        take(from, "held_bytes", now_.total_bytes);
        // It is null unless this kernel is older than 5.3.
        seen.indistinct.kernel_major =
            in(from, "indistinct", [](json const& it) { return it.is_null() ? 0U : 1U; });
        in(from, "notes", [&](json const& all) {
            each(all, [&](json const& one) { found_.notes.push_back(text(one)); });
        });
    }

    bool read_watch(json const& from) {
        auto& watch = now_.watch;
        take(from, "since_ns", watch.since_ns);
        watch.now_ns = optional(from, "now_ns", number<std::uint64_t>).value_or(0);
        if (from.contains("tells_unheld")) take(from, "tells_unheld", watch.tells_unheld);
        if (from.contains("attachments_lost"))
            take(from, "attachments_lost", watch.attachments_lost);
        return watch.origins_read = true;
    }

    static dmabuf::actor actor(json const& from) {
        dmabuf::actor who;
        take(from, "pid", who.pid);
        take(from, "tid", who.tid);
        take(from, "uid", who.uid);
        take(from, "start_ns", who.start_ns);
        who.comm = in(from, "comm", name<dmabuf::task_name>);
        who.thread_comm = in(from, "thread_comm", name<dmabuf::task_name>);
        who.now = in(from, "now",
                     [](json const& it) { return word(it, dmabuf::process_state::replaced); });
        return who;
    }

    void read_origin(json const& from, dmabuf::buffer const& one) {
        dmabuf::origin told;
        told.inode = one.inode;
        told.size_bytes = one.size_bytes;
        told.state = in(from, "origin",
                        [](json const& it) { return word(it, dmabuf::origin_state::uncertain); });
        told.made_ns = optional(from, "made_ns", number<std::uint64_t>).value_or(0);
        told.cgroup = optional(from, "cgroup_id", number<std::uint64_t>).value_or(0);
        auto const maker = optional(from, "maker", actor);
        if (maker.has_value() != (told.state == dmabuf::origin_state::made_by))
            step_into("maker", [] { refuse("does not fit `origin`"); });
        told.maker = maker.value_or(dmabuf::actor{});
        now_.origins.push_back(told);
    }

    void read_watched_attachments(json const& from, dmabuf::buffer const& one) {
        auto const add = [&](json const& its) {
            auto const device = optional(its, "device", name<dmabuf::device_name>);
            now_.watched_attachments.push_back({one.inode, one.size_bytes, device.has_value(),
                                                device.value_or(dmabuf::device_name{}),
                                                in(its, "attached_ns", number<std::uint64_t>),
                                                in(its, "importer", actor)});
        };
        bool const read = optional(from, "watched_attachments", [&](json const& all) {
                              each(all, add);
                              return true;
                          }).has_value();
        now_.watch.attachments_read = now_.watch.attachments_read || read;
    }

    dmabuf::exporter_id exporter_at(dmabuf::exporter_name const& name) {
        auto const next = static_cast<std::uint32_t>(now_.exporter_names.size() + 1);
        // One that was cut is that of its buffer alone.
        if (!name.truncated())
            if (auto const [at, added] = exporters_.try_emplace(std::string(name.view()), next);
                !added)
                return dmabuf::exporter_id{at->second};
        now_.exporter_names.push_back(name);
        return dmabuf::exporter_id{next};
    }

    void read_buffer(json const& from, bool held) {
        dmabuf::buffer one;
        take(from, "inode", one.inode);
        auto const size = optional(from, "size_bytes", number<std::uint64_t>);
        one.size_known = size.has_value();
        one.size_bytes = size.value_or(0);
        if (auto const its = optional(from, "exporter", name<dmabuf::exporter_name>); its)
            one.exporter = exporter_at(*its);
        take(from, "name_known", one.name_known);
        if (auto const its = optional(from, "name", name<dmabuf::buffer_name>); its)
            one.named = true, one.name = *its;
        if (held) read_holders_of(from, one);
        read_count(from, one.inode);
        if (from.contains("origin")) read_origin(from, one);
        if (from.contains("watched_attachments")) read_watched_attachments(from, one);
        (held ? now_.buffers : now_.unheld).push_back(one);
        if (!held) now_.unheld_bytes += one.size_bytes;
    }

    void read_holders_of(json const& from, dmabuf::buffer& one) {
        take(from, "holders", one.holders);
        take(from, "descriptors", one.descriptors);
        take(from, "mappings", one.mappings);
        optional(from, "pids", [&](json const& all) {
            each(all, [&](json const& pid) { holders_.insert(number<std::int32_t>(pid)); });
            return true;
        });
    }

    void read_count(json const& from, std::uint64_t inode) {
        auto const count = optional(from, "count", number<std::uint64_t>);
        auto const others = optional(from, "other_references", number<std::uint64_t>);
        auto const devices = optional(from, "attachments", [&](json const& all) {
            each(all, [&](json const& its) {
                now_.attachments.push_back({inode, in(its, "device", name<dmabuf::device_name>),
                                            in(its, "times", number<std::uint32_t>)});
            });
            return true;
        });
        if (!count) return;
        now_.counts.push_back(
            {inode, *count, others.value_or(0), others.has_value(), devices.has_value()});
    }

    void sort_buffers() {
        std::ranges::sort(now_.buffers, {}, &dmabuf::buffer::inode);
        std::ranges::sort(now_.unheld, {}, &dmabuf::buffer::inode);
        std::ranges::sort(now_.counts, {}, &dmabuf::reference_count::inode);
        auto const by_buffer = [](auto const& one) { return std::tie(one.inode, one.size_bytes); };
        std::ranges::sort(now_.origins, {}, by_buffer);
        std::ranges::sort(now_.watched_attachments, [](auto const& a, auto const& b) {
            return std::tuple(a.inode, a.size_bytes, a.attached_ns, a.device.view()) <
                   std::tuple(b.inode, b.size_bytes, b.attached_ns, b.device.view());
        });
        std::ranges::sort(now_.attachments, [](auto const& a, auto const& b) {
            return std::tie(a.inode, a.device) < std::tie(b.inode, b.device);
        });
    }

    std::uint32_t buffer_at(std::uint64_t inode) const {
        auto const all = std::ranges::equal_range(now_.buffers, inode, {}, &dmabuf::buffer::inode);
        if (all.empty()) refuse("is no buffer that is in `buffers`");
        if (all.size() != 1) refuse("is the number of several buffers in `buffers`");
        return static_cast<std::uint32_t>(all.begin() - now_.buffers.begin());
    }

    void read_process(json const& from) {
        process added;
        auto& who = added.who;
        take(from, "pid", who.pid);
        take(from, "uid", who.uid);
        take(from, "start_ticks", who.start_ticks);
        who.comm = in(from, "comm", name<dmabuf::process_name>);
        if (auto const path = optional(from, "cgroup", raw); path) who.cgroup = cgroup_at(*path);
        take(from, "rss_bytes", who.rss_bytes);
        take(from, "pss_bytes", who.pss_bytes);
        take(from, "uss_bytes", who.uss_bytes);
        take(from, "mapped_bytes", who.mapped_bytes);
        take(from, "unsized_buffers", who.unsized_buffers);
        if (from.contains("partly_seen")) take(from, "partly_seen", who.partly_seen);
        in(from, "references", [&](json const& all) {
            each(all, [&](json const& one) { added.references.push_back(read_reference(one)); });
        });
        std::ranges::sort(added.references, {}, &dmabuf::reference::buffer);
        auto const& its = added.references;
        if (std::ranges::adjacent_find(its, {}, &dmabuf::reference::buffer) != its.end())
            step_into("references", [] { refuse("have one buffer twice"); });
        processes_.push_back(std::move(added));
    }

    dmabuf::reference read_reference(json const& from) {
        dmabuf::reference one;
        one.buffer = in(from, "inode",
                        [&](json const& inode) { return buffer_at(number<std::uint64_t>(inode)); });
        take(from, "descriptors", one.descriptors);
        take(from, "mappings", one.mappings);
        take(from, "mapped_bytes", one.mapped_bytes);
        auto const paths = optional(from, "path_descriptors", number<std::uint32_t>);
        one.path_descriptors = paths.value_or(0);
        now_.coverage.paths_marked = paths.has_value();
        return one;
    }

    std::uint32_t cgroup_at(std::string const& path) {
        auto const next = static_cast<std::uint32_t>(now_.cgroups.size());
        auto const [at, added] = cgroups_.try_emplace(path, next);
        if (!added) return at->second;
        now_.cgroups.push_back({now_.cgroup_text.size(), path.size()});
        now_.cgroup_text.insert(now_.cgroup_text.end(), path.begin(), path.end());
        return next;
    }

    void add_holders() {
        std::ranges::sort(processes_, [](process const& a, process const& b) {
            return std::tie(a.who.pid, a.who.start_ticks) < std::tie(b.who.pid, b.who.start_ticks);
        });
        for (auto& one : processes_) {
            if (!now_.holders.empty() && now_.holders.back().pid == one.who.pid)
                step_into("processes", [&] { refuse(fmt::format("have {} twice", one.who.pid)); });
            auto const index = static_cast<std::uint32_t>(now_.holders.size());
            one.who.first_reference = now_.references.size();
            one.who.reference_count = one.references.size();
            for (auto& its : one.references)
                its.holder = index, now_.references.push_back(its);
            now_.holders.push_back(one.who);
        }
    }

    /// The sizes, and the sums of the holders, are added up in many ways: each way must fit.
    void refuse_large_sums() const {
        std::uint64_t sizes = 0;
        for (auto const* all : {&now_.buffers, &now_.unheld})
            for (auto const& one : *all)
                add(sizes, one.size_bytes, "sizes");
        std::uint64_t known = now_.total_bytes;
        add(known, now_.unheld_bytes, "sizes");
        std::uint64_t rss = 0;
        std::uint64_t pss = 0;
        std::uint64_t mapped = 0;
        for (auto const& who : now_.holders) {
            add(rss, who.rss_bytes, "rss_bytes");
            add(pss, who.pss_bytes.value_or(0), "pss_bytes");
            add(mapped, who.mapped_bytes, "mapped_bytes");
        }
    }

    static void add(std::uint64_t& sum, std::uint64_t more, char const* name) {
        if (__builtin_add_overflow(sum, more, &sum))
            refuse(fmt::format("has {} that together exceed 2^64-1 bytes", name));
    }

    /// An option may have left out processes, and buffers with them.
    void find_gaps() {
        std::uint64_t held = 0;
        for (auto const& one : now_.buffers)
            held += one.size_bytes;
        for (auto const& who : now_.holders)
            holders_.erase(who.pid);
        found_.whole = held == now_.total_bytes && holders_.empty();
        if (!found_.whole) now_.coverage.proc_shows = dmabuf::visibility::unknown;
    }

    json_snapshot& found_;
    dmabuf::snapshot& now_;
    std::vector<process> processes_;
    std::map<std::string, std::uint32_t> exporters_;
    std::map<std::string, std::uint32_t> cgroups_;
    std::set<std::int32_t> holders_; ///< of all buffers
};

void read_schema(json const& from, json_snapshot& found) {
    auto const schema = in(from, "schema", text);
    if (schema == "lowmem_capture/1") {
        if (from.contains("time")) found.time = in(from, "time", raw);
        return in(from, "snapshot", [&](json const& it) { read_schema(it, found); });
    }
    if (schema != "dmabuf_ps/2" && schema != "dmabuf_ps/3")
        step_into("schema", [] { refuse("is not dmabuf_ps/2, dmabuf_ps/3 or lowmem_capture/1"); });
    snapshot_reader(found).read(from);
}

} // namespace

bool looks_like_json(std::string_view text) {
    auto const first = text.find_first_not_of(" \t\r\n");
    return first != text.npos && text[first] == '{';
}

std::variant<json_snapshot, json_trouble> read_json(std::string_view text) {
    tree_builder builder(text);
    if (!json::sax_parse(text, &builder)) return builder.trouble();
    json_snapshot found;
    try {
        read_schema(builder.tree(), found);
    } catch (json_trouble& trouble) {
        if (trouble.where.empty()) trouble.where = "/";
        return std::move(trouble);
    }
    return found;
}

} // namespace json_file
