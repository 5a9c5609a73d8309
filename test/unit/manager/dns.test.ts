/** The names of gateways: which there are, what is answered, whose turn it is. */
import { expect } from 'chai';
import { answerQuestion, dnsZone, newRotation, TTL_SECONDS } from '../../../manager/core/dns.ts';
import type { DnsAnswer, DnsHost, DnsZone } from '../../../manager/core/dns.ts';
import { gatewaysView } from '../../../manager/core/views.ts';
import { initialManager } from '../../../manager/core/save.ts';
import { Obedient } from './obedient.ts';
import { SMALL, TestManager } from './harness.ts';

const ALIAS = 'gateway.small.test';

/** `NOERROR gateway.small.test CNAME gate-1.small.test, gate-1.small.test A 127.0.0.11`, `+ SOA` with one in the authority. */
function text({ code, answers, authorities }: DnsAnswer): string {
  const records = answers
    .map(({ name, type, data }) => `${name} ${type}${type === 'SOA' ? '' : ` ${data}`}`)
    .join(', ');
  const soa = authorities.map(({ name, type }) => ` + ${type} of ${name}`).join('');
  return `${code}${records === '' ? '' : ` ${records}`}${soa}`;
}

function zoneOf(hosts: readonly (readonly [name: string, address: string])[], alias = ALIAS): DnsZone {
  const rows = hosts.map(([name, address]): DnsHost => ({ name, type: address.includes(':') ? 'AAAA' : 'A', address }));
  return { alias, domain: alias.slice(alias.indexOf('.') + 1), serial: 7, hosts: rows };
}

const TWO = zoneOf([
  ['gate-1.small.test', '127.0.0.11'],
  ['gate-2.small.test', '127.0.0.12'],
]);

