// SPDX-License-Identifier: MIT
#include "history.hpp"

#include <algorithm>
#include <utility>

namespace dmabuf_top {

std::uint64_t key_of(dmabuf::growth_subject const& of, std::string_view name) {
    auto const mix = [](std::uint64_t a, std::uint64_t b) {
        a = (a ^ b) * 0x9e3779b97f4a7c15U;
        return a ^ (a >> 29U);
    };
    auto key = mix(static_cast<std::uint64_t>(of.kind) + 1, static_cast<std::uint32_t>(of.pid));
    key = mix(mix(key, of.start_ticks), of.inode);
    if (!dmabuf::detail::is_named(of)) return key;
    return mix(key, dmabuf::detail::hash_of(dmabuf::detail::end_of(name, 255)));
}

void history::begin(std::uint64_t time_ns) {
    auto const step = time_ns / step_ns_;
    passed_ = step < step_ ? steps : std::min<std::uint64_t>(step - step_, steps);
    step_ = step;
    told_.clear();
}

void history::combine() {
    std::ranges::sort(told_, {}, &told::key);
    std::size_t kept = 0;
    for (auto const& one : told_)
        if (kept != 0 && told_[kept - 1].key == one.key)
            told_[kept - 1].value += one.value;
        else
            told_[kept++] = one;
    told_.resize(kept);
}

void history::end() {
    combine();
    std::swap(all_, before_);
    all_.clear();
    auto old = before_.begin();
    for (auto const& one : told_) {
        while (old != before_.end() && old->key < one.key)
            ++old;
        keep(old != before_.end() && old->key == one.key ? &*old : nullptr, one);
    }
}

void history::keep(series const* before, told const& now) {
    auto& [key, values] = all_.emplace_back();
    key = now.key;
    values.fill(unknown);
    if (before)
        std::copy(before->values.begin() + static_cast<std::ptrdiff_t>(passed_),
                  before->values.end(), values.begin());
    auto& last = values.back();
    if (last == unknown || last < now.value) last = now.value;
}

history::amounts const* history::of(std::uint64_t key) const {
    auto const found = std::ranges::lower_bound(all_, key, {}, &series::key);
    return found != all_.end() && found->key == key ? &found->values : nullptr;
}

} // namespace dmabuf_top
