// `npm test`: everything that has to be right, in one command.
//
// Two things run at a time, for two cores: first the unit tests beside the checks and everything else that computes, then what starts
// real processes and mostly waits for them, conformance and e2e beside labs. Of two that run beside each other one is printed as it
// goes, the other one when the first is done.
// The last line is always `N passed, N failed`, where a check counts as one.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT } from './prepare.mjs';

const bin = (path) => join(ROOT, 'node_modules', path);
const TSC = bin('typescript/bin/tsc');

/** Each is one Node program that exits 0 when all is well. */
const CHECKS = {
  types: [TSC, '-p', 'tsconfig.json'],
  'types of pure folders': [TSC, '-p', 'tsconfig.pure.json'],
  lint: [bin('eslint/bin/eslint.js'), '.', '--max-warnings', '0'],
  layout: [bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'],
};

/** Folders below test/. */
const GROUPS = ['unit', 'transcripts', 'pairs', 'fuzz', 'museum', 'conformance', 'e2e', 'labs'];

/** What runs beside what: phases one after the other, in each the lanes side by side, in each lane its groups in order. */
const PHASES = [
  [['unit'], ['checks', 'transcripts', 'pairs', 'fuzz', 'museum']],
  [['conformance', 'e2e'], ['labs']],
];

const HELP = `Examples:
  npm test                                 all checks, all tests
  npm test -- --only e2e                   one group: checks, ${GROUPS.join(', ')}
  npm test -- --only unit,pairs            some groups
  npm test -- --grep R07                   the tests whose names have this in them; no checks then
  npm test -- test/unit/kit/core.test.ts   the tests of these files

Every other option goes on to mocha. The last line is \`N passed, N failed\`; the exit code is 0 when nothing failed.
`;

/** A group that takes longer hangs. */
const GROUP_TIMEOUT_MS = 20 * 60_000;

/** Lines of a failed test's error that are said again at the end. */
const ERROR_LINES_MAX = 12;

const totals = { passed: 0, failed: 0, skipped: 0 };
/** What failed, in words, for the end. */
const failures = [];
const running = new Set();
let isStopping = false;
const counts = mkdtempSync(join(tmpdir(), 'ssmmp-test-'));

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    isStopping = true;
    for (const child of running) child.kill(signal);
  });
}

await main(process.argv.slice(2));

async function main(args) {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(HELP);
    return;
  }
  const { only, files, forMocha } = readArguments(args);
  if (files.length > 0) {
    await test({ name: 'these', files, args: forMocha, isLive: true });
  } else {
    const wanted = only.length > 0 ? only : forMocha.length > 0 ? GROUPS : ['checks', ...GROUPS];
    for (const lanes of PHASES)
      await side(
        lanes.map((lane) => lane.filter((name) => wanted.includes(name))),
        forMocha,
      );
  }
  rmSync(counts, { recursive: true, force: true });
  if (isStopping) console.log('\nStopped before the end.');
  const nothing = totals.passed + totals.failed === 0;
  if (nothing) console.log('\nNo test ran: no test has this name, or it does not exist.');
  if (failures.length > 0) console.log(`\nWhat failed:\n${failures.map((one) => `\n✖ ${one}`).join('\n')}`);
  console.log(
    `\n${totals.passed} passed, ${totals.failed} failed${totals.skipped ? `, ${totals.skipped} skipped` : ''}`,
  );
  process.exitCode = totals.failed > 0 || nothing || isStopping ? 1 : 0;
}

function readArguments(args) {
  const only = [];
  const files = [];
  const forMocha = [];
  for (let i = 0; i < args.length; i += 1) {
    const arg = args[i];
    if (arg === '--only') only.push(...(args[(i += 1)] ?? '').split(','));
    else if (!arg.startsWith('-') && existsSync(arg) && /\.test\.ts$/.test(arg)) files.push(arg);
    else forMocha.push(arg);
  }
  const unknown = only.filter((name) => name !== 'checks' && !GROUPS.includes(name));
  if (unknown.length > 0) {
    console.error(`check: no group is called "${unknown.join('", "')}"; there are checks, ${GROUPS.join(', ')}.`);
    process.exit(64);
  }
  return { only, files, forMocha };
}

