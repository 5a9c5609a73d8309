#!/usr/bin/env node
// The command `ssmmp`: makes the clone ready where it is not, then runs dist/ssmmp.js in this process.
import { refuseOldNode } from '../scripts/node-version.mjs';

refuseOldNode();

import('../scripts/prepare.mjs')
  .then((prepare) => prepare.run('ssmmp', process.argv.slice(2)))
  .catch((error) => {
    console.error(error.isForPeople ? error.message : error);
    process.exit(1);
  });
