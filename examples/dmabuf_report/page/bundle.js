// SPDX-License-Identifier: MIT
//
// node bundle.js MODULES OUT: makes one script and one style sheet of this folder and of the packages in
// MODULES, and writes into OUT report.js, report.css, notices.txt (the packages' licences) and policy.txt (the
// page's content security policy, which names both by their hashes).
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const [modules, out] = process.argv.slice(2);
const { buildSync } = createRequire(join(modules, "x"))("esbuild");

function bundled(entry) {
    const result = buildSync({
        entryPoints: [join(here, entry)],
        bundle: true,
        minify: true,
        write: false,
        format: "iife",
        target: ["chrome109", "firefox109", "safari16"],
        nodePaths: [modules],
        legalComments: "none",
        logLevel: "warning",
    });
    const text = result.outputFiles[0].text;
    // In an HTML document these would end the element, or begin a comment.
    if (/<\/(script|style)|<!--/i.test(text)) throw new Error(`${entry} cannot stand in HTML`);
    return text;
}

const sha256 = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

function notices() {
    const { dependencies } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
    return Object.keys(dependencies).map((name) => {
        const { version } = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
        return `${name} ${version}\n\n${readFileSync(join(modules, name, "LICENSE"), "utf8").trim()}\n`;
    }).join("\n");
}

const script = bundled("report.js");
const style = bundled("report.css");
const policy = "default-src 'none'; base-uri 'none'; form-action 'none'; " +
    `script-src ${sha256(script)}; style-src ${sha256(style)}`;
for (const [name, text] of Object.entries({
    "report.js": script, "report.css": style, "notices.txt": notices(), "policy.txt": policy,
}))
    writeFileSync(join(out, name), text);
