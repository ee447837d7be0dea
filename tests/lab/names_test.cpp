// SPDX-License-Identifier: MIT
//
// Names that a process chose: every byte arrives, and none of them can lie or move the cursor.
#include "scene.hpp"

using namespace scene;

namespace {

actor with_name(std::string const& name) {
    return actor([name] {
        auto buffer = lab::alloc_heap(9 * page);
        lab::set_name(buffer.get(), name);
        return std::vector{keep(std::move(buffer))};
    });
}

/// Lets this process show these words, a NUL behind each, as its command line.
void show_arguments(std::string const& words) {
    void* const at =
        ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    lab::check(at == MAP_FAILED ? -1 : 0, "mmap");
    words.copy(static_cast<char*>(at), words.size());
    auto const begin = reinterpret_cast<unsigned long>(at);
    lab::check(::prctl(PR_SET_MM, PR_SET_MM_ARG_START, begin, 0, 0), "PR_SET_MM_ARG_START");
    lab::check(::prctl(PR_SET_MM, PR_SET_MM_ARG_END, begin + words.size(), 0, 0),
               "PR_SET_MM_ARG_END");
}

} // namespace

TEST_CASE("a buffer's name arrives byte for byte and forges nothing") {
    auto const name =
        GENERATE(std::string("x\nsize:\t4\nino:\t777"), std::string("\x1b[31mred"),
                 std::string("\xff\xfe\xc0"), std::string("VRI[Taskbar]#2(BLAST Consumer)2"),
                 std::string("tab\tand \\012"), std::string("exp_name:\tfake\nname:\ty"),
                 std::string("/dmabuf:1-2 rw-s 00:08 9"),
                 std::string("0123456789012345678901234567890"), std::string(" "));
    CAPTURE(name);
    auto const one = with_name(name);
    auto const now = sample();
    auto const& buffer = buffer_of(now, one.inode());
    CHECK(buffer.name_known);
    CHECK(buffer.named);
    CHECK(buffer.name == name);
    CHECK(buffer.size_bytes == 9 * page);
    CHECK(now.exporter_of(buffer).view() == lab::heap_exporter());
    CHECK_FALSE(find_buffer(now, 777));
    auto const printed = escaped(buffer.name);
    for (char const c : printed.view())
        CHECK(static_cast<unsigned char>(c) >= 0x20);
}

TEST_CASE("an empty name is a name") {
    auto const one = with_name("");
    auto const now = sample();
    CHECK(buffer_of(now, one.inode()).named);
    CHECK(buffer_of(now, one.inode()).name.empty());
}

TEST_CASE("a name that changes is read anew") {
    auto buffer = lab::alloc_heap(page);
    auto const inode = lab::inode_of(buffer.get());
    dmabuf::sampler sampler;
    dmabuf::snapshot now;
    lab::set_name(buffer.get(), "before");
    REQUIRE(sampler.sample(now));
    CHECK(buffer_of(now, inode).name == "before");
    lab::set_name(buffer.get(), "after");
    REQUIRE(sampler.sample(now));
    CHECK(buffer_of(now, inode).name == "after");
}

TEST_CASE("a process's name arrives byte for byte") {
    auto const name =
        GENERATE(std::string("a) S 1 (b"), std::string("\x1b[31mev\nil\x07"),
                 std::string("\xf0\x9f"), std::string(") Z 1 1 1 1 1 1"), std::string(""));
    CAPTURE(name);
    actor const one([&] {
        lab::check(::prctl(PR_SET_NAME, name.c_str()), "PR_SET_NAME");
        return std::vector{keep(lab::alloc_heap(page))};
    });
    auto const now = sample();
    CHECK(holder_of(now, one.pid()).comm == name);
    CHECK(holder_of(now, one.pid()).rss_bytes == page);
}

TEST_CASE("dmabuf_ps prints no byte that a name could steer the terminal with") {
    auto const buffer = with_name("\x1b[31mred\nline\rback\x9b");
    actor const process([] {
        lab::check(::prctl(PR_SET_NAME, "\x1b]0;title\x07"), "PR_SET_NAME");
        return std::vector{keep(lab::alloc_heap(page))};
    });
    auto const* command = GENERATE("dmabuf_ps", "dmabuf_ps --buffers", "dmabuf_ps --json");
    CAPTURE(command);
    auto const text = output_of(command);
    CHECK(text.find("\\x1b") != text.npos);
    std::size_t controls = 0;
    for (char const c : text) {
        auto const byte = static_cast<unsigned char>(c);
        controls += byte != 0x0a && (byte < 0x20 || byte == 0x7f || byte == 0x9b);
    }
    CHECK(controls == 0);
}

TEST_CASE("dmabuf_ps --args tells processes of one name apart by command lines, hostile ones too") {
    auto const with_arguments = [](std::string const& words) {
        return actor([words] {
            auto const inode = keep(lab::alloc_heap(page));
            show_arguments(words);
            return std::vector{inode};
        });
    };
    using namespace std::string_literals;
    auto const first = with_arguments("chrome\0--type=renderer\0--id=1\0"s);
    auto const second = with_arguments("chrome\0--type=gpu\0\x1b]0;t\x07\0a\nb\0"s);
    auto const text = output_of("dmabuf_ps --args");
    CHECK(text.find("chrome --type=renderer --id=1\n") != text.npos);
    CHECK(text.find("chrome --type=gpu \\x1b]0;t\\x07 a\\nb\n") != text.npos);
    auto const json = output_of("dmabuf_ps --args --json");
    CHECK(json.find("\"\\\\x1b]0;t\\\\x07\"") != json.npos);
    CHECK(text.find('\x1b') == text.npos);
}
