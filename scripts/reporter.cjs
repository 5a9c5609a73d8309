// A mocha reporter: mocha's own `spec`, and the counts and failures written where scripts/check.mjs asked for them.
//
// check.mjs runs mocha once for each group of tests and closes with one line about all of them, so it needs the numbers
// and not the text; and it says again at the end what failed, which in some thousand lines is soon out of sight, with what the
// clusters of that test saw (test/e2e/told-on-failure.ts). CommonJS, because mocha loads reporters so.
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      const path = process.env.SSMMP_TEST_COUNTS;
      const what = this.failures.map((test) => ({
        title: test.fullTitle(),
        error: String(test.err?.message ?? test.err ?? 'no error was given'),
        told: test.told ?? '',
      }));
      if (path) writeFileSync(path, JSON.stringify({ passed: passes, failed: failures, skipped: pending, what }));
    });
  }
};
