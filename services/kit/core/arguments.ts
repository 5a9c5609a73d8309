/**
 * The five arguments of an instance (Executing a service): who it is, where it listens, whom it may call.
 *
 * Lives here: reading them. Does not live here: where they come from (the command line, or one JSON line for a warm
 * spare: services/kit/shell/arguments.ts).
 */
import { canonicalAddress } from '../../../ssmmp/core/address.ts';
import type { PlugSetting, SocketSetting } from '../../../ssmmp/core/catalog.ts';
import { readPlugs, readSockets } from '../../../ssmmp/core/contents.ts';
import { isName, parseId } from '../../../ssmmp/core/names.ts';
import type { TimerPreset } from '../../../ssmmp/core/timers.ts';

/** What an instance was told when it was started. */
export interface InstanceSettings {
  readonly serviceName: string;
  readonly instanceId: number;
  /** Canonical address of the node, the instance's own. */
  readonly address: string;
  readonly sockets: readonly SocketSetting[];
  readonly plugs: readonly PlugSetting[];
  /** Factor on every timer (R46). */
  readonly timerScale: number;
  /** The table of durations that the factor scales (R46); `lab` where it is missing. */
  readonly timerPreset?: TimerPreset;
}

/** The arguments in their order, for a usage message. */
export const ARGUMENT_NAMES = [
  'service_name',
  'service_instance_id',
  'service_instance_network_address',
  'socket_configuration',
  'plug_configuration',
] as const;

/** The settings that the five arguments spell, or a sentence that says which one is wrong and how it should look. */
export function readArguments(
  args: readonly string[],
  timerScale: number,
  timerPreset: TimerPreset = 'lab',
): InstanceSettings | string {
  if (args.length !== ARGUMENT_NAMES.length)
    return `expected ${ARGUMENT_NAMES.length} arguments (${ARGUMENT_NAMES.join(', ')}), got ${args.length}`;
  const [serviceName = '', id = '', literal = '', socketText = '', plugText = ''] = args;
  if (!isName(serviceName))
    return `service_name: expected letters, digits, _ . -, at most 64 (R06), got ${show(serviceName)}`;
  const instanceId = parseId(id);
  if (instanceId === null) return `service_instance_id: expected an integer from 1 to 2^53-1, got ${show(id)}`;
  const address = canonicalAddress(literal);
  if (address === null)
    return `service_instance_network_address: expected an IPv4 or IPv6 literal, got ${show(literal)}`;
  const sockets = readSockets(socketText);
  if (sockets === null) return `socket_configuration: expected 'S1, 54001 & S2, 54002' or '', got ${show(socketText)}`;
  const plugs = readPlugs(plugText);
  if (plugs === null) return `plug_configuration: expected 'P1, S1, B & P2, S2, C' or '', got ${show(plugText)}`;
  const twice = firstTwice(sockets.map(({ socket }) => socket)) ?? firstTwice(plugs.map(({ plug }) => plug));
  if (twice !== null) return `'${twice}' stands twice in a configuration; every socket and plug has a name of its own`;
  return {
    serviceName,
    instanceId,
    address,
    sockets,
    plugs,
    timerScale,
    ...(timerPreset === 'lab' ? {} : { timerPreset }),
  };
}

function firstTwice(names: readonly string[]): string | null {
  return names.find((name, index) => names.indexOf(name) !== index) ?? null;
}

function show(text: string): string {
  return `'${text.replace(/[^\x20-\x7e]/g, '?').slice(0, 80)}'`;
}
