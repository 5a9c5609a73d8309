/**
 * Which gateways to talk to, and which DNS knows their names: reading `HOST[:PORT]`, the file of a running cluster, and
 * the order flag, environment, cluster. Pure: the shell reads the environment and the file and hands their texts in.
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

/** A DNS server. */
export interface DnsPlace {
  /** An IPv4 or IPv6 literal. */
  readonly address: string;
  readonly port: number;
  /** Nobody asked for it: names that it does not know are left to the machine. */
  readonly isGuess?: boolean;
}

export const DEFAULT_PORT = 8080;
export const DEFAULT_DNS_PORT = 55557;
/** Node 1 of a testbed with the default subnet. */
export const DEFAULT_GATEWAY: GatewayAddress = { host: '127.0.0.11', port: DEFAULT_PORT };

/** What the shell found, for gateways or for the DNS; null where there is none. */
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

/**
 * The DNS to ask for names, null where only the machine's own is known, or a sentence that says what cannot be read. The one
 * of a running cluster is a guess.
 */
export function chooseDns(sources: GatewaySources): DnsPlace | null | string {
  const [text, from] = sources.flag !== null ? [sources.flag, '--dns'] : [sources.environment ?? '', 'CNAPP_DNS'];
  if (text !== '' || from === '--dns') {
    const place = parseGateway(text, DEFAULT_DNS_PORT);
    if (typeof place === 'string' || !isLiteral(place.host))
      return `${from}: expected ADDR or ADDR:PORT such as 127.0.0.1:${DEFAULT_DNS_PORT}, found '${text}'`;
    return { address: place.host, port: place.port };
  }
  const dns = sources.cluster === null ? null : jsonOf(sources.cluster.text)?.dns;
  const { address, port } = (dns ?? {}) as { address?: unknown; port?: unknown };
  if (typeof address !== 'string' || typeof port !== 'number' || !isLiteral(address)) return null;
  return { address, port, isGuess: true };
}

/** Is this an address, and not a name? */
export function isLiteral(host: string): boolean {
  const octets = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(host)?.slice(1);
  return octets === undefined ? host.includes(':') : octets.every((octet) => Number(octet) <= 255);
}

/** `HOST`, `HOST:PORT`, `[IPV6]`, `[IPV6]:PORT` or a bare IPv6 literal; a sentence when it is none of them. */
export function parseGateway(text: string, defaultPort = DEFAULT_PORT): GatewayAddress | string {
  const wrong = `expected HOST or HOST:PORT (IPv6 as [::1]:8080), found '${text}'`;
  const bracketed = /^\[([0-9A-Fa-f:.]+)\](?::([0-9]{1,5}))?$/.exec(text);
  const plain = /^([A-Za-z0-9_.-]+)(?::([0-9]{1,5}))?$/.exec(text);
  const isBareIpv6 = /^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$/.test(text);
  if (isBareIpv6) return { host: text, port: defaultPort };
  const match = bracketed ?? plain;
  if (match === null) return wrong;
  const port = match[2] === undefined ? defaultPort : Number(match[2]);
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
  const parsed = jsonOf(text);
  if (parsed === undefined) return 'is not JSON; is the cluster just starting?';
  const listed = parsed?.gateways;
  if (!Array.isArray(listed)) return "has no list 'gateways'";
  const gateways: GatewayAddress[] = [];
  for (const entry of listed as unknown[]) {
    const { address, port } = (entry ?? {}) as { address?: unknown; port?: unknown };
    if (typeof address !== 'string' || typeof port !== 'number') return "has a gateway without 'address' and 'port'";
    gateways.push({ host: address, port });
  }
  return gateways;
}

/** Undefined when it is no JSON. */
function jsonOf(text: string): { readonly gateways?: unknown; readonly dns?: unknown } | null | undefined {
  try {
    return JSON.parse(text) as { gateways?: unknown; dns?: unknown } | null;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
