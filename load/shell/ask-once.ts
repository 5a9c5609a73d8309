/**
 * One request and its first answer, whatever that is: no other gateway, nothing sent again. For demos that show what a
 * service says when it cannot serve.
 */
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import { formatLine, isLineError, parseLine, type LineMessage } from '../../services/protocols/line.ts';
import { parseUserAnswer, userRequest } from '../../services/protocols/user.ts';
import type { Gateway } from './user-link.ts';

const ANSWER_MS_MAX = 12_000;

export interface FirstAnswer {
  readonly status: number;
  /** Line 3 of an error, for people. */
  readonly said: string;
}

/** A new user registers, logs in, and posts once. Rejects when the connection breaks. */
export async function postOnce(gateway: Gateway): Promise<() => Promise<FirstAnswer>> {
  const user = `demo-${randomBytes(4).toString('hex')}`;
  const password = randomBytes(9).toString('hex');
  await ask(gateway, 'registration_request', userRequest('registration_request', { user, password }, newId()));
  const login = await ask(gateway, 'login_request', userRequest('login_request', { user, password }, ''));
  const entered = parseUserAnswer('login_request', login);
  if (typeof entered === 'string' || !entered.ok) throw new Error(`${user} could not log in`);
  const { token } = entered;
  return async () => {
    const fields = { token, text: 'one post of a demo' };
    const message = await ask(gateway, 'send_post_request', userRequest('send_post_request', fields, newId()));
    const answer = parseUserAnswer('send_post_request', message);
    if (typeof answer === 'string') return { status: 500, said: answer };
    return answer.ok ? { status: 200, said: '' } : { status: answer.status, said: answer.message };
  };
}

function ask({ host, port }: Gateway, type: string, rest: string): Promise<LineMessage> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, noDelay: true });
    let text = '';
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy(new Error('no answer')));
    socket.setEncoding('latin1');
    socket.on('connect', () => socket.write(`${formatLine(type, 1, rest)}\n`, 'latin1'));
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (!text.includes('\n')) return;
      const message = parseLine(text.slice(0, text.indexOf('\n')));
      socket.destroy();
      if (isLineError(message)) reject(new Error(message.error));
      else resolve(message);
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the gateway closed the connection')));
  });
}

function newId(): string {
  return randomBytes(12).toString('hex');
}
