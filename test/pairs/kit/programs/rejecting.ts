/** A service with a bug: a promise that nobody awaits is rejected when the first request comes. */
import { runService } from '../../../../services/kit/main.ts';

runService({
  sockets: {
    S: () => {
      void Promise.reject(new Error('a bug nobody awaits'));
      return { type: 'x_response', rest: '' };
    },
  },
});
