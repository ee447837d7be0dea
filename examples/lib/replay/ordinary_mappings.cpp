// SPDX-License-Identifier: MIT
#include "ordinary_mappings.hpp"

#include <optional>
#include <utility>

namespace replay {

namespace {

bool may_be_dmabuf(std::string_view path) {
    return path.empty() || dmabuf::parse_linked_name(path) ||
           path == dmabuf::dmabuf_filesystem::path_before_5_3;
}

/// One way through a memory map, file by file.
class way_through {
public:
    /// Whether nothing is learned from `found`. DMA-BUFs have an anonymous device (fs/super.c,
    /// get_anon_bdev()), whose major number is 0.
    bool passes(dmabuf::mapping const& found, std::string_view path) {
        bool const first = !std::exchange(began_, true);
        if (found.device.major != 0) return !first;
        bool const known = std::exchange(anonymous_, found.device) == found.device;
        return known && !may_be_dmabuf(path);
    }

private:
    bool began_ = false;
    std::optional<dmabuf::device_number> anonymous_; ///< the last that was met
};

// --- maps as text --------------------------------------------------------------------------------

bool is_of_maps(std::string_view path) {
    return path.ends_with("/maps");
}

/// Whether `line`, with its newline, is one that the reader goes past. Longer lines may not fit the
/// reader's memory.
bool is_passed(std::string_view line, way_through& way) {
    constexpr std::size_t longest_told = 4096;
    if (!line.ends_with('\n') || line.size() > longest_told) return false;
    line.remove_suffix(1);
    auto const found = dmabuf::parse_maps_line(line);
    if (!found) return false;
    return found->device == dmabuf::device_number{} || way.passes(*found, found->path);
}

std::uint64_t leave_out_lines(std::string& text) {
    way_through way;
    std::string kept;
    std::uint64_t left_out = 0;
    for (std::string_view rest = text; !rest.empty();) {
        auto const end = rest.find('\n');
        auto const line = rest.substr(0, end == rest.npos ? end : end + 1);
        rest.remove_prefix(line.size());
        if (is_passed(line, way))
            ++left_out;
        else
            kept += line;
    }
    text = std::move(kept);
    return left_out;
}

// --- answers to PROCMAP_QUERY --------------------------------------------------------------------

/// The answers from one opening of maps on. Each query goes on at the end of the mapping before; a
/// query at its beginning asks for its path. An answer that is left out hands its address to the
/// next one, which then answers for both.
class answers {
public:
    /// Takes the next one. Returns the place of an earlier one that is to be left out.
    std::optional<std::size_t> take(std::vector<entry>& entries, std::size_t at) {
        auto& one = entries[at];
        std::optional<std::size_t> left_out;
        if (ended_) return left_out;
        if (one.from == next_) {
            left_out = std::exchange(passed_, std::nullopt);
            if (left_out) one.from = entries[*left_out].from;
            go_on(one, at);
        } else {
            passed_.reset();
            ended_ = one.from != begin_;
        }
        return left_out;
    }

private:
    void go_on(entry const& one, std::size_t at) {
        begin_ = one.mapping.begin;
        next_ = one.mapping.end;
        ended_ = one.error != 0;
        if (!ended_ && way_.passes(one.mapping, one.text)) passed_ = at;
    }

    way_through way_;
    std::uint64_t begin_ = 0, next_ = 0;
    std::optional<std::size_t> passed_; ///< until the next query shows that its path is not wanted
    bool ended_ = false;
};

class shortening {
public:
    explicit shortening(std::vector<entry>& entries)
        : entries_(&entries)
        , is_left_out_(entries.size()) {}

    std::uint64_t run() {
        for (std::size_t at = 0; at < entries_->size(); ++at)
            if (is_of_maps((*entries_)[at].path)) look_at(at);
        std::vector<entry> kept;
        for (std::size_t at = 0; at < entries_->size(); ++at)
            if (!is_left_out_[at]) kept.push_back(std::move((*entries_)[at]));
        *entries_ = std::move(kept);
        return count_;
    }

private:
    void look_at(std::size_t at) {
        auto& one = (*entries_)[at];
        if (one.what == call::mapping) {
            auto const left_out = queried_[one.path].take(*entries_, at);
            if (left_out) is_left_out_[*left_out] = true, ++count_;
        } else {
            queried_.erase(one.path);
            if (one.what == call::file && !one.unended) count_ += leave_out_lines(one.text);
        }
    }

    std::vector<entry>* entries_;
    std::vector<bool> is_left_out_;
    std::map<std::string, answers> queried_; ///< by path, since it was opened last
    std::uint64_t count_ = 0;
};

} // namespace

std::uint64_t leave_out_ordinary_mappings(std::vector<entry>& entries) {
    return shortening(entries).run();
}

} // namespace replay
