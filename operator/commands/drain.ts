/** `ssmmp drain NODE` and `ssmmp uncordon NODE`: empty a node to switch it off, and take it back. */
import type { Command } from 'commander';
import { parseNode } from '../core/addresses.ts';
import { Progress } from '../core/progress.ts';
import type { InstanceRow, NodeRow } from '../core/rows.ts';
import { runCommand } from '../shell/command-run.ts';
import { clientOf, nodeArgument, withExamples, writeAnswer, writeSteps } from './command.ts';

export function addDrain(program: Command): void {
  const command = program
    .command('drain')
    .description('move everything from a node to others; returns when it is safe to switch the node off')
    .argument('<node>', 'its number or address', nodeArgument)
    .option('--dry-run', 'only say what would happen, and why', false)
    .action(async (node: string, options: { dryRun: boolean }, self: Command) => {
      const client = clientOf(self);
      const body = { command: 'drain', node, dry_run: options.dryRun };
      if (options.dryRun) return writeSteps(await client.command(body), self);
      const [nodes, instances] = await Promise.all([client.list('nodes'), client.list('instances')]);
      const answer = await runCommand(client, body, progressOf(node, nodes, instances));
      const { node: number, agent_network_address: address } = answer;
      const name = `node ${String(number)} (${String(address)})`;
      const text = `${name} is empty: it is safe to switch it off; ssmmp uncordon ${String(number)} takes it back`;
      writeAnswer(answer, text, self);
    });
  withExamples(command, [
    ['ssmmp drain 2', 'empty node 2 and start nothing there any more'],
    ['ssmmp drain 127.0.0.12 --dry-run', 'what would go where'],
    ['ssmmp uncordon 2', 'use it again'],
  ]);
}

export function addUncordon(program: Command): void {
  const command = program
    .command('uncordon')
    .description('use a node again that was drained')
    .argument('<node>', 'its number or address', nodeArgument)
    .action(async (node: string, _options: unknown, self: Command) => {
      const answer = await clientOf(self).command({ command: 'uncordon', node });
      const { node: number, agent_network_address: address } = answer;
      writeAnswer(answer, `node ${String(number)} (${String(address)}) is used again`, self);
    });
  withExamples(command, [['ssmmp uncordon 2', 'instances may start on node 2 again']]);
}

/** What happens on the node, and to the services that run on it. */
function progressOf(text: string, nodes: readonly NodeRow[], instances: readonly InstanceRow[]): Progress {
  const wanted = parseNode(text);
  const addresses = nodes
    .filter((row) =>
      wanted !== null && 'node' in wanted
        ? String(row.node) === String(wanted.node)
        : row.agent_network_address === wanted?.address,
    )
    .map((row) => row.agent_network_address);
  const isThere = (row: InstanceRow): boolean => addresses.includes(row.service_instance_network_address);
  return new Progress(
    instances.filter(isThere).map((row) => row.service_name),
    addresses,
  );
}
