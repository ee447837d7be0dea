// SPDX-License-Identifier: MIT
//
// One look at the system: a snapshot with all that the tables show beside it. No system call.
#pragma once

#include <dmabuf/groups.hpp>
#include <dmabuf/growth.hpp>
#include <dmabuf/origins.hpp>

#include "history.hpp"
#include "identity/users.hpp"
#include "report/buffer_holders.hpp"
#include "selection/criteria.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace dmabuf_top {

/// An amount that grows.
struct growing {
    std::uint64_t key = 0;
    dmabuf::measure what = dmabuf::measure::bytes;
    double rate_per_second = 0;
};

/// The processes that the command line chooses.
struct choice {
    std::vector<std::int32_t> pids; ///< empty: all
    selection::criteria wanted;

    [[nodiscard]] bool of_processes() const { return !pids.empty() || wanted.of_processes(); }
};

class look {
public:
    look(std::uint64_t every_ns, choice chosen);

    /// Takes a snapshot, with the names of its users. Reused, it allocates nothing but for makers,
    /// and where buffers are chosen, whose snapshot is a copy.
    /// Lifetime: the snapshot must live, unchanged, until the next call.
    void take(dmabuf::snapshot const& now, identity::user_names const& users);

    [[nodiscard]] bool is_taken() const { return now_ != nullptr; }
    [[nodiscard]] dmabuf::snapshot const& now() const { return *now_; }
    /// Before buffers were chosen from it.
    [[nodiscard]] dmabuf::snapshot const& whole() const { return *whole_; }
    [[nodiscard]] std::string const& user_of(dmabuf::holder const& who) const;
    /// Indices of holders.
    [[nodiscard]] std::span<std::uint32_t const> holders_of(std::size_t buffer) const {
        return holders_.of(buffer);
    }
    [[nodiscard]] std::span<dmabuf::maker_total const> makers() const { return makers_; }
    /// Of the chosen processes.
    [[nodiscard]] std::span<dmabuf::group_total const> cgroups() const { return cgroups_.totals; }
    [[nodiscard]] bool chooses(std::size_t holder) const { return chosen_holders_[holder]; }
    [[nodiscard]] choice const& chosen() const { return choice_; }

    [[nodiscard]] history const& past() const { return past_; }
    /// Null where nothing of it grows. The bytes, where several amounts do.
    [[nodiscard]] growing const* growth_of(std::uint64_t key) const;

    /// The buffer with this index in `buffers`, and behind them in `unheld`.
    [[nodiscard]] dmabuf::buffer const& buffer_at(std::size_t at) const {
        auto const& held = now_->buffers;
        return at < held.size() ? held[at] : now_->unheld[at - held.size()];
    }
    [[nodiscard]] bool is_held(std::size_t at) const { return at < now_->buffers.size(); }
    [[nodiscard]] std::size_t buffer_count() const {
        return now_->buffers.size() + now_->unheld.size();
    }

private:
    void choose(identity::user_names const& users);
    void name_users(identity::user_names const& users);
    void add_up();
    void remember();
    void find_growth();

    choice choice_;
    dmabuf::growth_watch growth_;
    history past_;
    dmabuf::snapshot const* whole_ = nullptr;
    dmabuf::snapshot const* now_ = nullptr;
    dmabuf::snapshot part_; ///< of chosen buffers
    report::buffer_holders holders_;
    std::vector<dmabuf::maker_total> makers_;
    dmabuf::group_sums cgroups_;
    std::vector<bool> chosen_holders_;
    struct user {
        std::uint32_t uid;
        std::string name; ///< escaped
    };
    std::vector<user> users_; ///< in ascending order of uid
    std::vector<growing> growing_;
};

/// The keys of subjects, for `history` and `growth_of()`.
std::uint64_t key_of(dmabuf::holder const& who);
std::uint64_t key_of(dmabuf::exporter_total const& one);
std::uint64_t key_of(dmabuf::maker_total const& one);
std::uint64_t key_of_cgroup(std::string_view path);
std::uint64_t key_of(dmabuf::buffer const& one);

} // namespace dmabuf_top
