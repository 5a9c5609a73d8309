/** `ssmmp fault`: break things in a way that can be undone. Lives here: the sub-commands that are done at once; hold.ts waits. */
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { isCutOf } from '../../faults/core/fault.ts';
import type { FaultRecord, FaultRequest, Peer } from '../../faults/core/fault.ts';
import { DURATION_EXPECTED, parseDuration } from '../../ssmmp/core/duration.ts';
import { nodeNumber, parseNode } from '../core/addresses.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { faultsText } from '../core/fault-rows.ts';
import { readClusterFile } from '../shell/cluster-file.ts';
import { FrontClient } from '../shell/front-client.ts';
import { styleFor, writeData } from '../shell/output.ts';
import type { Settings } from '../shell/settings.ts';
import { nodeArgument, settingsOf, withExamples } from './command.ts';
import { addHold } from './hold.ts';
import { findTarget, TARGETS } from './kill.ts';

const FOR = new Option('--for <duration>', 'undo it by itself after this time, such as 5s').argParser(duration);

export function addFault(program: Command): void {
  const fault = program
    .command('fault')
    .description('break things, and undo it; ssmmp down and the end of ssmmp up undo all');
  withExamples(fault, [
    ['ssmmp fault stop instance post/5 --for 3s', 'a process that hangs, and wakes up'],
    ['ssmmp fault node-off 2', 'node 2 loses its power; node-on 2 gives it back'],
    ['ssmmp fault cut 2 manager', 'node 2 is cut off from the Manager; heal 2 manager'],
    ['ssmmp fault slow 2 manager --delay 200 --loss 5', 'a bad link'],
    ['ssmmp fault hold --type execution_request', 'freeze before a message, look at it, decide'],
    ['ssmmp fault list', 'what is on, and what undoes it'],
    ['ssmmp fault undo --all', 'everything is well again'],
  ]);
  addList(fault);
  addStop(fault);
  addContinue(fault);
  addNodeOff(fault);
  addNodeOn(fault);
  addCut(fault);
  addHeal(fault);
  addSlow(fault);
  addFillDisk(fault);
  addHold(fault);
  addUndo(fault);
}

function addList(fault: Command): void {
  const command = fault.command('list').description('the faults that are on');
  command.action(async (_options: unknown, self: Command) => {
    const { faults } = await new FrontClient(settingsOf(self)).list();
    writeFaults(faults, self, faultsText(faults, styleFor(process.stdout)));
  });
  withExamples(command, [['ssmmp fault list -o json', 'for programs']]);
}

function addStop(fault: Command): void {
  const command = fault
    .command('stop')
    .description('stop a process (SIGSTOP): it is there and does nothing')
    .argument('<what>', TARGETS.join(', '))
    .argument('[name]', 'an instance (5 or post/5) or a node')
    .addOption(FOR)
    .action(async (what: string, name: string | undefined, options: { for?: number }, self: Command) => {
      const settings = settingsOf(self);
      const { pid, startTime, name: found } = await findTarget(targetOf(what), name, settings);
      await start(
        { kind: 'stop', what: targetOf(what), name: found, pid, startTime, forMs: options.for ?? null },
        self,
      );
    });
  withExamples(command, [
    ['ssmmp fault stop instance post/5 --for 3s', 'it wakes up after three seconds'],
    ['ssmmp fault stop agent 2', 'until ssmmp fault continue agent 2'],
  ]);
}

function addContinue(fault: Command): void {
  const command = fault
    .command('continue')
    .description('let a stopped process go on')
    .argument('<what>', TARGETS.join(', '))
    .argument('[name]', 'an instance (5 or post/5) or a node')
    .action(async (what: string, name: string | undefined, _options: unknown, self: Command) => {
      const target = targetOf(what);
      const isIt = ({ request }: FaultRecord): boolean => {
        if (request.kind !== 'stop' || request.what !== target) return false;
        if (target === 'instance')
          return name === undefined || request.name === name || request.name.endsWith(`/${name}`);
        return target !== 'agent' || name === undefined || request.name.endsWith(` ${nodeOf(name, settingsOf(self))}`);
      };
      await undoThose(isIt, `no ${what}${name === undefined ? '' : ` ${name}`} is stopped`, self);
    });
  withExamples(command, [['ssmmp fault continue instance post/5', 'it goes on where it was']]);
}

function addNodeOff(fault: Command): void {
  const command = fault
    .command('node-off')
    .description('kill all processes of a node at once, and start none')
    .argument('<node>', 'its number or address', nodeArgument)
    .addOption(FOR)
    .action(async (node: string, options: { for?: number }, self: Command) => {
      await start({ kind: 'node-off', node: nodeOf(node, settingsOf(self)), forMs: options.for ?? null }, self);
    });
  withExamples(command, [['ssmmp fault node-off 2 --for 20s', 'the power is back after twenty seconds']]);
}

