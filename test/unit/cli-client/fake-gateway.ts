/**
 * A gateway for the client's tests: the user protocol of cnapp.md in memory, with faults on request. It is no model of
 * the true one (no limits of time, one process, no hashing) and checks what a client may get wrong: lines, order,
 * operation ids.
 */
import { createHash, randomUUID } from 'node:crypto';
import net from 'node:net';
import { formatLine, isLineError, parseLine, responseTypeOf } from '../../../services/protocols/line.ts';
import type { ListedFile, ParsedUserRequest, Post, UserStatus } from '../../../services/protocols/user.ts';
import * as user from '../../../services/protocols/user.ts';

/** What happens to one request. */
export type Fault =
  | 'none'
  /** The connection is cut before the request takes effect, or after it and before the answer. */
  | 'cut_before'
  | 'cut_after'
  | 'silent'
  | { readonly status: UserStatus; readonly data?: string };

interface StoredUpload {
  readonly key: string;
  readonly owner: string;
  readonly name: string;
  readonly size: number;
  readonly sha256: string;
  bytes: Buffer;
  /** So much survives a failure of the store. */
  durable: number;
}

interface StoredFile {
  readonly bytes: Buffer;
  readonly sha256: string;
  readonly time: string;
}

export class FakeGateway {
  port = 0;
  readonly address: string;
  /** Decides what happens to each request; `count` is how many came before it. */
  fault: (request: ParsedUserRequest, count: number) => Fault = () => 'none';
  /** Answers of one turn leave in reverse order. */
  isReordering = false;
  /** Most bytes of a get_file answer. */
  answerBytes = user.ANSWER_BYTES_MAX;
  /** How many connections were taken. */
  connections = 0;
  /** Every request that came, in order. */
  readonly requests: ParsedUserRequest[] = [];
  readonly users = new Map<string, { password: string }>();
  readonly tokens = new Map<string, string>();
  readonly posts: Post[] = [];
  readonly files = new Map<string, StoredFile>();
  readonly uploads = new Map<string, StoredUpload>();
  readonly #operations = new Map<string, { content: string; rest: string }>();
  readonly #sockets = new Set<net.Socket>();
  #server: net.Server | null = null;

  constructor(address = '127.0.44.11') {
    this.address = address;
  }

  get gateway(): { host: string; port: number } {
    return { host: this.address, port: this.port };
  }

