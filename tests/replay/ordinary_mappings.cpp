// SPDX-License-Identifier: MIT
//
// Recordings without the mappings of ordinary files tell the same as those with them.
#include "replay/ordinary_mappings.hpp"

#include "support.hpp"

#include <fstream>
#include <iterator>

namespace {

using dmabuf::device_number;

fake::file_ptr file_on(fake::kernel& kernel, device_number device, std::string const& path) {
    auto file = kernel.regular(path);
    file->device = device;
    return file;
}

constexpr device_number disk{8, 1}, overlay{0, 40}, shared_memory{0, 41};

/// Programs with libraries on a disk and in a container, shared memory, and DMA-BUFs among them.
void furnish(fake::kernel& kernel) {
    auto const frame = kernel.buffer(5, 8192, "system", "frame");
    auto const other = kernel.buffer(6, 4096, "udmabuf");
    auto const library = file_on(kernel, disk, "/usr/lib/libc.so.6");
    auto const inner = file_on(kernel, overlay, "/usr/lib/libc.so.6");
    auto const lying = file_on(kernel, overlay, "/dmabuf:frame");
    auto const memfd = file_on(kernel, shared_memory, "/memfd:x (deleted)");
    auto& idle = kernel.add(50, "idle");
    auto& container = kernel.add(60, "container");
    auto& compositor = kernel.add(70, "compositor");
    auto& player = kernel.add(80, "player");
    for (int i = 0; i < 5; ++i) {
        idle.map(library, 4096);
        container.map(inner, 4096);
    }
    container.map(lying, 4096);
    container.map(inner, 4096);
    for (auto const& file : {library, memfd, memfd, library, frame, library, frame, memfd, library})
        compositor.map(file, 4096);
    for (auto const& file : {inner, inner, other, inner, memfd, inner})
        player.map(file, 4096);
    player.open(frame);
    kernel.add(90, "thread").kernel_thread = true;
}

/// Both replay to one sample.
void check_same(support::recorded const& done, unsigned samples = 1) {
    auto const whole = support::replay_it(done.recording, samples);
    auto const needed = support::replay_it(support::parsed(replay::write(done.needed)), samples);
    REQUIRE(needed.missing == whole.missing);
    REQUIRE(needed.left_open == 0);
    REQUIRE(support::dump(needed.now) == support::dump(whole.now));
}

/// Those to PROCMAP_QUERY about process 70, behind the path of maps.
std::string answers_in(replay::recording const& recording) {
    constexpr std::string_view start = "mapping /proc/70/task/70/maps ";
    std::string lines;
    auto const text = replay::write(recording);
    for (std::string_view rest = text; !rest.empty();) {
        auto const line = dmabuf::detail::take_until(rest, '\n');
        if (line.starts_with(start)) lines.append(line.substr(start.size())).append("\n");
    }
    return lines;
}

replay::recording read_recording(std::string const& path) {
    std::ifstream file(path, std::ios::binary);
    INFO(path);
    REQUIRE(file);
    return support::parsed({std::istreambuf_iterator<char>(file), {}});
}

} // namespace

TEST_CASE("an answer about an ordinary file hands its address to the next that stays") {
    fake::kernel kernel;
    auto const frame = kernel.buffer(5, 4096, "system", "frame");
    auto const library = file_on(kernel, disk, "/lib");
    auto const memfd = file_on(kernel, shared_memory, "/memfd:x");
    auto& player = kernel.add(70, "player");
    player.next_address = 0x10000;
    for (auto const& file : {library, library, library, memfd, library, memfd, frame, library})
        player.map(file, 4096);
    auto const done = support::record(kernel);
    CHECK(done.needed.made.left_out == 5);
    // The paths of the first memfd and of the buffer were asked for.
    CHECK(answers_in(done.needed) == "0x0 0x10000 0x11000 shared 8:1 5000 \"/lib\"\n"
                                     "0x11000 0x16000 0x17000 shared 0:41 5001 \"/memfd:x\"\n"
                                     "0x16000 0x16000 0x17000 shared 0:41 5001 \"/memfd:x\"\n"
                                     "0x17000 0x1c000 0x1d000 shared 0:11 5 \"/dmabuf:frame\"\n"
                                     "0x1c000 0x1c000 0x1d000 shared 0:11 5 \"/dmabuf:frame\"\n"
                                     "0x1d000 !ENOENT\n");
    check_same(done);
}

