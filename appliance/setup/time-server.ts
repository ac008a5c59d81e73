import { createSocket } from 'node:dgram';

/** Seconds from 1900, the beginning of NTP's time, to 1970. */
const ntpEpoch = 2_208_988_800;
const packetBytes = 48;
/** Version 4, mode 3: a client asks. */
const firstByte = 0x23;
const serverMode = 4;

/**
 * Asks a time server once and gives by how many seconds this clock is behind it: half the sum of
 * both ways' differences (RFC 5905, section 8). The answer is not authenticated: it is for a
 * person's eyes. `patience` in milliseconds; throws an error with a sentence.
 */
export function clockOffset(
  server: string,
  parts: { readonly now: () => number; readonly patience: number; readonly port?: number },
): Promise<number> {
  const { now, patience, port = 123 } = parts;
  return new Promise((resolve, reject) => {
    const socket = createSocket(server.includes(':') ? 'udp6' : 'udp4');
    const request = Buffer.alloc(packetBytes);
    request[0] = firstByte;
    const end = (act: () => void): void => {
      clearTimeout(timer);
      socket.close();
      act();
    };
    const fail = (why: string): void => {
      end(() => {
        reject(new Error(`the time server ${server} ${why}`));
      });
    };
    const timer = setTimeout(() => {
      fail('does not answer');
    }, patience);
    let sent = 0;
    socket.once('error', () => {
      fail('cannot be reached');
    });
    socket.once('message', (answer) => {
      const received = now();
      const mode = (answer[0] ?? 0) & 7;
      const stratum = answer[1] ?? 0;
      if (answer.length < packetBytes || mode !== serverMode) fail('does not speak NTP');
      else if (stratum === 0 || stratum > 15) fail('does not know the time itself');
      else {
        const [there, back] = [timeAt(answer, 32) - sent, timeAt(answer, 40) - received];
        end(() => {
          resolve((there + back) / 2);
        });
      }
    });
    sent = now();
    socket.send(request, port, server, (error) => {
      if (error !== null) fail('cannot be reached');
    });
  });
}

/** A time stamp of 32 bits of seconds and 32 of their fraction, as seconds since 1970. */
function timeAt(packet: Buffer, offset: number): number {
  const seconds = packet.readUInt32BE(offset) - ntpEpoch;
  return seconds + packet.readUInt32BE(offset + 4) / 2 ** 32;
}
