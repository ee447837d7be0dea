// SPDX-License-Identifier: MIT
//
// Processes that do their worst: files of a server that never answers, rights that change
// meanwhile, locks by the thousand.
#include "scene.hpp"

#include <chrono>
#include <linux/fuse.h>
#include <sys/file.h>
#include <sys/mount.h>

using namespace scene;

namespace {

/// A FUSE server that lets one file be looked up and opened, and from then on answers nothing.
class dead_server {
public:
    explicit dead_server(char const* where)
        : where_(where)
        , device_(lab::check(::open("/dev/fuse", O_RDWR | O_CLOEXEC), "/dev/fuse")) {
        ::mkdir(where, 0755);
        auto const options = "fd=" + std::to_string(device_.get()) +
                             ",rootmode=40000,user_id=0,group_id=0,allow_other";
        lab::check(::mount("dead", where, "fuse", 0, options.c_str()), "mount fuse");
    }
    ~dead_server() { ::umount2(where_, MNT_DETACH | MNT_FORCE); }

    /// Answers until the file is open; the caller opens it in another process.
    void serve_until_open() {
        while (!opened_)
            serve();
    }

private:
    void serve() {
        alignas(8) char in[65536];
        auto const got = ::read(device_.get(), in, sizeof in);
        if (got < static_cast<ssize_t>(sizeof(fuse_in_header)))
            throw std::runtime_error("read /dev/fuse");
        auto const& header = *reinterpret_cast<fuse_in_header const*>(in);
        switch (header.opcode) {
        case FUSE_INIT: {
            fuse_init_out out{};
            out.major = FUSE_KERNEL_VERSION;
            out.minor = FUSE_KERNEL_MINOR_VERSION;
            out.max_write = 4096;
            return answer(header.unique, &out, sizeof out);
        }
        case FUSE_LOOKUP: {
            fuse_entry_out out{};
            out.nodeid = 2;
            out.attr = attributes(S_IFREG | 0666);
            return answer(header.unique, &out, sizeof out); // valid for no time at all
        }
        case FUSE_GETATTR: {
            fuse_attr_out out{};
            out.attr = attributes(header.nodeid == 1 ? S_IFDIR | 0777 : S_IFREG | 0666);
            return answer(header.unique, &out, sizeof out);
        }
        case FUSE_OPEN: {
            fuse_open_out out{};
            answer(header.unique, &out, sizeof out);
            opened_ = true;
            return;
        }
        default:
            return answer(header.unique, nullptr, 0, -ENOSYS);
        }
    }

    static fuse_attr attributes(std::uint32_t mode) {
        fuse_attr attributes{};
        attributes.ino = 77;
        attributes.mode = mode;
        attributes.nlink = 1;
        return attributes;
    }

    void answer(std::uint64_t unique, void const* data, std::size_t size, int error = 0) {
        std::vector<char> reply(sizeof(fuse_out_header) + size);
        fuse_out_header const header{static_cast<std::uint32_t>(reply.size()), error, unique};
        std::memcpy(reply.data(), &header, sizeof header);
        if (size != 0) std::memcpy(reply.data() + sizeof header, data, size);
        lab::check(::write(device_.get(), reply.data(), reply.size()), "write /dev/fuse");
    }

    char const* where_;
    lab::descriptor device_;
    bool opened_ = false;
};

} // namespace

TEST_CASE("a file whose server never answers delays nobody") {
    if (!has_fuse()) {
        std::printf("SKIPPED: a file whose server never answers: no FUSE in this kernel\n");
        return;
    }
    // The server ends first: until then a holder that exits waits for its answer.
    std::optional<lab::child> holder;
    dead_server server("/tmp/dead");
    holder.emplace([](lab::ready& done) {
        // Called as a buffer is, on an anonymous device as buffers are.
        lab::check(::open("/tmp/dead/dmabuf:x", O_RDONLY), "open");
        done(std::to_string(keep(lab::alloc_heap(3 * page))));
    });
    server.serve_until_open();
    auto const inode = std::stoull(holder->wait_ready());
    auto const began = std::chrono::steady_clock::now();
    ::alarm(60); // rather than hang
    auto const now = sample({.unheld = true, .bufinfo = true});
    ::alarm(0);
    CHECK(std::chrono::steady_clock::now() - began < std::chrono::seconds(10));
    CHECK(holder_of(now, holder->pid()).rss_bytes == 3 * page);
    CHECK(now.buffers.size() == 1);
    CHECK(now.buffers[0].inode == inode);
    CHECK(now.coverage.complete());
}

