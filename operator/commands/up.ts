/**
 * `ssmmp up`: a Manager and nodes on this machine, until Ctrl-C.
 *
 * Lives here: its options, what is refused before anything starts, and the order from the lock to the last word. Does not live
 * here: the cluster while it runs (shell/cluster-run.ts), what an earlier one left (shell/leftovers.ts), its end by a signal
 * (shell/stop-signals.ts) and in which order (shell/cluster-stop.ts).
 */
import { existsSync, mkdirSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import {
  brokenTimerLaws,
  scaledTimers,
  smallestFactor,
  TIMER_PRESETS,
  type TimerPreset,
} from '../../ssmmp/core/timers.ts';
import { DEFAULT_SUBNET, isPrefix6, NETNS_SUBNET, NODES_MAX } from '../core/addresses.ts';
import { planCluster } from '../core/cluster-plan.ts';
import { servedText } from '../core/cluster-text.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import type { ClusterOptions } from '../shell/cluster-file.ts';
import { ClusterRun } from '../shell/cluster-run.ts';
import type { ServedState } from '../shell/cluster-run.ts';
import { stopCluster } from '../shell/cluster-stop.ts';
import { detach, isDetachedChild, reportFailure, reportReady } from '../shell/detach.ts';
import { distFile, distFolder } from '../shell/dist-folder.ts';
import { openFront } from '../shell/front.ts';
import type { Front } from '../shell/front.ts';
import { readGraphFile } from '../shell/graph-file.ts';
import { sortOutLeftovers } from '../shell/leftovers.ts';
import { Netns, netnsProblem } from '../shell/netns.ts';
import { onClosedPipe, styleFor, tell, writeData } from '../shell/output.ts';
import { mustShareAddress, requireFreePorts, sharedRefusal } from '../shell/preflight.ts';
import { chooseRepository } from '../shell/repository-choice.ts';
import { readSettings } from '../shell/settings.ts';
import type { GlobalOptions, Settings } from '../shell/settings.ts';
import { stopSignals } from '../shell/stop-signals.ts';
import type { StopSignals } from '../shell/stop-signals.ts';
import { copyText, dropUpLock, takeUpLock } from '../shell/up-lock.ts';
import { wholeNumber, withExamples } from './command.ts';

const DEFAULT_NODES = 3;

interface UpOptions extends GlobalOptions {
  readonly nodes: number;
  readonly graph?: string;
  readonly repository?: string;
  readonly mirror?: string;
  readonly detach: boolean;
  readonly sharedAddress: boolean;
  readonly netns: boolean;
  readonly 'strict1.1': boolean;
  readonly timers: TimerPreset;
  readonly timerScale: number;
}

export function addUp(program: Command): void {
  const command = program
    .command('up')
    .description('start a Manager and nodes on this machine and keep them running until Ctrl-C')
    .addOption(
      new Option('--nodes <n>', 'how many nodes')
        .env('SSMMP_NODES')
        .argParser(wholeNumber(1, NODES_MAX))
        .default(DEFAULT_NODES),
    )
    .addOption(new Option('--graph <file>', 'the abstract graph (default: services/cnapp.yaml)').env('SSMMP_GRAPH'))
    .addOption(
      new Option('--repository <file>', 'the programs of the services (default: the built-in ones)').env(
        'SSMMP_REPOSITORY',
      ),
    )
    .addOption(
      new Option(
        '--mirror <dir>',
        "a second copy of the Manager's journal (default: mirror in the state directory)",
      ).env('SSMMP_MIRROR'),
    )
    .option('--detach', 'give the terminal back once a user can be served', false)
    .option(
      '--shared-address',
      'nodes share 127.0.0.1 and differ by port, as on a host with one loopback address',
      false,
    )
    .option('--netns', 'Linux, root: each node in a network namespace of its own, at fd55::11, fd55::12 …', false)
    .addOption(new Option('--strict-1.1', 'no x_ lines in any message').default(false))
    .addOption(
      new Option(
        '--timers <preset>',
        'durations to start from; nomad and kubernetes show what their defaults feel like',
      )
        .choices(TIMER_PRESETS)
        .env('SSMMP_TIMERS')
        .default('lab'),
    )
    .addOption(
      new Option('--timer-scale <x>', 'multiply every timer').env('SSMMP_TIMER_SCALE').argParser(factor).default(1),
    )
    .action(async (_options: unknown, self: Command) => {
      await up(self.optsWithGlobals<UpOptions>());
    });
  withExamples(command, [
    ['ssmmp up', 'the social network on three nodes; the same as npm start'],
    ['ssmmp up --subnet 127.0.7 --state-dir .ssmmp-7', 'a second cluster beside it'],
    ['ssmmp up --graph labs/graphs/abstract-example.yaml', 'any graph; unknown services run a generic relay'],
    ['ssmmp up --timers kubernetes --timer-scale 0.1', 'wait as Kubernetes does, ten times as fast'],
    ['ssmmp up --netns', 'as root on Linux: real networks, which ssmmp fault cut can cut'],
    ['ssmmp up --detach', 'in the background; ssmmp down ends it'],
    ['ssmmp up', 'after the first one was killed: takes over what still runs; no user notices'],
  ]);
}

async function up(options: UpOptions): Promise<void> {
  // a cluster.json that an earlier run left must not choose the subnet of this one
  const settings = readSettings({ ...options, subnet: subnetOf(options) });
  if (options.detach && !isDetachedChild()) return await detach(settings);
  onClosedPipe('ignore');
  const stop = stopSignals();
  try {
    await serveAlone(options, settings, stop);
  } catch (error) {
    if (isDetachedChild()) reportFailure(error);
    throw error;
  }
}

/** Takes the lock, serves, gives the lock back. */
async function serveAlone(options: UpOptions, settings: Settings, stop: StopSignals): Promise<void> {
  const copy = copyText(settings.stateDir);
  if (copy !== null) tell(`${copy}: what it holds is read as after a crash`);
  const owner = takeUpLock(settings.stateDir);
  if (owner !== null) {
    const place = `${settings.stateDir} already (pid ${owner.pid})`;
    const message = `a cluster runs from ${place}: use it, end it with \`ssmmp down\`, or start another with --subnet 127.0.7 --state-dir .ssmmp-7`;
    throw new OperatorError(EXIT.failed, message);
  }
  try {
    await serve(options, settings, stop);
  } finally {
    dropUpLock(settings.stateDir);
  }
}

/** Everything between taking the lock and giving it back. */
async function serve(options: UpOptions, settings: Settings, stop: StopSignals): Promise<void> {
  const startedAt = performance.now();
  refuseTimers(options);
  const graphFile = options.graph === undefined ? defaultGraph() : resolve(options.graph);
  const graph = await readGraphFile(graphFile);
  mkdirSync(settings.stateDir, { recursive: true });
  const repository = chooseRepository(graph, options.repository ?? null, settings.stateDir);
  if (repository.relayed.length > 0) tell(`the generic relay runs for ${repository.relayed.join(', ')}`);
  const netns = options.netns ? new Netns(settings.stateDir, settings.subnet, options.nodes) : null;
  const isShared = options.sharedAddress || (netns === null && (await mustShareAddress(settings.subnet)));
  const refusal = isShared ? sharedRefusal(options.nodes, options['strict1.1']) : null;
  if (refusal !== null) throw new OperatorError(EXIT.failed, refusal);
  const mirror = resolve(options.mirror ?? join(settings.stateDir, 'mirror'));
  const chosen: ClusterOptions = {
    nodes: options.nodes,
    graph: graphFile,
    repository: repository.file,
    mirror,
    shared_address: isShared,
    strict: options['strict1.1'],
    timers: options.timers,
    timer_scale: options.timerScale,
  };
  const found = await sortOutLeftovers(settings, chosen);
  const plan = planCluster(
    {
      subnet: settings.subnet,
      nodes: options.nodes,
      isShared,
      stateDir: settings.stateDir,
      graphFile,
      repositoryFile: repository.file,
      distDir: distFolder(),
      mirror,
      publicPorts: graph.services.flatMap(({ publicSockets }) => publicSockets.map(({ port }) => port)),
      isStrict: options['strict1.1'],
      timerScale: options.timerScale,
      timerPreset: options.timers,
      ...(netns === null ? {} : { enter: netns.enter }),
    },
    join,
  );
  for (const program of ['manager.js', 'supervisor.js', 'agent.js']) distFile(program);
  const here: Settings = { ...settings, operator: { ...settings.operator, address: plan.managerAddress } };
  const run = new ClusterRun({ plan, settings: here, options: chosen, found }, (line) => tell(line));
  stop.onFirst(() => run.release());
  let front: Front | null = null;
  try {
    if (found === null) {
      netns?.create();
      await requireFreePorts(plan);
    } // those of a cluster that is taken over are its own
    const served = await run.start({
      ...process.env,
      SSMMP_TIMERS: options.timers,
      SSMMP_TIMER_SCALE: String(options.timerScale),
    });
    front = await openFront(plan, here, run, netns, (line) => tell(line));
    announce(graph.cnapp, served, here, performance.now() - startedAt);
    await stop.first;
  } catch (error) {
    if (!stop.isAsked()) throw error;
  } finally {
    run.release();
    await front?.close();
    const report = await stopCluster(here, stop.isHurried, () => run.processes());
    for (const { name, pid } of report.left) tell(`${name} (pid ${pid}) could not be ended`);
    netns?.remove();
  }
  tell('stopped; nothing is left running');
}

/** The subnet asked for, or the default; a testbed in namespaces has IPv6, another has not. Throws OperatorError. */
function subnetOf({ subnet, netns, sharedAddress }: UpOptions): string {
  const problem = netns ? netnsProblem() : null;
  if (problem !== null) throw new OperatorError(EXIT.failed, problem);
  if (netns && sharedAddress)
    throw new OperatorError(EXIT.usage, '--netns gives each node an address, --shared-address one to all: give one');
  const wanted = subnet ?? (netns ? NETNS_SUBNET : DEFAULT_SUBNET);
  if (isPrefix6(wanted) === netns) return wanted;
  const expected = netns ? 'with --netns the subnet is an IPv6 prefix such as fd55::' : 'an IPv6 subnet needs --netns';
  throw new OperatorError(EXIT.usage, `--subnet '${wanted}': ${expected}`);
}

/** A factor so small that recovery would not be sound any more is refused, with the smallest that is. */
function refuseTimers({ timers, timerScale }: UpOptions): void {
  const [broken] = brokenTimerLaws(scaledTimers(timerScale, timers));
  if (broken === undefined) return;
  const message = `--timers ${timers} --timer-scale ${timerScale} breaks a law among the timers: ${broken}; the smallest factor for ${timers} is ${smallestFactor(timers)}. \`ssmmp get timers\` and docs/recovery.md explain them`;
  throw new OperatorError(EXIT.usage, message);
}

function announce(cnapp: string, served: ServedState, settings: Settings, startedMs: number): void {
  const text = (style: Parameters<typeof servedText>[1]): string =>
    servedText(
      {
        cnapp,
        subnet: settings.subnet,
        stateDir: shortPath(settings.stateDir),
        isDefault: settings.isDefault,
        isSocialMedia: cnapp === 'social-media',
        isDetached: isDetachedChild(),
        nodes: served.nodes,
        gateways: served.gateways,
        operator: `${settings.operator.address}:${settings.operator.port}`,
        startedMs,
      },
      style,
    );
  const style = styleFor(process.stdout);
  if (isDetachedChild()) reportReady(text(style));
  else writeData(text(style));
}

/** From here where it lies below here. */
function shortPath(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere === '' ? '.' : fromHere.startsWith('..') ? path : fromHere;
}

/** The built copy, or the source beside the sources. */
function defaultGraph(): string {
  const built = join(distFolder(), 'cnapp.yaml');
  return existsSync(built) ? built : resolve(distFolder(), '..', 'services', 'cnapp.yaml');
}

function factor(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 100) return value;
  throw new InvalidArgumentError('Expected a factor above 0, at most 100.');
}
