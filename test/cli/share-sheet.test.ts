import { randomBytes } from 'node:crypto';
import test from 'ava';
import { qrText } from '../../appliance/setup/qr.ts';
import { shareSheet, wordTable } from '../../appliance/cli/share-sheet.ts';
import { readShare, shareText, shareWords } from '../../appliance/keeper-client/share.ts';

// Its types want a browser's: taken by a name that the compiler does not follow.
const decoder: string = 'qr/decode.js';
const { default: decodeQR } = (await import(decoder)) as {
  default: (image: { width: number; height: number; data: Uint8Array }) => string;
};
const share = { set: randomBytes(4), index: 2, threshold: 3, part: randomBytes(33) };
const text = shareText(share);

/** What a camera sees, four pixels for a module; `dark` says of a module whether it is. */
function decode(width: number, height: number, dark: (x: number, y: number) => boolean): string {
  const [scale, edge] = [4, 16];
  const image = { width: width * scale + 2 * edge, height: height * scale + 2 * edge };
  const data = new Uint8Array(image.width * image.height * 4).fill(255);
  for (let y = 0; y < height * scale; y++) {
    for (let x = 0; x < width * scale; x++) {
      if (!dark(Math.floor(x / scale), Math.floor(y / scale))) continue;
      data.fill(
        0,
        ((y + edge) * image.width + x + edge) * 4,
        ((y + edge) * image.width + x + edge) * 4 + 3,
      );
    }
  }
  return decodeQR({ ...image, data });
}

test('the half blocks of a terminal are a QR code of the share', (t) => {
  const lines = qrText(text, false).split('\n');
  t.true(lines.every((line) => line.length <= 60));
  t.true(lines.length <= 24);
  const dark = (x: number, y: number): boolean => {
    const character = lines[y >> 1]?.[x] ?? '█';
    return character === ' ' || character === (y % 2 === 0 ? '▄' : '▀');
  };
  t.is(decode(lines[0]?.length ?? 0, lines.length * 2, dark), text);
  t.is(qrText(text, true).replaceAll(/\u001b\[[\d;]+m/g, ''), lines.join('\n'));
});

test('a sheet has the words, the code and what to do, and fetches nothing', (t) => {
  const sheet = shareSheet(text, 5);
  const words = wordTable(shareWords(share));
  t.deepEqual(readShare(words), share);
  t.true(sheet.includes(words));
  t.true(sheet.includes(text));
  t.regex(sheet, /share 2 of 5, set [\da-f]{8}/);
  t.regex(sheet, /What to do[\s\S]*What not to do/);
  t.notRegex(sheet, /<script|https?:(?!\/\/www\.w3\.org)|<img|<link/);
  const [svg = ''] = /<svg[\s\S]*<\/svg>/.exec(sheet) ?? [];
  const [, size = '0'] = /viewBox="0 0 (\d+) /.exec(svg) ?? [];
  t.true(Number(size) > 20, svg.slice(0, 300));
});
