// A gateway in this process that keeps posts and files in memory, and misbehaves when it is told to. What may not be
// here: any expectation.
import { createServer, type Server, type Socket } from 'node:net';
import { formatLine, isLineError, parseLine, responseTypeOf } from '../../../services/protocols/line.ts';
import {
  answerRest,
  errorRest,
  isUserProblem,
  parseUserRequest,
  type ParsedUserRequest,
  type Post,
} from '../../../services/protocols/user.ts';

/** What to do with a request: answer it, or lose the connection before or after it took effect, or say 503. */
export type Mood = 'answer' | 'break before' | 'break after' | 'busy';

export class FakeGateway {
  readonly posts: Post[] = [];
  readonly requests: { type: string; operationId: string | null }[] = [];
  mood: (type: string) => Mood = () => 'answer';
  /** Spoils what a reader sees. */
  view: (posts: readonly Post[]) => readonly Post[] = (posts) => posts;
  private readonly done = new Map<string, string>();
  private readonly files = new Map<string, { data: string; sha256: string; size: number }>();
  private readonly sockets = new Set<Socket>();
  private readonly server: Server;
  port = 0;

  private constructor() {
    this.server = createServer((socket) => this.serve(socket));
  }

  static async listen(host: string): Promise<FakeGateway> {
    const gateway = new FakeGateway();
    await new Promise<void>((resolve) => gateway.server.listen(0, host, resolve));
    gateway.port = (gateway.server.address() as { port: number }).port;
    return gateway;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => undefined); // it closes
    let partial = '';
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      const lines = (partial + text).split('\n');
      partial = lines.pop() ?? '';
      for (const line of lines) this.take(line, socket);
    });
  }

  private take(line: string, socket: Socket): void {
    const message = parseLine(line);
    const request = isLineError(message) ? null : parseUserRequest(message);
    if (request === null || isUserProblem(request) || isLineError(message)) return void socket.destroy();
    this.requests.push({ type: request.name, operationId: request.operationId });
    const mood = this.mood(request.name);
    if (mood === 'break before') return void socket.destroy();
    const rest = mood === 'busy' ? errorRest(503, 'busy', 5) : this.answer(request);
    if (mood === 'break after') return void socket.destroy();
    socket.write(`${formatLine(responseTypeOf(message.type), message.id, rest)}\n`, 'latin1');
  }

  /** The same operation has the same answer. */
  private answer(request: ParsedUserRequest): string {
    const known = this.done.get(request.operationId ?? '');
    if (known !== undefined) return known;
    const rest = this.act(request);
    if (request.operationId !== null) this.done.set(request.operationId, rest);
    return rest;
  }

  private act({ name, fields }: ParsedUserRequest): string {
    const token = 'token' in fields ? fields.token : '';
    switch (name) {
      case 'registration_request':
      case 'logout_request':
        return answerRest(name, {});
      case 'login_request':
        return answerRest(name, { token: fields.user });
      case 'send_post_request': {
        const postId = String(this.posts.length + 1);
        this.posts.unshift({ post_id: postId, user: token, time: new Date().toISOString(), text: fields.text });
        return answerRest(name, { postId });
      }
      case 'retrieve_last_10_posts_request':
        return answerRest(name, { posts: this.view(this.posts.slice(0, 10)) });
      case 'send_file_begin_request':
        this.files.set(fields.name, { data: '', sha256: fields.sha256, size: fields.size });
        return answerRest(name, { uploadId: fields.name, offset: 0 });
      case 'send_file_chunk_request': {
        const file = this.files.get(fields.uploadId);
        if (file === undefined) return errorRest(404, 'no such upload');
        file.data += Buffer.from(fields.data, 'base64').toString('latin1');
        return answerRest(name, { nextOffset: file.data.length });
      }
      case 'send_file_end_request':
        return answerRest(name, { name: fields.uploadId });
      case 'get_file_request': {
        const file = this.files.get(fields.name);
        if (file === undefined) return errorRest(404, 'no such file');
        const part = Buffer.from(file.data.slice(fields.offset, fields.offset + fields.mostBytes), 'latin1');
        const nextOffset = fields.offset + part.length;
        return answerRest(name, { data: part.toString('base64'), nextOffset, size: file.size, sha256: file.sha256 });
      }
      case 'list_files_request': {
        const time = new Date(0).toISOString();
        return answerRest(name, { files: [...this.files].map(([key, { size }]) => ({ name: key, size, time })) });
      }
    }
  }
}
