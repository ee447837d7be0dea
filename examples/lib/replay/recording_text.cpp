// SPDX-License-Identifier: MIT
//
// The text of a recording, written and parsed: see RECORDING.md.
#include "recording.hpp"

#include <cerrno>
#include <climits>
#include <iterator>
#include <optional>
#include <utility>

namespace replay {

namespace {

constexpr std::string_view first_line = "dmabuf-recording 1";
constexpr std::string_view last_line = "end";

struct error_name {
    int number;
    std::string_view name;
};

constexpr error_name error_names[] = {
    {EPERM, "EPERM"},     {ENOENT, "ENOENT"},
    {ESRCH, "ESRCH"},     {EIO, "EIO"},
    {EBADF, "EBADF"},     {EINTR, "EINTR"},
    {EAGAIN, "EAGAIN"},   {ENOMEM, "ENOMEM"},
    {EACCES, "EACCES"},   {EFAULT, "EFAULT"},
    {EBUSY, "EBUSY"},     {ENODEV, "ENODEV"},
    {ENOTDIR, "ENOTDIR"}, {EISDIR, "EISDIR"},
    {EINVAL, "EINVAL"},   {ENFILE, "ENFILE"},
    {EMFILE, "EMFILE"},   {ENOSYS, "ENOSYS"},
    {ENODATA, "ENODATA"}, {ENOTTY, "ENOTTY"},
    {ELOOP, "ELOOP"},     {EOVERFLOW, "EOVERFLOW"},
    {ENXIO, "ENXIO"},     {ENOTSUP, "ENOTSUP"},
    {ESTALE, "ESTALE"},   {ENAMETOOLONG, "ENAMETOOLONG"},
};

struct option_word {
    std::string_view word;
    bool dmabuf::sample_options::* flag;
};

constexpr option_word option_words[] = {
    {"exporters", &dmabuf::sample_options::exporters},
    {"names", &dmabuf::sample_options::names},
    {"path_descriptors", &dmabuf::sample_options::path_descriptors},
    {"mappings", &dmabuf::sample_options::mappings},
    {"cgroups", &dmabuf::sample_options::cgroups},
    {"unheld", &dmabuf::sample_options::unheld},
    {"bufinfo", &dmabuf::sample_options::bufinfo},
    {"counts", &dmabuf::sample_options::counts},
    {"origins", &dmabuf::sample_options::origins},
    {"origins_of_unheld", &dmabuf::sample_options::origins_of_unheld},
    {"highest_first", &dmabuf::sample_options::highest_first},
};

// --- writing -------------------------------------------------------------------------------------

/// `escape`, and the characters in `also`, which would end a string or a word.
std::string escaped(std::string_view bytes, std::string_view also) {
    std::string plain;
    dmabuf::escape(bytes, std::back_inserter(plain));
    std::string text;
    for (char const c : plain)
        if (also.find(c) == also.npos)
            text += c;
        else
            text += c == ' ' ? "\\x20" : "\\x22";
    return text;
}

std::string quoted(std::string_view bytes) {
    return "\"" + escaped(bytes, "\"") + "\"";
}

/// A name between blanks, which must not look like a mark.
std::string word(std::string_view bytes) {
    auto text = escaped(bytes, " \"");
    if (text.starts_with('!')) return "\\x21" + text.substr(1);
    return text == "..." ? "\\x2e.." : text;
}

std::string name_of_error(int error) {
    for (auto const& one : error_names)
        if (one.number == error) return "!" + std::string(one.name);
    return "!" + std::to_string(error);
}

std::string in_base(std::uint64_t number, unsigned base) {
    dmabuf::inline_text<63> text;
    return std::string(text.append_number(number, base));
}

/// One line of the text for each of the file, so that two recordings can be compared.
void write_text(std::string_view bytes, std::string& out) {
    bool const one_line = bytes.find('\n') >= bytes.size() - 1;
    while (!bytes.empty()) {
        auto const line = bytes.substr(0, bytes.find('\n') + 1); // npos + 1 is 0
        auto const whole = line.empty() ? bytes : line;
        out += (one_line ? " " : "\n  ") + quoted(whole);
        bytes.remove_prefix(whole.size());
    }
}

std::string status_words(dmabuf::file_status const& status) {
    return " " + std::to_string(status.inode) + " " + std::to_string(status.size_bytes) + " " +
           std::to_string(status.device.major) + ":" + std::to_string(status.device.minor) + " 0" +
           in_base(status.mode, 8) + " " + std::to_string(status.links) + " " +
           std::to_string(status.uid);
}

std::string hexadecimal(std::uint64_t number) {
    return "0x" + in_base(number, 16);
}

std::string mapping_words(dmabuf::mapping const& mapping) {
    return " " + hexadecimal(mapping.begin) + " " + hexadecimal(mapping.end) +
           (mapping.shared ? " shared " : " private ") + std::to_string(mapping.device.major) +
           ":" + std::to_string(mapping.device.minor) + " " + std::to_string(mapping.inode);
}

void write_entry(entry const& one, std::string& out) {
    out += name_of(one.what);
    if (is_comparison(one.what))
        out += " " + one.path;
    else if (!has_no_path(one.what))
        out += " " + word(one.path);
    if (one.what == call::mapping) out += " " + hexadecimal(one.from);
    if (one.error != 0) out += " " + name_of_error(one.error);
    if (one.unended) out += " ...";
    switch (one.what) {
    case call::file:
    case call::link:
        write_text(one.text, out);
        break;
    case call::dir:
        for (auto const& name : one.names)
            out += " " + word(name);
        break;
    case call::stat:
    case call::lstat:
        if (one.error == 0) out += status_words(one.status);
        break;
    case call::fs:
        if (one.error == 0) out += " " + hexadecimal(one.number);
        break;
    case call::mapping:
        if (one.error == 0) out += mapping_words(one.mapping) + " " + quoted(one.text);
        break;
    case call::kcmp:
    case call::kcmp_vm:
    case call::pid:
    case call::clock:
    case call::boot_clock:
        if (one.error == 0) out += " " + std::to_string(one.number);
        break;
    case call::open:
        break;
    }
    out += "\n";
}

std::string sample_words(dmabuf::sample_options const& options) {
    std::string words;
    for (auto const& one : option_words)
        if (options.*one.flag) words += " " + std::string(one.word);
    if (options.force != dmabuf::source::none)
        words += " source=" + std::string(dmabuf::name_of(options.force));
    return words;
}

// --- parsing -------------------------------------------------------------------------------------

/// Goes through the text word by word and line by line; throws `malformed`.
class scanner {
public:
    explicit scanner(std::string_view text)
        : rest_(text) {}

