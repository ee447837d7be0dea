// SPDX-License-Identifier: MIT
//
// The parts that the tests of recordings share: samples of every kind of system, and snapshots as
// text.
#pragma once

#include <dmabuf/sampler.hpp>

#include "catch.hpp"
#include "replay/recording_system.hpp"
#include "replay/replayed_system.hpp"
#include "systems/bpf_stream.hpp"
#include "systems/fake_kernel.hpp"
#include "systems/wrappers.hpp"

#include <string>

namespace support {

struct recorded {
    replay::recording recording;
    replay::recording needed; ///< the same without mappings of ordinary files
    dmabuf::snapshot now;
    bool sampled = true;
};

/// Samples and records. `samples` are taken by one sampler.
recorded record(fake::kernel& kernel, dmabuf::sample_options options = {}, unsigned samples = 1);
/// With makers and attachments, as `pins` tells them; where `alone_pid` is not 0, of that process.
recorded record_watched(fake::kernel& kernel, bpf::bpffs& pins, dmabuf::sample_options options,
                        std::int32_t alone_pid = 0);
/// Of one process alone.
recorded record_alone(fake::kernel& kernel, std::int32_t pid, dmabuf::sample_options options = {});
/// While calls fail as planned.
recorded record_with(wrapped::faults& plan, fake::kernel& kernel, dmabuf::sample_options options);
/// A recording, sampled and recorded again.
recorded record_again(replay::recording const& recording);
recorded record_here(dmabuf::sample_options options = {});

struct replayed {
    dmabuf::snapshot now;
    std::string missing;
    std::size_t left_open = 0;
    bool failed = false;
};

/// Takes the sample that was recorded, with the recording's options.
replayed replay_it(replay::recording recording, unsigned samples = 1);

/// As above, by way of the text.
replayed replay_text(std::string const& text);

/// The recording in a text, which must be one.
replay::recording parsed(std::string const& text);

/// Every value of a snapshot but times, line by line; names only where asked for.
std::string dump(dmabuf::snapshot const& now, bool names = true);

} // namespace support