TEST_CASE("thousands of locks on a buffer push its facts out of nobody's sight") {
    actor const one([] {
        auto buffer = lab::alloc_heap(5 * page);
        lab::set_name(buffer.get(), "locked");
        for (int i = 0; i < 2000; ++i) {
            struct flock lock{};
            lock.l_type = F_WRLCK;
            lock.l_start = 2 * i;
            lock.l_len = 1;
            lab::check(::fcntl(buffer.get(), F_SETLK, &lock), "F_SETLK");
        }
        return std::vector{keep(std::move(buffer))};
    });
    auto const now = sample();
    CHECK(now.exporter_of(buffer_of(now, one.inode())).view() == lab::heap_exporter());
    CHECK(buffer_of(now, one.inode()).name.view() == "locked");
    CHECK(buffer_of(now, one.inode()).size_bytes == 5 * page);
}

TEST_CASE("a process that closes and reopens all the time is never seen with what it never had") {
    auto const small = lab::alloc_heap(page);
    auto const large = lab::alloc_heap(64 * page);
    lab::child juggler([&](lab::ready& done) {
        done.tell();
        for (int const fd = lab::check(::fcntl(small.get(), F_DUPFD, 100), "F_DUPFD");;) {
            ::dup2(large.get(), fd);
            ::dup2(small.get(), fd);
        }
    });
    juggler.wait_ready();
    auto const large_inode = lab::inode_of(large.get());
    dmabuf::sampler sampler;
    dmabuf::snapshot now;
    for (int i = 0; i < 50; ++i) {
        REQUIRE(sampler.sample(now));
        CHECK(buffer_of(now, large_inode).size_bytes == 64 * page);
        CHECK(holder_of(now, juggler.pid()).rss_bytes == 65 * page);
        CHECK(holder_of(now, juggler.pid()).reference_count == 2);
        CHECK(now.coverage.processes_failed == 0);
    }
}

TEST_CASE("a process that gives up its right to be looked at, again and again") {
    lab::child shy([](lab::ready& done) {
        keep(lab::alloc_heap(7 * page));
        lab::check(::setresuid(1000, 1000, 1000), "setresuid");
        done.tell();
        for (int on = 0;; on = 1 - on)
            ::prctl(PR_SET_DUMPABLE, on);
    });
    shy.wait_ready();
    struct seen {
        unsigned whole = 0, absent = 0, unsized = 0, other = 0;
    };
    auto const answer = elsewhere<seen>([&] {
        lab::check(::setresuid(1000, 1000, 1000), "setresuid");
        seen count;
        dmabuf::sampler sampler;
        dmabuf::snapshot now;
        for (int i = 0; i < 200; ++i) {
            if (!sampler.sample(now)) ++count.other;
            auto const* holder = find_holder(now, shy.pid());
            if (!holder)
                ++count.absent;
            else if (holder->rss_bytes == 7 * page)
                ++count.whole;
            else if (holder->unsized_buffers == 1 && !now.coverage.complete())
                ++count.unsized;
            else
                ++count.other;
            if (!holder && now.coverage.complete()) ++count.other;
        }
        return count;
    });
    CHECK(answer.other == 0);
    CHECK(answer.whole + answer.absent + answer.unsized == 200);
    // Listed, and then no descriptor could be followed for the size.
    if (!has_list() || has_sysfs()) CHECK(answer.unsized == 0);
}
