// SPDX-License-Identifier: MIT
#include "watch.hpp"

#include <dmabuf/kernel/files.hpp>

#include "kernel_symbols.hpp"
#include "objects.hpp"
#include "watch_kept.hpp"

#include <fmt/format.h>

#include <array>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <utility>
#include <watch.h>

namespace dmabuf_pin {

namespace {

/// The way in which the kernel runs the programs that watch.
enum class way : std::uint8_t { fentry, kprobes };

struct watcher {
    char const* pin;
    char const* probe; ///< the program for kprobes; null: they need none
};

/// In the order of dmabuf_bpf_watchers. A fentry program has the name of its pin.
constexpr std::array<watcher, 8> watchers = {{{"watch_export", "probe_export"},
                                              {"watch_release", "probe_release"},
                                              {"watch_attach", "probe_attach"},
                                              {"watch_detach", "probe_detach"},
                                              {"watch_export_2", "probe_export_entry"},
                                              {"watch_release_2", nullptr},
                                              {"watch_attach_2", "probe_attach_entry"},
                                              {"watch_detach_2", nullptr}}};

char const* program_of(watcher const& one, way how) {
    return how == way::fentry ? one.pin : one.probe;
}
constexpr std::array<char const*, 2> maps = {"watch_made", "watch_attached"};
constexpr std::array<char const*, 2> iterators = {"origins", "attachments"};

/// Whether the kernel is of this version or a later one. False where its release is no number.
bool kernel_is_since(unsigned major, unsigned minor) {
    ::utsname kernel{};
    unsigned its_major = 0;
    unsigned its_minor = 0;
    return ::uname(&kernel) == 0 &&
           std::sscanf(kernel.release, "%u.%u", &its_major, &its_minor) == 2 &&
           std::pair(its_major, its_minor) >= std::pair(major, minor);
}

dmabuf_bpf_watching watching_with(std::uint32_t room, way how) {
    auto const symbols = read_kernel_symbols();
    dmabuf_bpf_watching chosen{};
    bool const counts_misses = how == way::fentry || kernel_is_since(6, 7);
    chosen.per_cpu_offset = counts_misses ? symbols.per_cpu_offset : 0;
    chosen.inode_counter = symbols.inode_counter;
    if (int const cpus = libbpf_num_possible_cpus(); cpus > 0)
        chosen.cpus = static_cast<unsigned>(cpus);
    chosen.room = room;
    // Linux 5.18 numbers buffers one after the other. The stable kernels that do, too, have the
    // symbol.
    if (symbols.inode_counter != 0 || kernel_is_since(5, 18))
        chosen.flags |= DMABUF_BPF_INODES_IN_ORDER;
    if (how == way::kprobes) chosen.flags |= DMABUF_BPF_BY_PROBES;
    return chosen;
}

constexpr int kernel_enotsupp = 524; // ENOTSUPP, include/linux/errno.h: not for programs, but told

/// Attaches a program. Null, with errno, where that fails.
bpf_link* attach(bpf_program* program, way how) {
    // For tests: as a kernel answers that attaches no programs to its functions.
    if (how == way::fentry && std::getenv("DMABUF_PIN_REFUSE_FENTRY")) {
        errno = kernel_enotsupp;
        return nullptr;
    }
    auto* const link = bpf_program__attach(program);
    // A pin keeps a kprobe enabled, but libbpf would disable it when it lets the link go.
    if (link && how == way::kprobes) bpf_link__disconnect(link);
    return link;
}

/// The reason why kprobes cannot serve where fentry does not; empty: they may.
std::string why_no_kprobes(dmabuf_bpf_settings const& settings) {
    constexpr auto nobody = "This kernel attaches no BPF programs to its functions (arm64: Linux "
                            "6.4), so nobody can watch who makes buffers{}. Pin without "
                            "--origins.\n";
#if !defined(__x86_64__) && !defined(__aarch64__)
    return fmt::format(nobody, ": kprobes serve on x86 and arm64");
#endif
    if (!kernel_is_since(5, 15))
        return fmt::format(nobody, ": it keeps kprobes only for a process that stays (Linux 5.15)");
    if (settings.read_names == 0)
        return fmt::format(nobody, ": kprobes may read no memory (lockdown=confidentiality)");
    return {};
}

bpf_program* program_in(bpf_object& object, char const* name) {
    return bpf_object__find_program_by_name(&object, name);
}

bpf_map* map_of(bpf_object& object, char const* name) {
    return bpf_object__find_map_by_name(&object, name);
}

/// One load of the programs, until all is attached.
class loading_watch {
public:
    loading_watch(dmabuf_bpf_settings const& settings, options const& chosen, way how,
                  programs& all)
        : settings_(settings)
        , how_(how)
        , kept_(chosen.path)
        , room_(chosen.room ? *chosen.room : (kept_.is_there() ? kept_.room() : default_room))
        , all_(all) {}

