// Measures the same app under the same load three times: direct, with a forwarding sidecar beside every instance, with one that reads
// every message.
//
//     node measure.mjs [--rounds 5] [--seconds 3] [--users 4]
//
// Turn by turn, so that what else your machine does hits all three alike; the middle of the rounds counts, and their spread is
// shown. Writes measured.json and measured.svg. CPU and memory are those of the processes on the way of a post or a read: gateway,
// post, table, posts-db, and their sidecars. They are read from /proc, so they are missing where there is none.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const VARIANTS = ['direct', 'forward', 'parse'];
const ON_THE_WAY = ['api-gateway', 'post', 'table', 'posts-db'];
const TICK_US = 10_000; // of /proc: a hundredth of a second
const PAGE_BYTES = 4096;
const here = fileURLToPath(new URL('.', import.meta.url));

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    users: { type: 'string', default: '4' },
    subnet: { type: 'string', default: '127.71' },
    clone: { type: 'string', default: process.env.SSMMP_LAB_CLONE ?? '../..' },
  },
});
const clone = resolve(here, values.clone);
// The three clusters look whether the process named here still runs, and end when it does not: also after Ctrl-C.
process.env.SSMMP_LIFELINE ??= join(here, '.sidecars');
mkdirSync(join(here, '.sidecars'), { recursive: true });
writeFileSync(join(here, '.sidecars', 'owner'), JSON.stringify({ pid: process.pid }));

/** A command of the clone; gives what it prints. */
function ssmmp(variant, ...words) {
  const at = VARIANTS.indexOf(variant) + 1;
  const place = ['--subnet', `${values.subnet}.${at}`, '--state-dir', join(here, '.sidecars', variant)];
  const stdio = ['ignore', 'pipe', 'ignore'];
  return execFileSync(process.execPath, [join(clone, 'dist/ssmmp.js'), ...words, ...place], {
    encoding: 'utf8',
    stdio,
  });
}

/** What an agent shall run: every service, beside its sidecar where the variant has one. */
function repository(variant) {
  const services = {};
  for (const file of readdirSync(join(clone, 'dist/services'))) {
    if (!file.endsWith('.js')) continue;
    const program = ['node', join(clone, 'dist/services', file)];
    const beside = variant === 'direct' ? [] : ['node', join(here, 'sidecar.mjs'), variant];
    services[file.replace('.js', '')] = { run: [...beside, ...program] };
  }
  const path = join(here, '.sidecars', `${variant}.json`);
  writeFileSync(path, JSON.stringify({ services }));
  return path;
}

/** CPU in µs, memory in MB and number of the processes on the way; null where there is no /proc. */
function used(variant) {
  const instances = JSON.parse(ssmmp(variant, 'get', 'instances', '-o', 'json'));
  const pids = new Set(instances.filter(({ service_name: name }) => ON_THE_WAY.includes(name)).map(({ pid }) => pid));
  let [cpu, memory, processes] = [0, 0, 0];
  try {
    for (const pid of readdirSync('/proc')
      .filter((name) => /^[0-9]+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b)) {
      let fields;
      try {
        fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
      } catch {
        continue; // it has just ended
      }
      if (!pids.has(pid) && !pids.has(Number(fields[1]))) continue; // an instance, or the child of its sidecar
      processes += 1;
      cpu += (Number(fields[11]) + Number(fields[12])) * TICK_US;
      memory += (Number(fields[21]) * PAGE_BYTES) / 1e6;
    }
  } catch {
    return null;
  }
  return { cpu, memory, processes };
}

