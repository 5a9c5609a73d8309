/**
 * Which gateways to talk to: reading `HOST[:PORT]`, the file of a running cluster, and the order flag, environment,
 * cluster. Pure: the shell reads the environment and the file and hands their texts in.
 */

export interface GatewayAddress {
  /** A name or an IPv4 or IPv6 literal, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Where a client looks, and the sentence part that says why there. */
export interface GatewayChoice {
  readonly gateways: readonly GatewayAddress[];
  readonly from: string;
}

export const DEFAULT_PORT = 8080;
/** Node 1 of a testbed with the default subnet. */
export const DEFAULT_GATEWAY: GatewayAddress = { host: '127.0.0.11', port: DEFAULT_PORT };

/** What the shell found; null where there is none. */
export interface GatewaySources {
  readonly flag: string | null;
  readonly environment: string | null;
  /** path and text of `<state-dir>/cluster.json` */
  readonly cluster: { readonly path: string; readonly text: string } | null;
}

/** The gateways to try in their order, or a sentence that says what cannot be read. */
export function chooseGateways(sources: GatewaySources): GatewayChoice | string {
  if (sources.flag !== null) return fromList(sources.flag, '--gateway');
  if (sources.environment !== null && sources.environment !== '') {
    return fromList(sources.environment, 'CNAPP_GATEWAY');
  }
  if (sources.cluster !== null) {
    const { path, text } = sources.cluster;
    const gateways = readCluster(text);
    if (typeof gateways === 'string') return `${path}: ${gateways}`;
    if (gateways.length > 0) return { gateways, from: path };
  }
  return { gateways: [DEFAULT_GATEWAY], from: 'the default: there is no --gateway, CNAPP_GATEWAY or running cluster' };
}

/** `HOST`, `HOST:PORT`, `[IPV6]`, `[IPV6]:PORT` or a bare IPv6 literal; a sentence when it is none of them. */
export function parseGateway(text: string): GatewayAddress | string {
  const wrong = `expected HOST or HOST:PORT (IPv6 as [::1]:8080), found '${text}'`;
  const bracketed = /^\[([0-9A-Fa-f:.]+)\](?::([0-9]{1,5}))?$/.exec(text);
  const plain = /^([A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?$/.exec(text);
  const isBareIpv6 = /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/.test(text);
  if (isBareIpv6) return { host: text, port: DEFAULT_PORT };
  const match = bracketed ?? plain;
  if (match === null) return wrong;
  const port = match[2] === undefined ? DEFAULT_PORT : Number(match[2]);
  if (port < 1 || port > 65535) return wrong;
  return { host: match[1] as string, port };
}

/** An address as people write it. */
export function formatGateway(gateway: GatewayAddress): string {
  return gateway.host.includes(':') ? `[${gateway.host}]:${gateway.port}` : `${gateway.host}:${gateway.port}`;
}

function fromList(text: string, from: string): GatewayChoice | string {
  const gateways: GatewayAddress[] = [];
  for (const piece of text.split(',')) {
    const gateway = parseGateway(piece.trim());
    if (typeof gateway === 'string') return `${from}: ${gateway}`;
    gateways.push(gateway);
  }
  return { gateways, from };
}

function readCluster(text: string): GatewayAddress[] | string {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return 'is not JSON; is the cluster just starting?';
    throw error;
  }
  const listed = (parsed as { gateways?: unknown } | null)?.gateways;
  if (!Array.isArray(listed)) return "has no list 'gateways'";
  const gateways: GatewayAddress[] = [];
  for (const entry of listed as unknown[]) {
    const { address, port } = (entry ?? {}) as { address?: unknown; port?: unknown };
    if (typeof address !== 'string' || typeof port !== 'number') return "has a gateway without 'address' and 'port'";
    gateways.push({ host: address, port });
  }
  return gateways;
}
