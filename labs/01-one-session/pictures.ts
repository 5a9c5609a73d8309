/**
 * The pictures of lab 1's chapter (`npm run labs-proof -- --pictures 1`).
 *
 * Lives here: what is drawn: where the session of step 2 is, and an exchange by which a diagram can be learned to read. What is
 * to be predicted is in neither.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { typeOf } from '../runner/api.ts';
import type { Pictures, Work } from '../runner/api.ts';

export async function pictures(work: Work): Promise<Pictures> {
  const { trace } = await work.evidence();
  const registrations = trace.filter(
    ({ hop, message }) => hop === 'agent-Manager' && typeOf(message).startsWith('initiation_'),
  );
  return {
    'the-edge': await theEdge(work),
    'how-to-read': { kind: 'messages', entries: registrations },
  };
}

/** The graph right after the post of step 2. */
async function theEdge(work: Work): Promise<Pictures[string]> {
  const cluster = await work.up();
  await cluster.enter('alice');
  const { code, err } = await cluster.cnapp('alice', ['send-post', 'one']);
  if (code !== 0) throw new Error(err);
  const [instances, sessions] = [await cluster.instances(), await cluster.sessions()];
  return {
    kind: 'graph',
    text: readFileSync(join(work.places.root, 'services', 'cnapp.yaml'), 'utf8'),
    live: {
      instances: counted(instances.map(({ service_name: name }) => name)),
      sessions: counted(sessions.map(({ source_service_name: source, source_plug_name: plug }) => `${source}/${plug}`)),
    },
    marked: 'post/posts-plug',
  };
}

function counted(names: readonly string[]): ReadonlyMap<string, number> {
  return new Map(names.map((name) => [name, names.filter((other) => other === name).length]));
}