    /// Moves on to the next line that says something; false at the end.
    bool next_line() {
        while (!rest_.empty()) {
            take_line();
            if (!line_.empty() && !line_.starts_with('#')) return true;
        }
        return false;
    }

    /// Moves on to the next line if that goes on with the text of this one.
    bool next_continuation() {
        if (!rest_.starts_with("  \"")) return false;
        take_line();
        line_.remove_prefix(2);
        return true;
    }

    [[noreturn]] void fail(std::string why) const { throw malformed{number_, std::move(why)}; }

    [[nodiscard]] bool at_end() const { return line_.empty(); }
    [[nodiscard]] bool at_text() const { return line_.starts_with('"'); }

    std::string_view word() {
        auto const taken = dmabuf::detail::take_until(line_, ' ');
        if (taken.empty()) fail("a word is missing");
        return taken;
    }

    std::string unescaped_word() {
        std::string bytes;
        if (!unescape(word(), bytes)) fail("not an escaped word");
        return bytes;
    }

    /// The rest of the line is text in quotes.
    std::string text() {
        std::string bytes;
        if (line_.size() < 2 || !line_.starts_with('"') || !line_.ends_with('"'))
            fail("text in quotes is missing");
        auto const inner = line_.substr(1, line_.size() - 2);
        if (inner.find('"') != inner.npos || !unescape(inner, bytes)) fail("not an escaped text");
        line_ = {};
        return bytes;
    }

    template<class Number>
    Number number(std::string_view digits, unsigned base = 10) const {
        Number value{};
        if (!dmabuf::detail::parse_number(digits, value, base))
            fail("'" + std::string(digits) + "' is not a number that can stand here");
        return value;
    }
    template<class Number>
    Number number() {
        return number<Number>(word());
    }

    /// The error of a `!ERROR` that comes next, else 0.
    int error() {
        if (!line_.starts_with('!')) return 0;
        int const error = errno_of(word().substr(1));
        if (error <= 0 || error > largest_errno) fail("not an errno");
        if (is_made_again(error)) fail("such a call is made again, and so has no result");
        return error;
    }

    bool unended() {
        if (line_ != "..." && !line_.starts_with("... ")) return false;
        return (void)word(), true;
    }

    void expect_end() const {
        if (!line_.empty()) fail("'" + std::string(line_) + "' is too much");
    }

private:
    static constexpr int largest_errno = 4095; // MAX_ERRNO, include/linux/err.h

    [[nodiscard]] int errno_of(std::string_view name) const {
        for (auto const& one : error_names)
            if (one.name == name) return one.number;
        return number<int>(name);
    }

    void take_line() {
        ++number_;
        if (rest_.find('\n') == rest_.npos) fail("the line has no end: the file was cut off");
        line_ = dmabuf::detail::take_until(rest_, '\n');
    }

