import { Frame } from '../bar.ts';
import type { Surroundings } from '../surroundings.ts';
import { Box, h, Text, useEffect, useInput, useState } from '../terminal.ts';
import type { ReactNode } from '../terminal.ts';
import { qrText } from '../../setup/qr.ts';
import { vcenterSteps } from '../../setup/vcenter-steps.ts';

/** What is left to do, in vCenter; and the fingerprint to compare there, to read and to scan. */
export function LastScreen(properties: {
  readonly surroundings: Surroundings;
  readonly onEnd: () => void;
  readonly width: number;
  readonly height: number;
}): ReactNode {
  const { surroundings, onEnd, width, height } = properties;
  const [found, setFound] = useState<{ endpoint: string; sha256: string }>();
  const [isCode, setCode] = useState(false);
  useEffect(() => {
    void surroundings.facts().then(({ status }) => {
      const { endpoint, fingerprints } = status ?? {};
      if (endpoint !== undefined && fingerprints !== undefined) {
        setFound({ endpoint, sha256: fingerprints.sha256 });
      }
    });
  }, [surroundings]);
  useInput((input, key) => {
    if (key.return) onEnd();
    if (input === 'q') setCode(!isCode);
  });
  const sha256 = found?.sha256 ?? '';
  const text = [
    '',
    '  This node is set up.',
    '',
    ...vcenterSteps(found === undefined ? [] : [found.endpoint]).map((line) => `  ${line}`),
    '',
    '  SHA-256',
    `    ${sha256.slice(0, 48)}`,
    `    ${sha256.slice(48)}`,
    '',
    '  Next: a second node. There, choose "second"; here, F2, "Invite a second node".',
  ];
  // In capitals and digits alone a code is small enough for 25 lines.
  const code = sha256 === '' ? [] : qrText(sha256.replaceAll(':', ''), false).split('\n');
  const lines = isCode ? code : text;
  return h(Frame, {
    ...{ width, height },
    title: 'Set-up: done',
    right: '',
    keys: ['<q> Fingerprint as QR code', '<Enter> End'],
    children: h(
      Box,
      { flexDirection: 'column' },
      lines.map((line, at) => h(Text, { key: at, wrap: 'truncate' }, line === '' ? ' ' : line)),
    ),
  });
}
