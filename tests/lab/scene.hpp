// SPDX-License-Identifier: MIT
//
// The parts that the tests in the lab share: processes that hold real buffers, and their rows in a
// snapshot.
#pragma once

#include <dmabuf/dmabuf.hpp>

#include "buffers.hpp"
#include "catch.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <grp.h>
#include <iterator>
#include <string>
#include <sys/utsname.h>
#include <vector>

namespace scene {

inline constexpr std::uint64_t page = 4096;

// The abilities of this kernel: asked of the kernel, and not of the code under test.
inline bool has_list() {
    return ::access("/proc/thread-self/dmabuf_fds", F_OK) == 0;
}
inline bool has_sysfs() {
    return ::access("/sys/kernel/dmabuf/buffers", F_OK) == 0;
}
inline bool has_fuse() {
    return ::access("/dev/fuse", F_OK) == 0;
}

/// Whether this kernel has an iterator over all buffers that dmabuf_pin can pin: asked of its
/// symbols, as root. Pinning takes BTF besides.
inline bool has_buffer_iterator() {
    static bool const has = std::system("grep -q ' dmabuf_iter_seq_show$' /proc/kallsyms") == 0 &&
                            ::access("/sys/kernel/btf/vmlinux", F_OK) == 0;
    return has;
}

inline bool kernel_is_before(unsigned major, unsigned minor) {
    utsname kernel{};
    ::uname(&kernel);
    unsigned of_this = 0;
    unsigned within = 0;
    REQUIRE(std::sscanf(kernel.release, "%u.%u", &of_this, &within) == 2);
    return of_this != major ? of_this < major : within < minor;
}

/// Whether a mapping of a buffer is one of the buffer's file. vgem of Linux 5.10 puts another file
/// there and lets the buffer go; that of 6.1 refuses private ones.
inline bool mappings_hold(int kind = MAP_SHARED) {
    auto const buffer = lab::alloc_heap(page);
    void* const at = ::mmap(nullptr, page, PROT_READ, kind, buffer.get(), 0);
    if (at == MAP_FAILED) return false;
    std::ifstream maps("/proc/self/maps");
    std::string const all{std::istreambuf_iterator<char>(maps), {}};
    ::munmap(at, page);
    return all.find(" /dmabuf:") != all.npos;
}

/// Says on a line of its own what this kernel lacks for a test, or for a part of one.
inline void skip(std::string const& what) {
    std::printf("SKIPPED: %s\n", what.c_str());
}
inline void skip_mappings() {
    skip("mapped buffers: this kernel's exporter refuses the mapping, or puts another file behind "
         "it");
}

/// A process that holds what `body` made, and told us the inodes of.
class actor {
public:
    using body = std::function<std::vector<std::uint64_t>()>;

    explicit actor(body make)
        : process_([make = std::move(make)](lab::ready& done) {
            std::string told;
            for (auto const inode : make())
                told += std::to_string(inode) + " ";
            done(told);
        }) {
        auto const told = process_.wait_ready();
        std::string_view rest = told;
        while (!rest.empty()) {
            std::uint64_t inode = 0;
            if (dmabuf::detail::parse_unsigned(dmabuf::detail::take_until(rest, ' '), inode))
                inodes_.push_back(inode);
        }
    }

    [[nodiscard]] pid_t pid() const { return process_.pid(); }
    [[nodiscard]] std::uint64_t inode(std::size_t which = 0) const { return inodes_.at(which); }
    void kill() { process_.end(); }

private:
    lab::child process_;
    std::vector<std::uint64_t> inodes_;
};

/// Keeps a descriptor open for the rest of the process, and names its inode.
inline std::uint64_t keep(lab::descriptor fd) {
    return lab::inode_of(fd.release());
}

inline dmabuf::snapshot sample(dmabuf::sample_options options = {}) {
    dmabuf::sampler sampler(options);
    dmabuf::snapshot now;
    auto const done = sampler.sample(now);
    INFO(describe(done.error()).c_str());
    REQUIRE(done);
    return now;
}

inline dmabuf::holder const* find_holder(dmabuf::snapshot const& now, pid_t pid) {
    for (auto const& holder : now.holders)
        if (holder.pid == pid) return &holder;
    return nullptr;
}

inline dmabuf::buffer const* find_buffer(dmabuf::snapshot const& now, std::uint64_t inode) {
    for (auto const& buffer : now.buffers)
        if (buffer.inode == inode) return &buffer;
    return nullptr;
}

inline dmabuf::holder const& holder_of(dmabuf::snapshot const& now, pid_t pid) {
    auto const* found = find_holder(now, pid);
    INFO("holder " << pid);
    REQUIRE(found);
    return *found;
}

inline dmabuf::buffer const& buffer_of(dmabuf::snapshot const& now, std::uint64_t inode) {
    auto const* found = find_buffer(now, inode);
    INFO("buffer " << inode);
    REQUIRE(found);
    return *found;
}

inline dmabuf::reference const& reference_of(dmabuf::snapshot const& now, pid_t pid,
                                             std::uint64_t inode) {
    for (auto const& reference : now.references_of(holder_of(now, pid)))
        if (now.buffers[reference.buffer].inode == inode) return reference;
    FAIL("process " << pid << " does not hold buffer " << inode);
    return now.references.front();
}

/// Gives up all rights but those of an ordinary user.
inline void become(uid_t uid) {
    lab::check(::setgroups(0, nullptr), "setgroups");
    lab::check(::setresgid(uid, uid, uid), "setresgid");
    lab::check(::setresuid(uid, uid, uid), "setresuid");
}

/// The standard output of a command, which must succeed.
inline std::string output_of(char const* command) {
    std::string text;
    std::array<char, 4096> piece;
    FILE* const pipe = ::popen(command, "r");
    REQUIRE(pipe);
    while (auto const got = std::fread(piece.data(), 1, piece.size(), pipe))
        text.append(piece.data(), got);
    INFO(command);
    CHECK(::pclose(pipe) == 0);
    return text;
}

/// The answer of `look` in a process of its own, which may give up rights without giving up ours.
/// `Answer` must be trivially copyable.
template<class Answer, class Look>
Answer elsewhere(Look look) {
    static_assert(std::is_trivially_copyable_v<Answer>);
    int ends[2];
    lab::check(::pipe2(ends, O_CLOEXEC), "pipe2");
    lab::descriptor reader(ends[0]);
    lab::descriptor writer(ends[1]);
    pid_t const pid = lab::check(::fork(), "fork");
    if (pid == 0) {
        Answer const answer = look();
        bool const sent =
            ::write(writer.get(), &answer, sizeof answer) == static_cast<ssize_t>(sizeof answer);
        ::_exit(sent ? 0 : 1);
    }
    writer.reset();
    Answer answer{};
    auto const got = ::read(reader.get(), &answer, sizeof answer);
    int status = 0;
    ::waitpid(pid, &status, 0);
    REQUIRE(status == 0);
    REQUIRE(got == static_cast<ssize_t>(sizeof answer));
    return answer;
}

} // namespace scene
