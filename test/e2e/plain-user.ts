/**
 * A user's client written from cnapp.md alone, as a stranger would: plain lines over net, nothing of ours.
 *
 * Lives here: one connection, one request at a time, and the three repeats that cnapp.md allows: a connection that broke
 * or was refused (another gateway, the same Operation_id), a 503 (after the milliseconds of its line 4), and a chunk
 * at a wrong offset (409, the right one in line 4). Does not live here: any expectation, any knowledge of SSMMP.
 */
import { createHash, randomUUID } from 'node:crypto';
import { connect, type Socket } from 'node:net';

/** A request that has had no 200 for this long is given up. */
const GIVE_UP_MS = 20_000;
/** After all gateways refused. */
const AGAIN_MS = 20;
const CHUNK_BYTES = 32 * 1024;

/** An answer; `lines` has Line_3 … in order, decoded. */
export interface Answer {
  readonly status: number;
  readonly lines: string[];
  /** Raw, for lines of several parts. */
  readonly raw: string[];
}

/** One request from its first sending to its last answer. */
export interface Done {
  readonly type: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly status: number;
  /** Line 3 of an error. */
  readonly said: string;
  /** Why it was sent again, in order. */
  readonly repeats: string[];
}

export interface Addresses {
  readonly hosts: readonly string[];
  readonly port: number;
}

/** Says which requests change something and so carry an Operation_id. */
const CHANGES = new Set([
  'registration_request',
  'logout_request',
  'send_post_request',
  'send_file_begin_request',
  'send_file_chunk_request',
  'send_file_end_request',
]);

export class PlainUser {
  readonly name: string;
  token = '';
  /** When the request under way began; null when there is none. */
  busySinceMs: number | null = null;
  private readonly gateways: Addresses;
  private readonly done: (done: Done) => void;
  private host = 0;
  private socket: Socket | null = null;
  private partial = '';
  private nextId = 30_000;
  private onLine: ((line: string | null, why: string) => void) | null = null;

  constructor(name: string, gateways: Addresses, done: (done: Done) => void) {
    this.name = name;
    this.gateways = gateways;
    this.done = done;
  }

  /** Sends until there is an answer that cnapp.md does not allow to repeat. */
  async request(type: string, ...values: string[]): Promise<Answer> {
    const operation = CHANGES.has(type) ? ` ~ Operation_id: ${randomUUID()}` : '';
    const rest = operation + values.map((value, at) => ` ~ Line_${at + 1}: ${encodeURIComponent(value)}`).join('');
    const startMs = performance.now();
    this.busySinceMs = startMs;
    const repeats: string[] = [];
    for (;;) {
      const answer = await this.once(type, rest);
      const late = performance.now() - startMs > GIVE_UP_MS;
      if (typeof answer === 'string') {
        repeats.push(answer);
        if (!late) continue;
      } else if (answer.status === 503 && !late) {
        repeats.push(`503 ${answer.lines[0] ?? ''}`);
        await sleep(Number(answer.lines[1] ?? 100));
        continue;
      }
      const last = typeof answer === 'string' ? { status: 0, lines: [answer], raw: [] } : answer;
      const said = last.status === 200 ? '' : (last.lines[0] ?? '');
      this.busySinceMs = null;
      this.done({ type, startMs, endMs: performance.now(), status: last.status, said, repeats });
      return last;
    }
  }

  async enter(password: string): Promise<void> {
    await this.request('registration_request', this.name, password);
    const login = await this.request('login_request', this.name, password);
    this.token = login.lines[0] ?? '';
  }

  /** The post's id, null when it was not acknowledged. */
  async post(text: string): Promise<string | null> {
    const { status, lines } = await this.request('send_post_request', this.token, text);
    return status === 200 ? (lines[0] ?? null) : null;
  }

  /** The last ten, newest first; null when it was not answered. */
  async read(): Promise<{ postId: string; user: string; time: string; text: string }[] | null> {
    const { raw, status } = await this.request('retrieve_last_10_posts_request', this.token);
    if (status !== 200) return null;
    return raw.map((line) => {
      const [postId = '', user = '', time = '', text = ''] = line.split(', ').map(decodeURIComponent);
      return { postId, user, time, text };
    });
  }

