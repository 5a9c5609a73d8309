#!/usr/bin/env node
// The command `cnapp`: makes the clone ready where it is not, then runs dist/cnapp.js in this process.
import { refuseOldNode } from '../scripts/node-version.mjs';

refuseOldNode();

import('../scripts/prepare.mjs')
  .then((prepare) => prepare.run('cnapp', process.argv.slice(2)))
  .catch((error) => {
    console.error(error.isForPeople ? error.message : error);
    process.exit(1);
  });