    std::string load_and_attach() {
        auto const watching = watching_with(room_, how_);
        object_ = load(origins_object(), [&](bpf_object& opened) {
            return set_section(opened, ".rodata.settings", &settings_, sizeof settings_) &&
                   set_section(opened, ".rodata.watching", &watching, sizeof watching) &&
                   choose_programs(opened) && prepare_maps(opened);
        });
        if (!object_) return failed_words("load the BPF programs that watch makers");
        for (auto const step : {&loading_watch::attach_watchers, &loading_watch::begin,
                                &loading_watch::attach_iterators})
            if (auto wrong = (this->*step)(); !wrong.empty()) return wrong;
        take_over();
        hand_over();
        return {};
    }

    /// Whether the last attempt failed for want of fentry.
    [[nodiscard]] bool lacks_fentry() const { return lacks_fentry_; }

private:
    bool choose_programs(bpf_object& opened) const {
        for (auto const& one : watchers)
            for (auto const other : {way::fentry, way::kprobes})
                if (auto const* const name = program_of(one, other))
                    if (bpf_program__set_autoload(program_in(opened, name), other == how_) != 0)
                        return false;
        return true;
    }

    [[nodiscard]] bool reuses_maps() const { return kept_.is_there() && kept_.room() == room_; }

    bool prepare_maps(bpf_object& opened) {
        for (std::size_t i = 0; i < maps.size(); ++i) {
            auto* const map = map_of(opened, maps[i]);
            if (!map || bpf_map__set_max_entries(map, room_) != 0) return false;
            if (reuses_maps() && bpf_map__reuse_fd(map, kept_.map(static_cast<watched>(i))) != 0)
                return false;
        }
        return !kept_.is_there() ||
               bpf_map__reuse_fd(map_of(opened, ".bss.watch"), kept_.state()) == 0;
    }

    /// Attaches the programs at ends before those at beginnings, and those at entries before those
    /// at returns. So every note is dropped, and every return was entered.
    std::string attach_watchers() {
        for (auto one = watchers.rbegin(); one != watchers.rend(); ++one) {
            auto const* const name = program_of(*one, how_);
            if (!name) continue;
            auto* const link = attach(program_in(*object_, name), how_);
            lacks_fentry_ = !link && errno == kernel_enotsupp;
            auto const wrong = keep(one->pin, link, /* for_readers = */ false);
            if (!wrong.empty()) return wrong;
        }
        return {};
    }

    /// The programs run from here on: finds their statistics, and notes since when.
    std::string begin() {
        dmabuf_bpf_watchers own{};
        for (std::size_t i = 0; i < watchers.size(); ++i) {
            auto const* const name = program_of(watchers[i], how_);
            if (!name) continue;
            bpf_prog_info info{};
            __u32 bytes = sizeof info;
            auto* const program = program_in(*object_, name);
            if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &bytes) != 0)
                return failed_words("ask for a program's number");
            own.ids[i] = info.id;
        }
        __u32 const only = 0;
        int const map = bpf_map__fd(map_of(*object_, ".bss.watchers"));
        if (bpf_map_update_elem(map, &only, &own, BPF_ANY) != 0)
            return failed_words("tell the programs their numbers");
        return run("watch_begin");
    }

