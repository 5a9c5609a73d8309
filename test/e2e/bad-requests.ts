/**
 * What users should not send, and what they get for it (cnapp.md): one row a request.
 *
 * Lives here: data. Does not live here: sending it (bad-users.test.ts).
 */
import { encodePart } from '../../services/protocols/line.ts';

/** `rest` is what stands behind the id; TOKEN in it becomes a valid token. `answer` is looked for in the whole answer. */
export interface BadRequest {
  readonly title: string;
  readonly type: string;
  readonly rest: string;
  readonly answer: RegExp;
}

const OK = /Status: 200/;
const UNREADABLE = /Status: 400/;
const REFUSED = /Status: 401 ~ Line_3: user name or password is wrong/;
const TOO_LARGE = /Status: 413/;
const SHA = 'a'.repeat(64);

function rest(...values: string[]): string {
  return values.map((value, at) => ` ~ Line_${at + 1}: ${value}`).join('');
}

function post(title: string, text: string, answer: RegExp): BadRequest {
  return { title: `a post of ${title}`, type: 'send_post_request', rest: rest('TOKEN', text), answer };
}

function login(user: string): BadRequest {
  const values = rest(encodePart(user), encodePart("' OR '1'='1"));
  return { title: `a login as ${user}`, type: 'login_request', rest: values, answer: REFUSED };
}

function registration(user: string): BadRequest {
  const values = rest(encodePart(user), 'a good password');
  return { title: `a registration as ${user}`, type: 'registration_request', rest: values, answer: UNREADABLE };
}

function fileName(name: string): BadRequest[] {
  const written = encodePart(name).replace('\0', '%00');
  return [
    {
      title: `a file called ${JSON.stringify(name.slice(0, 30))}`,
      type: 'send_file_begin_request',
      rest: rest('TOKEN', written, '3', SHA),
      answer: UNREADABLE,
    },
    {
      title: `asking for a file called ${JSON.stringify(name.slice(0, 30))}`,
      type: 'get_file_request',
      rest: rest('TOKEN', written, '0', '10'),
      answer: UNREADABLE,
    },
  ];
}

function size(written: string, answer: RegExp): BadRequest {
  const values = rest('TOKEN', 'sized.bin', written, SHA);
  return { title: `a file of ${written} bytes`, type: 'send_file_begin_request', rest: values, answer };
}

function token(title: string, value: string): BadRequest {
  const type = 'retrieve_last_10_posts_request';
  return { title: `a token that is ${title}`, type, rest: rest(value), answer: /Status: 401/ };
}

const INJECTIONS = [
  "' OR '1'='1",
  '"; DROP TABLE users; --',
  '{"$gt": ""}',
  '$(touch owned)',
  '`touch owned`; | & > < *',
  '../../etc/passwd',
  'a\0b',
];

