/** table, at 20 ms a request: fifty a second. */
import { runService } from '../../../services/kit/main.ts';
import { create } from '../../../services/table/service.ts';
import { paced } from './paced.ts';

runService((context) => paced(create(context), 'table-socket', 20));
