/** `ssmmp confirm-lost [NODE]`: the operator's word that nodes which are away are really gone. */
import type { Command } from 'commander';
import { clientOf, nodeArgument, withExamples, writeAnswer } from './command.ts';

interface Confirmed {
  readonly agent_network_address: string;
  readonly node: number | string;
  readonly instances: number;
}

export function addConfirmLost(program: Command): void {
  const command = program
    .command('confirm-lost')
    .description('say that nodes which are away are really gone: what ran there is replaced now')
    .argument('[node]', 'its number or address (default: every node that is away)', nodeArgument)
    .action(async (node: string | undefined, _options: unknown, self: Command) => {
      const answer = await clientOf(self).command({ command: 'confirm-lost', node: node ?? null });
      const nodes = (answer['nodes'] ?? []) as readonly Confirmed[];
      const lines = nodes.map(
        (row) => `node ${row.node} (${row.agent_network_address}) is lost; ${row.instances} instances are replaced`,
      );
      writeAnswer(answer, lines.join('\n'), self);
    });
  withExamples(command, [
    ['ssmmp confirm-lost', 'most nodes vanished, the Manager waits for them, and they will not come back'],
    ['ssmmp confirm-lost 2', 'only node 2; also before its five seconds are over'],
  ]);
}
