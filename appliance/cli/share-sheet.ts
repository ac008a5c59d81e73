import { readShare, shareWords } from '../keeper-client/share.ts';
import type { RecoveryShare } from '../keeper-client/share.ts';
import { qrSvg } from '../setup/qr.ts';

const wordsInRow = 4;

/** The words, numbered, four in a row: they are read as text is. */
export function wordTable(words: readonly string[]): string {
  const cells = words.map((word, i) => `${String(i + 1).padStart(2)} ${word}`.padEnd(12));
  const rows = Array.from({ length: Math.ceil(cells.length / wordsInRow) }, (_, row) =>
    cells.slice(row * wordsInRow, (row + 1) * wordsInRow),
  );
  return rows.map((row) => row.join(' ').trimEnd()).join('\n');
}

/** The share's name for people: which one of which set. */
export function shareTitle({ set, index }: RecoveryShare, count: number): string {
  return `share ${index} of ${count}, set ${set.toString('hex')}`;
}

/** A page to print for the one person who keeps this share; the text is letters and digits. */
export function shareSheet(text: string, count: number): string {
  const share = readShare(text);
  const title = `Twinlock recovery: ${shareTitle(share, count)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<style>
body { font: 11pt/1.4 sans-serif; max-width: 18cm; margin: 1cm auto; color: #000; background: #fff }
h1 { font-size: 15pt }
pre { font: 12pt/1.6 monospace; border: 1px solid #000; padding: 0.4cm }
.code { width: 6cm; float: right; margin-left: 0.5cm }
.code svg { width: 100%; height: auto }
.text { font: 10pt monospace }
</style>
</head>
<body>
<h1>${title}</h1>
<p>Any ${share.threshold} of the ${count} shares of this set, together with a copy of the
appliance's key slots or a backup, open every key of the cluster. Fewer open nothing.</p>
<div class="code">${qrSvg(text)}</div>
<p>Holder: ______________________________</p>
<p>Received on: _________________________</p>
<p>Cluster: _____________________________</p>
<h2>The share in words</h2>
<pre>${wordTable(shareWords(share))}</pre>
<p>The same, as the QR code holds it:<br><span class="text">${text}</span></p>
<h2>What to do</h2>
<ol>
<li>Keep this page where only you come to it, in a sealed envelope, away from the appliance and
from the other shares.</li>
<li>Say who keeps it if you leave, and tell the administrator when the page is lost or the
envelope was opened: a new set is made then, and this one opens nothing new.</li>
<li>When you are asked to prove it, or to recover, type the words or scan the code on the
appliance's own console. Capital letters do not matter; the first four letters of a word are
enough. A wrong word is named by its number.</li>
</ol>
<h2>What not to do</h2>
<ul>
<li>Do not photograph, copy, mail or store it in a file, a password manager or a chat.</li>
<li>Do not type it anywhere but at the appliance, and never read it out to anybody.</li>
<li>Do not keep two shares of a set in one place.</li>
</ul>
</body>
</html>
`;
}
