// SPDX-License-Identifier: MIT
//
// One buffer, described by each of those who can tell of it.
#include "parts.hpp"

namespace {

using parts::bench;
using parts::outcome;
using parts::paths;

/// Process 10, whose descriptor 0 is a buffer that was listed and of which no more is known.
struct scene {
    explicit scene(fake::kernel& kernel, dmabuf::sample_options wanted = {})
        : buffer(kernel.buffer(77, 4096, "system", "camera"))
        , holder(kernel.add(10, "p"))
        , on(kernel, wanted) {
        holder.open(buffer);
        at = on.list(buffer);
        fds = on.open_fds(process);
    }

    paths ask_descriptor() {
        return on.asked_by([&] { describe.ask_descriptor(process, 10, fds.get(), 0, at); });
    }
    paths ask_link() {
        return on.asked_by([&] { describe.ask_link(process, 10, fds.get(), 0, at); });
    }
    [[nodiscard]] dmabuf::buffer const& found() { return on.buffer(buffer); }
    [[nodiscard]] bool knows_nothing() {
        return !found().size_known && !found().name_known &&
               found().exporter == dmabuf::exporter_id::unknown;
    }

    fake::file_ptr buffer;
    fake::process& holder;
    bench on;
    std::uint32_t at = 0;
    parts::process process = on.open(10);
    dmabuf::unique_fd<parts::system> fds;
    dmabuf::describer<parts::system> describe{on.sample};
};

TEST_CASE("describer: a descriptor tells all, and then is asked no more") {
    fake::kernel kernel;
    scene s(kernel);
    CHECK_FALSE(s.describe.is_done(s.at));
    CHECK(s.ask_descriptor() == paths{"10/task/10/fdinfo/0"});
    CHECK(s.found().size_bytes == 4096);
    CHECK(s.found().name.view() == "camera");
    CHECK(s.on.has_exporter(s.buffer, "system"));
    CHECK(s.describe.is_done(s.at));
    CHECK(s.ask_descriptor().empty());
}

TEST_CASE("describer: of what is not wanted, a descriptor tells the mount alone, once") {
    fake::kernel kernel;
    scene s(kernel, parts::only_sizes());
    s.on.build.set_size(s.at, 4096); // as a walk does
    CHECK(s.describe.is_done(s.at));
    CHECK(s.ask_descriptor() == paths{"10/task/10/fdinfo/0"});
    CHECK(s.on.session.known.mount_id);
    CHECK_FALSE(s.found().name_known);
    CHECK(s.found().exporter == dmabuf::exporter_id::unknown);
    CHECK(s.ask_descriptor().empty());
}

TEST_CASE("describer: a descriptor that tells nothing of the buffer changes nothing") {
    fake::kernel kernel;
    scene s(kernel);
    SECTION("it was closed") {
        s.holder.files().clear();
    }
    SECTION("it may not be looked at") {
        kernel.caller = fake::rights::user(5);
    }
    SECTION("it is a file") {
        s.holder.files()[0].file = kernel.regular("/x");
    }
    SECTION("it is another buffer") {
        s.holder.files()[0].file = kernel.buffer(78, 4096, "other", "other");
    }
    CHECK(s.ask_descriptor() == paths{"10/task/10/fdinfo/0"});
    CHECK(s.knows_nothing());
    CHECK_FALSE(s.on.session.known.mount_id);
    CHECK(s.on.counted().first_failure.error == 0);
}

TEST_CASE("describer: before 5.14 fdinfo shows no inode, and the size tells another buffer") {
    fake::kernel kernel;
    kernel.major = 5;
    kernel.minor = 10;
    scene s(kernel);
    s.on.build.set_size(s.at, 4096);
    bool const another = GENERATE(false, true);
    if (another) s.holder.files()[0].file = kernel.buffer(78, 8192, "other", "other");
    s.ask_descriptor();
    CHECK(s.found().name_known == !another);
    CHECK(s.found().size_bytes == 4096);
}

TEST_CASE("describer: a failure that is not an everyday event is kept") {
    fake::kernel kernel;
    scene s(kernel);
    s.on.fail(1, EIO);
    SECTION("of fdinfo") {
        s.describe.ask_descriptor(s.process, 10, s.fds.get(), 0, s.at);
        CHECK(s.on.counted().first_failure.where.what == dmabuf::object::fdinfo);
    }
    SECTION("of the link") {
        s.describe.ask_link(s.process, 10, s.fds.get(), 0, s.at);
        CHECK(s.on.counted().first_failure.where.what == dmabuf::object::fd);
    }
    CHECK(s.on.counted().first_failure.error == EIO);
    CHECK(s.knows_nothing());
}

TEST_CASE("describer: an O_PATH descriptor tells its name by the link") {
    fake::kernel kernel;
    scene s(kernel);
    s.on.meet_dmabufs();
    s.holder.files()[0].path = true;
    SECTION("a name") {
        CHECK(s.ask_descriptor() ==
              paths{"10/task/10/fdinfo/0", "10/task/10/fd/0", "10/task/10/fd/0"});
        CHECK(s.found().named);
        CHECK(s.found().name.view() == "camera");
        CHECK(s.ask_link().empty());
    }
    SECTION("an empty one, or none: they look alike") {
        s.buffer->name = GENERATE(std::optional<std::string>(""), std::optional<std::string>());
        s.ask_descriptor();
        CHECK(s.found().name_known);
        CHECK_FALSE(s.found().named);
    }
    CHECK_FALSE(s.found().size_known);
    CHECK(s.found().exporter == dmabuf::exporter_id::unknown);
}

TEST_CASE("describer: a link that may be another file's tells no name") {
    fake::kernel kernel;
    scene s(kernel);
    s.on.meet_dmabufs();
    auto const put = [&](fake::file_ptr file) { s.holder.files()[0].file = std::move(file); };
    SECTION("another buffer's by now") {
        put(kernel.buffer(78, 4096, "other", "other"));
    }
    auto const other = kernel.regular("/x");
    bool read = false; // the next call is the look at whose it is
    SECTION("another file's since it was read") {
        kernel.event = [&](fake::call_event const& event) {
            if (std::exchange(read, event.kind == fake::call::readlink)) put(other);
        };
    }
    SECTION("a file of the same inode and a name like a buffer's") {
        other->path = "/dmabuf:other";
        other->inode = s.buffer->inode;
        put(other);
    }
    SECTION("nobody's") {
        s.holder.files().clear();
    }
    SECTION("one that may not be followed") {
        kernel.caller = fake::rights::user(5);
    }
    s.ask_link();
    kernel.event = nullptr;
    CHECK_FALSE(s.found().name_known);
    CHECK(s.on.counted().first_failure.error == 0);
}

TEST_CASE("describer: a link is not asked where no name is wanted") {
    fake::kernel kernel;
    scene s(kernel, parts::only_sizes());
    s.on.meet_dmabufs();
    CHECK(s.ask_link().empty());
}

TEST_CASE("describer: sysfs tells size and exporter, and only what is wanted and unknown") {
    fake::kernel kernel;
    kernel.sysfs_buffers = true;
    auto wanted = parts::only_sizes();
    wanted.exporters = GENERATE(false, true);
    scene s(kernel, wanted);
    std::string const tree = "/sys/kernel/dmabuf/buffers/77/";
    paths expected{tree + "size"};
    if (wanted.exporters) expected.push_back(tree + "exporter_name");
    auto const ask = [&] { CHECK(s.describe.ask_sysfs(s.at) == outcome::seen); };
    CHECK(s.on.asked_by(ask) == expected);
    CHECK(s.found().size_bytes == 4096);
    CHECK(s.on.has_exporter(s.buffer, "system") == wanted.exporters);
    CHECK(s.on.asked_by(ask).empty());
}

TEST_CASE("describer: sysfs that is missing, or has let go of the buffer") {
    fake::kernel kernel;
    kernel.sysfs_buffers = GENERATE(false, true);
    scene s(kernel);
    kernel.release(s.buffer);
    CHECK(s.describe.ask_sysfs(s.at) == (kernel.sysfs_buffers ? outcome::gone : outcome::seen));
    CHECK(s.knows_nothing());
}

/// The same, where it is mapped in place of being open.
struct mapped_scene : scene {
    explicit mapped_scene(fake::kernel& kernel, dmabuf::sample_options wanted = {})
        : scene(kernel, wanted) {
        on.meet_dmabufs();
        holder.files().clear();
        holder.map(buffer, 4096);
        auto const& its = holder.mappings[0];
        found_mapping = {its.begin, its.end, true, kernel.dmabuf_device, buffer->inode, {}};
    }
    outcome ask_map_files() {
        return describe.ask_map_files(process, found_mapping, at);
    }
    paths ask_mapping(std::function<void()> const& meanwhile = [] {}) {
        auto files = dmabuf::read_mapped_files(process, 10, on.session.query_mappings,
                                               dmabuf::read_space(on.session.table_space()));
        auto const first = **files.begin();
        meanwhile();
        return on.asked_by([&] { describe.ask_mapping(files, first, at); });
    }

