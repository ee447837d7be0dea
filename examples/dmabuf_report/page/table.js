// SPDX-License-Identifier: MIT
//
// Every buffer and every process of the page: searched, sorted, and narrowed to what was chosen.
import {
    buffers, cgroupOf, exporterOf, makerOf, makers, moreBuffers, moreProcesses, processes, textOfBuffer, textOfProcess,
} from "./data.js";
import { element, newId, part, switches } from "./dom.js";
import { bufferName, bytes, count, many, processName } from "./words.js";

const step = 200; // rows

/// The first names, and how many more there are.
function holders(buffer) {
    const names = buffer.holders.slice(0, 4).map((index) => processName(processes[index]));
    const more = (buffer.holder_count ?? names.length) - names.length;
    if (names.length === 0 && more <= 0) return "no process";
    return names.join(", ") + (more > 0 ? ` and ${count(more)} more` : "");
}

const number = (title, of, words = count) => ({ title, of, words, number: true });
const text = (title, of) => ({ title, of, words: (value) => value, number: false });

const kinds = {
    buffers: {
        rows: buffers,
        textOf: textOfBuffer,
        nouns: ["buffer", "buffers"],
        more: moreBuffers.reduce((sum, one) => sum + one.buffers, 0),
        columns: [
            text("Buffer", bufferName),
            number("Size", (one) => one.size, bytes),
            text("Exporter", exporterOf),
            ...(makers.length > 0 ? [text("Made by", makerOf)] : []),
            text("Held by", holders),
            number("Descriptors", (one) => one.descriptors),
            number("Mappings", (one) => one.mappings),
            number("Other references", (one) => one.others),
            text("Attached devices", (one) => one.devices.join(", ")),
        ],
    },
    processes: {
        rows: processes,
        textOf: textOfProcess,
        nouns: ["process", "processes"],
        more: moreProcesses,
        columns: [
            text("Process", processName),
            number("PSS", (one) => one.pss, bytes),
            number("RSS", (one) => one.rss, bytes),
            number("USS", (one) => one.uss, bytes),
            number("Buffers", (one) => one.buffers),
            text("User", (one) => one.user),
            text("Cgroup", cgroupOf),
        ],
    },
};

/// A column of which nothing is known is left out.
for (const kind of Object.values(kinds))
    kind.columns = kind.columns.filter(({ of }, index) => index < 2 || kind.rows.some((row) => ![null, ""].includes(of(row))));

/// Numbers first, the largest on top; what is not known last, whichever way.
function compare(column, down) {
    const sign = down ? -1 : 1;
    return (a, b) => {
        const [x, y] = [column.of(a), column.of(b)];
        if (x === null || y === null) return (x === null) - (y === null);
        return sign * (column.number ? x - y : x.localeCompare(y));
    };
}

class Table {
    constructor() {
        this.search = element("input", { type: "search", id: newId(), autocomplete: "off" });
        this.chosen = element("button", { type: "button", className: "chosen", hidden: true });
        this.status = element("p", { className: "note", role: "status" });
        this.table = element("table", { className: "rows" });
        this.more = element("button", { type: "button", hidden: true });
        this.search.addEventListener("input", () => this.show());
        this.chosen.addEventListener("click", () => this.choose(null));
        this.more.addEventListener("click", () => this.show(this.shown + step));
        this.test = null;
        this.kind = switches("Rows of the table", [["buffers", "Buffers"], ["processes", "Processes"]], (name) => this.turn(name));
        const searching = element("p", { className: "search" }, element("label", { for: this.search.id }, "Search"), this.search, this.chosen);
        this.section = part("table", "All of it", this.kind.row, searching, this.status,
            element("div", { className: "scrolls", tabIndex: 0, role: "region", "aria-label": "Table" }, this.table), this.more);
    }

    start() {
        this.kind.start();
    }

    /// Shows the buffers for which `test` holds, and no others; null: all.
    choose(test, words) {
        this.test = test;
        this.chosen.hidden = test === null;
        this.chosen.replaceChildren(words ?? "", element("span", { "aria-hidden": "true" }, " ×"));
        this.chosen.setAttribute("aria-label", `Only: ${words ?? ""}. Press to show all`);
        if (test !== null) {
            this.kind.start();
            this.section.scrollIntoView({ block: "nearest" });
        } else {
            this.show();
        }
    }

    turn(name) {
        this.of = kinds[name];
        this.texts ??= new Map();
        if (!this.texts.has(name)) this.texts.set(name, this.of.rows.map(this.of.textOf));
        this.text = this.texts.get(name);
        this.sort = { column: this.of.columns.find(({ number: is }) => is), down: true };
        this.show();
    }

    rows() {
        const words = this.search.value.toLowerCase();
        const test = this.of === kinds.buffers ? this.test : null;
        return this.of.rows.filter((one, index) => this.text[index].includes(words) && (test === null || test(one)))
            .sort(compare(this.sort.column, this.sort.down));
    }

    show(most = step) {
        const found = this.rows();
        this.shown = most;
        const [one, more] = this.of.nouns;
        const summed = this.of.more > 0 ? ` ${many(this.of.more, one, more)} more, the smallest, have no row: only their sums are in this page.` : "";
        this.status.textContent = `${count(Math.min(found.length, most))} of ${many(found.length, one, more)}` +
            (found.length === this.of.rows.length ? "." : `, out of ${count(this.of.rows.length)}.`) + summed;
        this.more.hidden = found.length <= most;
        this.more.textContent = `Show ${count(Math.min(step, found.length - most))} more`;
        this.table.replaceChildren(this.head(), element("tbody", {}, ...found.slice(0, most).map((row) => this.row(row))));
    }

    head() {
        return element("thead", {}, element("tr", {}, ...this.of.columns.map((column) => this.title(column))));
    }

    title(column) {
        const { sort } = this;
        const sorted = sort.column === column;
        const button = element("button", { type: "button" }, column.title);
        button.addEventListener("click", () => {
            this.sort = { column, down: sorted ? !sort.down : column.number };
            this.show(this.shown);
            this.table.querySelectorAll("th button")[this.of.columns.indexOf(column)].focus();
        });
        return element("th", {
            scope: "col", className: column.number ? "number" : "",
            "aria-sort": sorted ? (sort.down ? "descending" : "ascending") : "none",
        }, button);
    }

    row(of) {
        return element("tr", {}, ...this.of.columns.map((column) =>
            element("td", { className: column.number ? "number" : "" }, column.words(column.of(of)))));
    }
}

export function makeTable() {
    return new Table();
}
