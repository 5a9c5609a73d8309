/** `ssmmp migrate INSTANCE [--to NODE]`: an instance goes to another node and no user notices. */
import type { Command } from 'commander';
import { parseInstance } from '../core/addresses.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { Progress } from '../core/progress.ts';
import { instanceName } from '../core/tables.ts';
import { runCommand } from '../shell/command-run.ts';
import type { OperatorClient } from '../shell/operator-client.ts';
import { clientOf, nodeArgument, withExamples, writeAnswer, writeSteps } from './command.ts';

export function addMigrate(program: Command): void {
  const command = program
    .command('migrate')
    .description(
      'move an instance to another node: the new one first, then its sessions; returns when the old one is off',
    )
    .argument('<instance>', 'an id or service/id')
    .option('--to <node>', 'its number or address; without it the placement policy chooses', nodeArgument)
    .option('--dry-run', 'only say what would happen, and why', false)
    .action(async (instance: string, options: { to?: string; dryRun: boolean }, self: Command) => {
      if (parseInstance(instance) === null) {
        throw new OperatorError(
          EXIT.usage,
          `'${instance}' names no instance; expected an id such as 5 or service/id such as post/5`,
        );
      }
      const client = clientOf(self);
      const body = { command: 'migrate', instance, to: options.to ?? null, dry_run: options.dryRun };
      if (options.dryRun) return writeSteps(await client.command(body), self);
      const answer = await runCommand(client, body, new Progress(await servicesOf(client, instance)));
      const { service_name: service, service_instance_id: id, service_instance_network_address: address } = answer;
      const now = id === null ? 'off; nobody needs it now' : `${String(service)}/${Number(id)} at ${String(address)}`;
      writeAnswer(answer, `${String(service)}/${String(answer['from'])} is now ${now}`, self);
    });
  withExamples(command, [
    ['ssmmp migrate post/5 --to 2', 'to node 2'],
    ['ssmmp migrate posts-db/7', 'a store too: its requests wait a moment, none fails'],
    ['ssmmp migrate 5 --dry-run', 'where it would go'],
  ]);
}

async function servicesOf(client: OperatorClient, instance: string): Promise<string[]> {
  const rows = await client.list('instances');
  const isIt = (row: (typeof rows)[number]): boolean =>
    instanceName(row) === instance || String(row.service_instance_id) === instance;
  return rows.filter(isIt).map((row) => row.service_name);
}
