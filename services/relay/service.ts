/**
 * The relay: one service for every vertex of a graph. It shows that nothing in Manager, agent or kit knows an
 * application, and shows on a line which instances took part.
 *
 * Lives here: the protocol `hop TEXT`. Does not live here: any name of a service, socket or plug; they come with the
 * instance's arguments.
 *
 * A line `hop TEXT` on any socket is passed on all plugs at once and answered `<service>/<instance>(a, b)`, a and b
 * being the answers of the plugs in the order of the configuration; without plugs `<service>/<instance>`. A plug that
 * gives no answer stands as `<plug>!<status>`. TEXT goes with the line to the end of the graph and means nothing.
 */
import { PlugError, type OrderedPlug, type ServiceContext, type ServiceDefinition } from '../kit/service.ts';

const COMMAND = 'hop ';
/** Stands between the answers of two plugs. */
const SEPARATOR = ', ';

export function create(context: ServiceContext): ServiceDefinition {
  const me = `${context.serviceName}/${context.instanceId}`;
  const plugs = context.plugNames.map((name) => [name, context.orderedPlug(name)] as const);
  const hop = (line: string): string | Promise<string> => {
    if (!line.startsWith(COMMAND)) return `error: expected '${COMMAND}TEXT'`;
    if (plugs.length === 0) return me;
    return Promise.all(plugs.map(([name, plug]) => ask(name, plug, line))).then(
      (answers) => `${me}(${answers.join(SEPARATOR)})`,
    );
  };
  return { orderedSockets: Object.fromEntries(context.socketNames.map((name) => [name, hop])) };
}

async function ask(name: string, plug: OrderedPlug, line: string): Promise<string> {
  try {
    return await plug.request(line);
  } catch (error) {
    if (error instanceof PlugError) return `${name}!${error.status}`;
    throw error;
  }
}
