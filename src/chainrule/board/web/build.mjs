// Makes ../static/board.js, widget.js and board.css of what stands here: node build.mjs [OUTPUT]
import { build } from "esbuild";
import { fileURLToPath } from "node:url";
import { dirname, join, resolve } from "node:path";

const here = dirname(fileURLToPath(import.meta.url));
const output = process.argv[2] ? resolve(process.argv[2]) : join(here, "..", "static");

await build({
  absWorkingDir: here,
  entryPoints: { board: "main.js", widget: "widget.js", recorded: "recorded.js" },
  outdir: output,
  bundle: true,
  format: "esm",
  target: "es2022",
  minify: true,
  legalComments: "eof",
  charset: "utf8",
});
await build({ absWorkingDir: here, entryPoints: ["board.css"], outdir: output, bundle: true, minify: true, charset: "utf8" });
