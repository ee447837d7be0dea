// SPDX-License-Identifier: MIT
//
// The pictures and the table below the words that dmabuf_report wrote.
import { processes, buffers } from "./data.js";
import { showMatrix } from "./matrix.js";
import { makeTable } from "./table.js";
import { showTimeline } from "./timeline.js";
import { showTreemap } from "./treemap.js";

let table = null;
const choose = (test, words) => table.choose(test, words);

showTimeline();
if (processes.length + buffers.length > 0) {
    showTreemap(choose);
    showMatrix(choose);
    table = makeTable();
    table.start();
}
