/** `ssmmp kill`: a signal from the machine itself, past all protocol; what a fault looks like. */
import { Argument, InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { nodeNumber, parseInstance, parseNode } from '../core/addresses.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { readClusterFile } from '../shell/cluster-file.ts';
import { OperatorClient } from '../shell/operator-client.ts';
import { writeData } from '../shell/output.ts';
import type { Settings } from '../shell/settings.ts';
import { findProcesses, signalProcess } from '../shell/testbed-processes.ts';
import type { FoundProcess } from '../shell/testbed-processes.ts';
import { settingsOf, withExamples } from './command.ts';

export const TARGETS = ['instance', 'agent', 'manager', 'supervisor'] as const;
const SIGNALS = ['KILL', 'STOP', 'CONT', 'TERM'] as const;

export function addKill(program: Command): void {
  const command = program
    .command('kill')
    .description('send a signal to the process of an instance, an agent, the Manager or its supervisor on this machine')
    .addArgument(new Argument('<target>', 'what to kill').choices(TARGETS))
    .argument('[name]', 'an instance (5 or post/5) or a node (1 or 127.0.0.11)')
    .option('--signal <signal>', `${SIGNALS.join(', ')}`, signalName, 'SIGKILL')
    .action(
      async (
        target: (typeof TARGETS)[number],
        name: string | undefined,
        options: { signal: NodeJS.Signals },
        self: Command,
      ) => {
        const settings = settingsOf(self);
        const found = await findTarget(target, name, settings);
        if (!signalProcess(found, options.signal)) {
          throw new OperatorError(EXIT.failed, `${found.name} (pid ${found.pid}) ended before the signal came`);
        }
        writeData(`sent ${options.signal} to ${found.name} (pid ${found.pid})\n`);
      },
    );
  withExamples(command, [
    ['ssmmp kill instance post/5', 'a crash: watch who takes over with ssmmp events --watch'],
    ['ssmmp kill agent 2 --signal STOP', 'an agent that hangs; CONT lets it go on'],
    ['ssmmp kill manager', 'the Manager dies; its supervisor starts it again'],
    ['ssmmp kill manager --signal STOP', 'it hangs; its supervisor kills it and starts it again'],
    ['ssmmp kill supervisor', 'the Manager goes on; the next supervisor takes it over'],
  ]);
}

/** The process that a person means. Throws OperatorError when there is none. */
export async function findTarget(
  target: (typeof TARGETS)[number],
  name: string | undefined,
  settings: Settings,
): Promise<FoundProcess> {
  switch (target) {
    case 'manager':
      return findOnly('manager', 'the Manager', settings);
    case 'supervisor':
      return findOnly('supervisor', 'the supervisor', settings);
    case 'agent':
      return findAgent(name, settings);
    case 'instance':
      return await findInstance(name, settings);
  }
}

function findOnly(wanted: 'manager' | 'supervisor', name: string, settings: Settings): FoundProcess {
  const found = findProcesses(settings.stateDir).find(({ role }) => role === wanted);
  if (found === undefined) throw nothingRuns(name, settings);
  return found;
}

function findAgent(name: string | undefined, settings: Settings): FoundProcess {
  const wanted = name === undefined ? null : parseNode(name);
  if (wanted === null) {
    throw new OperatorError(
      EXIT.usage,
      `kill agent needs a node, its number or its address; got ${name === undefined ? 'nothing' : `'${name}'`}`,
    );
  }
  const folder = 'node' in wanted ? String(wanted.node) : folderOf(wanted.address, settings);
  const found = findProcesses(settings.stateDir).find(({ role, node }) => role === 'agent' && node === folder);
  if (found === undefined) throw nothingRuns(`the agent of node ${name}`, settings);
  return found;
}

function folderOf(address: string, settings: Settings): string {
  const known = readClusterFile(settings.stateDir)?.nodes.find((row) => row.agent_network_address === address);
  return String(known?.node ?? nodeNumber(settings.subnet, address) ?? address);
}

/**
 * The agents' records first: they are there without a Manager. Then what the Manager was told; but not by its journal alone
 * (`unknown`), which may be a copy of another cluster's.
 */
async function findInstance(name: string | undefined, settings: Settings): Promise<FoundProcess> {
  const wanted = name === undefined ? null : parseInstance(name);
  if (wanted === null) {
    throw new OperatorError(
      EXIT.usage,
      `kill instance needs an id such as 5 or service/id such as post/5; got ${name === undefined ? 'nothing' : `'${name}'`}`,
    );
  }
  const found = findProcesses(settings.stateDir).find(({ instanceId }) => instanceId === wanted.id);
  if (found !== undefined) {
    if (wanted.service === null || found.name === name) return found;
    throw new OperatorError(EXIT.failed, `instance ${wanted.id} is ${found.name}, not ${name}`);
  }
  const rows = await new OperatorClient(settings).list('instances').catch(() => []);
  const row = rows.find(
    ({ service_instance_id: id, service_name: service, status }) =>
      id === wanted.id && service === (wanted.service ?? service) && status !== 'unknown',
  );
  if (row?.pid === undefined || row.pid === null) throw nothingRuns(`instance ${name}`, settings);
  return {
    pid: row.pid,
    startTime: null,
    role: 'instance',
    name: `${row.service_name}/${wanted.id}`,
    node: null,
    instanceId: wanted.id,
  };
}

function nothingRuns(what: string, settings: Settings): OperatorError {
  const message = `${what} does not run on this machine from ${settings.stateDir}; \`ssmmp get instances\` and \`ssmmp get nodes\` list what runs`;
  return new OperatorError(EXIT.failed, message);
}

function signalName(text: string): NodeJS.Signals {
  const name = text.toUpperCase().replace(/^SIG/, '');
  const signal = SIGNALS.find((known) => known === name);
  if (signal === undefined) throw new InvalidArgumentError(`Expected one of ${SIGNALS.join(', ')}.`);
  return `SIG${signal}`;
}
