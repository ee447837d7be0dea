// SPDX-License-Identifier: MIT
//
// Whole files that the command line names, read and written. `-` is standard input or output.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <variant>

namespace files {

/// Why it could not be done, in words for the user.
struct trouble {
    std::string words;
};

/// Reads all of a file of at most `most` bytes.
std::variant<std::string, trouble> read_whole(std::string const& path, std::size_t most);

/// Writes a file. The words of the result are empty where that was done.
///  * One that is not there yet is made, of mode `fresh`: for its owner alone.
///  * A regular file is replaced, as a whole or not at all, and keeps mode and group, if it is the
///    caller's and has no other name (hard link).
///  * A character device, and a FIFO of the caller's or root's, are written to as they are. A FIFO
///    that nobody reads is refused.
///  * A symbolic link is followed only to these two, and only if it is the caller's or root's, like
///    /dev/stdout.
///  * Everything else is refused: nothing of another user, and no device, is ever replaced.
/// A new file is written under another name beside it, which no failure leaves behind: signals wait
/// until it is renamed or deleted. Only SIGKILL and a crash of the machine can leave it.
trouble write_whole(std::string const& path, std::string_view text, ::mode_t fresh = 0600);

} // namespace files
