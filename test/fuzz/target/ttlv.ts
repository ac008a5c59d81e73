import { decode } from '../../../appliance/ttlv/decode.ts';
import { encode } from '../../../appliance/ttlv/encode.ts';
import { TtlvError } from '../../../appliance/ttlv/error.ts';
import { FrameReader } from '../../../appliance/ttlv/frame.ts';
import { Tag } from '../../../appliance/kmip/tag.ts';

/**
 * The TTLV decoder: every input is refused with a TtlvError or read, and what was read has one way
 * to be written. And the reader of frames: however a stream is cut, it gives the same frames.
 */
export function fuzz(data: Buffer): void {
  try {
    const again = encode(decode(data));
    if (!again.equals(data)) throw new Error('read, and written otherwise');
  } catch (error) {
    if (!(error instanceof TtlvError)) throw error;
  }
  const whole = framesOf(data, data.length);
  const cut = framesOf(data, 1 + ((data[data.length - 1] ?? 0) % 7));
  if (whole.join() !== cut.join()) throw new Error('cut otherwise, other frames');
}

function framesOf(data: Buffer, step: number): string[] {
  const reader = new FrameReader(Tag.RequestMessage, 1 << 20);
  const frames: string[] = [];
  try {
    for (let at = 0; at < data.length; at += step) {
      frames.push(...reader.push(data.subarray(at, at + step)).map((each) => each.toString('hex')));
    }
  } catch (error) {
    if (!(error instanceof TtlvError)) throw error;
    // What came before in the same chunk may be lost with the stream: the connection ends.
    return ['refused'];
  }
  return frames;
}
