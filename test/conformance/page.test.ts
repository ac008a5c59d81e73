import { readFileSync } from 'node:fs';
import test from 'ava';
import { kmipData } from '../harness/kmip-data.ts';
import { page, pagePath } from './page.ts';

/** `npm run conformance-page` writes it. */
test('docs/kmip-conformance.md says what the tables say', (t) => {
  const written = readFileSync(pagePath, 'utf8');
  t.is(page(kmipData(), written), written);
});
