// A mocha reporter: mocha's own `spec`, and the counts written where scripts/check.mjs asked for them.
//
// check.mjs runs mocha once for each group of tests and closes with one line about all of them, so it needs the numbers
// and not the text. CommonJS, because mocha loads reporters so.
const { writeFileSync } = require('node:fs');
const { reporters } = require('mocha');

module.exports = class CountingReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = this.stats;
      const path = process.env.SSMMP_TEST_COUNTS;
      if (path) writeFileSync(path, JSON.stringify({ passed: passes, failed: failures, skipped: pending }));
    });
  }
};
