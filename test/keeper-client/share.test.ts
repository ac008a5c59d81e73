import { randomBytes } from 'node:crypto';
import type { ExecutionContext } from 'ava';
import test from 'ava';
import fc from 'fast-check';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { KeeperError } from '../../appliance/keeper-client/keeper.ts';
import type { KeeperErrorCode } from '../../appliance/keeper-client/keeper.ts';
import {
  readShare,
  shareText,
  shareWords,
  wrongWords,
} from '../../appliance/keeper-client/share.ts';
import type { RecoveryShare } from '../../appliance/keeper-client/share.ts';

function anyShare(): RecoveryShare {
  const [index, threshold] = [1 + ((randomBytes(1)[0] ?? 0) % 9), 3];
  return { set: randomBytes(4), index, threshold, part: randomBytes(33) };
}

function refused(t: ExecutionContext, code: KeeperErrorCode, text: string): string {
  const error = t.throws(() => readShare(text), { instanceOf: KeeperError }, text);
  t.is(error.code, code, text);
  return error.message;
}

test('a share is 32 words or 71 letters and digits, and both are read', (t) => {
  for (let i = 0; i < 50; i++) {
    const share = anyShare();
    const words = shareWords(share);
    t.is(words.length, 32);
    t.true(words.every((word) => wordlist.includes(word)));
    t.deepEqual(readShare(words.join(' ')), share);
    t.deepEqual(readShare(shareText(share)), share);
  }
});

test('the words of a share stay what they are', (t) => {
  // Made once with this program: a paper that was written then has to be read for ever.
  const share = { set: Buffer.from('01020304', 'hex'), index: 2, threshold: 3 };
  const part = Buffer.from(Array.from({ length: 33 }, (_, i) => i * 7));
  const words = shareWords({ ...share, part });
  t.is(
    words.join(' '),
    'absurd amount liar amount cage length bring section bring bone middle idea ' +
      'virtual chase fabric hobby harvest lonely text arch since snap mammal ' +
      'bicycle repeat until cream pizza own hundred poem hospital',
  );
  t.is(
    shareText({ ...share, part }),
    '040G40-R4081G-01RE2M-E26AHH-70ZMCK-AMBDH6-JW3QFT-2RS4WT-M6MAZD-NXRK5X-5PF0VS-MW6VR',
  );
});

test('words are read in any case, by four letters, numbered, over lines', (t) => {
  const share = anyShare();
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('as is', 'upper', 'four', 'numbered', 'line'), {
        minLength: 32,
        maxLength: 32,
      }),
      (ways) => {
        const typed = shareWords(share).map((word, i) => {
          if (ways[i] === 'upper') return word.toUpperCase();
          if (ways[i] === 'four') return word.slice(0, 4);
          if (ways[i] === 'numbered') return `${i + 1}. ${word}`;
          return ways[i] === 'line' ? `${word}\n` : `${word} `;
        });
        t.deepEqual(readShare(typed.join(' ')), share);
      },
    ),
  );
});

test('a word that is none is named by its place', (t) => {
  const words = shareWords(anyShare());
  for (const i of [0, 6, 31]) {
    const typed = words.with(i, 'qqqq').join(' ');
    t.is(refused(t, 'share-word', typed), `word ${i + 1} is not one of the list`);
  }
  t.is(refused(t, 'share-word', words.slice(1).join(' ')), 'a share has 32 words, these are 31');
  refused(t, 'share-word', [...words, 'zoo'].join(' '));
  refused(t, 'share-word', 'abandon ability able');
  for (const text of ['', 'x', '7', 'ÄÖÜ', '7'.repeat(71), 'Z'.repeat(71), '\0']) {
    refused(t, 'share-damaged', text);
  }
});

test('any other word of the list in the place of one is found out, and where', (t) => {
  const words = shareWords(anyShare());
  const another = (i: number): string =>
    wordlist[(wordlist.indexOf(words[i] ?? '') + 1000 + i) % 2048] ?? '';
  for (let i = 0; i < words.length; i += 5) {
    const typed = words.with(i, another(i)).join(' ');
    refused(t, 'share-damaged', typed);
    t.deepEqual(wrongWords(typed), [i + 1]);
  }
  // Two words side by side may be the same one.
  const at = words.findIndex((word, i) => i >= 3 && word !== words[i + 1]);
  const [swapped, first = '', second = ''] = [[...words], words[at], words[at + 1]];
  swapped.splice(at, 2, second, first);
  t.deepEqual(wrongWords(swapped.join(' ')), [at + 1, at + 2]);
  const two = words.with(3, another(3)).with(9, another(9)).join(' ');
  refused(t, 'share-damaged', two);
  t.deepEqual(wrongWords(two), []);
  t.deepEqual(wrongWords('Z'.repeat(71)), []);
});

test('no text makes the reading of a share do anything but refuse', (t) => {
  const lines = fc.oneof(
    fc.string(),
    fc.array(fc.constantFrom(...wordlist), { maxLength: 40 }).map((words) => words.join(' ')),
    fc.string({
      unit: fc.constantFrom('0', 'A', 'Z', '-', '7'),
      minLength: 60,
      maxLength: 90,
    }),
  );
  fc.assert(
    fc.property(lines, (text) => {
      const error = t.throws(() => readShare(text), { instanceOf: KeeperError });
      return error.code === 'share-word' || error.code === 'share-damaged';
    }),
  );
});