function measure(variant, round) {
  const before = used(variant);
  const words = [
    'load',
    '--users',
    values.users,
    '--seconds',
    values.seconds,
    '--think',
    '0',
    '--seed',
    String(1000 + round),
    '-o',
    'json',
  ];
  const report = JSON.parse(ssmmp(variant, ...words));
  const after = used(variant);
  const all = report.rows.find(({ name }) => name === 'all');
  const cpu = before === null ? null : (after.cpu - before.cpu) / all.requests;
  return {
    variant,
    round,
    p50_ms: all.p50Ms,
    p95_ms: all.p95Ms,
    p99_ms: all.p99Ms,
    rate: all.perSecond,
    cpu_us_a_request: cpu,
    memory_mb: after?.memory ?? null,
    processes: after?.processes ?? null,
    errors: all.errors,
  };
}

const FIGURES = [
  ['p50_ms', 'p50, ms'],
  ['p95_ms', 'p95, ms'],
  ['p99_ms', 'p99, ms'],
  ['rate', 'requests/s'],
  ['cpu_us_a_request', 'CPU a request, µs'],
  ['memory_mb', 'memory, MB'],
];

/** The middle, the least and the most of a figure over the rounds. */
function spread(rows, variant, figure) {
  const sorted = rows
    .filter((row) => row.variant === variant)
    .map((row) => row[figure])
    .sort((a, b) => a - b);
  return { middle: sorted[Math.floor(sorted.length / 2)], least: sorted[0], most: sorted.at(-1) };
}

const short = (number) => (number === null ? '–' : number >= 100 ? number.toFixed(0) : number.toFixed(2));

function table(rows) {
  const lines = [['', ...VARIANTS]];
  for (const [figure, name] of FIGURES)
    lines.push([
      name,
      ...VARIANTS.map((variant) => {
        const { middle, least, most } = spread(rows, variant, figure);
        return `${short(middle)} (${short(least)}–${short(most)})`;
      }),
    ]);
  const widths = lines[0].map((_, at) => Math.max(...lines.map((line) => line[at].length)));
  return lines
    .map((line) =>
      line
        .map((cell, at) => cell.padEnd(widths[at]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Bars of the middle, a line for the spread; each figure has a scale of its own. */
function plot(rows) {
  const parts = FIGURES.map(([figure, name], row) => {
    const all = VARIANTS.map((variant) => spread(rows, variant, figure));
    const scale = 380 / Math.max(1e-9, ...all.map(({ most }) => most ?? 0));
    const bars = all.map(({ middle, least, most }, at) => {
      const y = row * 100 + 30 + at * 20;
      return `<text x="8" y="${y + 11}">${VARIANTS[at]}</text><rect x="70" y="${y}" width="${middle * scale}" height="14" fill="${['#2a7', '#c83', '#b35'][at]}"/><line x1="${70 + least * scale}" x2="${70 + most * scale}" y1="${y + 7}" y2="${y + 7}" stroke="black"/><text x="${78 + most * scale}" y="${y + 11}">${short(middle)}</text>`;
    });
    return `<text x="8" y="${row * 100 + 20}" font-weight="bold">${name}</text>${bars.join('')}`;
  });
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="560" height="${FIGURES.length * 100 + 10}" font-family="sans-serif" font-size="12">`;
  return `${head}<rect width="100%" height="100%" fill="white"/>${parts.join('')}</svg>\n`;
}

const rows = [];
const up = [];
try {
  for (const variant of VARIANTS) {
    process.stderr.write(`starting ${variant} …\n`);
    ssmmp(variant, 'up', '--detach', '--repository', repository(variant));
    up.push(variant);
    measure(variant, 0); // opens the sessions, warms up; not counted
  }
  for (let round = 1; round <= Number(values.rounds); round += 1)
    for (const variant of VARIANTS) {
      process.stderr.write(`round ${round} of ${values.rounds}: ${variant}\n`);
      rows.push(measure(variant, round));
    }
} finally {
  for (const variant of up) ssmmp(variant, 'down');
}
writeFileSync(join(here, 'measured.json'), `${JSON.stringify(rows, null, 1)}\n`);
writeFileSync(join(here, 'measured.svg'), plot(rows));
console.log(table(rows));
