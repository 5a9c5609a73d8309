/**
 * What a child gets from its agent: five arguments and a clean environment.
 *
 * Lives here: both, exactly as the specification page says. Does not live here: the program and its folder
 * (the repository is the shell's to run).
 *
 * Clean, because an agent's secrets are none of its children's, and because an inherited NODE_EXTRA_CA_CERTS
 * alone doubles the time a Node program takes to start.
 */
import type { Message } from '../../ssmmp/core/catalog.ts';
import { writePlugs, writeSockets } from '../../ssmmp/core/contents.ts';
import type { RepositoryService } from '../../ssmmp/core/repository-file.ts';
import type { AgentSettings } from './inputs.ts';
import { AGENT_PORT } from './limits.ts';

/** `service_name service_instance_id service_instance_network_address socket_configuration plug_configuration`. */
export function argumentsOf(request: Message<'execution_request'>): string[] {
  return [
    request.service_name,
    String(request.service_instance_id),
    request.agent_network_address,
    writeSockets(request.socket_configuration),
    writePlugs(request.plug_configuration),
  ];
}

/** The whole environment of an instance. `isStore`: it has no plugs, so data may be kept by it (a BaaS). */
export function environmentOf(
  settings: AgentSettings,
  service: RepositoryService,
  isStore: boolean,
): Record<string, string> {
  return {
    ...settings.baseEnv,
    ...(settings.port === AGENT_PORT ? {} : { SSMMP_AGENT_PORT: String(settings.port) }),
    ...(isStore ? { SSMMP_DATA_DIR: `${settings.dataDir}/${service.name}` } : {}),
    ...service.env,
  };
}