  /** Uploads; `pause` between chunks. Answers 200 or the status that ended it. */
  async upload(name: string, data: Buffer, pause: () => Promise<void>): Promise<number> {
    const sum = createHash('sha256').update(data).digest('hex');
    const begin = await this.request('send_file_begin_request', this.token, name, String(data.length), sum);
    if (begin.status !== 200) return begin.status;
    const [id = '', from = '0'] = begin.lines;
    for (let offset = Number(from); offset < data.length;) {
      const chunk = data.subarray(offset, offset + CHUNK_BYTES).toString('base64');
      const sent = await this.request('send_file_chunk_request', this.token, id, String(offset), chunk);
      if (sent.status !== 200 && sent.status !== 409) return sent.status;
      offset = Number(sent.status === 200 ? sent.lines[0] : sent.lines[1]);
      await pause();
    }
    return (await this.request('send_file_end_request', this.token, id)).status;
  }

  /** Downloads; null when an answer was no 200. */
  async download(name: string, pause: () => Promise<void>): Promise<Buffer | null> {
    const parts: Buffer[] = [];
    for (let offset = 0; ;) {
      const got = await this.request('get_file_request', this.token, name, String(offset), String(128 * 1024));
      if (got.status !== 200) return null;
      const [data = '', next = '0', size = '0'] = got.lines;
      parts.push(Buffer.from(data, 'base64'));
      offset = Number(next);
      if (offset >= Number(size)) return Buffer.concat(parts);
      await pause();
    }
  }

  close(): void {
    this.socket?.destroy();
    this.socket = null;
  }

  /** One sending: the answer, or in words why there is none. */
  private async once(type: string, rest: string): Promise<Answer | string> {
    const socket = this.socket ?? (await this.connectSomewhere());
    if (socket === null) return 'no gateway takes a connection';
    const id = (this.nextId += 1);
    const answered = new Promise<string | { why: string }>((resolve) => {
      this.onLine = (line, why) => resolve(line ?? { why });
    });
    socket.write(`Type: ${type} ~ Message_id: ${id}${rest}\n`);
    const line = await answered;
    this.onLine = null;
    return typeof line === 'string' ? read(line) : `connection lost: ${line.why}`;
  }

  private async connectSomewhere(): Promise<Socket | null> {
    const { hosts } = this.gateways;
    for (let tries = 0; tries < hosts.length; tries += 1) {
      const socket = await this.tryConnect(hosts[this.host] as string);
      if (socket !== null) return socket;
      this.host = (this.host + 1) % hosts.length;
    }
    await sleep(AGAIN_MS);
    return null;
  }

  private tryConnect(host: string): Promise<Socket | null> {
    return new Promise((resolve) => {
      const socket = connect({ host, port: this.gateways.port, noDelay: true });
      let why = 'closed';
      socket.setEncoding('latin1');
      socket.on('connect', () => {
        this.socket = socket;
        this.partial = '';
        resolve(socket);
      });
      socket.on('data', (text: string) => {
        const lines = (this.partial + text).split('\n');
        this.partial = lines.pop() ?? '';
        for (const line of lines) this.onLine?.(line, '');
      });
      socket.on('error', (error) => (why = error.message));
      socket.on('close', () => {
        if (this.socket === socket) {
          this.socket = null;
          this.onLine?.(null, why);
        }
        resolve(null);
      });
    });
  }
}

function read(line: string): Answer {
  const fields = line.split(' ~ ').map((part) => {
    const at = part.indexOf(':');
    return [part.slice(0, at), part.slice(at + 1).trimStart()] as const;
  });
  const status = Number(fields.find(([name]) => name === 'Status')?.[1] ?? 0);
  const raw = fields.flatMap(([name, contents]) => (name.startsWith('Line_') ? [contents] : []));
  return { status, raw, lines: raw.map(decodeURIComponent) };
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
