// `npm start`, `npm test` and their siblings: makes the clone ready (installs, builds), then runs the thing asked for.
//
//     node scripts/ready.mjs start|test|bench|sim|ssmmp|cnapp [arguments]
//
// In here is only the choice of what to run; how a clone is made ready is in prepare.mjs. Plain JavaScript without a
// dependency, since in a fresh clone there is nothing else yet.
//
// What is run is loaded into this very process instead of being started as another one. That way there is nobody in
// between who could swallow a signal or an exit code, and a start is one Node start faster. It matters because of npm:
// on Ctrl-C the terminal sends SIGINT to npm, its shell and us, and npm passes its own SIGINT on as well, so that one
// key press arrives here twice. Whoever handles signals has to take the second one as the first.
import { refuseOldNode } from './node-version.mjs';

refuseOldNode();

import('./prepare.mjs')
  .then((prepare) => prepare.run(process.argv[2], process.argv.slice(3)))
  .catch((error) => {
    console.error(error.isForPeople ? error.message : error);
    process.exit(1);
  });