    dmabuf::mapping found_mapping;
};

TEST_CASE("describer: the file behind a mapping tells its size") {
    fake::kernel kernel;
    mapped_scene s(kernel);
    SECTION("where that is allowed") {
        CHECK(s.ask_map_files() == outcome::seen);
        CHECK(s.found().size_bytes == 4096);
    }
    SECTION("where it is not") {
        kernel.caller.checkpoint_restore = false;
        CHECK(s.ask_map_files() == outcome::denied);
        CHECK(s.knows_nothing());
    }
    SECTION("where it was unmapped") {
        s.holder.mappings.clear();
        CHECK(s.ask_map_files() == outcome::gone);
        CHECK(s.knows_nothing());
    }
    SECTION("where another file is mapped in its place") {
        bool const dmabuf = GENERATE(false, true);
        s.holder.mappings[0].file = dmabuf ? kernel.buffer(78, 8192) : kernel.regular("/dmabuf:");
        CHECK(s.ask_map_files() == outcome::gone);
        CHECK(s.knows_nothing());
    }
}

TEST_CASE("describer: a mapping tells its name, by query or by text") {
    fake::kernel kernel;
    kernel.map_queries = GENERATE(false, true);
    mapped_scene s(kernel);
    bool const empty = GENERATE(false, true);
    if (empty) s.buffer->name = "";
    CHECK(s.ask_mapping() == (kernel.map_queries ? paths{"10/task/10/maps?"} : paths{}));
    CHECK(s.found().name_known);
    CHECK(s.found().named != empty);
    CHECK(s.found().name.view() == (empty ? "" : "camera"));
    CHECK(s.ask_mapping().empty());
}

TEST_CASE("describer: a mapping that went away, or of which no name is wanted, tells none") {
    fake::kernel kernel;
    SECTION("unmapped") {
        mapped_scene s(kernel);
        s.ask_mapping([&] { s.holder.mappings.clear(); });
        CHECK(s.knows_nothing());
        CHECK(s.on.counted().first_failure.error == 0);
    }
    SECTION("another file in its place") {
        mapped_scene s(kernel);
        s.ask_mapping([&] { s.holder.mappings[0].file = kernel.buffer(78, 4096, "x", "other"); });
        CHECK(s.knows_nothing());
    }
    SECTION("not wanted") {
        mapped_scene s(kernel, parts::only_sizes());
        CHECK(s.ask_mapping().empty());
        CHECK(s.knows_nothing());
    }
}

} // namespace
