/** Health answers (R45). */
import { expect } from 'chai';
import { OVERLOAD_IN_FLIGHT, OVERLOAD_LAG_MS } from '../../../services/kit/core/dialogues/health.ts';
import type { Measured } from '../../../services/kit/core/inputs.ts';
import { TestInstance } from './test-instance.ts';

const CALM: Measured = { utilization: 0.257, lagMs: 3, inFlight: 12, requests: 3456 };

function answered(load: Partial<Measured>): string {
  const instance = new TestInstance().begin();
  instance.health();
  expect(instance.effects).to.deep.equal([{ kind: 'measure' }]);
  instance.input({ kind: 'measured', load: { ...CALM, ...load } });
  return instance.lines.join('\n');
}

describe('kit: health', () => {
  it('R45 measures when asked, and answers 200 with x_load, x_in_flight and x_requests after the known lines', () => {
    expect(answered({})).to.equal(
      'type: service_instance_health_response ~ message_id: 30004 ~ sub_type: service_instance_to_agent ~ service_instance_id: 7 ~ status: 200 ~ x_load: 0.26 ~ x_in_flight: 12 ~ x_requests: 3456',
    );
  });

  it('R45 199 when the event loop is late or too many requests are under way, and only then', () => {
    expect(answered({ lagMs: OVERLOAD_LAG_MS })).to.contain('status: 199');
    expect(answered({ lagMs: OVERLOAD_LAG_MS - 1 })).to.contain('status: 200');
    expect(answered({ inFlight: OVERLOAD_IN_FLIGHT })).to.contain('status: 199 ~ x_load: 1.00');
    expect(answered({ inFlight: OVERLOAD_IN_FLIGHT - 1 })).to.contain('status: 200');
    expect(answered({ utilization: 7 })).to.contain('status: 200 ~ x_load: 1.00');
  });

  it('R45 an instance that ends answers 199: give it nothing new', () => {
    const instance = new TestInstance().begin();
    instance.graceful();
    instance.health();
    instance.input({ kind: 'measured', load: CALM });
    expect(instance.sent('service_instance_health_response').map(({ status }) => status)).to.deep.equal([199]);
  });

  it('two requests share a measurement and are both answered', () => {
    const instance = new TestInstance().begin();
    instance.health(30004);
    expect(instance.health(30005)).to.deep.equal([]);
    instance.input({ kind: 'measured', load: CALM });
    const ids = instance.sent('service_instance_health_response').map(({ message_id }) => message_id);
    expect(ids).to.deep.equal([30004, 30005]);
    expect(instance.health(30006)).to.deep.equal([{ kind: 'measure' }]);
  });

  it('of very many requests during one measurement the latest 16 are answered', () => {
    const instance = new TestInstance().begin();
    for (let id = 30001; id <= 30040; id += 1) instance.health(id);
    instance.input({ kind: 'measured', load: CALM });
    const ids = instance.sent('service_instance_health_response').map(({ message_id }) => message_id);
    expect(ids).to.deep.equal(Array.from({ length: 16 }, (_, n) => 30025 + n));
  });

  it('R45 another instance’s health is 404', () => {
    const instance = new TestInstance().begin();
    instance.health(30004, 8);
    const [answer] = instance.sent('service_instance_health_response');
    expect(answer).to.include({ service_instance_id: 8, status: 404 });
  });
});
