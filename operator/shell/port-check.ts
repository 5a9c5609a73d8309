/**
 * Are the addresses and ports of a cluster free?
 *
 * Lives here: trying to listen, and on Linux finding out who has a port. Does not live here: what to do about it.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { joinAddressPort } from '../../ssmmp/core/address.ts';
import { shellWord } from '../core/shell-word.ts';

/** So much of a stranger's command line is shown. */
const COMMAND_CHARS_MAX = 60;

export type PortState = 'free' | 'taken' | 'no such address' | 'not allowed';

/** Listens for a moment. Port 0 asks for the address alone. */
export function portState(address: string, port: number): Promise<PortState> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve('taken');
      else if (error.code === 'EADDRNOTAVAIL') resolve('no such address');
      else if (error.code === 'EACCES' || error.code === 'EPERM') resolve('not allowed');
      else reject(error);
    });
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve('free')));
  });
}

/** Who has a port: `pid 1234 (node server.js)`, and how to end it. */
export interface PortOwner {
  readonly who: string;
  readonly endIt: string;
}

/** Who listens at a port, or null where it cannot be found out (other systems, other users). */
export function portOwner(address: string, port: number): PortOwner | null {
  if (process.platform !== 'linux') return null;
  const inodes = new Set([...listeners('/proc/net/tcp', address, port), ...listeners('/proc/net/tcp6', address, port)]);
  if (inodes.size === 0) return null;
  for (const pid of readable(() => readdirSync('/proc')) ?? []) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of readable(() => readdirSync(`/proc/${pid}/fd`)) ?? []) {
      const target = readable(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? '';
      const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
      if (inode !== undefined && inodes.has(inode)) return ownerText(pid, commandLine(pid));
    }
  }
  return null;
}

/** A Manager of ours says by its arguments which cluster it is, and that cluster has a command that ends it. */
export function ownerText(pid: string, words: readonly string[]): PortOwner {
  const at = words.indexOf('--state-dir');
  const stateDir = words[at + 1];
  if (at >= 0 && stateDir !== undefined && /[\\/]manager\.js$/.test(words[1] ?? '')) {
    const endIt = `end it with \`npx ssmmp down --state-dir ${shellWord(stateDir)}\``;
    return { who: `another cluster, whose state is in ${stateDir} (pid ${pid})`, endIt };
  }
  const line = words.join(' ').trim();
  const start = line.length > COMMAND_CHARS_MAX ? `${line.slice(0, COMMAND_CHARS_MAX)}…` : line;
  return { who: `pid ${pid} (${start})`, endIt: 'end it' };
}

/** What is taken, by whom if that can be known, and how that one is ended. */
export function takenText(
  address: string,
  port: number,
  use: string,
): { readonly text: string; readonly endIt: string } {
  const look = process.platform === 'win32' ? `netstat -ano | findstr :${port}` : `lsof -nP -iTCP:${port}`;
  const { who, endIt } = portOwner(address, port) ?? {
    who: `another process (\`${look}\` names it)`,
    endIt: 'end it',
  };
  return { text: `port ${joinAddressPort(address, port)}, which ${use} needs, is taken by ${who}`, endIt };
}

/** Inodes of the listening sockets that would be in the way: at the address itself or at all addresses. */
function listeners(table: string, address: string, port: number): string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const octets = address.split('.').map((octet) => Number(octet).toString(16).toUpperCase().padStart(2, '0'));
  const hexAddress = octets.reverse().join('');
  const text = readable(() => readFileSync(table, 'latin1')) ?? '';
  const rows = text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/));
  const isInTheWay = (local: string, state: string | undefined): boolean => {
    const [at = '', localPort] = local.split(':');
    return state === '0A' && localPort === hexPort && (at.endsWith(hexAddress) || /^0+$/.test(at));
  };
  return rows.filter((row) => isInTheWay(row[1] ?? '', row[3])).map((row) => row[9] ?? '');
}

function commandLine(pid: string): string[] {
  return (readable(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '').split('\0');
}

/** /proc changes while it is read, and parts of it belong to other users: what cannot be read is skipped. */
function readable<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
