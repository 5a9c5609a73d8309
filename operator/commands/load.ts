/** `ssmmp load`: users at work, and whether what they saw can be true. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { pageOf } from '../../load/core/page.ts';
import { verdictText, type LoadReport } from '../../load/core/report.ts';
import { DEFAULT_MIX, readMix, WORK_KINDS, type Mix } from '../../load/core/work.ts';
import { LiveTable, tableText } from '../../load/shell/live-table.ts';
import { LoadNotStarted, runLoad } from '../../load/shell/run.ts';
import type { Gateway, Gateways } from '../../load/shell/user-link.ts';
import { splitAddressPort } from '../../ssmmp/core/address.ts';
import { EXIT, OperatorError, Outcome } from '../core/exit-code.ts';
import { readClusterFile } from '../shell/cluster-file.ts';
import type { OperatorClient } from '../shell/operator-client.ts';
import { tell, writeData } from '../shell/output.ts';
import type { Settings } from '../shell/settings.ts';
import { clientOf, interruption, settingsOf, wholeNumber, withExamples } from './command.ts';

const USERS_MAX = 10_000;
const SECONDS_MAX = 7 * 24 * 3600;
const RATE_MAX = 1_000_000;
const THINK_MS_MAX = 600_000;
const FILE_BYTES_MAX = 64 * 1024 * 1024;
const SEED_MAX = 999_999_999;
const GATEWAY_PORT = 8080;

interface Options {
  readonly users: number;
  readonly seconds: number;
  readonly rate?: number;
  readonly mix: Mix;
  readonly think: number;
  readonly seed: number;
  readonly fileBytes: number;
  readonly gateway?: readonly Gateway[];
  readonly out?: string;
}

export function addLoad(program: Command): void {
  const command = program
    .command('load')
    .description('put users to work on the CNApp, measure, and check what they saw')
    .option('--users <n>', 'how many users', wholeNumber(1, USERS_MAX), 16)
    .option('--seconds <s>', 'for how long', wholeNumber(1, SECONDS_MAX), 10)
    .option('--rate <r>', 'operations a second, come what may (default: a closed loop)', wholeNumber(1, RATE_MAX))
    .addOption(
      new Option('--mix <weights>', 'how often what is done')
        .argParser(mixOption)
        .default(DEFAULT_MIX, WORK_KINDS.map((kind) => `${kind}=${DEFAULT_MIX[kind]}`).join(',')),
    )
    .option('--think <ms>', 'mean time a user thinks in a closed loop', wholeNumber(0, THINK_MS_MAX), 100)
    .option('--seed <n>', 'chance and user names come from it', wholeNumber(0, SEED_MAX), 1)
    .option('--file-bytes <n>', 'size of a file', wholeNumber(0, FILE_BYTES_MAX), 65_536)
    .option('--gateway <list>', 'ADDRESS[:PORT], several with commas (default: those of the cluster)', gatewayOption)
    .option('--out <dir>', 'write load.json and load.html there')
    .action(async (options: Options, self: Command) => {
      await load(options, self);
    });
  withExamples(command, [
    ['ssmmp load', 'ten seconds, sixteen users'],
    ['ssmmp load --seconds 60 --out report', 'and in another terminal: scale, migrate, kill'],
    ['ssmmp load --rate 500 --mix post=1,read=9', '500 a second whether answered or not'],
    ['ssmmp load --mix file=1 --file-bytes 1000000', 'only files, of one megabyte'],
  ]);
}

async function load(options: Options, command: Command): Promise<void> {
  const settings = settingsOf(command);
  const table = new LiveTable(process.stderr, process.env);
  const client = clientOf(command);
  const report = await runLoad({
    users: options.users,
    seconds: options.seconds,
    rate: options.rate ?? null,
    mix: options.mix,
    thinkMs: options.think,
    seed: options.seed,
    fileBytes: options.fileBytes,
    gateways: gatewaysOf(options.gateway ?? null, settings),
    sampleInstances: () => instancesOf(client),
    onSecond: (second, instances, rows) => table.show(second, instances, rows),
    stop: interruption(),
  }).catch((error: unknown) => {
    if (error instanceof LoadNotStarted) throw new OperatorError(EXIT.unreachable, error.message);
    throw error;
  });
  if (options.out !== undefined) writeFiles(options.out, report);
  if (settings.output === 'json') writeData(`${JSON.stringify(report, null, 2)}\n`);
  else writeData(`${tableText(report.rows)}\n${verdictText(report)}\n`);
  if (report.violation !== null) throw new Outcome(EXIT.failed);
}

function writeFiles(folder: string, report: LoadReport): void {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'load.json'), `${JSON.stringify(report, null, 2)}\n`);
    writeFileSync(join(folder, 'load.html'), pageOf(report));
  } catch (error) {
    throw new OperatorError(EXIT.failed, `--out ${folder}: ${(error as Error).message}`);
  }
  tell(`written: ${join(folder, 'load.json')} and ${join(folder, 'load.html')}`);
}

/** Gateways come and go: the cluster's file is read anew at every new connection. */
function gatewaysOf(given: readonly Gateway[] | null, settings: Settings): Gateways {
  if (given !== null) return () => given;
  let last = gatewaysNow(settings);
  if (last.length === 0)
    throw new OperatorError(
      EXIT.unreachable,
      `${join(settings.stateDir, 'cluster.json')} names no gateway; is the cluster up? else give --gateway ADDRESS[:PORT]`,
    );
  return () => {
    const now = gatewaysNow(settings);
    if (now.length > 0) last = now;
    return last;
  };
}

function gatewaysNow({ stateDir }: Settings): Gateway[] {
  const rows = readClusterFile(stateDir)?.gateways ?? [];
  return rows.map(({ address, port }) => ({ host: address, port }));
}

/** Running instances by service; null while the Manager does not answer. */
async function instancesOf(client: OperatorClient): Promise<Record<string, number> | null> {
  const rows = await client.list('services').catch((error: unknown) => {
    if (error instanceof OperatorError) return null; // it may be dead just now: users go on
    throw error;
  });
  return rows === null ? null : Object.fromEntries(rows.map((row) => [row.service_name, row.running]));
}

function mixOption(text: string): Mix {
  const mix = readMix(text);
  if (typeof mix === 'string') throw new InvalidArgumentError(mix);
  return mix;
}

function gatewayOption(text: string): Gateway[] {
  return text.split(',').map((piece) => {
    const place = splitAddressPort(piece.trim(), GATEWAY_PORT);
    if (place === null)
      throw new InvalidArgumentError(`Expected ADDRESS or ADDRESS:PORT (IPv6 as [::1]:8080), found '${piece}'.`);
    return { host: place.address, port: place.port };
  });
}
