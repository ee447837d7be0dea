// SPDX-License-Identifier: MIT
//
// A whole system made of the input: a kernel, processes that hold what buffers in what way, a
// caller with some rights, and something that changes while the snapshot is taken. The snapshot
// must add up, say nothing that was never so, and be the truth where it says that it is complete.
#include "recorded/harness.hpp"
#include "target.hpp"

namespace {

class bytes {
public:
    explicit bytes(std::string_view input)
        : rest_(input) {}

    /// A number below `limit`; 0 once the input has ended.
    unsigned below(unsigned limit) {
        if (rest_.empty()) return 0;
        auto const byte = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        return byte % limit;
    }
    bool flag() { return below(2) == 1; }
    std::string text(unsigned longest) {
        auto const taken = rest_.substr(0, below(longest + 1));
        rest_.remove_prefix(taken.size());
        std::string all(taken);
        std::erase(all, '\0');
        return all;
    }

private:
    std::string_view rest_;
};

/// Everything that ever held during the snapshot, and sizes of what existed.
struct history {
    std::map<int, std::map<std::uint64_t, fake::held>> most; // the largest count at any moment

    void add(fake::account const& now) {
        for (auto const& [pid, buffers] : now)
            for (auto const& [inode, held] : buffers) {
                auto& top = most[pid][inode];
                top.descriptors = std::max(top.descriptors, held.descriptors);
                top.mappings = std::max(top.mappings, held.mappings);
            }
    }
};

void make_machine(bytes& in, fake::kernel& kernel) {
    struct {
        unsigned major, minor;
    } constexpr releases[] = {{5, 4}, {5, 10}, {5, 15}, {6, 1}, {6, 12}, {7, 0}};
    auto const release = releases[in.below(6)];
    kernel.major = release.major;
    kernel.minor = release.minor;
    kernel.sysfs_buffers = in.flag();
    kernel.dmabuf_fds = in.flag();
    kernel.kcmp = in.below(4) != 0;
    kernel.map_queries = kernel.kcmp;
    kernel.hidepid = static_cast<int>(in.below(3));
    auto const who = in.below(3);
    kernel.caller = who == 0   ? fake::rights::root()
                    : who == 1 ? fake::rights::user(1000)
                               : fake::rights::ptrace_only(1001);
}

fake::file_ptr some_file(bytes& in, fake::kernel& kernel,
                         std::vector<fake::file_ptr> const& buffers) {
    switch (in.below(8)) {
    case 0:
        return kernel.regular("/dmabuf:" + in.text(8));
    case 1:
        return kernel.anonymous("[eventpoll]");
    case 2:
        return kernel.fuse("/dmabuf:fuse", in.flag());
    default:
        return buffers[in.below(static_cast<unsigned>(buffers.size()))];
    }
}

std::vector<int> make_processes(bytes& in, fake::kernel& kernel) {
    std::vector<fake::file_ptr> buffers;
    for (unsigned i = 0; i <= in.below(6); ++i) {
        auto const size = std::uint64_t{in.below(256)} << (in.below(5) * 8);
        auto const name = in.flag() ? std::optional(in.text(31)) : std::nullopt;
        buffers.push_back(kernel.buffer(100 + i, size, in.flag() ? "system" : "udmabuf", name));
    }
    std::vector<int> pids;
    int pid = 10;
    for (unsigned i = in.below(6); i > 0; --i) {
        auto& process = kernel.add(pid += 1 + static_cast<int>(in.below(40)), in.text(15),
                                   in.flag() ? 1000 : 0);
        pids.push_back(pid);
        process.dumpable = in.below(8) != 0;
        for (unsigned n = in.below(8); n > 0; --n)
            process.open(some_file(in, kernel, buffers), in.below(4) == 0);
        for (unsigned n = in.below(3); n > 0; --n)
            process.map(some_file(in, kernel, buffers), 4096);
        std::vector<fake::table_ptr> tables{process.leader().files};
        for (unsigned n = in.below(4); n > 0; --n) {
            if (in.flag()) tables.push_back(std::make_shared<fake::table>());
            auto const& table = tables[in.below(static_cast<unsigned>(tables.size()))];
            process.add_thread(++pid, table);
            if (in.flag())
                fake::process::open_in(*table, some_file(in, kernel, buffers), in.below(4) == 0);
        }
        if (process.tasks.size() > 1 && in.below(4) == 0) process.end_leader();
    }
    return pids;
}

/// At one call of the input's choice, something ends.
void make_event(bytes& in, fake::kernel& kernel, std::vector<int> const& pids, history& past,
                bool& happened) {
    if (pids.empty() || in.flag()) return;
    auto const at = in.below(256);
    auto const pid = pids[in.below(static_cast<unsigned>(pids.size()))];
    auto const kind = in.below(3);
    kernel.event = [&kernel, &past, &happened, at, pid, kind](fake::call_event const& call) {
        if (call.number != at || !kernel.has(pid)) return;
        happened = true;
        auto& process = kernel.at(pid);
        if (kind == 0) kernel.exit(pid);
        if (kind == 1 && process.leader().files && !process.files().empty())
            process.files().erase(process.files().begin());
        if (kind == 2) process.dumpable = !process.dumpable;
        past.add(kernel.truth());
    };
}

/// How maps shows a name: these four characters look like a newline there.
std::string shown(std::string name) {
    for (auto at = name.find("\\012"); at != name.npos; at = name.find("\\012"))
        name.replace(at, 4, "\n");
    return name;
}

/// Nothing that was never so.
void check_against(history const& past, fake::kernel const& kernel, dmabuf::snapshot const& now) {
    for (auto const& [pid, buffers] : account_of(now)) {
        auto const known = past.most.find(pid);
        require(known != past.most.end(), "a holder held something");
        for (auto const& [inode, held] : buffers) {
            auto const most = known->second.find(inode);
            require(most != known->second.end(), "a holder held this buffer");
            bool const bound = now.coverage.tables_uncertain != 0;
            require(bound || held.descriptors <= most->second.descriptors,
                    "no more descriptors than there were");
            require(held.mappings <= most->second.mappings, "no more mappings than there were");
        }
    }
    for (auto const& buffer : now.buffers) {
        auto const& truth = *kernel.buffers().at(buffer.inode);
        require(!buffer.size_known || buffer.size_bytes == truth.size_bytes,
                "a known size is the size");
        require(now.exporter_of(buffer).empty() || now.exporter_of(buffer) == truth.exporter,
                "a known exporter is the exporter");
        require(!buffer.named || buffer.name == truth.name.value_or("") ||
                    (!kernel.has_map_queries() && buffer.name == shown(*truth.name)),
                "a known name is the name");
    }
}

/// Complete means true. What a list of inodes does not tell is left out, as is what an O_PATH
/// descriptor or a mapping alone cannot.
void check_complete(fake::kernel const& kernel, dmabuf::snapshot const& now) {
    auto expected = kernel.truth();
    auto found = account_of(now);
    for (auto* account : {&expected, &found})
        for (auto& [pid, buffers] : *account)
            for (auto& [inode, held] : buffers) {
                held.path_descriptors = 0;
                if (now.coverage.tables_uncertain != 0) held.descriptors = 0;
            }
    require(found == expected, "a complete snapshot is the truth");
}

} // namespace

void run_target(std::string_view input) {
    bytes in(input);
    fake::kernel kernel;
    make_machine(in, kernel);
    auto const pids = make_processes(in, kernel);
    history past;
    past.add(kernel.truth());
    bool happened = false;
    make_event(in, kernel, pids, past, happened);
    {
        fake_sampler sampler({}, fake::system{&kernel});
        dmabuf::snapshot now;
        for (int round = 0; round < 2; ++round) {
            happened = false;
            if (!sampler.sample(now)) continue;
            auto const broken = broken_invariant(now);
            require(broken.empty(), broken.c_str());
            check_against(past, kernel, now);
            if (now.coverage.complete() && !happened) check_complete(kernel, now);
        }
    }
    require(kernel.open_descriptors() == 0, "no descriptor is left open");
}
