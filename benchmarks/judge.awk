# SPDX-License-Identifier: MIT
#
# awk -v run=check|growth [-v kernels="NAME..."] [-v rows=REGEX] -f judge.awk bars.txt FIGURES
#
# Judges FIGURES by the bars of one run. bars.txt explains the bars; a figure is a line of `measure` with its
# kernel before it. A bar holds, is BROKEN, or is MISSING: a figure that it needs was not measured. A run that
# measured only some kernels or rows names them, and bars of others are left out.
# Exit status: 0 if every bar holds; 1 if one does not, or if there is none; 2 if a line of a file is malformed.
BEGIN { FS = "\t" }
FILENAME == ARGV[1] {
    if ($0 !~ /^[ \t]*(#|$)/) read_bar()
    next
}
{ read_figure() }
END {
    if (malformed) exit 2
    for (i = 1; i <= bars; ++i) judge(i)
    say_rows_without_bar()
    printf "%d bars: %d hold, %d broken, %d missing; %d aims missed; %d bars left out\n",
        judged, judged - broken - missing, broken, missing, aims_missed, left_out
    exit broken || missing || !judged
}

function refuse(why) {
    printf "%s:%d: %s\n", FILENAME, FNR, why > "/dev/stderr"
    malformed = 1
}

function read_bar(    cell, columns, i, fault, name) {
    columns = split($0, cell, "|")
    for (i in cell) gsub(/^[ \t]+|[ \t]+$/, "", cell[i])
    fault = columns == 10 ? fault_of(cell) : columns " columns, not 10"
    for (i = 1; i <= 7; ++i) name = name SUBSEP cell[i]
    if (!fault && name in line_of) fault = "the bar of line " line_of[name] " again"
    if (fault) {
        refuse(fault)
        return
    }
    line_of[name] = FNR
    used[cell[4]]
    used[cell[7]]
    if (cell[1] != run) return
    ++bars
    for (i = 2; i <= 9; ++i) bar[bars, i] = cell[i]
}
function fault_of(cell,    limit) {
    limit = "^(<=|>=) [0-9]+([.][0-9]+)?$"
    if (cell[1] !~ /^(check|growth)$/) return "no run: " cell[1]
    if (cell[2] !~ /^(stock|origins|plain|plain-7[.]3)$/) return "no kernel: " cell[2]
    if (cell[3] == "") return "no load"
    if (cell[4] == "") return "no row"
    if (cell[5] !~ /^(first|repeated)$/) return "no look: " cell[5]
    if (cell[6] !~ /^(times as fast as|times the ms of|times when repeated|growth of N|ms|allocations)$/) return "no figure: " cell[6]
    if ((cell[6] == "growth of N") != (cell[3] ~ /(^|[,=])N(,|$)/))
        return cell[6] " does not go with load " cell[3]
    if (!fits(cell[6], cell[7])) return cell[6] " does not go with " cell[7]
    if (cell[8] !~ limit) return "no aim: " cell[8]
    if (cell[9] !~ limit) return "no bar: " cell[9]
    if (substr(cell[8], 1, 2) != substr(cell[9], 1, 2)) return "aim and bar have different signs"
    return ""
}
function fits(figure, against,    number) {
    if (figure ~ /^times (as|the)/) return against !~ /^-?$/
    if (figure != "growth of N") return against == "-"
    split(against, number, " to ")
    return against ~ /^[0-9]+ to [0-9]+$/ && 1 < number[1] + 0 && number[1] + 0 < number[2] + 0
}

# The 12th column of a growth is its load with the N. It tells two growths apart that begin with the same load,
# each in its own boot.
function read_figure() {
    if (NF < 11 || $5 !~ /^[0-9]+([.][0-9]+)?$/ || $7 !~ /^[0-9]+$/) refuse("no figure: " $0)
    else if (($12, $1, $2, $3, $4) in ms) refuse("measured twice: " $0)
    ms[$12, $1, $2, $3, $4] = $5
    ms["", $1, $2, $3, $4] = $5
    allocations[$1, $2, $3, $4] = $7
    if (!($3 in known)) row[++rows_known] = $3
    known[$3]
}

function judge(i,    measured, lacks, is_broken, aim_is_missed) {
    kernel = bar[i, 2]
    look = bar[i, 5]
    if (!was_asked_for(i)) {
        ++left_out
        return
    }
    lacking = ""
    measured = figure_of(bar[i, 3], bar[i, 4], bar[i, 6], bar[i, 7])
    lacks = lacking != ""
    is_broken = !lacks && !is_within(bar[i, 9], measured)
    aim_is_missed = !lacks && !is_within(bar[i, 8], measured)
    printf "%-7s %8s  bar %-7s  aim %-7s %-8s %s, %s: %s, %s: %s%s%s\n",
        lacks ? "MISSING" : is_broken ? "BROKEN" : "holds",
        lacks ? "?" : sprintf("%.3f", measured), bar[i, 9], bar[i, 8],
        lacks ? "" : aim_is_missed ? "missed" : "reached",
        kernel, bar[i, 3], bar[i, 4], look, bar[i, 6], bar[i, 7] == "-" ? "" : " " bar[i, 7], lacking
    ++judged
    missing += lacks
    broken += is_broken
    aims_missed += aim_is_missed
}
function was_asked_for(i) {
    return (kernels == "" || index(" " kernels " ", " " kernel " ")) && bar[i, 4] ~ rows &&
        (bar[i, 6] !~ /^times (as|the)/ || bar[i, 7] ~ rows)
}
function is_within(limit, measured,    number) {
    number = substr(limit, 4) + 0
    return limit ~ /^</ ? measured <= number : measured >= number
}
function figure_of(load, row, figure, against,    number) {
    if (figure == "ms") return ms_of("", load, row)
    if (figure == "times as fast as") return ratio(ms_of("", load, against), ms_of("", load, row))
    if (figure == "times the ms of") return ratio(ms_of("", load, row), ms_of("", load, against))
    if (figure == "times when repeated") return ratio(ms_of("", load, row), repeated_ms(load, row))
    if (figure == "growth of N") {
        split(against, number, " to ")
        return ratio(each_more(load, row, number[2]), each_more(load, row, number[1]))
    }
    ms_of("", load, row) # says where it is lacking
    return allocations[kernel, load, row, look] + 0
}
function repeated_ms(load, row,    judged_look, found) {
    judged_look = look
    look = "repeated"
    found = ms_of("", load, row)
    look = judged_look
    return found
}
function ratio(above, below) {
    if (below > 0) return above / below
    lack("nothing to divide by")
    return 0
}
# The cost of each that is added to the first, up to `many`.
function each_more(load, row, many) {
    return (ms_with(many, load, row) - ms_with(1, load, row)) / (many - 1)
}
function ms_with(number, series, row,    load) {
    load = series
    sub(/N/, number, load)
    return ms_of(series, load, row)
}
function ms_of(series, load, row) {
    if ((series, kernel, load, row, look) in ms) return ms[series, kernel, load, row, look]
    lack("not measured: " row ", " load)
    return 0
}
function lack(what) {
    if (!index(lacking, what)) lacking = lacking "; " what
}

# A new row shows here that no bar names it. A floor needs none.
function say_rows_without_bar(    i) {
    for (i = 1; i <= rows_known; ++i)
        if (!(row[i] in used) && row[i] !~ /^floor of /) printf "no bar yet: %s\n", row[i]
}