describe('Manager: DNS answers', () => {
  it('R23 the alias: one CNAME and the address of that name, the next gateway each time', () => {
    const rotation = newRotation();
    const asked = Array.from({ length: 3 }, () => text(answerQuestion(TWO, ALIAS, 'A', rotation)));
    const first = `NOERROR ${ALIAS} CNAME gate-1.small.test, gate-1.small.test A 127.0.0.11`;
    expect(asked).to.deep.equal([first, first.replaceAll('-1', '-2').replace('.11', '.12'), first]);
  });

  it('a client that asks for A and AAAA in turn is given both gateways', () => {
    const rotation = newRotation();
    const addresses = Array.from({ length: 2 }, () => {
      answerQuestion(TWO, ALIAS, 'AAAA', rotation);
      return answerQuestion(TWO, ALIAS, 'A', rotation).answers[1]?.data;
    });
    expect(addresses).to.deep.equal(['127.0.0.11', '127.0.0.12']);
  });

  it('R23 a canonical name: A for IPv4, AAAA for IPv6, nothing else (NODATA)', () => {
    const zone = zoneOf([
      ['gate-1.small.test', '127.0.0.11'],
      ['gate-2.small.test', 'fd00::2'],
    ]);
    const ask = (name: string, type: string): string => text(answerQuestion(zone, name, type, newRotation()));
    expect(ask('gate-1.small.test', 'A')).to.equal('NOERROR gate-1.small.test A 127.0.0.11');
    expect(ask('gate-1.small.test', 'ANY')).to.equal('NOERROR gate-1.small.test A 127.0.0.11');
    expect(ask('gate-2.small.test', 'AAAA')).to.equal('NOERROR gate-2.small.test AAAA fd00::2');
    for (const [name, type] of [
      ['gate-1.small.test', 'AAAA'],
      ['gate-2.small.test', 'A'],
      ['gate-1.small.test', 'MX'],
      ['gate-1.small.test', 'UNKNOWN_65'],
      ['small.test', 'A'],
    ] as const)
      expect(ask(name, type), `${name} ${type}`).to.equal('NOERROR + SOA of small.test');
    expect(ask('small.test', 'SOA')).to.equal('NOERROR small.test SOA');
  });

  it('the alias in two families: each question is given a gateway that has its address', () => {
    const zone = zoneOf([
      ['gate-1.small.test', '127.0.0.11'],
      ['gate-2.small.test', 'fd00::2'],
    ]);
    const rotation = newRotation();
    for (let round = 0; round < 3; round += 1) {
      expect(answerQuestion(zone, ALIAS, 'A', rotation).answers[1]?.data).to.equal('127.0.0.11');
      expect(answerQuestion(zone, ALIAS, 'AAAA', rotation).answers[1]?.data).to.equal('fd00::2');
    }
  });

  it('the alias with other types: the CNAME alone, one an answer', () => {
    const ask = (type: string): string => text(answerQuestion(TWO, ALIAS, type, newRotation()));
    expect(ask('CNAME')).to.equal(`NOERROR ${ALIAS} CNAME gate-1.small.test`);
    expect(ask('ANY')).to.equal(`NOERROR ${ALIAS} CNAME gate-1.small.test`);
    expect(ask('AAAA')).to.equal(`NOERROR ${ALIAS} CNAME gate-1.small.test + SOA of small.test`);
    expect(ask('TXT')).to.equal(`NOERROR ${ALIAS} CNAME gate-1.small.test + SOA of small.test`);
  });

  it('all else does not exist (NXDOMAIN), with a SOA where the name is of our zone', () => {
    const ask = (name: string): string => text(answerQuestion(TWO, name, 'A', newRotation()));
    for (const name of [
      'nosuch.small.test',
      'gate-3.small.test',
      'x.gateway.small.test',
      'gate-1\\046small.test.small.test',
    ])
      expect(ask(name), name).to.equal('NXDOMAIN + SOA of small.test');
    for (const name of [
      '',
      'test',
      'example.org',
      'notsmall.test',
      'gateway.small.test.org',
      'gateway',
      'gate-1\\046small.test',
    ])
      expect(ask(name), name).to.equal('NXDOMAIN');
    expect(text(answerQuestion(null, ALIAS, 'A', newRotation()))).to.equal('NXDOMAIN');
  });

  it('compares names without case, of A to Z only, and answers in the spelling of the question', () => {
    const answer = answerQuestion(TWO, 'GateWAY.Small.TEST', 'A', newRotation());
    expect(text(answer)).to.equal('NOERROR GateWAY.Small.TEST CNAME gate-1.small.test, gate-1.small.test A 127.0.0.11');
    const mixed = zoneOf([['Gate-1.Small.Test', '127.0.0.11']], 'Gateway.Small.Test');
    expect(text(answerQuestion(mixed, 'gate-1.small.test', 'A', newRotation()))).to.match(
      /^NOERROR gate-1\.small\.test A/,
    );
    const kelvin = zoneOf([['k-1.small.test', '127.0.0.11']]);
    expect(text(answerQuestion(kelvin, '\u212a-1.small.test', 'A', newRotation()))).to.match(/^NXDOMAIN/);
  });

  it('a name above a name exists, so that nobody takes the lower one for missing', () => {
    const zone = zoneOf([['a.b-1.small.test', '127.0.0.11']]);
    expect(text(answerQuestion(zone, 'b-1.small.test', 'A', newRotation()))).to.equal('NOERROR + SOA of small.test');
    expect(text(answerQuestion(zone, 'A.b-1.small.test', 'A', newRotation()))).to.match(
      /^NOERROR A\.b-1\.small\.test A/,
    );
  });

  it('an alias of one label is its own domain', () => {
    const zone: DnsZone = {
      alias: 'small',
      domain: 'small',
      serial: 1,
      hosts: [{ name: 'gate-1.small', type: 'A', address: '127.0.0.11' }],
    };
    expect(text(answerQuestion(zone, 'small', 'A', newRotation()))).to.equal(
      'NOERROR small CNAME gate-1.small, gate-1.small A 127.0.0.11',
    );
    expect(text(answerQuestion({ ...zone, hosts: [] }, 'small', 'A', newRotation()))).to.equal(
      'NOERROR + SOA of small',
    );
  });

  it('no gateway, no alias: NXDOMAIN that holds for TTL_SECONDS', () => {
    const { code, authorities } = answerQuestion({ ...TWO, hosts: [] }, ALIAS, 'A', newRotation());
    expect(code).to.equal('NXDOMAIN');
    expect(TTL_SECONDS).to.equal(1);
    expect(authorities[0]?.data).to.include({ mname: 'small.test', serial: 7, minimum: 1 });
  });
});