function testFiles(group) {
  const folder = join(ROOT, 'test', group);
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true })
    .filter((name) => name.endsWith('.test.ts'))
    .sort()
    .map((name) => join('test', group, name));
}

/** Runs lanes side by side. The first one that has something to do is printed as it goes, the others after it. */
async function side(lanes, forMocha) {
  const [first, ...others] = lanes.filter((lane) => lane.length > 0).map((lane) => lane.flatMap(jobsOf));
  if (first === undefined) return;
  const beside = others.map(async (jobs) => {
    const outputs = [];
    for (const job of jobs) outputs.push(isStopping ? '' : await job(false, forMocha));
    return outputs.join('');
  });
  for (const job of first) if (!isStopping) process.stdout.write(await job(true, forMocha));
  for (const output of beside) process.stdout.write(await output);
}

/** What a name stands for: each job gives what is still to be printed of it. */
function jobsOf(name) {
  if (name === 'checks') return Object.keys(CHECKS).map((one) => () => check(one));
  return [(isLive, args) => test({ name, files: testFiles(name), args, isLive })];
}

async function check(name) {
  const started = Date.now();
  const { code, output } = await run(CHECKS[name], { timeoutMs: GROUP_TIMEOUT_MS });
  totals[code === 0 ? 'passed' : 'failed'] += 1;
  if (code !== 0) failures.push(briefly(name, output));
  return `${code === 0 ? '✔' : '✖'} ${name} (${seconds(started)})\n${code === 0 ? '' : `${output}\n`}`;
}

async function test({ name, files, args, isLive }) {
  if (files.length === 0) return '';
  const started = Date.now();
  const title = `\n== ${name}, ${files.length} file${files.length === 1 ? '' : 's'}\n`;
  if (isLive) process.stdout.write(title);
  const countFile = join(counts, name);
  const command = [
    '--import',
    'tsx',
    bin('mocha/lib/cli/cli.js'),
    // A test that has no deadline of its own; long enough for a machine that does other things too.
    '--timeout',
    '20000',
    '--reporter',
    join(ROOT, 'scripts', 'reporter.cjs'),
    ...args,
    ...files,
  ];
  const { code, output } = await run(command, {
    env: { SSMMP_TEST_COUNTS: countFile, NODE_ENV: 'test' },
    isLive,
    timeoutMs: GROUP_TIMEOUT_MS,
  });
  const result = existsSync(countFile)
    ? JSON.parse(readFileSync(countFile, 'utf8'))
    : { passed: 0, failed: 0, skipped: 0, what: [] };
  for (const { title, error, told } of result.what)
    failures.push(`${briefly(`${name}: ${title}`, error)}${told === '' ? '' : `\n${told}`}`);
  // Mocha that could not load a file, was killed, or hung, has no failed test to show for it.
  if (code !== 0 && result.failed === 0) {
    result.failed = 1;
    failures.push(briefly(`${name}: ended without a verdict (${code})`, output));
  }
  for (const key of Object.keys(totals)) totals[key] += result[key];
  const end =
    code === 0 ? '' : `✖ ${name}: ${typeof code === 'number' ? `exit code ${code}` : code} (${seconds(started)})\n`;
  if (!isLive) return `${title}${output}${end}`;
  process.stdout.write(end);
  return '';
}

/** Runs Node with these arguments to its end. `code` is the exit code, or in words why there is none. */
function run(args, { env = {}, isLive = false, timeoutMs }) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }), ...env },
      stdio: isLive ? 'inherit' : ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    let output = '';
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, timeoutMs);
    child.stdout?.setEncoding('utf8').on('data', (text) => (output += text));
    child.stderr?.setEncoding('utf8').on('data', (text) => (output += text));
    child.on('error', (error) => (output += `${error.message}\n`));
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      resolve({ code: isLate ? `not done in ${timeoutMs / 1000} s` : (code ?? `ended by ${signal}`), output });
    });
  });
}

/** A title and the first lines of what went wrong, indented below it. */
function briefly(title, text) {
  const lines = text.trim().split('\n');
  const more = lines.length > ERROR_LINES_MAX ? ['…'] : [];
  return [title, ...lines.slice(0, ERROR_LINES_MAX), ...more].join('\n    ').trimEnd();
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}
