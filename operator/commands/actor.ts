/**
 * `ssmmp manager` and `ssmmp agent`: one actor in the foreground, for several machines and for peers written by others.
 *
 * The built program is loaded into this process, so signals, logs and its exit code are its own.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Option } from 'commander';
import type { Command } from 'commander';
import { canonicalAddress } from '../../ssmmp/core/address.ts';
import { TIMER_PRESETS } from '../../ssmmp/core/timers.ts';
import { DEFAULT_SUBNET, managerAddress, nodeNumber } from '../core/addresses.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { distFile } from '../shell/dist-folder.ts';
import { onClosedPipe } from '../shell/output.ts';
import { readSettings } from '../shell/settings.ts';
import type { GlobalOptions, Settings } from '../shell/settings.ts';
import { withExamples } from './command.ts';

/** What both programs take, handed on as it is. */
const SHARED_FLAGS = ['--port', '--timers', '--timer-scale'] as const;

export function addManager(program: Command): void {
  const command = program
    .command('manager')
    .description('run a Manager in the foreground')
    .addOption(new Option('--graph <file>', 'the abstract graph').env('SSMMP_GRAPH').makeOptionMandatory())
    .addOption(new Option('--address <addr>', 'where it listens (default: .1 of the subnet)').env('SSMMP_ADDRESS'))
    .option('--port <port>', 'its port for agents (default: 55555)')
    .option('--dns-port <port>', 'its port for DNS, UDP and TCP (default: 55557)')
    .option('--shared-address', 'agents share an address and differ by x_node (R16)', false)
    .addOption(new Option('--strict-1.1', 'no x_ lines in any message').default(false))
    .addOption(timersOption())
    .addOption(new Option('--timer-scale <x>', 'multiply every timer').env('SSMMP_TIMER_SCALE'))
    .action(async (_options: unknown, self: Command) => {
      const options = self.optsWithGlobals<ActorOptions>();
      const settings = ownSettings(options);
      const args = ['--graph', options.graph ?? '', '--address', options.address ?? managerAddress(settings.subnet)];
      if (options.operatorPort !== undefined) args.push('--operator-port', options.operatorPort);
      if (options.dnsPort !== undefined) args.push('--dns-port', options.dnsPort);
      if (options.sharedAddress === true) args.push('--shared-address');
      await runActor('manager.js', [...args, ...sharedArgs(options)], settings.stateDir);
    });
  withExamples(command, [
    ['ssmmp manager --graph services/cnapp.yaml', 'a Manager at 127.0.0.1; agents join with ssmmp agent'],
  ]);
}

export function addAgent(program: Command): void {
  const command = program
    .command('agent')
    .description('run the agent of one node in the foreground')
    .addOption(new Option('--address <addr>', "the node's address").env('SSMMP_ADDRESS').makeOptionMandatory())
    .addOption(
      new Option('--manager <addr>', 'the Manager, ADDR or ADDR:PORT').env('SSMMP_MANAGER').makeOptionMandatory(),
    )
    .addOption(
      new Option('--repository <file>', 'the programs of the services').env('SSMMP_REPOSITORY').makeOptionMandatory(),
    )
    .option('--port <port>', 'its port for the instances of its node (default: 55556)')
    .addOption(new Option('--strict-1.1', 'no x_ lines in any message').default(false))
    .addOption(timersOption())
    .addOption(new Option('--timer-scale <x>', 'multiply every timer').env('SSMMP_TIMER_SCALE'))
    .action(async (_options: unknown, self: Command) => {
      const options = self.optsWithGlobals<ActorOptions>();
      const settings = ownSettings(options);
      const address = canonicalAddress(options.address ?? '');
      if (address === null) {
        throw new OperatorError(
          EXIT.usage,
          `--address '${options.address}' is no address; expected an IPv4 or IPv6 literal such as 127.0.0.14 (R15)`,
        );
      }
      const args = ['--address', address, '--manager', options.manager ?? '', '--repository', options.repository ?? ''];
      const folder = join(settings.stateDir, 'nodes', nodeFolder(address, options, settings));
      await runActor('agent.js', [...args, ...sharedArgs(options)], folder);
    });
  withExamples(command, [
    [
      'ssmmp agent --address 127.0.0.14 --manager 127.0.0.1 --repository dist/repository.yaml',
      'a fourth node for the testbed',
    ],
  ]);
}

function timersOption(): Option {
  return new Option('--timers <preset>', 'durations to start from (default: lab)')
    .choices(TIMER_PRESETS)
    .env('SSMMP_TIMERS');
}

interface ActorOptions extends GlobalOptions {
  readonly graph?: string;
  readonly address?: string;
  readonly manager?: string;
  readonly repository?: string;
  readonly port?: string;
  readonly dnsPort?: string;
  readonly sharedAddress?: boolean;
  readonly 'strict1.1': boolean;
  readonly timers?: string;
  readonly timerScale?: string;
}

function ownSettings(options: ActorOptions): Settings {
  return readSettings({ ...options, subnet: options.subnet ?? DEFAULT_SUBNET });
}

function sharedArgs(options: ActorOptions): string[] {
  const values = { '--port': options.port, '--timers': options.timers, '--timer-scale': options.timerScale };
  const args = SHARED_FLAGS.flatMap((flag) => (values[flag] === undefined ? [] : [flag, values[flag]]));
  return options['strict1.1'] ? [...args, '--strict-1.1'] : args;
}

/** `nodes/4` for .14 of the subnet; the address (and port, where nodes share one) for any other. */
function nodeFolder(address: string, options: ActorOptions, settings: Settings): string {
  const node = nodeNumber(settings.subnet, address);
  if (node !== null) return String(node);
  return `${address}${options.port === undefined ? '' : `-${options.port}`}`.replaceAll(':', '_');
}

async function runActor(name: string, args: readonly string[], stateDir: string): Promise<void> {
  const file = distFile(name);
  mkdirSync(stateDir, { recursive: true });
  onClosedPipe('ignore');
  process.argv = [process.execPath, file, ...args, '--state-dir', stateDir];
  await import(pathToFileURL(file).href);
}
