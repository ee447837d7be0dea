// SPDX-License-Identifier: MIT
//
// Chromium without a screen, driven by its DevTools protocol over a pipe: messages of JSON, a NUL behind each.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export class Browser {
    static async start() {
        const made = new Browser();
        const { targetInfos } = await made.send("Target.getTargets");
        const { targetId } = targetInfos.find((one) => one.type === "page");
        made.session = (await made.send("Target.attachToTarget", { targetId, flatten: true })).sessionId;
        for (const domain of ["Page", "Runtime", "Log", "Network", "DOM", "Accessibility", "Performance"])
            await made.send(`${domain}.enable`);
        return made;
    }

    constructor() {
        this.directory = mkdtempSync(join(tmpdir(), "dmabuf-chromium-"));
        this.process = spawn(process.env.CHROMIUM ?? "chromium", [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
            "--disable-background-networking", "--remote-debugging-pipe", `--user-data-dir=${this.directory}`, "about:blank",
        ], { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
        this.waiting = new Map();
        this.complaints = [];
        this.requests = [];
        this.last = 0;
        let rest = Buffer.alloc(0);
        this.process.stdio[4].on("data", (piece) => {
            rest = Buffer.concat([rest, piece]);
            for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
                this.take(JSON.parse(rest.subarray(0, end).toString()));
                rest = rest.subarray(end + 1);
            }
        });
    }

    take(message) {
        if (message.id) {
            const { resolve, reject } = this.waiting.get(message.id);
            this.waiting.delete(message.id);
            if (message.error) reject(new Error(message.error.message));
            else resolve(message.result);
            return;
        }
        const { method, params } = message;
        if (method === "Log.entryAdded") this.complaints.push(params.entry.text);
        if (method === "Runtime.exceptionThrown") this.complaints.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
        if (method === "Runtime.consoleAPICalled") this.complaints.push(JSON.stringify(params.args));
        if (method === "Network.requestWillBeSent") this.requests.push(params.request.url);
        if (method === "Page.loadEventFired") this.loaded?.();
    }

    send(method, params = {}) {
        const id = ++this.last;
        this.process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId: this.session })}\0`);
        return new Promise((resolve, reject) => this.waiting.set(id, { resolve, reject }));
    }

    /// Opens a page, and forgets all about the one before.
    async open(path) {
        this.complaints = [];
        this.requests = [];
        const loaded = new Promise((resolve) => { this.loaded = resolve; });
        await this.send("Page.navigate", { url: `file://${path}` });
        await loaded;
    }

    /// The value of an expression in the page.
    async value(expression) {
        const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
        if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
        return result.value;
    }

    /// Seconds that the main thread of the page's process ran, until all is laid out: parsing, script, style and layout,
    /// and all pages that this process showed before. Time that other programs take does not count.
    async seconds() {
        await this.value("document.body.getBoundingClientRect().height");
        const { metrics } = await this.send("Performance.getMetrics");
        return metrics.find(({ name }) => name === "ThreadTime").value;
    }

    async size(width, height, mobile = false) {
        await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile });
    }

    async media(media, scheme) {
        await this.send("Emulation.setEmulatedMedia", { media, features: [{ name: "prefers-color-scheme", value: scheme }] });
    }

    async key(key, code = key, text = undefined) {
        const virtual = { Tab: 9, Enter: 13 }[key];
        const what = { key, code, text, windowsVirtualKeyCode: virtual };
        await this.send("Input.dispatchKeyEvent", { type: "keyDown", ...what });
        await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...what });
    }

    async click(selector) {
        const box = await this.value(`(() => { const one = document.querySelector(${JSON.stringify(selector)});
            one.scrollIntoView({ block: "center" }); const { x, y, width, height } = one.getBoundingClientRect();
            return { x: x + width / 2, y: y + Math.min(height / 2, 8) }; })()`);
        for (const type of ["mousePressed", "mouseReleased"])
            await this.send("Input.dispatchMouseEvent", { type, ...box, button: "left", clickCount: 1 });
    }

    /// The whole page, as a PNG.
    async picture(clip = undefined) {
        const { data } = await this.send("Page.captureScreenshot", { captureBeyondViewport: true, clip });
        return Buffer.from(data, "base64");
    }

    async print() {
        const { data } = await this.send("Page.printToPDF", { printBackground: true });
        return Buffer.from(data, "base64");
    }

    stop() {
        this.process.kill();
        return new Promise((resolve) => this.process.on("exit", () => {
            rmSync(this.directory, { recursive: true, force: true });
            resolve();
        }));
    }
}
