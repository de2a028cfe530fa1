// Gives a token to every request of this process, whichever of Node's clients makes it: the suite itself sends none.
import { subscribe } from 'node:diagnostics_channel';

const credentials = `Bearer ${process.env.CONFORMANCE_TOKEN}`;

subscribe('undici:request:create', ({ request }) => request.addHeader('authorization', credentials));
subscribe('http.client.request.created', ({ request }) => request.setHeader('authorization', credentials));
