/** Paths that need a token and answer 200 to a GET. */
export { HEAD_MS } from '../../../manager/shell/operator-port.ts';

export const ROUTES_TESTED = [
  '/v1/nodes',
  '/v1/services',
  '/v1/instances',
  '/v1/sessions',
  '/v1/gateways',
  '/v1/graph',
  '/v1/events',
  '/v1/trace',
];