function addNodeOn(fault: Command): void {
  const command = fault
    .command('node-on')
    .description('start the agent of a node again')
    .argument('<node>', 'its number or address', nodeArgument)
    .action(async (node: string, _options: unknown, self: Command) => {
      const number = nodeOf(node, settingsOf(self));
      const isIt = ({ request }: FaultRecord): boolean => request.kind === 'node-off' && request.node === number;
      await undoThose(isIt, `node ${node} is not off`, self);
    });
  withExamples(command, [['ssmmp fault node-on 2', 'it registers again, with nothing running']]);
}

function addCut(fault: Command): void {
  const command = fault
    .command('cut')
    .description('cut a link: nothing passes and nobody is told')
    .argument('<node>', 'its number or address', nodeArgument)
    .argument('[peer]', 'manager, users, or with --netns another node or all', 'manager')
    .addOption(new Option('--one-way <way>', 'only what goes this way is lost').choices(['from-node', 'to-node']))
    .addOption(FOR)
    .action(
      async (
        node: string,
        peer: string,
        options: { oneWay?: 'from-node' | 'to-node'; for?: number },
        self: Command,
      ) => {
        const settings = settingsOf(self);
        const request: FaultRequest = {
          kind: 'cut',
          node: nodeOf(node, settings),
          peer: peerOf(peer, settings),
          oneWay: options.oneWay ?? null,
          forMs: options.for ?? null,
        };
        await start(request, self);
      },
    );
  withExamples(command, [
    ['ssmmp fault cut 2', 'node 2 and the Manager do not hear each other; users and instances do'],
    ['ssmmp fault cut 2 --one-way from-node', 'node 2 hears the Manager, which does not hear it'],
    ['ssmmp fault cut 2 all', 'with ssmmp up --netns: node 2 is alone'],
  ]);
}

function addHeal(fault: Command): void {
  const command = fault
    .command('heal')
    .description('mend what was cut')
    .argument('<node>', 'its number or address', nodeArgument)
    .argument('[peer]', 'manager, users, another node, all (default: every cut of the node)')
    .action(async (node: string, peer: string | undefined, _options: unknown, self: Command) => {
      const settings = settingsOf(self);
      const number = nodeOf(node, settings);
      const other = peer === undefined ? null : peerOf(peer, settings);
      await undoThose((record) => isCutOf(record, number, other), `nothing of node ${node} is cut`, self);
    });
  withExamples(command, [['ssmmp fault heal 2', 'what was sent meanwhile arrives now']]);
}

function addSlow(fault: Command): void {
  const command = fault
    .command('slow')
    .description('a slow or lossy link between a node and the Manager, or a gateway and its users')
    .argument('<node>', 'its number or address', nodeArgument)
    .argument('[peer]', 'manager or users', 'manager')
    .option('--delay <ms>', 'one way', number(0, 60_000), 0)
    .option('--jitter <ms>', 'up to so much more', number(0, 60_000), 0)
    .option('--rate <bytes>', 'bytes a second', number(1, 1e9))
    .option('--loss <percent>', 'so many packets are lost and have to be sent again', number(0, 100), 0)
    .option('--resets <n>', 'so many connections a minute are reset', number(0, 6000), 0)
    .addOption(FOR)
    .action(async (node: string, peer: string, options: SlowOptions, self: Command) => {
      const settings = settingsOf(self);
      const shape = {
        delayMs: options.delay,
        jitterMs: options.jitter,
        bytesPerSecond: options.rate ?? null,
        lossPercent: options.loss,
        resetsPerMinute: options.resets,
      };
      if (Object.values(shape).every((value) => value === 0 || value === null))
        throw new OperatorError(EXIT.usage, 'a link without --delay, --jitter, --rate, --loss or --resets is not slow');
      const place = { node: nodeOf(node, settings), peer: peerOf(peer, settings) };
      await start({ kind: 'slow', ...place, shape, forMs: options.for ?? null }, self);
    });
  withExamples(command, [
    ['ssmmp fault slow 2 --delay 300 --jitter 100', 'node 2 is far from the Manager'],
    ['ssmmp fault slow 1 users --loss 5 --rate 50000', 'users of the gateway on node 1 are on a bad phone'],
  ]);
}

interface SlowOptions {
  readonly delay: number;
  readonly jitter: number;
  readonly rate?: number;
  readonly loss: number;
  readonly resets: number;
  readonly for?: number;
}

