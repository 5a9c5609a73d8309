// A client of any line protocol in which an id matches answers to requests: it keeps so many requests in flight and measures.
//
// The very same client drives a baseline and what is compared with it; only how a request is written and where the id stands
// in an answer differs. It does as little as possible, because its own work is on both sides of every ratio and blurs it.
import { connect, type Socket } from 'node:net';

/** How a protocol writes a request and where it has the id of an answer. */
export interface Dialect {
  /** The text of a request, with its LF. */
  request(id: number): string;
  /** The id of an answer; NaN where it is not the answer that was hoped for. */
  idOf(line: string): number;
}

export interface Load {
  readonly requests: number;
  readonly seconds: number;
  /** Latencies in milliseconds, one a request. */
  readonly latencies: Float64Array;
}

const LATENCIES_MAX = 2_000_000;

/** One connection, with its answers given to whoever asked. */
export class LineClient {
  readonly socket: Socket;
  onLine: (line: string) => void = () => undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.setNoDelay(true);
    let pieces: string[] = [];
    socket.on('data', (data: unknown) => {
      const chunk = data as string;
      let from = 0;
      for (let end = chunk.indexOf('\n'); end !== -1; end = chunk.indexOf('\n', from)) {
        let line = chunk.slice(from, end);
        if (pieces.length > 0) {
          pieces.push(line);
          line = pieces.join('');
          pieces = [];
        }
        this.onLine(line);
        from = end + 1;
      }
      if (from < chunk.length) pieces.push(from === 0 ? chunk : chunk.slice(from));
    });
  }

  /** Sends one line and resolves with the next one that comes. */
  ask(line: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const onClose = (): void => reject(new Error('the connection was closed before the answer'));
      this.socket.once('close', onClose);
      this.onLine = (answer) => {
        this.socket.off('close', onClose);
        resolve(answer);
      };
      this.socket.write(`${line}\n`, 'latin1');
    });
  }
}

export function openClient(address: string, port: number, localAddress?: string): Promise<LineClient> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port, ...(localAddress ? { localAddress } : {}) });
    socket.once('error', reject);
    socket.once('connect', () => resolve(new LineClient(socket)));
  });
}

/** Keeps `inFlight` requests on every one of the connections for so long; resolves when the last one is answered. */
export function load(
  clients: readonly LineClient[],
  dialect: Dialect,
  inFlight: number,
  durationMs: number,
): Promise<Load> {
  return new Promise((resolve, reject) => {
    const latencies = new Float64Array(LATENCIES_MAX);
    let requests = 0;
    let open = 0;
    const started = performance.now();
    const deadline = started + durationMs;
    for (const client of clients) {
      let lastId = 0;
      const sentAt = new Map<number, number>();
      let batch = '';
      const send = (): void => {
        lastId += 1;
        sentAt.set(lastId, performance.now());
        open += 1;
        if (batch === '') {
          queueMicrotask(() => {
            const text = batch;
            batch = '';
            client.socket.write(text, 'latin1');
          });
        }
        batch += dialect.request(lastId);
      };
      client.onLine = (line) => {
        const now = performance.now();
        const sent = sentAt.get(dialect.idOf(line));
        if (sent === undefined) return void reject(new Error(`not an answer to anything: ${line.slice(0, 200)}`));
        sentAt.delete(dialect.idOf(line));
        if (requests < LATENCIES_MAX) latencies[requests] = now - sent;
        requests += 1;
        open -= 1;
        if (now < deadline) send();
        else if (open === 0)
          resolve({ requests, seconds: (now - started) / 1000, latencies: latencies.slice(0, requests) });
      };
      client.socket.once('close', () => reject(new Error('a connection was closed under load')));
      for (let i = 0; i < inFlight; i += 1) send();
    }
  });
}