    std::string_view rest_;
    std::string_view line_;
    std::size_t number_ = 0;
};

std::optional<call> call_named(std::string_view name) {
    for (auto what = call::open; what <= call::boot_clock;
         what = static_cast<call>(static_cast<int>(what) + 1))
        if (name_of(what) == name) return what;
    return std::nullopt;
}

dmabuf::device_number parse_device(scanner& in) {
    auto minor = in.word();
    auto const major = dmabuf::detail::take_until(minor, ':');
    return {in.number<std::uint32_t>(major), in.number<std::uint32_t>(minor)};
}

dmabuf::file_status parse_status(scanner& in) {
    dmabuf::file_status status;
    status.inode = in.number<std::uint64_t>();
    status.size_bytes = in.number<std::uint64_t>();
    status.device = parse_device(in);
    status.mode = in.number<std::uint32_t>(in.word(), 8);
    status.links = in.number<std::uint32_t>();
    status.uid = in.number<std::uint32_t>();
    return status;
}

/// A number that the call can return; another one could be taken for an errno.
template<class Number>
Number parse_within(scanner& in, Number least, Number most, char const* otherwise) {
    auto const number = in.number<Number>();
    if (number < least || number > most) in.fail(otherwise);
    return number;
}

std::uint64_t parse_hexadecimal(scanner& in) {
    auto const digits = in.word();
    if (!digits.starts_with("0x")) in.fail("a hexadecimal number is missing");
    return in.number<std::uint64_t>(digits.substr(2), 16);
}

dmabuf::mapping parse_mapping(scanner& in, std::uint64_t from) {
    dmabuf::mapping mapping;
    mapping.begin = parse_hexadecimal(in);
    mapping.end = parse_hexadecimal(in);
    auto const kind = in.word();
    mapping.shared = kind == "shared";
    if (!mapping.shared && kind != "private") in.fail("neither shared nor private");
    mapping.device = parse_device(in);
    mapping.inode = in.number<std::uint64_t>();
    // The next one is looked for where this ends.
    if (mapping.end <= mapping.begin || mapping.end <= from)
        in.fail("there is no mapping that ends there");
    return mapping;
}

/// The kernel's names are that long at most: a longer one does not fit the records of getdents64.
std::string parse_name(scanner& in) {
    auto name = in.unescaped_word();
    if (name.size() > NAME_MAX) in.fail("a name is longer than a name can be");
    return name;
}

/// The magic number of a superblock has 32 bits.
constexpr std::uint64_t largest_magic = UINT32_MAX;

void parse_result(scanner& in, entry& one) {
    bool const content = one.what == call::file || one.what == call::dir || one.what == call::link;
    one.error = in.error();
    if (content) one.unended = in.unended();
    if (one.error != 0 && one.what != call::file && one.what != call::dir) return;
    switch (one.what) {
    case call::file:
    case call::link:
        if (in.at_text()) one.text = in.text();
        in.expect_end();
        while (in.next_continuation())
            one.text += in.text();
        break;
    case call::dir:
        while (!in.at_end())
            one.names.push_back(parse_name(in));
        break;
    case call::stat:
    case call::lstat:
        one.status = parse_status(in);
        break;
    case call::fs:
        one.number = parse_hexadecimal(in);
        if (one.number > largest_magic) in.fail("this is no magic number");
        break;
    case call::mapping:
        one.mapping = parse_mapping(in, one.from);
        one.text = in.text();
        break;
    case call::kcmp:
    case call::kcmp_vm:
        one.number = parse_within<std::uint64_t>(in, 0, 3, "this is no result of kcmp");
        break;
    case call::clock:
    case call::boot_clock:
        one.number = in.number<std::uint64_t>();
        break;
    case call::pid:
        one.number = static_cast<std::uint64_t>(
            parse_within<std::int32_t>(in, 1, INT32_MAX, "this is no process"));
        break;
    case call::open:
        break;
    }
}

void parse_options(scanner& in, dmabuf::sample_options& options) {
    options.bpf = false; // a recording is of what /proc and /sys tell
    for (auto const& one : option_words)
        options.*one.flag = false;
    while (!in.at_end()) {
        auto const name = in.word();
        bool known = false;
        for (auto const& one : option_words)
            if (one.word == name) known = options.*one.flag = true;
        if (name == "source=fd_walk") known = true, options.force = dmabuf::source::fd_walk;
        if (name == "source=dmabuf_fds") known = true, options.force = dmabuf::source::dmabuf_fds;
        if (!known) in.fail("unknown option '" + std::string(name) + "'");
    }
}

/// Parses a line of the head. False where it is another line.
bool parse_circumstance(scanner& in, std::string_view name, circumstances& made) {
    if (name == "kernel") {
        made.kernel = in.text();
    } else if (name == "uid") {
        made.uid = in.number<std::uint32_t>();
    } else if (name == "rights") {
        while (!in.at_end())
            made.rights.push_back(in.unescaped_word());
    } else if (name == "anonymised") {
        auto const answer = in.word();
        if (answer != "yes" && answer != "no") in.fail("neither yes nor no");
        made.anonymised = answer == "yes";
    } else if (name == "samples") {
        made.samples = parse_within(in, 1U, 2U, "a recording is of one sample or of two");
    } else if (name == "alone") {
        made.alone_pid = parse_within<std::int32_t>(in, 1, INT32_MAX, "this is no process");
    } else if (name == "sample") {
        parse_options(in, made.options);
    } else if (name == "user") {
        auto const uid = in.number<std::uint32_t>();
        made.users[uid] = in.text();
    } else if (name == "left_out") {
        made.left_out = in.number<std::uint64_t>();
    } else {
        return false;
    }
    return true;
}

entry parse_call(scanner& in, std::string_view name) {
    auto const what = call_named(name);
    if (!what) in.fail("unknown call '" + std::string(name) + "'");
    entry one;
    one.what = *what;
    if (is_comparison(*what)) {
        auto const a = in.number<std::int32_t>();
        auto const b = in.number<std::int32_t>();
        one.path = std::to_string(a) + " " + std::to_string(b);
    } else if (!has_no_path(*what)) {
        one.path = in.unescaped_word();
    }
    if (what == call::mapping) one.from = parse_hexadecimal(in);
    parse_result(in, one);
    return one;
}

recording parse_lines(scanner& in) {
    recording found;
    std::uint64_t now_ns = 0;
    std::uint64_t boot_ns = 0;
    if (!in.next_line() || in.word() != "dmabuf-recording") in.fail("this is not a recording");
    auto const version = in.word();
    if (version == "1\r") in.fail("its lines end in \\r\\n: it was changed on its way");
    if (version != "1") in.fail("a recording of a newer version");
    in.expect_end();
    for (;;) {
        if (!in.next_line()) in.fail("there is no end: the file was cut off");
        auto const name = in.word();
        if (name == last_line) break;
        if (!parse_circumstance(in, name, found.made)) {
            found.entries.push_back(parse_call(in, name));
            auto const& one = found.entries.back();
            if (one.what == call::clock && std::exchange(now_ns, one.number) > one.number)
                in.fail("the clock goes back");
            if (one.what == call::boot_clock && std::exchange(boot_ns, one.number) > one.number)
                in.fail("the clock of boot time goes back");
        }
        in.expect_end();
    }
    if (found.made.alone_pid != 0 && found.made.samples != 1)
        in.fail("one process alone is looked at once");
    if (in.next_line()) in.fail("there is something behind the end");
    return found;
}

} // namespace

std::string write(recording const& what) {
    auto const& made = what.made;
    std::string out(first_line);
    out += "\nkernel " + quoted(made.kernel) + "\nuid " + std::to_string(made.uid) + "\nrights";
    for (auto const& one : made.rights)
        out += " " + word(one);
    out += std::string("\nanonymised ") + (made.anonymised ? "yes" : "no");
    out += "\nsamples " + std::to_string(made.samples);
    if (made.alone_pid != 0) out += "\nalone " + std::to_string(made.alone_pid);
    out += "\nsample" + sample_words(made.options) + "\n";
    for (auto const& [uid, name] : made.users)
        out += "user " + std::to_string(uid) + " " + quoted(name) + "\n";
    if (made.left_out != 0) out += "left_out " + std::to_string(made.left_out) + "\n";
    for (auto const& one : what.entries)
        write_entry(one, out);
    return out.append(last_line).append("\n");
}

std::variant<recording, malformed> parse(std::string_view text) {
    try {
        scanner in(text);
        return parse_lines(in);
    } catch (malformed const& why) {
        return why;
    }
}

bool unescape(std::string_view text, std::string& bytes) {
    while (!text.empty()) {
        char const c = text.front();
        text.remove_prefix(1);
        if (c != '\\') {
            bytes += c;
            continue;
        }
        if (text.empty()) return false;
        char const kind = text.front();
        text.remove_prefix(1);
        std::uint64_t byte = 0;
        if (kind == 'n')
            bytes += '\n';
        else if (kind == 't')
            bytes += '\t';
        else if (kind == 'r')
            bytes += '\r';
        else if (kind == '\\')
            bytes += '\\';
        else if (kind == 'x' && text.size() >= 2 &&
                 dmabuf::detail::parse_unsigned(text.substr(0, 2), byte, 16))
            bytes += static_cast<char>(byte), text.remove_prefix(2);
        else
            return false;
    }
    return true;
}

} // namespace replay
