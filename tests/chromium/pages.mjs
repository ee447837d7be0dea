// SPDX-License-Identifier: MIT
//
// node pages.mjs DMABUF_REPORT RECORDING OUT: pages of dmabuf_report in Chromium: they draw, and answer clicks and keys;
// no name in them runs. The pictures in OUT are for people.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { Browser } from "./browser.mjs";
import { hostile, log, scene } from "./scenes.mjs";

const [program, recording, out] = process.argv.slice(2).map((path) => resolve(path));
mkdirSync(out, { recursive: true });

/// Makes the page OUT/NAME.html of files with these texts, or of those that are named.
function page(name, inputs) {
    const files = inputs.map((input, index) => {
        if (input.path) return input.path;
        const file = join(out, `${name}.${index}`);
        writeFileSync(file, input.text);
        return file;
    });
    const made = join(out, `${name}.html`);
    execFileSync(program, ["-o", made, "--replay", ...files]);
    return made;
}

const ofScene = (name, ...arguments_) => page(name, [{ text: JSON.stringify(scene(...arguments_)) }]);

function expect(holds, words) {
    if (!holds) throw new Error(words);
}
function same(found, wanted, words) {
    expect(JSON.stringify(found) === JSON.stringify(wanted), `${words}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`);
}

const browser = await Browser.start();
const status = () => browser.value("document.querySelector('#table [role=status]').textContent");
const column = (number) => browser.value(`[...document.querySelectorAll('.rows tbody tr')].map((row) => row.cells[${number}].textContent)`);
const keep = (name, bytes) => writeFileSync(join(out, name), bytes);