function addFillDisk(fault: Command): void {
  const command = fault
    .command('fill-disk')
    .description("the disk of the Manager's journal, or of a store, takes nothing any more (ENOSPC)")
    .argument('<whose>', 'manager, or a store such as posts-db')
    .addOption(FOR)
    .action(async (whose: string, options: { for?: number }, self: Command) => {
      await start({ kind: 'fill-disk', whose, forMs: options.for ?? null }, self);
    });
  withExamples(command, [
    ['ssmmp fault fill-disk posts-db --for 10s', 'posts are answered 503 and why; reading goes on'],
    ['ssmmp fault fill-disk manager', 'the Manager acknowledges nothing, users go on'],
  ]);
}

function addUndo(fault: Command): void {
  const command = fault
    .command('undo')
    .description('undo a fault, or all')
    .argument('[id]', 'as ssmmp fault list shows it')
    .option('--all', 'every fault', false)
    .action(async (id: string | undefined, options: { all: boolean }, self: Command) => {
      if ((id === undefined) !== options.all) throw new OperatorError(EXIT.usage, 'expected one fault, or --all');
      const client = new FrontClient(settingsOf(self));
      const undone = id === undefined ? await client.undoAll() : await client.undo(id);
      if (id !== undefined && undone.length === 0)
        throw new OperatorError(EXIT.failed, `no fault ${id} is on; \`ssmmp fault list\` names them`);
      writeUndone(undone, self);
    });
  withExamples(command, [
    ['ssmmp fault undo f3', 'one'],
    ['ssmmp fault undo --all', 'all, the youngest first'],
  ]);
}

/** Does it and tells what undoes it. */
async function start(request: FaultRequest, command: Command): Promise<void> {
  const record = await new FrontClient(settingsOf(command)).start(request);
  const where = record.address === null ? '' : `; users who look it up in cluster.json come by ${record.address}`;
  const until = request.forMs === null ? `undo: ${record.undo}` : `undone by itself at ${record.until ?? ''}`;
  writeFaults([record], command, `${record.id}: ${record.target}: ${record.detail}${where}\n${until}\n`);
}

/** Undoes every fault that `isIt` picks. */
async function undoThose(isIt: (record: FaultRecord) => boolean, none: string, command: Command): Promise<void> {
  const client = new FrontClient(settingsOf(command));
  const those = (await client.list()).faults.filter(isIt);
  if (those.length === 0) throw new OperatorError(EXIT.failed, `${none}; \`ssmmp fault list\` shows what is on`);
  const undone = [];
  for (const { id } of those) undone.push(...(await client.undo(id)));
  writeUndone(undone, command);
}

function writeUndone(undone: readonly FaultRecord[], command: Command): void {
  const lines = undone.map(({ id, target }) => `undone ${id}: ${target}\n`);
  writeFaults(undone, command, lines.length === 0 ? 'no fault was on\n' : lines.join(''));
}

function writeFaults(faults: readonly FaultRecord[], command: Command, text: string): void {
  const { output } = settingsOf(command);
  if (output === 'json') writeData(`${JSON.stringify(faults, null, 2)}\n`);
  else if (output === 'name') writeData(faults.map(({ id }) => `${id}\n`).join(''));
  else writeData(text);
}

/** The number of a node that a person named. Throws OperatorError (usage). */
export function nodeOf(text: string, settings: Settings): number {
  const named = parseNode(text);
  if (named !== null && 'node' in named) return named.node;
  const known = readClusterFile(settings.stateDir)?.nodes.find((row) => row.agent_network_address === named?.address);
  const found = Number(
    known?.node ?? (named === null ? null : nodeNumber(settings.subnet, named.address)) ?? Number.NaN,
  );
  if (Number.isInteger(found)) return found;
  throw new OperatorError(EXIT.usage, `'${text}' is no node here; \`ssmmp get nodes\` lists them`);
}

function peerOf(text: string, settings: Settings): Peer {
  if (text === 'manager' || text === 'users' || text === 'all') return text;
  if (parseNode(text) !== null) return { node: nodeOf(text, settings) };
  throw new OperatorError(EXIT.usage, `'${text}' is no end of a link; expected manager, users, all or a node`);
}

function targetOf(what: string): (typeof TARGETS)[number] {
  const target = TARGETS.find((known) => known === what);
  if (target !== undefined) return target;
  throw new OperatorError(EXIT.usage, `'${what}' cannot be stopped; expected one of ${TARGETS.join(', ')}`);
}

export function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError(`Expected ${DURATION_EXPECTED}.`);
  return ms;
}

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a number from ${least} to ${most}.`);
  };
}
