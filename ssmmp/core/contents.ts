/**
 * Contents: what stands behind the colon of a line, by the kind of its field.
 *
 * Lives here: one reader and one writer for each kind of the catalog (R03 to R06, R15, R41), and the two
 * configurations that are also arguments of a program. Does not live here: lines and messages (codec.ts).
 */
import { canonicalAddress } from './address.ts';
import type { FieldKind, PlugSetting, SocketSetting } from './catalog.ts';
import { isName, parseId, parsePort, parseStatus } from './names.ts';

/** What a contents of each kind looks like, for errors. */
export const KIND_WORDS: Readonly<Record<FieldKind, string>> = {
  address: 'IPv4 or IPv6 literal (R15)',
  names: "list of names '(a, b)' (R05, R06)",
  status: 'status code from 100 to 599',
  name: 'name: a letter or digit, then up to 63 of letters, digits, _ . - (R06)',
  plug: "name of a plug, or '-' (R06, R41)",
  id: 'integer from 1 to 2^53-1',
  port: 'port from 1 to 65535',
  sockets: "socket configuration 'S1, 54001 & S2, 54002'",
  plugs: "plug configuration 'P1, S1, B & P2, S2, C'",
};

/** The value of a contents, or null when it is none of that kind. */
export function readContents(kind: FieldKind, contents: string): unknown {
  switch (kind) {
    case 'address':
      return canonicalAddress(contents);
    case 'name':
      return isName(contents) ? contents : null;
    case 'plug':
      return contents === '-' || isName(contents) ? contents : null;
    case 'id':
      return parseId(contents);
    case 'port':
      return parsePort(contents);
    case 'status':
      return parseStatus(contents);
    case 'names':
      return readNames(contents);
    case 'sockets':
      return readSockets(contents);
    case 'plugs':
      return readPlugs(contents);
  }
}

/** The contents of a value; empty for null. */
export function writeContents(kind: FieldKind, value: unknown): string {
  if (value === null || value === undefined) return '';
  switch (kind) {
    case 'names':
      return `(${(value as readonly string[]).join(', ')})`;
    case 'sockets':
      return writeSockets(value as readonly SocketSetting[]);
    case 'plugs':
      return writePlugs(value as readonly PlugSetting[]);
    default:
      return String(value as string | number);
  }
}

function readNames(contents: string): string[] | null {
  const inner = contents.startsWith('(') && contents.endsWith(')') ? contents.slice(1, -1) : contents;
  if (inner.trim() === '') return [];
  const names = inner.split(/[,;]/).map((name) => name.trim());
  return names.every(isName) ? names : null;
}

/** `S1, 54001 & S2, 54002` as one contents or one program argument; empty when there is none. */
export function writeSockets(sockets: readonly SocketSetting[]): string {
  return sockets.map(({ socket, port }) => `${socket}, ${port}`).join(' & ');
}

/** `P1, S1, B & P2, S2, C` as one contents or one program argument; empty when there is none. */
export function writePlugs(plugs: readonly PlugSetting[]): string {
  return plugs.map(({ plug, socket, service }) => `${plug}, ${socket}, ${service}`).join(' & ');
}

/** Reads a `socket_configuration`; null when it is none. */
export function readSockets(contents: string): SocketSetting[] | null {
  if (contents.trim() === '') return [];
  const sockets: SocketSetting[] = [];
  for (const item of contents.split('&')) {
    const [socket, digits, ...more] = item.split(',').map((word) => word.trim());
    const port = parsePort(digits ?? '');
    if (socket === undefined || !isName(socket) || port === null || more.length > 0) return null;
    sockets.push({ socket, port });
  }
  return sockets;
}

/** Reads a `plug_configuration`; null when it is none. */
export function readPlugs(contents: string): PlugSetting[] | null {
  if (contents.trim() === '') return [];
  const plugs: PlugSetting[] = [];
  for (const item of contents.split('&')) {
    const words = item.split(',').map((word) => word.trim());
    const [plug, socket, service] = words;
    if (words.length !== 3 || !words.every(isName)) return null;
    plugs.push({ plug: plug as string, socket: socket as string, service: service as string });
  }
  return plugs;
}