const cases = {
    "a real recording is drawn, without a complaint and without a request": async () => {
        await browser.size(1200, 900);
        await browser.open(page("lab", [{ path: recording }]));
        same(browser.complaints, [], "complaints");
        expect(browser.requests.length === 1 && browser.requests[0].startsWith("file:"), `requests: ${browser.requests}`);
        expect(await browser.value("document.querySelectorAll('.treemap .group').length") > 5, "the treemap has groups");
        expect(await browser.value("document.querySelectorAll('.treemap .leaf').length") > 20, "and leaves");
        expect(await browser.value("document.querySelectorAll('.matrix button').length") > 2, "some share");
        expect(await browser.value("document.querySelectorAll('.rows tbody tr').length") > 20, "the table has rows");
        keep("light.png", await browser.picture());
    },

    "areas are to scale": async () => {
        await browser.open(ofScene("scale", 4, 2));
        const areas = await browser.value(`[...document.querySelectorAll('.treemap .group')].map((one) => {
            const { width, height } = one.getBoundingClientRect(); return [one.textContent, width * height]; })`);
        same(areas.map(([words]) => words), ["app-1 (101): 26.0 KiB", "app-0 (100): 14.0 KiB"], "groups");
        const ratio = areas[0][1] / areas[1][1];
        expect(Math.abs(ratio - 26 / 14) < 0.2, `26 to 14 is drawn as ${ratio} to 1`);
    },

    "an area that is clicked chooses its buffers, and the choice is taken back": async () => {
        await browser.open(ofScene("click", 40, 4));
        await browser.click(".treemap .group");
        expect(/^1[0-9] of 1[0-9] buffers, out of 40\.$/.test(await status()), await status());
        const group = (await browser.value("document.querySelector('.treemap .group').textContent")).split(":")[0];
        expect((await column(3)).every((holders) => holders.includes(group)), `all rows are of ${group}`);
        await browser.click(".chosen");
        same(await status(), "40 of 40 buffers.", "after it");
        await browser.click(".treemap .leaf");
        same(await status(), "1 of 1 buffer, out of 40.", "one leaf");
        await browser.click(".matrix button");
        expect((await column(3)).every((holders) => holders.includes(", ")), "a field of the matrix: shared buffers");
    },

    "the map groups by exporter and by cgroup": async () => {
        await browser.open(ofScene("groups", 30, 5));
        await browser.click("#treemap .switches button:nth-child(2)");
        const exporters = await browser.value("[...document.querySelectorAll('.treemap .group')].map((one) => one.textContent.split(':')[0])");
        same(exporters, ["system", "drm"], "exporters");
        await browser.click("#treemap .switches button:nth-child(3)");
        same(await browser.value("document.querySelectorAll('.treemap .group').length"), 5, "cgroups");
        await browser.click("#treemap .treemap + .switches button");
        same(await browser.value("document.querySelectorAll('.treemap .group').length"), 4, "without the largest");
        await browser.click("#treemap .treemap + .switches button:nth-child(2)");
        same(await browser.value("document.querySelectorAll('.treemap .group').length"), 5, "all again");
    },

    "the table is searched and sorted": async () => {
        await browser.open(ofScene("table", 300, 4));
        same(await status(), "200 of 300 buffers.", "at first");
        await browser.click("#table > button");
        same(await status(), "300 of 300 buffers.", "more");
        await browser.click("#table [type=search]");
        await browser.send("Input.insertText", { text: "APP-29" });
        same(await status(), "11 of 11 buffers, out of 300.", "29, and 290 to 299");
        expect((await column(0)).every((name) => name.startsWith("app-29")), "rows that were searched");
        const sizes = () => browser.value(`[...document.querySelectorAll('.rows tbody tr')].map((row) => {
            const [number, unit] = row.cells[1].textContent.split(" "); return number * (unit === "KiB" ? 1 : 1024); })`);
        const down = await sizes();
        same([...down].sort((a, b) => b - a), down, "the largest first");
        await browser.click(".rows th:nth-child(2) button");
        same(await browser.value("document.querySelector('.rows th:nth-child(2)').getAttribute('aria-sort')"), "ascending", "aria-sort");
        same(await sizes(), [...down].reverse(), "the smallest first");
        await browser.click(".rows th button");
        same(await browser.value("document.querySelector('.rows th').getAttribute('aria-sort')"), "ascending", "by name");
        await browser.click("#table .switches button:nth-child(2)");
        expect(/out of 4\.$/.test(await status()), await status());
    },

    "by keyboard: tab to a group, enter chooses it": async () => {
        await browser.open(ofScene("keyboard", 40, 4));
        let words = "";
        for (let i = 0; i < 30 && !words.startsWith("app-"); ++i) {
            await browser.key("Tab");
            words = await browser.value("document.activeElement.className.includes('group') ? document.activeElement.textContent : ''");
        }
        expect(words.startsWith("app-"), "no tab leads to a group");
        await browser.key("Enter", "Enter", "\r");
        expect(/out of 40\.$/.test(await status()), await status());
    },

    "a screen reader is told the name of all that can be pressed": async () => {
        await browser.open(page("names", [{ path: recording }, { text: log("player") }]));
        const { nodes } = await browser.send("Accessibility.getFullAXTree");
        const pressed = nodes.filter((node) => ["button", "searchbox", "region", "group", "image"].includes(node.role?.value) && !node.ignored);
        expect(pressed.length > 20, `${pressed.length} nodes`);
        const nameless = pressed.filter((node) => !node.name?.value && node.role.value !== "group");
        same(nameless.map((node) => node.role.value), [], "without a name");
        const headings = nodes.filter((node) => node.role?.value === "heading").map((node) => node.name.value);
        same(headings.sort(), ["All of it", "DMA-BUF memory", "Over time", "The largest holders", "What happened",
            "What was seen, and what was not", "Where the memory is", "Who shares with whom"], "headings");
    },

    "no hostile name runs, in a snapshot or in a log": async () => {
        const nameOf = (index) => hostile[index % hostile.length];
        const made = page("hostile", [{ text: JSON.stringify(scene(16, 8, (index) => nameOf(index).slice(0, 60))) }, { text: log(hostile[0]) }]);
        await browser.open(made);
        same([await browser.value("String(window.hit)"), browser.complaints], ["undefined", []], "a name ran, or the policy stopped it");
        for (const selector of [".treemap .group", "#treemap .switches button:nth-child(3)", ".matrix button", "#table .switches button:nth-child(2)"])
            await browser.click(selector);
        await new Promise((resolve_) => { setTimeout(resolve_, 200); });
        same(await browser.value("String(window.hit)"), "undefined", "a name ran");
        same(browser.complaints, [], "complaints");
        same(browser.requests.length, 1, "requests");
        same(await browser.value("document.querySelectorAll('img, svg, iframe, object').length"), 0, "elements");
        same(await browser.value("document.scripts.length"), 2, "scripts");
        for (const name of hostile)
            expect(await browser.value(`document.body.textContent.includes(${JSON.stringify(name.slice(0, 60))})`), `${name} is not there as text`);
    },

    "the policy stops what the page does not bring": async () => {
        await browser.open(ofScene("policy", 4, 2));
        await browser.value(`(() => { const one = document.createElement("script"); one.textContent = "window.hit = 1"; document.body.append(one); })()`);
        await browser.value(`(() => { const one = document.createElement("img"); one.src = "https://example.invalid/x.png"; document.body.append(one); })()`);
        const fetched = await browser.value(`fetch("https://example.invalid/").then(() => "fetched", () => "refused")`);
        same(fetched, "refused", "fetch");
        same(await browser.value("String(window.hit)"), "undefined", "a script that was added");
        expect(browser.complaints.filter((words) => words.includes("Content Security Policy")).length >= 2, `complaints: ${browser.complaints}`);
    },

    "5,000 buffers are drawn within a second": async () => {
        const made = ofScene("large", 5000, 60);
        const times = [];
        for (let i = 0; i < 3; ++i) {
            await browser.open(made);
            times.push(await browser.seconds());
        }
        same(browser.complaints, [], "complaints");
        same(await status(), "200 of 5,000 buffers.", "rows");
        expect(await browser.value("document.querySelectorAll('.treemap .leaf').length") > 3000, "leaves");
        console.log(`# 5,000 buffers: ${times.map((one) => one.toFixed(2)).join(", ")} s of the page's thread`);
        expect(Math.min(...times) < 1, `at best ${Math.min(...times)} s`);
    },

    "100,000 buffers are put together in words": async () => {
        await browser.open(ofScene("huge", 100_000, 300));
        same(browser.complaints, [], "complaints");
        expect(await browser.value("document.body.textContent.includes('The 5000 largest buffers are shown one by one; the 95000 smaller ones')"), "the words");
        expect(/95,000 buffers more, the smallest, have no row/.test(await status()), await status());
        expect(await browser.value("[...document.querySelectorAll('.leaf')].some((one) => one.title.startsWith('smaller buffers'))"), "the rest is drawn");
    },

    "over time: lines, events, and their names": async () => {
        await browser.media("screen", "light");
        await browser.open(page("time", [{ text: log("player") }]));
        same(browser.complaints, [], "complaints");
        same(await browser.value("document.querySelectorAll('.timeline canvas').length"), 1, "canvas");
        const lines = await browser.value("[...document.querySelectorAll('.u-series .u-label')].map((one) => one.textContent)");
        same(lines, ["UTC", "player (7)", "all processes"], "lines");
        same(await browser.value("document.querySelectorAll('.events li').length"), 4, "events");
        expect(await browser.value("document.querySelector('.lead').textContent.includes('1 of growth')"), "the words");
        keep("time.png", await browser.picture());
    },

    "dark": async () => {
        await browser.media("screen", "dark");
        await browser.open(join(out, "names.html"));
        same(await browser.value("getComputedStyle(document.body).backgroundColor"), "rgb(23, 24, 26)", "paper");
        keep("dark.png", await browser.picture());
        await browser.media("screen", "light");
    },

    "a phone's width": async () => {
        await browser.size(390, 844, true);
        await browser.open(join(out, "names.html"));
        same(await browser.value("document.documentElement.scrollWidth"), 390, "nothing is wider than the screen");
        keep("phone.png", await browser.picture());
        await browser.size(1200, 900);
    },

    "print": async () => {
        await browser.open(join(out, "names.html"));
        keep("print.pdf", await browser.print());
        await browser.media("print", "light");
        same(await browser.value("getComputedStyle(document.querySelector('.search')).display"), "none", "controls");
        keep("print.png", await browser.picture());
        await browser.media("screen", "light");
    },
};

let failed = 0;
for (const [name, test] of Object.entries(cases)) {
    try {
        await test();
        console.log(`ok ${name}`);
    } catch (wrong) {
        ++failed;
        console.log(`not ok ${name}\n  ${wrong.message}`);
    }
}
await browser.stop();
console.log(`${Object.keys(cases).length - failed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
