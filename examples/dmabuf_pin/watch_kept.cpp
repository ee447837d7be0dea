// SPDX-License-Identifier: MIT
#include "watch_kept.hpp"

#include "watch_record.hpp"

#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <vector>
#include <watch.h>

namespace dmabuf_pin {

namespace {

dmabuf::unique_fd<> get(pin_directory const& directory, char const* name) {
    if (!directory.is_there() || !directory.check_entry(name).empty()) return {};
    return {{}, bpf_obj_get(directory.reach(name).c_str())};
}

bpf_map_info info_of(int map) {
    bpf_map_info info{};
    __u32 bytes = sizeof info;
    if (bpf_obj_get_info_by_fd(map, &info, &bytes) != 0) return {};
    return info;
}

bool is_of_notes(bpf_map_info const& info, std::size_t value_bytes) {
    return info.type == BPF_MAP_TYPE_HASH && info.key_size == sizeof(__u64) &&
           info.value_size == value_bytes;
}

bool has_our_layout(int state) {
    dmabuf_bpf_state value{};
    __u32 const only = 0;
    auto const info = info_of(state);
    return info.type == BPF_MAP_TYPE_ARRAY && info.max_entries == 1 &&
           info.value_size == sizeof value && bpf_map_lookup_elem(state, &only, &value) == 0 &&
           value.layout == DMABUF_BPF_WATCH_LAYOUT;
}

} // namespace

kept_watch::kept_watch(std::string const& path)
    : directory_(path) {
    if (!directory_.open().empty()) return;
    maps_[0] = get(directory_, "watch_made");
    maps_[1] = get(directory_, "watch_attached");
    state_ = get(directory_, "watch_state");
    there_ = fits();
    other_ = !there_ && (maps_[0].is_open() || maps_[1].is_open() || state_.is_open());
}

bool kept_watch::fits() {
    if (!maps_[0].is_open() || !maps_[1].is_open() || !state_.is_open()) return false;
    auto const made = info_of(map(watched::buffers));
    auto const attached = info_of(map(watched::attachments));
    room_ = made.max_entries;
    return is_of_notes(made, sizeof(dmabuf_bpf_kept_origin)) &&
           is_of_notes(attached, sizeof(dmabuf_bpf_kept_attachment)) &&
           attached.max_entries == room_ && has_our_layout(state());
}

kept_watch::misses kept_watch::missed(watched what) const {
    auto const found =
        summarize(directory_.reach(what == watched::buffers ? "origins" : "attachments"));
    if (!found) return {DMABUF_BPF_UNKNOWN, DMABUF_BPF_UNKNOWN};
    return {found->watch.missed_begins, found->watch.missed_ends};
}

void copy_notes(int from, int to, std::size_t value_bytes) {
    std::vector<char> value(value_bytes);
    std::uint64_t key = 0;
    std::uint64_t next = 0;
    // A key that is removed meanwhile sends the walk back to the first one: so it has a bound.
    auto const bound = 4 * std::uint64_t{info_of(from).max_entries};
    void const* last = nullptr;
    for (std::uint64_t i = 0; i < bound && bpf_map_get_next_key(from, last, &next) == 0; ++i) {
        key = next;
        last = &key;
        if (bpf_map_lookup_elem(from, &key, value.data()) != 0 ||
            bpf_map_update_elem(to, &key, value.data(), BPF_NOEXIST) != 0)
            continue;
        // It ended in between: the programs found nothing in `to` then.
        if (bpf_map_lookup_elem(from, &key, value.data()) != 0) (void)bpf_map_delete_elem(to, &key);
    }
}

} // namespace dmabuf_pin
