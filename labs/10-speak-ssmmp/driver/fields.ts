/**
 * What several items say: configurations, and the fields of a request.
 */
import type { Bench } from './bench.ts';
import type { Fields } from './wire.ts';

export const SOCKETS = 'main-socket, 54001';
export const PLUGS = 'data-plug, data-socket, store';
/** Every service counts its messages from here. */
export const SESSION_ID = 1000;
/** No instance has this id. */
export const UNKNOWN_ID = 999;

/** The fields of an open request of `talker/id` for a session to the store. */
export function sessionFields(bench: Bench, id: number): Fields {
  return {
    source_service_name: 'talker',
    source_service_instance_id: id,
    source_service_instance_network_address: bench.address,
    source_plug_name: 'data-plug',
    dest_service_name: 'store',
    dest_socket_name: 'data-socket',
  };
}
