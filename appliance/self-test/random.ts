import { randomBytes } from 'node:crypto';
import { KnownAnswerError } from './error.ts';

const sampleBytes = 1 << 14;
const blockBytes = 16;

/**
 * Looks whether the generator is stuck, repeats itself or leans to one side. A sound one fails
 * this less than once in 10^20 starts; one whose state somebody knows passes: what makes it sound
 * is the kernel's business (getrandom), which seeds it.
 */
export function generator(): void {
  const sample = randomBytes(sampleBytes);
  const blocks = new Set<string>();
  for (let at = 0; at < sampleBytes; at += blockBytes) {
    blocks.add(sample.toString('hex', at, at + blockBytes));
  }
  const again = randomBytes(blockBytes).toString('hex');
  if (blocks.size !== sampleBytes / blockBytes || blocks.has(again)) {
    throw new KnownAnswerError('random generator: repeats itself');
  }
  let ones = 0;
  for (const byte of sample) for (let bit = 0; bit < 8; bit++) ones += (byte >> bit) & 1;
  // Of n fair bits n/2 are ones, with a deviation of √n/2; ten of those never happen.
  const bits = sampleBytes * 8;
  if (Math.abs(ones - bits / 2) > 5 * Math.sqrt(bits)) {
    throw new KnownAnswerError('random generator: leans to one side');
  }
  if (new Set(sample).size !== 256)
    throw new KnownAnswerError('random generator: leaves values out');
}
