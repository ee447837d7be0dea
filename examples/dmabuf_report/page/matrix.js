// SPDX-License-Identifier: MIT
//
// The matrix of sharing: bytes of the buffers that two processes both hold.
import { buffers, processes } from "./data.js";
import { element, part } from "./dom.js";
import { bytes, processName } from "./words.js";

const mostProcesses = 20;
const shades = 5; // of report.css

/// Bytes by pair of processes, as a map of maps; every pair stands in it both ways.
function sharedBytes() {
    const sums = processes.map(() => new Map());
    for (const buffer of buffers) {
        if (buffer.holders.length < 2 || buffer.holders.length > 200) continue;
        for (const a of buffer.holders)
            for (const b of buffer.holders)
                if (a !== b) sums[a].set(b, (sums[a].get(b) ?? 0) + (buffer.size ?? 0));
    }
    return sums;
}

const shared = (sums, index) => Math.max(0, ...sums[index].values());

function cell(a, b, sum, largest, choose) {
    if (a === b) return element("td", { className: "self" });
    if (sum === undefined) return element("td");
    const shade = Math.min(shades - 1, Math.floor((sum / Math.max(largest, 1)) * shades));
    const words = sum > 0 ? bytes(sum) : "unknown";
    const both = `${processName(processes[a])} and ${processName(processes[b])}`;
    const button = element("button", { type: "button", title: both, "aria-label": `${both} share ${words}` }, words);
    button.addEventListener("click", () => choose(
        (buffer) => buffer.holders.includes(a) && buffer.holders.includes(b), `shared by ${both}`));
    return element("td", { className: `shade-${shade}` }, button);
}

export function showMatrix(choose) {
    const sums = sharedBytes();
    const sharing = processes.map((_, index) => index).filter((index) => sums[index].size > 0)
        .sort((a, b) => shared(sums, b) - shared(sums, a));
    if (sharing.length === 0) return;
    const rows = sharing.slice(0, mostProcesses);
    const largest = Math.max(...rows.map((index) => shared(sums, index)));
    const head = element("tr", {}, element("td"), ...rows.map((index) =>
        element("th", { scope: "col" }, element("span", {}, processName(processes[index])))));
    const body = rows.map((a) => element("tr", {}, element("th", { scope: "row" }, processName(processes[a])),
        ...rows.map((b) => cell(a, b, sums[a].get(b), largest, choose))));
    const table = element("table", { className: "matrix" },
        element("thead", {}, head), element("tbody", {}, ...body));
    const rest = sharing.length - rows.length;
    part("matrix", "Who shares with whom", element("div", { className: "scrolls", tabIndex: 0, role: "region", "aria-label": "Shared memory by pair" }, table),
        element("p", { className: "note" }, "Bytes of the buffers that both processes hold. Choose a field, and the table below shows these buffers." +
            (rest > 0 ? ` Left out: ${rest} more processes that share less.` : "")));
}