    std::string run(char const* name) {
        auto* const program = program_in(*object_, name);
        link_ptr const link(bpf_program__attach_iter(program, nullptr));
        if (!link) return failed_words(fmt::format("attach the iterator {}", name));
        dmabuf::unique_fd<> const walk({}, bpf_iter_create(bpf_link__fd(link.get())));
        std::array<char, 64> nothing;
        if (!walk.is_open() || ::read(walk.get(), nothing.data(), nothing.size()) != 0)
            return failed_words(fmt::format("run the iterator {}", name));
        return {};
    }

    std::string attach_iterators() {
        for (std::size_t i = 0; i < iterators.size(); ++i) {
            bpf_iter_link_info over{};
            over.map.map_fd = static_cast<unsigned>(bpf_map__fd(map_of(*object_, maps[i])));
            bpf_iter_attach_opts options{};
            options.sz = sizeof options;
            options.link_info = &over;
            options.link_info_len = sizeof over;
            auto* const program = program_in(*object_, iterators[i]);
            auto const wrong = keep(iterators[i], bpf_program__attach_iter(program, &options),
                                    /* for_readers = */ true);
            if (!wrong.empty()) return wrong;
        }
        return {};
    }

    /// Notes and counts of the programs of an earlier run, which still run beside ours.
    void take_over() {
        int const state = bpf_map__fd(map_of(*object_, ".bss.watch"));
        void* const at =
            ::mmap(nullptr, sizeof(dmabuf_bpf_state), PROT_READ | PROT_WRITE, MAP_SHARED, state, 0);
        if (at == MAP_FAILED) return;
        auto& shared = *static_cast<dmabuf_bpf_state*>(at);
        shared.layout = DMABUF_BPF_WATCH_LAYOUT;
        for (std::size_t i = 0; kept_.is_there() && i < maps.size(); ++i) {
            auto const missed = kept_.missed(static_cast<watched>(i));
            shared.counters[i].earlier_missed_begins = missed.begins;
            shared.counters[i].earlier_missed_ends = missed.ends;
            auto* const map = map_of(*object_, maps[i]);
            if (!reuses_maps())
                copy_notes(kept_.map(static_cast<watched>(i)), bpf_map__fd(map),
                           bpf_map__value_size(map));
        }
        ::munmap(at, sizeof(dmabuf_bpf_state));
        if (kept_.is_of_other_version())
            all_.notes.emplace_back("What another version of dmabuf_pin noted of makers could not "
                                    "be taken over: the watch begins anew.");
    }

    std::string keep(char const* name, bpf_link* attached, bool for_readers) {
        link_ptr link(attached);
        if (!link) return failed_words(fmt::format("attach {}", name));
        files_.push_back({name, bpf_link__fd(link.get()), for_readers});
        all_.links.push_back(std::move(link));
        return {};
    }

    void hand_over() {
        for (auto const* const name : maps)
            files_.push_back({name, bpf_map__fd(map_of(*object_, name)), false});
        files_.push_back({"watch_state", bpf_map__fd(map_of(*object_, ".bss.watch")), false});
        all_.files.insert(all_.files.end(), files_.begin(), files_.end());
        all_.objects.push_back(std::move(object_));
    }

    dmabuf_bpf_settings settings_;
    way how_;
    bool lacks_fentry_ = false;
    kept_watch kept_;
    std::uint32_t room_;
    programs& all_;
    object_ptr object_;
    std::vector<pinnable> files_;
};

} // namespace

std::string load_watch(dmabuf_bpf_settings const& settings, options const& chosen, programs& all) {
    loading_watch by_fentry(settings, chosen, way::fentry, all);
    auto wrong = by_fentry.load_and_attach();
    if (wrong.empty() || !by_fentry.lacks_fentry()) return wrong;
    if (auto why = why_no_kprobes(settings); !why.empty()) return wrong + why;
    wrong = loading_watch(settings, chosen, way::kprobes, all).load_and_attach();
    if (wrong.empty())
        all.notes.emplace_back(
            "Makers are watched by kprobes, which cost more: this kernel attaches "
            "no BPF programs to its functions.");
    return wrong;
}

} // namespace dmabuf_pin