  /** Listens; on the port it had before, if any. */
  async start(): Promise<void> {
    const server = net.createServer((socket) => this.#serve(socket));
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, this.address, resolve);
    });
    this.port = (server.address() as net.AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.cut();
    const server = this.#server;
    this.#server = null;
    if (server !== null) await new Promise((resolve) => server.close(resolve));
  }

  /** Cuts every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** As if the store had failed: what is not on disk is gone. */
  loseUndurable(): void {
    for (const upload of this.uploads.values()) upload.bytes = upload.bytes.subarray(0, upload.durable);
  }

  /** A user who is registered and logged in; answers the token. */
  addUser(name: string, password = 'password1'): string {
    this.users.set(user.userKey(name), { password });
    const token = `token-of-${name}`;
    this.tokens.set(token, user.userKey(name));
    return token;
  }

  #serve(socket: net.Socket): void {
    this.#sockets.add(socket);
    this.connections += 1;
    socket.setNoDelay(true);
    socket.setEncoding('latin1');
    socket.on('error', () => undefined); // a client may leave as it likes
    socket.on('close', () => this.#sockets.delete(socket));
    let partial = '';
    socket.on('data', (text: string) => {
      const lines = (partial + text).split('\n');
      partial = lines.pop() as string;
      const answers: string[] = [];
      for (const line of lines) {
        if (socket.destroyed) return;
        const answer = this.#answer(line, socket);
        if (answer !== null) answers.push(answer + '\n');
      }
      if (this.isReordering) answers.reverse();
      if (!socket.destroyed) socket.write(answers.join(''));
    });
  }

  #answer(line: string, socket: net.Socket): string | null {
    if (line.length >= user.REQUEST_BYTES_MAX) {
      return formatLine('error_response', 0, user.errorRest(400, 'a request of more than 64 KiB'));
    }
    const message = parseLine(line);
    const type = responseTypeOf(message.type);
    if (isLineError(message)) return formatLine(type, message.id, user.errorRest(400, message.error));
    const request = user.parseUserRequest(message);
    if (user.isUserProblem(request)) return formatLine(type, message.id, user.problemRest(request));
    const fault = this.fault(request, this.requests.length);
    this.requests.push(request);
    if (fault === 'silent') return null;
    if (fault === 'cut_before') {
      socket.destroy();
      return null;
    }
    if (typeof fault === 'object') {
      return formatLine(type, message.id, user.errorRest(fault.status, 'a fault of the test', fault.data));
    }
    const rest = this.#once(request, message.rest);
    if (fault === 'cut_after') socket.destroy();
    return formatLine(type, message.id, rest);
  }

  /** An operation takes effect once and gets the same answer again. */
  #once(request: ParsedUserRequest, content: string): string {
    const token = 'token' in request.fields ? request.fields.token : '';
    const owner = this.tokens.get(token) ?? '';
    if (user.USER_REQUESTS[request.name].needsToken && owner === '') return user.errorRest(401, 'no valid token');
    const wrong = user.checkUserRequest(request);
    if (wrong !== null) return user.problemRest(wrong);
    if (request.operationId === null) return this.#perform(request, owner);
    const key = `${owner} ${request.operationId}`;
    const known = this.#operations.get(key);
    if (known !== undefined) {
      return known.content === content ? known.rest : user.errorRest(409, 'this operation id is of another operation');
    }
    const rest = this.#perform(request, owner);
    this.#operations.set(key, { content, rest });
    return rest;
  }

  #perform(request: ParsedUserRequest, owner: string): string {
    switch (request.name) {
      case 'registration_request': {
        const key = user.userKey(request.fields.user);
        if (this.users.has(key)) return user.errorRest(409, 'the user name is taken');
        this.users.set(key, { password: request.fields.password });
        return user.okRest();
      }
      case 'login_request': {
        const key = user.userKey(request.fields.user);
        if (this.users.get(key)?.password !== request.fields.password)
          return user.errorRest(401, 'wrong user or password');
        const token = randomUUID();
        this.tokens.set(token, key);
        return user.answerRest('login_request', { token });
      }
      case 'logout_request':
        this.tokens.delete(request.fields.token);
        return user.okRest();
      case 'send_post_request': {
        const post_id = String(this.posts.length + 1);
        this.posts.push({ post_id, user: owner, time: new Date().toISOString(), text: request.fields.text });
        return user.answerRest('send_post_request', { postId: post_id });
      }
      case 'retrieve_last_10_posts_request':
        return user.answerRest(request.name, { posts: this.posts.slice(-10).reverse() });
      case 'send_file_begin_request':
        return this.#begin(request.fields, owner);
      case 'send_file_chunk_request':
        return this.#chunk(request.fields);
      case 'send_file_end_request':
        return this.#end(request.fields.uploadId);
      case 'get_file_request': {
        const file = this.files.get(`${owner}/${request.fields.name}`);
        if (file === undefined) return user.errorRest(404, 'there is no such file');
        const { offset, mostBytes } = request.fields;
        const data = file.bytes.subarray(offset, offset + Math.min(mostBytes, this.answerBytes));
        const { sha256 } = file;
        const size = file.bytes.length;
        return user.answerRest(request.name, {
          data: data.toString('base64'),
          nextOffset: offset + data.length,
          size,
          sha256,
        });
      }
      case 'list_files_request':
        return user.answerRest(request.name, { files: this.#list(owner, request.fields.after) });
    }
  }

  #begin(fields: { name: string; size: number; sha256: string }, owner: string): string {
    const key = `${owner}/${fields.name}/${fields.size}/${fields.sha256}`;
    for (const [uploadId, upload] of this.uploads) {
      if (upload.key !== key) continue;
      upload.durable = upload.bytes.length;
      return user.answerRest('send_file_begin_request', { uploadId, offset: upload.bytes.length });
    }
    const uploadId = randomUUID();
    this.uploads.set(uploadId, { ...fields, key, owner, bytes: Buffer.alloc(0), durable: 0 });
    return user.answerRest('send_file_begin_request', { uploadId, offset: 0 });
  }

  #chunk(fields: { uploadId: string; offset: number; data: string }): string {
    const upload = this.uploads.get(fields.uploadId);
    if (upload === undefined) return user.errorRest(404, 'there is no such upload');
    const data = Buffer.from(fields.data, 'base64');
    const end = fields.offset + data.length;
    const isOld = end <= upload.bytes.length && upload.bytes.subarray(fields.offset, end).equals(data);
    if (!isOld) {
      if (fields.offset !== upload.bytes.length) {
        return user.errorRest(409, 'the store has another offset', upload.bytes.length);
      }
      upload.bytes = Buffer.concat([upload.bytes, data]);
    }
    return user.answerRest('send_file_chunk_request', { nextOffset: isOld ? end : upload.bytes.length });
  }

  #end(uploadId: string): string {
    const upload = this.uploads.get(uploadId);
    if (upload === undefined) return user.errorRest(404, 'there is no such upload');
    if (upload.bytes.length < upload.size) return user.errorRest(409, 'bytes are missing', upload.bytes.length);
    this.uploads.delete(uploadId);
    const sha256 = createHash('sha256').update(upload.bytes).digest('hex');
    if (sha256 !== upload.sha256) return user.errorRest(422, 'the SHA-256 does not match');
    this.putFile(upload.owner, upload.name, upload.bytes);
    return user.answerRest('send_file_end_request', { name: upload.name });
  }

  putFile(owner: string, name: string, bytes: Buffer): void {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.files.set(`${owner}/${name}`, { bytes, sha256, time: new Date().toISOString() });
  }

  #list(owner: string, after: string): ListedFile[] {
    const files: ListedFile[] = [];
    for (const [key, file] of this.files) {
      const name = key.slice(owner.length + 1);
      if (key.startsWith(`${owner}/`) && name > after) files.push({ name, size: file.bytes.length, time: file.time });
    }
    files.sort((a, b) => (a.name < b.name ? -1 : 1));
    return files.slice(0, user.LISTED_FILES_MAX);
  }
}
