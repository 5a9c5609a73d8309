/** posts-db, at 5 ms a request: two hundred a second. */
import { runService } from '../../../services/kit/main.ts';
import { create } from '../../../services/posts-db/service.ts';
import { paced } from './paced.ts';

runService((context) => paced(create(context), 'posts-socket', 5));
