/**
 * `npm run exhaust`: every order of what can happen to two agents and three services, space by space.
 *
 *     npm run exhaust                                  all spaces; at least a million distinct states
 *     npm run exhaust -- --space two-faults --states 3000000 --depth 12
 *
 * Lives here: the command line, progress, the verdict. Does not live here: the search (sim/small). Exit code 0: no law is
 * broken; 1 else, with the shortest way there.
 */
import { parseArgs } from 'node:util';
import { searchSpace, SPACES } from '../../sim/small/spaces.ts';

/** Worlds met at most in a space that is not met whole. */
const STATES_MAX = 1_200_000;

const { values } = parseArgs({
  options: {
    space: { type: 'string' },
    states: { type: 'string', default: String(STATES_MAX) },
    depth: { type: 'string', default: '1000' },
  },
});
const names = values.space === undefined ? Object.keys(SPACES) : [values.space];
let total = 0;
for (const name of names) {
  const space = SPACES[name];
  if (space === undefined) {
    console.error(`no space is called '${name}'; there are ${Object.keys(SPACES).join(', ')}`);
    process.exit(64);
  }
  console.log(`\n== ${name}: ${space.about}`);
  const from = performance.now();
  const found = searchSpace(space, {
    depth: Number(values.depth),
    statesMax: Number(values.states),
    progress: ({ depth, states, moves, frontier }) => {
      if (process.stderr.isTTY)
        process.stderr.write(`\r  ${depth} moves deep: ${states} states, ${moves} moves, ${frontier} to go on from `);
    },
  });
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K');
  total += found.states;
  const seconds = ((performance.now() - from) / 1000).toFixed(1);
  const extent = found.complete ? 'the whole space' : `to ${found.depth} moves deep`;
  console.log(`${found.states} distinct states, ${found.moves} moves, ${extent}, in ${seconds} s`);
  console.log(
    `  of machines: Manager ${found.cells.managers}, agents ${found.cells.agents}, instances ${found.cells.instances}; quiet worlds judged: ${found.quiet}`,
  );
  if (found.orders.length > 0) console.log(`  orders of grant, drain and crash: ${found.orders.join(' ')}`);
  if (found.failure === null) continue;
  console.log(
    `\nbroken: ${found.failure.law}\n${found.story.map((line, index) => `${index + 1}. ${line}`).join('\n')}`,
  );
  process.exit(1);
}
console.log(`\n${total} distinct states in ${names.length} spaces, no law is broken`);
