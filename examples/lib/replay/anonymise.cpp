// SPDX-License-Identifier: MIT
#include "anonymise.hpp"

#include <dmabuf/bpf/origins.hpp>

#include "aliases.hpp"

#include <algorithm>

namespace replay {

namespace {

using dmabuf::detail::take_until;

/// The lines of `text`, each with its newline; the last may have none.
template<class Take>
void each_line(std::string_view text, Take take) {
    while (!text.empty()) {
        auto const end = text.find('\n');
        auto const line = text.substr(0, end == text.npos ? end : end + 1);
        text.remove_prefix(line.size());
        take(line);
    }
}

std::string_view without_newline(std::string_view line) {
    if (line.ends_with('\n')) line.remove_suffix(1);
    return line;
}

std::string_view newline_of(std::string_view line) {
    return line.ends_with('\n') ? "\n" : "";
}

std::string crossed_out(std::string_view text) {
    return std::string(text.size(), 'x');
}

bool is_number(std::string_view text) {
    return text.find_first_not_of("0123456789-") == text.npos;
}

class anonymiser {
public:
    void change(entry& one) {
        if (one.what == call::link || one.what == call::mapping) one.text = link(one.text);
        if (one.what != call::file) return;
        auto const size = one.text.size();
        one.text = file(one.path, one.text);
        // A text that was cut off where the reader's memory ended must be as long as before.
        bool const arguments = one.path.ends_with("/cmdline");
        if (one.unended && !tells_its_end(one.path, size))
            one.text.resize(size, arguments ? '\0' : '\n');
    }

private:
    /// Nobody reads on behind a stat, since its own text tells that it is whole, or behind an
    /// fdinfo that left room.
    static bool tells_its_end(std::string_view path, std::size_t size) {
        bool const left_room = size % std::tuple_size_v<dmabuf::file_space> != 0;
        return path.ends_with("/stat") || (path.find("/fdinfo/") != path.npos && left_room);
    }

    std::string file(std::string_view path, std::string const& text) {
        auto const name = path.substr(path.rfind('/') + 1);
        if (path.find("/fdinfo/") != path.npos) return fdinfo(text);
        if (name == "stat") return stat(text);
        if (name == "status") return status(text);
        if (name == "maps") return maps(text);
        if (name == "cgroup") return cgroup(text);
        if (name == "cmdline") return arguments(text);
        if (name == "bufinfo") return bufinfo(text);
        if (path.ends_with("/dmabuf/origins") || path.ends_with("/dmabuf/attachments"))
            return actors(text);
        bool const harmless = name == "dmabuf_fds" || name == "osrelease" || name == "boot_id" ||
                              name == "size" || name == "exporter_name";
        return harmless ? text : crossed_out(text);
    }

    /// Records of makers and of importers, with other names in their places. Bytes behind the last
    /// whole record are left out.
    std::string actors(std::string_view text) {
        namespace layout = dmabuf::detail::bpf_layout;
        std::string out;
        for (;;) {
            auto const record = dmabuf::take_bpf_record(text, {});
            if (!record || !*record) return out;
            auto bytes = std::string((*record)->bytes);
            bool const has_actor =
                dmabuf::parse_bpf_origin(**record) || dmabuf::parse_bpf_attachment(**record);
            if (has_actor)
                for (auto const at : {layout::actor_at + 24, layout::actor_at + 40})
                    rename_task(bytes, at);
            // Of a record that the library does not know, only the head stays.
            else if ((*record)->kind > layout::kind_watch)
                bytes.replace(layout::head, bytes.npos, bytes.size() - layout::head, '\0');
            out += bytes;
        }
    }

    void rename_task(std::string& bytes, std::size_t at) {
        constexpr auto room = dmabuf::detail::bpf_layout::comm_bytes;
        auto alias = processes_.of(dmabuf::detail::load_text(bytes, at, room));
        alias.resize(room - 1);
        bytes.replace(at, room, alias + '\0');
    }

    std::string stat(std::string_view text) {
        auto const open = text.find(" (");
        auto const close = text.rfind(") ");
        if (open == text.npos || close == text.npos || close < open + 2) return crossed_out(text);
        return std::string(text.substr(0, open + 2))
            .append(processes_.of(text.substr(open + 2, close - open - 2)))
            .append(text.substr(close));
    }

