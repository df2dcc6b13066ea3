// Reads vitest's JSON report: the slowest files, what was skipped, and one line of counts. Fails where anything failed or
// was skipped, since CI has everything that tests want.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const report = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const files = report.testResults
  .map(({ name, startTime, endTime, assertionResults }) => ({
    name: relative(process.cwd(), name),
    seconds: (endTime - startTime) / 1000,
    skipped: assertionResults.filter(({ status }) => status !== 'passed' && status !== 'failed'),
  }))
  .sort((a, b) => b.seconds - a.seconds);
for (const { name, seconds } of files.slice(0, 15)) console.log(`${seconds.toFixed(1).padStart(8)} s  ${name}`);
const skipped = files.flatMap(({ name, skipped: list }) => list.map(({ fullName }) => `${name}: ${fullName}`));
for (const name of skipped) console.log(`skipped: ${name}`);
// A file that does not even load counts as one failure.
const broken = report.testResults.filter(
  (file) => file.status === 'failed' && file.assertionResults.length === 0,
).length;
const failed = report.numFailedTests + broken;
console.log(
  `${report.numPassedTests} passed, ${failed} failed${skipped.length > 0 ? `, ${skipped.length} skipped` : ''}`,
);
process.exitCode = failed > 0 || skipped.length > 0 ? 1 : 0;
