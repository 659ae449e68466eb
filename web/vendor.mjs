// Copies what the page serves from node_modules to src/signtalk/service/web/vendor, and writes which releases these are.
// Called by `make web` after `npm ci --prefix web`.
import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "node_modules");
const target = join(here, "..", "src", "signtalk", "service", "web", "vendor");

// MediaPipe's build for modules alone: the page runs it in a module worker.
/** @type {Record<string, string[]>} */
const FILES = {
  "@mediapipe/tasks-vision": [
    "vision_bundle.mjs",
    "wasm/vision_wasm_module_internal.js",
    "wasm/vision_wasm_module_internal.wasm",
  ],
  "onnxruntime-web": [
    "dist/ort.wasm.min.mjs",
    "dist/ort-wasm-simd-threaded.mjs",
    "dist/ort-wasm-simd-threaded.wasm",
  ],
  fflate: ["esm/browser.js", "LICENSE"],
};

/** Files that are called otherwise in the page. @type {Record<string, string>} */
const NAMES = { "esm/browser.js": "fflate.mjs", LICENSE: "fflate.LICENSE" };

/** For the checker of types alone: what a file exports stands in the package that it comes from. */
const TYPES = {
  "vision_bundle.d.mts": 'export * from "@mediapipe/tasks-vision";\n',
  "ort.wasm.min.d.mts": 'export * from "onnxruntime-web";\n',
  "fflate.d.mts": 'export * from "fflate";\n',
};

async function main() {
  const temporary = `${target}.new`;
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  /** @type {Record<string, {version: string, license: string, repository: string}>} */
  const releases = {};
  for (const [name, files] of Object.entries(FILES)) {
    const about = JSON.parse(await readFile(join(modules, name, "package.json"), "utf8"));
    releases[name] = { version: about.version, license: about.license, repository: about.repository?.url ?? about.homepage };
    for (const file of files) {
      await cp(join(modules, name, file), join(temporary, NAMES[file] ?? basename(file)));
    }
  }
  for (const [name, text] of Object.entries(TYPES)) await writeFile(join(temporary, name), text);
  await writeFile(join(temporary, "releases.json"), `${JSON.stringify(releases, null, 2)}\n`);
  await rm(target, { recursive: true, force: true });
  await rename(temporary, target);
  console.log(`${target}: ${Object.entries(releases).map(([name, r]) => `${name} ${r.version}`).join(", ")}`);
}

await main();
