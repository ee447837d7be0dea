// SPDX-License-Identifier: MIT
//
// The page of questions shows what its commands print.
#include "identity/command_lines.hpp"
#include "program.hpp"
#include "replay/recording_system.hpp"

#include <fstream>
#include <iterator>

namespace {

using words = std::vector<std::string>;

constexpr std::uint64_t mebibyte = std::uint64_t{1} << 20U;

std::string page() {
    std::ifstream file(DMABUF_QUESTIONS);
    return {std::istreambuf_iterator<char>(file), {}};
}

dmabuf::sample_options everything() {
    dmabuf::sample_options wanted;
    wanted.bpf = false;
    wanted.counts = wanted.cgroups = wanted.unheld = wanted.bufinfo = true;
    return wanted;
}

/// As the page has a command and its output.
std::string block(std::string_view command, std::string_view output) {
    std::string text = "    $ " + std::string(command) + "\n";
    while (!output.empty()) {
        auto const line = dmabuf::detail::take_until(output, '\n');
        text += line.empty() ? "\n" : "    " + std::string(line) + "\n";
    }
    return text;
}

void check_page(std::string_view command, replay::recording made, words const& options) {
    made.made.kernel = "6.12";
    made.made.rights = {"root", "trace", "checkpoint_restore", "search", "debugfs"};
    made.made.users = {{1000, "anna"}};
    auto const answer = programs::replayed(made, options);
    INFO(answer.err);
    REQUIRE(answer.status == 0);
    auto const expected = block(command, answer.out);
    INFO(expected);
    CHECK(page().find(expected) != std::string::npos);
}

/// A camera service and a compositor, which share frames.
struct desktop {
    fake::kernel kernel;
    fake::file_ptr frame = kernel.buffer(41, 3 * mebibyte, "system", "frame");
    fake::file_ptr scanout = kernel.buffer(42, 8 * mebibyte, "drm");
    fake::process* camera = &kernel.add(812, "camera", 1000);
    fake::process* compositor = &kernel.add(640, "compositor", 1000);

    desktop() {
        kernel.debugfs = true;
        scanout->devices = {"0000:00:02.0"};
        scanout->driver_references = 2;
        camera->open(frame);
        compositor->open(frame);
        compositor->open(scanout);
    }
};

/// Two samples, between which `happens` changes the world.
replay::recording two_samples(std::function<void(desktop&)> const& happens) {
    desktop rehearsal;
    (void)support::record(rehearsal.kernel, everything());
    auto const first = rehearsal.kernel.calls();
    desktop played;
    played.kernel.event = [&](fake::call_event const& event) {
        if (event.number == first + 1) happens(played);
    };
    return support::record(played.kernel, everything(), 2).recording;
}

replay::recording one_sample(desktop& scene) {
    return support::record(scene.kernel, everything()).recording;
}

} // namespace

TEST_CASE("questions: does a process leak descriptors") {
    check_page("dmabuf_ps --diff 10", two_samples([](desktop& it) {
                   for (int i = 0; i < 20; ++i)
                       it.camera->open(it.frame);
               }),
               {"--diff", "0"});
}

TEST_CASE("questions: does a process leak mappings, and of which buffer") {
    check_page("dmabuf_ps --diff 10 --buffers", two_samples([](desktop& it) {
                   for (int i = 0; i < 10; ++i)
                       it.camera->map(it.frame, 3 * mebibyte);
               }),
               {"--diff", "0", "--buffers"});
}

TEST_CASE("questions: do attachments grow") {
    check_page("dmabuf_ps --diff 10 --by exporter", two_samples([](desktop& it) {
                   for (int i = 0; i < 3; ++i)
                       it.scanout->devices.emplace_back("0000:00:02.0");
               }),
               {"--diff", "0", "--by", "exporter"});
}

TEST_CASE("questions: which memory does no process hold") {
    desktop scene;
    scene.compositor->files().clear();  // closed: a GEM handle still has the scanout buffer
    scene.frame->driver_references = 1; // sent over a socket, and not received yet
    scene.camera->files().clear();
    check_page("dmabuf_ps --buffers", one_sample(scene), {"--buffers"});
}

TEST_CASE("questions: who made the buffers that nobody holds") {
    constexpr std::uint64_t second = 1'000'000'000;
    desktop scene;
    scene.compositor->files().clear();
    scene.camera->files().clear();
    auto const camera = bpf::actor_of(*scene.camera);
    scene.kernel.exit(812);
    bpf::bpffs pins;
    pins.boot_ns = 1000 * second;
    auto const watch = bpf::watch_from(1);
    pins.pins[bpf::origins_path] = bpf::pin::of(bpf::origins(
        {bpf::origin_of(*scene.frame, camera, 820 * second),
         bpf::origin_of(*scene.scanout, bpf::actor_of(*scene.compositor), 400 * second)},
        watch));
    pins.pins[bpf::attachments_path] = bpf::pin::of(bpf::attachments(
        {bpf::attachment_of(*scene.frame, "vgem", bpf::actor_of(*scene.compositor), 821 * second)},
        watch));
    auto wanted = everything();
    wanted.origins = true;
    auto const made = support::record_watched(scene.kernel, pins, wanted).recording;
    check_page("dmabuf_ps", made, {});
    check_page("dmabuf_ps --by maker", made, {"--by", "maker"});
}

TEST_CASE("questions: what does one process hold, and with whom") {
    desktop scene;
    check_page("dmabuf_ps --pid 640 --buffers", one_sample(scene), {"--pid", "640", "--buffers"});
}

TEST_CASE("questions: what does a container see") {
    desktop scene;
    scene.kernel.pid_namespace = 4026532000;
    scene.kernel.caller_getpid = 5;
    scene.kernel.at(900).inner_pids = {5};
    check_page("dmabuf_ps", one_sample(scene), {});
}

TEST_CASE("questions: which of several of one name") {
    fake::kernel kernel;
    for (int const pid : {101, 102, 103}) {
        auto& process = kernel.add(pid, "chrome", 1000);
        process.open(kernel.buffer(static_cast<std::uint64_t>(pid),
                                   static_cast<std::uint64_t>(pid - 100) * mebibyte));
        process.command_line = std::string("/opt/chrome\0--type=", 19) +
                               (pid == 101 ? "gpu-process" : "renderer") + '\0' +
                               "--id=" + std::to_string(pid - 100) + '\0';
    }
    replay::recording_system<fake::system> const system(fake::system{&kernel});
    replay::recording made;
    made.made.options.bpf = false;
    dmabuf::snapshot now;
    {
        dmabuf::basic_sampler<replay::recording_system<fake::system>> sampler(made.made.options,
                                                                              system);
        REQUIRE(sampler.sample(now));
    }
    std::vector<dmabuf::holder const*> all;
    for (auto const& who : now.holders)
        all.push_back(&who);
    (void)identity::read_command_lines(system, all);
    made.entries = system.entries();
    check_page("dmabuf_ps --comm chrome --args --columns pid,pss,args", made,
               {"--comm", "chrome", "--args", "--columns", "pid,pss,args"});
}

TEST_CASE("questions: what did an old kernel list") {
    auto const answer = programs::run(
        {DMABUF_PS, "--bufinfo", DMABUF_CASES "/bufinfo-4.14.txt", "--by", "exporter"});
    REQUIRE(answer.status == 0);
    auto const expected = block("dmabuf_ps --bufinfo pasted.txt --by exporter", answer.out);
    INFO(expected);
    CHECK(page().find(expected) != std::string::npos);
}
