/** `ssmmp describe X`: one thing and what belongs to it. */
import type { Command } from 'commander';
import { DESCRIBED_KINDS, describe, describeText } from '../core/describe.ts';
import type { DescribedKind, Everything } from '../core/describe.ts';
import { EXIT, OperatorError } from '../core/exit-code.ts';
import { liveRows } from '../core/rows.ts';
import type { OperatorClient } from '../shell/operator-client.ts';
import { styleFor, writeData } from '../shell/output.ts';
import { clientOf, settingsOf, withExamples } from './command.ts';

export function addDescribe(program: Command): void {
  const command = program
    .command('describe')
    .description('one node, service, instance or session, and what belongs to it')
    .argument('<words...>', 'its name: 5, post/5, post, node/2, 127.0.0.12, a session KEY; a kind may stand before it')
    .option('-a, --all', 'also instances that are off and sessions that are closed', false)
    .action(async (words: string[], options: { all: boolean }, self: Command) => {
      const { only, name } = readWords(words);
      const everything = await fetchEverything(clientOf(self));
      const description = describe(name, only, everything) ?? null;
      if (description === null) {
        const message = `nothing is called '${name}'; expected an instance (5, post/5), a service, a node (node/2, an address) or a session KEY, as \`ssmmp get KIND -o name\` lists them`;
        throw new OperatorError(EXIT.failed, message, 404);
      }
      const shown = { ...description } as { instances?: Everything['instances']; sessions?: Everything['sessions'] };
      if (!options.all && shown.instances !== undefined) shown.instances = liveRows('instances', shown.instances);
      if (!options.all && shown.sessions !== undefined) shown.sessions = liveRows('sessions', shown.sessions);
      if (settingsOf(self).output === 'json') writeData(`${JSON.stringify(shown, null, 2)}\n`);
      else writeData(describeText(shown as typeof description, styleFor(process.stdout)));
    });
  withExamples(command, [
    ['ssmmp describe post', 'a service: plugs, callers, instances, sessions'],
    ['ssmmp describe post/5', 'an instance'],
    ['ssmmp describe node 2', 'a node and what runs there'],
  ]);
}

function readWords(words: readonly string[]): { only: DescribedKind | null; name: string } {
  const [first = '', second, ...more] = words;
  if (second === undefined) return { only: null, name: first };
  const only = DESCRIBED_KINDS.find((kind) => kind === first.replace(/s$/, ''));
  if (only === undefined || more.length > 0) {
    throw new OperatorError(
      EXIT.usage,
      `'${words.join(' ')}' names more than one thing; expected one name, or ${DESCRIBED_KINDS.join(', ')} and a name`,
    );
  }
  return { only, name: second };
}

async function fetchEverything(client: OperatorClient): Promise<Everything> {
  const [nodes, services, instances, sessions, gateways, graph] = await Promise.all([
    client.list('nodes', true),
    client.list('services', true),
    client.list('instances', true),
    client.list('sessions', true),
    client.list('gateways', true),
    client.graph(),
  ]);
  return { nodes, services, instances, sessions, gateways, graph };
}
