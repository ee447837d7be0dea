// SPDX-License-Identifier: MIT
#include "terminal.hpp"

#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#define NCURSES_NOMACROS // which do not go with ::
#include <curses.h>
#include <langinfo.h>
#include <string_view>
#include <sys/ioctl.h>
#include <unistd.h>

namespace dmabuf_top {

namespace {

/// The key Escape alone is told from the keys that begin with it after this time.
constexpr int escape_milliseconds = 25;

/// ncurses writes UTF-8 where the locale has it. The one of the environment may not be installed.
void set_locale(bool utf8) {
    std::setlocale(LC_CTYPE, utf8 ? "" : "C");
    if (utf8 && std::string_view(::nl_langinfo(CODESET)) != "UTF-8")
        std::setlocale(LC_CTYPE, "C.UTF-8");
}

enum pair : short { warning_pair = 1, title_pair, sorted_pair, bar_pair, grows_pair };

void start_colours() {
    if (!::has_colors() || ::start_color() == ERR) return;
    short const background = ::use_default_colors() == OK ? -1 : COLOR_BLACK;
    ::init_pair(warning_pair, COLOR_YELLOW, background);
    ::init_pair(title_pair, COLOR_BLACK, COLOR_GREEN);
    ::init_pair(sorted_pair, COLOR_BLACK, COLOR_CYAN);
    ::init_pair(bar_pair, COLOR_GREEN, background);
    ::init_pair(grows_pair, COLOR_RED, background);
}

/// Without colours a pair looks plain.
attr_t attributes_of(style how) {
    auto const colour = [](pair which) { return static_cast<attr_t>(COLOR_PAIR(which)); };
    switch (how) {
    case style::plain:
        break;
    case style::strong:
        return A_BOLD;
    case style::faint:
        return A_DIM;
    case style::warning:
        return A_BOLD | colour(warning_pair);
    case style::title:
        return ::has_colors() ? colour(title_pair) : A_REVERSE;
    case style::sorted:
        return ::has_colors() ? colour(sorted_pair) : A_REVERSE | A_UNDERLINE;
    case style::chosen:
        return A_REVERSE;
    case style::bar:
        return colour(bar_pair);
    case style::grows:
        return A_BOLD | colour(grows_pair);
    case style::key_name:
        return A_BOLD;
    }
    return A_NORMAL;
}

key_code key_of(wint_t code) {
    switch (code) {
    case KEY_UP:
        return keys::up;
    case KEY_DOWN:
        return keys::down;
    case KEY_PPAGE:
        return keys::page_up;
    case KEY_NPAGE:
        return keys::page_down;
    case KEY_HOME:
        return keys::home;
    case KEY_END:
        return keys::end;
    case KEY_BTAB:
        return keys::back_tab;
    case KEY_ENTER:
        return keys::enter;
    case KEY_BACKSPACE:
        return keys::erase;
    default:
        break;
    }
    if (code >= KEY_F(1) && code <= KEY_F(10)) return keys::f1 + (code - KEY_F(1));
    return keys::none;
}

} // namespace

std::string terminal::start(bool utf8, bool colours) {
    if (::isatty(STDIN_FILENO) != 1 || ::isatty(STDOUT_FILENO) != 1)
        return "standard input and output are no terminal: --batch 1 prints one screen";
    ::tcgetattr(STDIN_FILENO, &before_);
    set_locale(utf8);
    auto* const made = ::newterm(nullptr, stdout, stdin);
    if (!made) {
        auto const* const name = std::getenv("TERM");
        return std::string("this terminal is not known: TERM is ") +
               (name && *name ? std::string("'") + name + "'" : "not set");
    }
    screen_ = made;
    if (colours) start_colours();
    ::cbreak();
    ::noecho();
    ::keypad(stdscr, TRUE);
    ::nodelay(stdscr, TRUE);
    ::set_escdelay(escape_milliseconds);
    ::curs_set(0);
    return {};
}

void terminal::stop() {
    if (!screen_) return;
    ::endwin();
    ::delscreen(static_cast<SCREEN*>(screen_));
    screen_ = nullptr;
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

extent terminal::size() const {
    int height = 0;
    int width = 0;
    getmaxyx(stdscr, height, width);
    return {static_cast<std::size_t>(width), static_cast<std::size_t>(height)};
}

void terminal::resize() {
    ::winsize now{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &now) != 0 || now.ws_row == 0 || now.ws_col == 0) return;
    ::resizeterm(now.ws_row, now.ws_col);
    forget();
}

void terminal::draw(grid const& cells) {
    ::erase();
    int y = 0;
    for (auto const& line : cells.lines()) {
        for (auto const& piece : line.pieces) {
            ::attrset(static_cast<int>(attributes_of(piece.how)));
            ::mvaddnstr(y, static_cast<int>(piece.column), line.text.data() + piece.begin,
                        static_cast<int>(piece.size));
        }
        ++y;
    }
    ::attrset(A_NORMAL);
    ::refresh();
}

void terminal::forget() {
    ::clearok(curscr, TRUE);
}

void terminal::suspend() {
    ::def_prog_mode();
    ::endwin();
    ::kill(::getpid(), SIGSTOP);
    resume();
}

void terminal::resume() {
    ::reset_prog_mode();
    resize();
    forget();
    ::curs_set(0);
}

std::optional<key_code> terminal::read() {
    wint_t code = 0;
    int const kind = ::get_wch(&code);
    if (kind == ERR) return std::nullopt;
    return kind == KEY_CODE_YES ? key_of(code) : static_cast<key_code>(code);
}

} // namespace dmabuf_top