    /// The kernel writes a newline there as `\n` and a backslash as `\\`.
    std::string status(std::string_view text) {
        constexpr std::string_view key = "Name:\t";
        std::string out;
        each_line(text, [&](std::string_view line) {
            if (!line.starts_with(key)) return void(out += line);
            std::string raw;
            auto const written = without_newline(line.substr(key.size()));
            bool const exact = unescape(written, raw);
            out.append(key).append(processes_.of(exact ? raw : written)).append(newline_of(line));
        });
        return out;
    }

    /// Of a file that is not a DMA-BUF, only numbers stay.
    std::string fdinfo(std::string_view text) {
        dmabuf::fdinfo_parser parser;
        parser.feed(text);
        auto const info = parser.finish();
        bool const of_dmabuf = info && info->is_dmabuf();
        bool exporter_told = false;
        std::string out;
        std::string name;
        each_line(text, [&](std::string_view line) {
            if (!name.empty()) return void(name += line);
            if (exporter_told && line.starts_with("name:\t")) return void(name = line);
            out += fdinfo_line(without_newline(line), of_dmabuf, exporter_told);
            out += newline_of(line);
        });
        if (name.empty()) return out;
        auto const alias = buffers_.of(without_newline(std::string_view(name).substr(6)));
        return out + "name:\t" + alias + std::string(newline_of(name));
    }

    static std::string fdinfo_line(std::string_view line, bool of_dmabuf, bool& exporter_told) {
        auto value = line;
        auto const key = take_until(value, '\t');
        auto const start = std::string(line.substr(0, line.size() - value.size()));
        for (std::string_view const numeric :
             {"pos:", "flags:", "mnt_id:", "ino:", "size:", "count:"})
            if (key == numeric)
                return start + (is_number(value) ? std::string(value) : crossed_out(value));
        if (key == "exp_name:") {
            exporter_told = exporter_told || of_dmabuf;
            return start + (of_dmabuf ? std::string(value) : crossed_out(value));
        }
        return key == "lock:" ? start + crossed_out(value) : crossed_out(line);
    }

    std::string maps(std::string_view text) {
        std::string out;
        each_line(text, [&](std::string_view line) {
            auto const mapping = dmabuf::parse_maps_line(without_newline(line));
            if (!mapping)
                return void(
                    out.append(crossed_out(without_newline(line))).append(newline_of(line)));
            out += line.substr(0, without_newline(line).size() - mapping->path.size());
            out.append(mapped(mapping->path)).append(newline_of(line));
        });
        return out;
    }

    /// "[heap]" and such stay; "[anon:…]" is a name too.
    std::string mapped(std::string_view path) {
        if (auto const name = dmabuf::parse_mapped_name(path))
            return "/dmabuf:" + buffers_.of(name->view());
        for (std::string_view const kernels :
             {"[heap]", "[stack]", "[vdso]", "[vvar]", "[vvar_vclock]", "[vsyscall]", "[uprobes]"})
            if (path == kernels) return std::string(path);
        if (path == dmabuf::dmabuf_filesystem::path_before_5_3) return std::string(path);
        return paths_.of(path);
    }

    std::string link(std::string_view target) {
        constexpr std::string_view prefix = "/dmabuf:";
        if (target.starts_with(prefix))
            return std::string(prefix) + buffers_.of(target.substr(prefix.size()));
        return target.starts_with("anon_inode:") ? std::string(target) : paths_.of(target);
    }

    /// Each argument on its own: those that tell processes apart still do.
    std::string arguments(std::string_view text) {
        std::string out;
        while (!text.empty()) {
            bool const ends = text.find('\0') != text.npos;
            out.append(arguments_.of(take_until(text, '\0'))).append(ends ? 1 : 0, '\0');
        }
        return out;
    }

    std::string cgroup(std::string_view text) {
        std::string out;
        each_line(text, [&](std::string_view line) {
            auto path = without_newline(line);
            auto const hierarchy = take_until(path, ':');
            auto const controllers = take_until(path, ':');
            if (!path.starts_with('/'))
                return void(
                    out.append(crossed_out(without_newline(line))).append(newline_of(line)));
            bool const named = controllers.starts_with("name=") && controllers != "name=systemd";
            out.append(hierarchy).append(":").append(named ? "name=x" : controllers).append(":");
            out.append(path == "/" ? "/" : cgroups_.of(path)).append(newline_of(line));
        });
        return out;
    }

