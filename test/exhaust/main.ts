/**
 * `npm run exhaust`: every order of what can happen to two agents and three services, space by space.
 *
 * Lives here: the command line, progress, the verdict. Does not live here: the search (sim/small). Exit code 0: no law is
 * broken; 1 else, with the shortest way there.
 */
import { commandLine, someOf, wholeNumber } from '../../scripts/command-line.ts';
import { searchSpace, SPACES } from '../../sim/small/spaces.ts';

/** Worlds met at most in a space that is not met whole. */
const STATES_MAX = 1_200_000;

const options = commandLine('exhaust', 'every order of what can happen to two agents and three services', [
  ['', 'all spaces, at least a million distinct states'],
  ['--space two-faults --states 3000000', 'one space, and more of it'],
  ['--space two-faults --depth 12', '… no deeper than twelve moves'],
])
  .option('--space <names>', 'which of the spaces', someOf(Object.keys(SPACES)))
  .option('--states <count>', 'how many distinct states of a space at most', wholeNumber(1, 1e9), STATES_MAX)
  .option('--depth <moves>', 'how many moves deep at most', wholeNumber(1, 1e6), 1000)
  .addHelpText(
    'after',
    `\nSpaces:\n${Object.entries(SPACES)
      .map(([name, { about }]) => `  ${name.padEnd(18)}  ${about}`)
      .join('\n')}`,
  )
  .parse()
  .opts<{ space?: string[]; states: number; depth: number }>();
const names = options.space ?? Object.keys(SPACES);
let total = 0;
for (const name of names) {
  const space = SPACES[name];
  if (space === undefined) continue;
  console.log(`\n== ${name}: ${space.about}`);
  const from = performance.now();
  const found = searchSpace(space, {
    depth: options.depth,
    statesMax: options.states,
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