/** Each is answered as `answer` says, on a connection that goes on. */
export const BAD_REQUESTS: readonly BadRequest[] = [
  post('nothing', '', UNREADABLE),
  post('4,097 bytes', 'x'.repeat(4097), TOO_LARGE),
  post('4,097 bytes in 1,366 characters', '%E2%82%AC'.repeat(1365) + 'xx', /Status: 413 ~ Line_3: the post is 4097/),
  post('4,096 bytes', 'x'.repeat(4096), OK),
  post('a % alone', 'a % b', UNREADABLE),
  post('% and no digits', 'a%zz', UNREADABLE),
  post('% at its end', 'a%4', UNREADABLE),
  post('bytes that are no UTF-8', '%FF%FE', UNREADABLE),
  post('a NUL in two bytes', '%C0%80', UNREADABLE),
  post('half a surrogate pair', '%ED%A0%80', UNREADABLE),
  post('more than Unicode has', '%F5%80%80%80', UNREADABLE),
  post('bytes above 0x7E', 'caf\xe9', UNREADABLE),
  post('a control character', 'a\x07b', UNREADABLE),
  post('a separator in the middle', 'a ~ b', UNREADABLE),
  post('a tilde', 'a~b', UNREADABLE),
  post('a comma', 'a,b', UNREADABLE),
  post('spaces at its end', 'a %20 ', UNREADABLE),
  post('NUL, escape and a line end, encoded', '%00%1B[31m%0A%E2%80%AE', OK),
  ...INJECTIONS.map((text) => post(`'${text.replace('\0', ' ')}'`, encodePart(text), OK)),
  ...INJECTIONS.map(login),
  ...INJECTIONS.map(registration),
  ...['../x', '..', '.', '/etc/passwd', 'a/b', 'a\\b', '..\\x', 'a\0b', '\u0007', '', 'x'.repeat(256)].flatMap(
    fileName,
  ),
  size('2147483649', TOO_LARGE),
  size('9007199254740992', UNREADABLE),
  size('-1', UNREADABLE),
  size('1e3', UNREADABLE),
  size('0x10', UNREADABLE),
  size('', UNREADABLE),
  token('missing', ''),
  token('garbage', 'AAAA.BBBB.CCCC'),
  token('of another form', 'eyJhbGciOiJub25lIn0.eyJ1c2VyIjoid2l0bmVzcyJ9.'),
  token('cut off', 'TOKEN'.slice(0, 3)),
  {
    title: 'a line that stands twice',
    type: 'send_post_request',
    rest: rest('TOKEN', 'x') + ' ~ Line_2: y',
    answer: /400.*twice/,
  },
  { title: 'a second Type', type: 'send_post_request', rest: rest('TOKEN', 'x') + ' ~ Type: y', answer: /400.*twice/ },
  { title: 'a line without a name', type: 'send_post_request', rest: ' ~ : x', answer: UNREADABLE },
  { title: 'no lines at all', type: 'send_post_request', rest: '', answer: UNREADABLE },
  {
    title: 'an unknown request',
    type: 'drop_all_posts_request',
    rest: '',
    answer: /^Type: drop_all_posts_response .*400/,
  },
  { title: 'a request called like a method', type: 'constructor_request', rest: '', answer: UNREADABLE },
  { title: 'what is no request', type: 'send_post_response', rest: '', answer: /^Type: error_response .*400/ },
  {
    title: 'an Operation_id that is too short',
    type: 'send_post_request',
    rest: ' ~ Operation_id: 7' + rest('TOKEN', 'x'),
    answer: UNREADABLE,
  },
  {
    title: 'an unknown upload',
    type: 'send_file_chunk_request',
    rest: rest('TOKEN', 'nobody', '0', 'AAAA'),
    answer: /Status: 404/,
  },
  {
    title: 'the end of an unknown upload',
    type: 'send_file_end_request',
    rest: rest('TOKEN', '../part-1-1'),
    answer: /Status: 404/,
  },
  {
    title: 'a file from an offset beyond all',
    type: 'get_file_request',
    rest: rest('TOKEN', 'x', '9007199254740992', '1'),
    answer: UNREADABLE,
  },
  {
    title: 'an unknown file',
    type: 'get_file_request',
    rest: rest('TOKEN', 'no such file', '0', '1'),
    answer: /Status: 404/,
  },
];

/** What may stand behind `Message_id: ` and is none: answered with 400 and id 0. */
export const BAD_IDS = ['0', '-1', '9007199254740992', '1.5', '007', '1e3', '', ' 1', '99999999999999999999', 'x'];

/** Chunks of an upload of ten bytes that has three, each with its answer. */
export const BAD_CHUNKS: readonly {
  readonly title: string;
  readonly values: readonly [offset: string, data: string];
  readonly answer: RegExp;
}[] = [
  { title: 'at a wrong offset', values: ['7', 'QUJD'], answer: /Status: 409 .* ~ Line_4: 3$/m },
  { title: 'at a negative offset', values: ['-3', 'QUJD'], answer: UNREADABLE },
  { title: 'again, with other bytes', values: ['0', 'WFla'], answer: /Status: 409 .* ~ Line_4: 3$/m },
  { title: 'again, with the same bytes', values: ['0', 'QUJD'], answer: OK },
  { title: 'of more than was announced', values: ['3', 'QUJDREVGR0hJSktM'], answer: TOO_LARGE },
  { title: 'that is no base64', values: ['3', '!!!!'], answer: UNREADABLE },
  { title: 'of half a group', values: ['3', 'QUJ'], answer: UNREADABLE },
  { title: 'with padding in its middle', values: ['3', 'QU==QUJD'], answer: UNREADABLE },
  { title: 'of nothing but padding', values: ['3', '===='], answer: UNREADABLE },
  { title: 'in the other base64', values: ['3', 'Q-_D'], answer: UNREADABLE },
  { title: 'of more than 32 KiB', values: ['3', 'A'.repeat(43_696)], answer: TOO_LARGE },
];