TEST_CASE("of maps as text the lines of ordinary files are left out, and those in doubt are kept") {
    std::string const kept[] = {
        "1000-2000 r--p 00000000 08:01 10                   /usr/bin/x\n",
        "4000-5000 rw-s 00000000 00:29 11                   /memfd:x (deleted)\n",
        "7000-8000 rw-s 00000000 00:0b 12                   /dmabuf:frame\n",
        "8000-9000 rw-s 00000000 00:0b 12                   /dmabuf:frame\n",
        "9000-a000 rw-s 00000000 00:29 11                   /memfd:x (deleted)\n",
        "a000-b000 rw-s 00000000 00:29 11                   /dmabuf:x\n",
        "b000-c000 rw-s 00000000 00:0e 13                   anon_inode:dmabuf\n",
        "c000-d000 rw-s 00000000 00:0e 13                   anon_inode:dmabuf\n",
        "what is this?\n",
        "d000-e000 r--p 00000000 08:01 10                   /" + std::string(4096, 'x') + "\n",
        "f000-10000 r--p 00000000 08:01 10                   /cut of"};
    std::string const passed[] = {
        "2000-3000 r-xp 00000000 08:01 10                   /usr/bin/x\n",
        "3000-4000 rw-p 00000000 00:00 0                    [heap]\n",
        "5000-6000 r-xp 00000000 08:01 10                   /usr/lib/dmabuf:x\n",
        "6000-7000 rw-s 00000000 00:29 11                   /memfd:x (deleted)\n",
        "e000-f000 r-xp 00000000 08:01 10                   /dmabuf:on a disk\n"};
    replay::entry maps;
    maps.what = replay::call::file;
    maps.path = "/proc/70/task/70/maps";
    maps.error = EIO;
    std::string expected;
    for (auto const& line : kept)
        expected += line;
    maps.text = passed[1] + kept[0] + passed[0] + kept[1] + passed[2] + passed[3];
    for (std::size_t i = 2; i < std::size(kept); ++i)
        maps.text += (i + 1 == std::size(kept) ? passed[4] : "") + kept[i];
    auto part = maps;
    part.unended = true;
    std::vector<replay::entry> entries{maps, part};
    CHECK(replay::leave_out_ordinary_mappings(entries) == 5);
    REQUIRE(entries.size() == 2);
    CHECK(entries[0].text == expected);
    CHECK(entries[1].text == maps.text);
}

TEST_CASE("without mappings of ordinary files a recording tells the same") {
    fake::kernel kernel;
    furnish(kernel);
    auto const variant = GENERATE(range(0, 8));
    CAPTURE(variant);
    dmabuf::sample_options options;
    options.unheld = options.counts = true;
    if (variant % 2 == 1) kernel.map_queries = false;
    if (variant / 2 == 1) kernel.dmabuf_fds = kernel.sysfs_buffers = true;
    if (variant / 2 == 2) kernel.caller = fake::rights::user(1000);
    if (variant == 6) kernel.major = 5, kernel.minor = 2;
    if (variant == 7) options.exporters = options.names = false;
    auto const done = support::record(kernel, options);
    CHECK(done.needed.made.left_out >= 12);
    check_same(done);
}

TEST_CASE(
    "without mappings of ordinary files, whichever call fails, the recording tells the same") {
    for (bool const queries : {true, false})
        for (int const error : {ENOENT, ESRCH, EACCES, EIO}) {
            wrapped::faults plan;
            do {
                auto const fail_at = plan.fail_at + 1;
                plan = {};
                plan.fail_at = fail_at;
                plan.error = error;
                fake::kernel kernel;
                kernel.map_queries = queries;
                furnish(kernel);
                CAPTURE(queries, error, plan.fail_at);
                auto const done = support::record_with(plan, kernel, {});
                if (done.sampled) check_same(done);
            } while (plan.failed_on != "" || plan.calls >= plan.fail_at);
        }
}

TEST_CASE("without mappings of ordinary files, whatever changes meanwhile, it tells the same") {
    for (bool const queries : {true, false})
        for (int const change : {0, 1, 2, 3})
            for (unsigned at = 1, calls = at; at <= calls; ++at) {
                fake::kernel kernel;
                kernel.map_queries = queries;
                furnish(kernel);
                auto const late = kernel.buffer(7, 4096, "late", "late");
                kernel.event = [&](fake::call_event const& event) {
                    if (event.number != at) return;
                    auto& one = kernel.at(70);
                    if (change == 0) one.exec();
                    if (change == 1) one.mappings.erase(one.mappings.begin() + 2);
                    if (change == 2) one.mappings[1].file = late;
                    if (change == 3) kernel.exit(70);
                };
                CAPTURE(queries, change, at);
                auto const done = support::record(kernel, {}, 2);
                calls = kernel.calls();
                check_same(done, 2);
            }
}

TEST_CASE("real recordings without mappings of ordinary files tell the same") {
    struct {
        char const* name;
        std::size_t most_bytes;
    } const table[] = {
        {"camera-compositor", 42'000}, {"v4l2-diff", 32'000}, {"v4l2-named", 26'000}};
    for (auto const& row : table) {
        CAPTURE(row.name);
        auto const recording =
            read_recording(std::string(DMABUF_PROGRAMS "/") + row.name + ".recording");
        auto const done = support::record_again(recording);
        check_same(done, recording.made.samples);
        auto const needed = replay::write(done.needed);
        CHECK(needed.size() <= row.most_bytes);
    }
}
