/**
 * The ids that make a changing request safe to send again. cnapp.md: a user may give one (8 to 64 of `[A-Za-z0-9-]`,
 * kept for 24 hours); without one the gateway makes one, so that its own retries are safe.
 *
 * Theory. An id of the gateway's own making is only ever sent again by plugs, within a deadline of seconds. A store
 * that kept it for a day would keep a day's posts twice. So such an id is made to be told apart: it starts with `gw.`,
 * which no user's id can.
 */

const GATEWAY_PREFIX = 'gw.';

/** The operation id a gateway makes: `unique` is unique among all gateways and their restarts. */
export function gatewayOperationId(unique: string): string {
  return GATEWAY_PREFIX + unique;
}

/** True for an id that a gateway made: nobody will use it again once the plugs' deadlines are over. */
export function isGatewayMade(operationId: string): boolean {
  return operationId.startsWith(GATEWAY_PREFIX);
}
