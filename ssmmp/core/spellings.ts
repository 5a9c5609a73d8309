/**
 * Other spellings of the published listing that we read and never write (R24).
 *
 * Lives here: the one table of them. Does not live here: anything of our own. Each row has a test.
 */
import { isMessageType, rowOf, type MessageType } from './catalog.ts';

/** Line names the listing uses in some messages, and the specification's names for them. */
export const LINE_SPELLINGS: { readonly [T in MessageType]?: Readonly<Record<string, string>> } = {
  session_ack: { service_name: 'source_service_name', service_instance_id: 'source_service_instance_id' },
};

/** Sub_types the listing uses where the specification names the hop more exactly. */
export const SUB_TYPE_SPELLINGS: Readonly<Record<string, readonly string[]>> = {
  agent_to_service: ['agent_to_source_service', 'agent_to_dest_service', 'agent_to_service_instance'],
  service_to_agent: ['source_service_to_agent', 'dest_service_to_agent', 'service_instance_to_agent'],
};

/**
 * The listing writes `health_control_request` for both health exchanges; a line `service_instance_id`
 * tells an instance's from an agent's.
 */
export const TYPE_SPELLINGS: Readonly<Record<string, { instance: MessageType; agent: MessageType }>> = {
  health_control_request: { instance: 'service_instance_health_request', agent: 'agent_health_control_request' },
  health_control_response: { instance: 'service_instance_health_response', agent: 'agent_health_control_response' },
};

/** The message type a `type` line means, or null. `has` tells whether the message has a line of that name. */
export function readType(word: string, has: (lineName: string) => boolean): MessageType | null {
  if (isMessageType(word)) return word;
  const spelling = Object.hasOwn(TYPE_SPELLINGS, word) ? TYPE_SPELLINGS[word] : undefined;
  return spelling === undefined ? null : has('service_instance_id') ? spelling.instance : spelling.agent;
}

/** The sub_type of `type` that a `sub_type` line means: null for "none needed", undefined for "no such hop". */
export function readSubType(type: MessageType, word: string | undefined): string | null | undefined {
  const { hops } = rowOf(type);
  if (hops[0]?.subType === null) return null;
  // A message with one hop is on that hop, whether its line is there or not.
  if (word === undefined) return hops.length === 1 ? hops[0]?.subType : undefined;
  for (const hop of hops) if (hop.subType === word) return word;
  const spellings = Object.hasOwn(SUB_TYPE_SPELLINGS, word) ? SUB_TYPE_SPELLINGS[word] : undefined;
  for (const hop of hops) if (hop.subType !== null && spellings?.includes(hop.subType)) return hop.subType;
  return undefined;
}
