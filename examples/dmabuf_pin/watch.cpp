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
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <utility>
#include <watch.h>

namespace dmabuf_pin {

namespace {

/// In the order of dmabuf_bpf_watchers.
constexpr std::array<char const*, 8> watchers = {
    "watch_export",   "watch_release",   "watch_attach",   "watch_detach",
    "watch_export_2", "watch_release_2", "watch_attach_2", "watch_detach_2"};
constexpr std::array<char const*, 2> maps = {"watch_made", "watch_attached"};
constexpr std::array<char const*, 2> iterators = {"origins", "attachments"};

/// Linux 5.18 numbers buffers one after the other. The stable kernels that do, too, have the
/// symbol.
bool numbers_in_order(kernel_symbols const& symbols) {
    ::utsname kernel{};
    unsigned major = 0;
    unsigned minor = 0;
    if (symbols.inode_counter != 0) return true;
    if (::uname(&kernel) != 0 || std::sscanf(kernel.release, "%u.%u", &major, &minor) != 2)
        return false;
    return std::pair(major, minor) >= std::pair(5U, 18U);
}

dmabuf_bpf_watching watching_with(std::uint32_t room) {
    auto const symbols = read_kernel_symbols();
    dmabuf_bpf_watching chosen{};
    chosen.per_cpu_offset = symbols.per_cpu_offset;
    chosen.inode_counter = symbols.inode_counter;
    if (int const cpus = libbpf_num_possible_cpus(); cpus > 0)
        chosen.cpus = static_cast<unsigned>(cpus);
    chosen.room = room;
    if (numbers_in_order(symbols)) chosen.flags |= DMABUF_BPF_INODES_IN_ORDER;
    return chosen;
}

constexpr int kernel_enotsupp = 524; // ENOTSUPP, include/linux/errno.h: not for programs, but told

/// Of an attachment that failed.
std::string not_attached_words(char const* name) {
    bool const no_fentry = errno == kernel_enotsupp;
    auto words = failed_words(fmt::format("attach {}", name));
    if (no_fentry)
        words += "This kernel attaches no BPF programs to its functions (arm64: Linux 6.4), so "
                 "nobody can watch who makes buffers. Pin without --origins.\n";
    return words;
}

bpf_map* map_of(bpf_object& object, char const* name) {
    return bpf_object__find_map_by_name(&object, name);
}

/// One load of the programs, until all is attached.
class loading_watch {
public:
    loading_watch(dmabuf_bpf_settings const& settings, options const& chosen, programs& all)
        : settings_(settings)
        , kept_(chosen.path)
        , room_(chosen.room ? *chosen.room : (kept_.is_there() ? kept_.room() : default_room))
        , all_(all) {}

    std::string load_and_attach() {
        auto const watching = watching_with(room_);
        object_ = load(origins_object(), [&](bpf_object& opened) {
            return set_section(opened, ".rodata.settings", &settings_, sizeof settings_) &&
                   set_section(opened, ".rodata.watching", &watching, sizeof watching) &&
                   prepare_maps(opened);
        });
        if (!object_) return failed_words("load the BPF programs that watch makers");
        for (auto const step : {&loading_watch::attach_watchers, &loading_watch::begin,
                                &loading_watch::attach_iterators})
            if (auto wrong = (this->*step)(); !wrong.empty()) return wrong;
        take_over();
        hand_over();
        return {};
    }

private:
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

    std::string attach_watchers() {
        for (auto const* const name : watchers) {
            auto* const program = bpf_object__find_program_by_name(object_.get(), name);
            auto const wrong = keep(name, bpf_program__attach(program), /* for_readers = */ false);
            if (!wrong.empty()) return wrong;
        }
        return {};
    }

    /// The programs run from here on: finds their statistics, and notes since when.
    std::string begin() {
        dmabuf_bpf_watchers own{};
        for (std::size_t i = 0; i < watchers.size(); ++i) {
            bpf_prog_info info{};
            __u32 bytes = sizeof info;
            auto* const program = bpf_object__find_program_by_name(object_.get(), watchers[i]);
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
        auto* const program = bpf_object__find_program_by_name(object_.get(), name);
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
            auto* const program = bpf_object__find_program_by_name(object_.get(), iterators[i]);
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
        if (!link) return not_attached_words(name);
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
    kept_watch kept_;
    std::uint32_t room_;
    programs& all_;
    object_ptr object_;
    std::vector<pinnable> files_;
};

} // namespace

std::string load_watch(dmabuf_bpf_settings const& settings, options const& chosen, programs& all) {
    return loading_watch(settings, chosen, all).load_and_attach();
}

} // namespace dmabuf_pin
