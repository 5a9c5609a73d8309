/**
 * likes-gateway: where users come in. Given. It reads lines from users and passes them on over `likes-plug`; what they mean
 * it does not know. A like without an Operation_id gets one, so that the plug may send it again.
 */
import { createServer } from 'node:net';
import type { Socket } from 'node:net';
import { runService } from '../../../services/kit/main.ts';
import type { RawSocket, ServiceContext } from '../../../services/kit/service.ts';
import { failedRest } from '../../../services/passing/pass.ts';
import { formatLine, isLineError, parseLine, responseTypeOf } from '../../../services/protocols/line.ts';
import { errorRest } from '../../../services/protocols/user.ts';
import { LIKE_REQUEST } from './likes-protocol.ts';

const LINE_CHARACTERS_MAX = 64 * 1024;
const PLUG = 'likes-plug';

function listen(context: ServiceContext, port: number): Promise<RawSocket> {
  const users = new Set<Socket>();
  let [inFlight, requests] = [0, 0];
  let idle = (): void => undefined;

  function pass(line: string, user: Socket): void {
    const message = parseLine(line);
    const answer = (rest: string): void => {
      if (user.writable) user.write(`${formatLine(responseTypeOf(message.type), message.id, rest)}\n`);
    };
    if (isLineError(message)) return answer(errorRest(400, message.error));
    if (!context.plugNames.includes(PLUG)) return answer(errorRest(500, `the graph gives this gateway no ${PLUG}`));
    requests += 1;
    inFlight += 1;
    const isNameless = message.type === LIKE_REQUEST && !message.rest.includes(' ~ Operation_id: ');
    const own = isNameless ? ` ~ Operation_id: gw.${context.instanceId}.${requests}` : '';
    context.plug(PLUG).forward(message.type, message.rest + own, (response, error) => {
      answer(response === null ? failedRest(error) : response.rest);
      inFlight -= 1;
      if (inFlight === 0) idle();
    });
  }

  const server = createServer((user) => {
    users.add(user);
    let held = '';
    user.setEncoding('latin1');
    user.on('data', (piece: string) => {
      const lines = (held + piece).split('\n');
      held = lines.pop() ?? '';
      for (const line of lines) pass(line, user);
      if (held.length > LINE_CHARACTERS_MAX) user.destroy();
    });
    user.on('error', () => user.destroy());
    user.on('close', () => users.delete(user));
  });

  const raw: RawSocket = {
    load: () => ({ inFlight, requests }),
    async drain() {
      server.close();
      if (inFlight > 0) await new Promise<void>((resolve) => (idle = resolve));
      for (const user of users) user.end();
    },
  };
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, context.address, () => resolve(raw));
  });
}

runService({ rawSockets: { 'user-socket': listen } });
