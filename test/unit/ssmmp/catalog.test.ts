/** The catalog against the specification's list of messages. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import { type CATALOG, FIELD_KINDS, MESSAGE_TYPES, rowOf, subTypeOn } from '../../../ssmmp/core/catalog.ts';
import { STATUS } from '../../../ssmmp/core/status.ts';

interface Listed {
  type: string;
  directions: { sub_type?: string; from: string; to: string }[];
  fields: string[];
  response?: string;
}

const listed = (
  JSON.parse(readFileSync(new URL('../../data/messages.json', import.meta.url), 'utf8')) as { messages: Listed[] }
).messages;

const party = (words: string): string => (words.endsWith('instance') ? 'instance' : words);

describe('catalog', () => {
  it('has the 22 messages of the specification, in its order', () => {
    expect(MESSAGE_TYPES).to.deep.equal(listed.map(({ type }) => type));
    expect(MESSAGE_TYPES).to.have.length(22);
  });

  for (const message of listed)
    it(`${message.type}: fields, hops and response are the specification's`, () => {
      const row = rowOf(message.type as keyof typeof CATALOG);
      expect(row.fields).to.deep.equal(message.fields);
      expect(row.hops).to.deep.equal(
        message.directions.map(({ sub_type, from, to }) => ({
          subType: sub_type ?? null,
          from: party(from),
          to: party(to),
        })),
      );
      expect(row.response).to.equal(message.response ?? null);
    });

  it('counts the 36 formats of the specification', () => {
    expect(MESSAGE_TYPES.flatMap((type) => rowOf(type).hops)).to.have.length(36);
  });

  it('has a kind for every field and uses every kind it has', () => {
    const used = new Set(MESSAGE_TYPES.flatMap((type) => rowOf(type).fields));
    expect([...used].sort()).to.deep.equal(Object.keys(FIELD_KINDS).sort());
  });

  it('has a table of status codes for every message with a status', () => {
    const withStatus = MESSAGE_TYPES.filter((type) => rowOf(type).fields.includes('status'));
    expect(Object.keys(STATUS).sort()).to.deep.equal([...withStatus].sort());
  });

  it('knows which hop a message is on', () => {
    expect(subTypeOn('session_request', 'instance', 'agent')).to.equal('service_to_agent');
    expect(subTypeOn('session_request', 'agent', 'Manager')).to.equal('agent_to_Manager');
    expect(subTypeOn('execution_request', 'Manager', 'agent')).to.equal(null);
    expect(subTypeOn('execution_request', 'agent', 'Manager')).to.equal(undefined);
  });
});