describe('Manager: DNS records of a cluster', () => {
  const hostsOf = (cluster: Obedient): string[] => (dnsZone(cluster.m.state)?.hosts ?? []).map(({ name }) => name);

  it('R23 they come with gateway instances that are on, and are the names that `get gateways` shows', () => {
    const cluster = new Obedient();
    expect(hostsOf(cluster)).to.have.length(1);
    const serial = dnsZone(cluster.m.state)?.serial ?? 0;
    cluster.command(1, { command: 'scale', service: 'gate', replicas: 3, dry_run: false });
    expect(hostsOf(cluster)).to.deep.equal(cluster.of('gate').map(({ id }) => `gate-${id}.small.test`));
    expect(hostsOf(cluster)).to.have.length(3);
    expect(gatewaysView(cluster.m.state).map(({ name }) => name)).to.deep.equal(hostsOf(cluster));
    expect(dnsZone(cluster.m.state)?.serial).to.be.greaterThan(serial);
  });

  it('a gateway that starts has none yet; one whose agent is out of contact keeps it', () => {
    const cluster = new Obedient();
    cluster.slow.add('gate');
    cluster.command(1, { command: 'scale', service: 'gate', replicas: 2, dry_run: false });
    expect(cluster.of('gate').map(({ status }) => status)).to.deep.equal(['on', 'starting']);
    expect(hostsOf(cluster)).to.have.length(1);
    const [gate] = cluster.of('gate');
    cluster.m.closeConnection(cluster.homeOf(gate));
    cluster.m.pass(cluster.m.state.timers.suspectMs + 1000);
    expect(cluster.of('gate')[0]?.status).to.equal('unknown');
    expect(hostsOf(cluster)).to.include(`gate-${gate?.id}.small.test`);
  });

  it('R32 a draining gateway loses its record before anything else happens to it', () => {
    const cluster = new Obedient();
    cluster.open('gate', 'front-plug', 'front-socket', 'front');
    cluster.command(1, { command: 'scale', service: 'gate', replicas: 2, dry_run: false });
    const [first, second] = cluster.of('gate');
    // Only the Manager's own step: nobody has obeyed yet, its sessions are open.
    cluster.m.command(2, { command: 'stop', instance: `gate/${first?.id}`, hard: false });
    expect(first?.status).to.equal('draining');
    expect(first?.outgoing.size).to.equal(1);
    expect(hostsOf(cluster))
      .to.include(`gate-${second?.id}.small.test`)
      .and.not.include(`gate-${first?.id}.small.test`);
    const { hosts } = dnsZone(cluster.m.state) as DnsZone;
    expect(hosts.map(({ address }) => address)).not.to.include(first?.address);
  });

  it('without an alias there are no names; a name that DNS cannot hold is left out', () => {
    expect(dnsZone(initialManager())).to.equal(null);
    const long = 'g'.repeat(64);
    const m = new TestManager(SMALL.replaceAll('gate:', `${long}:`).replaceAll('[gate,', `[${long},`));
    const agent = m.open('127.0.0.11');
    const [start] = m.sent('execution_request', m.register(agent, '127.0.0.11', [long, 'store']));
    m.started(agent, start?.message_id ?? 0);
    expect(gatewaysView(m.state)).to.have.length(1);
    expect(dnsZone(m.state)?.hosts).to.deep.equal([]);
  });
});
