/**
 * Edge 1, registration-plug to registration-socket: api-gateway asks registration to make a user known. Both sides.
 * Answers: 200 without lines; 400 a limit; 409 the name is taken, or the operation id was used for something else.
 */

import { FieldsReader } from './fields.ts';
import { encodePart, restOf } from './line.ts';

export const REGISTRATION_REQUEST = 'registration_request';

export interface Registration {
  readonly user: string;
  readonly operationId: string;
  readonly password: string;
}

export function encodeRegistration(registration: Registration): string {
  return restOf([
    ['User', encodePart(registration.user)],
    ['Operation_id', registration.operationId],
    ['Password', encodePart(registration.password)],
  ]);
}

/** The request, or a sentence that says why it cannot be read. */
export function decodeRegistration(rest: string): Registration | string {
  const fields = new FieldsReader(rest);
  const registration: Registration = {
    user: fields.text('User'),
    operationId: fields.raw('Operation_id'),
    password: fields.text('Password'),
  };
  return fields.problem ?? registration;
}
