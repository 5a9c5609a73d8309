/**
 * DNS packets: from the bytes of a query to the bytes of its answer.
 *
 * Lives here: what is a query at all, EDNS, truncation, error codes. Does not live here: which names there are
 * (manager/core/dns.ts), sockets (dns-server.ts).
 *
 * Everything is checked in the header before dns-packet reads on, so that no packet costs more than its few bytes. The
 * question goes back byte for byte: resolvers compare it, some with letters in mixed case (RFC 1035; EDNS: RFC 6891).
 */
import { decode, encode, AUTHORITATIVE_ANSWER, RECURSION_DESIRED, TRUNCATED_RESPONSE } from 'dns-packet';
import type { Answer, OptAnswer, Packet, Question } from 'dns-packet';
import { TTL_SECONDS, type DnsAnswer, type DnsRecord } from '../core/dns.ts';

/** Bytes of a query; a name and its options need far less. */
export const QUERY_BYTES_MAX = 4096;
export const HEADER_BYTES = 12;
/** Bytes of an answer over UDP to somebody who says nothing of his own, who says so, and over TCP. */
export const UDP_BYTES = 512;
export const EDNS_UDP_BYTES_MAX = 1232;
const TCP_BYTES_MAX = 65_535;
/** A query may carry EDNS and a signature. */
const ADDITIONALS_MAX = 2;

const CODES = { NOERROR: 0, FORMERR: 1, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5 } as const;
/** Its upper eight bits stand in the OPT record, its lower four, zero, in the header. */
const BADVERS_UPPER = 1;

const RESPONSE_BIT = 0x8000;
const OPCODE_BITS = 0x7800;
const CLASS_BYTES = 2;
const TYPE_BYTES = 2;
const LABEL_BYTES_MAX = 63;
const NAME_BYTES_MAX = 255;
const DOT = 0x2e;

/** Answers one question of class IN; the type in capitals. */
export type Resolve = (name: string, type: string) => DnsAnswer;

/** The answer's bytes; null where there is to be none: no header, or itself an answer (two servers would talk for ever). */
export function answerPacket(query: Buffer, transport: 'udp' | 'tcp', resolve: Resolve): Buffer | null {
  if (query.length < HEADER_BYTES) return null;
  const flags = query.readUInt16BE(2);
  if ((flags & RESPONSE_BIT) !== 0) return null;
  const reply: Reply = { id: query.readUInt16BE(0), flags: flags & (OPCODE_BITS | RECURSION_DESIRED), question: null };
  if (query.length > QUERY_BYTES_MAX) return errorPacket(reply, 'FORMERR');
  if ((flags & OPCODE_BITS) !== 0) return errorPacket(reply, 'NOTIMP');
  const [questions, answers, authorities, additionals] = [4, 6, 8, 10].map((at) => query.readUInt16BE(at)) as Counts;
  if (questions !== 1 || answers !== 0 || authorities > 1 || additionals > ADDITIONALS_MAX)
    return errorPacket(reply, 'FORMERR');
  const question = readQuestion(query);
  const packet = question === null ? null : decoded(query);
  if (question === null || packet === null) return errorPacket(reply, 'FORMERR');
  reply.question = question.bytes;

  const options = (packet.additionals ?? []).filter((record): record is OptAnswer => record.type === 'OPT');
  const [edns] = options;
  if (options.length > 1 || (edns !== undefined && edns.name !== '.')) return errorPacket(reply, 'FORMERR');
  if (edns !== undefined) reply.edns = edns.ednsVersion === 0 ? 0 : BADVERS_UPPER;
  if (reply.edns === BADVERS_UPPER) return errorPacket(reply, 'NOERROR');

  const { type, class: family } = (packet.questions as Question[])[0] as Question;
  // Other classes hold no names of ours, and a zone is given to nobody.
  if (family !== 'IN' || type === 'AXFR' || type === 'IXFR') return errorPacket(reply, 'REFUSED');
  const answer = resolve(question.name, type);
  const bytesMax = transport === 'tcp' ? TCP_BYTES_MAX : udpBytes(edns);
  const whole = packetOf(reply, CODES[answer.code] | AUTHORITATIVE_ANSWER, answer);
  // Cut off: nothing but the sign that says "ask over TCP".
  return whole.length <= bytesMax ? whole : packetOf(reply, AUTHORITATIVE_ANSWER | TRUNCATED_RESPONSE);
}

type Counts = [questions: number, answers: number, authorities: number, additionals: number];

/** What every answer to a query has in common. */
interface Reply {
  readonly id: number;
  readonly flags: number;
  question: Buffer | null;
  /** Upper bits of the code, where the query had EDNS. */
  edns?: number;
}

function errorPacket(reply: Reply, code: keyof typeof CODES): Buffer {
  return packetOf(reply, CODES[code]);
}

function packetOf(reply: Reply, flags: number, { answers, authorities }: Partial<DnsAnswer> = {}): Buffer {
  const { id, question, edns } = reply;
  const packet: Packet = { id, type: 'response', flags: reply.flags | flags };
  packet.answers = (answers ?? []).map(wireRecord);
  packet.authorities = (authorities ?? []).map(wireRecord);
  packet.additionals = edns === undefined ? [] : [optionOf(edns)];
  const bytes = encode(packet);
  if (question === null) return bytes;
  bytes.writeUInt16BE(1, 4);
  return Buffer.concat([bytes.subarray(0, HEADER_BYTES), question, bytes.subarray(HEADER_BYTES)]);
}

function wireRecord(record: DnsRecord): Answer {
  return { ...record, ttl: TTL_SECONDS, class: 'IN' } as Answer;
}

function optionOf(extendedRcode: number): OptAnswer {
  const size = { udpPayloadSize: EDNS_UDP_BYTES_MAX };
  return { type: 'OPT', name: '.', ...size, extendedRcode, ednsVersion: 0, flags: 0, flag_do: false, options: [] };
}

function udpBytes(edns: OptAnswer | undefined): number {
  return Math.min(Math.max(edns?.udpPayloadSize ?? UDP_BYTES, UDP_BYTES), EDNS_UDP_BYTES_MAX);
}

/**
 * The question after the header: its bytes, and its name. Null for one that is cut off, or compressed (there is nothing
 * before it to point at). A dot inside a label is written `\046`, as in zone files, so that it is no other name's.
 */
function readQuestion(query: Buffer): { name: string; bytes: Buffer } | null {
  const labels: string[] = [];
  let at = HEADER_BYTES;
  for (;;) {
    const length = query[at];
    if (length === undefined || length > LABEL_BYTES_MAX) return null;
    at += 1;
    if (length === 0) break;
    if (at + length > query.length) return null;
    labels.push(labelText(query.subarray(at, at + length)));
    at += length;
  }
  if (at - HEADER_BYTES > NAME_BYTES_MAX) return null;
  const end = at + TYPE_BYTES + CLASS_BYTES;
  return end > query.length ? null : { name: labels.join('.'), bytes: query.subarray(HEADER_BYTES, end) };
}

function labelText(label: Buffer): string {
  const text = label.toString('latin1');
  return label.includes(DOT) ? text.replaceAll('.', '\\046') : text;
}

/** Null when dns-packet cannot read it: it throws for whatever is cut off or points astray. */
function decoded(query: Buffer): Packet | null {
  try {
    return decode(query);
  } catch {
    return null;
  }
}
