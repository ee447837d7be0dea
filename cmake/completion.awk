# SPDX-License-Identifier: MIT
#
# awk -v program=NAME -v shell=bash|zsh|fish -f completion.awk: reads the output of NAME --help, and prints
# NAME's completion for the shell. An option's value is one of the words in parentheses at the end of its
# text, or of the kind that its type names (FILE, DIR, PID, USER, GROUP), or any.

# "  -b,--buffers     One row…": the texts of all options begin in the column where that of --help does.
/^  -h,--help / {
    column = match($0, /[^ ]  +[^ ]/) + RLENGTH - 1
}
column && /^  -/ {
    add_option()
    next
}
column && /^ +[^ ]/ && match($0, /[^ ]/) == column && count { # goes on with the line before it
    text[count] = text[count] (text[count] == "" ? "" : " ") substr($0, column)
    next
}

function add_option(    head, words, names, n, i) {
    head = $0
    count++
    if (length($0) >= column && substr($0, column - 1, 1) == " ") {
        head = substr($0, 1, column - 1)
        text[count] = substr($0, column)
    }
    n = split(head, words, " ")
    type[count] = words[2] ~ /^[A-Z]/ && words[2] !~ /^REQUIRED$|:$/ ? words[2] : ""
    many[count] = head ~ / \.\.\./
    n = split(words[1], names, ",")
    for (i = 1; i <= n; i++)
        if (names[i] ~ /^--/)
            long[count] = names[i]
        else
            short[count] = names[i]
}

# "Order of the processes (buffers, name, pid)": buffers name pid
function choices(i,    words) {
    if (type[i] == "" || !match(text[i], /\([a-z0-9_-]+(, [a-z0-9_-]+)+\)$/)) return ""
    words = substr(text[i], RSTART + 1, RLENGTH - 2)
    gsub(/,/, "", words)
    return words
}

# In single quotes of a shell.
function quoted(words) {
    gsub(/'/, "'\\''", words)
    return "'" words "'"
}

function names(i, separator) {
    return short[i] (short[i] != "" && long[i] != "" ? separator : "") long[i]
}

function print_bash(    i, all, action) {
    printf "# bash completion for %s -*- shell-script -*-\n", program
    printf "_%s() {\n", program
    print "    local word=$2 option=$3"
    print "    [[ $word != = ]] || word=''"
    print "    [[ $option != = ]] || option=${COMP_WORDS[COMP_CWORD - 2]}"
    print "    case $option in"
    for (i = 1; i <= count; i++) {
        all = all (i > 1 ? " " : "") names(i, " ")
        if (type[i] == "") continue
        action = by_bash[type[i]]
        if (choices(i) != "") action = "-W " quoted(choices(i))
        printf "    %s) ", names(i, " | ")
        if (action == "-f" || action == "-d") printf "compopt -o filenames; "
        print action == "" ? "return ;;" : "mapfile -t COMPREPLY < <(compgen " action " -- \"$word\") ;;"
    }
    printf "    *) mapfile -t COMPREPLY < <(compgen -W '%s' -- \"$word\") ;;\n", all
    print "    esac"
    printf "}\ncomplete -F _%s %s\n", program, program
}

function print_zsh(    i, words, value) {
    printf "#compdef %s\n\n_arguments -s -S", program
    for (i = 1; i <= count; i++) {
        words = text[i]
        gsub(/[][\\]/, "\\\\&", words)
        value = type[i] == "" ? "" : ":" type[i] ":" by_zsh[type[i]]
        if (choices(i) != "") value = ":" type[i] ":(" choices(i) ")"
        printf " \\\n    "
        if (many[i])
            printf "'*'"
        else if (short[i] != "" && long[i] != "")
            printf "'(%s)'", names(i, " ")
        if (short[i] != "" && long[i] != "")
            printf "{%s%s,%s%s}", short[i], type[i] == "" ? "" : "+", long[i], type[i] == "" ? "" : "="
        else
            printf "%s%s", names(i, ""), type[i] == "" ? "" : short[i] != "" ? "+" : "="
        printf "%s", quoted("[" words "]" value)
    }
    print ""
}

function print_fish(    i, value) {
    printf "complete -c %s -f\n", program
    for (i = 1; i <= count; i++) {
        value = type[i] == "" ? "" : " -x"
        if (type[i] in by_fish) value = by_fish[type[i]]
        if (choices(i) != "") value = " -x -a " quoted(choices(i))
        printf "complete -c %s", program
        if (short[i] != "") printf " -s %s", substr(short[i], 2)
        if (long[i] != "") printf " -l %s", substr(long[i], 3)
        printf "%s -d %s\n", value, fish_quoted(text[i])
    }
}

# fish knows \\ and \' in single quotes.
function fish_quoted(words) {
    gsub(/[\\']/, "\\\\&", words)
    return "'" words "'"
}

BEGIN {
    by_bash["FILE"] = "-f"
    by_bash["DIR"] = "-d"
    by_bash["PID"] = "-W \"$(cd /proc && echo [0-9]*)\""
    by_bash["USER"] = "-u"
    by_bash["GROUP"] = "-g"
    by_zsh["FILE"] = "_files"
    by_zsh["DIR"] = "_files -/"
    by_zsh["PID"] = "_pids"
    by_zsh["USER"] = "_users"
    by_zsh["GROUP"] = "_groups"
    by_fish["FILE"] = " -r -F"
    by_fish["DIR"] = " -x -a '(__fish_complete_directories)'"
    by_fish["PID"] = " -x -a '(__fish_complete_pids)'"
    by_fish["USER"] = " -x -a '(__fish_complete_users)'"
    by_fish["GROUP"] = " -x -a '(__fish_complete_groups)'"
}

END {
    if (!count) {
        print program " --help shows no option" >"/dev/stderr"
        exit 1
    }
    if (shell == "bash") print_bash()
    if (shell == "zsh") print_zsh()
    if (shell == "fish") print_fish()
}
