// Bench service: the front of the data path. A user's line goes on over the plug, the answer back to the user.
//
// It does what the real gateway does for a request but for looking at tokens and contents. Any number of plugs: a line of type
// `P_request` goes over the plug called P, so that one gateway serves graphs with many services.
import { createServer, type Socket } from 'node:net';
import { runService } from '../../services/kit/main.ts';
import type { Plug, RawSocket, ServiceContext } from '../../services/kit/service.ts';
import { formatLine, isLineError, parseLine } from '../../services/protocols/line.ts';

const dirty: Output[] = [];

/** Collects what a user is sent in one turn of the event loop, so that it is one write. */
class Output {
  private text = '';
  readonly socket: Socket;
  constructor(socket: Socket) {
    this.socket = socket;
  }
  add(line: string): void {
    if (this.text === '' && dirty.push(this) === 1) setImmediate(flush);
    this.text += `${line}\n`;
  }
  flush(): void {
    const text = this.text;
    this.text = '';
    if (!this.socket.destroyed) this.socket.write(text, 'latin1');
  }
}

function flush(): void {
  for (const output of dirty.splice(0)) output.flush();
}

async function serveUsers(context: ServiceContext, port: number): Promise<RawSocket> {
  const plugs = new Map<string, Plug>(context.plugNames.map((name) => [`${name}_request`, context.plug(name)]));
  let inFlight = 0;
  let requests = 0;

  function onLine(line: string, output: Output): void {
    const request = parseLine(line);
    const plug = plugs.get(request.type);
    if (isLineError(request) || plug === undefined) return output.add(formatLine('error_response', request.id, ''));
    inFlight += 1;
    plug.forward(request.type, request.rest, (response, error) => {
      inFlight -= 1;
      requests += 1;
      if (response !== null) output.add(formatLine(response.type, request.id, response.rest));
      else output.add(formatLine('error_response', request.id, ` ~ Line_3: ${error?.message ?? ''}`));
    });
  }

  const server = createServer({ noDelay: true }, (socket) => {
    const output = new Output(socket);
    let rest = '';
    socket.setEncoding('latin1');
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: unknown) => {
      const text = rest === '' ? (chunk as string) : rest + (chunk as string);
      let from = 0;
      for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
        onLine(text.slice(from, end), output);
        from = end + 1;
      }
      rest = text.slice(from);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, context.address, resolve);
  });
  return {
    drain: () => new Promise((resolve) => void server.close(() => resolve())),
    load: () => ({ inFlight, requests }),
  };
}

runService({ rawSockets: { 'user-socket': serveUsers } });