    /// Row by row: a name may hold newlines and then looks like further lines of its row, of which
    /// only the last list of devices is the kernel's. A row that does not tell its whole name keeps
    /// an empty line behind it, so that it does not afterwards either.
    std::string bufinfo(std::string_view text) {
        std::string out;
        std::string rest; // of one row's lines
        std::string_view header;
        std::string_view last; // row
        auto const end_row = [&] {
            if (!last.empty() && hides_name(header, last, rest)) out += "\n";
            out += devices(std::exchange(rest, {}));
        };
        each_line(text, [&](std::string_view line) {
            if (header.empty() && line.find("exp_name") != line.npos) {
                header = line;
                out += std::exchange(rest, {}) + std::string(line);
            } else if (auto row = bufinfo_row(header, line); !row.empty()) {
                end_row();
                last = line;
                out += row;
            } else {
                rest += line;
            }
        });
        end_row();
        return out;
    }

    /// Whether a row shows a name that may go on in the lines behind it.
    static bool hides_name(std::string_view header, std::string_view row, std::string_view rest) {
        dmabuf::bufinfo_parser parser;
        std::optional<dmabuf::result<dmabuf::bufinfo_buffer>> found;
        if (!header.empty()) parser.line(without_newline(header), found);
        parser.line(without_newline(row), found);
        each_line(rest, [&](std::string_view line) { parser.line(without_newline(line), found); });
        parser.finish(found);
        if (!found || !*found) return false;
        auto const& buffer = **found;
        return !buffer.name_known && !buffer.shown_unnamed && !buffer.name.empty();
    }

    /// The row with another name, be it an odd one, or nothing for any other line.
    std::string bufinfo_row(std::string_view header, std::string_view line) {
        dmabuf::bufinfo_parser parser;
        std::optional<dmabuf::result<dmabuf::bufinfo_buffer>> row;
        if (!header.empty()) parser.line(without_newline(header), row);
        parser.line(without_newline(line), row);
        parser.finish(row); // hands out the row, or else the failure of the list
        if (!row || (!*row && row->error().line == 0)) return {};
        auto name = without_newline(line);
        for (auto field = fields_before_name(without_newline(header)); field != 0; --field)
            (void)take_until(name, '\t');
        bool const none = name.empty() || name == "<none>";
        return std::string(line.substr(0, without_newline(line).size() - name.size())) +
               (none ? std::string(name) : buffers_.of(name)) + std::string(newline_of(line));
    }

    /// The names have the last column, with or without a title. The oldest lists have none, and an
    /// indented row.
    static std::size_t fields_before_name(std::string_view header) {
        if (header.empty()) return 6;
        if (header.starts_with('\t')) return header.size();
        std::size_t fields = 0;
        while (!header.empty()) {
            auto const title = take_until(header, '\t');
            if (title == "name" || title == "buf name") break;
            ++fields;
        }
        return fields;
    }

    static std::string devices(std::string_view lines) {
        auto const indented = lines.rfind("\t\tAttached Devices:\n");
        std::string_view const head =
            indented == lines.npos ? "\tAttached Devices:\n" : "\t\tAttached Devices:\n";
        auto const begin = lines.rfind(head);
        std::string out;
        bool listed = false;
        each_line(begin == lines.npos ? lines : lines.substr(begin), [&](std::string_view line) {
            bool const is_head = line == head;
            bool const is_device = listed && line.starts_with('\t');
            bool const is_frame = line == "\n" || line.starts_with("Total ") ||
                                  line == "Dma-buf Objects:\n" || line.starts_with("size    \t");
            if (is_head || is_device || is_frame) out += line;
            listed = is_head || is_device;
        });
        return out;
    }

    aliases processes_{"process-"};
    aliases buffers_{"buffer-"};
    aliases cgroups_{"/cgroup-"};
    aliases paths_{"/path-"};
    aliases arguments_{"argument-"};
};

} // namespace

recording anonymised(recording original) {
    anonymiser names;
    for (auto& one : original.entries)
        names.change(one);
    original.made.users.clear();
    original.made.anonymised = true;
    return original;
}

} // namespace replay
